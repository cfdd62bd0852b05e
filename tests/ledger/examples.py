"""Rows to fill ledgers with."""

from hanota.model import DeviceStatus, DeviceType, Milestone, Outcome, Region, RequestID
from hanota.rows import Delivery, Device, JournalEntry, Outgoing, RequestRow

SUPPLIER, DCC = 0x90B3D51F30010000, 0x90B3D51F30000002
HUB = 0x00DB123456780001
# Ids at the edges of signed and unsigned 64-bit numbers, in no order.
EDGE_IDS = (1 << 63, 1, (1 << 64) - 1, (1 << 63) - 1, 0x00DB123456789ABC, 0x90B3D51F30000002)


def device(device_id: int, hub_id: int = HUB, **fields) -> Device:
    given = {
        "type": DeviceType.PPMID,
        "manufacturer": "Maker",
        "model": "P1",
        "hardware_version": None,
        "firmware_version": "00000001",
        "status": DeviceStatus.COMMISSIONED,
        "suppliers": (SUPPLIER, (1 << 64) - 1),
        "region": Region.NORTH,
        "gbcs_version": "4.3",
    }
    return Device(device_id=device_id, hub_id=hub_id, **(given | fields))


def request(counter: int, **fields) -> RequestRow:
    given = {
        "number": 0,
        "command_variant": 8,
        "service_reference": "11.4",
        "digest": bytes(32),
        "image_hash": None,
        "version": 2,
        "at_ms": 1_000,
        "answer": None,
    }
    return RequestRow(request_id=RequestID(SUPPLIER, DCC, counter), **(given | fields))


def delivery(device_id: int, request: int, state: str = Milestone.ACCEPTED, **fields) -> Delivery:
    live = state not in Outcome.__members__.values()
    given = {
        "hub_id": HUB,
        "version": 0xFFFFFFFF,
        "reason": "",
        "live": live,
        "due_ms": 5_000 if live else None,
        "changed_ms": 1_000,
    }
    return Delivery(device_id=device_id, request=request, state=state, **(given | fields))


def entry(after: Delivery, event: str = "evidence", message: bytes = b"") -> JournalEntry:
    return JournalEntry(after.changed_ms, after.device_id, after.request, event, after, message)


def without_change(device_id: int, request: int = 0, event: str = "illegal") -> JournalEntry:
    return JournalEntry(1_000, device_id, request, event, None, b"octets")


def outgoing(body: bytes, due_ms: int = 0, receiver: int = HUB, *, device_id: int = 0) -> Outgoing:
    return Outgoing(0, receiver, body, due_ms, 0, device_id)
