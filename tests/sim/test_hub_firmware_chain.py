"""A hub's own update through the whole chain: DCC, hub, supplier, and then the PPMID behind it.

One home whose hub is too old for SECMP0007: the 11.4 leaves its PPMID out. The DCC updates the hub,
which announces its version; the suppliers are told (N64) and read what the hub can do (8.2). Then
the same 11.4 succeeds. The shells are those of production, joined here by links of their own.
"""

import hashlib
from functools import partial

import pytest

from hanota.dcc.users import SUPPLIERS
from hanota.han.command_reception import Trust
from hanota.han.hub import HubSetup
from hanota.han.hub_firmware import HubFirmwareSetup
from hanota.han.ppmid import DeviceSetup, comes_up, factory_flash
from hanota.han.verification import Make
from hanota.ledger.ledger import Ledger
from hanota.limits import DAY_MS, HOUR_MS, LINK_RETRY_MS, WAN_LATENCY_MS
from hanota.link.local import LocalLink, Message
from hanota.model import (
    DeviceStatus,
    DeviceType,
    KeyUsage,
    LeftOut,
    Milestone,
    Outcome,
    Region,
    Role,
    version_text,
)
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.serve.dcc import DccShell
from hanota.serve.homes import Homes
from hanota.serve.supplier import SupplierShell
from hanota.smki import protection
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    SUPPLIER,
    SUPPLIER_2,
    WAN_PROVIDER,
)
from hanota.smki.pki import TestPki
from hanota.wire.duis import decode_response, open_document
from hanota.wire.image import (
    IMAGE_TYPES,
    build_image,
    decode_image,
    encode_image,
    manufacturer_image_hash,
)

PKI = TestPki(b"a home with an old hub")
START_MS = 1_790_000_000_000
HUB, PPMID, GSME = 0x00DB1234567890A2, 0x00DB1234567890A4, 0x00DB1234567890A1
OLD, NEW = 0x0001_0000, 0x0002_0000
HARDWARE = 0x1111
STEP_MS = 1_000


def image(kind, version, signer=None):
    body = hashlib.shake_128(f"{kind} {version}".encode()).digest(2_000)
    signature = None if signer is None else PKI.sign(signer, Role.WAN_PROVIDER, body)
    return encode_image(
        build_image(
            image_type=IMAGE_TYPES[kind],
            manufacturer_code=0x121D,
            file_version=version,
            manufacturer_image=body,
            signature=signature,
            hardware=(HARDWARE, HARDWARE),
        )
    )


HUB_IMAGES = {version: image(DeviceType.CHF, version, WAN_PROVIDER) for version in (OLD, NEW)}
PPMID_IMAGES = {version: image(DeviceType.PPMID, version) for version in (OLD, NEW)}


def hash_of(octets, kind):
    return manufacturer_image_hash(decode_image(octets, signed=kind is DeviceType.CHF))


def device(kind, device_id, gbcs_version, suppliers):
    return Device(
        device_id=device_id,
        type=kind,
        manufacturer="Maker",
        model=f"Model {kind}",
        hardware_version=HARDWARE,
        firmware_version=version_text(OLD),
        hub_id=HUB,
        status=DeviceStatus.COMMISSIONED,
        suppliers=suppliers,
        region=Region.NORTH,
        gbcs_version=gbcs_version,
    )


HOME = (
    device(DeviceType.CHF, HUB, "2.1", ()),
    device(DeviceType.PPMID, PPMID, "4.3", (SUPPLIER,)),
    device(DeviceType.GSME, GSME, "4.3", (SUPPLIER_2,)),
)


def entry(kind, octets, version):
    return ProductEntry(
        type=kind,
        manufacturer="Maker",
        manufacturer_code=0x121D,
        model=f"Model {kind}",
        hardware_versions=(HARDWARE,),
        firmware_version=version_text(version),
        hash=hash_of(octets, kind),
        status=ProductStatus.ACTIVE,
        gbcs_version="4.3",
        follows=(version_text(OLD),),
    )


