"""`hanota send`: one DUIS request to any DCC, its answer, and what is pushed because of it.

Here are the options and the course of the exchange. How a request is made ready is in `prepare`,
what belongs to it in `supplier.correlation`, what is printed in `telling`.
"""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from hanota.cli import duis_options as options
from hanota.cli.duis_options import now_ms
from hanota.cli.failure import ExitCode, run
from hanota.cli.octets import read_octets
from hanota.cli.pki_keys import PkiKeys, dcc_of
from hanota.cli.prepare import Prepared, as_it_is, prepare
from hanota.cli.telling import answer_facts, message_facts, tell
from hanota.errors import LocalError, RemoteError
from hanota.model import eui_text
from hanota.serve.duis_client import Answered, DuisClient, NoAnswer, RefusedInHttp
from hanota.serve.from_dcc import Belief, Inbox, Received, read
from hanota.serve.http_server import listening
from hanota.serve.receiver_http import receive_response_service
from hanota.smki.dsig import sign_request
from hanota.smki.given_pki import DevicePki
from hanota.supplier import pre_command
from hanota.supplier.answers import read_answer
from hanota.supplier.correlation import devices_of, execution_ms, told_of
from hanota.supplier.pre_command import Refused
from hanota.supplier.requests import (
    COMMAND_VARIANT,
    SIGNED_COMMAND_VARIANT,
    TRANSFORM_COMMAND_VARIANT,
    signed_pre_command,
)
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import (
    ActivateFirmware,
    PreCommand,
    ReadFirmwareVersion,
    Request,
    ResponseMessage,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)


