"""The OTA client alone: every state with every message, and each rule of ZCL8 chapter 11."""

import itertools

import pytest
from tests.han.a_home import (
    HUB,
    MAKE,
    NEW,
    NEW_VERSION,
    OLD,
    OLD_VERSION,
    STRANGER,
    build,
    release,
    verify,
)
from tests.han.a_node import ANode

from hanota.han.effects import Record, Restart
from hanota.han.flash import Flash
from hanota.han.ota_client import (
    ANSWER,
    NEXT,
    QUERY,
    TRANSITIONS,
    ClientSettings,
    OtaClient,
    State,
)
from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.wire import ota, zcl
from hanota.wire.codes import ZclStatus
from hanota.wire.ota import ImageUpgradeStatus, UpgradeTimeoutPolicy
from hanota.wire.zcl import DefaultResponse, Direction

MAKER = (MAKE.manufacturer_code, MAKE.image_type)
NEW_OCTETS = len(NEW)
TIMEOUT_MS = 3_000
PAUSE_MS = 2_000
HOLD = 0xFFFFFFFF


class Client(ANode):
    """An OTA client that is asked and answered by hand."""

    def __init__(self, settings=None, flash=None, running_version=OLD_VERSION):
        super().__init__(flash or Flash(slots=(OLD, b"")))
        self.activated = []
        self.client = OtaClient(
            server=HUB,
            make=MAKE,
            running_version=running_version,
            slot=1,
            flash=self.flash,
            verify=verify,
            upgrade=self._upgrade,
            settings=settings or ClientSettings(),
        )
        self.said_first = self.do(self.client.power_on(0))

    def _upgrade(self, slot, version):
        assert version == NEW_VERSION
        self.activated.append(slot)
        return (Record({"activated": b"1"}), Restart())

    @property
    def state(self):
        return self.client.state

    @property
    def last(self):
        return self.said[-1][1]

    def hear(self, message, source=HUB):
        return self.receive(self.client, source, message)

    def until(self, token):
        return self.wait(self.client, token)

    # Into the states

    def query(self):
        self.until(QUERY)
        return self

    def offer(self, version=NEW_VERSION, octets=NEW_OCTETS):
        return self.hear(ota.QueryNextImageResponse(self.last.tsn, *MAKER, version, octets))

    def block(self, image=NEW, octets=48):
        """Answer the Image Block Request that was asked last, and go on to the next."""
        request = self.last
        data = image[request.file_offset : request.file_offset + octets]
        said = self.hear(
            ota.ImageBlockResponse(
                request.tsn, *MAKER, request.file_version, request.file_offset, data
            )
        )
        if NEXT in self.wakes:
            said, _ = self.until(NEXT)
        return said

    def download(self, image=NEW):
        self.query().offer(octets=len(image))
        while self.state is State.DOWNLOADING:
            self.block(image)
        return self


def corrupted():
    return NEW[:-1] + bytes((NEW[-1] ^ 1,))


def in_state(state):
    """A client that has come to this state by its own steps."""
    client = Client()
    match state:
        case State.QUERYING:
            client.query()
        case State.DOWNLOADING:
            client.query().offer()
        case State.VERIFYING:
            client = Client(
                flash=Flash(slots=(OLD, NEW), records=client_records(NEW_VERSION, len(NEW)))
            )
        case State.DISCARDING:
            client.download(corrupted())
        case State.WAITING_TO_UPGRADE:
            client.download()
        case State.COUNT_DOWN:
            client.download().hear(
                ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, 60)
            )
    assert client.state is state
    return client


def client_records(version, octets):
    client = Client()
    client.query().offer(version, octets)
    return dict(client.flash.records)


