"""`hanota readback`: which firmware version devices run, asked with 11.2 on the spot.

Here are the options and what is printed; the course of it is in `serve.read_back`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from hanota.cli import duis_options as options
from hanota.cli.describing import Facts
from hanota.cli.duis_options import now_ms
from hanota.cli.failure import ExitCode, run
from hanota.cli.ledger_options import instant
from hanota.cli.pki_keys import PkiKeys, dcc_of
from hanota.cli.show import printable
from hanota.cli.telling import meaning, message_facts, tell
from hanota.ledger.ledger import Ledger
from hanota.model import eui_from_text, eui_text
from hanota.serve.duis_client import DuisClient
from hanota.serve.from_dcc import Received
from hanota.serve.http_server import listening
from hanota.serve.read_back import Known, Party, ReadBack, Requests, VersionRead
from hanota.serve.read_back_requests import InLedger, Plain
from hanota.serve.receiver_http import receive_response_service
from hanota.smki.organisations import SUPPLIER


@run
def readback(
    devices: Annotated[
        list[str], typer.Argument(metavar="DEVICE...", help="Device ids.", show_default=False)
    ],
    *,
    to: options.To = options.DEFAULT_DCC,
    pki_path: options.PkiPath = None,
    seed: options.Seed = options.DEFAULT_SEED,
    passphrase_file: options.PassphraseFile = None,
    user: options.As = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The DCC asks then: 2026-12-01T02:00:00Z."),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The supplier's ledger, which learns what is read."),
    ] = None,
    listen: options.Listen = options.DEFAULT_PORT,
    host: options.Host = options.LOOPBACK,
    path: options.ServedPath = options.DEFAULT_PATH,
    wait_s: options.Wait = options.DEFAULT_WAIT_S,
    ca: options.CaFile = None,
    certificate: options.CertificateFile = None,
    key: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask devices which firmware version they run, and print what each says.

    A device's answer counts when it is signed, or has its MAC, as it should.
    Beside it stands what the DCC's inventory says: a Suspended device can be
    read too. With --ledger the supplier's estate stands there instead, after
    it has learnt the version.

    Exit code 1: a device was refused, or did not answer in time.

    Example: hanota readback 00-DB-12-34-56-78-90-A4 --pki keystore.json

    Example: hanota readback 00-DB-12-34-56-78-90-A4 --ledger sqlite:///supplier.db
    """
    device_ids = list(dict.fromkeys(map(eui_from_text, devices)))
    keys = options.pki_of(pki_path, seed, passphrase_file)
    user_id = options.user_id(user) or SUPPLIER
    party = Party(keys, user_id, dcc_of(keys), now_ms)
    at_ms = instant(at, "--at")
    tls = options.tls_of(to, ca, certificate, key)

    async def read() -> tuple[list[VersionRead], list[Received]]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(DuisClient(to, tls=tls))
            requests: Requests = Plain(party, client)
            if ledger is not None:
                opened = stack.enter_context(Ledger.open(ledger, owner="supplier"))
                requests = InLedger(party, opened)
            read_back = ReadBack(party, client, requests)
            service = receive_response_service(read_back.take, path)
            await stack.enter_async_context(listening(service, host, listen))
            found = await read_back.run(device_ids, at_ms, wait_s)
        return found, await read_back.others()

    found, others = asyncio.run(read())
    if ledger is None:
        for push in others:
            facts = message_facts(push.document, PkiKeys.of(keys), now_ms())
            tell("other_push", facts, as_json=as_json)
    _tell_json(found) if as_json else _tell_table(found, in_estate=ledger is not None)
    if any(each.fault is not None for each in found):
        raise typer.Exit(ExitCode.FAILED)


def _tell_json(found: Sequence[VersionRead]) -> None:
    for each in found:
        known = each.known or _UNKNOWN
        facts: Facts = {
            "device_id": eui_text(each.device_id),
            "version": each.version,
            "fault": each.fault,
            "code": each.code,
            "known_version": known.firmware_version,
            "status": known.status,
        }
        tell("device", facts, as_json=True)


def _tell_table(found: Sequence[VersionRead], *, in_estate: bool) -> None:
    table = Table(
        Column("device", no_wrap=True),
        "runs",
        "estate" if in_estate else "inventory",
        "status",
        "remark",
    )
    for each in found:
        known = each.known or _UNKNOWN
        table.add_row(
            eui_text(each.device_id),
            each.version or "?",
            # What others wrote is text, not markup.
            Text(printable(known.firmware_version or "")),
            known.status or "",
            Text(printable(_remark(each))),
        )
    Console().print(table)


_UNKNOWN = Known(None, None)


def _remark(each: VersionRead) -> str:
    if each.fault is not None:
        return each.fault if each.code is None else f"{each.fault}: {_with_meaning(each.code)}"
    if each.version is None:
        return "the DCC asks later, and pushes the answer"
    if each.known is not None and each.known.firmware_version not in (None, each.version):
        return "not what was known"
    return ""


def _with_meaning(code: str) -> str:
    return f"{code}, {meaning(code)}"
