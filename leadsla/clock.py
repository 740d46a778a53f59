"""The one place that reads the time. Domain functions take `now`; the edges call `now()` once.

`LEADSLA_NOW` (tests and demo only, refused in production) fixes the clock (`2026-03-03T09:00`, in the portal's zone
where no offset is given) or shifts it (`+2d4h`, `-90m`). A shift is relative, so web, worker and beat agree without
talking.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

_SHIFT = re.compile(r"([+-])(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def now() -> datetime:
    """Return the current moment in UTC, as `LEADSLA_NOW` has it."""
    setting: str = settings.LEADSLA_NOW
    if not setting:
        return timezone.now()
    told = parse(setting, zone=settings.TIME_ZONE)
    return timezone.now() + told if isinstance(told, timedelta) else told


@lru_cache(maxsize=16)
def parse(text: str, *, zone: str) -> datetime | timedelta:
    """Read a value of `LEADSLA_NOW`: a moment (returned in UTC) or a shift.

    Raises:
        ImproperlyConfigured: it is neither.
    """
    text = text.strip()
    if match := _SHIFT.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
        shift = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return -shift if match[1] == "-" else shift
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ImproperlyConfigured(
            f"LEADSLA_NOW is {text!r}: give a moment such as 2026-03-03T09:00 or a shift such as +2d4h."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(ZoneInfo("UTC"))
