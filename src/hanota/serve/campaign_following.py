"""Campaigns follow their deliveries: in the batch that moves a delivery, its campaign moves too.

Not here: what a delivery means for a device of a campaign (`supplier.campaign.following`).
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from hanota.ledger.campaigns import CampaignBatch
from hanota.rows import Campaign, CampaignAct, Delivery
from hanota.supplier.campaign.conduct import Act, CampaignState
from hanota.supplier.campaign.following import Aim, Followed, concerns, follow
from hanota.supplier.campaign.plan import Plan, decode_plan

# Who acts where no person does.
ITSELF = "hanota"


@lru_cache(maxsize=64)
def plan_of(octets: bytes) -> Plan:
    """The plan of a campaign's row, read once for many batches."""
    return decode_plan(octets)


def follow_deliveries(batch: CampaignBatch, moved: Sequence[Delivery]) -> None:
    """Let the campaigns that asked for these deliveries know how they stand; a `Follower`."""
    concerned = [delivery for delivery in moved if concerns(delivery)]
    if not concerned:
        return
    campaigns = batch.campaigns_of_requests({delivery.request for delivery in concerned})
    for number in sorted(set(campaigns.values())):
        its = [each for each in concerned if campaigns.get(each.request) == number]
        _follow(batch, number, its)


def halt(batch: CampaignBatch, campaign: Campaign, why: str, now_ms: int) -> Campaign:
    """Stop a campaign that runs; a person may resume it."""
    halted = msgspec.structs.replace(
        campaign, state=CampaignState.HALTED, why=why, look_ms=None, proven_since_ms=None
    )
    batch.add_act(CampaignAct(campaign.number, now_ms, ITSELF, Act.HALT, why, None))
    return batch.change_campaign(halted)


def _follow(batch: CampaignBatch, number: int, deliveries: Sequence[Delivery]) -> None:
    campaign = batch.campaign_numbered(number)
    if campaign is None:
        return
    aborted = campaign.state == CampaignState.ABORTED
    aim = Aim(campaign.version, () if aborted else plan_of(campaign.plan).retries)
    devices = batch.campaign_devices(number, {delivery.device_id for delivery in deliveries})
    moves = []
    followed: list[Followed] = []
    for delivery in deliveries:
        device = devices.get(delivery.device_id)
        after = None if device is None else follow(device, delivery, aim)
        if device is not None and after is not None:
            moves.append((device, after.device))
            followed.append(after)
    if not moves:
        return
    batch.move_campaign_devices(moves)
    now_ms = max(delivery.changed_ms for delivery in deliveries)
    ended = Counter((number, str(after.ended)) for after in followed if after.ended is not None)
    batch.count_ended(ended, now_ms)
    refused = next((after.refused for after in followed if after.refused), "")
    if refused and campaign.state == CampaignState.RUNNING:
        halt(batch, campaign, f"the DCC refused a whole request: {refused}", now_ms)
