"""Radio frames under NWK and APS security, as Smart Energy protects ZCL between two nodes.

    MAC (9) | NWK (8), auxiliary (14) | APS (8), auxiliary (13) | ZCL | MIC (4) | MIC (4) | FCS (2)

62 octets around a ZCL frame, 35 more than without. The APS layer encrypts the ZCL frame with the
link key of the two nodes, the NWK layer encrypts all of that with the network key. Both are AES-128
in CCM* with a MIC of 32 bits (security level 5), and both name the sender by its EUI-64 (extended
nonce). Source: ZigBee specification (05-3474) 4.3.1, 4.4.1, 4.5 and annex A; tshark decrypts it.

    auxiliary   control, frame counter, EUI-64 of the sender, and for NWK the key's sequence number
    nonce       EUI-64 of the sender, frame counter, control (13 octets)
    protected   header and auxiliary header as additional data, what follows as message

The control octet travels without the security level (4.3.1.1), and counts with it.

Not here: where keys come from, how a network changes them, and whether a frame counter is fresh,
which a receiver has to check for each sender and key.
"""

import struct
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hanota.errors import LocalError, RemoteError
from hanota.limits import RADIO_KEY_OCTETS
from hanota.wire.codes import RadioFault
from hanota.wire.radio import (
    APS_HEADER_OCTETS,
    HOP_OCTETS,
    MAC_HEADER_OCTETS,
    RadioFrame,
    close_frame,
    open_frame,
    pack_headers,
    read_frame,
    read_hop,
)


class SecuredFrame(msgspec.Struct, frozen=True, gc=False):
    """One radio frame, and what the security headers say around it."""

    frame: RadioFrame
    source_eui: int  # of the node that sends it, the same in both layers
    nwk_counter: int  # of frames that the sender has secured with the network key
    aps_counter: int  # of frames that it has secured with this link key
    network_key_number: int = 0  # which of the network's keys it is


def encode_secured_frame(secured: SecuredFrame, network_key: bytes, link_key: bytes) -> bytes:
    """The octets on air, check sequence included; both keys have 16 octets.

    A sender never uses a counter twice with one key: the same nonce under it gives both away.

    Raises:
        LocalError: the frame would exceed 127 octets, or a field or a key is out of range.
    """
    if _LAST_COUNTER in (secured.nwk_counter, secured.aps_counter):
        raise LocalError("the frame counter of a key is used up: the network needs a new one")
    headers = pack_headers(secured.frame, secured=True)
    try:
        aps_auxiliary = _AUXILIARY.pack(_LINK_KEY, secured.aps_counter, secured.source_eui)
        nwk_auxiliary = _AUXILIARY.pack(_NETWORK_KEY, secured.nwk_counter, secured.source_eui)
        key_number = secured.network_key_number.to_bytes(_KEY_NUMBER_OCTETS, "little")
    except (struct.error, OverflowError) as error:
        raise LocalError(f"a radio frame has a security field out of range: {error}") from error
    aps = _seal(link_key, headers.aps, aps_auxiliary, secured.frame.payload)
    return close_frame(
        headers.mac + _seal(network_key, headers.nwk, nwk_auxiliary + key_number, aps)
    )


