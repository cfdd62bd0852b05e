"""How a campaign goes: its states, and its next move from what the ledger counts.

People may stop a campaign in any state, at once; going on takes a reason. What happens by itself
is one decision: halt, ask for devices, begin the next wave, finish, or wait. It is taken inside
the transaction that dispatches, so that a halt is effective before the next batch leaves.

Not here: sending, and who may do what.
"""

from datetime import tzinfo
from enum import StrEnum
from typing import TypeAlias

import msgspec

from hanota.limits import COMMAND_ANSWER_H, HOUR_MS, MINUTE_MS
from hanota.supplier.campaign.halting import Breach, Ended, breach
from hanota.supplier.campaign.pacing import Allowance, Dispatched, allowance
from hanota.supplier.campaign.plan import Plan, Promotion
from hanota.supplier.campaign.promotion import Readiness, standing
from hanota.supplier.campaign.tally import Tally
from hanota.supplier.campaign.windows import is_open, next_opening_ms


class CampaignState(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"  # by a person
    HALTED = "halted"  # by a rule of its plan
    FINISHED = "finished"
    ABORTED = "aborted"


class Act(StrEnum):
    """What is done to a campaign, by a person or by itself."""

    EDIT = "edit"
    APPROVE = "approve"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    FINISH = "finish"
    ABORT = "abort"


# A pair that is absent is refused. Whoever edits voids the approvals.
TRANSITIONS: dict[tuple[CampaignState, Act], CampaignState] = {
    (CampaignState.DRAFT, Act.EDIT): CampaignState.DRAFT,
    (CampaignState.DRAFT, Act.APPROVE): CampaignState.APPROVED,
    (CampaignState.DRAFT, Act.ABORT): CampaignState.ABORTED,
    (CampaignState.APPROVED, Act.EDIT): CampaignState.DRAFT,
    (CampaignState.APPROVED, Act.START): CampaignState.RUNNING,
    (CampaignState.APPROVED, Act.ABORT): CampaignState.ABORTED,
    (CampaignState.RUNNING, Act.PAUSE): CampaignState.PAUSED,
    (CampaignState.RUNNING, Act.HALT): CampaignState.HALTED,
    (CampaignState.RUNNING, Act.FINISH): CampaignState.FINISHED,
    (CampaignState.RUNNING, Act.ABORT): CampaignState.ABORTED,
    (CampaignState.PAUSED, Act.PAUSE): CampaignState.PAUSED,
    (CampaignState.PAUSED, Act.RESUME): CampaignState.RUNNING,
    (CampaignState.PAUSED, Act.ABORT): CampaignState.ABORTED,
    (CampaignState.HALTED, Act.PAUSE): CampaignState.PAUSED,
    (CampaignState.HALTED, Act.RESUME): CampaignState.RUNNING,
    (CampaignState.HALTED, Act.ABORT): CampaignState.ABORTED,
    (CampaignState.ABORTED, Act.ABORT): CampaignState.ABORTED,
}


class ReadBack(msgspec.Struct, frozen=True, gc=False):
    """One proven device that is asked once more what it runs, before the next wave begins."""

    asked_ms: int
    is_answered: bool
    runs_it: bool  # as far as the estate knows


class Progress(msgspec.Struct, frozen=True):
    """What the ledger counts of a running campaign, at one moment."""

    wave: int  # the newest that has begun
    wave_tally: Tally  # of that wave
    waiting: int  # devices of all waves that have begun
    distributed: int  # devices of all waves that hold an image and are to activate it
    under_way: int  # devices of all waves, those among them
    proven_since_ms: int | None  # of that wave, from the last look
    ended: tuple[Ended, ...]  # since it was last started or resumed
    dispatched: tuple[Dispatched, ...]
    read_backs: tuple[ReadBack, ...] = ()  # of that wave


class AskFor(msgspec.Struct, frozen=True):
    """Send a request for devices of the wave, at most so many."""

    wave: int
    allowance: Allowance


class Activate(msgspec.Struct, frozen=True):
    """Have devices activate the image that they hold."""


class Cancel(msgspec.Struct, frozen=True):
    """Of an aborted campaign: cancel activations whose time is still to come."""


class AskWhatRuns(msgspec.Struct, frozen=True):
    """Read back so many proven devices of the wave, others than before."""

    wave: int
    devices: int


class NextWave(msgspec.Struct, frozen=True):
    """The wave has proven enough: the next one begins."""

    wave: int


class HaltNow(msgspec.Struct, frozen=True):
    """Stop: a halt of the plan bites, or the wave ended below its share (without a breach)."""

    why: str
    breach: Breach | None


class Finish(msgspec.Struct, frozen=True):
    """Every device of every wave has ended."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do before an instant, or before something is learned of a device (None)."""

    why: str
    until_ms: int | None
    proven_since_ms: int | None = None  # of the wave, to be kept


Move: TypeAlias = AskFor | Activate | Cancel | AskWhatRuns | NextWave | HaltNow | Finish | Wait


def next_move(plan: Plan, progress: Progress, zone: tzinfo, now_ms: int) -> Move:
    """The next move of a running campaign; `zone` is that of the plan's windows."""
    bites = breach(plan.halts, progress.ended, now_ms)
    if bites is not None:
        return HaltNow(str(bites), bites)
    if progress.distributed or progress.waiting:
        if not is_open(plan.windows, plan.blackouts, zone, now_ms):
            opening_ms = next_opening_ms(plan.windows, plan.blackouts, zone, now_ms)
            return Wait("outside its windows", opening_ms)
        return Activate() if progress.distributed else _dispatch(plan, progress, now_ms)
    if progress.wave < len(plan.waves) - 1:
        return _promote(plan, progress, now_ms)
    if progress.under_way:
        return Wait("devices of the last wave are under way", None)
    if plan.late_joiners:
        return Wait("devices may still join", None)
    return Finish()


def _dispatch(plan: Plan, progress: Progress, now_ms: int) -> Move:
    allowed = allowance(plan.pacing, progress.dispatched, now_ms)
    if not allowed.devices:
        return Wait("its pacing is used up", now_ms - now_ms % MINUTE_MS + MINUTE_MS)
    return AskFor(progress.wave, allowed)


def _promote(plan: Plan, progress: Progress, now_ms: int) -> Move:
    promotion = plan.waves[progress.wave].promotion
    found = standing(promotion, progress.wave_tally, progress.proven_since_ms, now_ms)
    match found.readiness:
        case Readiness.READY:
            return _after_reading_back(promotion, progress, found.proven_since_ms, now_ms)
        case Readiness.SHORT:
            tally = progress.wave_tally
            why = (
                f"wave {plan.waves[progress.wave].name!r} ended with {tally.proven} of "
                f"{tally.tried} devices updated; it needs {promotion.success_percent:g}%"
            )
            return HaltNow(why, None)
        case Readiness.SOAK if found.proven_since_ms is not None:
            until_ms = found.proven_since_ms + promotion.soak_ms
            return Wait(found.readiness.value, until_ms, found.proven_since_ms)
        case _:
            return Wait(found.readiness.value, None)


def _after_reading_back(
    promotion: Promotion, progress: Progress, proven_since_ms: int | None, now_ms: int
) -> Move:
    """The next wave, when a sample of the proven devices has said so once more."""
    needed = min(promotion.read_back, progress.wave_tally.proven)
    asked = progress.read_backs
    if len(asked) < needed:
        return AskWhatRuns(progress.wave, needed - len(asked))
    if any(one.is_answered and not one.runs_it for one in asked):
        return HaltNow("a device that had proven its update runs another version", None)
    open_until_ms = [one.asked_ms + _ANSWER_MS for one in asked if not one.is_answered]
    if not open_until_ms:
        return NextWave(progress.wave + 1)
    if min(open_until_ms) <= now_ms:
        why = f"{len(open_until_ms)} of {len(asked)} devices did not answer when read back"
        return HaltNow(why, None)
    return Wait("proven devices are read back", min(open_until_ms), proven_since_ms)


_ANSWER_MS = COMMAND_ANSWER_H * HOUR_MS
