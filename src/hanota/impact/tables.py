"""The findings as rows of text, for the terminal, the page and CSV files alike."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TypeAlias

from hanota.impact.findings import Band, Findings
from hanota.impact.messages import PUSH_OCTETS

Row: TypeAlias = tuple[str, ...]
_HOURS_A_DAY = 24


def main_figures(findings: Findings) -> list[Row]:
    """What matters most: its name, the median run, and the range of nine in ten runs."""
    return [("figure", "median", "nine in ten runs"), *_figures(findings)]


def _figures(findings: Findings) -> Iterator[Row]:
    yield _row("devices of the campaign", findings.devices, ",.0f")
    yield _row("devices updated in the end, of all", findings.updated, ".1%")
    for percent, band in findings.hours_to_percent.items():
        yield _row(f"days until {percent}% of these are", _days(band), ".1f")
    for percent, band in findings.hours_to_percent_of_all.items():
        yield _row(f"days until {percent}% of all devices are", _days(band), ".1f")
    for name, load in findings.wan.items():
        yield _row(f"busiest hour of the WAN, {name}, of its allowance", load.busiest, ".0%")
    yield _row("most hubs holding the image at once, of all", findings.hubs_holding.peak, ".1%")
    yield _row("most messages a second at the DCC", findings.dcc_messages.peak, ",.1f")
    yield _row(
        "most alerts a second at the largest supplier", findings.supplier_alerts.peak, ",.1f"
    )
    yield _row("messages over the WAN a home", findings.messages_per_home, ".2f")
    yield _row("octets over the WAN a home", findings.octets_per_home, ",.0f")
    for name, band in findings.counts_per_device.items():
        yield _row(f"{name}, a device", band, ",.3g")
    if findings.money is not None:
        yield _row(f"cost of the WAN, {findings.currency}", findings.money, ",.0f")


def outcomes(findings: Findings) -> list[Row]:
    """How devices end, shares of all."""
    head = ("how devices end", "median", "nine in ten runs")
    return [head, *(_row(name, band, ".3%") for name, band in findings.outcomes.items())]


def waves(findings: Findings) -> list[Row]:
    """When waves begin and their last device is asked for."""
    head = ("wave", "devices", "begins, day", "last device asked for, day")
    return [
        head,
        *(
            (
                wave.name,
                f"{wave.devices:,.0f}",
                _whole(_days(wave.begin_h), ".1f"),
                _whole(_days(wave.asked_h), ".1f"),
            )
            for wave in findings.waves
        ),
    ]


def sensitivity(findings: Findings) -> list[Row]:
    """What each figure alone changes, what matters most first."""
    head = (
        "figure",
        "low",
        "high",
        "days to 95% at low",
        "days to 95% at high",
        "updated at low",
        "updated at high",
    )
    return [
        head,
        *(
            (
                swing.field,
                _its(swing.at_low),
                _its(swing.at_high),
                _said(swing.days_low, ".1f"),
                _said(swing.days_high, ".1f"),
                f"{swing.updated_low:.1%}",
                f"{swing.updated_high:.1%}",
            )
            for swing in findings.sensitivity
        ),
    ]


def assumptions(findings: Findings) -> list[Row]:
    """Every figure of the profile with its source."""
    head = ("field", "value", "low", "high", "source")
    return [
        head,
        *(
            (
                each.field,
                _number(each.value),
                "" if each.low is None else _number(each.low),
                "" if each.high is None else _number(each.high),
                each.source,
            )
            for each in findings.assumptions
        ),
    ]


def timeline(findings: Findings) -> list[Row]:
    """Hour by hour; loads in octets, shares 0 to 1, messages a second."""
    columns: dict[str, Sequence[float]] = {}
    for name, series in (
        ("updated_share", findings.completion),
        ("hubs_holding_share", findings.hubs_holding),
        ("dcc_messages_per_s", findings.dcc_messages),
        ("supplier_alerts_per_s", findings.supplier_alerts),
    ):
        columns |= {
            f"{name}_low": series.low,
            f"{name}_median": series.middle,
            f"{name}_high": series.high,
        }
    for name, load in findings.wan.items():
        columns |= {
            f"wan_{name}_octets_median": load.middle,
            f"wan_{name}_octets_high": load.high,
            f"wan_{name}_allowance_octets": [load.allowance.middle or 0.0] * len(load.middle),
        }
    rows = zip(*columns.values(), strict=True)
    return [
        ("hour", *columns),
        *((str(hour), *(f"{value:.6g}" for value in row)) for hour, row in enumerate(rows)),
    ]


def notes(findings: Findings) -> list[str]:
    """What has to be known to read the figures, a sentence each."""
    found = [
        _ONE_RUN if findings.runs == 1 else f"{findings.runs} runs; each draws from the ranges.",
        f"A run follows {findings.sampled:,} devices, each in a home of its own.",
        f"Sampling alone makes an error of {100 * findings.sampling_error:.2f} percentage points.",
        f"A DCC Alert as pushed to a supplier has about {PUSH_OCTETS:,} octets.",
    ]
    found += [
        f"In {count} of {findings.runs} runs the campaign stops by itself: {why}."
        for why, count in findings.halted.items()
    ]
    return found


_ONE_RUN = "One run, with every figure at its value: no band says how uncertain it is."


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV; no cell begins like a formula."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet takes text with such a beginning for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _row(name: str, band: Band, form: str) -> Row:
    return name, _said(band.middle, form), f"{_said(band.low, form)} to {_said(band.high, form)}"


def _whole(band: Band, form: str) -> str:
    return f"{_said(band.middle, form)} ({_said(band.low, form)} to {_said(band.high, form)})"


def _days(band: Band) -> Band:
    hours = (band.low, band.middle, band.high)
    return Band(*(None if hour is None else hour / _HOURS_A_DAY for hour in hours))


def _said(value: float | None, form: str) -> str:
    return "never" if value is None else format(value, form)


def _its(value: float | None) -> str:
    return "each its own" if value is None else _number(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:g}"
