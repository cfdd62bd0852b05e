"""One 11.4 on a small town: every device accounted for, every document sound, every run alike."""

from collections import Counter

import pytest
from lxml import etree
from tests.sim.a_town import ATown, messages, table
from tests.wire.duis_referees import schema_faults, verifies_independently

from hanota.errors import LocalError
from hanota.han.flash import SLOTS
from hanota.limits import HOUR_MS
from hanota.model import DeviceType, KeyUsage, RequestID, Role, version_text
from hanota.serve.homes import RadioDepth
from hanota.sim.town import EXPECTED, OLD_VERSION, PPMID_FATES, Fate
from hanota.sim.town_images import NEW_VERSION, seeded_image
from hanota.sim.world import START_MS
from hanota.smki import protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.wire.duis import decode_request, decode_response, open_document
from hanota.wire.duis.values import (
    CommsHubAlert,
    CSPFirmwareDeliveryStatus,
    PPMIDAlert,
    Request,
    UpdatePPMIDFirmware,
)
from hanota.wire.gbcs import message as gbcs
from hanota.wire.image import encode_image

GENERAL_SIGNING = 0xDF
UNKNOWN = 0x00DB_9999_0000_0004
TABLES = ("journal", "delivery", "delivery_count", "device", "request", "image", "seen", "outbox")


@pytest.fixture(scope="module")
def town():
    """Eight homes, six of which fail, each in another way; it has settled."""
    return ATown().run()


# --- What became of the devices ---


def test_every_device_ends_as_its_home_was_set_up_to(town):
    reports = town.rollout.report()
    assert [report.delivery.device_id for report in reports] == sorted(town.rollout.device_ids)
    assert {report.fate for report in reports} == set(PPMID_FATES)
    for report in reports:
        assert (report.delivery.state, report.delivery.reason) == EXPECTED[report.fate]
        assert (report.as_expected, report.ledger_is_true) == (True, True)
        assert not report.delivery.live
    assert town.rollout.counts() == town.outcomes()


def test_both_ledgers_prove_themselves_and_nothing_waits(town):
    assert town.is_sound()
    assert town.world.chain.is_quiet()


def test_what_the_ledgers_say_a_device_runs_it_runs(town):
    with town.supplier_ledger.view() as supplier, town.dcc_ledger.view() as dcc:
        estate, inventory = (view.devices(town.rollout.device_ids) for view in (supplier, dcc))
    for report in town.rollout.report():
        said = [rows[report.delivery.device_id].firmware_version for rows in (estate, inventory)]
        runs = OLD_VERSION if report.runs is None else report.runs  # the one that is off
        assert said == [version_text(runs)] * 2
        assert (runs == NEW_VERSION) == (report.fate is Fate.SOUND)


def test_the_dcc_tells_the_same_of_every_device_that_it_took(town):
    def ends(ledger):
        with ledger.view() as view:
            rows = view.deliveries(1, limit=100)
        return {row.device_id: row.state for row in rows if row.state != "left-out"}

    assert ends(town.dcc_ledger) == ends(town.supplier_ledger)


def test_the_flash_of_a_sound_device_holds_the_image_itself(town):
    home = next(home for home in town.world.town if home.ppmid_fate is Fate.SOUND)
    flash = town.world.chain.homes.flash(home.device(DeviceType.PPMID).device_id)
    assert town.image_file in [flash.content(slot) for slot in range(SLOTS)]


# --- What was said ---


def public_key(town, eui, role):
    certificate = town.world.pki.certificate(eui, KeyUsage.DIGITAL_SIGNATURE, role)
    return certificate.public_key


@pytest.mark.oracle
def test_every_document_is_valid_by_the_official_schema(town):
    for octets in town.documents():
        assert schema_faults(octets) == []


def test_every_document_verifies_by_xml_dsig_done_anew(town):
    user = public_key(town, SUPPLIER, Role.XML_SIGNING)
    dsp = public_key(town, ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING)
    assert all(verifies_independently(octets, user) for octets in town.requests)
    for octets in town.answers + town.pushes:
        assert verifies_independently(octets, dsp)
        assert not verifies_independently(octets, user)


def test_the_ledgers_keep_exactly_the_documents_that_were_handed_over(town):
    kept = [octets for octets in messages(town.supplier_ledger) if octets.startswith(b"<?xml")]
    assert Counter(kept) == Counter(town.answers + town.pushes)
    for ledger in (town.supplier_ledger, town.dcc_ledger):
        with ledger.view() as view:
            assert view.request(town.rollout.request_id, 8).answer == town.answers[0]


def test_the_request_is_an_11_4_with_the_image_for_every_ppmid(town):
    (octets,) = town.requests
    request = decode_request(open_document(octets))
    assert request.request_id == RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, 1)
    assert request.body == UpdatePPMIDFirmware(
        town.image_file, version_text(NEW_VERSION), town.rollout.device_ids
    )
    assert town.rollout.answer().response_code == "W110401"


def test_every_step_is_alerted_for_every_device_that_reached_it(town):
    bodies = Counter(
        type(decode_response(open_document(octets)).body.dcc_alert) for octets in town.pushes
    )
    # Two homes are left out; the others: delivered, then handed over or not; three activate.
    assert bodies == {CSPFirmwareDeliveryStatus: 6, CommsHubAlert: 6, PPMIDAlert: 3}


