"""Attacks on the devices of a home, which trust nobody that brings them something."""

import hashlib

from tests.attacks.attack import FIELD, Attack, Defence
from tests.han import a_home
from tests.han.a_home import HUB, NEW, AHome
from tests.han.a_signed_home import NEW_HASH, ASignedHome, build
from tests.han.commands import ACB, SUPPLIER_2, activate, maced

from hanota.limits import DAY_MS
from hanota.model import DeviceType, version_text
from hanota.serve.homes import RadioDepth
from hanota.wire import wan
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.cs06 import CANCELLATION_MS

HCALCS = DeviceType.HCALCS


def runs(home, device=None) -> str:
    return f"the device runs {version_text(home.version(device or home.device))}"


def hcalcs(**options) -> ASignedHome:
    return ASignedHome(HCALCS, depth=RadioDepth.FLOW, **options)


def image_that_is_held(**options) -> ASignedHome:
    return hcalcs(**options).distribute()


def brought(home, octets, duration_ms=DAY_MS) -> ASignedHome:
    home.to_device(octets)
    return home.run(duration_ms)


def a_replayed_command() -> str:
    """An activation that found no image comes again when there is one."""
    home = hcalcs().run(10_000)
    command = activate(home.device, NEW_HASH, 5)
    brought(home, command)
    home.distribute()
    return runs(brought(home, command))


def a_reordered_command() -> str:
    """The activation that was cancelled arrives after its cancellation."""
    home = image_that_is_held()
    tomorrow_ms = home.homes.now_ms // 1000 * 1000 + DAY_MS
    cancelled = activate(home.device, NEW_HASH, 5, tomorrow_ms)
    brought(home, activate(home.device, NEW_HASH, 6, CANCELLATION_MS))
    return runs(brought(home, cancelled, 3 * DAY_MS))


def a_dcc_that_activates() -> str:
    home = image_that_is_held()
    return runs(brought(home, activate(home.device, NEW_HASH, 5, signer=ACB)))


def a_hub_that_lets_a_command_through() -> str:
    """A command that the supplier signed and the DCC never saw; the hub makes up the MAC."""
    home = image_that_is_held()
    signed = gbcs.decode(activate(home.device, NEW_HASH, 5))
    forged = maced(signed, HUB)
    return runs(brought(home, forged))


def another_supplier_of_the_home() -> str:
    home = image_that_is_held()
    return runs(brought(home, activate(home.device, NEW_HASH, 5, supplier=SUPPLIER_2)))


def an_image_that_the_supplier_did_not_sign() -> str:
    """The DCC hands out an image that the maker released and the supplier never chose."""
    home = hcalcs(signed_by=ACB).distribute()
    return home.transfers()[-1]


def a_good_header_and_another_body() -> str:
    """A PPMID gets an image whose header is right and whose code is the attacker's."""
    image = NEW[:-100] + hashlib.shake_128(b"malware").digest(100)
    home = AHome(image=image, depth=RadioDepth.FLOW).run_update()
    return runs(home, a_home.PPMID)


def an_image_of_another_hardware() -> str:
    image = a_home.release(a_home.build(a_home.NEW_VERSION, hardware=(0x2000, 0x2001)))
    home = AHome(image=image, depth=RadioDepth.FLOW).run_update(3 * DAY_MS)
    return runs(home, a_home.PPMID)


def an_image_cut_short() -> str:
    """What the hub stores ends early, and its header says otherwise."""
    image = build(HCALCS, a_home.NEW_VERSION)[:-10]
    home = hcalcs().run(10_000)
    digest = hashlib.sha256(build(HCALCS, a_home.NEW_VERSION)).digest()
    home.blobs[digest] = image
    home._pending.append(wan.encode(wan.DeliverImage(a_home.REQUEST, digest, (home.device,))))
    home.run(DAY_MS)
    return ", ".join(home.stored()) or "nothing stored"


OLD_RUNS, NEW_RUNS = "the device runs 00010000", "the device runs 00020000"
OPERATOR_OF_THE_WAN = "whoever can write to the WAN or the HAN: a rogue hub, an operator of a CSP"

