"""Faulty DUIS messages: the code to answer, what is still readable, and the schema's opinion."""

import re

import pytest
from tests.wire.duis_golden import DEVICE, NOW, NOW_MS, REQUESTS, RESPONSES, TO_DCC
from tests.wire.duis_messages import (
    changed,
    header_of,
    outcome,
    refused,
    request_of,
    response_of,
)
from tests.wire.duis_referees import schema_faults

from hanota.errors import RemoteError
from hanota.limits import INVENTORY_DEVICES_MAX
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis import services
from hanota.wire.duis import values as v

READ = REQUESTS[2][1]
UPDATE = REQUESTS[1][1]

# --- Faults in a request, and the code to answer ---

E11, E12, E13 = ResponseCode.E11, ResponseCode.E12, ResponseCode.E13
E19, E100 = ResponseCode.E19, ResponseCode.E100
FAULTS = [
    (READ, ">1<", ">0<", E11),
    (READ, ">1<", ">10<", E11),
    (READ, ">1<", "><", E11),
    (READ, "<sr:CommandVariant>1</sr:CommandVariant>", "", E11),
    (READ, "Reference>11.2<", "Reference>11.9<", E12),
    (READ, "Variant>11.2<", "Variant>11.2.1<", E13),
    (READ, "Variant>11.2<", "Variant>11.3<", E13),
    (UPDATE, "Reference>11.4<", "Reference>11.1<", E13),
    (UPDATE.replace(b"ServiceReferenceVariant>11.4<", b"ServiceReferenceVariant>11.1<"),
     "Reference>11.4<", "Reference>11.1<", E12),
    (READ, "90-B3-", "90-B-", E100),
    (READ, ":18446744073709551615", ":18446744073709551616", E100),
    (READ, ":18446744073709551615", ":018", E100),
    (READ, ":18446744073709551615", ":-1", E100),
    (READ, "<sr:RequestID>", "<sr:RequestID>5", E100),
    (READ, "<sr:Header>", "<sr:Header>text", E100),
    (READ, "</sr:CommandVariant>", "</sr:CommandVariant>text", E100),
    (READ, "</sr:Header>", "<sr:Extra/></sr:Header>", E100),
    (READ, "</sr:Header>", "</sr:Header><!-- --> text", E100),
    (READ, "<sr:Header>", '<sr:Header Id="x">', E100),
    (READ, "<sr:RequestID>", '<sr:RequestID Id="x">', E100),
    (READ, "<sr:RequestID>", "<sr:RequestID><sr:x/>", E100),
    (READ, ' schemaVersion="5.4"', "", E100),
    (READ, 'schemaVersion="5.4"', 'schemaVersion="five"', E100),
    (READ, 'schemaVersion="5.4"', 'schemaVersion="5.4" Id="x"', E100),
    (READ, "</sr:Body>", "</sr:Body><sr:Body><sr:ReadFirmwareVersion/></sr:Body>", E100),
    (READ, "<sr:ReadFirmwareVersion>", "<sr:ReadFirmwareVersion/><sr:ReadFirmwareVersion>", E100),
    (READ, "<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>", "", E100),
    (READ, "<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>", "text", E100),
    (READ, "<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>", '<x xmlns="urn:x"/>', E100),
    (READ, "<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>", "<ReadFirmwareVersion/>", E100),
    (READ, "</sr:Body>", "</sr:Body><sr:Body/>", E100),
    (UPDATE, "HvHuCw==", "HvHuCw=", ResponseCode.E110401),
    (UPDATE, "HvHuCw==", "HvHuC===", ResponseCode.E110401),
    (UPDATE, "HvHuCw==", "HvHu=w==", ResponseCode.E110401),
    (UPDATE, "HvHuCw==", "HvHuCx==", ResponseCode.E110401),  # a bit that belongs to no octet
    (UPDATE, "HvHuCw==", "HvHu\u00e9w==", ResponseCode.E110401),
    (UPDATE, "HvHuCw==", "<sr:x/>", ResponseCode.E110401),
    (REQUESTS[0][1], "HvHuCw==", "HvHuCw", ResponseCode.E110101),
    (UPDATE, "<sr:FirmwareImage>HvHuCw==</sr:FirmwareImage>", "", ResponseCode.E110401),
    (UPDATE, ">01020304<", "><", E100),
    (UPDATE, ">01020304<", ">010203040<", E100),
    (UPDATE, f">{DEVICE},00-DB-12-34-56-78-90-C0<", "><", E100),
    (UPDATE, f">{DEVICE},", f">{DEVICE},,", E100),
    (UPDATE, f">{DEVICE},", f">{DEVICE}, ", E100),
    (UPDATE, f">{DEVICE},", f"> {DEVICE},", E100),
    (UPDATE, f">{DEVICE},", f">{DEVICE};", E100),
    (UPDATE, f">{DEVICE},", ">,", E100),
    (UPDATE, f">{DEVICE},", ">00-DB-12-34-56-78-90-AG,", E100),
    (UPDATE, f">{DEVICE},", ">00,DB-12-34-56-78-90-A4,", E100),
    (UPDATE, f">{DEVICE},", ">00-DB-12-34-56-78-90A4-,", E100),
    (UPDATE, f">{DEVICE},", ">00-DB-12-34-56-78-90 A4,", E100),
    (UPDATE, f">{DEVICE},", ">00-DB-12-34-56-78-90-\uff21\uff14,", E100),
    (REQUESTS[3][1], NOW, "2026-13-22T15:37:01Z", E100),
    (REQUESTS[3][1], NOW, "2026-11-22 15:37:01Z", E100),
    (REQUESTS[3][1], NOW, "1969-12-31T23:59:59.999Z", E100),
    (REQUESTS[3][1], NOW, "12026-11-22T15:37:01Z", E100),
    (REQUESTS[3][1], NOW, "9999-12-31T23:59:59.999-00:01", E100),
    (REQUESTS[4][1], "000102", "0102", E100),
    (REQUESTS[4][1], "000102", "0G0102", E100),
    (REQUESTS[4][1], "000102", "00000102", E100),
    (REQUESTS[6][1], DEVICE, "00-DB-12-34-56-78-90", E19),
    (REQUESTS[6][1], f"<sr:DeviceID>{DEVICE}</sr:DeviceID>", "<sr:UPRN>1</sr:UPRN>", E19),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "old", "new", "code"), FAULTS)
