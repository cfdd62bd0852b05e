"""The DCC and the suppliers of a simulated world, and what travels between them and the hubs.

Each is a process that may die and start again. Requests and pushes go as over HTTP: handed over at
once, with an answer that may get lost, or none. Envelopes go over the WAN's faulty links. What has
no answer stays where it is and is sent again.

Not here: what makes all this go wrong (`misfortunes`), and the homes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from hanota.dcc.users import SUPPLIERS as SUPPLIER_ROLES
from hanota.errors import RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import HOUR_MS, LATEST_MS, LINK_BATCH_MESSAGES_MAX, MINUTE_MS, WAN_LATENCY_MS
from hanota.link.local import Message
from hanota.model import eui_text
from hanota.rows import Outgoing
from hanota.serve.dcc import DccShell
from hanota.serve.homes import Homes
from hanota.serve.supplier import SupplierShell
from hanota.sim.credentials import Credentials
from hanota.sim.faults import Fault, Luck
from hanota.sim.faulty_link import RETRY_MS_MAX, FaultyLink
from hanota.sim.happenings import Happenings
from hanota.sim.plan import Act, try_act
from hanota.sim.process import KilledError, MortalLedger, Process, Shell
from hanota.sim.street import SUPPLIERS, Street
from hanota.smki.organisations import ACCESS_CONTROL_BROKER

_CLIENT_RETRY_MS = MINUTE_MS
_ACT_RETRY_MS = 5 * MINUTE_MS
# A process that has died starts again after one of these.
_DOWN_MS = (1_000, MINUTE_MS, HOUR_MS)
# HTTP: what a receiver answers that has taken a push, that has not believed it, and at random.
_TAKEN, _NOT_BELIEVED = 200, 403
_REFUSALS = (400, 404, 422, 429, 500, 503)
# The owner of what the links wait for, in the agenda; the others' are EUI-64s.
_LINKS = 0


class Organisations:
    """`dcc` and `suppliers` by EUI-64; `homes` has to be set before anything happens.

    `pushed` is what the DCC has tried to push, and to whom; `receiver_down_until_ms` says until
    when a supplier's receiver takes no connection.
    """

    homes: Homes

    def __init__(
        self, happenings: Happenings, luck: Luck, credentials: Credentials, street: Street
    ) -> None:
        self.dcc: Process[DccShell] = Process(
            ACCESS_CONTROL_BROKER, "DCC", _ledger("dcc"), self._build_dcc
        )
        self.suppliers: dict[int, Process[SupplierShell]] = {
            eui: Process(eui, f"supplier {number}", _ledger("supplier"), self._supplier_of(eui))
            for number, eui in enumerate(SUPPLIERS, 1)
        }
        self.pushed: dict[bytes, int] = {}
        self.receiver_down_until_ms: dict[int, int] = {}
        self.open_acts = 0  # of plans
        self._happenings = happenings
        self._luck = luck
        self._credentials = credentials
        self._to_hubs, self._from_hubs = FaultyLink(luck), FaultyLink(luck)
        self._gone: set[int] = set()  # hubs that were replaced
        self._last_to_hubs: Outgoing | None = None
        # By supplier and message: when it is sent again, and after what pause once more.
        self._retry_ms: dict[tuple[int, int], tuple[int, int]] = {}
        # By process: when something of its ledger is due; unknown for one that has just started.
        self._scan_ms: dict[int, int] = {}
        self._blob = lru_cache(maxsize=8)(self._image)
        self._begin(street)

    def processes(self) -> list[Process[Any]]:
        """All of them, the DCC's first."""
        return [self.dcc, *self.suppliers.values()]

    def process(self, eui: int) -> Process[Any]:
        """That of one organisation."""
        return self.dcc if eui == self.dcc.eui else self.suppliers[eui]

    def blob(self, sha256: bytes) -> bytes | None:
        """What a hub fetches: an OTA file by its SHA-256."""
        return self._blob(sha256)

    def plan(self, supplier: int, act: Act) -> None:
        """Let a supplier's people do this at its instant, and again until they could."""
        self.open_acts += 1
        self._happenings.add(act.at_ms, lambda: self._act(supplier, act))

    def take_from_hub(self, hub_id: int, number: int, body: bytes) -> None:
        """Take an envelope from a hub (`serve.homes.Wan`)."""
        message = Message(hub_id, ACCESS_CONTROL_BROKER, number, body)
        self._from_hubs.send(message, self.homes.now_ms)
        # The homes run ahead of the world until something of theirs may arrive.
        self.homes.stop_at(self.homes.now_ms + WAN_LATENCY_MS)
        self._wake_link(self._from_hubs, self._carry_up)

    def lose_power(self, hub_id: int) -> None:
        """A hub has lost its power, and its modem what it was sending."""
        self._from_hubs.forget(hub_id)

    def lose_hub(self, hub_id: int) -> None:
        """A hub is gone for good: the WAN takes what is for it, and brings it to nobody."""
        self._gone.add(hub_id)
        self.lose_power(hub_id)

    def cut_off(self, hub_id: int, until_ms: int) -> None:
        """A hub has no WAN until then."""
        self._to_hubs.take_down(hub_id, until_ms)
        self._from_hubs.take_down(hub_id, until_ms)

    def restart(self, process: Process[Any]) -> None:
        """Stop a process in order, if it runs, and start it again."""
        self._stop(process)
        process.start()
        self.soon(process)

    def soon(self, process: Process[Any]) -> None:
        """Something may be due in a process: let it look at once."""
        self._happenings.replace(
            self._happenings.now_ms, self._work_of(process), process.eui, "works"
        )

    def under_way(self) -> Iterator[str]:
        """What has not settled between the organisations, a phrase each."""
        if self.open_acts:
            yield f"{self.open_acts} acts of a plan"
        for process in self.processes():
            with process.ledger.view() as view:
                if depth := view.outbox_depth():
                    yield f"{depth} messages in the outbox of the {process.name}"
            if self._deadline_ms(process) is not None:
                yield f"a deadline of the {process.name}"
        if self._to_hubs.next_at_ms() is not None or self._from_hubs.next_at_ms() is not None:
            yield "messages on the WAN"

    # The beginning

    def _begin(self, street: Street) -> None:
        rows = street.rows()
        for process in self.processes():
            process.start()
        assert self.dcc.shell is not None, "it has just been started"
        self.dcc.shell.load_inventory(rows)
        self.dcc.shell.load_products(street.products())
        for eui, process in self.suppliers.items():
            assert process.shell is not None, "it has just been started"
            hubs = {row.hub_id for row in rows if eui in row.suppliers}
            process.shell.load_estate([row for row in rows if row.hub_id in hubs])
        for process in self.processes():
            process.ledger.luck = self._luck

    def _build_dcc(self, ledger: Ledger) -> DccShell:
        self._last_to_hubs = None
        return DccShell(
            ledger,
            self._credentials,
            self._credentials,
            users=dict.fromkeys(SUPPLIERS, SUPPLIER_ROLES),
            acb_id=ACCESS_CONTROL_BROKER,
        )

    def _supplier_of(self, eui: int) -> Callable[[Ledger], SupplierShell]:
        return lambda ledger: SupplierShell(
            ledger, self._credentials, self._credentials, user_id=eui, dcc_id=ACCESS_CONTROL_BROKER
        )

    def _image(self, sha256: bytes) -> bytes | None:
        with self.dcc.ledger.view() as view:
            return view.image(sha256)

    # The WAN

    def _carry_up(self) -> None:
        arrived = self._from_hubs.receive(self._happenings.now_ms)
        for message in arrived:
            named = eui_text(message.sender)
            self._happenings.note("hub to DCC", (named, message.number, message.body))
        if arrived and self.dcc.shell is not None:
            with self._alive(self.dcc) as (shell, now_ms):
                shell.receive_wan([(m.sender, m.body) for m in arrived], now_ms)
                for message in arrived:
                    self._from_hubs.acknowledge(message)
            self.soon(self.dcc)
        for hub_id, number in self._from_hubs.acknowledged():
            self.homes.wan_acknowledged(hub_id, number)
        self._wake_link(self._from_hubs, self._carry_up)

    def _carry_down(self) -> None:
        for message in self._to_hubs.receive(self._happenings.now_ms):
            named = eui_text(message.receiver)
            self._happenings.note("DCC to hub", (named, message.number, message.body))
            gone = message.receiver in self._gone
            taken = gone or self.homes.receive_wan(message.receiver, message.body)
            if taken and self.dcc.shell is not None:
                self._to_hubs.acknowledge(message)
        numbers = [number for _, number in self._to_hubs.acknowledged()]
        if numbers:
            with self._alive(self.dcc) as (shell, _):
                shell.taken(numbers)
        self._wake_link(self._to_hubs, self._carry_down)

    def _wake_link(self, link: FaultyLink, act: Callable[[], None]) -> None:
        at_ms = link.next_at_ms()
        if at_ms is not None:
            self._happenings.replace(at_ms, act, _LINKS, act.__name__)

    # The DCC at work

    def _dcc_works(self) -> None:
        if self.dcc.shell is None:
            return
        with self._alive(self.dcc) as (shell, now_ms):
            if now_ms >= self._scan_ms.get(self.dcc.eui, 0):
                shell.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
            while page := shell.outgoing_wan(LINK_BATCH_MESSAGES_MAX, self._last_to_hubs):
                for sent in page:
                    message = Message(ACCESS_CONTROL_BROKER, sent.receiver, sent.number, sent.body)
                    self._to_hubs.send(message, self._happenings.now_ms)
                self._last_to_hubs = page[-1]
            while (first := shell.outgoing_push(LATEST_MS, 1)) and first[0].due_ms <= now_ms:
                for push in shell.outgoing_push(now_ms, LINK_BATCH_MESSAGES_MAX):
                    self._push(shell, push, now_ms)
            self._wake(self.dcc, [push.due_ms for push in first])
        self._wake_link(self._to_hubs, self._carry_down)

    def _push(self, shell: DccShell, push: Outgoing, now_ms: int) -> None:
        self.pushed[push.body] = push.receiver
        status = self._status_of(push)
        self._happenings.note("push", (eui_text(push.receiver), push.number, status, push.body))
        if status == _TAKEN:
            shell.taken([push.number])
        else:
            shell.not_taken(push, status, now_ms)

    def _status_of(self, push: Outgoing) -> int | None:
        """What the supplier's receiver answers to this push; None where it does not."""
        process = self.suppliers[push.receiver]
        down_until_ms = self.receiver_down_until_ms.get(push.receiver, 0)
        if self._happenings.now_ms < down_until_ms or process.shell is None:
            return None
        if self._luck.strikes(Fault.RECEIVER_REFUSES):
            self._happenings.note_fault(Fault.RECEIVER_REFUSES)
            return self._luck.stream(Fault.RECEIVER_REFUSES).choice(_REFUSALS)
        status = None
        with self._alive(process) as (shell, now_ms):
            status = _TAKEN if shell.receive([push.body], now_ms) == [None] else _NOT_BELIEVED
        self.soon(process)
        return status

    # A supplier at work

    def _supplier_works(self, process: Process[SupplierShell]) -> None:
        if process.shell is None:
            return
        with self._alive(process) as (shell, now_ms):
            if now_ms >= self._scan_ms.get(process.eui, 0):
                shell.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
            waits = [
                again_ms + process.clock_off_ms
                for sent in shell.outgoing(now_ms, LINK_BATCH_MESSAGES_MAX)
                if (again_ms := self._send(process, shell, sent)) is not None
            ]
            # What an answer has set going is sent at once.
            fresh = shell.outgoing(LATEST_MS, LINK_BATCH_MESSAGES_MAX)
            waits += [s.due_ms for s in fresh if (process.eui, s.number) not in self._retry_ms]
            self._wake(process, waits)

    def _send(
        self, process: Process[SupplierShell], shell: SupplierShell, sent: Outgoing
    ) -> int | None:
        """Send a request if it is time; when it is sent again, None where it was answered."""
        key = (process.eui, sent.number)
        now_ms = self._happenings.now_ms
        again_ms, pause_ms = self._retry_ms.get(key, (0, _CLIENT_RETRY_MS))
        if again_ms > now_ms:
            return again_ms
        if self._is_answered(process, shell, sent):
            self._retry_ms.pop(key, None)
            return None
        self._retry_ms[key] = now_ms + pause_ms, min(2 * pause_ms, RETRY_MS_MAX)
        return now_ms + pause_ms

    def _is_answered(
        self, process: Process[SupplierShell], shell: SupplierShell, sent: Outgoing
    ) -> bool:
        """Ask the DCC; whether the supplier has recorded an answer."""
        self._happenings.note("request", (process.name, sent.number, sent.body))
        answer = self._answer(sent.body)
        if answer is None:
            return False
        self._happenings.note("answer", (process.name, sent.number, answer))
        try:
            shell.answered(sent, answer, self._happenings.now_ms + process.clock_off_ms)
        except RemoteError as fault:
            self._happenings.note("answer refused", fault.reason)
            return False
        return True

    def _answer(self, request: bytes) -> bytes | None:
        """The DCC's answer as the supplier gets it, None where none arrives."""
        if self.dcc.shell is None:
            return None
        answer = None
        with self._alive(self.dcc) as (shell, now_ms):
            answer = shell.answer(request, now_ms)
        self.soon(self.dcc)
        if answer is not None and self._luck.strikes(Fault.ANSWER_LOST):
            self._happenings.note_fault(Fault.ANSWER_LOST)
            return None
        return answer

    def _act(self, supplier: int, act: Act) -> None:
        process = self.suppliers[supplier]
        if process.shell is not None:
            with self._alive(process) as (shell, now_ms):
                refused = try_act(act, shell, now_ms)
                self._happenings.note("act", (process.name, act.name, refused))
                self.open_acts -= 1
                self.soon(process)
                return
        again_ms = self._happenings.now_ms + _ACT_RETRY_MS
        self._happenings.add(again_ms, lambda: self._act(supplier, act))

    # Processes

    @contextmanager
    def _alive(self, process: Process[Shell]) -> Iterator[tuple[Shell, int]]:
        """The shell of a process that runs, and what its clock says; it may die inside."""
        assert process.shell is not None, "only a process that runs is asked anything"
        try:
            yield process.shell, self._happenings.now_ms + process.clock_off_ms
        except KilledError as death:
            self._die(process, str(death))

    def _die(self, process: Process[Any], how: str) -> None:
        """The process is gone, and starts again after a while."""
        self._happenings.note_fault(Fault.KILLED, (process.name, how))
        self._stop(process)
        down_ms = self._luck.stream(Fault.KILLED).choice(_DOWN_MS)
        self._happenings.add(self._happenings.now_ms + down_ms, lambda: self._start(process))

    def _start(self, process: Process[Any]) -> None:
        process.start()
        self._happenings.note("started", process.name)
        self.soon(process)

    def _stop(self, process: Process[Any]) -> None:
        process.kill()
        self._scan_ms.pop(process.eui, None)
        if process is self.dcc:
            self._to_hubs.forget(ACCESS_CONTROL_BROKER)
        else:
            others = {k: v for k, v in self._retry_ms.items() if k[0] != process.eui}
            self._retry_ms = others

    def _work_of(self, process: Process[Any]) -> Callable[[], None]:
        return self._dcc_works if process is self.dcc else lambda: self._supplier_works(process)

    def _wake(self, process: Process[Any], waits: list[int]) -> None:
        """Let the process work again when something of its own is due, by its own clock."""
        deadline_ms = self._deadline_ms(process)
        self._scan_ms[process.eui] = LATEST_MS if deadline_ms is None else deadline_ms
        due = [*waits, *(() if deadline_ms is None else (deadline_ms,))]
        if due:
            at_ms = max(self._happenings.now_ms + 1, min(due) - process.clock_off_ms)
            self._happenings.replace(at_ms, self._work_of(process), process.eui, "works")

    def _deadline_ms(self, process: Process[Any]) -> int | None:
        with process.ledger.view() as view:
            return view.next_deadline_ms()


def _ledger(owner: str) -> MortalLedger:
    return MortalLedger.open("sqlite://", owner=owner)
