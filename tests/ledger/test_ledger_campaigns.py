"""Releases and campaigns in a ledger: kept as they are, moved with their counts, verified."""

from collections import Counter

import msgspec
import pytest
from tests.ledger.examples import EDGE_IDS, delivery, device, entry, request

from hanota.cohort import Cohort
from hanota.ledger import ConflictError, Ledger
from hanota.limits import MINUTE_MS
from hanota.model import DeviceType, Region
from hanota.rows import Campaign, CampaignAct, CampaignDevice, Release

RELEASE = Release(
    name="r",
    sha256=bytes(range(32)),
    hash=bytes(32),
    type=DeviceType.PPMID,
    manufacturer_code=0x121D,
    version="00020000",
    hardware_min=None,
    hardware_max=None,
    added_by="eve",
    added_ms=5,
    expires_ms=None,
    withdrawn_ms=None,
)
CAMPAIGN = Campaign(
    number=0,
    name="spring",
    author="ann",
    plan=b"{}",
    state="draft",
    why="",
    revision=0,
    digest=None,
    version="",
    wave=0,
    wave_bounds=(1, 2**63),
    proven_since_ms=None,
    counted_from_ms=7,
    look_ms=None,
    joined_ms=7,
)


def changed(row, **fields):
    return msgspec.structs.replace(row, **fields)


def of(device_id, campaign=1, **fields):
    given = {
        "wave": 0,
        "region": Region.NORTH,
        "state": "waiting",
        "reason": "",
        "request": None,
        "tries": 0,
        "next_try_ms": None,
    }
    return CampaignDevice(device_id=device_id, campaign=campaign, **(given | fields))


@pytest.fixture
def begun(ledger):
    """A ledger with one campaign without devices."""
    with ledger.batch() as batch:
        batch.add_campaign(CAMPAIGN)
    return ledger


def test_a_release_is_kept_and_withdrawn(ledger):
    with ledger.batch() as batch:
        batch.put_image(RELEASE.sha256, b"image")
        batch.put_release(RELEASE)
        batch.put_release(changed(RELEASE, withdrawn_ms=9, expires_ms=10, version="other"))
    with ledger.view() as view:
        assert view.release_named("x") is None
        assert view.releases() == [changed(RELEASE, withdrawn_ms=9, expires_ms=10)]
        assert view.release_named("r") == view.releases()[0]


def test_a_release_without_its_image_is_refused(ledger):
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.put_release(RELEASE)


def test_a_campaign_is_kept_changed_and_found(begun):
    with begun.batch() as batch:
        campaign = batch.campaign_named("spring")
        assert campaign == changed(CAMPAIGN, number=1)
        after = changed(
            campaign,
            state="running",
            digest=bytes(32),
            proven_since_ms=3,
            look_ms=4,
            wave=1,
            why="w",
        )
        assert batch.change_campaign(after) == changed(after, revision=1)
    with begun.view() as view:
        assert view.campaigns() == [changed(after, revision=1)]
        assert view.campaign_numbered(1) == view.campaign_named("spring")
        assert view.campaign_numbered(2) is view.campaign_named("x") is None


def test_who_changes_a_campaign_has_read_it_as_it_is(begun):
    with begun.batch() as batch:
        campaign = batch.campaign_numbered(1)
        batch.change_campaign(campaign)
    with pytest.raises(ConflictError, match="changed meanwhile"), begun.batch() as batch:
        batch.change_campaign(campaign)


def test_a_name_is_taken_once(begun):
    with pytest.raises(ConflictError), begun.batch() as batch:
        batch.add_campaign(CAMPAIGN)


def test_acts_are_kept_in_their_order(begun):
    acts = [
        CampaignAct(1, at_ms, "ann", "pause", "why", digest)
        for at_ms, digest in ((9, None), (3, b"d"))
    ]
    with begun.batch() as batch:
        for act in acts:
            batch.add_act(act)
    with begun.view() as view:
        assert view.campaign_acts(1) == acts
        assert view.campaign_acts(2) == []


