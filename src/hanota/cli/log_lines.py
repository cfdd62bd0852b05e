"""The log of a process that runs for long: one line on stderr for each thing that happens."""

import logging
import time


def log_to_stderr() -> None:
    """One line each with the time in UTC: our own from INFO, all others' from WARNING."""
    handler = logging.StreamHandler()
    form = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("hanota").setLevel(logging.INFO)
