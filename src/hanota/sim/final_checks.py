"""What must hold of a simulated world from outside: in its ledgers, and once all has settled.

At the end every ledger must be sound, every device must have one outcome that its supplier knows,
both ledgers must name the version that the device runs, and everything that anybody had taken must
stand in the journal of whom it was for, counted once. Only what the DCC gave up after it had held
it for days may be missing, and that the DCC's journal names; and what went with a hub.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from hanota.ledger.ledger import Ledger
from hanota.limits import READ_BACK_TRIES
from hanota.model import Outcome, RequestID, eui_text, version_text
from hanota.rows import Delivery, JournalEntry
from hanota.serve.homes import Homes
from hanota.sim.checker import Checker, Invariant, ViolationError
from hanota.sim.street import Resident, Street
from hanota.supplier.tracking import Evidence

_PROVEN = (Outcome.UPDATED, Outcome.UPDATED_LATE)
# What a journal says before the word of a message that it did not believe: such a message may be
# told again and again, and never counts.
_NOT_BELIEVED = ("foreign:", "misdirected:", "bad-signature:", "not-authentic:")
_DOUBLED = "doubled:"
# What became of pushes that nobody took, by the DCC's journal.
_NAMED_AS_LOST = ("push:given-up", "push:parked")
_ENTRIES_MAX = 100_000


class Ledgered(Protocol):
    """A process, of which only the ledger matters here."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def ledger(self) -> Ledger:
        """Its own."""


def check_proof(suppliers: Iterable[Ledgered], street: Street, checker: Checker) -> None:
    """Updated means that the device has run the version: at any time."""
    for process in suppliers:
        for delivery in _last_deliveries(process, street).values():
            ran = checker.ran[delivery.device_id]
            if delivery.state in _PROVEN and delivery.version not in ran:
                raise ViolationError(
                    Invariant.PROOF,
                    f"the {process.name} has {eui_text(delivery.device_id)} as {delivery.state} "
                    f"to {version_text(delivery.version)}, which it never ran",
                )