# One of each message, as it might come at any time; `tsn` is that of the last request.
MESSAGES = {
    ota.ImageNotify: lambda tsn: ota.ImageNotify(tsn, 100),
    ota.QueryNextImageRequest: lambda tsn: ota.QueryNextImageRequest(tsn, *MAKER, 1),
    ota.QueryNextImageResponse: lambda tsn: ota.QueryNextImageResponse(
        tsn, *MAKER, NEW_VERSION, len(NEW)
    ),
    ota.QueryNextImageRefused: lambda tsn: ota.QueryNextImageRefused(
        tsn, ZclStatus.NO_IMAGE_AVAILABLE
    ),
    ota.ImageBlockRequest: lambda tsn: ota.ImageBlockRequest(tsn, *MAKER, 1, 0, 48),
    ota.ImagePageRequest: lambda tsn: ota.ImagePageRequest(tsn, *MAKER, 1, 0, 48, 480, 10),
    ota.ImageBlockResponse: lambda tsn: ota.ImageBlockResponse(
        tsn, *MAKER, NEW_VERSION, 0, NEW[:48]
    ),
    ota.ImageBlockWait: lambda tsn: ota.ImageBlockWait(tsn, 0, 60, 50),
    ota.ImageBlockRefused: lambda tsn: ota.ImageBlockRefused(tsn, ZclStatus.ABORT),
    ota.UpgradeEndRequest: lambda tsn: ota.UpgradeEndRequest(tsn, 0, *MAKER, NEW_VERSION),
    ota.UpgradeEndResponse: lambda tsn: ota.UpgradeEndResponse(tsn, *MAKER, NEW_VERSION, 0, 60),
    ota.QueryDeviceSpecificFileRequest: lambda tsn: ota.QueryDeviceSpecificFileRequest(
        tsn, HUB, *MAKER, 1, 2
    ),
    ota.QueryDeviceSpecificFileResponse: lambda tsn: ota.QueryDeviceSpecificFileResponse(
        tsn, *MAKER, 1, 100
    ),
    ota.QueryDeviceSpecificFileRefused: lambda tsn: ota.QueryDeviceSpecificFileRefused(
        tsn, ZclStatus.NO_IMAGE_AVAILABLE
    ),
    DefaultResponse: lambda tsn: DefaultResponse(tsn, 3, ZclStatus.FAILURE, Direction.TO_CLIENT),
}
FOR_SERVERS = {
    ota.QueryNextImageRequest,
    ota.ImageBlockRequest,
    ota.ImagePageRequest,
    ota.UpgradeEndRequest,
    ota.QueryDeviceSpecificFileRequest,
}


def tsn_of(client):
    return client.last.tsn if client.said else 0


@pytest.mark.parametrize(
    ("state", "kind"),
    list(itertools.product(State, MESSAGES)),
    ids=lambda value: value.name if isinstance(value, State) else value.__name__,
)
def test_every_state_with_every_message(state, kind):
    client = in_state(state)
    said = client.hear(MESSAGES[kind](tsn_of(client)))
    if (state, kind) in TRANSITIONS:
        assert client.state in TRANSITIONS[state, kind]
        return
    assert client.state is state
    if kind in FOR_SERVERS:
        assert [answer.status for answer in said] == [ZclStatus.UNSUP_CLUSTER_COMMAND]
    else:
        assert said == []


@pytest.mark.parametrize(
    ("state", "kind"),
    list(itertools.product(State, MESSAGES)),
    ids=lambda value: value.name if isinstance(value, State) else value.__name__,
)
def test_every_state_with_every_message_of_a_stranger(state, kind):
    client = in_state(state)
    before = dict(client.flash.records), client.flash.content(1)
    tsn = tsn_of(client)
    said = client.hear(MESSAGES[kind](tsn), STRANGER)
    assert (dict(client.flash.records), client.flash.content(1)) == before
    if kind is ota.ImageNotify:
        assert all(to == HUB for to, _ in client.said)
    elif kind is DefaultResponse:
        assert (said, client.state) == ([], state)
    else:
        assert [answer.status for answer in said] == [ZclStatus.NOT_AUTHORIZED]
        assert client.state is state


def test_the_transitions_name_every_state_but_the_one_that_only_wakes_leave():
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.VERIFYING}


@pytest.mark.parametrize("token", [QUERY, NEXT, ANSWER])
@pytest.mark.parametrize("state", State)
def test_every_state_with_every_wake(state, token):
    client = in_state(state)
    client.do(client.client.wake(token, client.now_ms))
    client.do(client.client.wake(token, client.now_ms + DAY_MS))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.NORMAL, ImageUpgradeStatus.NORMAL),
        (State.DOWNLOADING, ImageUpgradeStatus.DOWNLOADING),
        (State.VERIFYING, ImageUpgradeStatus.DOWNLOAD_COMPLETE),
        (State.WAITING_TO_UPGRADE, ImageUpgradeStatus.WAITING_TO_UPGRADE),
        (State.COUNT_DOWN, ImageUpgradeStatus.COUNT_DOWN),
    ],
)
def test_the_attribute_says_how_far_it_is(state, status):
    assert in_state(state).client.status is status


