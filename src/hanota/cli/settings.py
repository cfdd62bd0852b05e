"""`hanota settings`: every limit, timer and size, with its unit and where it comes from.

The values and the reasons behind them are in `hanota.limits`; a name is that of the constant, and
its last word or two tell the unit.
"""

import json
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from hanota import limits


class Setting(NamedTuple):
    """One setting; `source` names the specification, or says that it is an assumption."""

    name: str
    value: int | str
    source: str


_DUIS = "DUIS schema 5.4"
_ZCL = "ZCL 8"
_ASSUMPTION = "assumption"
_SILICON_LABS = f"{_ASSUMPTION}: as Silicon Labs' client"

# What is said by a specification, or chosen after somebody's example.
SOURCES = {
    "IMAGE_OCTETS_MAX": _DUIS,
    "DEVICES_PER_REQUEST_MAX": _DUIS,
    "FIRMWARE_VERSION_CHARACTERS_MAX": _DUIS,
    "INVENTORY_DEVICES_MAX": _DUIS,
    "OTA_HEADER_OCTETS_MIN": _ZCL,
    "OTA_HEADER_OCTETS_MAX": _ZCL,
    "OTA_HEADER_STRING_OCTETS": _ZCL,
    "OTA_TRAILER_OCTETS": "public sample of 11.1",
    "SIGNATURE_OCTETS": "GBCS: ECDSA on P-256",
    "MAC_OCTETS": "GBCS: GMAC",
    "HASH_OCTETS": "GBCS: SHA-256",
    "SERIAL_OCTETS_MAX": "RFC 5280",
    "RADIO_FRAME_OCTETS_MAX": "IEEE 802.15.4",
    "RADIO_KEY_OCTETS": "ZigBee: AES-128",
    "BLOCK_SIZE_OCTETS": f"{_ASSUMPTION}: fits APS security and extended nonce",
    "RESPONSE_TIMEOUT_MS": _SILICON_LABS,
    "BLOCK_TRIES_MAX": _SILICON_LABS,
    "RETRY_PAUSE_MS": _SILICON_LABS,
    "UPGRADE_END_RETRY_MIN": _SILICON_LABS,
    "UPGRADE_END_TRIES_MAX": _SILICON_LABS,
    "PAST_REQUEST_TIME_WAIT_MIN": _SILICON_LABS,
    "PAST_UPGRADE_TIME_WAIT_MIN": _SILICON_LABS,
    "PUSH_DELAY_MS": f"{_ASSUMPTION}: DCC Boxed's clients correlate after the answer",
    "PUSH_TIMEOUT_S": f"{_ASSUMPTION}: DCC Boxed's clients start a JVM a push",
    "PUSH_BODY_OCTETS_MAX": f"{_ASSUMPTION}: as DCC Boxed's clients take it",
    "SYNC_ANSWER_MS_MAX": f"{_ASSUMPTION}: as DCC Boxed's clients wait",
}
# Units and the end of time.
NO_SETTINGS = frozenset({"LATEST_MS", "DAY_MS", "HOUR_MS", "MINUTE_MS"})
# Where the name is not that of the constant.
_NAMES = {"IMAGE_OCTETS_MAX": "image_size_octets_max"}


def _settings() -> tuple[Setting, ...]:
    return tuple(
        Setting(_NAMES.get(name, name.lower()), value, SOURCES.get(name, _ASSUMPTION))
        for name, value in vars(limits).items()
        if name.isupper() and name not in NO_SETTINGS
    )


SETTINGS = _settings()


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
    table = Table()
    table.add_column("setting", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("source")
    for setting in SETTINGS:
        value = f"{setting.value:,}" if isinstance(setting.value, int) else setting.value
        table.add_row(setting.name, value, setting.source)
    Console().print(table)