def test_a_fault_gives_the_code_to_answer(octets, old, new, code):
    octets = changed(octets, old, new)
    assert refused(octets).code is code


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("3000-12-31T00:00:00.00Z", 32_535_129_600_000),
        ("2026-11-22T15:37:01.523Z", NOW_MS),
        ("2026-11-22T15:37:01.5239999999999999Z", NOW_MS),
        ("2026-11-22T16:37:01.523+01:00", NOW_MS),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_times_are_read_in_every_form_of_the_schema(text, instant_ms):
    octets = changed(REQUESTS[3][1], NOW, text)
    assert schema_faults(octets) == []
    assert request_of(octets).body.execution_date_time_ms == instant_ms


# --- What the answer to a faulty request needs ---


@pytest.mark.parametrize(
    "octets", [changed(octets, old, new) for octets, old, new, code in FAULTS if code != E12]
)
def test_a_faulty_request_still_says_what_to_answer(octets):
    match outcome(header_of, octets):
        case RemoteError(code=code):
            assert code is DuisFault.NOT_DUIS
            assert b"11.2.1" in octets
        case header:
            assert header.service_reference in services.SERVICE_REFERENCES


def test_a_header_says_what_could_be_read():
    header = header_of(READ)
    assert header == v.RequestHeader(REQUESTS[2][0].request_id, "11.2", "11.2")
    odd = changed(READ, "90-B3-", "90_B3-")
    assert header_of(odd) == v.RequestHeader(None, "11.2", "11.2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">11.2<", ">11.5<"),
        (">11.2<", "><"),
        (">11.2<", "> 11.2<"),
        ("Variant>11.2<", "Variant>11<"),
        ("<sr:ServiceReference>11.2</sr:ServiceReference>", ""),
        ("sr:Header", "sr:Heading"),
        ("sr:Request", "sr:Demand"),
        ("http://www.dccinterface.co.uk/", "http://www.example.org/"),
    ],
)
def test_what_names_no_service_cannot_be_answered(old, new):
    octets = READ.replace(old.encode(), new.encode())
    assert refused(octets, header_of).code is DuisFault.NOT_DUIS


def test_a_response_is_no_request_and_the_other_way_round():
    for decode in (request_of, header_of):
        assert refused(RESPONSES[0][1], decode).code is DuisFault.NOT_DUIS
    assert refused(READ, response_of).code is DuisFault.NOT_DUIS


# --- Faults in a response ---

