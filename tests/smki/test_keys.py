"""Signatures and derived keys: RFC 6979 as the golden source, OpenSSL as the independent oracle."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import require_tool

from hanota.model import KeyUsage, Role
from hanota.smki.keys import P256_ORDER, _first_scalar, derive_private_key, sign, verify

# RFC 6979 A.2.5, curve P-256, SHA-256.
RFC6979_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC6979 = [
    (
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        b"test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
]
KEY = ec.derive_private_key(RFC6979_KEY, ec.SECP256R1())
PUBLIC = KEY.public_key()
SUPPLIER = 0x90B3D51F30010000


def numbers(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize(("data", "r", "s"), RFC6979)
def test_signs_as_rfc_6979_says_and_verifies_it(data, r, s):
    assert sign(KEY, data).hex().upper() == r + s
    assert verify(PUBLIC, data, bytes.fromhex(r + s))


def test_every_other_length_is_refused():
    signature = sign(KEY, b"sample")
    whole = signature + b"\x00" * 64
    fitting = [n for n in range(len(whole) + 1) if verify(PUBLIC, b"sample", whole[:n])]
    assert fitting == [64]


def test_every_single_bit_flip_of_a_signature_is_refused():
    signature = sign(KEY, b"sample")
    for bit in range(512):
        flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
        assert not verify(PUBLIC, b"sample", flipped)


@pytest.mark.parametrize("bad", [0, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
def test_numbers_out_of_range_are_refused_not_raised(bad):
    r, s = numbers(sign(KEY, b"sample"))
    assert not verify(PUBLIC, b"sample", raw(bad, s))
    assert not verify(PUBLIC, b"sample", raw(r, bad))
    assert not verify(PUBLIC, b"sample", raw(bad, bad))


def test_the_second_form_of_a_signature_verifies_too():
    r, s = numbers(sign(KEY, b"sample"))
    assert verify(PUBLIC, b"sample", raw(r, P256_ORDER - s))


def test_other_data_and_another_key_are_refused():
    signature = sign(KEY, b"sample")
    other = derive_private_key(b"seed", SUPPLIER, KeyUsage.DIGITAL_SIGNATURE).public_key()
    assert not verify(PUBLIC, b"Sample", signature)
    assert not verify(other, b"sample", signature)


@given(st.binary(max_size=200), st.binary(min_size=60, max_size=68))
def test_any_octets_as_signature_give_false(data, signature):
    assert verify(PUBLIC, data, signature) is False


@given(st.binary(max_size=2000), st.binary(max_size=40), st.integers(0, 2**64 - 1))
def test_any_data_signed_by_any_derived_key_verifies(data, seed, eui):
    key = derive_private_key(seed, eui, KeyUsage.DIGITAL_SIGNATURE)
    signature = sign(key, data)
    assert len(signature) == 64
    assert verify(key.public_key(), data, signature)


@pytest.mark.oracle
def test_openssl_verifies_what_we_sign(tmp_path: Path):
    openssl = require_tool("openssl")
    data = bytes(range(256))
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "signature").write_bytes(encode_dss_signature(*numbers(sign(KEY, data))))
    (tmp_path / "key.pem").write_bytes(
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    command = [openssl, "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "data"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "Verified OK"


def test_one_identity_has_one_key_and_every_part_of_it_counts():
    identities = [
        (seed, eui, usage, role)
        for seed in (b"", b"seed", b"seed\x00")
        for eui in (0, SUPPLIER, 2**64 - 1)
        for usage in KeyUsage
        for role in (None, *Role)
    ]
    scalars = [
        derive_private_key(*identity).private_numbers().private_value for identity in identities
    ]
    assert len(set(scalars)) == len(identities)
    again = [
        derive_private_key(*identity).private_numbers().private_value for identity in identities
    ]
    assert again == scalars


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    mac = HMAC(key, SHA256())
    mac.update(data)
    return mac.finalize()


def test_a_scalar_is_the_documented_hkdf_of_its_identity():
    info = b"private key" + bytes([1, 2]) + SUPPLIER.to_bytes(8, "big") + b"\x00"
    expected = hmac_sha256(hmac_sha256(b"hanota", b"seed"), info + b"\x01")
    key = derive_private_key(b"seed", SUPPLIER, KeyUsage.KEY_AGREEMENT, Role.SUPPLIER)
    assert key.private_numbers().private_value.to_bytes(32, "big") == expected
    assert isinstance(key.curve, ec.SECP256R1)


@pytest.mark.parametrize("scalar", [1, 2, P256_ORDER - 1])
def test_candidates_out_of_range_are_passed_over(scalar):
    assert _first_scalar(iter([0, P256_ORDER, 2**256 - 1, scalar, 5])) == scalar
