"""Whole homes: real frames between a hub and its PPMIDs, and each failure that is known."""

from itertools import pairwise, product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.han.a_home import (
    HUB,
    MAKE,
    NEW,
    NEW_VERSION,
    OLD_VERSION,
    PPMID,
    REQUEST,
    STRANGER,
    AHome,
    bootable,
    build,
    damaged,
    release,
)
from tests.wire.zcl_messages import messages

from hanota.errors import LocalError
from hanota.han.effects import Send, SendWan, Wake
from hanota.han.flash import Flash
from hanota.han.ota_client import ClientSettings
from hanota.han.ota_server import ServerSettings
from hanota.limits import BOOT_MS, DAY_MS, HOUR_MS
from hanota.model import RequestID
from hanota.serve.homes import Homes, RadioDepth
from hanota.wire import ota, ota_codec, tunnel, wan, zcl
from hanota.wire.codes import ZclStatus
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra, GbcsMessage

OTHERS = tuple(PPMID + 16 * number for number in range(1, 4))


class Sniffer:
    """What a tap shows, decoded; a frame that is none is kept as octets."""

    def __init__(self):
        self.frames = []

    def __call__(self, now_ms, source, target, cluster_id, frame):
        decode = {ota.CLUSTER_ID: ota_codec.decode, tunnel.CLUSTER_ID: tunnel.decode}[cluster_id]
        self.frames.append((now_ms, source, target, decode(frame)))

    def of(self, kind):
        return [frame for frame in self.frames if type(frame[3]) is kind]


@pytest.mark.parametrize("depth", RadioDepth)
def test_an_update_from_delivery_to_alert(depth):
    home = AHome(depth=depth).run_update()
    assert home.stored() == ["stored"]
    assert home.transfers() == ["SUCCESS"]
    assert home.activations() == [("SUCCESS", NEW_VERSION)]
    assert list(home.alerts(PPMID)) == [42]  # one above the counter that it came with
    assert home.homes.flash(PPMID).content(1) == NEW
    home.run(8 * DAY_MS)
    assert len(home.sent) == 3, "nothing is said twice, and nothing more"


def test_both_depths_take_the_same_time():
    def took(depth):
        home = AHome(depth=depth, image=release(build(NEW_VERSION + 7, 60_000))).run_update()
        return home.homes.now_ms, home.homes.events

    (frames_ms, frames_events), (flow_ms, flow_events) = map(took, RadioDepth)
    assert abs(frames_ms - flow_ms) < 2_000
    assert frames_events > 50 * flow_events


def test_a_second_update_goes_into_the_other_slot():
    home = AHome().run_update()
    newer = release(build(NEW_VERSION + 1))
    home.deliver(image=newer, request=RequestID(1, 2, 1001))
    home.run(HOUR_MS, until=lambda home: len(home.activations()) == 2)
    assert home.activations()[1] == ("SUCCESS", NEW_VERSION + 1)
    assert home.homes.flash(PPMID).content(0) == newer
    assert list(home.alerts(HUB)) == [1, 2]


# What a home is like, and what comes of it: activations, transfers, the version that runs.
FAILURES = {
    "switched off": ({"without_power": (PPMID,)}, [], ["TRANSFER_FAILURE"], None),
    "other hardware": (
        {"make": msgspec.structs.replace(MAKE, hardware_version=0x2222), "old_hardware": True},
        [],
        ["HARDWARE_MISMATCH"],
        OLD_VERSION,
    ),
    "image corrupted in the store": ({"reads": damaged}, [], ["IMAGE_DISCARDED"], OLD_VERSION),
    "not released by the maker": (
        {"image": build(NEW_VERSION + 99)},
        [],
        ["IMAGE_DISCARDED"],
        OLD_VERSION,
    ),
    "does not start": (
        {"starts": lambda _image: False},
        [("FAILURE", OLD_VERSION)],
        ["SUCCESS"],
        OLD_VERSION,
    ),
    "no space on the device": (
        {"slot_octets": len(NEW) - 1},
        [],
        ["TRANSFER_FAILURE"],
        OLD_VERSION,
    ),
    "runs the version already": (
        {"image": release(build(OLD_VERSION, 2_000))},
        [],
        ["TRANSFER_FAILURE"],
        OLD_VERSION,
    ),
    "older than what runs, and the device refuses": (
        {
            "image": release(build(OLD_VERSION - 1)),
            "client": ClientSettings(refuses_downgrade=True),
        },
        [],
        ["IMAGE_DISCARDED"],
        OLD_VERSION,
    ),
    "of another manufacturer": (
        {"make": msgspec.structs.replace(MAKE, manufacturer_code=0x1234), "old_hardware": True},
        [],
        ["TRANSFER_FAILURE"],
        OLD_VERSION,
    ),
}


