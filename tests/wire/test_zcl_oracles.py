"""The same frames in two implementations that know nothing of ours: zigpy and tshark."""

import subprocess

import pytest
from hypothesis import given
from msgspec.structs import asdict
from tests.vectors import require_tool
from tests.wire.zcl_golden import FRAMES, GOLDEN, IDS, MESSAGES
from tests.wire.zcl_messages import messages
from zigpy.zcl import foundation
from zigpy.zcl.clusters.general import Ota

from hanota.wire import ota, tunnel
from hanota.wire.codes import ZclStatus
from hanota.wire.ota_codec import decode, encode
from hanota.wire.pcap import pcap_header, pcap_record
from hanota.wire.radio import RadioFrame, encode_radio_frame
from hanota.wire.zcl import DefaultResponse, Direction

pytestmark = pytest.mark.oracle

# Our names where zigpy's differ.
ZIGPY_NAMES = {
    "image_size_octets": "image_size",
    "request_node": "request_node_addr",
    "minimum_block_period_ms": "minimum_block_period",
    "page_size_octets": "page_size",
    "response_spacing_ms": "response_spacing",
    "data": "image_data",
    "current_time_s": "current_time",
    "request_time_s": "request_time",
    "upgrade_time_s": "upgrade_time",
}
# What zigpy has as a field and we know from the kind of message and from which fields are there.
ZIGPY_SELECTORS = {"payload_type", "field_control", "status"}

TSHARK_NAMES = {
    "query_jitter": "query_jitter",
    "manufacturer_code": "manufacturer_code",
    "image_type": "image.type",
    "file_version": "file.version",
    "current_file_version": "file.version",
    "new_file_version": "file.version",
    "hardware_version": "hw_ver",
    "image_size_octets": "image.size",
    "status": "status",
    "file_offset": "file.offset",
    "maximum_data_size": "max_data_size",
    "request_node": "ieee_addr",
    "minimum_block_period_ms": "min_block_period",
    "page_size_octets": "page.size",
    "response_spacing_ms": "rsp_spacing",
    "data": "image.data",
    "current_time_s": "current_time",
    "request_time_s": "request_time",
    "upgrade_time_s": "upgrade_time",
    "current_zigbee_stack_version": "zb_stack.ver",
}


def zigpy_schema(header):
    """The class with which zigpy reads the payload under a ZCL header."""
    if header.frame_control.is_general:
        return foundation.GENERAL_COMMANDS[header.command_id].schema
    to_server = header.direction == foundation.Direction.Client_to_Server
    commands = Ota.server_commands if to_server else Ota.client_commands
    return commands[header.command_id].schema


def zigpy_read(frame):
    """Read a frame with zigpy: header, command, what is left over."""
    header, payload = foundation.ZCLHeader.deserialize(frame)
    command, rest = zigpy_schema(header).deserialize(payload)
    return header, command, rest


def plain(value):
    """zigpy's integers, addresses and octet strings as ours."""
    if hasattr(value, "serialize") and not isinstance(value, int | bytes):
        return int.from_bytes(value.serialize(), "little")
    return bytes(value) if isinstance(value, bytes) else int(value)


def is_known_to_zigpy(message):
    """zigpy has no WAIT_FOR_DATA without a period, which older servers send."""
    return not (isinstance(message, ota.ImageBlockWait) and message.minimum_block_period_ms is None)


def compare_with_zigpy(message):
    frame = encode(message)
    header, command, rest = zigpy_read(frame)
    fields = asdict(message)
    assert rest == b""
    assert header.tsn == fields.pop("tsn")
    assert bool(header.frame_control.disable_default_response) == fields.pop(
        "disable_default_response"
    )
    if "direction" in fields:
        assert (fields.pop("direction") is Direction.TO_CLIENT) == bool(header.direction)
    ours = {ZIGPY_NAMES.get(name, name): v for name, v in fields.items() if v is not None}
    theirs = {name: plain(v) for name, v in command.as_dict().items() if v is not None}
    for name in ZIGPY_SELECTORS - ours.keys():
        theirs.pop(name, None)
    assert ours == theirs
    assert decode(header.serialize() + command.serialize()) == message


