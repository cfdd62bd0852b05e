"""`hanota supplier serve` with `hanota dcc serve`: real processes, killed at any moment."""

import time

import pytest
from tests.cli.processes import IMAGE_OCTETS, Joined, killing, wait_until
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.ledger.ledger import Ledger
from hanota.limits import MINUTE_MS
from hanota.model import DeviceType
from hanota.serve.campaigns import Campaigns
from hanota.serve.releases import Releases
from hanota.sim.town_images import product_entry, seeded_image
from hanota.smki.organisations import SUPPLIER
from hanota.supplier.campaign.conduct import CampaignState
from hanota.supplier.campaign.plan import Plan, Promotion, Wave
from hanota.wire.image import encode_image

SETTLED = ("updated", "", "00020000")


def now_ms():
    return time.time_ns() // 1_000_000


def roll_out(folder, homes, requests, disturb=lambda _joined: None):
    """One rollout to the end; what became of each device, and how much happened."""
    with Joined(folder, homes) as joined:
        joined.ask_for_updates(requests, now_ms())
        joined.start("dcc", "supplier")
        disturb(joined)
        return joined.come_to_the_end()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return roll_out(tmp_path_factory.mktemp("undisturbed"), 60, 12)


def test_every_device_is_accounted_for(undisturbed):
    states, _ = undisturbed
    assert list(states.values()) == [SETTLED] * 60


def test_a_process_killed_at_any_moment_changes_nothing(undisturbed, tmp_path):
    states, happenings = undisturbed
    disturbed = roll_out(tmp_path, 60, 12, lambda joined: killing(joined, 3, happenings, seed=1))
    assert disturbed[0] == states


@pytest.mark.long
def test_fifty_kills_over_two_thousand_homes(tmp_path_factory):
    states, happenings = roll_out(tmp_path_factory.mktemp("undisturbed"), 2_000, 100)
    assert set(states.values()) == {SETTLED}
    folder = tmp_path_factory.mktemp("killed")
    disturbed = roll_out(folder, 2_000, 100, lambda each: killing(each, 50, happenings, seed=2))
    assert disturbed[0] == states


def begin_a_campaign(ledger):
    """One that takes a part of the PPMIDs first; everything is only written into the ledger."""
    image = seeded_image(IMAGE_OCTETS, 1)
    products = [product_entry(DeviceType.PPMID, image)]
    at_ms = now_ms()
    Releases(ledger, []).add("new", encode_image(image), products, by="eve", now_ms=at_ms)
    canary = Wave("canary", 20.0, None, Promotion(100.0, 4, MINUTE_MS))
    plan = Plan("spring", "new", "type:PPMID", (canary, Wave("all", 100.0)))
    campaigns = Campaigns(ledger, supplier_id=SUPPLIER)
    campaigns.create(plan, by="ann", now_ms=at_ms)
    campaigns.approve("spring", by="bob", now_ms=at_ms)
    campaigns.start("spring", by="ann", now_ms=at_ms)


def campaign_state(joined):
    with Ledger.open(joined.urls["supplier"]) as ledger, ledger.view() as view:
        return view.campaign_named("spring").state


def test_a_campaign_goes_on_by_itself_and_after_a_kill(tmp_path):
    with Joined(tmp_path, 20) as joined:
        with Ledger.open(joined.urls["supplier"], owner="supplier") as ledger:
            begin_a_campaign(ledger)
        joined.start("dcc", "supplier")
        wait_until(lambda: joined.happenings() > 20, of="the first wave")
        joined.kill("supplier")
        joined.start("supplier")
        wait_until(lambda: campaign_state(joined) == CampaignState.FINISHED, of="its end")
        states, _ = joined.come_to_the_end()
    assert list(states.values()) == [SETTLED] * 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tls-cert", "a.pem"), "both"),
        (("--ca", "a.pem"), "https://"),
        (("--dcc", "ftp://a"), "no address of a DCC"),
        (("--as", "nobody"), "nobody"),
        (("--ledger", "postgres"), "postgres"),
    ],
)
def test_wrong_use_is_2(words, told, tmp_path):
    result = CliRunner().invoke(app, ["supplier", "serve", "--state", str(tmp_path), *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_the_ledger_of_somebody_else_is_left_alone(tmp_path):
    Ledger.open(f"sqlite:///{tmp_path / 'supplier.db'}", owner="dcc").close()
    result = CliRunner().invoke(app, ["supplier", "serve", "--state", str(tmp_path)])
    assert result.exit_code == 2
    assert "is the ledger of 'dcc'" in result.stderr
