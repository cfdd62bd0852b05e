"""A link of the WAN on which messages get lost, come twice, late and out of order.

It keeps the promise of every link: what is not acknowledged is sent again, so a message arrives at
least once as long as both ends live. Everything short of that may happen on the way, and an
acknowledgement may get lost as well. Time comes in as an argument.
"""

import heapq
from enum import Enum

from hanota.limits import HOUR_MS, LINK_RETRY_MS, MINUTE_MS, WAN_LATENCY_MS
from hanota.link.local import Message
from hanota.sim.faults import Fault, Luck

# A message that is sent again waits twice as long each time, up to this.
RETRY_MS_MAX = HOUR_MS
_LATE_MS_MAX = 10 * MINUTE_MS
_DOUBLED_LATE_MS_MAX = 6 * HOUR_MS


class _What(Enum):
    ARRIVES = "arrives"
    IS_SENT = "is-sent"


_Key = tuple[int, int]


class FaultyLink:
    """Messages in one direction; `receive`, `acknowledge` and so on as for `LocalLink`."""

    def __init__(self, luck: Luck) -> None:
        self._luck = luck
        self._order = 0
        self._agenda: list[tuple[int, int, _What, Message, int]] = []
        self._waiting: set[_Key] = set()
        self._acknowledged: list[_Key] = []
        self._down_until_ms: dict[int, int] = {}

    def send(self, message: Message, now_ms: int) -> None:
        """Take a message; one that is still under way is not taken twice."""
        key = _key(message)
        if key not in self._waiting:
            self._waiting.add(key)
            self._transmit(message, now_ms, LINK_RETRY_MS)

    def receive(self, now_ms: int) -> list[Message]:
        """What has arrived by now; also what was acknowledged before, where it came twice."""
        arrived: list[Message] = []
        while self._agenda and self._agenda[0][0] <= now_ms:
            at_ms, _, what, message, pause_ms = heapq.heappop(self._agenda)
            if what is _What.IS_SENT:
                if _key(message) in self._waiting:
                    self._transmit(message, at_ms, min(2 * pause_ms, RETRY_MS_MAX))
            elif not self.is_down(message, at_ms):
                arrived.append(message)
        return arrived

    def acknowledge(self, message: Message) -> None:
        """The receiver has recorded this message; the sender may never hear of it."""
        key = _key(message)
        if key in self._waiting and not self._luck.strikes(Fault.WAN_LOST):
            self._waiting.remove(key)
            self._acknowledged.append(key)

    def acknowledged(self) -> list[_Key]:
        """(sender, number) of what was acknowledged since the last call."""
        settled, self._acknowledged = self._acknowledged, []
        return settled

    def next_at_ms(self) -> int | None:
        """When the next thing happens here, None when nothing is under way."""
        return self._agenda[0][0] if self._agenda else None

    def take_down(self, end: int, until_ms: int) -> None:
        """Nothing that this party sends or is sent arrives before `until_ms`."""
        self._down_until_ms[end] = max(until_ms, self._down_until_ms.get(end, 0))

    def is_down(self, message: Message, at_ms: int) -> bool:
        """Whether one of its ends is cut off at that instant."""
        down = self._down_until_ms
        return at_ms < max(down.get(message.sender, 0), down.get(message.receiver, 0))

    def forget(self, sender: int) -> None:
        """The sender has lost its power: it sends nothing again by itself, and hears of nothing."""
        self._waiting = {key for key in self._waiting if key[0] != sender}
        self._acknowledged = [key for key in self._acknowledged if key[0] != sender]

    def _transmit(self, message: Message, now_ms: int, pause_ms: int) -> None:
        luck = self._luck
        self._add(now_ms + pause_ms, _What.IS_SENT, message, pause_ms)
        if luck.strikes(Fault.WAN_DOUBLED):
            late_ms = luck.stream(Fault.WAN_DOUBLED).randrange(_DOUBLED_LATE_MS_MAX)
            self._add(now_ms + WAN_LATENCY_MS + late_ms, _What.ARRIVES, message, 0)
        if luck.strikes(Fault.WAN_LOST):
            return
        late_ms = 0
        if luck.strikes(Fault.WAN_DELAYED):
            late_ms = luck.stream(Fault.WAN_DELAYED).randrange(_LATE_MS_MAX)
        self._add(now_ms + WAN_LATENCY_MS + late_ms, _What.ARRIVES, message, 0)

    def _add(self, at_ms: int, what: _What, message: Message, pause_ms: int) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (at_ms, self._order, what, message, pause_ms))


def _key(message: Message) -> _Key:
    return message.sender, message.number
