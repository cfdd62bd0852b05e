"""HCALCS, ESME and GSME in a home: 11.1, 11.3 and 11.2 from the WAN to the device and back."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import structs
from tests.han.a_home import HUB, NEW_VERSION, OLD_VERSION, damaged
from tests.han.a_signed_home import (
    IDS,
    KINDS,
    NEW_HASH,
    NEXT_HASH,
    NEXT_VERSION,
    RECEIPT_CODES,
    ASignedHome,
    build,
)
from tests.han.commands import ACB, SUPPLIER, SUPPLIER_2, activate, read, secret, signing, trust_of

from hanota.han.firmware_version_read import READ_OF
from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.model import DeviceType, RequestID
from hanota.serve.homes import RadioDepth
from hanota.smki import protection
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import dlms
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs06 import (
    CANCELLATION_MS,
    ActivateFirmwareAccepted,
    ActivateFirmwareOutcome,
    ActivateFirmwareResult,
    FutureDatedActivationAlert,
)
from hanota.wire.gbcs.message import Cra

OLD_OCTETS, NEW_OCTETS = OLD_VERSION.to_bytes(4, "big"), NEW_VERSION.to_bytes(4, "big")
ALL = pytest.mark.parametrize("kind", KINDS)


def never(_image):
    return False


def signed_by_device(home, message):
    """Read with OpenSSL's own DER form of the signature, over the octets cut by hand."""
    octets = gbcs.encode(message)
    assert octets[-65] == 0x40
    r, s = (int.from_bytes(part, "big") for part in (octets[-64:-32], octets[-32:]))
    public = signing(home.device).public_key()
    public.verify(encode_dss_signature(r, s), octets[1:-65], ec.ECDSA(SHA256()))
    return True


def outcome_of(home, number=0):
    """Result and version of a response to an activation, when its header is right."""
    message = home.responses()[number]
    assert signed_by_device(home, message)
    assert message.mac is None
    assert (message.message_code, message.target) == (0x0012, SUPPLIER)
    assert dlms.date_time_instant_ms(message.date_time) <= home.homes.now_ms
    content = decode_content(message)
    return content.result.value, content.firmware_version


# 11.1


@ALL
def test_a_verified_image_is_held_and_told_to_its_supplier(kind):
    home = ASignedHome(kind).distribute()
    (message,) = home.said()
    assert signed_by_device(home, message)
    assert (message.cra, message.counter, message.target) == (Cra.ALERT, 42, SUPPLIER)
    assert message.message_code == RECEIPT_CODES[kind]
    receipt = decode_content(message)
    assert receipt.alert_code is AlertCode.FIRMWARE_VERIFIED
    assert receipt.manufacturer_image_hash == NEW_HASH
    assert abs(home.homes.now_ms - receipt.instant_ms) < MINUTE_MS
    home.run(3 * DAY_MS)
    assert home.transfers() == ["SUCCESS"]
    assert (len(home.said()), home.version(home.device)) == (1, OLD_VERSION)


@ALL
@pytest.mark.parametrize("suppliers", [(SUPPLIER,), (SUPPLIER, SUPPLIER_2)])
def test_an_image_with_the_signature_of_a_stranger_is_discarded(kind, suppliers):
    home = ASignedHome(kind, suppliers=suppliers, signed_by=0x90B3D51F30020000).distribute()
    (message,) = home.said()
    receipt = decode_content(message)
    assert (message.target, message.message_code) == (SUPPLIER, RECEIPT_CODES[kind])
    assert receipt.alert_code is AlertCode.FIRMWARE_VERIFICATION_FAILED
    assert receipt.manufacturer_image_hash == NEW_HASH
    home.run(3 * DAY_MS)
    assert home.transfers() == ["IMAGE_DISCARDED"]
    assert (len(home.said()), home.homes.flash(home.device).content(1)) == (1, b"")


@ALL
def test_a_damaged_image_is_discarded_with_the_hash_that_it_has(kind):
    def broken(octets):
        return octets[:100] + bytes((octets[100] ^ 1,)) + octets[101:]

    home = ASignedHome(kind, reads=broken).distribute()
    receipt = decode_content(home.said()[0])
    assert receipt.alert_code is AlertCode.FIRMWARE_VERIFICATION_FAILED
    assert receipt.manufacturer_image_hash == hashlib.sha256(broken(home.image)[60:-66]).digest()


