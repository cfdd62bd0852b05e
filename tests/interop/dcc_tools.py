"""The DCC's own client tools, run by Node: they are GPL, so they are run and never imported."""

import json
import os
import subprocess
from pathlib import Path

from tests.vectors import NPM_PACKAGES, require_npm_package, require_tool

HERE = Path(__file__).parent
# A JVM starts for each signature and each validation.
TIMEOUT_S = 120


def require_dcc_tools() -> None:
    for package in ("duis-sign-wrap", "duis-parser", "dccboxed-keystore"):
        require_npm_package(package)
    for program in ("node", "java"):
        require_tool(program)


def run(script: str, given: object, *words: str) -> object:
    """What a script beside this file makes of JSON."""
    done = subprocess.run(
        ["node", str(HERE / script), *words],
        input=json.dumps(given).encode(),
        env={**os.environ, "NODE_PATH": str(NPM_PACKAGES.parent)},
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
