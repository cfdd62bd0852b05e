"""What an attack is: a value that says all a risk assessment says, and a function that mounts it.

An attack is mounted twice: on the code as it is, where `got` has to be `refused`, and on a copy
without the one defence that is named, where it has to be `without`. An attack that gets the same
both times proves nothing about its defence.
"""

from collections.abc import Callable
from typing import NamedTuple

FIELD = 0  # the source of an attack that is this field's own and stands on no list


class Defence(NamedTuple):
    """The text that stops an attack, in a file below `src/hanota`, and what stands there without.

    The text must stand in its file exactly once.
    """

    file: str
    text: str
    without: str = ""


class Attack(NamedTuple):
    """One attack on the production parties."""

    name: str
    number: int  # on the list of attacks on update systems, FIELD for this field's own
    who: str  # could mount it
    stopped_by: str  # a sentence: the defence and its place
    mount: Callable[[], str]  # mounts it, and says what it got
    refused: str  # what it has to get
    without: str  # what it gets once the defence is taken out
    defence: Defence
    remains: str  # what the defence does not stop

    @property
    def slug(self) -> str:
        """The name as one word of a command line."""
        return "-".join("".join(c if c.isalnum() else " " for c in self.name.lower()).split())


class NotMounted(NamedTuple):
    """An attack of the list, or a part of one, that nobody can mount here; and why."""

    number: int
    name: str
    why: str