@ALL
def test_a_signature_that_differs_by_one_bit_discards_the_image(kind):
    home = ASignedHome(kind, reads=damaged).distribute()
    assert decode_content(home.said()[0]).alert_code is AlertCode.FIRMWARE_VERIFICATION_FAILED


def test_the_receipt_goes_to_the_supplier_whose_image_it_is():
    home = ASignedHome(DeviceType.ESME, signed_by=SUPPLIER_2).distribute()
    assert home.said()[0].target == SUPPLIER_2


@ALL
def test_an_image_that_is_brought_again_is_told_again(kind):
    home = ASignedHome(kind).distribute()
    home.run(2 * HOUR_MS).distribute(request=RequestID(SUPPLIER, ACB, 1001))
    home.run(2 * DAY_MS)
    assert home.transfers() == ["SUCCESS"] * 2
    assert [decode_content(m).manufacturer_image_hash for m in home.said()] == [NEW_HASH] * 2


@ALL
def test_a_newer_image_replaces_the_one_that_is_held(kind):
    home = ASignedHome(kind).distribute().run(2 * HOUR_MS)
    home.distribute(build(kind, NEXT_VERSION), RequestID(SUPPLIER, ACB, 1001)).run(HOUR_MS)
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (2, OLD_OCTETS)
    home.command(activate(home.device, NEXT_HASH, 6))
    assert outcome_of(home, 1) == (0, NEXT_VERSION.to_bytes(4, "big"))


# 11.3, at once


@ALL
def test_outcome_0_the_image_runs(kind):
    home = ASignedHome(kind).distribute()
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (0, NEW_OCTETS)
    assert home.responses()[0].counter == 5
    assert home.version(home.device) == NEW_VERSION
    home.run(3 * DAY_MS)
    assert len(home.said()) == 2
    again = home.command(activate(home.device, NEW_HASH, 6))
    assert outcome_of(again, 1) == (1, NEW_OCTETS), "it is held no more: it runs"


@ALL
def test_outcome_1_there_is_no_image(kind):
    home = ASignedHome(kind).run(10_000).command(activate(IDS[kind], NEW_HASH, 5))
    assert outcome_of(home) == (1, OLD_OCTETS)


@ALL
def test_outcome_1_the_header_of_the_held_image_was_altered(kind):
    """Hash and signature cover the image behind the header, so the device remembers the version."""
    home = ASignedHome(kind).distribute()
    flash = home.homes.flash(home.device)
    altered = bytearray(flash.content(1))
    altered[16] ^= 0x04  # the third octet of the file version
    flash.erase(1)
    flash.write(1, 0, bytes(altered))
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (1, OLD_OCTETS)
    assert home.version(home.device) == OLD_VERSION


@ALL
def test_outcome_1_the_image_came_from_another_supplier(kind):
    home = ASignedHome(kind, signed_by=SUPPLIER_2).distribute()
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (1, OLD_OCTETS)
    home.command(activate(home.device, NEW_HASH, 5, supplier=SUPPLIER_2))
    assert home.version(home.device) == NEW_VERSION, "whose it is may have it run"


@ALL
def test_outcome_2_the_image_is_another(kind):
    home = ASignedHome(kind).distribute()
    home.command(activate(home.device, NEXT_HASH, 5))
    assert outcome_of(home) == (2, OLD_OCTETS)
    home.command(activate(home.device, NEW_HASH, 6))
    assert outcome_of(home, 1) == (0, NEW_OCTETS), "it is still held"


@ALL
def test_outcome_3_the_image_does_not_come_up(kind):
    home = ASignedHome(kind, starts=never).distribute()
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (3, OLD_OCTETS)
    assert home.version(home.device) == OLD_VERSION
    home.command(activate(home.device, NEW_HASH, 6))
    assert outcome_of(home, 1) == (1, OLD_OCTETS), "what failed is not held"


def test_a_change_of_supplier_between_distribution_and_activation():
    """The new supplier has no image there; the old one is trusted no more."""
    home = ASignedHome(DeviceType.HCALCS, suppliers=(SUPPLIER_2,), signed_by=SUPPLIER_2)
    home.distribute()
    home.setup = structs.replace(home.setup, trust=trust_of(home.device, SUPPLIER))
    home.homes.power_on(home.device)
    home.run(DAY_MS)
    assert len(home.said()) == 1, "the image that it accepted is not discarded"
    home.command(activate(home.device, NEW_HASH, 5, supplier=SUPPLIER_2), HOUR_MS)
    assert home.responses() == []
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (1, OLD_OCTETS)


