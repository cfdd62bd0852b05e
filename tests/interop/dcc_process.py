"""The DCC as a process, as a user starts it."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

START_TIMEOUT_S = 60


class DccProcess:
    """`hanota dcc serve` with one home, at ports of its own, in time that runs faster."""

    def __init__(self, state: Path, push_to: str, *words: object) -> None:
        program = "from hanota.cli.main import main; main()"
        options = ["dcc", "serve", "--homes", "1", "--duis-port", "0", "--smki-port", "0"]
        options += ["--push-to", push_to, "--speed", "20", "--state", str(state)]
        command = [sys.executable, "-u", "-c", program, *options, *map(str, words)]
        self._log = (state / "stderr").open("w+b")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log)
        told = self._announcement()
        self.duis = re.search(r"requests +(http://[0-9.:]+)", told)[1]
        self.smki = re.search(r"certificates +(http://[0-9.:]+)", told)[1]

    def _announcement(self) -> str:
        timer = threading.Timer(START_TIMEOUT_S, self._process.kill)
        timer.start()
        lines = []
        for line in self._process.stdout:
            lines.append(line.decode())
            if line.startswith(b"Try it"):
                break
        timer.cancel()
        assert self._process.poll() is None, self._said()
        return "".join(lines)

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def close(self):
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(START_TIMEOUT_S) == 0, self._said()
        self._process.stdout.close()
        self._log.close()
