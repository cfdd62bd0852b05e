"""`hanota send`, run as a user runs it, against a DCC that answers as each test says."""

import json
import socket
import threading

import msgspec
import pytest
import typer
from tests.cli.a_scripted_dcc import (
    DEVICE,
    NOW_MS,
    PKI,
    Reply,
    ScriptedDcc,
    activated,
    answer,
    delivered,
    device_message,
    free_port,
    response,
    signed,
)
from tests.supplier import device_says as says
from tests.vectors import duis_vector
from typer.testing import CliRunner

from hanota.cli.send import send
from hanota.model import KeyUsage, RequestID, Role, eui_text
from hanota.smki import dsig
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import ORGANISATIONS, SUPPLIER, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.smki.pki_folder import write_pki
from hanota.smki.protection import signature_valid
from hanota.supplier.hub_firmware import read_inventory
from hanota.supplier.pre_command import command_of
from hanota.supplier.requests import activate_firmware, read_firmware_version
from hanota.wire.duis import open_document
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import encode_request, encode_response
from hanota.wire.gbcs.message import decode, encode

ASKED = says.ASKED
READ = read_firmware_version(ASKED)
INVENTORY = read_inventory(RequestID(SUPPLIER, ACB, 7), DEVICE)
ACTIVATE = activate_firmware(ASKED, says.HASH, None)
UPDATE_ID = RequestID(SUPPLIER, ACB, 8)
UPDATE = v.Request(
    UPDATE_ID, 8, "11.4", "11.4", v.UpdatePPMIDFirmware(b"image", "00020000", (DEVICE, DEVICE + 1))
)
OTHER_PKI = TestPki(b"other")

app = typer.Typer()
app.command()(send)


def run(*words, octets=None):
    result = CliRunner().invoke(app, [str(word) for word in words], input=octets)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


class Sent:
    """One run of the verb: what it printed, and what the DCC saw."""

    def __init__(self, script, request, *words, wait="10", octets=None, pushed=None) -> None:
        octets = encode_request(request) if octets is None else octets
        port = free_port()
        with ScriptedDcc(script, port, pushed) as self.dcc:
            options = ("--to", self.dcc.url, "--listen", port, "--wait", wait, "--json", *words)
            result = run("-", *options, octets=octets)
        self.code, self.stderr = result.exit_code, result.stderr
        self.told = [json.loads(line) for line in result.stdout.splitlines()]

    @property
    def events(self):
        return [told["event"] for told in self.told]

    def of(self, event):
        return [told for told in self.told if told["event"] == event]


# --- Answers ---


def test_an_answer_at_once_is_printed_and_that_is_all():
    device = v.InventoryDevice(
        device_id=DEVICE, device_type="PPMID", device_manufacturer="a", device_model="b"
    )
    sent = Sent(lambda asked: Reply(answer(asked, "I0", v.DSPInventory((device,)))), INVENTORY)
    assert (sent.code, sent.events) == (0, ["sent", "answer"])
    (told,) = sent.of("answer")
    assert (told["code"], told["meaning"], told["signature"]) == ("I0", "the result", "valid")
    assert told["body"]["ResponseMessage"]["DSPInventory"]["Device"][0]["DeviceID"] == eui_text(
        DEVICE
    )
    assert sent.dcc.paths == ["/api/v1/serviceD"]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("E19", "the device is not known (assigned by hanota)"), ("E65", "hanota has none")],
)
def test_a_refusal_is_3(code, meaning):
    sent = Sent(lambda asked: Reply(encode_response(response(asked, code))), READ)
    assert (sent.code, sent.events) == (3, ["sent", "answer"])
    (told,) = sent.of("answer")
    assert meaning in told["meaning"]
    assert told["signature"] == "absent"


def test_a_refusal_in_http_is_3():
    sent = Sent(lambda _: Reply(b"no DUIS", status=400), READ)
    assert sent.code == 3
    assert sent.of("refused") == [{"event": "refused", "http_status": 400, "text": "no DUIS"}]


