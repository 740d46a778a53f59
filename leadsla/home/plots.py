"""What the scoreboard's charts draw: pace against the promised range, and how long first follow-ups took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from leadsla.display import duration, number
from sla.models import Compliance
from sla.scoreboard import Pace, Times

BINS = 12
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000)


def nice_step(top: float, lines: int = 4) -> int:
    """Return a round distance of grid lines, so that at most `lines` reach `top`."""
    return next((step for step in STEPS if top / step <= lines), max(1, math.ceil(top / lines)))


def pace_chart(now: Pace, before: Pace, row: Compliance | None, *, before_label: str) -> dict[str, Any]:
    """Return the context of components/_chart.html for the pace of qualified leads.

    Args:
        now: of the period; with at least one working day.
        before: of the period before; empty where there was none.
        row: the standing of the quantity; None without a promise.
        before_label: name of the period before.
    """
    days, counts = len(now.days), now.counts or [0]
    today, count = len(now.counts), counts[-1] if now.counts else 0
    low = float(row.at_least) if row else None
    high = float(row.at_most) if row and row.at_most is not None else None
    expected = row.expected if row and today < days else None
    highest = max([count, low or 0, high or 0, expected or 0, *(before.counts or [0]), 4])
    step = nice_step(highest)
    top = math.ceil(highest / step) * step
    scale = days / len(before.days) if before.days else 1.0
    has_compare = bool(before.counts and before.counts[-1])
    data: dict[str, Any] = {
        "days": days,
        "today": today,
        "top": top,
        "step": step,
        "promise": {"low": low, "high": high} if low is not None else None,
        "actual": [[0, 0], *([place, value] for place, value in enumerate(now.counts, start=1))],
        "expected": None,
        "compare": None,
        "marks": _week_marks(now.days),
        "words": {
            "today": _("%(count)s today") % {"count": number(count)} if today < days else number(count),
            "low": _("at least: %(count)s") % {"count": number(low)},
            "high": _("up to: %(count)s") % {"count": number(high)},
            "expected": _("%(count)s expected") % {"count": number(expected)},
        },
    }
    if expected is not None and row is not None:
        data["expected"] = {"value": expected, "low": row.expected_low, "high": row.expected_high}
    if has_compare:
        data["compare"] = {
            "points": [[0, 0], *([place * scale, value] for place, value in enumerate(before.counts, start=1))],
            "label": _("%(period)s, ended at %(count)s") % {"period": before_label, "count": number(before.counts[-1])},
        }
    return {
        "data": data,
        "sentence": _pace_sentence(count, now, low=low, high=high, expected=expected),
        "columns": [_("working day"), _("counted until then"), *([before_label] if has_compare else [])],
        "rows": _pace_rows(now, before if has_compare else None),
    }


def _pace_sentence(count: int, now: Pace, *, low: float | None, high: float | None, expected: float | None) -> str:
    words = {"count": number(count), "day": len(now.counts), "days": len(now.days)}
    text = _("%(count)s qualified leads handed over until working day %(day)d of %(days)d") % words
    if low is not None:
        promise = f"{number(low)}–{number(high)}" if high is not None else number(low)
        text += _(", promised %(promise)s") % {"promise": promise}
    if expected is not None:
        text += _(", %(expected)s expected") % {"expected": number(expected)}
    return f"{text}."


def _pace_rows(now: Pace, before: Pace | None) -> list[list[str]]:
    rows = []
    for place, day in enumerate(now.days):
        cells = [format_date(day, "D j M"), number(now.counts[place]) if place < len(now.counts) else "–"]
        if before:
            cells.append(number(before.counts[place]) if place < len(before.counts) else "–")
        rows.append(cells)
    return rows


def _week_marks(days: Sequence[date]) -> list[list[Any]]:
    """Write dates at the first working day of each week, and at the last of all."""
    marks: list[list[Any]] = []
    week = None
    for place, day in enumerate(days):
        if day.isocalendar().week != week:
            week = day.isocalendar().week
            marks.append([place, format_date(day, "j M")])
    if days and len(days) - marks[-1][0] >= 3:
        marks.append([len(days), format_date(days[-1], "j M")])
    return marks


def times_chart(times: Times) -> dict[str, Any] | None:
    """Return the context of components/_chart.html for how long first follow-ups took; None when none happened."""
    if not times.seconds or not times.budget_seconds:
        return None
    unit, seconds = (_("minutes"), 60.0) if times.budget_seconds <= 4 * 3600 else (_("hours"), 3600.0)
    due = times.budget_seconds / seconds
    end = due * 2
    width = end / BINS
    counts = [0] * BINS
    for value in times.seconds:
        # A follow-up exactly at the due time is in time, so that a bin holds its upper end.
        counts[min(BINS - 1, max(0, math.ceil(value / seconds / width - 1e-9) - 1))] += 1
    bins = [
        {"from": round(place * width, 3), "to": round((place + 1) * width, 3), "count": count}
        for place, count in enumerate(counts)
    ]
    marks = [[round(due * part / 2, 3), _short(due * part / 2)] for part in range(4)]
    marks.append([round(end, 3), f"{_short(end)} +"])
    median, nine = _quantile(times.seconds, 0.5), _quantile(times.seconds, 0.9)
    waited = _quantile(times.waited, 0.5) if times.waited else None
    words = {"median": duration(median), "nine": duration(nine)}
    sentence = _(
        "%(in_time)s in time, %(late)s late; half within %(median)s of working time, 9 in 10 within %(nine)s."
    ) % {
        "in_time": number(times.in_time),
        "late": number(times.late),
        **words,
    }
    buyers = "" if waited is None else _("Half of the buyers waited up to %(waited)s.") % {"waited": duration(waited)}
    return {
        "waited": buyers,
        "data": {
            "bins": bins,
            "due": round(due, 3),
            "step": round(due / 2, 3),
            "marks": marks,
            "words": {
                "axis": _("%(unit)s of working time after the handoff") % {"unit": unit},
                "in_time": _("%(count)s in time") % {"count": number(times.in_time)},
                "in_time_detail": _("median %(median)s, 9 in 10 within %(nine)s") % words,
                "late": _("%(count)s late") % {"count": number(times.late)},
                "late_detail": _("due after %(limit)s") % {"limit": duration(times.budget_seconds)},
            },
        },
        "sentence": sentence,
        "columns": [unit, _("follow-ups")],
        "rows": [
            [_bin_label(bin_, is_last=place == BINS - 1), number(bin_["count"])] for place, bin_ in enumerate(bins)
        ],
    }


def _bin_label(of: dict[str, float], *, is_last: bool) -> str:
    if is_last:
        return _("more than %(start)s") % {"start": _short(of["from"])}
    return f"{_short(of['from'])}–{_short(of['to'])}"


def _short(value: float) -> str:
    return number(value) if abs(value - round(value)) < 0.05 else number(value, 1)


def _quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the sorted values do not exceed."""
    return values[max(0, math.ceil(share * len(values)) - 1)]
