"""Contents of the firmware use cases: golden octets, every fault, any octets, any content."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.wire.gbcs_messages import (
    CONTENT_IDS,
    CONTENT_STRATEGIES,
    CONTENTS,
    DATE_TIME,
    HASH,
    TIME_HEX,
    TIME_MS,
    VERSION,
    messages,
)

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import AlertCode, GbcsFault
from hanota.wire.gbcs import ccs08, cs06, cs09, dlms, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipt
from hanota.wire.gbcs.content import decode_content, describe
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import (
    USE_CASES,
    Protection,
    protection_carried,
    protection_due,
)

FORMS = {
    (code, cra): form
    for code, use_case in USE_CASES.items()
    for cra, form in use_case.forms.items()
}
contents = pytest.mark.parametrize(("code", "cra", "content", "octets"), CONTENTS, ids=CONTENT_IDS)


def message(code, cra, content=b"", **fields):
    return GbcsMessage(cra, 5, 0x00DB1234567890A4, 0x90B3D51F30000002, code, content, **fields)


@contents
def test_golden_both_ways(code, cra, content, octets):
    assert FORMS[code, cra].encode(content).hex() == bytes.fromhex(octets).hex()
    assert decode_content(message(code, cra, bytes.fromhex(octets))) == content


def test_golden_and_strategies_have_every_form():
    assert {(code, cra) for code, cra, *_ in CONTENTS} == set(FORMS)
    assert set(CONTENT_STRATEGIES) == set(FORMS)


@contents
def test_every_truncation_and_octet_too_many_is_refused(code, cra, content, octets):
    whole = bytes.fromhex(octets)
    for damaged in (*(whole[:length] for length in range(len(whole))), whole + b"\0"):
        with pytest.raises(RemoteError) as refusal:
            decode_content(message(code, cra, damaged))
        assert isinstance(refusal.value.code, GbcsFault)


@contents
def test_every_bit_flip_is_refused_or_another_content(code, cra, content, octets):
    whole = bytes.fromhex(octets)
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        decoded = content_or_none(message(code, cra, bytes(flipped)))
        if decoded is not None:
            assert decoded != content
            assert FORMS[code, cra].encode(decoded) == flipped


REFUSED = {
    "command with a hash of 31": (0x0012, Cra.COMMAND, "3024 041F" + "00" * 31 + "020101"),
    "command with a time that is no date": (
        0x0012,
        Cra.COMMAND,
        "3036 0420" + "00" * 32 + "020101 180F" + b"20230229000000Z".hex(),
    ),
    "result 4 of an activation": (0x0012, Cra.RESPONSE, "3009 020104 040400000000"),
    "result of 2^63": (0x0012, Cra.RESPONSE, "3011 0209008000000000000000 040400000000"),
    "8F66 after a failure": (
        0x00CA,
        Cra.ALERT,
        f"3024 0203008F66 {TIME_HEX} 020107 3009 020102 040481020304",
    ),
    "8F67 after success": (
        0x00CA,
        Cra.ALERT,
        f"3024 0203008F67 {TIME_HEX} 020107 3009 020100 040481020304",
    ),
    "CS08 command with content": (0x0129, Cra.COMMAND, "040100"),
    "CS08 result 2": (0x0129, Cra.RESPONSE, "3009 040400000000 020102"),
    "CS09 with another code": (
        0x012B,
        Cra.ALERT,
        f"301F 0203008F8A {TIME_HEX} 040481020304 020100",
    ),
    "CS09 result 2": (0x012B, Cra.ALERT, f"301F 0203008F8B {TIME_HEX} 040481020304 020102"),
    "CS09 version of 3": (0x012B, Cra.ALERT, f"301E 0203008F8B {TIME_HEX} 0403810203 020100"),
    "CCS08 8F8A after a failure": (
        0x0128,
        Cra.ALERT,
        f"3029 0203008F8A {TIME_HEX} 040800DB1234567890A4 040481020304 020103",
    ),
    "CCS08 8F89 after success": (
        0x0128,
        Cra.ALERT,
        f"3029 0203008F89 {TIME_HEX} 040800DB1234567890A4 040481020304 020100",
    ),
    "CCS08 result 4": (
        0x0128,
        Cra.ALERT,
        f"3029 0203008F89 {TIME_HEX} 040800DB1234567890A4 040481020304 020104",
    ),
    "CCS08 device id of 7": (
        0x0128,
        Cra.ALERT,
        f"3028 0203008F89 {TIME_HEX} 040700DB1234567890 040481020304 020101",
    ),
    "ECS52 invoke id without 20": (0x0059, Cra.RESPONSE, "DA 40000001 000001 090400000000 010100"),
    "ECS52 version and a failure": (0x0059, Cra.RESPONSE, "DA 20000001 000001 090400000000 010101"),
    "ECS52 neither": (0x0059, Cra.RESPONSE, "DA 20000001 000001 00 010100"),
    "ECS52 overlapping parts": (0x0059, Cra.RESPONSE, "DA 20000001 000001 0101"),
    "ECS52 version of 128": (
        0x0059,
        Cra.RESPONSE,
        "DA 20000001 000001 0980" + "00" * 128 + "010100",
    ),
    "GCS38 version and a failure": (
        0x0084,
        Cra.RESPONSE,
        "0109 01 01 0702 000C 080001 0602 C0 41 04 81020304",
    ),
    "GCS38 neither": (0x0084, Cra.RESPONSE, "0109 01 01 0702 0006 080001 0602 00"),
    "GCS38 no status": (0x0084, Cra.RESPONSE, "0109 01 01 0702 0005 080001 0602"),
    "GCS38 invalid octet string": (
        0x0084,
        Cra.RESPONSE,
        "0109 01 01 0702 0107 080001 0602 00 41 FF" + "00" * 255,
    ),
    "a CS09 command": (0x012B, Cra.COMMAND, "0500"),
    "a CS06 alert under the command's code": (0x0012, Cra.ALERT, "0500"),
}


@pytest.mark.parametrize(("code", "cra", "octets"), REFUSED.values(), ids=REFUSED)
def test_what_the_use_case_does_not_say_is_malformed(code, cra, octets):
    with pytest.raises(RemoteError) as refusal:
        decode_content(message(code, cra, bytes.fromhex(octets)))
    assert refusal.value.code is GbcsFault.MALFORMED


def test_a_receipt_with_another_alert_code_is_unsupported():
    octets = f"0109 01 8F73 00000000 09 20 {HASH.hex()}"
    with pytest.raises(RemoteError) as refusal:
        decode_content(message(0x00CF, Cra.ALERT, bytes.fromhex(octets)))
    assert refusal.value.code is GbcsFault.UNSUPPORTED


SUCCESS = cs06.ActivateFirmwareResult.SUCCESS
LOCAL_FAULTS = {
    "hash of 31": (0x0012, Cra.COMMAND, cs06.ActivateFirmwareCommand(bytes(31), 1)),
    "counter of 65 bits": (0x0012, Cra.COMMAND, cs06.ActivateFirmwareCommand(HASH, 1 << 64)),
    "execution time with milliseconds": (
        0x0012,
        Cra.COMMAND,
        cs06.ActivateFirmwareCommand(HASH, 1, TIME_MS + 1),
    ),
    "CS09 version": (
        0x012B,
        Cra.ALERT,
        cs09.FirmwareActivationAlert(TIME_MS, 1 << 32, cs09.ActivationResult.SUCCESS),
    ),
    "CCS08 device": (
        0x0128,
        Cra.ALERT,
        ccs08.FirmwareTransferAlert(TIME_MS, 1 << 64, 1, ccs08.TransferResult.SUCCESS),
    ),
    "CCS08 version": (
        0x0128,
        Cra.ALERT,
        ccs08.FirmwareTransferAlert(TIME_MS, 1, -1, ccs08.TransferResult.SUCCESS),
    ),
    "ECS52 invoke id of a command": (
        0x0059,
        Cra.COMMAND,
        ecs52.ReadFirmwareVersionCommand(1 << 24),
    ),
    "ECS52 invoke id of a response": (
        0x0059,
        Cra.RESPONSE,
        ecs52.ReadFirmwareVersionResponse(-1, VERSION),
    ),
    "ECS52 version and failure": (
        0x0059,
        Cra.RESPONSE,
        ecs52.ReadFirmwareVersionResponse(1, VERSION, 1),
    ),
    "ECS52 neither": (0x0059, Cra.RESPONSE, ecs52.ReadFirmwareVersionResponse(1, None)),
    "ECS52 result": (0x0059, Cra.RESPONSE, ecs52.ReadFirmwareVersionResponse(1, None, 256)),
    "ECS52 version of 128": (
        0x0059,
        Cra.RESPONSE,
        ecs52.ReadFirmwareVersionResponse(1, bytes(128)),
    ),
    "GCS38 version and failure": (
        0x0084,
        Cra.RESPONSE,
        gcs38.ReadFirmwareVersionResponse(VERSION, 0xC0),
    ),
    "GCS38 neither": (0x0084, Cra.RESPONSE, gcs38.ReadFirmwareVersionResponse(None)),
    "GCS38 status": (0x0084, Cra.RESPONSE, gcs38.ReadFirmwareVersionResponse(None, -1)),
    "GCS38 version of 255": (0x0084, Cra.RESPONSE, gcs38.ReadFirmwareVersionResponse(bytes(255))),
    "ESME receipt code": (
        0x00CE,
        Cra.ALERT,
        receipt.EsmeFirmwareDistributionReceipt(
            AlertCode.PPMID_FIRMWARE_ACTIVATION, 1, DATE_TIME, HASH
        ),
    ),
    "ESME receipt date-time": (
        0x00CE,
        Cra.ALERT,
        receipt.EsmeFirmwareDistributionReceipt(AlertCode.FIRMWARE_VERIFIED, 1, b"", HASH),
    ),
    "GSME receipt hash": (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(AlertCode.FIRMWARE_VERIFIED, TIME_MS, b""),
    ),
    "GSME receipt before 2000": (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(AlertCode.FIRMWARE_VERIFIED, 946_684_799_000, HASH),
    ),
    "GSME receipt after 2136": (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFIED, 946_684_800_000 + (1 << 32) * 1000, HASH
        ),
    ),
    "GSME receipt with milliseconds": (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(AlertCode.FIRMWARE_VERIFIED, TIME_MS + 1, HASH),
    ),
}


@pytest.mark.parametrize(("code", "cra", "content"), LOCAL_FAULTS.values(), ids=LOCAL_FAULTS)
def test_what_does_not_fit_is_a_local_error(code, cra, content):
    with pytest.raises(LocalError):
        FORMS[code, cra].encode(content)


any_content = st.sampled_from(sorted(CONTENT_STRATEGIES)).flatmap(
    lambda form: st.tuples(st.just(form), CONTENT_STRATEGIES[form])
)


@given(any_content)
def test_any_content_survives_the_wire_and_can_be_told(drawn):
    (code, cra), content = drawn
    octets = FORMS[code, cra].encode(content)
    carrier = message(code, cra, octets)
    assert decode_content(carrier) == content
    told = describe(carrier)["content"]
    assert told["name"] == type(content).__name__
    assert msgspec.json.decode(msgspec.json.encode(told)) == told


@given(st.sampled_from(sorted(FORMS)), st.binary(max_size=120))
def test_any_octets_give_a_content_or_a_remote_error(form, octets):
    content = content_or_none(message(*form, octets))
    if content is not None:
        assert FORMS[form].encode(content) == octets


@given(any_content, st.data())
def test_a_damaged_content_gives_a_content_or_a_remote_error(drawn, data):
    form, content = drawn
    octets = bytearray(FORMS[form].encode(content))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    decoded = content_or_none(message(*form, bytes(octets)))
    if decoded is not None:
        assert FORMS[form].encode(decoded) == octets


@given(messages())
def test_any_message_can_be_told_or_its_content_is_refused(carrier):
    try:
        told = describe(carrier)
    except RemoteError:
        assert carrier.message_code in USE_CASES
        return
    assert msgspec.json.decode(msgspec.json.encode(told)) == told


def test_a_message_of_another_use_case_is_told_with_its_content_in_hex():
    carrier = message(
        0x0062,
        Cra.ALERT,
        b"\xab\xcd",
        date_time=bytes.fromhex("FFFFFFFFFFFFFFFFFF8000FF"),
        supplementary_party=0x90B3D51F30010000,
        supplementary_counter=(1 << 64) - 1,
        supplementary_certificate=bytes(9),
    )
    assert decode_content(carrier) is None
    assert describe(carrier) == {
        "kind": "gbcs",
        "cra": "alert",
        "message_code": "0x0062",
        "use_case": None,
        "title": None,
        "originator": "00-DB-12-34-56-78-90-A4",
        "target": "90-B3-D5-1F-30-00-00-02",
        "counter": "5",
        "date_time": {"instant": None, "octets": "FFFFFFFFFFFFFFFFFF8000FF"},
        "supplementary_party": "90-B3-D5-1F-30-01-00-00",
        "supplementary_counter": "18446744073709551615",
        "supplementary_certificate": "00" * 9,
        "content": "ABCD",
    }


def test_a_future_dated_alert_is_told():
    alert = cs06.FutureDatedActivationAlert(
        TIME_MS, 7, cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult(2), VERSION)
    )
    told = describe(message(0x00CA, Cra.ALERT, cs06.encode_alert(alert)))
    assert told["content"] == {
        "name": "FutureDatedActivationAlert",
        "alert_code": "8F67",
        "execution_date_time": "2024-04-30T23:59:59Z",
        "originator_counter": "7",
        "outcome": {
            "name": "ActivateFirmwareOutcome",
            "result": "hash-mismatch",
            "firmware_version": "81020304",
        },
    }


def test_a_transfer_alert_is_told():
    alert = ccs08.FirmwareTransferAlert(
        TIME_MS, 0x00DB1234567890A4, 0xAB, ccs08.TransferResult.HARDWARE_MISMATCH
    )
    told = describe(message(0x0128, Cra.ALERT, ccs08.encode_alert(alert)))
    assert told["content"] == {
        "name": "FirmwareTransferAlert",
        "alert_code": "8F89",
        "instant": "2024-04-30T23:59:59Z",
        "device_id": "00-DB-12-34-56-78-90-A4",
        "firmware_version": "000000AB",
        "result": "hardware-mismatch",
    }


def test_a_receipt_is_told():
    alert = receipt.EsmeFirmwareDistributionReceipt(
        AlertCode.FIRMWARE_VERIFICATION_FAILED, 9, DATE_TIME[:8] + b"\x63" + DATE_TIME[9:], HASH
    )
    told = describe(message(0x00CE, Cra.ALERT, receipt.encode_esme_alert(alert)))
    assert told["content"] == {
        "name": "EsmeFirmwareDistributionReceipt",
        "alert_code": "8F1C",
        "invoke_id": 9,
        "date_time": {
            "instant": "2024-04-30T23:59:59.990Z",
            "octets": "07E8041EFF173B3B638000FF",
        },
        "manufacturer_image_hash": HASH.hex().upper(),
    }


@pytest.mark.parametrize(
    ("octets", "instant"),
    [
        ("07E8041EFF173B3B008000FF", TIME_MS),
        ("07E8041E02173B3B00000000", TIME_MS),
        ("07E8041EFF173B3BFF800002", TIME_MS),
        ("07E8041EFF173B3B63800004", TIME_MS + 990),
        ("FFFF041EFF173B3B008000FF", None),
        ("07E8FF1EFF173B3B008000FF", None),
        ("07E804FFFF173B3B008000FF", None),
        ("07E8041FFF173B3B008000FF", None),
        ("07E8041EFFFF3B3B008000FF", None),
        ("07E8041EFF173B3C008000FF", None),
        ("07E8041EFF173B3B648000FF", None),
        ("07E8041EFF173B3B000001FF", None),
        ("07E8041EFF173B3B008000", None),
    ],
)
def test_the_instant_of_a_date_time(octets, instant):
    assert dlms.date_time_instant_ms(bytes.fromhex(octets)) == instant


@given(st.integers(-62_135_596_800 * 100, 253_402_300_799 * 100 + 99), st.integers(0, 255))
@example(TIME_MS // 10, 0xFF)
def test_any_hundredth_survives_a_date_time(hundredth, clock_status):
    octets = dlms.encode_date_time(hundredth * 10 + 9, clock_status)
    assert octets[-1] == clock_status
    assert dlms.date_time_instant_ms(octets) == hundredth * 10


@pytest.mark.parametrize(("instant", "clock_status"), [(10**18, 0), (10**30, 0), (0, 256)])
def test_what_is_no_date_time_is_a_local_error(instant, clock_status):
    with pytest.raises(LocalError):
        dlms.encode_date_time(instant, clock_status)


def test_the_receipt_of_an_esme_knows_its_instant():
    alert = receipt.EsmeFirmwareDistributionReceipt(
        AlertCode.FIRMWARE_VERIFIED, dlms.invoke_id(0x1_2345_6789), DATE_TIME, HASH
    )
    assert alert.instant_ms == TIME_MS
    assert alert.invoke_id == 0x456789


SIGNED, MACED = Protection.SIGNATURE, Protection.MAC
DUE = {
    (0x0012, Cra.COMMAND): SIGNED | MACED,
    (0x0012, Cra.RESPONSE): SIGNED,
    (0x00CA, Cra.ALERT): SIGNED,
    (0x0129, Cra.COMMAND): MACED,
    (0x0129, Cra.RESPONSE): MACED,
    (0x0059, Cra.COMMAND): MACED,
    (0x0059, Cra.RESPONSE): MACED,
    (0x0084, Cra.COMMAND): MACED,
    (0x0084, Cra.RESPONSE): MACED,
    (0x00CE, Cra.ALERT): SIGNED,
    (0x00CF, Cra.ALERT): SIGNED,
    (0x0128, Cra.ALERT): SIGNED,
    (0x012B, Cra.ALERT): SIGNED,
}


def test_the_protection_due_is_that_of_the_table():
    assert {form: protection_due(message(*form)) for form in FORMS} == DUE
    assert protection_due(message(0x012B, Cra.COMMAND)) is None
    assert protection_due(message(0x0062, Cra.COMMAND)) is None


@pytest.mark.parametrize(
    ("fields", "carried"),
    [
        ({}, Protection.NONE),
        ({"signature": bytes(64)}, SIGNED),
        ({"mac": bytes(12)}, MACED),
        ({"signature": bytes(64), "mac": bytes(12)}, SIGNED | MACED),
    ],
)
def test_the_protection_carried(fields, carried):
    assert protection_carried(message(0x0012, Cra.COMMAND, **fields)) == carried


def content_or_none(carrier):
    try:
        return decode_content(carrier)
    except RemoteError:
        return None
