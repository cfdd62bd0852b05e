"""The DCC as a process, part by part: what it waits for, and what it tells when it is not well."""

import asyncio
import ssl

import pytest
from tests.dcc.samples import ACB, DEVICE_ID, HUB_ID, NOW_MS, SUPPLIER
from tests.serve.a_dcc import PKI, USERS, ADcc, signed, update_ppmid

from hanota.errors import LocalError
from hanota.rows import Outgoing
from hanota.serve.dcc_process import DccProcess
from hanota.serve.embedded_homes import EmbeddedHomes
from hanota.serve.flash_store import FlashStore
from hanota.serve.operator_http import ask
from hanota.serve.push_client import PushClient
from hanota.wire.duis.services import WebService


class AClock:
    """A clock that a test turns."""

    speed = 1.0

    def __init__(self):
        self.at_ms = NOW_MS

    def now_ms(self):
        return self.at_ms

    def reached(self, _at_ms):
        return False


@pytest.fixture
def clock():
    return AClock()


@pytest.fixture
def dcc():
    return ADcc()


@pytest.fixture
def process(dcc, clock, tmp_path):
    return DccProcess(dcc.shell, dcc.ledger, PKI, users=USERS, clock=clock, state=tmp_path)


def test_what_it_takes_to_answer_is_added_to_the_delay_of_pushes(process, dcc, clock, monkeypatch):
    decide = dcc.shell.answer_read

    def slowly(reads, now_ms):
        answers = decide(reads, now_ms)
        clock.at_ms += 1_400
        return answers

    async def due():
        return await process._push_outbox().due(SUPPLIER, 10)

    async def main():
        read = process._read(signed(update_ppmid()), WebService.NON_DEVICE)
        await process._answer([read])
        answered_ms = clock.at_ms
        with dcc.ledger.batch() as batch:
            batch.post([Outgoing(0, SUPPLIER, b"N60", NOW_MS + 1_000, 0)])
        assert await due() == []
        clock.at_ms = answered_ms + 999
        assert await due() == []
        clock.at_ms = answered_ms + 1_000
        assert [push.body for push in await due()] == [b"N60"]

    monkeypatch.setattr(dcc.shell, "answer_read", slowly)
    asyncio.run(main())


def test_an_envelope_stays_until_its_hub_has_it(process, dcc):
    dcc.accept_update()
    (envelope,) = process.exchange([], [], 10, None)
    assert envelope.receiver == HUB_ID
    assert process.exchange([], [], 10, None) == [envelope]
    assert process.exchange([], [], 10, envelope) == []
    assert process.exchange([], [], 0, None) == []
    assert process.exchange([], [envelope.number], 10, None) == []


def test_it_is_ready_as_long_as_ledger_and_homes_answer(process, tmp_path, clock):
    async def main():
        pushing = PushClient(process._push_outbox(), USERS, {}, ssl.create_default_context())
        with FlashStore(tmp_path / "homes.db") as store:
            homes = EmbeddedHomes(lambda _homes: None, store, clock, process.exchange, ACB)
            assert (await process._ready(homes, pushing))[0]
            process._exchanged_s -= 60
            can, queues = await process._ready(homes, pushing)
            assert not can
            assert queues["ledger_work"] == 0
            homes.turn()
            assert (await process._ready(homes, pushing))[0]

    asyncio.run(main())


def test_certificates_are_those_of_the_inventory(process):
    async def main():
        assert await process._is_inventoried(DEVICE_ID)
        assert not await process._is_inventoried(DEVICE_ID + 99)

    asyncio.run(main())


def test_nobody_answers_where_no_process_is(tmp_path):
    (tmp_path / "operator.json").write_text('{"port": 1, "secret": "left by one that crashed"}')
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(LocalError, match="no DCC runs on"):
            ask(folder, "requests", {})
