"""Attacks on the DCC: from its users, from its hubs, and from whoever has stolen their keys."""

import msgspec
from tests.attacks.attack import FIELD, Attack, Defence
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NOW_MS,
    OLD,
    SUPPLIER,
    device,
    entry,
    hub,
)
from tests.serve.a_dcc import (
    HCALCS,
    HUB,
    PKI,
    PPMID,
    ADcc,
    activation,
    opened,
    receipt,
    signed,
    signed_image,
    transfer,
    update_firmware,
    update_ppmid,
)
from tests.serve.a_dcc_with_devices import (
    HOME,
    PPMID_ID,
    pre_command,
    read,
    read_answer,
    sign_pre_command,
    submit,
    to_devices,
    transform,
    version_of,
)

from hanota.dcc.thresholds import Threshold
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.rows import ProductStatus
from hanota.smki import dsig, keys
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.wire.codes import AlertCode
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_response, encode_request
from hanota.wire.gbcs.message import decode, encode

OTHER_HUB_ID, OTHER_DEVICE_ID = HUB_ID + 0x1000, DEVICE_ID + 0x1000
CERTIFICATE = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.XML_SIGNING)
EXPIRED_MS = CERTIFICATE.not_after_ms + 1


def code(dcc: ADcc, asked, **when) -> str:
    return dcc.ask(asked, **when).response_code


def unopened(octets: bytes) -> str:
    """The code of an answer whose own signature does not matter."""
    return decode_response(open_document(octets)).response_code


def malleable(signature: bytes) -> bytes:
    """The other valid signature of the same octets: r and n - s."""
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    return r + (keys.P256_ORDER - s).to_bytes(32, "big")


# Users


def an_image_of_nobody() -> str:
    """A thief of the supplier's keys signs an image of his own; nobody has certified it."""
    return code(ADcc(), update_firmware(image=signed_image(manufacturer_image=b"malware")))


def an_image_that_another_signed() -> str:
    return code(ADcc(), update_firmware(image=signed_image(signer=SUPPLIER_2)))


def devices_of_another_supplier() -> str:
    asked = update_ppmid(request_id=RequestID(SUPPLIER_2, ACB, 1))
    return code(ADcc(), asked)


def an_activation_of_anothers_device() -> str:
    return code(ADcc(*HOME), transform(user=SUPPLIER_2))


def a_user_without_the_role() -> str:
    return code(ADcc(), update_ppmid(request_id=RequestID(NETWORK_OPERATOR, ACB, 1)))


def a_request_in_anothers_name() -> str:
    forged = encode_request(update_ppmid(), dsig.request_signer(SUPPLIER_2, PKI, PKI))
    return opened(ADcc().shell.answer(forged, NOW_MS), NOW_MS).response_code


def a_request_that_nobody_signed() -> str:
    octets = encode_request(update_ppmid(), None)
    return opened(ADcc().shell.answer(octets, NOW_MS), NOW_MS).response_code


def a_certificate_that_has_expired() -> str:
    return unopened(ADcc().shell.answer(signed(update_ppmid()), EXPIRED_MS))


def a_replayed_request() -> str:
    """The same octets again, a day later."""
    dcc = ADcc()
    octets = signed(update_ppmid())
    first, again = (dcc.shell.answer(octets, at_ms) for at_ms in (NOW_MS, NOW_MS + DAY_MS))
    known = "the first answer again" if again == first else unopened(again)
    return f"{known}, {dcc.events().count('accepted')} update"


def a_second_message_under_one_counter() -> str:
    """Other octets with originator, target, CRA and counter of a command that has its MAC."""
    dcc = ADcc(*HOME)
    dcc.ask(submit(sign_pre_command(pre_command(dcc))))
    other = msgspec.structs.replace(transform().body, firmware_hash=bytes(32))
    answer = code(dcc, msgspec.structs.replace(transform(), body=other))
    return f"{answer}, {len(to_devices(dcc))} message with a MAC"


def a_second_signature_of_one_command() -> str:
    """The signed Pre-Command comes once more, with r and n - s: the same command, other octets."""
    dcc = ADcc(*HOME)
    octets = sign_pre_command(pre_command(dcc))
    dcc.ask(submit(octets))
    answer = code(dcc, submit(octets[:-64] + malleable(octets[-64:])))
    return f"{answer}, {len(to_devices(dcc))} message with a MAC"


