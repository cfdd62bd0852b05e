"""What becomes of a device of a campaign when its delivery moves.

A delivery is one try of one step; a campaign sees a device through all its tries and steps. So a
failure may mean a rest before the next try, and a success the next step of the pathway. A delivery
that the device was not last asked in moves nothing.
"""

import re
from enum import StrEnum

import msgspec

from hanota.limits import HOUR_MS, IN_PROGRESS_REST_H, IN_PROGRESS_TRIES_MAX
from hanota.model import LeftOut, Milestone, Outcome, version_text
from hanota.rows import CampaignDevice, Delivery
from hanota.supplier.campaign.plan import FAILURES, SUCCESSES, Retry
from hanota.supplier.campaign.retrying import next_try_ms


class DeviceState(StrEnum):
    """Where a device of a campaign is that has not ended; where it has, that is its Outcome."""

    WAITING = "waiting"  # to be asked, for the first time or for the next step
    RESTING = "resting"  # to be asked again, at a time
    ASKED = "asked"
    DISTRIBUTED = "distributed"  # it holds the image of an 11.1, and is to activate it
    ACTIVATING = "activating"
    HELD_OUT = "held-out"  # never asked, to compare with


# Asked, and not ended; or to be asked again.
UNDER_WAY: frozenset[str] = frozenset(
    {
        DeviceState.RESTING,
        DeviceState.ASKED,
        DeviceState.DISTRIBUTED,
        DeviceState.ACTIVATING,
    }
)
# Of a delivery, what tells a campaign nothing that it does not know.
_ON_THE_WAY: frozenset[str] = frozenset(
    {
        Milestone.REQUESTED,
        Milestone.ACCEPTED,
        Milestone.DELIVERED,
        Milestone.TRANSFERRED,
        Milestone.ACTIVATION_REQUESTED,
    }
)
_BEING_TRIED = UNDER_WAY - {DeviceState.RESTING}
_REFUSED = re.compile(r"E\d+")


class Aim(msgspec.Struct, frozen=True):
    """What a campaign wants of its devices, as far as it decides what a delivery means."""

    version: str  # to end with
    retries: tuple[Retry, ...]  # none once it is aborted


class Followed(msgspec.Struct, frozen=True):
    """A device of a campaign after its delivery has moved."""

    device: CampaignDevice
    ended: Outcome | None  # how a try has ended just now, None where none has
    refused: str  # the code with which the DCC refused the whole request, else empty


def concerns(delivery: Delivery) -> bool:
    """Whether a campaign has to look at a delivery that came to be so."""
    return delivery.state not in _ON_THE_WAY


def follow(device: CampaignDevice, delivery: Delivery, aim: Aim) -> Followed | None:
    """The device after this, None where it stays as it is; the instant is that of the delivery."""
    if device.request != delivery.request or not concerns(delivery):
        return None
    if delivery.state == Outcome.LEFT_OUT and _REFUSED.fullmatch(delivery.reason):
        again = _at(device, DeviceState.WAITING, tries=device.tries - 1)
        return Followed(again, None, delivery.reason)
    after = _after(device, delivery, aim)
    if after == device:
        return None
    return Followed(after, _ended(device, delivery), "")


def _after(device: CampaignDevice, delivery: Delivery, aim: Aim) -> CampaignDevice:
    now_ms = delivery.changed_ms
    match delivery.state:
        case Milestone.ACTIVATION_ACCEPTED:
            return _at(device, DeviceState.ACTIVATING)
        case Milestone.DISTRIBUTED if delivery.reason:  # the 11.3 was refused
            return _failed(device, Outcome.ACTIVATION_FAILED, aim, now_ms, delivery.reason)
        case Milestone.DISTRIBUTED:
            return _at(device, DeviceState.DISTRIBUTED)
        case Outcome.LEFT_OUT if delivery.reason == LeftOut.IN_PROGRESS:
            return _in_progress(device, now_ms)
        case state if state in SUCCESSES and version_text(delivery.version) != aim.version:
            return _at(device, DeviceState.WAITING, tries=0)
        case state if state in FAILURES:
            return _failed(device, Outcome(state), aim, now_ms)
        case state:
            return _at(device, state, reason=delivery.reason)


def rested(device: CampaignDevice) -> CampaignDevice:
    """The device when it has rested long enough."""
    return _at(device, DeviceState.WAITING, reason=device.reason)


def in_progress(device: CampaignDevice, now_ms: int) -> CampaignDevice:
    """The device while another request is in progress for it: it rests, and is asked later."""
    next_ms = now_ms + IN_PROGRESS_REST_H * HOUR_MS
    return _at(device, DeviceState.RESTING, reason=LeftOut.IN_PROGRESS, next_try_ms=next_ms)


def _in_progress(device: CampaignDevice, now_ms: int) -> CampaignDevice:
    if device.tries >= IN_PROGRESS_TRIES_MAX:
        return _at(device, Outcome.LEFT_OUT, reason=LeftOut.IN_PROGRESS)
    return in_progress(device, now_ms)


def _failed(
    device: CampaignDevice, outcome: Outcome, aim: Aim, now_ms: int, reason: str = ""
) -> CampaignDevice:
    if device.state == DeviceState.RESTING:  # another word about the try that made it rest
        return msgspec.structs.replace(device, reason=str(outcome))
    again_ms = None
    if device.state in _BEING_TRIED:
        again_ms = next_try_ms(aim.retries, outcome, device.tries, now_ms)
    if again_ms is None:
        return _at(device, outcome, reason=reason)
    return _at(device, DeviceState.RESTING, reason=outcome, next_try_ms=again_ms)


def _ended(device: CampaignDevice, delivery: Delivery) -> Outcome | None:
    if device.state not in _BEING_TRIED:
        return None  # counted when it ended first; what comes late is counted with its wave
    if delivery.state == Milestone.DISTRIBUTED:
        return Outcome.ACTIVATION_FAILED if delivery.reason else None
    return Outcome(delivery.state) if delivery.state in _OUTCOMES else None


def _at(
    device: CampaignDevice,
    state: str,
    *,
    reason: str = "",
    tries: int | None = None,
    next_try_ms: int | None = None,
) -> CampaignDevice:
    return msgspec.structs.replace(
        device,
        state=str(state),
        reason=str(reason),
        tries=device.tries if tries is None else tries,
        next_try_ms=next_try_ms,
    )


_OUTCOMES = frozenset(map(str, Outcome))
