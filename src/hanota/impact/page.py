"""The page of an assessment: one HTML file that needs nothing else."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from hanota.impact import tables
from hanota.impact.findings import Findings
from hanota.impact.tables import Row

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd;
         vertical-align: top; }
.wide { overflow-x: auto; }
"""
# Under which heading each chart stands, and what it shows.
_CHARTS = {
    "completion": (
        "When devices are updated",
        "A device counts once it has proven it. Lines mark 50%, 95% and 99% of those in the end.",
    ),
    "wan-load": (
        "What the WAN carries",
        "Each run has drawn an allowance; none goes above its own.",
    ),
    "alerts": ("Alerts a second", "Three a device: image stored, transfer ended, activated."),
    "hub-occupancy": (
        "Hubs that hold the image",
        "From the delivery until the device has it, or the hub gives up.",
    ),
    "left-over": ("What is left over, and why", "Devices that are not updated, or only late."),
    "sensitivity": (
        "What matters most",
        "Each figure alone at the low and the high end of its range, all others at their values.",
    ),
}


def page(findings: Findings, charts: Mapping[str, bytes]) -> str:
    """The page; `charts` are SVG octets by name."""
    parts = [
        f"<h1>Campaign “{escape(findings.campaign)}” on “{escape(findings.profile)}”</h1>",
        f"<p>{escape(findings.about)}. It begins {escape(findings.start)}.</p>",
        *(f"<p>{escape(note)}</p>" for note in tables.notes(findings)),
        _table("Main figures", tables.main_figures(findings)),
        *(_chart(name, charts[name]) for name in _CHARTS),
        _table("How devices end", tables.outcomes(findings)),
        _table("Waves", tables.waves(findings)),
        _table("Sensitivity", tables.sensitivity(findings)),
        _table("Assumptions and their sources", tables.assumptions(findings)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Impact: {escape(findings.campaign)} on {escape(findings.profile)}</title>"
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _chart(name: str, svg: bytes) -> str:
    heading, text = _CHARTS[name]
    # As an image, so that no name within one drawing meets that of another.
    data = b64encode(svg).decode()
    return (
        f'<h2>{escape(heading)}</h2><p>{escape(text)}</p><img alt="{escape(heading)}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def _table(heading: str, rows: Sequence[Row]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body
    )
    return (
        f'<h2>{escape(heading)}</h2><div class="wide"><table><tr>{cells}</tr>{lines}</table></div>'
    )
