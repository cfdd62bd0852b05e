import pytest
from tests.ledger.databases import Memory, PostgreSQLDatabase, SQLiteFile

from hanota.ledger import Ledger


@pytest.fixture(params=["file", "memory", "postgresql"])
def database(request, tmp_path):
    """A place for a ledger, of each kind."""
    match request.param:
        case "file":
            return SQLiteFile(tmp_path / "ledger.db")
        case "memory":
            return Memory()
        case _:
            return PostgreSQLDatabase(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def ledger(database):
    """An empty ledger: the same on every database."""
    with Ledger.open(database.url, owner="dcc") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request, tmp_path):
    """A place for a ledger that outlives the connection to it."""
    if request.param == "sqlite":
        return SQLiteFile(tmp_path / "ledger.db")
    return PostgreSQLDatabase(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def file_url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.db"
