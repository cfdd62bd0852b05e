"""A whole world from one seed: suppliers, DCC, hubs and devices in virtual time, with faults.

Everybody in it is production code; clock, network, radio, disks and chance are of this world. One
agenda says what happens between the parties (`happenings`); the homes have their own and run ahead
until the next of that, or until something that they have sent may arrive. When the plans are done
and the faults are over, the world runs on until everything has settled, reads every device's
version once more, and is checked.

Not here: what is planned (`plan`), what goes wrong (`misfortunes`, `home_faults`, `faulty_link`,
`process`), and what must hold (`checker`, `final_checks`).
"""

from collections.abc import Iterator
from zlib import crc32

import msgspec

from hanota.han.effects import Effect
from hanota.limits import DAY_MS, HOUR_MS, SIMULATE_IMAGE_OCTETS
from hanota.model import eui_text
from hanota.serve.homes import Homes, RadioDepth, Tap
from hanota.sim.checker import Checker, Invariant, ViolationError, pending
from hanota.sim.credentials import KEYS, Credentials
from hanota.sim.faults import Fault, Luck, Rates
from hanota.sim.final_checks import FinalChecks, check_proof
from hanota.sim.happenings import Happenings
from hanota.sim.home_faults import FaultyAir, FaultyPower
from hanota.sim.misfortunes import Misfortunes
from hanota.sim.organisations import Organisations
from hanota.sim.plan import Plan
from hanota.sim.street import START_MS, Street

# Faults are over after this, unless asked otherwise; then everything settles within the next.
FAULT_DAYS = 16
SETTLE_DAYS = 40
# How often the world looks whether it has settled, while faults last and afterwards.
_LOOK_MS = {False: 12 * HOUR_MS, True: 3 * HOUR_MS}
_ENTRIES_MAX = 10_000
# What keeps a word from its supplier for good: a push is given up or parked, a command or its
# answer is not believed, a device is another's, or a hub is gone with it. All else only delays.
_SILENCING = (
    Fault.RECEIVER_DOWN,
    Fault.RECEIVER_REFUSES,
    Fault.CERTIFICATE_REPLACED,
    Fault.CERTIFICATE_EXPIRED,
    Fault.CHANGE_OF_SUPPLIER,
    Fault.HUB_REPLACED,
)


class Settings(msgspec.Struct, frozen=True):
    """What makes one world; the same settings give the same world to the octet."""

    seed: int
    rates: Rates
    homes: int = 3
    depth: RadioDepth = RadioDepth.FRAMES
    fault_days: float = FAULT_DAYS
    image_octets: int = SIMULATE_IMAGE_OCTETS
    keys: str = KEYS
    may_be_silent: bool = False  # somebody not of this world keeps words from suppliers for good


