"""The Receive Response Service over HTTP: what it takes, and how it refuses all else."""

import asyncio
import json

import httpx
import pytest

from hanota.errors import LocalError, RemoteError
from hanota.limits import PUSH_RECEIVED_OCTETS_MAX
from hanota.serve import receiver_http
from hanota.serve.http_server import listening
from hanota.serve.receiver_http import DEFAULT_PATH, receive_response_service
from hanota.wire.codes import DuisFault

PUSH = b"<sr:Response/>"
XML = {"Content-Type": "application/xml"}
UNFINISHED = (
    f"POST {DEFAULT_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\n"
    "Content-Length: 100\r\n\r\n<sr:Re"
).encode()


class Taker:
    """Keeps what it is given; refuses it, or fails, where it is told to."""

    def __init__(self, fault=None) -> None:
        self.taken = []
        self._fault = fault

    async def __call__(self, octets):
        self.taken.append(octets)
        if isinstance(self._fault, RuntimeError):
            raise self._fault
        return self._fault


def push(
    content=PUSH, *, take=None, method="POST", path=DEFAULT_PATH, headers=XML, serve_at=DEFAULT_PATH
):
    """The answer to one request, by way of a socket."""

    async def exchange():
        app = receive_response_service(take or Taker(), serve_at)
        async with (
            listening(app, "127.0.0.1", 0) as port,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            url = f"http://127.0.0.1:{port}{path}"
            return await client.request(method, url, content=content, headers=headers)

    return asyncio.run(exchange())


def in_parts(*parts):
    async def stream():
        for part in parts:
            yield part

    return stream()


def test_a_push_is_taken():
    take = Taker()
    answer = push(take=take)
    assert (answer.status_code, answer.content) == (204, b"")
    assert take.taken == [PUSH]


@pytest.mark.parametrize("media_type", ["application/xml; charset=utf-8", "Application/XML"])
def test_parameters_and_case_of_the_media_type_do_not_matter(media_type):
    assert push(headers={"Content-Type": media_type}).status_code == 204


def test_a_body_may_come_in_parts():
    take = Taker()
    assert push(in_parts(PUSH[:3], PUSH[3:]), take=take).status_code == 204
    assert take.taken == [PUSH]


def test_what_is_refused_is_400_and_says_why():
    answer = push(take=Taker(RemoteError(DuisFault.NOT_DUIS, "this is no DUIS")))
    assert (answer.status_code, answer.text) == (400, "this is no DUIS\n")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/xml"},
        {"Content-Type": "application/json"},
        {**XML, "Content-Encoding": "gzip"},
    ],
)
def test_what_is_no_xml_is_415(headers):
    take = Taker()
    assert push(headers=headers, take=take).status_code == 415
    assert take.taken == []


def test_a_body_has_a_limit_however_it_comes():
    largest = bytes(PUSH_RECEIVED_OCTETS_MAX)
    take = Taker()
    assert push(largest, take=take).status_code == 204
    assert push(largest + b"1", take=take).status_code == 413
    assert push(in_parts(largest, b"1"), take=take).status_code == 413
    assert take.taken == [largest]


def test_a_body_that_is_too_slow_is_408(monkeypatch):
    monkeypatch.setattr(receiver_http, "PUSH_RECEIVED_TIMEOUT_S", 0.05)
    take = Taker()

    async def exchange():
        async with listening(receive_response_service(take), "127.0.0.1", 0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UNFINISHED)
            answer = await reader.readuntil(b"\r\n")
            writer.close()
            return answer

    assert asyncio.run(exchange()) == b"HTTP/1.1 408 Request Timeout\r\n"
    assert take.taken == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/", 404), ("POST", DEFAULT_PATH + "/", 404), ("GET", DEFAULT_PATH, 405)],
)
def test_other_paths_and_methods(method, path, status):
    take = Taker()
    assert push(method=method, path=path, take=take).status_code == status
    assert take.taken == []


def test_any_path_can_be_chosen():
    assert push(path="/a/b", serve_at="/a/b").status_code == 204
    assert push(path=DEFAULT_PATH, serve_at="/a/b").status_code == 404


def test_a_path_begins_with_a_slash():
    with pytest.raises(LocalError, match="does not begin with a slash"):
        receive_response_service(Taker(), "smartdcc/duis")


def test_our_own_failure_is_500_so_that_the_push_comes_again(caplog):
    assert push(take=Taker(RuntimeError("disk full"))).status_code == 500
    assert "disk full" in caplog.text


def test_a_client_that_goes_away_leaves_nothing_behind(caplog):
    take = Taker()

    async def exchange():
        async with listening(receive_response_service(take), "127.0.0.1", 0) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UNFINISHED)
            await writer.drain()
            writer.close()
            # Another one is served after it.
            async with httpx.AsyncClient() as client:
                url = f"http://127.0.0.1:{port}{DEFAULT_PATH}"
                return await client.post(url, content=PUSH, headers=XML)

    assert asyncio.run(exchange()).status_code == 204
    assert take.taken == [PUSH]
    assert caplog.text == ""


def test_any_octets_are_no_5xx():
    take = Taker(RemoteError(DuisFault.NOT_DUIS, "no"))
    for body in (b"", b"\x00" * 100, json.dumps({}).encode()):
        assert push(body, take=take).status_code == 400
