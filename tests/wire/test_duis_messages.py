"""DUIS messages: golden texts both ways, any message, leniency, limits, what is not written."""

import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from tests.wire.duis_golden import (
    DEVICE,
    HUB,
    PPMID,
    REQUEST_ID,
    REQUESTS,
    RESPONSES,
    TO_DCC,
    request_text,
)
from tests.wire.duis_messages import (
    changed,
    header_of,
    outcome,
    refused,
    request_of,
    requests,
    response_of,
    responses,
)
from tests.wire.duis_referees import schema_faults

from hanota.errors import LocalError, RemoteError
from hanota.limits import DEVICES_PER_REQUEST_MAX, IMAGE_OCTETS_MAX
from hanota.model import RequestID
from hanota.wire import duis
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import (
    encode_request,
    encode_response,
)

XS = "{http://www.w3.org/2001/XMLSchema}"
READ = REQUESTS[2][1]
UPDATE = REQUESTS[1][1]


# --- Golden texts ---


@pytest.mark.parametrize(("request_", "octets"), REQUESTS)
def test_golden_requests_both_ways(request_, octets):
    assert encode_request(request_) == octets
    assert request_of(octets) == request_


@pytest.mark.parametrize(("response", "octets"), RESPONSES)
def test_golden_responses_both_ways(response, octets):
    assert encode_response(response) == octets
    assert response_of(octets) == response


@pytest.mark.oracle
@pytest.mark.parametrize("octets", [octets for _, octets in REQUESTS + RESPONSES])
def test_golden_texts_are_valid_by_the_schema(octets):
    assert schema_faults(octets) == []


@pytest.mark.parametrize(("request_", "octets"), REQUESTS)
def test_a_pretty_printed_request_says_the_same(request_, octets):
    root = etree.fromstring(octets)
    etree.indent(root)
    assert request_of(etree.tostring(root)) == request_


def test_a_default_namespace_and_a_comment_change_nothing():
    octets = READ.replace(b"xmlns:sr", b"xmlns").replace(b"sr:", b"")
    octets = octets.replace(b"90-B3-D5", b"90<!-- of -->-B3-<![CDATA[D5]]>")
    assert request_of(octets) == REQUESTS[2][0]


# --- Any message ---


@given(requests())
def test_any_request_is_read_as_it_was_written(request_):
    assert request_of(encode_request(request_)) == request_


@given(responses())
def test_any_response_is_read_as_it_was_written(response):
    assert response_of(encode_response(response)) == response


@pytest.mark.oracle
@given(requests())
def test_any_request_is_valid_by_the_schema(request_):
    assert schema_faults(encode_request(request_)) == []


@pytest.mark.oracle
@given(responses())
def test_any_response_is_valid_by_the_schema(response):
    assert schema_faults(encode_response(response)) == []


@given(requests() | responses())
def test_what_is_written_is_canonical_and_compact(message):
    encode = encode_request if isinstance(message, v.Request) else encode_response
    octets = encode(message)
    declaration, canonical = octets[:55], octets[55:]
    assert declaration == b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>' + b"<"
    canonical = b"<" + canonical
    assert etree.tostring(etree.fromstring(octets), method="c14n") == canonical
    assert not re.search(rb">\s+<sr:", octets.replace(b"&#xD;", b""))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"")
def test_any_octets_are_a_message_or_a_remote_error(octets):
    for decode in (request_of, response_of, header_of):
        assert outcome(decode, octets).code is DuisFault.NOT_DUIS


@given(st.data())
def test_any_change_of_a_message_gives_a_message_or_a_remote_error(data):
    octets = data.draw(st.sampled_from([text for _, text in REQUESTS + RESPONSES]))
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 40)))
    piece = data.draw(
        st.binary(max_size=20) | st.sampled_from([b"<sr:Body>", b"<x/>", b"</", b">"])
    )
    for decode in (request_of, response_of):
        match outcome(decode, octets[:start] + piece + octets[end:]):
            case RemoteError(code=code, reason=reason):
                assert isinstance(code, ResponseCode | DuisFault)
                assert "\n" not in reason
                assert len(reason) < 250
            case message:
                assert isinstance(message, v.Request | v.Response)


# --- What is taken leniently ---


