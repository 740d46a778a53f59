"""`make run`: ports, a second start, requests over a crash, nothing left behind."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import psutil
import pytest

from leadsla.embedded import place, sharing
from leadsla.embedded import portal as embedded_portal
from tests.flows.running import until

from .conftest import move_to, processes_of, python, said


@pytest.fixture
def free_port() -> int:
    """A port that nobody serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A home that a portal prepares once; each test finds it stopped and leaves it so."""
    folder = Path(tempfile.mkdtemp(prefix="leadsla-portal-"))
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The prepared home; what still runs in it at the end is stopped."""
    yield move_to(prepared, monkeypatch)
    embedded_portal.stop()


@pytest.fixture
def portal(home: Path, free_port: int) -> subprocess.Popen[str]:
    """A portal that answers."""
    process = python("-m", "leadsla.embedded", "run", PORT=str(free_port), DEMO="0")
    wait_for(process, "LeadSLA answers at")
    return process


def wait_for(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """Read lines until one begins as told; return those before it."""
    assert process.stdout is not None
    before = []
    # Silence would keep the loop waiting for ever.
    patience = Timer(180, process.kill)
    patience.start()
    for line in process.stdout:
        if line.startswith(beginning):
            patience.cancel()
            return before
        before.append(line)
    raise AssertionError(f"it ended without {beginning!r}: {''.join(before)}")


def status(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=20) as answer:
        code: int = answer.status
        return code


def test_answers_survives_a_crash_of_postgresql_and_stops_without_a_trace(
    home: Path, free_port: int, portal: subprocess.Popen[str]
) -> None:
    assert status(free_port) == 200
    second = python("-m", "leadsla.embedded", "run", PORT=str(free_port))
    assert f"it already runs from this folder on port {free_port}" in said(second)
    assert second.returncode == 1

    server = psutil.Process(int((place.data("postgres") / "postmaster.pid").read_text().splitlines()[0]))
    server.kill()
    psutil.wait_procs([server], timeout=10)
    sharing.revive()
    assert status(free_port) == 200

    os.killpg(portal.pid, signal.SIGINT)
    assert said(portal).endswith("LeadSLA stopped.\n")
    assert portal.returncode == 0
    assert processes_of(home) == []


def ticks_of(home: Path) -> psutil.Process:
    """Return the worker of the ticks; its first process, not those that it forks."""
    workers = [process for process in processes_of(home) if "ticks" in process.cmdline()]
    return min(workers, key=lambda process: process.create_time())


def test_a_process_that_dies_is_started_again_until_it_dies_too_often(
    home: Path, free_port: int, portal: subprocess.Popen[str]
) -> None:
    for _death in range(3):
        ticks_of(home).kill()
        wait_for(portal, "LeadSLA: ticks stopped (exit code -9) and is started again.")
        assert status(free_port) == 200
        until(lambda: any("ticks" in process.cmdline() for process in processes_of(home)), what="it runs again")
    ticks_of(home).kill()
    assert said(portal).endswith("LeadSLA stopped.\n")
    assert portal.returncode != 0
    assert processes_of(home) == []


def test_a_killed_portal_takes_everything_with_it(home: Path, portal: subprocess.Popen[str]) -> None:
    started = processes_of(home)
    assert len(started) > 5
    portal.kill()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []


def test_stop_ends_it_from_another_terminal(home: Path, portal: subprocess.Popen[str]) -> None:
    assert said(python("-m", "leadsla.embedded", "stop")) == ""
    assert said(portal).endswith("LeadSLA stopped.\n")
    assert processes_of(home) == []


def test_a_busy_port_is_named_with_a_way_out(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = python("-m", "leadsla.embedded", "run", PORT=str(port))
        message = said(process)
    assert message.startswith(f"LeadSLA: port {port} is in use. Choose another one: make run PORT=")
    assert message.count("\n") == 1
    assert process.returncode == 1


@pytest.mark.parametrize("told", ["eighty", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(home: Path, told: str) -> None:
    process = python("-m", "leadsla.embedded", "run", PORT=told)
    assert said(process) == f"LeadSLA: PORT is {told!r}: give a number from 1 to 65535.\n"
    assert process.returncode == 1
