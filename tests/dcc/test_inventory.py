"""8.2 against recorded answers: the same devices come out element for element."""

from xml.etree import ElementTree as ET

import pytest
from tests.dcc.samples import NOW_MS, device, hub
from tests.vectors import duis_vector
from tests.wire.duis_referees import SIGNER, schema_faults

from hanota.dcc.inventory import inventory_of
from hanota.dcc.products import ProductList
from hanota.model import DeviceStatus, DeviceType, Region
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.wire.duis.document import open_document
from hanota.wire.duis.elements import NAMESPACE
from hanota.wire.duis.messages import decode_response, encode_response
from hanota.wire.duis.values import InventoryDevice, Response, ResponseMessage

RECORDED = ("boxed-read-inventory-response-5.4", "boxed-read-inventory-response-4g")
# What the inventory has no data for; the schema lets each be absent.
WITHOUT_DATA = {
    "SMETSCHTSVersion",
    "DateCommissioned",
    "UPRN",
    "PropertyFilter",
    "HANVariant",
    "Connectivity",
}
REGIONS = {"4G Central": Region.CENTRAL, "Central": Region.CENTRAL}


def elements(octets: bytes) -> list[list[tuple[str, str | None]]]:
    """Name and text of each element of each device, in order."""
    found = ET.fromstring(octets).iter(f"{{{NAMESPACE}}}Device")
    return [[(child.tag.rpartition("}")[2], child.text) for child in one] for one in found]


def row(recorded: InventoryDevice) -> Device:
    """The inventory's row of a device that was recorded."""
    return Device(
        device_id=recorded.device_id,
        type=recorded.device_type,
        manufacturer=recorded.device_manufacturer,
        model=recorded.device_model,
        hardware_version=1,
        firmware_version=recorded.device_firmware_version or "9001",
        hub_id=1,
        status=recorded.device_status or DeviceStatus.COMMISSIONED,
        suppliers=(),
        region=REGIONS[recorded.csp_region],
        gbcs_version=recorded.device_gbcs_version,
    )


def listed(one: Device) -> ProductEntry:
    return ProductEntry(
        type=one.type,
        manufacturer=one.manufacturer,
        manufacturer_code=1,
        model=one.model,
        hardware_versions=(1,),
        firmware_version=one.firmware_version,
        hash=bytes(32),
        status=ProductStatus.ACTIVE,
        gbcs_version=one.gbcs_version,
        follows=(),
    )


@pytest.mark.oracle
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_devices_come_out_element_for_element(name):
    octets = duis_vector(name)
    recorded = decode_response(open_document(octets))
    rows = [row(one) for one in recorded.body.content.devices]
    inventory = inventory_of(reversed(rows), ProductList(map(listed, rows)))
    answer = encode_response(
        Response(
            request_id=recorded.request_id,
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=ResponseMessage("8.2", "8.2", inventory),
        ),
        SIGNER,
    )
    assert schema_faults(answer) == []
    ours, theirs = elements(answer), elements(octets)
    assert ours[0][1] == theirs[0][1] == ("DeviceType", "CHF")
    assert len(ours) == len(theirs)
    for one in theirs:
        expected = [
            (tag, text.removeprefix("4G ") if tag == "CSPRegion" else text)
            for tag, text in one
            if tag not in WITHOUT_DATA
        ]
        assert expected in ours


@pytest.mark.parametrize("kind", DeviceType)
def test_what_has_no_certificates_has_neither_status_nor_version(kind):
    (found,) = inventory_of([device(kind)], ProductList([])).devices
    absent = kind in {DeviceType.IHD, DeviceType.CAD}
    assert (found.device_status is None) is absent
    assert (found.device_firmware_version is None) is absent


def test_the_hub_comes_first_and_the_others_as_they_were():
    home = [device(DeviceType.ESME, device_id=n) for n in (3, 1, 2)] + [hub(device_id=9)]
    found = inventory_of(home, ProductList([])).devices
    assert [one.device_id for one in found] == [9, 3, 1, 2]