def test_nobody_there_is_1():
    result = run("-", "--to", f"127.0.0.1:{free_port()}", "--wait", 0, octets=encode_request(READ))
    assert result.exit_code == 1
    assert "gave no answer" in result.stdout


@pytest.mark.parametrize("body", [b"", b"<a/>", b"<sr:Response"])
def test_an_answer_that_is_no_duis_is_1(body):
    sent = Sent(lambda _: Reply(body), READ)
    assert (sent.code, sent.events) == (1, ["sent", "answer"])
    assert "fault" in sent.told[-1]


def test_an_answer_to_another_request_is_not_believed():
    sent = Sent(lambda _: Reply(answer(INVENTORY)), READ)
    assert (sent.code, sent.events[-1]) == (1, "not_believed")
    assert "another request" in sent.told[-1]["fault"]


def test_who_is_left_out_is_told_with_what_may_be_the_reason():
    warning = v.DSPUpdatePPMIDFirmwareWarning(
        invalid_device_id_list=(DEVICE,), other_request_in_progress_list=(DEVICE + 1,)
    )
    sent = Sent(lambda asked: Reply(answer(asked, "E110405", warning)), UPDATE)
    assert sent.code == 3
    assert sent.told[-1]["left_out"] == {
        eui_text(DEVICE): "InvalidDeviceIDList: unknown-device or not-your-device or wrong-type",
        eui_text(DEVICE + 1): "OtherRequestInProgressList: in-progress",
    }


def test_people_are_told_the_first_of_many():
    warning = v.DSPUpdatePPMIDFirmwareWarning(invalid_device_id_list=tuple(range(1_000)))
    with ScriptedDcc(lambda asked: Reply(answer(asked, "E110405", warning)), 0) as dcc:
        result = run("-", "--to", dcc.url, "--wait", 0, octets=encode_request(UPDATE))
    assert "others: 980" in result.stdout
    assert result.stdout.count("unknown-device") == 20


# --- Pushes ---


def test_the_response_of_the_device_is_waited_for():
    def script(asked):
        pushes = (signed(delivered(UPDATE)), signed(device_message(asked, says.CS08)))
        return Reply(answer(asked, "I99"), pushes)

    sent = Sent(script, READ)
    assert (sent.code, sent.events) == (0, ["sent", "answer", "other_push", "push"])
    assert sent.dcc.pushed == [204, 204]
    (push,) = sent.of("push")
    assert push["gbcs"]["content"]["firmware_version"] == "00020000"
    assert (push["signature"], push["gbcs"]["mac"]) == ("valid", "valid")


def test_a_device_that_does_not_answer_is_1():
    sent = Sent(lambda asked: Reply(answer(asked, "I99")), READ, wait="0.05")
    assert sent.code == 1
    assert sent.told[-1] == {"event": "still_awaited", "devices": [eui_text(DEVICE)]}


def test_nothing_is_waited_for_with_wait_0():
    sent = Sent(lambda asked: Reply(answer(asked, "I99")), READ, wait="0")
    assert (sent.code, sent.events) == (0, ["sent", "answer"])


def test_a_read_that_the_dcc_keeps_for_later_is_not_waited_for():
    later = read_firmware_version(ASKED, NOW_MS * 2)
    sent = Sent(lambda asked: Reply(answer(asked, "I99")), later)
    assert (sent.code, sent.events) == (0, ["sent", "answer"])


def test_a_command_that_finds_no_answer_is_1():
    failure = v.CommandFailure(command_request_id=ASKED, device_id=DEVICE)
    told = v.Response(
        response_code="I0", response_date_time_ms=NOW_MS, body=v.DCCAlertMessage("N13", failure)
    )
    sent = Sent(lambda asked: Reply(answer(asked, "I99"), (signed(told),)), READ)
    assert (sent.code, sent.events[-1]) == (1, "push")


def test_an_update_is_followed_until_its_last_device():
    def script(asked):
        told = (delivered(asked), activated(), activated(device_id=DEVICE + 1))
        return Reply(answer(asked), tuple(map(signed, told)))

    sent = Sent(script, UPDATE)
    assert (sent.code, sent.events) == (0, ["sent", "answer", "push", "push", "push"])


