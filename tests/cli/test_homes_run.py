"""`hanota homes run` with `hanota dcc serve --link`: real processes on both sides of a NATS."""

import time

import pytest
from tests.cli.a_scripted_dcc import free_port
from tests.cli.processes import Joined, Process, killing, wait_until
from tests.nats_server import NatsServer
from typer.testing import CliRunner

from hanota.cli.main import app

SETTLED = ("updated", "", "00020000")


@pytest.fixture
def server(tmp_path):
    with NatsServer(tmp_path) as server:
        yield server


def roll_out(folder, server, homes, requests, disturb=lambda _joined: None):
    """One rollout to the end; what became of each device, and how much happened."""
    with Joined(folder, homes, server.url) as joined:
        joined.ask_for_updates(requests, time.time_ns() // 1_000_000)
        joined.start("dcc", "homes", "supplier")
        disturb(joined)
        return joined.come_to_the_end()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    with NatsServer(folder) as server:
        return roll_out(folder, server, 60, 12)


def test_every_device_is_accounted_for(undisturbed):
    states, _ = undisturbed
    assert list(states.values()) == [SETTLED] * 60


def test_a_process_killed_at_any_moment_changes_nothing(undisturbed, server, tmp_path):
    states, happenings = undisturbed

    def kill(joined):
        killing(joined, 3, happenings, seed=3)

    assert roll_out(tmp_path, server, 60, 12, kill)[0] == states


def test_a_nats_killed_at_any_moment_changes_nothing(undisturbed, server, tmp_path):
    states, happenings = undisturbed

    def kill(joined):
        for part in (1, 2):
            wait_until(lambda part=part: joined.happenings() >= part * happenings // 3)
            server.kill()
            server.start()

    assert roll_out(tmp_path, server, 60, 12, kill)[0] == states


@pytest.mark.long
def test_fifty_kills_over_two_thousand_homes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    with NatsServer(folder) as server:
        states, happenings = roll_out(folder, server, 2_000, 100)
    assert set(states.values()) == {SETTLED}

    def kill(joined):
        killing(joined, 50, happenings, seed=4)

    folder = tmp_path_factory.mktemp("killed")
    with NatsServer(folder) as server:
        assert roll_out(folder, server, 2_000, 100, kill)[0] == states


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--homes", "1", "--estate", "a.csv"), "not both"),
        (("--link", "http://a"), "nats://"),
    ],
)
def test_wrong_use_is_2(words, told, tmp_path):
    result = CliRunner().invoke(app, ["homes", "run", "--state", str(tmp_path), *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_link_that_never_answers_does_not_keep_the_process(tmp_path):
    nowhere = f"nats://127.0.0.1:{free_port()}"
    process = Process(
        tmp_path / "log", None, "homes", "run", "--homes", 1, "--link", nowhere, "--state", tmp_path
    )
    wait_until(lambda: "does not answer" in (tmp_path / "log").read_text())
    process.end()