class FinalChecks:
    """The end of a world, with everybody's ledger, to be looked at once.

    Args:
        street: with every device.
        homes: as they run now.
        checker: what it has seen on the way.
        dcc: the DCC's process.
        suppliers: by EUI-64.
        pushed: what the DCC has pushed, and to whom.
        may_be_silent: whether anything in this world keeps a word from its supplier for good.
    """

    def __init__(
        self,
        *,
        street: Street,
        homes: Homes,
        checker: Checker,
        dcc: Ledgered,
        suppliers: Mapping[int, Ledgered],
        pushed: dict[bytes, int],
        may_be_silent: bool,
    ) -> None:
        self._street = street
        self._homes = homes
        self._checker = checker
        self._dcc = dcc
        self._suppliers = suppliers
        self._pushed = pushed
        self._may_be_silent = may_be_silent
        self._dcc_journal = list(self._journal(dcc))
        self._given_up = {
            _said_in(entry.message) for entry in self._dcc_journal if entry.event in _NAMED_AS_LOST
        }

    def check_settled(self) -> None:
        """What holds before anybody asks again what devices run.

        The DCC knows what each device runs, from what it said, but for what went with a hub; so
        does its supplier, but for what the DCC's journal names as not taken, and for devices that
        were another supplier's.
        """
        lost = {entry.device_id for entry in self._dcc_journal if entry.event in _NAMED_AS_LOST}
        unheard = self._unheard()
        for device_id, resident in self._street.residents.items():
            if device_id in unheard:
                continue
            self._require_known(self._dcc, device_id)
            if not resident.is_new_here and not {0, device_id} & lost:
                self._require_known(self._suppliers[resident.suppliers[0]], device_id)

    def _unheard(self) -> set[int]:
        """Who has said something that went with a hub, and that the DCC has never believed."""
        believed = {
            entry.message
            for entry in self._dcc_journal
            if not entry.event.startswith(_NOT_BELIEVED)
        }
        return {self._checker.said[octets] for octets in self._checker.lost - believed}

    def check(self) -> None:
        """Every invariant of the end; ViolationError for the first that is broken."""
        self._check_ledgers()
        self._check_proof()
        self._check_outcomes()
        self._check_truth()
        self._check_accepted()
        self._check_silence()
        self._check_messages()
        self._check_pushes()

    def _check_ledgers(self) -> None:
        for process in (self._dcc, *self._suppliers.values()):
            for fault in process.ledger.verify():
                raise ViolationError(Invariant.LEDGER, f"{process.name}: {fault}")

    def _check_proof(self) -> None:
        check_proof(self._suppliers.values(), self._street, self._checker)

    def _check_outcomes(self) -> None:
        for eui, process in self._suppliers.items():
            for device_id, delivery in _last_deliveries(process, self._street).items():
                if delivery.live:
                    raise ViolationError(
                        Invariant.ONE_OUTCOME,
                        f"{eui_text(device_id)} is still {delivery.state} at the {process.name}",
                    )
                self._check_learned(process, self._street.residents[device_id], delivery, eui)

    def _check_learned(
        self, process: Ledgered, resident: Resident, delivery: Delivery, supplier: int
    ) -> None:
        """A device that runs what it was to run counts as updated, while it is this supplier's."""
        runs = self._runs(resident.device_id)
        ended = (*_PROVEN, Outcome.LEFT_OUT)
        if supplier not in resident.suppliers or runs != delivery.version:
            return
        if delivery.state not in ended:
            raise ViolationError(
                Invariant.LEARNED,
                f"{eui_text(resident.device_id)} runs {version_text(delivery.version)}, and "
                f"the {process.name} has it as {delivery.state}",
            )

    def _check_truth(self) -> None:
        """Both ledgers name the version that a device runs."""
        for device_id, resident in self._street.residents.items():
            for process in (self._dcc, self._suppliers[resident.suppliers[0]]):
                self._require_known(process, device_id)

    def _require_known(self, process: Ledgered, device_id: int) -> None:
        runs = self._runs(device_id)
        told = "nothing" if runs is None else version_text(runs)
        with process.ledger.view() as view:
            row = view.devices([device_id])[device_id]
        if row.firmware_version != told:
            raise ViolationError(
                Invariant.TRUTH,
                f"{eui_text(device_id)} runs {told}, and the {process.name} has "
                f"{row.firmware_version}",
            )

    def _check_accepted(self) -> None:
        """No supplier has a device as left out that the DCC accepted in that request."""
        for device_id in self._street.residents:
            for request_id, variant in self._requests_of(self._dcc, device_id):
                process = self._suppliers[request_id.originator]
                with process.ledger.view() as view:
                    request = view.request(request_id, variant)
                    assert request is not None, "a supplier has what it has asked"
                    delivery = view.delivery(device_id, request.number)
                if delivery is None or delivery.state == Outcome.LEFT_OUT:
                    raise ViolationError(
                        Invariant.ONE_OUTCOME,
                        f"{eui_text(device_id)} was accepted in {request_id}, and its supplier "
                        "does not know it",
                    )

    def _requests_of(self, process: Ledgered, device_id: int) -> Iterator[tuple[RequestID, int]]:
        """The requests in which a device has a delivery, with their command variants."""
        with process.ledger.view() as view:
            timeline = view.timeline(device_id, _ENTRIES_MAX)
            numbers = {entry.request for entry in timeline if entry.delivery is not None}
            for request in view.requests(sorted(numbers)).values():
                yield request.request_id, request.command_variant

    def _check_silence(self) -> None:
        """No device counts as silent that was not asked what it runs, as often as is promised."""
        for process in self._suppliers.values():
            for device_id, delivery in _last_deliveries(process, self._street).items():
                with process.ledger.view() as view:
                    timeline = view.timeline(device_id, _ENTRIES_MAX)
                asked = sum(
                    entry.event == Evidence.READ_BACK_REQUESTED
                    for entry in timeline
                    if entry.request == delivery.request
                )
                if delivery.state != Outcome.SILENT:
                    continue
                if asked < READ_BACK_TRIES or not self._may_be_silent:
                    raise ViolationError(
                        Invariant.LEARNED,
                        f"the {process.name} has {eui_text(device_id)} as silent after {asked} "
                        "read-backs, and nothing kept a word from it for good",
                    )

    def _check_messages(self) -> None:
        """What a node has taken upon itself to tell stands in the DCC's journal, counted once."""
        found = Counter(entry.message for entry in self._dcc_journal)
        for octets, node_id in self._checker.said.items():
            if not found[octets] and octets not in self._checker.lost:
                raise ViolationError(
                    Invariant.KEPT,
                    f"the DCC knows nothing of a message of {eui_text(node_id)}: {octets.hex()}",
                )
        self._check_counted_once(self._dcc, self._dcc_journal, self._checker.said)

    def _check_pushes(self) -> None:
        """What the DCC has pushed stands in its user's journal, counted once, or is given up.

        It may have been signed anew while it waited.
        """
        for eui, process in self._suppliers.items():
            journal = [
                msgspec.structs.replace(entry, message=_said_in(entry.message))
                for entry in self._journal(process)
            ]
            found = Counter(entry.message for entry in journal)
            pushed = {_said_in(body) for body, user in self._pushed.items() if user == eui}
            for said in pushed - self._given_up:
                if not found[said]:
                    raise ViolationError(
                        Invariant.KEPT,
                        f"the {process.name} knows nothing of a push: {said.decode()}",
                    )
            self._check_counted_once(process, journal, pushed)

    def _check_counted_once(
        self, process: Ledgered, journal: Iterable[JournalEntry], messages: Iterable[bytes]
    ) -> None:
        wanted = set(messages)
        counted = Counter(
            (entry.message, entry.device_id)
            for entry in journal
            if entry.message in wanted and not entry.event.startswith((*_NOT_BELIEVED, _DOUBLED))
        )
        for (message, device_id), times in counted.items():
            if times > 1 and message not in self._given_up:
                raise ViolationError(
                    Invariant.COUNTED_ONCE,
                    f"the {process.name} has counted a message about {eui_text(device_id)} "
                    f"{times} times: {message[:2000]!r}",
                )

    def _runs(self, device_id: int) -> int | None:
        return getattr(self._homes.party(device_id), "running_version", None)

    def _journal(self, process: Ledgered) -> Iterator[JournalEntry]:
        """Everything that the journal has about anybody of whom anything was said."""
        with process.ledger.view() as view:
            for subject in (0, *sorted(self._checker.subjects)):
                yield from view.timeline(subject, _ENTRIES_MAX)


def _said_in(message: bytes) -> bytes:
    """What a message of the DCC says, whoever has signed it; with an XML declaration or without."""
    said, _, _ = message.partition(b"<ds:Signature ")
    return said.rpartition(b"?>")[2]


def _last_deliveries(process: Ledgered, street: Street) -> dict[int, Delivery]:
    with process.ledger.view() as view:
        return view.last_deliveries(list(street.residents))
