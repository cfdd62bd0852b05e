"""The service requests that a DCC knows, and who may use them: the checks of a whole request.

Source: DUIS 5.4 (command variants, web services, roles). Which code stands behind which check is
an assignment of this project. The codes tell apart what is no service of this DCC (E12, E13, E11)
from what is one, but not for this user (E1) or to this target (E100).

Not here: the signature, the web service at which a request came in (`wire.duis.services`), and the
checks that a single service makes of its own body.
"""

from collections.abc import Callable
from enum import Enum

import msgspec

from hanota.dcc.users import EVERY_ROLE, SUPPLIERS, UserRole, Users
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import ActivateFirmware, Request, SignedPreCommand


class Target(Enum):
    """Whom the RequestID of a service names as its target."""

    ACCESS_CONTROL_BROKER = "access control broker"
    DEVICE = "device"


class Service(msgspec.Struct, frozen=True):
    """One row of the table of services."""

    title: str
    command_variants: frozenset[int]
    roles: frozenset[UserRole]
    target: Target


# Every other service of the schema is refused with E12; 8.13 among them, because what a user has
# carried to a device by hand this DCC never gives out (E11 for CV 2, 3, 6 and 7).
SERVICES = {
    "8.2": Service("Read Inventory", frozenset({8}), EVERY_ROLE, Target.ACCESS_CONTROL_BROKER),
    "11.1": Service("Update Firmware", frozenset({8}), SUPPLIERS, Target.ACCESS_CONTROL_BROKER),
    "11.2": Service("Read Firmware Version", frozenset({1}), EVERY_ROLE, Target.DEVICE),
    "11.3": Service("Activate Firmware", frozenset({4, 5}), SUPPLIERS, Target.DEVICE),
    "11.4": Service(
        "Update PPMID Firmware", frozenset({8}), SUPPLIERS, Target.ACCESS_CONTROL_BROKER
    ),
}


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is refused as a whole: the code to answer, a sentence for the journal."""

    code: ResponseCode
    sentence: str


class _Asked(msgspec.Struct, frozen=True):
    """A request and what it is checked against."""

    request: Request
    service: Service
    roles: frozenset[UserRole]
    acb_id: int


def authorise(request: Request, users: Users, acb_id: int) -> Refusal | None:
    """Check a request whose signature is its originator's; None when the user may ask this.

    `acb_id` is the EUI-64 of the Access Control Broker, the target of what goes to no device.
    """
    service = SERVICES.get(request.service_reference)
    if service is None:
        return Refusal(ResponseCode.E12, "this DCC has no such service")
    roles = users.get(request.request_id.originator, frozenset())
    asked = _Asked(request, service, roles, acb_id)
    for holds, code, sentence in _CHECKS:
        if not holds(asked):
            return Refusal(code, sentence)
    return None


def _variant_fits(asked: _Asked) -> bool:
    return asked.request.service_reference_variant == asked.request.service_reference


def _is_not_for_local_delivery(asked: _Asked) -> bool:
    return asked.request.command_variant not in LOCAL_DELIVERY


def _command_variant_fits(asked: _Asked) -> bool:
    return asked.request.command_variant in asked.service.command_variants


def _body_is_of_the_command_variant(asked: _Asked) -> bool:
    given = asked.request.command_variant
    return _COMMAND_VARIANT_OF_BODY.get(type(asked.request.body), given) == given


def _role_may(asked: _Asked) -> bool:
    return not asked.service.roles.isdisjoint(asked.roles)


def _target_fits(asked: _Asked) -> bool:
    to_acb = asked.request.request_id.target == asked.acb_id
    return to_acb == (asked.service.target is Target.ACCESS_CONTROL_BROKER)


# A command for the user to carry to the device, in place of or beside the one that is sent.
LOCAL_DELIVERY = frozenset({2, 3, 6, 7})

# The two steps of a critical command have a body each.
_COMMAND_VARIANT_OF_BODY: dict[type, int] = {ActivateFirmware: 4, SignedPreCommand: 5}

# In the order in which they are made, after E12.
_CHECKS: tuple[tuple[Callable[[_Asked], bool], ResponseCode, str], ...] = (
    (
        _variant_fits,
        ResponseCode.E13,
        "the service reference variant does not fit the service reference",
    ),
    (
        _is_not_for_local_delivery,
        ResponseCode.E11,
        "this DCC gives no commands for local delivery (command variants 2, 3, 6 and 7)",
    ),
    (
        _command_variant_fits,
        ResponseCode.E11,
        "the service does not have this command variant",
    ),
    (
        _body_is_of_the_command_variant,
        ResponseCode.E11,
        "the body is not that of the command variant",
    ),
    (_role_may, ResponseCode.E1, "no role of this user may use the service"),
    (
        _target_fits,
        ResponseCode.E100,
        "the target of the RequestID is not what the service is addressed to",
    ),
)