@run
def send(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The request; - is standard input.", show_default=False
        ),
    ],
    *,
    to: options.To = options.DEFAULT_DCC,
    pki_path: options.PkiPath = None,
    seed: options.Seed = options.DEFAULT_SEED,
    passphrase_file: options.PassphraseFile = None,
    user: options.As = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="The time in ms becomes the counter of the RequestID.")
    ] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Send the file octet for octet, and sign nothing.")
    ] = False,
    sign: Annotated[
        bool, typer.Option(help="Examine and sign the Pre-Command of an 11.3, and send it.")
    ] = True,
    listen: options.Listen = options.DEFAULT_PORT,
    host: options.Host = options.LOOPBACK,
    path: options.ServedPath = options.DEFAULT_PATH,
    wait_s: options.Wait = options.DEFAULT_WAIT_S,
    ca: options.CaFile = None,
    certificate: options.CertificateFile = None,
    key: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Send a DUIS request, and print the answer and what is pushed because of it.

    The request is signed, unless it is already: as the originator in its
    RequestID, or as --as. A counter of 0 becomes the time, so does any with
    --fresh. The official samples can be sent as they are.

    Of an 11.3 the Pre-Command that comes back is compared with what was asked
    for, and signed and sent if it says just that.

    While something is awaited it listens as `hanota listen` does, at most
    --wait seconds; --wait 0 does not listen at all. With --pki nothing counts
    that the DCC has not signed.

    Exit code 1: part of it failed, or was not answered in time. 3: the DCC
    refused it.

    Example: hanota send request.xml --pki keystore.json

    Example: hanota send sample-11.4.xml --fresh --json
    """
    if as_is and (user is not None or fresh):
        raise LocalError("--as and --fresh change the request, and --as-is leaves it as it is")
    octets = read_octets(file)
    pki = options.pki_of(pki_path, seed, passphrase_file)
    if as_is:
        prepared = as_it_is(octets)
    else:
        user_id = options.user_id(user)
        prepared = prepare(octets, pki, user_id=user_id, fresh=fresh, now_ms=now_ms())
    signs = sign and not as_is and _gives_pre_command(prepared.request)
    belief = Belief(pki if pki_path else None, dcc_of(pki), now_ms)
    exchange = _Exchange(pki, belief, signs=signs, wait_s=wait_s, as_json=as_json)
    address = (host, listen, path) if wait_s and _is_pushed(prepared.request, signs=signs) else None
    tls = options.tls_of(to, ca, certificate, key)
    code = asyncio.run(_run(exchange, prepared, to, tls, address))
    if code is not ExitCode.DONE:
        raise typer.Exit(code)


async def _run(
    exchange: "_Exchange",
    prepared: Prepared,
    to: str,
    tls: ssl.SSLContext | None,
    address: tuple[str, int, str] | None,
) -> ExitCode:
    async with AsyncExitStack() as stack:
        if address is not None:
            host, port, path = address
            service = receive_response_service(exchange.inbox.take, path)
            await stack.enter_async_context(listening(service, host, port))
        client = await stack.enter_async_context(DuisClient(to, tls=tls))
        code = await exchange.carry(client, prepared)
    await exchange.tell_the_rest()
    return code


class _Exchange:
    """One request with its answer and its pushes, told as they come."""

    def __init__(
        self, pki: DevicePki, belief: Belief, *, signs: bool, wait_s: float, as_json: bool
    ) -> None:
        self._pki = pki
        self._keys = PkiKeys.of(pki)
        self._belief = belief
        self._signs = signs
        self._wait_s = wait_s
        self._as_json = as_json
        self.inbox = Inbox(belief.objection_to_push)

    async def carry(self, client: DuisClient, prepared: Prepared) -> ExitCode:
        """Send it, and stay until everything has come or the time is over."""
        request = prepared.request
        self._tell("sent", {"request_id": str(request.request_id), **_service(request)})
        reply = await client.post(prepared.octets, request.command_variant)
        match reply:
            case NoAnswer(reason=reason):
                self._tell("no_answer", {"reason": reason})
                return ExitCode.FAILED
            case RefusedInHttp(status=status, text=text):
                self._tell("refused", {"http_status": status, "text": text})
                return ExitCode.REFUSED
            case Answered(octets=octets):
                return await self._answered(client, request, octets)

    async def tell_the_rest(self) -> None:
        """Tell pushes that nobody waited for: they were taken, and will not come again."""
        while (push := await self.inbox.next(0)) is not None:
            self._tell_push(push, belongs=False)

    async def _answered(self, client: DuisClient, request: Request, octets: bytes) -> ExitCode:
        try:
            answer = read(octets)
        except RemoteError as fault:
            return self._failed("answer", fault.reason)
        facts = answer_facts(
            answer.document, answer.response, self._keys, now_ms(), in_full=self._as_json
        )
        self._tell("answer", facts)
        objection = self._belief.objection_to_answer(answer, request)
        if objection is not None:
            return self._failed("not_believed", objection.reason)
        code = answer.response.response_code
        if code.startswith("E"):
            return ExitCode.REFUSED
        match answer.response.body:
            case ResponseMessage(content=PreCommand(gbcs_payload=octets)) if self._signs:
                return await self._sign(client, request, octets)
        in_full = not code.startswith("W")
        return await self._follow(request, _awaited(request, answer), in_full=in_full)

    async def _sign(self, client: DuisClient, asked: Request, octets: bytes) -> ExitCode:
        examined = pre_command.examine(asked, octets)
        match examined:
            case Refused() as refused:
                return self._failed(
                    "not_signed", f"the Pre-Command is not what was asked for: its {refused}"
                )
            case _:
                payload = pre_command.sign(examined, self._pki, self._pki)
        command = signed_pre_command(asked, payload)
        signed = sign_request(command, self._pki, self._pki)
        return await self.carry(client, Prepared(command, signed))

    async def _follow(
        self, request: Request, awaited: frozenset[int], *, in_full: bool
    ) -> ExitCode:
        until_ms = now_ms() + round(self._wait_s * 1000)
        if _is_later(request, until_ms) or not self._wait_s:
            awaited = frozenset()
        while awaited:
            push = await self.inbox.next((until_ms - now_ms()) / 1000)
            if push is None:
                break
            told = told_of(request, push.response, until_ms)
            self._tell_push(push, belongs=told is not None)
            if told is not None:
                in_full = in_full and not told.is_failure
                awaited -= told.device_ids if told.is_last else frozenset()
        if awaited:
            self._tell("still_awaited", {"devices": _texts(awaited)})
        # An update takes its time, and goes on without anybody waiting; a command does not.
        in_full = in_full and (not awaited or isinstance(request.body, _UPDATES))
        return ExitCode.DONE if in_full else ExitCode.FAILED

    def _tell_push(self, push: Received, *, belongs: bool) -> None:
        facts = message_facts(push.document, self._keys, now_ms())
        self._tell("push" if belongs else "other_push", facts)

    def _failed(self, event: str, reason: str) -> ExitCode:
        self._tell(event, {"fault": reason})
        return ExitCode.FAILED

    def _tell(self, event: str, facts: dict[str, object]) -> None:
        tell(event, facts, as_json=self._as_json)


_UPDATES = (UpdateFirmware, UpdatePPMIDFirmware)
# A device answers a request of these, by a push.
_TO_DEVICE = frozenset({COMMAND_VARIANT, 3, SIGNED_COMMAND_VARIANT, 7})


def _gives_pre_command(request: Request) -> bool:
    """Whether the answer holds a Pre-Command that can be examined and signed."""
    transforms = request.command_variant == TRANSFORM_COMMAND_VARIANT
    return transforms and isinstance(request.body, ActivateFirmware)


def _is_pushed(request: Request, *, signs: bool) -> bool:
    return signs or request.command_variant in _TO_DEVICE or isinstance(request.body, _UPDATES)


def _awaited(request: Request, answer: Received) -> frozenset[int]:
    """The devices of which something will be pushed."""
    if answer.response.response_code == ResponseCode.I99:
        return devices_of(request)
    if isinstance(request.body, _UPDATES):
        return frozenset(read_answer(answer.response, devices_of(request)).accepted)
    return frozenset()


def _is_later(request: Request, until_ms: int) -> bool:
    """Whether the DSP keeps a request for longer than anybody waits here."""
    match request.body:
        case ReadFirmwareVersion():
            at_ms = execution_ms(request)
            return at_ms is not None and at_ms > until_ms
        case _:
            return False


def _service(request: Request) -> dict[str, object]:
    return {
        "service_reference": request.service_reference_variant,
        "command_variant": request.command_variant,
    }


def _texts(device_ids: Iterable[int]) -> list[str]:
    return [eui_text(device_id) for device_id in sorted(device_ids)]
