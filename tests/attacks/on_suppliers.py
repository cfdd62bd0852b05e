"""Attacks on suppliers: by a DCC that has gone wrong, and by whoever speaks in its name."""

import re
from base64 import b64decode, b64encode

import msgspec
from tests.attacks.attack import FIELD, Attack, Defence
from tests.attacks.on_the_dcc import malleable
from tests.dcc.samples import ACB, HUB_ID, NOW_MS, SUPPLIER
from tests.serve.a_supplier import (
    PKI,
    A,
    ASupplier,
    activation,
    answer,
    delivery_status,
    request_of,
    signed,
    transfer,
    unsigned,
)
from tests.serve.test_supplier_commands import HASH, HCALCS, AnHcalcsSupplier
from tests.supplier import device_says

from hanota.errors import RemoteError
from hanota.limits import DAY_MS, SILENCE_DEADLINE_DAYS
from hanota.model import RequestID
from hanota.smki import dsig
from hanota.smki.organisations import SUPPLIER_2
from hanota.wire.duis.messages import encode_response
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.cs06 import ActivateFirmwareResult

OTHER_HASH = bytes(32)


def supplier() -> ASupplier:
    acting = ASupplier().has_estate()
    acting.has_asked()
    return acting


def said(acting: ASupplier, *documents) -> str:
    """What the pushes came to, and how the first PPMID stands."""
    refusals = [reason for reason in acting.pushed(*documents) if reason is not None]
    return f"{acting.states(A)[0]}, {len(refusals)} refused"


def a_pre_command_that_says_something_else() -> str:
    """The DCC names the hash of another image in the command that is to be signed."""
    acting = AnHcalcsSupplier()
    acting.has_distributed()
    acting.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    counter = request_of(acting.sent()).request_id.counter
    content = cs06.encode_command(cs06.ActivateFirmwareCommand(OTHER_HASH, counter))
    acting.dcc_gives(content=content)
    return f"{acting.state}, {len(acting.shell.outgoing(NOW_MS, 10))} signed"


def a_pre_command_for_another_device() -> str:
    acting = AnHcalcsSupplier()
    acting.has_distributed()
    acting.shell.activate_firmware([HCALCS], HASH, None, NOW_MS)
    acting.dcc_gives(target=HCALCS + 1)
    return f"{acting.state}, {len(acting.shell.outgoing(NOW_MS, 10))} signed"


def an_outcome_that_no_device_told() -> str:
    """The DCC makes up what the device answered: it signs the Response, and not the device's."""
    acting = AnHcalcsSupplier()
    acting.has_distributed()
    asked = acting.has_asked_to_activate()
    outcome = device_says.outcome(ActivateFirmwareResult.SUCCESS)
    message = device_says.unprotected(outcome, counter=asked.counter)
    acting.pushes(outcome, device_says.protected(message, by=HUB_ID))
    return acting.state


def a_push_that_the_dcc_did_not_sign() -> str:
    return said(supplier(), unsigned(activation(A)))


def a_push_that_another_signed() -> str:
    forged = encode_response(activation(A), dsig.request_signer(SUPPLIER_2, PKI, PKI))
    return said(supplier(), forged)


def an_answer_to_another_request() -> str:
    """The DCC's genuine answer to another request, given to this one."""
    acting = ASupplier().has_estate()
    acting.asks()
    other = msgspec.structs.replace(
        request_of(acting.sent()), request_id=RequestID(SUPPLIER, ACB, 77)
    )
    try:
        acting.answered(answer(other))
    except RemoteError as fault:
        return f"{acting.states(A)[0]}: {fault.reason}"
    return acting.states(A)[0]


def a_status_of_another_request() -> str:
    """The delivery of an earlier request is told for this one."""
    return said(supplier(), signed(delivery_status(RequestID(SUPPLIER, ACB, 77))))


def delivery_that_is_told_as_success() -> str:
    """Everything arrives and nothing is ever activated."""
    acting = ASupplier().has_estate()
    request_id = acting.has_asked()
    return said(acting, signed(delivery_status(request_id)), signed(transfer(request_id)))


def messages_that_are_dropped() -> str:
    """Nobody lets anything through, for weeks."""
    acting = supplier()
    acting.falls_silent(NOW_MS + SILENCE_DEADLINE_DAYS * DAY_MS)
    return acting.states(A)[0]


def a_second_signature_of_one_push() -> str:
    """The DCC's push comes again with r and n - s in place of r and s."""
    acting = supplier()
    octets = signed(activation(A))
    value = re.search(rb"<ds:SignatureValue>(.*?)</ds:SignatureValue>", octets)[1]
    other = octets.replace(value, b64encode(malleable(b64decode(value))))
    acting.pushed(octets, other)
    return f"{' '.join(acting.events(A)).count('activation-success')} success of 2"


ROGUE_DCC = "a rogue operator of the DCC, with all its keys"
SPEAKS_FOR_THE_DCC = "whoever reaches a supplier's receiver"

