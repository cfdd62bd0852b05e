"""The OTA server alone: every standing with every message, and each rule for serving."""

import hashlib
import itertools

import pytest
from tests.han.a_home import (
    MAKE,
    NEW,
    NEW_VERSION,
    OLD_VERSION,
    PPMID,
    REQUEST,
    STRANGER,
    build,
    damaged,
)
from tests.han.a_node import ANode
from tests.han.test_ota_client import MAKER, MESSAGES

from hanota.han.effects import Record, SendWan
from hanota.han.hub import as_stored
from hanota.han.image_store import ImageStore
from hanota.han.ota_server import TRANSITIONS, OtaServer, ServerSettings, Standing
from hanota.han.targets import Targets
from hanota.limits import DAY_MS, HUB_IMAGE_SLOTS
from hanota.model import RequestID
from hanota.wire import ota
from hanota.wire.codes import ZclStatus
from hanota.wire.gbcs.ccs08 import TransferResult
from hanota.wire.wan import DeliverImage, FromDevice, StoreResult
from hanota.wire.zcl import DefaultResponse, Direction

SECOND = PPMID + 16
THIRD = PPMID + 32
NO_IMAGE = ZclStatus.NO_IMAGE_AVAILABLE


def sha256(image):
    return hashlib.sha256(image).digest()


class Server(ANode):
    """An OTA server that is asked by hand; `ended` is what it reported."""

    def __init__(self, settings=None, reads=as_stored, flash=None):
        super().__init__(flash)
        self.blobs = {}
        self.ended = []
        self.server = OtaServer(
            frozenset({PPMID, SECOND, THIRD}),
            Targets(self.flash.records),
            ImageStore(self.blobs.get, reads),
            self._report,
            settings or ServerSettings(),
        )

    def _report(self, target, result, _now_ms):
        self.ended.append((target.device_id, result))
        return {"alert": b"1"}, (SendWan(1, FromDevice(b"alert")),)

    def deliver(self, *devices, image=NEW, request=REQUEST):
        self.blobs[sha256(image)] = image
        envelope = DeliverImage(request, sha256(image), devices or (PPMID,))
        result, values = self.server.deliver(envelope, self.now_ms)
        self.flash.record(values)
        return result

    def hear(self, message, source=PPMID):
        return self.receive(self.server, source, message)

    def query(self, source=PPMID, version=OLD_VERSION, hardware=MAKE.hardware_version, maker=MAKER):
        (answer,) = self.hear(ota.QueryNextImageRequest(9, *maker, version, hardware), source)
        return answer

    def block(self, offset=0, octets=48, period_ms=50, source=PPMID, version=NEW_VERSION):
        return self.hear(
            ota.ImageBlockRequest(9, *MAKER, version, offset, octets, None, period_ms), source
        )

    def end(self, status=ZclStatus.SUCCESS, source=PPMID, version=NEW_VERSION):
        return self.hear(ota.UpgradeEndRequest(9, status, *MAKER, version), source)


def in_standing(standing):
    """A server for which PPMID has this standing, and how it is called there."""
    server = Server()
    match standing:
        case Standing.FOREIGN:
            server.deliver()
            return server, STRANGER
        case Standing.WAITING:
            server.deliver()
        case Standing.ENDED:
            server.deliver()
            server.end()
    assert server.server.standing(PPMID) is standing
    return server, PPMID


@pytest.mark.parametrize(
    ("standing", "kind"),
    list(itertools.product(Standing, MESSAGES)),
    ids=lambda value: value.name if isinstance(value, Standing) else value.__name__,
)
def test_every_standing_with_every_message(standing, kind):
    server, source = in_standing(standing)
    before = dict(server.flash.records)
    said = server.hear(MESSAGES[kind](9), source)
    if (standing, kind) in TRANSITIONS:
        assert server.server.standing(source) in TRANSITIONS[standing, kind]
        assert kind is DefaultResponse or said
        return
    assert server.flash.records == before
    assert server.server.standing(source) is standing
    expected = ZclStatus.UNSUP_CLUSTER_COMMAND
    if standing is Standing.FOREIGN:
        expected = ZclStatus.NOT_AUTHORIZED
    assert [answer.status for answer in said] == ([] if kind is DefaultResponse else [expected])


def test_a_foreign_node_is_not_authorised_by_the_response_of_its_request():
    server, stranger = in_standing(Standing.FOREIGN)
    answer = server.query(source=stranger)
    assert answer == ota.QueryNextImageRefused(9, ZclStatus.NOT_AUTHORIZED)


# Delivery


