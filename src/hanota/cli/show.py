"""How facts are printed: as one JSON object, or for people, a line each and indented."""

from collections.abc import Iterator

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from hanota.smki.verdict import Verdict


def show(facts: dict[str, object], *, as_json: bool) -> None:
    """Print facts whose values are texts, numbers, None, dicts of the same, or lists.

    For people None and empty lists are left out and long lists cut short; JSON has everything. No
    text can steer a terminal: what is not printable is escaped.
    """
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(facts), indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in _lines(facts, 0):
        console.print(line)


def printable(text: str) -> str:
    """The text with what is not printable escaped, so that it steers no terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


_INDENT = 2
_ITEMS_SHOWN_MAX = 8
_STYLES: dict[str, str] = {
    Verdict.VALID: "green",
    Verdict.INVALID: "bold red",
    Verdict.UNKNOWN_KEY: "yellow",
}


def _lines(facts: dict[str, object], depth: int) -> Iterator[Text]:
    for name, value in facts.items():
        match value:
            case None | []:
                continue
            case dict():
                yield _line(name, "", depth)
                yield from _lines(value, depth + 1)
            case list() if all(isinstance(item, str) for item in value):
                yield _line(name, _listed(value), depth)
            case list():
                for item in value:
                    yield from _lines({name: item}, depth)
            case _:
                yield _line(name, str(value), depth)


def _line(name: str, shown: str, depth: int) -> Text:
    label = f"{' ' * _INDENT * depth}{printable(name.replace('_', ' '))}:"
    if not shown:
        return Text(label, "dim")
    return Text.assemble((f"{label} ", "dim"), (printable(shown), _STYLES.get(shown, "")))


def _listed(items: list[str]) -> str:
    shown = "; ".join(items[:_ITEMS_SHOWN_MAX])
    more = len(items) - _ITEMS_SHOWN_MAX
    return shown if more <= 0 else f"{shown}; and {more} more"
