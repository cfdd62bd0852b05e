"""`hanota decode`: any OTA image, GBCS message or DUIS document, as text or JSON.

Here are the options. Which kind it is comes from `octets`, what is said of it from `describing`.
"""

from pathlib import Path
from typing import Annotated

import typer

from hanota.cli.describing import describe_carried, describe_document, describe_gbcs, describe_image
from hanota.cli.failure import run
from hanota.cli.given_keys import GivenKeys
from hanota.cli.octets import decode_octets, read_octets
from hanota.cli.show import show
from hanota.wire import duis
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import OtaImage


@run
def decode(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The file; - is standard input.", show_default=False),
    ],
    *,
    certs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of certificates, *.pem, of devices and others."),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="keystore.json of @smartdcc/dccboxed-keystore: organisations' private keys.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Print what an OTA image, GBCS message or DUIS document says.

    A GBCS message may be binary or hex. The GBCS message or image that a DUIS
    document carries is decoded too.

    With keys it says of every signature and MAC whether it is valid, invalid,
    unknown-key (there was no key to try) or absent. Certificates come from
    --certs and --keystore, the organisations' private keys, which MACs need,
    from --keystore. The identity in a certificate counts, not its file name.

    Exit code 0: it was decoded, whatever its signature. Exit code 4: it is
    malformed.

    Example: hanota decode command.hex --certs keys --keystore keystore.json

    Example: cat request.xml | hanota decode - --json
    """
    decoded = decode_octets(read_octets(file))
    keys = GivenKeys(certs, keystore)
    fault = None
    match decoded:
        case OtaImage():
            facts = describe_image(decoded, keys)
        case GbcsMessage():
            facts = describe_gbcs(decoded, keys)
        case duis.Document():
            carried, fault = describe_carried(decoded, keys)
            facts = describe_document(decoded, keys) | carried
    show(facts, as_json=as_json)
    if fault is not None:
        raise fault