# Query


def test_a_query_names_the_device_and_its_hardware():
    client = Client().query()
    assert client.last == ota.QueryNextImageRequest(1, *MAKER, OLD_VERSION, MAKE.hardware_version)
    assert client.said[-1][0] == HUB


def test_a_client_queries_once_a_day_and_after_the_delay_it_was_given():
    client = Client(ClientSettings(first_query_ms=77_000))
    assert client.said_first == []
    _, took_ms = client.until(QUERY)
    assert took_ms == 77_000
    client.hear(ota.QueryNextImageRefused(client.last.tsn, ZclStatus.NO_IMAGE_AVAILABLE))
    said, took_ms = client.until(QUERY)
    assert took_ms == 24 * HOUR_MS
    assert len(said) == 1


@pytest.mark.parametrize(
    "fields", [(), (0x9999,), (0x9999, 0x9999), (*MAKER, OLD_VERSION), (*MAKER, NEW_VERSION)]
)
@pytest.mark.parametrize("source", [HUB, STRANGER])
def test_a_unicast_notify_always_queries(fields, source):
    client = Client()
    (said,) = client.hear(ota.ImageNotify(1, 1, *fields), source)
    assert isinstance(said, ota.QueryNextImageRequest)


def test_an_unanswered_query_is_repeated_ten_times():
    client = Client().query()
    for _ in range(9):
        _, timeout_ms = client.until(ANSWER)
        (said,), pause_ms = client.until(NEXT)
        assert (timeout_ms, pause_ms) == (TIMEOUT_MS, PAUSE_MS)
        assert isinstance(said, ota.QueryNextImageRequest)
    assert client.until(ANSWER)[0] == []
    assert client.state is State.NORMAL
    assert list(client.wakes) == [QUERY]


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        ((0x9999, MAKE.image_type, NEW_VERSION, 4_096), ZclStatus.INVALID_FIELD),
        ((MAKE.manufacturer_code, 0x9999, NEW_VERSION, 4_096), ZclStatus.INVALID_FIELD),
        ((*MAKER, NEW_VERSION, 0), ZclStatus.INSUFFICIENT_SPACE),
        ((*MAKER, NEW_VERSION, 5_001), ZclStatus.INSUFFICIENT_SPACE),
        ((*MAKER, OLD_VERSION, 4_096), None),
    ],
)
def test_offers_that_are_no_good(offer, status):
    client = Client(flash=Flash(slots=(OLD, b""), slot_octets=5_000)).query()
    said = client.hear(ota.QueryNextImageResponse(client.last.tsn, *offer))
    assert [answer.status for answer in said] == ([] if status is None else [status])
    assert client.state is State.NORMAL
    assert client.flash.records == {}


def test_a_lower_version_is_taken_unless_the_maker_forbids_it():
    assert isinstance(Client().query().offer(OLD_VERSION - 1)[0], ota.ImageBlockRequest)
    client = Client(ClientSettings(refuses_downgrade=True)).query()
    (said,) = client.offer(OLD_VERSION - 1)
    assert (said.status, said.file_version) == (ZclStatus.INVALID_IMAGE, OLD_VERSION - 1)


# Blocks


def test_a_block_request_asks_for_48_octets_and_states_its_pace():
    client = Client().query()
    (said,) = client.offer()
    assert said == ota.ImageBlockRequest(2, *MAKER, NEW_VERSION, 0, 48, None, 0)


def test_a_download_ends_with_the_image_in_flash():
    client = Client().download()
    assert client.flash.content(1) == NEW
    assert client.client.progress == (len(NEW), len(NEW))


@pytest.mark.parametrize("octets", [1, 17, 48])
def test_a_server_may_give_less_than_was_asked_for(octets):
    client = Client().query()
    client.offer()
    client.block(octets=octets)
    assert client.last.file_offset == octets


@pytest.mark.parametrize(
    "block",
    [
        (*MAKER, NEW_VERSION, 0, NEW[:48]),
        (*MAKER, NEW_VERSION, 96, NEW[96:144]),
        (*MAKER, NEW_VERSION + 1, 48, NEW[48:96]),
    ],
)
def test_a_block_that_was_not_asked_for_is_ignored(block):
    client = Client().query()
    client.offer()
    client.block()
    assert client.hear(ota.ImageBlockResponse(client.last.tsn, *block)) == []
    assert client.flash.written(1) == 48
    (said,), _ = client.until(ANSWER)[0] or client.until(NEXT)
    assert said.file_offset == 48


