"""A PKI as a folder: what is written, that OpenSSL agrees, and every file that is not as it was."""

import stat
import subprocess
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from tests.vectors import require_tool

from hanota.errors import LocalError, RemoteError
from hanota.limits import LATEST_MS
from hanota.model import KeyUsage, Role
from hanota.smki.chain import verify_chain
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    ORGANISATIONS,
    RECOVERY,
    SUPPLIER,
    Organisation,
)
from hanota.smki.pki import TestPki
from hanota.smki.pki_folder import load_pki_folder, write_pki

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
SEED = bytes(range(32))
PHRASE = b"correct horse"
FEW = (
    Organisation(ACCESS_CONTROL_BROKER, "DCC", (Role.ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING)),
    Organisation(SUPPLIER, "SUPPLIER", (Role.SUPPLIER, Role.XML_SIGNING)),
)
SUPPLIER_DS = "organisations/90B3D51F30010000-supplier-ds"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "keys"
    write_pki(path, FEW, SEED, None)
    return path


def test_what_is_written_is_read_again(folder):
    pki = TestPki(SEED, FEW)
    held = load_pki_folder(folder, None)
    assert held.authorities == pki.authorities
    assert len(held.organisations.certificates) == 6
    for each in held.organisations.certificates:
        assert each == pki.certificate(each.eui, each.usage, each.role)
        assert held.organisations.has_private_key(each)
        assert verify_chain(each, held.authorities, each.not_after_ms) is None
    assert held.organisations.sign(SUPPLIER, None, b"data") == pki.sign(SUPPLIER, None, b"data")
    signed = held.organisations.sign(SUPPLIER, Role.XML_SIGNING, b"data")
    assert signed == pki.sign(SUPPLIER, Role.XML_SIGNING, b"data")
    assert held.device_issuer is not None
    device = TestPki(b"any", device_issuer=held.device_issuer).certificate(1, DS)
    assert verify_chain(device, held.authorities, LATEST_MS - 1000) is None


def test_the_first_key_of_an_identity_is_the_one_it_has_in_gbcs(folder):
    held = load_pki_folder(folder, None).organisations
    assert [each.role for each in held.find(SUPPLIER, DS)] == [Role.SUPPLIER, Role.XML_SIGNING]
    assert [each.role for each in held.find(ACCESS_CONTROL_BROKER, DS)] == [
        Role.ACCESS_CONTROL_BROKER,
        Role.DSP_XML_SIGNING,
    ]


def test_private_keys_are_their_owners_alone(folder):
    keys = sorted(folder.rglob("*.key"))
    assert len(keys) == 3 + 6
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder / "organisations")} == {
        0o700
    }


def test_cryptography_reads_every_file(folder):
    for path in folder.rglob("*.pem"):
        certificate = load_pem_x509_certificate(path.read_bytes())
        private_key = load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
        assert private_key.public_key() == certificate.public_key()


@pytest.mark.oracle
def test_openssl_verifies_every_chain(tmp_path):
    write_pki(tmp_path / "keys", ORGANISATIONS, SEED, None)
    leaves = sorted(str(path) for path in (tmp_path / "keys/organisations").glob("*.pem"))
    assert len(leaves) == 17
    command = [require_tool("openssl"), "verify", "-x509_strict", "-CAfile", "keys/root.pem"]
    command += ["-untrusted", "keys/organisation-issuer.pem", *leaves]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [f"{leaf}: OK" for leaf in leaves]


@pytest.mark.oracle
def test_openssl_opens_an_encrypted_key_with_the_passphrase_alone(tmp_path):
    write_pki(tmp_path / "keys", FEW, SEED, PHRASE)
    for phrase, opens in ((PHRASE.decode(), True), ("wrong", False)):
        command = [require_tool("openssl"), "pkey", "-in", "keys/root.key", "-passin"]
        done = subprocess.run(
            [*command, f"pass:{phrase}", "-noout"], cwd=tmp_path, capture_output=True, check=False
        )
        assert (done.returncode == 0) is opens


def test_encrypted_keys_need_the_passphrase(tmp_path):
    folder = tmp_path / "keys"
    write_pki(folder, FEW, SEED, PHRASE)
    for key in folder.rglob("*.key"):
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in key.read_bytes()
    held = load_pki_folder(folder, PHRASE).organisations
    assert held.sign(SUPPLIER, None, b"data") == TestPki(SEED, FEW).sign(SUPPLIER, None, b"data")
    with pytest.raises(LocalError, match="the private key is encrypted, and no passphrase is"):
        load_pki_folder(folder, None)
    with pytest.raises(LocalError, match="cannot be read: is the passphrase another"):
        load_pki_folder(folder, b"wrong")


