"""Campaigns over a town in the whole chain: proof, halts, pauses, retries, both methods, cuts."""

import msgspec
import pytest
from tests.sim.a_campaign import PLAN, ACampaign
from tests.sim.a_town import table

from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.model import DeviceType, Outcome
from hanota.sim.town import EXPECTED, Fate
from hanota.sim.town_images import factory_image, product_entry, seeded_image
from hanota.supplier.campaign.conduct import AskFor, CampaignState, NextWave
from hanota.supplier.campaign.plan import Activation, Blackout, Halt, Pacing, Promotion, Retry, Wave
from hanota.wire.image import encode_image


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


def test_a_request_that_the_dcc_refuses_halts_and_is_no_try():
    campaign = ACampaign().begins(waves=(Wave("all", 100.0),))
    # The DCC has lost the entry; the supplier does not know it yet.
    campaign.world.dcc.load_products([])
    campaign.runs(days=1)
    assert campaign.row().state == CampaignState.HALTED
    assert campaign.row().why == "the DCC refused a whole request: E110402"
    states = campaign.counts()
    assert states["waiting", ""] > 0
    assert not any(state == "asked" for state, _ in states)
    assert campaign.ledger.verify() == []


def test_a_device_whose_hub_is_busy_is_asked_later():
    campaign = ACampaign(homes=40)
    homes = {d.device_id: home.hub_id for home in campaign.world.town for d in home.devices}
    campaign.begins(
        name="loads",
        release="hcalcs-2",
        cohort="type:HCALCS",
        halts=(),
        waves=(Wave("all", 100.0),),
        pacing=Pacing(devices_per_hub=1),
    )
    campaign.advance()
    asked = [homes[device_id] for device_id in campaign.requests("11.1")]
    assert len(asked) == len(set(asked)) > 1
    assert campaign.counts()["resting", "in-progress"] > 0
    campaign.runs()
    assert campaign.row().state == CampaignState.FINISHED
    assert campaign.ledger.verify() == []


def test_who_comes_into_the_cohort_later_is_taken_if_the_plan_says_so():
    campaign = ACampaign()
    newcomer = campaign.world.town[0].device(DeviceType.PPMID)
    estate = campaign.world.suppliers[newcomer.suppliers[0]]
    estate.load_estate([msgspec.structs.replace(newcomer, model="not yet known")])
    campaign.begins(cohort=f'type:PPMID model:"{newcomer.model}"', late_joiners=True, halts=())
    campaign.advance()
    assert newcomer.device_id not in {d.device_id for d in campaign.devices()}
    estate.load_estate([newcomer])
    campaign.runs(
        days=2, until=lambda: newcomer.device_id in {d.device_id for d in campaign.devices()}
    )
    assert newcomer.device_id in {d.device_id for d in campaign.devices()}
    assert "join" in campaign.acts()
    assert campaign.ledger.verify() == []


def test_devices_take_every_step_of_the_pathway():
    campaign = ACampaign(homes=4)
    kind = DeviceType.PPMID
    last = seeded_image(2_048, 1, 0x0003_0000)
    first = campaign.world.images[kind]
    entries = [
        product_entry(kind, first),
        msgspec.structs.replace(product_entry(kind, last), follows=("00020000",)),
    ]
    campaign.releases.replace_products(entries)
    campaign.world.dcc.load_products([*entries, product_entry(kind, factory_image(kind))])
    campaign.releases.add("ppmid-3", encode_image(last), None, by="eve", now_ms=campaign.now_ms)
    campaign.begins(release="ppmid-3", halts=(), waves=(Wave("all", 100.0),))
    campaign.runs(days=1)
    sound = [device_id for device_id, fate in fates(campaign).items() if fate is Fate.SOUND]
    asked = campaign.requests("11.4")
    # The devices of this town know no such release and discard it: they were asked for it.
    assert {asked[device_id] for device_id in sound} == {2}
    assert {campaign.world.runs(device_id) for device_id in sound} == {0x0002_0000}
    states = {d.device_id: d.state for d in campaign.devices()}
    assert {states[device_id] for device_id in sound} == {Outcome.DISCARDED}
    assert campaign.ledger.verify() == []


def test_nothing_leaves_outside_the_windows_of_the_plan():
    campaign = ACampaign()
    shut = (Blackout(campaign.now_ms, campaign.now_ms + DAY_MS),)
    campaign.begins(blackouts=shut)
    campaign.advance()
    assert not campaign.requests("11.4")
    assert (campaign.row().why, campaign.row().look_ms) == ("outside its windows", shut[0].to_ms)
    campaign.runs(days=1.5, until=lambda: bool(campaign.requests("11.4")))
    assert campaign.requests("11.4")


def test_devices_that_are_held_out_are_never_asked():
    campaign = ACampaign(homes=20).begins(
        hold_out_percent=40.0, halts=(), waves=(Wave("all", 100.0),)
    )
    campaign.runs()
    held = {d.device_id for d in campaign.devices() if d.state == "held-out"}
    assert 0 < len(held) < 20
    assert not held & set(campaign.requests("11.4"))
    assert campaign.row().state == CampaignState.FINISHED
