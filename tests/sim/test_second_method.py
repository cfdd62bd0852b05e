"""11.1, 11.3 and 11.2 through the whole chain: HCALCS, ESME and GSME of the first home.

The parties are the rollout's own; the devices are added to its homes here.
"""

import hashlib
from functools import lru_cache, partial

import pytest
from tests.sim.a_town import ATown

from hanota.han.command_reception import Trust
from hanota.han.ppmid import factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, KeyUsage, Outcome, Role, version_text
from hanota.rows import ProductEntry, ProductStatus
from hanota.sim.rollout import START_MS
from hanota.sim.town import HARDWARE_VERSION, MANUFACTURER, MANUFACTURER_CODE, MODELS
from hanota.smki import protection
from hanota.smki.organisations import SUPPLIER
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

KINDS = (DeviceType.HCALCS, DeviceType.ESME, DeviceType.GSME)
OLD, NEW = 0x0001_0000, 0x0003_0000
UNTIL_MS = START_MS + 40 * DAY_MS


class SecondMethod:
    """One device of a kind in the first home of a town, and the image that it is to get."""

    def __init__(self, kind):
        self.town = ATown(homes=1)
        self.rollout = self.town.rollout
        self.supplier = self.rollout._supplier
        self.pki = self.rollout._pki
        self.kind = kind
        self.device_id = self.rollout.town[0].device(kind).device_id
        self.hub_id = self.rollout.town[0].hub_id
        self.body = hashlib.shake_128(kind.encode()).digest(3_000)
        self.hash = hashlib.sha256(self.body).digest()
        self.rollout._dcc.load_products([self.entry()])
        self.homes = self.rollout.chain.homes
        self.install()

    def image(self, version, body):
        signature = self.pki.sign(SUPPLIER, Role.SUPPLIER, body)
        return encode_image(
            build_image(
                image_type=IMAGE_TYPES[self.kind],
                manufacturer_code=MANUFACTURER_CODE,
                file_version=version,
                manufacturer_image=body,
                signature=signature,
                hardware=(0x1111, 0x1211),
            )
        )

    def entry(self):
        return ProductEntry(
            type=self.kind,
            manufacturer=MANUFACTURER,
            manufacturer_code=MANUFACTURER_CODE,
            model=MODELS[self.kind],
            hardware_versions=(HARDWARE_VERSION,),
            firmware_version=version_text(NEW),
            hash=self.hash,
            status=ProductStatus.ACTIVE,
            gbcs_version="4.3",
            follows=(),
        )

    def install(self):
        old = b"what it runs at first"
        setup = SignedImageDeviceSetup(
            device_id=self.device_id,
            hub_id=self.hub_id,
            make=Make(MANUFACTURER_CODE, IMAGE_TYPES[self.kind], HARDWARE_VERSION),
            sign=partial(
                protection.sign,
                private_key=self.pki.private_key(self.device_id, KeyUsage.DIGITAL_SIGNATURE),
            ),
            released={hashlib.sha256(old).digest(), self.hash},
            trust=Trust(lru_cache(self.shared_secret), self.public_key, (SUPPLIER,)),
        )
        flash = factory_flash(self.image(OLD, old))
        # This device takes the place of the one that the town may have put there.
        if self.homes._nodes.pop(self.device_id, None) is not None:
            self.homes._agenda.cancel(self.device_id)
        self.homes.add(self.device_id, self.hub_id, flash, partial(SignedImageDevice, setup))
        self.homes.power_on(self.device_id)

    def shared_secret(self, party):
        (certificate, *_) = self.pki.find(party, KeyUsage.KEY_AGREEMENT)
        return self.pki.shared_secret(self.device_id, certificate.public_key)

    def public_key(self, supplier):
        key_usage = KeyUsage.DIGITAL_SIGNATURE
        return self.pki.certificate(supplier, key_usage, Role.SUPPLIER).public_key

    @property
    def now_ms(self):
        return self.rollout.chain.now_ms

    def run_until(self, state):
        for _ in self.rollout.chain.run(lambda: self.state() == state, until_ms=UNTIL_MS):
            pass
        assert self.state() == state, self.story()

    def state(self):
        with self.town.supplier_ledger.view() as view:
            return view.last_deliveries([self.device_id])[self.device_id].state

    def story(self):
        with self.town.supplier_ledger.view() as view:
            return [entry.event for entry in view.timeline(self.device_id, 50)]

    def known(self):
        """The version that estate and inventory say the device runs."""
        versions = set()
        for ledger in (self.town.supplier_ledger, self.town.dcc_ledger):
            with ledger.view() as view:
                versions.add(view.devices([self.device_id])[self.device_id].firmware_version)
        return versions

    def distribute(self):
        self.supplier.update_firmware(self.image(NEW, self.body), [self.device_id], self.now_ms)
        self.run_until("distributed")

    def assert_sound(self):
        assert self.town.supplier_ledger.verify() == []
        assert self.town.dcc_ledger.verify() == []


@pytest.mark.parametrize("kind", KINDS)
def test_distribute_and_activate_at_once(kind):
    run = SecondMethod(kind)
    run.distribute()
    assert run.known() == {version_text(OLD)}
    run.supplier.activate_firmware([run.device_id], run.hash, None, run.now_ms)
    run.run_until(Outcome.UPDATED)
    assert run.homes.party(run.device_id).running_version == NEW
    assert run.known() == {version_text(NEW)}
    run.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_activate_at_a_time_that_survives_a_power_cut(kind):
    run = SecondMethod(kind)
    run.distribute()
    at_ms = (run.now_ms // 1000 + 7 * 86_400) * 1000
    run.supplier.activate_firmware([run.device_id], run.hash, at_ms, run.now_ms)
    run.run_until("activation-accepted")
    assert run.now_ms < at_ms
    run.homes.power_on(run.device_id)
    run.run_until(Outcome.UPDATED)
    assert at_ms <= run.now_ms < at_ms + HOUR_MS
    assert run.homes.party(run.device_id).running_version == NEW
    run.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_activation_leaves_the_old_version(kind):
    run = SecondMethod(kind)
    run.distribute()
    at_ms = (run.now_ms // 1000 + 7 * 86_400) * 1000
    run.supplier.activate_firmware([run.device_id], run.hash, at_ms, run.now_ms)
    run.run_until("activation-accepted")
    run.supplier.cancel_activation([run.device_id], run.hash, run.now_ms)
    run.run_until(Outcome.CANCELLED)
    run.homes.run_until(at_ms + DAY_MS)
    assert run.homes.party(run.device_id).running_version == OLD
    run.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_the_hash_of_another_image_is_refused_by_the_device(kind):
    run = SecondMethod(kind)
    run.distribute()
    run.supplier.activate_firmware([run.device_id], bytes(32), None, run.now_ms)
    run.run_until(Outcome.HASH_MISMATCH)
    assert run.homes.party(run.device_id).running_version == OLD
    run.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_goes_through_the_dcc_signed(kind):
    run = SecondMethod(kind)
    run.distribute()
    assert run.town.pushes
    assert all(b"<ds:Signature" in octets for octets in run.town.documents())
