"""One whole message of every form and outcome of the firmware services, protected as it is due.

The parties and keys are of a PKI of the tests: nothing of it is published. `gbcs_golden.txt` holds
the octets; signatures are those of RFC 6979, so every message has one form.
"""

from pathlib import Path

from tests.wire.gbcs_messages import DATE_TIME, HASH, TIME_MS, VERSION

from hanota.model import KeyUsage, Role
from hanota.smki import protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import ccs08, cs06, cs08, cs09, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipts
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import USE_CASES, Protection, protection_due

PKI = TestPki(b"golden messages")
ESME, GSME, HUB, PPMID, HCALCS = (0x00DB1234567890A0 + number for number in (0, 1, 2, 4, 5))
COUNTER = 0x8000_0000_0000_0001
OWN = 300  # the counter of what a device says of itself
GOLDEN = Path(__file__).parent / "gbcs_golden.txt"


def golden() -> dict[str, bytes]:
    """The octets by the name of the message."""
    lines = (line.split() for line in GOLDEN.read_text().splitlines() if line)
    return {name: bytes.fromhex(octets) for name, octets in lines}


def command(code, target, said, originator=SUPPLIER, **more):
    header = (Cra.COMMAND, COUNTER, originator, target, code)
    return GbcsMessage(*header, USE_CASES[code].forms[Cra.COMMAND].encode(said), **more)


def response(code, originator, said, target=SUPPLIER, **more):
    header = (Cra.RESPONSE, COUNTER, originator, target, code)
    return GbcsMessage(*header, USE_CASES[code].forms[Cra.RESPONSE].encode(said), **more)


def alert(code, originator, said, target=SUPPLIER):
    header = (Cra.ALERT, OWN, originator, target, code)
    return GbcsMessage(*header, USE_CASES[code].forms[Cra.ALERT].encode(said))


def protected(message: GbcsMessage) -> GbcsMessage:
    """The message with the signature and the MAC that its use case prescribes."""
    due = protection_due(message)
    if Protection.SIGNATURE in due:
        role = Role.SUPPLIER if message.originator == SUPPLIER else None
        message = protection.sign_as(
            message, lambda octets: PKI.sign(message.originator, role, octets)
        )
    if Protection.MAC in due:
        parties = protection.mac_parties(message, ACB)
        device = PKI.certificate(parties.device, KeyUsage.KEY_AGREEMENT)
        z = PKI.shared_secret(parties.organisation, device.public_key)
        message = protection.add_mac(message, z)
    return message


FOR_THE_SUPPLIER = {"supplementary_party": SUPPLIER, "supplementary_counter": 7}
RESULTS = {result.name.lower().replace("_", "-"): result for result in cs06.ActivateFirmwareResult}


def _outcome(result):
    return cs06.ActivateFirmwareOutcome(result, VERSION)


def _invoke_id(counter):
    return counter & 0xFFFFFF


WHOLE: dict[str, GbcsMessage] = {
    "cs06-command": command(0x0012, HCALCS, cs06.ActivateFirmwareCommand(HASH, COUNTER)),
    "cs06-command-future-dated": command(
        0x0012, ESME, cs06.ActivateFirmwareCommand(HASH, COUNTER, TIME_MS)
    ),
    "cs06-command-cancels": command(
        0x0012, GSME, cs06.ActivateFirmwareCommand(HASH, COUNTER, cs06.CANCELLATION_MS)
    ),
    "cs06-response-accepted": response(
        0x0012, HCALCS, cs06.ActivateFirmwareAccepted(), date_time=DATE_TIME
    ),
    **{
        f"cs06-response-{name}": response(0x0012, HCALCS, _outcome(result), date_time=DATE_TIME)
        for name, result in RESULTS.items()
    },
    **{
        f"cs06-alert-{name}": alert(
            0x00CA, HCALCS, cs06.FutureDatedActivationAlert(TIME_MS, COUNTER, _outcome(result))
        )
        for name, result in RESULTS.items()
    },
    **{
        f"receipt-esme-{code:04x}": alert(
            0x00CE,
            ESME,
            receipts.EsmeFirmwareDistributionReceipt(code, OWN, DATE_TIME, HASH),
        )
        for code in (AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED)
    },
    **{
        f"receipt-gsme-{code:04x}": alert(
            0x00CF, GSME, receipts.GsmeFirmwareDistributionReceipt(code, TIME_MS, HASH)
        )
        for code in (AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED)
    },
    **{
        f"ccs08-{result:d}": alert(
            0x0128,
            HUB,
            ccs08.FirmwareTransferAlert(TIME_MS, PPMID, 0x81020304, result),
            target=ACB,
        )
        for result in ccs08.TransferResult
    },
    **{
        f"cs09-{result:d}": alert(
            0x012B, PPMID, cs09.FirmwareActivationAlert(TIME_MS, 0x81020304, result), target=ACB
        )
        for result in cs09.ActivationResult
    },
    "cs08-command": command(
        0x0129, PPMID, cs08.ReadFirmwareVersionCommand(), originator=ACB, **FOR_THE_SUPPLIER
    ),
    "cs08-response": response(
        0x0129,
        PPMID,
        cs08.ReadFirmwareVersionResponse(VERSION, cs08.ReadResult.SUCCESS),
        target=ACB,
        **FOR_THE_SUPPLIER,
    ),
    "cs08-response-failure": response(
        0x0129,
        HCALCS,
        cs08.ReadFirmwareVersionResponse(bytes(4), cs08.ReadResult.FAILURE),
        target=ACB,
        **FOR_THE_SUPPLIER,
    ),
    "ecs52-command": command(0x0059, ESME, ecs52.ReadFirmwareVersionCommand(_invoke_id(COUNTER))),
    "ecs52-command-of-the-acb": command(
        0x0059,
        HUB,
        ecs52.ReadFirmwareVersionCommand(_invoke_id(COUNTER)),
        originator=ACB,
        **FOR_THE_SUPPLIER,
    ),
    "ecs52-response": response(
        0x0059, ESME, ecs52.ReadFirmwareVersionResponse(_invoke_id(COUNTER), VERSION)
    ),
    "ecs52-response-failure": response(
        0x0059,
        HUB,
        ecs52.ReadFirmwareVersionResponse(_invoke_id(COUNTER), None, 1),
        target=ACB,
        **FOR_THE_SUPPLIER,
    ),
    "gcs38-command": command(0x0084, GSME, gcs38.ReadFirmwareVersionCommand()),
    "gcs38-response": response(0x0084, GSME, gcs38.ReadFirmwareVersionResponse(VERSION)),
    "gcs38-response-failure": response(0x0084, GSME, gcs38.ReadFirmwareVersionResponse(None, 0xC0)),
}
