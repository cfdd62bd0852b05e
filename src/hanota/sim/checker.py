"""What must hold at every step of a simulated world, looked at from outside.

Each invariant has a name; where one is broken, ViolationError says which, and how. The checker
knows which OTA files may run on which device and sees every step of every node; it does not ask
the parties, and shares no rule with them.

Not here: what must hold at the end (`final_checks`).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import msgspec

from hanota.errors import RemoteError
from hanota.han.effects import Effect, EraseSlot, Record, WriteSlot
from hanota.model import DeviceType, eui_text, version_text
from hanota.serve.homes import Homes
from hanota.sim.street import OLD_VERSION, Resident, Street
from hanota.wire import wan
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.wan import FromDevice, ImageStored


class Invariant(StrEnum):
    """What is promised (interfaces.md, truth rules; each name is one sentence)."""

    BOOTABLE = "every device always has an image that it can boot"
    ALLOWED = "a device runs only images that its rules allow"
    ONCE = "a critical command takes effect at most once"
    IN_TIME = "a command takes effect at its time, by the clock of its device"
    ORDERED = "a device activates only what its supplier has signed"
    ONE_FORM = "a counter belongs to one message"
    PROOF = "updated means that the device has run the version"
    ONE_OUTCOME = "every accepted device of every request ends in exactly one outcome"
    LEARNED = "the supplier learns what became of its device"
    TRUTH = "what the ledgers say is what the device runs"
    KEPT = "what a party has taken is not lost"
    COUNTED_ONCE = "what comes twice counts once"
    LEDGER = "state and counts are those of the journal"
    SETTLES = "with faults over, everything settles"
    NOBODY_RAISES = "no party raises, whatever it is given"


class ViolationError(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: Invariant, told: str) -> None:
        super().__init__(f"{invariant}: {told}")
        self.invariant = invariant
        self.told = told


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A command that a device is carrying out, as its flash has it."""

    supplier: int
    counter: int
    image_hash: bytes
    execution_date_time_ms: int | None = None


