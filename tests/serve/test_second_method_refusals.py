"""Bad input to the second method (11.1, 11.3, 11.2): each has its answer, and nothing is lost.

One table a shell, in the order in which a message passes them: what the supplier is told to do and
what the DCC answers it; what users ask of the DCC; what hubs and devices send to it; what the DCC
hands on to the supplier; what comes to a device. Every row ends with the sound thing being done.
Field by field it is tested where the rules are: `test_pre_command`, `test_critical`,
`test_transform`, `test_update_firmware`, `test_responses`, `test_command_reception`.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest
from tests.dcc.a_command import HASH, HOUR_MS
from tests.dcc.samples import ACB, DEVICE_ID, HUB_ID, NEW, NOW_MS, SUPPLIER, device, entry
from tests.han import a_home
from tests.han.a_signed_home import IDS, NEW_HASH, ASignedHome
from tests.han.commands import activate as signed_command
from tests.han.commands import read as signed_read
from tests.serve.a_dcc import (
    PKI,
    ADcc,
    opened,
    ppmid_file,
    receipt,
    signed,
    signed_image,
    update_firmware,
    update_ppmid,
)
from tests.serve.a_dcc_with_devices import (
    ESME_ID,
    EXECUTION_MS,
    HASH_MISMATCH,
    HCALCS_ID,
    HOME,
    PPMID_ID,
    activated,
    alerted,
    gbcs_of,
    outcome,
    pre_command,
    read,
    read_answer,
    request,
    sign_pre_command,
    submit,
    to_devices,
    transform,
    version_of,
)
from tests.serve.test_supplier_commands import (
    FILE,
    NEW_OCTETS,
    OLD_OCTETS,
    AnHcalcsSupplier,
)
from tests.serve.test_supplier_commands import HASH as FILE_HASH
from tests.supplier import device_says

from hanota.errors import LocalError
from hanota.limits import COMMAND_ANSWER_H, FUTURE_DATE_DAYS_MAX
from hanota.model import DeviceType, LeftOutList, Milestone, RequestID
from hanota.smki import dsig
from hanota.smki.organisations import SUPPLIER_2
from hanota.wire import wan
from hanota.wire.codes import AlertCode
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import encode_request
from hanota.wire.duis.signature import sign_document
from hanota.wire.duis.values import (
    ActivateFirmware,
    ReadFirmwareVersion,
    ReturnLocalCommandResponse,
    SignedPreCommand,
)
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode, encode

IHD_ID = DEVICE_ID + 9
IHD = device(DeviceType.IHD, device_id=IHD_ID)
LOCAL_RESPONSE = ReturnLocalCommandResponse(device_gbcs_response=b"\xdf")
DAY_MS = 24 * HOUR_MS


def flipped(octets: bytes, bit: int) -> bytes:
    """One bit of the octets turned; a negative number counts from the last."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- What users ask of the DCC ---


@pytest.fixture
def dcc():
    begun = ADcc(*HOME, IHD)
    begun.shell.load_products([entry(DeviceType.HCALCS), entry(DeviceType.PPMID)])
    yield begun
    assert begun.ledger.verify() == []


class Refused(NamedTuple):
    """A request that the DCC refuses."""

    octets: Callable[[ADcc], bytes]
    code: str
    lists: dict[LeftOutList, tuple[int, ...]] | None = None


def an_11_1(counter=500, *device_ids, **changes):
    return update_firmware(
        request_id=RequestID(SUPPLIER, ACB, counter),
        device_ids=device_ids or (HCALCS_ID,),
        **changes,
    )


def with_time(text: str) -> bytes:
    """A CV 4 whose execution time is this text, signed as it stands."""
    sound = transform(EXECUTION_MS)
    changed = encode_request(sound).replace(time_in(sound), text.encode())
    return sign_document(open_document(changed), dsig.request_signer(SUPPLIER, PKI, PKI))


def time_in(asked) -> bytes:
    """The execution time of a request as it is written."""
    octets = encode_request(asked)
    tag = b"ExecutionDateTime>"
    start = octets.index(tag) + len(tag)
    return octets[start : octets.index(b"</", start)]


