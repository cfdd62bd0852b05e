"""`hanota image`: build, read and check OTA image files.

Here are only the options and what they mean. The file format is in `wire.image`, what is printed
in `image_facts`, whose keys sign and check in `image_signature`, how in `show`.
"""

import re
from pathlib import Path
from typing import Annotated

import typer

from hanota.cli.failure import ExitCode, run
from hanota.cli.image_facts import describe, describe_with_signature, trailer_warning
from hanota.cli.image_signature import supplier_certificates, supplier_signer
from hanota.cli.show import show
from hanota.errors import LocalError, RemoteError
from hanota.limits import IMAGE_OCTETS_MAX
from hanota.model import Role, eui_from_text
from hanota.smki.verdict import Verdict
from hanota.wire.codes import ImageFault
from hanota.wire.image import (
    DEVICE_TYPES,
    IMAGE_TYPES,
    SIGNED_TYPES,
    OtaImage,
    build_image,
    decode_image,
    encode_image,
    manufacturer_image_hash,
)

app = typer.Typer(no_args_is_help=True, help="Build, read and check OTA image files.")

_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The OTA image file.", show_default=False)
]
_Signed = Annotated[
    bool | None,
    typer.Option(
        "--signed/--unsigned",
        help="FILE ends with a trailer, or does not. Without this option it does when the "
        "octets -66 and -65 are 00 40.",
        show_default=False,
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
_Keystore = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="keystore.json of @smartdcc/dccboxed-keystore."),
]


@app.command()
@run
def build(
    body: Annotated[
        Path,
        typer.Argument(
            metavar="BODY",
            help="The Manufacturer Image: what the device flashes.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write.", show_default=False)
    ],
    *,
    kind: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="ppmid, hcalcs, esme, gsme or chf; or an image type, up to 4 hex digits.",
        ),
    ],
    version: Annotated[str, typer.Option(metavar="HEX", help="The file version, 8 hex digits.")],
    manufacturer: Annotated[
        str, typer.Option(metavar="HEX", help="The maker's ZigBee code, up to 4 hex digits.")
    ] = "121D",
    hardware: Annotated[
        str,
        typer.Option(
            metavar="MIN..MAX", help="The hardware versions that may run it, both ends included."
        ),
    ] = "0000..FFFF",
    text: Annotated[str, typer.Option(metavar="TEXT", help="Up to 32 characters for people.")] = "",
    sign_as: Annotated[
        str | None, typer.Option(metavar="EUI", help="The supplier who signs the image.")
    ] = None,
    keystore: _Keystore = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Without --keystore: the seed of the test PKI.")
    ] = 1,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="No trailer, whatever the type.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Put an OTA header before a Manufacturer Image, and the supplier's signature behind it.

    Images of ESME, GSME and HCALCS (service request 11.1) end with the signature of their
    supplier, so they need --sign-as. Images of PPMIDs (11.4) end without one. The image types of
    GSME, HCALCS and CHF are not public: those that hanota writes are assumptions.

    Example: hanota image build --type ppmid --version 00000002 app.bin ppmid.ota

    Example: hanota image build --type hcalcs --version 00000002 --hardware 0001..00FF
    --sign-as 90-B3-D5-1F-30-01-00-00 app.bin hcalcs.ota
    """
    image_type = _image_type(kind)
    supplier = _supplier_to_sign(image_type, sign_as, unsigned=unsigned)
    manufacturer_image = _read(body)
    image = build_image(
        image_type=image_type,
        manufacturer_code=_code(manufacturer, "--manufacturer"),
        file_version=_file_version(version),
        manufacturer_image=manufacturer_image,
        signature=None
        if supplier is None
        else supplier_signer(keystore, seed).sign(supplier, Role.SUPPLIER, manufacturer_image),
        hardware=_hardware_range(hardware),
        text=text,
    )
    _write(out, encode_image(image), source=body)
    show(describe(image), as_json=as_json)


@app.command()
@run
def inspect(file: _File, *, signed: _Signed = None, as_json: _AsJson = False) -> None:
    """Print what the header of an image says, its sizes and its hash.

    Example: hanota image inspect ppmid.ota
    """
    show(describe(_load(file, signed)), as_json=as_json)


@app.command()
@run
def verify(
    file: _File,
    *,
    signed: _Signed = None,
    certs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of certificates, *.pem.")
    ] = None,
    keystore: _Keystore = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Suppliers of the test PKI of this seed.")
    ] = None,
    supplier: Annotated[
        str | None, typer.Option("--as", metavar="EUI", help="Only this supplier may have signed.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Check the structure of an image and, where it has a trailer, the supplier's signature.

    The keys are those of the suppliers in --certs, --keystore or the test PKI; dates of
    certificates do not count. A trailer does not say who signed, so every supplier is tried.
    Exit code 0: all is well. Exit code 1: the signature is invalid or its key unknown, or the
    device type wants a trailer and there is none, or the reverse.

    Example: hanota image verify esme.ota --certs keys --as 90-B3-D5-1F-30-01-00-00
    """
    image = _load(file, signed)
    eui = None if supplier is None else eui_from_text(supplier)
    suppliers = [
        certificate
        for certificate in supplier_certificates(certs, keystore, seed)
        if eui in (None, certificate.eui)
    ]
    facts = describe_with_signature(image, suppliers)
    show(facts, as_json=as_json)
    if trailer_warning(image) or facts["signature"] in (Verdict.INVALID, Verdict.UNKNOWN_KEY):
        raise typer.Exit(ExitCode.FAILED)


