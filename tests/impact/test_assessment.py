"""Many runs: bands, sensitivity, files and the verb."""

import csv
import json
from pathlib import Path

import msgspec
import pytest
from lxml import etree
from tests.impact.a_profile import START_MS, profile, said, tables
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.supplier.campaign.plan import Pacing, Plan, Wave

np = pytest.importorskip("numpy")
pytest.importorskip("matplotlib")

from hanota.impact import tables as as_rows  # noqa: E402 -- needs numpy
from hanota.impact.assessment import assess  # noqa: E402
from hanota.impact.findings import Findings  # noqa: E402
from hanota.impact.report import write_report  # noqa: E402

A_PLAN = Plan("spring", "any", "type = PPMID", (Wave("all", 100.0),))
UNSURE = {
    "devices": {
        "off": said(0.1, low=0.05, high=0.3),
        "off_days": said(10),
        "activation_s": said(60, low=59, high=61),
    },
    "transfer": {"frames_lost": said(0.02)},
    "cost": {"currency": "GBP <net>", "per_gigaoctet": said(100)},
}


@pytest.fixture(scope="module")
def findings():
    return assess(
        profile(homes=2_000, **UNSURE), A_PLAN, start_ms=START_MS, runs=8, seed=1, sample=1_000
    )


def test_bands_are_ordered_and_hold_the_median(findings):
    bands = [findings.updated, findings.octets_per_home, *findings.outcomes.values()]
    assert all(band.low <= band.middle <= band.high for band in bands)
    assert findings.updated.low < findings.updated.high


def test_every_device_is_accounted_for(findings):
    assert sum(band.middle for band in findings.outcomes.values()) == pytest.approx(1, abs=0.02)
    assert findings.completion.middle[-1] == pytest.approx(findings.updated.middle, abs=0.01)
    assert findings.completion.middle == sorted(findings.completion.middle)


def test_what_matters_most_comes_first(findings):
    assert [swing.field for swing in findings.sensitivity] == [
        "devices.off",
        "devices.activation_s",
    ]
    off = findings.sensitivity[0]
    assert off.updated_low > findings.base_updated > off.updated_high


def test_a_figure_of_many_regions_goes_to_its_end_in_all_of_them():
    content = tables(homes=300)
    regions = content["regions"]
    regions["North"] = {**regions["Central"], "share": said(0.5)}
    regions["Central"] = {**regions["Central"], "share": said(0.5)}
    for region, high in (("North", 0.5), ("Central", 1.0)):
        regions[region] = {**regions[region], "hubs_not_updated": said(0, low=0, high=high)}
    both = msgspec.convert(content, type(profile()))
    found = assess(both, A_PLAN, start_ms=START_MS, runs=1, seed=1)
    (swing,) = found.sensitivity
    assert (swing.field, swing.at_low, swing.at_high) == ("regions.hubs_not_updated", 0, None)
    assert swing.updated_high == pytest.approx(0.25, abs=0.05)


def test_the_rate_of_the_campaign_is_varied_too():
    paced = msgspec.structs.replace(A_PLAN, pacing=Pacing(devices_per_hour=1_200))
    found = assess(profile(homes=4_000), paced, start_ms=START_MS, runs=1, seed=1)
    (swing,) = found.sensitivity
    assert (swing.field, swing.at_low, swing.at_high) == (
        "campaign.pacing.devices_per_hour",
        600,
        2_400,
    )
    assert swing.days_low == pytest.approx(4 * swing.days_high, rel=0.1)


def test_cost_is_octets_at_the_rate(findings):
    assert findings.money.middle == pytest.approx(
        findings.octets_per_home.middle * 2_000 / 1e9 * 100, rel=0.01
    )
    dear = assess(profile(homes=50), A_PLAN, start_ms=START_MS, runs=1, seed=1)
    assert dear.money is None
    # One image of 2,048 octets, and four messages.
    assert dear.octets_per_home.middle == pytest.approx(2_048 + 79 + 51 + 157 + 147)
    assert dear.messages_per_home.middle == pytest.approx(4)


def test_every_assumption_is_told_with_its_source(findings):
    rows = as_rows.assumptions(findings)
    assert rows[0] == ("field", "value", "low", "high", "source")
    assert all(source for *_, source in rows)
    assert ("devices.off", "0.1", "0.05", "0.3", "assumed for a test") in rows


