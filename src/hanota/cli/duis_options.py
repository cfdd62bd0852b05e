"""The options that verbs which talk to a DCC have in common, and what they stand for."""

import ssl
import time
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hanota.cli.pki import PassphraseFile, read_passphrase
from hanota.errors import LocalError
from hanota.limits import WAIT_S_MAX
from hanota.model import eui_from_text
from hanota.serve.duis_client import tls_context
from hanota.serve.receiver_http import DEFAULT_PATH, DEFAULT_PORT
from hanota.smki.given_pki import DevicePki, load_pki

DEFAULT_DCC = "http://127.0.0.1:8079"
DEFAULT_WAIT_S = 30.0
LOOPBACK = "127.0.0.1"

To: TypeAlias = Annotated[str, typer.Option("--to", metavar="URL", help="The DCC.")]
PkiPath: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--pki",
        metavar="DIR|FILE",
        help="A folder of `hanota pki init`, or keystore.json of @smartdcc/dccboxed-keystore; "
        "default: the test PKI of --seed.",
        show_default=False,
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Decides the keys of a test PKI, as in the DCC.")
]
As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="EUI", help="The user whose request it is.")
]
Listen: TypeAlias = Annotated[
    int, typer.Option("--listen", min=0, max=65_535, metavar="PORT", help="Where the DCC pushes.")
]
Host: TypeAlias = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Listen there; 0.0.0.0 is every address.")
]
ServedPath: TypeAlias = Annotated[
    str, typer.Option("--path", metavar="PATH", help="The path to which the DCC pushes.")
]
Wait: TypeAlias = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        max=WAIT_S_MAX,
        metavar="S",
        help="Wait so many seconds for what is pushed.",
    ),
]
CaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FILE", help="Authorities of the DCC's TLS certificate, PEM."),
]
CertificateFile: TypeAlias = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="Our TLS certificate, PEM.")
]
KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Its private key, where it is in another file."),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line for each event.")
]

DEFAULT_SEED = 1
__all__ = ["DEFAULT_PATH", "DEFAULT_PORT", "PassphraseFile"]


def pki_of(path: Path | None, seed: int, passphrase_file: Path | None) -> DevicePki:
    """The PKI behind `--pki`, `--seed` and `--passphrase-file`; LocalError where there is none."""
    return load_pki(path, seed, read_passphrase(passphrase_file))


def user_id(text: str | None) -> int | None:
    """The EUI-64 of `--as`; LocalError when it is none."""
    return None if text is None else eui_from_text(text)


def tls_of(
    url: str, ca: Path | None, certificate: Path | None, key: Path | None
) -> ssl.SSLContext | None:
    """The TLS context for an https address, None for another.

    LocalError when a file cannot be used, or is given for an address without TLS.
    """
    if url.lower().startswith("https://"):
        return tls_context(ca, certificate, key)
    if ca is not None or certificate is not None or key is not None:
        raise LocalError("--ca, --certificate and --key are for an address that begins https://")
    return None


def now_ms() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000
