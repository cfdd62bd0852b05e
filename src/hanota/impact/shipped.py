"""The profiles that come with hanota, and the campaign that they are assessed with by default."""

from importlib.resources import files

from hanota.errors import LocalError

# Today's estate, and an upper case of one in which every home of Great Britain has its devices.
PROFILES = ("today", "upper")
_CAMPAIGN = "national.json"


def shipped_profile(name: str) -> bytes:
    """The TOML of a shipped profile; LocalError where there is none of this name."""
    if name not in PROFILES:
        raise LocalError(
            f"there is no file and no profile {name!r}; hanota has {' and '.join(PROFILES)}"
        )
    return _read(f"{name}.toml")


def shipped_campaign() -> bytes:
    """The national campaign, a plan as JSON."""
    return _read(_CAMPAIGN)


def _read(name: str) -> bytes:
    return files("hanota.impact").joinpath("profiles", name).read_bytes()
