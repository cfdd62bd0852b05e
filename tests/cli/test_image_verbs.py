"""`hanota image build | inspect | verify | hash`, run as a user runs them."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.vectors import require_keystore, require_vectors
from typer.testing import CliRunner, Result

from hanota.cli.image import app
from hanota.limits import IMAGE_OCTETS_MAX
from hanota.wire.image import OtaImage, build_image, decode_image, encode_image

SUPPLIER = "90-B3-D5-1F-30-01-00-00"
SUPPLIER_2 = "90-B3-D5-1F-30-03-00-00"
BODY = b"CriticalSoftware sample firmware image_" * 6 + b"\n"
SAMPLE_HASH = "7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36"


def hanota_image(*words: object) -> Result:
    """Run a verb; an exception that is no exit fails the test."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def facts(*words: object, code: int = 0) -> dict[str, object]:
    """The JSON object that a verb prints."""
    result = hanota_image(*words, "--json")
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def refusal(*words: object, code: int) -> str:
    """The one sentence with which a verb refuses; nothing stands on stdout."""
    result = hanota_image(*words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("hanota: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "app.bin"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made.ota"


def write_image(path: Path, image: OtaImage) -> Path:
    path.write_bytes(encode_image(image))
    return path


@pytest.fixture
def ppmid(tmp_path: Path) -> Path:
    return write_image(
        tmp_path / "ppmid.ota",
        build_image(
            image_type=0x0084,
            manufacturer_code=0x10D3,
            file_version=0x0200000A,
            manufacturer_image=b"[red]\x00",
            hardware=(0x0001, 0x00FF),
            text="[bold]PPMID\x1b[2J",
        ),
    )


@pytest.fixture
def esme_sample() -> Path:
    return require_vectors() / "ota/esme-sample.ota"


@pytest.fixture
def ppmid_sample() -> Path:
    return require_vectors() / "ota/ppmid-sample.ota"


def test_build_makes_the_sample_of_11_4_octet_by_octet(
    body: Path, out: Path, ppmid_sample: Path
) -> None:
    result = hanota_image(
        *("build", "--type", "ppmid", "--version", "ACDCACDC", "--hardware", "1111..1211"),
        *("--text", "I am a GFI PPMID firmware image ", body, out),
    )
    assert result.exit_code == 0
    assert out.read_bytes() == ppmid_sample.read_bytes()
    assert f"hash: {SAMPLE_HASH}\n" in result.stdout


def test_build_signs_with_the_test_pki_and_verify_finds_the_signer(body: Path, out: Path) -> None:
    words = ("build", "--type", "hcalcs", "--version", "00000002", "--sign-as", SUPPLIER, body, out)
    built = facts(*words)
    assert built["device_type"] == "HCALCS"
    assert built["trailer_octets"] == 66
    assert built["total_octets"] == len(out.read_bytes())
    first = out.read_bytes()
    facts(*words)
    assert out.read_bytes() == first  # the same seed, the same octets

    verified = facts("verify", out, "--seed", 1)
    assert (verified["signature"], verified["signer"]) == ("valid", SUPPLIER)
    assert verified["hash"] == hashlib.sha256(BODY).hexdigest()
    assert facts("verify", out, "--seed", 1, "--as", SUPPLIER)["signature"] == "valid"
    assert facts("verify", out, "--seed", 1, "--as", SUPPLIER_2, code=1)["signature"] == "invalid"
    assert facts("verify", out, "--seed", 2, code=1)["signature"] == "invalid"
    unknown = facts("verify", out, "--seed", 1, "--as", "00-00-00-00-00-00-00-01", code=1)
    assert (unknown["signature"], unknown["signer"]) == ("unknown-key", None)


def test_another_seed_signs_otherwise(body: Path, out: Path) -> None:
    words = ("build", "--type", "esme", "--version", "00000002", "--sign-as", SUPPLIER, body, out)
    facts(*words, "--seed", 7)
    assert facts("verify", out, "--seed", 7)["signature"] == "valid"
    assert facts("verify", out, "--seed", 1, code=1)["signature"] == "invalid"


def test_build_signs_with_the_keystore_and_its_certificates_verify(body: Path, out: Path) -> None:
    keystore = require_keystore()
    built = facts(
        *("build", "--type", "gsme", "--version", "00000002", "--sign-as", SUPPLIER),
        *("--keystore", keystore, body, out),
    )
    assert built["image_type"] == "0001"
    assert facts("verify", out, "--certs", require_vectors() / "keys")["signer"] == SUPPLIER
    assert facts("verify", out, "--keystore", keystore)["signature"] == "valid"
    assert facts("verify", out, "--seed", 1, code=1)["signature"] == "invalid"


def test_the_sample_of_11_1_verifies(esme_sample: Path) -> None:
    by_keystore = facts("verify", esme_sample, "--keystore", require_keystore(), "--as", SUPPLIER)
    assert (by_keystore["signature"], by_keystore["signer"]) == ("valid", SUPPLIER)
    by_certificates = facts("verify", esme_sample, "--certs", require_vectors() / "keys")
    assert by_certificates == by_keystore
    result = hanota_image("verify", esme_sample, "--certs", require_vectors() / "keys")
    assert "signature: valid\n" in result.stdout


def test_the_sample_of_11_1_without_keys_is_not_verified(esme_sample: Path) -> None:
    result = hanota_image("verify", esme_sample)
    assert result.exit_code == 1
    assert "signature: unknown-key\n" in result.stdout
    assert facts("verify", esme_sample, code=1)["signer"] is None


def test_every_damaged_octet_of_image_or_signature_is_noticed(esme_sample: Path, out: Path) -> None:
    keys = require_vectors() / "keys"
    data = esme_sample.read_bytes()
    for offset in (60, 294, 297, 360):
        out.write_bytes(data[:offset] + bytes((data[offset] ^ 1,)) + data[offset + 1 :])
        assert facts("verify", out, "--certs", keys, code=1)["signature"] == "invalid"


def test_inspect_of_both_samples(esme_sample: Path, ppmid_sample: Path) -> None:
    expected = {
        "kind": "ota",
        "device_type": "ESME",
        "image_type": "0000",
        "manufacturer_code": "121D",
        "file_version": "ACDCACDC",
        "hardware_min": "1111",
        "hardware_max": "1211",
        "text": "I am a GFI ESME[] firmware image",
        "stack_version": "0002",
        "header_version": "0100",
        "security_credential": None,
        "destination": None,
        "header_octets": 60,
        "image_octets": 235,
        "trailer_octets": 66,
        "total_octets": 361,
        "hash": SAMPLE_HASH,
        "warnings": [],
    }
    assert facts("inspect", esme_sample) == expected
    assert facts("inspect", ppmid_sample) == expected | {
        "device_type": "PPMID",
        "image_type": "0084",
        "text": "I am a GFI PPMID firmware image",
        "trailer_octets": 0,
        "total_octets": 295,
    }


def test_inspect_for_people_says_the_same_and_steers_no_terminal(ppmid: Path) -> None:
    result = hanota_image("inspect", ppmid)
    assert result.exit_code == 0
    lines = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert lines["text"] == r"[bold]PPMID\x1b[2J"
    assert lines["hardware max"] == "00FF"
    assert lines["manufacturer code"] == "10D3"
    assert lines["hash"] == hashlib.sha256(b"[red]\x00").hexdigest()
    assert "destination" not in lines
    assert "warnings" not in lines


def test_the_trailer_guess_can_be_overruled(esme_sample: Path, ppmid_sample: Path) -> None:
    assert facts("inspect", esme_sample, "--signed")["trailer_octets"] == 66
    whole = facts("inspect", esme_sample, "--unsigned")
    assert (whole["image_octets"], whole["trailer_octets"]) == (301, 0)
    assert "does not end with 00 40" in refusal("inspect", ppmid_sample, "--signed", code=4)
    assert facts("hash", esme_sample, "--unsigned")["hash"] != SAMPLE_HASH


def test_verify_wants_the_trailer_that_the_type_wants(body: Path, out: Path, ppmid: Path) -> None:
    facts("build", "--type", "esme", "--version", "00000002", "--unsigned", body, out)
    unsigned = facts("verify", out, code=1)
    assert unsigned["signature"] == "absent"
    assert unsigned["warnings"] == ["an image of type ESME must end with its supplier's signature"]

    ppmid.write_bytes(
        encode_image(
            build_image(
                image_type=0x0084,
                manufacturer_code=1,
                file_version=1,
                manufacturer_image=b"\x01",
                signature=bytes(64),
            )
        )
    )
    signed = facts("verify", ppmid, "--seed", 1, code=1)
    assert signed["signature"] == "invalid"
    assert "--unsigned" in str(signed["warnings"])
    assert facts("verify", ppmid, "--unsigned")["signature"] == "absent"


def test_an_unknown_image_type_may_be_signed_or_not(body: Path, out: Path) -> None:
    words = ("build", "--type", "0x7F01", "--version", "00000002", body, out)
    assert facts(*words)["device_type"] is None
    assert facts("verify", out)["warnings"] == []
    facts(*words, "--sign-as", SUPPLIER)
    assert facts("verify", out, "--seed", 1)["signature"] == "valid"


def test_a_large_image_has_a_warning(body: Path, out: Path) -> None:
    body.write_bytes(bytes(750_000))
    built = facts("build", "--type", "ppmid", "--version", "00000002", body, out)
    assert "more than 750000 octets" in str(built["warnings"])
    assert facts("verify", out)["signature"] == "absent"
    assert "warnings: more than" in hanota_image("inspect", out).stdout


def test_hash_prints_the_hash_and_nothing_else(esme_sample: Path, ppmid_sample: Path) -> None:
    assert hanota_image("hash", esme_sample).stdout == f"{SAMPLE_HASH}\n"
    assert hanota_image("hash", ppmid_sample).stdout == f"{SAMPLE_HASH}\n"
    assert facts("hash", esme_sample) == {"kind": "ota", "hash": SAMPLE_HASH}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--type", "hcalcs"), "add --sign-as EUI, or --unsigned"),
        (("--type", "esme"), "an image of type ESME ends with its supplier's signature"),
        (("--type", "0000"), "type ESME"),
        (("--type", "hcalcs", "--sign-as", SUPPLIER, "--unsigned"), "exclude each other"),
        (("--type", "ppmid", "--sign-as", SUPPLIER), "leave out --sign-as"),
        (("--type", "gsme", "--sign-as", "90-B3"), "'90-B3' is no device id"),
        (("--type", "gsme", "--sign-as", "90-B3-D5-1F-30-02-00-00"), "90-B3-D5-1F-30-02-00-00"),
        (("--type", "toaster"), "--type 'toaster': write up to 4 hex digits or one of esme, gsme"),
        (("--type", "10000"), "--type '10000'"),
        (("--type", "ppmid", "--manufacturer", "12G"), "--manufacturer '12G'"),
        (("--type", "ppmid", "--hardware", "1111"), "--hardware '1111'"),
        (("--type", "ppmid", "--hardware", "1..2..3"), "--hardware '2..3'"),
        (("--type", "ppmid", "--hardware", "0002..0001"), "0002 is above the highest, 0001"),
        (("--type", "ppmid", "--text", "x" * 33), "at most 32 ASCII characters"),
        (("--type", "ppmid", "--version", "2"), "--version '2': write 8 hex digits"),
        (("--type", "ppmid", "--version", "0000000G"), "write 8 hex digits"),
    ],
)
def test_build_refuses_wrong_use_and_writes_nothing(
    words: tuple[str, ...], says: str, body: Path, out: Path
) -> None:
    assert says in refusal("build", "--version", "00000002", *words, body, out, code=2)
    assert not out.exists()


