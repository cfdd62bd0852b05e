"""`hanota campaign`: plan, approve, run and stop campaigns, and see what became of every device.

These verbs write to the ledger and say what they wrote; what is sent is sent by the process that
runs on the same ledger.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hanota.cli import campaign_after, campaign_watch
from hanota.cli.campaign_facts import campaign_facts, named, preview_facts, prospect_lines
from hanota.cli.duis_options import now_ms
from hanota.cli.failure import ExitCode, run
from hanota.cli.ledger_options import (
    AsJson,
    AsSupplier,
    By,
    LedgerUrl,
    StateFolder,
    actor,
    open_ledger,
    supplier_id,
)
from hanota.cli.octets import read_octets
from hanota.cli.show import show
from hanota.errors import LocalError
from hanota.ledger.view import View
from hanota.rows import Campaign
from hanota.serve.campaign_following import plan_of
from hanota.serve.campaign_preview import preview as preview_plan
from hanota.serve.campaigns import Campaigns
from hanota.supplier.campaign.plan import Plan, decode_plan

app = typer.Typer(no_args_is_help=True, help="Plan, approve, run and stop campaigns.")
app.command("watch")(campaign_watch.watch)
app.command("report")(campaign_after.report)
app.command("timeline")(campaign_after.timeline)
app.command("export")(campaign_after.export)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
PlanFile = Annotated[
    Path, typer.Argument(metavar="PLAN", help="A plan as JSON, or -.", show_default=False)
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Kept with what is done.")]


@app.command()
@run
def create(
    plan: PlanFile,
    *,
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Record a plan as a draft, which somebody else has to approve.

    Example: hanota campaign create spring.json
    """
    its_plan = decode_plan(read_octets(plan))
    with open_ledger(ledger, state) as opened:
        campaigns = Campaigns(opened, supplier_id=supplier_id(as_))
        campaign = campaigns.create(its_plan, by=actor(by), now_ms=now_ms())
        with opened.view() as view:
            facts = campaign_facts(view, campaign)
    show(facts, as_json=as_json)


@app.command()
@run
def edit(
    plan: PlanFile,
    *,
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give the campaign of the plan's name this plan; an approval of the old one is void.

    Example: hanota campaign edit spring.json
    """
    its_plan = decode_plan(read_octets(plan))
    with open_ledger(ledger, state) as opened:
        campaigns = Campaigns(opened, supplier_id=supplier_id(as_))
        campaign = campaigns.edit(its_plan, by=actor(by), now_ms=now_ms())
        with opened.view() as view:
            facts = campaign_facts(view, campaign)
    show(facts, as_json=as_json)


@app.command("list")
@run
def list_(*, ledger: LedgerUrl = None, state: StateFolder = None, as_json: AsJson = False) -> None:
    """List the campaigns and how they stand.

    Example: hanota campaign list
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        listed = [campaign_facts(view, campaign) for campaign in view.campaigns()]
    if as_json:
        show({"campaigns": listed}, as_json=True)
        return
    show({str(each["name"]): f"{each['state']} {each['why']}" for each in listed}, as_json=False)


@app.command("show")
@run
def show_(
    name: Name, *, ledger: LedgerUrl = None, state: StateFolder = None, as_json: AsJson = False
) -> None:
    """Show one campaign: its plan, its waves, and who did what to it.

    Example: hanota campaign show spring
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        facts = campaign_facts(view, named(view, name), in_full=True)
    show(facts, as_json=as_json)


@app.command()
@run
def preview(
    name: Annotated[
        str, typer.Argument(metavar="NAME|PLAN", help="A campaign, or a plan as JSON.")
    ],
    *,
    devices: Annotated[
        bool, typer.Option("--devices", help="Print what becomes of each device, a line each.")
    ] = False,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what a plan would do to the estate as it is now; nothing is sent.

    How many devices get the release, which do not and why, how many requests
    it takes, and how long by its pacing. Exit code 1 where it can never
    succeed: the output says why.

    Example: hanota campaign preview spring.json --devices
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        plan = _plan(view, name)
        found = preview_plan(view, plan, supplier_id(as_), now_ms())
        if devices:
            prospect_lines(view, plan, supplier_id(as_), now_ms(), as_json=as_json)
    if not (devices and as_json):
        show(preview_facts(found, now_ms()), as_json=as_json)
    if found.objections:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
@run
def approve(
    name: Name,
    *,
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Approve the plan, the image and the devices as they are now.

    Whoever wrote the plan cannot, and any edit makes the approval void.

    Example: hanota campaign approve spring --by bob
    """
    _do(
        lambda campaigns: campaigns.approve(name, by=actor(by), now_ms=now_ms()),
        (as_, ledger, state),
        as_json=as_json,
    )


@app.command()
@run
def start(
    name: Name,
    *,
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Freeze the cohort, draw the waves, and let the campaign run.

    Refused where plan, image or devices are not those that were approved.

    Example: hanota campaign start spring
    """
    _do(
        lambda campaigns: campaigns.start(name, by=actor(by), now_ms=now_ms()),
        (as_, ledger, state),
        as_json=as_json,
    )


@app.command()
@run
def pause(
    name: Name,
    *,
    why: Why = "",
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing more be sent, at once; what is under way goes on by itself.

    Example: hanota campaign pause spring --why "complaints in the north"
    """
    _do(
        lambda campaigns: campaigns.pause(name, by=actor(by), why=why, now_ms=now_ms()),
        (as_, ledger, state),
        as_json=as_json,
    )


@app.command()
@run
def resume(
    name: Name,
    *,
    why: Why,
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Go on after a pause or a halt, for a reason.

    Example: hanota campaign resume spring --why "one bad batch of hubs, excluded"
    """
    _do(
        lambda campaigns: campaigns.resume(name, by=actor(by), why=why, now_ms=now_ms()),
        (as_, ledger, state),
        as_json=as_json,
    )


@app.command()
@run
def abort(
    name: Name,
    *,
    why: Why = "",
    by: By = None,
    as_: AsSupplier = None,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """End a campaign: nothing more is sent, but what cancels activations still to come.

    Example: hanota campaign abort spring --why "wrong image"
    """
    _do(
        lambda campaigns: campaigns.abort(name, by=actor(by), why=why, now_ms=now_ms()),
        (as_, ledger, state),
        as_json=as_json,
    )


def _do(
    act: Callable[[Campaigns], Campaign],
    where: tuple[str | None, str | None, Path | None],
    *,
    as_json: bool,
) -> None:
    as_, ledger, state = where
    with open_ledger(ledger, state) as opened:
        campaign = act(Campaigns(opened, supplier_id=supplier_id(as_)))
        with opened.view() as view:
            facts = campaign_facts(view, campaign)
    show(facts, as_json=as_json)


def _plan(view: View, name: str) -> Plan:
    campaign = view.campaign_named(name)
    if campaign is not None:
        return plan_of(campaign.plan)
    path = Path(name)
    if not path.is_file():
        raise LocalError(f"there is no campaign and no file {name!r}")
    return decode_plan(read_octets(path))
