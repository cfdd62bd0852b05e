"""Every published GBCS message: decoded, told, and encoded to the same octets again."""

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from tests.vectors import gbcs_vector, require_vectors

from hanota.model import eui_from_text
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import ccs08, cs06, cs08, cs09, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipt
from hanota.wire.gbcs.content import decode_content, describe
from hanota.wire.gbcs.message import Cra, decode, encode
from hanota.wire.gbcs.use_cases import (
    USE_CASES,
    Protection,
    protection_carried,
    protection_due,
)

ESME, GSME, CHF, PPMID = (
    eui_from_text(f"00-DB-12-34-56-78-90-{last}") for last in ("A0", "A1", "A2", "A4")
)
SUPPLIER = eui_from_text("90-B3-D5-1F-30-01-00-00")
ACB = eui_from_text("90-B3-D5-1F-30-00-00-02")

YEAR_2015_MS = 1_420_070_400_000
EXECUTION_MS = 1_894_698_000_000  # 2030-01-15T09:00:00Z
HASH = bytes.fromhex("AA758690730934FF0685AA758690730934FF0685657788990011223344556677")
DATE_TIME = bytes.fromhex("07DF0101FF000000008000FF")
VERSION = bytes.fromhex("0123ABCD")

# Start of the file name: originator, target, counter, content.
VECTORS = {
    "CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND": (
        SUPPLIER,
        ESME,
        1000,
        cs06.ActivateFirmwareCommand(HASH, 1000),
    ),
    "CS06_11.3_IMMEDIATE_SUCCESS_COMMAND": (
        SUPPLIER,
        ESME,
        1000,
        cs06.ActivateFirmwareCommand(HASH, 1000),
    ),
    "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE": (
        ESME,
        SUPPLIER,
        1000,
        cs06.ActivateFirmwareOutcome(
            cs06.ActivateFirmwareResult.SUCCESS, bytes.fromhex("0123ABCE")
        ),
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_PRECOMMAND": (
        SUPPLIER,
        ESME,
        1001,
        cs06.ActivateFirmwareCommand(HASH, 1001, EXECUTION_MS),
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND": (
        SUPPLIER,
        ESME,
        1001,
        cs06.ActivateFirmwareCommand(HASH, 1001, EXECUTION_MS),
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE": (
        ESME,
        SUPPLIER,
        1001,
        cs06.ActivateFirmwareAccepted(),
    ),
    "CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT": (
        ESME,
        SUPPLIER,
        2000,
        cs06.FutureDatedActivationAlert(
            EXECUTION_MS,
            1001,
            cs06.ActivateFirmwareOutcome(
                cs06.ActivateFirmwareResult.SUCCESS, bytes.fromhex("0123ABCF")
            ),
        ),
    ),
    "CS08_11.2_SUCCESS_COMMAND": (ACB, PPMID, 1300, cs08.ReadFirmwareVersionCommand()),
    "CS08_11.2_SUCCESS_RESPONSE": (
        PPMID,
        ACB,
        1300,
        cs08.ReadFirmwareVersionResponse(VERSION, cs08.ReadResult.SUCCESS),
    ),
    "ECS52_11.2_SUCCESS_COMMAND": (SUPPLIER, ESME, 1000, ecs52.ReadFirmwareVersionCommand(1000)),
    "ECS52_11.2_SUCCESS_RESPONSE": (
        ESME,
        SUPPLIER,
        1000,
        ecs52.ReadFirmwareVersionResponse(1000, VERSION),
    ),
    "GCS38_11.2_SUCCESS_COMMAND": (SUPPLIER, GSME, 1000, gcs38.ReadFirmwareVersionCommand()),
    "GCS38_11.2_SUCCESS_RESPONSE": (
        GSME,
        SUPPLIER,
        1000,
        gcs38.ReadFirmwareVersionResponse(VERSION),
    ),
    "CS09_NA_8F8B_ALERT": (
        PPMID,
        ACB,
        5000,
        cs09.FirmwareActivationAlert(YEAR_2015_MS, 0x1234ABCD, cs09.ActivationResult.SUCCESS),
    ),
    "CCS08_NA_NA_ALERT": (
        CHF,
        ACB,
        4000,
        ccs08.FirmwareTransferAlert(YEAR_2015_MS, PPMID, 0x0123ABCD, ccs08.TransferResult.SUCCESS),
    ),
    "FDRA-DLMS_NA_8F72_ALERT": (
        ESME,
        SUPPLIER,
        2000,
        receipt.EsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFIED, 2000, DATE_TIME, b"\x01" * 32
        ),
    ),
    "FDRA-ZigBee_NA_8F72_ALERT": (
        GSME,
        SUPPLIER,
        3000,
        receipt.GsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFIED, YEAR_2015_MS, b"\xa1" * 32
        ),
    ),
}
every = pytest.mark.parametrize("name", VECTORS)


