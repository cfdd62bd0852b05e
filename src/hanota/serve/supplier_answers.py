"""What the DCC answers to 11.1 and 11.4, in the supplier's shell, and what a new image replaces.

The answer to a request that the DCC held back is pushed when that is let go, and a long warning
then comes in parts: each part counts for the devices that it lists.

Not here: what an answer says (`supplier.answers`), and that the DCC has signed it (`supplier`).
"""

from collections.abc import Iterable, Iterator, Sequence

from hanota.ledger.ledger import Batch
from hanota.model import Milestone
from hanota.rows import Delivery, JournalEntry, RequestRow
from hanota.supplier import left_out
from hanota.supplier.answers import Answer, read_answer
from hanota.supplier.reception import step
from hanota.supplier.requests import DEVICE_TYPES_OF_SERVICE
from hanota.supplier.tracking import ARRIVED_STATES, Evidence
from hanota.wire.duis.values import Response, ResponseMessage

_PAGE = 5_000


def is_of_update(response: Response, row: RequestRow) -> bool:
    """Whether a response is about this request, and that is an 11.1 or 11.4."""
    match response.body:
        case ResponseMessage(service_reference=reference):
            return reference == row.service_reference and reference in DEVICE_TYPES_OF_SERVICE
        case _:
            return False


def take(
    batch: Batch,
    row: RequestRow,
    response: Response,
    octets: bytes,
    now_ms: int,
    *,
    pushed: bool = False,
) -> None:
    """Record the answer to a request, `octets`, and what it says of each of its devices."""
    event = f"answer:{response.response_code}"
    batch.record([JournalEntry(now_ms, 0, row.number, event, None, octets)])
    for page in _pages(batch, row.number):
        answer = read_answer(response, [delivery.device_id for delivery in page], pushed=pushed)
        _record_page(batch, page, answer, row, now_ms)


def supersede(batch: Batch, moved: Iterable[Delivery], now_ms: int) -> None:
    """Record that images which waited in devices are gone, where newer ones have arrived there.

    `moved` are deliveries as they now stand.
    """
    arrived = {row.device_id: row for row in moved if row.state in ARRIVED_STATES}
    if arrived:
        batch.record(
            step(waiting, Evidence.REPLACED, now_ms)
            for waiting in batch.deliveries_in(Milestone.DISTRIBUTED, arrived)
            if waiting.request < arrived[waiting.device_id].request
        )


def _record_page(
    batch: Batch,
    page: Sequence[Delivery],
    answer: Answer,
    row: RequestRow,
    now_ms: int,
) -> None:
    supplier_id = row.request_id.originator
    kinds = DEVICE_TYPES_OF_SERVICE.get(row.service_reference, frozenset())
    estate = batch.devices(answer.listed)
    hubs = batch.devices({device.hub_id for device in estate.values()})
    reasons = dict.fromkeys(answer.refused, answer.code) | {
        device_id: left_out.reason_of(listed, estate.get(device_id), hubs, supplier_id, kinds)
        for device_id, listed in answer.listed.items()
    }
    asked = {delivery.device_id: delivery for delivery in page}
    batch.record(
        step(asked[device_id], Evidence.REQUEST_ACCEPTED, now_ms) for device_id in answer.accepted
    )
    batch.record(
        step(asked[device_id], Evidence.REQUEST_REFUSED, now_ms, reason=reason)
        for device_id, reason in reasons.items()
        if device_id in asked
    )


def _pages(batch: Batch, request: int) -> Iterator[list[Delivery]]:
    after = 0
    while page := batch.deliveries(request, after=after, limit=_PAGE):
        yield page
        after = page[-1].device_id
