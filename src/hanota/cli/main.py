"""`hanota`: the verbs, each in a module of its own."""

import logging
from typing import Annotated

import typer

import hanota
from hanota.cli import (
    campaign,
    codes,
    dcc,
    decode,
    demo,
    estate,
    homes,
    image,
    impact,
    ledger,
    listen,
    pki,
    readback,
    release,
    send,
    settings,
    simulate,
    supplier_serve,
)
from hanota.cli.config import ConfiguredGroup

app = typer.Typer(
    name="hanota",
    cls=ConfiguredGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Firmware over the air for PPMIDs and HCALCSs of Great Britain's smart metering.\n\n"
    "Start with `hanota demo`: a town of homes, one signed request, every device accounted for.",
    epilog="Exit codes: 0 all as asked; 1 done, but something failed that the output names; "
    "2 wrong use; 3 refused by the other side; 4 an input could not be read or is malformed.",
)
app.add_typer(campaign.app, name="campaign")
app.add_typer(dcc.app, name="dcc")
app.add_typer(estate.app, name="estate")
app.add_typer(release.app, name="release")
app.add_typer(homes.app, name="homes")
app.add_typer(image.app, name="image")
app.add_typer(ledger.app, name="ledger")
app.add_typer(pki.app, name="pki")
app.add_typer(supplier_serve.app, name="supplier")
app.command("demo")(demo.demo)
app.command("decode")(decode.decode)
app.command("codes")(codes.codes)
app.command("send")(send.send)
app.command("impact")(impact.impact)
app.command("listen")(listen.listen)
app.command("readback")(readback.readback)
app.command("settings")(settings.settings)
app.command("simulate")(simulate.simulate)


def _print_version(asked: bool) -> None:  # noqa: FBT001 -- the signature of an option's callback
    if asked:
        typer.echo(f"hanota {hanota.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: FBT002 -- the option acts in its callback
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of every verb."""


def main() -> None:
    """The console script; what is worth a warning goes to stderr as one line each."""
    logging.basicConfig(level=logging.WARNING, format="hanota: %(message)s")
    app()