def a_pre_command_that_was_changed() -> str:
    """A rogue supplier user signs another command than the one that was checked and given."""
    dcc = ADcc(*HOME)
    given = decode(pre_command(dcc))
    other = msgspec.structs.replace(
        given, content=given.content.replace(bytes(range(32)), bytes(32))
    )
    return code(dcc, submit(sign_pre_command(encode(other))))


def a_pre_command_that_another_signed() -> str:
    dcc = ADcc(*HOME)
    return code(dcc, submit(sign_pre_command(pre_command(dcc), signer=SUPPLIER_2)))


def a_downgrade() -> str:
    """The device runs the newest; the old version is still certified, and follows nothing newer."""
    newest = msgspec.structs.replace(PPMID, firmware_version="00030000")
    return code(ADcc(HUB, newest, HCALCS), update_ppmid())


def a_skipped_version() -> str:
    """The device runs what is older than the one version that the image may follow."""
    oldest = msgspec.structs.replace(PPMID, firmware_version="00005000")
    return code(ADcc(HUB, oldest, HCALCS), update_ppmid())


def an_image_of_another_model() -> str:
    return code(ADcc(HUB, msgspec.structs.replace(PPMID, model="Other")), update_ppmid())


def an_update_behind_an_old_hub() -> str:
    return code(ADcc(hub(gbcs_version="3.2"), PPMID), update_ppmid())


def an_entry_that_was_withdrawn() -> str:
    dcc = ADcc()
    dcc.shell.load_products([entry(DeviceType.PPMID, status=ProductStatus.WITHDRAWN)])
    return code(dcc, update_ppmid())


def more_requests_than_foreseen() -> str:
    dcc = ADcc(thresholds=[Threshold("11.2", 2, HOUR_MS)])
    asked = [read(DEVICE_ID + 1, counter=n) for n in range(5)]
    codes = [code(dcc, each) for each in asked]
    return f"{len(to_devices(dcc))} of {len(codes)} sent, {len(dcc.shell.quarantined(10))} held"


# Hubs


def a_hub_that_speaks_for_a_ppmid() -> str:
    """The keys of a stolen hub sign the success of a PPMID."""
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(activation(signed_by=HUB_ID))
    return f"{dcc.state()}, {len(dcc.pushes())} alerts"


def a_hub_that_speaks_of_another_home() -> str:
    """The keys of a stolen hub sign a transfer to a device of another home."""
    theirs = device(DeviceType.PPMID, device_id=OTHER_DEVICE_ID, hub_id=OTHER_HUB_ID)
    dcc = ADcc(HUB, PPMID, theirs, hub(device_id=OTHER_HUB_ID))
    dcc.accept_update(OTHER_DEVICE_ID)
    dcc.receive(transfer(device_id=OTHER_DEVICE_ID))
    return f"{dcc.state(OTHER_DEVICE_ID)}, {len(dcc.pushes())} alerts"


def a_device_that_speaks_as_its_hub() -> str:
    """A device signs, as itself and validly, what only its hub may say of another device."""
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(transfer(originator=HCALCS.device_id))
    return f"{dcc.state()}, {len(dcc.pushes())} alerts"


def an_answer_that_a_hub_made_up() -> str:
    """A hub answers the read of the version in its PPMID's place."""
    dcc = ADcc(*HOME)
    dcc.ask(read(PPMID_ID))
    command = to_devices(dcc)[-1]
    forged = read_answer(command, version_of(PPMID_ID, command, bytes(4)), mac_for=HUB_ID)
    dcc.receive(forged)
    return f"the inventory says {dcc.device(PPMID_ID).firmware_version}"


def a_replayed_alert() -> str:
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(*[activation()] * 1_000)
    return f"{len(dcc.pushes())} alert of 1,000"


def a_second_signature_of_one_alert() -> str:
    dcc = ADcc()
    dcc.accept_update()
    alert = activation()
    dcc.receive(alert, alert[:-64] + malleable(alert[-64:]))
    return f"{len(dcc.pushes())} alert of 2"


def a_late_alert_of_an_older_update() -> str:
    """A PPMID tells of the version before; its hub had kept that back."""
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(transfer(version=OLD))
    return f"{dcc.state()}, {len(dcc.pushes())} alerts"


