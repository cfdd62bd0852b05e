"""The supplier's shell against a DCC's answers and alerts, sound, late, doubled and forged."""

from itertools import permutations

import msgspec
import pytest
from tests.dcc.samples import ACB, HUB_ID, NEW, NOW_MS, OLD, SUPPLIER, device, hub, image
from tests.serve.a_supplier import (
    IMAGE,
    PKI,
    PPMIDS,
    UNKNOWN,
    A,
    ASupplier,
    B,
    C,
    activation,
    alert,
    answer,
    delivery_status,
    request_of,
    response,
    signed,
    transfer,
    unsigned,
)

from hanota.errors import LocalError, RemoteError
from hanota.limits import DAY_MS, HOUR_MS, READ_BACK_PERIOD_H, SILENCE_DEADLINE_DAYS
from hanota.model import DeviceType, LeftOutList, RequestID
from hanota.serve import supplier as shell
from hanota.serve import supplier_answers
from hanota.smki import dsig
from hanota.smki.directory import JoinedDirectory
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire.duis import open_document
from hanota.wire.duis import values as v
from hanota.wire.duis.signature import sign_document
from hanota.wire.image import encode_image

LATE_MS = NOW_MS + SILENCE_DEADLINE_DAYS * DAY_MS


@pytest.fixture
def supplier():
    """With an estate; whatever a test did to it, its ledger has to be sound afterwards."""
    supplier = ASupplier().has_estate()
    yield supplier
    supplier.assert_sound()


# --- Asking ---


def test_a_request_stands_in_the_outbox_signed_by_its_user(supplier):
    row = supplier.asks()
    sent = supplier.sent()
    signer = dsig.signer_of_request(open_document(sent.body), PKI, NOW_MS)
    assert (signer.eui, sent.receiver, sent.due_ms) == (SUPPLIER, ACB, NOW_MS)
    assert request_of(sent).request_id == row.request_id == RequestID(SUPPLIER, ACB, 1)
    assert request_of(sent).body.device_id_list == PPMIDS
    assert (row.version, row.answer) == (NEW, None)
    assert supplier.counts() == {("requested", ""): 3}


def test_every_request_has_a_request_id_of_its_own(supplier):
    first = supplier.asks(A)
    taken = request_of(supplier.sent())
    body = msgspec.structs.replace(taken.body, device_id_list=(B,))
    second_id = msgspec.structs.replace(taken.request_id, counter=2)
    elsewhere = msgspec.structs.replace(taken, request_id=second_id, body=body)
    second = supplier.shell.send(elsewhere, NOW_MS)
    third = supplier.asks(C)
    assert [row.request_id.counter for row in (first, second, third)] == [1, 2, 3]


def test_a_used_request_id_is_refused_and_nothing_is_kept(supplier):
    supplier.asks(A)
    asked = request_of(supplier.sent())
    before = supplier.everything()
    other = msgspec.structs.replace(asked.body, device_id_list=(B,))
    with pytest.raises(LocalError, match="is used"):
        supplier.shell.send(msgspec.structs.replace(asked, body=other), NOW_MS)
    assert supplier.everything() == before


def test_a_device_under_way_is_not_asked_for_twice(supplier):
    supplier.asks(A, B)
    before = supplier.everything()
    with pytest.raises(LocalError, match="1 of the devices still have an update under way") as told:
        supplier.asks(B, C)
    assert "00-DB-12-34-56-78-90-B4" in str(told.value)
    assert supplier.everything() == before


def test_a_device_named_twice_counts_once(supplier):
    supplier.asks(A, A, B)
    assert supplier.counts() == {("requested", ""): 2}


def test_a_request_of_another_user_is_not_sent(supplier):
    asked = v.Request(
        RequestID(SUPPLIER_2, ACB, 1), 8, "11.4", "11.4", v.UpdatePPMIDFirmware(IMAGE, "1", (A,))
    )
    with pytest.raises(LocalError, match="the request is of 90-B3-D5-1F-30-03-00-00"):
        supplier.shell.send(asked, NOW_MS)
    assert supplier.shell.outgoing(NOW_MS, 1) == []


def test_only_an_update_is_sent(supplier):
    asked = v.Request(RequestID(SUPPLIER, A, 1), 1, "11.2", "11.2", v.ReadFirmwareVersion())
    with pytest.raises(LocalError, match=r"a request for 11\.2 is neither an 11\.1 nor an 11\.4"):
        supplier.shell.send(asked, NOW_MS)