@pytest.mark.parametrize("data", [b"", NEW[48:97], bytes(255)])
def test_a_block_larger_than_asked_for_or_empty_is_rejected(data):
    client = Client().query()
    client.offer()
    client.block()
    (said,) = client.hear(ota.ImageBlockResponse(client.last.tsn, *MAKER, NEW_VERSION, 48, data))
    assert said.status == ZclStatus.MALFORMED_COMMAND
    assert client.flash.written(1) == 48


def test_a_block_beyond_the_end_is_rejected():
    client = Client().query()
    client.offer(octets=100)
    client.block()
    client.block()
    (said,) = client.hear(
        ota.ImageBlockResponse(client.last.tsn, *MAKER, NEW_VERSION, 96, bytes(5))
    )
    assert said.status == ZclStatus.MALFORMED_COMMAND


def test_the_tries_of_a_block_are_counted_anew_after_a_good_one():
    client = Client().query()
    client.offer()
    for _ in range(3):
        for _ in range(9):
            client.until(ANSWER)
            client.until(NEXT)
        client.block()
    assert client.state is State.DOWNLOADING
    assert client.flash.written(1) == 3 * 48


def test_an_abandoned_download_goes_on_with_the_next_query():
    client = Client().query()
    client.offer()
    client.block()
    client.block()
    while client.state is State.DOWNLOADING:
        client.wait(client.client, NEXT if NEXT in client.wakes else ANSWER)
    assert [type(message) for _, message in client.said].count(ota.ImageBlockRequest) == 12
    client.query()
    (said,) = client.offer()
    assert said.file_offset == 96


@pytest.mark.parametrize(
    "refusal",
    [
        ota.ImageBlockRefused(0, ZclStatus.ABORT),
        ota.ImageBlockRefused(0, ZclStatus.NO_IMAGE_AVAILABLE),
        DefaultResponse(2, 3, ZclStatus.NOT_AUTHORIZED, Direction.TO_CLIENT),
    ],
)
def test_a_refused_block_ends_the_download_until_the_next_query(refusal):
    client = in_state(State.DOWNLOADING)
    assert client.hear(refusal) == []
    assert client.state is State.NORMAL
    assert client.until(ANSWER)[0] == []


def test_one_watchdog_watches_over_a_whole_download():
    client = Client().query()
    client.offer()
    wakes = [client.wakes[ANSWER]]
    while client.state is State.DOWNLOADING:
        client.now_ms += 10
        client.block()
        if client.wakes[ANSWER] != wakes[-1]:
            wakes.append(client.wakes[ANSWER])
    # The second is that of the Upgrade End Request, which has more patience.
    assert len(wakes) == 1


# WAIT_FOR_DATA


@pytest.mark.parametrize(
    ("current_s", "request_s", "period_ms", "waits_ms"),
    [
        (0, 0, 50, 50),
        (0, 0, None, 0),
        (0, 60, 50, 60_000),
        (0, 60, None, 60_000),
        (0, 7_200, 50, HOUR_MS),
        (800_000_000, 800_000_090, 50, 90_000),
        (800_000_000, 800_000_000, 50, 50),
        (800_000_000, 900_000_000, 50, HOUR_MS),
        (800_000_000, 799_999_999, 50, 5 * MINUTE_MS),
        (0, 0, 65_535, 65_535),
    ],
)
def test_wait_for_data(current_s, request_s, period_ms, waits_ms):
    client = Client().query()
    client.offer()
    assert client.hear(ota.ImageBlockWait(2, current_s, request_s, period_ms)) == []
    (said,), took_ms = client.until(NEXT)
    assert took_ms == waits_ms
    assert (said.file_offset, said.minimum_block_period_ms) == (0, period_ms or 0)


def test_the_pace_that_was_set_holds_for_every_further_block():
    client = Client().query()
    client.offer()
    client.hear(ota.ImageBlockWait(2, 0, 0, 250))
    client.until(NEXT)
    for delay_ms in (5, 100, 249, 250, 400):
        asked_ms = client.now_ms
        client.now_ms += delay_ms
        client.block()
        assert client.now_ms - asked_ms == max(250, delay_ms)


