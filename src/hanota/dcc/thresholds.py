"""Anomaly detection: how many requests of a service a user may make in a time.

A request beyond a threshold is held back and its user is told (QuarantinedRequest), until somebody
lets it go. What counts is each request that came through, of whatever outcome; one that is held
back counts from when it is let go. CV 4 is exempt: a Pre-Command sets nothing going, its CV 5 does.

There are no thresholds unless somebody sets them. Whose breach it is (ADUserThresholdBreach or
ADDCCThresholdBreach) is an assumption: a threshold that names its user is that user's own.
"""

import re
from collections.abc import Iterable

import msgspec

from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import eui_from_text
from hanota.wire.codes import DccAlertCode
from hanota.wire.duis.services import SERVICE_REFERENCES
from hanota.wire.duis.values import (
    ADDCCThresholdBreach,
    ADUserThresholdBreach,
    DCCAlertMessage,
    QuarantinedRequest,
    Request,
)

_PERIODS_MS = {"h": HOUR_MS, "d": DAY_MS}
_TEXT = re.compile(
    r"(?:(?P<user>[0-9A-Fa-f-]+):)?(?P<service>[0-9.]+)=(?P<requests>[0-9]{1,9})/(?P<period>[hd])",
    re.ASCII,
)
_TRANSFORM = 4


class Threshold(msgspec.Struct, frozen=True):
    """At most so many requests of a service in any period of this length."""

    service_reference: str
    requests: int
    period_ms: int
    user_id: int | None = None  # None: of each user


def threshold_from_text(text: str) -> Threshold:
    """Read `11.3=100/h` or `90-B3-D5-1F-30-01-00-00:11.3=1000/d`; LocalError for anything else."""
    match = _TEXT.fullmatch(text)
    if match is None or match["service"] not in SERVICE_REFERENCES:
        raise LocalError(
            f"{text!r} is no threshold: write SERVICE=REQUESTS/h or /d, such as 11.3=100/h"
        )
    user = match["user"]
    return Threshold(
        match["service"],
        int(match["requests"]),
        _PERIODS_MS[match["period"]],
        None if user is None else eui_from_text(user),
    )


def thresholds_of(request: Request, thresholds: Iterable[Threshold]) -> list[Threshold]:
    """Those that this request may breach."""
    if request.command_variant == _TRANSFORM:
        return []
    user_id = request.request_id.originator
    return [
        threshold
        for threshold in thresholds
        if threshold.service_reference == request.service_reference
        and threshold.user_id in (None, user_id)
    ]


def quarantine_alert(request: Request, breached: Threshold, event: int) -> DCCAlertMessage:
    """What the user of a request is told that is held back; `event` is the quarantine's number."""
    kind = ADDCCThresholdBreach if breached.user_id is None else ADUserThresholdBreach
    return DCCAlertMessage(DccAlertCode.N46, QuarantinedRequest(kind(request.request_id, event)))
