"""`hanota codes`: services, response codes, reasons and alert codes of the DCC; which are assigned.

The DUIS schema lists codes without their meanings, so most of what stands here is this project's
own choice; what is printed says so. Not here: the meanings themselves (`dcc.response_codes`), the
codes of GBCS and ZigBee, which are public (`wire.codes`).
"""

from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from hanota.cli.show import show
from hanota.dcc.response_codes import RESPONSE_CODES
from hanota.dcc.services import SERVICES
from hanota.dcc.users import UserRole
from hanota.model import LIST_OF_REASON
from hanota.wire.codes import DccAlertCode
from hanota.wire.duis import values
from hanota.wire.duis.services import WEB_SERVICES

STATEMENT = (
    "The DUIS schema lists codes without their meanings. What is not marked as sourced is an "
    "assignment of this project: another DCC may use these codes otherwise."
)


class AlertBody(NamedTuple):
    """The body of the DCC Alerts of one code, and what it says."""

    body: type
    meaning: str
    sourced: bool = False


ALERT_BODIES: dict[DccAlertCode, AlertBody] = {
    DccAlertCode.N13: AlertBody(values.CommandFailure, "a command found no answer"),
    DccAlertCode.N18: AlertBody(
        values.FirmwareDistributionFailure, "an image of 11.1 did not reach these devices"
    ),
    DccAlertCode.N39: AlertBody(values.PPMIDAlert, "a PPMID activated an image, or could not"),
    DccAlertCode.N46: AlertBody(
        values.QuarantinedRequest, "anomaly detection holds a request back"
    ),
    DccAlertCode.N49: AlertBody(
        values.FirmwareVersionMismatch, "a device runs another version than the inventory has"
    ),
    DccAlertCode.N59: AlertBody(
        values.FirmwareUpgradeRequested, "an upgrade of these devices was asked for"
    ),
    DccAlertCode.N60: AlertBody(
        values.CSPFirmwareDeliveryStatus, "an image reached the Communications Hub", sourced=True
    ),
    DccAlertCode.N61: AlertBody(
        values.CSPFirmwareDeliveryStatus,
        "an image did not reach the Communications Hub",
        sourced=True,
    ),
    DccAlertCode.N62: AlertBody(
        values.CommsHubAlert, "a hub handed an image to a device, or could not"
    ),
    DccAlertCode.N64: AlertBody(
        values.CommsHubFirmwareActivation, "a Communications Hub runs this version now"
    ),
}


def codes(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False
) -> None:
    """Print what the DCC's codes mean, and which check stands behind each.

    Services and who may use them; response codes; the reasons for which a
    device is left out of an update, and the list of the warning that names
    it; codes of DCC Alerts with their bodies. What no public text says is an
    assignment of this project.

    Example: hanota codes --json
    """
    tables = {
        "services": _services(),
        "response_codes": _response_codes(),
        "left_out": _left_out(),
        "dcc_alert_codes": _dcc_alert_codes(),
    }
    if as_json:
        show({"statement": STATEMENT, **tables}, as_json=True)
        return
    console = Console(highlight=False)
    for name, rows in tables.items():
        console.print(_table(_TITLES[name], rows))
    console.print(STATEMENT)


_Rows = list[dict[str, str | bool]]

_TITLES = {
    "services": "Services and who may use them (E12 for every other one)",
    "response_codes": "Response codes",
    "left_out": "Why a device is left out, and the list that names it",
    "dcc_alert_codes": "Codes of DCC Alerts",
}


def _services() -> _Rows:
    return [
        {
            "service": reference,
            "title": row.title,
            "command_variants": " ".join(map(str, sorted(row.command_variants))),
            "roles": " ".join(role for role in UserRole if role in row.roles),
            "target": row.target.value,
            "sent_to": " ".join(WEB_SERVICES[one].path for one in sorted(row.command_variants)),
        }
        for reference, row in SERVICES.items()
    ]


def _response_codes() -> _Rows:
    return [
        {"code": code, "meaning": row.meaning, "check": row.check, "sourced": row.sourced}
        for code, row in RESPONSE_CODES.items()
    ]


def _left_out() -> _Rows:
    return [{"reason": reason, "list": found.value} for reason, found in LIST_OF_REASON.items()]


def _dcc_alert_codes() -> _Rows:
    return [
        {"code": code, "body": row.body.__name__, "meaning": row.meaning, "sourced": row.sourced}
        for code, row in ALERT_BODIES.items()
    ]


def _table(title: str, rows: _Rows) -> Table:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _cell(cell: str | bool) -> str:  # noqa: FBT001 -- a cell of JSON as it came
    match cell:
        case bool():
            return "sourced" if cell else "assigned"
        case str():
            return cell
