"""What becomes of an image between a hub and its device: the frame-level code, as arithmetic.

One array holds one stage of many devices; an infinite instant is one that never comes. Every step
is that of `han.ota_server` and `han.ota_client`: the hub notifies at once and then at intervals, an
awake device asks when it hears that, one asleep at its own interval, one that was off when it is
switched on. A block is asked for every block period; one whose request or answer is lost, again
after the time-out and a pause; and after too many tries in a row the device waits for the hub's
next notification. Upgrade End and the tunnel of the alert have their own patience.

Assumptions of the model beside those of the profile: frames are lost independently; a device does
not fall asleep or go off in a transfer; hubs serve their devices without making them wait for each
other. Block periods shorter than two frames take as long as two frames.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from hanota.impact.profile import Profile, RegionEstate
from hanota.impact.wan import Seconds
from hanota.limits import TUNNEL_CHUNK_OCTETS, TUNNEL_RETRY_S, TUNNEL_RETRY_S_MAX
from hanota.model import Outcome

Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]

# Outcomes as small numbers, for arrays.
OUTCOMES = tuple(Outcome)
CODE = {outcome: np.int8(number) for number, outcome in enumerate(OUTCOMES)}

# A signed CS09 alert has 132 octets: measured in the simulated town.
CS09_CHUNKS = -(-132 // TUNNEL_CHUNK_OCTETS)


class Traits(msgspec.Struct, frozen=True):
    """What chance has given each device, once for the whole campaign."""

    hub_off_s: Seconds  # how long its hub stays off; mostly 0
    hub_full: Flags
    off_s: Seconds  # how long it stays off itself
    asleep: Flags
    other_hardware: Flags
    damaged: Flags
    does_not_start: Flags
    alert_lost: Flags

    def of(self, some: NDArray[np.int64]) -> "Traits":
        """Those of some of the devices."""
        return Traits(*(getattr(self, name)[some] for name in self.__struct_fields__))


class Ends(msgspec.Struct, frozen=True):
    """How the stages of each device went, in seconds of the campaign."""

    transferred_s: Seconds  # the hub's alert CCS08 leaves, whatever its result
    ended_s: Seconds  # the evidence that ends the update is with the DCC
    code: Codes  # of OUTCOMES
    alerted: Flags  # the device itself told the end (CS09)
    frames_again: Seconds  # block requests that had to be repeated


def drawn_traits(
    profile: Profile, region: RegionEstate, count: int, chance: np.random.Generator
) -> Traits:
    """Draw so many devices of a region."""
    hubs, devices = profile.hubs, profile.devices

    def struck(share: float) -> Flags:
        return chance.random(count) < share

    hub_off = struck(region.hubs_off.value)
    off = struck(devices.off.value)
    return Traits(
        hub_off_s=np.where(hub_off, chance.exponential(hubs.off_h.value * 3600, count), 0.0),
        hub_full=chance.poisson(hubs.other_images.value, count) >= hubs.image_slots.value,
        off_s=np.where(off, chance.exponential(devices.off_days.value * 86_400, count), 0.0),
        asleep=struck(devices.asleep.value) & ~off,
        other_hardware=struck(devices.other_hardware.value),
        damaged=struck(devices.images_damaged.value),
        does_not_start=struck(devices.does_not_start.value),
        alert_lost=struck(devices.alerts_lost.value),
    )


def carry_out(
    profile: Profile,
    traits: Traits,
    switched_on_s: Seconds,
    delivered_s: Seconds,
    chance: np.random.Generator,
) -> Ends:
    """Follow devices from the image in their hub (infinite: it never is) to the end.

    `switched_on_s` is when a device that is off is on again.
    """
    asks_s = _asks(profile, traits, switched_on_s, delivered_s, chance)
    since_s = np.zeros(asks_s.size)
    np.subtract(asks_s, delivered_s, out=since_s, where=np.isfinite(delivered_s))
    fetching_s, again = _fetching(profile, traits.asleep, since_s, chance)
    has_s = asks_s + fetching_s
    gives_up_s = delivered_s + profile.hubs.give_up_days.value * 86_400
    mismatch = traits.other_hardware
    told_s, upgrades_s = _upgrade_end(profile, has_s, chance)
    # The hub hears nothing of a device of other hardware but its query.
    told_s = np.where(mismatch, asks_s, told_s)
    given_up = told_s > gives_up_s
    transferred_s = np.minimum(told_s, gives_up_s)
    activates = ~(given_up | mismatch | traits.damaged)
    up_s = profile.hubs.wan_latency_ms.value / 1000
    runs_s = upgrades_s + profile.devices.activation_s.value
    ended_s = np.where(activates, runs_s + _tunnelled(profile, runs_s.size, chance), transferred_s)
    code = np.full(asks_s.size, CODE[Outcome.UPDATED])
    code[traits.does_not_start] = CODE[Outcome.ACTIVATION_FAILED]
    code[traits.damaged] = CODE[Outcome.DISCARDED]
    code[mismatch] = CODE[Outcome.HARDWARE_MISMATCH]
    code[given_up] = CODE[Outcome.TRANSFER_FAILED]
    return Ends(transferred_s, ended_s + up_s, code, activates, np.where(mismatch, 0.0, again))


def _asks(
    profile: Profile,
    traits: Traits,
    switched_on_s: Seconds,
    delivered_s: Seconds,
    chance: np.random.Generator,
) -> Seconds:
    """When the device's query is answered with the image."""
    count = delivered_s.size
    lost = profile.transfer.frames_lost.value
    notify_s = profile.hubs.notify_interval_min.value * 60
    heard_s = (chance.geometric(1 - lost, count) - 1.0) * notify_s
    own_s = chance.random(count) * profile.transfer.query_interval_h.value * 3600
    waits_s = np.where(traits.asleep, own_s, np.minimum(heard_s, own_s))
    asks_s = np.maximum(delivered_s + waits_s, switched_on_s)
    failures = chance.geometric(_cycle_heard(profile), count) - 1.0
    frames_s = 3 * profile.transfer.frame_latency_ms.value / 1000
    answered_s: Seconds = asks_s + failures * _again_s(profile) + frames_s
    return answered_s


