"""Shells: each joins one party to its ledger and its links, and does the I/O."""
