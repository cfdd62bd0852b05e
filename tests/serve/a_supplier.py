"""A supplier with a few PPMIDs, and the answers and alerts that a DCC would sign for it."""

from collections import Counter

import msgspec
from tests.dcc.samples import ACB, HUB_ID, NEW, NOW_MS, SUPPLIER, device, hub, image

from hanota.ledger.ledger import Ledger
from hanota.limits import HOUR_MS, READ_BACK_PERIOD_H, READ_BACK_TRIES
from hanota.model import DeviceType, RequestID, version_text
from hanota.serve.supplier import SupplierShell
from hanota.smki import dsig
from hanota.smki.pki import TestPki
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import encode_response
from hanota.wire.image import encode_image

PKI = TestPki(b"the PKI of the tests")
IMAGE = encode_image(image(DeviceType.PPMID))
# Three PPMIDs, and one that is in no estate.
A, B, C, UNKNOWN = (0x00DB1234567890A4 + 16 * number for number in range(4))
PPMIDS = (A, B, C)
STATE_TABLES = ("delivery", "delivery_count", "device", "outbox", "seen", "request", "counter")


class ASupplier:
    """The shell and its ledger; what it asks is answered by `answer`, what is pushed by `push`."""

    def __init__(self, url="sqlite://", directory=PKI) -> None:
        self.ledger = Ledger.open(url, owner="supplier")
        self.shell = SupplierShell(self.ledger, directory, PKI, user_id=SUPPLIER, dcc_id=ACB)

    def has_estate(self, *devices):
        ppmids = [device(DeviceType.PPMID, device_id=device_id) for device_id in PPMIDS]
        self.shell.load_estate(devices or [hub(), *ppmids])
        return self

    def asks(self, *device_ids, at_ms=NOW_MS, image_file=IMAGE):
        return self.shell.update_ppmid_firmware(image_file, device_ids or PPMIDS, at_ms)

    def sent(self, at_ms=NOW_MS):
        """The one message that waits in the outbox."""
        (message,) = self.shell.outgoing(at_ms, 10)
        return message

    def answered(self, octets, at_ms=NOW_MS):
        self.shell.answered(self.sent(), octets, at_ms)

    def has_asked(self, *device_ids, at_ms=NOW_MS):
        """An 11.4 for these PPMIDs, or for all, that the DCC has accepted whole."""
        row = self.asks(*device_ids, at_ms=at_ms)
        self.shell.answered(self.sent(at_ms), answer(request_of(self.sent(at_ms))), at_ms)
        return row.request_id

    def pushed(self, *documents, at_ms=NOW_MS + 1_000):
        """What the shell makes of pushes: None, or the reason of the refusal, for each."""
        results = self.shell.receive(documents, at_ms)
        return [None if fault is None else fault.reason for fault in results]

    def falls_silent(self, at_ms):
        """Nothing is heard from `at_ms` on, and reading back finds no answer either."""
        for tried in range(READ_BACK_TRIES + 1):
            self.shell.scan_due(at_ms + tried * READ_BACK_PERIOD_H * HOUR_MS, 10)

    def states(self, *device_ids):
        with self.ledger.view() as view:
            found = view.last_deliveries(device_ids or PPMIDS)
        return [found[device_id].state for device_id in device_ids or PPMIDS]

    def delivery(self, device_id=A):
        with self.ledger.view() as view:
            return view.last_deliveries([device_id]).get(device_id)

    def counts(self, request=1):
        with self.ledger.view() as view:
            return view.counts(request)

    def events(self, device_id=A):
        with self.ledger.view() as view:
            return [entry.event for entry in view.timeline(device_id, 1_000)]

    def runs(self, device_id=A):
        """The version that the estate says the device runs."""
        with self.ledger.view() as view:
            return view.devices([device_id])[device_id].firmware_version

    def everything(self):
        """All that the ledger holds."""
        database = self.ledger._database
        return {
            table: database._connection.execute(f"SELECT * FROM {table}").fetchall()
            for table in (*STATE_TABLES, "journal", "image")
        }

    def assert_sound(self):
        """The ledger proves itself, and its counts are those of a replay of its journal."""
        assert self.ledger.verify() == []
        last = {}
        rows = self.ledger._database._connection.execute(
            "SELECT device_id, request, state, reason FROM journal ORDER BY number"
        )
        for device_id, request, state, reason in rows:
            if state is not None:
                last[device_id, request] = (state, reason)
        for number in {request for _, request in last}:
            told = Counter(end for (_, request), end in last.items() if request == number)
            assert self.counts(number) == told


def request_of(sent):
    return decode_request(open_document(sent.body))


# --- What a DCC says ---


def signed(response, pki=PKI, dcc=ACB) -> bytes:
    return dsig.sign_response(response, dcc, pki, pki)


def unsigned(response) -> bytes:
    return encode_response(response)


def response(request, code="I0", content=None, **changes):
    answered = v.Response(
        request_id=request.request_id,
        response_code=code,
        response_date_time_ms=NOW_MS,
        body=v.ResponseMessage("11.4", "11.4", content),
    )
    return msgspec.structs.replace(answered, **changes)


def answer(request, code="I0", content=None, **changes) -> bytes:
    return signed(response(request, code, content, **changes))


def alert(body, at_ms=NOW_MS + 1_000, code="N39"):
    return v.Response(
        response_code="I0", response_date_time_ms=at_ms, body=v.DCCAlertMessage(code, body)
    )


def delivery_status(request_id: RequestID, device_id=A, status="Success", **changes):
    said = v.CSPFirmwareDeliveryStatus(
        request_id, HUB_ID, device_id, version_text(NEW), NOW_MS, v.CommsHubTransferStatus(status)
    )
    return alert(msgspec.structs.replace(said, **changes), code="N60")


def transfer(request_id: RequestID | None, device_id=A, code="FileTransferSuccess", version=NEW):
    return alert(
        v.CommsHubAlert(
            comms_hub_device_id=HUB_ID,
            alert_code=0x8F8A,
            time_stamp_ms=NOW_MS,
            firmware_transfer_alert=v.FirmwareTransferAlert(
                update_firmware_request_id=request_id,
                other_device_id=device_id,
                firmware_version=version_text(version),
                transfer_response_code=v.TransferResponseCode(code),
            ),
        ),
        code="N62",
    )


def activation(device_id=A, code="ActivationSuccess", version=NEW, at_ms=NOW_MS + 1_000):
    said = v.PPMIDFirmwareUpgradeAlert(version_text(version), v.ActivateImageResultCode(code))
    return alert(
        v.PPMIDAlert(
            device_id=device_id,
            device_alert_code=0x8F8B,
            timestamp_ms=NOW_MS,
            ppmid_firmware_upgrade_alert=said,
        ),
        at_ms,
    )