ATTACKS = (
    Attack(
        name="replayed command",
        number=FIELD,
        who=OPERATOR_OF_THE_WAN,
        stopped_by="A device carries out only a command whose counter is above the last one that "
        "it accepted from its originator (han/command_reception.py).",
        mount=a_replayed_command,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/command_reception.py",
            "return message.counter > self._accepted.get(message.originator, -1)",
            "return message.counter >= self._accepted.get(message.originator, -1)",
        ),
        remains="A command that was held back and never arrived can be brought late, once, unless "
        "a later one came first: only its own execution time bounds it.",
    ),
    Attack(
        name="commands in another order",
        number=FIELD,
        who=OPERATOR_OF_THE_WAN,
        stopped_by="The same counter: after the cancellation the command that it cancels is too "
        "old (han/command_reception.py).",
        mount=a_reordered_command,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/command_reception.py",
            "return message.counter > self._accepted.get(message.originator, -1)",
            "return message.counter != self._accepted.get(message.originator, -1)",
        ),
        remains="Who can hold a cancellation back can let the cancelled activation happen; the "
        "supplier sees that no answer came.",
    ),
    Attack(
        name="the DCC activates by itself",
        number=FIELD,
        who="a rogue operator of the DCC with the keys of its Access Control Broker",
        stopped_by="A critical command needs the signature of the supplier that the device trusts "
        "(han/command_reception.py).",
        mount=a_dcc_that_activates,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/command_reception.py", "        Refusal.SIGNATURE: _signature_valid,\n"
        ),
        remains="11.4 has no critical command: a rogue DCC or hub can bring a PPMID any image "
        "that its maker has released for it.",
    ),
    Attack(
        name="a command past the DCC",
        number=FIELD,
        who="a stolen hub, with a command that a supplier signed",
        stopped_by="A command needs the MAC of the Access Control Broker, under a key that only "
        "it and the device have (han/command_reception.py).",
        mount=a_hub_that_lets_a_command_through,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence("han/command_reception.py", "        Refusal.MAC: _mac_valid,\n"),
        remains="Nothing known; the supplier's own signature is needed besides.",
    ),
    Attack(
        name="another supplier of the home activates",
        number=FIELD,
        who="a second supplier whom the device trusts for another purpose",
        stopped_by="An image is activated only by the supplier who signed it "
        "(han/firmware_activation.py).",
        mount=another_supplier_of_the_home,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/firmware_activation.py",
            "if held is None or held.supplier != order.supplier:",
            "if held is None:",
        ),
        remains="A supplier may update what it is responsible for, whoever else is in the home.",
    ),
    Attack(
        name="the DCC exchanges the image",
        number=2,
        who="a rogue operator of the DCC, or of a CSP, with another image of the same maker",
        stopped_by="An image for 11.1 ends with its supplier's signature, which the device "
        "verifies before it holds the image (han/firmware_distribution.py).",
        mount=an_image_that_the_supplier_did_not_sign,
        refused="IMAGE_DISCARDED",
        without="SUCCESS",
        defence=Defence(
            "han/firmware_distribution.py",
            "return None if image is None or self._supplier(image) is None else image",
            "return image",
        ),
        remains="A PPMID has no such signature to verify: what its maker released for it may be "
        "brought by whoever runs its hub.",
    ),
    Attack(
        name="a good header with another body",
        number=FIELD,
        who="whoever can write to the store from which hubs fetch images",
        stopped_by="A device runs only what its maker released; here, what has a released "
        "Manufacturer Image Hash (han/verification.py).",
        mount=a_good_header_and_another_body,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/verification.py",
            "if suits(image.header, make) and manufacturer_image_hash(image) in released:",
            "if suits(image.header, make):",
        ),
        remains="How a maker protects its images is not public: the device's check is a model.",
    ),
    Attack(
        name="an image for other hardware",
        number=4,
        who="a careless or rogue supplier user, if the DCC let it pass",
        stopped_by="A hub offers a device, and the device takes, only images whose header names "
        "its maker, type and hardware (han/verification.py).",
        mount=an_image_of_another_hardware,
        refused=OLD_RUNS,
        without=NEW_RUNS,
        defence=Defence(
            "han/verification.py",
            "    return lowest <= hardware_version <= highest\n",
            "    return True\n",
        ),
        remains="A device whose maker lets several kinds of hardware share a version number.",
    ),
    Attack(
        name="an image exchanged on its way to the hub",
        number=3,
        who="whoever can write to the store from which hubs fetch images",
        stopped_by="A hub stores an image only under the SHA-256 that the DCC named "
        "(han/image_store.py).",
        mount=an_image_cut_short,
        refused="digest-mismatch",
        without="stored",
        defence=Defence(
            "han/image_store.py",
            "if octets is None or hashlib.sha256(octets).digest() != digest:",
            "if octets is None:",
        ),
        remains="How hubs really fetch images is not public (wire/wan.py says what is assumed).",
    ),
)
