"""A lead's score over time and if nothing new happens, laid out for the chart `history`. Draws, decides nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from leads.explanation import Explanation, course
from leads.models import Lead
from leadsla.display import number, score_floor

BACK, AHEAD, LEAST_BACK = 60, 30, 14  # days
A_JUMP = 5.0  # points from one day to the next that are worth a word
MOST_WORDS = 3
STEP = 20


@dataclass(frozen=True)
class Course:
    """What `components/_chart.html` needs."""

    data: dict[str, Any]
    sentence: str
    columns: list[str]
    rows: list[list[str]]


def _day(day: date) -> str:
    return format_date(day, "j M")


def _reasons(lead: Lead, first: date, last: date) -> dict[date, str]:
    """Return what the lead did on each day, one word a day."""
    rows = lead.interactions.filter(occurred_at__date__gte=first, occurred_at__date__lte=last).order_by("occurred_at")
    return {localtime(row.occurred_at).date(): str(row.get_kind_display()).lower() for row in rows[:500]}


def _jumps(lead: Lead, past: Sequence[tuple[date, Decimal]], first: date) -> list[dict[str, Any]]:
    """Return the largest jumps with what caused them."""
    steps = [
        (float(score - before), day, float(score)) for (_before_day, before), (day, score) in itertools.pairwise(past)
    ]
    largest = sorted((step for step in steps if abs(step[0]) >= A_JUMP), key=lambda step: -abs(step[0]))[:MOST_WORDS]
    if not largest:
        return []
    why = _reasons(lead, min(day for _by, day, _score in largest), max(day for _by, day, _score in largest))
    return [
        {"at": [(day - first).days, score], "label": why[day], "is_below": by < 0}
        for by, day, score in sorted(largest, key=lambda step: step[1])
        if day in why
    ]


def drawn(lead: Lead, explanation: Explanation, *, now: datetime) -> Course | None:
    """Lay out the score of the last two months and of the next one.

    Args:
        lead: with a score.
        explanation: of that score; it says when it falls below the line.
        now: today, in the reader's zone.

    Returns:
        The chart with its sentence and table; None for a lead without a score.
    """
    if explanation.total is None:
        return None
    today = localtime(now).date()
    since = localtime(lead.captured_at or lead.created_at).date()
    first = max(today - timedelta(days=BACK), min(since, today - timedelta(days=LEAST_BACK)))
    days = [first + timedelta(days=each) for each in range((today - first).days + AHEAD + 1)]
    scores = course(lead, days=days, now=now)
    past = [(day, score) for day, score in scores if day <= today]
    ahead = [(day, score) for day, score in scores if day >= today]
    if not past:
        return None
    events = _jumps(lead, past, first)
    falls = explanation.falls_below_on
    if falls is not None and falls <= days[-1]:
        events.append(
            {"at": [(falls - first).days, float(explanation.threshold)], "label": _day(falls), "is_end": True}
        )
    heights = [float(score) for _each, score in scores] + [float(explanation.threshold)]
    marks = [[each, _day(first + timedelta(days=each))] for each in range(0, len(days), 14)]
    data = {
        "days": len(days) - 1,
        "bottom": max(0, math.floor(min(heights) / STEP) * STEP),
        "top": math.ceil((max(heights) + 1) / STEP) * STEP,
        "step": STEP if max(heights) - min(heights) <= 5 * STEP else 2 * STEP,
        "threshold": float(explanation.threshold),
        "marks": marks,
        "past": [[(day - first).days, float(score)] for day, score in past],
        "next": [[(day - first).days, float(score)] for day, score in ahead],
        "events": events,
        "words": {"threshold": "" if _is_crowded(events, len(days)) else _line_words(explanation)},
    }
    table = [[_day(day), number(score, 1)] for place, (day, score) in enumerate(scores) if place % 7 == 0]
    return Course(data, _sentence(explanation, past[-1][1]), [_("day"), _("score")], table)


def _is_crowded(events: Sequence[dict[str, Any]], days: int) -> bool:
    """Tell whether words under the course would run into those of the line, which stand at its left end."""
    return any(event.get("is_below") and event["at"][0] < days / 2 for event in events)


def _line_words(explanation: Explanation) -> str:
    return _("%(line)s qualified") % {"line": score_floor(explanation.threshold)}


def _sentence(explanation: Explanation, score: Decimal) -> str:
    words = {"score": score_floor(score), "line": score_floor(explanation.threshold)}
    if score < explanation.threshold:
        return _("The score is %(score)s today, below the line of %(line)s.") % words
    if explanation.falls_below_on is None:
        return _("The score is %(score)s today and stays above %(line)s for a year.") % words
    words["day"] = _day(explanation.falls_below_on)
    return _("The score is %(score)s today and falls below %(line)s on %(day)s if nothing new happens.") % words
