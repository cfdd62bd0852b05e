"""One party on a table: its effects are carried out on its flash, and what it says is kept."""

from hanota.han.effects import EraseSlot, Record, Restart, Send, SendWan, Wake, WriteSlot
from hanota.han.flash import Flash


class ANode:
    """Drives anything that returns effects; `now_ms` is the time that the test says it is."""

    def __init__(self, flash=None, now_ms=0):
        self.flash = flash or Flash()
        self.now_ms = now_ms
        self.said = []  # messages, with to whom
        self.told_dcc = []
        self.wakes = {}  # token: at_ms
        self.restarts = 0

    def do(self, effects):
        """Carry effects out; the messages among them."""
        said = []
        for effect in effects:
            match effect:
                case Send(to, message):
                    said.append((to, message))
                case SendWan(number, message):
                    self.told_dcc.append((number, message))
                case Record(values):
                    self.flash.record(values)
                case EraseSlot(slot):
                    self.flash.erase(slot)
                case WriteSlot(slot, offset, data):
                    self.flash.write(slot, offset, data)
                case Wake(at_ms, token):
                    self.wakes[token] = at_ms
                case Restart():
                    self.restarts += 1
                case _:
                    raise TypeError(effect)
        self.said += said
        return [message for _, message in said]

    def receive(self, party, source, message):
        return self.do(party.receive(source, message, self.now_ms))

    def wait(self, party, token):
        """Let the wake come; the messages that are said, and how long it took."""
        at_ms = self.wakes.pop(token)
        took_ms = at_ms - self.now_ms
        self.now_ms = at_ms
        return self.do(party.wake(token, at_ms)), took_ms