def test_identifiers_are_read_in_any_case():
    lower = request_of(READ.replace(TO_DCC.encode(), TO_DCC.lower().encode()))
    assert lower == request_of(READ)


def test_the_order_of_requests_is_read_past():
    octets = changed(
        READ,
        "<sr:CommandVariant>",
        "<sr:FirstInSequence>true</sr:FirstInSequence><sr:PrecedingServiceRequestID>"
        f"{TO_DCC}</sr:PrecedingServiceRequestID><sr:CommandVariant>",
    )
    assert schema_faults(octets) == []
    assert request_of(octets) == request_of(READ)


def test_throttled_alerts_are_read_and_never_written():
    octets = next(text for value, text in RESPONSES if b"DeviceAlertMessage><sr:A" in text)
    throttled = changed(
        octets,
        "<sr:GBCSPayload>",
        "<sr:ThrottledAlertSequenceId>1</sr:ThrottledAlertSequenceId>"
        "<sr:ThrottledAlertCount>2</sr:ThrottledAlertCount><sr:GBCSPayload>",
    )
    assert schema_faults(throttled) == []
    assert response_of(throttled) == response_of(octets)
    assert encode_response(response_of(throttled)) == octets


@pytest.mark.parametrize("version", ["5.1", "5.2", "5.4", "6"])
def test_any_schema_version_is_taken(version):
    octets = changed(READ, 'schemaVersion="5.4"', f'schemaVersion="{version}"')
    assert request_of(octets) == request_of(READ)


def test_a_schema_location_is_taken():
    octets = changed(
        READ,
        " schemaVersion",
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"'
        " schemaVersion",
    )
    assert request_of(octets) == request_of(READ)


def test_base64_may_have_line_breaks():
    octets = changed(UPDATE, "HvHuCw==", "\n  HvHu&#13;\n\tCw==\n")
    assert request_of(octets) == request_of(UPDATE)


OTHER_REQUESTS = [
    ("4.16", "<sr:ReadActivePowerImport/>", "ReadActivePowerImport"),
    (
        "6.28",
        "<sr:SetCHFSubGHzConfiguration><sr:Anything/>x</sr:SetCHFSubGHzConfiguration>",
        "SetCHFSubGHzConfiguration",
    ),
]


@pytest.mark.parametrize(("service", "body", "name"), OTHER_REQUESTS)
def test_a_service_that_is_not_modelled_is_read_by_its_name(service, body, name):
    request_ = request_of(request_text(TO_DCC, 1, service, body))
    assert request_.body == v.OtherElement(name)
    assert request_.service_reference == service


def test_answers_and_alerts_that_are_not_modelled_are_read_by_their_name():
    octets = next(text for value, text in RESPONSES if b"PreCommand" in text)
    content = re.sub(
        rb"<sr:PreCommand>.*</sr:PreCommand>", b"<sr:DSPScheduleID>5</sr:DSPScheduleID>", octets
    )
    assert response_of(content).body.content == v.OtherElement("DSPScheduleID")
    octets = next(text for value, text in RESPONSES if b"CommandFailure" in text)
    alert = re.sub(rb"<sr:CommandFailure>.*</sr:CommandFailure>", b"<sr:ECoSAlert/>", octets)
    assert response_of(alert).body.dcc_alert == v.OtherElement("ECoSAlert")
    body = re.sub(
        rb"<sr:Body>.*</sr:Body>", b"<sr:Body><sr:SMETS1ResponseMessage/></sr:Body>", octets
    )
    assert response_of(body).body == v.OtherElement("SMETS1ResponseMessage")


# --- Large requests ---


def large(image: bytes, count: int) -> v.Request:
    devices = tuple(range(0x00DB000000000000, 0x00DB000000000000 + count))
    body = v.UpdatePPMIDFirmware(image, "01020304", devices)
    return v.Request(REQUEST_ID, 8, "11.4", "11.4", body)


def test_the_largest_request_of_the_schema_is_taken():
    request_ = large(bytes(IMAGE_OCTETS_MAX), DEVICES_PER_REQUEST_MAX)
    octets = encode_request(request_)
    assert len(octets) > 14_800_000
    assert request_of(octets) == request_


