"""A home of its own for each test of the house: nothing of it touches the services of the test run."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from leadsla.embedded import place, sharing

_OF_THE_RUN = ("LEADSLA_HOME", "LEADSLA_ENV", "LEADSLA_NOW", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "PORT")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of its own: each start of pytest shuts the one that its own folders lie in to PostgreSQL's user."""
    folder = Path(tempfile.mkdtemp(prefix="leadsla-house-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new, empty home; what still runs in it at the end is stopped."""
    yield move_to(tmp_path / "home", monkeypatch)
    move_to(tmp_path / "home", monkeypatch)
    sharing.stop_all()


def move_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the home of this test and of what it starts."""
    for name in _OF_THE_RUN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEADSLA_HOME", str(folder))
    return folder


def python(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python in the checkout with the environment of the test."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=place.CHECKOUT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    """Wait for the end and return what was printed."""
    return process.communicate(timeout=60)[0]


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the living processes that carry a home in their arguments or their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            carried = [*process.cmdline(), process.environ().get("LEADSLA_HOME", "")]
            alive = process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if alive and process.pid != os.getpid() and any(str(folder) in part for part in carried):
            found.append(process)
    return found
