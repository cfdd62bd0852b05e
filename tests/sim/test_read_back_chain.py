"""11.2 through the whole chain: the version that a device really runs, whatever the ledgers think.

One home with every kind of node whose version is read: ESME and hub (ECS52), GSME (GCS38), PPMID
and HCALCS (CS08). Inventory and estate are stale: they say another version than the one that runs.
"""

import hashlib
from functools import lru_cache, partial

import msgspec
import pytest

from hanota.dcc.users import SUPPLIERS
from hanota.errors import RemoteError
from hanota.han.command_reception import Trust
from hanota.han.flash import Flash
from hanota.han.hub import HubSetup
from hanota.han.ppmid import DeviceSetup, Ppmid, factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make
from hanota.ledger.ledger import Ledger
from hanota.limits import (
    DAY_MS,
    HOUR_MS,
    READ_BACK_PERIOD_H,
    READ_BACK_TRIES,
    SILENCE_DEADLINE_DAYS,
)
from hanota.model import (
    DeviceStatus,
    DeviceType,
    KeyUsage,
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
from hanota.sim.chain import Chain
from hanota.smki import protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire import wan
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis.values import DCCAlertMessage, FirmwareVersionMismatch
from hanota.wire.gbcs.message import Cra, decode
from hanota.wire.image import IMAGE_TYPES, SIGNED_TYPES, build_image, encode_image

PKI = TestPki(b"a home that is read")
START_MS = 1_790_000_000_000
HUB = 0x00DB1234567890A2
IDS = {
    DeviceType.ESME: 0x00DB1234567890A0,
    DeviceType.GSME: 0x00DB1234567890A1,
    DeviceType.CHF: HUB,
    DeviceType.PPMID: 0x00DB1234567890A4,
    DeviceType.HCALCS: 0x00DB1234567890A5,
}
KINDS = tuple(IDS)
# Message code of the read, and whether the ACB asks for the supplier.
READS = {
    DeviceType.ESME: (0x0059, False),
    DeviceType.GSME: (0x0084, False),
    DeviceType.CHF: (0x0059, True),
    DeviceType.PPMID: (0x0129, True),
    DeviceType.HCALCS: (0x0129, True),
}
STALE, RUNS, NEW = 0x0001_0000, 0x0002_0000, 0x0003_0000
HARDWARE, MAKER = 0x1111, 0x121D
UNTIL_MS = START_MS + 60 * DAY_MS


def body(kind, version):
    return hashlib.shake_128(f"{kind} {version}".encode()).digest(1_500)


def hash_of(kind, version):
    return hashlib.sha256(body(kind, version)).digest()


def image(kind, version):
    content = body(kind, version)
    signed = kind in SIGNED_TYPES
    return encode_image(
        build_image(
            image_type=IMAGE_TYPES[kind],
            manufacturer_code=MAKER,
            file_version=version,
            manufacturer_image=content,
            signature=PKI.sign(SUPPLIER, Role.SUPPLIER, content) if signed else None,
            hardware=(HARDWARE, HARDWARE),
        )
    )


def row(kind, **changes):
    known = Device(
        device_id=IDS[kind],
        type=kind,
        manufacturer="Maker",
        model=f"Model {kind}",
        hardware_version=HARDWARE,
        firmware_version=version_text(STALE),
        hub_id=HUB,
        status=DeviceStatus.COMMISSIONED,
        suppliers=(SUPPLIER,),
        region=Region.NORTH,
        gbcs_version="4.1",
    )
    return msgspec.structs.replace(known, **changes)


def entry(kind, version):
    return ProductEntry(
        type=kind,
        manufacturer="Maker",
        manufacturer_code=MAKER,
        model=f"Model {kind}",
        hardware_versions=(HARDWARE,),
        firmware_version=version_text(version),
        hash=hash_of(kind, version),
        status=ProductStatus.ACTIVE,
        gbcs_version="4.3",
        follows=(),
    )


class AHomeThatIsRead:
    """The home with its DCC and its supplier, and what is said on the way."""

    def __init__(self, **changes):
        self.supplier_ledger = Ledger.open("sqlite://", owner="supplier")
        self.dcc_ledger = Ledger.open("sqlite://", owner="dcc")
        self.supplier = SupplierShell(
            self.supplier_ledger, PKI, PKI, user_id=SUPPLIER, dcc_id=ACCESS_CONTROL_BROKER
        )
        self.dcc = DccShell(
            self.dcc_ledger, PKI, PKI, acb_id=ACCESS_CONTROL_BROKER, users={SUPPLIER: SUPPLIERS}
        )
        rows = [row(kind, **changes) for kind in KINDS]
        self.dcc.load_inventory(rows)
        self.supplier.load_estate(rows)
        self.dcc.load_products([entry(kind, version) for kind in KINDS for version in (RUNS, NEW)])
        self.is_lost = lambda _message: False
        self.lost, self.from_devices, self.to_devices, self.pushes = [], [], [], []
        self.chain = Chain(
            {SUPPLIER: self.supplier},
            self.dcc,
            self._homes,
            ledgers=(self.supplier_ledger, self.dcc_ledger),
            dcc_id=ACCESS_CONTROL_BROKER,
            now_ms=START_MS,
        )
        self.homes = self.chain.homes
        self._listen()

    def _homes(self, take):
        self._take = take
        homes = Homes(now_ms=START_MS, wan=self._from_hub)
        devices = frozenset(IDS.values()) - {HUB}
        hub = HubSetup(
            HUB, devices, self._sign(HUB), self._blob, running_version=RUNS, trust=trust(HUB)
        )
        homes.add_hub(hub, Flash())
        for kind in KINDS:
            if kind is not DeviceType.CHF:
                homes.add(IDS[kind], HUB, factory_flash(image(kind, RUNS)), starter(kind))
            homes.power_on(IDS[kind])
        return homes

    def _sign(self, eui):
        return partial(signed_by, eui)

    def _blob(self, sha256):
        with self.dcc_ledger.view() as view:
            return view.image(sha256)

    def _from_hub(self, hub_id, number, octets):
        match wan.decode(octets):
            case wan.FromDevice(gbcs=gbcs):
                message = decode(gbcs)
                self.from_devices.append(message)
                if self.is_lost(message):
                    self.lost.append((hub_id, number))
                    return
        self._take(hub_id, number, octets)

    def _listen(self):
        receive_wan, receive = self.homes.receive_wan, self.supplier.receive

        def receive_wan_heard(hub_id, octets):
            match wan.decode(octets):
                case wan.ToDevice(gbcs=gbcs):
                    self.to_devices.append(decode(gbcs))
            return receive_wan(hub_id, octets)

        def receive_heard(pushed, now_ms):
            self.pushes += [decode_response(open_document(octets)) for octets in pushed]
            return receive(pushed, now_ms)

        self.homes.receive_wan, self.supplier.receive = receive_wan_heard, receive_heard

    # What is done

    @property
    def now_ms(self):
        return self.chain.now_ms

    def run(self, is_over, until_ms=UNTIL_MS):
        for _ in self.chain.run(is_over, until_ms=until_ms):
            # To the hub a message that is lost behind it looks as if it had arrived.
            while self.lost:
                self.homes.wan_acknowledged(*self.lost.pop())
        assert is_over(), self.story()

    def read(self, kind, **when):
        (asked,) = self.supplier.read_firmware_version([IDS[kind]], self.now_ms, **when)
        return asked

    def update(self, kind):
        """Distribute the new image, and ask to activate it at once."""
        self.supplier.update_firmware(image(kind, NEW), [IDS[kind]], self.now_ms)
        self.run(lambda: self.state(kind) == Milestone.DISTRIBUTED)
        self.supplier.activate_firmware([IDS[kind]], hash_of(kind, NEW), None, self.now_ms)

    # What can be seen

    def runs(self, kind):
        """The version that really runs; None without power."""
        party = self.homes.party(IDS[kind])
        return party and party.running_version

    def known(self, kind):
        """What estate and inventory say that the device runs."""
        return {one.firmware_version for one in self.rows(kind)}

    def rows(self, kind):
        for ledger in (self.supplier_ledger, self.dcc_ledger):
            with ledger.view() as view:
                yield view.devices([IDS[kind]])[IDS[kind]]

    def inventory(self, kind):
        return list(self.rows(kind))[1]

    def state(self, kind, ledger=None):
        with (ledger or self.supplier_ledger).view() as view:
            delivery = view.last_deliveries([IDS[kind]]).get(IDS[kind])
        return delivery and delivery.state

    def story(self):
        with self.supplier_ledger.view() as view:
            return {kind: [one.event for one in view.timeline(IDS[kind], 30)] for kind in KINDS}

    def mismatches(self):
        return [
            push.body.dcc_alert
            for push in self.pushes
            if isinstance(push.body, DCCAlertMessage)
            and isinstance(push.body.dcc_alert, FirmwareVersionMismatch)
        ]

    def assert_sound(self):
        assert self.supplier_ledger.verify() == self.dcc_ledger.verify() == []
        assert self.chain.is_quiet()


def signed_by(eui, message):
    return protection.sign(message, PKI.private_key(eui, KeyUsage.DIGITAL_SIGNATURE))


def trust(eui, *suppliers):
    @lru_cache
    def secret(party):
        return PKI.shared_secret(eui, PKI.certificate(party, KeyUsage.KEY_AGREEMENT).public_key)

    def key(supplier):
        return PKI.certificate(supplier, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key

    return Trust(secret, key, suppliers)


def starter(kind):
    eui = IDS[kind]
    known = {
        "device_id": eui,
        "hub_id": HUB,
        "make": Make(MAKER, IMAGE_TYPES[kind], HARDWARE),
        "sign": partial(signed_by, eui),
        "released": {hash_of(kind, RUNS), hash_of(kind, NEW)},
    }
    if kind is DeviceType.PPMID:
        return partial(Ppmid, DeviceSetup(**known, trust=trust(eui)))
    setup = SignedImageDeviceSetup(**known, trust=trust(eui, SUPPLIER))
    return partial(SignedImageDevice, setup)


@pytest.fixture
def home():
    read = AHomeThatIsRead()
    yield read
    read.assert_sound()


def heals(home, kind):
    return home.known(kind) == {version_text(RUNS)} and home.chain.is_quiet()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wait_ms", [None, 3 * DAY_MS], ids=["on demand", "future dated"])
def test_a_read_heals_estate_and_inventory(home, kind, wait_ms):
    at_ms = None if wait_ms is None else START_MS + wait_ms
    asked = home.read(kind, execution_date_time_ms=at_ms)
    home.run(lambda: heals(home, kind))
    (command,) = home.to_devices
    (answer,) = home.from_devices
    code, brokered = READS[kind]
    assert command.message_code == answer.message_code == code
    assert (answer.cra, answer.originator, answer.target) == (
        Cra.RESPONSE,
        IDS[kind],
        command.originator,
    )
    named = (command.supplementary_party, command.supplementary_counter)
    assert (answer.supplementary_party, answer.supplementary_counter) == named
    if brokered:
        assert command.originator == ACCESS_CONTROL_BROKER
        assert named == (SUPPLIER, asked.request_id.counter)
    else:
        assert (command.originator, command.counter) == (SUPPLIER, asked.request_id.counter)
        assert named == (None, None)
    # The DSP keeps what is future dated: nothing leaves for the device before its time.
    if at_ms is not None:
        assert home.now_ms >= at_ms
    (told,) = home.mismatches()
    assert told == FirmwareVersionMismatch(IDS[kind], kind, version_text(STALE), version_text(RUNS))
    assert home.inventory(kind).gbcs_version == "4.3"  # of the version's CPL entry


@pytest.mark.parametrize("kind", KINDS)
def test_a_read_that_agrees_tells_no_mismatch(kind):
    home = AHomeThatIsRead(firmware_version=version_text(RUNS))
    home.read(kind)
    home.run(lambda: home.from_devices and home.chain.is_quiet())
    assert home.mismatches() == []
    assert home.known(kind) == {version_text(RUNS)}
    home.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspended_device_can_be_read_and_is_commissioned_again(kind):
    home = AHomeThatIsRead(status=DeviceStatus.SUSPENDED)
    home.read(kind)
    home.run(lambda: heals(home, kind))
    assert home.inventory(kind).status is DeviceStatus.COMMISSIONED
    home.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspended_device_stays_so_with_a_version_that_is_not_active(kind):
    home = AHomeThatIsRead(status=DeviceStatus.SUSPENDED)
    withdrawn = msgspec.structs.replace(entry(kind, RUNS), status=ProductStatus.WITHDRAWN)
    home.dcc.load_products([withdrawn])
    home.read(kind)
    home.run(lambda: heals(home, kind))
    assert home.inventory(kind).status is DeviceStatus.SUSPENDED
    home.assert_sound()


# --- SEC problem MP105: the answer of 11.3 is lost ---


SIGNED_KINDS = [kind for kind in KINDS if kind in SIGNED_TYPES]


def is_outcome(message):
    return message.cra is Cra.RESPONSE and message.message_code == 0x0012


@pytest.mark.parametrize("kind", SIGNED_KINDS)
def test_a_lost_answer_of_11_3_is_found_out_by_reading_back(home, kind):
    home.is_lost = is_outcome
    home.update(kind)
    home.run(lambda: home.runs(kind) == NEW)
    assert home.known(kind) == {version_text(STALE)}
    # The version that it is believed to run leaves the list.
    suspended = msgspec.structs.replace(home.inventory(kind), status=DeviceStatus.SUSPENDED)
    home.dcc.load_inventory([suspended])
    home.run(lambda: home.state(kind) == Outcome.UPDATED and home.chain.is_quiet())
    assert home.now_ms >= START_MS + SILENCE_DEADLINE_DAYS * DAY_MS
    assert home.known(kind) == {version_text(NEW)}
    assert home.state(kind, home.dcc_ledger) == Outcome.UPDATED
    (told,) = home.mismatches()
    assert told == FirmwareVersionMismatch(IDS[kind], kind, version_text(STALE), version_text(NEW))
    assert home.inventory(kind).status is DeviceStatus.COMMISSIONED
    assert home.story()[kind].count("read-back-requested") == 1


@pytest.mark.parametrize("kind", SIGNED_KINDS)
def test_so_is_a_receipt_of_distribution_that_was_lost_with_it(home, kind):
    home.is_lost = lambda message: (
        message.cra in (Cra.ALERT, Cra.RESPONSE)
        and (message.originator == IDS[kind] and message.message_code in (0x0012, 0x00CE, 0x00CF))
    )
    home.supplier.update_firmware(image(kind, NEW), [IDS[kind]], home.now_ms)
    home.run(lambda: home.state(kind) == Milestone.TRANSFERRED)
    home.supplier.activate_firmware([IDS[kind]], hash_of(kind, NEW), None, home.now_ms)
    home.run(lambda: home.state(kind) == Outcome.UPDATED and home.chain.is_quiet())
    assert home.state(kind, home.dcc_ledger) in (Outcome.UPDATED, Outcome.UPDATED_LATE)
    assert home.known(kind) == {version_text(NEW)}


@pytest.mark.parametrize("kind", SIGNED_KINDS)
def test_a_push_that_is_refused_is_pushed_again_and_nothing_is_read_back(home, kind):
    receive = home.supplier.receive
    refused = []

    def refuse_outcomes(pushed, now_ms):
        if len(refused) < 3 and home.state(kind) == Milestone.ACTIVATION_REQUESTED:
            refused.append(now_ms)
            return [RemoteError(ResponseCode.E48, "not today")] * len(pushed)
        return receive(pushed, now_ms)

    home.supplier.receive = refuse_outcomes
    home.update(kind)
    home.run(lambda: home.state(kind) == Outcome.UPDATED and home.chain.is_quiet())
    assert len(refused) == 3
    assert home.now_ms < START_MS + DAY_MS
    assert "read-back-requested" not in home.story()[kind]


# --- Silence ---


def read_backs(home, kind):
    return home.story()[kind].count("read-back-requested")


@pytest.mark.parametrize("kind", [*SIGNED_KINDS, DeviceType.PPMID])
def test_every_silent_device_is_read_back_so_often_and_then_silent(home, kind):
    home.homes.cut_power(IDS[kind])
    home.is_lost = lambda message: message.originator == HUB  # that it gave up is lost as well
    if kind is DeviceType.PPMID:
        home.supplier.update_ppmid_firmware(image(kind, NEW), [IDS[kind]], START_MS)
    else:
        home.supplier.update_firmware(image(kind, NEW), [IDS[kind]], START_MS)
    home.run(lambda: home.state(kind) == Outcome.SILENT)
    assert read_backs(home, kind) == READ_BACK_TRIES
    tried_ms = READ_BACK_TRIES * READ_BACK_PERIOD_H * HOUR_MS
    assert home.now_ms >= START_MS + SILENCE_DEADLINE_DAYS * DAY_MS + tried_ms
    # Found again, it answers what waited for it, and the ledgers know it.
    home.homes.power_on(IDS[kind])
    home.run(lambda: heals(home, kind))
    assert home.state(kind) == Outcome.SILENT


@pytest.mark.parametrize("kind", SIGNED_KINDS)
def test_proof_after_silence_is_late_and_counts(home, kind):
    home.is_lost = is_outcome
    home.update(kind)
    home.run(lambda: home.runs(kind) == NEW)
    home.homes.cut_power(IDS[kind])
    home.run(lambda: home.state(kind) == Outcome.SILENT)
    assert read_backs(home, kind) == READ_BACK_TRIES
    home.homes.power_on(IDS[kind])
    home.run(lambda: home.known(kind) == {version_text(NEW)} and home.chain.is_quiet())
    assert home.state(kind) == Outcome.UPDATED_LATE
    assert home.state(kind, home.dcc_ledger) == Outcome.UPDATED
