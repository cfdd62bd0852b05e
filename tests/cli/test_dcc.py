"""`hanota dcc` as a process: asked over HTTP, killed, started again; and its operator's verbs."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.files.estate import write_estate
from hanota.ledger.ledger import Ledger
from hanota.model import DeviceType, RequestID, Role, eui_text
from hanota.sim.town import MANUFACTURER_CODE, build_home
from hanota.sim.town_images import seeded_image
from hanota.smki import dsig
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER, WAN_PROVIDER
from hanota.smki.pki import TestPki
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis.values import (
    DCCAlertMessage,
    PPMIDAlert,
    ReadFirmwareVersion,
    ReadInventory,
    Request,
    UpdatePPMIDFirmware,
)
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

PKI = TestPki(b"1")
HOME = build_home(0, hcalcs=1, gas_supplier=SUPPLIER)
PPMID, HUB = HOME.device(DeviceType.PPMID).device_id, HOME.hub_id
IMAGE = encode_image(seeded_image(4_096, 1))
SPEED = 600


class Receiver:
    """A Receive Response Service on loopback that takes everything, opened."""

    def __init__(self):
        self.messages = []
        self.status = 204
        self.changed = threading.Condition()

    def take(self, octets):
        document = open_document(octets)
        assert dsig.signer_of_response(document, ACB, PKI, 1_800_000_000_000) is not None
        with self.changed:
            if self.status == 204:
                self.messages.append(decode_response(document))
            self.changed.notify_all()
        return self.status

    def wait_for(self, is_wanted, seconds=60):
        """The first message that is wanted, which may be there already."""

        def found():
            return next((message for message in self.messages if is_wanted(message)), None)

        with self.changed:
            assert self.changed.wait_for(found, seconds), self.messages
            return found()

    def kinds(self):
        return [
            type(message.body.dcc_alert).__name__
            if isinstance(message.body, DCCAlertMessage)
            else message.body.service_reference
            for message in self.messages
        ]


@contextmanager
def a_receiver():
    receiver = Receiver()

    class Post(BaseHTTPRequestHandler):
        def do_POST(self):
            octets = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take(octets))
            self.end_headers()

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.address = f"127.0.0.1:{server.server_port}/smartdcc/duis"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Dcc:
    """A running process, and what it has said at its start."""

    def __init__(self, process, said):
        self.process = process
        self.said = said
        self.duis = re.search(r"requests +(\S+)/api/", said)[1]
        self.smki = re.search(r"certificates +(\S+)/services/", said)[1]

    def ask(self, request, service="D"):
        """The answer, opened."""
        return decode_response(
            open_document(self.post(dsig.sign_request(request, PKI, PKI), service))
        )

    def post(self, octets, service="D"):
        with urllib.request.urlopen(
            f"{self.duis}/api/v1/service{service}", octets, timeout=30
        ) as answer:
            assert answer.headers["content-type"] == "application/xml"
            return answer.read()


@contextmanager
def a_dcc(state, *words):
    """`hanota dcc serve` on free ports; ended when the block does, if it has not been before."""
    command = [sys.executable, "-c", "from hanota.cli.main import main; main()", "dcc", "serve"]
    options = ["--state", state, "--duis-port", 0, "--smki-port", 0, "--homes", 1, *words]
    if "--estate" in words:
        del options[6:8]
    with (
        (state.parent / "stderr.txt").open("ab") as log,
        subprocess.Popen(
            [*command, *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        ) as process,
    ):
        said = ""
        try:
            for line in process.stdout:
                said += line
                if line.startswith("Try it"):
                    break
            assert "Try it" in said, (state.parent / "stderr.txt").read_text()
            yield Dcc(process, said)
        finally:
            process.kill()


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def inventory(counter=1, device_id=PPMID):
    return Request(RequestID(SUPPLIER, ACB, counter), 8, "8.2", "8.2", ReadInventory(device_id))


def update(counter=2):
    body = UpdatePPMIDFirmware(IMAGE, "00020000", (PPMID,))
    return Request(RequestID(SUPPLIER, ACB, counter), 8, "11.4", "11.4", body)


def read_version(counter=3, device_id=PPMID):
    request_id = RequestID(SUPPLIER, device_id, counter)
    return Request(request_id, 1, "11.2", "11.2", ReadFirmwareVersion())


def is_of_ppmid(message):
    return isinstance(message.body, DCCAlertMessage) and isinstance(
        message.body.dcc_alert, PPMIDAlert
    )


def pushes_of(state):
    return json.loads(verb("pushes", "--state", state, "--json").stdout)


def first_true(look):
    """What `look` gives once it gives anything; it is asked again and again."""
    return next(found for found in (look() for _ in range(1_000)) if found)


def verb(*words):
    result = CliRunner().invoke(app, ["dcc", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def version_of(inventory_answer):
    devices = inventory_answer.body.content.devices
    return next(each.device_firmware_version for each in devices if each.device_id == PPMID)


def test_an_update_from_request_to_alert_over_http(state):
    with (
        a_receiver() as receiver,
        a_dcc(state, "--push-to", receiver.address, "--speed", SPEED) as dcc,
    ):
        before = dcc.ask(inventory(1))
        assert (before.response_code, version_of(before)) == ("I0", "00010000")
        with urllib.request.urlopen(f"{dcc.duis}/ready", timeout=30) as ready:
            assert json.load(ready)["ready"] is True
        assert dcc.ask(update()).response_code == "I0"
        told = receiver.wait_for(is_of_ppmid)
        assert told.body.dcc_alert.ppmid_firmware_upgrade_alert.firmware_version == "00020000"
        assert receiver.kinds() == ["CSPFirmwareDeliveryStatus", "CommsHubAlert", "PPMIDAlert"]
        assert version_of(dcc.ask(inventory(4))) == "00020000"
        assert dcc.ask(read_version(), "S").response_code == "I99"
        read = receiver.wait_for(lambda message: message.request_id is not None)
        assert read.request_id == read_version().request_id
        dcc.process.send_signal(signal.SIGTERM)
        assert dcc.process.wait(30) == 0
    assert not (state / "operator.json").exists()
    with Ledger.open(f"sqlite:///{state / 'dcc.db'}", owner="dcc") as ledger:
        assert ledger.verify() == []


def test_hubs_get_new_firmware_of_their_own(state, tmp_path):
    content = b"what the hub is to run"
    image = tmp_path / "hub.ota"
    image.write_bytes(
        encode_image(
            build_image(
                image_type=IMAGE_TYPES[DeviceType.CHF],
                manufacturer_code=MANUFACTURER_CODE,
                file_version=0x00020000,
                manufacturer_image=content,
                signature=PKI.sign(WAN_PROVIDER, Role.WAN_PROVIDER, content),
            )
        )
    )
    stranger = "00-DB-00-00-00-00-00-00"
    with (
        a_receiver() as receiver,
        a_dcc(state, "--push-to", receiver.address, "--speed", SPEED) as dcc,
    ):
        begun = verb("hubs", "update", image, eui_text(HUB), stranger, "--state", state, "--json")
        assert begun.exit_code == 1  # because of the stranger
        told = json.loads(begun.stdout)
        assert told["accepted"] == [eui_text(HUB)]
        assert told["left_out"] == {stranger: "unknown-device"}
        receiver.wait_for(lambda _message: "CommsHubFirmwareActivation" in receiver.kinds())
        devices = dcc.ask(inventory()).body.content.devices
        assert {each.device_id: each.device_firmware_version for each in devices}[HUB] == "00020000"


def test_killed_and_started_again_it_goes_on(state):
    with a_receiver() as receiver:
        words = ("--push-to", receiver.address, "--speed", 20)
        with a_dcc(state, *words) as dcc:
            first = dcc.post(dsig.sign_request(update(), PKI, PKI))
            dcc.process.kill()
            dcc.process.wait(30)
        for _ in range(3):
            with a_dcc(state, *words) as dcc:
                seen = len(receiver.messages)
                receiver.wait_for(
                    lambda message, seen=seen: len(receiver.messages) > seen or is_of_ppmid(message)
                )
                dcc.process.kill()
                dcc.process.wait(30)
        with a_dcc(state, "--push-to", receiver.address, "--speed", SPEED) as dcc:
            assert dcc.post(dsig.sign_request(update(), PKI, PKI)) == first
            receiver.wait_for(is_of_ppmid)
            assert version_of(dcc.ask(inventory(9))) == "00020000"
    # At least once and in order, each of the three.
    kinds = list(dict.fromkeys(receiver.kinds()))
    assert kinds == ["CSPFirmwareDeliveryStatus", "CommsHubAlert", "PPMIDAlert"]
    with Ledger.open(f"sqlite:///{state / 'dcc.db'}", owner="dcc") as ledger:
        assert ledger.verify() == []


def test_an_estate_of_a_file_without_signatures(state, tmp_path):
    estate = tmp_path / "estate.csv"
    write_estate(estate, build_home(5, hcalcs=2).devices)
    with a_dcc(state, "--estate", estate, "--signature-check", "off") as dcc:
        assert "1 homes and 5 devices" in dcc.said
        device_id = build_home(5).hub_id
        octets = dsig.sign_request(inventory(1, device_id), PKI, PKI)
        unsigned = re.sub(rb"<ds:Signature.*</ds:Signature>", b"", octets)
        answer = decode_response(open_document(dcc.post(unsigned)))
        assert answer.response_code == "I0"
        assert len(answer.body.content.devices) == 5


def test_the_operators_verbs(state):
    with (
        a_receiver() as receiver,
        a_dcc(state, "--push-to", receiver.address, "--threshold", "8.2=1/h") as dcc,
    ):
        receiver.status = 400
        assert json.loads(verb("requests", "--state", state, "--json").stdout) == {"held_back": []}
        assert verb("requests", "--state", state).stdout == "held back: none\n"
        assert verb("pushes", "--state", state).stdout == "waiting: none\nended: none\n"
        for counter in (1, 2):
            dcc.ask(inventory(counter))
        (held,) = json.loads(verb("requests", "--state", state, "--json").stdout)["held_back"]
        assert held["request_id"].endswith(":2")
        assert held["service"] == "8.2"
        released = verb("requests", "release", held["request_id"], "--state", state)
        assert released.exit_code == 0, released.stderr
        assert "I0" in released.stdout
        again = verb("requests", "release", held["request_id"], "--state", state)
        assert again.exit_code == 3
        assert again.stderr.count("\n") == 1
        with receiver.changed:
            assert receiver.changed.wait(60)  # it refuses the alert that the request is held back
        parked = first_true(lambda: pushes_of(state)["ended"])
        assert {(each["event"], each["status"]) for each in parked} == {("push:parked", 400)}
        assert verb("pushes", "--state", state).exit_code == 1
        no_image = verb("hubs", "update", __file__, "00-DB-12-34-56-78-90-A2", "--state", state)
        assert no_image.exit_code == 4
        assert no_image.stderr.count("\n") == 1
        past = ("--at", "2020-01-01T00:00:00Z")
        refused = verb("hubs", "update", __file__, eui_text(HUB), *past, "--state", state)
        assert refused.exit_code == 3
        assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("requests", "release", "x"), "is no RequestID"),
        (("hubs", "update", __file__, "x"), "is no device id"),
        (("hubs", "update", __file__, eui_text(HUB), "--at", "soon"), "--at 'soon'"),
    ],
)
def test_wrong_words_need_no_dcc(state, words, said):
    result = verb(*words, "--state", state)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("requests",),
        ("pushes",),
        ("requests", "release", f"{eui_text(SUPPLIER)}:{eui_text(ACB)}:1"),
    ],
)
def test_without_a_dcc_the_verbs_say_so(state, words):
    result = verb(*words, "--state", state)
    assert result.exit_code == 2
    assert "no DCC runs on" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--homes", 1, "--estate", "e.csv"), 2, "--homes or --estate, not both"),
        (("--estate", "absent.csv"), 4, "absent.csv"),
        (("--cpl", "absent.csv"), 4, "absent.csv"),
        (("--pki", "absent"), 4, "absent"),
        (("--pki", __file__), 4, "is no key store"),
        (("--push-ca", "absent.pem"), 4, "absent.pem"),
        (("--push-to", "a:99999"), 2, "ports are 1 to 65535"),
        (("--homes", 99_999_999), 2, "--homes"),
        (("--push-to", "ftp://a"), 2, "host:port/path"),
        (("--threshold", "9"), 2, "is no threshold"),
        (("--tls-cert", "a.pem"), 2, "--tls-cert and --tls-key"),
        (("--ledger", "mysql://x"), 2, "mysql://x"),
        (("--signature-check", "maybe"), 2, "maybe"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_sentence(state, words, code, said):
    result = verb("serve", "--state", state, *words)
    assert result.exit_code == code
    assert said in result.stderr.replace("\n", " ")
    assert result.stdout == ""


def test_two_processes_do_not_run_one_state(state):
    with a_dcc(state):
        result = verb("serve", "--state", state, "--duis-port", 0, "--smki-port", 0)
        assert result.exit_code == 2
        assert "another process runs the homes" in result.stderr


def test_every_verb_has_an_example():
    for words in (
        ("serve",),
        ("requests",),
        ("requests", "release"),
        ("pushes",),
        ("hubs", "update"),
    ):
        told = verb(*words, "--help").stdout
        assert "Example" in told
