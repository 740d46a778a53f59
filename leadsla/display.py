"""Write numbers, rates, times and money as people read them; small geometry for plots. Registered as a builtin library.

Formatting only: nothing here decides, queries or reads the clock. Times are shown in the active time zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.http import QueryDict
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import number_format
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

register = template.Library()

Number = int | float | Decimal

NARROW_SPACE = "\u202f"  # no-break: a figure never leaves its unit at the end of a line
MINUS = "\u2212"
EN_DASH = "\u2013"
NOTHING = EN_DASH
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "BRL": "R$", "INR": "₹", "PLN": "zł", "CZK": "Kč"}
TITLES = {"dr.", "prof.", "mag.", "ing.", "dipl.-ing.", "mr.", "mrs.", "ms."}


def _rounded(value: Number, places: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _grouped(value: Decimal) -> str:
    """Write an exact decimal with the language's separators and a real minus."""
    text = number_format(abs(value), force_grouping=True)
    return f"{MINUS}{text}" if value < 0 else text


# --- Numbers


@register.filter
def number(value: Number | None, places: int = 0) -> str:
    """Write a number with separators: `1,536`; with places, `1,536.5`."""
    return NOTHING if value is None else _grouped(_rounded(value, places))


@register.filter
def percent(share: Number | None, cases: int | None = None) -> str:
    """Write a share of 0 to 1 as `61 %`: one decimal under 10 % and from 1,000 cases on, else whole per cent."""
    if share is None:
        return NOTHING
    value = Decimal(str(share)) * 100
    if value == 0:
        return f"0{NARROW_SPACE}%"
    fine = _rounded(value, 1)
    needs_decimal = abs(fine) < 10 or (cases is not None and cases >= 1000)
    return f"{_grouped(fine if needs_decimal else _rounded(value, 0))}{NARROW_SPACE}%"


@register.filter
def money(amount: Number | None, currency: str = "EUR") -> str:
    """Write an amount with the sign of its ISO 4217 code: `216,000 €`; cents only where there are any."""
    if amount is None:
        return NOTHING
    exact = _rounded(amount, 2)
    whole = exact == exact.to_integral_value()
    return f"{_grouped(_rounded(exact, 0) if whole else exact)}{NARROW_SPACE}{SIGNS.get(currency, currency)}"


@register.filter
def points(value: Number | None) -> str:
    """Write points of a score line to one decimal, with its sign: `+35.0`, `−10.0`."""
    if value is None:
        return NOTHING
    exact = _rounded(value, 1)
    return f"+{_grouped(exact)}" if exact > 0 else _grouped(abs(exact) if exact == 0 else exact)


@register.filter
def score_floor(value: Number | None) -> str:
    """Write a score rounded down: 99.9 is below a line of 100 and must not read 100."""
    return NOTHING if value is None else _grouped(Decimal(str(value)).to_integral_value(rounding=ROUND_FLOOR))


def _unit_written(value: Number, unit: str) -> str:
    if unit == "percent":
        return percent(value)
    if unit:
        return money(value, unit)
    return number(value)


@register.simple_tag
def range_words(low: Number | None, high: Number | None = None, unit: str = "") -> str:
    """Write a promise: `120–150`, `≥ 90 %`, `≤ 5`.

    Args:
        low: Lower end; None when open.
        high: Upper end; None when open.
        unit: "" for counts, "percent" for shares of 0 to 1, or a currency code.
    """
    if low is None and high is None:
        return NOTHING
    if low is None:
        return f"≤{NARROW_SPACE}{_unit_written(high or 0, unit)}"
    if high is None:
        return f"≥{NARROW_SPACE}{_unit_written(low, unit)}"
    if low == high:
        return _unit_written(low, unit)
    first, last = _unit_written(low, unit), _unit_written(high, unit)
    sign = first.rpartition(NARROW_SPACE)[2] if unit else ""
    return f"{first.removesuffix(NARROW_SPACE + sign) if sign else first}{EN_DASH}{last}"


# --- Time


def _now_of(context: Context) -> datetime | None:
    """Find the moment that a page is written for: `now`, else the shell's `now_epoch`."""
    now = context.get("now")
    if isinstance(now, datetime):
        return now
    shell = context.get("shell")
    epoch = shell.get("now_epoch") if isinstance(shell, Mapping) else None
    return datetime.fromtimestamp(epoch, UTC) if epoch else None


def _near(day_in_question: date, today: date | None) -> str:
    """Name yesterday, today and tomorrow; "" for every other day."""
    if today is None:
        return ""
    names = {-1: gettext("yesterday"), 0: gettext("today"), 1: gettext("tomorrow")}
    return names.get((day_in_question - today).days, "")


