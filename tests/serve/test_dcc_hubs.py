"""An update of hubs in the DCC's shell: recorded then sent, taken in, and told of (N64)."""

import hashlib

import pytest
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NEW,
    NOW_MS,
    OLD,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)
from tests.serve.a_dcc import PKI, ADcc, opened, update_ppmid
from tests.wire.duis_referees import schema_faults

from hanota.errors import LocalError, RemoteError
from hanota.ledger.conflict import ConflictError
from hanota.limits import DAY_MS, DEVICES_PER_REQUEST_MAX, TRACKING_DAYS
from hanota.model import DeviceType, KeyUsage, LeftOut, Milestone, Outcome, RequestID, Role
from hanota.smki.directory import CertificateSet
from hanota.smki.organisations import SUPPLIER_2, WAN_PROVIDER
from hanota.wire import wan
from hanota.wire.duis.values import CommsHubFirmwareActivation
from hanota.wire.image import encode_image

CHF = DeviceType.CHF
VERSION = f"{NEW:08X}"
OTHER_HUB = HUB_ID + 0x100
OLD_HUB = hub(gbcs_version="2.1")
PPMID = device(DeviceType.PPMID)
GSME = device(DeviceType.GSME, device_id=DEVICE_ID + 2, suppliers=(SUPPLIER_2,))
NEWER = 0x00030000


def hub_file(signer=WAN_PROVIDER, role=Role.WAN_PROVIDER, version=NEW, kind=CHF):
    made = image(kind, file_version=version)
    signature = PKI.sign(signer, role, made.manufacturer_image)
    return encode_image(image(kind, file_version=version, signature=signature))


FILE = hub_file()


class Distrusting(CertificateSet):
    """Knows certificates and believes none."""

    def trusts(self, _certificate, _at_ms):
        return False


@pytest.fixture
def dcc():
    return a_dcc()


def a_dcc(*devices):
    dcc = ADcc(*(devices or (OLD_HUB, PPMID, GSME)))
    newer = entry(CHF, firmware_version=f"{NEWER:08X}", gbcs_version="4.5", follows=())
    dcc.shell.load_products(
        [entry(CHF, gbcs_version="4.4"), newer, entry(DeviceType.PPMID), entry(DeviceType.ESME)]
    )
    return dcc


def update(dcc, *hub_ids, file=FILE, at_ms=NOW_MS, activate_at_ms=None):
    return dcc.shell.update_hubs(file, hub_ids or (HUB_ID,), at_ms, activate_at_ms=activate_at_ms)


def stored(request_id, result=wan.HubImageResult.STORED):
    return wan.encode(wan.HubImageStored(request_id, result))


def runs(request_id, version=NEW):
    return wan.encode(wan.HubRuns(request_id, version))


def row_of_hub(dcc):
    row = dcc.device(HUB_ID)
    return row.firmware_version, row.gbcs_version


def told(dcc):
    """N64s that may be sent now, as (user, hub, version)."""
    pushes = dcc.shell.outgoing_push(NOW_MS + DAY_MS, 1_000)
    alerts = [opened(push.body, NOW_MS).body for push in pushes]
    for alert in alerts:
        assert alert.dcc_alert_code == "N64"
        assert isinstance(alert.dcc_alert, CommsHubFirmwareActivation)
    return [
        (push.receiver, alert.dcc_alert.device_id, alert.dcc_alert.firmware_version)
        for push, alert in zip(pushes, alerts, strict=True)
    ]


# --- To begin one ---


def test_an_update_is_recorded_whole_before_it_is_sent(dcc):
    begun = update(dcc)
    assert (begun.accepted, begun.left_out) == ((HUB_ID,), {})
    row = begun.request
    assert (row.request_id.originator, row.request_id.target) == (ACB, ACB)
    assert (row.service_reference, row.version, row.at_ms) == ("hub-firmware", NEW, NOW_MS)
    with dcc.ledger.view() as view:
        assert view.image(row.image_hash) == FILE
        assert view.requests([row.number])[row.number] == row
    delivery = dcc.delivery(HUB_ID)
    assert (delivery.state, delivery.live, delivery.version) == (Milestone.ACCEPTED, True, NEW)
    (sent,) = dcc.shell.outgoing_wan(10)
    assert sent.receiver == HUB_ID
    assert wan.decode(sent.body) == wan.UpdateHub(
        row.request_id, hashlib.sha256(FILE).digest(), None
    )
    assert dcc.events(HUB_ID) == ["accepted"]
    assert dcc.ledger.verify() == []