def test_the_same_image_of_a_new_supplier_is_fetched_and_told_anew():
    """Of the same version and size as the one that is held: only its signature is another."""
    home = ASignedHome(DeviceType.HCALCS, suppliers=(SUPPLIER_2,), signed_by=SUPPLIER_2)
    home.distribute()
    home.setup = structs.replace(home.setup, trust=trust_of(home.device, SUPPLIER))
    home.homes.power_on(home.device)
    image = build(DeviceType.HCALCS, NEW_VERSION, signed_by=SUPPLIER)
    home.distribute(image, RequestID(SUPPLIER, ACB, 8))
    assert [message.target for message in home.alerts_said()] == [SUPPLIER_2, SUPPLIER]
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (0, NEW_OCTETS)


@ALL
def test_a_replay_is_taken_from_the_hub_and_discarded(kind):
    home = ASignedHome(kind).distribute()
    command = activate(home.device, NEXT_HASH, 5)
    home.command(command)
    home.command(command).command(activate(home.device, NEXT_HASH, 4))
    assert len(home.responses()) == 1
    outbox = f"tunnel/{home.device:016X}/"
    assert not [key for key in home.homes.flash(HUB).records if key.startswith(outbox)]


@ALL
def test_nobody_else_moves_it(kind):
    home = ASignedHome(kind, suppliers=(SUPPLIER,)).distribute()
    good = activate(home.device, NEW_HASH, 5)
    for forged in (
        activate(home.device, NEW_HASH, 5, supplier=SUPPLIER_2),
        activate(home.device, NEW_HASH, 5, signer=SUPPLIER_2),
        good[:-1] + bytes((good[-1] ^ 1,)),
    ):
        home.command(forged, HOUR_MS)
    assert (home.responses(), home.version(home.device)) == ([], OLD_VERSION)
    home.command(good)
    assert home.version(home.device) == NEW_VERSION


# 11.3, at a time


def alert_of(home, number=-1):
    message = home.alerts_said()[number]
    assert signed_by_device(home, message)
    assert (message.message_code, message.target) == (0x00CA, SUPPLIER)
    return decode_content(message)


def future(home, counter=5, image_hash=NEW_HASH, after_ms=3 * DAY_MS):
    """Bring a future-dated command; the time."""
    at_ms = (home.homes.now_ms + after_ms) // 1000 * 1000
    answers = len(home.responses())
    home.command(activate(home.device, image_hash, counter, at_ms))
    answer = home.responses()[answers]
    assert signed_by_device(home, answer)
    assert answer.date_time is not None
    assert decode_content(answer) == ActivateFirmwareAccepted()
    return at_ms


def happened(at_ms, result, version, counter=5):
    outcome = ActivateFirmwareOutcome(ActivateFirmwareResult(result), version)
    return FutureDatedActivationAlert(at_ms, counter, outcome)


@ALL
def test_a_future_dated_activation(kind):
    home = ASignedHome(kind).distribute()
    at_ms = future(home)
    home.run(at_ms - home.homes.now_ms - 1)
    assert (home.version(home.device), len(home.said())) == (OLD_VERSION, 2)
    home.run(MINUTE_MS)
    assert alert_of(home) == happened(at_ms, 0, NEW_OCTETS)
    assert alert_of(home).alert_code is AlertCode.FUTURE_DATED_ACTIVATION_SUCCESS
    assert home.version(home.device) == NEW_VERSION


@ALL
@pytest.mark.parametrize("off_ms", [MINUTE_MS, 4 * DAY_MS], ids=["before", "over the time"])
def test_it_survives_a_power_cut(kind, off_ms):
    home = ASignedHome(kind).distribute()
    at_ms = future(home)
    home.homes.cut_power(home.device)
    home.run(off_ms)
    home.homes.power_on(home.device)
    home.run(4 * DAY_MS)
    assert alert_of(home) == happened(at_ms, 0, NEW_OCTETS)


