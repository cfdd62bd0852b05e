"""The frames of one home as Wireshark reads them: nothing malformed, the image whole."""

import subprocess
from itertools import pairwise

import pytest
from tests.sim.a_town import ATown
from tests.vectors import require_tool

from hanota.model import DeviceType, KeyUsage
from hanota.sim.capture import Capture
from hanota.sim.town import build_town
from hanota.sim.town_images import NEW_VERSION
from hanota.sim.world import START_MS
from hanota.smki import protection
from hanota.wire import tunnel
from hanota.wire.gbcs import cs09
from hanota.wire.gbcs import message as gbcs
from hanota.wire.image import encode_image

BLOCK = 48
# Short addresses in the first home, by the ids of its devices; the GPF (3) says nothing.
HUB, ESME, GSME, PPMID, HCALCS = 0, 1, 2, 4, 5
OTA = "zbee_zcl_general.ota"
COLUMNS = (
    "_ws.malformed", "_ws.expert.message", "wpan.fcs_ok", "frame.time_epoch", "wpan.src16",
    "wpan.dst16", "wpan.seq_no", "zbee_nwk.src", "zbee_nwk.seqno", "zbee_aps.cluster",
    "zbee_aps.counter", f"{OTA}.cmd.srv_rx.id", f"{OTA}.cmd.srv_tx.id", f"{OTA}.file.offset",
    f"{OTA}.image.data", f"{OTA}.file.version", "data.data",
)  # fmt: skip
NOTIFY = "0x00"
BLOCK_REQUEST, BLOCK_RESPONSE, UPGRADE_END_REQUEST = "0x03", "0x05", "0x06"


class Captured:
    """The update of a town, its file, and what tshark makes of it."""

    def __init__(self, folder) -> None:
        written: list[bytes] = []
        capture = Capture(build_town(2, 1)[0], written.append)
        self.town = ATown(homes=2, tap=capture.tap).run()
        self.octets = b"".join(written)
        self.records = len(written) - 1
        self.path = folder / "home.pcap"
        self.path.write_bytes(self.octets)

    def rows(self):
        options = [option for column in COLUMNS for option in ("-e", column)]
        output = subprocess.run(
            [
                require_tool("tshark"),
                "-r",
                self.path,
                "-T",
                "fields",
                "-E",
                "separator=;",
                *options,
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return [dict(zip(COLUMNS, line.split(";"), strict=True)) for line in output.splitlines()]


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    return Captured(tmp_path_factory.mktemp("capture"))


@pytest.fixture(scope="module")
def rows(captured):
    return captured.rows()


def of(rows, command, direction):
    return [row for row in rows if row[f"{OTA}.cmd.srv_{direction}.id"] == command]


@pytest.mark.oracle
def test_tshark_finds_nothing_wrong(captured, rows):
    assert len(rows) == captured.records > 0
    for row in rows:
        assert (row["_ws.malformed"], row["_ws.expert.message"]) == ("", "")
        assert row["wpan.fcs_ok"] == "1"


@pytest.mark.oracle
def test_the_blocks_that_tshark_reads_are_the_image(captured, rows):
    image_file = captured.town.image_file
    # The first request is answered with the block period to keep, so it comes again.
    first, *responses = of(rows, BLOCK_RESPONSE, "tx")
    assert first[f"{OTA}.image.data"] == ""
    offsets = [int(row[f"{OTA}.file.offset"], 0) for row in responses]
    assert offsets == list(range(0, len(image_file), BLOCK))
    data = [bytes.fromhex(row[f"{OTA}.image.data"].replace(":", "")) for row in responses]
    assert b"".join(data) == image_file == encode_image(captured.town.image)
    assert len(of(rows, BLOCK_REQUEST, "rx")) == len(responses) + 1


@pytest.mark.oracle
def test_every_command_of_the_main_job_is_there_in_its_order(rows):
    met = [
        row[f"{OTA}.cmd.srv_rx.id"] or row[f"{OTA}.cmd.srv_tx.id"]
        for row in rows
        if row["zbee_aps.cluster"] == "0x0019"
    ]
    assert NOTIFY in met
    # Query and its answer, blocks, the end of the upgrade and its answer.
    order = list(dict.fromkeys(command for command in met if command != NOTIFY))
    assert order == ["0x01", "0x02", BLOCK_REQUEST, BLOCK_RESPONSE, UPGRADE_END_REQUEST, "0x07"]
    (end,) = of(rows, UPGRADE_END_REQUEST, "rx")
    assert int(end[f"{OTA}.file.version"], 0) == NEW_VERSION


@pytest.mark.oracle
def test_the_frames_are_those_of_one_home_in_order_of_time(rows):
    ends = {(int(row["wpan.src16"], 0), int(row["wpan.dst16"], 0)) for row in rows}
    # All the others ask their hub too, in vain.
    devices = (ESME, GSME, PPMID, HCALCS)
    assert ends == {pair for device in devices for pair in ((HUB, device), (device, HUB))}
    times = [float(row["frame.time_epoch"]) for row in rows]
    assert times == sorted(times)
    # The first query of a home that has just come up, long before the supplier begins.
    assert times[0] < START_MS / 1000 < times[-1]


@pytest.mark.oracle
def test_every_node_counts_its_own_frames(rows):
    for node in (HUB, PPMID):
        own = [row for row in rows if int(row["zbee_nwk.src"], 0) == node]
        for name in ("wpan.seq_no", "zbee_nwk.seqno", "zbee_aps.counter"):
            numbers = [int(row[name], 0) for row in own]
            assert numbers[0] == 0
            assert all((after - before) % 256 == 1 for before, after in pairwise(numbers))


@pytest.mark.oracle
def test_the_ppmid_says_through_the_tunnel_that_it_runs_the_version(captured, rows):
    chunks, receipts = [], []
    for row in (row for row in rows if row["zbee_aps.cluster"] == "0x0704"):
        carried = bytes.fromhex(row["data.data"])
        (chunks if carried[0] == 0x81 else receipts).append((int(row["wpan.src16"], 0), carried))
    assert [source for source, _ in chunks] == [PPMID] * len(chunks)
    assert [source for source, _ in receipts] == [HUB]
    # Kind, number, check, index and count stand before the data of a chunk.
    octets = b"".join(carried[9:] for _, carried in chunks)
    said = gbcs.decode(octets)
    ppmid = captured.town.world.town[0].device(DeviceType.PPMID).device_id
    assert said.originator == ppmid
    alert = cs09.decode_alert(said.content)
    assert (alert.firmware_version, alert.result) == (NEW_VERSION, cs09.ActivationResult.SUCCESS)
    key = captured.town.world.pki.certificate(ppmid, KeyUsage.DIGITAL_SIGNATURE).public_key
    assert protection.signature_valid(said, key)
    assert len(octets) > tunnel.TUNNEL_CHUNK_OCTETS


def test_a_capture_has_the_same_octets_again(captured, tmp_path):
    assert Captured(tmp_path).octets == captured.octets


def test_frames_of_other_homes_are_not_written():
    written: list[bytes] = []
    first, second = build_town(2, 1)
    capture = Capture(first, written.append)
    capture.tap(START_MS, second.hub_id, second.devices[-1].device_id, 0x0019, b"frame")
    capture.tap(START_MS, second.hub_id, first.hub_id, 0x0019, b"frame")
    assert len(written) == 1
    capture.tap(START_MS, first.hub_id, first.devices[0].device_id, 0x0019, b"frame")
    assert len(written) == 2