@app.command("hash")
@run
def print_hash(file: _File, *, signed: _Signed = None, as_json: _AsJson = False) -> None:
    """Print the Manufacturer Image Hash: what the CPL lists and 11.3 names as FirmwareHash.

    It is the SHA-256 of the Manufacturer Image alone, without header and trailer.

    Example: hanota image hash esme.ota
    """
    digest = manufacturer_image_hash(_load(file, signed)).hex()
    if as_json:
        show({"kind": "ota", "hash": digest}, as_json=True)
    else:
        typer.echo(digest)


_TYPE_NAMES = {device.lower(): image_type for device, image_type in IMAGE_TYPES.items()}
_CODE = re.compile(r"(?:0x)?([0-9A-Fa-f]{1,4})", re.ASCII)
_VERSION = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)


def _image_type(text: str) -> int:
    named = _TYPE_NAMES.get(text.lower())
    return _code(text, "--type") if named is None else named


def _code(text: str, option: str) -> int:
    match = _CODE.fullmatch(text)
    if match is None:
        names = f" or one of {', '.join(_TYPE_NAMES)}" if option == "--type" else ""
        raise LocalError(f"{option} {text!r}: write up to 4 hex digits{names}")
    return int(match[1], 16)


def _file_version(text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise LocalError(f"--version {text!r}: write 8 hex digits, such as 00000002")
    return int(text, 16)


def _hardware_range(text: str) -> tuple[int, int]:
    low, dots, high = text.partition("..")
    if not dots:
        raise LocalError(
            f"--hardware {text!r}: write the lowest and the highest, such as 0001..00FF"
        )
    return _code(low, "--hardware"), _code(high, "--hardware")


def _supplier_to_sign(image_type: int, sign_as: str | None, *, unsigned: bool) -> int | None:
    device = DEVICE_TYPES.get(image_type)
    if sign_as is None:
        if device in SIGNED_TYPES and not unsigned:
            raise LocalError(
                f"an image of type {device} ends with its supplier's signature: add --sign-as EUI, "
                "or --unsigned to leave it out"
            )
        return None
    if unsigned:
        raise LocalError("--sign-as and --unsigned exclude each other")
    if device is not None and device not in SIGNED_TYPES:
        raise LocalError(f"an image of type {device} ends without a signature: leave out --sign-as")
    return eui_from_text(sign_as)


def _load(file: Path, signed: bool | None) -> OtaImage:  # noqa: FBT001 -- the option as it came
    return decode_image(_read(file), signed=signed)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        octets = file.read(IMAGE_OCTETS_MAX + 1)
    if len(octets) > IMAGE_OCTETS_MAX:
        raise RemoteError(
            ImageFault.TOO_LARGE,
            f"{path} has more than the {IMAGE_OCTETS_MAX} octets that a request can carry",
        )
    return octets


def _write(path: Path, octets: bytes, *, source: Path) -> None:
    try:
        if path.exists() and path.samefile(source):
            raise LocalError(f"{path} is the Manufacturer Image itself: name another file for OUT")
        path.write_bytes(octets)
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from error
