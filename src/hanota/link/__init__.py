"""Links that carry bytes between parties, at least once."""
