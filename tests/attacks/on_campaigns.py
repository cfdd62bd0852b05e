"""Attacks on campaigns, by people who may start them; and on the ledger, by whoever has it."""

import tempfile
from pathlib import Path

import msgspec
from tests.attacks.attack import FIELD, Attack, Defence
from tests.dcc.samples import NOW_MS
from tests.ledger.databases import run
from tests.ledger.examples import request
from tests.ledger.test_ledger_verify import fill
from tests.sim.a_campaign import PLAN, ACampaign

from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, Outcome
from hanota.rows import ProductStatus
from hanota.sim.town_images import seeded_image, signed_by
from hanota.smki.organisations import SUPPLIER
from hanota.supplier.campaign.halting import Ended, breach
from hanota.supplier.campaign.plan import Halt, Pacing, Promotion, Wave
from hanota.supplier.campaign.promotion import standing
from hanota.supplier.campaign.tally import Tally
from hanota.wire.image import encode_image

ALL_AT_ONCE = (Wave("all", 100.0),)


def campaign() -> ACampaign:
    return ACampaign(homes=4)


def tried(act) -> str:
    """Why an act is refused."""
    try:
        act()
    except LocalError as error:
        return str(error)
    return "done"


def asked(running: ACampaign) -> str:
    """How a campaign stands, and how many devices it has asked."""
    return f"{running.row().state}, {len(running.requests('11.4'))} asked"


def dispatched(running: ACampaign) -> str:
    """How often a device was asked at most, and how those stand that were."""
    asked_of = running.requests("11.4")
    states = {device.state for device in running.devices() if device.device_id in asked_of}
    return f"{max(asked_of.values())} request a device, {' and '.join(sorted(states))}"


def an_image_that_is_not_on_the_list() -> str:
    """Somebody imports an image of his own as a release."""
    running = campaign()
    image = encode_image(seeded_image(2_048, 99, kind=DeviceType.PPMID))
    name = {"by": "mallory", "now_ms": running.now_ms}
    return tried(lambda: running.releases.add("malware", image, None, **name))


def an_image_that_somebody_else_signed() -> str:
    """An image for HCALCSs with another supplier's signature is imported."""
    running = campaign()
    image = running.world.image_file(DeviceType.HCALCS, 0x90B3D51F30030000)
    name = {"by": "mallory", "now_ms": running.now_ms}
    return tried(lambda: running.releases.add("theirs", image, None, **name))


def an_image_changed_before_it_was_signed() -> str:
    """One octet of the maker's image is another before the supplier signs it."""
    running = campaign()
    image = seeded_image(2_048, 99, kind=DeviceType.HCALCS)
    octets = encode_image(signed_by(SUPPLIER, image, running.world.pki))
    name = {"by": "mallory", "now_ms": running.now_ms}
    return tried(lambda: running.releases.add("changed", octets, None, **name))


def an_image_exchanged_after_the_approval() -> str:
    """The octets in the store are exchanged, under the same name."""
    running = campaign().begins(waves=ALL_AT_ONCE)
    other = encode_image(seeded_image(2_048, 99, kind=DeviceType.PPMID))
    database = running.ledger._database._connection
    with running.ledger.view() as view:
        name = view.release_named("ppmid-2").sha256
    database.execute("UPDATE image SET octets = ? WHERE sha256 = ?", (other, name))
    running.advance()
    return asked(running)


def a_cohort_that_grew_after_the_approval() -> str:
    """Somebody adds a device to the cohort between approval and start."""
    running = campaign()
    plan = msgspec.structs.replace(PLAN, waves=ALL_AT_ONCE)
    now_ms = running.now_ms
    running.campaigns.create(plan, by="ann", now_ms=now_ms)
    running.campaigns.approve("spring", by="bob", now_ms=now_ms)
    row = next(each for home in running.world.town for each in home.devices if each.type == "PPMID")
    with running.ledger.batch() as batch:
        known = batch.devices([row.device_id])[row.device_id]
        batch.put_devices([msgspec.structs.replace(known, device_id=0xBAD)])
    return tried(lambda: running.campaigns.start("spring", by="ann", now_ms=now_ms))


