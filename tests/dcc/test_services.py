"""Who may ask what: every check of a whole request, and their order."""

import msgspec
import pytest
from tests.dcc.samples import ACB, DEVICE_ID, SUPPLIER

from hanota.dcc.services import SERVICES, Target, authorise
from hanota.dcc.users import UserRole
from hanota.model import RequestID
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.services import SERVICE_OF_BODY, WEB_SERVICES, WebService
from hanota.wire.duis.values import ActivateFirmware, OtherElement, Request, SignedPreCommand

USERS = {SUPPLIER: frozenset({UserRole.IS, UserRole.GS})}


def request(**changes) -> Request:
    sound = Request(
        RequestID(SUPPLIER, ACB, 1000), 8, "11.4", "11.4", OtherElement("UpdatePPMIDFirmware")
    )
    return msgspec.structs.replace(sound, **changes)


def sound_request(reference: str) -> Request:
    service = SERVICES[reference]
    target = ACB if service.target is Target.ACCESS_CONTROL_BROKER else DEVICE_ID
    return request(
        request_id=RequestID(SUPPLIER, target, 1),
        command_variant=min(service.command_variants),
        service_reference=reference,
        service_reference_variant=reference,
    )


@pytest.mark.parametrize("reference", SERVICES)
def test_a_supplier_may_use_every_service_of_the_table(reference):
    assert authorise(sound_request(reference), USERS, ACB) is None


@pytest.mark.parametrize("reference", SERVICES)
@pytest.mark.parametrize("command_variant", range(1, 10))
def test_each_step_of_a_critical_command_has_its_own_body(reference, command_variant):
    bodies = {4: ActivateFirmware(firmware_hash=bytes(32)), 5: SignedPreCommand(gbcs_payload=b"")}
    for fitting, body in bodies.items():
        asked = msgspec.structs.replace(
            sound_request(reference), command_variant=command_variant, body=body
        )
        refused = authorise(asked, USERS, ACB)
        if reference == "11.3" and command_variant == fitting:
            assert refused is None
        else:
            assert refused.code is ResponseCode.E11


@pytest.mark.parametrize("reference", SERVICES)
@pytest.mark.parametrize("role", UserRole)
def test_roles(reference, role):
    refused = authorise(sound_request(reference), {SUPPLIER: frozenset({role})}, ACB)
    if role in {UserRole.IS, UserRole.GS} or reference in {"8.2", "11.2"}:
        assert refused is None
    else:
        assert refused is not None
        assert refused.code is ResponseCode.E1


@pytest.mark.parametrize("reference", SERVICES)
@pytest.mark.parametrize("command_variant", range(1, 10))
def test_command_variants(reference, command_variant):
    asked = msgspec.structs.replace(sound_request(reference), command_variant=command_variant)
    refused = authorise(asked, USERS, ACB)
    expected = {"11.2": {1}, "11.3": {4, 5}}.get(reference, {8})
    if command_variant in expected:
        assert refused is None
        assert command_variant in WEB_SERVICES
    else:
        assert refused is not None
        assert refused.code is ResponseCode.E11


# Each case fails its check and every later one, so that the list shows the order too.
REFUSED = [
    (ResponseCode.E12, request(service_reference="6.5", service_reference_variant="6.5"), USERS),
    (
        ResponseCode.E13,
        request(
            service_reference_variant="11.1",
            command_variant=1,
            request_id=RequestID(1, DEVICE_ID, 1),
        ),
        {},
    ),
    (ResponseCode.E11, request(command_variant=1, request_id=RequestID(1, DEVICE_ID, 1)), {}),
    (ResponseCode.E1, request(request_id=RequestID(1, DEVICE_ID, 1)), USERS),
    (ResponseCode.E1, request(), {SUPPLIER: frozenset()}),
    (ResponseCode.E100, request(request_id=RequestID(SUPPLIER, DEVICE_ID, 1)), USERS),
    (
        ResponseCode.E100,
        msgspec.structs.replace(sound_request("11.2"), request_id=RequestID(SUPPLIER, ACB, 1)),
        USERS,
    ),
]


@pytest.mark.parametrize(("code", "asked", "users"), REFUSED)
def test_refusals_in_order(code, asked, users):
    refused = authorise(asked, users, ACB)
    assert refused is not None
    assert refused.code is code
    assert refused.sentence


def test_every_service_that_hanota_models_has_a_row():
    # What a user has carried by hand this DCC has never given out.
    assert set(SERVICE_OF_BODY.values()) - {"8.13"} == set(SERVICES)


def test_every_command_variant_of_a_service_has_a_web_service():
    assert {WEB_SERVICES[8], WEB_SERVICES[2], WEB_SERVICES[6]} == {WebService.NON_DEVICE}
    assert WEB_SERVICES[4] is WebService.TRANSFORM
    assert {WEB_SERVICES[variant] for variant in (1, 3, 5, 7)} == {WebService.SEND_COMMAND}