BREACH = (
    f"<sr:ADUserThresholdBreach><sr:RequestID>{TO_DCC}</sr:RequestID>"
    "<sr:QuarantineEventRef>99</sr:QuarantineEventRef></sr:ADUserThresholdBreach>"
)
FAULTY_RESPONSES = [
    ("I99", "I99", "X1"),
    ("I99", "I99", "I"),
    ("I99", NOW, "now"),
    ("I99", "</sr:ResponseMessage>", "<sr:GBCSPayload/><sr:GBCSPayload/></sr:ResponseMessage>"),
    ("I99", "</sr:ResponseMessage>", "<x/></sr:ResponseMessage>"),
    ("8F66", "8F66", "8F68"),
    ("8F72", "8F72", "8F"),
    ("8F72", "8F72", "8F720"),
    ("N60", "N60", "X60"),
    ("N60", "Success", "success"),
    ("N60", "</sr:DCCAlert>", "<sr:ECoSAlert/></sr:DCCAlert>"),
    ("N46", "99", "-99"),
    ("N46", BREACH, ""),
    ("N46", BREACH, BREACH * 2),
    ("N46", "sr:ADUserThresholdBreach", "sr:ADOtherBreach"),
    ("DSPInventory", "2025-12-28", "2025-02-30"),
    ("DSPInventory", "2025-12-28", "28.12.2025"),
    ("DSPInventory", "123456789012", "0"),
    ("DSPInventory", "123456789012", "1234567890123"),
]


@pytest.mark.parametrize(("mark", "old", "new"), FAULTY_RESPONSES)
def test_a_faulty_response_is_refused(mark, old, new):
    octets = next(text for _, text in RESPONSES if mark.encode() in text)
    assert old.encode() in octets
    octets = octets.replace(old.encode(), new.encode())
    assert isinstance(refused(octets, response_of).code, ResponseCode)


def test_an_inventory_has_no_more_devices_than_the_schema_lets_it():
    octets = next(text for _, text in RESPONSES if b"DSPInventory" in text)
    device = re.search(rb"<sr:Device>.*?</sr:Device>", octets)[0]
    full = octets.replace(device, device * (INVENTORY_DEVICES_MAX - 1))
    assert len(response_of(full).body.content.devices) == INVENTORY_DEVICES_MAX
    over = octets.replace(device, device * INVENTORY_DEVICES_MAX)
    assert "18 times" in refused(over, response_of).reason


# --- The schema's opinion ---

# Texts around every limit, tried in every element that holds text.
TEXTS = [
    *("", " ", "0", "1", "01", "+1", "-1", "1.0", "9", "10", "65535", "65536", "4294967296"),
    *("999999999999", "1000000000000", "1000000000001", "9" * 20, "1" + "0" * 20, "abc"),
    *(" HvHu ", "HvHu Cw==", "HvHuCw=", "HvHuCx==", "HvHuC", "====", "SGk=", "8F66", "8f67"),
    *("8F68", " 8F66 ", "8F6", "8F66AA", "true", "TRUE", "Success", "success", " Success"),
    *(DEVICE, DEVICE.lower(), f" {DEVICE} ", DEVICE[:-3], f"{DEVICE},{DEVICE}", f"{DEVICE},"),
    *(
        f"{DEVICE}:{DEVICE}:{n}"
        for n in ("0", "00", "18446744073709551615", "18446744073709551616")
    ),
    *("2026-11-22T15:37:01Z", "2026-11-22T15:37:01", "2026-11-22T15:37:01.5+14:00"),
    *("2026-11-22T15:37:01.5+14:01", "2026-11-22T15:37:01-23:00", "2026-11-22T25:00:00Z"),
    *("2026-02-29T00:00:00Z", "0000-11-22T15:37:01Z", "2026-11-22T15:37:60Z", "2026-11-22T15:37Z"),
    *("2026-11-22T15:37:01.Z", "2026-11-22T15:37:01z", "2026-11-22", "2026-11-22Z", "2026-02-30"),
    *("Active", "PPMID", "CHF", "Commissioned", "FileTransferSuccess", "I0", "I1", "W110101"),
    *("N60", "AD1", "11.1", "11.2", "8.14.1", "11.9", "North", "4G North", "A", "AX", "Cellular"),
    *("AA" * 32, "aa" * 32, "AA" * 31, "x" * 8, "x" * 9, "x" * 13, "x" * 14, "x" * 20, "x" * 21),
    *("x" * 30, "x" * 31, "&#13;\t", "\u00e9" * 8),
]
# Their lists in the schema are longer than what hanota sends; any code of their form is read.
READ_BY_FORM = {"ResponseCode", "DCCAlertCode"}


@pytest.mark.oracle
@pytest.mark.parametrize("octets", [octets for _, octets in REQUESTS + RESPONSES])
def test_what_is_read_is_valid_by_the_schema(octets):
    decode = request_of if b"<sr:Request " in octets else response_of
    read = 0
    for leaf in re.finditer(rb"<sr:(\w+)>([^<]*)</sr:\1>", octets):
        for text in TEXTS:
            tried = octets[: leaf.start(2)] + text.encode() + octets[leaf.end(2) :]
            if leaf[1].decode() in READ_BY_FORM or isinstance(outcome(decode, tried), RemoteError):
                continue
            read += 1
            assert schema_faults(tried) == []
    assert read
