"""Where the embedded services keep data and sockets. Knows paths, starts nothing, imports no Django."""

import contextlib
import hashlib
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# The kernel's limit for the path of a unix socket, without the closing zero.
_LONGEST_SOCKET_PATH = 107 if os.uname().sysname == "Linux" else 103
_LONGEST_SOCKET_NAME = len(".s.PGSQL.5432")
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
DATABASE_NAME = "leadsla"
DATABASE_USER = "leadsla"


class EmbeddedError(Exception):
    """Something a person can put right; the message says how."""


def home() -> Path:
    """Return the folder that holds everything this installation writes."""
    told = os.environ.get("LEADSLA_HOME", "").strip()
    return (Path(told).expanduser() if told else CHECKOUT / ".local").resolve()


def data(service: str) -> Path:
    """Return the folder of one service's data."""
    return home() / service


def sockets() -> Path:
    """Return the folder of the unix sockets: in the home, or a short and plain one where that path is not."""
    near = home() / "run"
    # PostgreSQL splits its setting at commas, and Celery reads the path out of an address.
    if _PLAIN.fullmatch(str(near)) and _fits(near):
        return near
    name = f"leadsla-{os.geteuid()}-{hashlib.sha256(os.fsencode(home())).hexdigest()[:12]}"
    short = Path(tempfile.gettempdir()) / name
    return short if _PLAIN.fullmatch(str(short)) and _fits(short) else Path("/tmp") / name


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + 1 + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH


def make_private(folder: Path, *, owner: int) -> None:
    """Create a folder that only its owner can enter, or check that it is one.

    Raises:
        EmbeddedError: somebody else made it, or it is no folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
        raise EmbeddedError(f"{folder} belongs to somebody else. Remove it, or set LEADSLA_HOME to another folder.")
    if found.st_uid != owner:
        os.chown(folder, owner, -1)
    folder.chmod(0o700)


def database() -> dict[str, Any]:
    """Return Django's settings for the embedded PostgreSQL."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE_NAME,
        "USER": DATABASE_USER,
        "PASSWORD": "",
        "HOST": str(sockets()),
        "PORT": "",
    }


def redis_socket() -> Path:
    """Return the path of the embedded Redis's socket."""
    return sockets() / "redis.sock"


def redis_broker() -> str:
    """Return Celery's address of the embedded Redis."""
    return f"redis+socket://{redis_socket()}"


def development_secret() -> str:
    """Return this installation's own secret key, made on first use. Never used in production."""
    path = home() / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)  # readable by nobody else
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        # Two processes may do this at the same moment: a link appears whole, and the first one stays.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text()