def test_an_image_is_stored_for_its_devices_alone():
    server = Server()
    assert server.deliver(PPMID, SECOND) is StoreResult.STORED
    assert server.query() == ota.QueryNextImageResponse(9, *MAKER, NEW_VERSION, len(NEW))
    assert server.query(source=SECOND).image_size_octets == len(NEW)
    assert server.query(source=THIRD) == ota.QueryNextImageRefused(9, NO_IMAGE)


def test_a_blob_that_is_not_what_was_named_is_refused():
    server = Server()
    for blob in (None, b"", damaged(NEW)):
        server.blobs[sha256(NEW)] = blob
        envelope = DeliverImage(REQUEST, sha256(NEW), (PPMID,))
        assert server.server.deliver(envelope, 0) == (StoreResult.DIGEST_MISMATCH, {})
    assert server.deliver(image=b"no OTA file") is StoreResult.DIGEST_MISMATCH
    assert server.query().status == NO_IMAGE


def test_a_repeated_delivery_changes_nothing():
    server = Server()
    server.deliver(PPMID, SECOND)
    server.end()
    server.now_ms += DAY_MS
    before = dict(server.flash.records)
    assert server.deliver(PPMID, SECOND) is StoreResult.STORED
    assert server.flash.records == before
    assert server.server.standing(PPMID) is Standing.ENDED


def test_a_repetition_that_power_cut_in_half_is_completed():
    server = Server()
    server.deliver(PPMID)
    assert server.deliver(PPMID, SECOND) is StoreResult.STORED
    assert server.query(source=SECOND).file_version == NEW_VERSION


def test_the_same_image_by_another_request_is_a_new_delivery():
    server = Server()
    server.deliver()
    server.end()
    server.deliver(request=RequestID(1, 2, 1001))
    assert server.server.standing(PPMID) is Standing.WAITING


def slots_of_images(count):
    return [build(NEW_VERSION + number, 200) for number in range(1, count + 1)]


def test_there_are_so_many_slots_and_no_more():
    devices = range(1, 10)
    server = Server()
    server.server._devices = frozenset(devices)
    *images, one_more = slots_of_images(HUB_IMAGE_SLOTS + 1)
    for device, image in zip(devices, images, strict=False):
        assert server.deliver(device, image=image) is StoreResult.STORED
    assert server.deliver(8, image=images[0]) is StoreResult.STORED
    before = dict(server.flash.records)
    assert server.deliver(9, image=one_more) is StoreResult.NO_SPACE
    assert server.flash.records == before
    # A device that gets another image frees the slot of the one before, if nobody else waits.
    assert server.deliver(4, image=one_more, request=RequestID(1, 2, 9)) is StoreResult.STORED
    assert server.deliver(9, image=images[3]) is StoreResult.NO_SPACE
    # So does one that ends.
    server.end(source=4, version=NEW_VERSION + HUB_IMAGE_SLOTS + 1)
    assert server.deliver(9, image=images[3]) is StoreResult.STORED


def test_a_newer_image_takes_the_place_of_one_under_way():
    server = Server()
    server.deliver()
    assert server.block()[0].data == NEW[:48]
    newer = build(NEW_VERSION + 1)
    server.deliver(image=newer, request=RequestID(1, 2, 1001))
    abort, notify = server.block(48)
    assert abort == ota.ImageBlockRefused(9, ZclStatus.ABORT)
    assert isinstance(notify, ota.ImageNotify)
    assert server.query().file_version == NEW_VERSION + 1
    assert server.block(version=NEW_VERSION + 1)[0].data == newer[:48]
    assert server.ended == []


def test_all_is_as_it_was_after_a_power_cut():
    first = Server()
    first.deliver(PPMID, SECOND)
    first.end()
    server = Server(flash=first.flash)
    server.blobs.update(first.blobs)
    assert [server.server.standing(node) for node in (PPMID, SECOND, THIRD)] == [
        Standing.ENDED,
        Standing.WAITING,
        Standing.WITHOUT_IMAGE,
    ]
    assert server.block(480, source=SECOND)[0].data == NEW[480:528]


def test_an_image_that_the_store_has_lost_is_not_offered():
    server = Server(reads=lambda _octets: b"")
    server.deliver()
    assert server.query().status == NO_IMAGE
    assert server.block()[0].status == ZclStatus.ABORT


# Query


@pytest.mark.parametrize("hardware", [0x1111, 0x1150, 0x1211, None])
def test_hardware_in_range_gets_the_image(hardware):
    server = Server()
    server.deliver()
    assert server.query(hardware=hardware).file_version == NEW_VERSION