def _day_written(value: date, today: date | None) -> str:
    same_year = today is not None and value.year == today.year
    return format_date(value, "D j M" if same_year else "D j M Y")


def _local_day(value: datetime | date) -> date:
    return timezone.localtime(value).date() if isinstance(value, datetime) else value


@register.filter(name="moment")
def moment_text(value: datetime | None, now: datetime | None = None) -> str:
    """Write a moment: `today 14:20`, `Tue 17 Nov, 14:20`, with the year when it is another one."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    today = timezone.localtime(now).date() if now else None
    clock = format_date(local, "H:i")
    near = _near(local.date(), today)
    return f"{near} {clock}" if near else f"{_day_written(local.date(), today)}, {clock}"


@register.simple_tag(name="moment", takes_context=True)
def moment_tag(context: Context, value: datetime | None, now: datetime | None = None) -> str:
    """Write a moment as `<time>` whose title is the full date with its zone; `now` comes from the page."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        format_date(local, "D j M Y, H:i T"),
        moment_text(value, now or _now_of(context)),
    )


@register.filter(name="day")
def day_text(value: datetime | date | None, now: datetime | None = None) -> str:
    """Write a day: `today`, `Tue 17 Nov`, with the year when it is another one."""
    if value is None:
        return NOTHING
    local = _local_day(value)
    today = timezone.localtime(now).date() if now else None
    return _near(local, today) or _day_written(local, today)


@register.simple_tag(name="day", takes_context=True)
def day_tag(context: Context, value: datetime | date | None, now: datetime | None = None) -> str:
    """Write a day as `<time>`; `now` comes from the page."""
    if value is None:
        return NOTHING
    return format_html(
        '<time datetime="{}">{}</time>',
        _local_day(value).isoformat(),
        day_text(value, now or _now_of(context)),
    )


