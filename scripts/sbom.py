"""The components of hanota as CycloneDX 1.5 JSON: the same for the same lock file.

    python scripts/sbom.py requirements/runtime.txt OUT.json

Names, versions and the SHA-256 of every file that may be installed are those of the lock file; the
licences, of what is installed here. Not here: which component needs which.
"""

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_COMPONENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, object]]:
    """The components of a lock file, in its order; ValueError for one without a hash."""
    found: list[dict[str, object]] = []
    for block in re.split(r"\n(?=\S)", lock):
        named = _COMPONENT.match(block)
        if named is None:
            continue
        name, version = named[1].lower(), named[2]
        digests = _HASH.findall(block)
        if not digests:
            raise ValueError(f"{name} {version} is locked without a hash")
        found.append(
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
                **_licence(name),
            }
        )
    return found


def bill(lock: str) -> dict[str, object]:
    """The whole bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components(lock),
    }


def _licence(name: str) -> dict[str, object]:
    """What an installed package says of its licence; nothing where it is not installed."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return {}
    if expression := said.get("License-Expression"):
        return {"licenses": [{"expression": expression}]}
    words = (said.get("License") or "").splitlines()
    return {"licenses": [{"license": {"name": words[0]}}]} if words else {}


if __name__ == "__main__":
    lock_file, out = map(Path, sys.argv[1:])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill(lock_file.read_text()), indent=2) + "\n")