@pytest.mark.parametrize("depth", RadioDepth)
@pytest.mark.parametrize("failure", FAILURES)
def test_known_failures(failure, depth):
    world, activations, transfers, version = FAILURES[failure]
    world = dict(world)
    if world.pop("old_hardware", False):
        world["old"] = release(old_image(world["make"]))
    home = AHome(depth=depth, **world).run_update(30 * DAY_MS)
    home.run(10 * DAY_MS)
    assert (home.activations(), home.transfers(), home.version()) == (
        activations,
        transfers,
        version,
    )


def old_image(make):
    """The image that a device of this make was shipped with."""
    hardware = (make.hardware_version, make.hardware_version)
    return build(OLD_VERSION, 1_000, hardware, make)


def test_a_device_that_was_off_is_updated_when_it_comes_back():
    home = AHome(without_power=(PPMID,))
    home.run(10_000).deliver().run(3 * DAY_MS)
    assert home.transfers() == []
    home.homes.power_on(PPMID)
    home.run(10 * 60_000)
    assert home.activations() == [("SUCCESS", NEW_VERSION)]


def test_a_hub_that_was_off_gets_its_image_when_it_comes_back():
    home = AHome(without_power=(HUB,))
    home.run(10_000).deliver().run(HOUR_MS)
    assert home.sent == []
    home.homes.power_on(HUB)
    home.run(HOUR_MS)
    assert home.activations() == [("SUCCESS", NEW_VERSION)]


def test_several_devices_wait_for_their_turn():
    sniffer = Sniffer()
    devices = (PPMID, *OTHERS)
    home = AHome(devices=devices, tap=sniffer, server=ServerSettings(transfers_max=1))
    home.run(10_000).deliver(*devices).run(HOUR_MS)
    assert all(home.version(device) == NEW_VERSION for device in devices)
    assert home.transfers() == ["SUCCESS"] * 4
    turns = [target for _, _, target, _ in sniffer.of(ota.ImageBlockResponse)]
    assert len([1 for one, other in pairwise(turns) if one != other]) == 3
    waits = sniffer.of(ota.ImageBlockWait)
    assert {wait.request_time_s for *_, wait in waits} == {0, 60}


def test_blocks_come_at_the_pace_that_the_hub_sets():
    sniffer = Sniffer()
    AHome(tap=sniffer, server=ServerSettings(block_period_ms=250)).run_update()
    times = [now_ms for now_ms, *_ in sniffer.of(ota.ImageBlockRequest)]
    gaps = [later - earlier for earlier, later in pairwise(times[1:])]
    assert set(gaps) == {250}


def test_a_foreign_server_gets_nothing_from_a_device():
    sniffer = Sniffer()
    home = AHome(tap=sniffer).run(10_000)
    before = dict(home.homes.flash(PPMID).records)
    for message in (
        ota.QueryNextImageResponse(9, MAKE.manufacturer_code, MAKE.image_type, 7, 4_000),
        ota.ImageBlockResponse(9, MAKE.manufacturer_code, MAKE.image_type, 7, 0, bytes(48)),
        ota.UpgradeEndResponse(9, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0, 0),
    ):
        home.homes.transmit(STRANGER, PPMID, ota.CLUSTER_ID, ota_codec.encode(message))
    home.run(HOUR_MS)
    answers = [message for _, _, target, message in sniffer.frames if target == STRANGER]
    assert [(type(a), a.status) for a in answers] == [
        (zcl.DefaultResponse, ZclStatus.NOT_AUTHORIZED)
    ] * 3
    assert home.homes.flash(PPMID).records == before
    assert home.version() == OLD_VERSION