def an_edit_after_the_approval() -> str:
    running = campaign()
    now_ms = running.now_ms
    running.campaigns.create(PLAN, by="ann", now_ms=now_ms)
    running.campaigns.approve("spring", by="bob", now_ms=now_ms)
    wider = msgspec.structs.replace(PLAN, waves=ALL_AT_ONCE)
    running.campaigns.edit(wider, by="ann", now_ms=now_ms)
    return tried(lambda: running.campaigns.start("spring", by="ann", now_ms=now_ms))


def one_person_alone() -> str:
    running = campaign()
    running.campaigns.create(PLAN, by="mallory", now_ms=running.now_ms)
    return tried(lambda: running.campaigns.approve("spring", by="mallory", now_ms=running.now_ms))


def a_release_that_was_certified_once() -> str:
    """The Central Products List withdraws the entry while the campaign runs."""
    running = campaign().begins(waves=ALL_AT_ONCE)
    with running.ledger.view() as view:
        entries = list(view.products())
    running.releases.replace_products(
        msgspec.structs.replace(each, status=ProductStatus.WITHDRAWN) for each in entries
    )
    running.advance()
    return asked(running)


def a_release_that_has_expired() -> str:
    running = campaign()
    image = running.world.image_file(DeviceType.HCALCS, SUPPLIER)
    until_ms = running.now_ms + HOUR_MS
    running.releases.add("short", image, None, by="eve", now_ms=running.now_ms, expires_ms=until_ms)
    running.begins(release="short", cohort="type:HCALCS", waves=ALL_AT_ONCE)
    running.conductor.advance(until_ms)
    return f"{running.row().state}, {len(running.requests('11.1'))} asked"


def two_conductors() -> str:
    """Two processes conduct the same campaign at once."""
    running = campaign().begins(waves=ALL_AT_ONCE)
    first = running.conductor
    second = running.restart().conductor
    for conductor in (first, second, first):
        conductor.advance(running.now_ms)
    return dispatched(running)


def a_crash_after_the_dispatch() -> str:
    """The process ends after every step, and goes on from the ledger."""
    running = campaign().begins(waves=ALL_AT_ONCE)
    for _ in range(3):
        running.restart().conductor.advance(running.now_ms)
    return dispatched(running)


def failures_of_a_few() -> str:
    """A few forged or real failures, of the first few that ended."""
    halt = Halt(10.0, 3, 20, HOUR_MS)
    ended = [Ended(Outcome.ACTIVATION_FAILED, NOW_MS, 3)]
    return str(breach([halt], ended, NOW_MS) or "no halt")


def failures_that_come_late() -> str:
    """Devices that hold their failures back until the next wave has begun."""
    wave = Tally(under_way=60, proven=40)
    return standing(Promotion(95.0, 20, 0), wave, NOW_MS - DAY_MS, NOW_MS).readiness.value


def successes_of_a_moment() -> str:
    """The proof stands for a minute only."""
    wave = Tally(proven=100)
    return standing(Promotion(95.0, 20, HOUR_MS), wave, NOW_MS, NOW_MS + 60_000).readiness.value


def everything_at_once() -> str:
    """A plan with pacing, and somebody who asks again and again."""
    running = campaign().begins(waves=ALL_AT_ONCE, pacing=Pacing(devices_per_hour=12))
    for _ in range(10):
        running.conductor.advance(running.now_ms)
    return f"{len(running.requests('11.4'))} asked"


def a_journal_that_is_changed() -> str:
    """Somebody with the file takes one entry out of a device's journal."""
    ledger = Ledger.open("sqlite://", owner="dcc")
    fill(ledger)
    run(ledger, "DELETE FROM journal WHERE device_id = 1 AND state = 'delivered'")
    return "; ".join(ledger.verify()) or "sound"


def a_state_that_is_changed() -> str:
    """Somebody with the file writes that a device is updated."""
    ledger = Ledger.open("sqlite://", owner="dcc")
    fill(ledger)
    run(ledger, "UPDATE delivery SET state = 'updated' WHERE device_id = 2")
    return "; ".join(ledger.verify()) or "sound"