@pytest.mark.parametrize("file", [b"", IMAGE[:-1], IMAGE + b"\0"])
def test_what_is_no_image_is_not_sent(supplier, file):
    before = supplier.everything()
    with pytest.raises(RemoteError):
        supplier.asks(image_file=file)
    assert supplier.everything() == before


# --- The answer ---


WARNING = v.DSPUpdatePPMIDFirmwareWarning.of(
    {
        LeftOutList.INVALID_DEVICE: (UNKNOWN,),
        LeftOutList.NOT_APPLICABLE_FIRMWARE: (B,),
        LeftOutList.OTHER_REQUEST_IN_PROGRESS: (C, 0x00DB_FFFF_0000_0001),  # nobody asked for it
    }
)
LEFT_OUT = {
    ("left-out", "unknown-device"): 1,
    ("left-out", "NotApplicableFirmwareDeviceIDList"): 1,
    ("left-out", "in-progress"): 1,
}


@pytest.mark.parametrize(
    ("code", "content", "counts"),
    [
        ("I0", None, {("accepted", ""): 4}),
        ("W110401", WARNING, {("accepted", ""): 1, **LEFT_OUT}),
        ("E110405", WARNING, {("left-out", "E110405"): 1, **LEFT_OUT}),
        ("E110402", None, {("left-out", "E110402"): 4}),
        ("E100", None, {("left-out", "E100"): 4}),
        # The answer itself is still to come.
        ("I99", None, {("requested", ""): 4}),
    ],
)
def test_the_answer_says_who_is_accepted(supplier, code, content, counts):
    row = supplier.asks(*PPMIDS, UNKNOWN)
    octets = answer(request_of(supplier.sent()), code, content)
    supplier.answered(octets)
    assert supplier.counts() == counts
    assert supplier.shell.outgoing(LATE_MS, 1) == []
    with supplier.ledger.view() as view:
        assert view.request(row.request_id, 8).answer == octets


def pushed_answer(supplier, request, code, content=None):
    return supplier.pushed(answer(request, code, content))


def held_back(supplier):
    """An 11.4 for A, B, C and a device of no estate that the DCC has held back."""
    supplier.asks(*PPMIDS, UNKNOWN)
    request = request_of(supplier.sent())
    supplier.answered(answer(request, "I99"))
    return request


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_long_warning_that_is_pushed_in_parts_counts_part_by_part(supplier, order):
    """Whom a part does not list may be in another: nobody looks accepted, or refused, by it."""
    request = held_back(supplier)
    parts = [
        v.DSPUpdatePPMIDFirmwareWarning.of({LeftOutList.OTHER_REQUEST_IN_PROGRESS: (C,)}),
        v.DSPUpdatePPMIDFirmwareWarning.of({LeftOutList.INVALID_DEVICE: (UNKNOWN,)}),
    ]
    assert pushed_answer(supplier, request, "W110401", parts[order[0]]) == [None]
    assert supplier.counts()["requested", ""] == 3
    assert pushed_answer(supplier, request, "W110401", parts[order[1]]) == [None]
    assert supplier.counts() == {
        ("requested", ""): 2,
        ("left-out", "in-progress"): 1,
        ("left-out", "unknown-device"): 1,
    }
    supplier.pushed(signed(delivery_status(request.request_id, A)))
    assert supplier.states(A, B, C) == ["delivered", "requested", "left-out"]
    supplier.assert_sound()


@pytest.mark.parametrize(
    ("code", "content", "counts"),
    [
        ("I0", None, {("accepted", ""): 4}),
        ("E110402", None, {("left-out", "E110402"): 4}),
        ("E110405", WARNING, {("requested", ""): 1, **LEFT_OUT}),
    ],
)
def test_what_is_let_go_is_answered_by_push(supplier, code, content, counts):
    request = held_back(supplier)
    for _ in range(2):  # the second time it changes nothing
        assert pushed_answer(supplier, request, code, content) == [None]
        assert supplier.counts() == counts
    supplier.assert_sound()


def test_a_pushed_answer_may_overtake_the_acknowledgement(supplier):
    supplier.asks()
    request = request_of(supplier.sent())
    assert pushed_answer(supplier, request, "I0") == [None]
    supplier.answered(answer(request, "I99"))
    assert supplier.counts() == {("accepted", ""): 3}


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": RequestID(SUPPLIER, ACB, 99)},
        {"body": v.ResponseMessage("11.1", "11.1", None)},
    ],
)
def test_a_pushed_answer_to_another_request_counts_for_nothing(supplier, changes):
    request = held_back(supplier)
    assert supplier.pushed(answer(request, "I0", **changes)) == [None]
    assert supplier.counts() == {("requested", ""): 4}


