"""Put history, a what-if and the sales goal together as the planner shows them: rows, sentences, bars, offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.display import number, percent, range_words
from sla import assumptions, history, periods, planner, planner_chart, planner_goal, planner_table, what_if
from sla.history import Basis, Series
from sla.models import Agreement, Commitment, Target
from sla.planner import Funnel, Goal, Range
from sla.planner_chart import Bars
from sla.planner_goal import Offer, Step
from sla.planner_table import Row
from sla.what_if import Answer, Question

Measure = Commitment.Measure


@dataclass(frozen=True)
class Past:
    """What the past gave under one promise, beside what is promised now."""

    label: str
    promised: str
    middle_half: str
    median: str
    cases: str
    trend: list[float]
    promise: float | None
    note: str


@dataclass(frozen=True)
class Planner:
    """All that the planner shows of one agreement and one question.

    Attributes:
        rows, notes, money_words, goal_words: of the what-if; empty without an answer.
        is_short_of_goal: the goal is missed.
        handoffs: how many a replay looks at.
        is_long: too many to answer while somebody waits, and not answered before.
    """

    agreement: Agreement
    question: Question
    line: str
    rows: list[Row]
    after_label: str
    notes: list[str]
    money_words: str
    goal_words: str
    is_short_of_goal: bool
    handoffs: int
    is_long: bool
    span: str
    chart: Bars | None
    range: Range | None
    funnel: list[Step]
    funnel_words: str
    is_funnel_short: bool
    offers: list[Offer]
    slider: tuple[int, int]
    history: list[Past]


def standing_of(agreement: Agreement, *, now: datetime) -> Agreement:
    """Return the version in force whose place a draft would take; the agreement itself where there is none."""
    in_force = Agreement.objects.in_force(now=now).filter(series=agreement.series).select_related("definition")
    return in_force.first() or agreement


def planner_of(agreement: Agreement, question: Question, *, now: datetime, answer: Answer | None = None) -> Planner:
    """Put the planner of an agreement together.

    Args:
        agreement: with its definition.
        question: what would be different.
        now: what is known by then.
        answer: of a run in the background; None replays the past at once, as long as it is short, or takes an answer
            of today to the same question.
    """
    standing = standing_of(agreement, now=now)
    basis = history.basis(agreement, assumed=assumptions.current(), now=now)
    series = history.by_measure(agreement, now=now)
    spans = what_if.past(agreement, now=now)
    handoffs = what_if.how_many(agreement, spans)
    if answer is None:
        is_short = handoffs <= what_if.AT_ONCE
        found = what_if.answer if is_short else what_if.answered
        answer = found(agreement, question, days=basis.days, now=now)
    counts = _counts(answer, series)
    rate = _rate(basis, answer, question)
    promised = planner.range_of([count for _start, count in counts])
    funnel = planner.reverse_funnel(
        goal=basis.assumed.revenue_goal,
        share=Decimal(basis.assumed.marketing_share),
        average_deal=basis.average_deal.value,
        rate=rate,
    )
    goal = _goal(agreement, funnel, answer)
    has_answer = answer is not None and answer.before.sent > 0
    return Planner(
        agreement=agreement,
        question=question,
        line=number(standing.definition.threshold),
        rows=planner_table.rows(answer, basis) if answer and has_answer else [],
        after_label=_after_label(question),
        notes=planner_table.notes(standing, question, basis) if has_answer else [],
        money_words=planner_table.money_words(answer, basis) if answer and has_answer else "",
        goal_words=planner_table.goal_words(goal, question) if has_answer else "",
        is_short_of_goal=goal is not None and not goal.is_reached,
        handoffs=handoffs,
        is_long=answer is None,
        span=_span(agreement, [each.start for each in spans]),
        chart=planner_chart.bars(agreement, counts, promised),
        range=promised,
        funnel=planner_goal.steps(
            agreement, funnel=funnel, basis=basis, promised=promised, rate=rate, question=question
        ),
        funnel_words=planner_goal.funnel_words(agreement, funnel, promised),
        is_funnel_short=planner_goal.is_short(funnel, promised),
        offers=planner_goal.offers(agreement, question, answer=answer, series=series, promised=promised, funnel=funnel),
        slider=_slider(standing, question),
        history=_history(standing, series),
    )


def _rate(basis: Basis, answer: Answer | None, question: Question) -> Decimal | None:
    """Return the rate that the goal is reached with: of the leads that would have been sent, unless one was typed."""
    if basis.customer_rate.is_typed or answer is None or question.is_empty or not answer.after.ripe:
        return basis.customer_rate.value
    return Decimal(answer.after.ripe_customers) / answer.after.ripe


def _counts(answer: Answer | None, series: dict[str, Series]) -> list[tuple[date, int]]:
    """Return qualified leads by period: of the answer, else as the scoreboard counted them."""
    if answer is not None and answer.before.sent:
        return [(each.start, each.after.counted) for each in answer.periods]
    quantity = series.get(Measure.QUANTITY)
    return [(figure.start, figure.kept) for figure in quantity.figures] if quantity else []


def _slider(standing: Agreement, question: Question) -> tuple[int, int]:
    """Return the ends of the slider: a fifth below the line to two fifths above it, and what was asked for."""
    line = float(standing.definition.threshold)
    asked = float(question.threshold) if question.threshold is not None else line
    return int(min(line * 0.8, asked)), int(max(line * 1.4, asked, 10))


def _after_label(question: Question) -> str:
    if question == Question(threshold=question.threshold) and question.threshold is not None:
        return _("at %(line)s") % {"line": number(question.threshold)}
    return _("then")


def _span(agreement: Agreement, starts: Sequence[date]) -> str:
    if agreement.period == Agreement.Period.QUARTER:
        return ngettext("the past quarter", "the past %(count)d quarters", len(starts)) % {"count": len(starts)}
    return ngettext("the past month", "the past %(count)d months", len(starts)) % {"count": len(starts)}


def _history(standing: Agreement, series: dict[str, Series]) -> list[Past]:
    targets = {
        target.commitment.measure: target
        for target in standing.targets.select_related("commitment").order_by("position")
    }
    order = {measure: place for place, measure in enumerate(targets)}
    shown = sorted(series.values(), key=lambda each: order.get(each.measure, len(order)))
    return [_past(each, targets.get(each.measure)) for each in shown if each.quartiles is not None]


def _past(each: Series, target: Target | None) -> Past:
    assert each.quartiles is not None  # the others are left out
    unit = "" if each.is_count else "percent"
    first, middle, third = each.quartiles
    if each.range is not None:
        first, third = each.range.low, each.range.high
    unripe = sum(1 for figure in each.figures if not figure.is_ripe)
    notes = []
    if unripe:
        notes.append(ngettext("%(count)d period too early", "%(count)d periods too early", unripe) % {"count": unripe})
    if each.measure == Measure.CUSTOMERS:
        notes.append(_("rolling 12 months"))
    promised = range_words(target.at_least, target.at_most, unit) if target else range_words(None)
    return Past(
        label=each.label,
        promised=promised,
        middle_half=_span_words(first, third, unit),
        median=number(middle, 0 if middle == int(middle) else 1) if each.is_count else percent(middle),
        cases=ngettext("%(cases)s in %(count)d period", "%(cases)s in %(count)d periods", len(each.values))
        % {"cases": number(each.cases), "count": len(each.values)},
        trend=each.values,
        promise=float(target.at_least) if target else None,
        note=", ".join(notes),
    )


def _span_words(low: float, high: float, unit: str) -> str:
    """Write a span; one figure where both ends read the same."""
    ends = [range_words(end, end, unit) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else range_words(low, high, unit)


def _goal(agreement: Agreement, funnel: Funnel | None, answer: Answer | None) -> Goal | None:
    if funnel is None or answer is None:
        return None
    return planner.goal_of_year(
        funnel.customers,
        periods_a_year=12 // periods.MONTHS_OF[agreement.period],
        sent=answer.after.sent,
        periods=len(answer.periods),
        rate=answer.after.customer_rate,
    )
