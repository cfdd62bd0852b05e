"""Secrets that were planted are nowhere but where they were put: no log, output, error or ledger.

A DCC runs as a process on a PKI whose keys are encrypted, is asked, operated and ended; then every
octet that it and the verbs have written is searched for the passphrase, for every private key in
every form in which it could be written, and for the operator's secret.
"""

import json
import signal
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from tests.cli.test_dcc import a_dcc, inventory
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.smki import dsig
from hanota.smki.given_pki import load_pki

PASSPHRASE = "planted-Schl\u00fcssel-93f1"
PEM_LINE = 40  # octets of Base64 that stand together in a PEM file


def forms_of(key) -> list[bytes]:
    """A private key in every form in which it could be written."""
    number = key.private_numbers().private_value
    scalar = number.to_bytes(32, "big")
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    in_pem = b64encode(der)
    return [
        scalar,
        scalar.hex().encode(),
        scalar.hex().upper().encode(),
        str(number).encode(),
        b64encode(scalar)[:PEM_LINE],
        *(in_pem[start : start + PEM_LINE] for start in range(0, 128, 64)),
    ]


class Planted:
    """A PKI with secrets, and all that was said by verbs since."""

    def __init__(self, folder) -> None:
        self.keys, self.state = folder / "keys", folder / "state"
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")
        self.said = b""
        self.verb("pki", "init", self.keys, "--passphrase-file", self.passphrase_file)
        passphrase = PASSPHRASE.encode()
        files = sorted(self.keys.rglob("*.key"))
        assert len(files) > 10
        self.secrets = [
            passphrase,
            *(
                form
                for file in files
                for form in forms_of(load_pem_private_key(file.read_bytes(), passphrase))
            ),
        ]

    def verb(self, *words, code=0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        self.said += result.output.encode() + str(result.exception or "").encode()
        return result

    def written(self) -> dict[str, bytes]:
        """All that was written, by the name of where it stands."""
        files = [file for file in self.state.parent.rglob("*") if file.is_file()]
        kept = (self.keys, self.passphrase_file)
        return {"what verbs said": self.said} | {
            str(file): file.read_bytes()
            for file in files
            if not any(file.is_relative_to(place) for place in kept)
        }

    def found(self) -> list[str]:
        return [
            f"{place} has {secret[:20]!r}"
            for place, octets in self.written().items()
            for secret in self.secrets
            if secret in octets
        ]


@pytest.fixture
def planted(tmp_path):
    return Planted(tmp_path)


def test_no_secret_is_where_it_was_not_put(planted):
    with_keys = ("--pki", planted.keys, "--passphrase-file", planted.passphrase_file)
    with a_dcc(planted.state, *with_keys) as dcc:
        planted.said += dcc.said.encode()
        door = json.loads((planted.state / "operator.json").read_bytes())
        pki = load_pki(planted.keys, 1, PASSPHRASE.encode())
        answer = dcc.post(dsig.sign_request(inventory(), pki, pki))
        planted.said += answer + dcc.post(dsig.sign_request(inventory(2), pki, pki))
        for verb in ("pushes", "requests"):
            planted.verb("dcc", verb, "--state", planted.state, "--json")
        dcc.process.send_signal(signal.SIGTERM)
        assert dcc.process.wait(60) == 0
        planted.said += dcc.process.stdout.read().encode()
    planted.secrets.append(door["secret"].encode())
    assert len(planted.written()) > 2, "nothing was looked at"
    assert planted.found() == []


def test_an_error_about_a_key_shows_no_secret(planted):
    wrong = planted.state.parent / "wrong"
    wrong.write_text("planted-wrong-77\n")
    planted.verb("pki", "show", planted.keys, "--json", "--passphrase-file", wrong, code=2)
    planted.verb(
        "pki", "show", planted.keys, "--json", "--passphrase-file", planted.passphrase_file
    )
    planted.secrets.append(b"planted-wrong-77")
    wrong.unlink()
    assert planted.found() == []


def test_the_search_finds_what_it_looks_for(planted):
    planted.state.mkdir()
    (planted.state / "log").write_bytes(b"... " + planted.secrets[5] + b" ...")
    assert len(planted.found()) == 1
