"""An outbox is what its records say, at any moment."""

from hypothesis import given
from hypothesis import strategies as st

from hanota.han.flash import Flash
from hanota.han.outbox import Outbox
from hanota.limits import OUTBOX_MESSAGES_MAX


def test_messages_wait_in_their_order_until_they_are_removed():
    flash = Flash(records={"other": b"x", "other/1": b"y"})
    outbox = Outbox("mail", flash.records)
    numbers = []
    for body in (b"a", b"b", b"c"):
        number, values = outbox.add(body)
        flash.record(values)
        numbers.append(number)
    assert numbers == [1, 2, 3]
    assert outbox.oldest == (1, b"a")
    flash.record(outbox.remove(1))
    assert outbox.remove(1) == {}
    again = Outbox("mail", flash.records)
    assert again.pending == outbox.pending == ((2, b"b"), (3, b"c"))
    assert again.holds(b"b")
    assert not again.holds(b"a")


def test_a_number_is_never_used_again():
    flash = Flash()
    for expected in range(1, 5):
        outbox = Outbox("mail", flash.records)
        number, values = outbox.add(b"")
        flash.record(values)
        flash.record(outbox.remove(number))
        assert number == expected


def test_a_full_outbox_forgets_its_oldest_message():
    flash = Flash()
    outbox = Outbox("mail", flash.records)
    for number in range(OUTBOX_MESSAGES_MAX + 10):
        flash.record(outbox.add(b"%d" % number)[1])
    assert len(outbox.pending) == OUTBOX_MESSAGES_MAX
    assert outbox.oldest == (11, b"10")
    assert Outbox("mail", flash.records).pending == outbox.pending


@given(st.lists(st.one_of(st.binary(max_size=3), st.integers(0, 12)), max_size=40))
def test_what_the_records_say(steps):
    flash = Flash()
    outbox = Outbox("mail", flash.records)
    for step in steps:
        flash.record(outbox.remove(step) if isinstance(step, int) else outbox.add(step)[1])
        assert Outbox("mail", flash.records).pending == outbox.pending
