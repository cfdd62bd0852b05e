"""How many firmware commands and answers one core makes and checks in a second.

CS06 is compared with `cryptography` signing or verifying the same octets and nothing else, the
answer of CS08 with AES-GCM tags of as many octets. What is compared takes turns, so that what else
the machine does falls on both. The shared secret Z is known beforehand: it depends on the pair of
parties alone.
"""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from hanota.dcc.transform import pre_command
from hanota.model import RequestID, eui_from_text
from hanota.smki.protection import add_mac, mac_valid, shared_secret, sign, signature_valid
from hanota.wire.duis.values import ActivateFirmware
from hanota.wire.gbcs import cs06, cs08
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode, mac_input, signed_octets

MESSAGES = 60
ROUNDS = 151

DEVICE = eui_from_text("00-DB-12-34-56-78-90-A0")
SUPPLIER = eui_from_text("90-B3-D5-1F-30-01-00-00")
ACB = eui_from_text("90-B3-D5-1F-30-00-00-02")
HASH = bytes(range(32))
KEY, ACB_KEY, DEVICE_KEY = (ec.derive_private_key(n, ec.SECP256R1()) for n in (0x51, 0xAC, 0xDE))
Z = shared_secret(ACB_KEY, DEVICE_KEY.public_key())
SIGN = ec.ECDSA(SHA256(), deterministic_signing=True)
VERIFY = ec.ECDSA(SHA256())
READ = cs08.ReadFirmwareVersionResponse(bytes(4), cs08.ReadResult.SUCCESS)


def figures() -> list[dict[str, object]]:
    """CS06 made, CS06 read and checked, and the answer of CS08 read and checked, per second."""
    return [
        _figure("cs06_make", _make, _sign, "cryptography: private_key.sign alone"),
        _figure("cs06_parse_verify", *_checks_of_cs06(), "cryptography: public_key.verify alone"),
        _figure(
            "cs08_response_parse_mac", *_checks_of_cs08(), "cryptography: AES-GCM tags, a key each"
        ),
    ]


def _command(counter: int) -> GbcsMessage:
    body = ActivateFirmware(execution_date_time_ms=None, firmware_hash=HASH)
    return pre_command(RequestID(SUPPLIER, DEVICE, counter), body)


def _make() -> None:
    for counter in range(MESSAGES):
        encode(add_mac(sign(_command(counter), KEY), Z))


_TO_SIGN = [signed_octets(_command(counter)) for counter in range(MESSAGES)]


def _sign() -> None:
    for octets in _TO_SIGN:
        KEY.sign(octets, SIGN)


def _checks_of_cs06() -> tuple[Callable[[], None], Callable[[], None]]:
    messages = [add_mac(sign(_command(counter), KEY), Z) for counter in range(MESSAGES)]
    received = [encode(message) for message in messages]
    prepared = [(_der(message.signature), signed_octets(message)) for message in messages]
    public_key = KEY.public_key()

    def parse_and_verify() -> None:
        for octets in received:
            message = decode(octets)
            content = decode_content(message)
            if not (
                isinstance(content, cs06.ActivateFirmwareCommand)
                and signature_valid(message, public_key)
                and mac_valid(message, Z)
            ):
                raise AssertionError("the bench made a command that does not verify")

    def verify() -> None:
        for signature, data in prepared:
            public_key.verify(signature, data, VERIFY)

    return parse_and_verify, verify


def _checks_of_cs08() -> tuple[Callable[[], None], Callable[[], None]]:
    messages = [add_mac(_response(counter), Z) for counter in range(MESSAGES)]
    received = [encode(message) for message in messages]
    # Every GBCS message has a key of its own, so a bare tag is one under a fresh key.
    prepared = [
        (counter.to_bytes(16, "big"), mac_input(message))
        for counter, message in enumerate(messages)
    ]
    iv = bytes(12)

    def parse_and_check() -> None:
        for octets in received:
            message = decode(octets)
            if decode_content(message) != READ or not mac_valid(message, Z):
                raise AssertionError("the bench made an answer that does not verify")

    def tags() -> None:
        for key, covered in prepared:
            AESGCM(key).encrypt(iv, b"", covered)

    return parse_and_check, tags


def _response(counter: int) -> GbcsMessage:
    return GbcsMessage(
        Cra.RESPONSE,
        counter,
        DEVICE,
        ACB,
        0x0129,
        cs08.encode_response(READ),
        supplementary_party=SUPPLIER,
        supplementary_counter=counter,
    )


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )


def _figure(
    name: str, ours: Callable[[], None], bare: Callable[[], None], reference: str
) -> dict[str, object]:
    """The best of each rate, messages a second, of rounds that take turns."""
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for run, measured in zip((ours, bare), rates, strict=True):
            start = time.perf_counter()
            run()
            measured.append(MESSAGES / (time.perf_counter() - start))
    # What slows a round down is another process, never the code.
    value, reference_value = map(max, rates)
    return {
        "name": name,
        "value": value,
        "unit": "messages/s",
        "reference": reference,
        "reference_value": reference_value,
        "ratio": value / reference_value,
    }
