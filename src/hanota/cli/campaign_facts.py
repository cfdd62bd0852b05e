"""Campaigns, previews and prospects as facts that `show` prints."""

from collections import Counter
from itertools import islice

import msgspec
import typer

from hanota.cli.ledger_options import time_text
from hanota.errors import LocalError
from hanota.ledger.view import View
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import eui_text
from hanota.rows import Campaign
from hanota.serve.campaign_following import plan_of
from hanota.serve.campaign_preview import Preview, prospects
from hanota.supplier.campaign.plan import Plan
from hanota.supplier.campaign.tally import Tally, tally
from hanota.supplier.campaign.waves import HELD_OUT


def named(view: View, name: str) -> Campaign:
    """The campaign of this name; LocalError where there is none."""
    campaign = view.campaign_named(name)
    if campaign is None:
        raise LocalError(f"there is no campaign {name!r}: `hanota campaign list` names them")
    return campaign


def campaign_facts(view: View, campaign: Campaign, *, in_full: bool = False) -> dict[str, object]:
    """How a campaign stands; in full with its plan and with who did what."""
    plan = plan_of(campaign.plan)
    facts: dict[str, object] = {
        "name": campaign.name,
        "state": campaign.state,
        "why": campaign.why,
        "until": time_text(campaign.look_ms),
        "release": plan.release,
        "cohort": plan.cohort,
        "author": campaign.author,
        "digest": None if campaign.digest is None else campaign.digest.hex(),
        "wave": plan.waves[campaign.wave].name if campaign.version else None,
        "waves": {
            plan.waves[wave].name: msgspec.structs.asdict(its)
            for wave, its in waves_of(view, campaign).items()
        },
    }
    if not in_full:
        return facts
    acts = [
        " ".join(filter(None, (time_text(act.at_ms), act.actor, act.act, act.why)))
        for act in view.campaign_acts(campaign.number)
    ]
    return facts | {"plan": msgspec.to_builtins(plan), "acts": acts}


def waves_of(view: View, campaign: Campaign) -> dict[int, Tally]:
    """How each wave that has devices stands, by its number."""
    states: dict[int, Counter[str]] = {}
    for (wave, state, _reason), devices in view.campaign_counts(campaign.number).items():
        states.setdefault(wave, Counter())[state] += devices
    return {wave: tally(counts) for wave, counts in states.items()}


def preview_facts(found: Preview, now_ms: int) -> dict[str, object]:
    """What a plan would do."""
    last_ms = found.last_request_ms
    return {
        "release": found.release,
        "version": found.version or None,
        "devices": found.devices,
        "to_update": found.to_update,
        "left_out": found.left_out,
        "held_out_about": found.held_out,
        "waves_about": {share.name: share.devices for share in found.waves},
        "steps": found.steps,
        "requests": found.requests,
        "activations": found.activations,
        "last_request_at_the_earliest": time_text(last_ms),
        "last_request_after": None if last_ms is None else _span(last_ms - now_ms),
        "objections": list(found.objections),
    }


def prospect_lines(view: View, plan: Plan, supplier_id: int, now_ms: int, *, as_json: bool) -> None:
    """Print what becomes of each device, a line each."""
    waves = [wave.name for wave in plan.waves]
    found = prospects(view, plan, supplier_id, now_ms)
    while page := list(islice(found, _PAGE)):
        lines = []
        for each in page:
            wave = "held-out" if each.wave == HELD_OUT else waves[each.wave]
            device = eui_text(each.device_id)
            if as_json:
                facts = {
                    "device_id": device,
                    "wave": wave,
                    "way": each.way,
                    "left_out": each.reason or None,
                }
                lines.append(msgspec.json.encode(facts).decode())
            else:
                lines.append(f"{device}  {wave:12}  {each.reason or ' then '.join(each.way)}")
        typer.echo("\n".join(lines))


_PAGE = 5_000


def _span(span_ms: int) -> str:
    if span_ms < DAY_MS:
        return f"{span_ms / HOUR_MS:.1f} hours"
    return f"{span_ms / DAY_MS:.1f} days"
