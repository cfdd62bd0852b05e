"""What became of a run of `hanota demo`, counted; printing it is `demo_tables`."""

from collections.abc import Sequence
from statistics import median

import msgspec

from hanota.cli.image_facts import size_warning
from hanota.model import Outcome, eui_text, version_text
from hanota.sim.rollout import START_MS, DeviceReport, Rollout
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware

UPDATED = (Outcome.UPDATED, Outcome.UPDATED_LATE)


class Failure(msgspec.Struct, frozen=True):
    """A device that was not updated, and why."""

    device_id: str
    outcome: str
    why: str  # what its home was set up as
    runs: str | None  # the version that it really runs, None where it runs nothing


class Summary(msgspec.Struct, frozen=True):
    """What the demo says at its end; `--json` prints it as it is."""

    request_id: str
    answer: str  # the DCC's response code
    homes: int
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
    warnings: list[str]
    events: int
    virtual_s: float
    wall_s: float

    @property
    def refused(self) -> bool:
        """Whether the DCC refused the whole request."""
        return self.answer.startswith("E")


def summarise(rollout: Rollout, asked: Request | None, *, wall_s: float) -> Summary:
    """Count what became of every device of the request; `asked` is None for one of our own."""
    reports = rollout.report()
    devices = _devices(rollout, asked)
    ended = {report.delivery.device_id for report in reports if not report.delivery.live}
    missing = sorted(devices - ended)
    unexpected = [report for report in reports if not report.as_expected]
    untrue = [report for report in reports if not report.ledger_is_true]
    alike = _alike(reports)
    answer = rollout.answer()
    return Summary(
        request_id=str(rollout.request_id),
        answer="" if answer is None else answer.response_code,
        homes=len(rollout.town),
        devices=len(devices),
        version=version_text(rollout.image.header.file_version),
        outcomes={outcome: len(those) for outcome, those in alike.items()},
        median_s={outcome: _median_s(those) for outcome, those in alike.items()},
        causes={
            outcome: sorted({_why(report) for report in those})
            for outcome, those in alike.items()
            if outcome not in UPDATED
        },
        failures=[_failure(report) for report in reports if _is_failure(report)],
        missing=[eui_text(device_id) for device_id in missing],
        unexpected=[eui_text(report.delivery.device_id) for report in unexpected],
        untrue=[eui_text(report.delivery.device_id) for report in untrue],
        all_accounted_for=not (missing or unexpected or untrue),
        warnings=_warnings(rollout, asked),
        events=rollout.chain.homes.events,
        virtual_s=(rollout.chain.now_ms - START_MS) / 1000,
        wall_s=round(wall_s, 2),
    )


def _devices(rollout: Rollout, asked: Request | None) -> set[int]:
    match asked:
        case Request(body=UpdatePPMIDFirmware(device_id_list=device_ids)):
            return set(device_ids)
        case _:
            return set(rollout.ppmid_ids)


def _alike(reports: Sequence[DeviceReport]) -> dict[str, list[DeviceReport]]:
    """The devices by outcome, the most frequent outcome first."""
    alike: dict[str, list[DeviceReport]] = {}
    for report in reports:
        alike.setdefault(_outcome(report), []).append(report)
    return dict(sorted(alike.items(), key=lambda item: -len(item[1])))


def _median_s(reports: Sequence[DeviceReport]) -> float:
    return median(report.taken_ms for report in reports) / 1000


def _outcome(report: DeviceReport) -> str:
    delivery = report.delivery
    return f"{delivery.state}:{delivery.reason}" if delivery.reason else delivery.state


def _is_failure(report: DeviceReport) -> bool:
    return report.delivery.state not in UPDATED


def _failure(report: DeviceReport) -> Failure:
    return Failure(
        eui_text(report.delivery.device_id),
        _outcome(report),
        _why(report),
        None if report.runs is None else version_text(report.runs),
    )


def _why(report: DeviceReport) -> str:
    return "no PPMID of this town" if report.fate is None else report.fate.value


def _warnings(rollout: Rollout, asked: Request | None) -> list[str]:
    return [w for w in (_version_warning(rollout, asked), size_warning(rollout.image)) if w]


def _version_warning(rollout: Rollout, asked: Request | None) -> str | None:
    actual = version_text(rollout.image.header.file_version)
    match asked:
        case Request(body=UpdatePPMIDFirmware(firmware_version=said)) if said.upper() != actual:
            return (
                f"the request's FirmwareVersion {said} is not that of its image, {actual}, "
                "which counts"
            )
        case _:
            return None