def test_waiting_does_not_use_up_the_tries():
    client = Client().query()
    client.offer()
    for _ in range(30):
        client.hear(ota.ImageBlockWait(client.last.tsn, 0, 10, None))
        client.until(NEXT)
    assert client.state is State.DOWNLOADING


# Going on


def after_power_cut(client, **settings):
    return Client(flash=client.flash, **settings)


@pytest.mark.parametrize("written", [0, 1, 30, 59, 60, 96, 4_000, 4_095])
def test_a_download_goes_on_where_power_was_cut(written):
    first = Client()
    first.query().offer()
    if written:
        first.flash.write(1, 0, NEW[:written])
    client = after_power_cut(first).query()
    (said,) = client.offer()
    # Less than a header cannot be told from another image: it is fetched again.
    assert said.file_offset == (written if written >= 60 else 0)
    while client.state is State.DOWNLOADING:
        client.block()
    assert client.flash.content(1) == NEW


@pytest.mark.parametrize(
    "offer", [(NEW_VERSION + 1, len(NEW)), (NEW_VERSION, len(NEW) + 1), (NEW_VERSION, 500)]
)
def test_another_image_starts_anew(offer):
    first = Client()
    first.query().offer()
    first.flash.write(1, 0, NEW[:960])
    client = after_power_cut(first).query()
    (said,) = client.offer(*offer)
    assert said.file_offset == 0
    assert client.flash.written(1) == 0


def test_a_slot_whose_header_is_another_images_is_not_gone_on_with():
    first = Client()
    first.query().offer()
    for octets in (build(NEW_VERSION + 1)[:960], bytes(960)):
        first.flash.erase(1)
        first.flash.write(1, 0, octets)
        client = after_power_cut(first).query()
        assert client.offer()[0].file_offset == 0
        first = client


def test_a_whole_image_is_verified_anew_after_a_power_cut():
    client = after_power_cut(Client().download())
    assert client.state is State.VERIFYING
    (said,), took_ms = client.until(NEXT)
    assert (type(said), said.status, took_ms) == (ota.UpgradeEndRequest, ZclStatus.SUCCESS, 0)


def test_a_whole_image_that_is_offered_again_is_not_fetched_again():
    client = Client().download()
    client.hear(
        DefaultResponse(client.last.tsn, 6, ZclStatus.NO_IMAGE_AVAILABLE, Direction.TO_CLIENT)
    )
    assert client.state is State.NORMAL
    client.query().offer()
    assert client.state is State.VERIFYING


def test_what_is_downloaded_and_runs_already_is_let_be():
    client = after_power_cut(Client().download(), running_version=NEW_VERSION)
    assert client.state is State.NORMAL
    assert list(client.wakes) == [QUERY]


# The end


@pytest.mark.parametrize(
    "image",
    [
        corrupted(),
        build(NEW_VERSION + 1),
        release(build(NEW_VERSION + 2)),  # sound, but not the version that was offered
        build(NEW_VERSION, 4_096, (0x2222, 0x3333)),
        bytes(4_096),
    ],
)
def test_an_image_that_is_not_sound_is_discarded(image):
    client = Client().download(image)
    assert client.state is State.DISCARDING
    assert (client.last.status, client.last.file_version) == (ZclStatus.INVALID_IMAGE, NEW_VERSION)
    client.hear(DefaultResponse(client.last.tsn, 6, ZclStatus.SUCCESS, Direction.TO_CLIENT))
    assert client.state is State.NORMAL
    assert (client.flash.written(1), client.flash.records) == (0, {})
    assert client.activated == []


@pytest.mark.parametrize("state", [State.DISCARDING, State.WAITING_TO_UPGRADE])
def test_an_unanswered_end_is_repeated_every_ten_minutes_ten_times(state):
    client = in_state(state)
    client.wakes.pop(QUERY)
    repeated = 0
    while ANSWER in client.wakes or NEXT in client.wakes:
        said, _ = client.wait(client.client, NEXT if NEXT in client.wakes else ANSWER)
        repeated += len(said)
    assert repeated == 9
    assert client.now_ms >= 100 * MINUTE_MS
    if state is State.DISCARDING:
        assert (client.state, client.flash.written(1)) == (State.NORMAL, 0)
    else:
        assert (client.state, client.flash.content(1)) == (State.WAITING_TO_UPGRADE, NEW)
    assert client.activated == []


