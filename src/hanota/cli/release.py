"""`hanota release`: the images that campaigns may bring."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.cli import duis_options
from hanota.cli.duis_options import now_ms
from hanota.cli.failure import run
from hanota.cli.ledger_options import (
    AsJson,
    AsSupplier,
    By,
    LedgerUrl,
    StateFolder,
    actor,
    instant,
    open_ledger,
    supplier_id,
    time_text,
)
from hanota.cli.octets import read_octets
from hanota.cli.show import show
from hanota.files.products import read_products
from hanota.ledger.view import View
from hanota.model import KeyUsage, Role
from hanota.rows import Release
from hanota.serve.releases import Releases
from hanota.supplier.campaign.catalogue import entries_of, objection

app = typer.Typer(no_args_is_help=True, help="The images that campaigns may bring.")

Products = Annotated[
    Path | None,
    typer.Option(
        "--products",
        metavar="FILE",
        help="The Central Products List, a .csv or .jsonl file; default: as it was last read.",
        show_default=False,
    ),
]


@app.command()
@run
def add(
    name: Annotated[str, typer.Argument(show_default=False)],
    image: Annotated[Path, typer.Argument(help="An OTA file.", show_default=False)],
    *,
    products: Products = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Nothing of it is sent from then on."),
    ] = None,
    by: By = None,
    as_: AsSupplier = None,
    pki_path: duis_options.PkiPath = None,
    seed: duis_options.Seed = duis_options.DEFAULT_SEED,
    passphrase_file: duis_options.PassphraseFile = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Keep an image as a release that campaigns may bring.

    The Central Products List has to have an Active entry with its hash, maker
    and version. An image for ESMEs, GSMEs or HCALCSs has to end with this
    supplier's signature.

    Example: hanota release add ppmid-3 image.ota --products cpl.csv
    """
    image_file = read_octets(image)
    pki = duis_options.pki_of(pki_path, seed, passphrase_file)
    its_own = pki.find(supplier_id(as_), KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    listed = None if products is None else read_products(products)
    with open_ledger(ledger, state) as opened:
        release = Releases(opened, its_own).add(
            name,
            image_file,
            listed,
            by=actor(by),
            now_ms=now_ms(),
            expires_ms=instant(expires, "--expires"),
        )
        with opened.view() as view:
            facts = _facts(view, release)
    show(facts, as_json=as_json)


@app.command("list")
@run
def list_(*, ledger: LedgerUrl = None, state: StateFolder = None, as_json: AsJson = False) -> None:
    """List the releases, and why nothing of some may be sent.

    Example: hanota release list --json
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        listed = [_facts(view, release) for release in view.releases()]
    show(
        {"releases": listed} if as_json else {str(each["name"]): each for each in listed},
        as_json=as_json,
    )


@app.command()
@run
def withdraw(
    name: Annotated[str, typer.Argument(show_default=False)],
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing more of a release be sent: campaigns that bring it halt.

    Example: hanota release withdraw ppmid-3
    """
    with open_ledger(ledger, state) as opened:
        release = Releases(opened, ()).withdraw(name, now_ms=now_ms())
        with opened.view() as view:
            facts = _facts(view, release)
    show(facts, as_json=as_json)


@app.command("products")
@run
def products_(
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file.", show_default=False)],
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Read the Central Products List anew: what is no longer Active is no longer sent.

    Example: hanota release products cpl.csv
    """
    entries = read_products(file)
    with open_ledger(ledger, state) as opened:
        Releases(opened, ()).replace_products(entries)
    show({"entries": len(entries), "file": str(file)}, as_json=as_json)


def _facts(view: View, release: Release) -> dict[str, object]:
    products = view.products()
    entries = entries_of(release, products)
    return {
        "name": release.name,
        "type": release.type,
        "version": release.version,
        "manufacturer_code": f"{release.manufacturer_code:04X}",
        "models": sorted({entry.model for entry in entries}),
        "follows": sorted({version for entry in entries for version in entry.follows}),
        "hash": release.hash.hex(),
        "sha256": release.sha256.hex(),
        "added_by": release.added_by,
        "added": time_text(release.added_ms),
        "expires": time_text(release.expires_ms),
        "withdrawn": time_text(release.withdrawn_ms),
        "objection": objection(release, products, now_ms()),
    }
