"""`hanota campaign watch`: how far a campaign is, as it goes on; a bar for each wave."""

import time
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from hanota.cli.campaign_facts import campaign_facts, named, waves_of
from hanota.cli.failure import ExitCode, run
from hanota.cli.ledger_options import AsJson, LedgerUrl, StateFolder, open_ledger
from hanota.cli.show import printable
from hanota.ledger.ledger import Ledger
from hanota.rows import Campaign
from hanota.serve.campaign_following import plan_of
from hanota.supplier.campaign.conduct import CampaignState
from hanota.supplier.campaign.tally import Tally


@run
def watch(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every_s: Annotated[
        float, typer.Option("--every", min=0.1, metavar="S", help="Look again after this.")
    ] = 1.0,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Watch a campaign until it ends or halts; it does not depend on being watched.

    With --json one object a line, whenever something has changed. Exit code 1
    where it was halted or aborted.

    Example: hanota campaign watch spring
    """
    with open_ledger(ledger, state) as opened:
        watched = _in_json if as_json else _in_bars
        last = watched(opened, name, every_s, once=once)
    if last.state in _BADLY_ENDED:
        raise typer.Exit(ExitCode.FAILED)


_BADLY_ENDED = frozenset({CampaignState.HALTED, CampaignState.ABORTED})
_ENDED = _BADLY_ENDED | {CampaignState.FINISHED}


def _look(ledger: Ledger, name: str) -> tuple[Campaign, dict[int, Tally], dict[str, object]]:
    with ledger.view() as view:
        campaign = named(view, name)
        return campaign, waves_of(view, campaign), campaign_facts(view, campaign)


def _in_json(ledger: Ledger, name: str, every_s: float, *, once: bool) -> Campaign:
    before: dict[str, object] | None = None
    while True:
        campaign, _waves, facts = _look(ledger, name)
        if facts != before:
            typer.echo(msgspec.json.encode(facts))
            before = facts
        if once or campaign.state in _ENDED:
            return campaign
        time.sleep(every_s)


def _in_bars(ledger: Ledger, name: str, every_s: float, *, once: bool) -> Campaign:
    columns = (
        TextColumn("{task.description:20}", markup=False),
        BarColumn(bar_width=34),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    with Progress(*columns, console=Console()) as progress:
        bars: dict[int, TaskID] = {}
        head = progress.add_task(printable(name), total=None, told="")
        while True:
            campaign, waves, _facts = _look(ledger, name)
            told = " ".join(filter(None, (campaign.state, printable(campaign.why))))
            progress.update(head, told=told)
            for wave, its in waves.items():
                if wave not in bars:
                    label = printable(plan_of(campaign.plan).waves[wave].name)
                    bars[wave] = progress.add_task(label, told="")
                _show(progress, bars[wave], its)
            if once or campaign.state in _ENDED:
                return campaign
            time.sleep(every_s)


def _show(progress: Progress, bar: TaskID, its: Tally) -> None:
    done = its.proven + its.failed + its.left_out + its.ended_otherwise
    told = (
        f"{its.proven:,} updated, {its.failed:,} failed, {its.left_out:,} left out, "
        f"{its.under_way:,} under way, {its.waiting:,} waiting"
    )
    progress.update(bar, completed=done, total=done + its.under_way + its.waiting, told=told)