def test_a_foreign_device_gets_nothing_from_a_hub():
    sniffer = Sniffer()
    home = AHome(tap=sniffer).run(10_000).deliver().run(100)
    make = (MAKE.manufacturer_code, MAKE.image_type)
    for message in (
        ota.QueryNextImageRequest(1, *make, OLD_VERSION, MAKE.hardware_version),
        ota.ImageBlockRequest(2, *make, NEW_VERSION, 0, 48),
        ota.UpgradeEndRequest(3, ZclStatus.SUCCESS, *make, NEW_VERSION),
    ):
        home.homes.transmit(STRANGER, HUB, ota.CLUSTER_ID, ota_codec.encode(message))
    home.run(60_000)
    answers = [message for _, _, target, message in sniffer.frames if target == STRANGER]
    assert [a.status for a in answers] == [ZclStatus.NOT_AUTHORIZED] * 3


@pytest.mark.parametrize(
    ("cluster_id", "frame", "answer"),
    [
        (ota.CLUSTER_ID, "01 07 44 00", "18 07 0b 44 81"),
        (ota.CLUSTER_ID, "01 07 01 09", "18 07 0b 01 85"),
        (ota.CLUSTER_ID, "01 07 06 00", "18 07 0b 06 80"),
        (ota.CLUSTER_ID, "00 07 0b 06", None),
        (ota.CLUSTER_ID, "", None),
        (tunnel.CLUSTER_ID, "11 07 02 01", "18 07 0b 02 80"),
        (0x0500, "01 07 01 00", None),
    ],
)
def test_a_frame_that_is_none_is_answered_where_zcl_says_so(cluster_id, frame, answer):
    frames = []
    home = AHome(tap=lambda *frame: frames.append(frame)).run(10_000)
    frames.clear()
    home.homes.transmit(PPMID, HUB, cluster_id, bytes.fromhex(frame))
    home.run(1_000)
    heard = [octets.hex(" ") for _, source, _, _, octets in frames if source == HUB]
    assert heard == ([] if answer is None else [answer])


def test_homes_do_not_hear_each_other():
    home = AHome()
    neighbour = STRANGER
    home.homes.add(neighbour, neighbour, home.homes.flash(PPMID), lambda _flash: Talker())
    frames = []
    home.homes._tap = lambda *frame: frames.append(frame)
    home.homes.power_on(neighbour)
    home.run(60_000)
    assert [frame for frame in frames if frame[1] == neighbour] == []


class Talker:
    """A party that talks to the next home."""

    def power_on(self, _now_ms):
        return (Send(PPMID, ota.ImageNotify(1, 100)),)


# The WAN


def test_a_gbcs_message_reaches_its_device_and_is_acknowledged():
    sniffer = Sniffer()
    home = AHome(tap=sniffer).run(10_000)
    command = gbcs.encode(
        GbcsMessage(Cra.COMMAND, 7, 0x90B3D51F30000002, PPMID, 0x0129, b"\x05\x00", mac=bytes(12))
    )
    home.to_device(command).run(HOUR_MS)
    chunks = [chunk for *_, chunk in sniffer.of(tunnel.MessageChunk)]
    assert b"".join(chunk.data for chunk in chunks) == command
    assert len(sniffer.of(tunnel.MessageReceipt)) == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"no envelope",
        wan.encode(wan.ToDevice(b"no GBCS message")),
        wan.encode(
            wan.ToDevice(gbcs.encode(GbcsMessage(Cra.COMMAND, 7, 1, STRANGER, 0x0129, b"")))
        ),
        wan.encode(
            wan.ToDevice(gbcs.encode(GbcsMessage(Cra.COMMAND, 7, 1, PPMID, 0x0129, bytes(2_000))))
        ),
        wan.encode(wan.FromDevice(b"")),
        wan.encode(wan.ImageStored(REQUEST, (PPMID,), wan.StoreResult.STORED)),
    ],
)
def test_what_a_hub_cannot_use_it_takes_and_drops(octets):
    home = AHome().run(10_000)
    assert home.homes.receive_wan(HUB, octets)
    home.run(HOUR_MS)
    assert home.sent == []