def test_an_update_that_goes_on_is_0():
    sent = Sent(lambda asked: Reply(answer(asked)), UPDATE, wait="0.05")
    assert (sent.code, len(sent.told[-1]["devices"])) == (0, 2)


def test_an_update_of_which_part_fails_is_1():
    warning = v.DSPUpdatePPMIDFirmwareWarning(invalid_device_id_list=(DEVICE + 1,))
    in_part = Sent(
        lambda asked: Reply(answer(asked, "W110401", warning), (signed(activated()),)), UPDATE
    )
    assert (in_part.code, in_part.events) == (1, ["sent", "answer", "push"])
    only = msgspec.structs.replace(
        UPDATE, body=v.UpdatePPMIDFirmware(b"image", "00020000", (DEVICE,))
    )
    failed = Sent(
        lambda asked: Reply(answer(asked), (signed(activated("ActivationFailure")),)), only
    )
    assert failed.code == 1


def test_a_request_that_is_held_back_is_1():
    def script(asked):
        breach = v.ADDCCThresholdBreach(asked.request_id, 1)
        held_back = v.Response(
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=v.DCCAlertMessage("N46", v.QuarantinedRequest(breach)),
        )
        return Reply(answer(asked, "I99"), (signed(held_back),))

    for request in (READ, UPDATE):
        sent = Sent(script, request)
        assert (sent.code, sent.events) == (1, ["sent", "answer", "push"])


def test_what_was_taken_is_printed_even_where_the_request_is_refused():
    pushed = threading.Event()

    def script(asked):
        if asked.command_variant == 4:  # so there is a listener from the start
            return Reply(transforms(asked).body, (signed(activated()),))
        assert pushed.wait(10)
        return Reply(answer(asked, "E5"))

    sent = Sent(script, ACTIVATE, pushed=pushed)
    assert (sent.code, sent.events[-1]) == (3, "other_push")


# --- The Pre-Command of an 11.3 ---


def transforms(asked, *, then=(), **altered):
    """CV 4 gives the Pre-Command, whole or altered; CV 5 is acknowledged, and the device speaks."""
    if asked.command_variant == 4:
        command = msgspec.structs.replace(command_of(asked), **altered)
        return Reply(answer(asked, "I0", v.PreCommand("4.3", encode(command))))
    pushes = tuple(signed(device_message(asked, said)) for said in then)
    return Reply(answer(asked, "I99"), pushes)


def test_a_pre_command_is_examined_signed_and_sent():
    sent = Sent(lambda asked: transforms(asked, then=(says.outcome(0),)), ACTIVATE)
    assert (sent.code, sent.events) == (0, ["sent", "answer", "sent", "answer", "push"])
    assert sent.dcc.paths == ["/api/v1/serviceT", "/api/v1/serviceS"]
    first, second = sent.dcc.requests
    assert first.request_id == second.request_id
    command = decode(second.body.gbcs_payload)
    key = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key
    assert signature_valid(command, key)


def test_a_pre_command_that_says_something_else_is_not_signed():
    sent = Sent(lambda asked: transforms(asked, counter=ASKED.counter + 1), ACTIVATE)
    assert (sent.code, sent.events) == (1, ["sent", "answer", "not_signed"])
    assert sent.told[-1]["fault"] == "the Pre-Command is not what was asked for: its counter"
    assert len(sent.dcc.requests) == 1


def test_a_pre_command_can_be_left_unsigned():
    for word in ("--no-sign", "--as-is"):
        signed_request = dsig.sign_request(ACTIVATE, PKI, PKI)
        sent = Sent(transforms, ACTIVATE, word, octets=signed_request)
        assert (sent.code, sent.events) == (0, ["sent", "answer"])
        assert sent.told[-1]["gbcs"]["use_case"] == "CS06"


