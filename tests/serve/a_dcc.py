"""A DCC with one home, a supplier who asks, and a hub and PPMID that speak; all in memory."""

import msgspec
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NEW,
    NOW_MS,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)

from hanota.dcc.users import SUPPLIERS, UserRole
from hanota.ledger.ledger import Ledger
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.serve.dcc import DccShell
from hanota.smki import dsig, protection
from hanota.smki.directory import JoinedDirectory
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire import wan
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_response
from hanota.wire.duis.values import Request, UpdateFirmware, UpdatePPMIDFirmware
from hanota.wire.gbcs import ccs08, cs09
from hanota.wire.gbcs import firmware_distribution_receipt as receipts
from hanota.wire.gbcs.message import Cra, GbcsMessage, encode
from hanota.wire.image import encode_image, manufacturer_image_hash

PKI = TestPki(b"the PKI of the tests")
# What an organisation has after its keys were replaced.
RENEWED = TestPki(b"the PKI of the tests, renewed")
USERS = {
    SUPPLIER: SUPPLIERS,
    SUPPLIER_2: SUPPLIERS,
    NETWORK_OPERATOR: frozenset({UserRole.ED}),
}
PPMID, HCALCS = device(DeviceType.PPMID), device(DeviceType.HCALCS, device_id=DEVICE_ID + 1)
HUB = hub()
ENTRIES = (entry(DeviceType.PPMID), entry(DeviceType.HCALCS))


class ADcc:
    """The shell and its ledger."""

    def __init__(self, *devices, users=USERS, directory=PKI, **options) -> None:
        self.ledger = Ledger.open("sqlite://", owner="dcc")
        self._arguments = (self.ledger, directory, PKI)
        self._options = {"acb_id": ACB, "users": users, **options}
        self.restart()
        self.shell.load_inventory(devices or (HUB, PPMID, HCALCS))
        self.shell.load_products(ENTRIES)

    def restart(self) -> None:
        """Another process on the same ledger."""
        self.shell = DccShell(*self._arguments, **self._options)

    def renew_certificate(self) -> None:
        """Another process on the same ledger; the DSP has a new key and certificate by now."""
        self._arguments = (self.ledger, JoinedDirectory(RENEWED, PKI), RENEWED)
        self.restart()

    def ask(self, request, at_ms=NOW_MS):
        """The answer to a request, opened; it has to be signed by the DSP."""
        return opened(self.shell.answer(signed(request), at_ms), at_ms)

    def accept_update(self, *device_ids):
        """An 11.4 for these devices, or for the PPMID, that the DCC accepts."""
        request = update_ppmid(device_ids=device_ids or (DEVICE_ID,))
        assert self.ask(request).response_code == "I0"
        return request

    def receive(self, *envelopes, hub_id=HUB_ID, at_ms=NOW_MS):
        self.shell.receive_wan([(hub_id, octets) for octets in envelopes], at_ms)

    def delivery(self, device_id=DEVICE_ID):
        with self.ledger.view() as view:
            return view.last_deliveries([device_id]).get(device_id)

    def state(self, device_id=DEVICE_ID):
        delivery = self.delivery(device_id)
        return delivery and delivery.state

    def device(self, device_id=DEVICE_ID):
        with self.ledger.view() as view:
            return view.devices([device_id])[device_id]

    def events(self, device_id=DEVICE_ID):
        with self.ledger.view() as view:
            return [entry.event for entry in view.timeline(device_id, 1_000)]

    def timeline(self, device_id=DEVICE_ID):
        with self.ledger.view() as view:
            return view.timeline(device_id, 1_000)

    def waiting(self, at_ms=NOW_MS + 60_000):
        """What is to be pushed by then, were each taken at once."""
        pushes = (push for user_id in USERS for push in self.shell.waiting(user_id, 1_000_000))
        due = [push for push in pushes if push.due_ms <= at_ms]
        return sorted(due, key=lambda push: (push.due_ms, push.number))

    def pushes(self, at_ms=NOW_MS + 60_000):
        """The same, opened."""
        return [opened(push.body, at_ms) for push in self.waiting(at_ms)]

    def codes(self, at_ms=NOW_MS + 60_000):
        return [push.body.dcc_alert_code for push in self.pushes(at_ms)]

    def everything(self):
        """All that the ledger holds, to see whether anything has changed; not which one it is."""
        with self.ledger.view() as view:
            database = self.ledger._database
            return {
                table: database._connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in sorted(database.tables() - {"sqlite_sequence", "meta"})
            } | {"depth": view.outbox_depth()}