def test_an_update_at_a_time_is_tracked_from_then_on(dcc):
    at_ms = NOW_MS + 3 * DAY_MS
    begun = update(dcc, activate_at_ms=at_ms)
    (sent,) = dcc.shell.outgoing_wan(10)
    assert wan.decode(sent.body).activate_at_ms == at_ms
    assert dcc.delivery(HUB_ID).due_ms == at_ms + TRACKING_DAYS * DAY_MS
    dcc.receive(stored(begun.request.request_id))
    dcc.shell.scan_due(at_ms + TRACKING_DAYS * DAY_MS - 1, 10)
    assert dcc.state(HUB_ID) == Milestone.DELIVERED


def test_many_hubs_and_those_that_are_left_out():
    others = [hub(device_id=OTHER_HUB + n, hub_id=OTHER_HUB + n) for n in range(3)]
    dcc = a_dcc(OLD_HUB, PPMID, *others)
    begun = update(dcc, HUB_ID, *(row.device_id for row in others), DEVICE_ID, 9)
    assert begun.accepted == (HUB_ID, *(row.device_id for row in others))
    assert begun.left_out == {DEVICE_ID: LeftOut.WRONG_TYPE, 9: LeftOut.UNKNOWN_DEVICE}
    assert {sent.receiver for sent in dcc.shell.outgoing_wan(10)} == set(begun.accepted)
    with dcc.ledger.view() as view:
        assert view.counts(begun.request.number) == {("accepted", ""): 4}


def test_where_no_hub_is_left_nothing_is_recorded(dcc):
    before = dcc.everything()
    begun = update(dcc, DEVICE_ID)
    assert (begun.request, begun.accepted) == (None, ())
    assert begun.left_out == {DEVICE_ID: LeftOut.WRONG_TYPE}
    assert dcc.everything() == before


def test_a_hub_under_way_is_left_out_until_it_has_ended(dcc):
    first = update(dcc)
    assert update(dcc).left_out == {HUB_ID: LeftOut.IN_PROGRESS}
    dcc.receive(stored(first.request.request_id, wan.HubImageResult.NO_SPACE))
    second = update(dcc)
    assert second.accepted == (HUB_ID,)
    assert second.request.request_id > first.request.request_id, "the counter rises"


def test_the_counter_rises_even_if_the_ledger_was_lost():
    counters = [update(a_dcc(), at_ms=NOW_MS + ms).request.request_id.counter for ms in (0, 1, 2)]
    assert counters == sorted(set(counters))


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (b"no image", RemoteError),
        (FILE[:-66], RemoteError),  # the header says more
        (encode_image(image(CHF)), RemoteError),  # no trailer
        (hub_file(SUPPLIER, Role.SUPPLIER), LocalError),
        (hub_file(ACB, Role.ACCESS_CONTROL_BROKER), LocalError),
        (hub_file(kind=DeviceType.ESME), LocalError),
        (hub_file(version=0x00090000), LocalError),
        (FILE[:-1] + bytes((FILE[-1] ^ 1,)), LocalError),
    ],
)
def test_a_file_that_may_not_be_rolled_out_records_nothing(dcc, file, error):
    before = dcc.everything()
    with pytest.raises(error):
        update(dcc, file=file)
    assert dcc.everything() == before


def test_a_certificate_that_is_not_trusted_signs_no_image(dcc):
    dcc.shell._hubs._directory = CertificateSet([])
    with pytest.raises(LocalError, match="WAN provider"):
        update(dcc)
    found = PKI.find(WAN_PROVIDER, KeyUsage.DIGITAL_SIGNATURE, Role.WAN_PROVIDER)
    dcc.shell._hubs._directory = Distrusting(found)
    with pytest.raises(LocalError, match="WAN provider"):
        update(dcc)


@pytest.mark.parametrize(
    "asked",
    [
        {"hub_ids": ()},
        {"hub_ids": range(DEVICES_PER_REQUEST_MAX + 1)},
        {"activate_at_ms": NOW_MS},
        {"activate_at_ms": NOW_MS + 31 * DAY_MS},
    ],
)
def test_what_nobody_may_ask_for(dcc, asked):
    before = dcc.everything()
    with pytest.raises(LocalError):
        dcc.shell.update_hubs(**{"image_file": FILE, "hub_ids": (HUB_ID,), **asked}, now_ms=NOW_MS)
    assert dcc.everything() == before


# --- What the hub says ---