@register.filter
def duration(value: Number | timedelta | None, day_length: Number | timedelta | None = None) -> str:
    """Write working time: `95 s`, `12 min`, `1 h 20`, and with a day's length `1 day 3 h 40`.

    Args:
        value: Seconds (or a timedelta); a minus is dropped, because the words around it say "overdue".
        day_length: Seconds of a working day; without it hours go on counting.
    """
    if value is None:
        return NOTHING
    left = int(abs(value.total_seconds() if isinstance(value, timedelta) else float(value)))
    length = int(day_length.total_seconds() if isinstance(day_length, timedelta) else float(day_length or 0))
    days, left = divmod(left, length) if length else (0, left)
    parts = [ngettext("%(count)d day", "%(count)d days", days) % {"count": days}] if days else []
    if left >= 3600:
        hours, minutes = divmod(left // 60, 60)
        if minutes:
            parts.append(gettext("%(hours)d h %(minutes)02d") % {"hours": hours, "minutes": minutes})
        else:
            parts.append(gettext("%(hours)d h") % {"hours": hours})
    elif left >= 120 or (days and left >= 60):
        parts.append(gettext("%(minutes)d min") % {"minutes": left // 60})
    elif not days:
        parts.append(gettext("%(seconds)d s") % {"seconds": left})
    return " ".join(parts)


# --- Words and marks


@register.filter
def initials(name: str | None) -> str:
    """Shorten a name to first and last initial: `Dr. Katrin Sommer` becomes `KS`."""
    words = [word for word in (name or "").split() if word.lower() not in TITLES]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the sprite. It is decoration: the word stands beside it."""
    return format_html(
        '<svg class="i{}" aria-hidden="true"><use href="{}#i-{}"></use></svg>',
        f" {extra}" if extra else "",
        static("build/sprite.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """Return the page's query string with some parameters changed; None removes one: `{% query page=2 %}`."""
    request = context.get("request")
    parameters = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for name, value in changes.items():
        if value is None or value == "":
            parameters.pop(name, None)
        elif isinstance(value, list | tuple):
            parameters.setlist(name, [str(part) for part in value])
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}"


# --- Geometry: plain figures for SVG attributes, the same in every language


@register.filter
def coord(value: Number | None) -> str:
    """Write a coordinate with a point and at most two decimals, whatever the language: `46.2`."""
    return f"{float(value or 0):.2f}".rstrip("0").rstrip(".")


@register.filter
def width_to(start: Number | None, end: Number | None) -> str:
    """Write the distance between two coordinates, at least 0."""
    return coord(max(0.0, float(end or 0) - float(start or 0)))


@register.filter
def per_cent(share: Number | None) -> str:
    """Write a share of 0 to 1 as a coordinate of 0 to 100."""
    return coord(float(share or 0) * 100)


@register.filter
def per_cent_to(start: Number | None, end: Number | None) -> str:
    """Write the distance between two shares of 0 to 1 as a width of 0 to 100."""
    return width_to(float(start or 0) * 100, float(end or 0) * 100)


@register.filter
def anchor(position: Number | None) -> str:
    """Say on which side of its point a label stands, so that it stays inside: SVG's text-anchor."""
    place = float(position or 0)
    if place < 12:
        return "start"
    return "end" if place > 88 else "middle"


@register.simple_tag
def spark_line(
    values: Sequence[Number | None], promise: Number | None = None, width: int = 58, height: int = 21
) -> dict[str, str]:
    """Lay out a sparkline: points of the line, height of the promise, place of the last value.

    Args:
        values: One figure per period, oldest first; None where there was none.
        promise: Where the dotted line runs; None draws none.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Returns:
        `points`, `promise`, `last_x`, `last_y` as text for attributes; empty when there is nothing to draw.
    """
    known = [(place, float(value)) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return {}
    heights = [value for _, value in known] + ([float(promise)] if promise is not None else [])
    low, span = min(heights), max(heights) - min(heights)
    step = (width - 6) / (len(values) - 1)

    def down(value: float) -> float:
        return height - 3 - (value - low) / span * (height - 6) if span else height / 2

    drawn = [(2 + place * step, down(value)) for place, value in known]
    return {
        "points": " ".join(f"{coord(across)},{coord(along)}" for across, along in drawn),
        "promise": coord(down(float(promise))) if promise is not None else "",
        "last_x": coord(drawn[-1][0]),
        "last_y": coord(drawn[-1][1]),
        "width": str(width),
        "height": str(height),
    }


BAR_SPACE = 72.0  # per cent of the width; the rest is for the figure behind the bar


@register.simple_tag
def pareto_bar(count: int, contested: int | None, top: int) -> dict[str, str]:
    """Lay out a bar of a Pareto list: its plain and its contested part, and where the figure stands, in per cent."""
    unit = BAR_SPACE / top if top else 0.0
    hatched = contested or 0
    return {
        "plain": coord((count - hatched) * unit),
        "contested": coord(hatched * unit),
        "end": coord(count * unit),
    }


@register.filter
def chart_data(data: object, name: str) -> SafeString:
    """Write what a chart draws as a JSON block beside it; browsers never execute it."""
    return json_script(data, f"{name}-data")


LEAST_LABEL = 17.0


@register.simple_tag
def stacked(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Lay out a stacked bar and the labels beneath its parts, in per cent of the width.

    Args:
        parts: Each with `count` and `kind`; those with a `label` get one. A part without a label belongs to the one
            before it (the overdue among the waiting).

    Returns:
        `bars` and `labels`: the parts with `x` and `width` as text. A label counts the parts that belong to it, too,
        and has a least width, so that it never runs into the next; `size` says how long it is.
    """
    total = sum(int(part["count"]) for part in parts)
    bars: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    spans: list[float] = []
    start = 0.0
    for part in parts:
        count = int(part["count"])
        share = count / total * 100 if total else 0.0
        gap = 0.3 if share > 1 else 0.0
        bars.append({**part, "x": coord(start), "width": coord(max(share - gap, 0.6 if share else 0.0))})
        start += share
        if part.get("label"):
            labels.append({**part, "count": count})
            spans.append(share)
        elif spans:
            labels[-1]["count"] += count
            spans[-1] += share
    start = 0.0
    for label, width in zip(labels, _least_widths(spans), strict=True):
        letters = len(f"{label['count']} {label['label']} {label.get('detail', '')}")
        size = "short" if letters <= 20 else "middling" if letters <= 26 else "long"
        # Behind the last label there is room to run over.
        is_last = label is labels[-1] and size == "short"
        label.update(x=coord(start), width=coord(width), size="last" if is_last else size)
        start += width
    return {"bars": bars, "labels": labels}


def _least_widths(spans: list[float]) -> list[float]:
    """Widen narrow spans to the least label width at the cost of the wide ones."""
    if not spans or LEAST_LABEL * len(spans) >= 100:
        return [100 / len(spans)] * len(spans) if spans else []
    missing = sum(max(0.0, LEAST_LABEL - span) for span in spans)
    spare = sum(max(0.0, span - LEAST_LABEL) for span in spans)
    if not spare:
        return [100 / len(spans)] * len(spans)
    return [LEAST_LABEL if span < LEAST_LABEL else span - missing * (span - LEAST_LABEL) / spare for span in spans]
