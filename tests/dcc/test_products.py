"""The CPL: which entries an image has, what a device runs, and versions of GBCS."""

import pytest
from tests.dcc.samples import DEVICE_ID, NEW, OLD, device, entry, image

from hanota.dcc.inventory import inventory_of, runs
from hanota.dcc.products import ProductList
from hanota.model import DeviceType, gbcs_at_least
from hanota.rows import ProductStatus
from hanota.wire.image import manufacturer_image_hash

PPMID = device(DeviceType.PPMID)
LISTED = entry(DeviceType.PPMID)


@pytest.mark.parametrize(
    "changes",
    [{"manufacturer_code": 1}, {"file_version": 3}, {"manufacturer_image": b"another"}],
)
def test_an_image_has_only_entries_of_its_hash_maker_and_version(changes):
    products = ProductList([LISTED])
    assert products.of_image(image(DeviceType.PPMID)) == (LISTED,)
    assert products.of_image(image(DeviceType.PPMID, **changes)) == ()


def test_entries_of_any_status_are_found_in_the_order_of_the_list():
    rows = [entry(DeviceType.PPMID, model=status, status=status) for status in ProductStatus]
    assert ProductList(rows).of_image(image(DeviceType.PPMID)) == tuple(rows)


def test_versions_of_a_hash():
    products = ProductList([LISTED, entry(DeviceType.PPMID, firmware_version="00000009")])
    image_hash = manufacturer_image_hash(image(DeviceType.PPMID))
    assert products.versions_of_hash(image_hash) == {f"{NEW:08X}", "00000009"}
    assert products.versions_of_hash(bytes(32)) == frozenset()


@pytest.mark.parametrize(
    ("version", "minimum", "reached"),
    [
        ("4.0", "4.0", True),
        ("4.10", "4.9", True),
        ("4.9", "4.10", False),
        ("3.99", "4.0", False),
        ("5", "4.0", True),
        ("4", "4.0", False),
        ("", "4.0", False),
        ("4.x", "4.0", False),
        ("v4.3", "4.0", False),
        ("-4.3", "4.0", False),
        ("4.٣", "4.0", False),
    ],
)
def test_gbcs_versions(version, minimum, reached):
    assert gbcs_at_least(version, minimum) is reached


def test_a_device_that_runs_a_version_has_its_gbcs_version_too():
    row = runs(PPMID, f"{NEW:08X}", ProductList([LISTED]))
    assert (row.firmware_version, row.gbcs_version) == (f"{NEW:08X}", "4.4")


def test_a_version_that_is_not_on_the_list_leaves_the_gbcs_version():
    row = runs(PPMID, "00000009", ProductList([LISTED]))
    assert (row.firmware_version, row.gbcs_version) == ("00000009", PPMID.gbcs_version)


def test_the_version_that_it_ran_before_changes_nothing():
    assert runs(PPMID, f"{OLD:08X}", ProductList([])) is PPMID


def test_the_inventory_says_what_is_known_and_no_more():
    bare = device(DeviceType.CAD, device_id=1, firmware_version="", gbcs_version="")
    active = device(DeviceType.PPMID, firmware_version=f"{NEW:08X}")
    first, second = inventory_of([active, bare], ProductList([LISTED])).devices
    assert (first.device_id, first.device_type) == (DEVICE_ID, DeviceType.PPMID)
    assert (first.device_firmware_version, first.cpl_status) == (f"{NEW:08X}", "Active")
    assert first.device_firmware_version_status == "Active"
    assert (first.csp_region, first.device_gbcs_version) == ("North", "4.3")
    assert (second.device_firmware_version, second.device_gbcs_version) == (None, None)
    assert (second.cpl_status, second.device_firmware_version_status) == (None, None)
