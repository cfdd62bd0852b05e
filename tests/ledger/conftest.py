import pytest

from hanota.ledger import Ledger


@pytest.fixture(params=["file", "memory"])
def ledger(request, tmp_path):
    """An empty ledger: the same SQL on a file and in memory."""
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url, owner="dcc") as opened:
        yield opened


@pytest.fixture
def file_url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.db"
