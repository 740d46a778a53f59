"""What keeps robots and floods out of capture pages without puzzles or cookies: signed forms, a trap, a limit."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.core.signing import BadSignature, Signer
from django.db import transaction

from leads import identity
from leads.models import CapturePage, CaptureVersion

# A field that people do not see. Its name means nothing to what fills in forms for people.
TRAP = "second_line"
TOKEN = "form"  # noqa: S105  # the name of a field
SOONEST = timedelta(seconds=2)  # nobody reads and fills in a form faster
LATEST = timedelta(hours=24)
# So much comes from one address to one form: a stand at a fair sends more than a visitor, a flood more than a stand.
MOST = 30
WINDOW = timedelta(minutes=10)
_SIGNER = Signer(salt="leads.capture")


@dataclass(frozen=True)
class Opened:
    """A form as it was opened.

    Attributes:
        version: which was shown.
        at: when.
        nonce: tells it from others.
    """

    version: CaptureVersion
    at: datetime
    nonce: str

    def is_too_fast(self, *, now: datetime) -> bool:
        """Tell whether a form comes back faster than anybody fills it in."""
        return now - self.at < SOONEST


def token(version: CaptureVersion, *, now: datetime) -> str:
    """Return the sealed note of which form was opened, and when."""
    note = {"version": version.pk, "at": now.timestamp(), "nonce": secrets.token_urlsafe(12)}
    return _SIGNER.sign_object(note)


def opened(page: CapturePage, token: str, *, now: datetime) -> Opened | None:
    """Read a note back; None where it is forged, of another page or older than a day."""
    try:
        note = _SIGNER.unsign_object(token[:500])
    except (BadSignature, ValueError):
        return None
    at = datetime.fromtimestamp(note["at"], UTC)
    version = page.versions.filter(pk=note["version"]).first()
    if version is None or now - at > LATEST:
        return None
    return Opened(version, at, str(note["nonce"]))


def is_flooded(page: CapturePage, address: str, *, now: datetime) -> bool:
    """Count one submission of an address to a form, and tell whether it is one too many in its ten minutes.

    Others are not touched: neither other addresses nor other forms count.
    """
    window = int(now.timestamp() // WINDOW.total_seconds())
    sender = hashlib.sha256(f"{window}:{_network(address)}".encode()).hexdigest()[:24]
    key = f"capture:{page.pk}:{window}:{sender}"
    with transaction.atomic():
        # Reading and writing a count are two statements: the lock makes them one for this sender.
        identity.lock([key])
        count = int(cache.get(key, 0)) + 1
        cache.set(key, count, timeout=WINDOW.total_seconds())
    return count > MOST


def seconds_to_wait(*, now: datetime) -> int:
    """Return after how long the next ten minutes begin."""
    length = int(WINDOW.total_seconds())
    return length - int(now.timestamp()) % length


def _network(address: str) -> str:
    """Return what stands for one sender: an IPv4 address, or the half of an IPv6 one that a line is given."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network(f"{found}/64", strict=False))
