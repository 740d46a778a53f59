"""Find, end and wait for the processes of the embedded services."""

import contextlib
import signal
import time
from pathlib import Path

import psutil


def alive(process: psutil.Process) -> bool:
    """Say whether a process runs. One that ended but was not collected by its parent yet counts as gone."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def named_in(pid_file: Path) -> psutil.Process | None:
    """Return the living process whose number is in the first line of a pid file."""
    try:
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if alive(process) else None


def command(process: psutil.Process) -> list[str]:
    """Return the command line, empty if it cannot be read."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def end(*chosen: psutil.Process, gently: signal.Signals, seconds: float) -> None:
    """Ask processes to end; after `seconds`, kill them with their children. Returns when all are gone."""
    family = []
    for process in chosen:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += [process, *process.children(recursive=True)]
            process.send_signal(gently)
    if wait(family, seconds=seconds):
        return
    for member in filter(alive, family):
        member.kill()
    wait(family, seconds=10)


def wait(processes: list[psutil.Process], *, seconds: float) -> bool:
    """Wait until all are gone; False if some are not."""
    deadline = time.monotonic() + seconds
    while any(map(alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
