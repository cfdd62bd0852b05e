"""The hub: what it records, what it relays, and what it says of itself."""

import hashlib

import pytest
from tests.han.a_home import HUB, NEW, NEW_VERSION, PPMID, REQUEST, STRANGER, signer
from tests.han.a_node import ANode

from hanota.han.effects import Record, Send, SendWan
from hanota.han.flash import Flash
from hanota.han.hub import GIVE_UP, NOTIFY, Hub, HubSetup
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import KeyUsage, RequestID
from hanota.smki import keys, protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire import ota, tunnel
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.ccs08 import FirmwareTransferAlert, TransferResult
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.wan import DeliverImage, FromDevice, ImageStored, StoreResult, ToDevice
from hanota.wire.zcl import Direction

DIGEST = hashlib.sha256(NEW).digest()
NOW_MS = 1_790_000_000_789


class AHub(ANode):
    def __init__(self, flash=None):
        super().__init__(flash, NOW_MS)
        self.hub = Hub(
            HubSetup(HUB, frozenset({PPMID}), signer(HUB), {DIGEST: NEW}.get), self.flash
        )
        self.do(self.hub.power_on(self.now_ms))

    def deliver(self):
        envelope = DeliverImage(REQUEST, DIGEST, (PPMID,))
        return self.do(self.hub.receive_wan(envelope, self.now_ms))


def message_of(originator, counter=1, target=ACCESS_CONTROL_BROKER):
    return gbcs.encode(
        GbcsMessage(Cra.ALERT, counter, originator, target, 0x012B, bytes(80), signature=bytes(64))
    )


def chunks(message, number=1, direction=Direction.TO_SERVER):
    return tunnel.split(message, number=number, tunnel_id=1, direction=direction, tsn=0)


def test_a_delivery_is_recorded_before_it_is_answered_and_told():
    hub = AHub().hub
    effects = hub.receive_wan(DeliverImage(REQUEST, DIGEST, (PPMID,)), NOW_MS)
    record, answer, notify, *_ = effects
    assert isinstance(record, Record)
    assert any(key.startswith("target/") for key in record.values)
    assert any(key.startswith("wan/") for key in record.values)
    assert answer == SendWan(1, ImageStored(REQUEST, (PPMID,), StoreResult.STORED))
    assert isinstance(notify, Send)
    assert isinstance(notify.message, ota.ImageNotify)


def test_a_repeated_delivery_is_answered_again():
    hub = AHub()
    hub.deliver()
    assert hub.deliver() == []
    assert [message.result for _, message in hub.told_dcc] == [StoreResult.STORED] * 2


def test_the_ccs08_alert_is_signed_by_the_hub_and_names_the_device():
    hub = AHub(Flash(records={"originator-counter": (99).to_bytes(8, "big")}))
    hub.deliver()
    hub.receive(hub.hub, PPMID, ota.UpgradeEndRequest(1, 0, 0x121D, 0x84, NEW_VERSION))
    number, envelope = hub.told_dcc[-1]
    message = gbcs.decode(envelope.gbcs)
    assert (number, message.counter, message.originator, message.target) == (
        2,
        100,
        HUB,
        ACCESS_CONTROL_BROKER,
    )
    public = keys.derive_private_key(b"a home", HUB, KeyUsage.DIGITAL_SIGNATURE).public_key()
    assert protection.signature_valid(message, public)
    assert decode_content(message) == FirmwareTransferAlert(
        NOW_MS // 1000 * 1000, PPMID, NEW_VERSION, TransferResult.SUCCESS
    )


def test_counters_go_on_after_a_power_cut():
    flash = Flash()
    for number in range(3):
        hub = AHub(flash)
        request = RequestID(1, 2, number)
        hub.do(hub.hub.receive_wan(DeliverImage(request, DIGEST, (PPMID,)), NOW_MS))
        hub.receive(hub.hub, PPMID, ota.UpgradeEndRequest(1, 0, 0x121D, 0x84, NEW_VERSION))
    alerts = [
        gbcs.decode(message.gbcs)
        for _, message in AHub(flash).told_dcc
        if isinstance(message, FromDevice)
    ]
    assert [alert.counter for alert in alerts] == [1, 2, 3]


