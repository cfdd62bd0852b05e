"""Golden messages of every form and outcome, read a second time by others and by another route.

hanota makes them from values and reads them back; `gbcs_golden.txt` has their octets. Independently
of its codecs, Wireshark reads header, signature and MAC; OpenSSL reads DER; zigpy reads ZCL; the
layouts of headers, DLMS and GBZ are cut by hand below; and signature and MAC are computed over the
octets so cut, with OpenSSL's primitives.
"""

import hashlib
import re
import struct
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.vectors import require_tool
from tests.wire.gbcs_messages import DATE_TIME, HASH, VERSION
from tests.wire.gbcs_whole import (
    ACB,
    COUNTER,
    ESME,
    GSME,
    HCALCS,
    HUB,
    OWN,
    PKI,
    PPMID,
    SUPPLIER,
    WHOLE,
    golden,
    protected,
)
from tests.wire.test_gbcs_tshark import dissected, told
from zigpy.zcl import foundation

from hanota.model import KeyUsage
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import decode, encode
from hanota.wire.gbcs.use_cases import USE_CASES

GOLDEN = golden()
names = pytest.mark.parametrize("name", WHOLE)
SUPPLEMENTARY = SUPPLIER.to_bytes(8, "big") + (7).to_bytes(8, "big")
TIME, FAR = "20240430235959Z", "99991231235959Z"
CS06 = (SUPPLIER, 0x0012, b"")

# What each message is to be read as: who to whom, code and supplementary fields, and its content
# as the second reading has it. Written from the standard, apart from the code.
READINGS = {
    "cs06-command": (1, COUNTER, SUPPLIER, HCALCS, 0x0012, b"", [HASH, COUNTER]),
    "cs06-command-future-dated": (1, COUNTER, SUPPLIER, ESME, 0x0012, b"", [HASH, COUNTER, TIME]),
    "cs06-command-cancels": (1, COUNTER, SUPPLIER, GSME, 0x0012, b"", [HASH, COUNTER, FAR]),
    "cs06-response-accepted": (2, COUNTER, HCALCS, *CS06, None),
    "cs06-response-success": (2, COUNTER, HCALCS, *CS06, [0, VERSION]),
    "cs06-response-no-image-held": (2, COUNTER, HCALCS, *CS06, [1, VERSION]),
    "cs06-response-hash-mismatch": (2, COUNTER, HCALCS, *CS06, [2, VERSION]),
    "cs06-response-activation-failure": (2, COUNTER, HCALCS, *CS06, [3, VERSION]),
    **{
        f"cs06-alert-{name}": (
            3,
            OWN,
            HCALCS,
            SUPPLIER,
            0x00CA,
            b"",
            [code, TIME, COUNTER, [result, VERSION]],
        )
        for name, code, result in (
            ("success", 0x8F66, 0),
            ("no-image-held", 0x8F67, 1),
            ("hash-mismatch", 0x8F67, 2),
            ("activation-failure", 0x8F67, 3),
        )
    },
    **{
        f"receipt-esme-{code:04x}": (
            3,
            OWN,
            ESME,
            SUPPLIER,
            0x00CE,
            b"",
            (0x0F, OWN, [code, DATE_TIME, HASH]),
        )
        for code in (0x8F72, 0x8F1C)
    },
    **{
        f"receipt-gsme-{code:04x}": (
            3,
            OWN,
            GSME,
            SUPPLIER,
            0x00CF,
            b"",
            (code, 1_714_521_599 - 946_684_800, HASH),
        )
        for code in (0x8F72, 0x8F1C)
    },
    **{
        f"ccs08-{result}": (
            3,
            OWN,
            HUB,
            ACB,
            0x0128,
            b"",
            [code, TIME, PPMID.to_bytes(8, "big"), VERSION, result],
        )
        for result, code in enumerate((0x8F8A, 0x8F89, 0x8F89, 0x8F89))
    },
    **{
        f"cs09-{result}": (3, OWN, PPMID, ACB, 0x012B, b"", [0x8F8B, TIME, VERSION, result])
        for result in (0, 1)
    },
    "cs08-command": (1, COUNTER, ACB, PPMID, 0x0129, SUPPLEMENTARY, None),
    "cs08-response": (2, COUNTER, PPMID, ACB, 0x0129, SUPPLEMENTARY, [VERSION, 0]),
    "cs08-response-failure": (2, COUNTER, HCALCS, ACB, 0x0129, SUPPLEMENTARY, [bytes(4), 1]),
    "ecs52-command": (1, COUNTER, SUPPLIER, ESME, 0x0059, b"", (0xD9, 1, "read 0.0.0.2.1.255/2")),
    "ecs52-command-of-the-acb": (
        1,
        COUNTER,
        ACB,
        HUB,
        0x0059,
        SUPPLEMENTARY,
        (0xD9, 1, "read 0.0.0.2.1.255/2"),
    ),
    "ecs52-response": (2, COUNTER, ESME, SUPPLIER, 0x0059, b"", (0xDA, 1, VERSION)),
    "ecs52-response-failure": (2, COUNTER, HUB, ACB, 0x0059, SUPPLEMENTARY, (0xDA, 1, 1)),
    "gcs38-command": (1, COUNTER, SUPPLIER, GSME, 0x0084, b"", (0x0702, [0x0206])),
    "gcs38-response": (2, COUNTER, GSME, SUPPLIER, 0x0084, b"", (0x0702, (0x0206, 0, VERSION))),
    "gcs38-response-failure": (
        2,
        COUNTER,
        GSME,
        SUPPLIER,
        0x0084,
        b"",
        (0x0702, (0x0206, 0xC0, None)),
    ),
}


