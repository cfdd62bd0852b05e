"""A copy of the tree with one text of the production code replaced, and a command run in it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT_S = 300
_COPIED = ("src", "tests", "attacks", "bench", "fuzz", "mutants", "pyproject.toml")


class StaleError(Exception):
    """The text to replace does not stand in its file exactly once."""


class EndlessError(Exception):
    """The command did not end in time."""


def run_with(file: str, old: str, new: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in a copy in which `old` is `new` in src/hanota/`file`."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in _COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        changed = folder / "src" / "hanota" / file
        text = changed.read_text()
        if text.count(old) != 1:
            raise StaleError(f"its text stands {text.count(old)} times in {file}")
        changed.write_text(text.replace(old, new))
        environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"}
        try:
            return subprocess.run(
                [sys.executable, *command],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise EndlessError(f"it does not end within {_TIMEOUT_S} s") from late
