"""How many CS09 alerts one core reads and checks in a second.

Compared with `cryptography` verifying the same signatures and nothing else: octets to be signed
and DER signatures are made before the clock starts. The two take turns, so that what else the
machine does falls on both.
"""

import statistics
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hanota.model import eui_from_text
from hanota.smki.protection import sign, signature_valid
from hanota.wire.gbcs import cs09
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode, signed_octets

MESSAGES = 300
ROUNDS = 31

PPMID = eui_from_text("00-DB-12-34-56-78-90-A4")
ACB = eui_from_text("90-B3-D5-1F-30-00-00-02")
CONTENT = cs09.FirmwareActivationAlert(
    instant_ms=1_420_070_400_000,
    firmware_version=0x1234ABCD,
    result=cs09.ActivationResult.SUCCESS,
)


def figures() -> list[dict[str, object]]:
    """Decode, content and signature check, per second, against the bare verification."""
    key = ec.derive_private_key(0xC509, ec.SECP256R1())
    public_key = key.public_key()
    messages = [sign(_alert(counter), key) for counter in range(1, MESSAGES + 1)]
    received = [encode(message) for message in messages]
    prepared = [(_der(message.signature), signed_octets(message)) for message in messages]
    algorithm = ec.ECDSA(SHA256())

    def parse_and_verify() -> None:
        for octets in received:
            message = decode(octets)
            if decode_content(message) != CONTENT or not signature_valid(message, public_key):
                raise AssertionError("the bench made a message that does not verify")

    def verify() -> None:
        for signature, data in prepared:
            public_key.verify(signature, data, algorithm)

    ours, bare = _rates(parse_and_verify, verify)
    return [
        {
            "name": "cs09_parse_verify",
            "value": ours,
            "unit": "messages/s",
            "reference": "cryptography: public_key.verify alone",
            "reference_value": bare,
            "ratio": ours / bare,
        }
    ]


def _alert(counter: int) -> GbcsMessage:
    return GbcsMessage(Cra.ALERT, counter, PPMID, ACB, 0x012B, cs09.encode_alert(CONTENT))


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )


def _rates(*runs: Callable[[], None]) -> list[float]:
    """The median rate of each run, messages a second, over rounds that take turns."""
    rates: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, measured in zip(runs, rates, strict=True):
            start = time.perf_counter()
            run()
            measured.append(MESSAGES / (time.perf_counter() - start))
    return [statistics.median(measured) for measured in rates]
