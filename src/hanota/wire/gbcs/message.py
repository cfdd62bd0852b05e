"""GBCS messages of every use case: header, content, signature and MAC, as octets and as values.

Source: GBCS 4.x, general-signing (the grouping header and the signature) within general-ciphering
(the MAC header), as the public RTDS messages have them. Three nestings of the same octets:

    pre-command      DF header content              (a single 00 may follow)
    signed message   DF header content 40 signature
    MACed message    DD header [DF header content (00 | 40 signature)] MAC

Decoding is strict, lengths are minimal, and whatever is accepted encodes to the same octets.

Not here: what a content says (`hanota.wire.gbcs.content`), keys and checks
(`hanota.smki.protection`), General Block Transfer, which is refused as unsupported.
"""

import struct
from enum import IntEnum
from typing import Any

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import GBCS_OCTETS_MAX, MAC_OCTETS, SIGNATURE_OCTETS
from hanota.wire.codes import GbcsFault
from hanota.wire.gbcs.dlms import DATE_TIME_OCTETS


class Cra(IntEnum):
    """Command, response or alert: the first octet of the transaction id."""

    COMMAND = 1
    RESPONSE = 2
    ALERT = 3


class GbcsMessage(msgspec.Struct, frozen=True, gc=False):
    """One GBCS message; EUI-64s and counters are ints of 64 bits.

    The supplementary fields build on each other: a counter needs a party, and an originator
    counter or a certificate (one of the two) needs a counter.
    """

    cra: Cra
    counter: int  # Originator Counter
    originator: int  # Business Originator ID
    target: int  # Business Target ID
    message_code: int  # 16 bits; names the use case
    content: bytes
    date_time: bytes | None = None  # DLMS date-time, 12 octets (`hanota.wire.gbcs.dlms`)
    supplementary_party: int | None = None  # who asked, where the ACB is the originator
    supplementary_counter: int | None = None
    supplementary_originator_counter: int | None = None
    supplementary_certificate: bytes | None = None  # key agreement, DER, at least 9 octets
    signature: bytes | None = None  # r and s, 64 octets
    signature_octet: bool = True  # the 00 or 40 after the content; only a pre-command lacks it
    mac: bytes | None = None  # 12 octets


def decode(octets: bytes) -> GbcsMessage:
    """Read one whole message; RemoteError(GbcsFault) when the octets are anything else."""
    if len(octets) > GBCS_OCTETS_MAX:
        raise RemoteError(
            GbcsFault.TOO_LARGE, f"a GBCS message has at most {GBCS_OCTETS_MAX} octets"
        )
    try:
        if octets[0] == _GENERAL_SIGNING:
            return _decode_signing(octets, None)
        if octets[0] == _GENERAL_CIPHERING:
            return _decode_ciphering(octets)
    except (IndexError, struct.error):
        raise RemoteError(GbcsFault.TRUNCATED, "the GBCS message ends within its header") from None
    raise RemoteError(
        GbcsFault.MALFORMED, f"a GBCS message begins with DF or DD, not {octets[0]:02X}"
    )


def encode(message: GbcsMessage) -> bytes:
    """Write a message; LocalError when a field does not fit or lacks one that it needs."""
    signing = _encode_signing(message)
    if message.mac is None:
        octets = signing
    elif len(message.mac) != MAC_OCTETS or not message.signature_octet:
        raise LocalError("a MAC has 12 octets and covers a signature-length octet")
    else:
        body = _SECURITY_HEADER + signing + message.mac
        octets = _CIPHERING_HEADER + _encode_length(len(body)) + body
    if len(octets) > GBCS_OCTETS_MAX:
        raise LocalError(f"a GBCS message has at most {GBCS_OCTETS_MAX} octets, not {len(octets)}")
    return octets


def signed_octets(message: GbcsMessage) -> bytes:
    """What a signature covers: from the transaction id to the last content octet.

    The tag DF before and the signature length after are outside. LocalError as for `encode`.
    """
    date_time = message.date_time
    if date_time is None:
        date_time = b""
    elif len(date_time) != DATE_TIME_OCTETS:
        raise LocalError(f"a date-time has {DATE_TIME_OCTETS} octets, not {len(date_time)}")
    try:
        transaction = _TRANSACTION.pack(
            _TRANSACTION_OCTETS,
            message.cra,
            message.counter,
            _EUI_OCTETS,
            message.originator,
            _EUI_OCTETS,
            message.target,
            len(date_time),
        )
        information = _encode_other_information(message)
    except struct.error:
        raise LocalError("a counter or EUI-64 has 64 bits, a message code has 16") from None
    content = message.content
    return b"".join(
        (
            transaction,
            date_time,
            _encode_length(len(information)),
            information,
            _encode_length(len(content)),
            content,
        )
    )


