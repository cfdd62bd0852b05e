"""A number of a profile with where it comes from, and what else it could be."""

from typing import Annotated, TypeAlias

import msgspec

Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
_Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Extent: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
_Amount: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1e18)]
_Number: TypeAlias = Annotated[float, msgspec.Meta(ge=1, le=1e18)]


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value in the unit that its field's name ends with.

    `source` says where it is from; one that begins with "assumed" is nobody's but ours. Where it
    is uncertain, `low` and `high` are the least and the most that seem possible.
    """

    value: float
    source: Text
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """ValueError unless low, value and high are in order; msgspec names the field."""
        if (self.low is None) != (self.high is None):
            raise ValueError("a range needs both low and high")
        low, high = self.bounds
        if not low <= self.value <= high:
            raise ValueError(f"{self.value:g} is not between low {low:g} and high {high:g}")

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the most that it can be; the value itself where it is certain."""
        low = self.value if self.low is None else self.low
        return low, self.value if self.high is None else self.high

    @property
    def is_uncertain(self) -> bool:
        """Whether it has a range."""
        low, high = self.bounds
        return low < high


class Share(Figure, frozen=True, forbid_unknown_fields=True):
    """A part of something, 0 to 1."""

    value: _Share
    low: _Share | None = None
    high: _Share | None = None


class Extent(Figure, frozen=True, forbid_unknown_fields=True):
    """Zero or more."""

    value: _Extent
    low: _Extent | None = None
    high: _Extent | None = None


class Amount(Figure, frozen=True, forbid_unknown_fields=True):
    """More than zero."""

    value: _Amount
    low: _Amount | None = None
    high: _Amount | None = None


class Number(Figure, frozen=True, forbid_unknown_fields=True):
    """One or more."""

    value: _Number
    low: _Number | None = None
    high: _Number | None = None
