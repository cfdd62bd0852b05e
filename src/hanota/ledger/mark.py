"""How far a ledger had come, written down outside of it: so that a restored backup is recognised.

A ledger that was put back to an earlier state does not know it. It would give out RequestIDs and
originator counters a second time, and devices and the DCC refuse those. So whoever writes a ledger
keeps a mark in a folder that is not backed up with it: after each batch, how many there have been.
A ledger that is behind its mark is refused until an operator accepts it; then a new epoch begins,
in which every counter goes on far beyond what may have been given out.

A mark is written after the commit and needs no sync: one that is behind its ledger does no harm.
"""

import os
from pathlib import Path
from typing import NamedTuple, Self

from hanota.errors import LocalError

_DIGITS = 20
_OCTETS = 2 * _DIGITS + 2


class Reached(NamedTuple):
    """How far a ledger has come; a later epoch is further, however few its batches are."""

    epoch: int
    batches: int


class Mark:
    """The mark of one ledger on this machine."""

    def __init__(self, path: Path) -> None:
        """Open the mark, or make it; LocalError where that cannot be."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as fault:
            raise LocalError(f"cannot keep the mark {path}: {fault.strerror}") from fault

    @classmethod
    def of(cls, ledger_id: str, folder: Path) -> Self:
        """The mark of a ledger in a folder of marks."""
        return cls(folder / f"{ledger_id}.mark")

    def read(self) -> Reached:
        """How far the ledger had come when it was last written here; LocalError for no mark."""
        octets = os.pread(self._file, _OCTETS + 1, 0)
        if not octets:
            return Reached(0, 0)
        words = octets.decode("ascii", "replace").split()
        if len(octets) != _OCTETS or len(words) != 2 or not all(map(str.isdecimal, words)):
            raise LocalError(f"{self.path} is no mark of a ledger: it has other octets")
        return Reached(*map(int, words))

    def write(self, reached: Reached) -> None:
        """Say how far the ledger has come; LocalError where that cannot be written."""
        octets = " ".join(f"{number:0{_DIGITS}}" for number in reached) + "\n"
        try:
            os.pwrite(self._file, octets.encode(), 0)
        except OSError as fault:
            raise LocalError(f"cannot write the mark {self.path}: {fault.strerror}") from fault

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)
