"""`hanota decode`, run as a user runs it: what it says of each kind, and what it refuses."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import typer
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.vectors import duis_vector, gbcs_vector, require_keystore, require_vectors
from tests.wire.duis_golden import DCC, PPMID, REQUEST_ID, REQUESTS, RESPONSES, SUPPLIER
from tests.wire.duis_messages import requests, responses
from tests.wire.gbcs_messages import messages
from typer.testing import CliRunner, Result

from hanota.cli.decode import decode
from hanota.limits import DEVICES_PER_REQUEST_MAX, DUIS_OCTETS_MAX, GBCS_OCTETS_MAX
from hanota.model import KeyUsage, Role, eui_text
from hanota.smki import dsig, protection
from hanota.smki.certificates import Certificate
from hanota.smki.organisations import SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import encode_request, encode_response
from hanota.wire.gbcs import cs06, cs09
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import USE_CASES
from hanota.wire.image import build_image, encode_image

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
PKI = TestPki(b"decode")
OTHER_PKI = TestPki(b"other")
HASH = bytes(range(32))
NOW_MS = 1_795_361_821_523
NO_MESSAGE = "hanota: this is no OTA image, GBCS message or DUIS document\n"

app = typer.Typer()
app.command()(decode)


def hanota_decode(*words: object, octets: bytes | None = None) -> Result:
    """Run the verb on a file, or on octets as standard input."""
    file = () if octets is None else ("-",)
    result = CliRunner().invoke(app, [str(word) for word in (*file, *words)], input=octets)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def facts(octets: bytes, *words: object, code: int = 0) -> dict:
    """The JSON object that is printed for these octets."""
    result = hanota_decode(*words, "--json", octets=octets)
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def refusal(*words: object, octets: bytes | None = None, code: int = 4) -> str:
    """The one sentence with which the verb refuses; nothing stands on stdout."""
    result = hanota_decode(*words, octets=octets)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("hanota: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


# --- Messages and keys of our own making ---

COMMAND = GbcsMessage(
    Cra.COMMAND,
    counter=2**64 - 1,
    originator=SUPPLIER,
    target=PPMID,
    message_code=0x0012,
    content=cs06.encode_command(cs06.ActivateFirmwareCommand(HASH, 2**64 - 1)),
    signature_octet=False,
)
ALERT = GbcsMessage(
    Cra.ALERT,
    counter=5,
    originator=PPMID,
    target=DCC,
    message_code=0x012B,
    content=cs09.encode_alert(
        cs09.FirmwareActivationAlert(NOW_MS // 1000 * 1000, 2, cs09.ActivationResult.SUCCESS)
    ),
)
IMAGE = build_image(
    image_type=0x0085,
    manufacturer_code=0x121D,
    file_version=2,
    manufacturer_image=b"application",
    signature=PKI.sign(SUPPLIER, Role.SUPPLIER, b"application"),
)


def protected(message: GbcsMessage, pki: TestPki = PKI) -> bytes:
    """The message signed by its originator, and with the ACB's MAC."""
    signed = protection.sign(message, pki.private_key(message.originator, DS))
    z = pki.shared_secret(DCC, pki.certificate(message.target, KA).public_key)
    return gbcs.encode(protection.add_mac(signed, z))


def update(image: bytes, device_ids: tuple[int, ...] = (PPMID,)) -> v.Request:
    body = v.UpdateFirmware(image, "00000002", device_ids)
    return v.Request(REQUEST_ID, 8, "11.1", "11.1", body)


def answer(octets: bytes) -> v.Response:
    content = v.ResponseMessage("11.2", "11.2", v.GBCSPayload(octets))
    return v.Response(response_code="I0", response_date_time_ms=NOW_MS, body=content)


