"""The OTA Upgrade cluster 0x0019 (ZCL8 chapter 11): its commands, attributes and special values.

The server is the Communications Hub, the client is the device. A response carries the TSN of its
request; an Image Notify, and an Upgrade End Response that nobody asked for, carry a new one.

Every command ends with `disable_default_response`, as read from the frame control: its default is
what this project sends (requests let the server answer with a Default Response, responses do
not ask for one), and both values are legal.

Trap: the unit of MinimumBlockPeriod is the millisecond in cluster revisions 1 and 3, but the
second in revision 2 (Smart Energy 1.2b). This project speaks revision 3; whoever serves a client
of revision 2 has to convert.

Not here: the octets (`ota_codec`), the image file (`image`), what hub and device do (`han`).
"""

from enum import IntEnum

import msgspec

from hanota.errors import LocalError
from hanota.wire.codes import ZclStatus

CLUSTER_ID = 0x0019
CLUSTER_REVISION = 3

# Wildcards: an Upgrade End Response with all three speaks to every client.
ANY_MANUFACTURER = 0xFFFF
ANY_IMAGE_TYPE = 0xFFFF
ANY_FILE_VERSION = 0xFFFF_FFFF

# `upgrade_time_s` that says: wait for another Upgrade End Response, however long it takes.
UPGRADE_TIME_HOLD = 0xFFFF_FFFF


class ImageType(IntEnum):
    """Image types with a meaning of their own for every manufacturer."""

    SECURITY_CREDENTIALS = 0xFFC0
    CONFIGURATION = 0xFFC1
    SERVER_LOG = 0xFFC2
    PICTURE = 0xFFC3


class Attribute(IntEnum):
    """Attribute ids, all on the client's side; a value of all ones is unknown."""

    UPGRADE_SERVER_ID = 0x0000  # EUI-64, mandatory
    FILE_OFFSET = 0x0001
    CURRENT_FILE_VERSION = 0x0002
    CURRENT_ZIGBEE_STACK_VERSION = 0x0003
    DOWNLOADED_FILE_VERSION = 0x0004
    DOWNLOADED_ZIGBEE_STACK_VERSION = 0x0005
    IMAGE_UPGRADE_STATUS = 0x0006  # ImageUpgradeStatus, mandatory
    MANUFACTURER_ID = 0x0007
    IMAGE_TYPE_ID = 0x0008
    MINIMUM_BLOCK_PERIOD = 0x0009
    IMAGE_STAMP = 0x000A
    UPGRADE_ACTIVATION_POLICY = 0x000B
    UPGRADE_TIMEOUT_POLICY = 0x000C
    CLUSTER_REVISION = 0xFFFD


class ImageUpgradeStatus(IntEnum):
    """How far a client is; the last one came with Smart Energy 1.2b."""

    NORMAL = 0
    DOWNLOADING = 1
    DOWNLOAD_COMPLETE = 2
    WAITING_TO_UPGRADE = 3
    COUNT_DOWN = 4
    WAIT_FOR_MORE = 5
    WAITING_FOR_EXTERNAL_EVENT = 6


class UpgradeActivationPolicy(IntEnum):
    """Who may tell a client to activate its image."""

    SERVER = 0
    OUT_OF_BAND_ONLY = 1


class UpgradeTimeoutPolicy(IntEnum):
    """What a client does when no Upgrade End Response comes."""

    APPLY_AFTER_TIMEOUT = 0
    DO_NOT_APPLY_AFTER_TIMEOUT = 1


class ImageNotify(msgspec.Struct, frozen=True, gc=False):
    """00, server to client: there may be an image for you.

    The optional fields narrow whom it concerns, each only together with those before it. A client
    queries with a chance of `query_jitter` (1 to 100) percent when notified by broadcast, and
    always when by unicast, so that no value of it makes the frame itself malformed.
    """

    tsn: int
    query_jitter: int
    manufacturer_code: int | None = None
    image_type: int | None = None
    new_file_version: int | None = None
    disable_default_response: bool = True


class QueryNextImageRequest(msgspec.Struct, frozen=True, gc=False):
    """01, client to server: is there an image for what I run?"""

    tsn: int
    manufacturer_code: int
    image_type: int
    current_file_version: int
    hardware_version: int | None = None
    disable_default_response: bool = False


class QueryNextImageResponse(msgspec.Struct, frozen=True, gc=False):
    """02 with status SUCCESS, server to client: this image; its size is the whole file's."""

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    image_size_octets: int
    disable_default_response: bool = True


