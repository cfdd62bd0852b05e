"""`hanota dcc serve`: the DCC with its own homes, for the DCC's own client tools or any other.

Here are the options and what is printed at the start. How the parts are put together is in
`sim.standalone_dcc`, what the process does in `serve.dcc_process`.
"""

import asyncio
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from uvicorn.loops.auto import auto_loop_factory

from hanota.cli.failure import run
from hanota.cli.link_options import Link, LinkReplicas, link_settings
from hanota.cli.log_lines import log_to_stderr
from hanota.cli.pki import PassphraseFile, read_passphrase
from hanota.cli.serving import DEFAULT_HOMES, devices_of, folder_of, server_tls
from hanota.dcc.reads import BROKERED_TYPES
from hanota.dcc.thresholds import threshold_from_text
from hanota.dcc.users import UserRole, Users
from hanota.files.products import read_products
from hanota.limits import HOMES_MADE_UP_MAX
from hanota.model import DeviceType, eui_text
from hanota.serve.allocator import map_large_blocks
from hanota.serve.dcc_process import Addresses, Ports
from hanota.serve.duis_client import tls_context
from hanota.serve.push_client import push_addresses
from hanota.serve.receiver_http import DEFAULT_PATH, DEFAULT_PORT
from hanota.sim.standalone_dcc import USER_ROLES, Settings, StandaloneDcc, standalone_dcc
from hanota.smki.given_pki import DevicePki, GivenPki, load_pki
from hanota.smki.organisations import ORGANISATIONS

DEFAULT_DUIS_PORT = 8079
DEFAULT_SMKI_PORT = 8083
# Where Node-RED with the DCC's own nodes listens, and `hanota send` and `listen`.
DEFAULT_PUSH_TO = f"127.0.0.1:{DEFAULT_PORT}{DEFAULT_PATH}"
EVERY_IMAGE = "any"


class Switch(StrEnum):
    """A choice as DCC Boxed words it."""

    ON = "on"
    OFF = "off"


StateFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of ledger and flash; default: dcc in the user's data folder.",
        show_default=False,
    ),
]


@run
def serve(
    *,
    homes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=HOMES_MADE_UP_MAX,
            help=f"Homes that are made up.  [default: {DEFAULT_HOMES}]",
        ),
    ] = None,
    estate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The homes of a file of devices instead."),
    ] = None,
    duis_port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="For requests; 0: a free one.")
    ] = DEFAULT_DUIS_PORT,
    smki_port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="PORT", help="For certificates; 0: a free one."),
    ] = DEFAULT_SMKI_PORT,
    push_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[EUI=]ADDRESS",
            help="Where users get responses and alerts, host:port/path; any number of times.  "
            f"[default: {DEFAULT_PUSH_TO}]",
            show_default=False,
        ),
    ] = None,
    push_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Authorities of those addresses that are https, PEM."),
    ] = None,
    pki_path: Annotated[
        Path | None,
        typer.Option(
            "--pki",
            metavar="DIR|FILE",
            help="A PKI of `hanota pki init`, or keystore.json of @smartdcc/dccboxed-keystore; "
            "default: the test PKI of the seed.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    signature_check: Annotated[
        Switch, typer.Option(help="Whether requests have to be signed.")
    ] = Switch.ON,
    cpl: Annotated[
        str,
        typer.Option(
            metavar="FILE|any", help="The Central Products List; any: every well-formed image."
        ),
    ] = EVERY_IMAGE,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[EUI:]SERVICE=N/PERIOD",
            help="Hold back what goes beyond, 11.3=100/h or /d; any number of times.",
            show_default=False,
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Default: dcc.db of the state folder.", show_default=False
        ),
    ] = None,
    state: StateFolder = None,
    link: Link = None,
    link_replicas: LinkReplicas = 1,
    speed: Annotated[
        float, typer.Option(min=0.001, max=1e6, metavar="X", help="Time runs X times faster.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Decides keys that no --pki holds.")] = 1,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen there; 0.0.0.0 is every address.")
    ] = "127.0.0.1",
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
    """Run a DCC with homes behind it, to which any DUIS client can speak.

    It serves what DCC Boxed serves, at the same ports and paths: requests at
    /api/v1/serviceS, serviceT and serviceD, certificates at /services/..., and
    it pushes responses and alerts to --push-to. Services 8.2 and 11.1 to 11.4
    work on hubs, meters, PPMIDs and HCALCSs that live in this process.

    Everything is kept in the state folder: started again, even after a crash,
    it goes on where it was. Ctrl-C stops it. Each request and push is a line on
    stderr.

    With --link the homes are not in this process, but in `hanota homes run` at
    the same link.

    Examples:
      hanota dcc serve --homes 3 --push-to 127.0.0.1:1880/smartdcc/duis

      hanota dcc serve --pki keystore.json --speed 60

      hanota dcc serve --estate estate.csv --cpl products.csv --signature-check off
    """
    devices = devices_of(homes, estate)
    pki = load_pki(pki_path, seed, read_passphrase(passphrase_file))
    users = _users_of(pki)
    folder = folder_of("dcc", state)
    settings = Settings(
        devices=devices,
        pki=pki,
        users=users,
        products=None if cpl == EVERY_IMAGE else read_products(Path(cpl)),
        ledger_url=ledger or f"sqlite:///{folder / 'dcc.db'}",
        state=folder,
        speed=speed,
        signature_check=signature_check is Switch.ON,
        thresholds=[threshold_from_text(text) for text in threshold or ()],
        brokered_types=_brokered_types(pki_path),
        link=None if link is None else link_settings(link, link_replicas, speed),
    )
    addresses = Addresses(
        host=host,
        duis_port=duis_port,
        smki_port=smki_port,
        tls=server_tls(tls_cert, tls_key, tls_client_ca),
        push_to=push_addresses(push_to or (DEFAULT_PUSH_TO,), users),
        push_tls=tls_context(push_ca, None, None),
    )
    # As one says it to `hanota send`.
    keys = f"--seed {seed}" if pki_path is None else f"--pki {pki_path}"
    log_to_stderr()
    map_large_blocks()
    with standalone_dcc(settings) as dcc:

        def announce(ports: Ports) -> None:
            for line in _announcement(settings, addresses, dcc, ports, keys):
                typer.echo(line)

        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(dcc.process.run(addresses, dcc.homes, announce))