def test_the_hub_notifies_every_hour_and_gives_up_after_a_week():
    hub = AHub()
    hub.deliver()
    said, took_ms = hub.wait(hub.hub, NOTIFY)
    assert (len(said), took_ms) == (1, HOUR_MS)
    hub.wakes[GIVE_UP] = NOW_MS + 7 * DAY_MS
    hub.wait(hub.hub, GIVE_UP)
    alert = decode_content(gbcs.decode(hub.told_dcc[-1][1].gbcs))
    assert alert.result is TransferResult.TRANSFER_FAILURE
    assert GIVE_UP not in hub.wakes


def test_a_week_without_power_counts_too():
    hub = AHub()
    hub.deliver()
    again = AHub(hub.flash)
    assert again.wakes[GIVE_UP] == NOW_MS + 7 * DAY_MS
    late = ANode(hub.flash, NOW_MS + 8 * DAY_MS)
    party = Hub(HubSetup(HUB, frozenset({PPMID}), signer(HUB), {DIGEST: NEW}.get), hub.flash)
    late.do(party.power_on(late.now_ms))
    assert len(late.told_dcc) == 2  # the unacknowledged answer, and the alert


# Relaying


def test_a_message_of_a_device_is_recorded_before_its_receipt():
    hub = AHub()
    message = message_of(PPMID)
    *first, last = chunks(message)
    assert len(first) > 1
    for chunk in first:
        assert hub.receive(hub.hub, PPMID, chunk) == []
    record, receipt, envelope = hub.hub.receive(PPMID, last, NOW_MS)
    assert isinstance(record, Record)
    assert isinstance(receipt.message, tunnel.MessageReceipt)
    assert envelope == SendWan(1, FromDevice(message))


def test_a_repeated_message_gets_its_receipt_and_goes_once():
    hub = AHub()
    for _ in range(3):
        said = [
            answer
            for chunk in chunks(message_of(PPMID))
            for answer in hub.receive(hub.hub, PPMID, chunk)
        ]
        assert len(said) == 1
    assert len(hub.told_dcc) == 1


@pytest.mark.parametrize(
    ("source", "message", "receipts"),
    [
        (PPMID, message_of(STRANGER), 1),
        (PPMID, message_of(HUB), 1),
        (PPMID, b"no GBCS message", 1),
        (STRANGER, message_of(STRANGER), 0),
    ],
)
def test_a_device_speaks_for_itself_only(source, message, receipts):
    hub = AHub()
    said = [answer for chunk in chunks(message) for answer in hub.receive(hub.hub, source, chunk)]
    assert len(said) == receipts
    assert hub.told_dcc == []


def test_chunks_and_receipts_that_make_no_sense_are_dropped():
    hub = AHub()
    (chunk,) = chunks(b"backwards", direction=Direction.TO_CLIENT)
    assert hub.receive(hub.hub, PPMID, chunk) == []
    receipt = tunnel.MessageReceipt(0, Direction.TO_SERVER, 1, 1, 0)
    assert hub.receive(hub.hub, PPMID, receipt) == []
    assert hub.receive(hub.hub, STRANGER, receipt) == []


def test_a_message_for_a_device_is_recorded_and_sent_until_its_receipt():
    hub = AHub()
    command = message_of(ACCESS_CONTROL_BROKER, target=PPMID)
    record, *sends, _ = hub.hub.receive_wan(ToDevice(command), NOW_MS)
    assert isinstance(record, Record)
    assert b"".join(send.message.data for send in sends) == command
    hub.do((record,))
    assert hub.hub.receive_wan(ToDevice(command), NOW_MS) == (), "it waits already"
    again = AHub(hub.flash)
    assert b"".join(message.data for _, message in again.said) == command
    receipt = tunnel.receipt(again.said[-1][1], tsn=0)
    again.receive(again.hub, PPMID, receipt)
    assert not any(key.endswith("/1") for key in again.flash.records)


def test_acknowledged_envelopes_leave_the_outbox():
    hub = AHub()
    hub.deliver()
    hub.do(hub.hub.wan_acknowledged(1, NOW_MS))
    assert hub.hub.wan_acknowledged(1, NOW_MS) == ()
    assert hub.hub.wan_acknowledged(77, NOW_MS) == ()
    assert AHub(hub.flash).told_dcc == []