def test_every_gbcs_message_of_the_journal_is_signed_by_its_originator(town):
    alerts = [octets for octets in messages(town.dcc_ledger) if octets[0] == GENERAL_SIGNING]
    for said in map(gbcs.decode, alerts):
        assert said.target == ACCESS_CONTROL_BROKER
        certificate = town.world.pki.certificate(said.originator, KeyUsage.DIGITAL_SIGNATURE)
        assert protection.signature_valid(said, certificate.public_key)
    # CCS08 of the hubs of six homes, CS09 of the three PPMIDs that got as far.
    assert Counter(said.message_code for said in map(gbcs.decode, alerts)) == {0x128: 6, 0x12B: 3}


def test_time_is_virtual_and_the_longest_wait_is_that_of_the_device_that_is_off(town):
    days = (town.world.chain.now_ms - START_MS) / 86_400_000
    assert 7 <= days < 8


# --- Again, and otherwise ---


def everything(town):
    return [
        table(ledger, name) for ledger in (town.supplier_ledger, town.dcc_ledger) for name in TABLES
    ]


def test_the_same_seed_gives_the_same_octets(town):
    again = ATown().run()
    assert everything(again) == everything(town)
    assert again.documents() == town.documents()
    assert again.world.chain.homes.events == town.world.chain.homes.events


def test_another_seed_gives_other_keys_and_images(town):
    other = ATown(seed=2).run()
    assert other.image_file != town.image_file
    assert not set(other.documents()) & set(town.documents())
    assert other.outcomes() == town.outcomes()


def test_flow_comes_to_the_same_as_frames(town):
    flow = ATown(depth=RadioDepth.FLOW).run()
    assert flow.ends() == town.ends()
    assert flow.world.chain.homes.events < town.world.chain.homes.events
    assert flow.supplier_ledger.verify() == flow.dcc_ledger.verify() == []


@pytest.mark.parametrize("homes", [1, 6, 7, 10])
def test_a_town_of_any_size_settles(homes):
    town = ATown(homes=homes, depth=RadioDepth.FLOW).run()
    assert all(report.as_expected and report.ledger_is_true for report in town.rollout.report())
    assert sum(town.outcomes().values()) == homes


def asked(town, *device_ids, counter=9, image=None):
    body = UpdatePPMIDFirmware(image or town.image_file, version_text(NEW_VERSION), device_ids)
    request_id = RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, counter)
    return Request(request_id, 8, "11.4", "11.4", body)


def test_devices_that_are_no_ppmids_of_the_town_are_left_out():
    town = ATown(homes=2)
    first = town.world.town[0]
    ppmid, esme = (first.device(kind).device_id for kind in (DeviceType.PPMID, DeviceType.ESME))
    town.run(asked(town, ppmid, UNKNOWN, esme, ppmid))
    assert town.ends() == {
        ppmid: ("updated", "", NEW_VERSION),
        UNKNOWN: ("left-out", "unknown-device", None),
        esme: ("left-out", "wrong-type", None),
    }
    assert all(report.as_expected for report in town.rollout.report())


def test_a_request_that_is_refused_settles_at_once():
    town = ATown(homes=2)
    town.run(asked(town, UNKNOWN))
    assert town.rollout.answer().response_code == "E110405"
    assert town.outcomes() == {("left-out", "unknown-device"): 1}
    assert town.world.chain.now_ms == START_MS
    assert town.pushes == []


def test_an_image_that_the_products_list_does_not_have_is_refused():
    town = ATown(homes=1)
    other = encode_image(seeded_image(2_000, 99))
    town.run(asked(town, *town.rollout.device_ids, image=other))
    (report,) = town.rollout.report()
    assert (report.delivery.state, report.delivery.reason) == ("left-out", "E110402")
    assert (report.as_expected, report.ledger_is_true) == (False, True)


def test_a_report_says_which_device_does_not_run_what_the_ledger_says():
    town = ATown(homes=1).run()
    (report,) = town.rollout.report()
    assert (report.as_expected, report.ledger_is_true) == (True, True)
    town.world.chain.homes.cut_power(report.delivery.device_id)
    (report,) = town.rollout.report()
    assert (report.as_expected, report.ledger_is_true, report.runs) == (True, False, None)


# --- The made-up image ---


@pytest.mark.parametrize("octets", [70, 2_048, 65_536])
def test_an_image_has_the_size_that_was_asked_for(octets):
    assert len(encode_image(seeded_image(octets, 1))) == octets
    assert seeded_image(octets, 1) == seeded_image(octets, 1)
    assert seeded_image(octets, 1) != seeded_image(octets, 2)


@pytest.mark.parametrize("octets", [-1, 0, 60])
def test_an_image_without_content_is_refused(octets):
    with pytest.raises(LocalError, match="an image has more than its header's 60 octets"):
        seeded_image(octets, 1)


@pytest.mark.oracle
def test_the_referee_would_object(town):
    """The schema is the one that refuses: a document with one element more is not valid."""
    root = etree.fromstring(town.answers[0])
    root.append(etree.Element("extra"))
    assert schema_faults(etree.tostring(root)) != []


def test_the_hubs_image_notify_starts_the_download():
    """Without it a PPMID would ask its hub again only after QUERY_INTERVAL_H."""
    town = ATown(homes=3).run()
    updated = [report for report in town.rollout.report() if report.delivery.state == "updated"]
    assert updated
    assert max(report.taken_ms for report in updated) < HOUR_MS
