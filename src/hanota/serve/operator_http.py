"""How an operator speaks with a DCC that runs: lists, and the acts that only it can do.

HTTP with JSON on a free loopback port; port and secret are in a file of the state folder that only
its owner can read. So whoever may read the folder may operate the DCC, and no client of its other
ports can. The file is gone when the DCC has ended in order; after a crash nobody answers there.

Not here: what is listed and done (`dcc_process`), and how it is printed (`cli.dcc`).
"""

import hmac
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hanota.errors import FileError, LocalError, RemoteError
from hanota.limits import OPERATOR_TIMEOUT_S

_FILE = "operator.json"

# Takes the parameters of the query and the body; what it gives is told as JSON.
Act = Callable[[dict[str, str], bytes], Awaitable[object]]


class Refused(msgspec.Struct, frozen=True):
    """Why the DCC does not do what an operator asks of it."""

    reason: str


class _Door(msgspec.Struct, frozen=True):
    port: int
    secret: str


def operator_service(acts: dict[str, Act], secret: str) -> Starlette:
    """POST /ACT for each act by its name, as an ASGI application.

    With a sentence 409 where the act raises LocalError, 400 where it raises RemoteError, which is
    what the body is to blame for; 403 without the secret.
    """

    async def do(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {secret}".encode()):
            return JSONResponse("this is for the operator", HTTPStatus.FORBIDDEN)
        act = acts[request.url.path.removeprefix("/")]
        try:
            told = await act(dict(request.query_params), await request.body())
        except LocalError as fault:
            return JSONResponse(str(fault), HTTPStatus.CONFLICT)
        except RemoteError as fault:
            return JSONResponse(str(fault), HTTPStatus.BAD_REQUEST)
        return Response(msgspec.json.encode(told), media_type="application/json")

    return Starlette(routes=[Route(f"/{name}", do, methods=["POST"]) for name in acts])


def new_secret() -> str:
    """What a caller has to know."""
    return secrets.token_urlsafe(32)


@contextmanager
def door(state: Path, port: int, secret: str) -> Iterator[None]:
    """Let operators find the service while the block runs."""
    path = state / _FILE
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 -- a mode from the first moment
        file.write(msgspec.json.encode(_Door(port, secret)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def ask(
    state: Path, act: str, parameters: dict[str, str], body: bytes = b""
) -> dict[str, object] | list[object] | Refused:
    """What the DCC that runs on this state folder tells, or why it does not do it.

    LocalError where none runs, FileError where the body is not what the act is about.
    """
    nobody = LocalError(f"no DCC runs on {state}: start `hanota dcc serve --state {state}`")
    try:
        found = msgspec.json.decode((state / _FILE).read_bytes(), type=_Door)
        answer = httpx.post(
            f"http://127.0.0.1:{found.port}/{act}",
            params=parameters,
            content=body,
            headers={"Authorization": f"Bearer {found.secret}"},
            timeout=OPERATOR_TIMEOUT_S,
            trust_env=False,
        )
        told: dict[str, object] | list[object] | str = msgspec.json.decode(answer.content)
    except (OSError, msgspec.DecodeError, httpx.TransportError) as fault:
        raise nobody from fault
    match told:
        case str() if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise FileError(told)
        case str():
            return Refused(told)
        case _:
            return told