def test_a_passphrase_does_no_harm_where_nothing_is_encrypted(folder):
    assert load_pki_folder(folder, PHRASE).device_issuer is not None


def test_nothing_is_overwritten(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(LocalError, match="is not empty: keys are never overwritten"):
        write_pki(folder, FEW, bytes(32), None)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_an_empty_folder_will_do_and_a_file_will_not(tmp_path):
    (tmp_path / "empty").mkdir()
    write_pki(tmp_path / "empty", FEW, SEED, None)
    assert load_pki_folder(tmp_path / "empty", None).device_issuer is not None
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "absent/keys"):
        with pytest.raises(LocalError, match="cannot be written"):
            write_pki(path, FEW, SEED, None)


def test_a_pki_that_cannot_be_made_leaves_nothing(tmp_path):
    odd = Organisation(RECOVERY, "a" * 5000, (Role.RECOVERY,))
    with pytest.raises(RemoteError, match="octets"):
        write_pki(tmp_path / "keys", [odd], SEED, None)
    assert list(tmp_path.iterdir()) == []


# --- Keys that somebody left out ---


def test_without_the_key_of_their_issuer_there_are_no_devices(folder):
    (folder / "device-issuer.key").unlink()
    held = load_pki_folder(folder, None)
    assert held.device_issuer is None
    assert len(held.authorities) == 3


def test_a_certificate_without_its_key_is_found_and_does_not_sign(folder):
    (folder / f"{SUPPLIER_DS}.key").unlink()
    held = load_pki_folder(folder, None).organisations
    (certificate,) = held.find(SUPPLIER, DS, Role.SUPPLIER)
    assert not held.has_private_key(certificate)
    with pytest.raises(LocalError, match="no private key"):
        held.sign(SUPPLIER, Role.SUPPLIER, b"")


# --- Files that are not as they were ---

OTHER = TestPki(b"other", FEW)
PKI = TestPki(SEED, FEW)
BAD_FILES = [
    ("root.pem", None, "root.pem cannot be read"),
    ("root.pem", b"", "root.pem holds no certificate in PEM"),
    ("root.pem", PKI.certificate(SUPPLIER, DS).der, "root.pem is no authority's certificate"),
    ("root.pem", OTHER.authorities[0].der, "is no certificate of this PKI"),
    ("organisation-issuer.pem", OTHER.authorities[2].der, "is no certificate of this PKI"),
    (f"{SUPPLIER_DS}.pem", b"", "holds no certificate in PEM"),
    (f"{SUPPLIER_DS}.pem", PKI.authorities[0].der, "is no certificate of this PKI"),
    (f"{SUPPLIER_DS}.pem", OTHER.certificate(SUPPLIER, DS).der, "is no certificate of this PKI"),
    (f"{SUPPLIER_DS}.pem", PKI.certificate(1, DS).der, "is the certificate of a device"),
    (f"{SUPPLIER_DS}.pem", PKI.certificate(SUPPLIER, KA).der, "is not that of the certificate"),
    (f"{SUPPLIER_DS}.key", b"", "the private key cannot be read"),
    ("device-issuer.key", b"?", "device-issuer.key: the private key cannot be read"),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD_FILES)
def test_a_file_that_is_not_what_it_should_be_is_named(folder, name, content, reason):
    path = folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(
            DER_cert_to_PEM_cert(content).encode() if content.startswith(b"\x30") else content
        )
    with pytest.raises(LocalError, match=reason) as refused:
        load_pki_folder(folder, None)
    assert str(folder) in str(refused.value)
    assert "PRIVATE KEY-----" not in str(refused.value)


def test_two_certificates_in_one_file_are_refused(folder):
    path = folder / f"{SUPPLIER_DS}.pem"
    path.write_text(path.read_text() * 2)
    with pytest.raises(LocalError, match="holds 2 certificates: each has a file of its own"):
        load_pki_folder(folder, None)


def test_a_key_of_another_organisation_is_refused(folder):
    other = folder / "organisations/90B3D51F30010000-xml-signing-ds.key"
    (folder / f"{SUPPLIER_DS}.key").write_bytes(other.read_bytes())
    with pytest.raises(LocalError, match=r"supplier-ds\.key: the private key is not that of"):
        load_pki_folder(folder, None)


def test_a_folder_of_other_things_is_no_pki(tmp_path):
    with pytest.raises(LocalError, match=r"root\.pem cannot be read: No such file"):
        load_pki_folder(tmp_path, None)