# --- Our own way there and back ---


def test_there_is_one_of_every_form():
    assert GOLDEN.keys() == WHOLE.keys() == READINGS.keys()
    forms = {(code, cra) for code, use_case in USE_CASES.items() for cra in use_case.forms}
    assert {(one.message_code, one.cra) for one in WHOLE.values()} == forms


@names
def test_hanota_makes_and_reads_the_golden_octets(name):
    message = protected(WHOLE[name])
    assert encode(message).hex() == GOLDEN[name].hex()
    assert decode(GOLDEN[name]) == message
    assert decode_content(decode(GOLDEN[name])) is not None


# --- Cut by hand ---


class Cut:
    """A message cut at the offsets of the standard's layout."""

    def __init__(self, octets):
        self.mac = b""
        if octets[0] == 0xDD:
            assert octets[1:7] == bytes(6)
            length, at = length_at(octets, 7)
            assert at + length == len(octets)
            assert octets[at : at + 5] == b"\x11" + bytes(4)
            octets, self.mac = octets[at + 5 : -12], octets[-12:]
        self.inner = octets
        assert octets[:2] == b"\xdf\x09"
        assert octets[11] == octets[20] == 8
        self.cra, self.counter = octets[2], octets[3:11]
        self.originator, self.target = octets[12:20], octets[21:29]
        at = 30 + octets[29]
        self.date_time = octets[30:at]
        length, at = length_at(octets, at)
        self.code, self.supplementary = octets[at : at + 2], octets[at + 2 : at + length]
        length, at = length_at(octets, at + length)
        self.content, rest = octets[at : at + length], octets[at + length :]
        self.signed = octets[1 : at + length]
        assert len(rest) == 1 + rest[0]
        self.signature = rest[1:]


def length_at(octets, at):
    """A BER length, and where it ends."""
    if octets[at] < 0x80:
        return octets[at], at + 1
    width = octets[at] & 0x7F
    return int.from_bytes(octets[at + 1 : at + 1 + width], "big"), at + 1 + width


def read_dlms(content):
    """Tag, long-invoke-id, and what is asked or said."""
    tag, invoke_id = content[0], int.from_bytes(content[1:5], "big")
    assert invoke_id >> 24 == 0x20
    return tag, invoke_id & 0xFFFFFF, _DLMS[tag](content[5:])


def _access_request(rest):
    assert rest[:4] == bytes.fromhex("00 01 01 00")
    obis, attribute = ".".join(map(str, rest[5:11])), rest[11]
    assert rest[4] == 1  # class 1, Data
    assert rest[12:] == bytes.fromhex("01 00")
    return f"read {obis}/{attribute}"


def _access_response(rest):
    assert rest[:3] == bytes.fromhex("00 00 01")
    if rest[3] == 9:
        value, rest = rest[5 : 5 + rest[4]], rest[5 + rest[4] :]
        assert rest == bytes.fromhex("01 01 00")
        return value
    assert rest[3:6] == bytes.fromhex("00 01 01")
    return rest[6]


def _data_notification(rest):
    assert rest[:3] == bytes.fromhex("00 02 03")
    assert rest[3] == 0x12
    code, rest = int.from_bytes(rest[4:6], "big"), rest[6:]
    said = [code]
    while rest:
        assert rest[0] == 9
        said.append(rest[2 : 2 + rest[1]])
        rest = rest[2 + rest[1] :]
    return said


_DLMS = {0xD9: _access_request, 0xDA: _access_response, 0x0F: _data_notification}


