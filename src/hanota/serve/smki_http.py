"""The SMKI service over HTTP: certificate search and retrieval, as DCC Boxed has them.

200 with what was found, 402 when there is nothing, 401 when the request cannot be read: the
public key store tool knows no other status. Any `apikey` will do. Of a device there is one
certificate a usage, the one in use: a client that is told of two gives up.

Not here: the octets of requests and answers (`wire.certificate_service`).
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hanota.errors import RemoteError
from hanota.limits import SMKI_BODY_TIMEOUT_S, SMKI_OCTETS_MAX
from hanota.model import KeyUsage, eui_text
from hanota.serve.gathering import in_own_thread
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory
from hanota.wire import certificate_service as wire

_log = logging.getLogger(__name__)

# Whether the DCC's inventory has a device.
IsInventoried = Callable[[int], Awaitable[bool]]

_Read = TypeVar("_Read")


def smki_service(directory: Directory, is_inventoried: IsInventoried) -> Starlette:
    """The service as an ASGI application; devices that are not inventoried have no certificates."""
    desk = _Desk(directory, is_inventoried)
    app = Starlette(
        routes=[
            Route("/services/certificatesearch", desk.search, methods=["POST"]),
            Route("/services/retrievecertificate", desk.fetch, methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


class _Desk:
    def __init__(self, directory: Directory, is_inventoried: IsInventoried) -> None:
        self._directory = directory
        self._is_inventoried = is_inventoried

    async def search(self, request: Request) -> Response:
        """Answer a CertificateSearchRequest."""
        sought = await _read(request, wire.decode_search)
        if isinstance(sought, Response):
            return sought
        found = list(self._in_use(sought)) if await self._may_show(sought) else []
        audit_reference = str(uuid.uuid4())
        _log.info(
            "path=%s of=%s found=%d audit=%s",
            request.url.path,
            eui_text(sought.eui),
            len(found),
            audit_reference,
        )
        if not found:
            return _nothing("CertificateSearchResponse", audit_reference)
        return _xml(wire.encode_found(map(_listed, found), audit_reference))

    async def fetch(self, request: Request) -> Response:
        """Answer a CertificateDataRequest."""
        serial = await _read(request, wire.decode_fetch)
        if isinstance(serial, Response):
            return serial
        certificate = self._directory.by_serial(serial)
        found = certificate is not None and await self._may_show(
            wire.Sought(certificate.eui, is_device=certificate.role is None)
        )
        audit_reference = str(uuid.uuid4())
        _log.info(
            "path=%s serial=%X found=%d audit=%s", request.url.path, serial, found, audit_reference
        )
        if certificate is None or not found:
            return _nothing("CertificateDataResponse", audit_reference)
        return _xml(wire.encode_fetched(_listed(certificate), audit_reference))

    async def _may_show(self, sought: wire.Sought) -> bool:
        return not sought.is_device or await self._is_inventoried(sought.eui)

    def _in_use(self, sought: wire.Sought) -> Iterator[Certificate]:
        for usage in KeyUsage:
            found = self._directory.find(sought.eui, usage)
            mine = [each for each in found if (each.role is None) is sought.is_device]
            # The first is the one to use; an organisation has one in each of its roles.
            yield from {each.role: each for each in reversed(mine)}.values()


async def _read(request: Request, decode: Callable[[bytes], _Read]) -> _Read | Response:
    """What the request asks for, or the answer to one that cannot be read."""
    body = b""
    try:
        async with asyncio.timeout(SMKI_BODY_TIMEOUT_S):
            async for part in request.stream():
                body += part
                if len(body) > SMKI_OCTETS_MAX:
                    return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large")
        return await in_own_thread(partial(decode, body))
    except (TimeoutError, ClientDisconnect):
        return _refusal(HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive")
    except RemoteError as fault:
        return PlainTextResponse(f"{fault.reason}\n", HTTPStatus.UNAUTHORIZED)


def _refusal(status: HTTPStatus, reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", status, {"Connection": "close"})


def _listed(certificate: Certificate) -> wire.ListedCertificate:
    return wire.ListedCertificate(
        serial=certificate.serial,
        eui=certificate.eui,
        role=certificate.role,
        usage=certificate.usage,
        der=certificate.der,
    )


def _nothing(name: str, audit_reference: str) -> Response:
    octets = wire.encode_nothing(name, "No certificate is in use", audit_reference)
    return _xml(octets, HTTPStatus.PAYMENT_REQUIRED)


def _xml(octets: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(octets, status, media_type="application/xml")
