"""A DCC over HTTP that answers as a test says, and pushes; it keeps what it was sent."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import httpx
import msgspec
from tests.supplier import device_says

from hanota.model import RequestID
from hanota.smki import dsig
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.pki import TestPki
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis import values as v
from hanota.wire.gbcs.message import Cra

# The default of every verb: the test PKI of seed 1.
PKI = TestPki(b"1")
NOW_MS = device_says.NOW_MS
DEVICE = device_says.DEVICE


class Reply(NamedTuple):
    """What comes back on a request: a document, or any other body; and what is pushed then."""

    body: bytes
    pushes: tuple[bytes, ...] = ()
    status: int = 200


class ScriptedDcc:
    """Answers by `script`, in a thread of its own, and then pushes.

    `self.pushed` are the statuses with which pushes were answered, 0 where nobody was there; the
    event is set by each.
    """

    def __init__(
        self,
        script: Callable[[v.Request], Reply],
        push_port: int,
        pushed: threading.Event | None = None,
    ) -> None:
        self.requests: list[v.Request] = []
        self.octets: list[bytes] = []
        self.paths: list[str] = []
        self.pushed: list[int] = []
        dcc = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                octets = self.rfile.read(int(self.headers["Content-Length"]))
                dcc.octets.append(octets)
                dcc.paths.append(self.path)
                dcc.requests.append(decode_request(open_document(octets)))
                reply = script(dcc.requests[-1])
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                self.wfile.flush()
                for push in reply.pushes:
                    dcc.pushed.append(_push(push_port, push))
                    if pushed is not None:
                        pushed.set()

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *raised):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _push(port: int, octets: bytes) -> int:
    url = f"http://127.0.0.1:{port}/smartdcc/duis"
    headers = {"Content-Type": "application/xml"}
    try:
        return httpx.post(url, content=octets, headers=headers, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# --- What it says ---


def signed(response: v.Response, pki=PKI) -> bytes:
    return dsig.sign_response(response, ACB, pki, pki)


def response(request: v.Request, code="I0", content=None) -> v.Response:
    service = (request.service_reference, request.service_reference_variant)
    return v.Response(
        request_id=request.request_id,
        response_code=code,
        response_date_time_ms=NOW_MS,
        body=v.ResponseMessage(*service, content),
    )


def answer(request: v.Request, code="I0", content=None, pki=PKI) -> bytes:
    return signed(response(request, code, content), pki)


def device_message(request: v.Request, said, *, pki=PKI, **changes) -> v.Response:
    """What the device says to the request, protected as it should be, in the DCC's message."""
    asked = request.request_id
    message = device_says.unprotected(said)
    counted = {
        Cra.RESPONSE: {"counter": asked.counter},
        Cra.ALERT: {},
    }[message.cra]
    if message.supplementary_party is not None:
        counted = {"supplementary_counter": asked.counter}
    message = msgspec.structs.replace(message, originator=_device_of(request), **counted, **changes)
    carried = device_says.carried(said, device_says.protected(message, pki=pki))
    if carried.request_id is None:
        return carried
    swapped = RequestID(asked.target, asked.originator, asked.counter)
    return msgspec.structs.replace(carried, request_id=asked, response_id=swapped)


def _device_of(request: v.Request) -> int:
    target = request.request_id.target
    return DEVICE if target == ACB else target


def alert(body) -> v.Response:
    return v.Response(
        response_code="I0", response_date_time_ms=NOW_MS, body=v.DCCAlertMessage("N60", body)
    )


def activated(code="ActivationSuccess", device_id=DEVICE) -> v.Response:
    told = v.PPMIDFirmwareUpgradeAlert("00020000", v.ActivateImageResultCode(code))
    return alert(
        v.PPMIDAlert(
            device_id=device_id, device_alert_code=0x8F8B, ppmid_firmware_upgrade_alert=told
        )
    )


def delivered(request: v.Request, device_id=DEVICE) -> v.Response:
    status = v.CommsHubTransferStatus.SUCCESS
    return alert(
        v.CSPFirmwareDeliveryStatus(request.request_id, 1, device_id, "00020000", NOW_MS, status)
    )
