"""Which image runs after power-on: every record with every content of the slots."""

import itertools

import pytest
from tests.han.a_home import MAKE, NEW, NEW_VERSION, OLD, OLD_VERSION, RELEASED, build, verify

from hanota.han.bootloader import Boot, Stage, boot, written
from hanota.han.effects import Record, Restart
from hanota.han.flash import Flash
from hanota.han.verification import verify_image
from hanota.limits import TRIAL_BOOTS_MAX

BROKEN = OLD[:-1] + b"?"
CONTENTS = {"old": OLD, "new": NEW, "broken": BROKEN, "empty": b""}


def power_on(flash, starts, boots_max=20):
    """Boot until something runs or nothing will; what was booted each time."""
    booted = []
    for _ in range(boots_max):
        booted.append(boot(flash, verify, starts))
        for effect in booted[-1].effects:
            if isinstance(effect, Record):
                flash.record(effect.values)
        if Restart() not in booted[-1].effects:
            return booted
    raise AssertionError("a boot loop")


@pytest.mark.parametrize("starts", [True, False])
@pytest.mark.parametrize("boots", range(TRIAL_BOOTS_MAX + 2))
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize(
    ("slot", "contents"), list(itertools.product([0, 1], itertools.product(CONTENTS, repeat=2)))
)
def test_an_image_runs_wherever_there_is_a_sound_one(slot, contents, stage, boots, starts):
    slots = tuple(CONTENTS[name] for name in contents)
    flash = Flash(slots=slots, records=written(Boot(slot, stage, boots)))
    last = power_on(flash, lambda _image: starts)[-1]
    sound = [verify(content) is not None for content in slots]
    chosen_fails = stage is Stage.TRIAL and (not starts or boots >= TRIAL_BOOTS_MAX)
    runs = (sound[slot] and not chosen_fails) or sound[1 - slot]
    assert (last.image is not None) == runs
    if last.image is not None:
        assert last.image == verify(slots[last.slot])
        assert flash.content(0) == slots[0]
        assert flash.content(1) == slots[1]


def test_without_a_record_the_factory_image_runs():
    booted = boot(Flash(slots=(OLD, b"")), verify, lambda _image: False)
    assert (booted.slot, booted.stage, booted.effects) == (0, Stage.CONFIRMED, ())
    assert booted.image.header.file_version == OLD_VERSION


def test_a_trial_is_counted_before_the_image_runs():
    flash = Flash(slots=(OLD, NEW), records=written(Boot(1, Stage.TRIAL)))
    booted = boot(flash, verify, lambda _image: True)
    assert booted.effects == (Record(written(Boot(1, Stage.TRIAL, 1))),)
    assert booted.image.header.file_version == NEW_VERSION


@pytest.mark.parametrize("version", [None, NEW_VERSION, NEW_VERSION ^ 0x10000])
def test_an_image_whose_header_was_altered_after_it_was_verified_is_not_tried(version):
    flash = Flash(slots=(OLD, NEW), records=written(Boot(1, Stage.TRIAL, 0, version)))
    runs = power_on(flash, lambda _image: True)[-1].image.header.file_version
    assert runs == (NEW_VERSION if version in (None, NEW_VERSION) else OLD_VERSION)


def test_every_trial_keeps_the_version_that_was_verified():
    flash = Flash(slots=(OLD, NEW), records=written(Boot(1, Stage.TRIAL, 0, NEW_VERSION)))
    booted = boot(flash, verify, lambda _image: True)
    assert booted.effects == (Record(written(Boot(1, Stage.TRIAL, 1, NEW_VERSION))),)


def test_an_image_that_does_not_start_is_tried_as_often_as_the_limit_says():
    flash = Flash(slots=(OLD, NEW), records=written(Boot(1, Stage.TRIAL)))
    tried = []
    booted = power_on(flash, lambda image: bool(tried.append(image)))
    assert tried == [NEW] * TRIAL_BOOTS_MAX
    assert (booted[-1].stage, booted[-1].image.header.file_version) == (
        Stage.ROLLED_BACK,
        OLD_VERSION,
    )
    assert power_on(flash, lambda _image: True)[-1].stage is Stage.ROLLED_BACK


def test_a_confirmed_image_that_breaks_gives_way_to_the_other():
    flash = Flash(slots=(BROKEN, NEW), records=written(Boot(0, Stage.CONFIRMED)))
    booted = power_on(flash, lambda _image: True)[-1]
    assert (booted.slot, booted.stage) == (1, Stage.CONFIRMED)
    assert boot(flash, verify, lambda _image: True).effects == ()


# What may run


@pytest.mark.parametrize(
    "image",
    [
        b"",
        NEW[:-1],
        NEW + b"\x00",
        build(NEW_VERSION, 4_095),
        build(NEW_VERSION, 4_096, (0x1112, 0x1211)),
        build(NEW_VERSION, 4_096, (0x1000, 0x1110)),
        build(NEW_VERSION, make=type(MAKE)(0x121E, MAKE.image_type, 0)),
        build(NEW_VERSION, make=type(MAKE)(MAKE.manufacturer_code, 0x0002, 0)),
    ],
)
def test_what_may_not_run(image):
    assert verify_image(image, MAKE, RELEASED) is None


@pytest.mark.parametrize("hardware", [None, (0x1111, 0x1111), (0x0000, 0xFFFF)])
def test_what_may_run(hardware):
    image = build(NEW_VERSION, 4_096, hardware)
    assert verify_image(image, MAKE, RELEASED).header.file_version == NEW_VERSION


def test_an_image_of_a_signed_kind_needs_its_trailer():
    esme = type(MAKE)(MAKE.manufacturer_code, 0x0000, 0x1111)
    assert verify_image(build(NEW_VERSION, make=esme), esme, RELEASED) is None