def with_any_version(file: bytes) -> bytes:
    """The OTA file with the wildcard as its file version."""
    return file[:14] + b"\xff" * 4 + file[18:]


def altered_cv_5(dcc, **fields):
    """A Pre-Command that was altered before it was signed, rightly."""
    given = decode(pre_command(dcc))
    content = msgspec.structs.replace(cs06.decode_command(given.content), **fields)
    changed = msgspec.structs.replace(given, content=cs06.encode_command(content))
    return signed(submit(sign_pre_command(encode(changed))))


def replaced_cv_5(dcc, **header):
    given = msgspec.structs.replace(decode(pre_command(dcc)), **header)
    return signed(submit(sign_pre_command(encode(given))))


def a_second_distribution(dcc):
    assert dcc.ask(an_11_1(499)).response_code == "I0"
    return signed(an_11_1(500))


REFUSED_BY_THE_DCC = {
    # A second distribution while one waits.
    "11.1, one is in progress": Refused(
        a_second_distribution, "E110105", {LeftOutList.OTHER_REQUEST_IN_PROGRESS: (HCALCS_ID,)}
    ),
    # Right signature by the wrong supplier.
    "11.1, the image of another supplier": Refused(
        lambda _: signed(an_11_1(image=signed_image(SUPPLIER_2))), "E110103"
    ),
    "11.1, the signature off by a bit": Refused(
        lambda _: signed(an_11_1(image=flipped(signed_image(), -1))), "E110103"
    ),
    "11.1, the image off by a bit": Refused(
        lambda _: signed(an_11_1(image=flipped(signed_image(), -8 * 67))), "E110102"
    ),
    # An OTA header that would stand for any image.
    "11.1, any version": Refused(
        lambda _: signed(an_11_1(image=with_any_version(signed_image()))), "E110101"
    ),
    "11.4, any version": Refused(
        lambda _: signed(update_ppmid(image=with_any_version(ppmid_file()))), "E110401"
    ),
    "11.1, the device of another supplier": Refused(
        lambda _: signed(
            update_firmware(
                request_id=RequestID(SUPPLIER_2, ACB, 500),
                image=signed_image(SUPPLIER_2),
                device_ids=(HCALCS_ID,),
            )
        ),
        "E110105",
        {LeftOutList.INVALID_DEVICE: (HCALCS_ID,)},
    ),
    # A standalone in-home display is not updated over the air.
    "11.1, nothing but an IHD": Refused(
        lambda _: signed(an_11_1(500, IHD_ID)),
        "E110105",
        {LeftOutList.INVALID_DEVICE: (IHD_ID,)},
    ),
    "11.4, nothing but an IHD": Refused(
        lambda _: signed(update_ppmid(device_ids=(IHD_ID,))),
        "E110405",
        {LeftOutList.INVALID_DEVICE: (IHD_ID,)},
    ),
    # Execution time in the past, too far ahead, or malformed.
    "CV 4, a time in the past": Refused(lambda _: signed(transform(NOW_MS - 1_000)), "E17"),
    "CV 4, a time too far ahead": Refused(
        lambda _: signed(transform(NOW_MS + FUTURE_DATE_DAYS_MAX * DAY_MS + 1_000)), "E17"
    ),
    "CV 4, parts of a second": Refused(lambda _: signed(transform(EXECUTION_MS + 1)), "E17"),
    "CV 4, no time": Refused(lambda _: with_time("tomorrow"), "E100"),
    "CV 4, no date": Refused(lambda _: with_time("2027-02-30T00:00:00.00Z"), "E100"),
    "CV 4, an empty time": Refused(lambda _: with_time(""), "E100"),
    "CV 5, another time beside the command": Refused(
        lambda dcc: signed(
            request(
                "11.3",
                5,
                SignedPreCommand(
                    execution_date_time_ms=EXECUTION_MS,
                    gbcs_payload=sign_pre_command(pre_command(dcc)),
                ),
            )
        ),
        "E17",
    ),
    "CV 5, the time has passed since CV 4": Refused(
        lambda dcc: signed(submit(sign_pre_command(pre_command(dcc, NOW_MS)))), "E17"
    ),
    "11.2, a time in the past": Refused(lambda _: signed(read(HCALCS_ID, NOW_MS - 1)), "E17"),
    # The signature of the command.
    "CV 5, signed by another supplier": Refused(
        lambda dcc: signed(submit(sign_pre_command(pre_command(dcc), SUPPLIER_2))), "E48"
    ),
    "CV 5, the signature off by a bit": Refused(
        lambda dcc: signed(submit(flipped(sign_pre_command(pre_command(dcc)), -1))), "E48"
    ),
    "CV 5, no signature": Refused(lambda dcc: signed(submit(pre_command(dcc))), "E48"),
    "CV 5, no GBCS": Refused(lambda dcc: pre_command(dcc) and signed(submit(b"\xdf\x09")), "E48"),
    # A Pre-Command that was altered, and signed as altered.
    "CV 5, another hash": Refused(
        lambda dcc: altered_cv_5(dcc, manufacturer_image_hash=HASH[::-1]), "E48"
    ),
    "CV 5, another counter within": Refused(
        lambda dcc: altered_cv_5(dcc, originator_counter=1001), "E48"
    ),
    "CV 5, a time where none was": Refused(
        lambda dcc: altered_cv_5(dcc, execution_date_time_ms=EXECUTION_MS), "E48"
    ),
    "CV 5, another counter": Refused(lambda dcc: replaced_cv_5(dcc, counter=1001), "E48"),
    "CV 5, another target": Refused(lambda dcc: replaced_cv_5(dcc, target=ESME_ID), "E48"),
    "CV 5, another originator": Refused(lambda dcc: replaced_cv_5(dcc, originator=ACB), "E48"),
    "CV 5, without CV 4": Refused(lambda _: signed(submit(b"\xdf\x09", counter=77)), "E100"),
    # Who may not ask.
    "CV 4, by another supplier": Refused(lambda _: signed(transform(user=SUPPLIER_2)), "E5"),
    "CV 4, for a PPMID": Refused(lambda _: signed(transform(device_id=PPMID_ID)), "E4"),
    "CV 4, for an IHD": Refused(lambda _: signed(transform(device_id=IHD_ID)), "E4"),
    "11.2, of an IHD": Refused(lambda _: signed(read(IHD_ID)), "E4"),
    # The document itself: another time than the one that was signed.
    "CV 4, altered after it was signed": Refused(
        lambda _: signed(transform(EXECUTION_MS)).replace(
            time_in(transform(EXECUTION_MS)), time_in(transform(EXECUTION_MS + 1_000))
        ),
        "E48",
    ),
    # Local delivery.
    **{
        f"{reference} {type(body).__name__}, CV {variant}": Refused(
            lambda _, asked=(reference, variant, body): signed(request(*asked)), "E11"
        )
        for variant in (2, 3, 6, 7)
        for reference, body in (
            ("11.2", ReadFirmwareVersion()),
            ("11.3", ActivateFirmware(execution_date_time_ms=None, firmware_hash=HASH)),
            ("11.3", SignedPreCommand(gbcs_payload=b"\xdf")),
        )
    },
    "8.13, the answer of a local command": Refused(
        lambda _: signed(
            request(
                "8.13", 8, ReturnLocalCommandResponse(device_gbcs_response=b"\xdf"), device_id=ACB
            )
        ),
        "E12",
    ),
}


