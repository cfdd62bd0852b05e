"""What DUIS costs: a large 11.4 request against bare lxml, and DCC Alerts against bare ECDSA.

Times are medians of turns that the two sides take one after the other, so that what else the
machine does falls on both. Memory is the growth of the peak in a process of its own (Linux).
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from hanota.model import RequestID
from hanota.smki.keys import sign, verify
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import (
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    request_header,
)
from hanota.wire.duis.signature import DocumentSigner, read_signature
from hanota.wire.duis.values import (
    CommsHubTransferStatus,
    CSPFirmwareDeliveryStatus,
    DCCAlertMessage,
    Request,
    Response,
    UpdatePPMIDFirmware,
)

IMAGE_OCTETS = 750_000
DEVICES = 50_000
LARGE_ROUNDS = 41
ALERTS = 200
ALERT_ROUNDS = 31
MEMORY_MIB_MAX = 30

KEY = ec.derive_private_key(0x0D0115, ec.SECP256R1())
PUBLIC_KEY = KEY.public_key()
SIGNER = DocumentSigner("CN=Z1,OU=07", 7, lambda octets: sign(KEY, octets))
REQUEST_ID = RequestID(0x90B3D51F30010000, 0x90B3D51F30000002, 1)


def figures() -> list[dict[str, object]]:
    """The four figures of DUIS."""
    return [_large_time(), _large_memory(), *_alerts()]


def receive_large(octets: bytes) -> Request:
    """Everything that a DCC does with the octets of a request before it looks at the estate."""
    document = open_document(octets)
    request_header(document)
    signature = read_signature(document)
    if signature is None or not verify(PUBLIC_KEY, signature.signed_info, signature.value):
        raise AssertionError("the bench made a request that does not verify")
    return decode_request(document)


def large_request() -> bytes:
    """A signed 11.4 of 750 KB for 50,000 devices, with an image that does not compress."""
    image = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(IMAGE_OCTETS // 32 + 1))
    devices = tuple(range(0x00DB000000000000, 0x00DB000000000000 + DEVICES))
    body = UpdatePPMIDFirmware(image[:IMAGE_OCTETS], "01020304", devices)
    return encode_request(Request(REQUEST_ID, 8, "11.4", "11.4", body), SIGNER)


def _large_time() -> dict[str, object]:
    octets = large_request()
    parser = etree.XMLParser(huge_tree=True)

    def bare() -> None:
        root = etree.fromstring(octets, parser)
        hashlib.sha256(etree.tostring(root, method="c14n")).digest()

    ours, reference = _turns(lambda: receive_large(octets), bare, LARGE_ROUNDS)
    return {
        "name": "duis_11_4_large_time",
        "value": ours * 1e3,
        "unit": "ms for 750 KB and 50,000 devices, at most 3 times",
        "reference": "lxml: parse, C14N and SHA-256 alone",
        "reference_value": reference * 1e3,
        "ratio": ours / reference,
    }


def _large_memory() -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY], check=True, capture_output=True, input=large_request()
    )
    growth_mib = int(done.stdout) / 1024
    return {
        "name": "duis_11_4_large_memory",
        "value": growth_mib,
        "unit": "MiB of peak above the input",
        "reference": "the most that it may take",
        "reference_value": float(MEMORY_MIB_MAX),
        "ratio": growth_mib / MEMORY_MIB_MAX,
    }


# A small request first, so that what is loaded once is not counted; then the peak is set back to
# what is resident. (ru_maxrss would not do: a process inherits the peak of the one it comes from.)
_MEMORY = """
import sys
from pathlib import Path
from bench.duis import encode_request, receive_large, Request, REQUEST_ID, SIGNER
from hanota.wire.duis.values import ReadFirmwareVersion
octets = sys.stdin.buffer.read()
receive_large(encode_request(Request(REQUEST_ID, 1, "11.2", "11.2", ReadFirmwareVersion()), SIGNER))
def peak():
    (line,) = (l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l)
    return int(line.split()[1])
Path("/proc/self/clear_refs").write_text("5")
before = peak()
receive_large(octets)
print(peak() - before)
"""


def _alerts() -> list[dict[str, object]]:
    alerts = [_alert(number) for number in range(ALERTS)]
    received = [encode_response(alert, SIGNER) for alert in alerts]
    stated = [read_signature(open_document(octets)) for octets in received]
    signed = [(signature.signed_info, signature.value) for signature in stated if signature]

    def sign_alerts() -> None:
        for alert in alerts:
            encode_response(alert, SIGNER)

    def verify_alerts() -> None:
        for octets in received:
            document = open_document(octets)
            signature = read_signature(document)
            if signature is None or not verify(PUBLIC_KEY, signature.signed_info, signature.value):
                raise AssertionError("the bench made an alert that does not verify")
            decode_response(document)

    def sign_bare() -> None:
        for data, _ in signed:
            sign(KEY, data)

    def verify_bare() -> None:
        for data, value in signed:
            verify(PUBLIC_KEY, data, value)

    return [
        _rate("dcc_alert_sign", "built and signed", sign_alerts, sign_bare),
        _rate("dcc_alert_verify", "parsed, verified and read", verify_alerts, verify_bare),
    ]


def _rate(
    name: str, done: str, ours: Callable[[], object], bare: Callable[[], object]
) -> dict[str, object]:
    ours_s, bare_s = _turns(ours, bare, ALERT_ROUNDS)
    return {
        "name": name,
        "value": ALERTS / ours_s,
        "unit": f"DCC Alerts/s {done}",
        "reference": "the one ECDSA operation alone",
        "reference_value": ALERTS / bare_s,
        "ratio": bare_s / ours_s,
    }


def _alert(number: int) -> Response:
    status = CSPFirmwareDeliveryStatus(
        REQUEST_ID,
        0x00DB1234567890C0,
        0x00DB123400000000 + number,
        "01020304",
        1_795_361_821_523,
        CommsHubTransferStatus.SUCCESS,
    )
    return Response(
        response_code="I0",
        response_date_time_ms=1_795_361_821_523,
        body=DCCAlertMessage("N60", status),
    )


def _turns(
    ours: Callable[[], object], bare: Callable[[], object], rounds: int
) -> tuple[float, float]:
    pairs = [(_seconds(ours), _seconds(bare)) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
