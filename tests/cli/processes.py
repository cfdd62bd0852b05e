"""hanota as processes, as a user starts them: a DCC with homes, and a supplier."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from itertools import count
from pathlib import Path

import httpx
from tests.cli.a_scripted_dcc import free_port

from hanota.files.estate import write_estate
from hanota.ledger.ledger import Ledger
from hanota.model import DeviceType
from hanota.serve.supplier import SupplierShell
from hanota.sim.town import build_home
from hanota.sim.town_images import seeded_image
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.supplier.tracking import LIVE_STATES
from hanota.wire.image import encode_image

PKI = TestPki(b"1")
IMAGE_OCTETS = 2_048
START_TIMEOUT_S = 120
# How long anything that is awaited may take, and how often it is looked for.
SPEED = 60
PATIENCE_S = 300
LOOK_S = 0.02


class Process:
    """One `hanota WORDS`; it has started when it has said a line that begins with `ready`.

    None: at once.
    """

    def __init__(self, log: Path, ready: bytes | None, *words: object) -> None:
        self.log = log
        program = "from hanota.cli.main import main; main()"
        command = [sys.executable, "-u", "-c", program, *map(str, words)]
        with log.open("ab") as file:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file)
        if ready is None:
            return
        timer = threading.Timer(START_TIMEOUT_S, self._process.kill)
        timer.start()
        started = any(line.startswith(ready) for line in self._process.stdout)
        timer.cancel()
        assert started, log.read_text()

    def kill(self):
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def end(self):
        """Ask it to end, which it does in order."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(START_TIMEOUT_S) == 0, self.log.read_text()
        self._process.stdout.close()