@pytest.mark.parametrize("name", REFUSED_BY_THE_DCC)
def test_what_the_dcc_refuses(dcc, name):
    refused = REFUSED_BY_THE_DCC[name]
    octets = refused.octets(dcc)
    envelopes, states = dcc.shell.outgoing_wan(100), dcc.state(HCALCS_ID)
    at_ms = NOW_MS + 1_000 if "passed" in name else NOW_MS
    answer = opened(dcc.shell.answer(octets, at_ms), at_ms)
    assert answer.response_code == refused.code
    content = answer.body.content
    assert (None if content is None else content.lists()) == refused.lists
    # Nothing is set going, nothing that was is lost, and the same again gets the same answer.
    assert (dcc.shell.outgoing_wan(100), dcc.state(HCALCS_ID)) == (envelopes, states)
    assert dcc.shell.answer(octets, at_ms) == dcc.shell.answer(octets, at_ms)
    assert activated(dcc, counter=2_000) == to_devices(dcc)[-1]


def test_some_devices_of_a_list_are_left_out_with_their_reasons(dcc):
    answer = dcc.ask(an_11_1(500, HCALCS_ID, IHD_ID))
    assert answer.response_code == "W110101"
    assert answer.body.content.lists() == {LeftOutList.INVALID_DEVICE: (IHD_ID,)}
    assert dcc.state(HCALCS_ID) == Milestone.ACCEPTED
    answer = dcc.ask(update_ppmid(device_ids=(PPMID_ID, IHD_ID)))
    assert answer.response_code == "W110401"
    assert answer.body.content.lists() == {LeftOutList.INVALID_DEVICE: (IHD_ID,)}
    assert dcc.state(PPMID_ID) == Milestone.ACCEPTED


