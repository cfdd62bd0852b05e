"""Campaigns over a town in the whole chain: proof, halts, pauses, retries, both methods, cuts."""

import msgspec
import pytest
from tests.sim.a_campaign import PLAN, ACampaign
from tests.sim.a_town import table

from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.model import Outcome
from hanota.sim.town import EXPECTED, Fate
from hanota.supplier.campaign.conduct import AskFor, CampaignState, NextWave
from hanota.supplier.campaign.plan import Activation, Halt, Pacing, Promotion, Retry, Wave


def fates(campaign, kind="ppmid"):
    return {
        device.device_id: home.ppmid_fate if kind == "ppmid" else home.hcalcs_fate
        for home in campaign.world.town
        for device in home.devices
        if device.type.lower() == kind
    }


def is_as_expected(campaign, kind="ppmid"):
    expected = fates(campaign, kind)
    for device in campaign.devices():
        outcome, reason = EXPECTED[expected[device.device_id]]
        assert (device.state, device.reason) == (outcome, reason), expected[device.device_id]
    return len(campaign.devices()) == len(expected)


LENIENT = Wave("canary", 30.0, None, Promotion(1.0, 1, HOUR_MS))


@pytest.fixture(scope="module")
def finished():
    return ACampaign().begins(halts=(), waves=(LENIENT, PLAN.waves[1])).runs()


def test_a_campaign_ends_with_every_device_accounted_for(finished):
    assert finished.row().state == CampaignState.FINISHED
    assert is_as_expected(finished)
    assert finished.ledger.verify() == []
    assert finished.acts() == ["create", "approve", "start", "wave", "finish"]


def test_the_canary_comes_first_and_the_rest_after_its_proof(finished):
    moves = [
        step.move for step in finished.steps if step.devices or isinstance(step.move, NextWave)
    ]
    kinds = [type(move) for move in moves]
    assert kinds[0] is AskFor
    assert NextWave in kinds
    assert kinds.index(NextWave) > 0
    assert all(move.wave == 0 for move in moves[: kinds.index(NextWave)])


def test_no_device_was_asked_twice(finished):
    assert set(finished.requests("11.4").values()) == {1}


def test_who_cannot_be_updated_is_never_asked(finished):
    left_out = {d.device_id for d in finished.devices() if d.state == Outcome.LEFT_OUT}
    assert left_out
    assert not left_out & set(finished.requests("11.4"))


def test_a_process_that_ends_between_any_two_steps_changes_nothing(finished):
    again = ACampaign().begins(halts=(), waves=(LENIENT, PLAN.waves[1])).runs(restarting=True)
    assert [msgspec.structs.astuple(d) for d in again.devices()] == [
        msgspec.structs.astuple(d) for d in finished.devices()
    ]
    assert set(again.requests("11.4").values()) == {1}


class PowerCutError(Exception):
    """The process ends here."""


def test_a_step_that_is_cut_off_anywhere_leaves_nothing_and_is_taken_again(monkeypatch):
    campaign = ACampaign(homes=4).begins(waves=(Wave("all", 100.0),))
    database = type(campaign.ledger._database)
    change_each = database.change_each
    before = everything(campaign)
    for last in range(100):
        done = []

        def cut(self, *arguments, last=last, done=done):
            if len(done) == last:
                raise PowerCutError
            done.append(arguments)
            return change_each(self, *arguments)

        monkeypatch.setattr(database, "change_each", cut)
        try:
            campaign.conductor.advance(campaign.now_ms)
            break
        except PowerCutError:
            monkeypatch.undo()
            campaign.restart()
            assert everything(campaign) == before
    monkeypatch.undo()
    assert last > 5
    assert "asked" in {device.state for device in campaign.devices()}
    assert campaign.ledger.verify() == []


def everything(campaign):
    tables = ("campaign", "campaign_device", "campaign_count", "delivery", "outbox", "counter")
    return [table(campaign.ledger, name) for name in tables]


def test_a_halt_bites_before_the_next_batch_and_a_person_lets_it_go_on():
    campaign = ACampaign(homes=20).begins(
        waves=(Wave("all", 100.0),),
        halts=(Halt(1.0, 1, 1, 30 * DAY_MS),),
        pacing=Pacing(devices_per_request=3),
    )
    campaign.runs(until=lambda: campaign.row().state == CampaignState.HALTED)
    assert campaign.row().state == CampaignState.HALTED
    assert "the plan halts at 1%" in campaign.row().why
    asked = campaign.requests("11.4")
    for _ in campaign.world.chain.run(lambda: False, until_ms=campaign.now_ms + HOUR_MS):
        campaign.advance()
    assert campaign.requests("11.4") == asked
    with pytest.raises(LocalError, match="say why"):
        campaign.campaigns.resume("spring", by="ann", why=" ", now_ms=campaign.now_ms)
    campaign.campaigns.resume("spring", by="ann", why="known", now_ms=campaign.now_ms)
    assert campaign.row().state == CampaignState.RUNNING
    assert campaign.ledger.verify() == []