ATTACKS = (
    Attack(
        name="a Pre-Command with another hash",
        number=FIELD,
        who=ROGUE_DCC,
        stopped_by="The supplier makes the command that it asked for a second time and signs "
        "nothing else (supplier/pre_command.py).",
        mount=a_pre_command_that_says_something_else,
        refused="distributed, 0 signed",
        without="activation-requested, 1 signed",
        defence=Defence(
            "supplier/pre_command.py",
            "return _examine_content(message.content, expected.content) or message",
            "return message",
        ),
        remains="Nothing known: no octet of what is signed is the DCC's choice.",
    ),
    Attack(
        name="a Pre-Command for another device",
        number=FIELD,
        who=ROGUE_DCC,
        stopped_by="Every field of the header is compared as well (supplier/pre_command.py).",
        mount=a_pre_command_for_another_device,
        refused="distributed, 0 signed",
        without="activation-requested, 1 signed",
        defence=Defence(
            "supplier/pre_command.py",
            "        if getattr(message, name) != getattr(expected, name):\n",
            "        if False:\n",
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="an outcome that no device told",
        number=17,
        who=ROGUE_DCC,
        stopped_by="The supplier verifies the device's own signature, whatever the DCC has signed "
        "around it (supplier/device_messages.py).",
        mount=an_outcome_that_no_device_told,
        refused="activation-requested",
        without="updated",
        defence=Defence(
            "serve/supplier_commands.py",
            "            finding = Finding.NOT_AUTHENTIC\n",
            "            finding = None\n",
        ),
        remains="A PPMIDAlert and an answer to CS08 are protected for the DCC alone: there its "
        "word has to do, and a rogue DCC can tell of a PPMID what it likes.",
    ),
    Attack(
        name="a push that nobody signed",
        number=17,
        who=SPEAKS_FOR_THE_DCC,
        stopped_by="What the DCC pushes has to be signed (serve/supplier.py).",
        mount=a_push_that_the_dcc_did_not_sign,
        refused="accepted, 1 refused",
        without="LocalError: a push that is not signed was let through",
        defence=Defence(
            "serve/supplier.py",
            "if certificate is None and not (is_answer and may_be_unsigned(response)):",
            "if False:",
        ),
        remains="Acknowledgements and refusals may come unsigned, as the DCC's own do; they grant "
        "nothing.",
    ),
    Attack(
        name="a push that another user signed",
        number=17,
        who="another user of the DCC, with its own valid certificate",
        stopped_by="The certificate has to be the DCC's, and one for answers (smki/dsig.py).",
        mount=a_push_that_another_signed,
        refused="accepted, 1 refused",
        without="updated, 0 refused",
        defence=Defence(
            "smki/dsig.py",
            "    if certificate is not None:\n        if certificate.eui != dcc:\n",
            "    if certificate is None:\n        if certificate.eui != dcc:\n",
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="the answer to another request",
        number=17,
        who="whoever stands between a supplier and the DCC",
        stopped_by="An answer has to name the RequestID and service that were sent "
        "(supplier/answers.py).",
        mount=an_answer_to_another_request,
        refused="requested: the DCC answered another request than was sent",
        without="accepted",
        defence=Defence(
            "serve/supplier.py",
            "        if not is_answer_to(response, asked):\n",
            "        if False:\n",
        ),
        remains="Who holds answers back delays; the request is sent again and does nothing twice.",
    ),
    Attack(
        name="a late status of another request",
        number=18,
        who="whoever stands between a supplier and the DCC",
        stopped_by="An alert that names its request counts for that one only; any other is "
        "journalled as unattributed (supplier/reception.py).",
        mount=a_status_of_another_request,
        refused="accepted, 0 refused",
        without="delivered, 0 refused",
        defence=Defence(
            "supplier/reception.py",
            "        return observation.request_id == request.request_id\n",
            "        return True\n",
        ),
        remains="A PPMIDAlert names no request, only a version.",
    ),
    Attack(
        name="freeze: everything arrives and nothing is activated",
        number=6,
        who="a hub or device that keeps its old firmware and says that all is well",
        stopped_by="Delivery and transfer are milestones; success is a device's own word that it "
        "runs the version (supplier/tracking.py).",
        mount=delivery_that_is_told_as_success,
        refused="transferred, 0 refused",
        without="updated, 0 refused",
        defence=Defence(
            "supplier/tracking.py",
            "    (_ACCEPTED, Evidence.DELIVERY_SUCCESS): _DELIVERED,\n",
            "    (_ACCEPTED, Evidence.DELIVERY_SUCCESS): Outcome.UPDATED,\n",
        ),
        remains="A device that lies with its own key.",
    ),
    Attack(
        name="every message is dropped",
        number=24,
        who="whoever can cut a home off: a hub, a CSP, a jammer",
        stopped_by="Each delivery has a deadline; then the device is read back, and in the end it "
        "counts as silent, a failure (serve/supplier.py).",
        mount=messages_that_are_dropped,
        refused="silent",
        without="accepted",
        defence=Defence(
            "serve/supplier.py",
            "            due = batch.due(now_ms, limit)\n",
            "            due = batch.due(now_ms, limit)[:0]\n",
        ),
        remains="Nothing can update a home that is cut off.",
    ),
    Attack(
        name="a second signature of one push",
        number=FIELD,
        who="whoever stands between a supplier and the DCC",
        stopped_by="A push is known by the digest of what it says, not by its signature "
        "(serve/supplier.py).",
        mount=a_second_signature_of_one_push,
        refused="1 success of 2",
        without="2 success of 2",
        defence=Defence(
            "serve/supplier.py",
            "    return hashlib.sha256(signature.signed_info).digest()\n",
            "    return hashlib.sha256(signature.value).digest()\n",
        ),
        remains="Nothing known.",
    ),
)