def read_gbz(content):
    """Cluster and what its ZCL frame says, as zigpy has it; or what a receipt says."""
    assert content[:2] == bytes.fromhex("0109")
    assert content[2] == 1
    if content[3:4] == b"\x8f":
        code, seconds = struct.unpack(">HI", content[3:9])
        assert content[9:11] == b"\x09\x20"
        return code, seconds, content[11:]
    assert content[3] == 1  # the last component
    cluster, length = struct.unpack(">HH", content[4:8])
    assert len(content) == 8 + length
    header, rest = foundation.ZCLHeader.deserialize(content[8:])
    if header.command_id == foundation.GeneralCommand.Read_Attributes:
        return cluster, [int.from_bytes(rest, "little")]
    record, rest = foundation.ReadAttributeRecord.deserialize(rest)
    assert rest == b""
    value = None if record.value is None else bytes(record.value.value)
    return cluster, (int(record.attrid), int(record.status), value)


def read_der(content):
    """What OpenSSL finds, in nested lists; a SEQUENCE is a list, NULL is None."""
    command = [require_tool("openssl"), "asn1parse", "-inform", "DER", "-dump"]
    run = subprocess.run(command, input=content, capture_output=True, check=True)
    flat = []
    for line in run.stdout.decode().splitlines():
        found = re.match(r" *(\d+):d=(\d+) +hl=(\d+) +l= *(\d+) +(?:cons|prim): +(\S.*)", line)
        if found:
            at, depth, head, length = map(int, found.groups()[:4])
            flat.append((depth, found[5], content[at + head : at + head + length]))
    return _nested(flat)


def _nested(flat):
    root = []
    open_lists = {0: root}
    for depth, kind, octets in flat:
        value = _DER[kind.split()[0].rstrip(":")](octets)
        open_lists[depth].append(value)
        if isinstance(value, list):
            open_lists[depth + 1] = value
    (only,) = root
    return only


_DER = {
    "SEQUENCE": lambda _: [],
    "INTEGER": lambda octets: int.from_bytes(octets, "big"),
    "OCTET": bytes,
    "GENERALIZEDTIME": lambda octets: octets.decode(),
    "NULL": lambda _: None,
}
READERS = {0x0059: read_dlms, 0x00CE: read_dlms, 0x0084: read_gbz, 0x00CF: read_gbz}


@names
def test_a_second_reading_says_the_same(name):
    cut = Cut(GOLDEN[name])
    code = int.from_bytes(cut.code, "big")
    told_ = (
        cut.cra,
        int.from_bytes(cut.counter, "big"),
        int.from_bytes(cut.originator, "big"),
        int.from_bytes(cut.target, "big"),
        code,
        cut.supplementary,
        READERS.get(code, read_der)(cut.content),
    )
    assert told_ == READINGS[name]
    is_response_to_11_3 = (cut.cra, code) == (2, 0x0012)
    assert cut.date_time == (DATE_TIME if is_response_to_11_3 else b"")


# --- Protection ---


def signer_key(originator):
    (certificate, *_) = PKI.find(int.from_bytes(originator, "big"), KeyUsage.DIGITAL_SIGNATURE)
    return certificate.public_key


@names
def test_signature_and_mac_are_over_the_octets_so_cut(name):
    cut = Cut(GOLDEN[name])
    code = int.from_bytes(cut.code, "big")
    signed = code in (0x0012, 0x00CA, 0x00CE, 0x00CF, 0x0128, 0x012B)
    assert bool(cut.signature) == signed
    assert bool(cut.mac) == (not signed or (cut.cra, code) == (1, 0x0012))
    if signed:
        r, s = (int.from_bytes(half, "big") for half in (cut.signature[:32], cut.signature[32:]))
        key = signer_key(cut.originator)
        key.verify(encode_dss_signature(r, s), cut.signed, ec.ECDSA(hashes.SHA256()))
    if cut.mac:
        assert cut.mac == mac_of(cut)


def mac_of(cut):
    """From the device's side: the organisation is the ACB for a command, else the target."""
    device = cut.target if cut.cra == 1 else cut.originator
    organisation = ACB if cut.cra == 1 else int.from_bytes(cut.target, "big")
    private_key = PKI.private_key(int.from_bytes(device, "big"), KeyUsage.KEY_AGREEMENT)
    peer = PKI.certificate(organisation, KeyUsage.KEY_AGREEMENT).public_key
    z = private_key.exchange(ec.ECDH(), peer)
    info = bytes.fromhex("60857406080300") + cut.originator + b"\x09" + bytes([cut.cra])
    key = hashlib.sha256(b"\0\0\0\1" + z + info + cut.counter + cut.target).digest()[:16]
    covered = b"\x11" + bytes(5) + cut.inner
    return AESGCM(key).encrypt(cut.originator + bytes(4), b"", covered)[:12]


@pytest.mark.oracle
def test_wireshark_reads_all_of_them(tmp_path):
    assert dissected(GOLDEN.values(), tmp_path) == [told(decode(one)) for one in GOLDEN.values()]