@pytest.mark.parametrize("hardware", [0x0000, 0x1110, 0x1212, 0xFFFF])
def test_other_hardware_ends_the_transfer(hardware):
    server = Server()
    server.deliver()
    assert server.query(hardware=hardware).status == NO_IMAGE
    assert server.ended == [(PPMID, TransferResult.HARDWARE_MISMATCH)]
    assert server.query(hardware=hardware).status == NO_IMAGE
    assert len(server.ended) == 1


def test_a_device_that_runs_the_version_already_ends_the_transfer():
    server = Server()
    server.deliver()
    assert server.query(version=NEW_VERSION).status == NO_IMAGE
    assert server.ended == [(PPMID, TransferResult.TRANSFER_FAILURE)]


@pytest.mark.parametrize(
    "maker", [(0x9999, MAKE.image_type), (MAKE.manufacturer_code, 0x0000), (0xFFFF, 0xFFFF)]
)
def test_a_query_for_another_kind_of_image_gets_none_and_ends_nothing(maker):
    server = Server()
    server.deliver()
    assert server.query(maker=maker).status == NO_IMAGE
    assert server.server.standing(PPMID) is Standing.WAITING


def test_a_device_without_space_ends_the_transfer():
    server = Server()
    server.deliver()
    for command_id, status in ((2, ZclStatus.INVALID_FIELD), (5, ZclStatus.INSUFFICIENT_SPACE)):
        server.hear(DefaultResponse(9, command_id, status, Direction.TO_SERVER))
        assert server.ended == []
    server.hear(DefaultResponse(9, 2, ZclStatus.INSUFFICIENT_SPACE, Direction.TO_SERVER))
    assert server.ended == [(PPMID, TransferResult.TRANSFER_FAILURE)]


# Blocks


@pytest.mark.parametrize(
    ("offset", "octets", "gives"),
    [(0, 48, 48), (1, 48, 48), (4_095, 48, 1), (4_080, 48, 16), (0, 255, 48), (7, 13, 13)],
)
def test_any_part_of_the_image_is_served_without_a_session(offset, octets, gives):
    server = Server()
    server.deliver()
    (answer,) = server.block(offset, octets)
    assert answer == ota.ImageBlockResponse(
        9, *MAKER, NEW_VERSION, offset, NEW[offset : offset + gives]
    )


@pytest.mark.parametrize(("offset", "octets"), [(4_096, 48), (0xFFFFFFFF, 48), (0, 0)])
def test_a_block_beyond_the_image_or_of_nothing_is_malformed(offset, octets):
    server = Server()
    server.deliver()
    assert server.block(offset, octets)[0].status == ZclStatus.MALFORMED_COMMAND


def test_a_client_is_told_the_pace_once_and_again_when_it_forgets_it():
    server = Server()
    server.deliver()
    wait = ota.ImageBlockWait(9, 0, 0, 50)
    assert server.block(period_ms=0) == [wait]
    assert server.block(period_ms=0)[0].data, "a client that keeps its own pace is served"
    assert server.block(period_ms=50)[0].data
    assert server.block(period_ms=0) == [wait], "power was cut: it has forgotten"
    assert server.block(period_ms=50)[0].data
    assert server.block(period_ms=None)[0].data, "a client without the attribute"


def test_so_many_transfers_at_a_time():
    server = Server(ServerSettings(transfers_max=2))
    server.deliver(PPMID, SECOND, THIRD)
    busy = [ota.ImageBlockWait(9, 0, 60, 50)]
    assert server.block()[0].data
    assert server.block(source=SECOND)[0].data
    assert server.block(source=THIRD) == busy
    assert server.block(48)[0].data
    server.end()
    assert server.block(source=THIRD)[0].data


def test_a_transfer_that_goes_on_keeps_its_place():
    server = Server(ServerSettings(transfers_max=1))
    server.deliver(PPMID, SECOND)
    for block in range(10):
        assert server.block(48 * block)[0].data
        server.now_ms += 60_000
    assert isinstance(server.block(source=SECOND)[0], ota.ImageBlockWait)


def test_a_transfer_that_has_fallen_silent_makes_room():
    server = Server(ServerSettings(transfers_max=1))
    server.deliver(PPMID, SECOND)
    server.block()
    server.now_ms += 89_999
    assert isinstance(server.block(source=SECOND)[0], ota.ImageBlockWait)
    server.now_ms += 1
    assert server.block(source=SECOND)[0].data
    assert isinstance(server.block(48)[0], ota.ImageBlockWait)


