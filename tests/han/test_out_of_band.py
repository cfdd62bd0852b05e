"""The OTA cluster where the hub may not say when to upgrade, and where the device sleeps."""

import pytest
from tests.han.a_home import HUB, MAKE, NEW, NEW_VERSION, OLD, OLD_VERSION, PPMID, verify
from tests.han.a_node import ANode
from tests.han.a_signed_home import NEW_HASH, OLD_OCTETS, ASignedHome, build, setup_of
from tests.han.commands import activate
from tests.han.test_hub import AHub, message_of
from tests.han.test_ota_client import MAKER, Client
from tests.han.test_ota_server import Server

from hanota.han.effects import Record, Send
from hanota.han.flash import Flash
from hanota.han.ota_client import NEXT, QUERY, ClientSettings, OtaClient, State
from hanota.han.ppmid import factory_flash
from hanota.han.signed_image_device import SignedImageDevice
from hanota.limits import GSME_LISTEN_S, GSME_WAKE_MIN, HOUR_MS, MINUTE_MS
from hanota.model import DeviceType
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire import ota
from hanota.wire.codes import ZclStatus
from hanota.wire.image import IMAGE_TYPES
from hanota.wire.ota import UpgradeActivationPolicy
from hanota.wire.tunnel import MessageChunk
from hanota.wire.wan import ToDevice
from hanota.wire.zcl import DefaultResponse, Direction

OUT_OF_BAND = ClientSettings(upgrade_activation_policy=UpgradeActivationPolicy.OUT_OF_BAND_ONLY)
HOLD = 0xFFFFFFFF


@pytest.mark.parametrize("upgrade_time_s", [0, 60, HOLD])
def test_the_server_does_not_decide_when(upgrade_time_s):
    client = Client(OUT_OF_BAND).download()
    answer = ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, upgrade_time_s)
    said = client.hear(answer)
    refused = [ZclStatus.NOT_AUTHORIZED] if upgrade_time_s != HOLD else []
    assert [message.status for message in said] == refused
    assert (client.state, client.activated) == (State.NORMAL, [])
    assert client.flash.content(1) == NEW


def test_the_same_image_is_verified_anew_and_another_replaces_it():
    client = Client(OUT_OF_BAND).download()
    client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, HOLD))
    client.query().offer()
    client.until(NEXT)
    assert isinstance(client.last, ota.UpgradeEndRequest)
    client.hear(ota.UpgradeEndResponse(client.last.tsn, *MAKER, NEW_VERSION, 0, HOLD))
    client.query().offer(NEW_VERSION + 1)
    assert (client.state, client.flash.content(1)) == (State.DOWNLOADING, b"")


@pytest.mark.parametrize("content", [NEW, NEW[:-1] + b"\0"], ids=["verified", "discarded"])
def test_what_comes_of_a_verification_stands_before_the_server_hears_of_it(content):
    told = []

    def verified(image, now_ms):
        told.append((image and image.header.file_version, now_ms))
        return (Record({"told": b"1"}),)

    flash = Flash(
        slots=(OLD, content), records={"download": b"\x92\xce\x00\x02\x00\x00\xcd\x10\x00"}
    )
    client = OtaClient(
        server=HUB,
        make=MAKE,
        running_version=1,
        slot=1,
        flash=flash,
        verify=verify,
        upgrade=lambda _slot, _version: (),
        settings=OUT_OF_BAND,
        verified=verified,
    )
    client.power_on(0)
    record, request, *_ = client.wake(NEXT, 5)
    assert record == Record({"told": b"1"})
    assert isinstance(request.message, ota.UpgradeEndRequest)
    assert told == [(NEW_VERSION if content == NEW else None, 5)]


@pytest.mark.parametrize(
    ("kind", "upgrade_time_s"),
    [
        (DeviceType.PPMID, 0),
        (DeviceType.CHF, 0),
        (DeviceType.ESME, HOLD),
        (DeviceType.GSME, HOLD),
        (DeviceType.HCALCS, HOLD),
    ],
)
def test_the_hub_holds_images_that_their_supplier_activates(kind, upgrade_time_s):
    server = Server()
    server.deliver()
    for _ in range(2):
        request = ota.UpgradeEndRequest(
            9, 0, MAKE.manufacturer_code, IMAGE_TYPES[kind], NEW_VERSION
        )
        (answer,) = (m for m in server.hear(request) if isinstance(m, ota.UpgradeEndResponse))
        assert answer.image_type == IMAGE_TYPES[kind]
        assert (answer.current_time_s, answer.upgrade_time_s) == (0, upgrade_time_s)


