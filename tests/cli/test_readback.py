"""`hanota readback`, run as a user runs it: what devices say, and whether it is believed."""

import json

import pytest
import typer
from tests.cli.a_scripted_dcc import (
    DEVICE,
    NOW_MS,
    PKI,
    Reply,
    ScriptedDcc,
    activated,
    alert,
    answer,
    device_message,
    free_port,
    response,
    signed,
)
from tests.dcc.samples import device, hub
from tests.supplier import device_says as says
from typer.testing import CliRunner

from hanota.cli.readback import readback
from hanota.ledger.ledger import Ledger
from hanota.model import DeviceStatus, DeviceType, eui_text
from hanota.serve.supplier import SupplierShell
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import encode_response
from hanota.wire.gbcs import cs08, ecs52

OTHER = DEVICE + 1
OTHER_PKI = TestPki(b"other")
OLD = "00010000"

app = typer.Typer()
app.command()(readback)


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "120"})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


class Read:
    """One run of the verb against a script: what it told of each device, and what the DCC saw."""

    def __init__(self, script, *device_ids, words=(), wait="10") -> None:
        port = free_port()
        with ScriptedDcc(script, port) as self.dcc:
            options = ("--to", self.dcc.url, "--listen", port, "--wait", wait, "--json", *words)
            result = run(*map(eui_text, device_ids or (DEVICE,)), *options)
        self.code, self.stderr = result.exit_code, result.stderr
        printed = [json.loads(line) for line in result.stdout.splitlines()]
        self.told = [told for told in printed if told["event"] == "device"]
        self.others = [told for told in printed if told["event"] == "other_push"]

    @property
    def faults(self):
        return [told["fault"] for told in self.told]


def inventory(asked, status=DeviceStatus.COMMISSIONED, version=OLD):
    """What 8.2 says of the device that was asked for, and of another of its home."""
    return answer(
        asked,
        "I0",
        v.DSPInventory(
            tuple(
                v.InventoryDevice(
                    device_id=device_id,
                    device_type=DeviceType.PPMID,
                    device_status=status,
                    device_manufacturer="a",
                    device_model="b",
                    device_firmware_version=version,
                )
                for device_id in (asked.body.device_id, OTHER)
            )
        ),
    )


def a_dcc(said=says.CS08, *, status=DeviceStatus.COMMISSIONED, pki=PKI, code="I99", **changes):
    """A DCC whose device says this to every 11.2; None: nothing."""

    def script(asked):
        if asked.service_reference == "8.2":
            return Reply(inventory(asked, status))
        pushes = ()
        if said is not None and code == "I99":
            pushes = (signed(device_message(asked, said, pki=pki, **changes)),)
        return Reply(answer(asked, code), pushes)

    return script


def test_each_device_says_which_version_it_runs():
    read = Read(a_dcc(), DEVICE, OTHER, DEVICE)
    assert read.code == 0
    assert read.told == [
        {
            "event": "device",
            "device_id": eui_text(device_id),
            "version": "00020000",
            "fault": None,
            "code": None,
            "known_version": OLD,
            "status": "Commissioned",
        }
        for device_id in (DEVICE, OTHER)
    ]
    # One answer to 8.2 tells of a whole home.
    assert sorted(request.service_reference for request in read.dcc.requests) == [
        "11.2",
        "11.2",
        "8.2",
    ]


@pytest.mark.parametrize("said", [says.CS08, says.GCS38, says.ECS52])
def test_each_kind_of_device_is_understood(said):
    assert Read(a_dcc(said)).told[0]["version"] == "00020000"


def test_a_suspended_device_can_be_read_and_is_shown_as_such():
    (told,) = Read(a_dcc(status=DeviceStatus.SUSPENDED)).told
    assert (told["version"], told["status"]) == ("00020000", "Suspended")


def test_a_silent_device_is_1():
    read = Read(a_dcc(None), wait="0.05")
    assert (read.code, read.faults) == (1, ["silent: no answer within 0.05 s"])
    assert read.told[0]["known_version"] == OLD


def test_a_refusal_is_1_and_has_its_code():
    read = Read(a_dcc(code="E19"))
    assert (read.code, read.faults, read.told[0]["code"]) == (1, ["refused by the DCC"], "E19")


