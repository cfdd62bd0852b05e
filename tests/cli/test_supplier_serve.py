"""`hanota supplier serve` with `hanota dcc serve`: real processes, killed at any moment."""

import time

import pytest
from tests.cli.processes import Joined, killing, wait_until
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.ledger.ledger import Ledger

SETTLED = ("updated", "", "00020000")


def now_ms():
    return time.time_ns() // 1_000_000


def roll_out(folder, homes, requests, kills=0, until=0, seed=1):
    """One rollout to the end; what became of each device, and how much happened."""
    with Joined(folder, homes) as joined:
        joined.ask_for_updates(requests, now_ms())
        joined.start("dcc")
        joined.start("supplier")
        if kills:
            killing(joined, kills, until, seed)
        wait_until(joined.is_settled, of="the end of the rollout")
        status, told = joined.ready("supplier")
        assert (status, told["ready"], told["queues"]["outbox"]) == (200, True, 0)
        joined.end("supplier", "dcc")
        assert joined.verify() == []
        assert joined.outcomes_recorded() == [1] * homes
        return joined.states(), joined.happenings()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return roll_out(tmp_path_factory.mktemp("undisturbed"), 60, 12)


def test_every_device_is_accounted_for(undisturbed):
    states, _ = undisturbed
    assert list(states.values()) == [SETTLED] * 60


def test_a_process_killed_at_any_moment_changes_nothing(undisturbed, tmp_path):
    states, happenings = undisturbed
    assert roll_out(tmp_path, 60, 12, kills=3, until=happenings)[0] == states


@pytest.mark.long
def test_fifty_kills_over_two_thousand_homes(tmp_path_factory):
    states, happenings = roll_out(tmp_path_factory.mktemp("undisturbed"), 2_000, 100)
    assert set(states.values()) == {SETTLED}
    folder = tmp_path_factory.mktemp("killed")
    assert roll_out(folder, 2_000, 100, kills=50, until=happenings)[0] == states


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tls-cert", "a.pem"), "both"),
        (("--ca", "a.pem"), "https://"),
        (("--dcc", "ftp://a"), "no address of a DCC"),
        (("--as", "nobody"), "nobody"),
        (("--ledger", "postgres"), "postgres"),
    ],
)
def test_wrong_use_is_2(words, told, tmp_path):
    result = CliRunner().invoke(app, ["supplier", "serve", "--state", str(tmp_path), *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_the_ledger_of_somebody_else_is_left_alone(tmp_path):
    Ledger.open(f"sqlite:///{tmp_path / 'supplier.db'}", owner="dcc").close()
    result = CliRunner().invoke(app, ["supplier", "serve", "--state", str(tmp_path)])
    assert result.exit_code == 2
    assert "is the ledger of 'dcc'" in result.stderr
