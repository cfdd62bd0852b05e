"""Updates of hubs at the DCC: every check of image and hub, every word of a hub in every state."""

from itertools import product

import msgspec
import pytest
from tests.dcc.samples import (
    HUB_ID,
    NEW,
    NOW_MS,
    OLD,
    OTHER_SUPPLIER,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)

from hanota.dcc.hub_firmware import (
    HUB_CHECKS,
    IMAGE_CHECKS,
    Case,
    Settlement,
    begun,
    decide,
    evidence_of,
    objection,
    require_activation_time,
    settle,
    told_users,
)
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.reports import HubReport
from hanota.dcc.tracking import LIVE_STATES, Evidence
from hanota.dcc.users import SUPPLIERS
from hanota.errors import LocalError
from hanota.limits import DAY_MS, FUTURE_DATE_DAYS_MAX, TRACKING_DAYS
from hanota.model import DeviceStatus, DeviceType, LeftOut, Milestone, Outcome, RequestID
from hanota.rows import ProductStatus
from hanota.wire.wan import HubImageResult, HubImageStored, HubRuns

CHF = DeviceType.CHF
IMAGE, ENTRY, HUB = image(CHF), entry(CHF, gbcs_version="4.4"), hub(gbcs_version="2.1")
PRODUCTS = ProductList([ENTRY])
ORDER = RequestID(1, 1, 7)
OTHER_ID = HUB_ID + 0x100


def case(*hubs, **changes):
    sound = Case(
        image=IMAGE,
        signature_valid=True,
        entries=(ENTRY,),
        devices={row.device_id: row for row in hubs or (HUB,)},
        in_progress=frozenset(),
    )
    return msgspec.structs.replace(sound, **changes)


def test_a_sound_hub_is_updated():
    decision = decide(case(), (HUB_ID, HUB_ID))
    assert (decision.accepted, decision.left_out) == ((HUB,), {})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image": image(DeviceType.ESME)}, "not that of a Communications Hub"),
        ({"image": image(CHF, image_type=0x7777)}, "not that of a Communications Hub"),
        ({"entries": ()}, "no Active entry"),
        ({"entries": (entry(CHF, status=ProductStatus.WITHDRAWN),)}, "no Active entry"),
        ({"entries": (entry(DeviceType.ESME),)}, "no Active entry"),
        ({"signature_valid": False}, "not the WAN provider's"),
    ],
)
def test_an_image_that_may_not_be_rolled_out(changes, sentence):
    with pytest.raises(LocalError, match=sentence):
        decide(case(**changes), (HUB_ID,))


def test_every_check_of_the_image_has_its_own_sentence():
    assert len({sentence for _, sentence in IMAGE_CHECKS}) == len(IMAGE_CHECKS) == 3


# Each hub that is left out, by what is odd about it, in the order of the checks.
LEFT_OUT = [
    (hub(type=DeviceType.ESME), {}, LeftOut.WRONG_TYPE),
    (hub(status=DeviceStatus.PENDING), {}, LeftOut.NOT_COMMISSIONED),
    (hub(manufacturer="Another"), {}, LeftOut.NO_PRODUCT_ENTRY),
    (hub(model="Another"), {}, LeftOut.WRONG_MODEL),
    (
        hub(),
        {
            "entries": (
                entry(CHF, status=ProductStatus.EXPIRED),
                entry(CHF, manufacturer="Another"),
            )
        },
        LeftOut.ENTRY_NOT_ACTIVE,
    ),
    (hub(hardware_version=0x2222), {}, LeftOut.WRONG_HARDWARE),
    (hub(hardware_version=None), {}, LeftOut.WRONG_HARDWARE),
    (hub(hardware_version=0x3333), {}, LeftOut.WRONG_HARDWARE),  # listed, but not in the header
    (hub(), {"image": image(CHF, destination=OTHER_ID)}, LeftOut.WRONG_HARDWARE),
    (hub(firmware_version="00000001"), {}, LeftOut.NOT_ON_PATHWAY),
    (hub(), {"in_progress": frozenset({HUB_ID})}, LeftOut.IN_PROGRESS),
]


@pytest.mark.parametrize(("row", "changes", "reason"), LEFT_OUT)
def test_a_hub_that_is_left_out(row, changes, reason):
    sound = hub(device_id=OTHER_ID, hub_id=OTHER_ID)
    decision = decide(case(row, sound, **changes), (HUB_ID, OTHER_ID))
    assert decision.left_out[HUB_ID] is reason
    if "entries" not in changes and "image" not in changes:
        assert decision.accepted == (sound,)


