"""What a campaign over one million devices takes: import, preview, start, a step, a timeline.

Half of the devices are PPMIDs, each behind a hub of its own. The estate is a file on the disk; the
ledger is one too. References: reading the same file with `csv` and nothing else, scanning the table
once, and the time that the aim allows.

`python -m bench.campaign DEVICES` prints them for another number, to see that the cost of a device
stays the same.
"""

import csv
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hanota.cohort import parse_cohort
from hanota.files.estate import read_estate, write_estate
from hanota.ledger import Ledger
from hanota.model import (
    DeviceStatus,
    DeviceType,
    KeyUsage,
    Region,
    Role,
    eui_from_text,
    version_text,
)
from hanota.rows import Campaign, Device, ProductEntry, ProductStatus
from hanota.serve.campaign_conduct import Conductor
from hanota.serve.campaign_preview import preview
from hanota.serve.campaigns import Campaigns
from hanota.serve.estate import import_estate
from hanota.serve.releases import Releases
from hanota.serve.supplier import SupplierShell
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.supplier.campaign.plan import Plan, Promotion, Wave
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image, manufacturer_image_hash

DEVICES = 1_000_000
IMAGE_OCTETS = 65_536
FIRST_HUB = eui_from_text("00-DB-12-35-00-00-00-02")
IDS_A_HOME = 16
NOW_MS = 1_800_000_000_000
IMPORT_S, PREVIEW_S, HALT_S, TIMELINE_S = 20.0, 2.0, 1.0, 0.05
PLAN = Plan(
    "million",
    "release",
    "type:PPMID firmware<00020000",
    (Wave("canary", 1.0, None, Promotion()), Wave("all", 100.0)),
    salt="bench",
)


def figures() -> list[dict[str, object]]:
    """Each step for a million devices, against what the aim allows."""
    took = measure(DEVICES)
    aims = {
        "campaign_import_1m": ("import", IMPORT_S),
        "campaign_preview_1m": ("preview", PREVIEW_S),
        "campaign_pause_1m": ("pause", HALT_S),
        "campaign_timeline_1m": ("timeline", TIMELINE_S),
        "campaign_step_50k": ("step", took["bare step"]),
        "campaign_start_1m": ("start", took["import"]),
    }
    told = {
        "campaign_step_50k": "11.4 for 50,000 devices without a campaign",
        "campaign_start_1m": "the import of the same devices",
    }
    return [
        {
            "name": name,
            "value": took[step],
            "unit": "s",
            "reference": told.get(name, "the aim"),
            "reference_value": reference,
            "ratio": took[step] / reference,
        }
        for name, (step, reference) in aims.items()
    ]


def measure(devices: int) -> dict[str, float]:
    """Seconds for each step with so many devices."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_estate(folder / "estate.csv", _estate(devices))
        with Ledger.open(f"sqlite:///{folder}/ledger.db", owner="supplier") as ledger:
            return _measured(ledger, folder / "estate.csv")


def _measured(ledger: Ledger, file: Path) -> dict[str, float]:
    pki = TestPki(b"bench")
    supplier = SupplierShell(ledger, pki, pki, user_id=SUPPLIER, dcc_id=ACCESS_CONTROL_BROKER)
    campaigns = Campaigns(ledger, supplier_id=SUPPLIER)
    conductor = Conductor(ledger, supplier, supplier_id=SUPPLIER)
    took = {"csv": _seconds(lambda: _read_bare(file))}
    took["import"] = _seconds(lambda: import_estate(ledger, read_estate(file)))
    image_file = _add_release(ledger, pki)
    with ledger.view() as view:
        took["scan"] = _seconds(lambda: view.cohort_count(parse_cohort("-model:x")))
        took["preview"] = _seconds(lambda: preview(view, PLAN, SUPPLIER, NOW_MS))
    campaigns.create(PLAN, by="ann", now_ms=NOW_MS)
    took["approve"] = _seconds(lambda: campaigns.approve(PLAN.name, by="bob", now_ms=NOW_MS))
    took["start"] = _seconds(lambda: campaigns.start(PLAN.name, by="ann", now_ms=NOW_MS))
    with ledger.batch() as batch:  # the whole campaign is let go at once
        campaign = batch.campaign_named(PLAN.name)
        assert campaign is not None
        batch.change_campaign(_in_last_wave(campaign))
    took["step"] = _seconds(lambda: conductor.advance(NOW_MS))
    took["pause"] = _seconds(lambda: campaigns.pause(PLAN.name, by="ann", now_ms=NOW_MS))
    asked = _asked(ledger)
    with ledger.view() as view:
        took["timeline"] = _seconds(lambda: view.timeline(asked[0], 200))
    others = [device_id + 1 for device_id in asked]
    took["bare step"] = _seconds(lambda: supplier.update_ppmid_firmware(image_file, others, NOW_MS))
    return took


def _seconds(step: Callable[[], Any]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _in_last_wave(campaign: Campaign) -> Campaign:

    return msgspec.structs.replace(campaign, wave=len(PLAN.waves) - 1)


def _asked(ledger: Ledger) -> list[int]:
    with ledger.view() as view:
        return [delivery.device_id for delivery in view.deliveries(1, limit=50_000)]


def _estate(devices: int) -> Iterator[Device]:
    regions = tuple(Region)
    for number in range(devices // 2):
        hub_id = FIRST_HUB + number * IDS_A_HOME
        region = regions[number % len(regions)]
        yield _device(hub_id, hub_id, DeviceType.CHF, region, "2.1" if number % 20 == 0 else "4.3")
        yield _device(hub_id + 2, hub_id, DeviceType.PPMID, region, "4.3")


def _device(device_id: int, hub_id: int, kind: DeviceType, region: Region, gbcs: str) -> Device:
    return Device(
        device_id=device_id,
        type=kind,
        manufacturer="Maker",
        model=f"Model {device_id // IDS_A_HOME % 5}",
        hardware_version=0x1111,
        firmware_version=version_text(0x10000),
        hub_id=hub_id,
        status=DeviceStatus.COMMISSIONED,
        suppliers=(SUPPLIER,),
        region=region,
        gbcs_version=gbcs,
    )


def _add_release(ledger: Ledger, pki: TestPki) -> bytes:
    image = build_image(
        image_type=IMAGE_TYPES[DeviceType.PPMID],
        manufacturer_code=0x121D,
        file_version=0x20000,
        manufacturer_image=bytes(IMAGE_OCTETS),
    )
    products = [
        ProductEntry(
            type=DeviceType.PPMID,
            manufacturer="Maker",
            manufacturer_code=0x121D,
            model=f"Model {number}",
            hardware_versions=(0x1111,),
            firmware_version=version_text(0x20000),
            hash=manufacturer_image_hash(image),
            status=ProductStatus.ACTIVE,
            gbcs_version="4.3",
            follows=(),
        )
        for number in range(5)
    ]
    its_own = pki.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    image_file = encode_image(image)
    Releases(ledger, its_own).add("release", image_file, products, by="eve", now_ms=NOW_MS)
    return image_file


def _read_bare(file: Path) -> int:
    with file.open(newline="") as rows:
        return sum(1 for _ in csv.reader(rows))


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES
    for step_name, seconds in measure(wanted).items():
        print(f"{step_name:12} {seconds:8.3f} s {1e6 * seconds / wanted:10.2f} µs a device")