def test_a_push_that_is_signed_anew_counts_once():
    """The DCC may get another certificate between two tries of one push."""
    renewed = TestPki(b"the PKI of the tests, renewed")
    supplier = ASupplier(directory=JoinedDirectory(PKI, renewed)).has_estate()
    supplier.has_asked()
    once = signed(activation())
    again = sign_document(open_document(once), dsig.response_signer(ACB, renewed, renewed))
    assert again != once
    assert supplier.pushed(once, again) == [None, None]
    assert supplier.pushed(again) == [None]
    assert supplier.events().count("activation-success") == 1
    assert not any("late" in event for event in supplier.events())


def test_the_reason_is_as_close_as_the_estate_allows():
    not_ours = device(DeviceType.PPMID, device_id=B, suppliers=(SUPPLIER_2,))
    supplier = ASupplier().has_estate(
        hub(gbcs_version="2.1"), device(DeviceType.PPMID, device_id=A), not_ours
    )
    supplier.asks(A, B, C)
    lists = {
        LeftOutList.INVALID_DEVICE: (B,),
        LeftOutList.NOT_COMMISSIONED: (C,),
        LeftOutList.INVALID_GBCS_VERSION: (A,),
    }
    warning = v.DSPUpdatePPMIDFirmwareWarning.of(lists)
    supplier.answered(answer(request_of(supplier.sent()), "E110405", warning))
    assert supplier.counts() == {
        ("left-out", "hub-too-old"): 1,
        ("left-out", "not-your-device"): 1,
        ("left-out", "not-commissioned"): 1,
    }
    supplier.assert_sound()


def test_a_refusal_may_come_unsigned(supplier):
    supplier.asks()
    supplier.answered(unsigned(response(request_of(supplier.sent()), "E110402")))
    assert supplier.counts() == {("left-out", "E110402"): 3}


def altered(octets: bytes) -> bytes:
    assert b"<sr:ResponseDateTime>2027" in octets
    return octets.replace(b"<sr:ResponseDateTime>2027", b"<sr:ResponseDateTime>2028")


def by(eui: int, pki=PKI):
    """Signs as somebody who is not the DCC, with whatever key that identity has."""
    return lambda said: signed(said, pki, eui)


# Each makes octets of an answer or alert that nobody may believe.
FORGERS = {
    "another supplier": by(SUPPLIER_2),
    "a network operator": by(NETWORK_OPERATOR),
    "the supplier itself": by(SUPPLIER),
    "a device": by(A),
    "a DCC of another PKI": by(ACB, TestPki(b"another PKI")),
    "changed on its way": lambda said: altered(signed(said)),
    "cut off": lambda said: signed(said)[:-20],
    "no XML": lambda _said: b"{}",
}


def assert_not_believed(supplier, octets):
    before = supplier.everything()
    with pytest.raises(RemoteError):
        supplier.answered(octets)
    assert supplier.everything() == before


@pytest.mark.parametrize("forger", FORGERS)
@pytest.mark.parametrize("code", ["I0", "E110402"])
def test_an_answer_that_the_dcc_did_not_sign_is_not_believed(supplier, forger, code):
    supplier.asks()
    said = response(request_of(supplier.sent()), code)
    assert_not_believed(supplier, FORGERS[forger](said))
    supplier.answered(signed(said))
    assert supplier.shell.outgoing(NOW_MS, 1) == []


@pytest.mark.parametrize("code", ["I0", "W110401"])
def test_an_answer_that_grants_something_has_to_be_signed(supplier, code):
    supplier.asks()
    assert_not_believed(supplier, unsigned(response(request_of(supplier.sent()), code)))


def test_the_answer_to_another_request_is_not_believed(supplier):
    supplier.asks()
    asked = request_of(supplier.sent())
    for changes in (
        {"request_id": msgspec.structs.replace(asked.request_id, counter=2)},
        {"request_id": msgspec.structs.replace(asked.request_id, target=A)},
        {"request_id": None},
        {"body": v.ResponseMessage("11.1", "11.1")},
    ):
        for code in ("I0", "E110402"):
            assert_not_believed(supplier, answer(asked, code, **changes))


