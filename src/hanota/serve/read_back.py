"""Which firmware version devices run, asked of them now: 11.2 to each, and what they say.

Where the requests come from, and who is told what comes back, is in `read_back_requests`.

Not here: the read-backs that a supplier makes by itself when a device is silent
(`supplier.read_back`).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from hanota.errors import RemoteError
from hanota.limits import REQUESTS_AT_ONCE_MAX
from hanota.rows import Outgoing
from hanota.serve.duis_client import Answered, DuisClient, NoAnswer, RefusedInHttp
from hanota.serve.from_dcc import Inbox, Received, read
from hanota.smki.directory import Directory, Signer
from hanota.smki.shared_secrets import SharedSecrets
from hanota.supplier.conclusions import version_that_runs
from hanota.supplier.correlation import told_of
from hanota.supplier.device_messages import (
    Finding,
    is_authentic,
    objection,
    read_device_message,
)
from hanota.wire.duis.values import (
    DCCAlertMessage,
    QuarantinedRequest,
    Request,
    Response,
)


class Keys(Directory, Signer, Protocol):
    """Certificates of the devices and the DCC, and the user's own keys."""


class Party(NamedTuple):
    """Who asks, of which DCC, with which keys, at what time."""

    keys: Keys
    user_id: int
    dcc_id: int
    clock: Callable[[], int]  # milliseconds


class Known(NamedTuple):
    """What an inventory says of a device."""

    status: str | None
    firmware_version: str | None


class VersionRead(msgspec.Struct, frozen=True):
    """What came of asking one device."""

    device_id: int
    version: str | None  # hex digits
    fault: str | None  # why there is no version: one phrase; None where it is still to come
    code: str | None = None  # the DCC's, where it refused
    known: Known | None = None


class Asked(NamedTuple):
    """One 11.2 that is to be sent."""

    request: Request
    octets: bytes
    waiting: Outgoing | None = None  # in the outbox of a ledger


class Requests(Protocol):
    """Where requests come from, and who is told what comes back."""

    def ask(self, device_ids: Sequence[int], at_ms: int | None) -> list[Asked]:
        """One 11.2 a device, for now or for a time."""
        ...

    def answered(self, asked: Asked, answer: Received) -> RemoteError | None:
        """The DCC's answer; why it is not believed, or None."""
        ...

    def pushed(self, push: Received) -> RemoteError | None:
        """A push; why it is not believed, or None when it is recorded."""
        ...

    async def known(self, device_ids: Sequence[int]) -> dict[int, Known]:
        """What the inventory says of these devices, as far as it has them."""
        ...


class ReadBack:
    """Asks and waits; `take` belongs at the receiving end of pushes, before `run`."""

    def __init__(self, party: Party, client: DuisClient, requests: Requests) -> None:
        self._party = party
        self._client = client
        self._requests = requests
        self._inbox = Inbox(requests.pushed)
        self.take = self._inbox.take
        self._others: list[Received] = []

    async def run(
        self, device_ids: Sequence[int], at_ms: int | None, wait_s: float
    ) -> list[VersionRead]:
        """Ask each of these devices, wait so long for what they say; in their order."""
        asked = self._requests.ask(device_ids, at_ms)
        slots = asyncio.Semaphore(REQUESTS_AT_ONCE_MAX)
        refused = await asyncio.gather(*(self._send(one, slots) for one in asked))
        found = {read.device_id: read for read in refused if read is not None}
        until_ms = self._party.clock() + round(wait_s * 1000)
        if at_ms is None or at_ms <= until_ms:
            waiting = [one.request for one in asked if one.request.request_id.target not in found]
            found |= await self._wait(waiting, until_ms, wait_s)
        known = await self._requests.known(device_ids)
        return [
            msgspec.structs.replace(
                found.get(device_id, VersionRead(device_id, None, None)),
                known=known.get(device_id),
            )
            for device_id in device_ids
        ]

    async def others(self) -> list[Received]:
        """The pushes about something else: they were taken, so the DCC has done with them."""
        while (push := await self._inbox.next(0)) is not None:
            self._others.append(push)
        return self._others

    async def _send(self, asked: Asked, slots: asyncio.Semaphore) -> VersionRead | None:
        """What comes of a request that the DCC did not take; None where it did."""
        async with slots:
            reply = await self._client.post(asked.octets, asked.request.command_variant)
        device_id = asked.request.request_id.target
        match reply:
            case NoAnswer(reason=reason):
                return VersionRead(device_id, None, reason)
            case RefusedInHttp(status=status, text=text):
                return VersionRead(device_id, None, f"refused in HTTP, {status}: {text}")
            case Answered(octets=octets):
                return self._refused(asked, octets)

    def _refused(self, asked: Asked, octets: bytes) -> VersionRead | None:
        device_id = asked.request.request_id.target
        try:
            answer = read(octets)
        except RemoteError as fault:
            return VersionRead(device_id, None, fault.reason)
        doubt = self._requests.answered(asked, answer)
        if doubt is not None:
            return VersionRead(device_id, None, doubt.reason)
        code = answer.response.response_code
        if not code.startswith("E"):
            return None
        return VersionRead(device_id, None, "refused by the DCC", code)

    async def _wait(
        self, requests: Sequence[Request], until_ms: int, wait_s: float
    ) -> dict[int, VersionRead]:
        waiting = {request.request_id.target: request for request in requests}
        found: dict[int, VersionRead] = {}
        while waiting:
            push = await self._inbox.next((until_ms - self._party.clock()) / 1000)
            if push is None:
                break
            answered = [
                device_id
                for device_id, request in waiting.items()
                if (told := told_of(request, push.response, until_ms)) and told.is_last
            ]
            for device_id in answered:
                found[device_id] = self._said(device_id, push)
                del waiting[device_id]
            if not answered:
                self._others.append(push)
        silent = f"silent: no answer within {wait_s:g} s"
        return found | {device_id: VersionRead(device_id, None, silent) for device_id in waiting}

    def _said(self, device_id: int, push: Received) -> VersionRead:
        """What the last word about a request says of the device's version."""
        party, response = self._party, push.response
        try:
            message = read_device_message(response)
        except RemoteError as fault:
            return VersionRead(device_id, None, f"its answer is malformed: {fault.reason}")
        if message is None:
            return _not_read(device_id, response)
        finding = objection(response, message, user_id=party.user_id, acb_id=party.dcc_id)
        if finding is None and not is_authentic(
            message.message,
            party.keys,
            SharedSecrets(party.keys),
            acb_id=party.dcc_id,
            at_ms=party.clock(),
        ):
            finding = Finding.NOT_AUTHENTIC
        if finding is not None:
            return VersionRead(device_id, None, f"its answer does not count: {finding}")
        version = version_that_runs(message.said)
        missing = None if version is not None else "it answered without a version"
        return VersionRead(device_id, version, missing)


def _not_read(device_id: int, response: Response) -> VersionRead:
    """What the DCC says in place of the device."""
    match response.body:
        case DCCAlertMessage(dcc_alert=QuarantinedRequest()):
            return VersionRead(device_id, None, "the DCC holds the request back")
        case DCCAlertMessage():
            return VersionRead(device_id, None, "the DCC found no answer of the device")
        case _:
            return VersionRead(device_id, None, "refused by the DCC", response.response_code)