def test_the_same_seed_gives_the_same_files(findings, tmp_path):
    again = assess(
        profile(homes=2_000, **UNSURE), A_PLAN, start_ms=START_MS, runs=8, seed=1, sample=1_000
    )
    assert again == findings
    for folder in ("a", "b"):
        write_report(findings, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    charts = {"completion", "wan-load", "alerts", "hub-occupancy", "left-over", "sensitivity"}
    assert {f"{chart}.{form}" for chart in charts for form in ("svg", "png")} < set(names)


def test_the_page_needs_nothing_else_and_takes_names_for_text(findings, tmp_path):
    write_report(findings, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = etree.fromstring(text.encode(), etree.HTMLParser())
    images = page.findall(".//img")
    assert len(images) == 6
    assert all(image.get("src").startswith("data:image/svg+xml;base64,") for image in images)
    assert not page.findall(".//script")
    assert not page.findall(".//link")
    assert "GBP &lt;net&gt;" in text
    for image in tmp_path.glob("*.svg"):
        assert etree.parse(image).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_json_and_csv_hold_the_findings(findings, tmp_path):
    write_report(findings, tmp_path)
    assert msgspec.json.decode((tmp_path / "impact.json").read_bytes(), type=Findings) == findings
    with (tmp_path / "timeline.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(findings.completion.middle)
    assert float(rows[-1]["updated_share_median"]) == pytest.approx(
        findings.completion.middle[-1], rel=1e-4
    )
    carried = sum(float(row["wan_Central_octets_median"]) for row in rows)
    assert carried == pytest.approx(2_000 * 2_048, rel=0.02)


def test_no_cell_of_a_csv_is_a_formula():
    assert as_rows.as_csv([("=1+1", "-5", "@x", "a")]) == "'=1+1,-5,'@x,a\n"


# --- The verb ---


def hanota(*args):
    return CliRunner().invoke(app, ["impact", *map(str, args)])


@pytest.fixture
def town(tmp_path):
    path = tmp_path / "town.json"
    path.write_text(json.dumps(tables(homes=500)))
    return path


@pytest.fixture
def rate(tmp_path):
    path = tmp_path / "rate.toml"
    path.write_text('name = "a rate"\ndevices_per_hour = 100\n')
    return path


def test_the_verb_prints_figures_assumptions_and_writes_the_page(town, rate, tmp_path):
    out = tmp_path / "out"
    done = hanota("--profile", town, "--campaign", rate, "--runs", 3, "--out", out)
    assert done.exit_code == 0, done.output
    assert "devices updated in the end, of all" in done.stdout
    assert "assumed: hanota settings, block_period_ms" in done.stdout
    assert (out / "index.html").is_file()


def test_the_verb_prints_json(town, rate):
    done = hanota("--profile", town, "--campaign", rate, "--runs", 2, "--json")
    found = msgspec.json.decode(done.stdout.encode(), type=Findings)
    assert (found.runs, found.campaign) == (2, "a rate")
    assert 4 < found.hours_to_percent["99"].middle < 5.1


def test_a_campaign_that_stops_by_itself_is_bad_news(town, tmp_path):
    plan = tmp_path / "plan.json"
    waves = [{"name": "w", "upto_percent": 50}, {"name": "all", "upto_percent": 100}]
    plan.write_text(
        json.dumps({"name": "x", "release": "r", "cohort": "type = PPMID", "waves": waves})
    )
    town.write_text(json.dumps(tables(homes=500, devices={"does_not_start": said(1)})))
    done = hanota("--profile", town, "--campaign", plan, "--runs", 2)
    assert done.exit_code == 1
    assert "In 2 of 2 runs the campaign stops by itself: wave 'w' never" in done.stdout


WRONG = {
    "no such profile": (("--profile", "tomorrow"), 2, "hanota has today and upper"),
    "no runs": (("--runs", 0), 2, "give 1 to 1000 runs"),
    "a seed below 0": (("--seed", -1), 2, "seeds go from 0"),
    "no time": (("--start", "soon"), 2, "'soon' is no time"),
    "no campaign file": (("--campaign", "/nowhere/x"), 4, "cannot read /nowhere/x"),
}


@pytest.mark.parametrize(("args", "code", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_ends_with_one_sentence(args, code, told):
    done = hanota(*args)
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert told in done.stderr


def test_an_impossible_profile_ends_with_one_sentence(town):
    town.write_text(json.dumps(tables(region={"share": said(0.5)})))
    done = hanota("--profile", town)
    assert (done.exit_code, done.stderr.count("\n")) == (4, 1)
    assert "the shares sum to 0.5, not to 1" in done.stderr


def test_a_folder_that_cannot_be_written_is_wrong_use(town, rate, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    done = hanota("--profile", town, "--campaign", rate, "--runs", 1, "--out", file)
    assert done.exit_code == 2
    assert "cannot write" in done.stderr


def test_without_the_extra_one_sentence_says_which(monkeypatch):
    monkeypatch.setattr("hanota.cli.impact.find_spec", lambda _name: None)
    done = hanota()
    assert done.exit_code == 2
    assert done.stderr == (
        "hanota: hanota impact needs numpy and matplotlib: install hanota[impact]\n"
    )


def test_the_examples_run():
    folder = Path(__file__).parents[2] / "examples" / "impact"
    done = hanota(
        "--profile", folder / "region.toml", "--campaign", folder / "nights.toml", "--runs", 2
    )
    assert done.exit_code == 0, done.output
    assert "cost of the WAN, GBP" in done.stdout
