"""The file of all flash: what was kept is what a restart finds, for any run of writes."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.han.effects import EraseSlot, Record, WriteSlot
from hanota.han.flash import Flash
from hanota.serve.flash_store import FlashStore

A, B = 0x00DB_1234_5678_90A4, 0xFFDB_0000_0000_0001
FACTORY = {A: b"what A leaves the factory with", B: b"B's"}


class Nodes:
    """Two nodes as `Homes` runs them: the store sees an effect before it is carried out."""

    def __init__(self, store):
        self.store = store
        self.flashes = {
            node: Flash(slots=(image, b""), records={"counter": b"\0"}, slot_octets=200)
            for node, image in FACTORY.items()
        }

    def flash(self, node):
        try:
            return self.flashes[node]
        except KeyError:
            raise LocalError("no such node") from None

    def do(self, node, effect):
        flash = self.flashes[node]
        match effect:
            case WriteSlot(slot=slot, offset=offset, data=data):
                if offset + len(data) > flash.slot_octets:
                    return
                self.store.watch(node, effect)
                flash.write(slot, offset, data)
            case EraseSlot(slot=slot):
                self.store.watch(node, effect)
                flash.erase(slot)
            case Record(values=values):
                self.store.watch(node, effect)
                flash.record(values)

    def content(self):
        return {
            node: (flash.content(0), flash.content(1), dict(flash.records))
            for node, flash in self.flashes.items()
        }


def found(path):
    """What nodes fresh from the factory have after a restart."""
    with FlashStore(path) as store:
        nodes = Nodes(store)
        store.restore(nodes.flash)
        return nodes.content()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([A, B]),
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 1), st.binary(min_size=1, max_size=60)),
            st.tuples(st.just("erase"), st.integers(0, 1), st.none()),
            st.tuples(st.just("record"), st.sampled_from("abc"), st.none() | st.binary(max_size=8)),
            st.just(("keep", 0, None)),
        ),
    ),
    max_size=25,
)


@given(STEPS)
def test_a_restart_finds_what_was_kept_last(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("flash")
    with FlashStore(folder / "homes.db") as store:
        nodes = Nodes(store)
        kept = nodes.content()
        for node, (what, where, value) in steps:
            match what:
                case "write":
                    offset = nodes.flash(node).written(where)
                    nodes.do(node, WriteSlot(where, offset, value))
                case "erase":
                    nodes.do(node, EraseSlot(where))
                case "record":
                    nodes.do(node, Record({where: value}))
                case "keep":
                    store.keep(nodes.flash, 7)
                    kept = nodes.content()
    assert found(folder / "homes.db") == kept
    shutil.rmtree(folder)


def test_a_restored_node_goes_on_where_it_was(tmp_path):
    path = tmp_path / "homes.db"
    for turn in range(3):
        with FlashStore(path) as store:
            nodes = Nodes(store)
            assert store.restore(nodes.flash) == (1 if turn else 0)
            nodes.do(A, WriteSlot(1, nodes.flash(A).written(1), b"%d" % turn))
            nodes.do(A, Record({"turn": b"%d" % turn, f"of {turn - 1}": None, f"of {turn}": b""}))
            store.keep(nodes.flash, 1_000 + turn)
    content = found(path)
    assert content[A] == (FACTORY[A], b"012", {"counter": b"\0", "turn": b"2", "of 2": b""})
    assert content[B] == (FACTORY[B], b"", {"counter": b"\0"})
    with FlashStore(path) as store:
        assert store.last_ms() == 1_002


def test_the_flash_of_other_homes_is_refused(tmp_path):
    with FlashStore(tmp_path / "homes.db") as store:
        assert store.last_ms() == 0
        nodes = Nodes(store)
        nodes.do(B, Record({"a": b"b"}))
        store.keep(nodes.flash, 1)
    with FlashStore(tmp_path / "homes.db") as store:
        nodes = Nodes(store)
        del nodes.flashes[B]
        with pytest.raises(LocalError, match="the flash of other homes"):
            store.restore(nodes.flash)


def test_one_process_runs_the_homes_of_a_file(tmp_path):
    with (
        FlashStore(tmp_path / "homes.db"),
        pytest.raises(LocalError, match="another process runs the homes"),
        FlashStore(tmp_path / "homes.db"),
    ):
        pass


def test_what_is_no_store_is_said_to_be_none(tmp_path):
    path = tmp_path / "homes.db"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(LocalError, match="does not answer"), FlashStore(path):
        pass