class Checker:
    """Watches the nodes of a street; `is_accepted` says what devices the DCC let have a version.

    `said` are the GBCS messages and receipts that a node has recorded to tell the DCC, and by whom;
    `lost` those of them that went with a hub; `subjects` whom they are about, `orders` the commands
    that devices have carried out, and `ran` the versions that each device ever ran.
    """

    def __init__(
        self, street: Street, homes: Homes, is_accepted: Callable[[int, int], bool]
    ) -> None:
        self.said: dict[bytes, int] = {}
        self.lost: set[bytes] = set()
        self.subjects = {*street.residents, *street.hub_ids}
        self.orders: dict[tuple[int, int, int], Order] = {}
        self.ran = {device_id: {OLD_VERSION} for device_id in street.residents}
        self._street = street
        self._homes = homes
        self._is_accepted = is_accepted
        self._files = {
            device_id: street.files_of(resident) for device_id, resident in street.residents.items()
        }
        self._dirty: set[int] = set()
        self._outcomes: dict[tuple[int, int, int], bytes] = {}
        self._forms: dict[tuple[int, int, int, int], bytes] = {}
        self._watch: dict[type, Callable[[int, Effect], None]] = {
            Record: self._recorded,
            EraseSlot: self._erased,
            WriteSlot: self._written,
        }
        self._running_slot = dict.fromkeys(street.residents, 0)

    def before(self, node_id: int, effect: Effect) -> None:
        """A node carries this effect out now; the ones before it are done."""
        if self._dirty:
            self.look_at_flash()
        watch = self._watch.get(type(effect))
        if watch is not None:
            watch(node_id, effect)

    def look_at_flash(self) -> None:
        """Look at every flash in which something else than a download has changed."""
        for node_id in self._dirty:
            self._require_bootable(node_id)
        self._dirty.clear()

    def look_for_the_missed(self) -> None:
        """No device that runs may still wait for an instant that its clock has passed."""
        for device_id in self._files:
            octets = self._homes.flash(device_id).records.get("activation-waiting")
            if octets is None or self._homes.party(device_id) is None:
                continue
            execution_ms = _decode_order(octets).execution_date_time_ms
            if execution_ms is not None and execution_ms < self._homes.clock_ms(device_id):
                raise ViolationError(
                    Invariant.IN_TIME, f"{eui_text(device_id)} has missed the time of a command"
                )

    def lose_hub(self, hub_id: int) -> None:
        """A hub is about to be gone, with everything that it has not heard the DCC has."""
        for key, body in self._homes.flash(hub_id).records.items():
            if key.startswith(_WAN_OUTBOX):
                self.lost.add(_said_in(body))

    # What a node is about to do

    def _recorded(self, node_id: int, effect: Effect) -> None:
        assert isinstance(effect, Record), "the table says so"
        values = effect.values
        if "boot" in values and node_id in self._files:
            self._dirty.add(node_id)
            # What runs changes with this record only, and the party that writes it runs already.
            self._require_allowed(node_id)
        owed = values.get("activation-owed")
        if owed is not None:
            self._carried_out(node_id, _decode_order(owed))
        for key, value in values.items():
            if value is not None and key.startswith(_OUTBOXES) and key.rpartition("/")[2].isdigit():
                self._told(node_id, key, value)

    def _erased(self, node_id: int, effect: Effect) -> None:
        assert isinstance(effect, EraseSlot), "the table says so"
        self._dirty.add(node_id)

    def _written(self, node_id: int, effect: Effect) -> None:
        assert isinstance(effect, WriteSlot), "the table says so"
        if effect.slot == self._running_slot.get(node_id):
            raise ViolationError(
                Invariant.BOOTABLE, f"{eui_text(node_id)} writes over the image that it runs"
            )

    def _carried_out(self, node_id: int, order: Order) -> None:
        key = (node_id, order.supplier, order.counter)
        if key in self.orders:
            raise ViolationError(
                Invariant.ONCE,
                f"{eui_text(node_id)} carries out command {order.counter} of "
                f"{eui_text(order.supplier)} a second time",
            )
        self.orders[key] = order
        execution_ms = order.execution_date_time_ms
        if execution_ms is not None and self._homes.clock_ms(node_id) < execution_ms:
            raise ViolationError(
                Invariant.IN_TIME,
                f"{eui_text(node_id)} carries out command {order.counter} before its time",
            )

    def _told(self, node_id: int, key: str, body: bytes) -> None:
        """A node has something to tell: the DCC (a device, or a hub by itself) has to know it."""
        octets = body
        if node_id not in self._files:
            if not key.startswith(_WAN_OUTBOX):
                return  # what a hub passes on to a device
            octets = _said_in(body)
            match wan.decode(body):
                case ImageStored(device_ids=device_ids):
                    self.subjects.update(device_ids)
        self.said.setdefault(octets, node_id)
        self._require_one_form(octets)

    def _require_one_form(self, octets: bytes) -> None:
        try:
            message = gbcs.decode(octets)
        except RemoteError:
            return  # a hub's own envelope
        key = (message.originator, message.target, int(message.cra), message.counter)
        if self._forms.setdefault(key, octets) != octets:
            raise ViolationError(
                Invariant.ONE_FORM,
                f"{eui_text(message.originator)} gives counter {message.counter} to two messages",
            )
        if message.message_code == _FUTURE_DATED_ALERT:
            self._require_one_outcome(message, octets)

    def _require_one_outcome(self, alert: GbcsMessage, octets: bytes) -> None:
        counter = cs06.decode_alert(alert.content).originator_counter
        if self._outcomes.setdefault((alert.originator, alert.target, counter), octets) != octets:
            raise ViolationError(
                Invariant.ONCE,
                f"{eui_text(alert.originator)} tells two outcomes of command {counter}",
            )

    # What a device is

    def _require_bootable(self, device_id: int) -> None:
        flash = self._homes.flash(device_id)
        files = self._files[device_id]
        bootable = [flash.content(slot) in files for slot in (0, 1)]
        slot, stage = _boot_of(flash.records)
        self._running_slot[device_id] = slot
        if not any(bootable):
            raise ViolationError(Invariant.BOOTABLE, f"{eui_text(device_id)} has none left")
        if stage == "trial" and not bootable[1 - slot]:
            raise ViolationError(
                Invariant.BOOTABLE,
                f"{eui_text(device_id)} tries an image and has none to go back to",
            )

    def _require_allowed(self, device_id: int) -> None:
        version = getattr(self._homes.party(device_id), "running_version", None)
        if version is None or version in self.ran[device_id]:
            return
        named = f"{eui_text(device_id)} runs {version_text(version)}"
        if version not in self._files[device_id].values():
            raise ViolationError(Invariant.ALLOWED, f"{named}, which is not for it")
        if not self._is_ordered(self._street.residents[device_id], version):
            raise ViolationError(Invariant.ALLOWED, f"{named}, for which nobody has asked")
        self.ran[device_id].add(version)

    def _is_ordered(self, resident: Resident, version: int) -> bool:
        """Whether the DCC accepted a PPMID for it, or a supplier's command activates it."""
        kind = resident.row.type
        if kind is DeviceType.PPMID:
            return self._is_accepted(resident.device_id, version)
        ordered = {o.image_hash for key, o in self.orders.items() if key[0] == resident.device_id}
        return any(
            image.hash in ordered
            for (its, its_version, _), image in self._street.images.items()
            if its is kind and its_version == version
        )


_WAN_OUTBOX = "wan/"
_OUTBOXES = ("tunnel/", _WAN_OUTBOX)
_FUTURE_DATED_ALERT = 0x00CA
_decode_order = msgspec.msgpack.Decoder(Order).decode


def _said_in(envelope: bytes) -> bytes:
    """The GBCS message in a hub's envelope, or the envelope where the hub itself speaks."""
    match wan.decode(envelope):
        case FromDevice(gbcs=octets):
            return octets
    return envelope


def _boot_of(records: Mapping[str, bytes]) -> tuple[int, str]:
    octets = records.get("boot")
    if octets is None:
        return 0, "confirmed"
    slot, stage, *_ = msgspec.msgpack.decode(octets)
    return slot, stage


def pending(records: Iterable[str], *, hub: bool) -> bool:
    """Whether a node still has something to tell anybody, by the keys of its flash."""
    depth = 2 if hub else 1
    return any(
        key.startswith("wan/") or (key.startswith("tunnel/") and key.count("/") == depth)
        for key in records
    )
