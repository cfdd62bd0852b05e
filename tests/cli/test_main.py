"""`hanota` itself: its version, its help, its exit for wrong use, its warnings."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import hanota
from hanota.cli.main import app
from hanota.sim.town_images import seeded_image
from hanota.wire.image import encode_image


def run(*words):
    return CliRunner().invoke(app, words, env={"COLUMNS": "80"})


def test_the_version():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"hanota {hanota.__version__}\n")


def test_the_help_names_every_verb_and_every_exit_code():
    result = run("--help")
    assert result.exit_code == 0
    for verb in ("codes", "decode", "demo", "image", "listen", "readback", "send", "settings"):
        assert f" {verb} " in result.stdout
    told = " ".join(result.stdout.split())
    for code in ("0 all as asked", "1 done", "2 wrong use", "3 refused", "4 an input"):
        assert code in told


@pytest.mark.parametrize(
    "verb", ["codes", "decode", "demo", "listen", "readback", "send", "settings"]
)
def test_every_verb_has_help_with_an_example(verb):
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert f"hanota {verb}" in result.stdout


@pytest.mark.parametrize("words", [("nothing",), ("demo", "--nothing"), ("demo", "--homes", "x")])
def test_wrong_use_is_2(words):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("verb", ["codes", "settings"])
def test_the_tables_can_be_printed(verb):
    assert run(verb).exit_code == run(verb, "--json").exit_code == 0


def test_a_warning_is_one_line_on_stderr_and_nothing_on_stdout(tmp_path):
    (tmp_path / "broken.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    image = tmp_path / "image.ota"
    image.write_bytes(encode_image(seeded_image(100, 1)))
    words = ("image", "verify", str(image), "--certs", str(tmp_path))
    command = "from hanota.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "broken.pem" not in done.stdout
    (warning,) = done.stderr.splitlines()
    assert re.fullmatch(r"hanota: broken\.pem is left out: .*", warning)