class FaultyWorld:
    """One world; `run` lets it happen, and raises ViolationError where an invariant breaks.

    `tap` is shown every frame of every home.
    """

    def __init__(self, settings: Settings, tap: Tap | None = None) -> None:
        self.happenings = Happenings()
        self._end_ms = START_MS + int(settings.fault_days * DAY_MS)
        self._luck = Luck(settings.seed, settings.rates)
        self._may_be_silent = settings.may_be_silent or any(map(self._luck.rate, _SILENCING))
        credentials = Credentials(settings.keys)
        self.street = Street(
            settings.homes,
            seed=settings.seed,
            image_octets=settings.image_octets,
            credentials=credentials,
            luck=self._luck,
        )
        self.organisations = Organisations(self.happenings, self._luck, credentials, self.street)
        self._tap_too = tap
        self._frames = 0
        self._crc = 0
        air = FaultyAir(self._luck, lambda: self.homes.now_ms)
        self._power = FaultyPower(self._luck, self._power_fails)
        self.homes = Homes(
            now_ms=START_MS - HOUR_MS,
            wan=self.organisations.take_from_hub,
            depth=settings.depth,
            air=air,
            tap=self._tap,
            power_fails=self._step,
        )
        self._power.homes = self.organisations.homes = self.homes
        self._checker = Checker(self.street, self.homes, self._is_accepted)
        self.street.blob_source(self.organisations.blob)
        self.street.move_in(self.homes)
        self.homes.run_until(START_MS)
        self._plan(settings.seed)
        Misfortunes(
            happenings=self.happenings,
            luck=self._luck,
            credentials=credentials,
            street=self.street,
            organisations=self.organisations,
            homes=self.homes,
            air=air,
            checker=self._checker,
            end_ms=self._end_ms,
        )
        self._ending = False
        self._is_over = False
        self.happenings.add(START_MS + HOUR_MS, self._look)

    @property
    def steps(self) -> int:
        """How many things have happened, between the parties and in the homes."""
        return self.happenings.events + self.homes.events

    @property
    def digest(self) -> str:
        """What tells this run from every other, as far as it has got."""
        now_ms = self.happenings.now_ms
        return self.happenings.digest(f"{now_ms} {self.steps} {self._frames} {self._crc:08x}")

    def run(self) -> None:
        """Let it happen until everything has settled and was checked."""
        last_ms = self._end_ms + SETTLE_DAYS * DAY_MS
        while not self._is_over:
            at_ms = self.happenings.next_at_ms()
            assert at_ms is not None, "the world always looks again"
            if at_ms > last_ms:
                raise ViolationError(Invariant.SETTLES, "; ".join(self._under_way()))
            self.homes.run_until(at_ms)
            self.happenings.run_until(self.homes.now_ms)
            self._checker.look_at_flash()
        self._final_checks().check()

    # What the homes ask of the world

    def _tap(self, now_ms: int, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        self._frames += 1
        self._crc = crc32(frame, self._crc ^ (now_ms + source + target) & 0xFFFF_FFFF)
        if self._tap_too is not None:
            self._tap_too(now_ms, source, target, cluster_id, frame)

    def _step(self, node_id: int, effect: Effect) -> int | None:
        off_ms = self._power(node_id, effect)
        if off_ms is None:
            self._checker.before(node_id, effect)
        return off_ms

    def _power_fails(self, node_id: int, effect: Effect) -> None:
        what = (eui_text(node_id), type(effect).__name__)
        self.happenings.note_fault(Fault.POWER_CUT, what)
        self.organisations.lose_power(node_id)

    def _is_accepted(self, device_id: int, version: int) -> bool:
        """Whether the DCC has ever accepted the device for an update to this version."""
        with self.organisations.dcc.ledger.view() as view:
            timeline = view.timeline(device_id, _ENTRIES_MAX)
        deliveries = (entry.delivery for entry in timeline if entry.delivery is not None)
        return any(delivery.version == version for delivery in deliveries)

    # The beginning and the end

    def _plan(self, seed: int) -> None:
        for eui, process in self.organisations.suppliers.items():
            plan = Plan(eui, self.street, process.ledger, seed=seed, start_ms=START_MS)
            for act in plan.acts():
                self.organisations.plan(eui, act)

    def _look(self) -> None:
        suppliers = self.organisations.suppliers.values()
        check_proof(suppliers, self.street, self._checker)
        self._checker.look_for_the_missed()
        if next(self._under_way(), None) is None:
            if self._ending:
                self._is_over = True
                return
            self._ending = True
            self.happenings.note("everything has settled")
            self._final_checks().check_settled()
            self._read_everything()
        again_ms = self.happenings.now_ms + _LOOK_MS[self._luck.over]
        self.happenings.add(again_ms, self._look)

    def _final_checks(self) -> FinalChecks:
        return FinalChecks(
            street=self.street,
            homes=self.homes,
            checker=self._checker,
            dcc=self.organisations.dcc,
            suppliers=self.organisations.suppliers,
            pushed=self.organisations.pushed,
            may_be_silent=self._may_be_silent,
        )

    def _read_everything(self) -> None:
        """Every supplier asks each of its devices what it runs: this heals whatever is stale."""
        for eui, process in self.organisations.suppliers.items():
            own = [i for i, r in self.street.residents.items() if eui in r.suppliers]
            if own and process.shell is not None:
                process.shell.read_firmware_version(own, self.happenings.now_ms)
                self.organisations.soon(process)

    def _under_way(self) -> Iterator[str]:
        """What has not settled, a phrase each."""
        if not self._luck.over:
            yield "faults"
        yield from self.organisations.under_way()
        for node_id in (*self.street.hub_ids, *self.street.residents):
            if self.homes.party(node_id) is None:
                yield f"{eui_text(node_id)}, which has no power,"
            hub = node_id in self.street.hub_ids
            if pending(self.homes.flash(node_id).records, hub=hub):
                yield f"what {eui_text(node_id)} has to tell"
