"""The CPL: which entries an image has, what a device runs, and versions of GBCS."""

import msgspec
import pytest
from tests.dcc.samples import DEVICE_ID, NEW, OLD, device, entry, image

from hanota.dcc.inventory import inventory_of, runs
from hanota.dcc.products import EveryImage, ProductList
from hanota.model import DeviceStatus, DeviceType, gbcs_at_least
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


@pytest.mark.parametrize("status", DeviceStatus)
@pytest.mark.parametrize("listed", [*ProductStatus, None])
@pytest.mark.parametrize("known", [OLD, NEW])
def test_only_an_active_version_lifts_a_suspension(status, listed, known):
    entries = [] if listed is None else [msgspec.structs.replace(LISTED, status=listed)]
    before = msgspec.structs.replace(PPMID, status=status, firmware_version=f"{known:08X}")
    after = runs(before, f"{NEW:08X}", ProductList(entries))
    lifted = status is DeviceStatus.SUSPENDED and listed is ProductStatus.ACTIVE
    assert after.status is (DeviceStatus.COMMISSIONED if lifted else status)
    assert (after is before) == (known == NEW and not lifted)


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


# --- The list on which every image has its place ---


def test_a_real_list_learns_nothing():
    products = ProductList([])
    assert products.learn(image(DeviceType.PPMID), [PPMID]) == ()
    assert products.of_image(image(DeviceType.PPMID)) == ()


def test_every_image_fits_the_devices_that_are_to_get_it():
    other = device(DeviceType.PPMID, device_id=2, model="Another", hardware_version=7)
    twin = device(DeviceType.PPMID, device_id=3)
    hcalcs = device(DeviceType.HCALCS, device_id=4)
    unknown = device(DeviceType.PPMID, device_id=5, hardware_version=None)
    products = EveryImage([])
    some = products.learn(image(DeviceType.PPMID), [PPMID, twin, other, hcalcs, unknown])
    assert {(row.type, row.model, row.hardware_versions) for row in some if row.model} == {
        (DeviceType.PPMID, "Model", (0x1111,)),
        (DeviceType.PPMID, "Another", (7,)),
    }
    assert {row.firmware_version for row in some} == {f"{NEW:08X}"}
    assert products.learn(image(DeviceType.PPMID), [PPMID]) == some
    assert products.of_image(image(DeviceType.PPMID)) == some
    assert products.versions_of_hash(some[0].hash) == {f"{NEW:08X}"}
    assert products.running_on(PPMID, f"{NEW:08X}").gbcs_version == PPMID.gbcs_version


def test_what_every_image_has_of_old_stays():
    withdrawn = entry(DeviceType.PPMID, status=ProductStatus.WITHDRAWN, hardware_versions=(0x1111,))
    assert withdrawn in EveryImage([withdrawn]).learn(image(DeviceType.PPMID), [PPMID])


def test_an_image_of_no_known_kind_has_no_entry():
    assert EveryImage([]).learn(image(DeviceType.PPMID, image_type=0x7777), [PPMID]) == ()
