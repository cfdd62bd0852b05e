"""The second method in the supplier's shell: distribute, activate, read back; what goes wrong."""

import msgspec
import pytest
from tests.dcc.samples import ACB, NEW, NOW_MS, SUPPLIER, device, hub, image
from tests.serve.a_supplier import PKI, ASupplier, request_of, response, signed, transfer
from tests.supplier import device_says

from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS, READ_BACK_PERIOD_H, SILENCE_DEADLINE_DAYS
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.smki.protection import signature_valid
from hanota.supplier.pre_command import command_of
from hanota.wire.codes import AlertCode
from hanota.wire.duis import values as v
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode, encode
from hanota.wire.image import encode_image, manufacturer_image_hash

HCALCS = device_says.DEVICE
LATER_MS = NOW_MS + DAY_MS
_UNSIGNED = image(DeviceType.HCALCS)
HASH = manufacturer_image_hash(_UNSIGNED)
FILE = encode_image(
    image(
        DeviceType.HCALCS,
        signature=PKI.sign(SUPPLIER, Role.SUPPLIER, _UNSIGNED.manufacturer_image),
    )
)
NEW_OCTETS, OLD_OCTETS = NEW.to_bytes(4, "big"), bytes.fromhex("00010000")


class AnHcalcsSupplier(ASupplier):
    """A supplier with one HCALCS."""

    def __init__(self) -> None:
        super().__init__()
        self.has_estate(hub(), device(DeviceType.HCALCS, device_id=HCALCS))

    @property
    def state(self):
        return self.states(HCALCS)[0]

    def dcc_says(self, code="I0", content=None):
        """The answer to the one request that waits; gives that request."""
        asked = request_of(self.sent())
        body = v.ResponseMessage(asked.service_reference, asked.service_reference, content)
        self.answered(signed(response(asked, code, body=body)))
        return asked

    def dcc_gives(self, **altered):
        """The DCC gives the Pre-Command, whole or altered; what the supplier asked."""
        command = msgspec.structs.replace(command_of(request_of(self.sent())), **altered)
        return self.dcc_says(content=v.PreCommand("4.3", encode(command)))

    def device_says(self, said, at_ms=NOW_MS + 1_000, **changes):
        """What the device says, protected as it should be, comes through the DCC."""
        message = device_says.protected(device_says.unprotected(said, **changes), pki=PKI)
        return self.pushes(said, message, at_ms)

    def answers(self, request_id, said, **changes):
        """The device's answer to this request."""
        match said:
            case cs06.FutureDatedActivationAlert():
                said = msgspec.structs.replace(said, originator_counter=request_id.counter)
                return self.device_says(said, **{"counter": 6_000, **changes})
            case _:
                return self.device_says(said, counter=request_id.counter, **changes)

    def pushes(self, said, message, at_ms=NOW_MS + 1_000):
        carried = device_says.carried(said, message, request_id=None, response_id=None)
        return self.pushed(signed(carried), at_ms=at_ms)

    def has_distributed(self):
        self.shell.update_firmware(FILE, [HCALCS], NOW_MS)
        self.dcc_says()
        self.device_says(device_says.esme_receipt(AlertCode.FIRMWARE_VERIFIED, HASH))
        assert self.state == "distributed"

    def has_asked_to_activate(self, execution_ms=None):
        """An 11.3 that has been signed and acknowledged; its RequestID."""
        (row,) = self.shell.activate_firmware([HCALCS], HASH, execution_ms, NOW_MS)
        self.dcc_gives()
        self.dcc_says("I99")
        return row.request_id


@pytest.fixture
def supplier():
    acting = AnHcalcsSupplier()
    yield acting
    assert acting.ledger.verify() == []


