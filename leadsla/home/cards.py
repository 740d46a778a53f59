"""Commitments as cards: the figure, its promise and where it ends, in words and as places of a plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.accounts.models import Side
from leadsla.display import number, percent, range_words
from sla import quarters
from sla.judgement import cases_needed
from sla.measures import MEASURES
from sla.models import Agreement, Commitment, Compliance, ComplianceStatus
from sla.periods import Period
from sla.quarters import Quarter
from sla.scoreboard import Standing

S = ComplianceStatus
M = Commitment.Measure
ROOM = 1.12  # the widest thing on the plot of a count stands this far from the right end
SAME = 2.5  # per cent of the width: expected falls together with now
ORDER = (S.MET, S.TRACK, S.RISK, S.MISSED, S.EARLY, S.TOO_FEW)


@dataclass(frozen=True)
class Card:
    """What components/_commitment.html shows."""

    name: str
    sub: str
    value: str
    expected: str
    status: str
    label: str
    gap: str
    plot: dict[str, Any]
    trend: list[float | None]
    promise: float
    url: str
    cases_url: str
    sentence: str
    measure: str
    row: Compliance = field(repr=False)


@dataclass(frozen=True)
class Panel:
    """One side's promises, with how many stand how."""

    side: str
    title: str
    cards: list[Card]
    counts: str


def panels(
    found: Sequence[Standing],
    *,
    agreement: Agreement,
    period: Period,
    now: datetime,
    narrowed: Mapping[str, str] | None = None,
) -> list[Panel]:
    """Return the two sides of the scoreboard, marketing first, each in the order of the agreement's text.

    `narrowed` is what of the address names the part of the cases that is shown.
    """
    rolled = quarters.of_rows([standing.row for standing in found], agreement, now=now)
    titles = {Side.MARKETING: _("Marketing owes"), Side.SALES: _("Sales owes")}
    shown = []
    for side, title in titles.items():
        cards = [
            card_of(
                standing,
                agreement=agreement,
                period=period,
                now=now,
                narrowed=narrowed,
                quarter=rolled.get(standing.row.commitment_id),
            )
            for standing in found
            if standing.row.commitment.side == side
        ]
        shown.append(Panel(side, title, cards, counts_of([card.row.status for card in cards])))
    return shown


def counts_of(statuses: Sequence[str]) -> str:
    """Write how many promises stand how: `3 on track · 1 at risk`."""
    counted = Counter(statuses)
    words = {
        S.MET: _("met"),
        S.TRACK: _("on track"),
        S.RISK: _("at risk"),
        S.MISSED: _("missed"),
        S.EARLY: _("too early"),
        S.TOO_FEW: _("too few to say"),
    }
    return " · ".join(f"{counted[status]} {words[status]}" for status in ORDER if counted[status])


def card_of(
    standing: Standing,
    *,
    agreement: Agreement,
    period: Period,
    now: datetime,
    narrowed: Mapping[str, str] | None = None,
    quarter: Quarter | None = None,
) -> Card:
    """Return one promise as a card; of a part of the cases without a status, because all together are promised.

    `quarter` is what a month with too few cases is rolled into.
    """
    row = standing.row
    measure = row.commitment.measure
    name, sub = str(row.commitment.get_measure_display()), _sub(row, agreement=agreement, period=period, now=now)
    if quarter is not None and quarter.value is not None:
        sub = f"{sub}, {_rolled(quarter)}"
    value, expected, gap = value_words(row), _expected(row, now=now), _gap(row)
    status, label = status_of(row), status_label(row)
    # A range is promised for all leads together: it says nothing about a part of them.
    is_promised = bool(row.status) or not _is_count(row)
    promise = promise_words(row) if is_promised else "–"
    sentence = _("%(name)s: %(status)s. %(value)s now, promised %(promise)s. %(sub)s.") % {
        "name": name,
        "status": row.get_status_display() if row.status else _("a part of all cases"),
        "value": value,
        "promise": promise,
        "sub": ", ".join(part for part in (sub, gap, expected.replace("→", _("expected"))) if part),
    }
    return Card(
        name,
        sub,
        value,
        expected,
        status,
        label,
        gap,
        plot=_plot(row, promise) if is_promised else {},
        trend=standing.trend,
        promise=float(row.at_least),
        url=page_of(row, agreement=agreement, period=period, narrowed=narrowed),
        cases_url=url_of(row, agreement=agreement, period=period, narrowed=narrowed),
        sentence=sentence,
        measure=measure,
        row=row,
    )