def test_every_check_of_a_hub_is_shown():
    assert {reason for _, reason in HUB_CHECKS} == {reason for _, _, reason in LEFT_OUT}


def test_an_unknown_hub_is_left_out():
    decision = decide(case(), (9, HUB_ID))
    assert decision.left_out == {9: LeftOut.UNKNOWN_DEVICE}
    assert decision.accepted == (HUB,)


def test_a_hub_of_any_hardware_takes_an_image_without_a_range():
    assert decide(case(image=image(CHF, hardware=None)), (HUB_ID,)).accepted == (HUB,)


def test_of_several_entries_the_best_decides():
    other = entry(CHF, model="Another")
    assert decide(case(entries=(other, ENTRY)), (HUB_ID,)).accepted == (HUB,)


@pytest.mark.parametrize("ahead_ms", [1, FUTURE_DATE_DAYS_MAX * DAY_MS])
def test_an_activation_time_that_may_be(ahead_ms):
    require_activation_time(NOW_MS + ahead_ms, NOW_MS)
    require_activation_time(None, NOW_MS)


@pytest.mark.parametrize("ahead_ms", [0, -1, FUTURE_DATE_DAYS_MAX * DAY_MS + 1])
def test_an_activation_time_that_may_not_be(ahead_ms):
    with pytest.raises(LocalError):
        require_activation_time(NOW_MS + ahead_ms, NOW_MS)


@pytest.mark.parametrize("at_ms", [None, NOW_MS + 5 * DAY_MS])
def test_tracking_lasts_from_the_activation_on(at_ms):
    delivery = begun(HUB, 3, NEW, at_ms, NOW_MS)
    assert delivery.due_ms == (at_ms or NOW_MS) + TRACKING_DAYS * DAY_MS
    assert (delivery.state, delivery.live, delivery.version) == (Milestone.ACCEPTED, True, NEW)
    assert (delivery.device_id, delivery.hub_id, delivery.request) == (HUB_ID, HUB_ID, 3)


# --- What a hub says ---

BEGUN = begun(HUB, 3, NEW, None, NOW_MS)
EVIDENCE = [
    (HubImageStored(ORDER, HubImageResult.STORED), Evidence.DELIVERY_SUCCESS),
    (HubImageStored(ORDER, HubImageResult.NO_SPACE), Evidence.DELIVERY_FAILURE),
    (HubImageStored(ORDER, HubImageResult.DIGEST_MISMATCH), Evidence.DELIVERY_FAILURE),
    (HubImageStored(ORDER, HubImageResult.OVERTAKEN), Evidence.DELIVERY_FAILURE),
    (HubImageStored(ORDER, HubImageResult.NOT_VERIFIED), Evidence.IMAGE_DISCARDED),
    (HubRuns(ORDER, NEW), Evidence.ACTIVATION_SUCCESS),
    (HubRuns(ORDER, OLD), Evidence.ACTIVATION_FAILURE),
]


@pytest.mark.parametrize(("said", "evidence"), EVIDENCE)
def test_what_each_word_is_evidence_of(said, evidence):
    assert evidence_of(said, BEGUN) is evidence


def test_every_result_is_shown():
    results = {said.result for said, _ in EVIDENCE if isinstance(said, HubImageStored)}
    assert results == set(HubImageResult)


WORDS = {
    "stored": EVIDENCE[0][0],
    "no-space": EVIDENCE[1][0],
    "not-verified": EVIDENCE[4][0],
    "runs it": EVIDENCE[5][0],
    "runs another": EVIDENCE[6][0],
}
# One row a state, one column a word: the state afterwards, "=" where it stays, "." where the word
# contradicts the state.
STATES = {
    Milestone.ACCEPTED: "del not rej upd afl",
    Milestone.DELIVERED: "=   .   rej upd afl",
    Outcome.UPDATED: "=   .   .   =   .",
    Outcome.UPDATED_LATE: "=   .   .   =   .",
    Outcome.NOT_DELIVERED: ".   =   .   lat .",
    Outcome.DISCARDED: "=   .   =   lat .",
    Outcome.ACTIVATION_FAILED: "=   .   .   upd =",
    Outcome.SILENT: "=   not rej lat afl",
}
AFTER = {
    "del": Milestone.DELIVERED,
    "not": Outcome.NOT_DELIVERED,
    "rej": Outcome.DISCARDED,
    "upd": Outcome.UPDATED,
    "lat": Outcome.UPDATED_LATE,
    "afl": Outcome.ACTIVATION_FAILED,
}


def in_state(state, request=3):
    live = state in LIVE_STATES
    return msgspec.structs.replace(
        BEGUN, request=request, state=state, live=live, due_ms=BEGUN.due_ms if live else None
    )


