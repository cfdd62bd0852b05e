"""`hanota estate`, `release` and `campaign`: what they write, what they print, how they end."""

import json

import msgspec
import pytest
from tests.dcc.samples import NEW, device, entry, hub, image
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.files.estate import read_estate, write_estate
from hanota.files.products import write_products
from hanota.model import DeviceType, eui_text, version_text
from hanota.rows import ProductStatus
from hanota.supplier.campaign.plan import Plan, Promotion, Wave, encode_plan
from hanota.wire.image import encode_image

FIRST = 0x00DB123456789000
PPMIDS = 40
PLAN = Plan(
    "spring",
    "ppmid-2",
    "type:PPMID",
    (Wave("canary", 10.0, None, Promotion(90.0, 1, 60_000)), Wave("all", 100.0)),
    salt="s",
)


def estate():
    for number in range(PPMIDS):
        hub_id = FIRST + 16 * number
        yield hub(device_id=hub_id, hub_id=hub_id, gbcs_version="2.1" if number == 1 else "4.3")
        yield device(DeviceType.PPMID, device_id=hub_id + 2, hub_id=hub_id)


class Folder:
    """A folder with the files of a supplier, and the verbs run on the ledger in it."""

    def __init__(self, path) -> None:
        self.path = path
        write_estate(path / "estate.csv", estate())
        write_products(path / "cpl.csv", [entry(DeviceType.PPMID)])
        (path / "image.ota").write_bytes(encode_image(image(DeviceType.PPMID)))
        self.plan()

    def plan(self, **changes):
        plan = msgspec.structs.replace(PLAN, **changes)
        (self.path / "plan.json").write_bytes(encode_plan(plan))

    def run(self, *words):
        words = [
            str(self.path / word) if "." in word and "/" not in word else word for word in words
        ]
        return CliRunner().invoke(app, [*words, "--state", str(self.path)], env={"COLUMNS": "200"})

    def json(self, *words):
        result = self.run(*words, "--json")
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return json.loads(result.stdout)

    def ready(self):
        self.json("estate", "import", "estate.csv")
        self.json(
            "release",
            "add",
            "ppmid-2",
            "image.ota",
            "--products",
            str(self.path / "cpl.csv"),
            "--by",
            "eve",
        )
        return self

    def running(self):
        self.ready()
        self.json("campaign", "create", "plan.json", "--by", "ann")
        self.json("campaign", "approve", "spring", "--by", "bob")
        self.json("campaign", "start", "spring", "--by", "ann")
        return self


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def ready(folder):
    return folder.ready()


@pytest.fixture
def running(folder):
    return folder.running()


def refused(result, told, code=2):
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    return True


# The estate


def test_what_is_imported_is_listed_shown_and_exported(ready):
    listed = ready.json("estate", "list", "type:PPMID", "--limit", "3")
    assert (listed["devices"], len(listed["listed"])) == (PPMIDS, 3)
    shown = ready.json("estate", "show", eui_text(FIRST + 2))
    assert (shown["type"], shown["campaigns"]) == ("PPMID", {})
    assert ready.json("estate", "export", "again.csv")["exported"] == 2 * PPMIDS
    assert list(read_estate(ready.path / "again.csv")) == list(estate())
    assert "3 of 40 devices" in ready.run("estate", "list", "type:PPMID", "--limit", "3").stdout


def test_of_a_file_with_bad_rows_nothing_is_imported(folder):
    text = (folder.path / "estate.csv").read_text().replace("PPMID", "TOASTER", 2)
    (folder.path / "bad.csv").write_text(text)
    result = folder.run("estate", "import", "bad.csv")
    assert result.exit_code == 4
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert "line 3, column type" in lines[0]
    assert lines[-1] == "hanota: 2 rows cannot be used, and nothing was imported"
    assert folder.json("estate", "list")["devices"] == 0