class Joined:
    """A DCC, homes of one PPMID each, and their supplier, in time that runs faster.

    `processes` are those that run, started by `start`; each keeps its port. With the URL of a
    `link` the homes are a process too, else they are in that of the DCC.
    """

    def __init__(self, folder: Path, homes: int, link: str | None = None) -> None:
        self.folder = folder
        self.names = ("dcc", "supplier") if link is None else ("homes", "dcc", "supplier")
        self.urls = {name: f"sqlite:///{folder / name}.db" for name in ("supplier", "dcc")}
        self.ports = {name: free_port() for name in self.urls}
        self.processes = {}
        self._link = () if link is None else ("--link", link)
        kinds = (DeviceType.CHF, DeviceType.PPMID)
        town = [device for number in range(homes) for device in build_home(number).devices]
        devices = [device for device in town if device.type in kinds]
        self.ppmids = [device.device_id for device in devices if device.type is DeviceType.PPMID]
        self._estate = folder / "estate.csv"
        write_estate(self._estate, devices)
        self.supplier_shell(lambda shell: shell.load_estate(devices))

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        for process in self.processes.values():
            process.kill()

    def start(self, *names):
        for name in names:
            ready, *words = {
                "dcc": self._dcc,
                "homes": self._homes,
                "supplier": self._supplier,
            }[name]()
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            log = self.folder / f"{name}.log"
            shared = ("--state", folder, "--speed", SPEED)
            self.processes[name] = Process(log, ready, *words, *shared)

    def _dcc(self):
        push_to = f"127.0.0.1:{self.ports['supplier']}"
        ports = ("--duis-port", self.ports["dcc"], "--smki-port", 0, "--push-to", push_to)
        shared = ("--ledger", self.urls["dcc"], "--estate", self._estate, *self._link)
        return (b"Try it", "dcc", "serve", *shared, *ports)

    def _homes(self):
        return (b"They have power", "homes", "run", "--estate", self._estate, *self._link)

    def _supplier(self):
        dcc = f"http://127.0.0.1:{self.ports['dcc']}"
        ends = ("--listen", self.ports["supplier"], "--dcc", dcc)
        return (b"It runs", "supplier", "serve", "--ledger", self.urls["supplier"], *ends)

    def kill(self, name):
        self.processes.pop(name).kill()

    def end(self, *names):
        for name in names:
            self.processes.pop(name).end()

    def supplier_shell(self, use):
        """Let a verb of the supplier's write to its ledger, which may be in use."""
        with Ledger.open(self.urls["supplier"], owner="supplier") as ledger:
            use(SupplierShell(ledger, PKI, PKI, user_id=SUPPLIER, dcc_id=ACB))

    def ask_for_updates(self, requests, now_ms):
        """As many 11.4 for all PPMIDs together."""
        image_file = encode_image(seeded_image(IMAGE_OCTETS, 1))

        def ask(shell):
            for first in range(requests):
                shell.update_ppmid_firmware(image_file, self.ppmids[first::requests], now_ms)

        self.supplier_shell(ask)

    def states(self):
        """The state of each PPMID's update, and what the supplier takes it to run."""
        with Ledger.open(self.urls["supplier"]) as ledger, ledger.view() as view:
            deliveries = view.last_deliveries(self.ppmids)
            estate = view.devices(self.ppmids)
        return {
            device_id: (
                deliveries[device_id].state,
                deliveries[device_id].reason,
                estate[device_id].firmware_version,
            )
            for device_id in self.ppmids
        }

    def is_settled(self):
        """Whether every update has its outcome, and nobody has anything left to say."""
        states = {state for state, _, _ in self.states().values()}
        return not states & LIVE_STATES and not any(map(self.outbox_depth, self.urls))

    def outbox_depth(self, name):
        with Ledger.open(self.urls[name]) as ledger, ledger.view() as view:
            return view.outbox_depth()

    def happenings(self):
        """How much has happened so far: entries of both journals."""
        return sum(map(self._journal, self.urls))

    def _journal(self, name):
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as connection:
            tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'")
            if tables.fetchone() is None:
                return 0
            return connection.execute("SELECT coalesce(max(number), 0) FROM journal").fetchone()[0]

    def verify(self):
        """What is unsound in either ledger."""
        found = []
        for url in self.urls.values():
            with Ledger.open(url) as ledger:
                found += ledger.verify()
        return found

    def outcomes_recorded(self):
        """How often each PPMID's update came to an end, as the supplier's journal has it."""
        with closing(sqlite3.connect(self.folder / "supplier.db")) as connection:
            rows = connection.execute(
                "SELECT count(*) FROM journal WHERE state = 'updated' GROUP BY device_id"
            )
            return [number for (number,) in rows]

    def come_to_the_end(self):
        """See everything through, and that both ledgers are sound.

        What became of each device, and how much happened.
        """
        wait_until(self.is_settled, of="the end of the rollout")
        status, told = self.ready("supplier")
        assert (status, told["ready"], told["queues"]["outbox"]) == (200, True, 0)
        self.end(*reversed(self.names))
        assert self.verify() == []
        assert self.outcomes_recorded() == [1] * len(self.ppmids)
        return self.states(), self.happenings()

    def ready(self, name):
        """What the process says of itself."""
        answer = httpx.get(f"http://127.0.0.1:{self.ports[name]}/ready", trust_env=False)
        return answer.status_code, json.loads(answer.content)


def wait_until(true, *, of="what is awaited"):
    """Look until it is true; fails when that takes too long."""
    pause = threading.Event()
    for _ in range(round(PATIENCE_S / LOOK_S)):
        if true():
            return
        pause.wait(LOOK_S)
    raise AssertionError(f"{of} did not come")


def killing(joined, kills, until, seed):
    """Kill a process and start it again, so often, each time when a little more has happened.

    `until` is how much happens in all.
    """
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(until), kills))
    for moment, number in zip(moments, count(), strict=False):
        wait_until(
            lambda moment=moment: joined.happenings() >= moment or joined.is_settled(),
            of=f"moment {moment}",
        )
        name = joined.names[-1 - number % len(joined.names)]
        joined.kill(name)
        joined.start(name)
