"""One Image Block Request and its Response, built, encoded and decoded: ours and zigpy's."""

import statistics
import time
from collections.abc import Callable

from zigpy.zcl import foundation
from zigpy.zcl.clusters.general import Ota

from hanota.limits import BLOCK_SIZE_OCTETS
from hanota.wire.ota import ImageBlockRequest, ImageBlockResponse
from hanota.wire.ota_codec import decode, encode

REPETITIONS = 7
PAIRS = 40_000
ZIGPY_PAIRS = 300

MANUFACTURER, IMAGE_TYPE, VERSION = 0x121D, 0x0084, 0xACDCACDC
DATA = bytes(range(BLOCK_SIZE_OCTETS))

Frames = tuple[bytes, bytes]


def figures() -> list[dict[str, object]]:
    """Pairs a second on one core, the median of several runs taken in turns."""
    if our_pair(77) != zigpy_pair(77):
        message = "the two codecs write different frames: nothing to compare"
        raise RuntimeError(message)
    runs = [(rate(our_pair, PAIRS), rate(zigpy_pair, ZIGPY_PAIRS)) for _ in range(REPETITIONS)]
    ours, theirs = (statistics.median(rates) for rates in zip(*runs, strict=True))
    return [
        {
            "name": "image_block_pair",
            "value": ours,
            "unit": "request and response pairs a second",
            "reference": "zigpy 2.4",
            "reference_value": theirs,
            "ratio": ours / theirs,
        }
    ]


def rate(pair: Callable[[int], Frames], count: int) -> float:
    """How many pairs a second `pair` manages, at growing file offsets."""
    started = time.perf_counter()
    for number in range(count):
        pair(number)
    return count / (time.perf_counter() - started)


def our_pair(number: int) -> Frames:
    """A block's request and response with hanota."""
    tsn, offset = number & 0xFF, number * BLOCK_SIZE_OCTETS
    request = encode(
        ImageBlockRequest(tsn, MANUFACTURER, IMAGE_TYPE, VERSION, offset, BLOCK_SIZE_OCTETS)
    )
    decode(request)
    response = encode(ImageBlockResponse(tsn, MANUFACTURER, IMAGE_TYPE, VERSION, offset, DATA))
    decode(response)
    return request, response


def zigpy_pair(number: int) -> Frames:
    """The same with zigpy."""
    tsn, offset = number & 0xFF, number * BLOCK_SIZE_OCTETS
    block_request = Ota.ServerCommandDefs.image_block
    block_response = Ota.ClientCommandDefs.image_block_response
    request = (
        foundation.ZCLHeader.cluster(tsn, block_request.id).serialize()
        + block_request.schema(
            field_control=0,
            manufacturer_code=MANUFACTURER,
            image_type=IMAGE_TYPE,
            file_version=VERSION,
            file_offset=offset,
            maximum_data_size=BLOCK_SIZE_OCTETS,
        ).serialize()
    )
    _, payload = foundation.ZCLHeader.deserialize(request)
    block_request.schema.deserialize(payload)
    response = (
        foundation.ZCLHeader.cluster(
            tsn, block_response.id, direction=foundation.Direction.Server_to_Client
        ).serialize()
        + block_response.schema(
            status=foundation.Status.SUCCESS,
            manufacturer_code=MANUFACTURER,
            image_type=IMAGE_TYPE,
            file_version=VERSION,
            file_offset=offset,
            image_data=DATA,
        ).serialize()
    )
    _, payload = foundation.ZCLHeader.deserialize(response)
    block_response.schema.deserialize(payload)
    return request, response
