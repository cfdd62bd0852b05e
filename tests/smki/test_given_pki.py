"""The PKI that a user names: none, a folder of their own, or the public key store."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import require_keystore

from hanota.errors import LocalError, RemoteError
from hanota.limits import LATEST_MS
from hanota.model import KeyUsage, RequestID, Role
from hanota.smki import dsig, protection
from hanota.smki.chain import verify_chain
from hanota.smki.given_pki import DevicePki, load_pki
from hanota.smki.keys import verify
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, ORGANISATIONS, SUPPLIER, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.smki.pki_folder import load_pki_folder, write_pki
from hanota.wire.duis.document import open_document
from hanota.wire.duis.values import (
    ReadInventory,
    Request,
    Response,
    ResponseMessage,
)

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
PPMID = 0x00DB1234567890A4
SEED = bytes(range(32))
NOW_MS = 1_790_000_000_000
DSP_SERIAL = 167048897159233642262001557408276884033


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pki") / "keys"
    write_pki(path, ORGANISATIONS, SEED, None)
    return path


@pytest.fixture(scope="module")
def own(folder) -> DevicePki:
    return load_pki(folder, 1)


@pytest.fixture(scope="module")
def npm() -> DevicePki:
    return load_pki(require_keystore(), 1)


@pytest.fixture(params=["none", "own", "npm"])
def pki(request) -> DevicePki:
    return load_pki(None, 1) if request.param == "none" else request.getfixturevalue(request.param)


# --- Whatever its kind ---


def test_organisations_and_devices_sign_and_are_believed(pki):
    for eui, role in (
        (PPMID, None),
        (SUPPLIER, Role.SUPPLIER),
        (SUPPLIER, Role.XML_SIGNING),
        (SUPPLIER_2, None),
        (ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING),
    ):
        certificate, *_ = pki.find(eui, DS, role)
        assert verify(certificate.public_key, b"data", pki.sign(eui, role, b"data"))
        assert pki.by_serial(certificate.serial) == certificate
        assert pki.trusts(certificate, NOW_MS)


def test_both_sides_of_a_mac_agree(pki):
    (device,) = pki.find(PPMID, KA)
    broker, *_ = pki.find(ACCESS_CONTROL_BROKER, KA)
    secret = pki.shared_secret(ACCESS_CONTROL_BROKER, device.public_key)
    assert pki.shared_secret(PPMID, broker.public_key) == secret
    assert secret in pki.shared_secrets(ACCESS_CONTROL_BROKER, device.public_key)
    assert pki.shared_secrets(PPMID, broker.public_key) == (secret,)


def test_a_device_has_one_certificate_a_usage_and_its_private_keys(pki):
    for usage in KeyUsage:
        (certificate,) = pki.find(PPMID, usage)
        assert (certificate.eui, certificate.usage, certificate.role) == (PPMID, usage, None)
        assert pki.private_key(PPMID, usage).public_key() == certificate.public_key
        assert pki.find(PPMID, usage, Role.SUPPLIER) == ()
    z = protection.shared_secret(pki.private_key(PPMID, KA), pki.find(SUPPLIER, KA)[0].public_key)
    assert z == pki.shared_secret(SUPPLIER, pki.find(PPMID, KA)[0].public_key)


def test_the_dsp_and_a_supplier_sign_documents(pki):
    request = Request(
        RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, 1), 8, "8.2", "8.2", ReadInventory(PPMID)
    )
    octets = dsig.sign_request(request, pki, pki)
    signed = dsig.signer_of_request(open_document(octets), pki, NOW_MS)
    assert (signed.eui, signed.role) == (SUPPLIER, Role.XML_SIGNING)
    response = Response(
        request_id=request.request_id,
        response_code="I0",
        response_date_time_ms=NOW_MS,
        body=ResponseMessage("8.2", "8.2", None),
    )
    octets = dsig.sign_response(response, ACCESS_CONTROL_BROKER, pki, pki)
    signed = dsig.signer_of_response(open_document(octets), ACCESS_CONTROL_BROKER, pki, NOW_MS)
    assert signed.role is Role.DSP_XML_SIGNING


def test_the_same_choice_gives_the_same_devices_again(pki, folder, request):
    kind = request.node.callspec.params["pki"]
    path = {"none": None, "own": folder, "npm": None}[kind]
    again = load_pki(require_keystore() if kind == "npm" else path, 1)
    assert again.find(PPMID, DS) == pki.find(PPMID, DS)
    other = load_pki(require_keystore() if kind == "npm" else path, 2)
    # In a folder the issuer's key decides, and no seed.
    assert (other.find(PPMID, DS) == pki.find(PPMID, DS)) is (kind == "own")


def test_certificates_of_another_pki_are_not_believed(pki):
    other = TestPki(b"other")
    for certificate in (other.certificate(PPMID, DS), other.certificate(SUPPLIER, DS)):
        assert not pki.trusts(certificate, NOW_MS)
        assert pki.by_serial(certificate.serial) is None


@given(serial=st.integers(0, 2**160) | st.integers(0x4000 << 112, 0x42FF << 112))
def test_any_serial_number_finds_something_or_nothing(own, serial):
    found = own.by_serial(serial)
    assert found is None or found.serial == serial


# --- None ---


def test_without_a_name_it_is_the_test_pki_of_the_demo():
    assert load_pki(None, 7).find(PPMID, DS) == TestPki(b"7").find(PPMID, DS)


# --- A folder of one's own ---


def test_an_own_pki_stands_behind_its_devices(own, folder):
    authorities = load_pki_folder(folder, None).authorities
    for usage in KeyUsage:
        (certificate,) = own.find(PPMID, usage)
        assert verify_chain(certificate, authorities, NOW_MS) is None
        assert certificate.issuer == authorities[1].name


def test_dates_count_in_an_own_pki(own):
    supplier, *_ = own.find(SUPPLIER, DS)
    (device,) = own.find(PPMID, DS)
    for at_ms, is_valid in (
        (supplier.not_before_ms - 1, False),
        (supplier.not_before_ms, True),
        (supplier.not_after_ms, True),
        (supplier.not_after_ms + 1, False),
    ):
        assert own.trusts(supplier, at_ms) is is_valid
    assert own.trusts(device, supplier.not_after_ms + 1)
    assert not own.trusts(device, device.not_before_ms - 1)
    assert not own.trusts(device, LATEST_MS + 1)


def test_the_private_keys_of_organisations_stay_inside(own, npm):
    for held in (own, npm):
        with pytest.raises(LocalError, match="has no device 90-B3-D5-1F-30-01-00-00"):
            held.private_key(SUPPLIER, DS)


def test_without_the_issuers_key_there_are_organisations_and_no_devices(tmp_path):
    folder = tmp_path / "keys"
    write_pki(folder, ORGANISATIONS, SEED, None)
    device = load_pki(folder, 1).find(PPMID, DS)[0]
    (folder / "device-issuer.key").unlink()
    held = load_pki(folder, 1)
    assert held.find(PPMID, DS) == ()
    assert held.by_serial(device.serial) is None
    assert not held.trusts(device, NOW_MS)
    assert held.trusts(held.find(SUPPLIER, DS)[0], NOW_MS)
    with pytest.raises(LocalError, match="has no device 00-DB-12-34-56-78-90-A4"):
        held.private_key(PPMID, DS)
    with pytest.raises(LocalError, match="no private key of 00-DB-12-34-56-78-90-A4"):
        held.sign(PPMID, None, b"")


def test_an_organisation_whose_files_are_gone_is_no_device(tmp_path):
    folder = tmp_path / "keys"
    write_pki(folder, ORGANISATIONS, SEED, None)
    for path in (folder / "organisations").glob("90B3D51F30030000*"):
        path.unlink()
    held = load_pki(folder, 1)
    assert held.find(SUPPLIER_2, DS) == ()
    devices = TestPki(
        load_pki_folder(folder, None)
        .device_issuer.private_key.private_numbers()
        .private_value.to_bytes(32, "big"),
        (),
    )
    made = devices.certificate(SUPPLIER_2, DS)
    assert made.role is None
    assert held.by_serial(made.serial) is None


def test_a_passphrase_opens_a_folder(tmp_path):
    write_pki(tmp_path / "keys", ORGANISATIONS, SEED, b"phrase")
    assert load_pki(tmp_path / "keys", 1, b"phrase").sign(SUPPLIER, None, b"")
    with pytest.raises(LocalError, match="no passphrase is given"):
        load_pki(tmp_path / "keys", 1)


# --- The public key store ---


def test_the_answers_of_the_public_dsp_name_the_certificate_that_its_clients_know(npm):
    signer = dsig.response_signer(ACCESS_CONTROL_BROKER, npm, npm)
    assert signer.serial == DSP_SERIAL
    certificate = npm.by_serial(DSP_SERIAL)
    assert verify(certificate.public_key, b"data", signer.sign(b"data"))


def test_dates_do_not_count_in_the_public_key_store(npm):
    expired = npm.find(SUPPLIER, DS)[0]
    assert npm.trusts(expired, expired.not_after_ms + 1)
    with pytest.raises(RemoteError):
        verify_chain(expired, (), NOW_MS)


def test_its_dates_are_mentioned_once(caplog):
    with caplog.at_level(logging.WARNING):
        load_pki(require_keystore(), 1)
    told = [each for each in caplog.messages if "whatever their dates" in each]
    assert len(told) == 1


def test_the_devices_of_the_public_key_store_are_those_of_the_seed(npm):
    assert npm.find(PPMID, KA) == TestPki(b"1").find(PPMID, KA)


@pytest.mark.parametrize("name", ["absent", "absent/keystore.json"])
def test_a_path_to_nothing_is_named(tmp_path, name):
    with pytest.raises(LocalError, match=r"absent.* cannot be read: No such file"):
        load_pki(tmp_path / name, 1)