def signed(request: Request, pki=PKI) -> bytes:
    return dsig.sign_request(request, pki, pki)


def opened(octets: bytes, at_ms: int):
    document = open_document(octets)
    assert dsig.signer_of_response(document, ACB, PKI, at_ms).role is Role.DSP_XML_SIGNING
    return decode_response(document)


def ppmid_file(**changes) -> bytes:
    return encode_image(image(DeviceType.PPMID, **changes))


def signed_image(signer=SUPPLIER, kind=DeviceType.HCALCS, **changes) -> bytes:
    manufacturer_image = image(kind, **changes).manufacturer_image
    signature = PKI.sign(signer, Role.SUPPLIER, manufacturer_image)
    return encode_image(image(kind, signature=signature, **changes))


def update_ppmid(**changes) -> Request:
    """A sound 11.4 for the PPMID; what is given takes the place of what it says."""
    body = UpdatePPMIDFirmware(ppmid_file(), f"{NEW:08X}", (DEVICE_ID,))
    return _request("11.4", body, changes)


def update_firmware(**changes) -> Request:
    """A sound 11.1 for the HCALCS."""
    body = UpdateFirmware(signed_image(), f"{NEW:08X}", (DEVICE_ID + 1,))
    return _request("11.1", body, changes)


def _request(reference, body, changes):
    renamed = {"image": "firmware_image", "device_ids": "device_id_list"}
    fields = {renamed.get(name, name): value for name, value in changes.items()}
    in_body = {name: fields.pop(name) for name in tuple(fields) if hasattr(body, name)}
    request = Request(
        RequestID(SUPPLIER, ACB, 1000),
        8,
        reference,
        reference,
        msgspec.structs.replace(body, **in_body),
    )
    return msgspec.structs.replace(request, **fields)


# --- What hubs and devices send ---


def stored(request: Request, result=wan.StoreResult.STORED, device_ids=(DEVICE_ID,)) -> bytes:
    return wan.encode(wan.ImageStored(request.request_id, device_ids, result))


def transfer(
    result=ccs08.TransferResult.SUCCESS, version=NEW, device_id=DEVICE_ID, at_ms=NOW_MS, **by
) -> bytes:
    said = ccs08.FirmwareTransferAlert(at_ms, device_id, version, result)
    return alert(0x0128, ccs08.encode_alert(said), **{"originator": HUB_ID, **by})


def activation(result=cs09.ActivationResult.SUCCESS, version=NEW, at_ms=NOW_MS, **by) -> bytes:
    said = cs09.FirmwareActivationAlert(at_ms, version, result)
    return alert(0x012B, cs09.encode_alert(said), **{"originator": DEVICE_ID, **by})


def receipt(code, originator=DEVICE_ID + 1, target=SUPPLIER, **by) -> bytes:
    image_hash = manufacturer_image_hash(image(DeviceType.HCALCS))
    said = receipts.GsmeFirmwareDistributionReceipt(code, NOW_MS, image_hash)
    content = receipts.encode_gsme_alert(said)
    return alert(0x00CF, content, originator=originator, target=target, **by)


def alert(code, content, *, originator, target=ACB, counter=1, signed_by=None, pki=PKI) -> bytes:
    """A signed alert as an envelope; `signed_by` is somebody else than the originator."""
    message = GbcsMessage(Cra.ALERT, counter, originator, target, code, content)
    key = pki.private_key(signed_by or originator, KeyUsage.DIGITAL_SIGNATURE)
    return enveloped(protection.sign(message, key))


def enveloped(message: GbcsMessage) -> bytes:
    return wan.encode(wan.FromDevice(encode(message)))