def _users_of(pki: DevicePki) -> Users:
    """The organisations that the PKI has keys of users for, in the roles of their certificates."""
    match pki:
        case GivenPki(organisations=held):
            named = [(each.eui, each.role) for each in held.certificates]
        case _:
            named = [(each.eui, role) for each in ORGANISATIONS for role in each.roles]
    users: dict[int, frozenset[UserRole]] = {}
    for eui, role in named:
        if role in USER_ROLES:
            users[eui] = users.get(eui, frozenset()) | USER_ROLES[role]
    return users


def _brokered_types(pki_path: Path | None) -> frozenset[DeviceType]:
    # DCC Boxed, whose key store such a file is, reads meters through the ACB too.
    boxed = pki_path is not None and not pki_path.is_dir()
    return BROKERED_TYPES | {DeviceType.ESME} if boxed else BROKERED_TYPES


def _announcement(
    settings: Settings, addresses: Addresses, dcc: StandaloneDcc, ports: Ports, keys: str
) -> Iterator[str]:
    scheme = "http" if addresses.tls is None else "https"
    host = f"[{addresses.host}]" if ":" in addresses.host else addresses.host
    duis, smki = (f"{scheme}://{host}:{port}" for port in (ports.duis, ports.smki))
    hubs = sum(device.type is DeviceType.CHF for device in settings.devices)
    yield f"A DCC with {hubs} homes and {len(settings.devices)} devices"
    yield f"  requests      {duis}/api/v1/serviceS, serviceT, serviceD"
    yield f"  certificates  {smki}/services/certificatesearch, retrievecertificate"
    for url in dict.fromkeys(addresses.push_to.values()):
        users = [user_id for user_id, at in addresses.push_to.items() if at == url]
        everybody = len(users) == len(settings.users)
        whose = "every user" if everybody else ", ".join(map(eui_text, users))
        yield f"  pushes        to {url}, of {whose}"
    yield f"  keys          {keys}"
    yield f"  signatures    {'checked' if settings.signature_check else 'not checked'}"
    yield f"  products      {'every image' if settings.products is None else 'of --cpl'}"
    yield f"  state         {settings.state}" + (
        f", {dcc.restored} nodes as they were" if dcc.restored else ""
    )
    yield f"  time          runs {settings.speed:g} times as fast as ours"
    for device in settings.devices:
        if device.hub_id == settings.devices[0].hub_id:
            yield f"  first home    {device.type:6}  {eui_text(device.device_id)}"
    yield f"Try it: hanota send REQUEST.xml --fresh --to {duis} {keys}"
