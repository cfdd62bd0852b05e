"""`hanota dcc`: run a DCC, and operate one that runs."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.cli import dcc_serve
from hanota.cli.dcc_serve import StateFolder
from hanota.cli.failure import ExitCode, end, run
from hanota.cli.ledger_options import instant
from hanota.cli.octets import read_octets
from hanota.cli.serving import folder_of
from hanota.cli.show import show
from hanota.errors import LocalError
from hanota.model import eui_from_text, eui_text
from hanota.serve.operator_http import Refused, ask
from hanota.wire.duis.identifiers import REQUEST_ID

app = typer.Typer(no_args_is_help=True, help="Run a DCC with homes, and operate one that runs.")
requests_app = typer.Typer(invoke_without_command=True)
hubs_app = typer.Typer(no_args_is_help=True, help="The Communications Hubs' own firmware.")
app.command("serve")(dcc_serve.serve)
app.add_typer(requests_app, name="requests")
app.add_typer(hubs_app, name="hubs")

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


@requests_app.callback()
@run
def requests(context: typer.Context, *, state: StateFolder = None, as_json: AsJson = False) -> None:
    """List the requests that a running DCC holds back, or let one go.

    Example: hanota dcc requests release 90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A5:7
    """
    context.obj = state  # for a verb that stands behind
    if context.invoked_subcommand is None:
        held_back = _told(state, "requests", {})
        show({"held_back": held_back or _none(as_json=as_json)}, as_json=as_json)


@requests_app.command()
@run
def release(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST-ID", show_default=False)],
    *,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a request go that is held back: the DCC decides it as if it came now.

    Its user gets the answer as a push. Exit code 3: the DCC holds back no such
    request.

    Example: hanota dcc requests release 90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A5:7
    """
    facts = _told(state or context.obj, "release", {"request": _request_id(request_id)})
    show({"released": facts}, as_json=as_json)


@app.command()
@run
def pushes(*, state: StateFolder = None, as_json: AsJson = False) -> None:
    """List what waits for users of a running DCC, and what they never took.

    A push that a user's endpoint refused for what it is (400, 413, 415, 422) is
    parked; one that found nobody for two days is given up.

    Exit code 1 where any was parked or given up.

    Example: hanota dcc pushes --json
    """
    match _told(state, "pushes", {}):
        case dict() as found:
            none = _none(as_json=as_json)
            show({name: pushes or none for name, pushes in found.items()}, as_json=as_json)
            if found.get("ended"):
                raise typer.Exit(ExitCode.FAILED)


@hubs_app.command()
@run
def update(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="An OTA file for hubs.", show_default=False)
    ],
    hub: Annotated[
        list[str], typer.Argument(metavar="HUB...", help="Their ids.", show_default=False)
    ],
    *,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Activate it then, 2026-11-22T08:00:00Z; default: now."),
    ] = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give hubs of a running DCC new firmware of their own.

    The image has to be signed by their communications provider and to stand on
    the products list. Exit code 1: a hub is left out. 3: the DCC takes no such
    image, or not for that time.

    Example: hanota dcc hubs update hub.ota 00-DB-12-34-56-78-90-A2
    """
    parameters = {"hubs": ",".join(eui_text(eui_from_text(each)) for each in hub)}
    if instant(at, "--at") is not None:
        parameters["at"] = str(at)
    match _told(state, "update-hubs", parameters, read_octets(image)):
        case dict() as begun:
            show(begun, as_json=as_json)
            if begun.get("left_out"):
                raise typer.Exit(ExitCode.FAILED)


def _told(state: Path | None, act: str, parameters: dict[str, str], body: bytes = b"") -> object:
    """What the DCC tells; the verb ends here where it refuses."""
    told = ask(folder_of("dcc", state), act, parameters, body)
    if isinstance(told, Refused):
        end(ExitCode.REFUSED, told.reason)
    return told


def _request_id(text: str) -> str:
    try:
        return str(REQUEST_ID.parse(text))
    except ValueError as fault:
        raise LocalError(f"{text!r} is no RequestID: it {fault}") from fault


def _none(*, as_json: bool) -> list[str] | str:
    # People would take an empty list, of which nothing is shown, for an answer that did not come.
    return [] if as_json else "none"
