"""The links of the chain: nothing is lost when somebody is away, refuses or crashes."""

from itertools import pairwise

import pytest
from tests.sim.a_town import ATown

from hanota.errors import RemoteError
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType
from hanota.serve.homes import RadioDepth
from hanota.sim.chain import EXCHANGE_PERIOD_MS
from hanota.sim.rollout import carry_out
from hanota.sim.town import Fate
from hanota.sim.world import START_MS
from hanota.smki.organisations import SUPPLIER
from hanota.wire.codes import ResponseCode


@pytest.fixture
def town():
    """Two sound homes, not yet asked anything."""
    return ATown(homes=2, depth=RadioDepth.FLOW)


def assert_all_updated(town):
    assert town.outcomes() == {("updated", ""): len(town.world.town)}
    assert all(report.ledger_is_true for report in town.rollout.report())
    assert town.is_sound()


def is_settled(town):
    return town.rollout.is_settled and town.world.chain.is_quiet()


def run_again(town, until_ms=START_MS + 15 * DAY_MS):
    """Go on after a crash, as a process that starts again does."""
    for _ in town.world.chain.run(lambda: is_settled(town), until_ms=until_ms):
        pass


def test_time_goes_in_whole_exchanges_and_never_back(town):
    instants = [town.world.now_ms for _ in carry_out([town.rollout])]
    assert instants[0] == START_MS
    steps = [later - sooner for sooner, later in pairwise(instants)]
    assert all(step > 0 and step % EXCHANGE_PERIOD_MS == 0 for step in steps)
    assert_all_updated(town)


def test_what_never_settles_ends_with_its_time(town):
    until_ms = START_MS + DAY_MS
    instants = list(town.world.chain.run(lambda: False, until_ms=until_ms))
    assert START_MS < instants[-1] <= until_ms


def test_an_image_waits_for_a_hub_without_power(town):
    homes = town.world.chain.homes
    away = town.world.town[1].hub_id
    homes.cut_power(away)
    back_ms = START_MS + HOUR_MS
    for (rollout,) in carry_out([town.rollout]):
        if away is not None and town.world.now_ms >= back_ms:
            assert rollout.counts() == {("updated", ""): 1, ("accepted", ""): 1}
            homes.power_on(away)
            away = None
    assert away is None
    assert_all_updated(town)


def test_a_home_whose_hub_never_comes_back_is_silent_and_named(town):
    away = town.world.town[1]
    town.world.chain.homes.cut_power(away.hub_id)
    town.run()
    assert town.outcomes() == {("updated", ""): 1, ("silent", ""): 1}
    (report,) = (report for report in town.rollout.report() if not report.as_expected)
    assert report.delivery.device_id == away.device(DeviceType.PPMID).device_id
    assert town.supplier_ledger.verify() == town.dcc_ledger.verify() == []


def test_a_push_that_is_refused_comes_again_later(town):
    supplier = town.world.suppliers[SUPPLIER]
    receive = supplier.receive
    refused = []

    def refuse_at_first(pushed, now_ms):
        if len(refused) < 3:
            refused.append(now_ms)
            return [RemoteError(ResponseCode.E48, "not today")] * len(pushed)
        return receive(pushed, now_ms)

    supplier.receive = refuse_at_first
    town.run()
    assert len(refused) == 3
    assert_all_updated(town)


# Who crashes, in which call, and whether after it has recorded what it was given.
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("party", "call"),
    [
        ("supplier", "answered"),
        ("supplier", "receive"),
        ("dcc", "answer"),
        ("dcc", "receive_wan"),
        ("dcc", "taken"),
    ],
)
def test_a_crash_costs_nothing_but_time(town, party, call, after):
    shell = {"supplier": town.world.suppliers[SUPPLIER], "dcc": town.world.dcc}[party]
    sound = getattr(shell, call)

    class CrashError(Exception):
        pass

    def crash_once(*arguments):
        setattr(shell, call, sound)
        if after:
            sound(*arguments)
        raise CrashError

    setattr(shell, call, crash_once)
    with pytest.raises(CrashError):
        town.run()
    run_again(town)
    assert_all_updated(town)


def test_a_large_batch_goes_in_pages(monkeypatch):
    monkeypatch.setattr("hanota.sim.chain.LINK_BATCH_MESSAGES_MAX", 3)
    town = ATown(homes=10, depth=RadioDepth.FLOW).run()
    assert all(report.as_expected for report in town.rollout.report())
    assert town.outcomes()["updated", ""] == sum(
        home.ppmid_fate is Fate.SOUND for home in town.world.town
    )