def test_an_alert_is_no_answer(supplier):
    row = supplier.asks()
    assert_not_believed(supplier, signed(activation()))
    assert_not_believed(supplier, signed(delivery_status(row.request_id)))


def test_a_request_is_no_answer(supplier):
    supplier.asks()
    assert_not_believed(supplier, supplier.sent().body)


def test_a_second_answer_changes_nothing(supplier):
    supplier.asks()
    sent = supplier.sent()
    supplier.answered(answer(request_of(sent)))
    before = supplier.everything()
    supplier.shell.answered(sent, answer(request_of(sent), "E110402"), NOW_MS + 1)
    assert supplier.everything() == before


def test_the_answer_to_a_request_of_no_ledger_is_refused(supplier):
    other = ASupplier().has_estate()
    other.asks()
    with pytest.raises(LocalError, match="the ledger has no request"):
        supplier.shell.answered(other.sent(), answer(request_of(other.sent())), NOW_MS)


# --- Alerts ---


def test_milestones_lead_to_the_outcome(supplier):
    request_id = supplier.has_asked()
    for said, states in (
        (delivery_status(request_id), ["delivered", "accepted", "accepted"]),
        (transfer(request_id), ["transferred", "accepted", "accepted"]),
        (activation(), ["updated", "accepted", "accepted"]),
    ):
        assert supplier.pushed(signed(said)) == [None]
        assert supplier.states() == states
    assert supplier.runs(A) == f"{NEW:08X}"
    assert supplier.runs(B) == f"{OLD:08X}"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (lambda request_id: delivery_status(request_id, status="Failure"), "not-delivered"),
        (lambda request_id: transfer(request_id, code="FirmwareImageDiscarded"), "discarded"),
        (
            lambda request_id: transfer(request_id, code="HardwareVersionMismatch"),
            "hardware-mismatch",
        ),
        (lambda request_id: transfer(request_id, code="FileTransferFailure"), "transfer-failed"),
        (
            lambda _request_id: activation(code="ActivationFailure", version=OLD),
            "activation-failed",
        ),
    ],
)
def test_each_failure_is_its_outcome(supplier, said, state):
    request_id = supplier.has_asked()
    supplier.pushed(signed(said(request_id)))
    assert supplier.states() == [state, "accepted", "accepted"]
    assert supplier.runs() == f"{OLD:08X}"
    assert (supplier.delivery().live, supplier.delivery().due_ms) == (False, None)


def test_any_order_ends_alike(supplier):
    for at_ms, order in enumerate(permutations(range(3)), NOW_MS):
        request_id = supplier.has_asked(A, at_ms=at_ms)
        said = [delivery_status(request_id), transfer(request_id), activation(at_ms=at_ms)]
        for number in order:
            assert supplier.pushed(signed(said[number])) == [None]
        assert supplier.states(A) == ["updated"]


def test_alerts_may_overtake_the_answer(supplier):
    row = supplier.asks(A)
    supplier.pushed(signed(delivery_status(row.request_id)), signed(activation()))
    assert supplier.states(A) == ["updated"]
    supplier.answered(answer(request_of(supplier.sent())))
    assert supplier.states(A) == ["updated"]
    assert supplier.events()[-1] == "late:request-accepted"


def test_doubled_alerts_count_once(supplier):
    request_id = supplier.has_asked()
    alerts = [signed(delivery_status(request_id)), signed(transfer(request_id))]
    assert supplier.pushed(*alerts, *alerts) == [None] * 4
    before = supplier.everything()
    assert supplier.pushed(*reversed(alerts), at_ms=LATE_MS) == [None, None]
    assert supplier.everything() == before
    assert supplier.events() == [
        "requested",
        "request-accepted",
        "delivery-success",
        "transfer-success",
    ]


def test_one_alert_said_anew_changes_nothing_and_is_journalled(supplier):
    supplier.has_asked(A)
    supplier.pushed(signed(activation()))
    supplier.pushed(signed(activation(at_ms=NOW_MS + 9_000)))
    assert supplier.events()[-2:] == ["activation-success", "late:activation-success"]
    assert supplier.counts() == {("updated", ""): 1}


@pytest.mark.parametrize("forger", FORGERS)
def test_an_alert_that_the_dcc_did_not_sign_is_refused(supplier, forger):
    supplier.has_asked()
    before = supplier.everything()
    genuine = signed(delivery_status(RequestID(SUPPLIER, ACB, 1)))
    refused, accepted = supplier.pushed(FORGERS[forger](activation()), genuine)
    assert (bool(refused), accepted) == (True, None)
    assert supplier.states() == ["delivered", "accepted", "accepted"]
    assert supplier.runs() == f"{OLD:08X}"
    assert len(supplier.everything()["journal"]) == len(before["journal"]) + 1