def test_a_pause_is_effective_before_the_next_batch():
    campaign = ACampaign().begins(waves=(Wave("all", 100.0),), pacing=Pacing(devices_per_request=2))
    campaign.conductor.advance(campaign.now_ms)
    asked = campaign.requests("11.4")
    assert sum(asked.values()) > 0
    campaign.campaigns.pause("spring", by="ann", why="stop", now_ms=campaign.now_ms)
    campaign.advance()
    assert campaign.requests("11.4") == asked
    campaign.campaigns.resume("spring", by="ann", why="go", now_ms=campaign.now_ms)
    campaign.advance()
    assert sum(campaign.requests("11.4").values()) > sum(asked.values())


def test_a_pause_between_look_and_step_wins():
    campaign = ACampaign().begins()
    conductor = campaign.conductor
    numbers = [campaign.row().number]
    campaign.campaigns.pause("spring", by="ann", now_ms=campaign.now_ms)
    assert [conductor._step(number, campaign.now_ms) for number in numbers] == [None]


def test_failures_are_tried_again_as_often_as_the_plan_says():
    retry = Retry(frozenset({Outcome.DISCARDED}), 2, HOUR_MS)
    campaign = ACampaign().begins(halts=(), waves=(Wave("all", 100.0),), retries=(retry,)).runs()
    assert campaign.row().state == CampaignState.FINISHED
    corrupted = {d for d, fate in fates(campaign).items() if fate is Fate.CORRUPTED_IMAGE}
    asked = campaign.requests("11.4")
    assert {asked[device_id] for device_id in corrupted} <= {2, 3}
    assert all(n == 1 for device_id, n in asked.items() if device_id not in corrupted)
    assert campaign.ledger.verify() == []


def test_the_second_method_distributes_and_then_activates():
    campaign = ACampaign(homes=40).begins(
        name="loads",
        release="hcalcs-2",
        cohort="type:HCALCS",
        halts=(),
        waves=(Wave("all", 100.0),),
    )
    campaign.runs()
    assert campaign.row().state == CampaignState.FINISHED
    states = {device.device_id: device.state for device in campaign.devices()}
    for device_id, fate in fates(campaign, "hcalcs").items():
        if fate is Fate.SOUND:
            assert states[device_id] == Outcome.UPDATED
            assert (
                campaign.world.runs(device_id)
                == campaign.world.images["HCALCS"].header.file_version
            )
    assert Outcome.VERIFICATION_FAILED in states.values()
    assert set(campaign.requests("11.1").values()) == {1}
    assert campaign.ledger.verify() == []


def test_an_abort_cancels_activations_that_are_still_to_come():
    campaign = ACampaign(homes=8)
    execution_ms = campaign.now_ms // 1000 * 1000 + 20 * DAY_MS
    campaign.begins(
        name="loads",
        release="hcalcs-2",
        cohort="type:HCALCS",
        halts=(),
        waves=(Wave("all", 100.0),),
        activation=Activation.AT_TIME,
        execution_ms=execution_ms,
    )
    campaign.runs(days=2, until=lambda: ("activating", "") in campaign.counts())
    campaign.runs(days=0.2)
    waiting = [d for d in campaign.devices() if d.state == "activating"]
    assert waiting
    campaign.campaigns.abort("loads", by="bob", why="wrong image", now_ms=campaign.now_ms)
    campaign.advance()
    for _ in campaign.world.chain.run(lambda: False, until_ms=campaign.now_ms + DAY_MS):
        campaign.advance()
    states = {d.device_id: d.state for d in campaign.devices()}
    assert {states[d.device_id] for d in waiting} == {Outcome.CANCELLED}
    assert campaign.ledger.verify() == []


def test_a_release_that_is_withdrawn_stops_the_campaign():
    campaign = ACampaign().begins()
    campaign.releases.withdraw("ppmid-2", now_ms=campaign.now_ms)
    campaign.advance()
    assert campaign.row().state == CampaignState.HALTED
    assert campaign.row().why == "the release 'ppmid-2' is withdrawn"
    assert not campaign.requests("11.4")


def test_proven_devices_are_read_back_before_the_next_wave():
    canary = Wave("canary", 50.0, None, Promotion(1.0, 1, HOUR_MS, read_back=2))
    campaign = ACampaign().begins(halts=(), waves=(canary, Wave("all", 100.0))).runs()
    assert campaign.row().state == CampaignState.FINISHED
    number = campaign.row().number
    with campaign.ledger.view() as view:
        found = view.read_backs(number, 0)
    assert [(state, runs) for _, state, runs in found] == [("answered", campaign.row().version)] * 2


def test_pacing_holds_in_the_chain():
    campaign = ACampaign().begins(
        halts=(), waves=(Wave("all", 100.0),), pacing=Pacing(devices_per_hour=12)
    )
    campaign.advance()
    assert sum(campaign.requests("11.4").values()) <= 1
    assert campaign.row().why == "its pacing is used up"
    assert campaign.row().look_ms == campaign.now_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS
