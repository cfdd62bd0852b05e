"""The 11.4 that a supplier makes."""

import pytest

from hanota.errors import LocalError, RemoteError
from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import DeviceType, RequestID
from hanota.supplier.requests import update_ppmid_firmware
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

REQUEST_ID = RequestID(1, 2, 3)
IMAGE = encode_image(
    build_image(
        image_type=IMAGE_TYPES[DeviceType.PPMID],
        manufacturer_code=0x121D,
        file_version=0xACDC_ACDC,
        manufacturer_image=b"firmware",
    )
)


def test_it_names_the_version_of_the_header():
    request = update_ppmid_firmware(REQUEST_ID, IMAGE, [7, 8])
    assert request.body.firmware_version == "ACDCACDC"
    assert request.body.device_id_list == (7, 8)
    assert request.body.firmware_image == IMAGE
    assert (request.command_variant, request.service_reference) == (8, "11.4")


@pytest.mark.parametrize("devices", [0, DEVICES_PER_REQUEST_MAX + 1])
def test_no_device_and_too_many_are_refused(devices):
    with pytest.raises(LocalError, match="1 to 50,000 devices"):
        update_ppmid_firmware(REQUEST_ID, IMAGE, range(1, devices + 1))


def test_what_is_no_image_is_refused():
    with pytest.raises(RemoteError):
        update_ppmid_firmware(REQUEST_ID, IMAGE[:-1], [7])