def pem(certificate: Certificate) -> str:
    body = base64.encodebytes(certificate.der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def entry(pki: TestPki, eui: int, usage: KeyUsage, role: Role | None = None) -> dict[str, str]:
    """An entry of a key store, with its private key."""
    private_key = pki.private_key(eui, usage, role).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    certificate = pki.certificate(eui, usage, role)
    return {
        "certificate": pem(certificate),
        "privateKey": private_key.decode(),
        "name": f"Z1-{eui:016x}-{usage}-{role}",
    }


def key_files(folder: Path, pki: TestPki) -> tuple[object, ...]:
    """Options: certificates of a device under false names, and a key store of organisations."""
    (folder / "certs").mkdir(exist_ok=True)
    for usage in KeyUsage:
        path = folder / f"certs/0000000000000001-{usage}.pem"
        path.write_text(pem(pki.certificate(PPMID, usage)))
    held = {
        f"{eui:016x}": {usage.name: {str(role): entry(pki, eui, usage, role)}}
        for eui, usage, role in (
            (SUPPLIER, DS, Role.SUPPLIER),
            (DCC, KA, Role.ACCESS_CONTROL_BROKER),
            (SUPPLIER_2, DS, Role.SUPPLIER),
        )
    }
    held[f"{SUPPLIER:016x}"]["XML"] = {"1": entry(pki, SUPPLIER, DS, Role.XML_SIGNING)}
    held[f"{DCC:016x}"]["XML"] = {"1": entry(pki, DCC, DS, Role.DSP_XML_SIGNING)}
    (folder / "keystore.json").write_text(json.dumps(held))
    return "--certs", folder / "certs", "--keystore", folder / "keystore.json"


@pytest.fixture
def own_keys(tmp_path: Path) -> tuple[object, ...]:
    return key_files(tmp_path, PKI)


@pytest.fixture
def published_keys() -> tuple[object, ...]:
    return "--certs", require_vectors() / "keys", "--keystore", require_keystore()


# --- The published messages ---

# GBCS 4.x: what protects each of them, all by keys that are at hand.
VECTORS = {
    "CCS08_NA_NA_ALERT": ("valid", "absent"),
    "CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT": ("valid", "absent"),
    "CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND": ("valid", "valid"),
    "CS06_11.3_FUTURE_DATED_SUCCESS_PRECOMMAND": ("absent", "absent"),
    "CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE": ("valid", "absent"),
    "CS06_11.3_IMMEDIATE_SUCCESS_COMMAND": ("valid", "valid"),
    "CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND": ("absent", "absent"),
    "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE": ("valid", "absent"),
    "CS08_11.2_SUCCESS_COMMAND": ("absent", "valid"),
    "CS08_11.2_SUCCESS_RESPONSE": ("absent", "valid"),
    "CS09_NA_8F8B_ALERT": ("valid", "absent"),
    "ECS52_11.2_SUCCESS_COMMAND": ("absent", "valid"),
    "ECS52_11.2_SUCCESS_RESPONSE": ("absent", "valid"),
    "FDRA-DLMS_NA_8F72_ALERT": ("valid", "absent"),
    "FDRA-ZigBee_NA_8F72_ALERT": ("valid", "absent"),
    "GCS38_11.2_SUCCESS_COMMAND": ("absent", "valid"),
    "GCS38_11.2_SUCCESS_RESPONSE": ("absent", "valid"),
}


def test_the_table_has_every_vector():
    files = {path.name for path in require_vectors().glob("gbcs/*.HEX")}
    assert files == {f"{name}_GBCS.HEX" for name in VECTORS}


@pytest.mark.parametrize("name", VECTORS)
def test_what_keys_say_of_a_published_message(name, published_keys):
    (path,) = require_vectors().glob(f"gbcs/{name}*")
    result = hanota_decode(path, *published_keys, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["signature"], told["mac"]) == VECTORS[name]
    assert told["use_case"] == name.split("_")[0]
    assert isinstance(told["content"], dict)

    shown = hanota_decode(path, *published_keys).stdout
    assert f"\nsignature: {told['signature']}\nmac: {told['mac']}\n" in shown


@pytest.mark.parametrize("name", VECTORS)
def test_without_keys_what_is_there_has_an_unknown_key(name):
    told = facts(gbcs_vector(name))
    expected = {"valid": "unknown-key", "absent": "absent"}
    assert (told["signature"], told["mac"]) == tuple(expected[word] for word in VECTORS[name])


def test_a_published_command_in_json():
    assert facts(gbcs_vector("CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND")) == {
        "kind": "gbcs",
        "cra": "command",
        "message_code": "0x0012",
        "use_case": "CS06",
        "title": "Activate Firmware",
        "originator": "90-B3-D5-1F-30-01-00-00",
        "target": "00-DB-12-34-56-78-90-A0",
        "counter": "1001",
        "content": {
            "name": "ActivateFirmwareCommand",
            "manufacturer_image_hash": (
                "AA758690730934FF0685AA758690730934FF0685657788990011223344556677"
            ),
            "originator_counter": "1001",
            "execution_date_time": "2030-01-15T09:00:00Z",
        },
        "signature": "unknown-key",
        "mac": "unknown-key",
    }


def test_a_published_command_for_people(published_keys):
    octets = gbcs_vector("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND")
    assert hanota_decode(*published_keys, octets=octets).stdout == (
        "kind: gbcs\n"
        "cra: command\n"
        "message code: 0x0012\n"
        "use case: CS06\n"
        "title: Activate Firmware\n"
        "originator: 90-B3-D5-1F-30-01-00-00\n"
        "target: 00-DB-12-34-56-78-90-A0\n"
        "counter: 1000\n"
        "content:\n"
        "  name: ActivateFirmwareCommand\n"
        "  manufacturer image hash: "
        "AA758690730934FF0685AA758690730934FF0685657788990011223344556677\n"
        "  originator counter: 1000\n"
        "signature: valid\n"
        "mac: valid\n"
    )


# Octet 89 is the first of the signature and 164 the last of the MAC, which covers both.
@pytest.mark.parametrize(
    ("offset", "verdicts"), [(89, ("invalid", "invalid")), (164, ("valid", "invalid"))]
)
def test_a_damaged_command_is_decoded_and_invalid(offset, verdicts, published_keys):
    octets = bytearray(gbcs_vector("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"))
    octets[offset] ^= 1
    told = facts(bytes(octets), *published_keys)
    assert (told["signature"], told["mac"]) == verdicts


def test_the_sample_images(published_keys):
    esme = facts((require_vectors() / "ota/esme-sample.ota").read_bytes(), *published_keys)
    assert (esme["kind"], esme["signature"], esme["signer"]) == (
        "ota",
        "valid",
        "90-B3-D5-1F-30-01-00-00",
    )
    assert esme["hash"] == "7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36"
    ppmid = facts((require_vectors() / "ota/ppmid-sample.ota").read_bytes(), *published_keys)
    assert (ppmid["signature"], ppmid["signer"]) == ("absent", None)
    assert ppmid["hash"] == esme["hash"]


# Signature, and what is carried: its kind, signature and MAC. The signatures of the official
# samples are placeholders. No private key of these real devices' partners fits, for want of their
# certificates.
@pytest.mark.parametrize(
    ("name", "signature", "carried"),
    [
        ("11.1_", "invalid", ("ota", "valid", None)),
        ("11.4_", "invalid", ("ota", "absent", None)),
        ("8.13_", "invalid", ("gbcs", "valid", "absent")),
        ("8.2_", "invalid", None),
        ("CS06_11.3_CANC", "invalid", None),
        ("ECS52_11.2_SUCCESS_RESPONSE", "valid", ("gbcs", "absent", "unknown-key")),
        ("boxed-readfw-response.xml", "unknown-key", ("gbcs", "absent", "unknown-key")),
        ("boxed-acknowledgement-error", "absent", None),
        ("boxed-read-inventory-response-4g", "valid", None),
    ],
)
def test_the_published_documents(name, signature, carried, published_keys):
    told = facts(duis_vector(name), *published_keys)
    assert (told["kind"], told["signature"]) == ("duis", signature)
    kinds = {"ota", "gbcs"} & set(told)
    if carried is None:
        assert not kinds
    else:
        assert kinds == {carried[0]}
        inner = told[carried[0]]
        assert (inner["kind"], inner["signature"], inner.get("mac")) == carried


# --- GBCS ---


def test_the_same_message_in_each_form_says_the_same(tmp_path):
    octets = protected(COMMAND)
    expected = facts(octets)
    assert expected["counter"] == "18446744073709551615"
    text = octets.hex()
    for form in (
        text,
        text.upper(),
        f"\r\n {text}\n",
        "\n".join(text[start : start + 15] for start in range(0, len(text), 15)),
        octets.hex(" "),
    ):
        assert facts(form.encode()) == expected
    path = tmp_path / "a message"
    path.write_bytes(octets)
    assert json.loads(hanota_decode(path, "--json").stdout) == expected


def test_another_use_case_is_decoded_with_its_content_in_hex():
    octets = gbcs.encode(msgspec.structs.replace(COMMAND, message_code=0x0062, content=b"\xab\0"))
    told = facts(octets)
    assert (told["message_code"], told["use_case"], told["content"]) == ("0x0062", None, "AB00")
    shown = hanota_decode(octets=octets).stdout
    assert "content: AB00\n" in shown
    assert "use case" not in shown


@pytest.mark.parametrize("extra", [b"", b"\0"])
def test_a_pre_command_has_neither_signature_nor_mac(extra, own_keys):
    told = facts(gbcs.encode(COMMAND) + extra, *own_keys)
    assert (told["signature"], told["mac"]) == ("absent", "absent")


def test_the_identity_in_a_certificate_counts_and_not_its_file_name(own_keys):
    told = facts(protected(COMMAND), *own_keys)
    assert (told["signature"], told["mac"]) == ("valid", "valid")
    alert = protection.sign(ALERT, PKI.private_key(PPMID, DS))
    told = facts(gbcs.encode(alert), *own_keys)
    assert (told["signature"], told["mac"]) == ("valid", "absent")


def test_keys_of_others_make_it_invalid(own_keys):
    told = facts(protected(COMMAND, OTHER_PKI), *own_keys)
    assert (told["signature"], told["mac"]) == ("invalid", "invalid")


def test_half_of_the_keys_check_half(own_keys):
    octets = protected(COMMAND)
    by_certificates = facts(octets, *own_keys[:2])
    assert (by_certificates["signature"], by_certificates["mac"]) == ("unknown-key", "unknown-key")
    by_keystore = facts(octets, *own_keys[2:])
    assert (by_keystore["signature"], by_keystore["mac"]) == ("valid", "unknown-key")


def test_the_mac_of_an_answer_takes_no_key_of_a_broker(own_keys, tmp_path):
    held = {"supplier": {"KA": {"1": entry(PKI, SUPPLIER, KA, Role.SUPPLIER)}}}
    (tmp_path / "keystore.json").write_text(json.dumps(held))
    response = GbcsMessage(Cra.RESPONSE, 1, PPMID, SUPPLIER, 0x0062, b"")
    z = PKI.shared_secret(SUPPLIER, PKI.certificate(PPMID, KA).public_key)
    octets = gbcs.encode(protection.add_mac(response, z))
    assert facts(octets, *own_keys)["mac"] == "valid"


# --- OTA images ---


def test_an_image_is_told_with_its_supplier(own_keys):
    octets = encode_image(IMAGE)
    told = facts(octets, *own_keys)
    assert (told["device_type"], told["signature"], told["signer"]) == (
        "HCALCS",
        "valid",
        eui_text(SUPPLIER),
    )
    assert facts(octets)["signature"] == "unknown-key"
    assert facts(octets[:-1] + bytes((octets[-1] ^ 1,)), *own_keys)["signature"] == "invalid"


# --- DUIS ---


def test_a_signed_request_and_its_image(own_keys):
    octets = dsig.sign_request(update(encode_image(IMAGE)), PKI, PKI)
    told = facts(octets, *own_keys)
    assert (told["signature"], told["signer"], told["signature_fault"]) == (
        "valid",
        eui_text(SUPPLIER),
        None,
    )
    assert told["certificate"] == {
        "issuer": "CN=H1,OU=07",
        "serial": str(PKI.certificate(SUPPLIER, DS, Role.XML_SIGNING).serial),
    }
    assert told["header"]["RequestID"] == str(REQUEST_ID)
    assert told["ota"] == facts(encode_image(IMAGE), *own_keys)
    assert facts(octets)["signature"] == "unknown-key"


def test_a_signed_answer_and_its_gbcs_message(own_keys):
    response = answer(protected(COMMAND))
    told = facts(dsig.sign_response(response, DCC, PKI, PKI), *own_keys)
    assert (told["signature"], told["signer"]) == ("valid", eui_text(DCC))
    assert told["body"]["ResponseMessage"]["GBCSPayload"] == protected(COMMAND).hex()
    assert told["gbcs"] == facts(protected(COMMAND), *own_keys)


def test_a_document_that_was_changed_is_invalid_without_any_key():
    octets = dsig.sign_request(update(encode_image(IMAGE)), PKI, PKI)
    told = facts(octets.replace(b"00000002</", b"00000003</"))
    assert (told["signature"], told["certificate"]) == ("invalid", None)
    assert "the digest is not that of the document" in told["signature_fault"]


def test_who_may_not_sign_makes_it_invalid(own_keys):
    request = update(encode_image(IMAGE))
    for signer in (
        dsig.request_signer(SUPPLIER_2, PKI, PKI),
        dsig.request_signer(SUPPLIER, PKI, OTHER_PKI),
    ):
        told = facts(encode_request(request, signer), *own_keys)
        assert (told["signature"], told["signer"]) == ("invalid", None)
        assert told["signature_fault"]
    response = answer(protected(COMMAND))
    told = facts(encode_response(response, dsig.request_signer(SUPPLIER, PKI, PKI)), *own_keys)
    assert told["signature"] == "invalid"
    assert "is not one for signing answers" in told["signature_fault"]


# Every element that carries a GBCS message, in the golden documents of the schema.
@pytest.mark.parametrize(("document", "octets"), [*REQUESTS, *RESPONSES])
def test_what_is_carried_is_decoded_and_malformed_where_it_is(document, octets):
    carries = any(name in octets for name in (b"GBCSPayload", b"DeviceGBCSResponse", b"Image>"))
    result = hanota_decode("--json", octets=octets)
    told = json.loads(result.stdout)
    assert told["signature"] == "absent"
    faults = [told[kind]["fault"] for kind in ("gbcs", "ota") if kind in told]
    assert result.exit_code == (4 if carries else 0)
    assert result.stderr == "".join(
        f"hanota: what the document carries is malformed: {fault}\n" for fault in faults
    )
    assert len(faults) == carries


@pytest.mark.parametrize(
    "body",
    [
        v.SignedPreCommand(gbcs_payload=gbcs.encode(COMMAND)),
        v.ReturnLocalCommandResponse(device_gbcs_response=gbcs.encode(COMMAND)),
    ],
)
def test_a_request_carries_a_gbcs_message(body):
    service = "11.3" if isinstance(body, v.SignedPreCommand) else "8.13"
    octets = encode_request(v.Request(REQUEST_ID, 5, service, service, body))
    assert facts(octets)["gbcs"] == facts(gbcs.encode(COMMAND))


@pytest.mark.parametrize(
    "body",
    [
        v.DeviceAlertMessage(0x8F8B, gbcs.encode(ALERT)),
        *(
            v.ResponseMessage("11.3", "11.3", content)
            for content in (
                v.GBCSPayload(gbcs.encode(ALERT)),
                v.LocalCommand(gbcs.encode(ALERT)),
                v.PreCommand("4.3", gbcs.encode(ALERT)),
                v.FutureDatedDeviceAlertMessage(0x8F66, gbcs.encode(ALERT), 1, 1),
            )
        ),
    ],
)
def test_a_response_carries_a_gbcs_message(body):
    response = v.Response(response_code="I0", response_date_time_ms=NOW_MS, body=body)
    assert facts(encode_response(response))["gbcs"] == facts(gbcs.encode(ALERT))


def test_a_long_list_is_cut_for_people_and_whole_in_json():
    octets = encode_request(update(encode_image(IMAGE), tuple(range(DEVICES_PER_REQUEST_MAX))))
    shown = hanota_decode(octets=octets).stdout
    assert f"; and {DEVICES_PER_REQUEST_MAX - 8} more\n" in shown
    assert len(shown) < 3000
    told = facts(octets)["body"]["UpdateFirmware"]["DeviceIDList"]
    assert len(told) == DEVICES_PER_REQUEST_MAX


def test_a_document_for_people_is_indented_and_steers_no_terminal():
    octets = REQUESTS[2][1].replace(
        b"<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>",
        "<sr:JoinService><sr:A>[red]\u009b2J\n\u202e</sr:A><sr:B></sr:B>"
        '<sr:C a="1">x</sr:C><sr:C>y</sr:C></sr:JoinService>'.encode(),
    )
    shown = hanota_decode(octets=octets)
    assert shown.exit_code == 0
    assert (
        "body:\n"
        "  JoinService:\n"
        r"    A: [red]\x9b2J\n\u202e" + "\n"
        "    B:\n"
        "    C:\n"
        "      @a: 1\n"
        "      text: x\n"
        "    C: y\n"
        "signature: absent\n"
    ) in shown.stdout


# --- What is refused ---


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0",
        b"\n\n",
        b"PK\x03\x04",
        b"hello",
        b"12ab",
        b"DE09",
        b"DF09 is hex",
        b"\xef\xbb\xbfDF09",
        "\N{FULLWIDTH LATIN CAPITAL LETTER D}F09".encode(),
        b"\x1e\xf1\xee",
        b'{"kind": "gbcs"}',
        "<a/>".encode("utf-16"),
    ],
)
def test_what_begins_like_no_message_is_refused(octets):
    assert refusal(octets=octets) == NO_MESSAGE


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"DF0", "half an octet"),
        (b"\xdf", "ends within its header"),
        (b"dd", "ends within its header"),
        (gbcs.encode(ALERT) + b"\n", "1 octets follow the message"),
        (gbcs.encode(ALERT).hex().encode() + b"00", "1 octets follow the message"),
        (b"\xdd" + bytes(GBCS_OCTETS_MAX), f"at most {GBCS_OCTETS_MAX} octets"),
        (b"DF" * (GBCS_OCTETS_MAX + 1), f"at most {GBCS_OCTETS_MAX} octets"),
        (gbcs.encode(msgspec.structs.replace(ALERT, content=b"")), "hanota: "),
        (gbcs.encode(msgspec.structs.replace(ALERT, message_code=0x0012)), "0x0012 has no alert"),
        (encode_image(IMAGE)[:-1], "octets in all, and there are"),
        (encode_image(IMAGE) + b"\0", "octets in all, and there are"),
        (b"\x1e\xf1\xee\x0b", "the OTA header needs 56 octets"),
        (b"<", "the document"),
        (b"\xef\xbb\xbf<a/>", "the root is a, not a DUIS Request or Response"),
        (b"\n<?xml version='1.0'?><a/>", "the document"),
        (b"<!DOCTYPE a><a/>", "the document"),
        (REQUESTS[0][1][:-1], "not well-formed XML"),
        (REQUESTS[0][1].replace(b"11.1", b"99.9"), "ServiceReference is none of the schema's"),
    ],
)
def test_what_is_malformed_is_one_sentence(octets, says):
    assert says in refusal(octets=octets)


