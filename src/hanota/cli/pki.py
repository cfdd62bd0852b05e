"""`hanota pki`: make a PKI of one's own, and see what a PKI holds.

Here are the options and what is printed. What the files are is in `smki.pki_folder`, how other
verbs use them in `smki.given_pki`.
"""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hanota.cli.failure import run
from hanota.cli.show import show
from hanota.errors import LocalError
from hanota.limits import PASSPHRASE_OCTETS_MAX
from hanota.model import Role, eui_from_text, eui_text, utc
from hanota.smki.certificates import Authority, Certificate
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    ORGANISATIONS,
    ROLE_WORDS,
    Organisation,
)
from hanota.smki.pki_folder import load_pki_folder, write_pki
from hanota.smki.stores import KeyStoreFile, load_keystore

app = typer.Typer(no_args_is_help=True, help="Make a PKI of your own, and see what one holds.")

PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Its first line is the passphrase of the private keys in the PKI's folder.",
        show_default=False,
    ),
]


def read_passphrase(path: Path | None) -> bytes | None:
    """The passphrase in the first line of a file, None without one; LocalError where it is empty.

    OSError where the file cannot be read.
    """
    if path is None:
        return None
    with path.open("rb") as file:
        line = file.readline(PASSPHRASE_OCTETS_MAX + 1).rstrip(b"\r\n")
    if not 0 < len(line) <= PASSPHRASE_OCTETS_MAX:
        raise LocalError(f"the first line of {path} has no 1 to {PASSPHRASE_OCTETS_MAX} octets")
    return line


@app.command()
@run
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")],
    *,
    organisation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EUI=ROLE",
            help="An organisation and its role, any number of times; default: those of the "
            f"public test PKI. Roles: {', '.join(ROLE_WORDS.values())}.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a root, two issuers and the keys of organisations, as PEM files in a folder.

    The keys are random. Who has a role in GBCS also gets the key with which it signs DUIS
    documents, and where no Access Control Broker is named, there is that of the public test PKI:
    no DCC works without one. Devices need no files: the DCC and the homes make their keys from the
    key of their issuer.

    Private keys are readable by you alone; nothing is ever overwritten.

    Examples:
      hanota pki init keys

      hanota pki init keys --organisation 90-B3-D5-1F-30-01-00-00=supplier --passphrase-file phrase
    """
    organisations = _organisations(organisation) if organisation else ORGANISATIONS
    write_pki(
        folder, organisations, secrets.token_bytes(_SEED_OCTETS), read_passphrase(passphrase_file)
    )
    typer.echo(f"A PKI of {len(organisations)} organisations is in {folder}.")


@app.command("show")
@run
def show_pki(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE",
            help="A folder of `hanota pki init`, or keystore.json of @smartdcc/dccboxed-keystore.",
        ),
    ],
    *,
    passphrase_file: PassphraseFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Print whose certificates and private keys a PKI holds; never a key.

    Example: hanota pki show keys
    """
    if path.is_dir():
        held = load_pki_folder(path, read_passphrase(passphrase_file))
        facts = {
            "authorities": [_authority_facts(each) for each in held.authorities],
            "makes_devices": held.device_issuer is not None,
            **_organisations_facts(held.organisations),
        }
    else:
        facts = {"makes_devices": False, **_organisations_facts(load_keystore(path))}
    show(facts, as_json=as_json)


_SEED_OCTETS = 32
_ROLES = {word: role for role, word in ROLE_WORDS.items()}
# With which other certificate an organisation signs DUIS documents.
_SIGNING_ROLES = {
    Role.SUPPLIER: Role.XML_SIGNING,
    Role.NETWORK_OPERATOR: Role.XML_SIGNING,
    Role.OTHER_USER: Role.XML_SIGNING,
    Role.ACCESS_CONTROL_BROKER: Role.DSP_XML_SIGNING,
}


def _organisations(given: Iterable[str]) -> list[Organisation]:
    """The organisations that were named, each with all its roles, and a broker."""
    roles_of: dict[int, set[Role]] = {}
    for each in given:
        eui, role = _named(each)
        roles_of.setdefault(eui, set()).update((role, _SIGNING_ROLES.get(role, role)))
    named = [_organisation(eui, sorted(roles)) for eui, roles in roles_of.items()]
    if any(Role.ACCESS_CONTROL_BROKER in each.roles for each in named):
        return named
    if ACCESS_CONTROL_BROKER in roles_of:
        raise LocalError(f"{eui_text(ACCESS_CONTROL_BROKER)} is the broker: give it that role too")
    return [*(each for each in ORGANISATIONS if each.eui == ACCESS_CONTROL_BROKER), *named]


def _named(given: str) -> tuple[int, Role]:
    eui, separator, word = given.partition("=")
    if not separator or word not in _ROLES:
        raise LocalError(f"{given!r} is no EUI=ROLE with a role of {', '.join(_ROLES)}")
    return eui_from_text(eui), _ROLES[word]


def _organisation(eui: int, roles: Sequence[Role]) -> Organisation:
    return Organisation(eui, ROLE_WORDS[roles[0]].upper(), tuple(roles))


def _authority_facts(authority: Authority) -> dict[str, object]:
    return {
        "name": authority.name,
        "issuer": authority.issuer,
        "serial": str(authority.serial),
    } | _validity(authority)


def _organisations_facts(store: KeyStoreFile) -> dict[str, object]:
    return {
        "organisations": [
            {
                "eui": eui_text(each.eui),
                "role": None if each.role is None else ROLE_WORDS[each.role],
                "usage": each.usage.name.lower().replace("_", "-"),
                "serial": str(each.serial),
                "private_key": store.has_private_key(each),
            }
            | _validity(each)
            for each in store.certificates
        ]
    }


def _validity(held: Authority | Certificate) -> dict[str, object]:
    return {
        "not_before": utc(held.not_before_ms).isoformat(),
        "not_after": utc(held.not_after_ms).isoformat(),
    }
