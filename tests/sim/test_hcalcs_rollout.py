"""The HCALCSs of a small town: every fate comes to its outcome, and every ledger says so."""

from collections import Counter

import pytest
from tests.sim.a_town import ATown
from tests.wire.duis_referees import schema_faults

from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, Outcome, version_text
from hanota.serve.homes import RadioDepth
from hanota.sim.hcalcs_rollout import Activation, HcalcsRollout
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.rollout import carry_out
from hanota.sim.town import EXPECTED, HCALCS_FATES, OLD_VERSION, Fate, build_home
from hanota.sim.town_images import NEW_VERSION
from hanota.sim.world import START_MS
from hanota.wire.duis import decode_request, open_document

# How far a device got before it was to be activated, and how that was asked for.
ASKED = {
    Fate.SOUND: Activation.AT_ONCE,
    Fate.DATED: Activation.AT_A_TIME,
    Fate.CANCELLED: Activation.CANCELLED,
    Fate.HCALCS_DOES_NOT_START: Activation.AT_ONCE,
    Fate.IMAGE_LOST: Activation.AT_ONCE,
    Fate.WRONG_HASH: Activation.AT_ONCE,
}


def every_fate():
    """A home for each, with two HCALCSs."""
    return [
        build_home(
            number,
            ppmid_fate=Fate.OLD_HUB if fate is Fate.OLD_HUB else Fate.SOUND,
            hcalcs_fate=fate,
            hcalcs=2,
        )
        for number, fate in enumerate(HCALCS_FATES)
    ]


@pytest.fixture(scope="module")
def town():
    """It has settled."""
    return ATown(town=every_fate()).run_hcalcs()


def test_every_device_ends_as_its_home_was_set_up_to(town):
    reports = town.rollout.report()
    assert Counter(report.fate for report in reports) == dict.fromkeys(HCALCS_FATES, 2)
    for report in reports:
        assert (report.delivery.state, report.delivery.reason) == EXPECTED[report.fate]
        assert (report.as_expected, report.ledger_is_true) == (True, True)
        assert not report.delivery.live
    assert town.is_sound()


def test_what_runs_is_what_inventory_and_estate_say(town):
    for report in town.rollout.report():
        updated = report.delivery.state == Outcome.UPDATED
        off = report.fate is Fate.HCALCS_OFF
        assert report.runs == (None if off else NEW_VERSION if updated else OLD_VERSION)
        said = version_text(NEW_VERSION if updated else OLD_VERSION)
        assert town.versions_known(report.delivery.device_id) == {said}


def test_only_what_holds_the_image_is_activated_and_each_as_its_home_says(town):
    asked = {
        report.delivery.device_id: ASKED[report.fate]
        for report in town.rollout.report()
        if report.fate in ASKED
    }
    assert town.rollout.activations == asked
    steps = Counter(
        (request.service_reference, request.command_variant)
        for request in (decode_request(open_document(octets)) for octets in town.requests)
    )
    # Two HCALCSs of each fate, and those that are cancelled are commanded twice.
    commands = 2 * (len(ASKED) + 1)
    assert steps == {("11.1", 8): 1, ("11.3", 4): commands, ("11.3", 5): commands}


def test_what_is_dated_is_activated_at_its_time_and_what_is_cancelled_never(town):
    taken_ms = {report.fate: report.taken_ms for report in town.rollout.report()}
    assert DAY_MS <= taken_ms[Fate.DATED] < DAY_MS + HOUR_MS
    assert taken_ms[Fate.CANCELLED] < HOUR_MS
    assert taken_ms[Fate.SOUND] < HOUR_MS
    assert town.world.now_ms > START_MS + DAY_MS


@pytest.mark.oracle
def test_every_document_is_valid_by_the_official_schema(town):
    assert town.pushes
    for octets in town.documents():
        assert schema_faults(octets) == []


def test_flow_comes_to_the_same_as_frames(town):
    flow = ATown(town=every_fate(), depth=RadioDepth.FLOW).run_hcalcs()
    assert flow.ends() == town.ends()
    assert flow.is_sound()
    assert flow.world.homes.events < town.world.homes.events


def test_both_methods_in_one_run():
    """The 11.1 goes an hour after the 11.4; neither disturbs the other."""
    town = ATown(homes=12, depth=RadioDepth.FLOW)
    rollouts = [PpmidRollout(town.world), HcalcsRollout(town.world)]
    begun = [len(under_way) for under_way in carry_out(rollouts)]
    assert begun == sorted(begun)
    assert set(begun) == {1, 2}
    for rollout in rollouts:
        assert all(report.as_expected and report.ledger_is_true for report in rollout.report())
    assert town.is_sound()


def test_a_town_settles_after_the_time_of_what_it_has_cancelled():
    home = build_home(1, hcalcs_fate=Fate.CANCELLED, hcalcs=1)
    town = ATown(town=[home], depth=RadioDepth.FLOW).run_hcalcs()
    assert town.world.now_ms > START_MS + DAY_MS
    assert town.world.runs(home.device(DeviceType.HCALCS).device_id) == OLD_VERSION
