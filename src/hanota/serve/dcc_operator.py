"""What an operator can see of a DCC that runs, and have it do.

Everything is told as texts and numbers, ready for JSON: ids with dashes, instants as ISO 8601.

Not here: how the operator speaks with the process (`operator_http`).
"""

from collections.abc import Iterable

from hanota.dcc.users import Users
from hanota.errors import LocalError
from hanota.limits import OPERATOR_ROWS_MAX
from hanota.model import RequestID, eui_from_text, eui_text, utc
from hanota.rows import Outgoing, RequestRow, Untaken
from hanota.serve.clock import Clock
from hanota.serve.dcc import DccShell
from hanota.serve.ledger_thread import LedgerThread
from hanota.serve.operator_http import Act
from hanota.wire.duis.identifiers import REQUEST_ID
from hanota.wire.duis.times import INSTANT

Facts = dict[str, object]


class OperatorActs:
    """The acts, on a shell that is used in `thread` alone."""

    def __init__(self, thread: LedgerThread, shell: DccShell, users: Users, clock: Clock) -> None:
        self._thread = thread
        self._shell = shell
        self._users = users
        self._clock = clock

    def by_name(self) -> dict[str, Act]:
        """Each act under its name."""
        return {
            "requests": self._requests,
            "release": self._release,
            "pushes": self._pushes,
            "update-hubs": self._update_hubs,
        }

    async def _requests(self, _parameters: dict[str, str], _body: bytes) -> list[Facts]:
        """The requests that anomaly detection holds back."""
        held = await self._thread.run(lambda: self._shell.quarantined(OPERATOR_ROWS_MAX))
        return [_request_facts(row) for row in held]

    async def _release(self, parameters: dict[str, str], _body: bytes) -> Facts:
        """Let `request` go; the code that it was answered."""
        request_id = _request_id(_given(parameters, "request"))
        now_ms = self._clock.now_ms()
        code = await self._thread.run(lambda: self._shell.release(request_id, now_ms))
        return {"request_id": str(request_id), "code": code}

    async def _pushes(self, _parameters: dict[str, str], _body: bytes) -> Facts:
        """What waits for users, and what has ended without being taken."""

        def look() -> tuple[list[Outgoing], list[Untaken]]:
            waiting = [
                push
                for user_id in self._users
                for push in self._shell.waiting(user_id, OPERATOR_ROWS_MAX)
            ]
            return waiting[:OPERATOR_ROWS_MAX], self._shell.untaken(OPERATOR_ROWS_MAX)

        waiting, ended = await self._thread.run(look)
        return {
            "waiting": [_waiting_facts(push) for push in waiting],
            "ended": [_ended_facts(push) for push in ended],
        }

    async def _update_hubs(self, parameters: dict[str, str], body: bytes) -> Facts:
        """Give the image in the body to `hubs`, to be activated at once or `at`."""
        hub_ids = [eui_from_text(text) for text in _given(parameters, "hubs").split(",")]
        at_ms = _instant(parameters["at"]) if "at" in parameters else None
        now_ms = self._clock.now_ms()
        begun = await self._thread.run(
            lambda: self._shell.update_hubs(body, hub_ids, now_ms, activate_at_ms=at_ms)
        )
        return {
            "accepted": _ids(begun.accepted),
            "left_out": {eui_text(hub): str(why) for hub, why in begun.left_out.items()},
        }


def _given(parameters: dict[str, str], name: str) -> str:
    if name not in parameters:
        raise LocalError(f"the parameter {name!r} is missing")
    return parameters[name]


def _request_id(text: str) -> RequestID:
    try:
        request_id: RequestID = REQUEST_ID.parse(text)
    except ValueError as fault:
        raise LocalError(f"{text!r} is no RequestID: it {fault}") from fault
    return request_id


def _instant(text: str) -> int:
    try:
        at_ms: int = INSTANT.parse(text)
    except ValueError as fault:
        raise LocalError(f"{text!r} is no time such as 2026-11-22T08:00:00Z") from fault
    return at_ms


def _request_facts(row: RequestRow) -> Facts:
    return {
        "request_id": str(row.request_id),
        "service": row.service_reference,
        "command_variant": row.command_variant,
        "user": eui_text(row.request_id.originator),
        "at": _time(row.at_ms),
    }


def _waiting_facts(push: Outgoing) -> Facts:
    return {
        "push": push.number,
        "user": eui_text(push.receiver),
        "device": eui_text(push.device_id) if push.device_id else None,
        "due": _time(push.due_ms),
        "tries": push.tries,
        "octets": len(push.body),
    }


def _ended_facts(push: Untaken) -> Facts:
    return {
        "event": push.event,
        "at": _time(push.at_ms),
        "user": eui_text(push.receiver),
        "device": eui_text(push.device_id) if push.device_id else None,
        "tries": push.tries,
        "status": push.status,
        "octets": len(push.body),
    }


def _ids(euis: Iterable[int]) -> list[str]:
    return [eui_text(eui) for eui in euis]


def _time(at_ms: int) -> str:
    return utc(at_ms).isoformat(timespec="milliseconds")
