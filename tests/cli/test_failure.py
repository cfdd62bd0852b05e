"""Every fault of a verb becomes one sentence and the exit code of the vocabulary."""

import errno
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hanota.cli.failure import ExitCode, run
from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import ImageFault


def outcome(fault: BaseException | None) -> tuple[int, str, BaseException | None]:
    """Exit code, stderr and uncaught exception of a verb that raises this."""
    app = typer.Typer()

    @app.command()
    @run
    def verb(name: str, *, loud: bool = False) -> None:
        """Say a name."""
        if fault is not None:
            raise fault
        typer.echo(name.upper() if loud else name)

    result = CliRunner().invoke(app, ["word", "--loud"])
    assert result.stdout == ("WORD\n" if fault is None else "")
    return result.exit_code, result.stderr, result.exception


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (None, ExitCode.DONE, ""),
        (LocalError("write 8 hex digits"), ExitCode.WRONG_USE, "hanota: write 8 hex digits\n"),
        (
            RemoteError(ImageFault.MAGIC, "no OTA file"),
            ExitCode.UNREADABLE,
            "hanota: no OTA file\n",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.ota"),
            ExitCode.UNREADABLE,
            "hanota: cannot read a.ota: No such file or directory\n",
        ),
        (OSError("the disk is gone"), ExitCode.UNREADABLE, "hanota: the disk is gone\n"),
        (typer.Exit(ExitCode.REFUSED), ExitCode.REFUSED, ""),
        (
            RemoteError(ImageFault.MAGIC, "it starts\nwith \x1b[2J"),
            ExitCode.UNREADABLE,
            "hanota: it starts with  [2J\n",
        ),
    ],
)
def test_each_fault_has_its_exit_code(fault: Exception | None, code: ExitCode, says: str) -> None:
    exit_code, stderr, _ = outcome(fault)
    assert exit_code == code
    assert stderr == says


def test_a_reader_that_went_away_is_no_unreadable_input() -> None:
    exit_code, stderr, _ = outcome(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert exit_code == ExitCode.FAILED
    assert stderr == ""


def test_a_bug_keeps_its_traceback() -> None:
    bug = KeyError("a bug")
    _, stderr, seen = outcome(bug)
    assert seen is bug
    assert stderr == ""


def test_the_verb_keeps_its_name_help_and_options(tmp_path: Path) -> None:
    def verb(path: Path) -> int:
        """Count."""
        return len(path.read_bytes())

    guarded = run(verb)
    assert (guarded.__name__, guarded.__doc__) == ("verb", "Count.")
    (tmp_path / "three").write_bytes(b"abc")
    assert guarded(tmp_path / "three") == 3
    with pytest.raises(typer.Exit):
        guarded(tmp_path / "none")