def mac_input(message: GbcsMessage) -> bytes:
    """What a MAC covers (the AAD): the security header, 00, and the whole message from its DF.

    The signature-length octet is inside whether or not the message has it yet. A draft of GBCS
    has the security control byte alone in front; the public messages have five octets more.
    """
    if message.signature_octet:
        return _AAD_HEADER + _encode_signing(message)
    return _AAD_HEADER + _encode_signing(message) + _NO_SIGNATURE


_GENERAL_SIGNING = 0xDF
_GENERAL_CIPHERING = 0xDD
# Tag, then five empty fields and an absent key-info.
_CIPHERING_HEADER = bytes.fromhex("DD 000000000000")
# Authentication only, suite 1; the invocation counter is always zero.
_SECURITY_HEADER = bytes.fromhex("11 00000000")
_AAD_HEADER = _SECURITY_HEADER + b"\0"
_NO_SIGNATURE = b"\0"

_TRANSACTION_OCTETS = 9
_EUI_OCTETS = 8
_DATE_TIME_LENGTHS = frozenset({0, DATE_TIME_OCTETS})
# Length and CRA, counter, length and originator, length and target, length of the date-time.
_TRANSACTION = struct.Struct(">BBQBQBQB")
_TRANSACTION_END = 1 + _TRANSACTION.size

# Other-information by its length: message code, then supplementary party, its counter, and the
# supplementary originator counter. A length beyond these has a certificate after the counter.
_OTHER_INFORMATION = {
    form.size: form
    for form in (
        struct.Struct(">H"),
        struct.Struct(">HQ"),
        struct.Struct(">HQQ"),
        struct.Struct(">HQQQ"),
    )
}
_OTHER_INFORMATION_FIELDS = 5
_MESSAGE_CODE_OCTETS = 2
_CERTIFICATE_OFFSET = 18
_CERTIFICATE_OCTETS_MIN = 9

_CRA = {int(cra): cra for cra in Cra}


def _decode_ciphering(octets: bytes) -> GbcsMessage:
    if octets[1] != 0:
        raise RemoteError(GbcsFault.UNSUPPORTED, "General Block Transfer is not supported")
    if any(octets[1 : len(_CIPHERING_HEADER)]):
        raise RemoteError(GbcsFault.MALFORMED, "a field of the MAC header is not empty")
    length, start = _decode_length(octets, len(_CIPHERING_HEADER))
    _require_end(octets, start + length)
    if not octets.startswith(_SECURITY_HEADER, start):
        raise RemoteError(GbcsFault.MALFORMED, "the security header of the MAC is not 11 00000000")
    signing = octets[start + len(_SECURITY_HEADER) : -MAC_OCTETS]
    if signing[0] != _GENERAL_SIGNING:
        raise RemoteError(GbcsFault.MALFORMED, "the MAC header is not followed by DF")
    return _decode_signing(signing, octets[-MAC_OCTETS:])


def _decode_signing(octets: bytes, mac: bytes | None) -> GbcsMessage:
    (
        transaction_octets,
        cra_octet,
        counter,
        originator_octets,
        originator,
        target_octets,
        target,
        date_time_octets,
    ) = _TRANSACTION.unpack_from(octets, 1)
    cra = _CRA.get(cra_octet)
    if (
        transaction_octets != _TRANSACTION_OCTETS
        or originator_octets != _EUI_OCTETS
        or target_octets != _EUI_OCTETS
        or date_time_octets not in _DATE_TIME_LENGTHS
        or cra is None
    ):
        raise RemoteError(GbcsFault.MALFORMED, "a length or the CRA flag of the header is wrong")
    position = _TRANSACTION_END + date_time_octets
    date_time = octets[_TRANSACTION_END:position] if date_time_octets else None

    length, position = _decode_length(octets, position)
    code, party, party_counter, originator_counter, certificate = _decode_other_information(
        octets, position, length
    )
    length, position = _decode_length(octets, position + length)
    end = position + length
    signature, signature_octet = _decode_signature(octets, end)
    if not signature_octet and (cra is not Cra.COMMAND or mac is not None):
        raise RemoteError(GbcsFault.TRUNCATED, "the message ends before its signature length")
    return GbcsMessage(
        cra,
        counter,
        originator,
        target,
        code,
        octets[position:end],
        date_time,
        party,
        party_counter,
        originator_counter,
        certificate,
        signature,
        signature_octet,
        mac,
    )


