"""The service requests of firmware updates, as a supplier makes them.

11.4 updates PPMIDs in one request. ESMEs, GSMEs and HCALCSs take two: 11.1 distributes, 11.3
activates, once as a request to be transformed (CV 4) and, when its Pre-Command is signed, once
more under the same RequestID (CV 5). 11.2 reads which version a device runs.

Not here: signing requests (`smki.dsig`) and Pre-Commands (`pre_command`).
"""

from collections.abc import Sequence

from hanota.errors import LocalError
from hanota.limits import DEVICES_PER_REQUEST_MAX, HASH_OCTETS
from hanota.model import DeviceType, RequestID, version_text
from hanota.wire.duis.values import (
    CANCELLATION_MS,
    ActivateFirmware,
    ReadFirmwareVersion,
    Request,
    RequestBody,
    SignedPreCommand,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)
from hanota.wire.image import SIGNED_TYPES, decode_image

COMMAND_VARIANT = 1
TRANSFORM_COMMAND_VARIANT = 4
SIGNED_COMMAND_VARIANT = 5
NON_DEVICE_COMMAND_VARIANT = 8

UPDATE_FIRMWARE = "11.1"
READ_FIRMWARE_VERSION = "11.2"
ACTIVATE_FIRMWARE = "11.3"
UPDATE_PPMID_FIRMWARE = "11.4"

# Which kinds of device a request to distribute may name.
DEVICE_TYPES_OF_SERVICE = {
    UPDATE_FIRMWARE: SIGNED_TYPES,
    UPDATE_PPMID_FIRMWARE: frozenset({DeviceType.PPMID}),
}


def update_firmware(request_id: RequestID, image_file: bytes, device_ids: Sequence[int]) -> Request:
    """11.1: distribute this OTA file, which ends with the supplier's signature, to these devices.

    The FirmwareVersion is the file version of the image's header. RemoteError when the file is no
    OTA image with a trailer, LocalError for no device or more than DEVICES_PER_REQUEST_MAX.
    """
    _require_count(device_ids)
    image = decode_image(image_file, signed=True)
    version = version_text(image.header.file_version)
    body = UpdateFirmware(image_file, version, tuple(device_ids))
    return _request(request_id, NON_DEVICE_COMMAND_VARIANT, UPDATE_FIRMWARE, body)


def update_ppmid_firmware(
    request_id: RequestID, image_file: bytes, device_ids: Sequence[int]
) -> Request:
    """11.4: deliver this OTA file to these PPMIDs, and let the hub have it activated.

    As for 11.1, but an image for PPMIDs has no trailer.
    """
    _require_count(device_ids)
    image = decode_image(image_file, signed=False)
    version = version_text(image.header.file_version)
    body = UpdatePPMIDFirmware(image_file, version, tuple(device_ids))
    return _request(request_id, NON_DEVICE_COMMAND_VARIANT, UPDATE_PPMID_FIRMWARE, body)


def activate_firmware(
    request_id: RequestID, firmware_hash: bytes, execution_date_time_ms: int | None
) -> Request:
    """11.3, CV 4: ask for the Pre-Command that activates the image with this hash.

    `firmware_hash` is that of the Manufacturer Image, 32 octets. Without an execution time the
    device activates at once; one is in whole seconds, and CANCELLATION_MS cancels what waits.
    LocalError when hash or time is none.
    """
    if len(firmware_hash) != HASH_OCTETS:
        raise LocalError(
            f"the hash of a Manufacturer Image has {HASH_OCTETS} octets, not {len(firmware_hash)}"
        )
    if execution_date_time_ms is not None and execution_date_time_ms % 1000:
        raise LocalError("a device knows no parts of a second: give an execution time without any")
    body = ActivateFirmware(
        execution_date_time_ms=execution_date_time_ms, firmware_hash=firmware_hash
    )
    return _request(request_id, TRANSFORM_COMMAND_VARIANT, ACTIVATE_FIRMWARE, body)


def cancel_activation(request_id: RequestID, firmware_hash: bytes) -> Request:
    """11.3, CV 4, with the execution time of the year 3000: the activation that waits is off.

    The image stays where it is, and may be activated later. LocalError as for an activation.
    """
    return activate_firmware(request_id, firmware_hash, CANCELLATION_MS)


def signed_pre_command(asked: Request, gbcs_payload: bytes) -> Request:
    """CV 5 under the RequestID of `asked`, the CV 4 whose signed Pre-Command this is.

    It has no execution time of its own: that of an 11.3 is inside the command, for the device.
    """
    body = SignedPreCommand(gbcs_payload=gbcs_payload)
    return _request(asked.request_id, SIGNED_COMMAND_VARIANT, asked.service_reference, body)


def read_firmware_version(
    request_id: RequestID, execution_date_time_ms: int | None = None
) -> Request:
    """11.2: ask a device which version it runs, now or, kept by the DSP, at an execution time."""
    body = ReadFirmwareVersion(execution_date_time_ms)
    return _request(request_id, COMMAND_VARIANT, READ_FIRMWARE_VERSION, body)


def _require_count(device_ids: Sequence[int]) -> None:
    if not 0 < len(device_ids) <= DEVICES_PER_REQUEST_MAX:
        raise LocalError(
            f"a request names 1 to {DEVICES_PER_REQUEST_MAX:,} devices, not {len(device_ids):,}"
        )


def _request(
    request_id: RequestID, command_variant: int, service_reference: str, body: RequestBody
) -> Request:
    # None of these services has variants of its own: reference and variant are the same.
    return Request(request_id, command_variant, service_reference, service_reference, body)
