"""The client end of DUIS over HTTP: posts a signed request, and says what came back.

A request goes to the web service of its command variant. What comes back is one of three things: a
DUIS Response, whatever its code; a refusal in HTTP, which carries none; or no answer at all, after
which the same octets may be sent again, because a DCC answers a repeat as it did before.

No redirect is followed, no proxy of the environment is used and no compressed answer is taken: the
octets go to the one address that was given, and an answer takes no more memory than its limit.

Not here: what a Response says, and whether the DCC signed it.
"""

import asyncio
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

from hanota.errors import FileError, LocalError
from hanota.limits import DUIS_ANSWER_TIMEOUT_S, DUIS_OCTETS_MAX
from hanota.wire.duis.services import WEB_SERVICES


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The DCC gave a document: HTTP 200 and `application/xml`."""

    octets: bytes


class RefusedInHttp(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer without a DUIS Response: 400 for what is no DUIS, 3xx, 5xx."""

    status: int
    text: str  # one line, from the other side


class NoAnswer(msgspec.Struct, frozen=True, gc=False):
    """Nobody answered in time; the request may have arrived all the same."""

    reason: str


Reply = Answered | RefusedInHttp | NoAnswer


class DuisClient:
    """Sends to one DCC, from within `async with`.

    Args:
        url: of the DCC: `http://127.0.0.1:8079`, or `host:port` alone; a path stands before that
            of the web service. LocalError where it is no http or https address.
        tls: whom to trust and who we are, for an https address.
        timeout_s: for the whole exchange, from the connection to the last octet of the answer.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = DUIS_ANSWER_TIMEOUT_S,
    ) -> None:
        self._base = _base(url)
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            verify=tls or True, trust_env=False, follow_redirects=False, timeout=timeout_s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def post(self, octets: bytes, command_variant: int) -> Reply:
        """Send one signed request; LocalError for a command variant of no web service."""
        address = self._base + _path(command_variant)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(address, octets)
        except TimeoutError:
            return NoAnswer(f"{self._base} gave no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as fault:
            return NoAnswer(f"{self._base} gave no answer: {_told(fault)}")

    async def _exchange(self, address: str, octets: bytes) -> Reply:
        headers = {"Content-Type": _MEDIA_TYPE, "Accept-Encoding": "identity"}
        async with self._http.stream("POST", address, content=octets, headers=headers) as answer:
            document = (
                answer.status_code == httpx.codes.OK
                and _media_type(answer) == _MEDIA_TYPE
                and "content-encoding" not in answer.headers
            )
            limit = DUIS_OCTETS_MAX if document else _TEXT_OCTETS_MAX
            body = await _read(answer, limit)
        if not document:
            return RefusedInHttp(answer.status_code, _line(body) or answer.reason_phrase)
        if len(body) > limit:
            return RefusedInHttp(answer.status_code, f"an answer of more than {limit} octets")
        return Answered(body)


def tls_context(ca_file: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Whom to trust (the system's authorities, or those of `ca_file`) and who we are.

    `certificate` is a client certificate with its chain in PEM, `key` its private key, where it is
    not in the same file. FileError when a file cannot be read or used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as fault:
        raise FileError(f"{ca_file} holds no certificate authority in PEM: {fault}") from fault
    if certificate is None:
        if key is not None:
            raise LocalError("a key without its certificate: give both, or a file that has both")
        return context
    try:
        # Without a password function OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as fault:
        raise FileError(f"{certificate} cannot be used as our certificate: {fault}") from fault
    return context


_MEDIA_TYPE = "application/xml"
_TEXT_OCTETS_MAX = 1_000
_TEXT_CHARACTERS_MAX = 200


def _base(url: str) -> str:
    address = url if "://" in url else f"http://{url}"
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL as fault:
        raise LocalError(f"{url!r} is no address: {fault}") from fault
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query:
        raise LocalError(f"{url!r} is no address of a DCC: write http://host:port")
    return address.rstrip("/")


def _path(command_variant: int) -> str:
    service = WEB_SERVICES.get(command_variant)
    if service is None:
        raise LocalError(f"a request with command variant {command_variant} goes to no web service")
    return service.path


def _media_type(answer: httpx.Response) -> str:
    stated: str = answer.headers.get("content-type", "")
    return stated.partition(";")[0].strip().lower()


async def _read(answer: httpx.Response, limit: int) -> bytes:
    """The body as it travelled, no more of it than a little over the limit."""
    parts: list[bytes] = []
    octets = 0
    async for part in answer.aiter_raw():
        parts.append(part)
        octets += len(part)
        if octets > limit:
            break
    return b"".join(parts)


def _line(body: bytes) -> str:
    text = body[:_TEXT_OCTETS_MAX].decode("utf-8", "replace")
    return " ".join(text.split())[:_TEXT_CHARACTERS_MAX]


def _told(fault: httpx.HTTPError) -> str:
    told = " ".join(str(fault).split())
    if not told and isinstance(fault, httpx.ReadError | httpx.WriteError):
        return "it closed the connection"
    return told or type(fault).__name__


def _no_password() -> str:
    raise ValueError("its private key is encrypted")
