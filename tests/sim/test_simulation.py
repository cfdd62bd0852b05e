"""Whole worlds: the same seed is the same world, and every invariant holds whatever goes wrong."""

import os
import subprocess
import sys

import pytest

from hanota.limits import POWERCUT_IMAGE_OCTETS
from hanota.serve.homes import RadioDepth
from hanota.sim.faults import PROFILES, Fault, parse_rates
from hanota.sim.faulty_world import Settings
from hanota.sim.simulation import simulate


def run(seed, faults="all", **settings):
    settings = {"image_octets": POWERCUT_IMAGE_OCTETS, **settings}
    return simulate(Settings(seed=seed, rates=parse_rates(faults), **settings))


def assert_holds(result):
    assert result.failure is None, f"seed {result.seed}: {result.failure}"


@pytest.fixture(scope="module")
def calm():
    """A world in which nothing goes wrong."""
    return run(1, "none")


def test_a_calm_world_updates_what_its_people_activate(calm):
    assert_holds(calm)
    assert calm.faults == {}
    ends = {name.partition(":")[0] for name in calm.outcomes}
    assert ends <= {"updated", "cancelled", "superseded", "distributed", "left-out"}
    assert calm.outcomes["updated"] >= 12
    assert calm.outcomes["cancelled"] > 0


def test_the_same_seed_is_the_same_world():
    assert run(7) == run(7)


def test_another_seed_is_another_world(calm):
    assert run(2, "none").digest != calm.digest


def test_the_same_seed_is_the_same_world_in_every_process():
    """Whatever the order of sets and dicts in that process."""
    code = (
        "from tests.sim.test_simulation import run\n"
        "result = run(7)\n"
        "print(result.digest, result.events)"
    )
    here = run(7)
    for hash_seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        ).stdout
        assert printed.split() == [here.digest, str(here.events)]


@pytest.mark.parametrize("seed", range(4))
def test_everything_at_once(seed):
    assert_holds(run(seed))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4, 1_000))
def test_everything_at_once_again_and_again(seed):
    assert_holds(run(seed))


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"all", "none"}))
def test_each_profile_by_itself(profile):
    result = run(11, profile, homes=2)
    assert_holds(result)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"all", "none"}))
def test_each_profile_by_itself_again_and_again(profile, seed):
    assert_holds(run(seed, profile, homes=2))


# Those that the diary counts; what the others do shows in outcomes and digests.
COUNTED = (
    Fault.LINK_DOWN,
    Fault.DEAF,
    Fault.POWER_CUT,
    Fault.SWITCHED_OFF,
    Fault.HUB_OFF,
    Fault.HUB_REPLACED,
    Fault.HOME_CLOCK_STEP,
    Fault.ANSWER_LOST,
    Fault.RECEIVER_DOWN,
    Fault.RECEIVER_REFUSES,
    Fault.KILLED,
    Fault.CLOCK_STEP,
    Fault.CERTIFICATE_REPLACED,
    Fault.CERTIFICATE_EXPIRED,
    Fault.CHANGE_OF_SUPPLIER,
)
# What makes each fault strike, and not all the time.
ASKED = {fault: f"{fault}=0.1" for fault in Fault} | {
    Fault.POWER_CUT: "power-cut=0.002",
    Fault.TORN_WRITE: "power-cut=0.002,torn-write=1",
    Fault.FLASH_DAMAGED: "flash-damaged=0.002",
    Fault.OTHER_HARDWARE: "other-hardware=0.5",
    Fault.NOT_RELEASED: "not-released=0.5",
    Fault.DOES_NOT_START: "does-not-start=0.5",
    Fault.STORE_FULL: "store-full=0.9",
    Fault.IMAGE_DAMAGED: "image-damaged=0.4",
    Fault.CLOCK_STEP: "clock-step=1",
    Fault.HUB_OFF: "hub-off=0.5",
    Fault.HUB_REPLACED: "hub-replaced=0.5",
    Fault.HOME_CLOCK_STEP: "home-clock-step=1",
    Fault.RECEIVER_DOWN: "receiver-down=0.3",
    Fault.CERTIFICATE_REPLACED: "certificate-replaced=0.3",
    Fault.CERTIFICATE_EXPIRED: "certificate-expired=0.3",
    Fault.CHANGE_OF_SUPPLIER: "change-of-supplier=1",
}


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_changes_the_world_and_breaks_nothing(fault, calm):
    result = run(1, ASKED[fault])
    assert_holds(result)
    assert result.digest != calm.digest
    if fault in COUNTED:
        assert result.faults[fault] > 0


def test_the_depth_of_the_radio_changes_no_outcome(calm):
    flow = run(1, "none", depth=RadioDepth.FLOW)
    assert_holds(flow)
    assert flow.outcomes == calm.outcomes
    assert flow.events < calm.events


def test_a_world_may_have_one_home():
    assert_holds(run(3, homes=1))
