"""The service requests of a firmware update, as a supplier makes them.

Not here: signing them (`smki.dsig`), and 11.1 to 11.3 for the devices that are activated by a
critical command of their own.
"""

from collections.abc import Sequence

from hanota.errors import LocalError
from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import RequestID, version_text
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware
from hanota.wire.image import decode_image

NON_DEVICE_COMMAND_VARIANT = 8
UPDATE_PPMID_FIRMWARE = "11.4"


def update_ppmid_firmware(
    request_id: RequestID, image_file: bytes, device_ids: Sequence[int]
) -> Request:
    """11.4: deliver this OTA file to these PPMIDs, and let the hub have it activated.

    The FirmwareVersion is the file version of the image's header. RemoteError when the file is no
    OTA image without a trailer, LocalError for no device or more than DEVICES_PER_REQUEST_MAX.
    """
    if not 0 < len(device_ids) <= DEVICES_PER_REQUEST_MAX:
        raise LocalError(
            f"a request names 1 to {DEVICES_PER_REQUEST_MAX:,} devices, not {len(device_ids):,}"
        )
    image = decode_image(image_file, signed=False)
    body = UpdatePPMIDFirmware(
        firmware_image=image_file,
        firmware_version=version_text(image.header.file_version),
        device_id_list=tuple(device_ids),
    )
    return Request(
        request_id,
        NON_DEVICE_COMMAND_VARIANT,
        UPDATE_PPMID_FIRMWARE,
        UPDATE_PPMID_FIRMWARE,
        body,
    )
