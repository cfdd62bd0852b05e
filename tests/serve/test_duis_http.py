"""DUIS over HTTP: every coded answer with 200, everything else a short refusal; nothing hangs."""

import asyncio

import httpx
import pytest
from fuzz.targets import mutated
from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.samples import ACB, DEVICE_ID, NOW_MS, SUPPLIER
from tests.serve.a_dcc import PKI, ADcc, opened, signed, update_ppmid

from hanota.errors import LocalError
from hanota.limits import DUIS_OCTETS_MAX, DUIS_SMALL_OCTETS_MAX
from hanota.model import RequestID
from hanota.serve import duis_http
from hanota.serve.dcc_reading import read_request
from hanota.serve.duis_http import InHand, duis_service
from hanota.wire.duis.services import WebService
from hanota.wire.duis.values import ReadFirmwareVersion, ReadInventory, Request

D, S, T = (
    service.path
    for service in (WebService.NON_DEVICE, WebService.SEND_COMMAND, WebService.TRANSFORM)
)


def inventory_request(counter=1):
    return Request(RequestID(SUPPLIER, ACB, counter), 8, "8.2", "8.2", ReadInventory(DEVICE_ID))


class Service:
    """The service on a DCC in memory; `answers` can be made to wait, or to fail."""

    def __init__(self, in_hand=None):
        self.dcc = ADcc()
        self.batches = []
        self.fault = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.app = duis_service(self._read, self._answer, self._ready, in_hand)
        self.is_ready = True

    def _read(self, octets, service):
        return read_request(octets, PKI, NOW_MS, signature_check=True, at=service)

    async def _answer(self, reads):
        self.asked.set()
        await self.may_answer.wait()
        self.batches.append(len(reads))
        if self.fault is not None:
            raise self.fault
        return self.dcc.shell.answer_read(reads, NOW_MS)

    async def _ready(self):
        return self.is_ready, {"outbox": 3}

    def client(self):
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://dcc", timeout=30
        )


def exchange(path, body, method="POST", headers=None, service=None):
    """One exchange with a service of its own."""

    async def main():
        nonlocal service
        service = service or Service()
        async with service.client() as client:
            return await client.request(method, path, content=body, headers=headers)

    return asyncio.run(main())


def code_of(answer):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    return opened(answer.content, NOW_MS).response_code


def is_one_line(answer):
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text.count("\n") == 1 and answer.text.endswith("\n")


# --- Answers ---


def test_a_request_gets_its_answer():
    answer = exchange(D, signed(inventory_request()))
    assert code_of(answer) == "I0"
    assert b"<sr:DSPInventory>" in answer.content


def test_a_large_request_gets_its_answer():
    request = update_ppmid()
    octets = signed(request)
    spread = octets.replace(b"<sr:Body>", b"<sr:Body>" + b" " * DUIS_SMALL_OCTETS_MAX)
    assert code_of(exchange(D, octets)) == "I0"
    # The blanks are not what was signed, but it was read and answered all the same.
    assert code_of(exchange(D, spread)) == "E48"


@pytest.mark.parametrize(
    ("path", "request_", "code"),
    [
        (S, inventory_request(), "E11"),
        (T, inventory_request(), "E11"),
        (D, Request(RequestID(SUPPLIER, DEVICE_ID, 1), 1, "11.2", "11.2", ReadFirmwareVersion()),
         "E11"),
        (S, Request(RequestID(SUPPLIER, DEVICE_ID, 1), 1, "11.2", "11.2", ReadFirmwareVersion()),
         "I99"),
        (D, Request(RequestID(SUPPLIER, ACB, 1), 8, "8.2", "8.2", ReadInventory(17)), "E19"),
    ],
)  # fmt: skip
def test_refusals_are_coded_and_come_with_200(path, request_, code):
    assert code_of(exchange(path, signed(request_))) == code


def test_a_repeat_gets_the_same_octets():
    async def main():
        service = Service()
        async with service.client() as client:
            octets = signed(inventory_request())
            first, second = [await client.post(D, content=octets) for _ in range(2)]
        assert first.content == second.content

    asyncio.run(main())


NO_DUIS = {
    "nothing": b"",
    "text": b"hello",
    "HTML": b"<html></html>",
    "a Response": b'<Response xmlns="http://www.dccinterface.co.uk/ServiceUserGateway"/>',
    "no header": b'<Request xmlns="http://www.dccinterface.co.uk/ServiceUserGateway"/>',
    "a document type": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "no such service": signed(inventory_request()).replace(b">8.2<", b">8.99<"),
    "broken": signed(inventory_request())[:-5],
    "UTF-16": signed(inventory_request()).decode().encode("utf-16"),
}


@pytest.mark.parametrize("octets", NO_DUIS.values(), ids=NO_DUIS)
def test_what_is_no_duis_is_400_and_one_line(octets):
    answer = exchange(D, octets)
    assert answer.status_code == 400
    assert is_one_line(answer)


# --- Bounds ---


