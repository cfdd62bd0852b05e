"""What a device of a campaign becomes when its delivery moves: every pair of the two."""

from itertools import product

import msgspec
import pytest

from hanota.limits import HOUR_MS, IN_PROGRESS_REST_H, IN_PROGRESS_TRIES_MAX
from hanota.model import LeftOut, Milestone, Outcome, Region
from hanota.rows import CampaignDevice, Delivery
from hanota.supplier.campaign.following import (
    UNDER_WAY,
    Aim,
    DeviceState,
    concerns,
    follow,
    in_progress,
    rested,
)
from hanota.supplier.campaign.plan import FAILURES, SUCCESSES, Retry

NOW_MS = 1_800_000_000_000
DEVICE = CampaignDevice(4, 1, 0, Region.NORTH, DeviceState.ASKED, "", 7, 1, None)
DELIVERY = Delivery(4, 7, 2, 0x20000, Milestone.ACCEPTED, "", True, None, NOW_MS)
AIM = Aim("00020000", ())
RETRIES = Aim("00020000", (Retry(frozenset({Outcome.SILENT, Outcome.DISCARDED}), 2, HOUR_MS),))


def after(state, device=DEVICE, aim=AIM, **fields):
    delivery = msgspec.structs.replace(DELIVERY, state=str(state), **fields)
    return follow(device, delivery, aim)


def at(state, **fields):
    return msgspec.structs.replace(DEVICE, state=str(state), **fields)


STATES = [*DeviceState, *Outcome]


@pytest.mark.parametrize(("state", "said"), list(product(STATES, [*Milestone, *Outcome])))
def test_every_state_with_everything_that_a_delivery_can_become(state, said):
    found = after(said, at(state))
    if found is None:
        is_there = (state, said) == (DeviceState.ACTIVATING, Milestone.ACTIVATION_ACCEPTED)
        delivery = msgspec.structs.replace(DELIVERY, state=str(said))
        assert is_there or state == said or not concerns(delivery)
        return
    assert found.device.state in STATES
    assert found.device.state != DeviceState.HELD_OUT
    counted = found.ended is not None
    assert counted == (state in UNDER_WAY - {"resting"} and said in list(Outcome))
    assert found.device.tries == DEVICE.tries


@pytest.mark.parametrize("said", [*Milestone, *Outcome])
def test_a_delivery_that_it_was_not_last_asked_in_moves_nothing(said):
    assert after(said, request=8) is None


@pytest.mark.parametrize("outcome", sorted(FAILURES))
def test_a_failure_ends_it_without_a_retry(outcome):
    found = after(outcome)
    assert (found.device, found.ended) == (at(outcome), outcome)


def test_a_failure_rests_before_the_next_try_until_there_is_none():
    for tries, pause in ((1, 1), (2, 2)):
        found = after(Outcome.SILENT, at(DeviceState.ASKED, tries=tries), RETRIES)
        assert found.device == at(
            DeviceState.RESTING,
            reason="silent",
            tries=tries,
            next_try_ms=NOW_MS + pause * HOUR_MS,
        )
        assert found.ended is Outcome.SILENT
    assert after(Outcome.SILENT, at(DeviceState.ASKED, tries=3), RETRIES).device.state == "silent"
    assert after(Outcome.TRANSFER_FAILED, aim=RETRIES).device.state == "transfer-failed"


def test_proof_that_comes_late_ends_the_rest_and_is_not_counted_twice():
    resting = at(DeviceState.RESTING, reason="silent", next_try_ms=NOW_MS + HOUR_MS)
    found = after(Outcome.UPDATED_LATE, resting, RETRIES)
    assert (found.device, found.ended) == (at(Outcome.UPDATED_LATE), None)
    found = after(Outcome.DISCARDED, resting, RETRIES)
    assert found.device == msgspec.structs.replace(resting, reason="discarded")
    assert after(Outcome.UPDATED_LATE, at(Outcome.SILENT)).ended is None


@pytest.mark.parametrize("outcome", sorted(SUCCESSES))
def test_a_step_on_the_way_makes_it_wait_for_the_next(outcome):
    found = after(outcome, at(DeviceState.ASKED, tries=2), version=0x10000)
    assert (found.device, found.ended) == (at(DeviceState.WAITING, tries=0), outcome)


def test_the_second_method():
    assert after(Milestone.DISTRIBUTED).device == at(DeviceState.DISTRIBUTED)
    activating = at(DeviceState.ACTIVATING)
    refused = after(Milestone.DISTRIBUTED, activating, reason="E110302")
    assert refused.device == at(Outcome.ACTIVATION_FAILED, reason="E110302")
    assert refused.ended is Outcome.ACTIVATION_FAILED
    assert after(Milestone.ACTIVATION_ACCEPTED, activating) is None
    assert after(Milestone.ACTIVATION_ACCEPTED, at(Outcome.SILENT)).device == activating


def test_a_request_that_was_refused_as_a_whole_was_no_try():
    found = after(Outcome.LEFT_OUT, reason="E110402")
    assert found.device == at(DeviceState.WAITING, tries=0)
    assert (found.ended, found.refused) == (None, "E110402")


def test_a_device_that_is_left_out():
    found = after(Outcome.LEFT_OUT, reason=LeftOut.HUB_TOO_OLD)
    assert found.device == at(Outcome.LEFT_OUT, reason="hub-too-old")
    later_ms = NOW_MS + IN_PROGRESS_REST_H * HOUR_MS
    resting = at(DeviceState.RESTING, reason="in-progress", next_try_ms=later_ms)
    assert after(Outcome.LEFT_OUT, reason=LeftOut.IN_PROGRESS).device == resting
    assert in_progress(DEVICE, NOW_MS) == resting
    assert rested(resting) == at(DeviceState.WAITING, reason="in-progress")
    often = at(DeviceState.ASKED, tries=IN_PROGRESS_TRIES_MAX)
    assert after(Outcome.LEFT_OUT, often, reason=LeftOut.IN_PROGRESS).device.state == "left-out"
