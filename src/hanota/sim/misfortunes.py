"""The faults of a simulated world that come so often a day, or once: when, whom, and what they do.

Not here: faults that strike a message, a frame, a step or a transaction; what carries those has
them. All of them are over when `Luck.over` says so, and `end` repairs what is broken.
"""

from collections.abc import Callable
from typing import ClassVar

import msgspec

from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.model import DeviceStatus, eui_text
from hanota.serve.homes import Homes
from hanota.sim.checker import Checker
from hanota.sim.credentials import Credentials
from hanota.sim.faults import Fault, Luck
from hanota.sim.happenings import Happenings
from hanota.sim.home_faults import FaultyAir
from hanota.sim.organisations import Organisations
from hanota.sim.street import START_MS, Street

_SWITCHED_OFF_DAYS_MAX = 5
_RECEIVER_DOWN_DAYS_MAX = 4
_EXPIRED_H_MAX = 48
_DEAF_MS = (MINUTE_MS, HOUR_MS, 8 * HOUR_MS)


class Misfortunes:
    """What befalls the homes and organisations of one world until `end_ms`."""

    def __init__(
        self,
        *,
        happenings: Happenings,
        luck: Luck,
        credentials: Credentials,
        street: Street,
        organisations: Organisations,
        homes: Homes,
        air: FaultyAir,
        checker: Checker,
        end_ms: int,
    ) -> None:
        self._happenings = happenings
        self._luck = luck
        self._credentials = credentials
        self._street = street
        self._organisations = organisations
        self._homes = homes
        self._air = air
        self._checker = checker
        for fault, (subjects, strike) in self._A_DAY.items():
            for subject in subjects(self):
                for at_ms in luck.instants_ms(fault, START_MS, end_ms):
                    self._plan(at_ms, fault, strike, subject)
        stream = luck.stream(Fault.CHANGE_OF_SUPPLIER)
        for hub_id in street.hub_ids:
            if luck.strikes(Fault.CHANGE_OF_SUPPLIER):
                at_ms = stream.randrange(START_MS, end_ms)
                self._plan(at_ms, Fault.CHANGE_OF_SUPPLIER, Misfortunes._change_supplier, hub_id)
        happenings.add(end_ms, self._end)

    def _plan(
        self, at_ms: int, fault: Fault, strike: Callable[["Misfortunes", int], None], subject: int
    ) -> None:
        def happen() -> None:
            standing = self._street.standing(subject)
            self._happenings.note_fault(fault, eui_text(standing))
            strike(self, standing)

        self._happenings.add(at_ms, happen)

    # Homes

    def _cut_link(self, hub_id: int) -> None:
        off_ms = self._luck.stream(Fault.LINK_DOWN).randrange(HOUR_MS, DAY_MS)
        self._organisations.cut_off(hub_id, self._happenings.now_ms + off_ms)

    def _deafen(self, device_id: int) -> None:
        off_ms = self._luck.stream(Fault.DEAF).choice(_DEAF_MS)
        self._air.deafen(device_id, self._happenings.now_ms + off_ms)

    def _switch_off(self, device_id: int) -> None:
        days = _SWITCHED_OFF_DAYS_MAX
        off_ms = self._luck.stream(Fault.SWITCHED_OFF).randrange(MINUTE_MS, days * DAY_MS)
        self._off_for(device_id, off_ms)

    def _switch_hub_off(self, hub_id: int) -> None:
        off_ms = self._luck.stream(Fault.HUB_OFF).randrange(MINUTE_MS, DAY_MS)
        self._organisations.lose_power(hub_id)
        self._off_for(hub_id, off_ms)

    def _off_for(self, node_id: int, off_ms: int) -> None:
        self._homes.cut_power(node_id)
        at_ms = self._happenings.now_ms + off_ms
        self._happenings.add(at_ms, lambda: self._switch_on(node_id))

    def _switch_on(self, node_id: int) -> None:
        if self._street.standing(node_id) == node_id:
            self._homes.power_on(node_id)

    def _replace_hub(self, old_id: int) -> None:
        """A home gets another hub, and whatever the old one had not told the DCC is gone.

        The DCC and the suppliers learn it at the same instant, as by service requests of the group
        8: the devices are behind the new hub, and the old one is decommissioned.
        """
        device_ids = [r.device_id for r in self._street.residents.values() if r.hub_id == old_id]
        self._checker.lose_hub(old_id)
        self._organisations.lose_hub(old_id)
        new_id = self._street.replace_hub(old_id, self._homes)
        self._checker.subjects.add(new_id)
        for process in self._organisations.processes():
            with process.ledger.view() as view:
                rows = view.devices([old_id, *device_ids])
            old = rows.pop(old_id, None)
            changed = [msgspec.structs.replace(row, hub_id=new_id) for row in rows.values()]
            if old is not None:
                gone = msgspec.structs.replace(old, status=DeviceStatus.DECOMMISSIONED)
                changed += [msgspec.structs.replace(old, device_id=new_id, hub_id=new_id), gone]
            with process.ledger.undisturbed() as batch:
                batch.put_devices(changed)

    def _step_home_clock(self, node_id: int) -> None:
        off_ms = self._luck.stream(Fault.HOME_CLOCK_STEP).randrange(-HOUR_MS, HOUR_MS)
        self._homes.set_clock(node_id, off_ms)

    def _change_supplier(self, hub_id: int) -> None:
        """Every device of a home goes to the other supplier, in all places at one instant."""
        residents = [r for r in self._street.residents.values() if r.hub_id == hub_id]
        (old,) = residents[0].suppliers
        (new,) = set(self._organisations.suppliers) - {old}
        for resident in residents:
            self._street.change_supplier(resident, new)
            with self._organisations.dcc.ledger.view() as view:
                row = view.devices([resident.device_id])[resident.device_id]
            row = msgspec.structs.replace(row, suppliers=(new,))
            for process in (self._organisations.dcc, self._organisations.suppliers[new]):
                with process.ledger.undisturbed() as batch:
                    batch.put_devices([row])
            if self._homes.party(resident.device_id) is not None:
                self._homes.power_on(resident.device_id)  # it starts with the new slots

    # Organisations

    def _stop_receiver(self, eui: int) -> None:
        days = _RECEIVER_DOWN_DAYS_MAX
        down_ms = self._luck.stream(Fault.RECEIVER_DOWN).randrange(MINUTE_MS, days * DAY_MS)
        self._organisations.receiver_down_until_ms[eui] = self._happenings.now_ms + down_ms

    def _step_clock(self, eui: int) -> None:
        process = self._organisations.process(eui)
        process.clock_off_ms = self._luck.stream(Fault.CLOCK_STEP).randrange(-HOUR_MS, HOUR_MS)
        self._organisations.soon(process)

    def _expire(self, eui: int) -> None:
        self._credentials.expire(eui, self._happenings.now_ms)
        hours = self._luck.stream(Fault.CERTIFICATE_EXPIRED).randrange(1, _EXPIRED_H_MAX)
        self._happenings.add(self._happenings.now_ms + hours * HOUR_MS, lambda: self._renew(eui))

    def _renew(self, eui: int) -> None:
        """A new certificate: the program is started anew with it, as an operator would."""
        self._credentials.renew(eui)
        process = self._organisations.process(eui)
        if process.shell is not None:
            self._organisations.restart(process)

    def _end(self) -> None:
        """Nothing goes wrong any more; what is broken and nobody else repairs is repaired."""
        self._luck.over = True
        self._happenings.note("faults are over")
        self._organisations.receiver_down_until_ms.clear()
        for node_id in self._nodes():
            self._homes.set_clock(node_id, 0)
        for process in self._organisations.processes():
            process.clock_off_ms = 0
            self._credentials.renew(process.eui)
            self._organisations.restart(process)

    def _hubs(self) -> tuple[int, ...]:
        return self._street.hub_ids

    def _devices(self) -> tuple[int, ...]:
        return tuple(self._street.residents)

    def _nodes(self) -> tuple[int, ...]:
        return (*self._street.hub_ids, *self._street.residents)

    def _users(self) -> tuple[int, ...]:
        return tuple(self._organisations.suppliers)

    def _all(self) -> tuple[int, ...]:
        return tuple(process.eui for process in self._organisations.processes())

    # Whom a fault may strike, and what it does.
    _A_DAY: ClassVar[
        dict[
            Fault,
            tuple[Callable[["Misfortunes"], tuple[int, ...]], Callable[["Misfortunes", int], None]],
        ]
    ] = {
        Fault.LINK_DOWN: (_hubs, _cut_link),
        Fault.DEAF: (_devices, _deafen),
        Fault.SWITCHED_OFF: (_devices, _switch_off),
        Fault.HUB_OFF: (_hubs, _switch_hub_off),
        Fault.HUB_REPLACED: (_hubs, _replace_hub),
        Fault.HOME_CLOCK_STEP: (_nodes, _step_home_clock),
        Fault.RECEIVER_DOWN: (_users, _stop_receiver),
        Fault.CLOCK_STEP: (_all, _step_clock),
        Fault.CERTIFICATE_REPLACED: (_all, _renew),
        Fault.CERTIFICATE_EXPIRED: (_all, _expire),
    }
