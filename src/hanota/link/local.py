"""A link inside one process: a message stays until its receiver has acknowledged it.

At least once, as every link: what is not acknowledged within `retry_ms` is handed over again, so a
receiver deduplicates, and a sender may forget a message only when `acknowledged` names it. Time
comes in as an argument; nothing here waits.
"""

import heapq
from collections import deque

import msgspec


class Message(msgspec.Struct, frozen=True):
    """One message under way: octets between two parties, numbered by the sender."""

    sender: int  # EUI-64
    receiver: int  # EUI-64
    number: int  # of the sender's outbox
    body: bytes


class LocalLink:
    """Messages in one direction, each handed over `latency_ms` after it was sent."""

    def __init__(self, *, latency_ms: int, retry_ms: int) -> None:
        self._latency_ms = latency_ms
        self._retry_ms = retry_ms
        self._order = 0
        self._arrivals: list[tuple[int, int, Message]] = []
        self._waiting: set[tuple[int, int]] = set()
        self._acknowledged: deque[tuple[int, int]] = deque()

    def send(self, message: Message, now_ms: int) -> None:
        """Take a message; one that is still under way is not taken twice."""
        key = (message.sender, message.number)
        if key not in self._waiting:
            self._waiting.add(key)
            self._arrive(message, now_ms + self._latency_ms)

    def receive(self, now_ms: int, limit: int) -> list[Message]:
        """Up to `limit` messages that have arrived by now, oldest first, not yet acknowledged."""
        arrived: list[Message] = []
        while self._arrivals and self._arrivals[0][0] <= now_ms and len(arrived) < limit:
            message = heapq.heappop(self._arrivals)[2]
            if (message.sender, message.number) in self._waiting:
                arrived.append(message)
        for message in arrived:
            self._arrive(message, now_ms + self._retry_ms)
        return arrived

    def acknowledge(self, message: Message) -> None:
        """The receiver has recorded this message; it is not handed over again."""
        key = (message.sender, message.number)
        if key in self._waiting:
            self._waiting.remove(key)
            self._acknowledged.append(key)

    def acknowledged(self) -> list[tuple[int, int]]:
        """(sender, number) of what was acknowledged since the last call."""
        settled = list(self._acknowledged)
        self._acknowledged.clear()
        return settled

    def next_at_ms(self) -> int | None:
        """When the next message arrives, None when nothing is under way."""
        while self._arrivals and (
            (self._arrivals[0][2].sender, self._arrivals[0][2].number) not in self._waiting
        ):
            heapq.heappop(self._arrivals)
        return self._arrivals[0][0] if self._arrivals else None

    def _arrive(self, message: Message, at_ms: int) -> None:
        self._order += 1
        heapq.heappush(self._arrivals, (at_ms, self._order, message))
