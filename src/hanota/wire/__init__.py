"""Bytes to messages and back: no state, clock, socket or key store."""
