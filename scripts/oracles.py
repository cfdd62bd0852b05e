"""Install the independent implementations that the tests compare with.

tshark comes from the operating system's packages (only as root), the test keys of the DCC's own
tools from the npm registry into `.oracles/`. Nothing here is needed to run hanota: what cannot be
installed is named, and its tests skip (or fail under HANOTA_REQUIRE_ORACLES=1).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORACLES = ROOT / ".oracles"
KEYSTORE = "@smartdcc/dccboxed-keystore@0.4.2"


def run(*command: str) -> bool:
    """Run a command quietly; True when it ended well, else its last lines are shown."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(
            f"oracles: {' '.join(command[:3])} failed: {done.stderr.strip()[-300:]}",
            file=sys.stderr,
        )
    return done.returncode == 0


def install_tshark() -> str:
    """Install tshark where this user may; say what became of it."""
    if shutil.which("tshark"):
        return "present"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "absent: install the package tshark to run the tests that read frames with it"
    if run("apt-get", "update", "-qq") and run(
        "apt-get", "install", "-y", "-qq", "--no-install-recommends", "tshark"
    ):
        return "installed"
    return "absent: its installation failed"


def install_keystore() -> str:
    """Unpack the npm package with the organisations' test keys; say what became of it."""
    if list(ORACLES.glob("node_modules/@smartdcc/dccboxed-keystore/**/keystore.json")):
        return "present"
    if not shutil.which("npm"):
        return "absent: install npm to run the tests that use the DCC's test keys"
    ORACLES.mkdir(exist_ok=True)
    # --ignore-scripts: the package's keys are wanted, not its programs.
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev")
    done = run("npm", "install", "--prefix", str(ORACLES), *quiet, KEYSTORE)
    return "installed" if done else "absent: its installation failed"


if __name__ == "__main__":
    print("tshark:", install_tshark())
    print("keystore:", install_keystore())
