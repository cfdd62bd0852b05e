"""Pauses between the tries of one push, their end, and the parts of a long one."""

from itertools import pairwise

import msgspec
import pytest
from tests.dcc.samples import ACB, NOW_MS, SUPPLIER
from tests.wire.duis_referees import SIGNER, schema_faults

from hanota.dcc.pushes import PushEnd, after_failure, in_parts
from hanota.limits import DAY_MS, DEVICES_PER_REQUEST_MAX, PUSH_BODY_OCTETS_MAX, PUSH_HOLD_DAYS
from hanota.model import LeftOutList, RequestID
from hanota.wire.duis.messages import encode_response
from hanota.wire.duis.values import (
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    Response,
    ResponseMessage,
)

HOLD_MS = PUSH_HOLD_DAYS * DAY_MS


def tries_at_ms(status: int | None) -> list[int]:
    """When a push is tried that is never taken, from its first try on."""
    found = [NOW_MS]
    while True:
        match after_failure(status, len(found), NOW_MS, found[-1]):
            case PushEnd() as end:
                assert end is PushEnd.GIVEN_UP
                return found
            case at_ms:
                found.append(at_ms)


@pytest.mark.parametrize("status", [None, 404, 408, 429, 500, 502, 503, 504])
def test_pauses_double_up_to_an_hour_for_two_days(status):
    times = tries_at_ms(status)
    pauses_s = [(after - before) // 1000 for before, after in pairwise(times)]
    assert pauses_s[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert set(pauses_s[6:-1]) == {3600}
    assert times[1] - NOW_MS <= 300_000
    assert times[-1] == NOW_MS + HOLD_MS


@pytest.mark.parametrize("status", [301, 401, 403, 405, 418])
def test_what_may_be_mended_is_tried_again(status):
    assert after_failure(status, 1, NOW_MS, NOW_MS) == NOW_MS + 60_000


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize("tries", [1, 30])
def test_what_is_refused_for_what_it_is_is_parked(status, tries):
    assert after_failure(status, tries, NOW_MS, NOW_MS + HOLD_MS) is PushEnd.PARKED


@pytest.mark.parametrize("tries", [1, 40, 1_000])
def test_age_ends_a_push_and_not_the_number_of_its_tries(tries):
    assert after_failure(None, tries, NOW_MS, NOW_MS + HOLD_MS) is PushEnd.GIVEN_UP
    assert after_failure(None, tries, NOW_MS, NOW_MS + HOLD_MS - 1) == NOW_MS + HOLD_MS


# --- Long lists ---


def warned(kind, **lists) -> Response:
    body = ResponseMessage("11.1", "11.1", kind(**lists))
    return Response(
        request_id=RequestID(SUPPLIER, ACB, 2**64 - 1),
        response_code="W110101",
        response_date_time_ms=NOW_MS,
        body=body,
    )


def joined(parts) -> dict[LeftOutList, tuple[int, ...]]:
    whole: dict[LeftOutList, tuple[int, ...]] = {}
    for part in parts:
        for name, ids in part.body.content.lists().items():
            whole[name] = whole.get(name, ()) + ids
    return whole


@pytest.mark.parametrize("kind", [DSPUpdateFirmwareWarning, DSPUpdatePPMIDFirmwareWarning])
def test_the_longest_lists_come_in_parts_that_can_be_pushed(kind):
    fifth = DEVICES_PER_REQUEST_MAX // 5
    ids = [tuple(range(2**64 - fifth * n - fifth, 2**64 - fifth * n)) for n in range(5)]
    response = warned(kind, **dict(zip(kind.__struct_fields__, ids, strict=True)))
    parts = list(in_parts(response))
    assert joined(parts) == response.body.content.lists()
    assert len(parts) == 14
    for part in parts:
        octets = encode_response(part, SIGNER)
        assert len(octets) <= PUSH_BODY_OCTETS_MAX
        assert schema_faults(octets) == []
        assert msgspec.structs.replace(part, body=None) == msgspec.structs.replace(
            response, body=None
        )
    # No part is much smaller than it has to be.
    assert len(encode_response(parts[0], SIGNER)) > PUSH_BODY_OCTETS_MAX - 4_000


def test_a_short_list_is_one_response():
    response = warned(DSPUpdateFirmwareWarning, not_commissioned_device_id_list=(1, 2))
    assert list(in_parts(response)) == [response]


def test_what_has_no_list_is_one_response():
    response = msgspec.structs.replace(
        warned(DSPUpdateFirmwareWarning), body=ResponseMessage("11.1", "11.1", None)
    )
    assert list(in_parts(response)) == [response]