def _decode_other_information(octets: bytes, position: int, length: int) -> tuple[Any, ...]:
    """Message code, party, its counter, originator counter, certificate; None for the absent."""
    form = _OTHER_INFORMATION.get(length)
    if form is not None:
        numbers = form.unpack_from(octets, position)
        return numbers + (None,) * (_OTHER_INFORMATION_FIELDS - len(numbers))
    if length < _CERTIFICATE_OFFSET + _CERTIFICATE_OCTETS_MIN:
        raise RemoteError(GbcsFault.MALFORMED, f"other-information cannot have {length} octets")
    code, party, counter = _OTHER_INFORMATION[_CERTIFICATE_OFFSET].unpack_from(octets, position)
    certificate = octets[position + _CERTIFICATE_OFFSET : position + length]
    return code, party, counter, None, certificate


def _decode_signature(octets: bytes, position: int) -> tuple[bytes | None, bool]:
    """The signature that ends the message, and whether its length octet stands there."""
    if len(octets) == position:
        return None, False
    length = octets[position]
    if length not in {0, SIGNATURE_OCTETS}:
        raise RemoteError(GbcsFault.MALFORMED, f"a signature cannot have {length} octets")
    _require_end(octets, position + 1 + length)
    return (octets[position + 1 :] if length else None), True


def _require_end(octets: bytes, end: int) -> None:
    if len(octets) < end:
        raise RemoteError(GbcsFault.TRUNCATED, f"the message lacks {end - len(octets)} octets")
    if len(octets) > end:
        raise RemoteError(GbcsFault.TRAILING, f"{len(octets) - end} octets follow the message")


def _decode_length(octets: bytes, position: int) -> tuple[int, int]:
    """A minimal length of 1 to 3 octets, and the position after it; IndexError at the end."""
    first = octets[position]
    if first < 0x80:
        return first, position + 1
    if first == 0x81 and octets[position + 1] >= 0x80:
        return octets[position + 1], position + 2
    if first == 0x82 and octets[position + 1]:
        return octets[position + 1] << 8 | octets[position + 2], position + 3
    raise RemoteError(GbcsFault.MALFORMED, "a length is not in its shortest form of 1 to 3 octets")


def _encode_length(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    if length < 0x100:
        return bytes((0x81, length))
    if length > 0xFFFF:
        raise LocalError(f"{length} octets do not fit a GBCS message")
    return bytes((0x82, length >> 8, length & 0xFF))


def _encode_signing(message: GbcsMessage) -> bytes:
    octets = b"\xdf" + signed_octets(message)
    if message.signature is None:
        if message.signature_octet:
            return octets + _NO_SIGNATURE
        if message.cra is not Cra.COMMAND:
            raise LocalError("only a pre-command has no signature-length octet")
        return octets
    if len(message.signature) != SIGNATURE_OCTETS or not message.signature_octet:
        raise LocalError("a signature has 64 octets and a signature-length octet")
    return octets + b"\x40" + message.signature


def _encode_other_information(message: GbcsMessage) -> bytes:
    """Message code and supplementary fields; struct.error when a number does not fit."""
    numbers = (
        message.supplementary_party,
        message.supplementary_counter,
        message.supplementary_originator_counter,
    )
    given = numbers[: len(numbers) - numbers.count(None)]
    if None in given:
        raise LocalError("a supplementary counter needs the field before it")
    form = _OTHER_INFORMATION[_MESSAGE_CODE_OCTETS + 8 * len(given)]
    information = form.pack(message.message_code, *given)
    certificate = message.supplementary_certificate
    if certificate is None:
        return information
    if form.size != _CERTIFICATE_OFFSET or len(certificate) < _CERTIFICATE_OCTETS_MIN:
        raise LocalError("a supplementary certificate follows a party and its counter")
    return information + certificate
