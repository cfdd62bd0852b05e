"""Current state, journal, counters and outbox of one party, changed in one transaction a batch."""