# --- What hubs and devices send to the DCC ---


def read_by_the_acb(dcc):
    """The HCALCS is being read; the command as it got it."""
    assert dcc.ask(read(HCALCS_ID, counter=900)).response_code == "I99"
    return to_devices(dcc)[-1]


def off_by_a_bit(envelope: bytes, bit=-1) -> bytes:
    return wan.encode(wan.FromDevice(flipped(gbcs_of(envelope), bit)))


DISREGARDED_BY_THE_DCC = {
    # A response to a request that was never made.
    "an outcome that nobody asked for": (lambda _: outcome(counter=999), "foreign:outcome"),
    "an alert that nobody asked for": (
        lambda _: alerted(counter=999),
        "foreign:future-dated-alert",
    ),
    "the version of a device that is not read": (
        lambda dcc: read_answer(
            encode(msgspec.structs.replace(decode(read_by_the_acb(dcc)), counter=5)),
            version_of(HCALCS_ID, to_devices(dcc)[-1]),
        ),
        "foreign:version",
    ),
    "an outcome for another supplier": (
        lambda _: outcome(target=SUPPLIER_2),
        "foreign:outcome",
    ),
    # Signature or MAC off by a bit, or of somebody else.
    "an outcome, the signature off by a bit": (
        lambda _: off_by_a_bit(outcome()),
        "bad-signature:outcome",
    ),
    "an outcome, signed by the hub": (lambda _: outcome(signer=HUB_ID), "bad-signature:outcome"),
    "a version, the MAC off by a bit": (
        lambda dcc: off_by_a_bit(
            read_answer(read_by_the_acb(dcc), version_of(HCALCS_ID, to_devices(dcc)[-1]))
        ),
        "bad-signature:version",
    ),
    "a receipt, the signature off by a bit": (
        lambda _: off_by_a_bit(receipt(AlertCode.FIRMWARE_VERIFIED, originator=HCALCS_ID)),
        "bad-signature:verification-success",
    ),
}


@pytest.mark.parametrize("name", DISREGARDED_BY_THE_DCC)
def test_what_does_not_count_at_the_dcc(dcc, name):
    envelope, event = DISREGARDED_BY_THE_DCC[name]
    assert dcc.ask(an_11_1(500)).response_code == "I0"
    activated(dcc)
    octets = envelope(dcc)
    row, state = dcc.device(HCALCS_ID), dcc.state(HCALCS_ID)
    dcc.receive(octets)
    (entry_,) = [one for one in dcc.timeline(HCALCS_ID) if one.event == event]
    assert entry_.message == gbcs_of(octets)  # the journal keeps it as it came
    assert (dcc.device(HCALCS_ID), dcc.state(HCALCS_ID)) == (row, state)
    dcc.receive(outcome())
    assert dcc.device(HCALCS_ID).firmware_version == f"{NEW:08X}"
    assert dcc.state(HCALCS_ID) == "updated"


