"""`hanota listen`: a Receive Response Service that prints what a DCC pushes."""

import asyncio
from typing import Annotated

import typer

from hanota.cli import duis_options as options
from hanota.cli.duis_options import now_ms
from hanota.cli.failure import run
from hanota.cli.pki_keys import PkiKeys, dcc_of
from hanota.cli.telling import message_facts, tell
from hanota.serve.from_dcc import Belief, Inbox
from hanota.serve.http_server import listening
from hanota.serve.receiver_http import receive_response_service


@run
def listen(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="Listen there; 0: a free port.")
    ] = options.DEFAULT_PORT,
    host: options.Host = options.LOOPBACK,
    path: options.ServedPath = options.DEFAULT_PATH,
    pki_path: options.PkiPath = None,
    seed: options.Seed = options.DEFAULT_SEED,
    passphrase_file: options.PassphraseFile = None,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after so many messages.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Receive what a DCC pushes, and print each message, until Ctrl-C.

    With --pki a message that the DCC has not signed is refused (400); without
    it every DUIS Response is taken, and printed with what its signature is.
    What was taken is not pushed again: it stands in the output only.

    Example: hanota listen --port 1880 --pki keystore.json

    Example: hanota listen --host 0.0.0.0 --count 1 --json
    """
    pki = options.pki_of(pki_path, seed, passphrase_file)
    inbox = Inbox(Belief(pki if pki_path else None, dcc_of(pki), now_ms).objection_to_push)
    keys = PkiKeys.of(pki)

    async def receive() -> None:
        async with listening(receive_response_service(inbox.take, path), host, port) as used:
            tell("listening", {"address": f"http://{host}:{used}{path}"}, as_json=as_json)
            received = 0
            while count is None or received < count:
                push = await inbox.next()
                if push is not None:
                    received += 1
                    tell("push", message_facts(push.document, keys, now_ms()), as_json=as_json)

    try:
        asyncio.run(receive())
    except KeyboardInterrupt:
        return
