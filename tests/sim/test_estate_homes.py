"""Homes out of an inventory's rows: who runs, what it runs at first, and what the list says."""

import msgspec
import pytest

from hanota.dcc.products import ProductList
from hanota.errors import LocalError
from hanota.han.hub import Hub
from hanota.han.ppmid import Ppmid
from hanota.han.signed_image_device import SignedImageDevice
from hanota.model import DeviceType
from hanota.serve.homes import Homes
from hanota.sim.estate_homes import Surroundings, factory_entries, install, make_of
from hanota.sim.town import MANUFACTURER_CODE, build_home
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki

PKI = TestPki(b"the PKI of the tests")
HOME = build_home(0, hcalcs=1, gas_supplier=SUPPLIER)
KINDS = {
    DeviceType.CHF: Hub,
    DeviceType.ESME: SignedImageDevice,
    DeviceType.GSME: SignedImageDevice,
    DeviceType.HCALCS: SignedImageDevice,
    DeviceType.PPMID: Ppmid,
}


def homes_of(devices, products=ProductList(())):  # noqa: B008 -- a value that nobody changes
    homes = Homes(now_ms=0, wan=lambda *_: None)
    install(homes, devices, Surroundings(PKI, lambda _: None, frozenset(), products))
    homes.run_until(10_000)
    return homes


def changed(device, **changes):
    return msgspec.structs.replace(device, **changes)


def test_every_kind_that_an_image_is_for_runs():
    homes = homes_of(HOME.devices)
    for device in HOME.devices:
        if device.type in KINDS:
            party = homes.party(device.device_id)
            assert type(party) is KINDS[device.type]
            assert party.running_version == 0x00010000
        else:
            with pytest.raises(LocalError):
                homes.party(device.device_id)


@pytest.mark.parametrize(
    ("text", "version"), [("0A0B0C0D", 0x0A0B0C0D), ("v1.2", 0), ("", 0), ("0a0b0c0", 0)]
)
def test_a_device_runs_the_version_that_the_inventory_has(text, version):
    devices = [changed(device, firmware_version=text) for device in HOME.devices]
    homes = homes_of(devices)
    for device in devices:
        if device.type in KINDS:
            assert homes.party(device.device_id).running_version == version


def test_who_does_not_run():
    ppmid, esme = HOME.device(DeviceType.PPMID), HOME.device(DeviceType.ESME)
    hub = HOME.device(DeviceType.CHF)
    homes = homes_of([hub, changed(ppmid, hub_id=17), changed(esme, suppliers=())])
    assert type(homes.party(hub.device_id)) is Hub
    for device in (ppmid, esme):
        with pytest.raises(LocalError, match="there is no node"):
            homes.party(device.device_id)


def test_the_list_names_what_the_devices_run_at_first():
    entries = factory_entries(HOME.devices, ProductList(()))
    assert {entry.type for entry in entries} == set(KINDS)
    products = ProductList(entries)
    for device in HOME.devices:
        if device.type in KINDS:
            entry = products.running_on(device, device.firmware_version)
            assert entry.hardware_versions == (device.hardware_version,)
    assert factory_entries(HOME.devices, products) == []


def test_one_entry_a_model_and_version():
    homes = [build_home(number) for number in range(5)]
    devices = [device for home in homes for device in home.devices]
    assert len(factory_entries(devices, ProductList(()))) == 3
    newer = [changed(device, firmware_version="00020000") for device in homes[0].devices]
    assert len(factory_entries(devices + newer, ProductList(()))) == 6


def test_the_makers_code_is_that_of_the_list():
    ppmid = HOME.device(DeviceType.PPMID)
    (entry,) = factory_entries([ppmid], ProductList(()))
    listed = ProductList([changed(entry, manufacturer_code=0x1234)])
    assert make_of(ppmid, listed).manufacturer_code == 0x1234
    assert make_of(ppmid, ProductList(())).manufacturer_code == MANUFACTURER_CODE
    assert make_of(changed(ppmid, hardware_version=None), listed).hardware_version == 0