class AnOldHome:
    """The home, its DCC and its two suppliers; `carried` brings every envelope so often."""

    def __init__(self, starts=comes_up, carried=1):
        self.now_ms = START_MS
        self.carried = carried
        self.ledgers = {
            name: Ledger.open("sqlite://", owner=name) for name in ("dcc", "supplier", "supplier-2")
        }
        users = dict.fromkeys((SUPPLIER, SUPPLIER_2), SUPPLIERS)
        self.dcc = DccShell(
            self.ledgers["dcc"], PKI, PKI, acb_id=ACCESS_CONTROL_BROKER, users=users
        )
        self.suppliers = {
            user_id: SupplierShell(
                self.ledgers[name], PKI, PKI, user_id=user_id, dcc_id=ACCESS_CONTROL_BROKER
            )
            for user_id, name in ((SUPPLIER, "supplier"), (SUPPLIER_2, "supplier-2"))
        }
        self.dcc.load_inventory(HOME)
        self.dcc.load_products(
            [
                entry(DeviceType.CHF, HUB_IMAGES[NEW], NEW),
                entry(DeviceType.PPMID, PPMID_IMAGES[NEW], NEW),
            ]
        )
        for supplier in self.suppliers.values():
            supplier.load_estate(HOME)
        self.to_hub = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self.from_hub = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self.pushed = []
        self.cuts = set()  # of the hub's effects, by number: the power fails before these
        self.effects = 0
        self.homes = Homes(now_ms=START_MS, wan=self._from_hub, power_fails=self._power_fails)
        self._install(starts)

    def _install(self, starts):
        self.homes.add_hub(
            HubSetup(
                hub_id=HUB,
                device_ids=frozenset({PPMID, GSME}),
                sign=partial(self._sign, HUB),
                blobs=self._blob,
                trust=Trust(partial(self._secret, HUB), self._key_of, (SUPPLIER, SUPPLIER_2)),
                firmware=HubFirmwareSetup(
                    make=Make(0x121D, IMAGE_TYPES[DeviceType.CHF], HARDWARE),
                    released={hash_of(one, DeviceType.CHF) for one in HUB_IMAGES.values()},
                    provider_key=self._provider_key,
                    starts=starts,
                ),
            ),
            factory_flash(HUB_IMAGES[OLD]),
        )
        self.homes.add_ppmid(
            DeviceSetup(
                device_id=PPMID,
                hub_id=HUB,
                make=Make(0x121D, IMAGE_TYPES[DeviceType.PPMID], HARDWARE),
                sign=partial(self._sign, PPMID),
                released={hash_of(one, DeviceType.PPMID) for one in PPMID_IMAGES.values()},
            ),
            factory_flash(PPMID_IMAGES[OLD]),
        )
        self.homes.power_on(HUB)
        self.homes.power_on(PPMID)

    # Keys

    def _sign(self, eui, message):
        return protection.sign(message, PKI.private_key(eui, KeyUsage.DIGITAL_SIGNATURE))

    def _secret(self, eui, party):
        return PKI.shared_secret(eui, PKI.certificate(party, KeyUsage.KEY_AGREEMENT).public_key)

    def _key_of(self, supplier):
        return PKI.certificate(supplier, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key

    def _provider_key(self):
        return PKI.certificate(WAN_PROVIDER, KeyUsage.DIGITAL_SIGNATURE).public_key

    # Links

    def _blob(self, sha256):
        with self.ledgers["dcc"].view() as view:
            return view.image(sha256)

    def _from_hub(self, hub_id, number, body):
        message = Message(hub_id, ACCESS_CONTROL_BROKER, number, body)
        self.from_hub.send(message, self.homes.now_ms)

    def _power_fails(self, node, _effect):
        if node != HUB:
            return None
        self.effects += 1
        return 60_000 if self.effects in self.cuts else None

    def _exchange(self):
        for supplier in self.suppliers.values():
            supplier.scan_due(self.now_ms, 100)
            for sent in supplier.outgoing(self.now_ms, 100):
                supplier.answered(sent, self.dcc.answer(sent.body, self.now_ms), self.now_ms)
        self.dcc.scan_due(self.now_ms, 100)
        for message in self.from_hub.receive(self.now_ms, 100):
            for _ in range(self.carried):
                self.dcc.receive_wan([(message.sender, message.body)], self.now_ms)
            self.from_hub.acknowledge(message)
        for hub_id, number in self.from_hub.acknowledged():
            self.homes.wan_acknowledged(hub_id, number)
        for sent in self.dcc.outgoing_wan(100):
            message = Message(ACCESS_CONTROL_BROKER, sent.receiver, sent.number, sent.body)
            self.to_hub.send(message, self.now_ms)
        for message in self.to_hub.receive(self.now_ms, 100):
            taken = [
                self.homes.receive_wan(message.receiver, message.body) for _ in range(self.carried)
            ]
            if any(taken):
                self.to_hub.acknowledge(message)
        self.dcc.taken([number for _, number in self.to_hub.acknowledged()])
        for push in self.dcc.outgoing_push(self.now_ms, 100):
            faults = self.suppliers[push.receiver].receive([push.body] * self.carried, self.now_ms)
            assert faults == [None] * self.carried
            self.pushed.append((push.receiver, decode_response(open_document(push.body))))
            self.dcc.taken([push.number])

    def run(self, until, duration_ms=DAY_MS):
        end_ms = self.now_ms + duration_ms
        while not until():
            assert self.now_ms < end_ms, self.story()
            self.now_ms += STEP_MS
            self.homes.run_until(self.now_ms)
            self._exchange()
        return self

    def rest(self, duration_ms=5 * 60_000):
        """Let whatever is still under way arrive."""
        end_ms = self.now_ms + duration_ms
        return self.run(lambda: self.now_ms >= end_ms)

    # What is asked, and what is known

    def update_ppmid(self):
        """An 11.4; where its PPMID is, once it has come to rest."""
        row = self.suppliers[SUPPLIER].update_ppmid_firmware(
            PPMID_IMAGES[NEW], [PPMID], self.now_ms
        )

        def delivery():
            with self.ledgers["supplier"].view() as view:
                return view.delivery(PPMID, row.number)

        self.run(lambda: not delivery().live)
        return delivery().state, delivery().reason

    def update_hub(self, activate_at_ms=None):
        return self.dcc.update_hubs(
            HUB_IMAGES[NEW], [HUB], self.now_ms, activate_at_ms=activate_at_ms
        )

    def hub_delivery(self):
        with self.ledgers["dcc"].view() as view:
            return view.last_deliveries([HUB])[HUB]

    def hub_known(self):
        """What the DCC and each supplier know of the hub: firmware and GBCS version."""
        known = {}
        for name, ledger in self.ledgers.items():
            with ledger.view() as view:
                row = view.devices([HUB])[HUB]
            known[name] = (row.firmware_version, row.gbcs_version)
        return known

    def hub_runs(self):
        return self.homes.party(HUB).running_version

    def told(self):
        return [
            (receiver, push.body.dcc_alert.device_id, push.body.dcc_alert.firmware_version)
            for receiver, push in self.pushed
            if getattr(push.body, "dcc_alert_code", None) == "N64"
        ]

    def story(self):
        with self.ledgers["dcc"].view() as view:
            return [entry.event for entry in view.timeline(HUB, 50)]

    def assert_sound(self):
        assert all(ledger.verify() == [] for ledger in self.ledgers.values())
        with self.ledgers["dcc"].view() as view:
            assert view.outbox_depth() == 0


EVERYBODY_KNOWS = dict.fromkeys(("dcc", "supplier", "supplier-2"), (version_text(NEW), "4.3"))
NOBODY_KNOWS = dict.fromkeys(EVERYBODY_KNOWS, (version_text(OLD), "2.1"))
TOLD = [(SUPPLIER, HUB, version_text(NEW)), (SUPPLIER_2, HUB, version_text(NEW))]


@pytest.mark.parametrize("carried", [1, 2], ids=["once", "every message twice"])
def test_a_ppmid_waits_for_its_hub_and_then_is_updated(carried):
    home = AnOldHome(carried=carried)
    assert home.update_ppmid() == (Outcome.LEFT_OUT, LeftOut.HUB_TOO_OLD)
    assert home.hub_known() == NOBODY_KNOWS
    assert home.update_hub().accepted == (HUB,)
    home.run(lambda: len(home.told()) == 2).rest()
    assert home.hub_runs() == NEW
    assert home.hub_delivery().state == Outcome.UPDATED
    assert home.hub_known() == EVERYBODY_KNOWS
    assert home.told() == TOLD
    story = [event for event in home.story() if not event.startswith("doubled:")]
    assert list(dict.fromkeys(story)) == ["accepted", "delivery-success", "activation-success"]
    assert home.update_ppmid() == (Outcome.UPDATED, "")
    assert home.homes.party(PPMID).running_version == NEW
    home.rest().assert_sound()


def test_at_a_time_of_the_dccs_choice():
    home = AnOldHome()
    at_ms = START_MS + 3 * HOUR_MS
    home.update_hub(at_ms)
    home.run(lambda: home.hub_delivery().state == Milestone.DELIVERED)
    assert (home.hub_runs(), home.hub_known()) == (OLD, NOBODY_KNOWS)
    home.homes.power_on(HUB)
    home.run(lambda: home.told() == TOLD)
    assert at_ms < home.now_ms < at_ms + 60_000
    home.rest()
    assert home.hub_known() == EVERYBODY_KNOWS
    home.assert_sound()


def test_an_image_that_does_not_start_leaves_the_hub_as_it_was():
    home = AnOldHome(starts=lambda octets: octets != HUB_IMAGES[NEW])
    home.update_hub()
    home.run(lambda: home.hub_delivery().state == Outcome.ACTIVATION_FAILED).rest()
    assert (home.hub_runs(), home.hub_known(), home.told()) == (OLD, NOBODY_KNOWS, [])
    assert home.update_ppmid() == (Outcome.LEFT_OUT, LeftOut.HUB_TOO_OLD)
    home.assert_sound()


def test_11_2_reads_the_version_that_the_hub_runs_now():
    home = AnOldHome()
    supplier = home.suppliers[SUPPLIER_2]

    def read():
        (row,) = supplier.read_firmware_version([HUB], home.now_ms)
        home.run(lambda: any(push.request_id == row.request_id for _, push in home.pushed)).rest()
        return home.hub_known()["supplier-2"][0]

    assert read() == version_text(OLD)
    home.update_hub()
    home.run(lambda: len(home.told()) == 2).rest()
    assert read() == version_text(NEW)
    home.assert_sound()


def effects_of_an_update():
    home = AnOldHome().rest()
    before = home.effects
    home.update_hub()
    home.run(lambda: len(home.told()) == 2)
    return range(before + 1, home.effects + 1)


def test_a_power_cut_before_every_effect_of_the_hub():
    steps = effects_of_an_update()
    assert len(steps) > 10
    for step in steps:
        home = AnOldHome().rest()
        home.cuts = {step}
        home.update_hub()
        home.run(lambda home=home: len(home.told()) == 2).rest()
        assert (home.hub_runs(), home.hub_known()) == (NEW, EVERYBODY_KNOWS), step
        assert home.hub_delivery().state == Outcome.UPDATED, step
        assert home.told() == TOLD, step
        home.assert_sound()


def test_a_hub_without_power_gets_its_image_when_it_is_back():
    home = AnOldHome().rest()
    home.homes.cut_power(HUB)
    home.update_hub()
    home.rest(2 * HOUR_MS)
    assert home.hub_delivery().state == Milestone.ACCEPTED
    home.homes.power_on(HUB)
    home.run(lambda: len(home.told()) == 2).rest()
    assert home.hub_known() == EVERYBODY_KNOWS
    home.assert_sound()


def test_the_home_goes_on_while_its_hub_is_updated():
    """A PPMID of a hub that has SECMP0007 already, updated at the same time as the hub."""
    home = AnOldHome().rest()
    able = [
        device(DeviceType.CHF, HUB, "4.1", ()),
        *(row for row in HOME if row.device_id != HUB),
    ]
    home.dcc.load_inventory(able)
    home.update_hub(home.now_ms + 3_000)
    assert home.update_ppmid() == (Outcome.UPDATED, "")
    home.run(lambda: len(home.told()) == 2).rest()
    assert home.hub_known() == EVERYBODY_KNOWS
    home.assert_sound()