def test_a_device_is_no_place_for_envelopes():
    home = AHome().run(10_000)
    assert not home.homes.receive_wan(PPMID, wan.encode(wan.ToDevice(b"")))
    home.homes.wan_acknowledged(PPMID, 1)


def test_unacknowledged_envelopes_come_again_after_a_power_cut():
    home = AHome()
    home._carry = lambda: None  # a WAN that takes everything and acknowledges nothing
    home.run(10_000).deliver()
    (delivery,) = home._pending
    assert home.homes.receive_wan(HUB, delivery)
    home.run(10 * 60_000)
    first = list(home.sent)
    assert len(first) == 3
    home.homes.power_on(HUB)
    home.run(10_000)
    assert home.sent[3:] == first
    for hub, number, _ in first:
        home.homes.wan_acknowledged(hub, number)
        home.homes.wan_acknowledged(hub, number)
    home.homes.power_on(HUB)
    home.run(10_000)
    assert len(home.sent) == 6


# Anybody may send anything

# A message of any kind whose numbers are those of the real update more often than not.
LIKELY = {
    "manufacturer_code": [MAKE.manufacturer_code, 0xFFFF],
    "image_type": [MAKE.image_type, 0xFFFF],
    "file_version": [NEW_VERSION, OLD_VERSION, 0xFFFFFFFF],
    "file_offset": [0, 48, 96],
    "status": [0x89, 0x95, 0x96, 0x98],
    "image_size_octets": [len(NEW), len(NEW) - 1],
    "current_time_s": [0],
    "upgrade_time_s": [0, 60, 0xFFFFFFFF],
    "request_time_s": [0, 60],
    "data": [NEW[:48], NEW[48:96], NEW[96:144]],
}


@st.composite
def likely_messages(draw):
    message = draw(messages())
    likely = {
        name: draw(st.sampled_from(LIKELY[name]))
        for name in message.__struct_fields__
        if name in LIKELY and getattr(message, name) is not None and draw(st.booleans())
    }
    return ota_codec.encode(msgspec.structs.replace(message, **likely))


def chunk_frames():
    chunks = st.builds(
        tunnel.MessageChunk,
        *(st.integers(0, 255), st.sampled_from(zcl.Direction), st.integers(0, 2)),
        *(st.integers(0, 2), st.just(0xCBF43926), st.just(0), st.just(1), st.just(b"123456789")),
    )
    return st.tuples(st.just(tunnel.CLUSTER_ID), chunks.map(tunnel.encode))


def frames():
    clusters = st.sampled_from([ota.CLUSTER_ID, tunnel.CLUSTER_ID, 0])
    return st.one_of(
        st.tuples(st.just(ota.CLUSTER_ID), likely_messages()),
        chunk_frames(),
        st.tuples(clusters, st.binary(max_size=80)),
    )


def interferences(sources):
    """When, from whom, to whom and what."""
    return st.lists(
        st.tuples(
            st.integers(0, 9_000),
            st.sampled_from(sources),
            st.sampled_from([HUB, PPMID]),
            frames(),
        ),
        max_size=12,
    )


def run_with(interference):
    home = AHome().run(10_000).deliver()
    start_ms = home.homes.now_ms
    for after_ms, source, target, (cluster_id, frame) in sorted(interference):
        home.run(start_ms + after_ms - home.homes.now_ms)
        home.homes.transmit(source, target, cluster_id, frame)
    home.run(30 * HOUR_MS)
    assert bootable(home.homes.flash(PPMID))
    assert home.version() in {OLD_VERSION, NEW_VERSION}
    return home


