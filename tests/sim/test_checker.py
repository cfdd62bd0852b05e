"""Each invariant bites: what would break it is told by its name."""

import msgspec
import pytest

from hanota.han.bootloader import Boot, Stage, written
from hanota.han.effects import EraseSlot, Record, WriteSlot
from hanota.han.flash import Flash
from hanota.model import DeviceType, RequestID
from hanota.sim.checker import Checker, Invariant, Order, ViolationError, pending
from hanota.sim.credentials import Credentials
from hanota.sim.faults import Luck, parse_rates
from hanota.sim.street import NEW_VERSIONS, OLD_VERSION, SUPPLIERS, Street
from hanota.wire import wan
from hanota.wire.gbcs.message import Cra, GbcsMessage, encode

NEW = NEW_VERSIONS[0]
NOW_MS = 1_000_000


class Device:
    """A device as homes show it: its party, of which only the version counts, and its flash."""

    running_version = OLD_VERSION

    def __init__(self, factory):
        self.flash = Flash(slots=(factory, b""))


class AStreet:
    """A checker of one home, whose devices do as they are told here."""

    def __init__(self, faults="none", accepted=()):
        self.street = Street(
            1,
            seed=1,
            image_octets=500,
            credentials=Credentials(),
            luck=Luck(1, parse_rates(faults)),
        )
        self.devices = {
            device_id: Device(self.street.factory_file(resident))
            for device_id, resident in self.street.residents.items()
        }
        self.checker = Checker(self.street, self, lambda *asked: asked in accepted)

    def party(self, device_id):
        return self.devices.get(device_id)

    def flash(self, device_id):
        return self.devices[device_id].flash

    def clock_ms(self, _device_id):
        return NOW_MS

    def device_id(self, kind):
        (found,) = (i for i, r in self.street.residents.items() if r.row.type is kind)
        return found

    def image(self, kind, version=NEW):
        return self.street.images[kind, version, SUPPLIERS[0]]

    def do(self, device_id, effect):
        """Carry an effect out as the homes do: the checker is asked before."""
        self.checker.before(device_id, effect)
        flash = self.flash(device_id)
        match effect:
            case Record(values=values):
                flash.record(values)
            case EraseSlot(slot=slot):
                flash.erase(slot)
            case WriteSlot(slot=slot, offset=offset, data=data):
                flash.write(slot, offset, data)
        self.checker.look_at_flash()


def breaks(invariant, told):
    return pytest.raises(ViolationError, match=f"{invariant}: .*{told}")


@pytest.fixture
def street():
    return AStreet()


@pytest.fixture
def ppmid(street):
    return street.device_id(DeviceType.PPMID)


def boot(slot, stage):
    return Record(written(Boot(slot, stage)))


def test_a_device_that_erases_the_image_it_runs(street, ppmid):
    with breaks(Invariant.BOOTABLE, "has none left"):
        street.do(ppmid, EraseSlot(0))


def test_a_device_that_erases_the_other_slot_breaks_nothing(street, ppmid):
    street.do(ppmid, EraseSlot(1))


def test_a_device_that_writes_over_the_image_it_runs(street, ppmid):
    with breaks(Invariant.BOOTABLE, "writes over the image that it runs"):
        street.do(ppmid, WriteSlot(0, 0, b"new"))


def test_a_trial_without_a_way_back(street, ppmid):
    street.do(ppmid, WriteSlot(1, 0, street.image(DeviceType.PPMID).file))
    street.flash(ppmid).erase(0)
    with breaks(Invariant.BOOTABLE, "none to go back to"):
        street.do(ppmid, boot(1, Stage.TRIAL))


def test_a_trial_with_a_way_back_breaks_nothing(street, ppmid):
    street.do(ppmid, WriteSlot(1, 0, street.image(DeviceType.PPMID).file))
    street.do(ppmid, boot(1, Stage.TRIAL))


def runs_new(street, device_id):
    street.devices[device_id].running_version = NEW
    street.do(device_id, boot(1, Stage.TRIAL))


def held(street, kind):
    device_id = street.device_id(kind)
    street.do(device_id, WriteSlot(1, 0, street.image(kind).file))
    return device_id


def test_an_image_for_which_nobody_has_asked(street):
    with breaks(Invariant.ALLOWED, "nobody has asked"):
        runs_new(street, held(street, DeviceType.PPMID))


