"""What the people of one supplier do in a simulated world, and when.

Twice they distribute a release to every kind of device; twice a day they look at what became of it
and activate by 11.3 what lies ready, each device in a way that the seed decides: at once, at a time
ahead, at a time ahead and then cancelled, or never; and now and then they read a version by 11.2.
They look at their ledger and nowhere else, so that whatever was done before their process died is
not done again. In their lists are mistakes: devices of others, and one that nobody knows.
"""

import random
from collections.abc import Callable
from enum import Enum

import msgspec

from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, Milestone
from hanota.rows import Delivery
from hanota.serve.supplier import SupplierShell
from hanota.sim.street import KINDS, NEW_VERSIONS, Street

# Distributed on these days, the first and the second release.
_ROUND_DAYS = (0, 6)
_TEND_EVERY_MS = 12 * HOUR_MS
_TEND_DAYS = 14
_READS = 3
UNKNOWN_DEVICE = 0x00DB_FFFF_0000_0001
_AHEAD_H_MAX = 72


class Way(Enum):
    """How a device's image is activated."""

    AT_ONCE = "at once"
    LATER = "later"
    CANCELLED = "later, then cancelled"
    NEVER = "never"


_WEIGHTS = {Way.AT_ONCE: 4, Way.LATER: 4, Way.CANCELLED: 2, Way.NEVER: 1}


class Act(msgspec.Struct, frozen=True):
    """One thing that is to be done; doing it twice does no harm."""

    at_ms: int
    name: str
    do: Callable[[SupplierShell, int], None]


class Plan:
    """The acts of one supplier, from the seed."""

    def __init__(
        self, supplier: int, street: Street, ledger: Ledger, *, seed: int, start_ms: int
    ) -> None:
        self._supplier = supplier
        self._street = street
        self._ledger = ledger
        self._start_ms = start_ms
        self._chance = random.Random(f"{seed} plan {supplier}")  # noqa: S311 -- a plan, not a key
        self.own = [
            resident.device_id
            for resident in street.residents.values()
            if supplier in resident.suppliers
        ]
        self._ways = {
            (device_id, version): self._way() for device_id in self.own for version in NEW_VERSIONS
        }

    def acts(self) -> list[Act]:
        """Everything that is planned, in order of time."""
        if not self.own:
            return []
        acts = [
            self._distribution(kind, version, day)
            for day, version in zip(_ROUND_DAYS, NEW_VERSIONS, strict=True)
            for kind in KINDS
        ]
        tends = range(_TEND_EVERY_MS, _TEND_DAYS * DAY_MS, _TEND_EVERY_MS)
        acts += [Act(self._start_ms + at_ms, "tend", self._tend) for at_ms in tends]
        acts += [self._read() for _ in range(_READS)]
        return sorted(acts, key=lambda act: act.at_ms)

    def _way(self) -> Way:
        return self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]

    def _distribution(self, kind: DeviceType, version: int, day: int) -> Act:
        at_ms = self._start_ms + day * DAY_MS + self._chance.randrange(HOUR_MS)
        image = self._street.images[kind, version, self._supplier]
        extra = [UNKNOWN_DEVICE] if self._chance.random() < _MISTAKE else []
        if self._chance.random() < _MISTAKE:
            extra.append(self._chance.choice(list(self._street.residents)))

        def distribute(shell: SupplierShell, now_ms: int) -> None:
            device_ids = self._free(
                [i for i in self.own if self._street.residents[i].row.type is kind] + extra
            )
            if not device_ids:
                return
            if kind is DeviceType.PPMID:
                shell.update_ppmid_firmware(image.file, device_ids, now_ms)
            else:
                shell.update_firmware(image.file, device_ids, now_ms)

        return Act(at_ms, f"distribute {kind} {version:08X}", distribute)

    def _read(self) -> Act:
        at_ms = self._start_ms + self._chance.randrange(_TEND_DAYS * DAY_MS)
        device_id = self._chance.choice(self.own)
        ahead_h = self._chance.choice((0, 0, 1, 30))

        def read(shell: SupplierShell, now_ms: int) -> None:
            execution_ms = now_ms + ahead_h * HOUR_MS if ahead_h else None
            whole_s = None if execution_ms is None else execution_ms // 1000 * 1000
            shell.read_firmware_version([device_id], now_ms, execution_date_time_ms=whole_s)

        return Act(at_ms, "read a version", read)

    def _free(self, device_ids: list[int]) -> list[int]:
        """Those without an update under way; a request that was made already makes its devices so.

        A device that has had its outcome already gets none of this release again.
        """
        with self._ledger.view() as view:
            live = view.live_deliveries(device_ids)
        return [device_id for device_id in dict.fromkeys(device_ids) if device_id not in live]

    def _tend(self, shell: SupplierShell, now_ms: int) -> None:
        with self._ledger.view() as view:
            deliveries = view.last_deliveries(self.own)
        for device_id, delivery in sorted(deliveries.items()):
            way = self._ways[device_id, delivery.version]
            if delivery.state == Milestone.DISTRIBUTED:
                self._activate(shell, delivery, way, now_ms)
            elif delivery.state == Milestone.ACTIVATION_ACCEPTED and way is Way.CANCELLED:
                shell.cancel_activation([device_id], self._hash(delivery), now_ms)

    def _activate(self, shell: SupplierShell, delivery: Delivery, way: Way, now_ms: int) -> None:
        if way is Way.NEVER:
            return
        execution_ms = None
        if way is not Way.AT_ONCE:
            ahead_h = 1 + (delivery.device_id + delivery.version) % _AHEAD_H_MAX
            ahead_h += _AHEAD_H_MAX if way is Way.CANCELLED else 0
            execution_ms = (now_ms + ahead_h * HOUR_MS) // 1000 * 1000
        shell.activate_firmware([delivery.device_id], self._hash(delivery), execution_ms, now_ms)

    def _hash(self, delivery: Delivery) -> bytes:
        kind = self._street.residents[delivery.device_id].row.type
        return self._street.images[kind, delivery.version, self._supplier].hash


# How likely a list of devices has each kind of mistake.
_MISTAKE = 0.3


def try_act(act: Act, shell: SupplierShell, now_ms: int) -> str:
    """Do it; the sentence with which the shell refused, empty where it did not."""
    try:
        act.do(shell, now_ms)
    except LocalError as fault:
        return str(fault)
    return ""
