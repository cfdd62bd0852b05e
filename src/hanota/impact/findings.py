"""What an assessment has found: values that a page, a table or a program can show.

Times are hours of the campaign unless they are of the sensitivity, which is in days. A Band is over
all runs: 5 of 100 are below its low, 5 above its high. None stands for never.
"""

import msgspec


class Band(msgspec.Struct, frozen=True):
    """The median of all runs, and the range of nine in ten."""

    low: float | None
    middle: float | None
    high: float | None


class HourLoad(msgspec.Struct, frozen=True):
    """What the WAN of a region carries, octets an hour, hour by hour."""

    allowance: Band
    middle: list[float]
    high: list[float]  # 95 of 100 runs carry no more in this hour
    busiest: Band  # of the runs' busiest hours, as a share of each run's allowance


class Series(msgspec.Struct, frozen=True):
    """A figure that changes with time, hour by hour, and its extreme in any quarter of an hour."""

    low: list[float]
    middle: list[float]
    high: list[float]
    peak: Band


class Swing(msgspec.Struct, frozen=True):
    """One figure of the profile, alone at each end of its range."""

    field: str
    at_low: float | None  # the value itself; None where each region has its own
    at_high: float | None
    days_low: float | None  # to 95% of the devices that are updated in the end
    days_high: float | None
    updated_low: float  # share of the devices in the end
    updated_high: float


class Assumption(msgspec.Struct, frozen=True):
    """A figure of the profile."""

    field: str
    value: float
    low: float | None
    high: float | None
    source: str

    @property
    def is_assumed(self) -> bool:
        """Whether it is nobody's but ours."""
        return self.source.startswith("assumed")


class WaveFinding(msgspec.Struct, frozen=True):
    """When a wave begins and its last device is asked for."""

    name: str
    devices: float
    begin_h: Band
    asked_h: Band


class Findings(msgspec.Struct, frozen=True):
    """Everything that was found."""

    profile: str
    about: str
    campaign: str
    start: str
    seed: int
    runs: int
    sampled: int  # devices that a run followed one by one, of all runs the median
    devices: Band
    homes: float
    hours_to_percent: dict[str, Band]  # of the devices that are updated in the end
    hours_to_percent_of_all: dict[str, Band]
    updated: Band  # share of all devices in the end
    sampling_error: float  # of that share: 1.96 standard errors of one run's sample
    halted: dict[str, int]  # why, and in how many runs
    waves: list[WaveFinding]
    completion: Series  # share of all devices
    wan: dict[str, HourLoad]
    hubs_holding: Series  # hubs that hold the image, share of all
    dcc_messages: Series  # a second, from hubs and devices
    supplier_alerts: Series  # a second, to the largest supplier
    outcomes: dict[str, Band]  # share of all devices
    counts_per_device: dict[str, Band]
    octets_per_home: Band  # on the WAN, images and messages
    messages_per_home: Band
    money: Band | None  # of the whole campaign
    currency: str | None
    sensitivity: list[Swing]  # what matters most comes first
    base_days: float | None  # to 95% in the run that the sensitivity is compared with
    base_updated: float
    assumptions: list[Assumption]