@pytest.mark.parametrize(
    ("push", "fault", "code"),
    [
        (
            lambda asked: alert(
                v.CommandFailure(command_request_id=asked.request_id, device_id=DEVICE)
            ),
            "the DCC found no answer of the device",
            None,
        ),
        (
            lambda asked: alert(v.QuarantinedRequest(v.ADUserThresholdBreach(asked.request_id, 1))),
            "the DCC holds the request back",
            None,
        ),
        (lambda asked: response(asked, "E21"), "refused by the DCC", "E21"),
    ],
)
def test_the_dcc_speaks_in_place_of_the_device(push, fault, code):
    read = Read(lambda asked: Reply(answer(asked, "I99"), (signed(push(asked)),)))
    assert (read.code, read.faults, read.told[0]["code"]) == (1, [fault], code)


def test_no_inventory_is_no_fault():
    def script(asked):
        return Reply(b"", status=503) if asked.service_reference == "8.2" else a_dcc()(asked)

    for faulty in (script, lambda asked: _with_inventory(asked, answer(asked, "E1"))):
        read = Read(faulty)
        assert (read.code, read.told[0]["status"]) == (0, None)


def _with_inventory(asked, octets):
    return Reply(octets) if asked.service_reference == "8.2" else a_dcc()(asked)


@pytest.mark.parametrize(
    ("octets", "status"), [(None, None), (b"<a/>", None), ("unsigned", None), ("other", None)]
)
def test_an_inventory_that_is_not_the_dccs_is_none(octets, status):
    def body(asked):
        match octets:
            case None:
                return answer(asked)
            case "unsigned":
                return encode_response(response(asked))
            case "other":
                return answer(asked, pki=OTHER_PKI)
            case _:
                return octets

    read = Read(lambda asked: _with_inventory(asked, body(asked)))
    assert (read.code, read.told[0]["status"]) == (0, status)


def test_a_push_about_something_else_is_printed_as_it_will_not_come_again():
    def script(asked):
        said = a_dcc()(asked)
        return said._replace(pushes=tuple(map(signed, [activated()] * 2)) + said.pushes)

    read = Read(script)
    assert (read.code, read.told[0]["version"]) == (0, "00020000")
    assert read.others[0]["body"]["DCCAlertMessage"]["DCCAlertCode"] == "N60"
    assert len(read.others) >= 2


# --- What is not believed ---


def test_what_the_device_did_not_protect_does_not_count():
    said = Read(a_dcc(says.GCS38, pki=OTHER_PKI))
    assert (said.code, said.faults) == (1, ["its answer does not count: not-authentic"])


def test_what_is_for_somebody_else_does_not_count():
    read = Read(a_dcc(says.GCS38, target=SUPPLIER_2))
    assert read.faults == ["its answer does not count: misdirected"]


def test_a_version_that_could_not_be_read():
    failed = cs08.ReadFirmwareVersionResponse(says.VERSION, cs08.ReadResult(1))
    assert Read(a_dcc(failed)).faults == ["it answered without a version"]
    refused = ecs52.ReadFirmwareVersionResponse(says.COUNTER, None, 3)
    assert Read(a_dcc(refused)).faults == ["it answered without a version"]


def test_a_malformed_answer():
    def script(asked):
        told = response(asked, "I0", v.GBCSPayload(b"\xdf"))
        return Reply(answer(asked, "I99"), (signed(told),))

    (fault,) = Read(script).faults
    assert fault.startswith("its answer is malformed: ")


def test_a_push_that_the_dcc_did_not_sign_is_refused():
    def script(asked):
        if asked.service_reference == "8.2":
            return Reply(inventory(asked))
        told = device_message(asked, says.CS08)
        return Reply(answer(asked, "I99"), (encode_response(told), signed(told, OTHER_PKI)))

    read = Read(script, wait="1")
    assert read.faults == ["silent: no answer within 1 s"]
    assert read.dcc.pushed == [400, 400]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (lambda _: Reply(b"no", status=400), "refused in HTTP, 400: no"),
        (lambda _: Reply(b"<a/>"), "the root is a, not"),
        (lambda asked: Reply(answer(asked, "I99", pki=OTHER_PKI)), "no certificate has"),
    ],
)
def test_an_answer_that_is_none(reply, told):
    read = Read(reply)
    assert read.code == 1
    assert told in read.faults[0]


