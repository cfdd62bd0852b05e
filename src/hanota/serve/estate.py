"""A supplier's estate, taken in from a file of any length and as a whole."""

from collections.abc import Iterable, Iterator
from itertools import islice

from hanota.ledger.ledger import Ledger
from hanota.limits import LEDGER_BATCH_ROWS
from hanota.rows import Device


def import_estate(ledger: Ledger, devices: Iterable[Device]) -> int:
    """Take devices into the estate, or replace what it says of them; how many they were.

    All of them in one transaction: an exception out of `devices` leaves the estate as it was.
    """
    taken = 0
    with ledger.batch() as batch:
        for page in _pages(devices):
            batch.put_devices(page)
            taken += len(page)
    return taken


def _pages(devices: Iterable[Device]) -> Iterator[list[Device]]:
    remaining = iter(devices)
    while page := list(islice(remaining, LEDGER_BATCH_ROWS)):
        yield page