def page_of(row: Compliance, *, agreement: Agreement, period: Period, narrowed: Mapping[str, str] | None = None) -> str:
    """Return the address of the page of one promise in a period."""
    parameters = {"agreement": agreement.public_id, "period": period.code, **(narrowed or {})}
    return f"{reverse('home:commitment', args=[row.commitment.public_id])}?{urlencode(parameters)}"


def url_of(
    row: Compliance,
    *,
    agreement: Agreement,
    period: Period,
    part: str = "cases",
    narrowed: Mapping[str, str] | None = None,
) -> str:
    """Return the address of the rows behind a figure, as of when it was computed."""
    parameters = {
        "agreement": agreement.public_id,
        "period": period.code,
        "measure": row.commitment.measure,
        "part": part,
        "as_of": row.computed_at.isoformat(),
        **(narrowed or {}),
    }
    return f"{reverse('home:handoffs')}?{urlencode(parameters)}"


def short_day(day: date, now: datetime) -> str:
    """Write a day without its weekday, as `30 Nov`; with the year when it is another one."""
    return format_date(day, "j M" if day.year == now.year else "j M Y")


def short_label(period: Period, now: datetime) -> str:
    """Write a period without its year when that is the current one: `October`, `Q3 2025`."""
    return format_date(period.start, "F") if period.kind == "month" and period.start.year == now.year else period.label


def _is_count(row: Compliance) -> bool:
    return MEASURES[row.commitment.measure].is_count


def status_of(row: Compliance) -> str:
    """Return the status as components/_status.html knows it: too few looks like too early."""
    return S.EARLY.value if row.status == S.TOO_FEW else row.status


def status_label(row: Compliance) -> str:
    """Return the word of the badge where it differs from the status."""
    return _("Too few") if row.status == S.TOO_FEW else ""


def value_words(row: Compliance) -> str:
    """Write the figure: `74` or `61 %`."""
    if _is_count(row):
        return number(row.kept)
    return "–" if row.value is None else percent(row.value, row.cases)


def promise_words(row: Compliance) -> str:
    """Write what was promised: `120–150` or `≥ 90 %`."""
    unit = "" if _is_count(row) else "percent"
    return range_words(row.at_least, row.at_most, unit)


def _expected(row: Compliance, *, now: datetime) -> str:
    """Write what stands under the value: where it ends, from when it counts, or why there is no forecast."""
    if row.status == S.EARLY:
        if row.counts_from and row.counts_from > now.date():
            return _("from %(day)s") % {"day": short_day(row.counts_from, now)}
        if _is_count(row):
            return ""
        return _("counts from %(cases)s") % {"cases": number(cases_needed(float(row.at_least)))}
    if row.status == S.MISSED and row.period_end > now.date():
        return _("out of reach")
    if row.expected is None:
        return ""
    return f"→ {number(row.expected) if _is_count(row) else percent(row.expected, row.cases)}"


def _gap(row: Compliance) -> str:
    """Say in words how much is missing: `6 points short`."""
    if row.value is None or row.status not in {S.RISK, S.MISSED}:
        return ""
    if _is_count(row):
        if row.status == S.RISK:
            return ""
        return _("%(count)s short") % {"count": number(float(row.at_least) - row.value)}
    points = round((float(row.at_least) - row.value) * 100)
    if points <= 0:
        return ""
    return ngettext("%(points)d point short", "%(points)d points short", points) % {"points": points}


