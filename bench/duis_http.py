"""What the DCC's end of DUIS over HTTP costs: requests a second, memory, and reading alone.

Requests a second: `hanota dcc serve` as it is, signature check and durable ledger included, asked
by several connections at once from this process, which has to share the same two cores; compared
with a bare uvicorn and Starlette that gives every body back, asked in the same way.

Memory: the largest legal request (10,240,000 octets of image, 50,000 ids of devices that are all
accepted) posted to the service in a process of its own; what its peak grows by (Linux).

Reading: a small signed request from octets to a checked value, compared with ECDSA alone.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from hanota.dcc.users import SUPPLIERS
from hanota.errors import RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import DEVICES_PER_REQUEST_MAX, IMAGE_OCTETS_MAX
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.rows import Device
from hanota.serve.allocator import map_large_blocks
from hanota.serve.dcc import DccShell
from hanota.serve.dcc_reading import ReadRequest, read_request
from hanota.serve.duis_http import duis_service
from hanota.serve.ledger_thread import LedgerThread
from hanota.sim.town import build_home
from hanota.sim.town_images import seeded_image
from hanota.smki import dsig, keys
from hanota.smki.directory import CertificateSet
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import encode_request
from hanota.wire.duis.services import WebService
from hanota.wire.duis.signature import read_signature
from hanota.wire.duis.values import (
    ReadFirmwareVersion,
    ReadInventory,
    Request,
    UpdatePPMIDFirmware,
)
from hanota.wire.image import encode_image

PKI = TestPki(b"1")
SIGNER = dsig.request_signer(SUPPLIER, PKI, PKI)
NOW_MS = 1_795_000_000_000
HOMES = 100
CONNECTIONS = 16
REQUESTS = 3_000
ROUNDS = 3
REQUIRED_PER_S = 500.0
REQUIRED_MEMORY_RATIO = 6.0
READS, READ_ROUNDS = 200, 41


def figures() -> list[dict[str, object]]:
    """Two services over HTTP, the memory of the largest request, reading alone."""
    return [*_http(), *_largest(), _reading()]


def read_inventory(counter: int) -> bytes:
    """A small request that the DCC answers by itself."""
    body = ReadInventory(build_home(counter % HOMES).hub_id)
    request_id = RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, counter)
    return encode_request(Request(request_id, 8, "8.2", "8.2", body), SIGNER)


def read_version(counter: int) -> bytes:
    """A small request for which the DCC sends a command to a meter."""
    device_id = build_home(counter % HOMES).device(DeviceType.ESME).device_id
    request_id = RequestID(SUPPLIER, device_id, 1_000_000 + counter)
    return encode_request(Request(request_id, 1, "11.2", "11.2", ReadFirmwareVersion()), SIGNER)


def largest_request() -> bytes:
    """As much image and as many devices as the schema allows."""
    image = encode_image(seeded_image(IMAGE_OCTETS_MAX, 1))
    ids = tuple(device.device_id for device in ppmids())
    body = UpdatePPMIDFirmware(image, "00020000", ids)
    request_id = RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, 2)
    return encode_request(Request(request_id, 8, "11.4", "11.4", body), SIGNER)


def ppmids() -> Iterator[Device]:
    """The devices that it is for, each behind a hub of its own."""
    for number in range(DEVICES_PER_REQUEST_MAX):
        yield build_home(number).device(DeviceType.PPMID)


# --- Requests a second ---


def _http() -> list[dict[str, object]]:
    inventory = [read_inventory(n) for n in range(REQUESTS * ROUNDS)]
    versions = [read_version(n) for n in range(REQUESTS * ROUNDS)]
    rates: dict[str, list[float]] = {"8_2": [], "11_2": [], "echo": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(_DCC, folder) as dcc,
        _served(_ECHO) as echo,
    ):
        for turn in range(ROUNDS):
            mine = slice(turn * REQUESTS, (turn + 1) * REQUESTS)
            rates["8_2"].append(_per_second(dcc, "/api/v1/serviceD", inventory[mine]))
            rates["echo"].append(_per_second(echo, "/api/v1/serviceD", inventory[mine]))
            rates["11_2"].append(_per_second(dcc, "/api/v1/serviceS", versions[mine]))
    echoed = median(rates["echo"])
    return [
        {
            "name": f"duis_http_{name}",
            "value": median(rates[name]),
            "unit": f"signed requests/s recorded and answered, at least {REQUIRED_PER_S:.0f}",
            "reference": "uvicorn and Starlette giving the body back",
            "reference_value": echoed,
            "ratio": median(rates[name]) / echoed,
        }
        for name in ("8_2", "11_2")
    ]


_DCC = (
    "from hanota.cli.main import main; main()",
    ["dcc", "serve", "--duis-port", "0", "--smki-port", "0", "--homes", str(HOMES), "--state"],
)
_ECHO = (
    """
import asyncio
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.loops.auto import auto_loop_factory
from hanota.serve.http_server import listening
async def echo(request):
    return Response(await request.body(), media_type="application/xml")
async def main():
    app = Starlette(routes=[Route("/api/v1/serviceD", echo, methods=["POST"])])
    async with listening(app, "127.0.0.1", 0) as port:
        print(f"http://127.0.0.1:{port}/", flush=True)
        await asyncio.Event().wait()
with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
    runner.run(main())
