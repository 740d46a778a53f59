"""Find, end and wait for the processes of the embedded services."""

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


def end(process: psutil.Process, *, gently: signal.Signals, seconds: float) -> None:
    """Ask a process to end; after `seconds`, kill it with its children. Returns when they are gone."""
    try:
        family = [process, *process.children(recursive=True)]
        process.send_signal(gently)
    except psutil.NoSuchProcess:
        return
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
