"""Put history, a what-if and the sales goal together as the planner shows them: rows, sentences, bars, offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads.models import Lead, Stage
from leadsla.display import money as money_text
from leadsla.display import number, percent, range_words
from sla import assumptions, history, periods, planner, what_if
from sla.history import Basis, Input, Series
from sla.models import Agreement, Commitment, Target
from sla.planner import Funnel, Goal, Money, Range
from sla.what_if import Answer, Counts, Question, Share

Measure = Commitment.Measure
LINES = 4  # of a chart's grid
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


@dataclass(frozen=True)
class Row:
    """One line of the table: as it was, and as it would have been; `detail` says the change in words."""

    label: str
    before: str
    after: str
    detail: str = ""
    before_detail: str = ""
    after_detail: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar in per cent of the drawing, with what it stands for."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    name: str
    value: str


@dataclass(frozen=True)
class Line:
    """A line of the grid, or an end of the band: where it stands, and its figure."""

    y: float
    label: str


@dataclass(frozen=True)
class Bars:
    """A chart of counts by period with the promised band behind them."""

    bars: list[Bar]
    grid: list[Line]
    band: tuple[Line, Line] | None
    band_height: float
    sentence: str


@dataclass(frozen=True)
class Step:
    """One line of the way back from the goal: its words, where the figure comes from, the figure."""

    label: str
    value: str
    source: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class Offer:
    """A promise that can be taken into the draft; figures as a form sends them."""

    measure: str
    at_least: str
    at_most: str
    words: str
    note: str


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
        rows=_rows(answer, basis) if answer and has_answer else [],
        after_label=_after_label(question),
        notes=_notes(standing, question, basis) if has_answer else [],
        money_words=_money_words(answer, basis) if answer and has_answer else "",
        goal_words=_goal_words(goal, question) if has_answer else "",
        is_short_of_goal=goal is not None and not goal.is_reached,
        handoffs=handoffs,
        is_long=answer is None,
        span=_span(agreement, [each.start for each in spans]),
        chart=_bars(agreement, counts, promised),
        range=promised,
        funnel=_funnel(agreement, funnel=funnel, basis=basis, promised=promised, rate=rate, question=question),
        funnel_words=_funnel_words(agreement, funnel, promised),
        is_funnel_short=_is_short(funnel, promised),
        offers=_offers(agreement, question, answer=answer, series=series, promised=promised, funnel=funnel),
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


# --- the table


def _rows(answer: Answer, basis: Basis) -> list[Row]:
    before, after = answer.before, answer.after
    accepted = _share_row(_("Share accepted"), what_if.share_accepted, before, after)
    opportunities = _share_row(_("Share opportunities"), what_if.share_opportunities, before, after)
    customers = _share_row(
        _("Share customers"),
        what_if.share_customers,
        before,
        after,
        detail=_("of those that had %(days)d days") % {"days": answer.days},
    )
    return [
        _count_row(_("Leads sent"), before.sent, after.sent, _fewer(before.sent, after.sent)),
        Row(_("Staying in nurturing"), number(0), number(answer.nurtured)),
        _count_row(_("Accepted"), before.accepted, after.accepted),
        accepted,
        _count_row(_("Opportunities"), before.opportunities, after.opportunities),
        opportunities,
        _count_row(_("Customers"), before.customers, after.customers, _lost(before.customers, after.customers)),
        customers,
        _share_row(_("First follow-up in time"), what_if.share_followed_up, before, after),
        _share_row(_("Decided in time"), what_if.share_decided, before, after),
        Row(
            _("Sales hours on rejected"),
            number(_hours(before, basis, rejected_only=True)),
            number(_hours(after, basis, rejected_only=True)),
        ),
    ]


def _count_row(label: str, before: int, after: int, detail: str = "") -> Row:
    return Row(label, number(before), number(after), detail)


def _share_row(label: str, share: Callable[[Counts], Share], before: Counts, after: Counts, *, detail: str = "") -> Row:
    was, would = share(before), share(after)
    return Row(
        label,
        percent(was.value, was.cases),
        percent(would.value, would.cases),
        detail,
        _interval(was),
        _interval(would),
    )


def _interval(share: Share) -> str:
    if share.interval is None:
        return _("no cases")
    low, high = share.interval
    return range_words(low, high, "percent")


def _fewer(before: int, after: int) -> str:
    if not before or after == before:
        return ""
    return _("%(share)s fewer") % {"share": percent((before - after) / before)}


def _lost(before: int, after: int) -> str:
    return _("%(count)s lost") % {"count": number(before - after)} if after < before else ""


def _hours(counts: Counts, basis: Basis, *, rejected_only: bool = False) -> Decimal:
    return planner.hours(
        rejected=counts.rejected,
        worked=0 if rejected_only else counts.worked,
        minutes_per_rejected=basis.assumed.minutes_per_rejected,
        minutes_per_accepted=basis.assumed.minutes_per_accepted,
    )


# --- in money and in the goal


def _money_words(answer: Answer, basis: Basis) -> str:
    """Say what the change is worth over the time that was looked at."""
    lost = answer.before.customers - answer.after.customers
    saved = _hours(answer.before, basis) - _hours(answer.after, basis)
    assumed = basis.assumed
    if basis.average_deal.value is None:
        return _("Without an average deal nobody can say what %(customers)s is worth; type one.") % {
            "customers": _customers(lost)
        }
    # Rounded before they are multiplied, so that the sentence adds up.
    deal = Decimal(round(basis.average_deal.value))
    weighed: Money = planner.money(
        customers=-lost, average_deal=deal, hours=Decimal(round(saved)), hourly_cost=Decimal(assumed.hourly_cost)
    )
    words = {
        "customers": _customers(lost),
        "deal": money_text(deal, assumed.currency),
        "revenue": money_text(round(abs(weighed.revenue)), assumed.currency),
        "hours": number(weighed.hours),
        "hourly": money_text(assumed.hourly_cost, assumed.currency),
        "cost": money_text(round(abs(weighed.cost)), assumed.currency),
        "balance": money_text(round(abs(weighed.balance)), assumed.currency),
    }
    text = _("%(customers)s × %(deal)s = %(revenue)s, against %(hours)s hours of sales saved × %(hourly)s = %(cost)s.")
    if weighed.balance < 0:
        return (text + " " + _("In all %(balance)s less.")) % words
    if weighed.balance > 0:
        return (text + " " + _("In all %(balance)s more.")) % words
    return _("No customer lost and no hour saved: in money nothing changes.")


def _customers(lost: int) -> str:
    return ngettext("%(count)s customer lost", "%(count)s customers lost", lost) % {"count": number(lost)}


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


def _goal_words(goal: Goal | None, question: Question) -> str:
    if goal is None:
        return _(
            "Without a sales goal, an average deal and leads that had the time to become customers, nobody can say "
            "whether it is enough."
        )
    words = {
        "needed": number(goal.needed),
        "gives": number(goal.gives),
        "gap": number(round(goal.needed) - round(goal.gives)),
    }
    if question.is_empty:
        text = _("Needed %(needed)s customers a year; the past gives %(gives)s.")
    else:
        text = _("Needed %(needed)s customers a year; this gives %(gives)s.")
    if not goal.is_reached:
        text += " " + _("%(gap)s short of the goal.")
    return text % words


def _notes(standing: Agreement, question: Question, basis: Basis) -> list[str]:
    """Say what the replay rests on, and what it cannot know."""
    notes = []
    line = standing.definition.threshold
    if question.threshold is not None and question.threshold < line:
        waiting = Lead.objects.living().filter(stage=Stage.NURTURING, score__gte=question.threshold, score__lt=line)
        notes.append(
            _(
                "Leads below %(line)s were not sent, so the past cannot say what would have become of them. "
                "%(count)s in nurturing stand between %(asked)s and %(line)s today."
            )
            % {"line": number(line), "asked": number(question.threshold), "count": number(waiting.count())}
        )
    if question.dropped:
        notes.append(
            _(
                "Leads that lacked a required criterion were not sent, so the past cannot say what would have become "
                "of them."
            )
        )
    if question.minutes is not None:
        notes.append(_("Counts the answers that were quick enough; what quicker answers would have won is not in it."))
    if question.per_period is not None or question.per_day is not None:
        notes.append(_("Above the capacity, the later leads of a day or period are held back."))
    notes.append(
        _("%(minutes)d min of sales per rejected lead, %(more)d per accepted one. Uses decisions as they were made.")
        % {"minutes": basis.assumed.minutes_per_rejected, "more": basis.assumed.minutes_per_accepted}
    )
    return notes


# --- the chart


def _bars(agreement: Agreement, counts: Sequence[tuple[date, int]], promised: Range | None) -> Bars | None:
    if not counts or promised is None:
        return None
    highest = max([promised.high, *(count for _start, count in counts), 4])
    step = next((step for step in STEPS if highest / step <= LINES), -(-highest // LINES))
    top = -(-highest // step) * step
    slot = 100 / len(counts)
    bars = [
        Bar(
            x=place * slot + slot * 0.21,
            y=100 - count / top * 100,
            width=slot * 0.58,
            height=count / top * 100,
            middle=place * slot + slot / 2,
            label=_short(agreement, start),
            name=periods.of_day(start, kind=agreement.period, timezone=agreement.timezone).label,
            value=number(count),
        )
        for place, (start, count) in enumerate(counts)
    ]
    words = {
        "periods": len(counts),
        "period": agreement.get_period_display(),
        "range": f"{number(promised.low)}–{number(promised.high)}",
    }
    return Bars(
        bars=bars,
        grid=[Line(100 - value / top * 100, number(value)) for value in range(0, top + 1, step)],
        band=(
            Line(100 - promised.high / top * 100, number(promised.high)),
            Line(100 - promised.low / top * 100, number(promised.low)),
        ),
        band_height=(promised.high - promised.low) / top * 100,
        sentence=_("Qualified leads of %(periods)d periods, each a %(period)s; the middle half between %(range)s.")
        % words,
    )


def _short(agreement: Agreement, start: date) -> str:
    if agreement.period == Agreement.Period.QUARTER:
        return f"Q{(start.month + 2) // 3}"
    return format_date(start, "M")[:1]


# --- from the sales goal


def _funnel(
    agreement: Agreement,
    *,
    funnel: Funnel | None,
    basis: Basis,
    promised: Range | None,
    rate: Decimal | None,
    question: Question,
) -> list[Step]:
    assumed, period = basis.assumed, agreement.get_period_display()
    steps = [
        Step(
            _("New revenue a %(period)s, the goal") % {"period": period},
            money_text(assumed.revenue_goal, assumed.currency),
            "" if assumed.revenue_goal is not None else _("not typed yet"),
        ),
        Step(_("× of it from marketing’s leads"), percent(assumed.marketing_share)),
        Step(
            _("÷ average deal"),
            money_text(_whole(basis.average_deal.value), assumed.currency),
            _source(basis.average_deal, _("%(cases)s won in 12 months"), left_out=basis.left_out),
        ),
    ]
    if funnel is None:
        return steps
    steps.append(Step(_("= customers a %(period)s") % {"period": period}, number(funnel.customers, 1)))
    is_own = basis.customer_rate.is_typed or question.is_empty
    steps.append(
        Step(
            _("÷ become customers within %(days)d days") % {"days": basis.days},
            percent(rate),
            _source(basis.customer_rate, _("of %(cases)s handed over")) if is_own else _("of the leads of the what-if"),
        )
    )
    steps.append(
        Step(
            _("= leads needed a %(period)s") % {"period": period},
            number(funnel.whole_leads),
            is_total=True,
        )
    )
    if promised is not None:
        needed = planner.needed_rate(funnel.customers, promised.middle)
        steps.append(Step(_("or, with the middle of the range"), number(promised.middle), _("leads")))
        steps.append(Step(_("= share that must become customers"), percent(needed), is_total=True))
    return steps


def _whole(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(round(amount))


def _source(figure: Input, own: str, *, left_out: int = 0) -> str:
    if figure.is_typed:
        return _("typed")
    if figure.value is None:
        return _("no history yet")
    text = own % {"cases": number(figure.cases)}
    if left_out:
        text += _(", %(count)s without an amount in this currency left out") % {"count": number(left_out)}
    return text


def _is_short(funnel: Funnel | None, promised: Range | None) -> bool:
    return bool(funnel and funnel.whole_leads is not None and promised and funnel.whole_leads > promised.middle)


def _funnel_words(agreement: Agreement, funnel: Funnel | None, promised: Range | None) -> str:
    """Say whether the range is enough for the goal."""
    if funnel is None or funnel.whole_leads is None or promised is None:
        return ""
    words = {
        "low": number(promised.low),
        "high": number(promised.high),
        "gap": number(abs(funnel.whole_leads - promised.middle)),
        "period": agreement.get_period_display(),
    }
    if funnel.whole_leads <= promised.low:
        return _("Enough, even at the lower end: %(low)s leads a %(period)s.") % words
    if funnel.whole_leads <= promised.middle:
        return _("Just enough in the middle of %(low)s–%(high)s; at the lower end it falls short.") % words
    return _("The middle of %(low)s–%(high)s is %(gap)s leads a %(period)s short of it.") % words


# --- offers for the draft


def _offers(
    agreement: Agreement,
    question: Question,
    *,
    answer: Answer | None,
    series: dict[str, Series],
    promised: Range | None,
    funnel: Funnel | None,
) -> list[Offer]:
    offers = []
    asked = _asked(agreement, question)
    if promised is not None:
        span = f"{number(promised.low)}–{number(promised.high)}"
        note = _("past %(periods)d periods%(asked)s: %(span)s, the middle half") % {
            "periods": promised.periods,
            "asked": asked,
            "span": span,
        }
        words = _("Take %(span)s into the draft") % {"span": span}
        offers.append(Offer(Measure.QUANTITY, str(promised.low), str(promised.high), words, note))
    for measure, label, share in (
        (Measure.ACCEPTED, _("Take %(rate)s accepted"), what_if.share_accepted),
        (Measure.OPPORTUNITIES, _("Take %(rate)s opportunities"), None),
    ):
        rate, note = _own_rate(series.get(measure), asked, answer if share and not question.is_empty else None)
        if rate is not None:
            offers.append(Offer(measure, str(rate), "", label % {"rate": percent(rate)}, note))
    needed = planner.needed_rate(funnel.customers, promised.middle) if funnel and promised else None
    if needed is not None and funnel is not None and promised is not None and needed <= 1:
        rate = _rounded(needed)
        note = _("%(customers)s customers ÷ %(leads)s leads a %(period)s, from the sales goal") % {
            "customers": number(funnel.customers, 1),
            "leads": number(promised.middle),
            "period": agreement.get_period_display(),
        }
        words = _("Take %(rate)s customers") % {"rate": percent(rate)}
        offers.append(Offer(Measure.CUSTOMERS, str(rate), "", words, note))
    return offers


def _own_rate(series: Series | None, asked: str, answer: Answer | None) -> tuple[Decimal | None, str]:
    """Return the own median of a rate, or the rate of a what-if, and where it comes from."""
    if answer is not None:
        share = what_if.share_accepted(answer.after)
        if share.value is None:
            return None, ""
        words = {"asked": asked, "kept": number(share.kept), "cases": number(share.cases)}
        return _rounded(share.value), _("past%(asked)s: %(kept)s of %(cases)s") % words
    if series is None or series.quartiles is None:
        return None, ""
    count = len(series.values)
    note = ngettext("median of %(count)d period", "median of %(count)d periods", count) % {"count": count}
    return _rounded(series.quartiles[1]), f"{note}, {_('%(cases)s cases') % {'cases': number(series.cases)}}"


def _asked(agreement: Agreement, question: Question) -> str:
    """Say what was different, for a note under a clause; nothing when nothing was."""
    parts = []
    if question.threshold is not None:
        parts.append(_("a line of %(line)s") % {"line": number(question.threshold)})
    if question.required:
        labels = dict(agreement.definition.criteria.values_list("code", "label"))
        parts.append(", ".join(labels.get(code, code) for code in question.required))
    if question.per_period is not None:
        parts.append(_("at most %(count)s") % {"count": number(question.per_period)})
    if question.per_day is not None:
        parts.append(_("at most %(count)s a day") % {"count": number(question.per_day)})
    return _(" with %(parts)s") % {"parts": ", ".join(parts)} if parts else ""


def _rounded(share: float) -> Decimal:
    """Round a rate to a thousandth: as fine as the contract says it."""
    return Decimal(str(share)).quantize(Decimal("0.001"))