def test_a_filter_or_device_that_is_none(ready):
    assert refused(ready.run("estate", "list", "colour:red"), "'colour' at character 1")
    assert refused(ready.run("estate", "show", "1"), "no device id")
    unknown = ready.run("estate", "show", "00-00-00-00-00-00-00-01")
    assert refused(unknown, "the estate has no device")


# Releases


def test_a_release_is_checked_listed_and_withdrawn(ready):
    (listed,) = ready.json("release", "list")["releases"]
    assert (listed["name"], listed["version"], listed["objection"]) == (
        "ppmid-2",
        version_text(NEW),
        None,
    )
    withdrawn = ready.json("release", "withdraw", "ppmid-2")
    assert withdrawn["objection"] == "the release 'ppmid-2' is withdrawn"


def test_an_image_that_is_not_on_the_list_or_none_at_all(folder):
    changed = [entry(DeviceType.PPMID, status=ProductStatus.WITHDRAWN)]
    write_products(folder.path / "cpl.csv", changed)
    words = ("release", "add", "x", "image.ota", "--products", str(folder.path / "cpl.csv"))
    assert refused(folder.run(*words), "is not Active, but Withdrawn")
    write_products(folder.path / "cpl.csv", [entry(DeviceType.PPMID, hash=bytes(32))])
    assert refused(folder.run(*words), "has no entry with the hash")
    (folder.path / "image.ota").write_bytes(b"no image")
    assert refused(folder.run(*words), "OTA", code=4)
    assert folder.json("release", "list") == {"releases": []}


def test_an_image_that_somebody_else_signed(folder):
    signed = image(DeviceType.ESME, signature=bytes(64), manufacturer_image=b"firmware")
    (folder.path / "image.ota").write_bytes(encode_image(signed))
    assert refused(folder.run("release", "add", "x", "image.ota"), "is not this supplier's")


def test_an_entry_that_is_withdrawn_later_is_told(ready):
    write_products(ready.path / "cpl.csv", [entry(DeviceType.PPMID, status=ProductStatus.EXPIRED)])
    assert ready.json("release", "products", "cpl.csv")["entries"] == 1
    (listed,) = ready.json("release", "list")["releases"]
    assert "not Active, but Expired" in listed["objection"]


# Campaigns


def test_a_preview_says_how_many_which_not_and_why(ready):
    found = ready.json("campaign", "preview", "plan.json")
    assert (found["devices"], found["to_update"]) == (PPMIDS, PPMIDS - 1)
    assert found["left_out"] == {"hub-too-old": 1}
    assert found["steps"] == {version_text(NEW): PPMIDS - 1}
    assert found["requests"] == 1
    assert found["waves_about"] == {"canary": 4, "all": 35}
    assert found["objections"] == []
    lines = ready.run("campaign", "preview", "plan.json", "--devices", "--json").stdout.splitlines()
    devices = [json.loads(line) for line in lines]
    assert len(devices) == PPMIDS
    assert [each["left_out"] for each in devices].count("hub-too-old") == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"release": "none"}, "there is none named 'none'"),
        ({"cohort": "type:ESME"}, "no device of the estate"),
        ({"cohort": "type:CHF"}, "none of its 40 devices can be updated: wrong-type 40"),
        ({"waves": ()}, "waves: there are 0"),
        ({"zone": "Mars/Base"}, "there is no zone 'Mars/Base'"),
    ],
)
def test_a_plan_that_can_never_succeed_is_neither_previewed_as_sound_nor_approved(
    ready, changes, told
):
    ready.plan(**changes)
    result = ready.run("campaign", "preview", "plan.json", "--json")
    assert result.exit_code == 1
    assert any(told in sentence for sentence in json.loads(result.stdout)["objections"])
    ready.json("campaign", "create", "plan.json", "--by", "ann")
    assert refused(ready.run("campaign", "approve", "spring", "--by", "bob"), told)


