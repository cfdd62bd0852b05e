"""The frames of one home under NWK and APS security: tshark opens them all with the keys given."""

import subprocess
from itertools import pairwise

import pytest
from tests.sim.a_town import ATown
from tests.vectors import require_tool

from hanota.sim.capture import Capture
from hanota.sim.radio_keys import RadioKeys
from hanota.sim.town import build_town
from hanota.wire.image import encode_image
from hanota.wire.radio import decode_radio_frame
from hanota.wire.radio_security import decode_secured_frame

RECORD_HEADER_OCTETS = 16
OTA = "zbee_zcl_general.ota"
COLUMNS = (
    "_ws.malformed", "_ws.expert.message", "wpan.fcs_ok", "zbee.sec.src64", "zbee.sec.counter",
    "wpan.dst16", "zbee_zcl.cmd.tsn", "zbee_aps.cluster",
    f"{OTA}.cmd.srv_tx.id", f"{OTA}.image.data",
)  # fmt: skip
BLOCK_RESPONSE = "0x05"


class Captured:
    """One update of a town, captured twice: plain and secured."""

    def __init__(self, folder) -> None:
        self.home = build_town(2, 1)[0]
        self.keys = RadioKeys(self.home, 1)
        self.plain: list[bytes] = []
        self.secured: list[bytes] = []
        plain = Capture(self.home, self.plain.append)
        secured = Capture(self.home, self.secured.append, self.keys)

        def tap(*frame):
            plain.tap(*frame)
            secured.tap(*frame)

        self.town = ATown(homes=2, tap=tap).run()
        self.path = folder / "home.pcap"
        self.path.write_bytes(b"".join(self.secured))

    def rows(self, lines):
        options = [word for line in lines for word in ("-o", f"uat:zigbee_pc_keys:{line}")]
        options += [word for column in COLUMNS for word in ("-e", column)]
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
    return captured.rows(captured.keys.wireshark_lines())


@pytest.mark.oracle
def test_tshark_opens_every_frame_and_finds_nothing_wrong(captured, rows):
    assert len(rows) == len(captured.secured) - 1 > 0
    for row in rows:
        assert (row["_ws.malformed"], row["_ws.expert.message"]) == ("", "")
        assert row["wpan.fcs_ok"] == "1"
        assert row["zbee_aps.cluster"] in ("0x0019", "0x0704")
        assert row["zbee_zcl.cmd.tsn"] != ""


@pytest.mark.oracle
def test_the_blocks_that_tshark_reads_are_the_image(captured, rows):
    blocks = [row for row in rows if row[f"{OTA}.cmd.srv_tx.id"] == BLOCK_RESPONSE]
    data = [bytes.fromhex(row[f"{OTA}.image.data"].replace(":", "")) for row in blocks]
    assert b"".join(data) == encode_image(captured.town.image)


@pytest.mark.oracle
def test_without_the_keys_nothing_can_be_read(captured):
    for row in captured.rows([]):
        assert row["zbee_aps.cluster"] == row["zbee_zcl.cmd.tsn"] == ""


@pytest.mark.oracle
def test_no_counter_comes_twice_under_a_key(rows):
    used = {}
    for row in rows:
        sender, _ = row["zbee.sec.src64"].split(",")
        nwk_counter, aps_counter = map(int, row["zbee.sec.counter"].split(","))
        used.setdefault(("network", sender), []).append(nwk_counter)
        used.setdefault(("link", sender, row["wpan.dst16"]), []).append(aps_counter)
    for counters in used.values():
        assert counters[0] == 0
        assert all(after - before == 1 for before, after in pairwise(counters))


def test_both_captures_hold_the_same_frames(captured):
    hub = captured.home.hub_id
    devices = {device.device_id for device in captured.home.devices} - {hub}
    for plain, secured in zip(captured.plain[1:], captured.secured[1:], strict=True):
        frame = decode_radio_frame(plain[RECORD_HEADER_OCTETS:])
        octets = secured[RECORD_HEADER_OCTETS:]
        assert len(octets) == len(plain) - RECORD_HEADER_OCTETS + 35
        # Who receives a frame knows itself; here its short address tells who it is.
        found = decode_secured_frame(
            octets,
            captured.keys.network_key,
            lambda sender, frame=frame: captured.keys.link_key(
                sender, hub if sender != hub else sorted(devices)[frame.destination - 1]
            ),
        )
        assert found.frame == frame


def test_keys_follow_from_seed_and_home_and_are_all_different():
    homes = build_town(2, 1)
    lines = [
        line
        for home in homes
        for seed in (1, 2)
        for line in RadioKeys(home, seed).wireshark_lines()
    ]
    keys = {line.split(",")[0] for line in lines}
    assert len(keys) == len(lines)
    assert list(RadioKeys(homes[0], 1).wireshark_lines()) == lines[: len(homes[0].devices)]
    assert all(line.count('"') == 6 and '"Normal"' in line for line in lines)


@pytest.mark.oracle
def test_the_file_of_wireshark_opens_it_too(captured, tmp_path):
    folder = tmp_path / "wireshark"
    folder.mkdir()
    (folder / "zigbee_pc_keys").write_text("\n".join(captured.keys.wireshark_lines()) + "\n")
    command = [
        require_tool("tshark"),
        "-r",
        captured.path,
        "-T",
        "fields",
        "-e",
        "zbee_zcl.cmd.tsn",
    ]
    environment = {"WIRESHARK_CONFIG_DIR": str(folder), "PATH": "/usr/bin:/bin"}
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout
    lines = output.splitlines()
    assert len(lines) == len(captured.secured) - 1
    assert all(lines)