def test_devices_move_with_their_counts(begun):
    devices = [of(device_id, wave=place % 2) for place, device_id in enumerate(EDGE_IDS)]
    with begun.batch() as batch:
        batch.add_campaign_devices(devices)
        after = changed(devices[0], state="asked", request=None, tries=1)
        batch.move_campaign_devices([(devices[0], after)])
    with begun.view() as view:
        assert view.campaign_devices(1, EDGE_IDS) == {
            one.device_id: one for one in (after, *devices[1:])
        }
        assert view.campaigns_of_device(EDGE_IDS[0]) == [after]
        assert view.campaign_counts(1) == {
            (0, "asked", ""): 1,
            (0, "waiting", ""): 2,
            (1, "waiting", ""): 3,
        }
        assert len(view.campaign_devices_from(1, limit=4)) == 4
        first = view.campaign_devices_from(1, limit=4)[-1].device_id
        assert len(view.campaign_devices_from(1, after=first, limit=4)) == 2
        waiting = view.campaign_devices_in(1, "waiting", Region.NORTH, 0, 10)
        assert [one.wave for one in waiting] == [0, 0]
        assert view.campaign_devices_in(1, "waiting", Region.SOUTH, 1, 10) == []
    assert begun.verify() == []


def test_the_next_try_comes_in_its_time(begun):
    with begun.batch() as batch:
        batch.add_campaign_devices(
            [of(1, state="resting", next_try_ms=20), of(2, state="resting", next_try_ms=10), of(3)]
        )
    with begun.view() as view:
        assert view.next_campaign_try_ms(1) == 10
        assert view.next_campaign_try_ms(2) is None
        assert [one.device_id for one in view.campaign_devices_resting(1, 15, 10)] == [2]
        assert [one.device_id for one in view.campaign_devices_resting(1, 20, 10)] == [2, 1]


def test_what_ended_and_left_is_counted_by_the_minute(begun):
    with begun.batch() as batch:
        for at_ms in (0, MINUTE_MS - 1, MINUTE_MS):
            batch.count_ended(Counter({(1, "updated"): 2, (1, "silent"): 1}), at_ms)
            batch.count_dispatched(1, Counter({Region.NORTH: 3}), at_ms)
    with begun.view() as view:
        assert view.campaign_ended(1, 0) == [
            ("silent", 0, 2),
            ("updated", 0, 4),
            ("silent", MINUTE_MS, 1),
            ("updated", MINUTE_MS, 2),
        ]
        assert view.campaign_dispatched(1, 1) == [(Region.NORTH, MINUTE_MS, 3)]
        assert view.campaign_ended(2, 0) == view.campaign_dispatched(2, 0) == []


def test_a_request_tells_its_campaign_and_a_follower_hears_of_what_moved(begun):
    heard = []
    begun.follow(lambda _, moved: heard.append([(one.device_id, one.state) for one in moved]))
    with begun.batch() as batch:
        number = batch.put_request(request(1)).number
        batch.add_campaign_request(1, number)
        batch.record([entry(delivery(1, number)), entry(delivery(2, number))])
        batch.record([entry(delivery(1, number, due_ms=9)), entry(delivery(2, number, "updated"))])
    assert heard == [[(1, "accepted"), (2, "accepted")], [(2, "updated")]]
    with begun.view() as view:
        assert view.campaigns_of_requests([number, 99]) == {number: 1}
        assert view.requests_of_campaign(1) == [number]


def test_newcomers_are_those_that_a_campaign_has_not(begun):
    with begun.batch() as batch:
        batch.put_devices(map(device, EDGE_IDS))
        batch.add_campaign_devices([of(EDGE_IDS[1])])
    with begun.view() as view:
        newcomers = {device_id for device_id, _ in view.cohort_ids(Cohort(), beside=1)}
    assert newcomers == set(EDGE_IDS) - {EDGE_IDS[1]}


def test_a_report_counts_by_what_may_be_the_cause(begun):
    with begun.batch() as batch:
        batch.put_devices([device(1, 9, model="P2"), device(9, 9, firmware_version="00000009")])
        batch.add_campaign_devices([of(1, state="silent"), of(2, state="left-out", reason="x")])
    with begun.view() as view:
        found = [msgspec.structs.astuple(one) for one in view.campaign_report(1)]
    assert found == [
        (0, "left-out", "x", "North", "", "", 1),
        (0, "silent", "", "North", "P2", "00000009", 1),
    ]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE campaign_count SET devices = 2", "is not what its devices tell"),
        ("DELETE FROM campaign_count", "is missing"),
    ],
)
def test_counts_that_are_not_those_of_the_devices_are_told(tmp_path, statement, told):
    with Ledger.open(f"sqlite:///{tmp_path}/l.db", owner="dcc") as ledger:
        with ledger.batch() as batch:
            batch.add_campaign(CAMPAIGN)
            batch.add_campaign_devices([of(1)])
        ledger._database._connection.execute(statement)
        (sentence,) = ledger.verify()
    assert told in sentence
