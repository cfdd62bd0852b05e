"""What the DCC's shell pushes to users: what may go now, what was taken, and what never was.

A message waits in the outbox until its user has taken it, and may wait for days. Where the DCC has
had a new certificate meanwhile, the message is signed anew before it goes: with the old one it
would not be believed.

Not here: HTTP, and how long a push is tried (`dcc.pushes`).
"""

from collections.abc import Iterable

import msgspec

from hanota.dcc.pushes import PushEnd, after_failure
from hanota.dcc.users import Users
from hanota.ledger.ledger import Ledger
from hanota.rows import Outgoing, Untaken
from hanota.wire.duis.messages import with_signature_of
from hanota.wire.duis.signature import DocumentSigner


class Pushes:
    """The messages for users in the ledger of the DCC; `document_signer` is the DSP's."""

    def __init__(self, ledger: Ledger, document_signer: DocumentSigner, *, users: Users) -> None:
        self._ledger = ledger
        self._document_signer = document_signer
        self._users = users

    def outgoing(self, now_ms: int, limit: int, after: Outgoing | None) -> list[Outgoing]:
        """What may be sent, as `DccShell.outgoing_push` says."""
        with self._ledger.view() as view:
            found = [
                message
                for user_id in self._users
                for message in view.outbox_for(user_id, now_ms, limit, after)
            ]
        first = sorted(found, key=lambda message: (message.due_ms, message.number))[:limit]
        signed = list(map(self._signed_now, first))
        renewed = [now for now, before in zip(signed, first, strict=True) if now is not before]
        if renewed:
            with self._ledger.batch() as batch:
                batch.rewrite(renewed)
        return signed

    def taken(self, numbers: Iterable[int]) -> None:
        """Take messages out of the outbox, as `DccShell.taken` says."""
        with self._ledger.batch() as batch:
            batch.settle(numbers)

    def not_taken(self, push: Outgoing, answer: int | None, now_ms: int) -> int | PushEnd:
        """Put a push off or end it, as `DccShell.not_taken` says."""
        then = after_failure(answer, push.tries + 1, push.since_ms, now_ms)
        with self._ledger.batch() as batch:
            match then:
                case PushEnd():
                    batch.give_up(push, then, answer, now_ms)
                case next_ms:
                    batch.postpone([push.number], next_ms)
        return then

    def waiting(self, user_id: int, limit: int, after: int) -> list[Outgoing]:
        """What waits for a user, as `DccShell.waiting` says."""
        with self._ledger.view() as view:
            return view.waiting(user_id, after=after, limit=limit)

    def untaken(self, limit: int, after: int) -> list[Untaken]:
        """What ended without being taken, as `DccShell.untaken` says."""
        with self._ledger.view() as view:
            return view.untaken(after=after, limit=limit)

    def _signed_now(self, message: Outgoing) -> Outgoing:
        body = with_signature_of(self._document_signer, message.body)
        return message if body is message.body else msgspec.structs.replace(message, body=body)
