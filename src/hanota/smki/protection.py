"""Signatures and MACs of GBCS messages, with the keys passed in.

Source: GBCS 4.x, the cryptographic protections of section 4 in suite 1: P-256, static keys,
SHA-256, AES-128; confirmed on the public RTDS messages. Shared secrets depend on the pair of keys
alone, so whoever talks to one device often keeps them.

    Z      x coordinate of ECDH(private key agreement key of one side, public one of the other)
    info   60857406080300 originator 09 CRA counter target
    key    first 16 octets of SHA-256(00000001 Z info)
    IV     originator 00000000
    MAC    first 12 octets of the AES-128-GCM tag of no plaintext over `message.mac_input`

The initialisation vector is constant for an originator and the key depends on originator, target,
CRA and counter: those four must never come twice with different octets.

Not here: whose keys these are, encrypted parts of a content, and whether a counter is fresh.
"""

import hmac
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hanota.errors import LocalError
from hanota.limits import MAC_OCTETS
from hanota.smki import keys
from hanota.wire.gbcs.message import Cra, GbcsMessage, mac_input, signed_octets


class MacParties(NamedTuple):
    """The two EUI-64s whose key agreement keys make the MAC of a message."""

    organisation: int  # the ACB, a supplier or a network operator
    device: int


def sign(message: GbcsMessage, private_key: ec.EllipticCurvePrivateKey) -> GbcsMessage:
    """The message with its signature (RFC 6979); a 00 after a pre-command becomes the 40.

    LocalError when the message has a MAC, which would not cover the new signature.
    """
    return sign_as(message, partial(keys.sign, private_key))


def sign_as(message: GbcsMessage, sign_octets: Callable[[bytes], bytes]) -> GbcsMessage:
    """As `sign`, where the key is somebody else's to use: a `directory.Signer`, an HSM.

    `sign_octets` gives r and s, 64 octets, over the octets that it is given.
    """
    if message.mac is not None:
        raise LocalError("a message is signed before it gets a MAC")
    signature = sign_octets(signed_octets(message))
    return msgspec.structs.replace(message, signature=signature, signature_octet=True)


def signature_valid(message: GbcsMessage, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the message has a signature and it is that of this key."""
    signature = message.signature
    return signature is not None and keys.verify(public_key, signed_octets(message), signature)


def shared_secret(
    private_key: ec.EllipticCurvePrivateKey, public_key: ec.EllipticCurvePublicKey
) -> bytes:
    """Z, 32 octets, the same from both sides; both keys are key agreement keys on P-256."""
    return private_key.exchange(ec.ECDH(), public_key)


def mac(message: GbcsMessage, z: bytes) -> bytes:
    """The MAC, 12 octets, that this message has under the shared secret Z."""
    covered = mac_input(message)
    information = _INFORMATION.pack(
        _ALGORITHM,
        message.originator,
        _TRANSACTION_OCTETS,
        message.cra,
        message.counter,
        message.target,
    )
    key = sha256(_KDF_ROUND + z + information).digest()[:_KEY_OCTETS]
    tag = AESGCM(key).encrypt(_IV.pack(message.originator, 0), b"", covered)
    return tag[:MAC_OCTETS]


def add_mac(message: GbcsMessage, z: bytes) -> GbcsMessage:
    """The message with its MAC, and 00 after the content where nothing signed it."""
    return msgspec.structs.replace(message, mac=mac(message, z), signature_octet=True)


def mac_valid(message: GbcsMessage, z: bytes) -> bool:
    """Whether the message has a MAC and it is the one under Z; compared in constant time."""
    return message.mac is not None and hmac.compare_digest(message.mac, mac(message, z))


def mac_parties(message: GbcsMessage, acb: int) -> MacParties:
    """Whose keys make the MAC; `acb` is the EUI-64 of the Access Control Broker.

    Commands: the ACB and the target, whoever the originator is. Responses and non-critical alerts:
    the target and the device that sends them. An organisation looks up its own private key and the
    device's certificate, a device its own private key and the organisation's. Messages between two
    devices (PCS01, PCS02) follow another rule, which public messages do not show.
    """
    if message.cra is Cra.COMMAND:
        return MacParties(organisation=acb, device=message.target)
    return MacParties(organisation=message.target, device=message.originator)


# AlgorithmID of the KDF's OtherInfo: the object identifier of AES-GCM-128 in DLMS (suite 1).
_ALGORITHM = bytes.fromhex("60857406080300")
_TRANSACTION_OCTETS = 9
# Algorithm, originator, then length and CRA, counter, target of the transaction.
_INFORMATION = Struct(">7sQBBQQ")
# Originator and invocation counter.
_IV = Struct(">QI")
_KDF_ROUND = bytes.fromhex("00000001")
_KEY_OCTETS = 16
