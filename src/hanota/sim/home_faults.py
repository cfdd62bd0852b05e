"""What goes wrong in simulated homes: frames on the air, and power.

Both are asked a hundred thousand times a second, so they count down to the next fault instead of
drawing each time. A frame whose check sum fails is dropped before anyone sees it, so on the air
there is loss, repetition and delay, and never other octets.
"""

from collections.abc import Callable, Sequence

from hanota.han.effects import Effect, WriteSlot
from hanota.limits import DAY_MS, FRAME_LATENCY_MS, HOUR_MS, MINUTE_MS
from hanota.serve.homes import Homes
from hanota.sim.faults import Countdown, Fault, Luck

_ONCE = (FRAME_LATENCY_MS,)
_DELAYED_MS_MAX = 3 * MINUTE_MS
# Most power cuts are over at once, some last for hours.
_OFF_MS = (0, 0, 1_000, MINUTE_MS, HOUR_MS, DAY_MS)


class FaultyAir:
    """Says what becomes of each frame (`serve.homes.Air`)."""

    def __init__(self, luck: Luck, now_ms: Callable[[], int]) -> None:
        self._luck = luck
        self._now_ms = now_ms
        self._lost = Countdown(luck, Fault.FRAME_LOST)
        self._doubled = Countdown(luck, Fault.FRAME_DOUBLED)
        self._delayed = Countdown(luck, Fault.FRAME_DELAYED)
        self._deaf_until_ms: dict[int, int] = {}

    def __call__(self, _source: int, target: int, _frame: bytes) -> Sequence[int]:
        """After how many milliseconds the frame arrives, each time that it does."""
        lost, doubled, delayed = self._lost, self._doubled, self._delayed
        lost.left -= 1
        doubled.left -= 1
        delayed.left -= 1
        if lost.left and doubled.left and delayed.left and not self._deaf_until_ms:
            return _ONCE
        return self._odd(target)

    def deafen(self, node_id: int, until_ms: int) -> None:
        """Let a node hear nothing before that instant."""
        self._deaf_until_ms[node_id] = until_ms

    def _odd(self, target: int) -> Sequence[int]:
        delays: Sequence[int] = _ONCE
        if not self._delayed.left:
            self._delayed.again()
            delays = (self._luck.stream(Fault.FRAME_DELAYED).randrange(_DELAYED_MS_MAX),)
        if not self._doubled.left:
            self._doubled.again()
            later_ms = self._luck.stream(Fault.FRAME_DOUBLED).randrange(_DELAYED_MS_MAX)
            delays = (*delays, later_ms)
        if not self._lost.left:
            self._lost.again()
            delays = delays[1:]
        if self._luck.over:
            return _ONCE
        return () if self._is_deaf(target) else delays

    def _is_deaf(self, node_id: int) -> bool:
        until_ms = self._deaf_until_ms.get(node_id)
        if until_ms is None:
            return False
        if self._now_ms() < until_ms:
            return True
        del self._deaf_until_ms[node_id]
        return False


class FaultyPower:
    """Says where power fails (`serve.homes.PowerFails`), and tears writes.

    `cut` is told of every node that loses its power.
    """

    def __init__(self, luck: Luck, cut: Callable[[int, Effect], None]) -> None:
        self._luck = luck
        self._cut = cut
        self._cuts = Countdown(luck, Fault.POWER_CUT)
        self.homes: Homes | None = None

    def __call__(self, node_id: int, effect: Effect) -> int | None:
        """For how long power fails before this effect; None: it does not."""
        cuts = self._cuts
        cuts.left -= 1
        if cuts.left:
            return None
        cuts.again()
        if self._luck.over:
            return None
        stream = self._luck.stream(Fault.POWER_CUT)
        match effect:
            case WriteSlot(slot=slot, offset=offset, data=data) if self._luck.strikes(
                Fault.TORN_WRITE
            ):
                torn = data[: stream.randrange(len(data))]
                if torn and self.homes is not None:
                    self.homes.flash(node_id).write(slot, offset, torn)
        self._cut(node_id, effect)
        return stream.choice(_OFF_MS)