def test_whatever_is_pushed_has_to_be_signed(supplier):
    supplier.asks()
    refusal = response(request_of(supplier.sent()), "E110402")
    before = supplier.everything()
    for said in (activation(), refusal, response(request_of(supplier.sent()))):
        assert supplier.pushed(unsigned(said)) == ["the DCC's message is not signed"]
    assert supplier.everything() == before


def test_what_is_about_no_update_is_kept_in_the_journal_once(supplier):
    said = signed(alert(v.CommsHubAlert(comms_hub_device_id=HUB_ID, alert_code=0x8F8A)))
    assert supplier.pushed(said, said) == [None, None]
    assert supplier.pushed(said) == [None]
    (entry,) = supplier.everything()["journal"]
    assert "no-evidence" in entry
    assert said in entry


def test_a_device_that_was_never_asked_for_still_teaches_the_estate(supplier):
    supplier.has_asked(A)
    assert supplier.pushed(signed(activation(B)), signed(transfer(None, B))) == [None, None]
    assert supplier.delivery(B) is None
    assert supplier.events(B) == [
        "unattributed:activation-success",
        "unattributed:transfer-success",
    ]
    assert (supplier.runs(B), supplier.states(A)) == (f"{NEW:08X}", ["accepted"])


def test_a_device_of_no_estate_is_journalled(supplier):
    assert supplier.pushed(signed(activation(UNKNOWN))) == [None]
    assert supplier.events(UNKNOWN) == ["unattributed:activation-success"]
    with supplier.ledger.view() as view:
        assert view.devices([UNKNOWN]) == {}


def test_a_ppmid_that_runs_another_version_is_not_updated(supplier):
    supplier.has_asked(A)
    supplier.pushed(signed(activation(version=0x00030000)))
    assert supplier.states(A) == ["accepted"]
    assert supplier.events()[-1] == "unattributed:activation-success"
    assert supplier.runs() == "00030000"


def test_a_version_counts_in_any_case(supplier):
    small = encode_image(image(DeviceType.PPMID, file_version=0xACDCACDC))
    supplier.asks(A, image_file=small)
    supplier.answered(answer(request_of(supplier.sent())))
    said = activation(version=0xACDCACDC)
    upgrade = msgspec.structs.replace(
        said.body.dcc_alert.ppmid_firmware_upgrade_alert, firmware_version="acdcacdc"
    )
    body = msgspec.structs.replace(said.body.dcc_alert, ppmid_firmware_upgrade_alert=upgrade)
    supplier.pushed(signed(alert(body)))
    assert (supplier.states(A), supplier.runs()) == (["updated"], "ACDCACDC")


def test_an_alert_that_names_another_request_is_not_about_this_one(supplier):
    supplier.has_asked(A)
    supplier.pushed(signed(delivery_status(RequestID(SUPPLIER, ACB, 77))))
    assert supplier.states(A) == ["accepted"]
    assert supplier.events()[-1] == "unattributed:delivery-success"


def test_a_transfer_that_names_no_request_counts_by_its_version(supplier):
    supplier.has_asked(A, B)
    supplier.pushed(signed(transfer(None, A)), signed(transfer(None, B, version=OLD)))
    assert supplier.states(A, B) == ["transferred", "accepted"]


def test_a_new_request_takes_the_evidence_over(supplier):
    supplier.has_asked(A)
    supplier.pushed(signed(transfer(RequestID(SUPPLIER, ACB, 1), code="FileTransferFailure")))
    supplier.has_asked(A, at_ms=NOW_MS + DAY_MS)
    supplier.pushed(signed(activation()), at_ms=NOW_MS + DAY_MS)
    assert supplier.counts(1) == {("transfer-failed", ""): 1}
    assert supplier.counts(2) == {("updated", ""): 1}


# --- Silence ---


def test_silence_past_the_deadline_is_an_outcome(supplier):
    request_id = supplier.has_asked(A, B)
    supplier.pushed(signed(transfer(request_id, B)))
    assert supplier.shell.scan_due(LATE_MS - 1, 10) == 0
    assert supplier.shell.scan_due(LATE_MS, 1) == 1
    assert supplier.shell.scan_due(LATE_MS, 10) == 1
    assert supplier.shell.scan_due(LATE_MS, 10) == 0
    assert supplier.counts() == {("accepted", ""): 1, ("transferred", ""): 1}
    supplier.falls_silent(LATE_MS + READ_BACK_PERIOD_H * HOUR_MS)
    assert supplier.counts() == {("silent", ""): 2}