@ALL
def test_its_failures(kind):
    failures = {
        1: ASignedHome(kind).run(10_000),
        2: ASignedHome(kind).distribute(),
        3: ASignedHome(kind, starts=never).distribute(),
    }
    for result, home in failures.items():
        image_hash = NEXT_HASH if result == 2 else NEW_HASH
        at_ms = future(home, image_hash=image_hash)
        home.run(4 * DAY_MS)
        assert alert_of(home) == happened(at_ms, result, OLD_OCTETS)
        assert alert_of(home).alert_code is AlertCode.FUTURE_DATED_ACTIVATION_FAILURE


@ALL
def test_a_time_that_has_passed_comes_at_once(kind):
    home = ASignedHome(kind).distribute()
    at_ms = future(home, after_ms=-DAY_MS)
    home.run(MINUTE_MS)
    assert alert_of(home) == happened(at_ms, 0, NEW_OCTETS)


@ALL
def test_an_image_that_comes_after_the_command_counts(kind):
    home = ASignedHome(kind).run(10_000)
    at_ms = future(home)
    home.distribute().run(4 * DAY_MS)
    assert alert_of(home) == happened(at_ms, 0, NEW_OCTETS)


@ALL
@pytest.mark.parametrize("after_ms", [DAY_MS, 5 * DAY_MS], ids=["sooner", "later"])
def test_a_second_command_replaces_the_first(kind, after_ms):
    home = ASignedHome(kind).distribute()
    future(home)
    at_ms = future(home, 6, after_ms=after_ms)
    home.run(10 * DAY_MS)
    assert len(home.alerts_said()) == 2, "the receipt, and one alert"
    assert alert_of(home) == happened(at_ms, 0, NEW_OCTETS, counter=6)


@ALL
def test_an_immediate_command_replaces_one_that_waits(kind):
    home = ASignedHome(kind).distribute()
    future(home)
    home.command(activate(home.device, NEW_HASH, 6))
    assert outcome_of(home, 1) == (0, NEW_OCTETS)
    home.run(10 * DAY_MS)
    assert len(home.alerts_said()) == 1


@ALL
@pytest.mark.parametrize("waits", [True, False])
def test_a_cancellation(kind, waits):
    home = ASignedHome(kind).distribute()
    if waits:
        future(home)
    home.command(activate(home.device, NEW_HASH, 6, CANCELLATION_MS))
    assert decode_content(home.responses()[-1]) == ActivateFirmwareAccepted()
    home.run(10 * DAY_MS)
    assert (len(home.alerts_said()), home.version(home.device)) == (1, OLD_VERSION)
    home.command(activate(home.device, NEW_HASH, 7))
    assert home.version(home.device) == NEW_VERSION, "the image was still held"


# 11.2


@ALL
@pytest.mark.parametrize("updated", [False, True])
def test_the_version_is_read(kind, updated):
    home = ASignedHome(kind).distribute()
    if updated:
        home.command(activate(home.device, NEW_HASH, 5))
    home.command(read(home.device, READ_OF[kind], 3))
    answer = home.responses()[-1]
    assert (answer.target, answer.counter, answer.supplementary_party) == (ACB, 3, SUPPLIER_2)
    assert protection.mac_valid(answer, secret(ACB, home.device))
    assert decode_content(answer).firmware_version == (NEW_OCTETS if updated else OLD_OCTETS)


# The radio


@ALL
def test_a_device_at_the_depth_of_flow(kind):
    home = ASignedHome(kind, depth=RadioDepth.FLOW).distribute()
    home.command(activate(home.device, NEW_HASH, 5))
    assert outcome_of(home) == (0, NEW_OCTETS)
    assert home.homes.events < 200 + (home.homes.now_ms - home.started_ms) // (10 * MINUTE_MS)


@pytest.mark.parametrize(
    ("kind", "at_most_ms"),
    [
        (DeviceType.ESME, MINUTE_MS),
        (DeviceType.HCALCS, MINUTE_MS),
        (DeviceType.GSME, 31 * MINUTE_MS),
    ],
)
def test_how_soon_a_device_answers(kind, at_most_ms):
    home = ASignedHome(kind).run(HOUR_MS + 10_000)
    began_ms = home.homes.now_ms
    home.command(read(home.device, READ_OF[kind], 3))
    assert len(home.responses()) == 1
    took_ms = home.homes.now_ms - began_ms
    assert took_ms <= at_most_ms
    assert took_ms > 10 * MINUTE_MS or kind is not DeviceType.GSME, "a GSME sleeps"