class QueryNextImageRefused(msgspec.Struct, frozen=True, gc=False):
    """02 with any other status: NO_IMAGE_AVAILABLE or NOT_AUTHORIZED as a rule."""

    tsn: int
    status: int
    disable_default_response: bool = True

    def __post_init__(self) -> None:
        _require_refusal(self.status, ZclStatus.SUCCESS)


class ImageBlockRequest(msgspec.Struct, frozen=True, gc=False):
    """03, client to server: up to `maximum_data_size` octets of the file, from `file_offset` on.

    A client that has attribute MinimumBlockPeriod sends its value along.
    """

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    file_offset: int
    maximum_data_size: int
    request_node: int | None = None  # EUI-64 of the client
    minimum_block_period_ms: int | None = None
    disable_default_response: bool = False


class ImagePageRequest(msgspec.Struct, frozen=True, gc=False):
    """04, client to server: a page of blocks without asking for each."""

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    file_offset: int
    maximum_data_size: int
    page_size_octets: int
    response_spacing_ms: int
    request_node: int | None = None  # EUI-64 of the client
    disable_default_response: bool = False


class ImageBlockResponse(msgspec.Struct, frozen=True, gc=False):
    """05 with status SUCCESS, server to client: octets of the file, at most 255."""

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    file_offset: int
    data: bytes
    disable_default_response: bool = True


class ImageBlockWait(msgspec.Struct, frozen=True, gc=False):
    """05 with status WAIT_FOR_DATA: ask again later, and not more often than this.

    Where `current_time_s` is 0, `request_time_s` is how long to wait; otherwise both are UTC,
    seconds since 2000-01-01. Older servers send no period.
    """

    tsn: int
    current_time_s: int
    request_time_s: int
    minimum_block_period_ms: int | None
    disable_default_response: bool = True


class ImageBlockRefused(msgspec.Struct, frozen=True, gc=False):
    """05 with any other status: ABORT gives the download up, some servers send further ones."""

    tsn: int
    status: int
    disable_default_response: bool = True

    def __post_init__(self) -> None:
        _require_refusal(self.status, ZclStatus.SUCCESS, ZclStatus.WAIT_FOR_DATA)


class UpgradeEndRequest(msgspec.Struct, frozen=True, gc=False):
    """06, client to server: the download ended, SUCCESS, INVALID_IMAGE, ABORT and the like.

    A server answers a failure with a Default Response, never with an Upgrade End Response.
    """

    tsn: int
    status: int
    manufacturer_code: int
    image_type: int
    file_version: int
    disable_default_response: bool = False


class UpgradeEndResponse(msgspec.Struct, frozen=True, gc=False):
    """07, server to client: when to activate the image; may come without being asked for.

    The two times are as in ImageBlockWait; 0 and 0 is now, UPGRADE_TIME_HOLD is not yet.
    """

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    current_time_s: int
    upgrade_time_s: int
    disable_default_response: bool = True


class QueryDeviceSpecificFileRequest(msgspec.Struct, frozen=True, gc=False):
    """08, client to server: is there a file for me alone, credentials or a configuration?"""

    tsn: int
    request_node: int  # EUI-64 of the client
    manufacturer_code: int
    image_type: int
    file_version: int
    current_zigbee_stack_version: int
    disable_default_response: bool = False


class QueryDeviceSpecificFileResponse(msgspec.Struct, frozen=True, gc=False):
    """09 with status SUCCESS, server to client: as QueryNextImageResponse."""

    tsn: int
    manufacturer_code: int
    image_type: int
    file_version: int
    image_size_octets: int
    disable_default_response: bool = True


class QueryDeviceSpecificFileRefused(msgspec.Struct, frozen=True, gc=False):
    """09 with any other status: as QueryNextImageRefused."""

    tsn: int
    status: int
    disable_default_response: bool = True

    def __post_init__(self) -> None:
        _require_refusal(self.status, ZclStatus.SUCCESS)


Command = (
    ImageNotify
    | QueryNextImageRequest
    | QueryNextImageResponse
    | QueryNextImageRefused
    | ImageBlockRequest
    | ImagePageRequest
    | ImageBlockResponse
    | ImageBlockWait
    | ImageBlockRefused
    | UpgradeEndRequest
    | UpgradeEndResponse
    | QueryDeviceSpecificFileRequest
    | QueryDeviceSpecificFileResponse
    | QueryDeviceSpecificFileRefused
)


def _require_refusal(status: int, *carried_elsewhere: ZclStatus) -> None:
    if status in carried_elsewhere:
        raise LocalError(f"{ZclStatus(status).name} is no refusal: it has a message of its own")