def test_too_large_a_body_is_413_declared_or_not():
    async def chunks():
        for _ in range(17):
            yield bytes(1_000_000)

    for body in (bytes(DUIS_OCTETS_MAX + 1), chunks()):
        answer = exchange(D, body)
        assert answer.status_code == 413
        assert is_one_line(answer)
        assert answer.headers["connection"] == "close"


def test_the_largest_body_is_read():
    assert exchange(D, bytes(DUIS_OCTETS_MAX)).status_code == 400


def test_a_compressed_body_is_415():
    answer = exchange(D, b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert is_one_line(answer)


def test_a_body_that_does_not_come_is_408(monkeypatch):
    monkeypatch.setattr(duis_http, "DUIS_BODY_TIMEOUT_S", 0.01)

    async def never():
        yield b"<"
        await asyncio.Event().wait()

    answer = exchange(D, never())
    assert answer.status_code == 408
    assert is_one_line(answer)


def test_past_what_can_be_in_hand_it_is_503_and_afterwards_not():
    async def main():
        in_hand = InHand(requests_max=2, octets_max=100_000)
        service = Service(in_hand)
        service.may_answer.clear()
        async with service.client() as client:
            asked = [
                asyncio.create_task(client.post(D, content=signed(inventory_request(counter))))
                for counter in (1, 2)
            ]
            await service.asked.wait()
            third = signed(inventory_request(3))
            refused = await client.post(D, content=third)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            service.may_answer.set()
            assert [code_of(await each) for each in asked] == ["I0", "I0"]
            assert (in_hand.requests, in_hand.octets) == (0, 0)
            assert code_of(await client.post(D, content=third)) == "I0"
            too_much = await client.post(D, content=bytes(100_001))
            assert too_much.status_code == 503
            assert (in_hand.requests, in_hand.octets) == (0, 0)

    asyncio.run(main())


def test_requests_that_gather_are_answered_together_and_each_gets_its_own():
    async def main():
        service = Service()
        async with service.client() as client:
            requests = [signed(inventory_request(counter)) for counter in range(20)]
            given = await asyncio.gather(*(client.post(D, content=each) for each in requests))
        answers = [opened(each.content, NOW_MS) for each in given]
        assert [answer.request_id.counter for answer in answers] == list(range(20))
        assert sum(service.batches) == 20
        assert len(service.batches) < 20

    asyncio.run(main())


def test_a_ledger_that_cannot_be_written_is_503():
    async def main():
        service = Service()
        service.fault = LocalError("the disk is full of secrets")
        async with service.client() as client:
            answer = await client.post(D, content=signed(inventory_request()))
            assert answer.status_code == 503
            assert "secrets" not in answer.text
            service.fault = None
            answer = await client.post(D, content=signed(inventory_request()))
            assert code_of(answer) == "I0"

    asyncio.run(main())


# --- Beside the services ---


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", D, 405),
        ("PUT", S, 405),
        ("POST", D + "/", 404),
        ("POST", "/", 404),
        ("POST", "/API/V1/serviceD", 404),
        ("GET", "/health", 200),
    ],
)
def test_other_methods_and_paths(method, path, status):
    assert exchange(path, b"", method).status_code == status


@pytest.mark.parametrize(("is_ready", "status"), [(True, 200), (False, 503)])
def test_ready_tells_what_waits(is_ready, status):
    async def main():
        service = Service()
        service.is_ready = is_ready
        async with service.client() as client:
            return await client.get("/ready")

    answer = asyncio.run(main())
    assert answer.status_code == status
    assert answer.json() == {
        "ready": is_ready,
        "queues": {"outbox": 3, "requests_in_hand": 0, "octets_in_hand": 0},
    }


def test_the_log_has_a_line_a_request_without_its_content(caplog):
    caplog.set_level("INFO", "hanota")
    exchange(D, signed(inventory_request(77)))
    (line,) = [r.getMessage() for r in caplog.records if r.name == "hanota.serve.duis_http"]
    assert line.startswith(
        "path=/api/v1/serviceD request=90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:77 octets="
    )
    assert " status=200 ms=" in line
    assert "Signature" not in line


# --- Requests that were good once: a coded answer or 400, whatever was changed ---

GOOD = [
    signed(request)
    for request in (
        inventory_request(),
        update_ppmid(),
        Request(RequestID(SUPPLIER, DEVICE_ID, 3), 1, "11.2", "11.2", ReadFirmwareVersion()),
    )
]


@pytest.fixture(scope="module")
def shared():
    """One service for all that is thrown at it; what one request breaks, the next would find."""
    return Service()


@given(st.randoms(use_true_random=False), st.sampled_from([D, S, T]))
def test_a_request_with_anything_changed_gets_a_coded_answer_or_400(shared, chance, path):
    answer = exchange(path, mutated(chance, GOOD), service=shared)
    if answer.status_code != 200:
        assert answer.status_code == 400
        assert is_one_line(answer)
    else:
        assert code_of(answer)


def test_after_all_that_it_answers(shared):
    assert code_of(exchange(D, signed(inventory_request(99)), service=shared)) == "I0"
