"""Which image a device runs after power-on.

Two slots; the image that runs is verified every time. A new image runs on trial until it confirms
itself, at most TRIAL_BOOTS_MAX times; then the old one, which nobody has touched, runs again:

    CONFIRMED --activate--> TRIAL --confirm--> CONFIRMED       (the device writes these)
                            TRIAL --too often, or broken--> ROLLED_BACK    (the bootloader this)

Not here: what is told to whom about it (`ppmid`).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from hanota.han.effects import Effects, Record, Restart
from hanota.han.flash import FlashView
from hanota.limits import TRIAL_BOOTS_MAX
from hanota.wire.image import OtaImage

BOOT_KEY = "boot"


class Stage(StrEnum):
    """How sure a device is of the image that it runs."""

    CONFIRMED = "confirmed"
    TRIAL = "trial"  # has never confirmed itself
    ROLLED_BACK = "rolled-back"  # the old image, after a trial failed; not yet reported


class Boot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The bootloader's record."""

    slot: int
    stage: Stage
    boots: int = 0  # of the image on trial
    version: int | None = None  # file version of the image on trial, as it was when verified


class Booted(msgspec.Struct, frozen=True):
    """What power-on came to; no `image`: nothing runs, until a Restart among the effects."""

    effects: Effects
    slot: int = 0
    stage: Stage = Stage.CONFIRMED
    image: OtaImage | None = None


def boot(
    flash: FlashView,
    verify: Callable[[bytes], OtaImage | None],
    starts: Callable[[bytes], bool],
) -> Booted:
    """Choose the image to run.

    Args:
        flash: the slots and the record `boot`; without one the image of slot 0 is confirmed.
        verify: gives the image if it may run on this device.
        starts: whether an image on trial comes up: the world's part, not the device's.
    """
    state = _read(flash.records)
    content = flash.content(state.slot)
    image = verify(content)
    if state.stage is not Stage.TRIAL:
        if image is None:
            return _run_other(flash, verify, state, Stage.CONFIRMED)
        return Booted((), state.slot, state.stage, image)
    if image is None or not _is_what_was_verified(image, state) or _too_often(state):
        return _run_other(flash, verify, state, Stage.ROLLED_BACK)
    counted = Record(written(Boot(state.slot, Stage.TRIAL, state.boots + 1, state.version)))
    if not starts(content):
        return Booted((counted, Restart()))
    return Booted((counted,), state.slot, Stage.TRIAL, image)


def written(state: Boot) -> dict[str, bytes | None]:
    """The value to record for a state."""
    return {BOOT_KEY: _encoder.encode(state)}


def _is_what_was_verified(image: OtaImage, state: Boot) -> bool:
    """Whether the header still says so; the maker's hash covers the image behind it only."""
    return state.version in (None, image.header.file_version)


def _too_often(state: Boot) -> bool:
    return state.boots >= TRIAL_BOOTS_MAX


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Boot)


def _read(records: Mapping[str, bytes]) -> Boot:
    octets = records.get(BOOT_KEY)
    return Boot(0, Stage.CONFIRMED) if octets is None else _decoder.decode(octets)


def _run_other(
    flash: FlashView, verify: Callable[[bytes], OtaImage | None], state: Boot, stage: Stage
) -> Booted:
    slot = 1 - state.slot
    image = verify(flash.content(slot))
    if image is None:
        return Booted(())
    return Booted((Record(written(Boot(slot, stage))),), slot, stage, image)
