"""What comes from the DCC, for those who read it message by message and keep no ledger.

For the verbs that send something, or just listen, and print what comes. A push that is taken is in
memory only: who must not lose one has a ledger (`serve.supplier`).
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from hanota.errors import RemoteError
from hanota.limits import PUSHES_WAITING_MAX
from hanota.smki.directory import Directory
from hanota.smki.dsig import signer_of_response
from hanota.supplier.answers import is_answer_to, may_be_unsigned
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import Document, decode_response, open_document
from hanota.wire.duis.values import Request, Response


class Received(NamedTuple):
    """One message of the DCC, as it came and as it reads."""

    octets: bytes
    document: Document
    response: Response


def read(octets: bytes) -> Received:
    """Read a message of the DCC; RemoteError where it is no DUIS Response."""
    document = open_document(octets)
    return Received(octets, document, decode_response(document))


class Belief:
    """Whether messages are the DCC's; without a directory every signature is believed.

    Args:
        directory: has the certificate with which the DCC signs.
        dcc_id: the EUI-64 of the DSP.
        clock: the time in milliseconds, when that certificate has to be valid.
    """

    def __init__(self, directory: Directory | None, dcc_id: int, clock: Callable[[], int]) -> None:
        self._directory = directory
        self._dcc_id = dcc_id
        self._clock = clock

    def objection_to_answer(self, answer: Received, asked: Request) -> RemoteError | None:
        """Why this is not the DCC's answer to the request; None where it is."""
        if not is_answer_to(answer.response, asked):
            return RemoteError(ResponseCode.E100, "the DCC answered another request than was sent")
        return self._objection(answer, unsigned_counts=may_be_unsigned(answer.response))

    def objection_to_push(self, push: Received) -> RemoteError | None:
        """Why this push is not the DCC's; None where it is. An unsigned one could be anybody's."""
        return self._objection(push, unsigned_counts=False)

    def _objection(self, received: Received, *, unsigned_counts: bool) -> RemoteError | None:
        if self._directory is None:
            return None
        try:
            certificate = signer_of_response(
                received.document, self._dcc_id, self._directory, self._clock()
            )
        except RemoteError as fault:
            return fault
        if certificate is None and not unsigned_counts:
            return RemoteError(ResponseCode.E48, "the DCC's message is not signed")
        return None


class Inbox:
    """Takes pushes that are DUIS Responses, and gives them out in their order.

    `check` says why one is not taken.
    """

    def __init__(self, check: Callable[[Received], RemoteError | None]) -> None:
        self._check = check
        self._waiting: asyncio.Queue[Received] = asyncio.Queue(PUSHES_WAITING_MAX)

    async def take(self, octets: bytes) -> RemoteError | None:
        """Take one push, as `receiver_http` wants it: None, or why it is refused."""
        try:
            push = read(octets)
        except RemoteError as fault:
            return fault
        objection = self._check(push)
        if objection is None:
            await self._waiting.put(push)
        return objection

    async def next(self, timeout_s: float | None = None) -> Received | None:
        """The next push, when there is one; None where none comes in time (None: ever)."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._waiting.get()
        except TimeoutError:
            return None