def test_a_kept_image_is_asked_about_again_with_the_next_query_or_notify():
    client = in_state(State.WAITING_TO_UPGRADE)
    (said,) = client.hear(ota.ImageNotify(1, 100))
    assert isinstance(said, ota.UpgradeEndRequest)
    client.wakes[QUERY] = DAY_MS
    (said,), _ = client.until(QUERY)
    assert isinstance(said, ota.UpgradeEndRequest)


def test_the_timeout_policy_may_apply_the_image():
    policy = UpgradeTimeoutPolicy.APPLY_AFTER_TIMEOUT
    client = Client(ClientSettings(upgrade_timeout_policy=policy)).download()
    client.wakes.pop(QUERY)
    while not client.activated:
        client.wait(client.client, NEXT if NEXT in client.wakes else ANSWER)
    assert client.now_ms >= 100 * MINUTE_MS
    assert client.restarts == 1


@pytest.mark.parametrize(
    ("current_s", "upgrade_s", "waits_ms"),
    [
        (0, 0, 0),
        (0, 90, 90_000),
        (800_000_000, 800_000_000, 0),
        (800_000_000, 800_000_090, 90_000),
        (800_000_000, 799_000_000, HOUR_MS),
        (0, 3_600, HOUR_MS),
    ],
)
def test_the_time_to_upgrade(current_s, upgrade_s, waits_ms):
    client = in_state(State.WAITING_TO_UPGRADE)
    client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, current_s, upgrade_s))
    assert client.activated == []
    _, took_ms = client.until(NEXT)
    assert took_ms == waits_ms
    assert client.activated == [1]
    assert client.flash.records["activated"] == b"1"


@pytest.mark.parametrize("upgrade_s", [3_601, 10_000_000, HOLD])
def test_a_long_wait_is_asked_about_every_hour(upgrade_s):
    client = in_state(State.WAITING_TO_UPGRADE)
    for _ in range(30):
        client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, upgrade_s))
        (said,), took_ms = client.until(NEXT)
        assert (type(said), took_ms) == (ota.UpgradeEndRequest, HOUR_MS)
    client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, 0))
    client.until(NEXT)
    assert client.activated == [1]


def test_a_held_upgrade_is_released_by_a_response_that_nobody_asked_for():
    client = in_state(State.WAITING_TO_UPGRADE)
    client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, HOLD))
    client.now_ms += 10_000
    client.hear(ota.UpgradeEndResponse(200, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0, 0))
    client.until(NEXT)
    assert client.activated == [1]


@pytest.mark.parametrize(
    "named",
    [
        (0x9999, MAKE.image_type, NEW_VERSION),
        (MAKE.manufacturer_code, 0x9999, NEW_VERSION),
        (*MAKER, OLD_VERSION),
    ],
)
def test_a_response_for_another_image_is_ignored(named):
    client = in_state(State.WAITING_TO_UPGRADE)
    assert client.hear(ota.UpgradeEndResponse(client.last.tsn, *named, 0, 0)) == []
    assert client.state is State.WAITING_TO_UPGRADE


def test_a_default_response_to_another_request_is_ignored():
    for state in (State.QUERYING, State.DOWNLOADING, State.DISCARDING, State.WAITING_TO_UPGRADE):
        client = in_state(state)
        other = (client.last.tsn + 7) & 0xFF
        client.hear(zcl.DefaultResponse(other, 6, ZclStatus.FAILURE, Direction.TO_CLIENT))
        assert client.state is state


# Depth flow


def test_a_span_is_as_good_as_its_blocks():
    client = Client().query()
    client.offer()
    client.block()
    client.do(client.client.await_span(client.now_ms + HOUR_MS))
    assert client.until(ANSWER)[0] == []
    assert client.wakes[ANSWER] == HOUR_MS + TIMEOUT_MS
    client.do(client.client.receive_span(48, NEW[48:], client.now_ms))
    assert client.state is State.VERIFYING
    assert client.flash.content(1) == NEW


@pytest.mark.parametrize("state", State)
def test_a_span_comes_at_no_bad_time(state):
    client = in_state(state)
    before = client.flash.written(1)
    client.do(client.client.await_span(HOUR_MS))
    client.do(client.client.receive_span(7, bytes(10), client.now_ms))
    assert client.flash.written(1) == before
