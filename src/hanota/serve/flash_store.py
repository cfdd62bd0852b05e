"""The flash of all nodes of some homes, in one file: killing the process is a power cut for them.

Nodes write to their flash in memory; what has changed is written to the file, all at once, before
anybody outside the homes hears of it. So after a restart every node has a flash that it had at
one moment, and nobody has been told of anything later. A node that never wrote is not in the file:
it is as its maker made it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hanota.errors import LocalError
from hanota.han.effects import Effect, EraseSlot, Record, WriteSlot
from hanota.han.flash import SLOTS, Flash
from hanota.ledger.columns import signed, unsigned

_PRAGMAS = (
    # Two processes with one set of homes would be two worlds.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
)
_TABLES = (
    """CREATE TABLE IF NOT EXISTS instant (
        one INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS record (
        node INTEGER, key TEXT, value BLOB NOT NULL,
        PRIMARY KEY (node, key)) WITHOUT ROWID""",
    # A slot is a row of pieces, each written at one moment behind those before it.
    """CREATE TABLE IF NOT EXISTS piece (
        node INTEGER, slot INTEGER, number INTEGER, octets BLOB NOT NULL,
        PRIMARY KEY (node, slot, number))""",
)


class FlashStore:
    """Keeps the flash of nodes in a file; for one thread at a time.

    `watch` wants to see every effect before it is carried out (`Homes(power_fails=...)`).
    LocalError where the file is no store, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[int, dict[str, bytes]] = {}  # as the file has them
        self._touched: set[int] = set()
        self._erased: set[tuple[int, int]] = set()
        self._written: dict[tuple[int, int], bytearray] = {}
        with self._in_our_words():
            self._file = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                for statement in (*_PRAGMAS, *_TABLES):
                    self._file.execute(statement)
            except sqlite3.Error:
                self._file.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the file go."""
        self._file.close()

    def last_ms(self) -> int:
        """The instant of the last `keep`, 0 in a new file."""
        with self._in_our_words():
            row = self._file.execute("SELECT at_ms FROM instant").fetchone()
        return 0 if row is None else int(row[0])

    def restore(self, flash_of: Callable[[int], Flash]) -> int:
        """Give the nodes of the file the flash that it has of them; how many it were.

        `flash_of` gives the flash of a node as its maker made it; LocalError where there is no
        such node: these are other homes.
        """
        with self._in_our_words():
            for node, key, value in self._file.execute("SELECT node, key, value FROM record"):
                self._records.setdefault(unsigned(node), {})[key] = value
            for (node,) in self._file.execute("SELECT DISTINCT node FROM piece"):
                self._records.setdefault(unsigned(node), {})
            for node_id, records in self._records.items():
                self._restore(self._flash(node_id, flash_of), node_id, records)
        return len(self._records)

    def watch(self, node_id: int, effect: Effect) -> None:
        """Take note of what a node does to its flash."""
        match effect:
            case Record():
                self._touched.add(node_id)
            case WriteSlot(slot=slot, data=data):
                self._touched.add(node_id)
                self._written.setdefault((node_id, slot), bytearray()).extend(data)
            case EraseSlot(slot=slot):
                self._touched.add(node_id)
                self._erased.add((node_id, slot))
                self._written.pop((node_id, slot), None)

    def keep(self, flash_of: Callable[[int], Flash], now_ms: int) -> None:
        """Write what has changed since the last time; on the disk when this returns."""
        if not self._touched:
            return
        with self._in_our_words():
            self._file.execute("BEGIN IMMEDIATE")
            for node_id in self._touched:
                self._keep(node_id, flash_of(node_id))
            self._file.execute("INSERT OR REPLACE INTO instant VALUES (1, ?)", (now_ms,))
            self._file.execute("COMMIT")
        self._touched.clear()
        self._erased.clear()
        self._written.clear()

    def _flash(self, node_id: int, flash_of: Callable[[int], Flash]) -> Flash:
        try:
            return flash_of(node_id)
        except LocalError as fault:
            raise LocalError(
                f"{self._path} is the flash of other homes ({fault}): name another --state"
            ) from fault

    def _restore(self, flash: Flash, node_id: int, records: dict[str, bytes]) -> None:
        flash.record({key: records.get(key) for key in flash.records.keys() | records.keys()})
        for slot in range(SLOTS):
            pieces = self._file.execute(
                "SELECT octets FROM piece WHERE node = ? AND slot = ? ORDER BY number",
                (signed(node_id), slot),
            )
            octets = b"".join(piece for (piece,) in pieces)
            flash.erase(slot)
            if octets:
                flash.write(slot, 0, octets)

    def _keep(self, node_id: int, flash: Flash) -> None:
        if node_id in self._records:
            for slot in range(SLOTS):
                if (node_id, slot) in self._erased:
                    self._file.execute(
                        "DELETE FROM piece WHERE node = ? AND slot = ?", (signed(node_id), slot)
                    )
                self._append(node_id, slot, bytes(self._written.get((node_id, slot), b"")))
        else:
            for slot in range(SLOTS):
                self._append(node_id, slot, flash.content(slot))
        self._keep_records(node_id, flash.records)

    def _append(self, node_id: int, slot: int, octets: bytes) -> None:
        if octets:
            node = signed(node_id)
            self._file.execute(
                "INSERT INTO piece SELECT ?, ?, coalesce(max(number), 0) + 1, ? FROM piece "
                "WHERE node = ? AND slot = ?",
                (node, slot, octets, node, slot),
            )

    def _keep_records(self, node_id: int, records: dict[str, bytes]) -> None:
        node, kept = signed(node_id), self._records.get(node_id, {})
        gone = [(node, key) for key in kept if key not in records]
        new = [(node, key, value) for key, value in records.items() if kept.get(key) != value]
        self._file.executemany("DELETE FROM record WHERE node = ? AND key = ?", gone)
        self._file.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", new)
        self._records[node_id] = dict(records)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise LocalError(f"another process runs the homes of {self._path}") from error
            raise self._fault(error) from error
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> LocalError:
        return LocalError(f"the flash store {self._path} does not answer: {error}")
