"""How the devices of a campaign, or of one wave, stand: counts, never a list of devices."""

from collections.abc import Iterable, Mapping

import msgspec

from hanota.model import Outcome
from hanota.supplier.campaign.following import UNDER_WAY, DeviceState
from hanota.supplier.campaign.plan import FAILURES, SUCCESSES


class Tally(msgspec.Struct, frozen=True):
    """Devices by how they stand. Those left out, cancelled or superseded were not tried."""

    waiting: int = 0  # in the cohort, not asked for yet
    under_way: int = 0
    proven: int = 0
    failed: int = 0
    left_out: int = 0
    ended_otherwise: int = 0  # cancelled, superseded

    @property
    def tried(self) -> int:
        """Devices that count when a share is taken; one that is under way is no success."""
        return self.under_way + self.proven + self.failed

    @property
    def ended(self) -> int:
        """Devices of which the result is known."""
        return self.proven + self.failed


def tally(counts: Mapping[str, int]) -> Tally:
    """Sum counts by state (a DeviceState or an Outcome) up; what is held out counts nowhere."""
    return Tally(
        waiting=_sum(counts, (DeviceState.WAITING,)),
        under_way=_sum(counts, UNDER_WAY),
        proven=_sum(counts, SUCCESSES),
        failed=_sum(counts, FAILURES),
        left_out=_sum(counts, (Outcome.LEFT_OUT,)),
        ended_otherwise=_sum(counts, (Outcome.CANCELLED, Outcome.SUPERSEDED)),
    )


def _sum(counts: Mapping[str, int], states: Iterable[str]) -> int:
    return sum(counts.get(state, 0) for state in states)