SAMPLES = [
    protected(COMMAND),
    gbcs.encode(protection.sign(ALERT, PKI.private_key(PPMID, DS))).hex().encode(),
    encode_image(IMAGE),
    dsig.sign_request(update(encode_image(IMAGE)), PKI, PKI),
]


@pytest.mark.parametrize("octets", SAMPLES, ids=["binary", "hex", "ota", "duis"])
def test_every_truncation_is_refused(octets):
    # The document is long: every 7th of its lengths takes every kind of place in it.
    for length in range(0, len(octets), 7 if octets.startswith(b"<") else 1):
        refusal(octets=octets[:length])


@pytest.mark.parametrize("octets", SAMPLES[:3], ids=["binary", "hex", "ota"])
def test_every_bit_flip_is_refused_or_seen_by_a_key(octets, own_keys):
    sound = facts(octets, *own_keys)
    verdicts = [sound[name] for name in ("signature", "mac") if name in sound]
    assert "valid" in verdicts
    for bit in range(0, len(octets) * 8, 5):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        result = hanota_decode(*own_keys, "--json", octets=bytes(flipped))
        assert result.exit_code in (0, 4), bit
        if result.exit_code == 0:
            told = json.loads(result.stdout)
            # What neither signature nor MAC covers: the OTA header, and the case of hex digits.
            outside = told["kind"] == "ota" and bit < 8 * IMAGE.header.header_length
            assert (
                outside
                or told == sound
                or [told[name] for name in ("signature", "mac") if name in told] != verdicts
            ), bit


