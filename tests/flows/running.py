"""A portal beside a test: its processes on the test's database, a broker of its own, and a clock set by the test."""

from __future__ import annotations

import os
import shelve
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from django.conf import settings
from django.db import connection

from leadsla.embedded import place, redis_server

PATIENCE = 90  # seconds; a machine under load starts a process slowly
_CELERY = ("-m", "celery", "--quiet", "--app", "leadsla")
_COMMANDS = {
    "web": (
        *("-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4", "--no-ws"),
        *("--log-level", "warning", "leadsla.wsgi:application"),
    ),
    "worker": (
        *(*_CELERY, "worker", "--queues", "ticks,default", "--concurrency", "2", "--loglevel", "warning"),
        *("--without-gossip", "--without-mingle"),
    ),
    "beat": (*_CELERY, "beat", "--loglevel", "warning"),
}
_OF_THE_RUN = ("REDIS_URL", "MEDIA_ROOT", "EMAIL_URL", "DEBUG", "PORT", "HOST")


def until(is_so: Callable[[], object], *, what: str, seconds: float = PATIENCE) -> None:
    """Look again and again until something is so; what is not so in time fails the test by its name."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


class Portal:
    """Processes of a portal. `set_clock` lets time pass for all of them, and for what is due in between.

    Attributes:
        home: where they keep mail, files and logs.
        now_setting: LEADSLA_NOW, the same for web, workers, beat and the test.
    """

    def __init__(self, home: Path, *, at: datetime) -> None:
        self.home = home
        self.now_setting = _shift_to(at)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        home.mkdir(parents=True)

    @property
    def url(self) -> str:
        """The address of the web process."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def now(self) -> datetime:
        """What time it is in the portal."""
        return datetime.fromtimestamp(time.time() + float(self.now_setting.rstrip("s")), UTC)

    def start(self, *names: str) -> None:
        """Start processes; returns when the web process answers. Workers may still be starting."""
        for name in names:
            with self._log(name).open("ab") as output:
                self._running[name] = subprocess.Popen(
                    [sys.executable, *_COMMANDS[name]],
                    cwd=place.CHECKOUT,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        if "web" in names:
            until(self._answers, what="the web process answers")

    def stop(self, *names: str) -> None:
        """Ask processes to end, and wait."""
        going = [self._running.pop(name) for name in names]
        for process in going:
            process.terminate()
        for process in going:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def kill(self, name: str) -> None:
        """Kill a process and its children at once, as `kill -9` does."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        """Stop what runs."""
        self.stop(*self._running)

    def set_clock(self, at: datetime) -> None:
        """Let time pass until a moment: what runs is started again with the clock set forward."""
        jump = at - self.now
        names = tuple(self._running)
        self.stop(*names)
        # Beat remembers by the machine's clock when each tick was last sent.
        if any(self.home.glob("beat-schedule*")):
            with shelve.open(str(self.home / "beat-schedule"), writeback=True) as memory:
                for entry in memory.get("entries", {}).values():
                    entry.last_run_at -= jump
        self.now_setting = _shift_to(at)
        self.start(*names)

    @contextmanager
    def _as_home(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LEADSLA_HOME", str(self.home))
            yield

    def start_redis(self) -> None:
        """Start the broker of this portal."""
        with self._as_home():
            redis_server.start()

    def stop_redis(self) -> None:
        """Stop the broker; what was queued is lost."""
        with self._as_home():
            redis_server.stop()

    def mails(self) -> list[str]:
        """Return what was sent by e-mail, as text with header."""
        return [path.read_text() for path in sorted(self.home.glob("mail/*"))]

    def complaints(self, *names: str) -> list[str]:
        """Return the lines in the logs of processes that tell of errors."""
        lines = [(name, line) for name in names for line in self._log(name).read_text().splitlines()]
        return [f"{name}: {line}" for name, line in lines if any(word in line for word in ("ERROR", "CRITICAL"))]

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _answers(self) -> bool:
        process = self._running["web"]
        assert process.poll() is None, self._log("web").read_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_RUN}
        return kept | {
            "LEADSLA_ENV": "test",
            "LEADSLA_HOME": str(self.home),
            "LEADSLA_NOW": self.now_setting,
            "DATABASE_URL": _database_url(),
            "SECRET_KEY": settings.SECRET_KEY,
            "DEMO": "0",
            "GRANIAN_PORT": str(self._port),
        }


def _shift_to(at: datetime) -> str:
    """Return the value of LEADSLA_NOW by which it is `at` now."""
    seconds = round(at.timestamp() - time.time())
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{abs(seconds)}s"


def _database_url() -> str:
    """Return the address of the database that the test works on, as DATABASE_URL takes it."""
    told = connection.settings_dict
    host, port, name = told["HOST"], told["PORT"] or 5432, told["NAME"]
    person = ":".join(quote(told[key], safe="") for key in ("USER", "PASSWORD") if told[key])
    if not host or host.startswith("/"):
        return f"postgresql://{person}@/{quote(f'{host}/{name}')}"
    return f"postgresql://{person}@{host}:{port}/{name}"


@pytest.fixture
def portal(tmp_path: Path, transactional_db: None, tuesday: datetime) -> Iterator[Portal]:
    """A portal of which nothing runs yet, on a Tuesday at 10:00 in Berlin; it is stopped before the data go."""
    portal = Portal(tmp_path / "portal", at=tuesday)
    yield portal
    portal.stop_all()
    portal.stop_redis()
