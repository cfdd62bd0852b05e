"""Rows of the tables of releases and campaigns as values, and back; as `columns`."""

import msgspec

from hanota.ledger.columns import Row, signed, unsigned
from hanota.model import DeviceType, Region
from hanota.rows import Campaign, CampaignAct, CampaignDevice, Release

_TYPES = {word.value: word for word in DeviceType}
_REGIONS = {word.value: word for word in Region}
_BOUNDS = Campaign.__struct_fields__.index("wave_bounds")
_numbers = msgspec.json.Decoder(tuple[int, ...])


def release_row(release: Release) -> Row:
    """The parameters of `put_release`."""
    values = msgspec.structs.astuple(release)
    return (*values[:3], release.type.value, *values[4:])


def release(row: Row) -> Release:
    """A row of `releases`."""
    name, sha256, image_hash, kind, *others = row
    return Release(name, sha256, image_hash, _TYPES[kind], *others)


def new_campaign_row(campaign: Campaign) -> Row:
    """The parameters of `add_campaign`: all but the number."""
    return (
        campaign.name,
        campaign.author,
        campaign.plan,
        str(campaign.state),
        campaign.why,
        campaign.revision,
        campaign.digest,
        campaign.version,
        campaign.wave,
        _numbers_text(campaign.wave_bounds),
        campaign.proven_since_ms,
        campaign.counted_from_ms,
        campaign.look_ms,
        campaign.joined_ms,
    )


def changed_campaign_row(campaign: Campaign) -> Row:
    """The parameters of `change_campaign`."""
    return (
        campaign.author,
        campaign.plan,
        str(campaign.state),
        campaign.why,
        campaign.digest,
        campaign.version,
        campaign.wave,
        _numbers_text(campaign.wave_bounds),
        campaign.proven_since_ms,
        campaign.counted_from_ms,
        campaign.look_ms,
        campaign.joined_ms,
        campaign.number,
        campaign.revision,
    )


def campaign(row: Row) -> Campaign:
    """A row of `campaigns`."""
    values = list(row)
    values[_BOUNDS] = _numbers.decode(values[_BOUNDS])
    return Campaign(*values)


def act_row(act: CampaignAct) -> Row:
    """The parameters of `add_act`."""
    return (act.campaign, act.at_ms, act.actor, str(act.act), act.why, act.digest)


def act(row: Row) -> CampaignAct:
    """A row of `acts`."""
    return CampaignAct(*row)


def campaign_device_row(device: CampaignDevice) -> Row:
    """The parameters of `put_campaign_device`."""
    return (
        signed(device.device_id),
        device.campaign,
        device.wave,
        device.region.value,
        str(device.state),
        str(device.reason),
        device.request,
        device.tries,
        device.next_try_ms,
    )


def campaign_device(row: Row) -> CampaignDevice:
    """A row of `campaign_devices`."""
    device_id, number, wave, region, *others = row
    return CampaignDevice(unsigned(device_id), number, wave, _REGIONS[region], *others)


def _numbers_text(numbers: tuple[int, ...]) -> str:
    return msgspec.json.encode(numbers).decode()
