"""Messages that must arrive: kept in flash until the receiver has said that it has them.

An outbox changes nothing itself. `add` and `remove` return values, and the party records them
together with whatever made it write the message, so that neither is ever there without the other.
"""

from collections.abc import Mapping

from hanota.limits import OUTBOX_MESSAGES_MAX

Values = dict[str, bytes | None]


class Outbox:
    """The messages under one name in the records of a node, oldest first.

    Each has a number of its own, which is never used again: an acknowledgement that comes late
    cannot remove another message.
    """

    def __init__(self, name: str, records: Mapping[str, bytes]) -> None:
        self._name = name
        self._last = int.from_bytes(records.get(name, b""), "big")
        numbers = sorted(
            int(key.removeprefix(f"{name}/")) for key in records if key.startswith(f"{name}/")
        )
        self._bodies = {number: records[self._key(number)] for number in numbers}

    @property
    def oldest(self) -> tuple[int, bytes] | None:
        """Number and body of the message that has waited longest."""
        return next(iter(self._bodies.items()), None)

    @property
    def pending(self) -> tuple[tuple[int, bytes], ...]:
        """Number and body of every message that nobody has acknowledged."""
        return tuple(self._bodies.items())

    def holds(self, body: bytes) -> bool:
        """Whether these very octets wait already."""
        return body in self._bodies.values()

    def add(self, body: bytes) -> tuple[int, Values]:
        """Take a message; its number, and the values to record before it is sent.

        An outbox that is full forgets its oldest message.
        """
        self._last += 1
        values: Values = {self._name: self._last.to_bytes(8, "big"), self._key(self._last): body}
        if len(self._bodies) >= OUTBOX_MESSAGES_MAX:
            values |= self.remove(next(iter(self._bodies)))
        self._bodies[self._last] = body
        return self._last, values

    def remove(self, number: int) -> Values:
        """Forget a message that has arrived; the values to record, none for an unknown number."""
        if self._bodies.pop(number, None) is None:
            return {}
        return {self._key(number): None}

    def _key(self, number: int) -> str:
        return f"{self._name}/{number}"
