"""Profiles and campaigns as files: what is taken, and what is refused by the name of its field."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.impact.a_profile import START_MS, said, tables

from hanota import limits
from hanota.errors import FileError, LocalError
from hanota.impact.campaign import decode_campaign
from hanota.impact.drawing import drawn, with_values
from hanota.impact.profile import decode_profile, figures
from hanota.impact.shipped import PROFILES, shipped_campaign, shipped_profile
from hanota.supplier.campaign.plan import decode_plan

np = pytest.importorskip("numpy")


def decoded(**changes):
    return decode_profile(json.dumps(tables(**changes)).encode(), "town.json")


@pytest.mark.parametrize("name", PROFILES)
def test_every_figure_of_a_shipped_profile_has_a_source(name):
    profile = decode_profile(shipped_profile(name), name)
    found = dict(figures(profile))
    assert len(found) > 50
    assert all(figure.source for figure in found.values())
    # What is not assumed says from what it is inferred.
    known = {figure.source.split()[0].strip(":;") for figure in found.values()}
    assert known == {"assumed", "inferred"} if name == "today" else {"assumed"}


def test_the_shipped_profiles_are_of_11_and_30_million_homes():
    homes = [decode_profile(shipped_profile(name), name).estate.homes.value for name in PROFILES]
    assert homes == [11_000_000, 30_000_000]


def test_there_is_no_other_shipped_profile():
    with pytest.raises(LocalError, match="hanota has today and upper"):
        shipped_profile("../today")


def test_what_a_profile_leaves_out_is_a_setting():
    profile = decoded()
    assert profile.transfer.block_period_ms.value == limits.BLOCK_PERIOD_MS
    assert profile.transfer.block_period_ms.source == "assumed: hanota settings, block_period_ms"
    assert profile.hubs.image_slots.value == limits.HUB_IMAGE_SLOTS


BAD = {
    "more devices than homes can have": (
        {"estate": {"ppmids_per_home": said(40)}},
        r"estate\.ppmids_per_home 40 is more devices than homes can have",
    ),
    "shares that do not sum to 1": (
        {"region": {"share": said(0.9)}},
        "shares sum to 0.9, not to 1",
    ),
    "a share above 1": ({"devices": {"off": said(1.2)}}, r"<= 1.0 - at `\$\.devices\.off\.value`"),
    "a negative share": ({"devices": {"off": said(-0.1)}}, r"at `\$\.devices\.off\.value`"),
    "a negative rate": (
        {"region": {"hub_octets_per_s": said(-1)}},
        r"> 0.0 - at `\$\.regions\[\.\.\.\]\.hub_octets_per_s\.value`",
    ),
    "no allowance": (
        {"region": {"allowance_octets_per_h": said(0)}},
        r"allowance_octets_per_h\.value",
    ),
    "no homes": ({"estate": {"homes": said(0)}}, r"estate\.homes\.value"),
    "an image above the schema's limit": (
        {"transfer": {"image_octets": said(20_000_000)}},
        r"transfer\.image_octets: an image has at most 10240000 octets",
    ),
    "an air that brings nothing": (
        {"transfer": {"frames_lost": said(0.9)}},
        r"transfer\.frames_lost: above 0\.5",
    ),
    "a value out of its range": (
        {"devices": {"off": said(0.5, low=0.6, high=0.7)}},
        r"0\.5 is not between low 0\.6 and high 0\.7 - at `\$\.devices\.off`",
    ),
    "half a range": ({"devices": {"off": said(0.5, low=0.1)}}, "both low and high"),
    "no source": ({"devices": {"off": {"value": 0.5}}}, "required field `source`"),
    "an empty source": ({"devices": {"off": {"value": 0.5, "source": ""}}}, r"off\.source"),
    "a name that is none": ({"devices": {"of": said(0.5)}}, "unknown field `of`"),
    "half a read-back": (
        {"tracking": {"read_back_tries": said(1.5)}},
        r"tracking\.read_back_tries",
    ),
    "not a number": ({"devices": {"off": said("many")}}, r"`\$\.devices\.off\.value`"),
}


@pytest.mark.parametrize(("changes", "told"), BAD.values(), ids=BAD)
def test_an_impossible_profile_is_refused_by_the_name_of_its_field(changes, told):
    with pytest.raises(FileError, match=told) as refused:
        decoded(**changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[", "homes = ", "[[a]]", '"x"', "nan", "{}", "\xff"])
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(FileError, match="the profile x cannot be taken"):
        decode_profile(text.encode("latin-1"), "x")


def test_not_a_number_is_not_between():
    octets = shipped_profile("today").replace(
        b"homes = { value = 11_000_000", b"homes = { value = nan"
    )
    with pytest.raises(FileError):
        decode_profile(octets, "x")


def test_a_profile_that_is_too_long_is_not_read():
    with pytest.raises(FileError, match="more than"):
        decode_profile(b" " * (limits.IMPACT_FILE_OCTETS_MAX + 1), "x")


@given(st.binary(max_size=200))
def test_any_octets_are_a_profile_or_refused(octets):
    with pytest.raises(FileError):
        decode_profile(octets, "x")


def test_drawn_figures_stay_within_their_ranges_and_others_as_they_are():
    profile = decode_profile(shipped_profile("today"), "today")
    before, after = (dict(figures(p)) for p in (profile, drawn(profile, np.random.default_rng(1))))
    assert before.keys() == after.keys()
    for path, figure in after.items():
        low, high = before[path].bounds
        assert low <= figure.value <= high
        assert (figure.value == before[path].value) != before[path].is_uncertain


def test_one_figure_is_changed_and_no_other():
    profile = decoded()
    path = ("regions", "Central", "hubs_off")
    changed = with_values(profile, {path: 0.25})
    assert changed.regions["Central"].hubs_off.value == 0.25
    back = with_values(changed, {path: 0.0})
    assert back == profile


# --- Campaigns ---


def test_the_shipped_campaign_is_a_plan_that_could_be_approved():
    octets = shipped_campaign()
    assert decode_campaign(octets, "national", START_MS) == decode_plan(octets)


def test_a_simple_rate_is_a_plan_of_one_wave():
    plan = decode_campaign(b'name = "x"\ndevices_per_hour = 500', "x.toml", START_MS)
    assert [wave.upto_percent for wave in plan.waves] == [100]
    assert plan.pacing.devices_per_hour == 500


def a_plan(**changes):
    plan = msgspec.to_builtins(decode_plan(shipped_campaign()))
    return json.dumps(plan | changes).encode()


BAD_PLANS = {
    "a window that never opens": (
        a_plan(windows=[{"days": [], "from_minute": 0, "to_minute": 60}]),
        r"windows\[0\]: days are 0 .* it never opens",
    ),
    "a blackout of every window": (
        a_plan(blackouts=[{"from_ms": START_MS, "to_ms": START_MS + 400 * 86_400_000}]),
        "windows: none ever opens",
    ),
    "a negative rate": (b'{"name": "x", "devices_per_hour": -5}', "devices_per_hour -5"),
    "no waves": (a_plan(waves=[]), "waves: there are 0"),
    "another zone": (a_plan(zone="Europe/Atlantis"), "zone: there is no 'Europe/Atlantis'"),
    "a zone that is a path": (a_plan(zone="../../etc/passwd"), "zone: there is no"),
    "an unknown field": (b'{"name": "x", "devices_per_hour": 5, "y": 1}', "unknown field `y`"),
    "nothing": (b"", "missing required field"),
    "a list": (b"[1]", "cannot be taken"),
    "too much": (b" " * (limits.PLAN_OCTETS_MAX + 1), "more than"),
}


@pytest.mark.parametrize(("octets", "told"), BAD_PLANS.values(), ids=BAD_PLANS)
def test_a_campaign_that_cannot_be_is_refused(octets, told):
    with pytest.raises(FileError, match=told):
        decode_campaign(octets, "x", START_MS)
