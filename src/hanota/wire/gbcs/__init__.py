"""GBCS messages of the firmware services, and the shell of every other use case."""
