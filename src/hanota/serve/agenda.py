"""What is to happen when: one queue of events for any number of nodes.

Events of one instant come in the order in which they were added, so that a run can be repeated.
An event may be replaced or cancelled without searching: the old entry stays in the heap and is
skipped when its turn comes. Time is whatever the caller says it is, virtual or real.
"""

from heapq import heappop, heappush
from operator import itemgetter
from typing import Generic, TypeVar

Event = TypeVar("Event")


class Agenda(Generic[Event]):
    """Events in the order of their instants."""

    def __init__(self) -> None:
        self._order = 0
        self._heap: list[tuple[int, int, Event, int, str | None]] = []
        # By owner and name, the order number of the one entry that counts.
        self._current: dict[int, dict[str, int]] = {}

    def add(self, at_ms: int, event: Event) -> None:
        """Let this event happen at this instant."""
        self._order += 1
        heappush(self._heap, (at_ms, self._order, event, 0, None))

    def replace(self, at_ms: int, event: Event, owner: int, name: str) -> None:
        """Let this event happen, and not the one that its owner has under the same name."""
        self._order += 1
        self._current.setdefault(owner, {})[name] = self._order
        heappush(self._heap, (at_ms, self._order, event, owner, name))

    def cancel(self, owner: int) -> None:
        """Forget every event that this owner has under a name."""
        self._current.pop(owner, None)

    def shift(self, owner: int, by_ms: int, *, but: str) -> None:
        """Move every event that this owner has under a name, except the one under the name `but`.

        They keep their order, and come behind what is there at their new instants already.
        """
        own = [entry for entry in self._heap if entry[3] == owner and self._counts(entry)]
        for at_ms, _, event, _, name in sorted(own, key=itemgetter(0, 1)):
            if name is not None and name != but:
                self.replace(at_ms + by_ms, event, owner, name)

    def next_at_ms(self) -> int | None:
        """The instant of the next event, None when there is none."""
        heap = self._heap
        while heap and not self._counts(heap[0]):
            heappop(heap)
        return heap[0][0] if heap else None

    def pop(self, until_ms: int) -> tuple[int, Event] | None:
        """Take the next event with its instant, None when there is none up to `until_ms`."""
        heap = self._heap
        while heap and heap[0][0] <= until_ms:
            at_ms, order, event, owner, name = heappop(heap)
            if name is None:
                return at_ms, event
            current = self._current.get(owner)
            if current is not None and current.get(name) == order:
                return at_ms, event
        return None

    def _counts(self, entry: tuple[int, int, Event, int, str | None]) -> bool:
        _, order, _, owner, name = entry
        return name is None or self._current.get(owner, {}).get(name) == order
