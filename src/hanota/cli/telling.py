"""What a verb that talks to a DCC tells while it does: what it sent, was answered, was pushed.

For people each event is a heading and its facts, for programs (`--json`) one JSON object a line.
"""

from itertools import islice

import msgspec
import typer

from hanota.cli.describing import Facts, Keys, describe_carried, describe_document
from hanota.cli.show import show
from hanota.dcc.response_codes import RESPONSE_CODES
from hanota.model import LIST_OF_REASON, LeftOutList, eui_text
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import Document
from hanota.wire.duis.values import (
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    Response,
    ResponseMessage,
)


def tell(event: str, facts: Facts, *, as_json: bool) -> None:
    """Print one event at once; facts as `show` takes them."""
    if as_json:
        typer.echo(msgspec.json.encode({"event": event} | facts))
    else:
        show({event: facts}, as_json=False)


def answer_facts(
    document: Document, response: Response, keys: Keys, at_ms: int, *, in_full: bool
) -> Facts:
    """A synchronous answer: its code with the meaning, who is left out and why, and what it is.

    Unless `in_full`, of a long list of devices that are left out only the first are there.
    """
    left_out = _left_out(response)
    if not in_full and len(left_out) > _DEVICES_TOLD_MAX:
        first = dict(islice(left_out.items(), _DEVICES_TOLD_MAX))
        left_out = first | {"others": f"{len(left_out) - len(first):,}"}
    return {
        "code": response.response_code,
        "meaning": meaning(response.response_code),
        "left_out": left_out or None,
    } | message_facts(document, keys, at_ms)


def message_facts(document: Document, keys: Keys, at_ms: int) -> Facts:
    """A message of the DCC, and the message that it carries, as `hanota decode` describes them."""
    carried, _ = describe_carried(document, keys)
    described = describe_document(document, keys, at_ms)
    return {name: value for name, value in described.items() if name != "kind"} | carried


def meaning(code: str) -> str:
    """What a response code means, as far as hanota has a meaning for it."""
    known = RESPONSE_CODES.get(ResponseCode(code)) if code in _CODES else None
    if known is None:
        return "the DUIS schema lists codes without meanings, and hanota has none for this one"
    return known.meaning if known.sourced else f"{known.meaning} (assigned by hanota)"


_CODES = frozenset(ResponseCode)
_DEVICES_TOLD_MAX = 20


def _left_out(response: Response) -> dict[str, str]:
    """Each device that is left out, with the list that names it and what may be the reason."""
    match response.body:
        case ResponseMessage(
            content=DSPUpdateFirmwareWarning() | DSPUpdatePPMIDFirmwareWarning() as warning
        ):
            return {
                eui_text(device_id): f"{name}: {_REASONS[name]}"
                for name, device_ids in warning.lists().items()
                for device_id in device_ids
            }
        case _:
            return {}


_REASONS = {
    name: " or ".join(reason for reason, listed in LIST_OF_REASON.items() if listed is name)
    for name in LeftOutList
}
