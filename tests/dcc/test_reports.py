"""What comes in from a hub: read from the published messages, and refused where it is no report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.samples import ACB, DEVICE_ID, HUB_ID, NEW, NOW_MS, SUPPLIER
from tests.vectors import gbcs_vector

from hanota.dcc.reports import reports_of
from hanota.dcc.tracking import Evidence
from hanota.errors import RemoteError
from hanota.model import RequestID
from hanota.rows import MessageKey
from hanota.wire import wan
from hanota.wire.codes import GbcsFault, WanFault
from hanota.wire.gbcs import ccs08, cs09
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode

REQUEST_ID = RequestID(SUPPLIER, ACB, 1000)


def from_device(content: bytes, code: int, originator: int, cra: Cra = Cra.ALERT) -> bytes:
    message = GbcsMessage(cra, 7, originator, ACB, code, content, signature=bytes(64))
    return wan.encode(wan.FromDevice(encode(message)))


def transfer(result: ccs08.TransferResult) -> bytes:
    alert = ccs08.FirmwareTransferAlert(NOW_MS, DEVICE_ID, NEW, result)
    return from_device(ccs08.encode_alert(alert), 0x0128, HUB_ID)


def activation(result: cs09.ActivationResult) -> bytes:
    alert = cs09.FirmwareActivationAlert(NOW_MS, NEW, result)
    return from_device(cs09.encode_alert(alert), 0x012B, DEVICE_ID)


ALERTS = [
    (transfer(ccs08.TransferResult.SUCCESS), Evidence.TRANSFER_SUCCESS, HUB_ID),
    (transfer(ccs08.TransferResult.IMAGE_DISCARDED), Evidence.IMAGE_DISCARDED, HUB_ID),
    (transfer(ccs08.TransferResult.HARDWARE_MISMATCH), Evidence.HARDWARE_VERSION_MISMATCH, HUB_ID),
    (transfer(ccs08.TransferResult.TRANSFER_FAILURE), Evidence.TRANSFER_FAILURE, HUB_ID),
    (activation(cs09.ActivationResult.SUCCESS), Evidence.ACTIVATION_SUCCESS, DEVICE_ID),
    (activation(cs09.ActivationResult.FAILURE), Evidence.ACTIVATION_FAILURE, DEVICE_ID),
]


@pytest.mark.parametrize(("octets", "evidence", "originator"), ALERTS)
def test_an_alert_is_one_report(octets, evidence, originator):
    (report,) = reports_of(HUB_ID, octets)
    assert report.evidence is evidence
    assert (report.hub_id, report.device_id) == (HUB_ID, DEVICE_ID)
    assert report.key == MessageKey(originator, ACB, 3, 7)
    assert wan.encode(wan.FromDevice(report.octets)) == octets
    assert report.message == decode(report.octets)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("CCS08", Evidence.TRANSFER_SUCCESS),
        ("CS09", Evidence.ACTIVATION_SUCCESS),
        ("FDRA-DLMS", Evidence.VERIFICATION_SUCCESS),
        ("FDRA-ZigBee", Evidence.VERIFICATION_SUCCESS),
    ],
)
def test_the_published_alerts_are_reports(name, evidence):
    octets = gbcs_vector(name)
    (report,) = reports_of(HUB_ID, wan.encode(wan.FromDevice(octets)))
    assert report.evidence is evidence
    assert report.octets == octets


@pytest.mark.parametrize(
    ("result", "evidence"),
    [
        (wan.StoreResult.STORED, Evidence.DELIVERY_SUCCESS),
        (wan.StoreResult.NO_SPACE, Evidence.DELIVERY_FAILURE),
        (wan.StoreResult.DIGEST_MISMATCH, Evidence.DELIVERY_FAILURE),
    ],
)
def test_a_hubs_receipt_is_a_report_for_each_device(result, evidence):
    octets = wan.encode(wan.ImageStored(REQUEST_ID, (DEVICE_ID, DEVICE_ID + 1), result))
    first, second = reports_of(HUB_ID, octets)
    assert first.evidence is second.evidence is evidence
    assert (first.device_id, second.device_id) == (DEVICE_ID, DEVICE_ID + 1)
    assert first.key == MessageKey(DEVICE_ID, SUPPLIER, 0, 1000)
    assert first.key != second.key
    assert first.message is None
    assert first.octets == octets


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", WanFault.MALFORMED),
        (wan.encode(wan.FromDevice(b"")), GbcsFault.TRUNCATED),
        (wan.encode(wan.ToDevice(b"\xdf")), WanFault.MALFORMED),
        (wan.encode(wan.DeliverImage(REQUEST_ID, bytes(32), (1,))), WanFault.MALFORMED),
        (from_device(b"\x05\x00", 0x0128, HUB_ID), GbcsFault.MALFORMED),
        (from_device(b"\x05\x00", 0x7777, HUB_ID), GbcsFault.UNSUPPORTED),
        (from_device(b"\x05\x00", 0x0129, DEVICE_ID, Cra.COMMAND), GbcsFault.UNSUPPORTED),
    ],
)
def test_what_is_no_report_is_refused(octets, code):
    with pytest.raises(RemoteError) as refused:
        reports_of(HUB_ID, octets)
    assert refused.value.code is code


@pytest.mark.parametrize("octets", [octets for octets, *_ in ALERTS])
def test_every_truncation_is_refused(octets):
    for length in range(len(octets)):
        with pytest.raises(RemoteError):
            reports_of(HUB_ID, octets[:length])


@given(st.binary(max_size=300))
def test_any_octets_of_a_device_give_a_report_or_a_remote_error(octets):
    try:
        (report,) = reports_of(HUB_ID, wan.encode(wan.FromDevice(octets)))
    except RemoteError:
        return
    assert report.octets == octets