def test_an_activation_soon_is_followed_until_it_is_done():
    soon = activate_firmware(ASKED, says.HASH, NOW_MS // 1_000_000 * 1_000)
    sent = Sent(lambda asked: transforms(asked, then=(says.ACCEPTED, says.alert_of(3))), soon)
    assert (sent.code, sent.events[-2:]) == (1, ["push", "push"])
    later = activate_firmware(ASKED, says.HASH, NOW_MS * 2)
    sent = Sent(lambda asked: transforms(asked, then=(says.ACCEPTED,)), later)
    assert (sent.code, sent.events[-1]) == (0, "push")


# --- Whom to believe ---


@pytest.fixture(scope="module")
def pki_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "keys"
    write_pki(folder, ORGANISATIONS, b"a seed", None)
    return folder


def test_with_a_pki_an_answer_counts_only_with_the_dccs_signature(pki_folder):
    sent = Sent(lambda asked: Reply(answer(asked, "I0", pki=OTHER_PKI)), READ, "--pki", pki_folder)
    assert (sent.code, sent.events[-1]) == (1, "not_believed")
    sent = Sent(lambda asked: Reply(encode_response(response(asked))), READ, "--pki", pki_folder)
    assert sent.told[-1]["fault"] == "the DCC's message is not signed"
    unsigned = Sent(
        lambda asked: Reply(encode_response(response(asked, "E19"))), READ, "--pki", pki_folder
    )
    assert (unsigned.code, unsigned.events[-1]) == (3, "answer")


def test_with_a_pki_a_push_counts_only_with_the_dccs_signature(pki_folder):
    def script(asked):
        said = device_message(asked, says.CS08)
        acknowledged = encode_response(response(asked, "I99"))
        return Reply(acknowledged, (encode_response(said), signed(said, OTHER_PKI), b"<a/>"))

    sent = Sent(script, READ, "--pki", pki_folder, wait="1")
    assert (sent.code, sent.events) == (1, ["sent", "answer", "still_awaited"])
    assert sent.dcc.pushed == [400, 400, 400]


def test_without_one_a_message_is_taken_and_its_signature_told():
    def script(asked):
        said = encode_response(device_message(asked, says.CS08))
        return Reply(answer(asked, "I99", pki=OTHER_PKI), (said,))

    sent = Sent(script, READ)
    assert sent.code == 0
    assert sent.of("answer")[0]["signature"] == "unknown-key"
    assert sent.of("push")[0]["signature"] == "absent"


# --- Under which RequestID, and signed by whom ---


def sent_request(octets, *words):
    """What reached the DCC, as octets and as it reads."""
    sent = Sent(lambda asked: Reply(answer(asked, "E1")), None, *words, octets=octets)
    assert sent.code == 3, sent.stderr
    return sent.dcc.octets[0], sent.dcc.requests[0]


def is_signed(octets, user=SUPPLIER):
    certificate = dsig.signer_of_request(open_document(octets), PKI, NOW_MS)
    return certificate is not None and certificate.eui == user


def test_a_request_without_a_signature_gets_one():
    octets, request = sent_request(encode_request(READ))
    assert is_signed(octets)
    assert request == READ


def test_a_request_that_is_signed_well_goes_octet_for_octet():
    given = dsig.sign_request(READ, PKI, PKI).replace(b"<sr:Header>", b"<sr:Header >")
    assert sent_request(given)[0] == given


def test_a_request_that_is_signed_badly_is_signed_anew():
    octets, request = sent_request(dsig.sign_request(READ, OTHER_PKI, OTHER_PKI))
    assert is_signed(octets)
    assert request == READ


def test_a_request_goes_as_it_is_where_that_is_asked_for():
    for given in (encode_request(READ), dsig.sign_request(READ, OTHER_PKI, OTHER_PKI)):
        assert sent_request(given, "--as-is")[0] == given


@pytest.mark.parametrize(("counter", "words"), [(0, ()), (1_000, ("--fresh",))])
def test_the_time_becomes_the_counter(counter, words):
    given = read_firmware_version(RequestID(SUPPLIER, DEVICE, counter))
    octets, request = sent_request(encode_request(given), *words)
    assert is_signed(octets)
    assert request.request_id.counter > 1_700_000_000_000
    assert msgspec.structs.replace(request, request_id=given.request_id) == given


def test_somebody_else_may_be_the_user():
    octets, request = sent_request(encode_request(READ), "--as", eui_text(SUPPLIER_2))
    assert is_signed(octets, SUPPLIER_2)
    assert request.request_id == RequestID(SUPPLIER_2, DEVICE, ASKED.counter)


@pytest.mark.parametrize("name", ["11.1", "11.4", "8.2", "8.13", "CS06", "ECS52_11.2_SUCCESS_REQ"])
def test_the_official_samples_go_as_they_are_but_signed(name):
    if name == "CS06":
        name = "CS06_11.3_IMMEDIATE"
    octets, request = sent_request(duis_vector(name))
    assert is_signed(octets)
    assert request.request_id.counter in (1_000, 1_001, 1_002)


def test_a_request_of_any_other_service_can_be_sent():
    text = (
        encode_request(READ)
        .replace(b"11.2", b"4.1.1")
        .replace(b">4.1.1</sr:ServiceReference>", b">4.1</sr:ServiceReference>")
    )
    text = text.replace(b"ReadFirmwareVersion", b"ReadInstantaneousImportRegisters")
    octets, request = sent_request(text)
    assert is_signed(octets)
    assert request.body == v.OtherElement("ReadInstantaneousImportRegisters")


# --- Wrong use and bad input ---


@pytest.mark.parametrize(
    "octets", [b"", b"<a/>", encode_response(response(READ)), encode_request(READ)[:-1]]
)
def test_what_is_no_request_is_4(octets):
    result = run("-", octets=octets)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("hanota: ")


def test_a_request_without_a_request_id_is_4():
    octets = encode_request(READ)
    start, end = octets.index(b"<sr:RequestID>"), octets.index(b"</sr:RequestID>")
    result = run("-", octets=octets[:start] + octets[end + len(b"</sr:RequestID>") :])
    assert (result.exit_code, result.stderr) == (4, "hanota: the Request has no RequestID\n")


def test_a_file_that_is_not_there_is_4(tmp_path):
    assert run(tmp_path / "none").exit_code == 4


@pytest.mark.parametrize(
    "words", [("--pki", "no-such-file"), ("--to", "https://a", "--ca", "no-such-file")]
)
def test_keys_that_are_not_there_are_4(words):
    result = run("-", *words, octets=encode_request(READ))
    assert (result.exit_code, result.stdout) == (4, "")
    assert "no-such-file" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--as", "me"), "is no device id"),
        (("--as-is", "--fresh"), "--as-is leaves it"),
        (("--as-is", "--as", eui_text(SUPPLIER)), "--as-is leaves it"),
        (("--to", "ftp://a"), "is no address"),
        (("--ca", "file"), "begins https://"),
        (("--wait", "1e400"), "--wait"),
        (("--key", "file"), "begins https://"),
        (("--to", "https://a", "--key", "file"), "a key without its certificate"),
    ],
)
def test_wrong_use_is_2(words, told):
    result = run("-", *words, octets=encode_request(READ))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_port_that_is_taken_is_2():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = run("-", "--listen", port, octets=encode_request(READ))
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
        # What is answered at once needs no port.
        with ScriptedDcc(lambda asked: Reply(answer(asked)), 0) as dcc:
            done = run("-", "--listen", port, "--to", dcc.url, octets=encode_request(INVENTORY))
    assert done.exit_code == 0


def test_what_a_server_says_cannot_steer_the_terminal():
    with ScriptedDcc(lambda _: Reply(b"\x1b[2Jno", status=400), 0) as dcc:
        result = run("-", "--to", dcc.url, "--wait", 0, octets=encode_request(READ))
    assert "\x1b" not in result.stdout
    assert r"\x1b[2Jno" in result.stdout


def test_the_help_has_examples():
    assert "Example: hanota send request.xml --pki keystore.json" in run("--help").stdout
