"""The service requests that a supplier makes."""

import pytest

from hanota.errors import LocalError, RemoteError
from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import DeviceType, RequestID
from hanota.supplier import requests
from hanota.wire.duis import values as v
from hanota.wire.duis.services import SERVICE_OF_BODY
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

REQUEST_ID = RequestID(1, 2, 3)
HASH = bytes(range(32))
TIME_MS = 1_800_000_000_000


def image(kind, signature=None):
    built = build_image(
        image_type=IMAGE_TYPES[kind],
        manufacturer_code=0x121D,
        file_version=0xACDC_ACDC,
        manufacturer_image=b"firmware",
        signature=signature,
    )
    return encode_image(built)


UNSIGNED, SIGNED = image(DeviceType.PPMID), image(DeviceType.HCALCS, bytes(64))
UPDATES = [
    (requests.update_ppmid_firmware, UNSIGNED, "11.4"),
    (requests.update_firmware, SIGNED, "11.1"),
]


@pytest.mark.parametrize(("update", "file", "reference"), UPDATES)
def test_an_update_names_the_version_of_the_header(update, file, reference):
    request = update(REQUEST_ID, file, [7, 8])
    assert request.body.firmware_version == "ACDCACDC"
    assert request.body.device_id_list == (7, 8)
    assert request.body.firmware_image == file
    assert (request.command_variant, request.service_reference) == (8, reference)


@pytest.mark.parametrize(("update", "file", "reference"), UPDATES)
@pytest.mark.parametrize("devices", [0, DEVICES_PER_REQUEST_MAX + 1])
def test_no_device_and_too_many_are_refused(update, file, reference, devices):
    with pytest.raises(LocalError, match="1 to 50,000 devices"):
        update(REQUEST_ID, file, range(1, devices + 1))


@pytest.mark.parametrize(("update", "file", "reference"), UPDATES)
def test_what_is_no_image_is_refused(update, file, reference):
    with pytest.raises(RemoteError):
        update(REQUEST_ID, file[:-1], [7])


def test_an_image_for_11_1_has_a_trailer():
    with pytest.raises(RemoteError, match="00 40"):
        requests.update_firmware(REQUEST_ID, UNSIGNED, [7])


MADE = [
    (
        requests.activate_firmware(REQUEST_ID, HASH, None),
        (4, "11.3", v.ActivateFirmware(firmware_hash=HASH)),
    ),
    (
        requests.activate_firmware(REQUEST_ID, HASH, TIME_MS),
        (4, "11.3", v.ActivateFirmware(execution_date_time_ms=TIME_MS, firmware_hash=HASH)),
    ),
    (
        requests.cancel_activation(REQUEST_ID, HASH),
        (
            4,
            "11.3",
            v.ActivateFirmware(execution_date_time_ms=v.CANCELLATION_MS, firmware_hash=HASH),
        ),
    ),
    (
        requests.signed_pre_command(
            requests.activate_firmware(REQUEST_ID, HASH, TIME_MS), b"signed"
        ),
        (5, "11.3", v.SignedPreCommand(gbcs_payload=b"signed")),
    ),
    (requests.read_firmware_version(REQUEST_ID), (1, "11.2", v.ReadFirmwareVersion())),
    (
        requests.read_firmware_version(REQUEST_ID, TIME_MS),
        (1, "11.2", v.ReadFirmwareVersion(TIME_MS)),
    ),
]


@pytest.mark.parametrize(("request_", "expected"), MADE)
def test_every_other_request(request_, expected):
    made = (request_.command_variant, request_.service_reference, request_.body)
    assert made == expected
    assert request_.request_id == REQUEST_ID
    assert request_.service_reference_variant == request_.service_reference
    assert SERVICE_OF_BODY.get(type(request_.body), "11.3") == request_.service_reference


@pytest.mark.parametrize("octets", [0, 31, 33])
def test_a_hash_has_32_octets(octets):
    with pytest.raises(LocalError, match="32 octets"):
        requests.activate_firmware(REQUEST_ID, bytes(octets), None)


def test_an_execution_time_has_whole_seconds():
    with pytest.raises(LocalError, match="no parts of a second"):
        requests.activate_firmware(REQUEST_ID, HASH, TIME_MS + 1)
