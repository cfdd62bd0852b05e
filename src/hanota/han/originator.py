"""A node as the originator of GBCS messages: its counter, its key, and whom it reports to."""

from collections.abc import Callable, Mapping

from hanota.han.outbox import Values
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra, GbcsMessage

COUNTER_KEY = "originator-counter"


class Originator:
    """Makes signed alerts, each with a counter above every one before, and signed responses.

    Args:
        eui: the node's own EUI-64.
        target: EUI-64 of the Access Control Broker.
        sign: gives the message with the node's signature.
        records: of the node's flash; `originator-counter` is the last one used.
    """

    def __init__(
        self,
        eui: int,
        target: int,
        sign: Callable[[GbcsMessage], GbcsMessage],
        records: Mapping[str, bytes],
    ) -> None:
        self._eui = eui
        self._target = target
        self._sign = sign
        self._counter = int.from_bytes(records.get(COUNTER_KEY, b""), "big")

    @property
    def next_counter(self) -> int:
        """The counter that the next alert will have."""
        return self._counter + 1

    def alert(
        self, message_code: int, content: bytes, target: int | None = None
    ) -> tuple[bytes, Values]:
        """The octets of a signed alert, and the values to record before it is sent.

        `target` is a supplier's EUI-64; without it the alert goes to the broker.
        """
        self._counter += 1
        to = self._target if target is None else target
        message = GbcsMessage(Cra.ALERT, self._counter, self._eui, to, message_code, content)
        return gbcs.encode(self._sign(message)), counter_record(self._counter)

    def response(
        self, target: int, counter: int, message_code: int, content: bytes, date_time: bytes
    ) -> bytes:
        """The octets of a signed response to a command of `target` that had this counter."""
        message = GbcsMessage(
            Cra.RESPONSE, counter, self._eui, target, message_code, content, date_time
        )
        return gbcs.encode(self._sign(message))


def counter_record(counter: int) -> Values:
    """The value to record when `counter` is the last one used."""
    return {COUNTER_KEY: counter.to_bytes(8, "big")}
