"""A home with devices that take commands: requests for them, and what the devices answer."""

import hashlib

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.dcc.a_command import HOUR_MS, VERSION, activate
from tests.dcc.samples import DEVICE_ID, HUB_ID, NOW_MS, SUPPLIER, device, hub
from tests.serve.a_dcc import PKI, enveloped

from hanota.limits import COMMAND_ANSWER_H
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.smki import protection
from hanota.wire import wan
from hanota.wire.duis.values import ReadFirmwareVersion, Request, SignedPreCommand
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode

TYPES = (DeviceType.HCALCS, DeviceType.ESME, DeviceType.GSME, DeviceType.PPMID)
HOME = (hub(), *(device(kind, device_id=DEVICE_ID + n) for n, kind in enumerate(TYPES)))
HCALCS_ID, ESME_ID, GSME_ID, PPMID_ID = (DEVICE_ID + n for n in range(4))
LATER_MS = NOW_MS + HOUR_MS
EXECUTION_MS = NOW_MS + 5 * HOUR_MS
ANSWER_MS = COMMAND_ANSWER_H * HOUR_MS
SUCCESS, NO_IMAGE, HASH_MISMATCH, FAILED = cs06.ActivateFirmwareResult
DATE_TIME = bytes.fromhex("07E8041EFF173B3B008000FF")


def request(reference, command_variant, body, *, device_id=HCALCS_ID, counter=1000, user=SUPPLIER):
    request_id = RequestID(user, device_id, counter)
    return Request(request_id, command_variant, reference, reference, body)


def transform(execution_ms=None, **by):
    return request("11.3", 4, activate(execution_ms), **by)


def submit(octets, **by):
    return request("11.3", 5, SignedPreCommand(gbcs_payload=octets), **by)


def read(device_id, execution_ms=None, **by):
    return request("11.2", 1, ReadFirmwareVersion(execution_ms), device_id=device_id, **by)


def sign_pre_command(octets: bytes, signer=SUPPLIER) -> bytes:
    """What the user's own tool does: drop the 00, sign from behind DF on, append 40 and r, s."""
    assert octets[-1:] == b"\0"
    return octets[:-1] + b"\x40" + PKI.sign(signer, Role.SUPPLIER, octets[1:-1])


def pre_command(dcc, execution_ms=None, **by) -> bytes:
    answer = dcc.ask(transform(execution_ms, **by))
    assert answer.response_code == "I0"
    return answer.body.content.gbcs_payload


def activated(dcc, execution_ms=None, at_ms=NOW_MS, **by) -> bytes:
    """The command as the hub gets it."""
    octets = sign_pre_command(pre_command(dcc, execution_ms, **by))
    assert dcc.ask(submit(octets, **by), at_ms).response_code == "I99"
    return to_devices(dcc)[-1]


def to_devices(dcc):
    found = []
    for envelope in dcc.shell.outgoing_wan(100):
        match wan.decode(envelope.body):
            case wan.ToDevice(gbcs):
                assert envelope.receiver == HUB_ID
                found.append(gbcs)
    return found


def mac_by_hand(octets: bytes, holder: int, peer: int) -> bytes:
    """The MAC of a whole message, step by step from the standard's layout."""
    message = octets[octets.index(b"\xdf") : -12]
    cra, counter, originator, target = (
        message[2:3],
        message[3:11],
        message[12:20],
        message[21:29],
    )
    private_key = PKI.private_key(holder, KeyUsage.KEY_AGREEMENT)
    public_key = PKI.certificate(peer, KeyUsage.KEY_AGREEMENT).public_key
    z = private_key.exchange(ec.ECDH(), public_key)
    info = b"\x60\x85\x74\x06\x08\x03\x00" + originator + b"\x09" + cra + counter + target
    key = hashlib.sha256(b"\0\0\0\1" + z + info).digest()[:16]
    covered = b"\x11" + bytes(5) + message
    return AESGCM(key).encrypt(originator + bytes(4), b"", covered)[:12]


# --- What devices answer ---


def responded(said, counter=1000, device_id=HCALCS_ID, target=SUPPLIER, signer=None) -> bytes:
    content = cs06.encode_response(said)
    message = GbcsMessage(Cra.RESPONSE, counter, device_id, target, 0x0012, content, DATE_TIME)
    return by_device(message, signer)


def outcome(result=SUCCESS, version=VERSION, **by) -> bytes:
    return responded(cs06.ActivateFirmwareOutcome(result, version), **by)


def accepted(**by) -> bytes:
    return responded(cs06.ActivateFirmwareAccepted(), **by)


def alerted(result=SUCCESS, counter=1000, own=7, version=VERSION) -> bytes:
    said = cs06.FutureDatedActivationAlert(
        EXECUTION_MS, counter, cs06.ActivateFirmwareOutcome(result, version)
    )
    content = cs06.encode_alert(said)
    return by_device(GbcsMessage(Cra.ALERT, own, HCALCS_ID, SUPPLIER, 0x00CA, content))


def by_device(message, signer=None) -> bytes:
    key = PKI.private_key(signer or message.originator, KeyUsage.DIGITAL_SIGNATURE)
    return enveloped(protection.sign(message, key))


def read_answer(command: bytes, content: bytes, mac_for=None) -> bytes:
    """The answer to a read, as its device makes it: parties exchanged, MAC for the target."""
    asked = decode(command)
    message = msgspec.structs.replace(
        asked,
        cra=Cra.RESPONSE,
        originator=asked.target,
        target=asked.originator,
        content=content,
        mac=None,
    )
    peer = PKI.certificate(mac_for or message.target, KeyUsage.KEY_AGREEMENT).public_key
    return enveloped(protection.add_mac(message, PKI.shared_secret(message.originator, peer)))


def version_of(device_id, command, version=VERSION):
    match device_id:
        case x if x in (HCALCS_ID, PPMID_ID):
            said = cs08.ReadFirmwareVersionResponse(version, cs08.ReadResult.SUCCESS)
            return cs08.encode_response(said)
        case x if x == GSME_ID:
            return gcs38.encode_response(gcs38.ReadFirmwareVersionResponse(version))
        case _:
            invoke_id = decode(command).counter & 0xFFFFFF
            return ecs52.encode_response(ecs52.ReadFirmwareVersionResponse(invoke_id, version))


def gbcs_of(envelope: bytes) -> bytes:
    return wan.decode(envelope).gbcs
