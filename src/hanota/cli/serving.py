"""What the verbs that run a process have in common: its folder, its TLS, and homes made up."""

from collections.abc import Sequence
from pathlib import Path

import typer

from hanota.errors import FileError, LocalError
from hanota.files.estate import read_estate
from hanota.rows import Device
from hanota.serve.http_server import ServerTls
from hanota.sim.town import build_home
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2

DEFAULT_HOMES = 20


def folder_of(name: str, given: Path | None) -> Path:
    """The folder of `--state`, or the one of this name in the user's data folder; made if need be.

    LocalError where it cannot be made.
    """
    folder = given or Path(typer.get_app_dir("hanota")) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise LocalError(f"cannot make the folder {folder}: {fault.strerror}") from fault
    return folder.absolute()


def server_tls(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> ServerTls | None:
    """The files of `--tls-cert`, `--tls-key` and `--tls-client-ca`; None where none is given.

    LocalError for one of the first two without the other.
    """
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise LocalError("https wants --tls-cert and --tls-key, both")
    return ServerTls(certificate, key, client_ca)


def devices_of(homes: int | None, estate: Path | None) -> Sequence[Device]:
    """The devices of `--homes` or `--estate`: the same in every process that is given the same.

    LocalError where both are given; FileError for an estate without a device.
    """
    if estate is None:
        # Not one of them is set up to fail, and each second has an HCALCS and gas of supplier 2.
        town = (
            build_home(
                number, hcalcs=1 - number % 2, gas_supplier=SUPPLIER_2 if number % 2 else SUPPLIER
            )
            for number in range(homes or DEFAULT_HOMES)
        )
        return [device for home in town for device in home.devices]
    if homes is not None:
        raise LocalError("give --homes or --estate, not both: a file brings its own homes")
    devices = list(read_estate(estate))
    if not devices:
        raise FileError(f"{estate} has no device: write one a row")
    return devices
