"""Thresholds: how they are written, which requests they count, whose breach it is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.samples import ACB, DEVICE_ID, OTHER_SUPPLIER, SUPPLIER

from hanota.dcc.thresholds import (
    Threshold,
    quarantine_alert,
    threshold_from_text,
    thresholds_of,
)
from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import RequestID
from hanota.wire.duis.values import (
    ADDCCThresholdBreach,
    ADUserThresholdBreach,
    OtherElement,
    Request,
)

HOURLY, OWN = Threshold("11.3", 100, HOUR_MS), Threshold("11.3", 10, DAY_MS, SUPPLIER)
REQUEST_ID = RequestID(SUPPLIER, DEVICE_ID, 1)
REQUEST = Request(REQUEST_ID, 5, "11.3", "11.3", OtherElement("SignedPreCommand"))


def changed(**fields) -> Request:
    return msgspec.structs.replace(REQUEST, **fields)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("11.3=100/h", HOURLY),
        ("90-B3-D5-1F-30-01-00-00:11.3=10/d", OWN),
        ("90-b3-d5-1f-30-01-00-00:11.3=10/d", OWN),
        ("8.2=0/d", Threshold("8.2", 0, DAY_MS)),
    ],
)
def test_a_threshold_as_it_is_written(text, threshold):
    assert threshold_from_text(text) == threshold


@pytest.mark.parametrize(
    "text",
    ["", "11.3", "11.3=/h", "11.3=1/m", "11.9=1/h", "11.3=-1/h", "11.3=1/h ", "1:11.3=1/h",
     "11.3=1111111111/h", "11.3=\u0661/h"],
)  # fmt: skip
def test_anything_else_is_none(text):
    with pytest.raises(LocalError):
        threshold_from_text(text)


@given(st.text(max_size=40))
def test_no_text_fails_otherwise(text):
    try:
        threshold_from_text(text)
    except LocalError:
        return


def test_a_request_counts_for_its_service_and_its_user():
    both = (HOURLY, OWN)
    assert thresholds_of(REQUEST, both) == [HOURLY, OWN]
    by_another = changed(request_id=RequestID(OTHER_SUPPLIER, DEVICE_ID, 1))
    assert thresholds_of(by_another, both) == [HOURLY]
    assert thresholds_of(changed(service_reference="11.4"), both) == []
    assert thresholds_of(REQUEST, ()) == []


def test_a_pre_command_sets_nothing_going():
    assert thresholds_of(changed(command_variant=4), (HOURLY, OWN)) == []


@pytest.mark.parametrize(
    ("breached", "kind"), [(HOURLY, ADDCCThresholdBreach), (OWN, ADUserThresholdBreach)]
)
def test_whose_breach_it_is(breached, kind):
    alert = quarantine_alert(changed(request_id=RequestID(SUPPLIER, ACB, 1)), breached, 7)
    assert alert.dcc_alert_code == "N46"
    assert alert.dcc_alert.breach == kind(RequestID(SUPPLIER, ACB, 1), 7)
