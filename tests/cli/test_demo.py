"""`hanota demo`, run as a user runs it: what it says, and with which exit code it ends."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from tests.vectors import duis_vector, require_vectors
from typer.testing import CliRunner, Result

from hanota.cli.main import app
from hanota.ledger.ledger import Ledger
from hanota.limits import DEMO_IMAGE_OCTETS, IMAGE_OCTETS_WARNING
from hanota.model import DeviceType, Outcome, RequestID
from hanota.sim.town import EXPECTED, Fate, build_town
from hanota.sim.town_images import seeded_image
from hanota.smki.dsig import sign_request
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

PKI = TestPki(b"whoever wrote the request")
PPMID = build_town(1, 1)[0].device(DeviceType.PPMID).device_id
UNKNOWN = 0x00DB_9999_0000_0004
SAMPLE = "duis/11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML"
# An event a download instead of thousands, where a test looks at something else.
FLOW = ("--radio", "flow")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every run starts in an empty folder; `out/` comes to be in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def demo(*words: object, width: int = 80) -> Result:
    """Run the verb; an exception that is no exit fails the test."""
    arguments = ["demo", *map(str, words)]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": str(width)})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def facts(*words: object, code: int = 0) -> dict:
    result = demo(*words, "--json")
    assert result.exit_code == code, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def refusal(*words: object, code: int) -> str:
    """The one sentence with which the verb refuses; nothing stands on stdout."""
    result = demo(*words)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("hanota: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("hanota: ").strip()


def written(name: str, octets: bytes) -> Path:
    path = Path(name)
    path.write_bytes(octets)
    return path


def request_file(*device_ids: int, originator: int = SUPPLIER, **changes) -> Path:
    image = encode_image(seeded_image(2_048, 1))
    body = msgspec.structs.replace(UpdatePPMIDFirmware(image, "00020000", device_ids), **changes)
    request_id = RequestID(originator, ACCESS_CONTROL_BROKER, 77)
    request = Request(request_id, 8, "11.4", "11.4", body)
    return written("request.xml", sign_request(request, PKI, PKI))


def ppmid_image(octets: int = 500, **changes) -> bytes:
    fields = {
        "image_type": IMAGE_TYPES[DeviceType.PPMID],
        "manufacturer_code": 0x121D,
        "file_version": 0x00030000,
        "manufacturer_image": bytes(octets),
    }
    return encode_image(build_image(**fields | changes))


# --- What it says ---


def test_a_town_with_every_failure():
    told = facts("--homes", 8, "--radio", "frames")
    assert told["outcomes"] == {
        "updated": 2,
        "discarded": 1,
        "transfer-failed": 1,
        "activation-failed": 1,
        "hardware-mismatch": 1,
        "left-out:hub-too-old": 1,
        "left-out:not-your-device": 1,
    }
    assert (told["homes"], told["devices"], told["answer"]) == (8, 8, "I0")
    assert told["request_id"] == "90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:2"
    assert told["version"] == "00020000"
    assert told["all_accounted_for"] is True
    assert (told["missing"], told["unexpected"], told["untrue"]) == ([], [], [])
    assert told["warnings"] == []
    assert told["events"] > 6 * DEMO_IMAGE_OCTETS / 48
    assert told["virtual_s"] >= 7 * 86_400
    assert told["median_s"].keys() == told["outcomes"].keys()
    assert told["causes"].keys() == told["outcomes"].keys() - {"updated"}
    assert len(told["failures"]) == 6
    for failure in told["failures"]:
        assert told["causes"][failure["outcome"]] == [failure["why"]]
        off = failure["why"] == "PPMID switched off"
        assert failure["runs"] == (None if off else "00010000")


def test_the_same_seed_says_the_same():
    first, second = (facts("--homes", 8, "--seed", 5, *FLOW) for _ in range(2))
    assert first.pop("wall_s") is not None
    assert second.pop("wall_s") is not None
    assert first == second


def test_a_run_leaves_two_sound_ledgers_in_a_folder_of_its_own(folder):
    for _ in range(2):
        facts("--homes", 2, *FLOW)
    for name in ("demo-1", "demo-2"):
        for owner in ("supplier", "dcc"):
            with Ledger.open(f"sqlite:///out/{name}/{owner}.db", owner=owner) as ledger:
                assert ledger.verify() == []
    assert {path.name for path in folder.iterdir()} == {"out"}


def test_people_get_tables_that_fit_their_terminal():
    result = demo("--homes", 8, *FLOW, width=80)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    told = facts("--homes", 8, *FLOW)
    for outcome, devices in told["outcomes"].items():
        assert re.search(rf"{outcome} +│ +{devices} ", result.stdout)
    for failure in told["failures"]:
        assert failure["device_id"] in result.stdout
    words = " ".join(re.sub("[│┃]", " ", result.stdout).split())
    assert f"11.4 {told['request_id']}, answered I0" in words
    assert "Every device is accounted for" in words
    assert "Ledgers: out/demo-1/supplier.db and out/demo-1/dcc.db" in result.stdout
    # How far it is stands on stderr, so that stdout can be kept.
    assert "image at the PPMID" in result.stderr
    assert "image at the PPMID" not in result.stdout


def test_more_failures_than_a_table_should_have_are_counted():
    result = demo("--homes", 251, *FLOW)
    assert result.exit_code == 0
    assert "and 6 more (--json has them all)" in result.stdout


# --- The campaign before ---


def test_a_release_that_no_maker_made_is_halted_after_its_canary():
    told = facts("--homes", 60, *FLOW)
    halted = told["halted"]
    assert 0 < halted["asked"] < 12
    assert halted["devices"] == told["devices"] == 60
    assert "the plan halts at 50%" in halted["why"]
    assert told["all_accounted_for"] is True
    with Ledger.open("sqlite:///out/demo-1/supplier.db") as ledger, ledger.view() as view:
        campaigns = {each.name: each for each in view.campaigns()}
        releases = {each.name: each for each in view.releases()}
        acts = [act.act for act in view.campaign_acts(campaigns["mistaken"].number)]
    assert {name: each.state for name, each in campaigns.items()} == {
        "mistaken": "aborted",
        "right": "finished",
    }
    assert acts == ["create", "approve", "start", "halt", "abort"]
    assert releases["mistaken"].withdrawn_ms is not None
    shown = " ".join(demo("--homes", 60, *FLOW).stdout.split())
    assert f"{halted['asked']} of 60 PPMIDs had been asked" in shown


def test_a_town_without_a_canary_has_the_right_campaign_only():
    told = facts("--homes", 1, *FLOW)
    assert (told["halted"] is None) == (told["request_id"][-2:] == ":1")
    assert told["outcomes"] == {"updated": 1}


# --- The second method ---


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What a town says that has HCALCSs of every fate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("both"))
        return facts("--homes", 30, *FLOW)


def test_the_hcalcss_follow_the_ppmids(both):
    told = both["hcalcs"]
    assert sum(told["outcomes"].values()) == told["devices"]
    assert set(told["outcomes"]) == {
        "updated",
        "cancelled",
        "transfer-failed",
        "hardware-mismatch",
        "verification-failed",
        "activation-failed",
        "no-image",
        "hash-mismatch",
        "left-out:hub-too-old",
        "left-out:not-your-device",
    }
    assert (told["version"], told["answer"]) == ("00020000", "W110101")
    # After the canary of the campaign that was halted, and the two waves of the right one.
    assert told["request_id"] == "90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:4"
    assert (told["missing"], told["unexpected"], told["untrue"]) == ([], [], [])
    assert told["all_accounted_for"] is both["all_accounted_for"] is True
    failed = told["devices"] - told["outcomes"]["updated"] - told["outcomes"]["cancelled"]
    assert len(told["failures"]) == failed
    assert told["causes"].keys() == told["outcomes"].keys() - {"updated", "cancelled"}


def test_how_each_hcalcs_was_activated_is_told(both):
    told = both["hcalcs"]
    rows = {(row["outcome"], row["activation"]): row for row in told["activated"]}
    assert {activation for outcome, activation in rows if outcome == "updated"} == {
        "at once",
        "at a time",
    }
    assert ("cancelled", "cancelled") in rows
    assert ("no-image", "at once") in rows
    assert ("transfer-failed", None) in rows
    assert all(row["true"] == row["devices"] for row in rows.values())
    assert sum(row["devices"] for row in rows.values()) == told["devices"]
    assert 86_400 <= rows["updated", "at a time"]["median_s"] < 90_000
    assert rows["updated", "at once"]["median_s"] < 3_600


def test_the_figures_of_the_ppmids_are_those_without_hcalcss(both):
    """The second method begins when the PPMIDs have their images."""
    assert both["devices"] == both["homes"] == 30
    assert both["outcomes"]["updated"] == 24
    assert both["median_s"]["updated"] < 600


def test_people_read_of_both_methods(both):
    result = demo("--homes", 30, *FLOW)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    words = " ".join(re.sub("[│┃]", " ", result.stdout).split())
    assert f"11.1 {both['hcalcs']['request_id']}, answered W110101" in words
    assert "HCALCSs to version 00020000, activated by an 11.3 each" in words
    for row in both["hcalcs"]["activated"]:
        numbers = rf"{row['devices']} +│ +{row['true']} "
        assert re.search(rf"{row['outcome']} +│ +{numbers}", result.stdout)
    assert "at a time" in words
    for stage in ("image at the HCALCS", "image verified", "11.3 answered"):
        assert stage in result.stderr
        assert stage not in result.stdout


def test_an_hcalcs_that_ends_otherwise_than_its_home_was_set_up_to_is_named(monkeypatch):
    monkeypatch.setitem(EXPECTED, Fate.DATED, (Outcome.CANCELLED, ""))
    told = facts("--homes", 30, *FLOW, code=1)
    assert told["unexpected"] == []
    (named, *_) = told["hcalcs"]["unexpected"]
    assert (told["all_accounted_for"], told["hcalcs"]["all_accounted_for"]) == (False, False)
    row = next(row for row in told["hcalcs"]["activated"] if row["activation"] == "at a time")
    assert row["true"] == 0
    shown = demo("--homes", 30, *FLOW)
    assert shown.exit_code == 1
    assert f"Devices otherwise than set up ({row['devices']}): {named}" in shown.stdout


def test_a_request_that_is_given_is_all_that_is_carried_out():
    told = facts("--homes", 2, "--request", request_file(PPMID), *FLOW)
    assert told["hcalcs"] is None
    assert told["virtual_s"] < 3_600
    shown = demo("--homes", 2, "--request", request_file(PPMID), *FLOW)
    assert "HCALCS" not in shown.stdout


# --- A request of somebody else's making ---


@pytest.mark.oracle
def test_the_official_sample_runs_with_its_image_and_device():
    path = require_vectors() / SAMPLE
    told = facts("--request", path, "--homes", 1)
    assert (told["outcomes"], told["version"]) == ({"updated": 1}, "ACDCACDC")
    assert told["answer"] == "I0"
    sample = decode_request(open_document(duis_vector(Path(SAMPLE).name)))
    assert told["request_id"] == str(sample.request_id)
    assert told["warnings"] == [
        "the request's FirmwareVersion 00000000 is not that of its image, ACDCACDC, which counts"
    ]
    url = "sqlite:///out/demo-1/supplier.db"
    with Ledger.open(url, owner="supplier") as ledger, ledger.view() as view:
        row = view.request(sample.request_id, 8)
        assert view.image(row.image_hash) == sample.body.firmware_image


@pytest.mark.oracle
def test_people_read_the_warning_too():
    result = demo("--request", require_vectors() / SAMPLE, "--homes", 1, *FLOW)
    assert result.exit_code == 0
    assert "Warning: the request's FirmwareVersion 00000000" in result.stdout


def test_devices_that_are_not_in_the_town_are_left_out_and_one_named_twice_counts_once():
    told = facts("--homes", 2, "--request", request_file(PPMID, UNKNOWN, PPMID), *FLOW)
    assert told["outcomes"] == {"updated": 1, "left-out:unknown-device": 1}
    assert (told["devices"], told["warnings"]) == (2, [])
    (failure,) = told["failures"]
    assert failure["why"] == "no PPMID of this town"


def test_a_request_for_nobody_in_the_town_is_refused_by_the_dcc():
    told = facts("--homes", 2, "--request", request_file(UNKNOWN), code=3)
    assert (told["answer"], told["all_accounted_for"]) == ("E110405", True)
    shown = demo("--homes", 2, "--request", request_file(UNKNOWN))
    assert shown.exit_code == 3
    assert "The DCC refused the request: E110405, " in " ".join(shown.stdout.split())


def test_a_request_of_another_supplier_is_refused(folder):
    said = refusal("--request", request_file(PPMID, originator=SUPPLIER_2), code=2)
    assert said == (
        "the demo's supplier is 90-B3-D5-1F-30-01-00-00, and this is a request of "
        "90-B3-D5-1F-30-03-00-00"
    )
    assert not (folder / "out").exists()


@pytest.mark.oracle
def test_only_an_11_4_is_carried_out(folder):
    path = require_vectors() / "duis/CS08_11.2_SUCCESS_REQUEST_DUIS.XML"
    assert refusal("--request", path, code=2) == (
        "the demo carries out 11.4, and this is a request for 11.2"
    )
    assert not (folder / "out").exists()


@pytest.mark.parametrize("octets", [b"", b"<a/>", b"no XML", bytes(100)])
def test_what_is_no_request_is_not_read(folder, octets):
    refusal("--request", written("request.xml", octets), code=4)
    assert not (folder / "out").exists()


def test_a_request_whose_image_is_none_is_not_sent(folder):
    refusal("--request", request_file(PPMID, firmware_image=b"no image"), code=4)
    assert not (folder / "out").exists()


# --- An image of somebody else's making ---


def test_an_image_is_delivered():
    told = facts("--image", written("own.ota", ppmid_image()), "--homes", 2, *FLOW)
    assert (told["outcomes"], told["version"]) == ({"updated": 2}, "00030000")


def test_a_large_image_is_delivered_with_a_warning():
    image = ppmid_image(IMAGE_OCTETS_WARNING)
    told = facts("--image", written("own.ota", image), "--homes", 1, *FLOW)
    assert told["outcomes"] == {"updated": 1}
    assert told["warnings"] == [
        f"more than {IMAGE_OCTETS_WARNING} octets: hubs and devices may have no room"
    ]


@pytest.mark.parametrize("octets", [b"", b"no image", ppmid_image()[:-1], ppmid_image() + b"\0"])
def test_what_is_no_image_is_not_read(folder, octets):
    refusal("--image", written("own.ota", octets), code=4)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("option", ["--image", "--request"])
def test_a_file_that_is_not_there_is_named(option):
    assert refusal(option, "nowhere", code=4) == "cannot read nowhere: No such file or directory"


def test_an_image_of_another_kind_of_device_is_refused_by_the_dcc():
    image = ppmid_image(image_type=IMAGE_TYPES[DeviceType.ESME])
    told = facts("--image", written("own.ota", image), "--homes", 1, *FLOW, code=3)
    assert (told["answer"], told["outcomes"]) == ("E110403", {"left-out:E110403": 1})


def test_an_image_for_no_hardware_of_the_town_is_refused_by_the_dcc():
    path = written("own.ota", ppmid_image(hardware=(0x3000, 0x3FFF)))
    told = facts("--image", path, "--homes", 1, *FLOW, code=3)
    assert told["answer"] == "E110405"
    assert told["outcomes"] == {"left-out:NotApplicableFirmwareDeviceIDList": 1}


def test_a_device_that_ends_otherwise_than_its_home_was_set_up_to_is_named():
    path = written("own.ota", ppmid_image(manufacturer_code=0x9999))
    told = facts("--image", path, "--homes", 1, *FLOW, code=1)
    assert told["outcomes"] == {"transfer-failed": 1}
    assert told["unexpected"] == ["00-DB-12-34-56-78-90-A4"]
    assert told["all_accounted_for"] is False
    shown = demo("--image", path, "--homes", 1, *FLOW)
    assert shown.exit_code == 1
    assert "Devices otherwise than set up (1): 00-DB-12-34-56-78-90-A4" in shown.stdout


# --- Wrong use ---


def test_a_request_brings_its_own_image():
    assert "not both" in refusal("--request", "a.xml", "--image", "b.ota", code=2)


@pytest.mark.parametrize("homes", [0, -1, 1_000_001])
def test_a_town_has_homes(folder, homes):
    assert refusal("--homes", homes, code=2) == f"a town has 1 to 1,000,000 homes, not {homes}"
    assert not (folder / "out").exists()


def test_a_folder_with_ledgers_is_not_used_again():
    facts("--homes", 1, "--state", "kept", *FLOW)
    said = refusal("--homes", 1, "--state", "kept", code=2)
    assert said == "kept holds the ledgers of an earlier run: name another folder"


@pytest.mark.parametrize("ledger", ["supplier.db", "dcc.db"])
def test_one_ledger_is_enough_to_keep_a_folder(folder, ledger):
    (folder / "kept").mkdir()
    (folder / "kept" / ledger).write_bytes(b"precious")
    refusal("--homes", 1, "--state", "kept", code=2)
    assert (folder / "kept" / ledger).read_bytes() == b"precious"


@pytest.mark.parametrize("words", [(), ("--state", "out/mine")])
def test_a_folder_that_cannot_be_made_is_named(folder, words):
    written("out", b"a file where a folder should be")
    said = refusal("--homes", 1, *words, code=2)
    assert re.fullmatch(r"cannot make the folder out(/demo-1|/mine)?: [A-Z].*", said)


def test_a_capture_that_cannot_be_written_is_named():
    said = refusal("--homes", 1, "--pcap", "nowhere/home.pcap", code=2)
    assert said == "cannot write nowhere/home.pcap: No such file or directory"


@pytest.mark.parametrize("option", ["--request", "--image"])
def test_a_capture_does_not_overwrite_the_input(option):
    path = request_file(PPMID) if option == "--request" else written("own.ota", ppmid_image())
    before = path.read_bytes()
    said = refusal(option, path, "--pcap", path, code=2)
    assert said == f"{path} is an input of this run: name another file for --pcap"
    assert path.read_bytes() == before


def test_a_capture_is_written_and_named():
    result = demo("--homes", 1, "--request", request_file(PPMID), "--pcap", "home.pcap")
    assert result.exit_code == 0
    assert "home.pcap (open it in Wireshark)" in result.stdout
    octets = Path("home.pcap").read_bytes()
    assert octets[:4] == bytes.fromhex("D4C3B2A1")
    assert len(octets) > 2_048


def test_the_help_has_examples_and_nothing_that_is_not_there():
    shown = demo("--help", width=120)
    assert shown.exit_code == 0
    assert "hanota demo --homes 20 --pcap home.pcap" in shown.stdout
    assert "--open" not in shown.stdout
    assert demo("--open").exit_code == 2
