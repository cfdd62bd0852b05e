"""What waits in a supplier's outbox goes to the DCC: how much at once, and what comes again."""

import asyncio

import pytest
from tests.dcc.samples import ACB, DEVICE_ID, SUPPLIER

from hanota.errors import LocalError, RemoteError
from hanota.limits import REQUEST_RETRY_S, REQUEST_RETRY_S_MAX, REQUESTS_AT_ONCE_MAX
from hanota.model import RequestID
from hanota.rows import Outgoing
from hanota.serve import request_sender
from hanota.serve.duis_client import Answered, NoAnswer, RefusedInHttp
from hanota.serve.request_sender import RequestOutbox, RequestSender
from hanota.supplier.requests import read_firmware_version
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.messages import encode_request

GOOD, FORGED = b"good", b"forged"


def waiting(number, tries=0):
    request = read_firmware_version(RequestID(SUPPLIER, DEVICE_ID, number), None)
    return Outgoing(number, ACB, encode_request(request), 0, tries)


class AnOutbox:
    """An outbox in memory, oldest first; `told` is set when nothing is left in it."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.answers = []
        self.put_off = []
        self.broken = 0  # so many more calls find no ledger
        self.emptied = asyncio.Event()

    def rows(self):
        return RequestOutbox(self._due, self._answered, self._put_off)

    async def _due(self, limit):
        self._require_ledger()
        return self.messages[:limit]

    async def _answered(self, sent, octets):
        self._require_ledger()
        if octets == FORGED:
            raise RemoteError(ResponseCode.E48, "not the DCC's")
        self.answers.append((sent.number, octets))
        self.messages.remove(sent)
        if not self.messages:
            self.emptied.set()

    async def _put_off(self, sent, pause_ms):
        self.put_off.append((sent.number, pause_ms))
        again = Outgoing(sent.number, sent.receiver, sent.body, 0, sent.tries + 1)
        self.messages[self.messages.index(sent)] = again

    def _require_ledger(self):
        if self.broken:
            self.broken -= 1
            raise LocalError("the disk is full")


class ADcc:
    """Gives these replies in turn, and then the last of them for ever."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.posted = []
        self.at_once = 0
        self.most_at_once = 0

    async def post(self, octets, command_variant):
        self.posted.append((octets, command_variant))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(request_sender, "REQUEST_REST_MS", 0)
    monkeypatch.setattr(request_sender, "OUTBOX_POLL_MS", 1)


def send_all(dcc, outbox):
    async def run():
        sender = RequestSender(dcc, outbox.rows())
        sending = asyncio.create_task(sender.run())
        done, _ = await asyncio.wait(
            [sending, asyncio.create_task(outbox.emptied.wait())],
            return_when=asyncio.FIRST_COMPLETED,
            timeout=30,
        )
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert sending not in done
        assert outbox.messages == []

    asyncio.run(run())


def test_everything_is_sent_and_its_answer_recorded():
    outbox, dcc = AnOutbox(*map(waiting, range(1, 40))), ADcc(Answered(GOOD))
    bodies = sorted(sent.body for sent in outbox.messages)
    send_all(dcc, outbox)
    assert sorted(octets for octets, _ in dcc.posted) == bodies
    assert {variant for _, variant in dcc.posted} == {1}
    assert sorted(outbox.answers) == [(number, GOOD) for number in range(1, 40)]


def test_no_more_than_so_many_are_under_way():
    class SlowDcc(ADcc):
        """Answers none before as many are under way as may be."""

        full = asyncio.Event()

        async def post(self, _octets, _command_variant):
            if self.at_once + 1 == REQUESTS_AT_ONCE_MAX:
                self.full.set()
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await self.full.wait()
            self.at_once -= 1
            return Answered(GOOD)

    outbox, dcc = AnOutbox(*map(waiting, range(1, 40))), SlowDcc()
    send_all(dcc, outbox)
    assert dcc.most_at_once == REQUESTS_AT_ONCE_MAX


@pytest.mark.parametrize(
    "reply",
    [NoAnswer("no answer in time"), RefusedInHttp(503, "later"), Answered(FORGED)],
)
def test_what_got_no_good_answer_is_sent_again_with_the_same_octets(reply):
    outbox, dcc = AnOutbox(waiting(1)), ADcc(reply, reply, Answered(GOOD))
    send_all(dcc, outbox)
    assert [octets for octets, _ in dcc.posted] == [waiting(1).body] * 3
    assert outbox.put_off == [(1, REQUEST_RETRY_S * 1000), (1, 2 * REQUEST_RETRY_S * 1000)]


def test_the_pause_grows_to_a_maximum():
    outbox, dcc = AnOutbox(waiting(1, tries=1_000_000)), ADcc(NoAnswer("no"), Answered(GOOD))
    send_all(dcc, outbox)
    assert outbox.put_off == [(1, REQUEST_RETRY_S_MAX * 1000)]


def test_one_that_fails_keeps_no_other_waiting():
    class Partial(ADcc):
        async def post(self, octets, _command_variant):
            if octets == waiting(1).body and not outbox.answers:
                return NoAnswer("not this one")
            return Answered(GOOD)

    outbox = AnOutbox(*map(waiting, (1, 2)))
    send_all(Partial(), outbox)
    assert [number for number, _ in outbox.answers] == [2, 1]


@pytest.mark.parametrize("broken", [1, 2, 5])
def test_a_ledger_that_does_not_answer_for_a_while_loses_nothing(broken):
    outbox, dcc = AnOutbox(*map(waiting, (1, 2))), ADcc(Answered(GOOD))
    outbox.broken = broken
    send_all(dcc, outbox)
    assert sorted(number for number, _ in outbox.answers) == [1, 2]


def test_an_answer_that_cannot_be_recorded_is_asked_for_again():
    class Breaks(ADcc):
        async def post(self, octets, _command_variant):
            self.posted.append(octets)
            outbox.broken = 1 if len(self.posted) == 1 else 0
            return Answered(GOOD)

    outbox, dcc = AnOutbox(waiting(1)), Breaks()
    send_all(dcc, outbox)
    assert dcc.posted == [waiting(1).body] * 2
    assert (outbox.answers, outbox.put_off) == ([(1, GOOD)], [])
