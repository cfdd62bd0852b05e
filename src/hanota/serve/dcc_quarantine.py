"""Anomaly detection in the DCC's shell: requests that are held back, and what their users get.

The ledger keeps such a request as it was asked, so that it may be let go after a restart.

Not here: which thresholds there are and what breaches one (`dcc.thresholds`), and what is decided
when a request is let go (`dcc_gateway`).
"""

from hanota.dcc import alerts, pushes
from hanota.dcc.thresholds import Threshold, quarantine_alert, thresholds_of
from hanota.errors import LocalError
from hanota.ledger.ledger import Batch
from hanota.model import RequestID
from hanota.rows import Outgoing, RequestRow
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_request, encode_request, encode_response
from hanota.wire.duis.signature import DocumentSigner
from hanota.wire.duis.values import Request, Response


class Quarantine:
    """Takes part in the batches of the DCC's shell; the arguments are those of `DccShell`.

    `document_signer` is the DSP's, for what is pushed.
    """

    def __init__(
        self,
        document_signer: DocumentSigner,
        *,
        thresholds: tuple[Threshold, ...],
        push_delay_ms: int,
    ) -> None:
        self._document_signer = document_signer
        self._thresholds = thresholds
        self._push_delay_ms = push_delay_ms

    def breached(self, batch: Batch, request: Request, now_ms: int) -> Threshold | None:
        """The threshold that one more request like this would breach."""
        for threshold in thresholds_of(request, self._thresholds):
            came = batch.requests_since(
                request.request_id.originator,
                request.service_reference,
                request.command_variant,
                now_ms - threshold.period_ms,
                threshold.requests,
            )
            if came >= threshold.requests:
                return threshold
        return None

    def hold(self, batch: Batch, row: RequestRow, request: Request, breached: Threshold) -> None:
        """Hold a request back that was recorded, and tell its user."""
        # Who asked is proved and recorded, so the request needs no signature any more.
        batch.quarantine(row.number, encode_request(request))
        alert = alerts.in_response(quarantine_alert(request, breached, row.number), row.at_ms)
        self.tell(batch, alert, request, row.at_ms)

    def held(self, batch: Batch, request_id: RequestID) -> tuple[RequestRow, Request]:
        """A request that is held back; LocalError where none is under this RequestID."""
        for row in batch.requests_under(request_id):
            octets = batch.quarantined_octets(row.number)
            if octets is not None:
                return row, decode_request(open_document(octets))
        raise LocalError(f"no request {request_id} is held back")

    def let_go(self, batch: Batch, row: RequestRow) -> None:
        """Hold this request back no more; the row is as it is decided now."""
        batch.release(row)

    def tell(self, batch: Batch, response: Response, request: Request, now_ms: int) -> None:
        """Post the signed Response to the user, in parts where it is too long for one push."""
        due_ms = now_ms + self._push_delay_ms
        user_id = request.request_id.originator
        batch.post(
            Outgoing(0, user_id, encode_response(part, self._document_signer), due_ms, 0)
            for part in pushes.in_parts(response)
        )
