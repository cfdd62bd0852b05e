"""`hanota codes` prints every code with its meaning, and says what of it is an assignment."""

import json
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner, Result

from hanota.cli.codes import ALERT_BODIES, codes
from hanota.dcc import alerts
from hanota.model import LIST_OF_REASON, LeftOut, RequestID
from hanota.rows import Delivery
from hanota.wire.codes import DccAlertCode, ResponseCode
from hanota.wire.duis.values import DCCAlert
from hanota.wire.gbcs import ccs08, cs09

REQUEST_ID = RequestID(1, 2, 3)
DELIVERY = Delivery(
    device_id=1,
    request=2,
    hub_id=3,
    version=4,
    state="accepted",
    reason="",
    live=True,
    due_ms=None,
    changed_ms=0,
)

app = typer.Typer()
app.command()(codes)


def hanota_codes(*words: str) -> Result:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "400"})
    assert result.exit_code == 0
    return result


def test_every_code_and_reason_is_in_the_json():
    told = json.loads(hanota_codes("--json").stdout)
    assert {row["code"] for row in told["response_codes"]} == set(ResponseCode)
    assert {row["reason"]: row["list"] for row in told["left_out"]} == {
        reason: LIST_OF_REASON[reason].value for reason in LeftOut
    }
    assert {row["code"] for row in told["dcc_alert_codes"]} == set(DccAlertCode)
    for rows in (told["response_codes"], told["left_out"], told["dcc_alert_codes"]):
        assert all(cell != "" for row in rows for cell in row.values())


def test_the_statement_says_what_is_assigned_and_the_rows_which():
    told = json.loads(hanota_codes("--json").stdout)
    assert "assignment of this project" in told["statement"]
    sourced = {
        row["code"]
        for rows in (told["response_codes"], told["dcc_alert_codes"])
        for row in rows
        if row["sourced"]
    }
    assert sourced == {"I0", "I99", "E5", "N60", "N61"}


def test_people_read_the_same():
    told = json.loads(hanota_codes("--json").stdout)
    shown = hanota_codes().stdout
    for row in [*told["response_codes"], *told["left_out"], *told["dcc_alert_codes"]]:
        texts = [cell for cell in row.values() if isinstance(cell, str)]
        (line,) = [line for line in shown.splitlines() if f" {texts[0]} " in line]
        assert all(text in line for text in texts)
        assert ("sourced" in line) is row.get("sourced", False)
    assert told["statement"] in " ".join(shown.split())


def test_a_narrow_terminal_cuts_no_code():
    result = CliRunner().invoke(app, [], env={"COLUMNS": "80"})
    for code in (*ResponseCode, *DccAlertCode, *LeftOut):
        assert f" {code} " in result.stdout
    for row in ALERT_BODIES.values():
        assert row.body.__name__ in result.stdout


# The DCC's own alerts, as it makes them.
@pytest.mark.parametrize(
    "alert",
    [
        *(
            alerts.delivery_status(REQUEST_ID, DELIVERY, 0, stored=stored)
            for stored in (True, False)
        ),
        alerts.transfer_alert(
            REQUEST_ID, 1, ccs08.FirmwareTransferAlert(0, 1, 2, ccs08.TransferResult.SUCCESS)
        ),
        alerts.activation_alert(
            1, cs09.FirmwareActivationAlert(0, 2, cs09.ActivationResult.SUCCESS)
        ),
    ],
)
def test_an_alert_that_the_dcc_makes_has_the_body_of_the_table(alert):
    assert type(alert.dcc_alert) is ALERT_BODIES[DccAlertCode(alert.dcc_alert_code)].body


def test_every_body_is_one_of_a_dcc_alert():
    assert {row.body for row in ALERT_BODIES.values()} <= set(get_args(DCCAlert))


def test_the_help_has_an_example():
    assert "Example: hanota codes --json" in hanota_codes("--help").stdout