def test_a_plan_that_cannot_be_read(ready):
    (ready.path / "plan.json").write_text("{")
    assert refused(ready.run("campaign", "create", "plan.json"), "the plan cannot be read")
    ready.plan(cohort="colour:red")
    assert refused(ready.run("campaign", "create", "plan.json"), "'colour' at character 1")
    assert refused(ready.run("campaign", "preview", "nothing"), "no campaign and no file")


def test_four_eyes(ready):
    ready.json("campaign", "create", "plan.json", "--by", "ann")
    assert refused(ready.run("campaign", "start", "spring"), "somebody else has approved it")
    assert refused(ready.run("campaign", "approve", "spring", "--by", "ann"), "ann has written")
    assert len(ready.json("campaign", "approve", "spring", "--by", "bob")["digest"]) == 64
    ready.plan(salt="t")
    edited = ready.json("campaign", "edit", "plan.json", "--by", "bob")
    assert (edited["state"], edited["digest"]) == ("draft", None)
    assert refused(ready.run("campaign", "approve", "spring", "--by", "bob"), "bob has written")
    ready.json("campaign", "approve", "spring", "--by", "ann")
    assert ready.json("campaign", "start", "spring", "--by", "bob")["state"] == "running"


def test_what_starts_is_what_was_approved(ready):
    ready.json("campaign", "create", "plan.json", "--by", "ann")
    ready.json("campaign", "approve", "spring", "--by", "bob")
    write_estate(ready.path / "more.csv", [hub(), device(DeviceType.PPMID)])
    ready.json("estate", "import", "more.csv")
    assert refused(ready.run("campaign", "start", "spring"), "not those that were approved")


def test_a_campaign_that_runs_is_stopped_by_anyone_and_resumed_for_a_reason(running):
    assert (
        running.json("campaign", "pause", "spring", "--by", "x", "--why", "y")["state"] == "paused"
    )
    assert refused(running.run("campaign", "resume", "spring", "--why", " "), "say why")
    assert running.json("campaign", "resume", "spring", "--why", "z")["state"] == "running"
    assert running.json("campaign", "abort", "spring")["state"] == "aborted"
    assert refused(running.run("campaign", "resume", "spring", "--why", "z"), "is aborted")
    assert refused(running.run("campaign", "edit", "plan.json"), "before it starts")
    acts = running.json("campaign", "show", "spring")["acts"]
    assert [act.split()[2] for act in acts] == [
        "create",
        "approve",
        "start",
        "pause",
        "resume",
        "abort",
    ]


def test_watch_report_and_export(running):
    (listed,) = running.json("campaign", "list")["campaigns"]
    assert sum(wave["waiting"] for wave in listed["waves"].values()) == PPMIDS
    watched = running.json("campaign", "watch", "spring", "--once")
    assert watched["state"] == "running"
    bars = running.run("campaign", "watch", "spring", "--once").stdout
    assert all(word in bars for word in ("running", "canary", "all", "waiting"))
    rows = running.json("campaign", "report", "spring")["rows"]
    assert sum(row["devices"] for row in rows) == PPMIDS
    assert "hub firmware" in running.run("campaign", "report", "spring").stdout
    assert running.json("campaign", "export", "spring", "out.csv")["exported"] == PPMIDS
    assert len((running.path / "out.csv").read_text().splitlines()) == PPMIDS + 1
    running.json("campaign", "abort", "spring")
    assert running.run("campaign", "watch", "spring").exit_code == 1


def test_what_there_is_not(ready):
    for words in (
        ("show", "x"),
        ("watch", "x"),
        ("report", "x"),
        ("start", "x"),
        ("export", "x", "o.csv"),
    ):
        assert refused(ready.run("campaign", *words), "there is no campaign 'x'")
    told = "nothing has happened to"
    assert refused(ready.run("campaign", "timeline", eui_text(FIRST + 2)), told)
    ready.json("campaign", "create", "plan.json")
    assert refused(ready.run("campaign", "create", "plan.json"), "there is a campaign 'spring'")
