"""What becomes of a push that the user's endpoint did not take, and pushes too long for it.

The DCC repeats a failed alert and holds it for PUSH_HOLD_DAYS; then it leaves the queue and only
the journal has it. One that is refused for what it is would be refused again, so it is parked at
once: it must not stand in the way of what comes after it.

Not here: the order of one device's messages, which the ledger keeps, and HTTP.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice

import msgspec

from hanota.limits import (
    DAY_MS,
    PUSH_BODY_OCTETS_MAX,
    PUSH_HOLD_DAYS,
    PUSH_RETRY_S,
    PUSH_RETRY_S_MAX,
)
from hanota.model import LeftOutList
from hanota.wire.duis.values import (
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    Response,
    ResponseMessage,
)

_HOLD_MS = PUSH_HOLD_DAYS * DAY_MS
# Bad request, content too large, unsupported media type, unprocessable: the same octets would
# meet the same answer. Every other status, and none, may be another one the next time.
_REFUSED_FOR_GOOD = frozenset({400, 413, 415, 422})
# 23 characters and a comma each; what stands around the lists has less than 4,000 octets.
_LISTED_MAX = (PUSH_BODY_OCTETS_MAX - 4_000) // 24


class PushEnd(StrEnum):
    """How a push ends that is never taken: the journal's word."""

    PARKED = "push:parked"
    GIVEN_UP = "push:given-up"


def after_failure(status: int | None, tries: int, since_ms: int, now_ms: int) -> int | PushEnd:
    """When a push is tried again that was not taken now, or how it ends.

    `status` is the HTTP status that answered it, None where none did; `tries` counts this one;
    `since_ms` is when it might first be sent. The last try is after PUSH_HOLD_DAYS.
    """
    if status in _REFUSED_FOR_GOOD:
        return PushEnd.PARKED
    end_ms = since_ms + _HOLD_MS
    if now_ms >= end_ms:
        return PushEnd.GIVEN_UP
    return min(now_ms + _pause_ms(tries), end_ms)


def in_parts(response: Response) -> Iterator[Response]:
    """The response, or several whose lists are parts of its own, each short enough to be pushed.

    Of what this DCC pushes only the warning of an 11.1 or 11.4 that was held back has lists.
    """
    match response.body:
        case ResponseMessage(
            content=DSPUpdateFirmwareWarning() | DSPUpdatePPMIDFirmwareWarning() as warning
        ):
            for part in _parts(warning.lists()):
                body = msgspec.structs.replace(response.body, content=warning.of(part))
                yield msgspec.structs.replace(response, body=body)
        case _:
            yield response


def _parts(
    lists: Mapping[LeftOutList, tuple[int, ...]],
) -> Iterator[dict[LeftOutList, tuple[int, ...]]]:
    listed = ((name, device_id) for name, ids in lists.items() for device_id in ids)
    while some := list(islice(listed, _LISTED_MAX)):
        part: dict[LeftOutList, tuple[int, ...]] = {}
        for name in dict.fromkeys(name for name, _ in some):
            part[name] = tuple(device_id for at, device_id in some if at is name)
        yield part


def _pause_ms(tries: int) -> int:
    """The pause after the first failure is PUSH_RETRY_S; each doubles up to PUSH_RETRY_S_MAX."""
    # A pause that has doubled 16 times is longer than any maximum, and the shift stays small.
    doublings = min(tries - 1, 16)
    return min(PUSH_RETRY_S << doublings, PUSH_RETRY_S_MAX) * 1000
