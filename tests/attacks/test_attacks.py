"""Every attack is refused, names a defence that is there, and stands in the risk assessment."""

from collections import Counter
from pathlib import Path

import pytest
from attacks.__main__ import got, got_without
from attacks.document import risk_assessment
from tests.attacks.catalogue import ATTACKS, LIST, NOT_MOUNTED

ROOT = Path(__file__).resolve().parent.parent.parent
EACH = pytest.mark.parametrize("attack", ATTACKS, ids=[attack.slug for attack in ATTACKS])


@EACH
def test_the_attack_is_refused(attack):
    assert got(attack) == attack.refused


@EACH
def test_its_defence_stands_once_where_it_is_said_to_be(attack):
    text = (ROOT / "src" / "hanota" / attack.defence.file).read_text()
    assert text.count(attack.defence.text) == 1
    assert attack.without != attack.refused


@pytest.mark.long
@EACH
def test_the_attack_gets_further_without_its_defence(attack):
    assert got_without(attack) == attack.without


def test_every_attack_has_a_name_of_its_own():
    assert max(Counter(attack.slug for attack in ATTACKS).values()) == 1


def test_every_number_of_the_list_is_mounted_or_says_why_not():
    told = {each.number for each in (*ATTACKS, *NOT_MOUNTED)}
    assert set(LIST) <= told


def test_the_risk_assessment_is_that_of_these_attacks():
    """`make attacks` writes it."""
    assert (ROOT / "docs" / "risk-assessment.md").read_text() == risk_assessment()
