"""`--config FILE`: options out of a file, for every verb, and never instead of those given."""

import json

import pytest
import typer
from typer.testing import CliRunner

from hanota.cli.config import ConfiguredGroup
from hanota.cli.main import app
from hanota.limits import CONFIG_OCTETS_MAX

# Verbs as those of hanota are: alone, in a group, and a group that does something itself.
a_tree = typer.Typer(cls=ConfiguredGroup)
a_group = typer.Typer(invoke_without_command=True)


@a_tree.command()
def one(count: int = 1, *, text: str = "a", as_json: bool = typer.Option(False, "--json")) -> None:
    typer.echo(f"one {count} {text} {as_json}")


@a_group.callback()
def group(context: typer.Context, state: str = "here") -> None:
    if context.invoked_subcommand is None:
        typer.echo(f"group {state}")


@a_group.command()
def two(push_to: list[str] = [], *, text: str = "a", state: str = "") -> None:  # noqa: B006 -- not kept
    typer.echo(f"two {push_to} {text} {state}")


a_tree.add_typer(a_group, name="group")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "options.toml"

    def write(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def told(of, *words):
    result = CliRunner().invoke(of, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("", ["one"], "one 1 a False"),
        ("count = 5", ["one"], "one 5 a False"),
        ("count = 5", ["one", "--count", "6"], "one 6 a False"),
        ("count = 5\n[one]\ncount = 7", ["one"], "one 7 a False"),
        ("[one]\njson = true\ntext = 'b'", ["one"], "one 1 b True"),
        ("text = 'b'\n[group]\ntext = 'c'", ["one"], "one 1 b False"),
        ("text = 'b'\n[group]\ntext = 'c'", ["group", "two"], "two [] c "),
        ("[group.two]\npush-to = ['x', 'y']", ["group", "two"], "two ['x', 'y'] a "),
        ("[group.two]\npush-to = ['x']", ["group", "two", "--push-to", "z"], "two ['z'] a "),
        ("[group]\nstate = 's'", ["group"], "group s"),
        ("[group]\nstate = 's'", ["group", "two"], "two [] a s"),
        ("[group.two]\nstate = 's'", ["group"], "group here"),
    ],
)
def test_what_stands_nearer_counts_and_what_is_given_most(config, text, words, said):
    result = told(a_tree, *words, "--config", config(text))
    assert (result.exit_code, result.stdout) == (0, f"{said}\n")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("colour = 1", 2, "no option --colour"),
        ("[one]\npush-to = ['x']", 2, "no option --push-to"),
        ("[group]\ncount = 1", 2, "no option --count"),
        ("[three]\ncount = 1", 2, "no verb three"),
        ("[one.three]\ncount = 1", 2, "no verb three"),
        ("one = 1", 2, "no option --one"),
        ("config = 'b.toml'", 2, "no option --config"),
        ("[one]\ncount = 'many'", 2, "--count"),
        ("count", 4, "is no TOML"),
        (b"\xff", 4, "is no TOML"),
        ("#" * (CONFIG_OCTETS_MAX + 1), 4, f"more than {CONFIG_OCTETS_MAX} octets"),
    ],
)
def test_a_file_that_says_something_else(config, text, code, said):
    result = told(a_tree, "one", "--config", config(text))
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there(tmp_path):
    result = told(a_tree, "one", "--config", str(tmp_path / "absent.toml"))
    assert result.exit_code == 4
    assert "absent.toml" in result.stderr


def verbs(group, *words):
    """The words of every verb that does something."""
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, *words, word)
            if not command.invoke_without_command:
                continue
        yield (*words, word)


@pytest.mark.parametrize("words", list(verbs(typer.main.get_command(app))), ids=" ".join)
def test_every_verb_of_hanota_has_it(words):
    assert "--config" in told(app, *words, "--help").stdout


def test_a_verb_of_hanota(config):
    result = told(app, "codes", "--config", config("[codes]\njson = true\n[dcc.serve]\nhomes = 3"))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["services"]
