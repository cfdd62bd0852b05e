"""11.2 at the nodes that carry out nothing else: a PPMID, and the hub itself."""

import pytest
from tests.han.a_home import HUB, MAKE, OLD, OLD_VERSION, PPMID, RELEASED, STRANGER, signer
from tests.han.a_node import ANode
from tests.han.commands import ACB, CS08, ECS52, SUPPLIER, SUPPLIER_2, read, secret, trust_of
from tests.han.hub_images import FIRMWARE, hub_image

from hanota.han.effects import Record, Send, SendWan
from hanota.han.flash import Flash
from hanota.han.hub import Hub, HubSetup
from hanota.han.ppmid import DeviceSetup, Ppmid, factory_flash
from hanota.smki import protection
from hanota.wire import tunnel
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.tunnel import MessageChunk, MessageReceipt
from hanota.wire.wan import FromDevice, ToDevice
from hanota.wire.zcl import Direction

NOW_MS = 1_790_000_000_789
# What the flash says, and what a hub runs whose firmware cannot be updated.
HUB_VERSION, FIXED_VERSION = 0xACDC0001, 0xACDC0002


def ppmid(flash=None, trust=True):
    node = ANode(flash or factory_flash(OLD, 41), NOW_MS)
    whom = trust_of(PPMID) if trust else None
    setup = DeviceSetup(PPMID, HUB, MAKE, signer(PPMID), RELEASED, trust=whom)
    node.party = Ppmid(setup, node.flash)
    node.do(node.party.power_on(NOW_MS))
    return node


def hub(flash=None, trust=True, suppliers=(), firmware=FIRMWARE):
    node = ANode(flash or factory_flash(hub_image(HUB_VERSION)), NOW_MS)
    whom = trust_of(HUB, *suppliers) if trust else None
    setup = HubSetup(
        HUB,
        frozenset({PPMID}),
        signer(HUB),
        {}.get,
        trust=whom,
        firmware=firmware,
        running_version=FIXED_VERSION,
    )
    node.party = Hub(setup, node.flash)
    node.do(node.party.power_on(NOW_MS))
    return node


def effects_of(node, octets, source=HUB):
    """What a device does about a command that comes in chunks."""
    chunks = tunnel.split(octets, number=1, tunnel_id=1, direction=Direction.TO_CLIENT, tsn=0)
    *before, last = [node.party.receive(source, chunk, NOW_MS) for chunk in chunks]
    assert not any(before)
    return last


def answer_in(effects):
    return gbcs.decode(
        b"".join(
            effect.message.data
            for effect in effects
            if isinstance(effect, Send) and isinstance(effect.message, MessageChunk)
        )
    )


def check_answer(answer, device, version, target=ACB):
    assert (answer.originator, answer.target, answer.counter) == (device, target, 9)
    assert protection.mac_valid(answer, secret(target, device))
    assert decode_content(answer).firmware_version == version.to_bytes(4, "big")


def test_a_ppmid_records_its_answer_before_the_receipt():
    node = ppmid()
    record, receipt, *sends, _ = effects_of(node, read(PPMID, CS08, 9))
    assert isinstance(record, Record)
    assert set(record.values) == {f"accepted-counter/{ACB:016X}", "tunnel", "tunnel/1"}
    assert isinstance(receipt.message, MessageReceipt)
    answer = answer_in(sends)
    check_answer(answer, PPMID, OLD_VERSION)
    assert (answer.supplementary_party, answer.supplementary_counter) == (SUPPLIER_2, 7)


def test_a_ppmid_answers_once_also_after_a_power_cut():
    node = ppmid()
    command = read(PPMID, CS08, 9)
    node.do(effects_of(node, command))
    for later in (node, ppmid(node.flash)):
        (receipt,) = effects_of(later, command)
        assert isinstance(receipt.message, MessageReceipt)


@pytest.mark.parametrize(
    ("octets", "source"),
    [
        (read(PPMID, ECS52, 9), HUB),
        (read(PPMID, CS08, 9, SUPPLIER), HUB),
        (read(PPMID, CS08, 9)[:-1] + b"\0", HUB),
        (read(HUB, ECS52, 9), HUB),
        (b"no GBCS message", HUB),
    ],
)
def test_what_a_ppmid_takes_and_drops(octets, source):
    (receipt,) = effects_of(ppmid(), octets, source)
    assert isinstance(receipt.message, MessageReceipt)


def test_strangers_get_nothing_and_who_trusts_nobody_says_nothing():
    assert effects_of(ppmid(), read(PPMID, CS08, 9), STRANGER) == ()
    assert len(effects_of(ppmid(trust=False), read(PPMID, CS08, 9))) == 1
    assert hub(trust=False).party.receive_wan(ToDevice(read(HUB, ECS52, 9)), NOW_MS) == ()


@pytest.mark.parametrize("originator", [ACB, SUPPLIER])
def test_the_hub_answers_for_itself(originator):
    node = hub(suppliers=(SUPPLIER,))
    command = ToDevice(read(HUB, ECS52, 9, originator))
    record, sent = node.party.receive_wan(command, NOW_MS)
    assert set(record.values) == {f"accepted-counter/{originator:016X}", "wan", "wan/1"}
    assert isinstance(sent, SendWan)
    assert isinstance(sent.message, FromDevice)
    check_answer(gbcs.decode(sent.message.gbcs), HUB, HUB_VERSION, originator)
    node.do((record,))
    assert node.party.receive_wan(command, NOW_MS) == (), "it is recorded"
    assert hub(node.flash).party.receive_wan(command, NOW_MS) == ()


@pytest.mark.parametrize("octets", [read(HUB, CS08, 9), read(HUB, ECS52, 9, SUPPLIER)])
def test_what_the_hub_drops(octets):
    node = hub()
    assert node.party.receive_wan(ToDevice(octets), NOW_MS) == ()
    assert node.said == []


def test_a_hub_that_cannot_be_updated_says_the_version_that_it_was_made_with():
    node = hub(flash=Flash(), firmware=None)
    _, sent = node.party.receive_wan(ToDevice(read(HUB, ECS52, 9)), NOW_MS)
    check_answer(gbcs.decode(sent.message.gbcs), HUB, FIXED_VERSION)