def a_ppmid_that_lies() -> str:
    """It claims success with a version that it was never sent."""
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(activation(version=0x7777_0000))
    return f"{dcc.state()}, {len(dcc.pushes())} alerts"


def a_receipt_for_a_stranger() -> str:
    """A device tells a supplier that is none of its home what it holds."""
    dcc = ADcc()
    dcc.ask(update_firmware())
    dcc.receive(receipt(AlertCode.FIRMWARE_VERIFIED, target=SUPPLIER_2))
    return f"{dcc.state(DEVICE_ID + 1)}, {len(dcc.pushes())} alerts"


CERTIFIED_ANYHOW = "Whoever certifies an image (maker, Central Products List) is believed."
STOLEN_KEY = (
    "Who has the device's own key speaks for that device, until its certificate is revoked."
)
ROGUE_USER = "a rogue user of a supplier, or whoever has stolen its keys for signing"
STOLEN_HUB = "whoever has stolen a hub, with its keys"
ANYBODY = "whoever reaches the DCC's services"

ATTACKS = (
    Attack(
        name="an image that nobody has certified",
        number=12,
        who=ROGUE_USER,
        stopped_by="The DCC accepts only images whose Manufacturer Image Hash, maker and version "
        "stand as Active on the Central Products List (dcc/products.py).",
        mount=an_image_of_nobody,
        refused="E110102",
        without="I0",
        defence=Defence(
            "dcc/products.py",
            "for entry in self._by_hash.get(manufacturer_image_hash(image), ())",
            "for entry in sum(self._by_hash.values(), [])",
        ),
        remains=CERTIFIED_ANYHOW,
    ),
    Attack(
        name="an image that another supplier signed",
        number=FIELD,
        who=ROGUE_USER,
        stopped_by="The DCC verifies the signature at the end of an image for 11.1 with the keys "
        "of the user who asks (dcc/update_firmware.py).",
        mount=an_image_that_another_signed,
        refused="E110103",
        without="I0",
        defence=Defence(
            "dcc/update_firmware.py",
            "return case.signature_valid or not case.service.signed",
            "return True",
        ),
        remains="An image for 11.4 has no such signature.",
    ),
    Attack(
        name="a supplier updates devices not its own",
        number=16,
        who="another supplier, a user of the DCC in its own right",
        stopped_by="The DCC leaves out every device that is not the asking supplier's "
        "(dcc/update_firmware.py).",
        mount=devices_of_another_supplier,
        refused="E110405",
        without="I0",
        defence=Defence(
            "dcc/update_firmware.py",
            "    return case.user_id in device.suppliers\n",
            "    return True\n",
        ),
        remains="The inventory says whose a device is; whoever may write that is believed.",
    ),
    Attack(
        name="a supplier activates a device not its own",
        number=16,
        who="another supplier, a user of the DCC in its own right",
        stopped_by="The DCC makes a Pre-Command only for a device of the asking supplier "
        "(dcc/transform.py), and the device trusts its own supplier alone.",
        mount=an_activation_of_anothers_device,
        refused="E5",
        without="I0",
        defence=Defence(
            "dcc/transform.py",
            "    return asked.user_id in asked.device.suppliers\n",
            "    return True\n",
        ),
        remains="Nothing at the device: it verifies the supplier's signature besides.",
    ),
    Attack(
        name="a user without the role",
        number=16,
        who="a user of the DCC who is no supplier",
        stopped_by="Each service names the roles that may use it (dcc/services.py).",
        mount=a_user_without_the_role,
        refused="E1",
        without="E110405",
        defence=Defence(
            "dcc/services.py",
            "    return not asked.service.roles.isdisjoint(asked.roles)\n",
            "    return True\n",
        ),
        remains="One EUI-64 has all its roles at once.",
    ),
    Attack(
        name="a request in another's name",
        number=16,
        who="another user of the DCC, with its own valid certificate",
        stopped_by="The certificate that signed a request has to be of its originator "
        "(smki/dsig.py).",
        mount=a_request_in_anothers_name,
        refused="E48",
        without="I0",
        defence=Defence(
            "smki/dsig.py",
            "if request_id is None or request_id.originator != certificate.eui:",
            "if request_id is None:",
        ),
        remains="Who has a supplier's key is that supplier (attack `an image that nobody has "
        "certified` says how far that leads).",
    ),
    Attack(
        name="a request that nobody signed",
        number=16,
        who=ANYBODY,
        stopped_by="A request without a signature is refused (serve/dcc_reading.py).",
        mount=a_request_that_nobody_signed,
        refused="E48",
        without="I0",
        defence=Defence(
            "serve/dcc_reading.py",
            "    if signer_of_request(document, directory, now_ms, header) is None:\n",
            "    if False:\n",
        ),
        remains="`hanota dcc serve` can be told to check no signatures, for tests; it says so.",
    ),
    Attack(
        name="a request with an expired certificate",
        number=26,
        who="whoever has an old key, or can set a clock back",
        stopped_by="A certificate counts only between its instants, by the receiver's clock "
        "(smki/dsig.py).",
        mount=a_certificate_that_has_expired,
        refused="E48",
        without="I0",
        defence=Defence(
            "smki/dsig.py",
            "    if not directory.trusts(certificate, at_ms):\n",
            "    if False:\n",
        ),
        remains="The clock of the machine itself is believed: there is no second source of time.",
    ),
    Attack(
        name="a replayed request",
        number=17,
        who="whoever has recorded a supplier's request",
        stopped_by="A RequestID is used once; a repeat gets the stored answer and does nothing "
        "(serve/dcc_gateway.py).",
        mount=a_replayed_request,
        refused="the first answer again, 1 update",
        without="E100, 1 update",
        defence=Defence(
            "serve/dcc_gateway.py",
            "        if used is not None:\n",
            "        if used is None and False:\n",
        ),
        remains="Answers are signed, not secret: who repeats a request reads its answer.",
    ),
    Attack(
        name="a second message under one counter",
        number=FIELD,
        who=ROGUE_USER,
        stopped_by="Originator, target, CRA and counter make key and IV of a MAC; a RequestID "
        "that was used for other octets is refused before a MAC is made (serve/dcc_gateway.py).",
        mount=a_second_message_under_one_counter,
        refused="E48, 1 message with a MAC",
        without="E100, 1 message with a MAC",
        defence=Defence(
            "serve/dcc_gateway.py",
            "        if used is not None:\n",
            "        if used is None and False:\n",
        ),
        remains="A DCC whose ledger was put back to an earlier state does not know what it has "
        "used up.",
    ),
    Attack(
        name="a second signature of one command",
        number=FIELD,
        who=ROGUE_USER,
        stopped_by="A signature has a second valid form (r, n-s). A RequestID is used up by the "
        "octets of its request, and a Pre-Command by the first signed form of it "
        "(dcc/critical.py, serve/dcc_gateway.py).",
        mount=a_second_signature_of_one_command,
        refused="E48, 1 message with a MAC",
        without="E100, 1 message with a MAC",
        defence=Defence(
            "serve/dcc_gateway.py",
            "        if used is not None:\n",
            "        if used is None and False:\n",
        ),
        remains="Nothing known: a device takes one command for each counter.",
    ),
    Attack(
        name="a signed command that was never given",
        number=FIELD,
        who=ROGUE_USER,
        stopped_by="A signed Pre-Command has to be, octet by octet, the one that the transform "
        "service gave (dcc/critical.py).",
        mount=a_pre_command_that_was_changed,
        refused="E48",
        without="I99",
        defence=Defence(
            "dcc/critical.py",
            "if encode(msgspec.structs.replace(message, signature=None)) != given.gbcs:",
            "if False:",
        ),
        remains="What a supplier's own people ask for and sign is their will.",
    ),
    Attack(
        name="a command with another's signature",
        number=FIELD,
        who="another supplier, or whoever stands between a supplier and the DCC",
        stopped_by="The Pre-Command has to be signed by its originator as a supplier "
        "(dcc/critical.py).",
        mount=a_pre_command_that_another_signed,
        refused="E48",
        without="I99",
        defence=Defence(
            "dcc/critical.py",
            "    if not any(signature_valid(message, key) for key in supplier_keys):\n",
            "    if False:\n",
        ),
        remains="Nothing at the device: it verifies the same signature again.",
    ),
    Attack(
        name="a downgrade",
        number=5,
        who=ROGUE_USER,
        stopped_by="An entry of the Central Products List names the versions that it may follow; "
        "a device that runs another is left out (dcc/products.py, and at the supplier).",
        mount=a_downgrade,
        refused="E110405",
        without="I0",
        defence=Defence(
            "dcc/products.py",
            "    return not entry.follows or device.firmware_version in entry.follows\n",
            "    return True\n",
        ),
        remains="An entry that names no versions may follow any, older ones too. Who certifies "
        "has to withdraw the entries of versions that must not come back.",
    ),
    Attack(
        name="the wrong precursor",
        number=8,
        who="a careless supplier user",
        stopped_by="The same pathway, by the version that the device itself has reported.",
        mount=a_skipped_version,
        refused="E110405",
        without="I0",
        defence=Defence(
            "dcc/products.py",
            "    return not entry.follows or device.firmware_version in entry.follows\n",
            "    return not entry.follows or device.firmware_version < max(entry.follows)\n",
        ),
        remains="What a device reported last is believed; 11.2 asks it again.",
    ),
    Attack(
        name="an image for another model",
        number=4,
        who="a careless supplier user",
        stopped_by="The entry of the image has to be for the model that the inventory has "
        "(dcc/products.py).",
        mount=an_image_of_another_model,
        refused="E110405",
        without="I0",
        defence=Defence(
            "dcc/products.py", "    return entry.model == device.model\n", "    return True\n"
        ),
        remains="A wrong row of the inventory; the device's own check of the header comes after.",
    ),
    Attack(
        name="a device without its hub's firmware",
        number=7,
        who="a careless supplier user, or whoever wants devices that fit no sibling",
        stopped_by="Device and hub are looked at in one transaction: PPMID and HCALCS are left out "
        "behind a hub without the modification (dcc/update_firmware.py).",
        mount=an_update_behind_an_old_hub,
        refused="E110405",
        without="I0",
        defence=Defence(
            "dcc/update_firmware.py",
            "    return hub is not None and "
            "gbcs_at_least(hub.gbcs_version, SECMP0007_GBCS_VERSION)\n",
            "    return True\n",
        ),
        remains="Other combinations of versions in a home: the Central Products List has none.",
    ),
    Attack(
        name="an image that is certified no more",
        number=6,
        who=ROGUE_USER,
        stopped_by="The entry has to be Active when the request is decided "
        "(dcc/update_firmware.py).",
        mount=an_entry_that_was_withdrawn,
        refused="E110402",
        without="I0",
        defence=Defence(
            "dcc/products.py",
            "    return entry.status is ProductStatus.ACTIVE\n",
            "    return True\n",
        ),
        remains="Images that are on their way already still arrive.",
    ),
    Attack(
        name="more requests than a user foresaw",
        number=23,
        who=ROGUE_USER,
        stopped_by="Beyond a threshold of anomaly detection a request is held back until an "
        "operator lets it go (dcc/thresholds.py, serve/dcc_quarantine.py).",
        mount=more_requests_than_foreseen,
        refused="2 of 5 sent, 3 held",
        without="5 of 5 sent, 0 held",
        defence=Defence(
            "serve/dcc_quarantine.py",
            "            if came >= threshold.requests:\n",
            "            if False:\n",
        ),
        remains="Below the thresholds nobody asks; without any set there are none.",
    ),
    Attack(
        name="a stolen hub speaks for a PPMID",
        number=17,
        who=STOLEN_HUB,
        stopped_by="An alert counts only with a signature of its originator's own certificate "
        "(serve/dcc_reception.py).",
        mount=a_hub_that_speaks_for_a_ppmid,
        refused="accepted, 0 alerts",
        without="updated, 1 alerts",
        defence=Defence(
            "serve/dcc_reception.py",
            "if finding is None and not self._is_authentic(report.message, now_ms):",
            "if False:",
        ),
        remains=STOLEN_KEY,
    ),
    Attack(
        name="a stolen hub speaks of another home",
        number=FIELD,
        who=STOLEN_HUB,
        stopped_by="A report counts only about a device that the inventory has behind that hub "
        "(dcc/reception.py).",
        mount=a_hub_that_speaks_of_another_home,
        refused="accepted, 0 alerts",
        without="transferred, 1 alerts",
        defence=Defence(
            "dcc/reception.py",
            "    return device.hub_id == report.hub_id\n",
            "    return True\n",
        ),
        remains="It can lie about the transfers of its own home; success needs the device's word.",
    ),
    Attack(
        name="a device speaks as its hub",
        number=FIELD,
        who="a device with other firmware, or whoever has its keys",
        stopped_by="Only the hub itself may say what it has transferred (dcc/reception.py).",
        mount=a_device_that_speaks_as_its_hub,
        refused="accepted, 0 alerts",
        without="transferred, 1 alerts",
        defence=Defence(
            "dcc/reception.py",
            "            return report.key.originator == report.hub_id\n",
            "            return True\n",
        ),
        remains="It can lie about itself.",
    ),
    Attack(
        name="a stolen hub answers for its PPMID",
        number=17,
        who=STOLEN_HUB,
        stopped_by="The answer to an 11.2 needs the MAC under the key of the Access Control Broker "
        "and the device (serve/dcc_broker.py).",
        mount=an_answer_that_a_hub_made_up,
        refused="the inventory says 00010000",
        without="the inventory says 00000000",
        defence=Defence(
            "serve/dcc_broker.py",
            "            mac_valid(message, z)\n",
            "            True\n",
        ),
        remains=STOLEN_KEY,
    ),
    Attack(
        name="a flood of one alert",
        number=19,
        who=STOLEN_HUB,
        stopped_by="A message of a device is known by its originator, target, CRA and counter, and "
        "counts once (ledger, serve/dcc_reception.py).",
        mount=a_replayed_alert,
        refused="1 alert of 1,000",
        without="1000 alert of 1,000",
        defence=Defence(
            "serve/dcc_reception.py",
            "unseen = batch.unseen(report.key for report in genuine)",
            "unseen = [True for report in genuine]",
        ),
        remains="Each copy costs a row of the journal, and a hub's rate is not limited.",
    ),
    Attack(
        name="a second signature of one alert",
        number=FIELD,
        who="whoever stands between a device and the DCC",
        stopped_by="A signature has a second valid form (r, n-s); a message is known by its "
        "counter and not by its octets (dcc/reports.py).",
        mount=a_second_signature_of_one_alert,
        refused="1 alert of 2",
        without="2 alert of 2",
        defence=Defence(
            "serve/dcc_reception.py",
            "unseen = batch.unseen(report.key for report in genuine)",
            "unseen = [report.octets not in [other.octets for other in genuine[:n]]\n"
            "            for n, report in enumerate(genuine)]",
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="a late alert of an older update",
        number=18,
        who=STOLEN_HUB,
        stopped_by="An alert belongs to an update only if it names its version; what belongs to "
        "none is journalled as unattributed (dcc/reception.py).",
        mount=a_late_alert_of_an_older_update,
        refused="accepted, 0 alerts",
        without="transferred, 1 alerts",
        defence=Defence(
            "dcc/reception.py",
            "        case FirmwareTransferAlert(firmware_version=version):\n"
            "            return version == delivery.version\n",
            "        case FirmwareTransferAlert(firmware_version=version):\n"
            "            return True\n",
        ),
        remains="An alert of an earlier try of the same version counts for the later one.",
    ),
    Attack(
        name="a PPMID that lies",
        number=FIELD,
        who="a PPMID with other firmware, or its maker",
        stopped_by="Success counts only with the version that was sent (dcc/reception.py).",
        mount=a_ppmid_that_lies,
        refused="accepted, 0 alerts",
        without="updated, 1 alerts",
        defence=Defence(
            "dcc/reception.py",
            "            return failed or version == delivery.version\n",
            "            return True\n",
        ),
        remains="Nobody can tell from afar that a device runs what it says: inventory and 11.2 "
        "have only its word, signed.",
    ),
    Attack(
        name="a receipt for a stranger",
        number=16,
        who="a device, or whoever has its key, together with another supplier",
        stopped_by="A receipt counts only if it is addressed to a supplier of the device "
        "(dcc/reception.py).",
        mount=a_receipt_for_a_stranger,
        refused="accepted, 0 alerts",
        without="distributed, 1 alerts",
        defence=Defence("dcc/reception.py", "    (_is_for_its_target, Finding.MISDIRECTED),\n", ""),
        remains="Nothing known.",
    ),
)
