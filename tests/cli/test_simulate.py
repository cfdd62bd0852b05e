"""`hanota simulate` as a user runs it."""

import json
import re
import shlex
import subprocess

import pytest
from tests.vectors import require_tool
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.sim import simulation
from hanota.sim.checker import Invariant, ViolationError
from hanota.sim.faulty_world import FaultyWorld

QUICK = ("--homes", "1", "--until", "2", "--radio", "flow")


def run(*options):
    return CliRunner().invoke(app, ["simulate", *options])


def test_one_line_a_seed():
    result = run("--seeds", "1..2", *QUICK)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split(":")[0] for line in lines] == ["seed 1", "seed 2"]
    assert all(re.search(r": ok  [0-9a-f]{16}  \d+ events", line) for line in lines)


def test_json_has_everything():
    result = run("--seed", "3", "--json", "--faults", "wan", *QUICK)
    facts = json.loads(result.output)
    assert (facts["seed"], facts["failure"]) == (3, None)
    assert facts["outcomes"]
    assert facts["replay"].startswith("hanota simulate --seed 3 ")


def test_the_replay_is_the_same_run():
    first = json.loads(run("--seed", "5", "--json", "--faults", "wan,kill", *QUICK).output)
    program, verb, *options = shlex.split(first["replay"])
    assert (program, verb) == ("hanota", "simulate")
    assert json.loads(run(*options, "--json").output) == first


def test_a_failure_says_what_broke_where_and_how_to_see_it_again(monkeypatch):
    def breaks(_world):
        raise ViolationError(Invariant.ONCE, "it was done twice")

    monkeypatch.setattr(FaultyWorld, "run", breaks)
    result = run("--seed", "9", "--faults", "power-cut=0.001", *QUICK)
    assert result.exit_code == 1
    for part in (
        "seed 9: FAILED",
        "broken: a critical command takes effect at most once",
        "it was done twice",
        "last events:",
        "replay: hanota simulate --seed 9 --homes 1 --faults power-cut=0.001",
    ):
        assert part in result.output


def test_a_party_that_raises_is_a_failure(monkeypatch):
    def raises(_world):
        raise KeyError("a bug")

    monkeypatch.setattr(FaultyWorld, "run", raises)
    result = run("--seed", "9", *QUICK)
    assert result.exit_code == 1
    assert "no party raises" in result.output
    assert "KeyError: 'a bug'" in result.output
    assert simulation.simulate is not None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--faults", "rain"), "choose among none, wan, radio"),
        (("--faults", "rain=1"), "choose among wan-lost, wan-doubled"),
        (("--faults", "killed=7"), "a number from 0 to 1"),
        (("--seed", "1", "--seeds", "1..2"), "give --seed or --seeds, not both"),
        (("--seeds", "2..1"), "the lower one first"),
        (("--seeds", "many"), "no range of seeds: write 1..100"),
        (("--homes", "0"), "a world has 1 to 1000 homes"),
        (("--until", "0"), "faults are over after 1 to 365 days"),
        (("--seeds", "1..2", "--pcap", "x"), "a capture is of one run"),
    ],
)
def test_bad_use_is_refused_in_one_sentence(options, sentence):
    result = run(*options)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.splitlines()) == 1


def test_a_radio_that_is_none_is_refused_with_those_that_are():
    result = run("--radio", "telepathy")
    assert result.exit_code == 2
    assert "frames" in result.output


def test_every_fault_and_profile_is_listed():
    output = run("--list-faults").output
    for word in ("wan-lost", "certificate-expired", "profile all", "profile kill"):
        assert word in output


def test_the_air_changes_no_outcome():
    frames = json.loads(run("--seed", "2", "--json", "--homes", "1", "--until", "1").output)
    options = ("--seed", "2", "--json", "--homes", "1", "--until", "1", "--radio", "air")
    air = json.loads(run(*options).output)
    assert {**air, "replay": ""} == {**frames, "replay": ""}
    assert "--radio air" in air["replay"]


@pytest.mark.oracle
def test_wireshark_reads_a_capture_with_its_keys(tmp_path):
    path = tmp_path / "home.pcap"
    assert run("--seed", "1", "--pcap", str(path), "--homes", "1", "--until", "1").exit_code == 0
    keys = (tmp_path / "home.pcap.keys").read_text().splitlines()
    options = [option for line in keys for option in ("-o", f"uat:zigbee_pc_keys:{line}")]
    fields = ("_ws.malformed", "_ws.expert.message", "zbee_aps.cluster")
    output = subprocess.run(
        [
            require_tool("tshark"),
            *options,
            *("-r", path, "-T", "fields", "-E", "separator=;"),
            *(part for field in fields for part in ("-e", field)),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split(";") for line in output.splitlines()]
    assert len(rows) > 1_000
    assert {row[0] for row in rows} == {""}
    assert {row[1] for row in rows} == {""}
    assert {row[2] for row in rows} == {"0x0019", "0x0704"}
