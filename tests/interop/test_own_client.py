"""`hanota send` and `hanota readback` against `hanota dcc serve`, each as a user runs it."""

import json

import pytest
import typer
from tests.cli.a_scripted_dcc import free_port
from tests.interop.dcc_process import DccProcess
from typer.testing import CliRunner

from hanota.cli.readback import readback
from hanota.cli.send import send
from hanota.model import DeviceType, RequestID, eui_text
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.supplier.requests import (
    activate_firmware,
    read_firmware_version,
    update_firmware,
    update_ppmid_firmware,
)
from hanota.wire.duis.messages import encode_request
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image, manufacturer_image_hash

PKI = TestPki(b"1")
# The first home of every town.
ESME, PPMID, HCALCS = 0x00DB1234567890A0, 0x00DB1234567890A4, 0x00DB1234567890A5
NEW = "00020000"

app = typer.Typer()
app.command()(send)
app.command()(readback)


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def dcc(port, tmp_path_factory):
    dcc = DccProcess(tmp_path_factory.mktemp("dcc"), f"127.0.0.1:{port}/smartdcc/duis")
    yield dcc
    dcc.close()


@pytest.fixture
def hanota(dcc, port):
    """Run a verb; its exit code and what it told."""

    def run(*words, octets=None, wait=60):
        options = ("--to", dcc.duis, "--listen", str(port), "--wait", str(wait), "--json")
        result = CliRunner().invoke(app, [*words, *options], input=octets)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        told = [json.loads(line) for line in result.stdout.splitlines()]
        # What was pushed late, about a request before, may come at any time.
        return result.exit_code, [each for each in told if each["event"] != "other_push"]

    return run


def image(kind, key=None):
    built = build_image(
        image_type=IMAGE_TYPES[kind],
        manufacturer_code=0x121D,
        file_version=int(NEW, 16),
        manufacturer_image=f"firmware of the {kind}".encode(),
        hardware=(0x1111, 0x1111),
        signature=key and PKI.sign(SUPPLIER, None, f"firmware of the {kind}".encode()),
    )
    return built, encode_image(built)


def request_id(target):
    return RequestID(SUPPLIER, target, 0)


def test_a_read_is_answered(hanota):
    code, told = hanota("send", "-", octets=encode_request(read_firmware_version(request_id(ESME))))
    assert code == 0
    assert told[-1]["gbcs"]["content"]["firmware_version"] == "00010000"


def test_a_ppmid_is_updated(hanota):
    _, octets = image(DeviceType.PPMID)
    request = update_ppmid_firmware(request_id(ACB), octets, [PPMID])
    code, told = hanota("send", "-", octets=encode_request(request))
    assert code == 0
    assert [each["event"] for each in told] == ["sent", "answer", "push", "push", "push"]
    code, told = hanota("readback", eui_text(PPMID))
    assert (code, told[0]["version"], told[0]["known_version"]) == (0, NEW, NEW)


def test_an_hcalcs_is_updated_and_activates(hanota):
    built, octets = image(DeviceType.HCALCS, key=True)
    request = update_firmware(request_id(ACB), octets, [HCALCS])
    code, told = hanota("send", "-", octets=encode_request(request))
    assert (code, told[1]["code"]) == (0, "I0")
    request = activate_firmware(request_id(HCALCS), manufacturer_image_hash(built), None)
    code, told = hanota("send", "-", octets=encode_request(request))
    assert code == 0
    assert told[-1]["gbcs"]["content"] == {
        "name": "ActivateFirmwareOutcome",
        "result": "success",
        "firmware_version": NEW,
    }


def test_read_back_tells_who_cannot_be_read(hanota):
    code, told = hanota("readback", eui_text(ESME), eui_text(ESME + 15))
    assert code == 1
    assert [(each["version"], each["code"]) for each in told] == [
        ("00010000", None),
        (None, "E19"),
    ]
