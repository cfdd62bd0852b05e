"""`hanota supplier serve`: a supplier as a process, between its ledger and any DCC.

Here are the options and what is printed at the start; what the process does is in
`serve.supplier_process`.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from uvicorn.loops.auto import auto_loop_factory

from hanota.cli import duis_options as options
from hanota.cli.failure import run
from hanota.cli.log_lines import log_to_stderr
from hanota.cli.pki_keys import dcc_of
from hanota.cli.serving import folder_of, server_tls
from hanota.ledger.ledger import Ledger
from hanota.model import eui_text
from hanota.serve.campaign_conduct import Conductor
from hanota.serve.clock import Clock
from hanota.serve.from_dcc import Belief
from hanota.serve.supplier import SupplierShell
from hanota.serve.supplier_process import Ends, SupplierProcess
from hanota.smki.organisations import SUPPLIER

app = typer.Typer(no_args_is_help=True, help="Run a supplier.")


@app.command()
@run
def serve(
    *,
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Default: supplier.db of the state folder.", show_default=False
        ),
    ] = None,
    dcc: Annotated[
        str, typer.Option(metavar="URL", help="The DCC to send to.")
    ] = options.DEFAULT_DCC,
    listen: options.Listen = options.DEFAULT_PORT,
    host: options.Host = options.LOOPBACK,
    path: options.ServedPath = options.DEFAULT_PATH,
    pki_path: options.PkiPath = None,
    seed: options.Seed = options.DEFAULT_SEED,
    passphrase_file: options.PassphraseFile = None,
    user: options.As = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Folder of the ledger; default: supplier in the user's data folder.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.001, max=1e6, metavar="X", help="Time runs X times faster, as the DCC's."
        ),
    ] = 1.0,
    ca: options.CaFile = None,
    certificate: options.CertificateFile = None,
    key: options.KeyFile = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve https with this certificate, PEM.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its private key, PEM.")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take only clients with certificates of these, PEM."),
    ] = None,
) -> None:
    """Run a supplier: send what its ledger wants sent, record what comes back.

    Requests leave the ledger's outbox for the DCC, answers and pushes are
    recorded before they are acknowledged, campaigns go on, and devices that are
    silent are asked what they run. Other verbs write to the ledger; only this
    one sends.

    Started again, even after a crash, it goes on where it was. Ctrl-C stops
    it. Each request and push is a line on stderr; /health and /ready beside the
    path for pushes tell how it is.

    Examples:
      hanota supplier serve --dcc http://127.0.0.1:8079

      hanota supplier serve --ledger sqlite:///supplier.db --pki keys --listen 1880
    """
    pki = options.pki_of(pki_path, seed, passphrase_file)
    user_id, dcc_id = options.user_id(user) or SUPPLIER, dcc_of(pki)
    ends = Ends(
        dcc=dcc,
        dcc_tls=options.tls_of(dcc, ca, certificate, key),
        host=host,
        port=listen,
        path=path,
        tls=server_tls(tls_cert, tls_key, tls_client_ca),
    )
    url = ledger or f"sqlite:///{folder_of('supplier', state) / 'supplier.db'}"
    log_to_stderr()
    with Ledger.open(url, owner="supplier") as opened:
        shell = SupplierShell(opened, pki, pki, user_id=user_id, dcc_id=dcc_id)
        conductor = Conductor(opened, shell, supplier_id=user_id)
        clock = Clock(_start_ms(opened), speed)
        process = SupplierProcess(
            shell,
            opened,
            Belief(pki, dcc_id, clock.now_ms),
            clock,
            lambda now_ms: any(step.may_go_on for step in conductor.advance(now_ms)),
        )

        def announce(port: int) -> None:
            for line in _announcement(ends, port, user_id, url):
                typer.echo(line)

        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(process.run(ends, announce))


def _start_ms(ledger: Ledger) -> int:
    """Now, or when the ledger was last written to where that is later: its time ran faster."""
    with ledger.view() as view:
        return max(time.time_ns() // 1_000_000, view.last_ms())


def _announcement(ends: Ends, port: int, user_id: int, url: str) -> Iterator[str]:
    scheme = "http" if ends.tls is None else "https"
    host = f"[{ends.host}]" if ":" in ends.host else ends.host
    yield f"The supplier {eui_text(user_id)}"
    yield f"  ledger    {url.rpartition('@')[2]}"
    yield f"  requests  to {ends.dcc}"
    yield f"  pushes    at {scheme}://{host}:{port}{ends.path}"
    yield f"It runs; how it is: {scheme}://{host}:{port}/ready"
