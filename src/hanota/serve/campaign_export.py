"""The devices of a campaign as a file of rows, one a device, with what the estate says of each.

Texts of others cannot become formulas of a spreadsheet (`files.csv_form`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hanota.files import columns
from hanota.files.columns import Column
from hanota.files.table import write_rows
from hanota.ledger.view import View
from hanota.limits import LEDGER_BATCH_ROWS
from hanota.model import Region
from hanota.rows import Campaign
from hanota.serve.campaign_following import plan_of

COLUMNS = (
    columns.eui("device_id"),
    columns.text("wave"),
    columns.text("state"),
    columns.text("reason"),
    Column("tries", int, str),
    columns.text("request_id"),
    columns.word("region", Region),
    columns.text("type"),
    columns.text("model"),
    columns.read_version("firmware_version"),
    columns.eui_or_none("hub_id"),
    columns.read_version("hub_firmware_version"),
)


def export_campaign(view: View, campaign: Campaign, path: Path) -> int:
    """Write the devices of a campaign, whole or not at all; how many they are.

    LocalError where the name ends otherwise than a file of rows; OSError where it cannot be
    written.
    """
    written = 0

    def counted() -> Iterator[list[Any]]:
        nonlocal written
        for row in _rows(view, campaign):
            written += 1
            yield row

    write_rows(path, COLUMNS, counted())
    return written


def _rows(view: View, campaign: Campaign) -> Iterator[list[Any]]:
    waves = [wave.name for wave in plan_of(campaign.plan).waves]
    after = 0
    while page := view.campaign_devices_from(campaign.number, after=after, limit=LEDGER_BATCH_ROWS):
        estate = view.devices([device.device_id for device in page])
        hubs = view.devices({device.hub_id for device in estate.values()})
        requests = view.requests({device.request for device in page if device.request is not None})
        for device in page:
            known = estate.get(device.device_id)
            hub = None if known is None else hubs.get(known.hub_id)
            request = None if device.request is None else requests[device.request]
            yield [
                device.device_id,
                waves[device.wave],
                str(device.state),
                device.reason,
                device.tries,
                "" if request is None else str(request.request_id),
                device.region,
                "" if known is None else str(known.type),
                "" if known is None else known.model,
                "" if known is None else known.firmware_version,
                None if known is None else known.hub_id,
                "" if hub is None else hub.firmware_version,
            ]
        after = page[-1].device_id
