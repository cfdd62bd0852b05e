"""Current state, journal, counters and outbox of one party, changed in one transaction a batch."""

from hanota.ledger.conflict import ConflictError
from hanota.ledger.ledger import Batch, Ledger, View, accept_restored, upgrade

__all__ = ["Batch", "ConflictError", "Ledger", "View", "accept_restored", "upgrade"]
