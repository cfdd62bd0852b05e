"""The model against the simulator that sends every frame: the same inputs, and the curves agree.

A town of real hubs and PPMIDs (`serve.homes` at depth `frames`) with its DCC and supplier gets one
11.4; the model gets a profile that says the same. What is compared is when each device has proven
the new version. The towns are small, so their own chance is most of the difference: the curves
may be ERROR apart at most anywhere (the greatest vertical distance), where chance alone would
exceed it for one of a hundred towns.
"""

import random

import numpy as np
import pytest
from tests.impact.a_profile import START_MS, profile, said
from tests.sim.a_town import ATown

from hanota.impact.flow import Conditions, simulate
from hanota.limits import DAY_MS, FRAME_LATENCY_MS
from hanota.serve.homes import RadioDepth
from hanota.sim.town import Fate, build_home
from hanota.sim.town_images import seeded_image
from hanota.supplier.campaign.plan import Plan, Wave

HOMES = 100
IMAGE_OCTETS = 4_096
# Kolmogorov's bound for a sample of HOMES: exceeded by one of a hundred.
ERROR = 1.63 / HOMES**0.5
# DCC and homes exchange messages each second (sim.chain): three times on a device's way.
EXCHANGES_S = 3.0
A_PLAN = Plan("town", "any", "type = PPMID", (Wave("all", 100.0),))


def model(**changes):
    """Many more homes than the town has: the curve that towns scatter about."""
    transfer = {"image_octets": said(IMAGE_OCTETS)} | changes.pop("transfer", {})
    town = profile(homes=20_000, transfer=transfer, **changes)
    return simulate(Conditions(town, A_PLAN, START_MS, 20_000), np.random.default_rng(1))


def town(*, lost=0.0, off_ms=(), fates=()):
    """The town, when it has settled; `off_ms`: when the first homes' PPMIDs get power."""
    homes = [
        build_home(number, ppmid_fate=fates[number] if number < len(fates) else Fate.SOUND)
        for number in range(HOMES)
    ]
    built = ATown(town=homes, image=seeded_image(IMAGE_OCTETS, 1))
    chance = random.Random(1)

    def air(_source, _target, _frame):
        return () if chance.random() < lost else (FRAME_LATENCY_MS,)

    built.world.homes._air = air
    for device_id, off in zip(built.rollout.device_ids, off_ms, strict=False):
        built.world.homes._power_on_after(device_id, off)
    return built.run()


def proven_s(built):
    reports = built.rollout.report()
    return np.sort([r.taken_ms / 1000 for r in reports if r.delivery.state == "updated"])


def apart(run, seen_s, *, devices=HOMES):
    """The greatest distance between both curves, as a share of all devices."""
    modelled_s = np.sort(np.concatenate(run.updated_s))
    curve = np.arange(1, seen_s.size + 1) / devices
    later = np.searchsorted(modelled_s, seen_s, side="right") / run.devices
    # The town sees what happens when its parties next exchange messages: up to so much later.
    earlier = np.searchsorted(modelled_s, seen_s - EXCHANGES_S, side="left") / run.devices
    before = curve - 1 / devices
    return float(max((earlier - curve).max(), (before - later).max(), 0.0))


def test_the_town_runs_at_depth_frames():
    assert RadioDepth.FRAMES is ATown.__init__.__globals__["World"].__init__.__kwdefaults__["depth"]


def test_a_calm_town_takes_as_long_as_the_model_says():
    seen_s = proven_s(town())
    run = model()
    assert seen_s.size == HOMES
    modelled_s = np.concatenate(run.updated_s)
    assert np.ptp(modelled_s) < 0.01
    assert 0 <= seen_s.min() - modelled_s.max() < seen_s.max() - modelled_s.min() <= EXCHANGES_S


@pytest.mark.parametrize("lost", [0.03, 0.3])
def test_lost_frames_delay_as_the_model_says(lost):
    seen_s = proven_s(town(lost=lost))
    run = model(transfer={"frames_lost": said(lost)})
    assert seen_s.size == HOMES
    assert apart(run, seen_s) < ERROR


def test_devices_that_are_off_come_back_or_are_given_up_as_the_model_says():
    chance = random.Random(2)
    off_ms = [round(chance.expovariate(1 / 4) * DAY_MS) for _ in range(HOMES // 2)]
    built = town(off_ms=off_ms)
    run = model(devices={"off": said(0.5), "off_days": said(4)})
    assert apart(run, proven_s(built)) < ERROR
    given_up = sum(off > 7 * DAY_MS for off in off_ms)
    assert built.outcomes()["transfer-failed", ""] == given_up > 0
    assert abs(given_up / HOMES - run.outcomes["transfer-failed"] / run.devices) < ERROR


def test_failures_are_known_when_the_model_says():
    fates = [Fate.OTHER_HARDWARE, Fate.CORRUPTED_IMAGE, Fate.DOES_NOT_START, Fate.OLD_HUB]
    reports = {r.fate: r for r in town(fates=fates).rollout.report()}
    whole = {
        Fate.OTHER_HARDWARE: ("devices", "other_hardware", "hardware-mismatch"),
        Fate.CORRUPTED_IMAGE: ("devices", "images_damaged", "discarded"),
        Fate.OLD_HUB: ("region", "hubs_not_updated", "left-out: hub-too-old"),
    }
    for fate, (part, field, outcome) in whole.items():
        run = model(**{part: {field: said(1)}})
        assert run.outcomes == {outcome: run.devices}
        for outcomes in run.ended:
            known_s = np.flatnonzero(run.ended[outcomes])
            assert known_s.tolist() == [0]
            assert reports[fate].taken_ms < 900_000


def test_the_distance_notices_another_loss():
    """The measure is sharp enough to tell three per cent from ten."""
    seen_s = proven_s(town(lost=0.03))
    run = model(transfer={"frames_lost": said(0.1)})
    assert apart(run, seen_s) > ERROR
