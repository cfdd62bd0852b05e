"""An estate as an impact assessment sees it: every number that matters, each with its source.

A profile is written as TOML or JSON. What it leaves out has the value of `hanota settings`. Shares
are 0 to 1; every other field's name ends with its unit. The home is the unit of chance: a home has
a hub and, on average, `ppmids_per_home` devices that the campaign is for.

Not here: drawing from the ranges (`drawing`), the profiles that come with hanota (`shipped`).
"""

import tomllib
from collections.abc import Iterator
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec

from hanota import limits
from hanota.errors import FileError
from hanota.impact.figure import Amount, Extent, Figure, Number, Share, Text
from hanota.model import Region

# Names from the profile down to one figure, as in ("regions", "North", "share").
Path: TypeAlias = tuple[str, ...]


_Kind = TypeVar("_Kind", bound=Figure)


def _setting(kind: type[_Kind], name: str) -> _Kind:
    value = getattr(limits, name)
    return kind(value=value, source=f"assumed: hanota settings, {name.lower()}")


def _amount(name: str) -> Amount:
    return msgspec.field(default_factory=partial(_setting, Amount, name))


def _extent(name: str) -> Extent:
    return msgspec.field(default_factory=partial(_setting, Extent, name))


def _number(name: str) -> Number:
    return msgspec.field(default_factory=partial(_setting, Number, name))


class Estate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who there is, and whom the DCC leaves out."""

    homes: Number
    ppmids_per_home: Amount
    left_out: Share  # for other reasons than the hub: not commissioned, other hardware, supplier


class RegionEstate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One region and its WAN."""

    share: Share  # of the homes
    technology: Text
    hubs_not_updated: Share  # without SECMP0007 firmware: the DCC leaves their devices out
    hubs_off: Share  # cannot be reached when the image comes
    hub_octets_per_s: Amount  # to one hub
    allowance_octets_per_h: Amount  # for all images to the hubs of the region
    hubs_per_transmission: Number  # 1: each hub gets the image by itself


class Hubs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What hubs do, and how the WAN treats them."""

    off_h: Amount  # mean, until one that is off is back
    wan_give_up_days: Amount  # a hub that cannot be reached so long: N61
    octets_repeated: Extent  # per octet of an image
    other_images: Extent  # mean number that a hub holds for other devices
    image_slots: Number = _number("HUB_IMAGE_SLOTS")
    give_up_days: Amount = _amount("HUB_GIVE_UP_DAYS")
    notify_interval_min: Amount = _amount("NOTIFY_INTERVAL_MIN")
    wan_latency_ms: Extent = _extent("WAN_LATENCY_MS")


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The image, and how it gets from hub to device."""

    image_octets: Number
    frames_lost: Share  # per frame and way
    block_size_octets: Number = _number("BLOCK_SIZE_OCTETS")
    block_period_ms: Amount = _amount("BLOCK_PERIOD_MS")
    query_interval_h: Amount = _amount("QUERY_INTERVAL_H")
    response_timeout_ms: Extent = _extent("RESPONSE_TIMEOUT_MS")
    retry_pause_ms: Extent = _extent("RETRY_PAUSE_MS")
    block_tries: Number = _number("BLOCK_TRIES_MAX")
    upgrade_end_retry_min: Extent = _extent("UPGRADE_END_RETRY_MIN")
    frame_latency_ms: Extent = _extent("FRAME_LATENCY_MS")


class Devices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What devices are like."""

    off: Share
    off_days: Amount  # mean, until one that is off is switched on
    asleep: Share  # hear no Image Notify, and ask by themselves
    asleep_block_period_ms: Amount
    activation_s: Extent  # from the hub's word to the new image running
    other_hardware: Share  # than the inventory says
    images_damaged: Share
    does_not_start: Share
    alerts_lost: Share  # CS09 that no one will ever hear


class Tracking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The DCC, and the supplier who waits for proof."""

    largest_supplier: Share  # of the devices
    read_backs_answered: Share  # 11.2 to a device that runs
    dcc_latency_ms: Extent
    silence_deadline_days: Amount = _amount("SILENCE_DEADLINE_DAYS")
    read_back_tries: Extent = _extent("READ_BACK_TRIES")
    read_back_period_h: Amount = _amount("READ_BACK_PERIOD_H")


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the WAN costs, for whoever knows."""

    currency: Text
    per_gigaoctet: Extent


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole profile; `about` is one sentence for the head of the page."""

    name: Text
    about: Text
    estate: Estate
    regions: dict[Region, RegionEstate]
    hubs: Hubs
    transfer: Transfer
    devices: Devices
    tracking: Tracking
    cost: Cost | None = None


def decode_profile(octets: bytes, name: str) -> Profile:
    """Read a profile, JSON if it begins with a brace and else TOML; `name` is the file's.

    FileError names the field that is missing, malformed or impossible.
    """
    if len(octets) > limits.IMPACT_FILE_OCTETS_MAX:
        raise FileError(f"{name} has more than {limits.IMPACT_FILE_OCTETS_MAX} octets")
    try:
        tables = read_tables(octets)
        profile = msgspec.convert(tables, Profile)
    except (ValueError, RecursionError) as error:
        raise FileError(f"the profile {name} cannot be taken: {error}") from error
    for objection in _objections(profile):
        raise FileError(f"the profile {name} is impossible: {objection}")
    return profile


def read_tables(octets: bytes) -> object:
    """What a TOML or JSON file holds; ValueError where it is neither."""
    text = octets.decode()
    return msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)


def figures(part: object, path: Path = ()) -> Iterator[tuple[Path, Figure]]:
    """Every figure of a profile, or a part of one, with its path."""
    match part:
        case Figure():
            yield path, part
        case msgspec.Struct():
            for name in part.__struct_fields__:
                yield from figures(getattr(part, name), (*path, name))
        case dict():
            for key, each in part.items():
                yield from figures(each, (*path, str(key)))


def _objections(profile: Profile) -> Iterator[str]:
    """What no single field is to blame for."""
    most = limits.HUB_TRANSFERS_MAX
    per_home = profile.estate.ppmids_per_home
    if per_home.bounds[1] > most:
        yield (
            f"estate.ppmids_per_home {per_home.bounds[1]:g} is more devices than homes can have: "
            f"a hub serves {most} at a time"
        )
    if not profile.regions:
        yield "regions: there has to be one"
    total = sum(region.share.value for region in profile.regions.values())
    if abs(total - 1) > _SHARES_OFF_MAX:
        yield f"regions: the shares sum to {total:g}, not to 1"
    if profile.transfer.image_octets.bounds[1] > limits.IMAGE_OCTETS_MAX:
        yield f"transfer.image_octets: an image has at most {limits.IMAGE_OCTETS_MAX} octets"
    if profile.transfer.frames_lost.bounds[1] > _FRAMES_LOST_MAX:
        yield f"transfer.frames_lost: above {_FRAMES_LOST_MAX:g} no transfer would ever end"
    for field, figure in (("tracking.read_back_tries", profile.tracking.read_back_tries),):
        if figure.value % 1:
            yield f"{field}: {figure.value:g} is no whole number"


_SHARES_OFF_MAX = 1e-6
_FRAMES_LOST_MAX = 0.5