def test_the_hub_says_what_waits_when_a_device_asks():
    hub = AHub()
    command = message_of(ACCESS_CONTROL_BROKER, target=PPMID)
    hub.do(hub.hub.receive_wan(ToDevice(command), hub.now_ms))
    said = hub.receive(hub.hub, PPMID, ota.QueryNextImageRequest(1, *MAKER, 1))
    assert isinstance(said[0], ota.QueryNextImageRefused)
    assert b"".join(chunk.data for chunk in said[1:]) == command
    assert all(isinstance(chunk, MessageChunk) for chunk in said[1:])


# A GSME


class AGsme(ANode):
    def __init__(self):
        flash = factory_flash(build(DeviceType.GSME, OLD_VERSION, OLD_OCTETS))
        super().__init__(flash, 1_790_000_000_000)
        self.gsme = SignedImageDevice(setup_of(DeviceType.GSME), self.flash)
        self.do(self.gsme.power_on(self.now_ms))

    def notified(self):
        """What it does about an image notification."""
        return self.gsme.receive(HUB, ota.ImageNotify(1, 100), self.now_ms)


@pytest.mark.parametrize(
    ("after_ms", "hears"),
    [(0, True), (GSME_LISTEN_S * 1000, True), (GSME_LISTEN_S * 1000 + 1, False)],
)
def test_it_hears_for_a_while_after_it_spoke(after_ms, hears):
    node = AGsme()
    assert node.notified() == (), "before it has said anything it sleeps"
    (question,), _ = node.wait(node.gsme, QUERY)
    assert isinstance(question, ota.QueryNextImageRequest)
    node.now_ms += after_ms
    answer = ota.QueryNextImageResponse(
        question.tsn, question.manufacturer_code, question.image_type, NEW_VERSION, 4_096
    )
    effects = node.gsme.receive(HUB, answer, node.now_ms)
    assert any(isinstance(effect, Send) for effect in effects) is hears


def test_it_asks_whenever_it_wakes():
    node = AGsme()
    node.wait(node.gsme, QUERY)
    for _ in range(3):
        refused = ota.QueryNextImageRefused(node.said[-1][1].tsn, ZclStatus.NO_IMAGE_AVAILABLE)
        assert node.receive(node.gsme, HUB, refused) == []
        (question,), took_ms = node.wait(node.gsme, QUERY)
        assert (type(question), took_ms) == (
            ota.QueryNextImageRequest,
            GSME_WAKE_MIN * MINUTE_MS,
        )


def test_what_it_hears_keeps_it_awake():
    node = AGsme()
    node.wait(node.gsme, QUERY)
    for _ in range(5):
        node.now_ms += GSME_LISTEN_S * 1000
        refusal = DefaultResponse(99, 3, ZclStatus.FAILURE, Direction.TO_CLIENT)
        assert node.gsme.receive(HUB, refusal, node.now_ms) == ()
    answer = ota.QueryNextImageResponse(
        node.said[-1][1].tsn, 0x121D, IMAGE_TYPES[DeviceType.GSME], NEW_VERSION, 4_096
    )
    assert node.receive(node.gsme, HUB, answer)


def test_a_gsme_sleeps_through_most_of_what_its_hub_says_and_loses_nothing():
    frames = []
    home = ASignedHome(DeviceType.GSME, tap=lambda *frame: frames.append(frame)).distribute()
    home.run(HOUR_MS + 20_000)
    frames.clear()
    home.to_device(activate(home.device, NEW_HASH, 5)).run(10_000)
    assert {source for _, source, _, _, _ in frames} == {HUB}, "it does not hear yet"
    home.run(GSME_WAKE_MIN * MINUTE_MS)
    assert home.version(home.device) == NEW_VERSION