def test_one_octet_or_one_device_more_is_refused():
    with pytest.raises(LocalError, match="10240001 octets"):
        encode_request(large(bytes(IMAGE_OCTETS_MAX + 1), 1))
    with pytest.raises(LocalError, match="50001 devices"):
        encode_request(large(b"", DEVICES_PER_REQUEST_MAX + 1))
    octets = encode_request(large(bytes(IMAGE_OCTETS_MAX), 1))
    one_more = octets.replace(b"AA==</sr:F", b"AAA=</sr:F").replace(
        b"AAAA</sr:F", b"AAAAAA==</sr:F"
    )
    assert refused(one_more).code is ResponseCode.E110401
    octets = encode_request(large(b"", DEVICES_PER_REQUEST_MAX))
    one_more = octets.replace(b"</sr:DeviceIDList>", b"," + DEVICE.encode() + b"</sr:DeviceIDList>")
    assert "more than 50000 devices" in refused(one_more).reason


# --- What cannot be written ---

READ_REQUEST = REQUESTS[2][0]
ACK = RESPONSES[0][0]


def replaced(value, **changes):
    return msgspec.structs.replace(value, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": RequestID(2**64, 0, 0)},
        {"request_id": RequestID(0, -1, 0)},
        {"request_id": RequestID(0, 0, 2**64)},
        {"command_variant": 0},
        {"command_variant": 10},
        {"service_reference": "11.9"},
        {"service_reference_variant": "11.3"},
        {"body": v.OtherElement("ReadSchedule")},
        {"body": v.ReadInventory(PPMID)},
        {"body": v.ReadFirmwareVersion(-1)},
        {"body": v.ReadFirmwareVersion(10**15)},
    ],
)
def test_a_request_that_breaks_a_rule_is_not_written(changes):
    with pytest.raises(LocalError):
        encode_request(replaced(READ_REQUEST, **changes))


WRONG_BODIES = [
    ("11.1", v.UpdateFirmware(b"", "", (1,))),
    ("11.1", v.UpdateFirmware(b"", "123456789", (1,))),
    ("11.1", v.UpdateFirmware(b"", "\x00", (1,))),
    ("11.1", v.UpdateFirmware(b"", "\ud800", (1,))),
    ("11.1", v.UpdateFirmware(b"", "1", ())),
    ("11.1", v.UpdateFirmware(b"", "1", (2**64,))),
    ("11.3", v.ActivateFirmware(firmware_hash=bytes(31))),
    ("8.2", v.ReadInventory(-1)),
]


@pytest.mark.parametrize(("service", "body"), WRONG_BODIES)
def test_a_body_that_breaks_a_rule_is_not_written(service, body):
    with pytest.raises(LocalError, match=r"^[A-Z][A-Za-z]+ (has|is) "):
        encode_request(v.Request(REQUEST_ID, 8, service, service, body))


@pytest.mark.parametrize(
    "changes",
    [
        {"response_code": "I1<"},
        {"response_date_time_ms": -1},
        {"body": v.OtherElement("SMETS1ResponseMessage")},
        {"body": v.ResponseMessage("11.2", "11.2", v.OtherElement("DSPWANMatrix"))},
        {"body": v.ResponseMessage("11.2", "11.2", v.DSPInventory(()))},
        {"body": v.ResponseMessage("11.2", "11.2", v.GBCSPayload(bytes(70_000)))},
        {"body": v.DeviceAlertMessage(0x10000, b"")},
        {"body": v.DCCAlertMessage("N1000", v.CommsHubFirmwareActivation(HUB, "1"))},
        {"body": v.DCCAlertMessage("N60", v.FirmwareVersionMismatch(HUB, "TOASTER", "1", "2"))},
    ],
)
def test_a_response_that_breaks_a_rule_is_not_written(changes):
    with pytest.raises(LocalError):
        encode_response(replaced(ACK, **changes))


def test_values_are_frozen_and_compared_by_what_they_say():
    assert replaced(READ_REQUEST) == READ_REQUEST
    assert hash(READ_REQUEST) == hash(replaced(READ_REQUEST))
    with pytest.raises(AttributeError):
        READ_REQUEST.command_variant = 2


def test_the_package_shows_what_is_public():
    assert duis.__all__ == [
        "Document",
        "DocumentSigner",
        "Signature",
        "decode_request",
        "decode_response",
        "describe",
        "encode_request",
        "encode_response",
        "open_document",
        "read_signature",
        "request_header",
        "sign_document",
    ]
