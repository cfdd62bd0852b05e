"""`hanota settings`: every limit, timer and size, with its unit and where it comes from."""

import json
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from hanota import limits


class Setting(NamedTuple):
    """One setting; `source` names the specification, or says that it is an assumption."""

    name: str
    value: int
    source: str


_SCHEMA = "DUIS schema"
_OURS = "assumption"

SETTINGS = (
    Setting("image_size_octets_max", limits.IMAGE_OCTETS_MAX, _SCHEMA),
    Setting("devices_per_request_max", limits.DEVICES_PER_REQUEST_MAX, _SCHEMA),
    Setting("image_size_warning_octets", limits.IMAGE_OCTETS_WARNING, _OURS),
    Setting("duis_octets_max", limits.DUIS_OCTETS_MAX, _OURS),
    Setting("gbcs_octets_max", limits.GBCS_OCTETS_MAX, _OURS),
    Setting("block_size_octets", limits.BLOCK_SIZE_OCTETS, "fits APS security, extended nonce"),
    Setting("block_period_ms", limits.BLOCK_PERIOD_MS, _OURS),
    Setting("response_timeout_ms", limits.RESPONSE_TIMEOUT_MS, "as a common client"),
    Setting("block_tries_max", limits.BLOCK_TRIES_MAX, "as a common client"),
    Setting("query_interval_h", limits.QUERY_INTERVAL_H, _OURS),
    Setting("hub_image_slots", limits.HUB_IMAGE_SLOTS, _OURS),
    Setting("hub_give_up_days", limits.HUB_GIVE_UP_DAYS, _OURS),
    Setting("tracking_days", limits.TRACKING_DAYS, _OURS),
    Setting("silence_deadline_days", limits.SILENCE_DEADLINE_DAYS, _OURS),
    Setting("push_delay_ms", limits.PUSH_DELAY_MS, "clients correlate after the answer"),
    Setting("demo_image_octets", limits.DEMO_IMAGE_OCTETS, _OURS),
    Setting("simulate_image_octets", limits.SIMULATE_IMAGE_OCTETS, _OURS),
    Setting("powercut_image_octets", limits.POWERCUT_IMAGE_OCTETS, _OURS),
)


def settings(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False
) -> None:
    """Print every setting with its value and where it comes from.

    What no public source says is marked as an assumption.

    Example: hanota settings --json
    """
    if as_json:
        typer.echo(json.dumps([setting._asdict() for setting in SETTINGS], indent=1))
        return
    table = Table("setting", "value", "source")
    for setting in SETTINGS:
        table.add_row(setting.name, f"{setting.value:,}", setting.source)
    Console().print(table)
