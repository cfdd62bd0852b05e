"""A process dies around its transactions, and its ledger has all of one or nothing."""

import pytest

from hanota.sim.faults import Luck, parse_rates
from hanota.sim.process import KilledError, Moment, MortalLedger, Process


class Dying:
    """A luck under which a process dies at one moment."""

    def __init__(self, moment):
        self.moment = moment

    def strikes(self, _fault):
        return True

    def stream(self, _fault):
        return self

    def choice(self, _moments):
        return self.moment


def counted(ledger):
    """Use one value of a counter, and what the ledger then has."""
    with ledger.batch() as batch:
        batch.next_counter("a")


def value(ledger):
    with ledger.undisturbed() as batch:
        return batch.next_counter("a")


@pytest.fixture
def ledger():
    with MortalLedger.open("sqlite://", owner="dcc") as opened:
        yield opened


@pytest.mark.parametrize(
    ("moment", "next_value"), [(Moment.BEFORE, 1), (Moment.UNCOMMITTED, 1), (Moment.COMMITTED, 2)]
)
def test_a_death_keeps_a_whole_transaction_or_nothing_of_it(ledger, moment, next_value):
    ledger.luck = Dying(moment)
    with pytest.raises(KilledError, match=moment.value):
        counted(ledger)
    assert value(ledger) == next_value


def test_without_luck_nobody_dies(ledger):
    for _ in range(100):
        counted(ledger)
    assert value(ledger) == 101


def test_every_moment_comes(ledger):
    ledger.luck = Luck(1, parse_rates("killed=0.5"))
    told = set()
    for _ in range(100):
        try:
            counted(ledger)
        except KilledError as death:
            told.add(str(death))
    assert told == {moment.value for moment in Moment}


def test_a_fault_of_the_shell_is_not_hidden_by_a_death(ledger):
    ledger.luck = Dying(Moment.COMMITTED)
    with pytest.raises(ValueError, match="mine"), ledger.batch():
        raise ValueError("mine")


def test_a_process_is_built_anew_on_its_ledger(ledger):
    built = []
    process = Process(1, "DCC", ledger, lambda its: built.append(its) or object())
    process.start()
    first = process.shell
    process.start()
    assert process.shell is first
    process.kill()
    assert process.shell is None
    process.start()
    assert process.shell is not first
    assert built == [ledger, ledger]