def test_a_hub_that_runs_it_changes_the_inventory_and_its_suppliers_are_told(dcc):
    request_id = update(dcc).request.request_id
    dcc.receive(stored(request_id))
    assert dcc.state(HUB_ID) == Milestone.DELIVERED
    assert row_of_hub(dcc) == (f"{OLD:08X}", "2.1")
    assert told(dcc) == []
    dcc.receive(runs(request_id), at_ms=NOW_MS + 5_000)
    assert (dcc.state(HUB_ID), dcc.delivery(HUB_ID).live) == (Outcome.UPDATED, False)
    assert row_of_hub(dcc) == (VERSION, "4.4")
    assert told(dcc) == [(SUPPLIER, HUB_ID, VERSION), (SUPPLIER_2, HUB_ID, VERSION)]
    assert dcc.events(HUB_ID) == ["accepted", "delivery-success", "activation-success"]
    assert [entry.message for entry in dcc.timeline(HUB_ID)][1:] == [
        stored(request_id),
        runs(request_id),
    ]
    assert dcc.ledger.verify() == []


@pytest.mark.oracle
def test_the_alert_is_valid_by_the_official_schema(dcc):
    request_id = update(dcc).request.request_id
    dcc.receive(runs(request_id))
    for push in dcc.shell.outgoing_push(NOW_MS, 10):
        assert schema_faults(push.body) == []


def test_each_user_is_told_in_order_of_the_hub(dcc):
    first = update(dcc).request.request_id
    dcc.receive(runs(first))
    newer = update(dcc, file=hub_file(version=NEWER)).request.request_id
    dcc.receive(runs(newer, NEWER))
    assert {version for _, _, version in told(dcc)} == {VERSION}, "the second waits for the first"
    dcc.shell.taken([push.number for push in dcc.shell.outgoing_push(NOW_MS, 10)])
    assert {version for _, _, version in told(dcc)} == {f"{NEWER:08X}"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1, 1), (1, 1, 0), (1, 0, 1, 0)])
def test_words_that_are_doubled_or_overtaken(dcc, order):
    request_id = update(dcc).request.request_id
    words = (stored(request_id), runs(request_id))
    for which in order:
        dcc.receive(words[which])
    assert dcc.state(HUB_ID) == Outcome.UPDATED
    assert len(told(dcc)) == 2
    assert dcc.events(HUB_ID).count("activation-success") == 1
    assert dcc.ledger.verify() == []


def test_everything_in_one_batch(dcc):
    request_id = update(dcc).request.request_id
    dcc.receive(stored(request_id), runs(request_id), stored(request_id), runs(request_id))
    assert dcc.state(HUB_ID) == Outcome.UPDATED
    assert len(told(dcc)) == 2
    assert dcc.events(HUB_ID)[-1] == "doubled:hub-runs"


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (wan.HubImageResult.NO_SPACE, Outcome.NOT_DELIVERED),
        (wan.HubImageResult.DIGEST_MISMATCH, Outcome.NOT_DELIVERED),
        (wan.HubImageResult.OVERTAKEN, Outcome.NOT_DELIVERED),
        (wan.HubImageResult.NOT_VERIFIED, Outcome.DISCARDED),
    ],
)
def test_a_hub_that_refuses_the_image(dcc, result, state):
    dcc.receive(stored(update(dcc).request.request_id, result))
    assert (dcc.state(HUB_ID), dcc.delivery(HUB_ID).live) == (state, False)
    assert row_of_hub(dcc) == (f"{OLD:08X}", "2.1")
    assert told(dcc) == []


def test_a_hub_that_fell_back(dcc):
    request_id = update(dcc).request.request_id
    dcc.receive(stored(request_id), runs(request_id, OLD))
    assert dcc.state(HUB_ID) == Outcome.ACTIVATION_FAILED
    assert told(dcc) == []


def test_a_hub_that_is_silent_and_then_is_not(dcc):
    request_id = update(dcc).request.request_id
    late_ms = NOW_MS + TRACKING_DAYS * DAY_MS
    assert dcc.shell.scan_due(late_ms, 10) == 1
    assert dcc.state(HUB_ID) == Outcome.SILENT
    dcc.receive(stored(request_id), at_ms=late_ms + 1)
    dcc.receive(runs(request_id), at_ms=late_ms + 2)
    assert dcc.state(HUB_ID) == Outcome.UPDATED_LATE
    assert row_of_hub(dcc) == (VERSION, "4.4")
    assert len(dcc.shell.outgoing_push(late_ms + DAY_MS, 10)) == 2