def test_what_is_too_large_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)  # sparse: it takes no room
    assert f"more than {DUIS_OCTETS_MAX} octets" in refusal(path)
    assert "- has more than" in refusal(octets=b"<" + bytes(DUIS_OCTETS_MAX))
    assert refusal(octets=bytes(DUIS_OCTETS_MAX)) == NO_MESSAGE


def test_files_that_cannot_be_read(tmp_path):
    assert "No such file" in refusal(tmp_path / "none")
    assert "Is a directory" in refusal(tmp_path)


def test_keys_that_cannot_be_read(tmp_path):
    octets = protected(COMMAND)
    assert "no folder with .pem files" in refusal("--certs", tmp_path, octets=octets)
    assert "cannot be read" in refusal("--keystore", tmp_path / "none", octets=octets)
    # What is wrong with the message comes first: nobody looks for a key to no message.
    assert refusal("--keystore", tmp_path / "none", octets=b"?") == NO_MESSAGE


def test_the_verb_needs_a_file():
    assert hanota_decode().exit_code == 2


# --- Any octets ---


def run_on_any(octets: bytes) -> None:
    """Decoded and told, or refused in one sentence; a document may be told and then refused."""
    result = hanota_decode("--json", octets=octets)
    assert result.exit_code in (0, 4)
    assert result.stderr.count("\n") == (result.exit_code == 4)
    if result.stdout:
        told = json.loads(result.stdout)
        assert told["signature"] in ("valid", "invalid", "unknown-key", "absent")
        assert result.exit_code == 0 or (
            told["kind"] == "duis" and ("gbcs" in told or "ota" in told)
        )
    else:
        assert result.exit_code == 4
    shown = hanota_decode(octets=octets)
    assert (shown.exit_code, shown.stderr) == (result.exit_code, result.stderr)
    assert bool(shown.stdout) is bool(result.stdout)


