"""Profiles with other values: drawn from the ranges, or one figure set to an end of its range."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import numpy as np

from hanota.impact.figure import Figure
from hanota.impact.profile import Path, Profile, figures

_T = TypeVar("_T")


def drawn(profile: Profile, chance: np.random.Generator) -> Profile:
    """Every uncertain figure drawn from a triangle over low, value and high."""
    values = {
        path: float(chance.triangular(figure.bounds[0], figure.value, figure.bounds[1]))
        for path, figure in figures(profile)
        if figure.is_uncertain
    }
    return with_values(profile, values)


def with_values(profile: Profile, values: Mapping[Path, float]) -> Profile:
    """The profile with these figures at these values, which are within their ranges."""
    return _replaced(profile, (), values)


def _replaced(part: _T, path: Path, values: Mapping[Path, float]) -> _T:
    match part:
        case Figure():
            return msgspec.structs.replace(part, value=values.get(path, part.value))
        case msgspec.Struct():
            changed = {
                name: _replaced(getattr(part, name), (*path, name), values)
                for name in part.__struct_fields__
            }
            return msgspec.structs.replace(part, **changed)
        case dict():
            return type(part)(
                (key, _replaced(each, (*path, str(key)), values)) for key, each in part.items()
            )
        case _:
            return part
