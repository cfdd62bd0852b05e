"""The journal without its older part.

It goes by portions, each a transaction of its own that first keeps what its entries told last
(0003_retention.sql). So other writers wait for a portion only, and whenever this is stopped the
ledger is sound: it has been cut a little earlier.

Not here: room on the disk. A database keeps the pages that become free, and fills them again.
"""

from hanota.ledger.database import Database
from hanota.limits import LEDGER_DROPPED_AT_ONCE


def drop_journal(database: Database, before_ms: int) -> int:
    """Drop the entries before the first that was made at `before_ms` or later; how many.

    The newest entry stays in any case, and so do younger entries behind an older one.
    """
    with database.transaction(writing=False):
        cut = database.row("first_entry_since", before_ms) or database.row("newest_entry")
    dropped = 0
    while cut is not None and (portion := _drop_portion(database, cut[0])):
        dropped += portion
    return dropped


def _drop_portion(database: Database, cut: int) -> int:
    with database.transaction(writing=True):
        ((first,),) = database.rows("first_entry")
        end = min(cut, first + LEDGER_DROPPED_AT_ONCE)
        database.change("keep_deliveries", end)
        database.change("keep_commands", end)
        database.change("forget_untaken", end)
        return database.change("drop_entries", end)
