"""Pushes over HTTP: what is taken, what is not, how many at once, and who waits for whom."""

import asyncio
import ssl

import pytest
from tests.serve.a_server import a_server
from tests.serve.tls_files import write_tls_files

from hanota.errors import LocalError
from hanota.limits import PUSHES_AT_ONCE_MAX
from hanota.rows import Outgoing
from hanota.serve import push_client
from hanota.serve.duis_client import tls_context
from hanota.serve.push_client import PushClient, PushOutbox, push_addresses

USER, OTHER, THIRD = 0x90B3D51F30010000, 0x90B3D51F30030000, 0x90B3D51F30020000
EUI = "90-B3-D5-1F-30-01-00-00"
DEFAULT = "/smartdcc/duis"


@pytest.mark.parametrize(
    ("texts", "addresses"),
    [
        ([], {}),
        (["192.168.0.5:1880/smartdcc/duis"], dict.fromkeys((USER, OTHER), "http://192.168.0.5:1880/smartdcc/duis")),
        (["http://h:1/a"], dict.fromkeys((USER, OTHER), "http://h:1/a")),
        (["https://h/a/b?c=d"], dict.fromkeys((USER, OTHER), "https://h/a/b?c=d")),
        (["h:1"], dict.fromkeys((USER, OTHER), f"http://h:1{DEFAULT}")),
        (["h:1/"], dict.fromkeys((USER, OTHER), "http://h:1/")),
        ([f"{EUI}=h:1/a"], {USER: "http://h:1/a"}),
        ([f"{EUI.lower()}=h:1/a", "k:2/b"], {USER: "http://h:1/a", OTHER: "http://k:2/b"}),
        (["[::1]:80/a"], dict.fromkeys((USER, OTHER), "http://[::1]/a")),
    ],
)  # fmt: skip
def test_addresses_as_users_write_them(texts, addresses):
    assert push_addresses(texts, [USER, OTHER]) == addresses


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a:1/b", "c:2/d"], "a second address"),
        ([f"{EUI}=a:1/b", f"{EUI.lower()}=c:2/d"], "a second address"),
        (["00-00-00-00-00-00-00-00=a:1/b"], "is no user of this DCC"),
        (["ftp://a/b"], "write host:port/path"),
        ([""], "is no address"),
        (["http://"], "is no address"),
        (["a:port/b"], "is no address"),
        (["a:99999/b"], "ports are 1 to 65535"),
        (["a:0/b"], "ports are 1 to 65535"),
    ],
)
def test_addresses_that_are_none(texts, said):
    with pytest.raises(LocalError, match=said):
        push_addresses(texts, [USER, OTHER])


class AnOutbox:
    """An outbox in memory: of one device only the first message is due, as the ledger has it."""

    def __init__(self, *pushes):
        self.waiting = list(pushes)
        self.taken_numbers = []
        self.failures = []
        self.changed = asyncio.Event()

    async def due(self, user_id, limit):
        heads = {}
        for push in self.waiting:
            if push.receiver == user_id:
                heads.setdefault(push.device_id or -push.number, push)
        return list(heads.values())[:limit]

    async def taken(self, pushes):
        self.taken_numbers += [push.number for push in pushes]
        self._forget(*pushes)

    async def not_taken(self, push, status):
        self.failures.append((push.number, status))
        self._forget(push)

    def _forget(self, *pushes):
        for push in pushes:
            self.waiting.remove(push)
        self.changed.set()

    def port(self):
        return PushOutbox(self.due, self.taken, self.not_taken)

    async def empty(self, left=0):
        while len(self.waiting) > left:
            self.changed.clear()
            await self.changed.wait()