def test_build_refuses_files_that_it_cannot_use(body: Path, out: Path, tmp_path: Path) -> None:
    words = ("build", "--type", "ppmid", "--version", "00000002")
    assert "cannot read" in refusal(*words, tmp_path / "none", out, code=4)
    assert "cannot write" in refusal(*words, body, tmp_path / "none/made.ota", code=2)
    assert "name another file for OUT" in refusal(*words, body, body, code=2)
    assert body.read_bytes() == BODY
    body.write_bytes(b"")
    assert "the Manufacturer Image is empty" in refusal(*words, body, out, code=2)
    body.write_bytes(bytes(IMAGE_OCTETS_MAX))
    assert "10240060 octets exceeds" in refusal(*words, body, out, code=2)
    body.write_bytes(bytes(IMAGE_OCTETS_MAX + 1))
    assert "has more than the 10240000 octets" in refusal(*words, body, out, code=4)
    assert not out.exists()


@pytest.mark.parametrize("verb", ["inspect", "verify", "hash"])
def test_a_malformed_file_is_one_sentence(verb: str, ppmid: Path, tmp_path: Path) -> None:
    data = ppmid.read_bytes()
    assert "cannot read" in refusal(verb, tmp_path / "none.ota", code=4)
    assert "Is a directory" in refusal(verb, tmp_path, code=4)
    for damaged, says in (
        (b"", "the OTA header needs 56 octets, and there are 0"),
        (data[:-1], "octets in all, and there are"),
        (data + b"\x00", "octets in all, and there are"),
        (b"PK\x03\x04" + data[4:], "no OTA file: it starts with 504b0304"),
        (data[:6] + b"\xff" + data[7:], "says that it has 255 octets"),
    ):
        ppmid.write_bytes(damaged)
        assert says in refusal(verb, ppmid, code=4)


def test_verify_refuses_keys_that_it_cannot_use(ppmid: Path, tmp_path: Path) -> None:
    assert "none" in refusal("verify", ppmid, "--keystore", tmp_path / "none", code=4)
    assert "no folder with .pem files" in refusal(
        "verify", ppmid, "--certs", tmp_path / "none", code=4
    )
    assert "is no device id" in refusal("verify", ppmid, "--as", "supplier", code=2)


@pytest.mark.parametrize("verb", ["build", "inspect", "verify", "hash"])
def test_every_help_has_an_example(verb: str) -> None:
    result = hanota_image(verb, "--help")
    assert result.exit_code == 0
    assert f"Example: hanota image {verb} " in result.stdout


def test_what_build_writes_is_what_the_codec_reads(body: Path, out: Path) -> None:
    facts(
        *("build", "--type", "ppmid", "--version", "0000000a", "--manufacturer", "0x10d3"),
        *("--hardware", "1..2", body, out),
    )
    assert decode_image(out.read_bytes()) == build_image(
        image_type=0x0084,
        manufacturer_code=0x10D3,
        file_version=10,
        manufacturer_image=BODY,
        hardware=(1, 2),
    )