def _fetching(
    profile: Profile, asleep: Flags, since_s: Seconds, chance: np.random.Generator
) -> tuple[Seconds, Seconds]:
    """How long the blocks take, and how many of them had to be asked for again.

    `since_s` is how long the hub has had the image when the device begins. The first request is
    told the hub's period, and the last block needs no pause after it: so many periods as blocks.
    """
    transfer = profile.transfer
    blocks = np.ceil(transfer.image_octets.value / transfer.block_size_octets.value)
    two_frames_ms = 2 * transfer.frame_latency_ms.value
    periods_s = np.where(
        asleep,
        max(profile.devices.asleep_block_period_ms.value, two_frames_ms),
        max(transfer.block_period_ms.value, two_frames_ms),
    )
    periods_s /= 1000
    heard = _cycle_heard(profile)
    again = chance.negative_binomial(blocks, heard, asleep.size).astype(np.float64)
    moving_s = blocks * periods_s + two_frames_ms / 1000 + again * _again_s(profile)
    # A run of failures ends with the hub's next notification that is heard.
    in_vain = (1 - heard) ** transfer.block_tries.value
    if not in_vain:
        return moving_s, again
    rests = chance.negative_binomial(blocks, 1 - in_vain, asleep.size)
    unheard = chance.negative_binomial(np.maximum(rests, 1), 1 - transfer.frames_lost.value)
    notify_s = profile.hubs.notify_interval_min.value * 60
    # It comes in step with those before, and the failures somewhere in the transfer.
    failed_s = since_s + moving_s * chance.random(asleep.size)
    to_next = 1 - failed_s / notify_s % 1
    return moving_s + np.where(rests, rests * to_next + unheard, 0.0) * notify_s, again


def _upgrade_end(
    profile: Profile, has_s: Seconds, chance: np.random.Generator
) -> tuple[Seconds, Seconds]:
    """When the hub hears that the image is there, and when the device hears that it may run it."""
    lost = profile.transfer.frames_lost.value
    retry_s = profile.transfer.upgrade_end_retry_min.value * 60
    frame_s = profile.transfer.frame_latency_ms.value / 1000
    told_s = has_s + (chance.geometric(1 - lost, has_s.size) - 1.0) * retry_s + frame_s
    unheard = chance.random(has_s.size) < lost
    cycles = np.where(unheard, chance.geometric(_cycle_heard(profile), has_s.size), 0)
    return told_s, told_s + cycles * retry_s + frame_s


def _tunnelled(profile: Profile, count: int, chance: np.random.Generator) -> Seconds:
    """How long the alert takes to the hub: all chunks again and again, after doubling pauses."""
    heard = 1 - profile.transfer.frames_lost.value
    tries = chance.geometric(heard, (CS09_CHUNKS, count)).max(axis=0)
    # 10 s, 30 s, 70 s... after the first try, until a pause is as long as it may be.
    doublings = np.minimum(tries - 1.0, np.log2(TUNNEL_RETRY_S_MAX / TUNNEL_RETRY_S))
    pauses_s: Seconds = TUNNEL_RETRY_S * (2.0**doublings - 1)
    return pauses_s + profile.transfer.frame_latency_ms.value / 1000


def _cycle_heard(profile: Profile) -> float:
    """The probability that both a request and its answer arrive."""
    return (1 - profile.transfer.frames_lost.value) ** 2


def _again_s(profile: Profile) -> float:
    """From a request in vain to the next."""
    transfer = profile.transfer
    return (transfer.response_timeout_ms.value + transfer.retry_pause_ms.value) / 1000
