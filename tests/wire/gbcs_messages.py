"""GBCS messages and contents for tests: every vector's name, golden contents, and strategies."""

from hypothesis import strategies as st

from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import ccs08, cs06, cs08, cs09, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipt
from hanota.wire.gbcs.message import Cra, GbcsMessage

HASH = bytes(range(0x40, 0x60))
HASH_HEX = HASH.hex()
TIME_MS = 1_714_521_599_000
TIME_HEX = "180F" + b"20240430235959Z".hex()
VERSION = bytes.fromhex("81020304")

DATE_TIME = bytes.fromhex("07E8041EFF173B3B008000FF")

# Message code, CRA, content, octets: written from the layouts of the standard.
CONTENTS = [
    (
        0x0012,
        Cra.COMMAND,
        cs06.ActivateFirmwareCommand(HASH, 0x80),
        f"3026 0420{HASH_HEX} 02020080",
    ),
    (
        0x0012,
        Cra.COMMAND,
        cs06.ActivateFirmwareCommand(HASH, (1 << 64) - 1, TIME_MS),
        f"303E 0420{HASH_HEX} 020900FFFFFFFFFFFFFFFF {TIME_HEX}",
    ),
    (
        0x0012,
        Cra.COMMAND,
        cs06.ActivateFirmwareCommand(HASH, 1, cs06.CANCELLATION_MS),
        f"3036 0420{HASH_HEX} 020101 180F" + b"99991231235959Z".hex(),
    ),
    (0x0012, Cra.RESPONSE, cs06.ActivateFirmwareAccepted(), "0500"),
    *(
        (
            0x0012,
            Cra.RESPONSE,
            cs06.ActivateFirmwareOutcome(result, VERSION),
            f"3009 02010{int(result)} 040481020304",
        )
        for result in cs06.ActivateFirmwareResult
    ),
    (
        0x0012,
        Cra.RESPONSE,
        cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult.SUCCESS, b"1.2.3"),
        "300A 020100 0405312E322E33",
    ),
    (
        0x00CA,
        Cra.ALERT,
        cs06.FutureDatedActivationAlert(
            TIME_MS,
            7,
            cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult.SUCCESS, VERSION),
        ),
        f"3024 0203008F66 {TIME_HEX} 020107 3009 020100 040481020304",
    ),
    (
        0x00CA,
        Cra.ALERT,
        cs06.FutureDatedActivationAlert(
            TIME_MS,
            7,
            cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult.HASH_MISMATCH, VERSION),
        ),
        f"3024 0203008F67 {TIME_HEX} 020107 3009 020102 040481020304",
    ),
    (0x0129, Cra.COMMAND, cs08.ReadFirmwareVersionCommand(), "0500"),
    (
        0x0129,
        Cra.RESPONSE,
        cs08.ReadFirmwareVersionResponse(VERSION, cs08.ReadResult.SUCCESS),
        "3009 040481020304 020100",
    ),
    (
        0x0129,
        Cra.RESPONSE,
        cs08.ReadFirmwareVersionResponse(bytes(4), cs08.ReadResult.FAILURE),
        "3009 040400000000 020101",
    ),
    *(
        (
            0x012B,
            Cra.ALERT,
            cs09.FirmwareActivationAlert(TIME_MS, 0x81020304, result),
            f"301F 0203008F8B {TIME_HEX} 040481020304 02010{int(result)}",
        )
        for result in cs09.ActivationResult
    ),
    *(
        (
            0x0128,
            Cra.ALERT,
            ccs08.FirmwareTransferAlert(TIME_MS, 0x00DB1234567890A4, 0x81020304, result),
            f"3029 {code} {TIME_HEX} 040800DB1234567890A4 040481020304 02010{int(result)}",
        )
        for code, result in zip(
            ("0203008F8A", "0203008F89", "0203008F89", "0203008F89"),
            ccs08.TransferResult,
            strict=True,
        )
    ),
    (
        0x0059,
        Cra.COMMAND,
        ecs52.ReadFirmwareVersionCommand(0xABCDEF),
        "D9 20ABCDEF 00 01 01 0001 0000000201FF 02 01 00",
    ),
    (
        0x0059,
        Cra.RESPONSE,
        ecs52.ReadFirmwareVersionResponse(0xABCDEF, VERSION),
        "DA 20ABCDEF 00 00 01 09 04 81020304 01 01 00",
    ),
    (
        0x0059,
        Cra.RESPONSE,
        ecs52.ReadFirmwareVersionResponse(1, None, 1),
        "DA 20000001 00 00 01 00 01 01 01",
    ),
    (0x0084, Cra.COMMAND, gcs38.ReadFirmwareVersionCommand(), "0109 01 01 0702 0005 000000 0602"),
    (
        0x0084,
        Cra.RESPONSE,
        gcs38.ReadFirmwareVersionResponse(VERSION),
        "0109 01 01 0702 000C 080001 0602 00 41 04 81020304",
    ),
    (
        0x0084,
        Cra.RESPONSE,
        gcs38.ReadFirmwareVersionResponse(None, 0xC0),
        "0109 01 01 0702 0006 080001 0602 C0",
    ),
    (
        0x00CE,
        Cra.ALERT,
        receipt.EsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFIED, 0x010203, DATE_TIME, HASH
        ),
        f"0F 20010203 00 02 03 12 8F72 09 0C {DATE_TIME.hex()} 09 20 {HASH_HEX}",
    ),
    (
        0x00CE,
        Cra.ALERT,
        receipt.EsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFICATION_FAILED, 0, DATE_TIME, HASH
        ),
        f"0F 20000000 00 02 03 12 8F1C 09 0C {DATE_TIME.hex()} 09 20 {HASH_HEX}",
    ),
    (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(AlertCode.FIRMWARE_VERIFIED, TIME_MS, HASH),
        f"0109 01 8F72 2DC4427F 09 20 {HASH_HEX}",
    ),
    (
        0x00CF,
        Cra.ALERT,
        receipt.GsmeFirmwareDistributionReceipt(
            AlertCode.FIRMWARE_VERIFICATION_FAILED, 946_684_800_000, HASH
        ),
        f"0109 01 8F1C 00000000 09 20 {HASH_HEX}",
    ),
]
CONTENT_IDS = [
    f"{code:04X}-{cra.name.lower()}-{row}" for row, (code, cra, *_) in enumerate(CONTENTS)
]

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
u64 = st.integers(0, (1 << 64) - 1)
hashes = st.binary(min_size=32, max_size=32)
whole_seconds_ms = st.integers(-62_135_596_800, 253_402_300_799).map(lambda second: second * 1000)
version_octets = st.binary(max_size=127)
receipt_codes = st.sampled_from(
    [AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED]
)
outcomes = st.builds(
    cs06.ActivateFirmwareOutcome, st.sampled_from(cs06.ActivateFirmwareResult), version_octets
)

