"""`--config FILE` of every verb: options out of a TOML file.

    seed = 7                                # of every verb that has --seed

    [dcc.serve]                             # of `hanota dcc serve` alone
    homes = 3
    push-to = ["127.0.0.1:1880/smartdcc/duis"]

A key is the name of an option without its dashes, a table the words of a verb. What stands nearer
to the verb counts, and what stands on the command line before everything.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from hanota.cli.failure import run
from hanota.errors import FileError, LocalError
from hanota.limits import CONFIG_OCTETS_MAX


class ConfiguredGroup(TyperGroup):
    """The root of all verbs; it gives each of them, at any depth, the option `--config`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        option = _config_option()
        for verb in _verbs(self):
            verb.params.append(option)


def _verbs(group: TyperGroup) -> Iterator[TyperCommand | TyperGroup]:
    """Every command that does something, which a group may do too."""
    for command in group.commands.values():
        match command:
            case TyperGroup():
                if command.invoke_without_command:
                    yield command
                yield from _verbs(command)
            case TyperCommand():
                yield command


def _configure(context: typer.Context, path: Path | None) -> None:
    if path is not None:
        context.default_map = _values(context, path)


@run
def _values(context: typer.Context, path: Path) -> dict[str, Any]:
    """What the file says of the verb that is called, by the names of its parameters."""
    table, command = _document(path), context.find_root().command
    _check(path, table, command)
    named = _named(table)
    for word in _words(context):
        command, table = _below(command)[word], table.get(word, {})
        named |= _named(table)
    parameters = _parameters(command)
    return {parameters[key]: value for key, value in named.items() if key in parameters}


def _words(context: Any) -> list[str]:
    """The words of the verb behind the program's name, such as dcc, serve."""
    if context.parent is None:
        return []
    return [*_words(context.parent), context.info_name or ""]


def _document(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        octets = file.read(CONFIG_OCTETS_MAX + 1)
    if len(octets) > CONFIG_OCTETS_MAX:
        raise FileError(f"{path} has more than {CONFIG_OCTETS_MAX} octets")
    try:
        return tomllib.loads(octets.decode())
    except ValueError as fault:
        raise FileError(f"{path} is no TOML: {fault}") from fault


def _check(path: Path, table: dict[str, Any], command: object) -> set[str]:
    """The keys that the command and those below it have; LocalError for one that none has."""
    below = _below(command)
    known = set(_parameters(command))
    for word, verb in below.items():
        known |= _check(path, _table(table, word), verb)
    for key, value in table.items():
        if isinstance(value, dict) and key not in below:
            raise LocalError(f"{path}: there is no verb {key}")
        if not isinstance(value, dict) and key not in known:
            raise LocalError(f"{path}: there is no option --{key} where {key} stands")
    return known


def _table(table: dict[str, Any], word: str) -> dict[str, Any]:
    value = table.get(word)
    return value if isinstance(value, dict) else {}


def _named(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if not isinstance(value, dict)}


def _below(command: object) -> dict[str, Any]:
    return dict(command.commands) if isinstance(command, TyperGroup) else {}


def _parameters(command: object) -> dict[str, str]:
    """The name of the parameter behind each option, by the option's name without dashes."""
    if not isinstance(command, TyperCommand | TyperGroup):
        return {}
    return {
        name.removeprefix("--"): parameter.name
        for parameter in command.params
        if isinstance(parameter, TyperOption) and parameter.name != "config"
        for name in parameter.opts
    }


def _config_option() -> Any:
    """The option, out of a command that has nothing else: Typer makes options of no other thing."""
    holder = typer.Typer(add_completion=False)

    @holder.command()
    def hold(
        config: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Options in TOML, such as homes = 3; those given here count more.",
                is_eager=True,  # before the options whose defaults it changes
                expose_value=False,
                callback=_configure,
            ),
        ] = None,
    ) -> None:
        """Do nothing."""

    return next(each for each in typer.main.get_command(holder).params if each.name == "config")
