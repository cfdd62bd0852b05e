"""A cohort as a condition on rows of `device`: SQL of fixed pieces, and values as parameters.

What is compared without regard to case, or with a wildcard, is compared here with the few texts
that the inventory has, so that SQL sees equality only and every database means the same.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from hanota.cohort import Cohort, Condition, Operator, is_text
from hanota.ledger.columns import signed

# Of a free text, the values that the inventory has.
Texts = Callable[[str], Sequence[str]]


class Where(msgspec.Struct, frozen=True):
    """The text behind WHERE, and its parameters in order."""

    text: str
    parameters: tuple[str | int, ...]


def where(cohort: Cohort, texts: Texts) -> Where:
    """The condition that holds for the rows of `device` that the cohort has.

    `texts` gives the values that the inventory has of a free-text field, by its name.
    """
    parts = [_condition(condition, texts) for condition in cohort.conditions]
    return Where(
        " AND ".join(part.text for part in parts) or "1 = 1",
        tuple(value for part in parts for value in part.parameters),
    )


_TEXTS = {"manufacturer": "manufacturer", "model": "model", "gbcs": "gbcs_version"}
_WORDS = {"type": "type", "status": "status", "region": "region"}
_IDS = {"id": "device_id", "hub": "hub_id"}
_ITS_HUB = "EXISTS (SELECT 1 FROM device AS hub WHERE hub.device_id = device.hub_id"
_OPERATORS: Mapping[Operator, str] = {
    Operator.BELOW: "<",
    Operator.AT_MOST: "<=",
    Operator.ABOVE: ">",
    Operator.AT_LEAST: ">=",
}


def _condition(condition: Condition, texts: Texts) -> Where:
    found = _holds(condition, texts)
    return Where(f"NOT ({found.text})", found.parameters) if condition.negated else found


def _holds(condition: Condition, texts: Texts) -> Where:
    field, values = condition.field, condition.values
    if field in _TEXTS:
        return _one_of(f"device.{_TEXTS[field]}", _matching(condition, texts(field)))
    if field in _WORDS:
        return _one_of(f"device.{_WORDS[field]}", [str(value) for value in values])
    if field in _IDS:
        return _one_of(f"device.{_IDS[field]}", [signed(int(value)) for value in values])
    match field:
        case "supplier":
            return _suppliers(values)
        case "hardware":
            number = _compared(condition, "device.hardware_version")
            return Where(f"device.hardware_version IS NOT NULL AND {number.text}", values)
        case "firmware":
            return _version(condition, "device")
        case _:
            its_hub = _version(condition, "hub")
            return Where(f"{_ITS_HUB} AND {its_hub.text})", its_hub.parameters)


def _version(condition: Condition, table: str) -> Where:
    column = f"{table}.firmware_version"
    compared = _compared(condition, column)
    if condition.operator is Operator.IS:
        return compared
    # A version that was read with another length is before and after nothing.
    return Where(f"length({column}) = 8 AND {compared.text}", compared.parameters)


def _compared(condition: Condition, column: str) -> Where:
    if condition.operator is Operator.IS:
        return _one_of(column, condition.values)
    return Where(f"{column} {_OPERATORS[condition.operator]} ?", condition.values)


def _one_of(column: str, values: Sequence[str | int]) -> Where:
    if not values:
        return Where("1 = 0", ())
    marks = ", ".join("?" for _ in values)
    return Where(f"{column} IN ({marks})", tuple(values))


def _matching(condition: Condition, held: Sequence[str]) -> list[str]:
    return [text for text in held if any(is_text(text, str(value)) for value in condition.values)]


def _suppliers(values: Sequence[str | int]) -> Where:
    # The column is a JSON array of numbers: [1,2]. A comma stands around each of them.
    held = "(',' || substr(device.suppliers, 2, length(device.suppliers) - 2) || ',')"
    text = " OR ".join(f"{held} LIKE ?" for _ in values)
    return Where(f"({text})", tuple(f"%,{int(value)},%" for value in values))
