"""`make run`: the whole portal from a checkout. Starts what is needed, runs the Procfile, leaves nothing behind."""

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from honcho.environ import parse_procfile
from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer

from leadsla.embedded import locks, place, processes, sharing
from leadsla.embedded.place import EmbeddedError

_WATCH = "leadsla"
_HOST = "127.0.0.1"
_RESTARTS, _WITHIN = 3, 60.0  # of one process, in so many seconds
# Celery says this whatever its log level.
_CHATTER = {"", "worker: Warm shutdown (MainProcess)", "worker: Hitting Ctrl+C again will terminate all running tasks!"}


class _QuietPrinter(Printer):
    """Print what the processes say, and nothing about their coming and going."""

    def write(self, message: Message) -> None:
        if message.name == SYSTEM_PRINTER_NAME:
            return
        data = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        before = "" if message.name == _WATCH else f"{message.name:<6} | "
        for line in data.splitlines():
            if line in _CHATTER:
                continue
            print(before + line, file=self.output, flush=True)


class _Manager(Manager):
    """Start a process again that died; stop also where the wish comes before every process has told its number."""

    returncode: int | None = None
    _asked = False

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._deaths: dict[str, list[float]] = defaultdict(list)

    def _any_stopped(self) -> bool:
        """Say whether one stopped for good; what may be started again is."""
        stopped = [name for name, process in self._processes.items() if process.get("returncode") is not None]
        if self._asked or len(stopped) == len(self._processes) or not all(map(self._may_start_again, stopped)):
            return bool(stopped)
        for name in stopped:
            self._start_again(name)
        return False

    def _may_start_again(self, name: str) -> bool:
        """Say whether it died seldom enough: one that cannot run would otherwise die for ever."""
        lately = [moment for moment in self._deaths[name] if moment > time.monotonic() - _WITHIN]
        return len(lately) < _RESTARTS

    def _start_again(self, name: str) -> None:
        process = self._processes[name]
        print(f"LeadSLA: {name} stopped (exit code {process.pop('returncode')}) and is started again.", flush=True)
        self._deaths[name].append(time.monotonic())
        self.returncode = None
        process["process"].join()
        process["pid"] = None  # until it tells its new one
        process["process"] = multiprocessing.Process(name=name, target=process["obj"].run, args=(self.events, True))
        process["process"].start()

    def terminate(self) -> None:
        self._asked = True
        if super()._all_started():
            super().terminate()

    def _all_started(self) -> bool:
        started: bool = super()._all_started()
        if started and self._asked:
            super().terminate()
        return started


def main() -> int:
    """Run the portal until Ctrl-C, SIGTERM or the end of a process that dies again and again; return the exit code."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        port = _port(os.environ.get("PORT", "").strip() or "8000")
        with _alone(port):
            _require_free(port)
            with sharing.services():
                return _run(port)
    except EmbeddedError as error:
        print(f"LeadSLA: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def watch(port: int, supervisor: int) -> None:
    """Say when the portal answers, revive a service that died, and clear up if the supervisor is killed."""
    portal = psutil.Process(supervisor)
    while not _answers(port) and processes.alive(portal):
        time.sleep(0.1)
    print(f"LeadSLA answers at {os.environ['LEADSLA_URL']} (Ctrl-C stops it)", flush=True)
    while processes.alive(portal):
        time.sleep(2)
        sharing.revive()
    _end_leftovers()
    with sharing.services():  # the last one out stops them
        pass


def stop() -> None:
    """End the portal of this home if one runs, what a killed one left, and the services."""
    pid = _recorded("pid")
    with locks.file("portal") as lock:
        if pid and not locks.take(lock):
            with contextlib.suppress(psutil.NoSuchProcess):
                processes.end(psutil.Process(pid), gently=signal.SIGTERM, seconds=15)
    _end_leftovers()
    sharing.stop_all()


def _run(port: int) -> int:
    environment = os.environ | {
        "PORT": str(port),
        "HOST": os.environ.get("HOST", "").strip() or _HOST,
        "LEADSLA_URL": os.environ.get("LEADSLA_URL", "").strip() or f"http://localhost:{port}",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "LEADSLA_PORTAL": str(place.home()),  # by this a later start knows what a killed portal left
        # Celery advises against root; here it runs for one person on their own machine.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    prepared = subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=place.CHECKOUT, env=environment, check=False
    )
    if prepared.returncode:
        return prepared.returncode
    manager = _Manager(_QuietPrinter(sys.stdout))
    for name, command in parse_procfile((place.CHECKOUT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(place.CHECKOUT))
    watching = f"exec python -m leadsla.embedded watch {port} {os.getpid()}"
    manager.add_process(_WATCH, watching, env=environment, cwd=str(place.CHECKOUT))
    manager.loop()
    print("LeadSLA stopped.", flush=True)
    asked_to_stop = manager.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if asked_to_stop else int(manager.returncode or 1)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise EmbeddedError(f"PORT is {text!r}: give a number from 1 to 65535.")


def _require_free(port: int) -> None:
    """Refuse a port that somebody else serves, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("HOST", "").strip() or _HOST, port))
        except PermissionError:
            raise EmbeddedError(f"port {port} needs root. Choose another one: make run PORT=8000") from None
        except OSError:
            free = next(other for other in range(port + 1, port + 1000) if not _answers(other))
            raise EmbeddedError(f"port {port} is in use. Choose another one: make run PORT={free}") from None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((_HOST, port)) == 0


@contextmanager
def _alone(port: int) -> Iterator[None]:
    """Hold the home for this one portal, and end what a killed one left behind."""
    record = _record()
    with locks.file("portal") as lock:
        if not locks.take(lock):
            raise EmbeddedError(
                f"it already runs from this folder{_where()}. Stop it, or set LEADSLA_HOME to start a second one."
            )
        _end_leftovers()
        record.write_text(json.dumps({"port": port, "pid": os.getpid()}))
        try:
            yield
        finally:
            record.unlink(missing_ok=True)


def _record() -> Path:
    return place.home() / "portal.json"


def _recorded(name: str) -> int | None:
    try:
        return int(json.loads(_record().read_text())[name])
    except (OSError, ValueError, KeyError):
        return None


def _where() -> str:
    port = _recorded("port")
    return f" on port {port}" if port else ""


def _end_leftovers() -> None:
    """End the processes of a portal of this home that was killed: they carry its home in their environment."""
    mark = str(place.home())
    marked = [process for process in psutil.process_iter() if _environment(process).get("LEADSLA_PORTAL") == mark]
    others = [process for process in marked if process.pid != os.getpid()]
    processes.end(*others, gently=signal.SIGTERM, seconds=4)


def _environment(process: psutil.Process) -> dict[str, Any]:
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
