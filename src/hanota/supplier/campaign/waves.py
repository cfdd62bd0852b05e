"""Which wave a device belongs to, and which devices are held out: drawn by a salted hash.

A device's rank depends on the salt and its id only. So a draw is repeatable, two campaigns with
other salts draw other devices, and a device that joins late has its place as if it had been there.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from hanota.supplier.campaign.plan import Plan, Wave

RANKS = 2**63
HELD_OUT = -1


def rank(salt: str, device_id: int) -> int:
    """The place of a device in the draw, 0 to RANKS - 1, evenly spread."""
    digest = blake2b(device_id.to_bytes(8, "big"), digest_size=8, key=_key(salt)).digest()
    return int.from_bytes(digest, "big") >> 1


def bounds(waves: Sequence[Wave], cohort_devices: int) -> tuple[int, ...]:
    """The rank below which each wave's devices are, in the order of the waves.

    A bound in devices becomes a share of the cohort as it is when the campaign starts: a wave of
    100 devices has about 100.
    """
    return tuple(_bound(wave, cohort_devices) for wave in waves)


def wave_of(plan: Plan, wave_bounds: Sequence[int], device_id: int) -> int:
    """The number of the wave that a device belongs to, or HELD_OUT."""
    held_out = plan.hold_out_percent * RANKS / 100
    if held_out and rank(f"{plan.salt}/hold-out", device_id) < held_out:
        return HELD_OUT
    its_rank = rank(plan.salt, device_id)
    return next(number for number, bound in enumerate(wave_bounds) if its_rank < bound)


def _bound(wave: Wave, cohort_devices: int) -> int:
    share = wave.upto_percent / 100
    if wave.upto_devices is not None and cohort_devices:
        share = min(share, wave.upto_devices / cohort_devices)
    return RANKS if share >= 1 else int(share * RANKS)


@lru_cache(maxsize=16)
def _key(salt: str) -> bytes:
    return blake2b(salt.encode(), digest_size=32).digest()
