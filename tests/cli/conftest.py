"""What every test of a verb needs."""

import logging

import pytest


@pytest.fixture(autouse=True)
def _the_log_is_this_process_s():
    """A verb that serves sends the log of its process to stderr; here that ends with the test."""
    root, ours = logging.getLogger(), logging.getLogger("hanota")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