def test_an_image_that_the_dcc_let_a_ppmid_have():
    ppmid = AStreet().device_id(DeviceType.PPMID)
    street = AStreet(accepted={(ppmid, NEW)})
    runs_new(street, held(street, DeviceType.PPMID))
    assert street.checker.ran[ppmid] == {OLD_VERSION, NEW}


def test_an_image_that_no_maker_released():
    street = AStreet("not-released=1")
    with breaks(Invariant.ALLOWED, "not for it"):
        runs_new(street, street.device_id(DeviceType.PPMID))


def owed(street, kind, counter=5, execution_ms=None, key="activation-owed"):
    order = Order(SUPPLIERS[0], counter, street.image(kind).hash, execution_ms)
    return Record({key: msgspec.msgpack.encode(order)})


def test_an_image_of_a_signed_kind_without_a_command(street):
    with breaks(Invariant.ALLOWED, "nobody has asked"):
        runs_new(street, held(street, DeviceType.ESME))


def test_an_image_of_a_signed_kind_with_a_command(street):
    esme = held(street, DeviceType.ESME)
    street.do(esme, owed(street, DeviceType.ESME))
    runs_new(street, esme)


def test_a_command_that_is_carried_out_twice(street):
    esme = street.device_id(DeviceType.ESME)
    street.do(esme, owed(street, DeviceType.ESME))
    street.do(esme, owed(street, DeviceType.ESME, counter=6))
    with breaks(Invariant.ONCE, "command 5 .* second time"):
        street.do(esme, owed(street, DeviceType.ESME))


def test_a_command_that_is_carried_out_before_its_time(street):
    esme = street.device_id(DeviceType.ESME)
    street.do(esme, owed(street, DeviceType.ESME, 1, NOW_MS))
    with breaks(Invariant.IN_TIME, "command 2 before its time"):
        street.do(esme, owed(street, DeviceType.ESME, 2, NOW_MS + 1))


def test_a_command_whose_time_is_missed(street):
    esme = street.device_id(DeviceType.ESME)
    street.do(esme, owed(street, DeviceType.ESME, 1, NOW_MS, key="activation-waiting"))
    street.checker.look_for_the_missed()
    street.do(esme, owed(street, DeviceType.ESME, 2, NOW_MS - 1, key="activation-waiting"))
    with breaks(Invariant.IN_TIME, "missed the time"):
        street.checker.look_for_the_missed()
    street.party = lambda _device_id: None
    street.checker.look_for_the_missed()


def test_what_goes_with_a_hub_is_what_the_dcc_has_perhaps_not_got(street):
    alert = encode(GbcsMessage(Cra.ALERT, 1, 7, 2, 0x012B, b"said"))
    stored = wan.encode(wan.ImageStored(RequestID(1, 2, 3), (7,), wan.StoreResult.STORED))
    hub = Flash()
    hub.record({"wan": b"2", "wan/1": wan.encode(wan.FromDevice(alert)), "wan/2": stored})
    hub.record({"tunnel/0000000000000007/1": b"a command"})
    street.flash = lambda _node_id: hub
    street.checker.lose_hub(2)
    assert street.checker.lost == {alert, stored}


def test_a_counter_that_belongs_to_two_messages(street, ppmid):
    def said(content):
        return encode(GbcsMessage(Cra.ALERT, 1, ppmid, 2, 0x012B, content))

    street.do(ppmid, Record({"tunnel/1": said(b"one")}))
    street.do(ppmid, Record({"tunnel/2": said(b"one")}))
    with breaks(Invariant.ONE_FORM, "counter 1"):
        street.do(ppmid, Record({"tunnel/3": said(b"other")}))
    assert set(street.checker.said) == {said(b"one"), said(b"other")}


@pytest.mark.parametrize(
    ("keys", "hub", "waits"),
    [
        ((), False, False),
        (("tunnel", "boot"), False, False),
        (("tunnel/4",), False, True),
        (("tunnel/00DB123500000004",), True, False),
        (("tunnel/00DB123500000004/1",), True, True),
        (("wan/7",), True, True),
        (("wan",), True, False),
    ],
)
def test_what_a_node_still_has_to_tell(keys, hub, waits):
    assert pending(keys, hub=hub) is waits
