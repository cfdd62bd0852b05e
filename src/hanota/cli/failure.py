"""How a verb ends: the exit codes of every verb, and one sentence on stderr for a fault.

Not here: what is expected. A verb that did its work and has bad news prints the news and leaves
with `typer.Exit(ExitCode.FAILED)`; so does one that the other side refused, with REFUSED.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar

import typer

from hanota.errors import FileError, LocalError, RemoteError


class ExitCode(IntEnum):
    """What the shell sees; the same for every verb."""

    DONE = 0
    FAILED = 1  # done, but something failed that the output names
    WRONG_USE = 2
    REFUSED = 3  # by the other side
    UNREADABLE = 4  # an input could not be read or is malformed


_P = ParamSpec("_P")
_R = TypeVar("_R")


def run(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a verb end with one sentence and its exit code where it would raise a fault.

    LocalError leaves with WRONG_USE; FileError, RemoteError and OSError (a file that cannot be
    read) with UNREADABLE. A verb that writes a file turns the OSError of that into a LocalError
    itself. Any other exception is a bug of ours and keeps its traceback. Stands below
    `@app.command()`:

        @app.command()
        @run
        def verb(...) -> None: ...
    """

    @wraps(verb)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return verb(*args, **kwargs)
        except FileError as error:
            end(ExitCode.UNREADABLE, str(error))
        except LocalError as error:
            end(ExitCode.WRONG_USE, str(error))
        except RemoteError as error:
            end(ExitCode.UNREADABLE, error.reason)
        except BrokenPipeError:
            # The reader of our output went away (`| head`): Typer ends that quietly.
            raise
        except OSError as error:
            end(ExitCode.UNREADABLE, _sentence(error))

    return guarded


def end(code: ExitCode, sentence: str) -> NoReturn:
    """Leave with this code and one sentence on stderr."""
    # Remote octets may be quoted in it: one line, and nothing that steers a terminal.
    line = "".join(c if c.isprintable() else " " for c in sentence)
    typer.echo(f"hanota: {line}", err=True)
    raise typer.Exit(code)


def _sentence(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return f"cannot read {error.filename}: {error.strerror}"