@settings(max_examples=150, deadline=None)
@given(interferences([STRANGER, 0]))
def test_strangers_may_send_anything_and_change_nothing(interference):
    home = run_with(interference)
    assert home.activations() == [("SUCCESS", NEW_VERSION)]
    assert home.transfers() == ["SUCCESS"]


@settings(max_examples=150, deadline=None)
@given(interferences([HUB, PPMID]))
def test_hub_and_device_may_send_anything_and_nothing_breaks(interference):
    home = run_with(interference)
    assert len(home.transfers()) <= 1


# The shell's own rules


def test_the_wan_may_not_call_back():
    homes = None

    def wan_calls_back(hub, number, _octets):
        homes.wan_acknowledged(hub, number)

    home = AHome()
    homes = home.homes
    homes._wan = wan_calls_back
    home.run(10_000).deliver()
    with pytest.raises(LocalError, match="busy"):
        home.run(HOUR_MS)


def test_power_that_goes_before_the_node_is_up_keeps_it_down():
    home = AHome()
    home.homes.cut_power(PPMID)
    home.run(HOUR_MS)
    assert home.homes.party(PPMID) is None


def test_unknown_and_doubled_nodes_are_refused():
    home = AHome()
    for act in (home.homes.power_on, home.homes.cut_power, home.homes.flash, home.homes.party):
        with pytest.raises(LocalError, match="no node 00-DB"):
            act(STRANGER)
    with pytest.raises(LocalError, match="already"):
        home.homes.add(PPMID, HUB, home.homes.flash(PPMID), Talker)


def test_time_goes_on_where_nothing_happens():
    homes = Homes(now_ms=1_000, wan=lambda *_: None)
    assert homes.next_at_ms() is None
    homes.run_until(5_000)
    homes.run_until(4_000)
    assert (homes.now_ms, homes.events) == (5_000, 0)


def test_the_same_world_runs_the_same_way():
    def frames_of_a_run():
        frames = []
        AHome(devices=(PPMID, *OTHERS), tap=lambda *frame: frames.append(frame)).run_update()
        return frames

    assert frames_of_a_run() == frames_of_a_run()


# Other hubs, other clocks


class Sleeper:
    """Wants to be woken at one instant of its clock, and writes down what it is told."""

    running_version = 1

    def __init__(self, at_ms):
        self.at_ms = at_ms
        self.heard = []

    def power_on(self, now_ms):
        self.heard.append(("on", now_ms))
        return (Wake(self.at_ms, "x"),)

    def wake(self, token, now_ms):
        self.heard.append((token, now_ms))
        return ()

    def receive(self, source, _message, now_ms):
        self.heard.append((source, now_ms))
        return ()


def sleeping(at_ms):
    homes = Homes(now_ms=0, wan=lambda *_: None)
    sleeper = Sleeper(at_ms)
    homes.add(PPMID, HUB, Flash(), lambda _flash: sleeper)
    homes.power_on(PPMID)
    homes.run_until(BOOT_MS)
    return homes, sleeper


@pytest.mark.parametrize(
    ("off_ms", "at_ms"), [(0, 90_000), (10_000, 80_000), (-10_000, 100_000), (85_000, 20_000)]
)
def test_a_wake_comes_when_the_clock_of_its_node_says_so(off_ms, at_ms):
    homes, sleeper = sleeping(90_000)
    homes.run_until(20_000)
    homes.set_clock(PPMID, off_ms)
    homes.set_clock(PPMID, off_ms)
    while len(sleeper.heard) == 1:
        homes.run_until(homes.next_at_ms())
    assert (homes.now_ms, sleeper.heard[1:]) == (at_ms, [("x", at_ms + off_ms)])
    homes.run_until(HOUR_MS)
    assert len(sleeper.heard) == 2