def test_a_command_that_the_device_discards_is_reported_and_its_version_may_be_read(dcc):
    """A counter not above the last, a MAC or signature that do not fit: a device says nothing."""
    activated(dcc)
    due_ms = NOW_MS + COMMAND_ANSWER_H * HOUR_MS
    assert dcc.shell.scan_due(due_ms, 10) == 1
    assert dcc.codes(due_ms) == ["N13"]
    assert dcc.ask(read(HCALCS_ID, counter=900), due_ms).response_code == "I99"


# --- What the supplier is told, and what comes back to it ---


@pytest.fixture
def supplier():
    acting = AnHcalcsSupplier()
    yield acting
    assert acting.ledger.verify() == []


NOT_ASKED_FOR = {
    "a time in the past": (
        lambda it: it.shell.activate_firmware([device_says.DEVICE], FILE_HASH, NOW_MS, NOW_MS),
        "past",
    ),
    "parts of a second": (
        lambda it: it.shell.activate_firmware(
            [device_says.DEVICE], FILE_HASH, NOW_MS + 1_001, NOW_MS
        ),
        "parts of a second",
    ),
    "a hash that is none": (
        lambda it: it.shell.activate_firmware([device_says.DEVICE], b"\0" * 31, None, NOW_MS),
        "octets",
    ),
    "a second distribution": (
        lambda it: [it.shell.update_firmware(FILE, [device_says.DEVICE], NOW_MS) for _ in range(2)],
        "under way",
    ),
    "an 11.1 for nobody": (lambda it: it.shell.update_firmware(FILE, [], NOW_MS), "devices"),
}


@pytest.mark.parametrize("name", NOT_ASKED_FOR)
def test_what_a_supplier_does_not_ask_for(supplier, name):
    act, why = NOT_ASKED_FOR[name]
    with pytest.raises(LocalError, match=why):
        act(supplier)


ALTERED = {
    "firmware-hash": {"manufacturer_image_hash": bytes(32)},
    "originator-counter": {"originator_counter": 7},
    "execution-date-time": {"execution_date_time_ms": EXECUTION_MS},
}


@pytest.mark.parametrize("field", ALTERED)
def test_an_altered_pre_command_is_not_signed_and_may_be_asked_for_again(supplier, field):
    supplier.has_distributed()
    (row,) = supplier.shell.activate_firmware([device_says.DEVICE], FILE_HASH, None, NOW_MS)
    asked = cs06.ActivateFirmwareCommand(FILE_HASH, row.request_id.counter)
    changed = msgspec.structs.replace(asked, **ALTERED[field])
    supplier.dcc_gives(content=cs06.encode_command(changed))
    assert supplier.shell.outgoing(NOW_MS + DAY_MS, 10) == []
    delivery = supplier.delivery(device_says.DEVICE)
    assert (delivery.state, delivery.reason) == ("distributed", f"pre-command:{field}")
    supplier.answers(supplier.has_asked_to_activate(), device_says.outcome(0, NEW_OCTETS))
    assert supplier.state == "updated"


def a_message(supplier, said, **changes):
    """What the device says, rightly protected."""
    return device_says.protected(device_says.unprotected(said, **changes), pki=PKI)


SUCCESS = device_says.outcome(0, NEW_OCTETS)
DISREGARDED_BY_THE_SUPPLIER = {
    "a response that was never asked for": (
        lambda it, _: it.answers(RequestID(SUPPLIER, device_says.DEVICE, 5), SUCCESS),
        "foreign:ActivateFirmwareOutcome",
    ),
    "the signature off by a bit": (
        lambda it, asked: it.pushes(
            SUCCESS, flipped_gbcs(a_message(it, SUCCESS, counter=asked.counter))
        ),
        "not-authentic:ActivateFirmwareOutcome",
    ),
    "the MAC of a version off by a bit": (
        lambda it, asked: it.pushes(
            device_says.GCS38, flipped_gbcs(a_message(it, device_says.GCS38, counter=asked.counter))
        ),
        "not-authentic:ReadFirmwareVersionResponse",
    ),
    "an answer for another supplier": (
        lambda it, asked: it.device_says(SUCCESS, counter=asked.counter, target=SUPPLIER_2),
        "misdirected:ActivateFirmwareOutcome",
    ),
    "the receipt of another image": (
        lambda it, _: it.device_says(
            device_says.esme_receipt(AlertCode.FIRMWARE_VERIFIED, bytes(32)), counter=9_000
        ),
        "unattributed:EsmeFirmwareDistributionReceipt",
    ),
}


