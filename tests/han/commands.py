"""Commands as supplier and ACB make them, and the trust of a device in them."""

from functools import cache, partial

import msgspec

from hanota.han.command_reception import Trust
from hanota.model import KeyUsage
from hanota.smki import keys, protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.wire.gbcs import cs06, ecs52
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra, GbcsMessage

SEED = b"a home"
CS06, ECS52, GCS38, CS08 = 0x0012, 0x0059, 0x0084, 0x0129
READS = {
    CS08: lambda _counter: bytes.fromhex("0500"),
    ECS52: lambda counter: ecs52.encode_command(
        ecs52.ReadFirmwareVersionCommand(counter & 0xFFFFFF)
    ),
    GCS38: lambda _counter: bytes.fromhex("01090101070200050000000602"),
}


@cache
def key(eui: int, usage: KeyUsage):
    return keys.derive_private_key(SEED, eui, usage)


def signing(eui: int):
    return key(eui, KeyUsage.DIGITAL_SIGNATURE)


@cache
def secret(one: int, other: int) -> bytes:
    """Z between two parties."""
    public = key(other, KeyUsage.KEY_AGREEMENT).public_key()
    return protection.shared_secret(key(one, KeyUsage.KEY_AGREEMENT), public)


def trust_of(device: int, *suppliers: int) -> Trust:
    return Trust(partial(secret, device), lambda eui: signing(eui).public_key(), suppliers, ACB)


def maced(message: GbcsMessage, organisation: int = ACB) -> bytes:
    return gbcs.encode(protection.add_mac(message, secret(organisation, message.target)))


def activate(
    device: int,
    image_hash: bytes,
    counter: int,
    at_ms: int | None = None,
    *,
    supplier: int = SUPPLIER,
    signer: int | None = None,
    **header,
) -> bytes:
    """CS06 with signature and MAC."""
    content = cs06.encode_command(cs06.ActivateFirmwareCommand(image_hash, counter, at_ms))
    message = GbcsMessage(Cra.COMMAND, counter, supplier, device, CS06, content)
    message = msgspec.structs.replace(message, **header)
    return maced(protection.sign(message, signing(signer or supplier)))


def read(device: int, code: int, counter: int, originator: int = ACB, asker=(SUPPLIER_2, 7)):
    """One of the three reads; from the ACB for `asker`, or from a supplier itself."""
    message = GbcsMessage(Cra.COMMAND, counter, originator, device, code, READS[code](counter))
    if originator == ACB and asker:
        party, party_counter = asker
        message = msgspec.structs.replace(
            message, supplementary_party=party, supplementary_counter=party_counter
        )
    return maced(message)