def report(said):
    return HubReport(HUB_ID, said, b"the envelope")


@pytest.mark.parametrize(("state", "word"), list(product(STATES, WORDS)))
def test_every_word_in_every_state(state, word):
    tracked = in_state(state)
    said = WORDS[word]
    done = settle(
        report(said), HUB, tracked=tracked, last=tracked, products=PRODUCTS, now_ms=NOW_MS + 5
    )
    expected = STATES[state].split()[list(WORDS).index(word)]
    evidence = evidence_of(said, tracked)
    if expected in AFTER:
        assert done.event == evidence
        assert done.delivery.state == AFTER[expected]
        assert done.delivery.live == (AFTER[expected] in LIVE_STATES)
    else:
        assert done.delivery is None
        assert done.event == (f"illegal:{evidence}" if expected == "." else evidence)
    # Whatever becomes of the delivery, what a hub runs counts for the inventory and the users.
    assert done.announces == (word == "runs it")
    assert (done.hub is None) == (word != "runs it")


def test_a_hub_that_runs_it_has_the_versions_of_its_entry():
    done = settle(
        report(HubRuns(ORDER, NEW)),
        HUB,
        tracked=BEGUN,
        last=BEGUN,
        products=PRODUCTS,
        now_ms=NOW_MS,
    )
    assert (done.hub.firmware_version, done.hub.gbcs_version) == (f"{NEW:08X}", "4.4")


def test_users_are_told_also_where_the_inventory_knew():
    """A read-back of the hub may have come first."""
    known = hub(firmware_version=f"{NEW:08X}")
    updated = in_state(Outcome.UPDATED)
    done = settle(
        report(HubRuns(ORDER, NEW)),
        known,
        tracked=updated,
        last=updated,
        products=PRODUCTS,
        now_ms=NOW_MS,
    )
    assert done == Settlement(Evidence.ACTIVATION_SUCCESS, None, None, announces=True)


def test_what_an_earlier_update_led_to_is_outdated_by_the_proof_of_a_later_one():
    known = hub(firmware_version="00030000")
    earlier = in_state(Milestone.DELIVERED, request=3)
    for state, outdated in (
        (Outcome.UPDATED, True),
        (Outcome.UPDATED_LATE, True),
        (Outcome.ACTIVATION_FAILED, False),
        (Milestone.ACCEPTED, False),
    ):
        done = settle(
            report(HubRuns(ORDER, NEW)),
            known,
            tracked=earlier,
            last=in_state(state, request=4),
            products=PRODUCTS,
            now_ms=NOW_MS,
        )
        assert done.delivery.state == Outcome.UPDATED
        assert (done.hub is None, done.announces) == (outdated, not outdated)


@pytest.mark.parametrize(
    ("said", "told", "announces"),
    [
        (HubRuns(ORDER, NEW), "unattributed:hub-runs", True),
        (HubRuns(ORDER, OLD), "unattributed:hub-runs", False),
        (HubImageStored(ORDER, HubImageResult.STORED), "unattributed:hub-image-stored", False),
    ],
)
def test_what_names_no_update_counts_for_the_inventory_only(said, told, announces):
    done = settle(report(said), HUB, tracked=None, last=None, products=PRODUCTS, now_ms=NOW_MS)
    assert (done.event, done.delivery, done.announces) == (told, None, announces)
    assert (done.hub is not None) == announces


@pytest.mark.parametrize(
    ("row", "first", "finding"),
    [
        (None, True, Finding.FOREIGN),
        (device(DeviceType.ESME), True, Finding.FOREIGN),
        (HUB, False, Finding.DOUBLED),
        (HUB, True, None),
    ],
)
def test_whose_word_counts(row, first, finding):
    assert objection(row, first=first) is finding


def test_who_is_told():
    users = {SUPPLIER: SUPPLIERS, OTHER_SUPPLIER: SUPPLIERS}
    home = [
        hub(suppliers=(77,)),
        device(DeviceType.ESME, device_id=1, suppliers=(SUPPLIER,)),
        device(DeviceType.GSME, device_id=2, suppliers=(OTHER_SUPPLIER, SUPPLIER)),
        device(DeviceType.PPMID, device_id=3, suppliers=(99,)),
    ]
    assert told_users(home, HUB_ID, users) == [SUPPLIER, OTHER_SUPPLIER]
    assert told_users(home, HUB_ID, {SUPPLIER: SUPPLIERS}) == [SUPPLIER]
    assert told_users(home[:1], HUB_ID, {77: SUPPLIERS}) == [], "the hub itself is nobody's"
