"""File locks of a home. They end with the process that took them, however it ends."""

import contextlib
import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from leadsla.embedded import place

_open: "weakref.WeakSet[IO[bytes]]" = weakref.WeakSet()


def file(name: str) -> IO[bytes]:
    """Open a lock's file without taking the lock."""
    folder = place.home()
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / f"{name}.lock").open("ab")
    _open.add(lock)
    return lock


def take(lock: IO[bytes]) -> bool:
    """Take a lock for this process alone; False if somebody else has a hold of it."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextmanager
def waited_for(name: str) -> Iterator[None]:
    """Hold a lock alone, after waiting for whoever has it."""
    with file(name) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def share(lock: IO[bytes]) -> None:
    """Hold a lock together with others who share it."""
    fcntl.flock(lock, fcntl.LOCK_SH)


def release(lock: IO[bytes]) -> None:
    """Give up a hold."""
    fcntl.flock(lock, fcntl.LOCK_UN)


def _forget_in_child() -> None:
    # A forked child would go on holding the lock of a parent that was killed.
    for lock in list(_open):
        lock.close()


os.register_at_fork(after_in_child=_forget_in_child)
