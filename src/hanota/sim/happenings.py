"""What happens in a simulated world between its parties: what is to come, and what has been.

One agenda for everything that is not inside a home, in virtual time. What has happened goes into
a digest, which tells one run from every other, and the last of it is kept for whoever has to
understand a failure.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable

from hanota.limits import DAY_MS
from hanota.serve.agenda import Agenda
from hanota.sim.faults import Fault
from hanota.sim.street import START_MS

# What is kept of a run for the message about its failure.
LAST_EVENTS = 40

Act = Callable[[], None]


class Happenings:
    """The agenda and the diary of a world; `now_ms` is its clock."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.events = 0  # that have happened
        self.faults: Counter[str] = Counter()  # that have struck, by name
        self._agenda: Agenda[Act] = Agenda()
        self._last: deque[tuple[int, str, object]] = deque(maxlen=LAST_EVENTS)
        self._digest = hashlib.sha256()

    def add(self, at_ms: int, act: Act) -> None:
        """Let this happen then."""
        self._agenda.add(at_ms, act)

    def replace(self, at_ms: int, act: Act, owner: int, name: str) -> None:
        """Let this happen then, and not what its owner has under the same name."""
        self._agenda.replace(at_ms, act, owner, name)

    def next_at_ms(self) -> int | None:
        """When the next thing happens, None when nothing will."""
        return self._agenda.next_at_ms()

    def run_until(self, until_ms: int) -> None:
        """It is now that instant: do everything that is due."""
        self.now_ms = until_ms
        while (due := self._agenda.pop(until_ms)) is not None:
            self.events += 1
            due[1]()

    def note(self, name: str, subject: object = "") -> None:
        """Write into the diary that something has happened."""
        self._last.append((self.now_ms, name, subject))
        self._digest.update(f"{self.now_ms} {name} ".encode())
        self._digest.update(_octets(subject))

    def note_fault(self, fault: Fault, subject: object = "") -> None:
        """Write into the diary that a fault has struck, and count it."""
        self.faults[fault] += 1
        self.note(f"FAULT {fault}", subject)

    def digest(self, more: str) -> str:
        """What tells this run from every other, together with what others know of it."""
        digest = self._digest.copy()
        digest.update(more.encode())
        return digest.hexdigest()[:16]

    def last_events(self) -> list[str]:
        """The last of the diary, oldest first, a line each."""
        return [
            f"day {(at_ms - START_MS) / DAY_MS:.6f}  {name}  {_shown(subject)}".rstrip()
            for at_ms, name, subject in self._last
        ]


def _octets(subject: object) -> bytes:
    """What a digest takes of a subject, each of its parts with its length before it."""
    match subject:
        case bytes():
            return b"%d:%b" % (len(subject), subject)
        case tuple():
            return b"".join(map(_octets, subject))
    return _octets(str(subject).encode())


def _shown(subject: object) -> str:
    """A subject for people: octets are shown by how many they are and how they begin."""
    match subject:
        case bytes():
            return f"{len(subject)} octets {subject[:8].hex()}"
        case tuple():
            return "  ".join(map(_shown, subject))
    return str(subject)
