"""Settings of the whole suite."""

import pytest
from hypothesis import settings
from tests import postgresql
from tests.vectors import absent

# Deterministic runs: a failing example is the same for everybody. `make long` searches afresh.
settings.register_profile("check", derandomize=True, deadline=None)
settings.load_profile("check")


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL on loopback, for all tests of one process."""
    try:
        with postgresql.started() as server:
            yield server
    except postgresql.CannotStartError as error:
        absent(f"PostgreSQL: {error}")


@pytest.fixture
def postgresql_url(postgresql_server):
    """The URL of an empty schema."""
    return postgresql_server.new_url()
