"""Folders of certificates, the npm key store, and several directories as one."""

import json
import logging
import re
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tests.vectors import require_keystore, require_vectors

from hanota.errors import LocalError
from hanota.limits import KEY_FILE_OCTETS_MAX
from hanota.model import KeyUsage, Role
from hanota.smki.certificates import Certificate
from hanota.smki.directory import CertificateSet, Directory, JoinedDirectory
from hanota.smki.keys import verify
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    NETWORK_OPERATOR,
    OTHER_USER,
    SUPPLIER,
    SUPPLIER_2,
)
from hanota.smki.pki import TestPki
from hanota.smki.stores import KeyStoreFile, load_certificates, load_keystore

PKI = TestPki(b"stores")
PPMID = 0x00DB1234567890A4
SIGNATURE, AGREEMENT = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
ANY_TIME_MS = 0


def pem(certificate: Certificate) -> str:
    return DER_cert_to_PEM_cert(certificate.der)


def private_pem(private_key) -> str:
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def entry(identity: tuple, name: str, pki: TestPki = PKI) -> dict:
    return {
        "certificate": pem(pki.certificate(*identity)),
        "privateKey": private_pem(pki.private_key(*identity)),
        "role": 0,
        "name": name,
    }


def keystore(path: Path, *entries: dict) -> Path:
    """A file whose EUI-64, usage and serial numbers are wrong: only certificates count."""
    numbered = {str(number): each for number, each in enumerate(entries)}
    path.write_text(json.dumps({"0000000000000000": {"digitalSignature": numbered}}))
    return path


# --- A folder ---


def test_the_published_folder_has_its_31_certificates():
    certificates = load_certificates(require_vectors() / "keys")
    assert len(certificates) == 31
    held = CertificateSet(certificates)
    (device,) = held.find(PPMID, SIGNATURE)
    assert held.by_serial(device.serial) is device


def test_the_name_of_a_file_does_not_matter_and_one_may_hold_several(tmp_path):
    supplier = PKI.certificate(SUPPLIER, SIGNATURE)
    device = PKI.certificate(PPMID, AGREEMENT)
    (tmp_path / "ffffffffffffffff-ka.pem").write_text("a note\n" + pem(supplier) + pem(device))
    (tmp_path / "readme.txt").write_text("not read")
    assert load_certificates(tmp_path) == [supplier, device]


def test_what_is_no_smki_certificate_is_left_out_and_named(tmp_path, caplog):
    device = PKI.certificate(PPMID, SIGNATURE)
    (tmp_path / "a-root.pem").write_text(DER_cert_to_PEM_cert(PKI.authorities[0].der))
    (tmp_path / "device.pem").write_text(pem(device))
    assert load_certificates(tmp_path) == [device]
    assert [record.getMessage() for record in caplog.records] == [
        "a-root.pem is left out: it names no device and no organisation, or more than one"
    ]


BAD_FILES = [
    (b"", "holds no certificate in PEM"),
    (b"\xff" * 100, "holds no certificate in PEM"),
    (b"-----BEGIN CERTIFICATE-----\nMIIB", "holds no certificate in PEM"),
    (
        b"-----BEGIN CERTIFICATE-----\nMIIB=AAA\n-----END CERTIFICATE-----",
        "holds a certificate that is no base64",
    ),
    (
        b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
        "holds a certificate that is no base64",
    ),
    (bytes(KEY_FILE_OCTETS_MAX + 1), "has more than"),
]


