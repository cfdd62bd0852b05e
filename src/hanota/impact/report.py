"""The files of an assessment: a page, its charts, tables as CSV, and everything as JSON."""

from pathlib import Path

import msgspec

from hanota.impact import charts, tables
from hanota.impact.findings import Findings
from hanota.impact.page import page

PAGE = "index.html"


def write_report(findings: Findings, folder: Path) -> None:
    """Write all files into a folder, which is made if need be; OSError where that fails."""
    drawn = charts.draw(findings)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (svg, png) in drawn.items():
        (folder / f"{name}.svg").write_bytes(svg)
        (folder / f"{name}.png").write_bytes(png)
    for name, rows in {
        "figures": tables.main_figures(findings),
        "outcomes": tables.outcomes(findings),
        "waves": tables.waves(findings),
        "timeline": tables.timeline(findings),
        "sensitivity": tables.sensitivity(findings),
        "assumptions": tables.assumptions(findings),
    }.items():
        (folder / f"{name}.csv").write_text(tables.as_csv(rows), encoding="utf-8")
    octets = msgspec.json.format(msgspec.json.encode(findings), indent=1)
    (folder / "impact.json").write_bytes(octets)
    svgs = {name: svg for name, (svg, _) in drawn.items()}
    (folder / PAGE).write_text(page(findings, svgs), encoding="utf-8")
