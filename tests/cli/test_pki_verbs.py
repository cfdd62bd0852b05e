"""`hanota pki`: what it makes, what it shows, and what it never shows."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from hanota.cli import pki
from hanota.limits import PASSPHRASE_OCTETS_MAX
from hanota.model import KeyUsage, Role
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, ORGANISATIONS, SUPPLIER
from hanota.smki.pki_folder import load_pki_folder

OWN = 0x0011223344556677
OWN_TEXT = "00-11-22-33-44-55-66-77"
BROKER_TEXT = "90-B3-D5-1F-30-00-00-02"
SECRET = re.compile(r"PRIVATE KEY|[0-9a-fA-F]{64}")


def hanota_pki(*words, code=0):
    app = typer.Typer()
    app.add_typer(pki.app, name="pki")
    result = CliRunner().invoke(app, ["pki", *map(str, words)])
    assert result.exit_code == code, result.output
    assert not SECRET.search(result.output)
    return result


def roles_of(folder):
    held = load_pki_folder(folder, None).organisations.certificates
    return {(each.eui, each.role) for each in held}


def test_a_pki_is_made_and_shown(tmp_path):
    folder = tmp_path / "keys"
    assert "8 organisations" in hanota_pki("init", folder).stdout
    assert roles_of(folder) == {
        (organisation.eui, role) for organisation in ORGANISATIONS for role in organisation.roles
    }
    told = json.loads(hanota_pki("show", folder, "--json").stdout)
    assert told["makes_devices"] is True
    assert [each["name"] for each in told["authorities"]] == [
        "CN=H0,OU=00",
        "CN=H357",
        "CN=H1,OU=07",
    ]
    (supplier,) = [
        each
        for each in told["organisations"]
        if (each["eui"], each["role"], each["usage"])
        == ("90-B3-D5-1F-30-01-00-00", "supplier", "digital-signature")
    ]
    certificate = load_pki_folder(folder, None).organisations.find(
        SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER
    )[0]
    assert supplier["serial"] == str(certificate.serial)
    assert supplier["private_key"] is True
    assert supplier["not_after"] == "2118-01-01T00:00:00+00:00"
    shown = hanota_pki("show", folder).stdout
    assert "role: dsp-xml-signing" in shown


def test_every_pki_has_other_keys(tmp_path):
    serials = set()
    for name in ("a", "b"):
        hanota_pki("init", tmp_path / name)
        serials.add((tmp_path / name / "root.pem").read_text())
    assert len(serials) == 2


def test_who_is_named_gets_what_they_need_for_duis_and_a_broker_is_there(tmp_path):
    hanota_pki("init", tmp_path / "k", "--organisation", f"{OWN_TEXT.lower()}=supplier")
    assert roles_of(tmp_path / "k") == {
        (OWN, Role.SUPPLIER),
        (OWN, Role.XML_SIGNING),
        (ACCESS_CONTROL_BROKER, Role.ACCESS_CONTROL_BROKER),
        (ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING),
    }


def test_another_broker_takes_the_place_of_the_public_one(tmp_path):
    named = ["--organisation", f"{OWN_TEXT}=access-control-broker"]
    hanota_pki("init", tmp_path / "k", *named, "--organisation", f"{OWN_TEXT}=recovery")
    assert roles_of(tmp_path / "k") == {
        (OWN, Role.ACCESS_CONTROL_BROKER),
        (OWN, Role.DSP_XML_SIGNING),
        (OWN, Role.RECOVERY),
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (OWN_TEXT, "is no EUI=ROLE with a role of recovery, supplier"),
        (f"{OWN_TEXT}=root", "is no EUI=ROLE"),
        ("supplier=supplier", "'supplier' is no device id"),
        (f"{BROKER_TEXT}=supplier", "is the broker: give it that role too"),
    ],
)
def test_an_organisation_that_is_none_is_wrong_use(tmp_path, given, reason):
    result = hanota_pki("init", tmp_path / "k", "--organisation", given, code=2)
    assert reason in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    hanota_pki("init", tmp_path / "k")
    before = (tmp_path / "k/root.key").read_bytes()
    assert "never overwritten" in hanota_pki("init", tmp_path / "k", code=2).stderr
    assert (tmp_path / "k/root.key").read_bytes() == before


def test_a_passphrase_comes_from_a_file(tmp_path):
    phrase = tmp_path / "phrase"
    phrase.write_bytes(b"correct horse\r\nanother line\n")
    folder = tmp_path / "k"
    hanota_pki("init", folder, "--passphrase-file", phrase)
    assert "no passphrase is given" in hanota_pki("show", folder, code=2).stderr
    assert "makes devices: True" in hanota_pki("show", folder, "--passphrase-file", phrase).stdout
    assert load_pki_folder(folder, b"correct horse").device_issuer is not None
    phrase.write_bytes(b"wrong")
    told = hanota_pki("show", folder, "--passphrase-file", phrase, code=2).stderr
    assert "is the passphrase another?" in told


@pytest.mark.parametrize("content", [b"", b"\nline two", b"x" * (PASSPHRASE_OCTETS_MAX + 1)])
def test_an_empty_or_endless_passphrase_is_wrong_use(tmp_path, content):
    phrase = tmp_path / "phrase"
    phrase.write_bytes(content)
    told = hanota_pki("init", tmp_path / "k", "--passphrase-file", phrase, code=2).stderr
    assert "has no 1 to 1024 octets" in told
    assert not (tmp_path / "k").exists()


def test_files_that_are_absent(tmp_path):
    absent = tmp_path / "absent"
    hanota_pki("init", tmp_path / "k", "--passphrase-file", absent, code=4)
    assert "cannot be read" in hanota_pki("show", absent, code=4).stderr
    assert "root.pem cannot be read" in hanota_pki("show", tmp_path, code=4).stderr


def test_the_help_has_examples():
    assert "hanota pki init keys" in hanota_pki("init", "--help").stdout
    assert "Example: hanota pki show keys" in hanota_pki("show", "--help").stdout