@pytest.mark.parametrize(("octets", "reason"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_broken_file_is_named(tmp_path, octets, reason):
    path = tmp_path / "broken.pem"
    path.write_bytes(octets)
    with pytest.raises(LocalError, match=f"^{re.escape(str(path))} {reason}"):
        load_certificates(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "folder.pem").mkdir()
    with pytest.raises(LocalError, match=r"folder\.pem cannot be read: Is a directory"):
        load_certificates(tmp_path)


def test_a_folder_without_certificates_is_the_wrong_one(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(LocalError, match=r"is no folder with \.pem files"):
            load_certificates(folder)


# --- The npm key store ---


@pytest.fixture(scope="module")
def npm() -> KeyStoreFile:
    return load_keystore(require_keystore())


def test_the_npm_key_store_has_31_keys_of_9_organisations(npm):
    assert len(npm.certificates) == 31
    assert len({certificate.eui for certificate in npm.certificates}) == 9


def test_loading_the_npm_key_store_warns_of_its_dates_once_and_names_what_is_left_out(caplog):
    with caplog.at_level(logging.WARNING):
        load_keystore(require_keystore())
    messages = [record.getMessage() for record in caplog.records]
    assert len([message for message in messages if "whatever their dates" in message]) == 1
    left_out = [message.split(" is left out")[0] for message in messages[:-1]]
    assert sorted(left_out) == ["keystore.json, mdr-ds", "keystore.json, mdr-ka"]


# Serial numbers of the keys that the npm tools use, as its names say: Z1-supplier-ds, ...
FIRST = [
    (SUPPLIER, SIGNATURE, None, 105986833131214866166891566273223584671),
    (SUPPLIER, SIGNATURE, Role.SUPPLIER, 105986833131214866166891566273223584671),
    (SUPPLIER, SIGNATURE, Role.XML_SIGNING, 27572613927499351639968579586655397031),
    (SUPPLIER, AGREEMENT, None, 78705613441713544701898588866012598037),
    (SUPPLIER_2, AGREEMENT, None, 58541957649486024710494229598281319179),
    (ACCESS_CONTROL_BROKER, AGREEMENT, None, 74176869497284601865526639753608441552),
    (ACCESS_CONTROL_BROKER, SIGNATURE, None, 117636141832862931915946451229571981153),
    (
        ACCESS_CONTROL_BROKER,
        SIGNATURE,
        Role.DSP_XML_SIGNING,
        167048897159233642262001557408276884033,
    ),
    (NETWORK_OPERATOR, SIGNATURE, None, 106006686783879999060382759530209331431),
    (OTHER_USER, SIGNATURE, None, 90325540810335457430706996363193666853),
]


@pytest.mark.parametrize(("eui", "usage", "role", "serial"), FIRST)
def test_the_first_key_is_the_one_that_the_npm_tools_use(npm, eui, usage, role, serial):
    assert npm.find(eui, usage, role)[0].serial == serial
    assert npm.by_serial(serial).eui == eui


def test_every_key_of_an_identity_is_a_candidate(npm):
    assert [each.role for each in npm.find(SUPPLIER, SIGNATURE)] == [
        Role.SUPPLIER,
        Role.SUPPLIER,
        Role.XML_SIGNING,
    ]
    assert len(npm.find(SUPPLIER, AGREEMENT)) == 4
    assert npm.find(PPMID, SIGNATURE) == ()
    assert npm.by_serial(1) is None


def test_the_npm_keys_sign_and_agree(npm):
    for eui, usage, role, serial in FIRST:
        if usage is SIGNATURE:
            public_key = npm.by_serial(serial).public_key
            assert verify(public_key, b"data", npm.sign(eui, role, b"data"))
    device = PKI.certificate(PPMID, AGREEMENT).public_key
    supplier = npm.find(SUPPLIER, AGREEMENT)
    secrets = [PKI.shared_secret(PPMID, each.public_key) for each in supplier]
    assert npm.shared_secret(SUPPLIER, device) == secrets[0]
    assert npm.shared_secrets(SUPPLIER, device) == tuple(secrets)
    assert len(set(secrets)) == 4


def test_it_stands_for_its_certificates_at_any_time_and_for_no_others(npm):
    expired = npm.find(SUPPLIER, SIGNATURE)[0]
    assert npm.trusts(expired, expired.not_after_ms + 1)
    assert not npm.trusts(PKI.certificate(SUPPLIER, SIGNATURE), ANY_TIME_MS)


# --- Key stores of the same form ---


def test_the_numbers_around_a_certificate_are_not_believed(tmp_path):
    store = load_keystore(keystore(tmp_path / "k", entry((PPMID, AGREEMENT), "any")))
    (certificate,) = store.certificates
    assert certificate == PKI.certificate(PPMID, AGREEMENT)
    assert store.find(0, SIGNATURE) == ()
    assert store.by_serial(0) is None


def test_a_store_without_private_keys_finds_and_does_not_sign(tmp_path):
    public = {"certificate": pem(PKI.certificate(PPMID, SIGNATURE))}
    store = load_keystore(keystore(tmp_path / "k", public))
    assert store.find(PPMID, SIGNATURE) == (PKI.certificate(PPMID, SIGNATURE),)
    with pytest.raises(LocalError, match="no private key of 00-DB-12-34-56-78-90-A4"):
        store.sign(PPMID, None, b"")
    peer = PKI.certificate(SUPPLIER, AGREEMENT).public_key
    with pytest.raises(LocalError, match="no private key of 00-DB-12-34-56-78-90-A4"):
        store.shared_secret(PPMID, peer)
    assert store.shared_secrets(PPMID, peer) == ()


def test_z1_keys_come_first_then_others_then_xml_signing_keys(tmp_path):
    names = ["xml-sign", "Z1b-supplier-ds", "Z1-supplierPP-ds", "Z1-supplier-ds"]
    seeds = {name: TestPki(name.encode()) for name in names}
    roles = {"xml-sign": Role.XML_SIGNING}
    entries = [
        entry((SUPPLIER, SIGNATURE, roles.get(name, Role.SUPPLIER)), name, seeds[name])
        for name in names
    ]
    store = load_keystore(keystore(tmp_path / "k", *entries))
    expected = ["Z1-supplier-ds", "Z1-supplierPP-ds", "Z1b-supplier-ds", "xml-sign"]
    assert store.find(SUPPLIER, SIGNATURE) == tuple(
        seeds[name].certificate(SUPPLIER, SIGNATURE, roles.get(name, Role.SUPPLIER))
        for name in expected
    )


BAD_STORES = [
    (b"", "is no key store"),
    (b"\xff\xfe", "is no key store"),
    (b"[" * 100_000, "is no key store"),
    (b"[]", "is no key store"),
    (b'{"00": []}', "is no key store"),
    (b'{"00": {"digitalSignature": {"1": {"name": "a"}}}}', "is no key store"),
    (b'{"00": {"digitalSignature": {"1": {"certificate": 5}}}}', "is no key store"),
    (
        b'{"00": {"digitalSignature": {"1": {"certificate": "", "name": "a"}}}}',
        ", a holds no certificate in PEM",
    ),
]


@pytest.mark.parametrize(("octets", "reason"), BAD_STORES, ids=range(len(BAD_STORES)))
def test_a_file_of_another_form_is_no_key_store(tmp_path, octets, reason):
    path = tmp_path / "keystore.json"
    path.write_bytes(octets)
    with pytest.raises(LocalError, match=f"^{re.escape(str(path))} ?{reason}") as refused:
        load_keystore(path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_key_store_that_is_absent_is_named(tmp_path):
    with pytest.raises(LocalError, match="absent cannot be read: No such file or directory"):
        load_keystore(tmp_path / "absent")


ENCRYPTED = (
    PKI.private_key(PPMID, SIGNATURE)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    .decode()
)
BAD_KEYS = [
    ("no PEM", "the private key cannot be read"),
    (ENCRYPTED, "the private key is encrypted, and no passphrase is given"),
    (private_pem(PKI.private_key(PPMID, AGREEMENT)), "the private key is not that of"),
    (private_pem(ec.generate_private_key(ec.SECP384R1())), "the private key is not that of"),
    (private_pem(ed25519.Ed25519PrivateKey.generate()), "the private key is not that of"),
]


@pytest.mark.parametrize(("private_key", "reason"), BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_a_private_key_has_to_be_that_of_its_certificate(tmp_path, private_key, reason):
    bad = {**entry((PPMID, SIGNATURE), "mine"), "privateKey": private_key}
    with pytest.raises(LocalError, match=f"keys, mine: {reason}"):
        load_keystore(keystore(tmp_path / "keys", bad))


# --- Several directories ---


def test_joined_directories_are_asked_in_their_order_and_give_each_certificate_once():
    device = PKI.certificate(PPMID, SIGNATURE)
    other = TestPki(b"other")
    supplier, other_supplier = (
        pki.certificate(SUPPLIER, SIGNATURE, Role.SUPPLIER) for pki in (PKI, other)
    )
    joined = JoinedDirectory(
        CertificateSet([other_supplier]), CertificateSet([supplier, device, supplier]), PKI
    )
    assert joined.find(SUPPLIER, SIGNATURE, Role.SUPPLIER) == (other_supplier, supplier)
    assert joined.find(PPMID, SIGNATURE) == (device,)
    for each in (device, supplier, other_supplier):
        assert joined.by_serial(each.serial) == each
        assert joined.trusts(each, ANY_TIME_MS)
    assert joined.by_serial(1) is None
    assert not joined.trusts(other.certificate(PPMID, SIGNATURE), ANY_TIME_MS)


def test_nothing_joined_finds_nothing():
    assert JoinedDirectory().find(PPMID, SIGNATURE) == ()
    assert JoinedDirectory().by_serial(1) is None


def test_of_two_certificates_with_one_serial_number_the_first_is_found():
    mine = PKI.certificate(PPMID, SIGNATURE)
    held: Directory = CertificateSet([mine, PKI.certificate(PPMID, AGREEMENT), mine])
    assert held.by_serial(mine.serial) is mine
    assert held.find(PPMID, SIGNATURE) == (mine,)
