"""What `hanota decode --json` shows of a DUIS document."""

import json
import re

import pytest
from hypothesis import given
from tests.vectors import duis_vector, require_vectors
from tests.wire.duis_golden import DEVICE, IDS, NOW, REQUESTS, RESPONSES, TO_DCC, request_text
from tests.wire.duis_messages import requests, responses
from tests.wire.duis_referees import SERIAL, SIGNER

from hanota.errors import RemoteError
from hanota.wire.duis import values as v
from hanota.wire.duis.describe import describe
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import encode_request, encode_response


def shown(octets: bytes) -> dict:
    return describe(open_document(octets))


def golden(mark: bytes) -> bytes:
    return next(octets for _, octets in REQUESTS + RESPONSES if mark in octets)


def test_a_request_is_shown_under_the_names_of_the_schema():
    assert shown(golden(b"UpdatePPMIDFirmware")) == {
        "kind": "duis",
        "message": "Request",
        "schema_version": "5.4",
        "header": {
            "RequestID": TO_DCC,
            "CommandVariant": 8,
            "ServiceReference": "11.4",
            "ServiceReferenceVariant": "11.4",
        },
        "body": {
            "UpdatePPMIDFirmware": {
                "FirmwareImage": {
                    "octets": 4,
                    "sha256": "4edeff0f363fed5a1ac3e627da6c45145118ff035491bb4d9910c3c3493b571b",
                },
                "FirmwareVersion": "01020304",
                "DeviceIDList": IDS.split(","),
            }
        },
        "signature": None,
    }


def test_a_response_is_shown_likewise():
    content = shown(golden(b"<sr:DSPInventory>"))["body"]["ResponseMessage"]["DSPInventory"]
    assert content["Device"][0] == {
        "DeviceID": DEVICE,
        "DeviceType": "PPMID",
        "DeviceStatus": "Commissioned",
        "DeviceManufacturer": "GEO & Co",
        "DeviceModel": "<9001>\r",
        "DateCommissioned": "2025-12-28",
        "UPRN": 123456789012,
        "PropertyFilter": {"PostCode": "SW1A 1AA", "AddressIdentifier": "10"},
    }


def test_times_codes_hashes_and_payloads_are_text():
    alert = shown(golden(b"PPMIDAlert"))["body"]["DCCAlertMessage"]["DCCAlert"]["PPMIDAlert"]
    assert (alert["DeviceAlertCode"], alert["Timestamp"]) == ("8F8B", NOW)
    body = shown(golden(b"ActivateFirmware"))["body"]["ActivateFirmware"]
    assert body == {"FirmwareHash": bytes(range(32)).hex().upper()}
    body = shown(golden(b"<sr:DeviceAlertMessage>"))["body"]["DeviceAlertMessage"]
    assert body == {"AlertCode": "8F72", "GBCSPayload": "df0903"}
    assert (
        shown(golden(b"<sr:GBCSPayload>3QA="))["body"]["ResponseMessage"]["GBCSPayload"] == "dd00"
    )
    breach = shown(golden(b"Quarantined"))["body"]["DCCAlertMessage"]["DCCAlert"]
    assert breach == {
        "QuarantinedRequest": {
            "ADUserThresholdBreach": {"RequestID": TO_DCC, "QuarantineEventRef": 99}
        }
    }


def test_a_lower_case_identifier_is_shown_in_upper_case():
    octets = golden(b"UpdatePPMID").replace(TO_DCC.encode(), TO_DCC.lower().encode())
    assert shown(octets)["header"]["RequestID"] == TO_DCC


def test_what_is_not_modelled_is_shown_as_a_tree():
    body = (
        "<sr:CreateSchedule><sr:A>1</sr:A><sr:B><sr:C/><sr:C>2</sr:C>"
        '<sr:D index="3">4</sr:D></sr:B></sr:CreateSchedule>'
    )
    assert shown(request_text(TO_DCC, 8, "5.1", body))["body"] == {
        "CreateSchedule": {"A": "1", "B": {"C": ["", "2"], "D": {"@index": "3", "text": "4"}}}
    }


@pytest.mark.parametrize(
    ("mark", "element", "path"),
    [
        (b"<sr:PreCommand>", b"PreCommand", ("ResponseMessage",)),
        (b"CommandFailure", b"CommandFailure", ("DCCAlertMessage", "DCCAlert")),
        (b"PPMIDAlert", b"DCCAlertMessage", ()),
    ],
)
def test_what_is_not_modelled_inside_an_answer_is_shown_as_a_tree(mark, element, path):
    old = rb"<sr:%b>.*</sr:%b>" % (element, element)
    octets = re.sub(old, b"<sr:Other><sr:Deep>text</sr:Deep></sr:Other>", golden(mark))
    body = shown(octets)["body"]
    for name in path:
        body = body[name]
    assert body["Other"] == {"Deep": "text"}


def test_a_signature_is_shown_by_who_it_names():
    assert shown(encode_request(REQUESTS[0][0], SIGNER))["signature"] == {
        "issuer": "CN=Z1,OU=07",
        "serial": str(SERIAL),
    }


def test_a_wrong_signature_is_shown_by_its_fault():
    octets = encode_request(REQUESTS[0][0], SIGNER).replace(b"01020304", b"01020305")
    assert "digest" in shown(octets)["signature"]["fault"]
    assert "7 octets" in shown(duis_vector("11.1"))["signature"]["fault"]


def test_a_malformed_document_is_not_shown():
    with pytest.raises(RemoteError):
        shown(golden(b"UpdateFirmware").replace(b"HvHuCw==", b"HvHuCw"))


@given(requests() | responses())
def test_any_message_is_shown_in_what_json_can_hold(message):
    encode = encode_request if isinstance(message, v.Request) else encode_response
    what = shown(encode(message))
    assert json.loads(json.dumps(what)) == what
    assert what["message"] == type(message).__name__


def test_every_published_document_is_shown():
    for path in require_vectors().glob("duis/*"):
        assert None not in shown(path.read_bytes())["body"].values()