def test_an_older_update_that_is_heard_of_later_moves_nothing_back(dcc):
    older = update(dcc).request.request_id
    dcc.shell.scan_due(NOW_MS + TRACKING_DAYS * DAY_MS, 10)
    newer = update(dcc, file=hub_file(version=NEWER)).request.request_id
    dcc.receive(runs(newer, NEWER))
    dcc.receive(runs(older))
    assert row_of_hub(dcc) == (f"{NEWER:08X}", "4.5")
    assert [version for _, _, version in told(dcc)] == [f"{NEWER:08X}"] * 2
    dcc.receive(stored(older, wan.HubImageResult.OVERTAKEN))
    assert dcc.state(HUB_ID) == Outcome.UPDATED
    assert dcc.ledger.verify() == []


@pytest.mark.parametrize("request_id", [RequestID(ACB, ACB, 9), RequestID(SUPPLIER, ACB, 1000)])
def test_a_word_about_no_update_of_hubs_counts_for_the_inventory(dcc, request_id):
    dcc.ask(update_ppmid())
    dcc.receive(runs(request_id))
    assert row_of_hub(dcc) == (VERSION, "4.4")
    assert dcc.events(HUB_ID) == ["unattributed:hub-runs"]
    assert len(told(dcc)) == 2
    dcc.receive(runs(request_id, OLD))
    assert row_of_hub(dcc) == (VERSION, "4.4"), "it is said once"


@pytest.mark.parametrize("sender", [DEVICE_ID, 9])
def test_what_is_said_by_no_hub_is_foreign(dcc, sender):
    request_id = update(dcc).request.request_id
    before = row_of_hub(dcc)
    for octets in (stored(request_id), runs(request_id)):
        dcc.receive(octets, hub_id=sender)
    assert dcc.state(HUB_ID) == Milestone.ACCEPTED
    assert row_of_hub(dcc) == before
    assert dcc.events(sender) == ["foreign:hub-image-stored", "foreign:hub-runs"]
    assert told(dcc) == []


def test_another_hub_speaks_for_itself_only():
    other = hub(device_id=OTHER_HUB, hub_id=OTHER_HUB)
    dcc = a_dcc(OLD_HUB, PPMID, other)
    request_id = update(dcc).request.request_id
    dcc.receive(stored(request_id), hub_id=OTHER_HUB)
    assert dcc.state(HUB_ID) == Milestone.ACCEPTED
    assert dcc.events(OTHER_HUB) == ["unattributed:hub-image-stored"]


def test_an_order_that_a_hub_sends_is_malformed(dcc):
    dcc.receive(wan.encode(wan.UpdateHub(RequestID(ACB, ACB, 1), bytes(32), None)))
    assert dcc.events(HUB_ID) == ["WanFault:malformed"]


def test_a_home_without_users_tells_nobody():
    dcc = a_dcc(OLD_HUB, device(DeviceType.PPMID, suppliers=(77,)))
    dcc.receive(runs(update(dcc).request.request_id))
    assert row_of_hub(dcc) == (VERSION, "4.4")
    assert told(dcc) == []


# --- Until then a PPMID is left out ---


def test_a_ppmid_behind_an_older_hub_waits_for_it(dcc):
    refused = dcc.ask(update_ppmid())
    assert refused.response_code == "E110405"
    assert refused.body.content.invalid_gbcs_version_list == (DEVICE_ID,)
    dcc.receive(runs(update(dcc).request.request_id))
    again = update_ppmid(request_id=RequestID(SUPPLIER, ACB, 1001))
    assert dcc.ask(again, NOW_MS + 60_000).response_code == "I0"


# --- Crashes ---


@pytest.mark.parametrize("call", ["put_image", "put_request", "record", "post"])
def test_a_conflict_anywhere_leaves_nothing(dcc, call, monkeypatch):
    before = dcc.everything()

    def conflict(*_arguments):
        raise ConflictError("another writer was first")

    with monkeypatch.context() as patch:
        patch.setattr(f"hanota.ledger.batch.Batch.{call}", conflict)
        with pytest.raises(ConflictError):
            update(dcc)
    assert dcc.everything() == before
    assert update(dcc).accepted == (HUB_ID,)


@pytest.mark.parametrize("call", ["record", "put_devices", "post"])
def test_a_report_that_was_not_recorded_comes_again(dcc, call, monkeypatch):
    request_id = update(dcc).request.request_id
    before = dcc.everything()

    def conflict(*_arguments):
        raise ConflictError("another writer was first")

    with monkeypatch.context() as patch:
        patch.setattr(f"hanota.ledger.batch.Batch.{call}", conflict)
        with pytest.raises(ConflictError):
            dcc.receive(runs(request_id))
    assert dcc.everything() == before
    dcc.receive(runs(request_id))
    assert dcc.state(HUB_ID) == Outcome.UPDATED
    assert len(told(dcc)) == 2
