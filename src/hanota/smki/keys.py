"""Private keys made from a seed, and ECDSA signatures in the form that travels.

GBCS, DUIS and the OTA image trailer all carry one form: ECDSA on P-256 with SHA-256, as r and s,
two 32-octet big-endian integers. What is signed is not known here, nor whose key it is: that is
for `protection`, `dsig` and the key stores.
"""

from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hanota.limits import SIGNATURE_OCTETS
from hanota.model import KeyUsage, Role

# FIPS 186-4 D.1.2.3: the order of the base point of P-256.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_CURVE = ec.SECP256R1()
_SIGN = ec.ECDSA(SHA256(), deterministic_signing=True)
_VERIFY = ec.ECDSA(SHA256())
_HALF = SIGNATURE_OCTETS // 2
_NO_ROLE = 0xFF


def sign(private_key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Sign `data` with a P-256 key: r and s, 64 octets.

    The nonce is that of RFC 6979, so the same key and data always give the same octets and a run
    can be repeated from its seed.
    """
    r, s = decode_dss_signature(private_key.sign(data, _SIGN))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def verify(public_key: ec.EllipticCurvePublicKey, data: bytes, signature: bytes) -> bool:
    """Whether `signature` (r and s, exactly 64 octets) is that key's over `data`.

    False for everything else, whatever its length and values. A valid signature has a second
    valid form (r, n-s), so a signature identifies no message.
    """
    if len(signature) != SIGNATURE_OCTETS:
        return False
    r = int.from_bytes(signature[:_HALF], "big")
    s = int.from_bytes(signature[_HALF:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), data, _VERIFY)
    except InvalidSignature:
        return False
    return True


def derive_private_key(
    seed: bytes, eui: int, usage: KeyUsage, role: Role | None = None
) -> ec.EllipticCurvePrivateKey:
    """The P-256 key that `seed` gives to one identity, the same each time it is asked for.

    The scalar is HKDF-SHA-256 (RFC 5869) of the seed over the identity and a counter, 32 octets,
    if they are a number from 1 to n-1, else with the next counter: rejection as in FIPS 186-5,
    so that every key is equally likely. A test PKI needs no other store of keys.
    """
    return ec.derive_private_key(_first_scalar(_candidates(seed, eui, usage, role)), _CURVE)


def _candidates(seed: bytes, eui: int, usage: KeyUsage, role: Role | None) -> Iterator[int]:
    identity = bytes((usage, _NO_ROLE if role is None else role)) + eui.to_bytes(8, "big")
    for counter in range(256):
        info = b"private key" + identity + bytes((counter,))
        octets = HKDF(SHA256(), length=_HALF, salt=b"hanota", info=info).derive(seed)
        yield int.from_bytes(octets, "big")


def _first_scalar(candidates: Iterator[int]) -> int:
    # One candidate in 2^32 is refused; 256 refusals in a row do not happen.
    return next(scalar for scalar in candidates if 0 < scalar < P256_ORDER)
