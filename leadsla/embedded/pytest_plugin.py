"""Give a test run PostgreSQL and Redis of its own, from its start to its end, beside a running portal.

Loaded by `-p` before pytest-django reads the settings. Each run at the same moment gets a home of its own
(`test-1`, `test-2`, …); the workers of pytest-xdist share their run's.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import pytest

from leadsla.embedded import locks, place, sharing

_held = ExitStack()


def _take_home() -> IO[bytes]:
    """Take the first test home that no other run holds. The lock ends with the process, however it ends."""
    for number in range(1, 100):
        lock = locks.file(f"test-{number}")
        if locks.take(lock):
            os.environ["LEADSLA_HOME"] = str(place.home() / f"test-{number}")
            return lock
        lock.close()
    raise place.EmbeddedError("a hundred test runs at once in one home.")


os.environ["LEADSLA_ENV"] = "test"
if "PYTEST_XDIST_WORKER" not in os.environ:
    _held.enter_context(_take_home())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Start the services before any worker or test asks for them."""
    if not _is_worker(session.config):
        _held.enter_context(sharing.services(durable=False))
    yield


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the services after the last test."""
    if not _is_worker(config):
        _held.close()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
