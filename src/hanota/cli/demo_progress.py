"""How far a run of `hanota demo` is, on stderr: a bar for each stage of each method."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from hanota.model import Milestone, Outcome
from hanota.sim.hcalcs_rollout import HcalcsRollout
from hanota.sim.ppmid_campaign import PpmidCampaign
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.rollout import Rollout, carry_out

_Stages = Mapping[str, frozenset[str]]

# A stage, and the states of devices that are not yet, or never, that far.
_BEFORE_THE_HUB: frozenset[str] = frozenset(
    {
        Milestone.REQUESTED,
        Milestone.ACCEPTED,
        Outcome.LEFT_OUT,
        Outcome.NOT_DELIVERED,
        Outcome.SILENT,
    }
)
_BEFORE_THE_DEVICE = _BEFORE_THE_HUB | {
    Milestone.DELIVERED,
    Outcome.HARDWARE_MISMATCH,
    Outcome.TRANSFER_FAILED,
}
_BEFORE_VERIFIED = _BEFORE_THE_DEVICE | {
    Milestone.TRANSFERRED,
    Outcome.DISCARDED,
    Outcome.VERIFICATION_FAILED,
}
_BEFORE_ACTIVATION = _BEFORE_VERIFIED | {Milestone.DISTRIBUTED, Milestone.ACTIVATION_REQUESTED}
_WITHOUT_OUTCOME: frozenset[str] = frozenset(Milestone)

_PPMID_STAGES: _Stages = {
    "11.4 answered by the DCC": frozenset({Milestone.REQUESTED}),
    "image at the hub": _BEFORE_THE_HUB,
    "image at the PPMID": _BEFORE_THE_DEVICE,
    "outcome known": _WITHOUT_OUTCOME,
}
_HCALCS_STAGES: _Stages = {
    "11.1 answered by the DCC": frozenset({Milestone.REQUESTED}),
    "image at the hub": _BEFORE_THE_HUB,
    "image at the HCALCS": _BEFORE_THE_DEVICE,
    "image verified": _BEFORE_VERIFIED,
    "11.3 answered": _BEFORE_ACTIVATION,
    "outcome known": _WITHOUT_OUTCOME,
}
_STAGES: dict[type[Rollout], _Stages] = {
    PpmidRollout: _PPMID_STAGES,
    PpmidCampaign: _PPMID_STAGES,
    HcalcsRollout: _HCALCS_STAGES,
}


def follow(rollouts: Sequence[Rollout], *, quiet: bool) -> None:
    """Carry the rollouts out to their end, and show meanwhile how far they are."""
    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(bar_width=34),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bars = {rollout: _bars(progress, _STAGES[type(rollout)]) for rollout in rollouts}
        for begun in carry_out(rollouts):
            for rollout in begun:
                _show(progress, bars[rollout], rollout)


def _bars(progress: Progress, stages: Iterable[str]) -> dict[str, TaskID]:
    return {stage: progress.add_task(stage, total=None) for stage in stages}


def _show(progress: Progress, bars: Mapping[str, TaskID], rollout: Rollout) -> None:
    states: Counter[str] = Counter()
    for (state, _reason), devices in rollout.counts().items():
        states[state] += devices
    for stage, before in _STAGES[type(rollout)].items():
        done = sum(devices for state, devices in states.items() if state not in before)
        progress.update(bars[stage], completed=done, total=states.total())
