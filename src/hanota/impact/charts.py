"""The charts of an assessment, drawn with matplotlib; colours are those of Okabe and Ito.

Each chart is a figure that can be written as SVG or PNG. Every axis has its unit; nothing is told
by colour alone.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hanota.impact.findings import Findings, Series, Swing
from hanota.model import Outcome
from hanota.supplier.campaign.plan import SUCCESSES

_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
_TORNADO_BARS = 10
_PNG_DOTS_PER_INCH = 120
# Any: matplotlib lists the names that a dict may have, and takes no other dict.
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "hanota",
}


def draw(findings: Findings) -> dict[str, tuple[bytes, bytes]]:
    """Every chart by its name: its SVG and its PNG."""
    drawn = {}
    with mpl.rc_context(_STYLE):
        for name, chart in _CHARTS.items():
            figure = Figure(figsize=(8.0, 4.2))
            chart(figure, findings)
            drawn[name] = (_written(figure, "svg"), _written(figure, "png"))
    return drawn


def _written(figure: Figure, form: str) -> bytes:
    octets = BytesIO()
    # Without a date the same findings give the same octets.
    metadata = {"Date": None} if form == "svg" else {}
    figure.savefig(octets, format=form, dpi=_PNG_DOTS_PER_INCH, metadata=metadata)
    return octets.getvalue()


def _completion(figure: Figure, findings: Findings) -> None:
    axes = figure.subplots()
    _banded(axes, findings.completion, _BLUE, "median run", scale=100)
    for percent, dashes in (("50", ":"), ("95", "--"), ("99", "-.")):
        hours = findings.hours_to_percent[percent].middle
        if hours is not None:
            axes.axvline(hours / 24, color=_GREY, linestyle=dashes, linewidth=1)
            axes.text(
                hours / 24,
                103,
                f"{percent}%\n{hours / 24:.1f} d",
                ha="center",
                fontsize=9,
                color=_GREY,
            )
    axes.set(
        xlabel="Days since the campaign began", ylabel="Devices updated (% of all)", ylim=(0, 101)
    )
    axes.legend(loc="lower right")


def _wan(figure: Figure, findings: Findings) -> None:
    rows = figure.subplots(len(findings.wan), 1, sharex=True, squeeze=False)[:, 0]
    figure.set_figheight(1.2 + 1.7 * len(findings.wan))
    for axes, (name, load) in zip(rows, findings.wan.items(), strict=True):
        days = np.arange(len(load.middle)) / 24
        axes.fill_between(
            days,
            np.array(load.high) / 1e9,
            color=_BLUE,
            alpha=0.25,
            step="post",
            linewidth=0,
            label="95% of runs carry no more",
        )
        axes.step(
            days,
            np.array(load.middle) / 1e9,
            color=_BLUE,
            where="post",
            linewidth=1,
            label="median run",
        )
        if load.allowance.middle is not None:
            axes.axhline(
                load.allowance.middle / 1e9,
                color=_RED,
                linestyle="--",
                linewidth=1.2,
                label="allowance (median)",
            )
        axes.set_ylim(bottom=0)
        axes.set_title(name, loc="left", fontsize=10)
    rows[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=9)
    rows[-1].set_xlabel("Days since the campaign began")
    figure.supylabel("WAN load, gigaoctets an hour", fontsize=10)


def _alerts(figure: Figure, findings: Findings) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.set_figheight(5.0)
    _banded(upper, findings.dcc_messages, _BLUE, "median run")
    upper.set_title("Messages of hubs and devices at the DCC", loc="left", fontsize=10)
    _banded(lower, findings.supplier_alerts, _RED, "median run")
    lower.set_title("DCC Alerts at the largest supplier", loc="left", fontsize=10)
    lower.set_xlabel("Days since the campaign began")
    figure.supylabel("A second, mean of the hour", fontsize=10)
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper right", fontsize=9)


def _holding(figure: Figure, findings: Findings) -> None:
    axes = figure.subplots()
    _banded(axes, findings.hubs_holding, _GREEN, "median run", scale=100)
    axes.set(xlabel="Days since the campaign began", ylabel="Hubs that hold the image (% of homes)")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")


def _left_over(figure: Figure, findings: Findings) -> None:
    axes = figure.subplots()
    done = {str(outcome) for outcome in SUCCESSES - {Outcome.UPDATED_LATE}}
    left = {name: band for name, band in findings.outcomes.items() if name not in done}
    names = list(left)[::-1]
    middle = np.array([100 * (left[name].middle or 0.0) for name in names])
    low = np.array([100 * (left[name].low or 0.0) for name in names])
    high = np.array([100 * (left[name].high or 0.0) for name in names])
    axes.barh(names, middle, color=_ORANGE, height=0.6)
    axes.errorbar(
        middle,
        np.arange(len(names)),
        xerr=np.maximum(0, (middle - low, high - middle)),
        fmt="none",
        ecolor="black",
        capsize=3,
        linewidth=1,
    )
    for place, (value, most) in enumerate(zip(middle, high, strict=True)):
        axes.text(max(value, most), place, f"  {value:.2g}%", va="center", fontsize=9)
    axes.set(xlabel="Devices (% of all): median and nine in ten runs")
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")


def _tornado(figure: Figure, findings: Findings) -> None:
    time_axes, share_axes = figure.subplots(1, 2, width_ratios=(1, 1))
    figure.set_size_inches(10.5, 4.8)
    by_days = [
        swing
        for swing in findings.sensitivity
        if swing.days_low is not None and swing.days_high is not None
    ]
    base_days = findings.base_days
    if base_days is not None:
        _bars(
            time_axes,
            by_days,
            lambda swing: (swing.days_low or 0.0, swing.days_high or 0.0),
            base_days,
        )
    time_axes.set_xlabel("Days to 95% of the devices updated in the end")
    _bars(
        share_axes,
        findings.sensitivity,
        lambda swing: (100 * swing.updated_low, 100 * swing.updated_high),
        100 * findings.base_updated,
    )
    share_axes.set_xlabel("Devices updated in the end (% of all)")
    handles, labels = share_axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)


def _bars(
    axes: Axes, swings: list[Swing], ends: Callable[[Swing], tuple[float, float]], base: float
) -> None:
    """The figures that move most, as bars from what their lower end gives to their upper."""
    widest = sorted(swings, key=lambda swing: -abs(ends(swing)[1] - ends(swing)[0]))
    shown = widest[:_TORNADO_BARS][::-1]
    names = [swing.field for swing in shown]
    for which, colour, hatch, label in (
        (0, _BLUE, "", "figure at its low"),
        (1, _ORANGE, "///", "figure at its high"),
    ):
        lengths = [ends(swing)[which] - base for swing in shown]
        axes.barh(
            names,
            lengths,
            left=base,
            color=colour,
            hatch=hatch,
            height=0.65,
            label=label,
            edgecolor="white",
            linewidth=0,
        )
    axes.axvline(base, color="black", linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelsize=8)


def _banded(axes: Axes, series: Series, colour: str, label: str, *, scale: float = 1.0) -> None:
    days = (np.arange(len(series.middle)) + 1) / 24
    low, middle, high = (
        scale * np.array(each) for each in (series.low, series.middle, series.high)
    )
    axes.fill_between(
        days, low, high, color=colour, alpha=0.2, linewidth=0, label="nine in ten runs"
    )
    axes.plot(days, middle, color=colour, linewidth=1.5, label=label)


_CHARTS: dict[str, Callable[[Figure, Findings], None]] = {
    "completion": _completion,
    "wan-load": _wan,
    "alerts": _alerts,
    "hub-occupancy": _holding,
    "left-over": _left_over,
    "sensitivity": _tornado,
}