def test_the_clock_of_a_node_survives_its_power():
    homes, sleeper = sleeping(90_000)
    homes.cut_power(PPMID)
    homes.set_clock(PPMID, 7_000)
    homes.power_on(PPMID)
    homes.run_until(HOUR_MS)
    assert sleeper.heard[1:] == [("on", 2 * BOOT_MS + 7_000), ("x", 90_000)]
    assert homes.clock_ms(PPMID) == HOUR_MS + 7_000


def test_a_wake_for_an_instant_that_has_passed_does_not_turn_time_back():
    homes, sleeper = sleeping(5)
    homes.run_until(HOUR_MS)
    assert sleeper.heard == [("on", BOOT_MS), ("x", BOOT_MS)]


def test_clocks_that_are_set_during_an_update_cost_time_only():
    for node_id, off_ms in product((HUB, PPMID), (-HOUR_MS, HOUR_MS)):
        for depth in RadioDepth:
            home = AHome(depth=depth).run(10_000).deliver().run(3_000)
            home.homes.set_clock(node_id, off_ms)
            home.run(DAY_MS)
            assert home.activations() == [("SUCCESS", NEW_VERSION)]


def test_a_hub_that_is_removed_hears_and_says_nothing():
    for depth in RadioDepth:
        home = AHome(depth=depth).run(10_000).deliver().run(1_000)
        said = len(home.sent)
        home.homes.remove(HUB)
        home.run(DAY_MS)
        assert len(home.sent) == said
        with pytest.raises(LocalError, match="no node"):
            home.homes.party(HUB)


def test_a_device_that_joins_another_hub_is_heard_and_hears_only_there():
    homes, sleeper = sleeping(90_000)
    homes.rejoin(PPMID, STRANGER)
    homes.run_until(2 * BOOT_MS)
    assert sleeper.heard == [("on", BOOT_MS), ("on", 2 * BOOT_MS)]
    homes.cut_power(PPMID)
    homes.rejoin(PPMID, HUB)
    homes.run_until(HOUR_MS)
    assert len(sleeper.heard) == 2, "joining gives no power"


def test_a_run_can_be_stopped_at_an_instant():
    class Teller:
        def power_on(self, _now_ms):
            return (SendWan(1, wan.ToDevice(b"anything")),)

    homes = Homes(now_ms=0, wan=lambda *_: homes.stop_at(homes.now_ms + 500))
    homes.add(PPMID, HUB, Flash(), lambda _flash: Teller())
    homes.power_on(PPMID)
    homes.run_until(HOUR_MS)
    assert homes.now_ms == BOOT_MS + 500
    homes.run_until(HOUR_MS)
    assert homes.now_ms == HOUR_MS


# Depth flow


def test_a_power_cut_during_a_flow_costs_that_flow():
    home = AHome(depth=RadioDepth.FLOW, image=release(build(NEW_VERSION + 8, 60_000)))
    home.run(10_000).deliver().run(20_000)
    assert home.homes.party(PPMID).client.progress == (0, 60_000)
    home.homes.power_on(PPMID)
    home.run(20_000)
    home.homes.power_on(HUB)
    home.run(HOUR_MS)
    assert home.activations() == [("SUCCESS", NEW_VERSION + 8)]


def test_a_flow_of_a_hub_that_has_lost_power_brings_nothing():
    home = AHome(depth=RadioDepth.FLOW).run(10_000).deliver().run(1_000)
    home.homes.cut_power(HUB)
    home.run(60_000)
    assert home.homes.party(PPMID).client.progress == (0, len(NEW))


def test_flows_wait_for_their_turn_too():
    image = release(build(NEW_VERSION + 9, 200_000))
    devices = (PPMID, *OTHERS)
    home = AHome(
        devices=devices,
        image=image,
        depth=RadioDepth.FLOW,
        server=ServerSettings(transfers_max=1),
    )
    home.run(10_000).deliver(*devices)
    home.run(HOUR_MS, until=lambda home: len(home.transfers()) == 4)
    one_ms = len(image) / 48 * 50
    assert home.homes.now_ms - home.started_ms > 4 * one_ms
