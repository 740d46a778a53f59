"""Who may start and stop an embedded service: the first one in starts it, the last one out stops it.

Each user holds a shared file lock for as long as it lives, so a killed user counts as gone. Starting and stopping
happen under a second, exclusive lock, so that two commands at once do not fight. A server that a killed user left
behind is taken over by the next one.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from leadsla.embedded import locks, postgres, redis_server

_ADDRESSES = {postgres.NAME: "DATABASE_URL", redis_server.NAME: "REDIS_URL"}
_WITHOUT_DATABASE = frozenset(
    {"help", "version", "collectstatic", "compilemessages", "diffsettings", "findstatic", "makemessages", "spectacular"}
)


@contextmanager
def shared(name: str, *, start: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Hold a service: running when entered, stopped at the end unless somebody else holds it too."""
    with locks.file(f"{name}.users") as users:
        with locks.waited_for(f"{name}.control"):
            locks.share(users)
            start()
        try:
            yield
        finally:
            with locks.waited_for(f"{name}.control"):
                locks.release(users)
                # Nobody can come in between here: they wait for the control lock.
                if locks.take(users):
                    stop()


@contextmanager
def services(*, durable: bool = True, redis: bool = True) -> Iterator[None]:
    """Hold the services that the environment does not name by address."""
    with ExitStack() as held:
        if not os.environ.get(_ADDRESSES[postgres.NAME]):
            held.enter_context(shared(postgres.NAME, start=lambda: postgres.start(durable=durable), stop=postgres.stop))
        if redis and not os.environ.get(_ADDRESSES[redis_server.NAME]):
            held.enter_context(shared(redis_server.NAME, start=redis_server.start, stop=redis_server.stop))
        yield


@contextmanager
def postgres_for_command(arguments: Sequence[str]) -> Iterator[None]:
    """Hold PostgreSQL for one management command, if that command reads the database."""
    command = arguments[1] if len(arguments) > 1 else "help"
    if command.startswith("-") or command in _WITHOUT_DATABASE or {"--help", "-h"} & set(arguments):
        yield
        return
    with services(redis=False):
        yield


def revive() -> None:
    """Start a service that died under those who hold it."""
    for name, running, start in (
        (postgres.NAME, postgres.running, postgres.start),
        (redis_server.NAME, redis_server.running, redis_server.start),
    ):
        if os.environ.get(_ADDRESSES[name]) or running():
            continue
        with locks.waited_for(f"{name}.control"):
            start()


def stop_all() -> None:
    """Stop both services of this home, whoever uses them."""
    for name, stop in ((postgres.NAME, postgres.stop), (redis_server.NAME, redis_server.stop)):
        with locks.waited_for(f"{name}.control"):
            stop()
