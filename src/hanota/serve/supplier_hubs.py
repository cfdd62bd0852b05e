"""Hubs in the supplier's shell: what the DCC tells of their firmware, and reads of its inventory.

Not here: the rules (`supplier.hub_firmware`), and how a request is sent (`supplier_commands`).
"""

from collections.abc import Sequence

from hanota.ledger.ledger import Batch
from hanota.rows import JournalEntry, RequestRow
from hanota.supplier.hub_firmware import HubActivation, as_listed, hub_listed
from hanota.supplier.reception import runs
from hanota.wire.duis.values import ReadInventory, Response

_ACTIVATED = "hub-firmware-activation"
_READ = "inventory-read"


def take(batch: Batch, told: Sequence[tuple[bytes, HubActivation]], now_ms: int) -> list[int]:
    """Record alerts, each as (octets, what it says), that came for the first time.

    The hubs of the estate among them, each once: what they can do now is to be asked with 8.2.
    """
    batch.record(
        JournalEntry(now_ms, said.device_id, 0, _ACTIVATED, None, octets) for octets, said in told
    )
    versions = {said.device_id: said.firmware_version for _, said in told}
    estate = batch.devices(versions)
    batch.put_devices(runs(hub, versions[hub_id]) for hub_id, hub in estate.items())
    return list(estate)


def learn(
    batch: Batch, asked: ReadInventory, row: RequestRow, response: Response, now_ms: int
) -> None:
    """Take the versions of a hub from the answer to the 8.2 of this row; a refusal has none."""
    listed = hub_listed(response, asked.device_id)
    hub = batch.devices([asked.device_id]).get(asked.device_id)
    if listed is None or hub is None:
        return
    batch.put_devices([as_listed(hub, listed)])
    batch.record([JournalEntry(now_ms, hub.device_id, row.number, _READ, None, b"")])
