"""The requests of a read-back, with the supplier's ledger and without.

`Plain` makes them up and forgets them; `InLedger` leaves them, and what comes back, to the
supplier's shell, so that the estate learns what was read.
"""

import hashlib
from collections.abc import Sequence

from hanota.errors import RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import LINK_BATCH_MESSAGES_MAX
from hanota.model import RequestID
from hanota.rows import Outgoing
from hanota.serve.duis_client import Answered, DuisClient
from hanota.serve.from_dcc import Belief, Received, read
from hanota.serve.read_back import Asked, Known, Party
from hanota.serve.supplier import SupplierShell
from hanota.smki.dsig import sign_request
from hanota.supplier.hub_firmware import read_inventory
from hanota.supplier.requests import read_firmware_version
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.values import DSPInventory, Request, ResponseMessage


class Plain:
    """Requests that nobody keeps; `Requests` for those without a ledger.

    RequestIDs are counted up from the time. What the DCC's inventory has is asked with 8.2.
    """

    def __init__(self, party: Party, client: DuisClient) -> None:
        self._party = party
        self._client = client
        self._belief = Belief(party.keys, party.dcc_id, party.clock)

    def ask(self, device_ids: Sequence[int], at_ms: int | None) -> list[Asked]:
        """One 11.2 a device, as `Requests` says."""
        first = self._party.clock()
        return [
            self._signed(read_firmware_version(self._request_id(device_id, counter), at_ms))
            for counter, device_id in enumerate(device_ids, first)
        ]

    def answered(self, asked: Asked, answer: Received) -> RemoteError | None:
        """Whether the answer is believed, as `Requests` says."""
        return self._belief.objection_to_answer(answer, asked.request)

    def pushed(self, push: Received) -> RemoteError | None:
        """Whether the push is believed, as `Requests` says."""
        return self._belief.objection_to_push(push)

    async def known(self, device_ids: Sequence[int]) -> dict[int, Known]:
        """What the DCC's inventory says, as `Requests` says; one answer has a whole home."""
        known: dict[int, Known] = {}
        for counter, device_id in enumerate(device_ids, self._party.clock()):
            if device_id not in known:
                known |= await self._home(device_id, counter)
        return known

    async def _home(self, device_id: int, counter: int) -> dict[int, Known]:
        request_id = self._request_id(self._party.dcc_id, counter)
        asked = self._signed(read_inventory(request_id, device_id))
        reply = await self._client.post(asked.octets, asked.request.command_variant)
        match reply:
            case Answered(octets=octets):
                return self._listed(asked, octets)
            case _:
                return {}

    def _listed(self, asked: Asked, octets: bytes) -> dict[int, Known]:
        try:
            answer = read(octets)
        except RemoteError:
            return {}
        if self.answered(asked, answer) is not None:
            return {}
        match answer.response.body:
            case ResponseMessage(content=DSPInventory(devices=devices)):
                return {
                    device.device_id: Known(device.device_status, device.device_firmware_version)
                    for device in devices
                }
            case _:
                return {}

    def _request_id(self, target: int, counter: int) -> RequestID:
        return RequestID(self._party.user_id, target, counter)

    def _signed(self, request: Request) -> Asked:
        return Asked(request, sign_request(request, self._party.keys, self._party.keys))


class InLedger:
    """Requests of the supplier's ledger, which learns what is read; `Requests` for its owner."""

    def __init__(self, party: Party, ledger: Ledger) -> None:
        self._clock = party.clock
        self._ledger = ledger
        self._shell = SupplierShell(
            ledger, party.keys, party.keys, user_id=party.user_id, dcc_id=party.dcc_id
        )

    def ask(self, device_ids: Sequence[int], at_ms: int | None) -> list[Asked]:
        """One 11.2 a device, as `Requests` says; nothing else leaves the outbox."""
        now_ms = self._clock()
        rows = self._shell.read_firmware_version(device_ids, now_ms, execution_date_time_ms=at_ms)
        digests = {row.digest for row in rows}
        return [
            Asked(decode_request(open_document(sent.body)), sent.body, sent)
            for sent in self._waiting(now_ms)
            if hashlib.sha256(sent.body).digest() in digests
        ]

    def answered(self, asked: Asked, answer: Received) -> RemoteError | None:
        """Record the answer, as `Requests` says."""
        if asked.waiting is None:
            return None
        try:
            self._shell.answered(asked.waiting, answer.octets, self._clock())
        except RemoteError as fault:
            return fault
        return None

    def pushed(self, push: Received) -> RemoteError | None:
        """Record the push, as `Requests` says."""
        (fault,) = self._shell.receive([push.octets], self._clock())
        return fault

    async def known(self, device_ids: Sequence[int]) -> dict[int, Known]:
        """What the estate says, as `Requests` says."""
        with self._ledger.view() as view:
            estate = view.devices(device_ids)
        return {
            device_id: Known(device.status, device.firmware_version)
            for device_id, device in estate.items()
        }

    def _waiting(self, now_ms: int) -> list[Outgoing]:
        waiting: list[Outgoing] = []
        after: Outgoing | None = None
        with self._ledger.view() as view:
            while page := view.outbox(now_ms, LINK_BATCH_MESSAGES_MAX, after):
                waiting += page
                after = page[-1]
        return waiting
