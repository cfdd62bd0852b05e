"""`hanota homes`: emulated homes as a process, joined to their DCC by NATS.

Here are the options and what is printed; what the process does is in `serve.homes_process`.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from hanota.cli import duis_options as options
from hanota.cli.failure import run as guarded
from hanota.cli.link_options import LinkReplicas, link_settings
from hanota.cli.log_lines import log_to_stderr
from hanota.cli.serving import DEFAULT_HOMES, devices_of, folder_of
from hanota.errors import LocalError
from hanota.files.products import read_products
from hanota.model import DeviceType
from hanota.serve.homes import RadioDepth

DEFAULT_LINK = "nats://127.0.0.1:4222"

app = typer.Typer(no_args_is_help=True, help="Run emulated homes.")


@app.command()
@guarded
def run(
    *,
    link: Annotated[
        str, typer.Option(metavar="URL", help="The NATS at which the DCC is.")
    ] = DEFAULT_LINK,
    link_replicas: LinkReplicas = 1,
    homes: Annotated[
        int | None,
        typer.Option(min=1, help=f"Homes that are made up.  [default: {DEFAULT_HOMES}]"),
    ] = None,
    estate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The homes of a file of devices instead."),
    ] = None,
    cpl: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A Central Products List, for the manufacturers' codes in it."
        ),
    ] = None,
    radio: Annotated[
        RadioDepth, typer.Option(help="Every frame, or the rest of a download as one event.")
    ] = RadioDepth.FRAMES,
    pki_path: options.PkiPath = None,
    seed: options.Seed = options.DEFAULT_SEED,
    passphrase_file: options.PassphraseFile = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Folder of the flash of all nodes; default: homes in the user's data folder.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.001, max=1e6, metavar="X", help="Time runs X times faster, as the DCC's."
        ),
    ] = 1.0,
) -> None:
    """Run the homes of a DCC that was started with the same --link.

    Give both the same homes and the same keys. Hubs and devices keep their
    flash in the state folder: to kill this process is a power cut for all of
    them, and started again they go on where they were. Ctrl-C stops it.

    Examples:
      hanota homes run --link nats://127.0.0.1:4222 --homes 3

      hanota homes run --estate estate.csv --radio flow
    """
    settings_link = link_settings(link, link_replicas, speed)
    pki = options.pki_of(pki_path, seed, passphrase_file)
    devices = devices_of(homes, estate)
    products = [] if cpl is None else list(read_products(cpl))
    folder = folder_of("homes", state)
    try:
        from hanota.sim.standalone_homes import HomesSettings, standalone_homes  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise LocalError("a link over NATS needs nats-py: pip install 'hanota[nats]'") from error
    settings = HomesSettings(devices, products, pki, settings_link, folder, speed, radio)
    log_to_stderr()
    with standalone_homes(settings) as standalone:
        hubs = sum(device.type is DeviceType.CHF for device in devices)
        typer.echo(f"{hubs} homes with {len(devices)} devices")
        typer.echo(f"  link   {link.rpartition('@')[2]}")
        restored = standalone.homes.restored
        typer.echo(f"  state  {folder}" + (f", {restored} nodes as they were" if restored else ""))
        asyncio.run(
            standalone.process.run(standalone.homes, lambda: typer.echo("They have power."))
        )
