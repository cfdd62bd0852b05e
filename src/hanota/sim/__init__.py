"""The world to run in: virtual time, towns of homes, faults."""
