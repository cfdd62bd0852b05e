"""Service request 11.1 at a device: the image that a supplier signed, and the receipt for it.

An image may be held if its maker released it for this device (`verification`) and its trailer is
the signature of a supplier that the device trusts. Either way the device tells, in a Firmware
Distribution Receipt Alert with the Manufacturer Image Hash that it calculated itself: 8F72 to the
supplier whose image it is, 8F1C to the first that it trusts when it discards the image.

A verification is told once, also when power fails; an image that is brought again is told again.
An image once accepted stays the property of its supplier, whoever is trusted later; but it is not
taken for the one that a new supplier brings, even if it is the same one of their maker.

Not here: the download (`ota_client`), and activation (`firmware_activation`).
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from hanota.errors import RemoteError
from hanota.han.command_reception import Trust
from hanota.han.download import DOWNLOAD_KEY, TOLD_KEY
from hanota.han.firmware_activation import HeldImage, Step
from hanota.han.flash import FlashView
from hanota.han.originator import Originator
from hanota.model import DeviceType
from hanota.smki import keys
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import dlms
from hanota.wire.gbcs import firmware_distribution_receipt as receipt
from hanota.wire.image import OtaImage, decode_image, manufacturer_image_hash


class ReceiptForm(NamedTuple):
    """Message code of a receipt, and its content from code, counter, instant and hash."""

    message_code: int
    encode: Callable[[AlertCode, int, int, bytes], bytes]


class Receipt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of the image in the slot; no `supplier`: that it is discarded."""

    image_hash: bytes
    supplier: int | None
    version: int | None = None  # file version of the image


class FirmwareDistribution:
    """The images that suppliers bring to one device.

    Args:
        form: how its kind of device writes receipts.
        trust: whose images it takes.
        originator: the device as it speaks for itself.
        slot: the image slot that is free.
        flash: the device's own.
        verify: gives the image if its maker released it for this device.
    """

    def __init__(
        self,
        *,
        form: ReceiptForm,
        trust: Trust,
        originator: Originator,
        slot: int,
        flash: FlashView,
        verify: Callable[[bytes], OtaImage | None],
    ) -> None:
        self._form = form
        self._trust = trust
        self._originator = originator
        self._slot = slot
        self._flash = flash
        self._verify = verify

    def held(self) -> HeldImage | None:
        """The image in the free slot, if it is whole, sound and was told to be verified."""
        told = self._told()
        if told is None or told.supplier is None:
            return None
        image = self._verify(self._flash.content(self._slot))
        if image is None or _receipt(image, told.supplier) != told:
            return None
        return HeldImage(told.image_hash, told.supplier)

    @property
    def version(self) -> int | None:
        """File version of the image that was told to be verified; None where none was."""
        told = self._told()
        return None if told is None else told.version

    def verify(self, data: bytes) -> OtaImage | None:
        """The image in `data`, if this device may hold it."""
        image = self._verify(data)
        return None if image is None or self._supplier(image) is None else image

    def outlives_its_supplier(self) -> bool:
        """Whether the image in the slot came from a supplier that the device trusts no more."""
        told = self._told()
        return (
            told is not None
            and told.supplier not in (None, *self._trust.suppliers)
            and DOWNLOAD_KEY in self._flash.records
        )

    def tell(self, image: OtaImage | None, now_ms: int, *, again: bool) -> Step:
        """Tell of a verification of the slot; None: the image is discarded.

        `again` says that it may have been told before the power failed.
        """
        supplier = None if image is None else self._supplier(image)
        if image is None or supplier is None:
            verdict = Receipt(_calculated_hash(self._flash.content(self._slot)), None)
        else:
            verdict = _receipt(image, supplier)
        if again and verdict == self._told():
            return Step()
        target = self._trust.suppliers[0] if supplier is None else supplier
        code = _ALERT_CODES[supplier is not None]
        content = self._form.encode(code, self._originator.next_counter, now_ms, verdict.image_hash)
        message, counter = self._originator.alert(self._form.message_code, content, target)
        return Step({**counter, TOLD_KEY: _encoder.encode(verdict)}, message)

    def _told(self) -> Receipt | None:
        octets = self._flash.records.get(TOLD_KEY)
        return None if octets is None else _decoder.decode(octets)

    def _supplier(self, image: OtaImage) -> int | None:
        """Whose image it is: who signed it, or had signed it when it was accepted."""
        signature = image.signature
        assert signature is not None, "images of these kinds have a trailer"
        for supplier in self._trust.suppliers:
            if keys.verify(self._trust.public_key(supplier), image.manufacturer_image, signature):
                return supplier
        told = self._told()
        if told is not None and told.image_hash == manufacturer_image_hash(image):
            return told.supplier
        return None


def _receipt(image: OtaImage, supplier: int) -> Receipt:
    return Receipt(manufacturer_image_hash(image), supplier, image.header.file_version)


def _dlms(code: AlertCode, counter: int, now_ms: int, image_hash: bytes) -> bytes:
    return receipt.encode_esme_alert(
        receipt.EsmeFirmwareDistributionReceipt(
            code, dlms.invoke_id(counter), dlms.encode_date_time(now_ms), image_hash
        )
    )


def _gbz(code: AlertCode, _counter: int, now_ms: int, image_hash: bytes) -> bytes:
    return receipt.encode_gsme_alert(
        receipt.GsmeFirmwareDistributionReceipt(code, now_ms // 1000 * 1000, image_hash)
    )


# The kinds of device that 11.1 updates. That an HCALCS, which is an electricity device, uses the
# form of the ESME is an assumption: no source says which of the two it sends.
RECEIPT_FORMS = {
    DeviceType.ESME: ReceiptForm(0x00CE, _dlms),
    DeviceType.HCALCS: ReceiptForm(0x00CE, _dlms),
    DeviceType.GSME: ReceiptForm(0x00CF, _gbz),
}

_ALERT_CODES = {True: AlertCode.FIRMWARE_VERIFIED, False: AlertCode.FIRMWARE_VERIFICATION_FAILED}

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Receipt)


def _calculated_hash(content: bytes) -> bytes:
    """The Manufacturer Image Hash; of all there is, where no image can be told apart in it.

    What a receipt 8F1C has in that case is not public: an assumption.
    """
    for signed in (True, False):
        try:
            return manufacturer_image_hash(decode_image(content, signed=signed))
        except RemoteError:
            continue
    return hashlib.sha256(content).digest()