def an_image_that_is_changed() -> str:
    ledger = Ledger.open("sqlite://", owner="dcc")
    fill(ledger)
    run(ledger, "UPDATE image SET octets = sha256")
    return "; ".join(ledger.verify())[:9] or "sound"


def a_backup_that_was_put_back() -> str:
    """The file of a ledger is put back to what it was an hour ago."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, url, marks = folder / "dcc.db", f"sqlite:///{folder / 'dcc.db'}", folder / "marks"
        with Ledger.open(url, owner="dcc", marks=marks) as ledger:
            fill(ledger)
        backup = file.read_bytes()
        with Ledger.open(url, marks=marks) as ledger, ledger.batch() as batch:
            batch.put_request(request(3))
        file.write_bytes(backup)
        try:
            with Ledger.open(url, marks=marks):
                return "opened"
        except LocalError as error:
            return "refused as a backup" if "restored backup" in str(error) else str(error)


PLANNER = "one person who may plan, import or start campaigns"
FILE = "whoever can write the ledger's file"

ATTACKS = (
    Attack(
        name="an image of nobody becomes a release",
        number=1,
        who=PLANNER,
        stopped_by="An image is imported only if the Central Products List has an Active entry "
        "with its hash, maker and version (serve/releases.py); the DCC looks again.",
        mount=an_image_that_is_not_on_the_list,
        refused="the Central Products List has no entry with the hash, maker and version of the "
        "release 'malware'",
        without="done",
        defence=Defence(
            "serve/releases.py",
            "            if why is not None:\n                raise LocalError(why)\n",
        ),
        remains="The supplier's copy of the list is a file that somebody imports.",
    ),
    Attack(
        name="an image changed before it was signed",
        number=13,
        who="whoever builds or hands over an image, and a supplier who signs it unread",
        stopped_by="The signature of the supplier is not enough: the hash has to be that of the "
        "Central Products List, which comes another way (supplier/campaign/catalogue.py).",
        mount=an_image_changed_before_it_was_signed,
        refused="the Central Products List has no entry with the hash, maker and version of the "
        "release 'changed'",
        without="done",
        defence=Defence(
            "serve/releases.py",
            "            why = objection(release, batch.products(), now_ms)\n",
            "            why = None\n",
        ),
        remains="One person imports; the second pair of eyes is at the campaign's approval.",
    ),
    Attack(
        name="an image of another supplier becomes a release",
        number=FIELD,
        who=PLANNER,
        stopped_by="An image for 11.1 has to be signed with a key of this supplier when it is "
        "imported (supplier/campaign/releases.py).",
        mount=an_image_that_somebody_else_signed,
        refused="the signature at the end of the image is not this supplier's: sign it with "
        "`hanota image build --sign-as`",
        without="done",
        defence=Defence(
            "supplier/campaign/releases.py",
            "    if kind in SIGNED_TYPES and not _is_signed(image, certificates):\n",
            "    if False:\n",
        ),
        remains="Who signs for the supplier is not the campaign's to say.",
    ),
    Attack(
        name="an image exchanged after the approval",
        number=2,
        who=FILE,
        stopped_by="The approval is of the image's SHA-256; the image is digested again before "
        "every request, and another one halts the campaign (serve/campaign_conduct.py).",
        mount=an_image_exchanged_after_the_approval,
        refused="halted, 0 asked",
        without="running, 4 asked",
        defence=Defence(
            "serve/campaign_conduct.py",
            "            why = image_objection(release, images[name])\n",
            "            why = None\n",
        ),
        remains="Who changes release and image alike is stopped by the Central Products List.",
    ),
    Attack(
        name="a cohort that grew after the approval",
        number=15,
        who="whoever may change the estate",
        stopped_by="The approval is of one digest of plan, image and every device of the cohort; "
        "what starts has to be that (serve/campaigns.py).",
        mount=a_cohort_that_grew_after_the_approval,
        refused="the image or the devices of 'spring' are not those that were approved: approve it "
        "again",
        without="done",
        defence=Defence(
            "serve/campaigns.py",
            "            if _digest(batch, campaign) != campaign.digest:\n",
            "            if False:\n",
        ),
        remains="A plan with late joiners says that devices may join, and is approved as such.",
    ),
    Attack(
        name="an edit after the approval",
        number=15,
        who=PLANNER,
        stopped_by="An edit makes a draft of the campaign again (supplier/campaign/conduct.py).",
        mount=an_edit_after_the_approval,
        refused="the campaign 'spring' is draft: it starts once somebody else has approved it",
        without="the image or the devices of 'spring' are not those that were approved: approve it "
        "again",
        defence=Defence(
            "supplier/campaign/conduct.py",
            "    (CampaignState.APPROVED, Act.EDIT): CampaignState.DRAFT,\n",
            "    (CampaignState.APPROVED, Act.EDIT): CampaignState.APPROVED,\n",
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="one person alone",
        number=14,
        who=PLANNER,
        stopped_by="Nobody approves a plan that is his own (serve/campaigns.py).",
        mount=one_person_alone,
        refused="mallory has written the plan of 'spring': somebody else has to approve it",
        without="done",
        defence=Defence(
            "serve/campaigns.py",
            "            if by == campaign.author:\n",
            "            if False:\n",
        ),
        remains="Who a person is, the command line believes: names are proved once there are "
        "accounts (REST interface).",
    ),
    Attack(
        name="a release that was certified once",
        number=6,
        who="whoever starts an old campaign again, or lets one run",
        stopped_by="The Central Products List is looked at before every request, not only when a "
        "campaign is planned (serve/campaign_conduct.py).",
        mount=a_release_that_was_certified_once,
        refused="halted, 0 asked",
        without="finished, 0 asked",
        defence=Defence(
            "serve/campaign_conduct.py",
            "            why = _objection(batch, plan, now_ms)\n",
            "            why = None\n",
        ),
        remains="The list is as new as its last import; nothing says yet that it is old.",
    ),
    Attack(
        name="a release that has expired",
        number=6,
        who="whoever lets a campaign run for long",
        stopped_by="A release may have an end; nothing of it is sent after that "
        "(supplier/campaign/catalogue.py).",
        mount=a_release_that_has_expired,
        refused="halted, 0 asked",
        without="running, 2 asked",
        defence=Defence(
            "supplier/campaign/catalogue.py",
            "    if release.expires_ms is not None and release.expires_ms <= now_ms:\n",
            "    if False:\n",
        ),
        remains="A release without an end.",
    ),
    Attack(
        name="two conductors of one campaign",
        number=22,
        who="two processes that each take themselves for the only one",
        stopped_by="A step reads, decides and marks the devices that it asks in one transaction "
        "(serve/campaign_conduct.py); a device with a live delivery is not asked again.",
        mount=two_conductors,
        refused="1 request a device, asked",
        without="1 request a device, waiting",
        defence=Defence(
            "serve/campaign_conduct.py",
            "        batch.move_campaign_devices(moves)\n        batch.count_dispatched",
            "        batch.count_dispatched",
        ),
        remains="Two copies of a ledger: each is one.",
    ),
    Attack(
        name="a crash after the dispatch",
        number=21,
        who="nobody: a power cut",
        stopped_by="A request, its deliveries and the marks of its devices are one transaction, "
        "and only what is recorded leaves (serve/campaign_conduct.py, serve/supplier.py).",
        mount=a_crash_after_the_dispatch,
        refused="1 request a device, asked",
        without="1 request a device, waiting",
        defence=Defence(
            "serve/campaign_conduct.py",
            "        batch.move_campaign_devices(moves)\n        batch.count_dispatched",
            "        batch.count_dispatched",
        ),
        remains="A request may be sent twice: the DCC answers the second time as it did first.",
    ),
    Attack(
        name="failures to force a halt",
        number=19,
        who="a few devices, or their maker",
        stopped_by="A halt needs a share, a number and a sample, all within a window "
        "(supplier/campaign/halting.py); only messages that are genuine count at all.",
        mount=failures_of_a_few,
        refused="no halt",
        without="3 of 3 devices (100.0%) ended in failure within 60 min; the plan halts at 10%, "
        "3 devices",
        defence=Defence(
            "supplier/campaign/halting.py",
            "enough = failed >= halt.devices and total >= halt.sample",
            "enough = failed >= halt.devices",
        ),
        remains="Who has as many devices as the plan's numbers can halt it: it is meant to.",
    ),
    Attack(
        name="failures after the promotion",
        number=20,
        who="a maker whose image fails late, or devices that keep silent",
        stopped_by="What is under way is no success when a wave is judged "
        "(supplier/campaign/promotion.py), and silence ends as failure.",
        mount=failures_that_come_late,
        refused="too few successes are proven",
        without="ready",
        defence=Defence(
            "supplier/campaign/promotion.py",
            "if wave.proven * 100 < promotion.success_percent * wave.tried:",
            "if wave.proven * 100 < promotion.success_percent * wave.ended:",
        ),
        remains="A fault that shows after the soak.",
    ),
    Attack(
        name="successes of a moment",
        number=20,
        who="a maker whose image fails a little later",
        stopped_by="The proof of a wave has to hold for a while (supplier/campaign/promotion.py).",
        mount=successes_of_a_moment,
        refused="the proof is too fresh",
        without="ready",
        defence=Defence(
            "supplier/campaign/promotion.py",
            "    soaked = now_ms - since_ms >= promotion.soak_ms\n",
            "    soaked = True\n",
        ),
        remains="A plan without a soak.",
    ),
    Attack(
        name="everything at once",
        number=23,
        who=PLANNER,
        stopped_by="What was dispatched is counted in the transaction that dispatches, by region "
        "and minute (serve/campaign_conduct.py).",
        mount=everything_at_once,
        refused="1 asked",
        without="4 asked",
        defence=Defence(
            "serve/campaign_conduct.py",
            "        batch.count_dispatched(campaign.number, regions, now_ms)\n",
        ),
        remains="A plan without pacing; the DCC's thresholds come after.",
    ),
    Attack(
        name="an entry taken out of the journal",
        number=25,
        who=FILE,
        stopped_by="Each entry of a device names the one before it; `Ledger.verify` follows them "
        "(ledger/verify.py).",
        mount=a_journal_that_is_changed,
        refused="entry 6 of 00-00-00-00-00-00-00-01 does not lead to the entry before it",
        without="sound",
        defence=Defence(
            "ledger/verify.py",
            '    "verify_chains": "entry {number} of {device} does not lead to the entry before '
            'it",\n',
        ),
        remains="Who writes the whole journal anew, with a state to match, is not found: the "
        "chain has no hashes and no anchor outside yet.",
    ),
    Attack(
        name="a state written past the journal",
        number=25,
        who=FILE,
        stopped_by="The state of every delivery is rebuilt from the journal and compared "
        "(ledger/verify.py).",
        mount=a_state_that_is_changed,
        refused="the journal tells of 00-00-00-00-00-00-00-02 in request 1 otherwise",
        without="sound",
        defence=Defence(
            "ledger/verify.py",
            '    "verify_deliveries_kept": "the journal tells of {device} in request {number} '
            'otherwise",\n',
        ),
        remains="As above; and somebody has to run it.",
    ),
    Attack(
        name="an image changed in the ledger",
        number=30,
        who=FILE,
        stopped_by="An image is kept under its SHA-256, which is computed again "
        "(ledger/verify.py, and before every request).",
        mount=an_image_that_is_changed,
        refused="the image",
        without="sound",
        defence=Defence(
            "ledger/verify.py",
            "        if hashlib.sha256(octets).digest() != name:\n",
            "        if False:\n",
        ),
        remains="Nothing known: hubs and devices verify what they fetch.",
    ),
    Attack(
        name="a backup that was put back",
        number=30,
        who=FILE + ", or an operator in good faith",
        stopped_by="How far a ledger has come is written down outside of it, too; one that is "
        "behind its mark is not opened until somebody accepts that (ledger/mark.py).",
        mount=a_backup_that_was_put_back,
        refused="refused as a backup",
        without="opened",
        defence=Defence("ledger/ledger.py", "        if seen > here:\n", "        if False:\n"),
        remains="Who puts ledger and mark back together is not noticed: keep them apart.",
    ),
)
