"""The options of verbs that work on a supplier's ledger, and what they stand for."""

import getpass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.model import eui_from_text, utc
from hanota.smki.organisations import SUPPLIER
from hanota.wire.duis.times import INSTANT

LedgerUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="URL",
        help="The supplier's ledger; default: supplier.db in --state.",
        show_default=False,
    ),
]
StateFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of the ledger; default: supplier in the user's data folder.",
        show_default=False,
    ),
]
By: TypeAlias = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who does it; default: the user who is logged in."),
]
AsSupplier: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="EUI", help="The supplier whose ledger it is.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_ledger(url: str | None, state: Path | None) -> Ledger:
    """The ledger of `--ledger` or `--state`, made where there is none; LocalError as for both."""
    if url is not None:
        return Ledger.open(url, owner="supplier")
    folder = state or Path(typer.get_app_dir("hanota")) / "supplier"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise LocalError(f"cannot make the folder {folder}: {fault.strerror}") from fault
    return Ledger.open(f"sqlite:///{folder.absolute() / 'supplier.db'}", owner="supplier")


def actor(by: str | None) -> str:
    """Who acts: the one named, or the user who is logged in; LocalError where nobody is."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise LocalError("say with --by who does it: nobody is logged in by a name") from error


def supplier_id(given: str | None) -> int:
    """The EUI-64 of `--as`, or that of the public test PKI; LocalError when it is none."""
    return SUPPLIER if given is None else eui_from_text(given)


def instant(text: str | None, option: str) -> int | None:
    """The instant of an option, None where it was not given; LocalError when it is none."""
    if text is None:
        return None
    try:
        found: int = INSTANT.parse(text)
    except ValueError as fault:
        raise LocalError(f"{option} {text!r} {fault}: write 2026-12-01T02:00:00Z") from fault
    return found


def time_text(at_ms: int | None) -> str | None:
    """An instant as people and programs read it, to the second; None where there is none."""
    return None if at_ms is None else utc(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