def test_the_table_has_every_vector():
    files = sorted(path.name for path in require_vectors().glob("gbcs/*.HEX"))
    assert sorted(f"{name}_GBCS.HEX" for name in VECTORS) == files


@every
def test_it_decodes_to_what_it_says_and_encodes_to_the_same_octets(name):
    octets = gbcs_vector(name)
    message = decode(octets)
    assert (
        message.originator,
        message.target,
        message.counter,
        decode_content(message),
    ) == VECTORS[name]
    assert encode(message) == octets


@every
def test_its_name_is_that_of_the_use_case(name):
    message = decode(gbcs_vector(name))
    assert USE_CASES[message.message_code].name == name.split("_")[0]
    assert name.upper().endswith(message.cra.name)


@every
def test_its_content_encodes_to_the_same_octets(name):
    message = decode(gbcs_vector(name))
    form = USE_CASES[message.message_code].forms[message.cra]
    assert form.encode(VECTORS[name][3]) == message.content


@every
def test_it_carries_the_protection_that_is_due(name):
    message = decode(gbcs_vector(name))
    if "PRECOMMAND" in name:
        assert protection_carried(message) is Protection.NONE
        assert not message.signature_octet
    else:
        assert protection_carried(message) is protection_due(message)


# GBCS: only CS06 responses have a date-time, and only CS08 a supplementary party.
@every
def test_its_optional_fields(name):
    message = decode(gbcs_vector(name))
    dated = message.message_code == 0x0012 and message.cra is Cra.RESPONSE
    assert message.date_time == (DATE_TIME if dated else None)
    read_for_another = message.message_code == 0x0129
    assert (message.supplementary_party, message.supplementary_counter) == (
        (SUPPLIER, 1000) if read_for_another else (None, None)
    )


@pytest.mark.parametrize("kind", ["IMMEDIATE", "FUTURE_DATED"])
def test_a_pre_command_is_its_command_without_protection(kind):
    command = decode(gbcs_vector(f"CS06_11.3_{kind}_SUCCESS_COMMAND"))
    bare = msgspec.structs.replace(command, signature=None, signature_octet=False, mac=None)
    assert encode(bare) == gbcs_vector(f"CS06_11.3_{kind}_SUCCESS_PRECOMMAND")


# Of the 1,275 published messages three carry a certificate, in other-information of 424 (0x01A8)
# or 425 octets: the certificates have 406 or 407, and follow the counter at once.
def test_other_information_with_the_certificate_of_the_published_party():
    pem = (require_vectors() / "keys/90b3d51f30010000-ka.pem").read_bytes()
    certificate = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    message = msgspec.structs.replace(
        decode(gbcs_vector("CS08_11.2_SUCCESS_COMMAND")), supplementary_certificate=certificate
    )
    octets = encode(message)
    assert bytes.fromhex("00 8201A8 0129 90B3D51F30010000 00000000000003E8") + certificate in octets
    assert decode(octets) == message


def test_a_command_is_told():
    assert describe(decode(gbcs_vector("CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND"))) == {
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
            "manufacturer_image_hash": HASH.hex().upper(),
            "originator_counter": "1001",
            "execution_date_time": "2030-01-15T09:00:00Z",
        },
    }


def test_a_response_to_another_party_is_told():
    assert describe(decode(gbcs_vector("CS08_11.2_SUCCESS_RESPONSE"))) == {
        "kind": "gbcs",
        "cra": "response",
        "message_code": "0x0129",
        "use_case": "CS08",
        "title": "Read PPMID/HCALCS Firmware Version",
        "originator": "00-DB-12-34-56-78-90-A4",
        "target": "90-B3-D5-1F-30-00-00-02",
        "counter": "1300",
        "supplementary_party": "90-B3-D5-1F-30-01-00-00",
        "supplementary_counter": "1000",
        "content": {
            "name": "ReadFirmwareVersionResponse",
            "firmware_version": "0123ABCD",
            "result": "success",
        },
    }


def test_a_dated_response_is_told():
    told = describe(decode(gbcs_vector("CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE")))
    assert told["date_time"] == {
        "instant": "2015-01-01T00:00:00Z",
        "octets": "07DF0101FF000000008000FF",
    }