def flipped_gbcs(message):
    return decode(flipped(encode(message), -1))


@pytest.mark.parametrize("name", DISREGARDED_BY_THE_SUPPLIER)
def test_what_does_not_count_at_the_supplier(supplier, name):
    act, event = DISREGARDED_BY_THE_SUPPLIER[name]
    supplier.has_distributed()
    request_id = supplier.has_asked_to_activate()
    assert act(supplier, request_id) == [None]  # the DCC's message itself is sound, and taken
    assert supplier.events(device_says.DEVICE)[-1] == event
    assert supplier.state == "activation-requested"
    assert supplier.runs(device_says.DEVICE) == "00010000"
    supplier.answers(request_id, SUCCESS)
    assert supplier.state == "updated"


def test_the_hash_of_another_image_is_told_and_the_right_one_may_follow(supplier):
    supplier.has_distributed()
    (row,) = supplier.shell.activate_firmware([device_says.DEVICE], bytes(32), None, NOW_MS)
    assert supplier.dcc_gives().request_id == row.request_id
    supplier.dcc_says("I99")
    supplier.answers(row.request_id, device_says.outcome(2, OLD_OCTETS))
    assert supplier.state == "hash-mismatch"
    supplier.answers(supplier.has_asked_to_activate(), SUCCESS)
    assert supplier.state == "updated"


# --- What comes to a device ---


DEVICE = IDS[DeviceType.HCALCS]
GOOD = signed_command(DEVICE, NEW_HASH, 100)
DISCARDED = {
    "a counter not above the last": signed_command(DEVICE, NEW_HASH, 10),
    "the counter of the last": signed_command(DEVICE, NEW_HASH, 50),
    "the MAC off by a bit": flipped(GOOD, -1),
    "the signature off by a bit": flipped(GOOD, -8 * 13),
    "the hash off by a bit": flipped(GOOD, 8 * 60),
    "signed by another supplier": signed_command(DEVICE, NEW_HASH, 100, signer=SUPPLIER_2),
    "a read with the MAC off by a bit": flipped(signed_read(DEVICE, 0x0129, 100), -1),
}


@pytest.fixture(scope="module")
def distributed():
    """An HCALCS that holds the image, and the counter of whose last command was 50."""
    home = ASignedHome(DeviceType.HCALCS)
    home.distribute()
    home.command(signed_command(DEVICE, bytes(32), 50))
    assert result_of(home.responses()[-1]) is HASH_MISMATCH
    return home


def result_of(message):
    return cs06.decode_response(message.content).result


@pytest.mark.parametrize("name", DISCARDED)
def test_what_a_device_discards(distributed, name):
    said = distributed.said()
    distributed.command(DISCARDED[name], duration_ms=60_000)
    assert distributed.said() == said  # GBCS has no answer to it
    assert distributed.homes.party(DEVICE).running_version == a_home.OLD_VERSION


def test_then_the_sound_command_activates(distributed):
    distributed.command(GOOD)
    assert result_of(distributed.responses()[-1]) is cs06.ActivateFirmwareResult.SUCCESS
    assert distributed.homes.party(DEVICE).running_version == a_home.NEW_VERSION


def test_right_signature_by_a_supplier_who_did_not_bring_the_image():
    home = ASignedHome(DeviceType.HCALCS)
    home.distribute()
    home.command(signed_command(DEVICE, NEW_HASH, 1, supplier=SUPPLIER_2))
    answer = home.responses()[-1]
    assert (answer.target, result_of(answer)) == (
        SUPPLIER_2,
        cs06.ActivateFirmwareResult.NO_IMAGE_HELD,
    )
    home.command(signed_command(DEVICE, NEW_HASH, 2))
    assert result_of(home.responses()[-1]) is cs06.ActivateFirmwareResult.SUCCESS
