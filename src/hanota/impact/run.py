"""What one run has counted, on a grid of quarter hours. It grows attempt by attempt."""

import msgspec
import numpy as np

from hanota.impact.attempt import Attempt
from hanota.impact.home import CODE, OUTCOMES, Flags
from hanota.impact.wan import BIN_S, BINS, Seconds
from hanota.model import Outcome, Region
from hanota.supplier.campaign.plan import SUCCESSES

# Ends beside the outcomes.
NOT_ASKED = "not asked for: the campaign stopped before"
HUB_TOO_OLD = "left-out: hub-too-old"
LEFT_OUT = "left-out: other reasons"
# What is counted beside.
BLOCKS_AGAIN = "block requests repeated"
READ_BACKS = "read-backs (11.2)"
FURTHER_TRIES = "further tries by the plan"


class WaveTimes(msgspec.Struct, frozen=True):
    """When a wave began and its last device was asked for, in seconds; its devices in all."""

    name: str
    begin_s: float
    asked_s: float
    devices: float


class Run:
    """Counts of one run; a device of the sample counts as the devices it stands for."""

    def __init__(self, devices: float) -> None:
        self.devices = devices  # of the campaign
        self.sampled = 0  # followed one by one
        self.outcomes: dict[str, float] = {}
        self.counts = dict.fromkeys((BLOCKS_AGAIN, READ_BACKS, FURTHER_TRIES), 0.0)
        self.deliveries = 0.0  # images that hubs have fetched
        self.updated_s: list[Seconds] = []  # of sampled devices, and
        self.weights: list[Seconds] = []  # how many devices each stands for
        self.ended: dict[Outcome, Seconds] = {}  # devices a bin
        self.at_dcc = np.zeros(BINS)  # messages of hubs and devices a bin
        self.at_suppliers = np.zeros(BINS)  # alerts a bin, to all suppliers
        self.stored = np.zeros(
            BINS
        )  # hubs that begin to hold the image, less those that end, a bin
        self.carried: dict[Region, Seconds] = {}  # octets a bin
        self.waves: list[WaveTimes] = []
        self.halted: str | None = None

    def end(self, how: str, devices: float) -> None:
        """So many devices end in this way."""
        if devices:
            self.outcomes[how] = self.outcomes.get(how, 0.0) + devices

    def add(self, tried: Attempt, is_last: Flags, weight: float) -> None:
        """Count an attempt of devices that stand for `weight` each; outcomes only of the last."""
        alerts = sum(
            _a_bin(instants, weight)
            for instants in (tried.delivered_s, tried.transferred_s, tried.alerted_s)
        )
        self.at_dcc += alerts
        undelivered = (tried.code == CODE[Outcome.NOT_DELIVERED]) & ~np.isfinite(tried.delivered_s)
        self.at_suppliers += alerts + _a_bin(tried.ended_s[undelivered], weight)
        self.stored += _a_bin(tried.delivered_s[tried.stored], weight)
        self.stored -= _a_bin(tried.transferred_s, weight)
        self.deliveries += weight * np.count_nonzero(np.isfinite(tried.delivered_s))
        self.counts[BLOCKS_AGAIN] += weight * float(tried.frames_again.sum())
        self.counts[READ_BACKS] += weight * float(tried.read_backs.sum())
        self.counts[FURTHER_TRIES] += weight * float(np.count_nonzero(~is_last))
        self._add_ends(tried, is_last, weight)

    def _add_ends(self, tried: Attempt, is_last: Flags, weight: float) -> None:
        # Whoever was asked ends: at the latest as silent.
        known = is_last & np.isfinite(tried.asked_s)
        self.end(NOT_ASKED, weight * np.count_nonzero(is_last & ~known))
        for code in np.unique(tried.code[known]):
            ended_s = tried.ended_s[known & (tried.code == code)]
            outcome = OUTCOMES[code]
            self.end(outcome, weight * ended_s.size)
            self.ended[outcome] = self.ended.get(outcome, np.zeros(BINS)) + _a_bin(ended_s, weight)
            if outcome in SUCCESSES:
                self.updated_s.append(ended_s)
                self.weights.append(np.full(ended_s.size, weight))

    @property
    def updated(self) -> float:
        """Devices that have proven the new version."""
        return sum(self.outcomes.get(outcome, 0.0) for outcome in SUCCESSES)

    def curve(self) -> Seconds:
        """Devices that have proven the new version, at the end of each bin."""
        each = [self.ended[outcome] for outcome in SUCCESSES if outcome in self.ended]
        total: Seconds = sum(each, np.zeros(BINS))
        return np.cumsum(total)

    def time_to_s(self, devices: float) -> float:
        """Seconds until so many devices are updated; infinite where they never are."""
        times = np.concatenate([*self.updated_s, np.empty(0)])
        order = np.argsort(times)
        reached = np.cumsum(np.concatenate([*self.weights, np.empty(0)])[order])
        place = int(np.searchsorted(reached, devices * (1 - _ROUNDING)))
        return float(times[order][place]) if place < times.size else np.inf


def _a_bin(instants_s: Seconds, weight: float) -> Seconds:
    """Devices a bin; instants beyond the horizon count nowhere."""
    bins = (instants_s[instants_s < BINS * BIN_S] / BIN_S).astype(np.int64)
    return weight * np.bincount(bins, minlength=BINS).astype(np.float64)


_ROUNDING = 1e-9
