"""The server side of the OTA Upgrade cluster: a hub hands its images to the devices they are for.

Source: ZCL8 chapter 11. A download needs no session: any block of an image is served to a device
that waits for it, so that a device resumes by asking on. A transfer ends with the Upgrade End
Request, with an image that does not suit the device, or when the hub gives up; the end is recorded
together with the CCS08 alert that tells of it, before the device is answered.

Assumptions: Image Page Requests are refused with UNSUP_CLUSTER_COMMAND, so clients ask block by
block; a block beyond the image is MALFORMED_COMMAND; a device that already runs the version, or
says that it has no space for it, ends its transfer as a failure at once.

Not here: broadcast and device specific files.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar

import msgspec

from hanota.han.effects import Effects, Record, Send
from hanota.han.image_store import ImageStore
from hanota.han.outbox import Values
from hanota.han.refusal import refuse
from hanota.han.targets import Target, Targets
from hanota.han.transfers import IDLE_MS, Transfers
from hanota.han.verification import suits_hardware
from hanota.limits import (
    BLOCK_PERIOD_MS,
    BLOCK_SIZE_OCTETS,
    DAY_MS,
    HUB_BUSY_WAIT_S,
    HUB_GIVE_UP_DAYS,
    HUB_IMAGE_SLOTS,
    HUB_TRANSFERS_MAX,
    MINUTE_MS,
    NOTIFY_INTERVAL_MIN,
)
from hanota.wire import ota, ota_codec
from hanota.wire.codes import ZclStatus
from hanota.wire.gbcs.ccs08 import TransferResult
from hanota.wire.image import IMAGE_TYPES, SIGNED_TYPES
from hanota.wire.wan import DeliverImage, StoreResult
from hanota.wire.zcl import DefaultResponse


class Standing(IntEnum):
    """What a node of the HAN is to the server."""

    FOREIGN = 0  # not in the hub's device log
    WITHOUT_IMAGE = 1
    WAITING = 2  # there is an image for it
    ENDED = 3  # there was one


# What the server takes from a node of each standing, and the standings that may follow. A pair that
# is not here changes nothing: a foreign node is not authorised, a command is not supported, and a
# Default Response is nothing to answer.
TRANSITIONS: dict[tuple[Standing, type], frozenset[Standing]] = {
    (Standing.WITHOUT_IMAGE, ota.QueryNextImageRequest): frozenset({Standing.WITHOUT_IMAGE}),
    (Standing.WITHOUT_IMAGE, ota.ImageBlockRequest): frozenset({Standing.WITHOUT_IMAGE}),
    (Standing.WITHOUT_IMAGE, ota.UpgradeEndRequest): frozenset({Standing.WITHOUT_IMAGE}),
    (Standing.WAITING, ota.QueryNextImageRequest): frozenset({Standing.WAITING, Standing.ENDED}),
    (Standing.WAITING, ota.ImageBlockRequest): frozenset({Standing.WAITING}),
    (Standing.WAITING, ota.UpgradeEndRequest): frozenset({Standing.WAITING, Standing.ENDED}),
    (Standing.WAITING, DefaultResponse): frozenset({Standing.WAITING, Standing.ENDED}),
    (Standing.ENDED, ota.QueryNextImageRequest): frozenset({Standing.ENDED}),
    (Standing.ENDED, ota.ImageBlockRequest): frozenset({Standing.ENDED}),
    (Standing.ENDED, ota.UpgradeEndRequest): frozenset({Standing.ENDED}),
}


class ServerSettings(msgspec.Struct, frozen=True, gc=False):
    """How a hub serves."""

    block_size_octets: int = BLOCK_SIZE_OCTETS
    block_period_ms: int = BLOCK_PERIOD_MS
    image_slots: int = HUB_IMAGE_SLOTS
    transfers_max: int = HUB_TRANSFERS_MAX
    notify_interval_ms: int = NOTIFY_INTERVAL_MIN * MINUTE_MS
    give_up_ms: int = HUB_GIVE_UP_DAYS * DAY_MS


Report = Callable[[Target, TransferResult, int], tuple[Values, Effects]]


class OtaServer:
    """The server of one hub.

    Args:
        devices: EUI-64s of the hub's device log; nobody else gets anything.
        targets: which devices have an image.
        store: the images.
        report: for the end of a transfer, the values to record and what to send afterwards.
        settings: how it serves.
    """

    def __init__(
        self,
        devices: frozenset[int],
        targets: Targets,
        store: ImageStore,
        report: Report,
        settings: ServerSettings,
    ) -> None:
        self._devices = devices
        self._targets = targets
        self._store = store
        self._report = report
        self._settings = settings
        self._transfers = Transfers(settings.transfers_max)
        self._tsn = 0

    def standing(self, node: int) -> Standing:
        """What a node is to the server."""
        if node not in self._devices:
            return Standing.FOREIGN
        target = self._targets.get(node)
        if target is None:
            return Standing.WITHOUT_IMAGE
        return Standing.WAITING if target.result is None else Standing.ENDED

    def receive(self, source: int, message: ota_codec.Message, now_ms: int) -> Effects:
        """Take a command of the OTA cluster, whoever sends it."""
        kind = type(message)
        standing = self.standing(source)
        if (standing, kind) in TRANSITIONS:
            return self._TAKE[standing, kind](self, source, message, now_ms)
        if standing is not Standing.FOREIGN:
            return refuse(source, message, ZclStatus.UNSUP_CLUSTER_COMMAND)
        if kind is ota.QueryNextImageRequest:
            return (Send(source, ota.QueryNextImageRefused(message.tsn, ZclStatus.NOT_AUTHORIZED)),)
        return refuse(source, message, ZclStatus.NOT_AUTHORIZED)

    def deliver(self, message: DeliverImage, now_ms: int) -> tuple[StoreResult, Values]:
        """Take an image for some devices; the values to record when it is STORED.

        A repetition changes nothing. A newer image for a device replaces the one before it.
        """
        digest = message.image_sha256
        fresh = [
            device_id
            for device_id in message.device_ids
            if (target := self._targets.get(device_id)) is None
            or not target.is_for(message.request_id, digest)
        ]
        if not fresh:
            return StoreResult.STORED, {}
        image = self._store.fetch(digest)
        if image is None:
            return StoreResult.DIGEST_MISMATCH, {}
        others = {t.image_sha256 for t in self._targets.waiting() if t.device_id not in fresh}
        if len(others | {digest}) > self._settings.image_slots:
            return StoreResult.NO_SPACE, {}
        version = image.header.file_version
        values: Values = {}
        for device_id in fresh:
            self._transfers.end(device_id)
            values |= self._targets.put(
                Target(device_id, message.request_id, digest, version, now_ms)
            )
        self._store.keep(others | {digest})
        return StoreResult.STORED, values

    def notify(self, now_ms: int) -> Effects:
        """Tell every device that waits, and does not fetch its image already, to ask for it."""
        return tuple(
            self._notification(target.device_id)
            for target in self._targets.waiting()
            if not self._transfers.under_way(target.device_id, now_ms)
        )

    def give_up(self, now_ms: int) -> Effects:
        """End, as failed, every transfer that has taken too long."""
        return tuple(
            effect
            for target in self._targets.waiting()
            if target.since_ms + self._settings.give_up_ms <= now_ms
            for effect in self._end(target, TransferResult.TRANSFER_FAILURE, now_ms)
        )

    def give_up_at_ms(self) -> int | None:
        """When the next transfer will have taken too long; None when no device waits."""
        since = [target.since_ms for target in self._targets.waiting()]
        return min(since) + self._settings.give_up_ms if since else None

    def span(self, device_id: int, offset: int, now_ms: int) -> tuple[bytes, int]:
        """The rest of the image that is being transferred, and when all its blocks will be there.

        For depth `flow`, of a transfer under way; nothing, and now, where there is none.
        """
        transfer = self._transfers.get(device_id)
        if transfer is None:
            return b"", now_ms
        data = transfer.image.octets[offset:]
        blocks = -(-len(data) // self._settings.block_size_octets)
        until_ms = now_ms + blocks * self._settings.block_period_ms
        transfer.until_ms = until_ms + IDLE_MS
        return data, until_ms

    # Query

    def _offer(self, source: int, message: ota.QueryNextImageRequest, now_ms: int) -> Effects:
        target = self._target(source)
        refused = Send(source, ota.QueryNextImageRefused(message.tsn, ZclStatus.NO_IMAGE_AVAILABLE))
        image = self._store.image(target.image_sha256)
        if image is None:
            return (refused,)
        header = image.header
        if (message.manufacturer_code, message.image_type) != (
            header.manufacturer_code,
            header.image_type,
        ):
            return (refused,)
        if not suits_hardware(header, message.hardware_version):
            return (*self._end(target, TransferResult.HARDWARE_MISMATCH, now_ms), refused)
        if message.current_file_version == header.file_version:
            return (*self._end(target, TransferResult.TRANSFER_FAILURE, now_ms), refused)
        answer = ota.QueryNextImageResponse(
            message.tsn,
            header.manufacturer_code,
            header.image_type,
            header.file_version,
            len(image.octets),
        )
        return (Send(source, answer),)

    def _no_image(self, source: int, message: ota.QueryNextImageRequest, _now_ms: int) -> Effects:
        answer = ota.QueryNextImageRefused(message.tsn, ZclStatus.NO_IMAGE_AVAILABLE)
        return (Send(source, answer),)

    # Blocks

    def _block(self, source: int, message: ota.ImageBlockRequest, now_ms: int) -> Effects:
        target = self._target(source)
        transfer = self._transfers.get(source)
        if transfer is None:
            image = self._store.image(target.image_sha256)
            if image is None:
                return self._abort(source, message, now_ms)
            transfer = self._transfers.begin(source, image, now_ms)
            if transfer is None:
                return self._wait(source, message, HUB_BUSY_WAIT_S)
        header = transfer.image.header
        if (
            message.file_version != header.file_version
            or message.image_type != header.image_type
            or message.manufacturer_code != header.manufacturer_code
        ):
            # It asks for the image before this one: let it query anew.
            return (*self._abort(source, message, now_ms), self._notification(source))
        transfer.until_ms = now_ms + IDLE_MS
        period_ms = message.minimum_block_period_ms
        if period_ms == self._settings.block_period_ms:
            transfer.told_period = False
        elif period_ms is not None and not transfer.told_period:
            # Told once: a client that keeps another pace all the same is served at its own.
            transfer.told_period = True
            return self._wait(source, message, 0)
        offset = message.file_offset
        octets = min(message.maximum_data_size, self._settings.block_size_octets)
        data = transfer.image.octets[offset : offset + octets]
        if not data:
            return refuse(source, message, ZclStatus.MALFORMED_COMMAND)
        answer = ota.ImageBlockResponse(
            message.tsn,
            header.manufacturer_code,
            header.image_type,
            header.file_version,
            offset,
            data,
        )
        return (Send(source, answer),)

    def _wait(self, source: int, message: ota.ImageBlockRequest, wait_s: int) -> Effects:
        period_ms = self._settings.block_period_ms
        return (Send(source, ota.ImageBlockWait(message.tsn, 0, wait_s, period_ms)),)

    def _abort(self, source: int, message: ota.ImageBlockRequest, _now_ms: int) -> Effects:
        return (Send(source, ota.ImageBlockRefused(message.tsn, ZclStatus.ABORT)),)

    # The end

    def _upgrade_end(self, source: int, message: ota.UpgradeEndRequest, now_ms: int) -> Effects:
        target = self._target(source)
        if message.file_version != target.file_version:
            return self._upgrade_end_of_another(source, message, now_ms)
        self._transfers.end(source)
        if message.status == ZclStatus.SUCCESS:
            ended = self._end(target, TransferResult.SUCCESS, now_ms)
            return (*ended, _upgrade_end_response(source, message))
        ended = ()
        if message.status == ZclStatus.INVALID_IMAGE:
            ended = self._end(target, TransferResult.IMAGE_DISCARDED, now_ms)
        return (*ended, *refuse(source, message, ZclStatus.SUCCESS))

    def _upgrade_end_again(
        self, source: int, message: ota.UpgradeEndRequest, now_ms: int
    ) -> Effects:
        """The device has not heard the answer: answer, and tell nobody a second time."""
        target = self._target(source)
        if (
            message.status == ZclStatus.SUCCESS
            and message.file_version == target.file_version
            and target.result is TransferResult.SUCCESS
        ):
            return (_upgrade_end_response(source, message),)
        return self._upgrade_end_of_another(source, message, now_ms)

    def _upgrade_end_of_another(
        self, source: int, message: ota.UpgradeEndRequest, _now_ms: int
    ) -> Effects:
        """An image that this hub does not want the device to run."""
        if message.status == ZclStatus.SUCCESS:
            return refuse(source, message, ZclStatus.NO_IMAGE_AVAILABLE)
        return refuse(source, message, ZclStatus.SUCCESS)

    def _default_response(self, source: int, message: DefaultResponse, now_ms: int) -> Effects:
        refused = (message.command_id, message.status)
        if refused != (_QUERY_NEXT_IMAGE_RESPONSE, ZclStatus.INSUFFICIENT_SPACE):
            return ()
        return self._end(self._target(source), TransferResult.TRANSFER_FAILURE, now_ms)

    def _end(self, target: Target, result: TransferResult, now_ms: int) -> Effects:
        """Record the end with the report of it, then send the report."""
        values, sends = self._report(target, result, now_ms)
        ended = self._targets.put(msgspec.structs.replace(target, result=result))
        self._transfers.end(target.device_id)
        self._store.keep({waiting.image_sha256 for waiting in self._targets.waiting()})
        return (Record({**values, **ended}), *sends)

    def _target(self, device_id: int) -> Target:
        target = self._targets.get(device_id)
        assert target is not None, "the standing of a device says that it has a target"
        return target

    def _notification(self, device_id: int) -> Send:
        self._tsn = (self._tsn + 1) & 0xFF
        return Send(device_id, ota.ImageNotify(self._tsn, _QUERY_JITTER_ALL))

    _TAKE: ClassVar[
        dict[tuple[Standing, type], Callable[["OtaServer", int, Any, int], Effects]]
    ] = {
        (Standing.WITHOUT_IMAGE, ota.QueryNextImageRequest): _no_image,
        (Standing.WITHOUT_IMAGE, ota.ImageBlockRequest): _abort,
        (Standing.WITHOUT_IMAGE, ota.UpgradeEndRequest): _upgrade_end_of_another,
        (Standing.WAITING, ota.QueryNextImageRequest): _offer,
        (Standing.WAITING, ota.ImageBlockRequest): _block,
        (Standing.WAITING, ota.UpgradeEndRequest): _upgrade_end,
        (Standing.WAITING, DefaultResponse): _default_response,
        (Standing.ENDED, ota.QueryNextImageRequest): _no_image,
        (Standing.ENDED, ota.ImageBlockRequest): _abort,
        (Standing.ENDED, ota.UpgradeEndRequest): _upgrade_end_again,
    }


_QUERY_NEXT_IMAGE_RESPONSE = 0x02
_QUERY_JITTER_ALL = 100
# Images of these types activate on their supplier's command, not on the hub's word.
_SIGNED_IMAGE_TYPES = frozenset(IMAGE_TYPES[kind] for kind in SIGNED_TYPES)


def _upgrade_end_response(source: int, message: ota.UpgradeEndRequest) -> Send:
    """Tell the device to upgrade now; one whose image is signed, to hold it."""
    holds = message.image_type in _SIGNED_IMAGE_TYPES
    answer = ota.UpgradeEndResponse(
        message.tsn,
        message.manufacturer_code,
        message.image_type,
        message.file_version,
        current_time_s=0,
        upgrade_time_s=ota.UPGRADE_TIME_HOLD if holds else 0,
    )
    return Send(source, answer)
