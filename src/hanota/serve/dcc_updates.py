"""11.1 and 11.4 in the DCC's shell: what the rules need to decide them, and what they set going.

Not here: who may ask (`dcc_gateway`), and the rules (`dcc.update_firmware`, `dcc.products`).
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import chain, islice

import msgspec

from hanota.dcc.distribution import distribute
from hanota.dcc.products import ProductList
from hanota.dcc.services import Refusal
from hanota.dcc.tracking import ARRIVED_STATES, accepted, replaced
from hanota.dcc.update_firmware import (
    UPDATE_SERVICES,
    Case,
    code_of_image_fault,
    decide,
    lists_of,
)
from hanota.errors import RemoteError
from hanota.ledger.ledger import Batch
from hanota.model import KeyUsage, Milestone, Role, version_text
from hanota.rows import Device, JournalEntry, Outgoing, RequestRow
from hanota.serve.dcc_broker import AT_ONCE_MS
from hanota.smki import keys
from hanota.smki.directory import Directory
from hanota.wire import wan
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import (
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    Request,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)
from hanota.wire.image import OtaImage, decode_image

_PAGE = 5_000


class Update(msgspec.Struct, frozen=True):
    """A decided 11.1 or 11.4 whose image could be read; nobody is accepted where it is refused."""

    code: ResponseCode
    sentence: str  # why somebody is left out, for the log
    warning: DSPUpdateFirmwareWarning | DSPUpdatePPMIDFirmwareWarning | None
    file: bytes  # the OTA file
    sha256: bytes  # of the OTA file
    version: int  # the file version; where the request's FirmwareVersion differs, it counts
    version_differs: bool
    accepted: Mapping[int, tuple[Device, ...]]  # devices by hub


class FirmwareUpdates:
    """Takes part in the batches of the DCC's shell."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def decide(
        self,
        batch: Batch,
        request: Request,
        body: UpdateFirmware | UpdatePPMIDFirmware,
        products: ProductList,
        now_ms: int,
    ) -> Update | Refusal:
        """Decide a request; what the list learns of it is recorded, and nothing else."""
        service = UPDATE_SERVICES[request.service_reference]
        try:
            image = decode_image(body.firmware_image, signed=service.signed)
        except RemoteError as fault:
            return Refusal(code_of_image_fault(service, fault.code), fault.reason)
        user_id = request.request_id.originator
        devices = _with_their_hubs(batch, body.device_id_list)
        batch.put_products(products.learn(image, devices.values()))
        case = Case(
            service=service,
            user_id=user_id,
            image=image,
            signature_valid=self._is_signed_by(user_id, image, now_ms),
            entries=products.of_image(image),
            devices=devices,
            in_progress=frozenset(batch.live_deliveries(body.device_id_list)),
        )
        decision = decide(case, body.device_id_list)
        lists = lists_of(decision.left_out)
        version = image.header.file_version
        return Update(
            decision.code,
            decision.sentence,
            service.warning.of(lists) if lists else None,
            body.firmware_image,
            sha256(body.firmware_image).digest(),
            version,
            body.firmware_version.upper() != version_text(version),
            decision.accepted,
        )

    def begin(self, batch: Batch, row: RequestRow, update: Update) -> None:
        """Keep the image, begin a delivery a device, and post each hub its envelope."""
        if update.version_differs:
            event = "firmware-version:differs"
            batch.record([JournalEntry(row.at_ms, 0, row.number, event, None, b"")])
        if not update.accepted:
            return
        batch.put_image(update.sha256, update.file)
        # In pages, so that 50,000 devices are not in memory three times at once.
        accepted_devices = chain.from_iterable(update.accepted.values())
        while page := list(islice(accepted_devices, _PAGE)):
            batch.record(_accepted(device, row, update.version) for device in page)
        batch.post(
            Outgoing(0, hub_id, wan.encode(envelope), AT_ONCE_MS, 0)
            for hub_id, envelope in distribute(row.request_id, update.sha256, update.accepted)
        )

    def _is_signed_by(self, user_id: int, image: OtaImage, now_ms: int) -> bool:
        """Whether the trailer's signature is of one of the keys that the user has as a supplier."""
        signature = image.signature
        if signature is None:
            return False
        found = self._directory.find(user_id, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
        return any(
            keys.verify(certificate.public_key, image.manufacturer_image, signature)
            for certificate in found
            if self._directory.trusts(certificate, now_ms)
        )


def supersede(batch: Batch, entries: Iterable[JournalEntry], now_ms: int) -> None:
    """Record that images which waited in devices are gone, where newer ones have arrived there.

    `entries` are recorded already: those among them that say so.
    """
    arrived = {
        entry.device_id: entry.delivery
        for entry in entries
        if entry.delivery is not None and entry.delivery.state in ARRIVED_STATES
    }
    if arrived:
        waiting = batch.deliveries_in(Milestone.DISTRIBUTED, arrived)
        batch.record(replaced(waiting, arrived, now_ms))


def _with_their_hubs(batch: Batch, device_ids: Iterable[int]) -> dict[int, Device]:
    devices = batch.devices(device_ids)
    hub_ids = {device.hub_id for device in devices.values()}
    return devices | batch.devices(hub_ids - devices.keys())


def _accepted(device: Device, row: RequestRow, version: int) -> JournalEntry:
    delivery = accepted(device, row.number, version, row.at_ms)
    return JournalEntry(row.at_ms, delivery.device_id, row.number, delivery.state, delivery, b"")
