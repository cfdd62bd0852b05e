"""One attempt for many devices of one region: from the request to what the supplier knows.

Request, DCC, WAN, hub, device and back; then silence, and the read-backs that answer it. A device
whose proof comes after the supplier has given it up counts as updated late, as everywhere.
"""

import msgspec
import numpy as np

from hanota.impact.home import CODE, Codes, Flags, Traits, carry_out
from hanota.impact.profile import Profile, RegionEstate
from hanota.impact.wan import RegionWan, Seconds
from hanota.model import Outcome


class Attempt(msgspec.Struct, frozen=True):
    """How it went, in seconds of the campaign; infinite instants never come."""

    asked_s: Seconds
    delivered_s: Seconds  # the hub has the image
    stored: Flags  # and keeps it; one that has no room has only fetched it
    transferred_s: Seconds  # the hub's CCS08 leaves
    alerted_s: Seconds  # the device's CS09 is with the DCC
    ended_s: Seconds  # the supplier knows the outcome
    code: Codes
    read_backs: Seconds  # 11.2 that were sent
    frames_again: Seconds


def attempt(
    profile: Profile,
    region: RegionEstate,
    traits: Traits,
    *,
    first_asked_s: Seconds,
    asked_s: Seconds,
    wan: RegionWan,
    weight: float,
    chance: np.random.Generator,
) -> Attempt:
    """Ask for devices, each of which stands for `weight` of them, at these instants.

    `first_asked_s` is when they were asked for the first time: a device that was off then comes
    back at its own time, however often it is asked.
    """
    hubs = profile.hubs
    latency_s = (hubs.wan_latency_ms.value + profile.tracking.dcc_latency_ms.value) / 1000
    reached_s = np.maximum(asked_s + latency_s, first_asked_s + traits.hub_off_s)
    given_up_s = asked_s + hubs.wan_give_up_days.value * 86_400
    unreached = reached_s > given_up_s
    octets = image_octets_on_wan(profile, region)
    begun_s, done_s = wan.carry(np.where(unreached, np.inf, reached_s), octets * weight)
    delivered_s = np.maximum(
        done_s, begun_s + profile.transfer.image_octets.value / region.hub_octets_per_s.value
    )
    stored = ~traits.hub_full & np.isfinite(delivered_s)
    in_home_s = np.where(stored, delivered_s, np.inf)
    ends = carry_out(profile, traits, first_asked_s + traits.off_s, in_home_s, chance)
    up_s = hubs.wan_latency_ms.value / 1000
    undelivered_s = np.where(unreached, given_up_s, delivered_s + up_s)
    code = np.where(stored, ends.code, CODE[Outcome.NOT_DELIVERED])
    ended_s = np.where(stored, ends.ended_s, undelivered_s)
    ended_s = np.where(np.isfinite(asked_s), ended_s, np.inf)
    alerts = stored & ends.alerted
    alerts &= ~traits.alert_lost
    heard_s = np.where(stored & ends.alerted & traits.alert_lost, np.inf, ended_s)
    known_s, known, read_backs = _after_silence(
        profile, asked_s, code, happened_s=ended_s, heard_s=heard_s, chance=chance
    )
    return Attempt(
        asked_s=asked_s,
        delivered_s=delivered_s,
        stored=stored,
        transferred_s=np.where(stored, ends.transferred_s, np.inf),
        alerted_s=np.where(alerts, ends.ended_s, np.inf),
        ended_s=known_s,
        code=known,
        read_backs=read_backs,
        frames_again=np.where(stored & np.isfinite(ends.transferred_s), ends.frames_again, 0.0),
    )


def image_octets_on_wan(profile: Profile, region: RegionEstate) -> float:
    """Octets of the allowance that one hub's image takes."""
    octets = profile.transfer.image_octets.value * (1 + profile.hubs.octets_repeated.value)
    return octets / region.hubs_per_transmission.value


def _after_silence(
    profile: Profile,
    asked_s: Seconds,
    code: Codes,
    *,
    happened_s: Seconds,
    heard_s: Seconds,
    chance: np.random.Generator,
) -> tuple[Seconds, Codes, Seconds]:
    """When the supplier knows what of each device, and after how many read-backs.

    `happened_s` is when the device ended as `code` says, `heard_s` when the supplier hears of that
    without asking.
    """
    tracking = profile.tracking
    period_s = tracking.read_back_period_h.value * 3600
    deadline_s = asked_s + tracking.silence_deadline_days.value * 86_400
    given_up_s = deadline_s + tracking.read_back_tries.value * period_s
    answered = max(tracking.read_backs_answered.value, np.finfo(float).tiny)
    answers = chance.geometric(answered, code.size).astype(np.float64)
    # Only a device that runs the new version has something new to say when it is asked.
    proves = (code == CODE[Outcome.UPDATED]) & (happened_s <= deadline_s)
    asks = np.isfinite(asked_s) & (heard_s > deadline_s)
    waits_s = np.zeros(code.size)
    np.subtract(np.minimum(heard_s, given_up_s), deadline_s, out=waits_s, where=asks)
    tries = np.ceil(waits_s / period_s)
    proven_s = deadline_s + (answers - 1) * period_s
    proven = asks & proves & (answers <= tracking.read_back_tries.value)
    silent = asks & ~proven & ~np.isfinite(heard_s)
    late = asks & ~proven & (heard_s > given_up_s) & ~silent
    known_s = np.where(proven, np.minimum(proven_s, heard_s), heard_s)
    known_s = np.where(silent, given_up_s, known_s)
    known = code.copy()
    known[silent] = CODE[Outcome.SILENT]
    known[late & (code == CODE[Outcome.UPDATED])] = CODE[Outcome.UPDATED_LATE]
    return known_s, known, np.where(proven, np.minimum(answers, tries + 1), tries)
