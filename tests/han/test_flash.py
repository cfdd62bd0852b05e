"""The flash refuses what hardware refuses, and holds what a model of it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.han.flash import Flash


def test_what_is_written_is_read():
    flash = Flash(slots=(b"factory", b""), slot_octets=10)
    flash.write(1, 0, b"abc")
    flash.write(1, 3, b"def")
    flash.write(1, 6, b"")
    assert (flash.written(0), flash.written(1)) == (7, 6)
    assert (flash.content(0), flash.content(1)) == (b"factory", b"abcdef")
    flash.write(0, 7, b"!!!")
    assert flash.content(0) == b"factory!!!"


@pytest.mark.parametrize(
    ("offset", "data", "reason"),
    [
        (0, b"x", "erase it before writing at 0"),
        (2, b"", "erase it before writing at 2"),
        (4, b"x", "nothing can be written at 4 yet"),
        (3, bytes(8), "has 10 octets, 3 of them written"),
    ],
)
def test_what_hardware_refuses(offset, data, reason):
    flash = Flash(slots=(b"abc", b""), slot_octets=10)
    with pytest.raises(LocalError, match=reason):
        flash.write(0, offset, data)
    assert flash.content(0) == b"abc"


def test_an_image_larger_than_a_slot_is_refused():
    with pytest.raises(LocalError, match="no image may be larger"):
        Flash(slots=(b"", b"abc"), slot_octets=2)


def test_an_image_that_comes_whole_is_not_copied():
    image = bytes(1_000)
    flash = Flash()
    flash.write(1, 0, image)
    assert flash.content(1) is image


def test_nodes_that_share_an_image_do_not_share_what_follows():
    image = b"shared"
    flashes = [Flash(slots=(image, b"")) for _ in range(2)]
    for flash in flashes:
        flash.write(0, 6, b"1")
        flash.write(0, 7, b"2")
    assert [flash.content(0) for flash in flashes] == [b"shared12", b"shared12"]
    assert image == b"shared"


def test_records_change_together():
    flash = Flash(records={"a": b"1"})
    flash.record({"a": None, "b": b"2", "c": None})
    assert flash.records == {"b": b"2"}


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=6), st.booleans())))
def test_appending_and_erasing_as_a_model_does(steps):
    flash, model = Flash(), [b"", b""]
    for slot, data, erase in steps:
        if erase:
            flash.erase(slot)
            model[slot] = b""
        flash.write(slot, len(model[slot]), data)
        model[slot] += data
        assert [flash.content(0), flash.content(1)] == model