def decode_secured_frame(
    octets: bytes, network_key: bytes, link_key_of: Callable[[int], bytes | None]
) -> SecuredFrame:
    """Read one frame as `encode_secured_frame` writes it; the ZCL frame inside is not looked at.

    Args:
        octets: of the frame, check sequence included.
        network_key: 16 octets.
        link_key_of: the key that the receiver shares with the node of an EUI-64, None without one.

    Raises:
        RemoteError: with the RadioFault, for any other frame, and SECURITY where a MIC is not that
            of the frame under its key, or there is no key. A receiver drops it in silence.
        LocalError: a key has not 16 octets.
    """
    checked = open_frame(octets)
    if len(checked) < HOP_OCTETS + _SECURITY_OCTETS + APS_HEADER_OCTETS:
        raise RemoteError(RadioFault.LENGTH, f"no secured frame has {len(octets)} octets")
    hop = read_hop(checked, secured=True)
    nwk_payload = HOP_OCTETS + _AUXILIARY.size + _KEY_NUMBER_OCTETS
    nwk_header, nwk_auxiliary = (
        checked[MAC_HEADER_OCTETS:HOP_OCTETS],
        checked[HOP_OCTETS:nwk_payload],
    )
    nwk_counter, source_eui = _read_auxiliary(nwk_auxiliary, _NETWORK_KEY)
    aps = _open(network_key, nwk_header, nwk_auxiliary, checked[nwk_payload:])
    aps_payload = APS_HEADER_OCTETS + _AUXILIARY.size
    aps_header, aps_auxiliary = aps[:APS_HEADER_OCTETS], aps[APS_HEADER_OCTETS:aps_payload]
    aps_counter, aps_source = _read_auxiliary(aps_auxiliary, _LINK_KEY)
    if aps_source != source_eui:
        raise RemoteError(RadioFault.ADDRESS, "the two layers name different senders")
    link_key = link_key_of(source_eui)
    if link_key is None:
        raise RemoteError(RadioFault.SECURITY, "there is no link key with the sender")
    payload = _open(link_key, aps_header, aps_auxiliary, aps[aps_payload:])
    return SecuredFrame(
        read_frame(hop, aps_header + payload, secured=True),
        source_eui,
        nwk_counter,
        aps_counter,
        nwk_auxiliary[-1],
    )


_AUXILIARY = struct.Struct("<BIQ")  # control, frame counter, EUI-64 of the sender
_KEY_NUMBER_OCTETS = 1
_MIC_OCTETS = 4
# Both auxiliary headers and both MICs.
_SECURITY_OCTETS = 2 * (_AUXILIARY.size + _MIC_OCTETS) + _KEY_NUMBER_OCTETS

# Control octets as they travel: kind of key in bits 3 and 4, extended nonce in bit 5.
_LINK_KEY, _NETWORK_KEY = 0x20, 0x28
# A counter that is never sent (4.3.1.1): whoever has reached it has no counter left.
_LAST_COUNTER = 0xFFFF_FFFF
# Encryption and a MIC of 32 bits, in bits 0 to 2 of the control octet.
_LEVEL = 5


def _seal(key: bytes, header: bytes, auxiliary: bytes, message: bytes) -> bytes:
    """Header, auxiliary header, and the message encrypted with its MIC."""
    nonce, stated = _nonce_and_stated(auxiliary)
    return header + auxiliary + _cipher(key).encrypt(nonce, message, header + stated)


def _open(key: bytes, header: bytes, auxiliary: bytes, sealed: bytes) -> bytes:
    """The message that `_seal` has put behind header and auxiliary header."""
    nonce, stated = _nonce_and_stated(auxiliary)
    try:
        return _cipher(key).decrypt(nonce, sealed, header + stated)
    except InvalidTag as error:
        raise RemoteError(RadioFault.SECURITY, "a MIC is not that of the frame") from error


def _nonce_and_stated(auxiliary: bytes) -> tuple[bytes, bytes]:
    """The nonce of CCM*, and the auxiliary header with the security level that did not travel."""
    control = bytes((auxiliary[0] | _LEVEL,))
    return auxiliary[5:13] + auxiliary[1:5] + control, control + auxiliary[1:]


def _cipher(key: bytes) -> AESCCM:
    # With a MIC, CCM* is CCM; a nonce of 13 octets leaves 2 for the length, as annex A wants.
    if len(key) != RADIO_KEY_OCTETS:
        raise LocalError(f"a key of the radio has {RADIO_KEY_OCTETS} octets, not {len(key)}")
    return AESCCM(key, tag_length=_MIC_OCTETS)


def _read_auxiliary(octets: bytes, expected: int) -> tuple[int, int]:
    """Frame counter and sender; RemoteError where it is for another key or has a short nonce."""
    control, counter, sender = _AUXILIARY.unpack_from(octets)
    if control != expected:
        raise RemoteError(
            RadioFault.UNSUPPORTED, f"no security header of ours begins with {control:02X}"
        )
    if counter == _LAST_COUNTER:
        raise RemoteError(RadioFault.SECURITY, "no sender uses the last frame counter")
    return counter, sender
