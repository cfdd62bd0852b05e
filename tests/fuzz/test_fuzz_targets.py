"""A short run of every fuzz target, and proof that a target can find something."""

import random

import pytest
from fuzz.targets import TARGETS, FoundError, _decoder, mutated


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"parties"}))
def test_a_short_run_of_each_decoder(name):
    TARGETS[name].run(random.Random(1), 1_500)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"parties"}))
def test_a_long_run_of_each_decoder(name):
    TARGETS[name].run(random.Random(2), 100_000)


@pytest.mark.parametrize("seed", range(2))
def test_a_short_run_of_whole_parties(seed):
    TARGETS["parties"].run(random.Random(seed), 500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 200))
def test_a_long_run_of_whole_parties(seed):
    TARGETS["parties"].run(random.Random(seed), 2_000)


def test_a_decoder_that_raises_anything_else_is_found():
    run = _decoder(lambda _found: [b"good"], lambda octets: octets[3])
    with pytest.raises(FoundError, match="IndexError"):
        run(random.Random(1), 1_000)


def test_mutations_leave_some_octets_good_and_change_most():
    chance = random.Random(1)
    made = [mutated(chance, [b"sixteen octets!!", b"others"]) for _ in range(500)]
    assert b"sixteen octets!!" in made
    assert len(set(made)) > 350
