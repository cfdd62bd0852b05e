"""`hanota listen` as a process: what it takes, what it refuses, and how it ends."""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
import typer
from tests.cli.a_scripted_dcc import activated, device_message, signed
from tests.supplier import device_says as says
from typer.testing import CliRunner

from hanota.cli.listen import listen
from hanota.smki.organisations import ORGANISATIONS
from hanota.smki.pki import TestPki
from hanota.smki.pki_folder import write_pki
from hanota.supplier.requests import read_firmware_version
from hanota.wire.duis.messages import encode_response

READ = read_firmware_version(says.ASKED)
RESPONSE = device_message(READ, says.CS08)
PROGRAM = "import typer; from hanota.cli.listen import listen; typer.run(listen)"
XML = {"Content-Type": "application/xml"}

app = typer.Typer()
app.command()(listen)


class Listening:
    def __init__(self, process, url) -> None:
        self.process = process
        self.url = url

    def push(self, octets, headers=XML):
        return httpx.post(self.url, content=octets, headers=headers, trust_env=False).status_code

    def next(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        """The exit code, and all that was still printed."""
        printed, told = self.process.communicate(timeout=60)
        return self.process.returncode, printed, told.decode()


@contextmanager
def listening(*words):
    command = [sys.executable, "-u", "-c", PROGRAM, "--port", "0", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            started = json.loads(process.stdout.readline())
            assert started["event"] == "listening"
            yield Listening(process, started["address"])
        finally:
            process.kill()


def test_each_push_is_printed_and_the_count_ends_it():
    with listening("--count", "2", "--json") as one:
        assert one.url.endswith("/smartdcc/duis")
        assert one.push(signed(RESPONSE)) == 204
        told = one.next()
        assert (told["event"], told["signature"]) == ("push", "valid")
        assert told["gbcs"]["content"]["firmware_version"] == "00020000"
        assert one.push(b"<a/>") == 400
        assert one.push(signed(activated()), {"Content-Type": "text/plain"}) == 415
        assert one.push(encode_response(activated())) == 204
        told = one.next()
        assert (told["signature"], "gbcs" in told) == ("absent", False)
        assert one.end() == (0, b"", "")


def test_with_a_pki_only_what_the_dcc_signed_is_taken(tmp_path):
    folder = tmp_path / "keys"
    write_pki(folder, ORGANISATIONS, b"a seed", None)
    with listening("--pki", folder, "--path", "/a/b", "--json") as one:
        assert one.url.endswith("/a/b")
        for octets in (encode_response(RESPONSE), signed(RESPONSE, TestPki(b"other"))):
            assert one.push(octets) == 400
        one.process.send_signal(signal.SIGINT)
        assert one.end()[:2] == (0, b"")


def test_the_seed_decides_which_signature_is_valid():
    with listening("--seed", "2", "--count", "2", "--json") as one:
        one.push(signed(RESPONSE))
        one.push(signed(RESPONSE, TestPki(b"2")))
        assert [one.next()["signature"] for _ in range(2)] == ["unknown-key", "valid"]


def test_people_read_it_in_lines():
    command = [sys.executable, "-u", "-c", PROGRAM, "--port", "0", "--count", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"listening:\n"
        url = process.stdout.readline().decode().split()[1]
        httpx.post(url, content=signed(RESPONSE), headers=XML, trust_env=False)
        printed = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0
    assert printed.startswith("push:\n")
    assert "firmware version: 00020000" in printed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--path", "smartdcc"), "does not begin with a slash"),
        (("--host", "192.0.2.1"), "cannot listen on"),
    ],
)
def test_wrong_use_is_2(words, told):
    result = CliRunner().invoke(app, ["--port", "0", *words])
    assert result.exit_code == 2
    assert told in result.stderr


def test_keys_that_are_not_there_are_4():
    result = CliRunner().invoke(app, ["--port", "0", "--pki", "no-such-file"])
    assert result.exit_code == 4
    assert "cannot be read" in result.stderr


def test_the_help_has_an_example():
    assert "Example: hanota listen" in CliRunner().invoke(app, ["--help"]).stdout