""",
    [],
)


@contextmanager
def _served(program: tuple[str, list[str]], *words: str) -> Iterator[int]:
    """A server in a process of its own; gives the first port that it names."""
    code, options = program
    with subprocess.Popen(
        [sys.executable, "-c", code, *options, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            ports = (re.search(r"://127\.0\.0\.1:(\d+)/", line) for line in process.stdout)
            yield int(next(found[1] for found in ports if found is not None))
        finally:
            process.kill()


def _per_second(port: int, path: str, bodies: Sequence[bytes]) -> float:
    start = time.perf_counter()
    asyncio.run(_ask_all(port, path, bodies))
    return len(bodies) / (time.perf_counter() - start)


async def _ask_all(port: int, path: str, bodies: Sequence[bytes]) -> None:
    waiting = iter(bodies)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answered = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answered)
            if not answered.startswith(b"HTTP/1.1 200") or length is None:
                raise AssertionError(answered)
            await reader.readexactly(int(length[1]))
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))


# --- The largest request ---


def _largest() -> list[dict[str, object]]:
    octets = largest_request()
    done = subprocess.run(
        [sys.executable, "-c", _LARGEST], check=True, capture_output=True, input=octets
    )
    grown_kib, milliseconds = map(float, done.stdout.split())
    size_kib = len(octets) / 1024
    return [
        {
            "name": "duis_http_largest_memory",
            "value": grown_kib / 1024,
            "unit": f"MiB of peak, at most {REQUIRED_MEMORY_RATIO:.0f} times",
            "reference": "MiB of the largest legal request",
            "reference_value": size_kib / 1024,
            "ratio": grown_kib / size_kib,
        },
        {
            "name": "duis_http_largest_time",
            "value": milliseconds,
            "unit": "ms to answer, all 50,000 devices accepted",
            "reference": "what DCC Boxed's clients wait",
            "reference_value": 3_000.0,
            "ratio": milliseconds / 3_000,
        },
    ]


_LARGEST = "from bench.duis_http import measure_largest; measure_largest()"


def measure_largest() -> None:
    """Answer the request on standard input; print KiB of peak and milliseconds."""
    map_large_blocks()
    with tempfile.TemporaryDirectory() as folder:
        # On the disk, so that it comes in parts and is not counted before it comes.
        body = Path(folder) / "body"
        with body.open("wb") as file:
            while part := sys.stdin.buffer.read(_PART_OCTETS):
                file.write(part)
        print(*asyncio.run(_answer_largest(folder, body)))


async def _answer_largest(folder: str, body: Path) -> tuple[int, float]:
    with Ledger.open(f"sqlite:///{folder}/dcc.db", owner="dcc") as ledger, LedgerThread() as thread:
        shell = DccShell(
            ledger, PKI, PKI, acb_id=ACCESS_CONTROL_BROKER, users={SUPPLIER: SUPPLIERS}
        )
        shell.load_inventory(
            device for n in range(DEVICES_PER_REQUEST_MAX) for device in build_home(n).devices
        )
        shell.take_every_image()

        def read(octets: bytes, service: WebService) -> ReadRequest:
            return read_request(octets, PKI, NOW_MS, signature_check=True, at=service)

        async def answer(reads: Sequence[ReadRequest]) -> Sequence[bytes | RemoteError]:
            return await thread.run(lambda: shell.answer_read(reads, NOW_MS))

        async def ready() -> tuple[bool, dict[str, int]]:
            return True, {}

        transport = httpx.ASGITransport(duis_service(read, answer, ready))
        async with httpx.AsyncClient(
            transport=transport, timeout=60, base_url="http://dcc"
        ) as client:
            post = partial(client.post, "/api/v1/serviceD")
            # A small request first, so that what is loaded once is not counted; then the peak is
            # set back to what is resident.
            assert b">I0<" in (await post(content=read_inventory(1))).content
            before, start = _peak_kib(anew=True), time.perf_counter()
            answered = (await post(content=_parts(body))).content
            took_s = time.perf_counter() - start
            assert b">I0<" in answered, answered[:1_000]
            return _peak_kib() - before, took_s * 1_000


async def _parts(body: Path) -> AsyncIterator[bytes]:
    with body.open("rb") as file:
        while part := file.read(_PART_OCTETS):
            yield part


def _peak_kib(*, anew: bool = False) -> int:
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if "VmHWM" in line).split()[1])


_PART_OCTETS = 65_536


# --- Reading alone ---


def _reading() -> dict[str, object]:
    octets = read_version(1)
    usage = KeyUsage.DIGITAL_SIGNATURE
    directory = CertificateSet(
        PKI.certificate(SUPPLIER, usage, role) for role in (Role.SUPPLIER, Role.XML_SIGNING)
    )
    public_key = PKI.certificate(SUPPLIER, usage, Role.XML_SIGNING).public_key
    stated = read_signature(open_document(octets))
    if stated is None:
        raise AssertionError("the bench made a request without a signature")

    def ours() -> None:
        for _ in range(READS):
            read_request(octets, directory, NOW_MS, signature_check=True)

    def bare() -> None:
        for _ in range(READS):
            keys.verify(public_key, stated.signed_info, stated.value)

    pairs = [(_seconds(ours), _seconds(bare)) for _ in range(READ_ROUNDS)]
    ours_s, bare_s = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return {
        "name": "duis_small_request_read",
        "value": READS / ours_s,
        "unit": "requests/s parsed, held to the schema and verified, at least 45%",
        "reference": "the one ECDSA verification alone",
        "reference_value": READS / bare_s,
        "ratio": bare_s / ours_s,
    }


def _seconds(work: Callable[[], object]) -> float:
    """Of this process alone: what else the machine does counts little."""
    start = time.process_time()
    work()
    return time.process_time() - start
