"""The PPMID: trial, confirmation, rollback, and the alert that tells of either."""

import itertools

import msgspec
import pytest
from tests.han.a_home import (
    HUB,
    MAKE,
    NEW,
    NEW_VERSION,
    OLD,
    OLD_VERSION,
    PPMID,
    RELEASED,
    STRANGER,
    signer,
)
from tests.han.a_node import ANode
from tests.han.test_ota_client import MESSAGES

from hanota.han.bootloader import Boot, Stage, written
from hanota.han.effects import Record, Restart, Send
from hanota.han.flash import Flash
from hanota.han.ota_client import NEXT
from hanota.han.ppmid import BEGIN, TUNNEL, DeviceSetup, Ppmid, factory_flash
from hanota.model import KeyUsage
from hanota.smki import keys, protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire import ota, tunnel
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs09 import ActivationResult, FirmwareActivationAlert
from hanota.wire.tunnel import MessageChunk
from hanota.wire.zcl import Direction

NOW_MS = 1_790_000_000_789


class APpmid(ANode):
    def __init__(self, flash, starts=lambda _image: True):
        super().__init__(flash, NOW_MS)
        self.ppmid = Ppmid(
            DeviceSetup(PPMID, HUB, MAKE, signer(PPMID), RELEASED, starts), self.flash
        )

    def power_on(self):
        self.first = self.ppmid.power_on(self.now_ms)
        self.do(self.first)
        while BEGIN in self.wakes:
            self.wait(self.ppmid, BEGIN)
        return self

    def alert(self):
        chunks = [message for _, message in self.said if isinstance(message, MessageChunk)]
        return gbcs.decode(b"".join(chunk.data for chunk in chunks)) if chunks else None


def on_trial(boots=0, stage=Stage.TRIAL, slot=1):
    flash = factory_flash(OLD, 41)
    flash.write(1, 0, NEW)
    flash.record(written(Boot(slot, stage, boots)))
    return flash


def test_a_new_device_runs_its_factory_image_and_says_nothing():
    device = APpmid(factory_flash(OLD, 41)).power_on()
    assert device.ppmid.running_version == OLD_VERSION
    assert device.said == []
    assert device.flash.records == factory_flash(OLD, 41).records


def test_an_activation_is_recorded_before_the_restart():
    flash = factory_flash(OLD, 41)
    flash.write(1, 0, NEW)
    flash.record({"download": msgspec.msgpack.encode([NEW_VERSION, len(NEW)])})
    device = APpmid(flash).power_on()
    device.wait(device.ppmid, NEXT)
    answer = ota.UpgradeEndResponse(1, MAKE.manufacturer_code, MAKE.image_type, NEW_VERSION, 0, 0)
    device.receive(device.ppmid, HUB, answer)
    effects = device.ppmid.wake(NEXT, NOW_MS)
    assert effects == (Record(written(Boot(1, Stage.TRIAL, 0, NEW_VERSION))), Restart())


def test_a_new_image_confirms_itself_and_tells_at_one_stroke():
    flash = on_trial()
    flash.record({"download": b"\x92\x01\x02"})
    device = APpmid(flash).power_on()
    count, settle, _ = device.first
    assert count == Record(written(Boot(1, Stage.TRIAL, 1)))
    assert set(settle.values) == {
        "boot",
        "download",
        "download-told",
        "originator-counter",
        "tunnel",
        "tunnel/1",
    }
    message = device.alert()
    assert (message.counter, message.originator, message.target, message.message_code) == (
        42,
        PPMID,
        ACCESS_CONTROL_BROKER,
        0x012B,
    )
    public = keys.derive_private_key(b"a home", PPMID, KeyUsage.DIGITAL_SIGNATURE).public_key()
    assert protection.signature_valid(message, public)
    assert decode_content(message) == FirmwareActivationAlert(
        NOW_MS // 1000 * 1000, NEW_VERSION, ActivationResult.SUCCESS
    )
    assert device.ppmid.running_version == NEW_VERSION
    assert device.flash.records["boot"] == written(Boot(1, Stage.CONFIRMED))["boot"]


def test_the_alert_is_repeated_unchanged_until_its_receipt():
    device = APpmid(on_trial()).power_on()
    first = device.alert()
    device.said.clear()
    device.wait(device.ppmid, TUNNEL)
    assert device.alert() == first
    again = APpmid(device.flash).power_on()
    assert again.alert() == first
    receipt = tunnel.receipt(again.said[-1][1], tsn=0)
    assert again.receive(again.ppmid, STRANGER, receipt) == []
    assert "tunnel/1" in again.flash.records
    again.receive(again.ppmid, HUB, receipt)
    assert "tunnel/1" not in again.flash.records
    assert APpmid(again.flash).power_on().alert() is None


def test_after_a_rollback_the_old_image_tells_of_the_failure():
    flash = on_trial()
    device = APpmid(flash, starts=lambda _image: False)
    for _ in range(3):
        effects = device.ppmid.power_on(NOW_MS)
        assert effects[-1] == Restart()
        assert device.ppmid.client is None
        device.do(effects)
        device = APpmid(flash, starts=lambda _image: False)
    device.power_on()
    assert decode_content(device.alert()) == FirmwareActivationAlert(
        NOW_MS // 1000 * 1000, OLD_VERSION, ActivationResult.FAILURE
    )
    assert device.flash.records["boot"] == written(Boot(0, Stage.CONFIRMED))["boot"]


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("source", [HUB, STRANGER])
def test_a_device_without_a_running_image_answers_nobody(kind, source):
    device = APpmid(Flash()).power_on()
    assert device.first == ()
    assert device.ppmid.running_version is None
    assert device.receive(device.ppmid, source, MESSAGES[kind](1)) == []
    assert device.do(device.ppmid.wake(TUNNEL, NOW_MS)) == []
    assert device.do(device.ppmid.await_span(NOW_MS)) == []
    assert device.do(device.ppmid.receive_span(0, b"x", NOW_MS)) == []


@pytest.mark.parametrize(
    ("source", "direction"), list(itertools.product([HUB, STRANGER], Direction))
)
def test_commands_of_its_hub_are_taken_and_dropped(source, direction):
    device = APpmid(factory_flash(OLD)).power_on()
    (chunk,) = tunnel.split(b"command", number=7, tunnel_id=1, direction=direction, tsn=0)
    before = dict(device.flash.records)
    effects = device.ppmid.receive(source, chunk, NOW_MS)
    expected = ()
    if (source, direction) == (HUB, Direction.TO_CLIENT):
        answer = tunnel.MessageReceipt(1, Direction.TO_SERVER, 1, 7, chunk.check)
        expected = (Send(HUB, answer),)
    assert effects == expected
    assert device.flash.records == before