def test_nobody_there_is_1():
    result = run(eui_text(DEVICE), "--to", f"127.0.0.1:{free_port()}", "--listen", 0)
    assert result.exit_code == 1
    assert "gave no answer" in result.stdout


# --- Later, and in a ledger ---


def test_the_dcc_can_be_asked_to_read_later():
    read = Read(a_dcc(None), words=("--at", "2200-01-01T00:00:00Z"))
    assert (read.code, read.faults, read.told[0]["version"]) == (0, [None], None)
    (asked,) = (one for one in read.dcc.requests if one.service_reference == "11.2")
    assert asked.body.execution_date_time_ms == 7_258_118_400_000


def ledger_url(tmp_path, **changes):
    """A supplier's ledger with one device, and with an 11.4 that still waits in its outbox."""
    url = f"sqlite:///{tmp_path / 'supplier.db'}"
    with Ledger.open(url, owner="supplier") as ledger:
        shell = SupplierShell(ledger, PKI, PKI, user_id=SUPPLIER, dcc_id=ACB)
        shell.load_estate([hub(), device(DeviceType.PPMID, device_id=DEVICE, **changes)])
        shell.read_firmware_version([DEVICE], NOW_MS)
    return url


def test_the_estate_learns_what_is_read(tmp_path):
    url = ledger_url(tmp_path, status=DeviceStatus.SUSPENDED)
    read = Read(a_dcc(), words=("--ledger", url))
    assert read.code == 0
    (told,) = read.told
    assert (told["version"], told["known_version"]) == ("00020000", "00020000")
    assert told["status"] == "Suspended"
    with Ledger.open(url, owner="supplier") as ledger, ledger.view() as view:
        assert view.devices([DEVICE])[DEVICE].firmware_version == "00020000"
        # What waited before it still waits.
        assert view.outbox_depth() == 1
    assert [request.service_reference for request in read.dcc.requests] == ["11.2"]


def test_the_ledger_takes_only_what_the_dcc_signed(tmp_path):
    url = ledger_url(tmp_path)

    def script(asked):
        told = device_message(asked, says.CS08)
        return Reply(answer(asked, "I99"), (encode_response(told),))

    read = Read(script, words=("--ledger", url), wait="1")
    assert (read.code, read.dcc.pushed) == (1, [400])
    assert read.told[0]["known_version"] == OLD
    doubted = Read(lambda asked: Reply(answer(asked, "I0", pki=OTHER_PKI)), words=("--ledger", url))
    assert doubted.code == 1


# --- What people see, and wrong use ---


def test_people_get_a_table():
    port = free_port()
    with ScriptedDcc(a_dcc(), port) as dcc:
        shown = run(eui_text(DEVICE), "--to", dcc.url, "--listen", port)
    assert shown.exit_code == 0
    for word in ("device", "runs", "inventory", "status", eui_text(DEVICE), "not what was known"):
        assert word in shown.stdout
    with ScriptedDcc(lambda _: Reply(b"[red]\x1b[2J", status=400), 0) as dcc:
        refused = run(eui_text(DEVICE), "--to", dcc.url, "--listen", port)
    assert r"[red]\x1b[2J" in refused.stdout.replace("\n", "")
    with ScriptedDcc(a_dcc(code="E19"), port) as dcc:
        unknown = run(eui_text(DEVICE), "--to", dcc.url, "--listen", port)
    assert "E19, the device is not known" in unknown.stdout
    with ScriptedDcc(a_dcc(None), port) as dcc:
        later = run(
            eui_text(DEVICE), "--to", dcc.url, "--listen", port, "--at", "2200-01-01T00:00:00Z"
        )
    assert "the DCC asks later" in later.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("no-device",), "is no device id"),
        ((eui_text(DEVICE), "--as", "me"), "is no device id"),
        ((eui_text(DEVICE), "--at", "soon"), "--at 'soon' is no xs:dateTime"),
        ((eui_text(DEVICE), "--ledger", "file"), ""),
        ((eui_text(DEVICE), "--ca", "file"), "begins https://"),
        (("--json",), ""),
    ],
)
def test_wrong_use_is_2(words, told):
    result = run(*words, "--listen", 0)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_the_help_has_an_example():
    assert "Example: hanota readback" in run("--help").stdout