class AReceiver:
    """A Receive Response Service that answers as a test says, by the body."""

    def __init__(self):
        self.heard = []
        self.heads = []
        self.statuses = {}
        self.silent = set()
        self.busy = self.busiest = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.came = asyncio.Event()

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                await self._answer(head, await reader.readexactly(length), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client closed
        finally:
            writer.close()

    async def _answer(self, head, body, writer):
        self.heads.append(head)
        self.heard.append(body)
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        self.came.set()
        await self.may_answer.wait()
        self.busy -= 1
        if body in self.silent:
            raise ConnectionError
        status = self.statuses.get(body, 204)
        writer.write(
            b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nno" % status
            if status != 204
            else b"HTTP/1.1 204 x\r\n\r\n"
        )
        await writer.drain()


def push(number, user_id=USER, device_id=0):
    return Outgoing(number, user_id, b"push %d" % number, 0, 0, device_id)


def pushing(outbox_of, play, receiver_of=AReceiver, users=(USER,)):
    """Run the client against a receiver on loopback while `play` looks."""

    async def main():
        receiver, outbox = receiver_of(), AnOutbox(*outbox_of)
        listener = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        addresses = {USER: f"http://127.0.0.1:{port}/a", THIRD: "http://127.0.0.1:1/"}
        client = PushClient(outbox.port(), users, addresses, ssl.create_default_context())
        running = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(60):
                await play(outbox, receiver, client)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            listener.close()
        assert running.cancelled()

    asyncio.run(main())


def test_what_is_taken_leaves_the_outbox():
    async def play(outbox, receiver, _client):
        await outbox.empty()
        assert sorted(outbox.taken_numbers) == [1, 2, 3]
        assert sorted(receiver.heard) == [b"push 1", b"push 2", b"push 3"]
        head = receiver.heads[0].lower()
        assert head.startswith(b"post /a http/1.1\r\n")
        assert b"\r\ncontent-type: application/xml\r\n" in head
        assert b"transfer-encoding" not in head

    pushing([push(1), push(2), push(3)], play)


@pytest.mark.parametrize("status", [200, 202, 299])
def test_every_2xx_is_taken(status):
    async def play(outbox, receiver, _client):
        receiver.statuses[b"push 1"] = status
        outbox.waiting.append(push(1))
        await outbox.empty()
        assert outbox.taken_numbers == [1]

    pushing([], play)


@pytest.mark.parametrize("status", [302, 400, 404, 408, 413, 415, 422, 429, 500, 503])
def test_the_status_of_what_is_not_taken_is_told(status):
    async def play(outbox, receiver, _client):
        receiver.statuses[b"push 1"] = status
        outbox.waiting += [push(1), push(2)]
        await outbox.empty()
        assert outbox.failures == [(1, status)]
        assert outbox.taken_numbers == [2]

    pushing([], play)


def test_a_receiver_that_hangs_up_did_not_take_it(monkeypatch):
    monkeypatch.setattr(push_client, "PUSH_REST_MS", 1)

    async def play(outbox, receiver, _client):
        receiver.silent.add(b"push 1")
        outbox.waiting += [push(1), push(2)]
        await outbox.empty()
        assert outbox.failures == [(1, None)]
        assert outbox.taken_numbers == [2]

    pushing([], play)


def test_a_receiver_that_does_not_answer_in_time_did_not_take_it(monkeypatch):
    monkeypatch.setattr(push_client, "PUSH_REST_MS", 1)
    monkeypatch.setattr(push_client, "PUSH_TIMEOUT_S", 0.05)

    async def play(outbox, receiver, _client):
        receiver.may_answer.clear()
        outbox.waiting.append(push(1))
        await outbox.empty()
        assert outbox.failures == [(1, None)]

    pushing([], play)


def test_a_user_who_is_down_or_has_no_address_keeps_nobody_waiting():
    async def play(outbox, receiver, _client):
        await outbox.empty()
        assert outbox.taken_numbers == [1]
        assert sorted(outbox.failures) == [(2, None), (3, None)]

    pushing([push(1), push(2, OTHER), push(3, THIRD)], play, users=(THIRD, OTHER, USER))


def test_so_many_at_once_and_of_one_device_one_after_the_other():
    async def play(outbox, receiver, client):
        receiver.may_answer.clear()
        of_one = [push(n, device_id=7) for n in (1, 2, 3)]
        outbox.waiting += of_one + [push(n) for n in range(10, 40)]
        while receiver.busy < PUSHES_AT_ONCE_MAX:
            receiver.came.clear()
            await receiver.came.wait()
        assert receiver.heard.count(b"push 1") == 1
        assert b"push 2" not in receiver.heard
        assert client.under_way == PUSHES_AT_ONCE_MAX
        receiver.may_answer.set()
        await outbox.empty()
        assert receiver.busiest == PUSHES_AT_ONCE_MAX
        places = [receiver.heard.index(each.body) for each in of_one]
        assert places == sorted(places)
        assert len(receiver.heard) == 33

    pushing([], play)


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return write_tls_files(tmp_path_factory.mktemp("tls"), "server", "stranger")


@pytest.mark.parametrize(
    ("authority", "host", "is_taken"),
    [
        ("server.pem", "localhost", True),
        ("stranger.pem", "localhost", False),
        ("server.pem", "127.0.0.1", False),  # the certificate is of another name
        (None, "localhost", False),
    ],
)
def test_https_with_the_authorities_that_were_named(pem, authority, host, is_taken):
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem / "server.pem", pem / "server.key")

    async def main():
        outbox = AnOutbox(push(1))
        tls = tls_context(authority and pem / authority, None, None)
        async with a_server(b"HTTP/1.1 204 x\r\n\r\n", theirs) as server:
            addresses = {USER: server.url.replace("127.0.0.1", host)}
            running = asyncio.create_task(PushClient(outbox.port(), [USER], addresses, tls).run())
            async with asyncio.timeout(60):
                await outbox.empty()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert (outbox.taken_numbers, outbox.failures) == (
            ([1], []) if is_taken else ([], [(1, None)])
        )
        assert len(server.heard) == is_taken

    asyncio.run(main())
