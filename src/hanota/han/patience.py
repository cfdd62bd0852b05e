"""Waiting for an answer: how long, how often the request is repeated, and one wake for it all.

A download has thousands of requests, each answered in milliseconds. A wake for each would double
the work of the shell, so a Watch keeps at most one under way, which sets itself anew when it comes
and finds that the answer is not overdue yet.
"""

from typing import NamedTuple

from hanota.han.effects import Effects, Wake


class Patience(NamedTuple):
    """How long an answer may take, the pause before the request is repeated, and tries in all."""

    timeout_ms: int
    pause_ms: int
    tries: int


class Watch:
    """Sees that an answer is missed; `token` is the wake at which `overdue` must be asked."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._due_ms: int | None = None
        self._wake_ms: int | None = None

    def expect(self, due_ms: int) -> Effects:
        """An answer should be here by then; replaces what was expected before."""
        self._due_ms = due_ms
        if self._wake_ms is not None and self._wake_ms <= due_ms:
            return ()
        self._wake_ms = due_ms
        return (Wake(due_ms, self._token),)

    def answered(self) -> None:
        """Nothing is expected any more."""
        self._due_ms = None

    def overdue(self, now_ms: int) -> tuple[bool, Effects]:
        """The wake has come: whether the answer is overdue, and the wake that goes on watching."""
        self._wake_ms = None
        if self._due_ms is None:
            return False, ()
        if now_ms < self._due_ms:
            return False, self.expect(self._due_ms)
        self._due_ms = None
        return True, ()