def test_a_request_that_the_dcc_never_answered_ends_too(supplier):
    supplier.asks(A)
    asked = supplier.sent()
    supplier.falls_silent(LATE_MS)
    assert supplier.counts() == {("silent", ""): 1}
    supplier.shell.answered(asked, answer(request_of(asked)), LATE_MS)
    assert supplier.counts() == {("silent", ""): 1}


@pytest.mark.parametrize(
    ("code", "version", "state"),
    [("ActivationSuccess", NEW, "updated-late"), ("ActivationFailure", OLD, "activation-failed")],
)
def test_proof_after_silence_counts_apart(supplier, code, version, state):
    supplier.has_asked(A)
    supplier.falls_silent(LATE_MS)
    supplier.pushed(signed(activation(code=code, version=version)), at_ms=LATE_MS + 1)
    assert supplier.counts() == {(state, ""): 1}
    assert supplier.runs() == f"{version:08X}"


def test_late_proof_never_moves_an_outcome_back(supplier):
    supplier.has_asked(A)
    supplier.pushed(signed(activation()))
    late = [
        delivery_status(RequestID(SUPPLIER, ACB, 1), status="Failure"),
        transfer(RequestID(SUPPLIER, ACB, 1), code="FileTransferFailure"),
    ]
    supplier.pushed(*map(signed, late), at_ms=LATE_MS)
    assert supplier.states(A) == ["updated"]
    assert supplier.events()[-2:] == ["late:delivery-failure", "late:transfer-failure"]


# --- Crash and restart ---


class PowerCutError(Exception):
    """What a patched rule raises in the middle of a batch."""


def crash_at(monkeypatch, module, rule, call):
    """Let a rule that a module of the shell uses fail at its `call`-th call."""
    sound = getattr(module, rule)
    calls = iter(range(1, 1_000))

    def fails(*arguments, **named):
        if next(calls) == call:
            raise PowerCutError
        return sound(*arguments, **named)

    monkeypatch.setattr(module, rule, fails)


# The rule that fails, and after how many devices: the first, one in the middle, the last.
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize(
    ("rule", "act"),
    [
        ("settle", "receive"),
        ("learned", "receive"),
        ("step", "answer"),
        ("step", "scan_due"),
        ("_requested", "ask"),
    ],
)
def test_a_crash_in_a_batch_leaves_nothing_and_the_batch_goes_through_again(
    supplier, monkeypatch, rule, act, call
):
    if act == "answer":
        supplier.asks()
    elif act != "ask":
        supplier.has_asked()
    pushes = [signed(activation(device_id)) for device_id in PPMIDS]
    do = {
        "receive": lambda: supplier.pushed(*pushes),
        "answer": lambda: supplier.answered(answer(request_of(supplier.sent()))),
        "scan_due": lambda: supplier.shell.scan_due(LATE_MS, 10),
        "ask": supplier.asks,
    }[act]
    before = supplier.everything()
    with monkeypatch.context() as patch:
        crash_at(patch, supplier_answers if act == "answer" else shell, rule, call)
        with pytest.raises(PowerCutError):
            do()
    assert supplier.everything() == before
    supplier.assert_sound()
    do()
    ends = {"receive": "updated", "answer": "accepted", "scan_due": "accepted", "ask": "requested"}
    assert supplier.counts() == {(ends[act], ""): 3}


def test_a_restart_continues_where_the_ledger_stands(tmp_path):
    url = f"sqlite:///{tmp_path}/supplier.db"
    first = ASupplier(url).has_estate()
    row = first.asks()
    sent = first.sent()
    first.ledger.close()

    second = ASupplier(url)
    assert second.sent() == sent  # the same octets, so that a DCC knows them for the same request
    second.answered(answer(request_of(sent)))
    second.pushed(push := signed(activation(A)))
    second.ledger.close()

    third = ASupplier(url)
    assert third.shell.outgoing(LATE_MS, 1) == []
    assert third.pushed(push, signed(delivery_status(row.request_id, B))) == [None, None]
    assert third.states() == ["updated", "delivered", "accepted"]
    assert third.asks(A).request_id.counter == 2
    third.assert_sound()
    third.ledger.close()
