"""The two kinds of fault: ours and theirs.

An expected outcome (a device left out, an image discarded) is a value, never one of these.
"""

from enum import Enum


class HanotaError(Exception):
    """The root of both kinds; caught only where a party meets the world."""


class LocalError(HanotaError):
    """We, or those who set us up, broke a rule; the message says in one sentence what to do."""


class FileError(LocalError):
    """A file of keys or settings that we were given cannot be read, or is malformed."""


class RemoteError(HanotaError):
    """Bytes from the other side broke a rule.

    `code` is the code to answer with where the protocol has one: a `wire.codes.ResponseCode`
    (DUIS), a `wire.codes.ZclStatus` (ZigBee), or a `wire.codes.ImageFault` / `GbcsFault`, which
    the party that was fed the bytes turns into an answer of its own protocol.
    """

    def __init__(self, code: Enum, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type["RemoteError"], tuple[Enum, str]]:
        # What one process has read, another may have to answer.
        return type(self), (self.code, self.reason)