def _sub(row: Compliance, *, agreement: Agreement, period: Period, now: datetime) -> str:
    is_empty = not row.cases and not _is_count(row)
    is_over = period.ends_at <= now
    parts = [_nothing(row, is_over=is_over) if is_empty else _cases(row, agreement=agreement, period=period, now=now)]
    if MEASURES[row.commitment.measure].has_clocks and row.open_cases:
        parts.append(_("%(count)s running") % {"count": number(row.open_cases)})
    if row.left_out:
        parts.append(_("%(count)s left out") % {"count": number(row.left_out)})
    if row.waived:
        parts.append(_("%(count)s waived") % {"count": number(row.waived)})
    parts.append(settled_words(row))
    return ", ".join(part for part in parts if part)


def _rolled(quarter: Quarter) -> str:
    """Write what a month with too few cases is rolled into: `Q1 2026: 88 % of 17, met`."""
    words = {
        "quarter": quarter.period.label,
        "rate": percent(quarter.value, quarter.cases),
        "cases": number(quarter.cases),
        "status": quarter.status.label.lower(),
    }
    return _("%(quarter)s: %(rate)s of %(cases)s, %(status)s") % words


def settled_words(row: Compliance) -> str:
    """Say what was shown when the period was settled, where later facts restate it; "" where they do not."""
    if not row.settled_at or (row.settled_kept, row.settled_cases) == (row.kept, row.cases):
        return ""
    return _("restated, was %(value)s") % {"value": _settled_value(row)}


def _settled_value(row: Compliance) -> str:
    if _is_count(row):
        return number(row.settled_kept)
    return percent((row.settled_kept or 0) / row.settled_cases, row.settled_cases) if row.settled_cases else "–"


def _nothing(row: Compliance, *, is_over: bool) -> str:
    match row.commitment.measure:
        case M.ACCEPTED:
            return _("nothing decided") if is_over else _("nothing decided yet")
        case M.USABLE_REASONS:
            return _("nothing rejected") if is_over else _("nothing rejected yet")
        case M.CUSTOMERS | M.OPPORTUNITIES:
            return _("no lead had its time yet")
    return _("nothing was due") if is_over else _("nothing due yet")


def _cases(row: Compliance, *, agreement: Agreement, period: Period, now: datetime) -> str:
    figures = {
        "kept": number(row.kept),
        "cases": number(row.cases),
        "days": agreement.customer_days,
        "working_days": agreement.opportunity_working_days,
    }
    match row.commitment.measure:
        case M.QUANTITY:
            return _likely(row, period, now=now)
        case M.ACCEPTED:
            return _("%(kept)s of %(cases)s decided") % figures
        case M.OPPORTUNITIES:
            return _("%(kept)s of %(cases)s, takes %(working_days)d working days") % figures
        case M.CUSTOMERS:
            return _("%(kept)s of %(cases)s in 12 months, takes %(days)d days") % figures
        case M.USABLE_REASONS:
            return _("%(kept)s of %(cases)s rejections") % figures
    return _("%(kept)s of %(cases)s due") % figures


def _likely(row: Compliance, period: Period, *, now: datetime) -> str:
    if row.expected_low is None or row.expected_high is None or row.expected_low == row.expected_high:
        return _("through a door of the definition")
    low, high = number(row.expected_low), number(row.expected_high)
    return _("%(low)s–%(high)s likely by %(day)s") % {"low": low, "high": high, "day": short_day(period.last_day, now)}


def _plot(row: Compliance, promise: str) -> dict[str, Any]:
    """Place value, promise and forecast between 0 and 100; rates on 0–100 %, counts on what there is."""
    figures = [row.at_least, row.at_most, row.value, row.expected_high]
    top = (
        max((float(figure) for figure in figures if figure is not None), default=1.0) * ROOM if _is_count(row) else 1.0
    )

    def place(figure: Any) -> float | None:
        return None if figure is None else min(100.0, max(0.0, float(figure) / (top or 1.0) * 100))

    now, expected, low, high = place(row.value), place(row.expected), place(row.at_least), place(row.at_most)
    has_range = row.expected_low != row.expected_high
    return {
        "now": now,
        "lo": low,
        "hi": high,
        "expected": expected,
        "is_same": now is not None and expected is not None and abs(now - expected) < SAME,
        "likely_lo": place(row.expected_low) if has_range else None,
        "likely_hi": place(row.expected_high) if has_range else None,
        "label": promise,
        "label_at": ((low or 0) + high) / 2 if high is not None else low,
    }
