"""Where the published vectors and the independent tools are, and what happens without them.

A test that needs one calls `require_...`: it skips and says why, or fails where
HANOTA_REQUIRE_ORACLES=1 says that everything must be present (as in CI).
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
VECTORS = SHARED / "vectors"
NPM_PACKAGES = ROOT / ".oracles/node_modules/@smartdcc"
KEYSTORE = NPM_PACKAGES / "dccboxed-keystore/keystore.json"


def absent(what: str) -> NoReturn:
    """Skip the test that wants this, or fail it where everything must be present."""
    if os.environ.get("HANOTA_REQUIRE_ORACLES") == "1":
        pytest.fail(f"{what} is required here and absent")
    pytest.skip(f"{what} is absent")


def require_vectors() -> Path:
    """The folder with the published vectors."""
    if not VECTORS.is_dir():
        absent("the folder ../shared/vectors with the published vectors")
    return VECTORS


def require_keystore() -> Path:
    """keystore.json of the npm package with the organisations' test keys."""
    if not KEYSTORE.is_file():
        absent("keystore.json of the npm package @smartdcc/dccboxed-keystore (`make oracles`)")
    return KEYSTORE


def require_npm_package(name: str) -> Path:
    """The folder of one of the DCC's own client tools, @smartdcc/`name`."""
    if not (NPM_PACKAGES / name / "package.json").is_file():
        absent(f"the npm package @smartdcc/{name} (`make oracles`)")
    return NPM_PACKAGES / name


def require_tool(name: str) -> str:
    """The path of a program such as tshark."""
    found = shutil.which(name)
    if found is None:
        absent(f"the program {name} (`make oracles`)")
    return found


def gbcs_vector(name: str) -> bytes:
    """One RTDS message, by the start of its file name."""
    (path,) = require_vectors().glob(f"gbcs/{name}*.HEX")
    return bytes.fromhex(path.read_text())


def duis_vector(name: str) -> bytes:
    """One DUIS document, by the start of its file name."""
    (path,) = require_vectors().glob(f"duis/{name}*")
    return path.read_bytes()
