"""`hanota settings` prints every limit there is, and says which of them are assumptions."""

import ast
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota import limits
from hanota.cli.main import app
from hanota.cli.settings import NO_SETTINGS, SETTINGS, SOURCES

CHOSEN = "# --- Chosen by this project"
# The vocabulary's names and defaults.
VOCABULARY = {
    "block_size_octets": 48,
    "block_period_ms": 50,
    "query_interval_h": 24,
    "hub_image_slots": 4,
    "hub_give_up_days": 7,
    "tracking_days": 14,
    "silence_deadline_days": 14,
    "image_size_octets_max": 10_240_000,
    "devices_per_request_max": 50_000,
    "push_delay_ms": 1_000,
    "push_retry_s": 60,
    "push_hold_days": 2,
    "push_timeout_s": 15,
    "push_body_octets_max": 90_000,
    "sync_answer_ms_max": 3_000,
    "demo_image_octets": 65_536,
    "simulate_image_octets": 16_384,
    "powercut_image_octets": 4_096,
}


def printed(*words, width=80):
    result = CliRunner().invoke(app, ["settings", *words], env={"COLUMNS": str(width)})
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def constants(source: str) -> set[str]:
    """The names that a piece of limits.py gives values."""
    return {
        target.id
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }


@pytest.fixture(scope="module")
def blocks():
    """The names that limits.py has from specifications, and those that this project chose."""
    said, chosen = Path(limits.__file__).read_text(encoding="utf-8").split(CHOSEN)
    return constants(said), constants("#" + chosen) - NO_SETTINGS


def test_every_limit_is_printed(blocks):
    rows = json.loads(printed("--json"))
    said, chosen = blocks
    assert len(rows) == len(said | chosen) == len({row["name"] for row in rows})
    values = [getattr(limits, name) for name in said | chosen]
    assert sorted(map(str, values)) == sorted(str(row["value"]) for row in rows)


def test_what_a_specification_says_has_a_source_and_nothing_else_has(blocks):
    said, chosen = blocks
    sourced = {name for name, told in SOURCES.items() if not told.startswith("assumption")}
    assert sourced == said
    assert SOURCES.keys() - sourced <= chosen
    assumed = {row["name"] for row in json.loads(printed("--json")) if "assum" in row["source"]}
    assert assumed == {name.lower() for name in chosen}


def test_the_names_of_the_vocabulary_have_its_defaults():
    rows = {setting.name: setting.value for setting in SETTINGS}
    assert {name: rows.get(name) for name in VOCABULARY} == VOCABULARY


def test_people_read_every_name_and_value_whole():
    shown = printed(width=80)
    assert max(map(len, shown.splitlines())) <= 80
    for setting in SETTINGS:
        value = f"{setting.value:,}" if isinstance(setting.value, int) else setting.value
        (line,) = [line for line in shown.splitlines() if f" {setting.name} " in line]
        assert f" {value} " in line