# What each form of each use case may say.
CONTENT_STRATEGIES = {
    (0x0012, Cra.COMMAND): st.builds(
        cs06.ActivateFirmwareCommand, hashes, u64, st.none() | whole_seconds_ms
    ),
    (0x0012, Cra.RESPONSE): st.just(cs06.ActivateFirmwareAccepted()) | outcomes,
    (0x00CA, Cra.ALERT): st.builds(
        cs06.FutureDatedActivationAlert, whole_seconds_ms, u64, outcomes
    ),
    (0x0129, Cra.COMMAND): st.just(cs08.ReadFirmwareVersionCommand()),
    (0x0129, Cra.RESPONSE): st.builds(
        cs08.ReadFirmwareVersionResponse, version_octets, st.sampled_from(cs08.ReadResult)
    ),
    (0x012B, Cra.ALERT): st.builds(
        cs09.FirmwareActivationAlert,
        whole_seconds_ms,
        u32,
        st.sampled_from(cs09.ActivationResult),
    ),
    (0x0128, Cra.ALERT): st.builds(
        ccs08.FirmwareTransferAlert,
        whole_seconds_ms,
        u64,
        u32,
        st.sampled_from(ccs08.TransferResult),
    ),
    (0x0059, Cra.COMMAND): st.builds(ecs52.ReadFirmwareVersionCommand, st.integers(0, 0xFFFFFF)),
    (0x0059, Cra.RESPONSE): st.builds(
        ecs52.ReadFirmwareVersionResponse, st.integers(0, 0xFFFFFF), version_octets
    )
    | st.builds(
        ecs52.ReadFirmwareVersionResponse,
        st.integers(0, 0xFFFFFF),
        st.none(),
        st.integers(1, 255),
    ),
    (0x0084, Cra.COMMAND): st.just(gcs38.ReadFirmwareVersionCommand()),
    (0x0084, Cra.RESPONSE): st.builds(gcs38.ReadFirmwareVersionResponse, st.binary(max_size=254))
    | st.builds(gcs38.ReadFirmwareVersionResponse, st.none(), st.integers(1, 255)),
    (0x00CE, Cra.ALERT): st.builds(
        receipt.EsmeFirmwareDistributionReceipt,
        receipt_codes,
        st.integers(0, 0xFFFFFF),
        st.binary(min_size=12, max_size=12),
        hashes,
    ),
    (0x00CF, Cra.ALERT): st.builds(
        receipt.GsmeFirmwareDistributionReceipt,
        receipt_codes,
        u32.map(lambda seconds: 946_684_800_000 + seconds * 1000),
        hashes,
    ),
}


@st.composite
def messages(draw):
    """Any message that the standard's nestings allow."""
    cra = draw(st.sampled_from(Cra))
    supplementary = draw(st.integers(0, 4))
    signature = draw(st.none() | st.binary(min_size=64, max_size=64))
    mac = draw(st.none() | st.binary(min_size=12, max_size=12))
    pre_command = cra is Cra.COMMAND and signature is None and mac is None
    return GbcsMessage(
        cra=cra,
        counter=draw(u64),
        originator=draw(u64),
        target=draw(u64),
        message_code=draw(u16),
        content=draw(st.binary(max_size=300)),
        date_time=draw(st.none() | st.binary(min_size=12, max_size=12)),
        supplementary_party=draw(u64) if supplementary else None,
        supplementary_counter=draw(u64) if supplementary > 1 else None,
        supplementary_originator_counter=draw(u64) if supplementary == 3 else None,
        supplementary_certificate=(
            draw(st.binary(min_size=9, max_size=500)) if supplementary == 4 else None
        ),
        signature=signature,
        signature_octet=draw(st.booleans()) if pre_command else True,
        mac=mac,
    )
