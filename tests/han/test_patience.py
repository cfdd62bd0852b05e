"""One wake that watches over many answers."""

from hanota.han.effects import Wake
from hanota.han.patience import Watch


def test_nothing_is_overdue_where_nothing_is_expected():
    watch = Watch("answer")
    assert watch.overdue(5) == (False, ())
    watch.expect(10)
    watch.answered()
    assert watch.overdue(10) == (False, ())


def test_a_later_answer_needs_no_further_wake_until_the_first_has_come():
    watch = Watch("answer")
    assert watch.expect(10) == (Wake(10, "answer"),)
    assert watch.expect(20) == ()
    assert watch.expect(30) == ()
    assert watch.overdue(10) == (False, (Wake(30, "answer"),))
    assert watch.overdue(30) == (True, ())
    assert watch.overdue(31) == (False, ())


def test_a_sooner_answer_needs_a_sooner_wake():
    watch = Watch("answer")
    watch.expect(600)
    watch.answered()
    assert watch.expect(3) == (Wake(3, "answer"),)
    assert watch.overdue(3) == (True, ())
