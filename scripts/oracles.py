"""Install the independent implementations that the tests compare with.

tshark and Java come from the operating system's packages (only as root), the DCC's own client
tools with their test keys from the npm registry into `.oracles/`. Nothing here is needed to run
hanota: what cannot be installed is named, and its tests skip (or fail under
HANOTA_REQUIRE_ORACLES=1). The npm packages are GPL: programs to compare with, no part of hanota.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORACLES = ROOT / ".oracles"
NPM_PACKAGES = {
    "@smartdcc/dccboxed-keystore": "0.4.2",
    "@smartdcc/duis-parser": "0.6.0",
    "@smartdcc/duis-sign-wrap": "0.1.2",
}


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


def install_program(program: str, package: str) -> str:
    """Install a program of the operating system where this user may; say what became of it."""
    if shutil.which(program):
        return "present"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"absent: install the package {package} to run the tests that use it"
    if run("apt-get", "update", "-qq") and run(
        "apt-get", "install", "-y", "-qq", "--no-install-recommends", package
    ):
        return "installed"
    return "absent: its installation failed"


def install_npm_packages() -> str:
    """Unpack the DCC's client tools and test keys; say what became of it."""
    if all(installed_version(name) == version for name, version in NPM_PACKAGES.items()):
        return "present"
    if not shutil.which("npm"):
        return "absent: install npm to run the tests that use the DCC's tools and test keys"
    ORACLES.mkdir(exist_ok=True)
    # --ignore-scripts: what the packages hold is wanted, not what they would do to be installed.
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev", "--save-exact")
    wanted = [f"{name}@{version}" for name, version in NPM_PACKAGES.items()]
    done = run("npm", "install", "--prefix", str(ORACLES), *quiet, *wanted)
    return "installed" if done else "absent: its installation failed"


def installed_version(name: str) -> str | None:
    """The version of an npm package in `.oracles/`, None where it is not there."""
    try:
        described = json.loads((ORACLES / "node_modules" / name / "package.json").read_bytes())
    except OSError:
        return None
    return str(described["version"])


if __name__ == "__main__":
    print("tshark:", install_program("tshark", "tshark"))
    print("java:", install_program("java", "default-jre-headless"))
    print("DCC's tools:", install_npm_packages())
