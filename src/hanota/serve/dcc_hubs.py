"""The update of hubs in the DCC's shell: what is recorded, sent and told of it.

An update has a request of its own in the ledger, made by the DCC, and a delivery a hub, so that it
stands in timelines, counts and the journal like every other.

Not here: the rules (`dcc.hub_firmware`).
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from hanota.dcc import alerts, hub_firmware
from hanota.dcc.hub_firmware import COMMAND_VARIANT, SERVICE_REFERENCE
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.reports import HubReport
from hanota.dcc.users import Users
from hanota.errors import LocalError
from hanota.ledger.ledger import Batch
from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import KeyUsage, LeftOut, RequestID, Role
from hanota.rows import Delivery, Device, JournalEntry, MessageKey, Outgoing, RequestRow
from hanota.serve.dcc_broker import AT_ONCE_MS
from hanota.smki import keys
from hanota.smki.directory import Directory
from hanota.smki.organisations import WAN_PROVIDER
from hanota.wire import wan
from hanota.wire.duis.messages import encode_response
from hanota.wire.duis.signature import DocumentSigner
from hanota.wire.image import OtaImage, decode_image

_COUNTER = "hub-update"
# No GBCS message has this CRA flag. A hub says once what an update came to.
_NO_CRA = 0


class HubUpdate(msgspec.Struct, frozen=True):
    """An update of hubs as it was begun."""

    request: RequestRow | None  # None where no hub is left to update
    accepted: tuple[int, ...]  # ids of the hubs
    left_out: dict[int, LeftOut]


class HubUpdates:
    """Takes part in the batches of the DCC's shell.

    Args:
        directory: has the certificates of the WAN provider.
        document_signer: the DSP's, for what is pushed.
        acb_id: the DCC's own EUI-64, under which it makes the requests.
        users: who may be told.
        wan_provider: EUI-64 of the communications provider that signs images of hubs.
    """

    def __init__(
        self,
        directory: Directory,
        document_signer: DocumentSigner,
        *,
        acb_id: int,
        users: Users,
        wan_provider: int = WAN_PROVIDER,
    ) -> None:
        self._directory = directory
        self._document_signer = document_signer
        self._acb_id = acb_id
        self._users = users
        self._wan_provider = wan_provider

    def begin(
        self,
        batch: Batch,
        image_file: bytes,
        hub_ids: Iterable[int],
        *,
        activate_at_ms: int | None,
        products: ProductList,
        now_ms: int,
    ) -> HubUpdate:
        """Begin an update as `DccShell.update_hubs` says."""
        hub_firmware.require_activation_time(activate_at_ms, now_ms)
        asked = tuple(dict.fromkeys(hub_ids))
        if not 0 < len(asked) <= DEVICES_PER_REQUEST_MAX:
            raise LocalError(
                f"an update is of 1 to {DEVICES_PER_REQUEST_MAX:,} hubs, not {len(asked):,}"
            )
        image = decode_image(image_file, signed=True)
        hubs = batch.devices(asked)
        batch.put_products(products.learn(image, hubs.values()))
        case = hub_firmware.Case(
            image=image,
            signature_valid=self._is_signed(image, now_ms),
            entries=products.of_image(image),
            devices=hubs,
            in_progress=frozenset(batch.live_deliveries(asked)),
        )
        decision = hub_firmware.decide(case, asked)
        ids = tuple(hub.device_id for hub in decision.accepted)
        if not ids:
            return HubUpdate(None, (), decision.left_out)
        version = image.header.file_version
        row = self._request(batch, image_file, version, now_ms)
        batch.record(
            _entry(hub_firmware.begun(hub, row.number, version, activate_at_ms, now_ms))
            for hub in decision.accepted
        )
        envelope = wan.encode(
            wan.UpdateHub(row.request_id, sha256(image_file).digest(), activate_at_ms)
        )
        batch.post(Outgoing(0, hub_id, envelope, AT_ONCE_MS, 0) for hub_id in ids)
        return HubUpdate(row, ids, decision.left_out)

    def take(
        self, batch: Batch, reports: Iterable[HubReport], products: ProductList, now_ms: int
    ) -> None:
        """Take what hubs say of their own firmware, in its order; all of it is recorded."""
        for report in reports:
            hub = batch.devices([report.hub_id]).get(report.hub_id)
            finding = hub_firmware.objection(hub, first=_is_first(batch, report))
            if hub is None or finding is not None:
                batch.record([_discounted(report, finding or Finding.FOREIGN, now_ms)])
                continue
            request = batch.request(report.said.request_id, COMMAND_VARIANT)
            tracked = None if request is None else batch.delivery(hub.device_id, request.number)
            last = batch.last_deliveries([hub.device_id]).get(hub.device_id)
            done = hub_firmware.settle(
                report, hub, tracked=tracked, last=last, products=products, now_ms=now_ms
            )
            batch.record([_settled(report, tracked, done, now_ms)])
            if done.hub is not None:
                batch.put_devices([done.hub])
            if done.announces:
                self._announce(batch, done.hub or hub, now_ms)

    def _request(self, batch: Batch, image_file: bytes, version: int, now_ms: int) -> RequestRow:
        """Record the image and the request; its counter rises even if a ledger was lost."""
        digest = sha256(image_file).digest()
        batch.put_image(digest, image_file)
        counter = batch.next_counter(_COUNTER, at_least=now_ms)
        return batch.put_request(
            RequestRow(
                number=0,
                request_id=RequestID(self._acb_id, self._acb_id, counter),
                command_variant=COMMAND_VARIANT,
                service_reference=SERVICE_REFERENCE,
                digest=digest,
                image_hash=digest,
                version=version,
                at_ms=now_ms,
                answer=None,
            )
        )

    def _announce(self, batch: Batch, hub: Device, now_ms: int) -> None:
        """Post N64, signed, to every user who is responsible for a device behind the hub."""
        home = batch.devices_behind([hub.device_id])[hub.device_id]
        receivers = hub_firmware.told_users(home, hub.device_id, self._users)
        if not receivers:
            return
        alert = alerts.hub_activation(hub.device_id, hub.firmware_version)
        octets = encode_response(alerts.in_response(alert, now_ms), self._document_signer)
        batch.post(
            Outgoing(0, receiver, octets, now_ms, 0, hub.device_id) for receiver in receivers
        )

    def _is_signed(self, image: OtaImage, now_ms: int) -> bool:
        """Whether the trailer's signature is of one of the keys of the WAN provider."""
        signature = image.signature
        if signature is None:
            return False
        found = self._directory.find(
            self._wan_provider, KeyUsage.DIGITAL_SIGNATURE, Role.WAN_PROVIDER
        )
        return any(
            keys.verify(certificate.public_key, image.manufacturer_image, signature)
            for certificate in found
            if self._directory.trusts(certificate, now_ms)
        )


def _is_first(batch: Batch, report: HubReport) -> bool:
    """Whether a hub's word about what it runs comes for the first time; others may repeat."""
    match report.said:
        case wan.HubRuns(request_id):
            key = MessageKey(report.hub_id, request_id.originator, _NO_CRA, request_id.counter)
            (first,) = batch.unseen([key])
            return first
        case _:
            return True


def _entry(delivery: Delivery) -> JournalEntry:
    at_ms, number = delivery.changed_ms, delivery.request
    return JournalEntry(at_ms, delivery.device_id, number, delivery.state, delivery, b"")


def _discounted(report: HubReport, finding: Finding, now_ms: int) -> JournalEntry:
    told = f"{finding}:{hub_firmware.name_of(report)}"
    return JournalEntry(now_ms, report.hub_id, 0, told, None, report.octets)


def _settled(
    report: HubReport, tracked: Delivery | None, done: hub_firmware.Settlement, now_ms: int
) -> JournalEntry:
    number = 0 if tracked is None else tracked.request
    return JournalEntry(now_ms, report.hub_id, number, done.event, done.delivery, report.octets)