_STARTS = st.sampled_from(
    [b"", b"\xdf\x09", b"\xdd" + bytes(6), b"<", b"\x1e\xf1\xee\x0b", b"DF09"]
)


@given(_STARTS, st.binary(max_size=200) | st.text("0123456789abcdefDF \n").map(str.encode))
def test_any_octets_are_told_or_refused(start, rest):
    run_on_any(start + rest)


@given(messages())
@example(msgspec.structs.replace(ALERT, date_time=bytes(12)))
def test_any_gbcs_message_is_told_unless_its_content_is_malformed(message):
    octets = gbcs.encode(message)
    run_on_any(octets)
    if message.message_code not in USE_CASES:
        told = facts(octets)
        assert told["counter"] == str(message.counter)
        assert told["content"] == message.content.hex().upper()
        assert (told["signature"] == "absent") is (message.signature is None)
        assert (told["mac"] == "absent") is (message.mac is None)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(requests() | responses())
def test_any_document_is_told(document):
    encode = encode_request if isinstance(document, v.Request) else encode_response
    run_on_any(encode(document))


# --- The process ---


def test_logs_keep_off_standard_output_and_come_once(own_keys):
    program = "import typer; from hanota.cli.decode import decode; typer.run(decode)"
    done = subprocess.run(
        [sys.executable, "-c", program, "-", *map(str, own_keys), "--json"],
        input=dsig.sign_request(update(encode_image(IMAGE)), PKI, PKI),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["signature"] == "valid"
    assert done.stderr.decode().count("certificates count whatever their dates") == 1


def test_the_help_has_examples():
    result = hanota_decode("--help")
    assert result.exit_code == 0
    assert "Example: hanota decode command.hex --certs keys" in result.stdout
    assert "hanota decode - --json" in result.stdout
