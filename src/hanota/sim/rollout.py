"""One update of many devices by one supplier, and what became of every one of them.

Says how far everything is while it runs, and at the end compares what the supplier's ledger says
with how the homes were set up and with what the devices really run.

Not here: how the two methods do it (`ppmid_rollout`, `hcalcs_rollout`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec

from hanota.limits import (
    DAY_MS,
    HOUR_MS,
    READ_BACK_PERIOD_H,
    READ_BACK_TRIES,
    SILENCE_DEADLINE_DAYS,
)
from hanota.model import DeviceType, Outcome, RequestID, version_text
from hanota.rows import Delivery, RequestRow
from hanota.sim.town import EXPECTED, Fate
from hanota.sim.world import World
from hanota.supplier.tracking import LIVE_STATES
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis.values import Response

_PAGE = 5_000
# By then a device has an outcome, or has long been given up.
_PATIENCE_MS = (SILENCE_DEADLINE_DAYS + 1) * DAY_MS + READ_BACK_TRIES * READ_BACK_PERIOD_H * HOUR_MS


class DeviceReport(msgspec.Struct, frozen=True):
    """What became of one device, what was to become of it, and what it really runs."""

    delivery: Delivery
    fate: Fate | None  # None: no such device of this town
    as_expected: bool  # the outcome is the one for which the home was set up
    ledger_is_true: bool  # supplier and DCC know what the device runs; `updated` only where it does
    runs: int | None  # the version that the device itself runs, None without power
    taken_ms: int  # from the request to the state that it is in


class Rollout(ABC):
    """One 11.1 or 11.4 of one supplier of a world; `fates` are those of the devices it is for."""

    def __init__(
        self, world: World, kind: DeviceType, supplier_id: int, fates: Mapping[int, Fate]
    ) -> None:
        self.world = world
        self.image = world.images[kind]
        self._supplier_id = supplier_id
        self._supplier = world.suppliers[supplier_id]
        self._ledger = world.supplier_ledgers[supplier_id]
        self._fates = fates

    @abstractmethod
    def _send(self, now_ms: int) -> RequestRow:
        """Send the request."""

    def begin(self, now_ms: int) -> None:
        """Send the request, once; only then is there anything to ask of this rollout."""
        self._row = self._send(now_ms)

    @abstractmethod
    def act(self, now_ms: int) -> None:
        """Do what a supplier does about devices that have got further."""

    @property
    def request_id(self) -> RequestID:
        """Of the request that runs or ran."""
        return self._row.request_id

    @property
    def device_ids(self) -> tuple[int, ...]:
        """The devices of the town that this is for, in its order."""
        return tuple(self._fates)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is expected of any device."""
        return not LIVE_STATES.intersection(state for state, _ in self.counts())

    def counts(self) -> dict[tuple[str, str], int]:
        """How many devices are in each (state, reason), as the supplier's ledger counts them."""
        with self._ledger.view() as view:
            return view.counts(self._row.number)

    def answer(self) -> Response | None:
        """The DCC's synchronous answer, None before it came."""
        with self._ledger.view() as view:
            row = view.request(self._row.request_id, self._row.command_variant)
        if row is None or row.answer is None:
            return None
        return decode_response(open_document(row.answer))

    def deliveries(self) -> Iterator[Delivery]:
        """Where each device of the request is, by device id."""
        after = 0
        with self._ledger.view() as view:
            while page := view.deliveries(self._row.number, after=after, limit=_PAGE):
                yield from page
                after = page[-1].device_id

    def report(self) -> list[DeviceReport]:
        """What became of each device of the request, by device id."""
        deliveries = list(self.deliveries())
        known = self._known_versions([delivery.device_id for delivery in deliveries])
        return [self._report(delivery, known[delivery.device_id]) for delivery in deliveries]

    def _report(self, delivery: Delivery, known: set[str]) -> DeviceReport:
        fate = self._fates.get(delivery.device_id)
        runs = None if fate is None else self.world.runs(delivery.device_id)
        return DeviceReport(
            delivery,
            fate,
            as_expected=_is_as_expected(delivery, fate),
            ledger_is_true=_is_true(delivery, runs) and _is_known(runs, known),
            runs=runs,
            taken_ms=delivery.changed_ms - self._asked_ms(delivery),
        )

    def _asked_ms(self, _delivery: Delivery) -> int:
        """When the device of this delivery was asked."""
        return self._row.at_ms

    def _known_versions(self, device_ids: Sequence[int]) -> dict[int, set[str]]:
        """What the supplier's estate and the DCC's inventory say that each device runs."""
        known: dict[int, set[str]] = {device_id: set() for device_id in device_ids}
        for ledger in (self._ledger, self.world.dcc_ledger):
            with ledger.view() as view:
                for device_id, device in view.devices(device_ids).items():
                    known[device_id].add(device.firmware_version)
        return known


def carry_out(
    rollouts: Sequence[Rollout], *, apart_ms: int = HOUR_MS
) -> Iterator[Sequence[Rollout]]:
    """Begin rollouts of one world one after the other, and run until all of them are settled.

    Gives, after each exchange, those that have begun. Ends also when the time for every outcome is
    long over; what is not settled by then shows in the ledgers.
    """
    chain = rollouts[0].world.chain
    for begun, rollout in enumerate(rollouts, 1):
        rollout.begin(chain.now_ms)
        under_way = rollouts[:begun]
        is_last = begun == len(rollouts)
        instants = chain.run(
            partial(_are_settled, under_way) if is_last else _never,
            until_ms=chain.now_ms + (_PATIENCE_MS if is_last else apart_ms),
        )
        for now_ms in instants:
            for one in under_way:
                one.act(now_ms)
            yield under_way


def _are_settled(rollouts: Sequence[Rollout]) -> bool:
    return all(one.is_settled for one in rollouts) and rollouts[0].world.chain.is_quiet()


def _never() -> bool:
    return False


def _is_true(delivery: Delivery, runs: int | None) -> bool:
    if delivery.state in (Outcome.UPDATED, Outcome.UPDATED_LATE):
        return runs == delivery.version
    # A device that is left out may run the version already.
    return delivery.state == Outcome.LEFT_OUT or runs != delivery.version


def _is_known(runs: int | None, known: set[str]) -> bool:
    return runs is None or known == {version_text(runs)}


def _is_as_expected(delivery: Delivery, fate: Fate | None) -> bool:
    if fate is None:  # no such device of this town: the DCC has to leave it out
        return delivery.state == Outcome.LEFT_OUT
    return (delivery.state, delivery.reason) == EXPECTED[fate]
