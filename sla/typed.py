"""Read times and rates as people type them, and write them back so. Knows no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from leadsla.display import NARROW_SPACE

_LONGEST = 9  # digits of a figure; more is a slip of the finger
_DAYS = re.compile(r"(\d+)\s*(?:working\s+|business\s+|work\s+)?(?:days?|d)")
_TIME = re.compile(
    r"(?:(?P<hours>\d+(?:[.,]\d+)?)\s*(?:hours?|hrs?|h)\.?)?\s*(?:and\s+)?"
    r"(?:(?P<minutes>\d+)\s*(?:minutes?|mins?|min|m|')?\.?)?"
)
_CLOCK = re.compile(r"(\d+):([0-5]\d)")
_IN = re.compile(r"(\d+)\s*(?:times?\s*)?(?:in|of|out of|/)\s*(\d+)")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_ALWAYS = frozenset({"always", "every time", "each time", "all"})


@dataclass(frozen=True)
class Time:
    """A time that a promise gives: either working minutes or working days; the other is None."""

    minutes: int | None = None
    working_days: int | None = None


def time(text: str) -> Time:
    """Read a time: `90`, `90 min`, `1 h 30`, `1:30`, `1.5 h`, `2 days`, `2 working days`.

    A bare number is minutes. A time without anything in it, or below a minute, is no time.

    Raises:
        ValueError: with words for the person who typed it.
    """
    plain = " ".join(text.lower().split())
    if any(len(digits) > _LONGEST for digits in re.findall(r"\d+", plain)):
        raise ValueError(_("That is too long. Write it as 5 min, 1 h 30 or 2 working days."))
    if days := _DAYS.fullmatch(plain):
        return Time(working_days=int(days[1]))
    if clock := _CLOCK.fullmatch(plain):
        return Time(minutes=int(clock[1]) * 60 + int(clock[2]))
    found = _TIME.fullmatch(plain)
    if not found or not any(found.groups()):
        if re.search(r"\d\s*(?:working\s+)?(?:days?|d)\b", plain):
            raise ValueError(_("Give either working days, or hours and minutes; not both."))
        raise ValueError(_("Write it as 5 min, 1 h 30 or 2 working days."))
    minutes = Decimal((found["hours"] or "0").replace(",", ".")) * 60 + int(found["minutes"] or 0)
    if minutes != int(minutes):
        raise ValueError(_("Give whole minutes."))
    return Time(minutes=int(minutes))


def minutes(text: str) -> int:
    """Read a time in hours and minutes; nothing is none.

    Raises:
        ValueError: with words for the person who typed it; also for days.
    """
    if not text.strip():
        return 0
    found = time(text)
    if found.minutes is None:
        raise ValueError(_("Give hours and minutes, as 30 min or 4 h."))
    return found.minutes


def minutes_written(value: int) -> str:
    """Write minutes as they are typed: `30 min`, `4 h`, `1 h 30 min`; nothing for none."""
    hours, rest = divmod(value, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{rest} min"] if rest else []
    return " ".join(parts)


def rate(text: str) -> Decimal:
    """Read a rate: `9 in 10`, `9 times in 10`, `19/20`, `90 %`, `90`, `62.5 %`, `always`.

    Returns:
        The share, of 1. Shares that cannot be, as 110 %, are left to the promise to refuse.

    Raises:
        ValueError: with words for the person who typed it.
    """
    plain = " ".join(text.lower().replace(NARROW_SPACE, " ").replace("\u2212", "-").split())
    if plain in _ALWAYS:
        return Decimal(1)
    if any(len(digits) > _LONGEST for digits in re.findall(r"\d+", plain)):
        raise ValueError(_("Write it as 9 in 10, or as 90 %."))
    if found := _IN.fullmatch(plain):
        times, of = Decimal(found[1]), Decimal(found[2])
        if not of:
            raise ValueError(_("Write it as 9 in 10, or as 90 %."))
        return _share(times / of)
    is_percent = plain.endswith(("%", "per cent", "percent"))
    figure = plain.removesuffix("%").removesuffix("per cent").removesuffix("percent").strip()
    if not _NUMBER.fullmatch(figure):
        raise ValueError(_("Write it as 9 in 10, or as 90 %."))
    value = Decimal(figure.replace(",", "."))
    if not is_percent and 0 < value <= 1:
        raise ValueError(_("Is that per cent? Write it as 9 in 10, or as 90 %."))
    return _share(value / 100)


def rate_written(share: Decimal, *, in_times: bool) -> str:
    """Write a rate as it is typed: `9 in 10` where it is one and that is wanted, else `62.5 %`."""
    if in_times:
        if share == 1:
            return _("every time")
        for of in (10, 20):
            if share * of == int(share * of):
                return _("%(times)d in %(of)d") % {"times": int(share * of), "of": of}
    return f"{(share * 100).normalize():f} %"


def figure(text: str) -> Decimal:
    """Read a number: `120`, `1,200`, `99.5`.

    Raises:
        ValueError: with words for the person who typed it.
    """
    plain = "".join(text.split()).replace("\u2212", "-")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", plain, re.ASCII):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain) or len(plain) > 12:
        raise ValueError(_("Give a number."))
    return Decimal(plain.replace(",", "."))


def _share(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001")).normalize() + 0
