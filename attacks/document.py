"""docs/risk-assessment.md, from the values of the attacks alone: the same whenever it is made."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tests.attacks.attack import FIELD, Attack, NotMounted
from tests.attacks.catalogue import ATTACKS, LIST, NOT_MOUNTED

_Kind = TypeVar("_Kind", Attack, NotMounted)
_INTRODUCTION = """\
# Risk assessment

Attacks on the update of firmware over the air, mounted against the code of this project.
`make attacks` writes this page. It mounts each attack twice: on the code as it is, where it has to
get what stands under *gets*, and on a copy from which the one defence that is named was taken out,
where it has to get what stands under *without it*. So every line says what stops an attack, that it
does, and that a test notices when it no longer does. Where *without it* is a refusal too, another
defence stands behind the first.

`.venv/bin/python -m attacks WORD` mounts those whose names contain a word. The functions that mount
them, and the texts that are taken out, are in `tests/attacks/`.

What this is not: an assessment of a deployment. Machines, networks and people are not in it; and
devices, hubs and their radio are this project's own, not those of their makers.
"""


def risk_assessment() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield f"{len(ATTACKS)} attacks are mounted. {len(NOT_MOUNTED)} are not; the last part says why."
    yield ""
    yield from _overview()
    for number, title in LIST.items():
        yield from _part(f"{number}. {title[0].upper()}{title[1:]}", number)
    yield from _part("This field's own", FIELD)
    yield from _not_mounted()


def _overview() -> Iterator[str]:
    yield "| list | attacks that are mounted | not mounted |"
    yield "|---|---|---|"
    for number in (*LIST, FIELD):
        named = "field" if number == FIELD else str(number)
        mounted, missing = _of(ATTACKS, number), _of(NOT_MOUNTED, number)
        yield f"| {named} | {_names(mounted)} | {_names(missing)} |"
    yield ""


def _part(heading: str, number: int) -> Iterator[str]:
    attacks = _of(ATTACKS, number)
    if attacks:
        yield f"## {heading}"
        yield ""
    for attack in attacks:
        yield from _attack(attack)


def _attack(attack: Attack) -> Iterator[str]:
    yield f"### {attack.name[0].upper()}{attack.name[1:]}"
    yield ""
    yield f"- Who could: {attack.who}."
    yield f"- What stops it: {attack.stopped_by}"
    yield f"- Gets: `{_code(attack.refused)}`; without it: `{_code(attack.without)}`."
    test = f"{attack.mount.__module__.rsplit('.', 1)[1]}.py, {attack.mount.__name__}"
    yield f"- The test: {test}; what is taken out is in `{attack.defence.file}`."
    yield f"- What remains: {attack.remains}"
    yield ""


def _not_mounted() -> Iterator[str]:
    yield "## Not mounted"
    yield ""
    yield "| list | attack | why |"
    yield "|---|---|---|"
    for one in NOT_MOUNTED:
        yield f"| {one.number or 'field'} | {one.name} | {one.why} |"
    yield ""


def _of(all_of_them: Iterable[_Kind], number: int) -> list[_Kind]:
    return [one for one in all_of_them if one.number == number]


def _names(attacks: Iterable[Attack | NotMounted]) -> str:
    return "; ".join(attack.name for attack in attacks) or "-"


def _code(text: str) -> str:
    return text.replace("`", "'")
