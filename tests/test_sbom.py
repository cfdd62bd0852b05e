"""The bill of materials has every component of the lock file, each with its hashes."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements" / "runtime.txt").read_text()


@pytest.fixture(scope="module")
def sbom():
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_component_is_in_it(sbom):
    found = sbom.bill(LOCK)["components"]
    locked = re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", LOCK, re.MULTILINE)
    assert [(each["name"], each["version"]) for each in found] == [
        (name.lower(), version) for name, version in locked
    ]
    digests = [digest["content"] for each in found for digest in each["hashes"]]
    assert digests == re.findall(r"sha256:([0-9a-f]{64})", LOCK)
    assert len({each["bom-ref"] for each in found}) == len(found)


def test_a_component_without_a_hash_is_refused(sbom):
    with pytest.raises(ValueError, match="without a hash"):
        sbom.components("lxml==6.0.0\n")
