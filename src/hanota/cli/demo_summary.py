"""What became of a run of `hanota demo`, counted; printing it is `demo_tables`."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import median
from typing import TypeVar

import msgspec

from hanota.cli.image_facts import size_warning
from hanota.model import Outcome, eui_text, version_text
from hanota.sim.hcalcs_rollout import Activation, HcalcsRollout
from hanota.sim.ppmid_campaign import Halted, PpmidCampaign
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.rollout import DeviceReport, Rollout
from hanota.sim.world import START_MS, World
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware

# The outcomes that a supplier had asked for.
AS_ASKED = (Outcome.UPDATED, Outcome.UPDATED_LATE, Outcome.CANCELLED)


class Failure(msgspec.Struct, frozen=True):
    """A device that did not end as its supplier had asked, and why."""

    device_id: str
    outcome: str
    why: str  # what its home was set up as
    runs: str | None  # the version that it really runs, None where it runs nothing


class UpdateSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the devices of one 11.1 or 11.4."""

    request_id: str
    answer: str  # the DCC's response code
    devices: int
    version: str
    outcomes: dict[str, int]  # devices by outcome, the most frequent first
    median_s: dict[str, float]  # from the request to the outcome
    causes: dict[str, list[str]]  # of outcomes that are failures: what the homes were set up as
    failures: list[Failure]
    missing: list[str]  # devices of the request without an outcome
    unexpected: list[str]  # devices that ended otherwise than their home was set up for
    untrue: list[str]  # devices that do not run what the supplier's ledger says
    all_accounted_for: bool

    @property
    def refused(self) -> bool:
        """Whether the DCC refused the whole request."""
        return self.answer.startswith("E")


class Activated(msgspec.Struct, frozen=True):
    """HCALCSs that ended alike after they were activated alike."""

    outcome: str
    activation: Activation | None  # None: there was none
    devices: int
    true: int  # of them: ended as set up, and run what the ledgers say
    median_s: float
    causes: list[str]


class HcalcsSummary(UpdateSummary, frozen=True, kw_only=True):
    """What became of the HCALCSs."""

    activated: list[Activated]  # the most frequent first


class Summary(UpdateSummary, frozen=True, kw_only=True):
    """What the demo says at its end, first of the PPMIDs; `--json` prints it as it is.

    `all_accounted_for` is said of the HCALCSs as well.
    """

    homes: int
    warnings: list[str]
    events: int
    virtual_s: float
    wall_s: float
    halted: Halted | None  # the campaign before; None where there was none
    hcalcs: HcalcsSummary | None  # None: a request was given, and only that was carried out

    @property
    def parts(self) -> list[UpdateSummary]:
        """Of each request that was carried out."""
        return [self] if self.hcalcs is None else [self, self.hcalcs]


def summarise(
    world: World,
    ppmids: PpmidRollout | PpmidCampaign,
    hcalcs: HcalcsRollout | None,
    *,
    wall_s: float,
) -> Summary:
    """Count what became of every device of the requests."""
    of_ppmids = _update(ppmids, _devices(ppmids))
    of_hcalcs = None if hcalcs is None else _hcalcs(hcalcs)
    both = [of_ppmids] if of_hcalcs is None else [of_ppmids, of_hcalcs]
    facts = msgspec.structs.asdict(of_ppmids)
    facts["all_accounted_for"] = all(part.all_accounted_for for part in both)
    return Summary(
        **facts,
        homes=len(world.town),
        warnings=_warnings(ppmids),
        events=world.homes.events,
        virtual_s=(world.now_ms - START_MS) / 1000,
        wall_s=round(wall_s, 2),
        halted=ppmids.halted if isinstance(ppmids, PpmidCampaign) else None,
        hcalcs=of_hcalcs,
    )


def _devices(ppmids: Rollout) -> set[int]:
    match ppmids:
        case PpmidRollout(request=Request(body=UpdatePPMIDFirmware(device_id_list=device_ids))):
            return set(device_ids)
        case _:
            return set(ppmids.device_ids)


def _update(rollout: Rollout, devices: set[int]) -> UpdateSummary:
    reports = rollout.report()
    ended = {report.delivery.device_id for report in reports if not report.delivery.live}
    missing = sorted(devices - ended)
    unexpected = [report for report in reports if not report.as_expected]
    untrue = [report for report in reports if not report.ledger_is_true]
    alike = _alike(reports, _outcome)
    answer = rollout.answer()
    return UpdateSummary(
        request_id=str(rollout.request_id),
        answer="" if answer is None else answer.response_code,
        devices=len(devices),
        version=version_text(rollout.image.header.file_version),
        outcomes={outcome: len(those) for outcome, those in alike.items()},
        median_s={outcome: _median_s(those) for outcome, those in alike.items()},
        causes={
            outcome: _causes(those) for outcome, those in alike.items() if outcome not in AS_ASKED
        },
        failures=[_failure(report) for report in reports if report.delivery.state not in AS_ASKED],
        missing=[eui_text(device_id) for device_id in missing],
        unexpected=[eui_text(report.delivery.device_id) for report in unexpected],
        untrue=[eui_text(report.delivery.device_id) for report in untrue],
        all_accounted_for=not (missing or unexpected or untrue),
    )


def _hcalcs(rollout: HcalcsRollout) -> HcalcsSummary:
    update = _update(rollout, set(rollout.device_ids))
    alike = _alike(
        rollout.report(),
        lambda report: (_outcome(report), rollout.activations.get(report.delivery.device_id)),
    )
    return HcalcsSummary(
        **msgspec.structs.asdict(update),
        activated=[
            Activated(
                outcome,
                activation,
                len(those),
                sum(report.as_expected and report.ledger_is_true for report in those),
                _median_s(those),
                [] if outcome in AS_ASKED else _causes(those),
            )
            for (outcome, activation), those in alike.items()
        ],
    )


_Key = TypeVar("_Key", bound=Hashable)


def _alike(
    reports: Iterable[DeviceReport], key: Callable[[DeviceReport], _Key]
) -> dict[_Key, list[DeviceReport]]:
    """The devices by a key, the most frequent first."""
    alike: dict[_Key, list[DeviceReport]] = {}
    for report in reports:
        alike.setdefault(key(report), []).append(report)
    return dict(sorted(alike.items(), key=lambda item: -len(item[1])))


def _median_s(reports: Sequence[DeviceReport]) -> float:
    return median(report.taken_ms for report in reports) / 1000


def _outcome(report: DeviceReport) -> str:
    delivery = report.delivery
    return f"{delivery.state}:{delivery.reason}" if delivery.reason else delivery.state


def _causes(reports: Iterable[DeviceReport]) -> list[str]:
    return sorted({_why(report) for report in reports})


def _failure(report: DeviceReport) -> Failure:
    return Failure(
        eui_text(report.delivery.device_id),
        _outcome(report),
        _why(report),
        None if report.runs is None else version_text(report.runs),
    )


def _why(report: DeviceReport) -> str:
    return "no PPMID of this town" if report.fate is None else report.fate.value


def _warnings(ppmids: Rollout) -> list[str]:
    return [w for w in (_version_warning(ppmids), size_warning(ppmids.image)) if w]


def _version_warning(ppmids: Rollout) -> str | None:
    actual = version_text(ppmids.image.header.file_version)
    match ppmids:
        case PpmidRollout(request=Request(body=UpdatePPMIDFirmware(firmware_version=said))) if (
            said.upper() != actual
        ):
            return (
                f"the request's FirmwareVersion {said} is not that of its image, {actual}, "
                "which counts"
            )
        case _:
            return None
