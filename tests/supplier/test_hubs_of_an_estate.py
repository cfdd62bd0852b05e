"""What a supplier reads of a hub's own firmware: the alert, the 8.2 that it makes, its answer."""

import msgspec
import pytest
from tests.dcc.samples import ACB, HUB_ID, NEW, SUPPLIER, hub
from tests.serve.a_supplier import alert, delivery_status, response
from tests.wire.duis_referees import schema_faults

from hanota.model import DeviceType, RequestID
from hanota.supplier.answers import observe
from hanota.supplier.hub_firmware import (
    HubActivation,
    as_listed,
    hub_listed,
    read_activation,
    read_inventory,
)
from hanota.wire.duis import values as v
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_request, encode_request

REQUEST = RequestID(SUPPLIER, ACB, 5)
LISTED = v.InventoryDevice(
    device_id=HUB_ID,
    device_type=DeviceType.CHF,
    device_manufacturer="Maker",
    device_model="Model",
    device_firmware_version=f"{NEW:08X}",
    device_gbcs_version="4.4",
)
ESME = msgspec.structs.replace(LISTED, device_id=1, device_type=DeviceType.ESME)


@pytest.mark.parametrize(
    ("told", "kept"), [("00020000", "00020000"), ("acdc0001", "ACDC0001"), ("v7", "v7")]
)
def test_the_alert_names_hub_and_version_whatever_its_code(told, kept):
    said = alert(v.CommsHubFirmwareActivation(HUB_ID, told), code="N13")
    assert read_activation(said) == HubActivation(HUB_ID, kept)
    assert observe(said) is None, "it is about no update of the supplier's"


@pytest.mark.parametrize("said", [delivery_status(REQUEST), response(read_inventory(REQUEST, 1))])
def test_what_is_about_no_hub(said):
    assert read_activation(said) is None


@pytest.mark.oracle
def test_the_8_2_is_valid_by_the_official_schema():
    octets = encode_request(read_inventory(REQUEST, HUB_ID))
    assert schema_faults(octets) == []


def test_the_8_2_says_what_is_asked():
    octets = encode_request(read_inventory(REQUEST, HUB_ID))
    asked = decode_request(open_document(octets))
    assert (asked.request_id, asked.command_variant) == (REQUEST, 8)
    assert asked.service_reference == asked.service_reference_variant == "8.2"
    assert asked.body == v.ReadInventory(HUB_ID)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (v.DSPInventory((ESME, LISTED)), LISTED),
        (v.DSPInventory((ESME,)), None),
        (None, None),
        (v.GBCSPayload(b"\xdf"), None),
    ],
)
def test_only_the_hub_that_was_asked_for_is_looked_at(content, found):
    assert hub_listed(response(read_inventory(REQUEST, HUB_ID), content=content), HUB_ID) == found


def test_an_alert_is_no_inventory():
    assert hub_listed(delivery_status(REQUEST), HUB_ID) is None


@pytest.mark.parametrize(
    ("firmware", "gbcs", "after"),
    [
        (f"{NEW:08X}", "4.4", (f"{NEW:08X}", "4.4")),
        ("acdc0001", "4.4", ("ACDC0001", "4.4")),
        (None, "4.4", ("00010000", "4.4")),
        (f"{NEW:08X}", None, (f"{NEW:08X}", "2.1")),
        (None, None, ("00010000", "2.1")),
    ],
)
def test_the_estate_takes_the_versions_that_are_listed(firmware, gbcs, after):
    known = hub(gbcs_version="2.1")
    listed = msgspec.structs.replace(
        LISTED, device_firmware_version=firmware, device_gbcs_version=gbcs
    )
    row = as_listed(known, listed)
    assert (row.firmware_version, row.gbcs_version) == after
    assert row == msgspec.structs.replace(
        known, firmware_version=after[0], gbcs_version=after[1]
    ), "and nothing else"