# Notify


def test_those_who_wait_are_notified_unless_they_fetch_already():
    server = Server()
    server.deliver(PPMID, SECOND, THIRD)
    server.end(source=THIRD)
    server.block()
    server.do(server.server.notify(server.now_ms))
    assert [to for to, message in server.said if isinstance(message, ota.ImageNotify)] == [SECOND]
    server.now_ms += 90_000
    server.said.clear()
    server.do(server.server.notify(server.now_ms))
    assert [to for to, _ in server.said] == [PPMID, SECOND]


# The end


def test_success_is_recorded_with_its_report_and_answered_with_now():
    server = Server()
    server.deliver()
    request = ota.UpgradeEndRequest(9, ZclStatus.SUCCESS, *MAKER, NEW_VERSION)
    record, report, answer = server.server.receive(PPMID, request, 0)
    assert isinstance(record, Record)
    assert record.values["alert"] == b"1"
    assert len(record.values) == 2
    assert isinstance(report, SendWan)
    assert answer.message == ota.UpgradeEndResponse(9, *MAKER, NEW_VERSION, 0, 0)


def test_a_repeated_end_is_answered_and_not_reported_again():
    server = Server()
    server.deliver()
    answers = [server.end() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert server.ended == [(PPMID, TransferResult.SUCCESS)]


def test_an_invalid_image_is_reported_once_and_gets_no_upgrade():
    server = Server()
    server.deliver()
    for _ in range(2):
        (answer,) = server.end(ZclStatus.INVALID_IMAGE)
        assert (type(answer), answer.status) == (DefaultResponse, ZclStatus.SUCCESS)
    assert server.ended == [(PPMID, TransferResult.IMAGE_DISCARDED)]
    (answer,) = server.end(ZclStatus.SUCCESS)
    assert (type(answer), answer.status) == (DefaultResponse, NO_IMAGE)


@pytest.mark.parametrize(
    "status", [ZclStatus.ABORT, ZclStatus.REQUIRE_MORE_IMAGE, ZclStatus.FAILURE, 0x42]
)
def test_any_other_status_ends_nothing(status):
    server = Server()
    server.deliver()
    server.block()
    (answer,) = server.end(status)
    assert (type(answer), answer.status) == (DefaultResponse, ZclStatus.SUCCESS)
    assert server.ended == []
    assert server.query().file_version == NEW_VERSION


def test_the_end_of_another_image_is_no_end_of_this_one():
    server = Server()
    server.deliver()
    (answer,) = server.end(version=OLD_VERSION)
    assert (type(answer), answer.status) == (DefaultResponse, NO_IMAGE)
    (answer,) = server.end(ZclStatus.INVALID_IMAGE, version=OLD_VERSION)
    assert answer.status == ZclStatus.SUCCESS
    assert server.ended == []


def test_the_hub_gives_up_when_it_has_waited_long_enough():
    server = Server()
    assert server.server.give_up_at_ms() is None
    server.deliver(PPMID)
    server.now_ms = DAY_MS
    server.deliver(SECOND, request=RequestID(1, 2, 1001))
    assert server.server.give_up_at_ms() == 7 * DAY_MS
    server.do(server.server.give_up(7 * DAY_MS - 1))
    assert server.ended == []
    server.do(server.server.give_up(7 * DAY_MS))
    assert server.ended == [(PPMID, TransferResult.TRANSFER_FAILURE)]
    assert server.server.give_up_at_ms() == 8 * DAY_MS
    assert server.query().status == NO_IMAGE


def test_giving_up_ends_a_transfer_under_way():
    server = Server(ServerSettings(transfers_max=1))
    server.deliver(PPMID)
    server.now_ms = 7 * DAY_MS
    server.block()
    server.do(server.server.give_up(server.now_ms))
    assert server.block(48)[0].status == ZclStatus.ABORT
    server.deliver(SECOND, request=RequestID(1, 2, 1001))
    assert server.block(source=SECOND)[0].data


def test_the_store_lets_go_of_an_image_that_nobody_waits_for():
    read = []
    server = Server(reads=lambda octets: read.append(1) or octets)
    for counter in range(3):
        server.deliver(request=RequestID(1, 2, counter))
        server.query()
        server.query()
        server.end()
    assert len(read) == 3


def test_a_span_needs_a_transfer():
    server = Server()
    server.deliver()
    assert server.server.span(PPMID, 0, 5) == (b"", 5)
    server.block()
    assert server.server.span(PPMID, 48, 5) == (NEW[48:], 5 + 85 * 50)
