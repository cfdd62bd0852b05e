"""Wireshark reads the messages that hanota writes, and reads the published ones as hanota does."""

import struct
import subprocess

import pytest
from tests.vectors import gbcs_vector, require_tool, require_vectors
from tests.wire.gbcs_messages import CONTENTS, DATE_TIME

from hanota.model import eui_text
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode
from hanota.wire.gbcs.use_cases import USE_CASES

pytestmark = pytest.mark.oracle

HEADER = "gbcs_message.grouping_header."
FIELDS = {
    "cra": HEADER + "cra_flag",
    "counter": HEADER + "originator_counter",
    "originator": HEADER + "business_originator_id",
    "target": HEADER + "business_target_id",
    "message_code": HEADER + "message_code",
    "supplementary_party": HEADER + "supplementary_remote_party_id",
    "supplementary_counter": HEADER + "supplementary_remote_party_counter",
    "supplementary_originator_counter": HEADER + "supplementary_remote_party_originator_counter",
    "signature": "gbcs_message.krp",
    "mac": "gbcs_message.mac",
    "malformed": "_ws.malformed",
}
# Exported PDUs: the capture names the dissector, so no layer below the message is needed.
LINK_TYPE_EXPORTED_PDU = 252
TAG_DISSECTOR_NAME = 12


def dissected(octets, tmp_path):
    """What tshark finds in each message, as text by our field names."""
    capture = tmp_path / "gbcs.pcap"
    capture.write_bytes(exported(octets))
    command = [require_tool("tshark"), "-r", capture, "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS.values():
        command += ["-e", field]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def exported(messages):
    name = b"gbcs_message"
    head = struct.pack(">HH", TAG_DISSECTOR_NAME, len(name)) + name + bytes(4)
    records = b"".join(
        struct.pack("<IIII", 0, 0, len(head + octets), len(head + octets)) + head + octets
        for octets in messages
    )
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_TYPE_EXPORTED_PDU) + records


def told(message):
    """The message in tshark's way of writing."""

    def eui(value):
        return "" if value is None else eui_text(value).replace("-", ":").lower()

    def number(value):
        return "" if value is None else str(value)

    return {
        "cra": f"0x{message.cra:02x}",
        "counter": str(message.counter),
        "originator": eui(message.originator),
        "target": eui(message.target),
        "message_code": f"0x{message.message_code:04x}",
        "supplementary_party": eui(message.supplementary_party),
        "supplementary_counter": number(message.supplementary_counter),
        "supplementary_originator_counter": number(message.supplementary_originator_counter),
        "signature": (message.signature or b"").hex(),
        "mac": (message.mac or b"").hex(),
        "malformed": "",
    }


def test_tshark_reads_the_published_messages_as_we_do(tmp_path):
    # It takes a pre-command without 00 for a message that is cut off.
    names = sorted(
        path.stem for path in require_vectors().glob("gbcs/*.HEX") if "PRECOMMAND" not in path.stem
    )
    octets = [gbcs_vector(name) for name in names]
    assert dissected(octets, tmp_path) == [told(decode(one)) for one in octets]


def test_tshark_reads_every_form_that_we_write(tmp_path):
    messages = [
        GbcsMessage(
            cra,
            (1 << 64) - 1 - row,
            0xF0DB1234567890A4,
            0x90B3D51F30000002,
            code,
            bytes.fromhex(octets),
            date_time=DATE_TIME if row % 2 else None,
            signature=bytes(range(row, row + 64)) if row % 3 else None,
            mac=bytes(range(12)) if row % 3 != 1 else None,
        )
        for row, (code, cra, _, octets) in enumerate(CONTENTS)
    ]
    assert dissected(map(encode, messages), tmp_path) == [told(message) for message in messages]


# Without the certificate: tshark 4.0 looks for an originator counter before it. The published
# messages have none (test_gbcs_vectors: their lengths are those of the certificates and 18).
SUPPLEMENTARY = {
    "party": {"supplementary_party": 1},
    "counter": {"supplementary_party": 1, "supplementary_counter": 2},
    "originator counter": {
        "supplementary_party": 1,
        "supplementary_counter": 2,
        "supplementary_originator_counter": 3,
    },
}


@pytest.mark.parametrize("fields", SUPPLEMENTARY.values(), ids=SUPPLEMENTARY)
def test_tshark_reads_the_supplementary_fields(fields, tmp_path):
    message = GbcsMessage(Cra.COMMAND, 9, 8, 7, 0x0129, b"\x05\x00", mac=bytes(12), **fields)
    assert dissected([encode(message)], tmp_path) == [told(message)]


# tshark 4.0 knows GBCS 2: the use cases of SECMP0007 came later.
@pytest.mark.parametrize("code", [0x0012, 0x0059, 0x0084, 0x00CA])
def test_tshark_names_the_use_case_as_we_do(code, tmp_path):
    capture = tmp_path / "gbcs.pcap"
    message = GbcsMessage(Cra.ALERT, 9, 8, 7, code, b"\x05\x00")
    capture.write_bytes(exported([encode(message)]))
    command = [require_tool("tshark"), "-r", capture, "-V", "-O", "gbcs_message"]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    (line,) = (line for line in run.stdout.splitlines() if "Message Code" in line)
    assert f"(0x{code:04x})" in line
    assert USE_CASES[code].name in line or "Firmware Activation Alert" in line