@pytest.mark.parametrize("message", MESSAGES, ids=IDS)
def test_zigpy_reads_and_writes_every_command_as_we_do(message):
    if is_known_to_zigpy(message):
        compare_with_zigpy(message)
    else:
        with pytest.raises(ValueError):
            zigpy_read(encode(message))


@given(messages().filter(is_known_to_zigpy))
def test_zigpy_agrees_on_any_message(message):
    compare_with_zigpy(message)


@pytest.fixture(scope="module")
def tshark_rows(tmp_path_factory):
    """What tshark makes of a capture of all golden frames, then all tunnel frames."""
    tshark = require_tool("tshark")
    capture = tmp_path_factory.mktemp("capture") / "frames.pcap"
    frames = [(ota.CLUSTER_ID, frame) for frame in FRAMES]
    frames += [(tunnel.CLUSTER_ID, tunnel.encode(message)) for message in TUNNEL_MESSAGES]
    capture.write_bytes(
        pcap_header()
        + b"".join(
            pcap_record(INSTANT_MS + 15 * number, on_air(number, cluster_id, frame))
            for number, (cluster_id, frame) in enumerate(frames)
        )
    )
    columns = [
        "_ws.malformed", "_ws.expert.message", "frame.time_epoch", "wpan.fcs_ok",
        "wpan.dst_pan", "wpan.src16", "wpan.dst16", "wpan.seq_no",
        "zbee_nwk.src", "zbee_nwk.dst", "zbee_nwk.seqno", "zbee_nwk.radius",
        "zbee_aps.profile", "zbee_aps.cluster", "zbee_aps.counter",
        "zbee_aps.src", "zbee_aps.dst",
        "zbee_zcl.cmd.tsn", "zbee_zcl.dir", "zbee_zcl.ddr",
        "zbee_zcl.cmd.id.rsp", "zbee_zcl.attr.status",
        "zbee_zcl_se.tun.tunnel_id", "zbee_zcl_se.tun.cmd.srv_rx.id",
        "zbee_zcl_se.tun.cmd.srv_tx.id", "data.data",
        "zbee_zcl_general.ota.cmd.srv_rx.id", "zbee_zcl_general.ota.cmd.srv_tx.id",
        *(f"zbee_zcl_general.ota.{name}" for name in sorted(set(TSHARK_NAMES.values()))),
    ]  # fmt: skip
    options = [option for column in columns for option in ("-e", column)]
    output = subprocess.run(
        [tshark, "-r", str(capture), "-T", "fields", "-E", "separator=;", *options],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [dict(zip(columns, line.split(";"), strict=True)) for line in output.splitlines()]
    assert len(rows) == len(frames)
    return rows


INSTANT_MS = 1_790_000_000_000
PAN, HUB, DEVICE = 0x1A2B, 0x0000, 0x5A5A
TUNNEL_MESSAGES = [
    message
    for direction in Direction
    for chunks in [
        tunnel.split(bytes(range(100)), number=7, tunnel_id=3, direction=direction, tsn=254)
    ]
    for message in [*chunks, tunnel.receipt(chunks[-1], tsn=9)]
]


def on_air(number, cluster_id, frame):
    to_client = bool(frame[0] & Direction.TO_CLIENT)
    source, destination = (HUB, DEVICE) if to_client else (DEVICE, HUB)
    return encode_radio_frame(
        RadioFrame(PAN, source, destination, number, number + 1, number + 2, cluster_id, frame)
    )


def test_tshark_finds_nothing_wrong(tshark_rows):
    for row in tshark_rows:
        assert (row["_ws.malformed"], row["_ws.expert.message"]) == ("", "")
        assert row["wpan.fcs_ok"] == "1"


def test_tshark_reads_every_layer_below(tshark_rows):
    for number, row in enumerate(tshark_rows):
        to_client = row["zbee_zcl.dir"] == "1"
        source, destination = (HUB, DEVICE) if to_client else (DEVICE, HUB)
        assert float(row["frame.time_epoch"]) == (INSTANT_MS + 15 * number) / 1000
        assert value(row, "wpan.dst_pan") == PAN
        assert [value(row, "wpan.src16"), value(row, "zbee_nwk.src")] == [source] * 2
        assert [value(row, "wpan.dst16"), value(row, "zbee_nwk.dst")] == [destination] * 2
        assert value(row, "wpan.seq_no") == number
        assert value(row, "zbee_nwk.seqno") == number + 1
        assert value(row, "zbee_aps.counter") == number + 2
        assert value(row, "zbee_nwk.radius") == 30
        assert value(row, "zbee_aps.profile") == 0x0109
        assert [value(row, "zbee_aps.src"), value(row, "zbee_aps.dst")] == [1, 1]


@pytest.mark.parametrize("number", range(len(GOLDEN)), ids=IDS)
def test_tshark_reads_every_field_of_the_ota_cluster(tshark_rows, number):
    message, row = MESSAGES[number], tshark_rows[number]
    fields = {name: v for name, v in asdict(message).items() if v is not None}
    assert value(row, "zbee_aps.cluster") == ota.CLUSTER_ID
    assert value(row, "zbee_zcl.cmd.tsn") == fields.pop("tsn")
    assert value(row, "zbee_zcl.ddr") == fields.pop("disable_default_response")
    theirs = {
        name: value(row, f"zbee_zcl_general.ota.{name}")
        for name in TSHARK_NAMES.values()
        if row[f"zbee_zcl_general.ota.{name}"]
    }
    if isinstance(message, DefaultResponse):
        assert value(row, "zbee_zcl.cmd.id.rsp") == message.command_id
        assert value(row, "zbee_zcl.attr.status") == message.status
        assert value(row, "zbee_zcl.dir") == (message.direction is Direction.TO_CLIENT)
        assert theirs == {}
        return
    direction = "tx" if row["zbee_zcl.dir"] == "1" else "rx"
    assert value(row, f"zbee_zcl_general.ota.cmd.srv_{direction}.id") == FRAMES[number][2]
    if "status" not in fields and "status" in theirs:
        waits = isinstance(message, ota.ImageBlockWait)
        assert theirs.pop("status") == (ZclStatus.WAIT_FOR_DATA if waits else ZclStatus.SUCCESS)
    if isinstance(message, ota.ImageBlockWait):
        # tshark 4.0 stops before the period, as the older form of the command does.
        fields.pop("minimum_block_period_ms", None)
        theirs.pop("min_block_period", None)
    assert theirs == {TSHARK_NAMES[name]: v for name, v in fields.items()}


def test_tshark_reads_the_tunnel(tshark_rows):
    rows = tshark_rows[len(GOLDEN) :]
    for message, row in zip(TUNNEL_MESSAGES, rows, strict=True):
        to_client = message.direction is Direction.TO_CLIENT
        assert value(row, "zbee_aps.cluster") == tunnel.CLUSTER_ID
        assert value(row, "zbee_zcl.cmd.tsn") == message.tsn
        assert value(row, "zbee_zcl.dir") == to_client
        # TransferData is 01 from the server and 02 from the client.
        assert row["zbee_zcl_se.tun.cmd.srv_tx.id"] == ("0x01" if to_client else "")
        assert row["zbee_zcl_se.tun.cmd.srv_rx.id"] == ("" if to_client else "0x02")
        assert value(row, "zbee_zcl_se.tun.tunnel_id") == message.tunnel_id
        assert bytes.fromhex(row["data.data"]) == tunnel.encode(message)[5:]


def value(row, name):
    """A column of tshark as the number or octets that it stands for."""
    text = row[name]
    if name.endswith("image.data"):
        return bytes.fromhex(text.replace(":", ""))
    return int(text, 0)