def test_from_distribution_to_the_proof(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate()
    assert supplier.state == "activation-requested"
    supplier.answers(request_id, device_says.outcome(0, NEW_OCTETS))
    assert supplier.state == "updated"
    assert supplier.runs(HCALCS) == "00020000"


def test_what_is_posted_is_signed_under_the_same_request_id(supplier):
    supplier.has_distributed()
    (row,) = supplier.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    asked = supplier.dcc_gives()
    sent = request_of(supplier.sent())
    assert (sent.request_id, sent.command_variant) == (row.request_id, 5)
    command = decode(sent.body.gbcs_payload)
    key = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key
    assert signature_valid(command, key)
    assert msgspec.structs.replace(command, signature=None) == command_of(asked)


@pytest.mark.parametrize(
    ("result", "state"), [(1, "no-image"), (2, "hash-mismatch"), (3, "activation-failed")]
)
@pytest.mark.parametrize("says", [device_says.outcome, device_says.alert_of])
def test_each_known_way_to_fail(supplier, result, state, says):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate(LATER_MS)
    supplier.answers(request_id, says(result, OLD_OCTETS))
    assert supplier.state == state
    assert supplier.runs(HCALCS) == "00010000"


def test_future_dated_then_activated(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate(LATER_MS)
    supplier.answers(request_id, device_says.ACCEPTED)
    assert supplier.state == "activation-accepted"
    assert supplier.delivery(HCALCS).due_ms == LATER_MS + SILENCE_DEADLINE_DAYS * DAY_MS
    supplier.answers(request_id, device_says.alert_of(0, NEW_OCTETS))
    assert supplier.state == "updated"


def test_future_dated_then_cancelled(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate(LATER_MS)
    supplier.answers(request_id, device_says.ACCEPTED)
    (row,) = supplier.shell.cancel_activation([HCALCS], HASH, NOW_MS)
    supplier.dcc_gives()
    supplier.dcc_says("I99")
    assert supplier.state == "activation-accepted"
    supplier.answers(row.request_id, device_says.ACCEPTED)
    assert supplier.state == "cancelled"


def test_cancelling_where_nothing_waits_leaves_the_image_distributed(supplier):
    supplier.has_distributed()
    (row,) = supplier.shell.cancel_activation([HCALCS], HASH, NOW_MS)
    supplier.dcc_gives()
    supplier.dcc_says("I99")
    supplier.answers(row.request_id, device_says.ACCEPTED)
    assert supplier.state == "distributed"


def test_an_image_that_fails_verification(supplier):
    supplier.shell.update_firmware(FILE, [HCALCS], NOW_MS)
    supplier.dcc_says()
    supplier.device_says(
        device_says.gsme_receipt(AlertCode.FIRMWARE_VERIFICATION_FAILED, bytes(32))
    )
    assert supplier.state == "verification-failed"


def test_the_receipt_of_another_image_is_not_about_this_one(supplier):
    supplier.shell.update_firmware(FILE, [HCALCS], NOW_MS)
    supplier.dcc_says()
    supplier.device_says(device_says.esme_receipt(AlertCode.FIRMWARE_VERIFIED, bytes(32)))
    assert supplier.state == "accepted"
    assert supplier.events(HCALCS)[-1] == "unattributed:EsmeFirmwareDistributionReceipt"


def test_an_altered_pre_command_is_not_signed(supplier):
    supplier.has_distributed()
    (row,) = supplier.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    altered = cs06.ActivateFirmwareCommand(bytes(32), row.request_id.counter)
    supplier.dcc_gives(content=cs06.encode_command(altered))
    assert supplier.shell.outgoing(LATER_MS, 10) == []
    delivery = supplier.delivery(HCALCS)
    assert (delivery.state, delivery.reason) == ("distributed", "pre-command:firmware-hash")


@pytest.mark.parametrize("refused_at", [4, 5])
def test_an_11_3_that_the_dcc_refuses_leaves_the_image_distributed(supplier, refused_at):
    supplier.has_distributed()
    supplier.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    if refused_at == 5:
        supplier.dcc_gives()
    supplier.dcc_says("E5")
    delivery = supplier.delivery(HCALCS)
    assert (delivery.state, delivery.reason) == ("distributed", "E5")
    assert supplier.shell.outgoing(LATER_MS, 10) == []


def test_an_answer_that_comes_twice_is_signed_once(supplier):
    supplier.has_distributed()
    supplier.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    sent = supplier.sent()
    asked = supplier.dcc_gives()
    content = v.PreCommand("4.3", encode(command_of(asked)))
    body = v.ResponseMessage("11.3", "11.3", content)
    supplier.shell.answered(sent, signed(response(asked, body=body)), NOW_MS)
    assert request_of(supplier.sent()).command_variant == 5


def test_an_execution_time_in_the_past_is_refused(supplier):
    with pytest.raises(LocalError, match="past"):
        supplier.shell.activate_firmware([HCALCS], HASH, NOW_MS, NOW_MS)


# --- A new image replaces the one that waits ---


def asks_again(supplier, at_ms=LATER_MS):
    """A second 11.1 for the HCALCS; the number of its row."""
    return supplier.shell.update_firmware(FILE, [HCALCS], at_ms).number


def is_answered(supplier, code="I0"):
    sent = supplier.sent(LATER_MS)
    told = response(request_of(sent), code, body=v.ResponseMessage("11.1", "11.1", None))
    supplier.shell.answered(sent, signed(told), LATER_MS)


def ends(supplier, request):
    with supplier.ledger.view() as view:
        return view.delivery(HCALCS, request).state


def test_an_image_that_waits_is_superseded_once_a_new_one_has_arrived(supplier):
    supplier.has_distributed()
    number = asks_again(supplier)
    is_answered(supplier)
    assert (ends(supplier, 1), ends(supplier, number)) == ("distributed", "accepted")
    receipt = device_says.esme_receipt(AlertCode.FIRMWARE_VERIFIED, HASH)
    supplier.device_says(receipt, counter=9_000)
    assert (ends(supplier, 1), ends(supplier, number)) == ("superseded", "distributed")
    assert supplier.counts(1) == {("superseded", ""): 1}


def test_the_hub_says_too_that_a_new_image_has_arrived(supplier):
    supplier.has_distributed()
    number = asks_again(supplier)
    is_answered(supplier)
    assert supplier.pushed(signed(transfer(None, HCALCS)), at_ms=LATER_MS) == [None]
    assert (ends(supplier, 1), ends(supplier, number)) == ("superseded", "transferred")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("FirmwareImageDiscarded", "discarded"),
        ("HardwareVersionMismatch", "hardware-mismatch"),
        ("FileTransferFailure", "transfer-failed"),
    ],
)
def test_an_image_that_never_arrives_replaces_nothing(supplier, code, state):
    supplier.has_distributed()
    number = asks_again(supplier)
    is_answered(supplier)
    assert supplier.pushed(signed(transfer(None, HCALCS, code)), at_ms=LATER_MS) == [None]
    assert (ends(supplier, 1), ends(supplier, number)) == ("distributed", state)


def test_an_image_that_waits_stays_where_the_new_one_is_refused(supplier):
    supplier.has_distributed()
    number = asks_again(supplier)
    is_answered(supplier, "E110105")
    assert (ends(supplier, 1), ends(supplier, number)) == ("distributed", "left-out")
    assert supplier.state == "distributed"


def test_a_receipt_that_overtakes_the_answer_is_not_superseded_by_it(supplier):
    supplier.has_distributed()
    number = asks_again(supplier)
    receipt = device_says.esme_receipt(AlertCode.FIRMWARE_VERIFIED, HASH)
    supplier.device_says(receipt, counter=9_000)
    assert ends(supplier, number) == "distributed"
    is_answered(supplier)
    assert (ends(supplier, 1), ends(supplier, number)) == ("superseded", "distributed")


def test_a_cancelled_update_keeps_its_outcome(supplier):
    test_future_dated_then_cancelled(supplier)
    asks_again(supplier)
    is_answered(supplier)
    assert ends(supplier, 1) == "cancelled"


# --- What is not believed ---


def test_another_signer_moves_nothing_and_does_not_keep_the_true_answer_out(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate()
    said = device_says.outcome(0, NEW_OCTETS)
    message = device_says.unprotected(said, counter=request_id.counter)
    supplier.pushes(said, device_says.protected(message, by=HCALCS + 1, pki=PKI))
    assert (supplier.state, supplier.runs(HCALCS)) == ("activation-requested", "00010000")
    assert supplier.events(HCALCS)[-1] == "not-authentic:ActivateFirmwareOutcome"
    supplier.answers(request_id, said)
    assert supplier.state == "updated"


def test_the_answer_to_a_request_never_made_is_foreign(supplier):
    supplier.has_distributed()
    supplier.answers(RequestID(SUPPLIER, HCALCS, 5), device_says.outcome(0, NEW_OCTETS))
    assert (supplier.state, supplier.runs(HCALCS)) == ("distributed", "00010000")
    assert supplier.events(HCALCS)[-1] == "foreign:ActivateFirmwareOutcome"


def test_a_version_is_no_answer_to_an_activation(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate()
    supplier.answers(request_id, device_says.GCS38)
    assert supplier.events(HCALCS)[-1] == "foreign:ReadFirmwareVersionResponse"


def test_a_replay_counts_once(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate(LATER_MS)
    supplier.answers(request_id, device_says.ACCEPTED)
    events = supplier.events(HCALCS)
    assert supplier.answers(request_id, device_says.ACCEPTED, at_ms=NOW_MS + 9_000) == [None]
    assert supplier.events(HCALCS) == events


def test_a_malformed_message_of_a_device_is_kept_and_acknowledged(supplier):
    supplier.has_distributed()
    body = v.DeviceAlertMessage(0x8F72, b"\xdf\x09")
    told = v.Response(response_code="I0", response_date_time_ms=NOW_MS, body=body)
    assert supplier.pushed(signed(told)) == [None]
    with supplier.ledger.view() as view:
        assert "GbcsFault:truncated" in [entry.event for entry in view.timeline(0, 10)]


# --- Reading back ---


def read(supplier, said=device_says.GCS38):
    (row,) = supplier.shell.read_firmware_version([HCALCS], NOW_MS)
    supplier.dcc_says("I99")
    supplier.answers(row.request_id, said)
    return row


def test_a_read_version_heals_the_estate_and_is_proof(supplier):
    supplier.has_distributed()
    row = read(supplier)
    assert (row.service_reference, row.command_variant) == ("11.2", 1)
    assert (supplier.state, supplier.runs(HCALCS)) == ("updated", "00020000")


@pytest.mark.parametrize("result", [1, 2, 3])
def test_a_failed_activation_that_a_later_one_has_overtaken_does_not_set_the_estate_back(
    supplier, result
):
    supplier.has_distributed()
    first, second = supplier.has_asked_to_activate(), supplier.has_asked_to_activate()
    supplier.answers(second, device_says.outcome(0, NEW_OCTETS))
    supplier.answers(first, device_says.outcome(result, OLD_OCTETS))
    assert (supplier.state, supplier.runs(HCALCS)) == ("updated", "00020000")


def test_a_version_that_an_activation_has_overtaken_does_not_set_the_estate_back(supplier):
    """The device answers a read, then activates; that is heard of first."""
    supplier.has_distributed()
    (row,) = supplier.shell.read_firmware_version([HCALCS], NOW_MS)
    supplier.dcc_says("I99")
    request_id = supplier.has_asked_to_activate()
    supplier.answers(request_id, device_says.outcome(0, NEW_OCTETS))
    said = msgspec.structs.replace(device_says.CS08, firmware_version=OLD_OCTETS)
    supplier.device_says(said, supplementary_counter=row.request_id.counter)
    assert supplier.runs(HCALCS) == "00020000"
    assert "overtaken:ReadFirmwareVersionResponse" in supplier.events(HCALCS)


def test_a_version_that_was_asked_for_after_an_activation_counts(supplier):
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate()
    supplier.answers(request_id, device_says.outcome(0, NEW_OCTETS))
    (row,) = supplier.shell.read_firmware_version([HCALCS], NOW_MS)
    supplier.dcc_says("I99")
    said = msgspec.structs.replace(device_says.CS08, firmware_version=OLD_OCTETS)
    supplier.device_says(said, supplementary_counter=row.request_id.counter)
    assert supplier.runs(HCALCS) == "00010000"


def test_a_device_without_an_update_can_be_read(supplier):
    read(supplier)
    assert supplier.runs(HCALCS) == "00020000"


def test_a_version_read_through_the_acb(supplier):
    supplier.has_distributed()
    (row,) = supplier.shell.read_firmware_version([HCALCS], NOW_MS)
    supplier.dcc_says("I99")
    supplier.device_says(device_says.CS08, supplementary_counter=row.request_id.counter)
    assert supplier.state == "updated"


def test_silence_is_answered_by_reading_back(supplier):
    supplier.has_distributed()
    supplier.has_asked_to_activate()
    late_ms = NOW_MS + SILENCE_DEADLINE_DAYS * DAY_MS
    assert supplier.shell.scan_due(late_ms, 10) == 1
    asked = request_of(supplier.sent(late_ms))
    assert (asked.service_reference, asked.request_id.target) == ("11.2", HCALCS)
    assert supplier.delivery(HCALCS).due_ms == late_ms + READ_BACK_PERIOD_H * HOUR_MS
    supplier.answers(asked.request_id, device_says.GCS38, at_ms=late_ms + 1)
    assert supplier.state == "updated"


def test_a_device_that_runs_the_old_version_is_silent_in_the_end(supplier):
    supplier.has_distributed()
    supplier.has_asked_to_activate()
    late_ms = NOW_MS + SILENCE_DEADLINE_DAYS * DAY_MS
    supplier.shell.scan_due(late_ms, 10)
    old = msgspec.structs.replace(device_says.GCS38, firmware_version=OLD_OCTETS)
    supplier.answers(request_of(supplier.sent(late_ms)).request_id, old, at_ms=late_ms + 1)
    assert supplier.state == "activation-requested"
    supplier.falls_silent(late_ms + READ_BACK_PERIOD_H * HOUR_MS)
    assert supplier.state == "silent"


def test_counters_rise_with_time_and_never_repeat(supplier):
    rows = [
        row
        for _ in range(3)
        for row in supplier.shell.read_firmware_version([HCALCS, HCALCS + 1], NOW_MS)
    ]
    counters = [row.request_id.counter for row in rows]
    assert counters == list(range(NOW_MS, NOW_MS + 6))
    assert {row.request_id.originator for row in rows} == {SUPPLIER}
    assert ACB not in {row.request_id.target for row in rows}
