"""A supplier's process at its HTTP end: what it takes, and how it is."""

import asyncio
import os
import signal

import httpx
import pytest
from tests.dcc.samples import ACB, NOW_MS, SUPPLIER
from tests.serve.a_supplier import PKI, A, ASupplier, delivery_status, signed, unsigned

from hanota.errors import LocalError
from hanota.model import RequestID
from hanota.serve import supplier_process
from hanota.serve.clock import Clock
from hanota.serve.from_dcc import Belief
from hanota.serve.supplier_process import Ends, SupplierProcess
from hanota.smki.pki import TestPki

PATH = "/smartdcc/duis"
XML = {"Content-Type": "application/xml"}
ALERT = delivery_status(RequestID(SUPPLIER, ACB, 1))


class Running:
    """A process while it runs, and a client of it; `advanced` are the times it was let go on."""

    def __init__(self, supplier, advance=lambda _: False):
        clock = Clock(NOW_MS)
        self.supplier = supplier
        belief = Belief(PKI, ACB, clock.now_ms)
        self.process = SupplierProcess(supplier.shell, supplier.ledger, belief, clock, advance)

    async def during(self, ask, dcc="127.0.0.1:9"):
        """What `ask` gives, which is told the address, and ends with a SIGTERM."""
        ends = Ends(dcc, None, "127.0.0.1", 0, PATH, None)
        listens = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(self.process.run(ends, listens.set_result))
        await asyncio.wait([running, listens], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listens.result()}", trust_env=False
        ) as client:
            try:
                return await ask(client)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await running


def run(supplier, ask, **options):
    return asyncio.run(Running(supplier, **options).during(ask))


def push(*documents):
    async def ask(client):
        answers = await asyncio.gather(
            *(client.post(PATH, content=octets, headers=XML) for octets in documents)
        )
        return [(answer.status_code, answer.text) for answer in answers]

    return ask


@pytest.fixture
def supplier():
    supplier = ASupplier().has_estate()
    with supplier.ledger:
        yield supplier


def test_a_push_is_recorded_before_it_is_acknowledged(supplier):
    request_id = supplier.has_asked()
    told = signed(delivery_status(request_id))
    assert run(supplier, push(told)) == [(204, "")]
    assert "delivered" in supplier.states()
    supplier.assert_sound()


def test_pushes_at_once_count_once_each(supplier):
    request_id = supplier.has_asked()
    told = [signed(delivery_status(request_id, device_id)) for device_id in (A, A + 16, A, A + 32)]
    assert run(supplier, push(*told, *told)) == [(204, "")] * 8
    assert supplier.states() == ["delivered"] * 3


@pytest.mark.parametrize(
    "octets", [b"<a/>", b"no XML", unsigned(ALERT), signed(ALERT, TestPki(b"another"))]
)
def test_what_is_not_the_dccs_is_refused_and_never_gets_to_the_ledger(supplier, octets):
    before = supplier.everything()
    ((status, told),) = run(supplier, push(octets))
    assert status == 400
    assert told
    assert supplier.everything() == before


def test_a_ledger_that_cannot_be_written_is_503(supplier, monkeypatch):
    def receive(_pushes, _now_ms):
        raise LocalError("the disk is full")

    told = signed(delivery_status(supplier.has_asked()))
    monkeypatch.setattr(supplier.shell, "receive", receive)
    assert run(supplier, push(told)) == [(503, "pushes cannot be recorded now\n")]


def test_health_and_readiness(supplier):
    supplier.asks()

    async def ask(client):
        return (await client.get("/health")).text, (await client.get("/ready")).json()

    health, ready = run(supplier, ask)
    assert health == "alive\n"
    assert ready["ready"] is True
    assert ready["queues"]["outbox"] == 1
    assert ready["queues"].keys() >= {"ledger_work", "requests_under_way", "pushes_in_hand"}


def test_whatever_else_is_to_be_done_is_done_and_at_once_while_there_is_more(supplier, monkeypatch):
    monkeypatch.setattr(supplier_process, "SUPPLIER_LOOK_MS", 3_600_000)
    advanced, thrice = [], asyncio.Event()

    async def ask(_client):
        await asyncio.wait_for(thrice.wait(), 30)

    async def both():
        loop = asyncio.get_running_loop()

        def advance(now_ms):
            advanced.append(now_ms)
            if len(advanced) == 3:
                loop.call_soon_threadsafe(thrice.set)
            return len(advanced) < 3

        await Running(supplier, advance).during(ask)

    asyncio.run(both())
    assert len(advanced) == 3
    assert advanced == sorted(advanced)


def test_what_is_due_and_fails_does_not_end_the_process(supplier, monkeypatch):
    monkeypatch.setattr(supplier_process, "SUPPLIER_LOOK_MS", 1)
    failed = []

    def advance(now_ms):
        failed.append(now_ms)
        if len(failed) < 3:
            raise LocalError("the disk is full")
        return False

    async def ask(client):
        for _ in range(1_000):
            if len(failed) > 3:
                return (await client.get("/ready")).status_code
            await client.get("/health")
        return None

    assert run(supplier, ask, advance=advance) == 200


def test_what_is_wrong_in_a_part_ends_the_process(supplier):
    def advance(_now_ms):
        raise ZeroDivisionError

    async def run_alone():
        await Running(supplier, advance).process.run(
            Ends("127.0.0.1:9", None, "127.0.0.1", 0, PATH, None), lambda _port: None
        )

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_alone())


def test_a_ledger_that_was_silent_is_not_ready(supplier, monkeypatch):
    monkeypatch.setattr(supplier_process, "SYNC_ANSWER_MS_MAX", -1)

    async def ask(client):
        return await client.get("/ready")

    answer = run(supplier, ask)
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert "outbox" not in answer.json()["queues"]
