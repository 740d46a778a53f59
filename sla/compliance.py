"""Recompute how the promises of an agreement stand in a period. Derived and replayable: a row never knows its past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Exists, F, Min, OuterRef, Q

from sla import measures, periods, versions
from sla.judgement import Figures, Judgement, judge_count, judge_rate
from sla.measures import MEASURES, Scope
from sla.models import Agreement, Clock, Compliance, Handoff, Target
from sla.periods import Period
from sla.statistics import Gamma, beta_from_history, gamma_from_history, wilson
from sla.versions import Line

HISTORY_PERIODS = 6
HISTORY_REACHES = timedelta(days=600)  # six quarters and some
HISTORY_WORTH_CASES = 20.0  # a rate's whole history weighs at most as much as twenty cases of now
LOCK = 7_264_101  # one recompute at a time
WORK_MEMORY = "64MB"  # of this transaction only; with PostgreSQL's 4 MB a busy period would be sorted on disk

DERIVED = (
    "period_end",
    "at_least",
    "at_most",
    "kept",
    "cases",
    "open_cases",
    "waived",
    "left_out",
    "value",
    "low",
    "high",
    "expected",
    "expected_low",
    "expected_high",
    "probability",
    "status",
    "is_settled",
    "counts_from",
    "computed_at",
)


@dataclass(frozen=True)
class Tally:
    """What one commitment of one agreement counts in one period, straight from the facts."""

    agreement_id: int
    period_start: date
    commitment_id: int
    measure: str
    at_least: Decimal
    at_most: Decimal | None
    kept: int
    against: int
    open_cases: int
    waived: int
    left_out: int
    unsure_kept: int
    unsure_against: int


@dataclass(frozen=True)
class Past:
    """One past period of one commitment: what it kept of how many cases in how many working days."""

    start: date
    kept: int
    cases: int
    working_days: float


def recompute(*, now: datetime, period: date | None = None) -> int:
    """Write how every promise stands in one period of every agreement.

    Args:
        now: what happened until this moment counts, as far as it is known today.
        period: a day of the period; None for the one that `now` belongs to.

    Returns:
        Rows written. The same call again writes the same rows.
    """
    scopes = []
    for agreement, line in _agreements():
        day = period or now.astimezone(ZoneInfo(agreement.timezone)).date()
        span = measures.period_of(agreement, day)
        if span.starts_at <= now and _is_judged(agreement, line, span):
            scopes.append(measures.scope(agreement, span, now=now, line=line))
    return _write(scopes, now=now)


def replay(*, now: datetime, everything: bool = False) -> int:
    """Recompute every period that is not settled, from the first fact of each agreement on.

    Args:
        now: as of `recompute`.
        everything: settled periods too; what was shown when they were settled stays beside them.

    Returns:
        Rows written.
    """
    scopes = []
    for agreement, line in _agreements():
        first = _first_fact(line)
        span = periods.containing(now, kind=agreement.period, timezone=agreement.timezone)
        start = periods.containing(min(first or now, now), kind=agreement.period, timezone=agreement.timezone)
        settled = set() if everything else _settled_starts(agreement)
        while span.start >= start.start:
            if span.start not in settled and _is_judged(agreement, line, span):
                scopes.append(measures.scope(agreement, span, now=now, line=line))
            span = periods.back(span, 1)
    return _write(scopes, now=now)


def _agreements() -> Iterable[tuple[Agreement, Line]]:
    found = list(Agreement.objects.ever_in_force().select_related("calendar"))
    lines = versions.lines({agreement.series for agreement in found})
    return ((agreement, lines[agreement.pk]) for agreement in found)


def _is_judged(agreement: Agreement, line: Line, span: Period) -> bool:
    """Tell whether a version has figures of its own in a period: it, not a later one with the same promises."""
    if line.judged_under(span) != agreement.pk:
        return False
    return _is_in_force(agreement, span) or _has_facts(line, span)


def _is_in_force(agreement: Agreement, span: Period) -> bool:
    assert agreement.in_force_from is not None  # `_agreements` takes no others
    until = agreement.in_force_until
    return agreement.in_force_from < span.ends_at and (until is None or until > span.starts_at)


def _has_facts(line: Line, span: Period) -> bool:
    """Tell whether something of an ended agreement is still due; open handoffs finish under theirs."""
    return (
        Handoff.objects.filter(
            agreement__in=line.versions, handed_over_at__gte=span.starts_at, handed_over_at__lt=span.ends_at
        ).exists()
        or Clock.objects.filter(
            agreement__in=line.versions,
            measure__in=measures.CLOCKED,
            due_at__gte=span.starts_at,
            due_at__lt=span.ends_at,
        ).exists()
    )


def _first_fact(line: Line) -> datetime | None:
    handoffs = Handoff.objects.filter(agreement__in=line.versions, origin="live")
    clocks = Clock.objects.filter(agreement__in=line.versions, measure__in=measures.CLOCKED)
    handed, due = handoffs.aggregate(at=Min("handed_over_at"))["at"], clocks.aggregate(at=Min("due_at"))["at"]
    return min((moment for moment in (handed, due) if moment), default=None)


def _settled_starts(agreement: Agreement) -> set[date]:
    """Return the periods of which every row is settled."""
    rows = Compliance.objects.filter(agreement=agreement).values_list("period_start", "is_settled")
    unsettled = {start for start, is_settled in rows if not is_settled}
    return {start for start, _is_settled in rows} - unsettled


# --- from facts to rows


@transaction.atomic
def _write(scopes: Sequence[Scope], *, now: datetime) -> int:
    if not scopes:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s), set_config('work_mem', %s, true)", [LOCK, WORK_MEMORY])
    rows = _judged(scopes, now=now)
    Compliance.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=("agreement", "commitment", "period_start"),
        update_fields=DERIVED,
    )
    written, counted_here = Q(), Q()
    for one in scopes:
        written |= Q(agreement=one.agreement, period_start=one.period.start)
        earlier = set(one.counted) - {one.agreement.pk}
        counted_here |= Q(agreement__in=earlier, period_start=one.period.start)
    standing = Target.objects.filter(agreement=OuterRef("agreement"), commitment=OuterRef("commitment"))
    Compliance.objects.filter((written & ~Exists(standing)) | counted_here).delete()
    Compliance.objects.filter(written, is_settled=True, settled_at=None).update(
        settled_kept=F("kept"), settled_cases=F("cases"), settled_at=now
    )
    Compliance.objects.filter(written, is_settled=False, settled_at__isnull=False).update(
        settled_kept=None, settled_cases=None, settled_at=None
    )
    return len(rows)


def tallies(scopes: Sequence[Scope], *, now: datetime) -> list[Tally]:
    """Count the cases of every commitment in some scopes, by one statement each: so the planner knows the period.

    Args:
        scopes: agreements in periods.
        now: until when.

    Returns:
        One tally per target and period, earliest period first.
    """
    found = [tally for one in scopes for tally in _tallies(one, now=now)]
    return sorted(found, key=lambda tally: (tally.period_start, tally.agreement_id, tally.commitment_id))


def _tallies(scope: Scope, *, now: datetime) -> list[Tally]:
    sql, parameters = measures.counted([scope], now=now)
    sql += """
        SELECT s.agreement_id, s.period_start, t.commitment_id, c.measure, t.at_least, t.at_most,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'kept'), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'against'), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'open'), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'waived'), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'left_out'), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'kept' AND NOT f.is_final), 0)::int,
               coalesce(sum(f.count) FILTER (WHERE f.part = 'against' AND NOT f.is_final), 0)::int
        FROM scope s
        JOIN sla_target t ON t.agreement_id = s.agreement_id
        JOIN sla_commitment c ON c.id = t.commitment_id
        LEFT JOIN counted f ON f.agreement_id = s.agreement_id AND f.period_start = s.period_start
            AND f.measure = c.measure AND (f.side IS NULL OR f.side = c.side)
        GROUP BY s.agreement_id, s.period_start, t.commitment_id, c.measure, t.at_least, t.at_most"""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Tally(*row) for row in cursor.fetchall()]


def _judged(scopes: Sequence[Scope], *, now: datetime) -> list[Compliance]:
    found = {(one.agreement.pk, one.period.start): one for one in scopes}
    pasts = _pasts(scopes)
    rows = []
    for tally in tallies(scopes, now=now):
        one = found[tally.agreement_id, tally.period_start]
        known = pasts[one.agreement.series, tally.commitment_id]
        before = [known[start] for start in sorted(known) if start < one.period.start][-HISTORY_PERIODS:]
        row = _row(tally, one, before, now=now)
        rows.append(row)
        if one.period.ends_at <= now:
            _remember(known, one, row.period_start, row.kept, row.cases + row.open_cases)
    return rows


def _pasts(scopes: Sequence[Scope]) -> defaultdict[tuple[Any, int], dict[date, Past]]:
    """Load the periods that are not computed now, by series and commitment; all versions of an agreement are one."""
    pasts: defaultdict[tuple[Any, int], dict[date, Past]] = defaultdict(dict)
    by_series = {one.agreement.series: one for one in scopes}
    computed = {(version, one.period.start) for one in scopes for version in one.counted}
    starts = [one.period.start for one in scopes]
    rows = Compliance.objects.filter(
        agreement__series__in=by_series, period_start__lt=max(starts), period_start__gte=min(starts) - HISTORY_REACHES
    )
    for series, agreement, commitment, start, kept, cases, still_open in rows.values_list(
        "agreement__series", "agreement_id", "commitment_id", "period_start", "kept", "cases", "open_cases"
    ):
        if (agreement, start) not in computed:
            _remember(pasts[series, commitment], by_series[series], start, kept, cases + still_open)
    return pasts


def _remember(known: dict[date, Past], one: Scope, start: date, kept: int, cases: int) -> None:
    """Add a period to what is known; two versions that were judged in the same period count together."""
    period = measures.period_of(one.agreement, start)
    before = known.get(start, Past(start, 0, 0, 0.0))
    days = _days(one, period.starts_at, period.ends_at)
    known[start] = Past(start, before.kept + kept, before.cases + cases, days)


def _days(one: Scope, start: datetime, end: datetime) -> float:
    """Return the working days between two moments; elapsed days where the calendar never opens."""
    worked = one.working_time.between(one.period.starts_at, one.period.ends_at)
    if not worked and start >= one.period.starts_at:
        return max(0.0, (end - start) / timedelta(days=1))
    return max(0.0, one.working_time.between(start, end) / one.working_day)


def _row(tally: Tally, one: Scope, before: Sequence[Past], *, now: datetime) -> Compliance:
    measure = MEASURES[tally.measure]
    ends_at = one.period.ends_at
    judged = _judge(tally, one, before, now=now)
    cases = tally.kept + tally.against + (tally.open_cases if measure.counts_open else 0)
    forecast = judged.forecast
    settles_at = one.settles_at(measure.settles)
    ripe_at = one.ripe_at(measure.settles)
    return Compliance(
        agreement_id=tally.agreement_id,
        commitment_id=tally.commitment_id,
        period_start=one.period.start,
        period_end=one.period.end,
        at_least=tally.at_least,
        at_most=tally.at_most,
        kept=tally.kept,
        cases=cases,
        open_cases=tally.open_cases,
        waived=tally.waived,
        left_out=tally.left_out,
        value=judged.value,
        low=judged.low,
        high=judged.high,
        expected=forecast.expected if forecast else None,
        expected_low=forecast.low if forecast else None,
        expected_high=forecast.high if forecast else None,
        probability=forecast.probability if forecast else None,
        status=judged.status,
        is_settled=now >= settles_at,
        counts_from=ripe_at.astimezone(ZoneInfo(one.period.timezone)).date() if ripe_at > ends_at else None,
        computed_at=now,
    )


def _judge(tally: Tally, one: Scope, before: Sequence[Past], *, now: datetime) -> Judgement:
    measure = MEASURES[tally.measure]
    at_least = float(tally.at_least)
    moment = min(max(now, one.period.starts_at), one.period.ends_at)
    elapsed, left = _days(one, one.period.starts_at, moment), _days(one, moment, one.period.ends_at)
    is_over = now >= one.period.ends_at
    pace = gamma_from_history(
        [past.cases for past in before], [past.working_days for past in before], worth=left + elapsed
    )
    if measure.is_count:
        return judge_count(tally.kept, at_least=at_least, elapsed=elapsed, left=left, prior=pace, is_over=is_over)
    cases = tally.kept + tally.against
    judged = judge_rate(
        Figures(
            kept=tally.kept,
            cases=cases,
            unsure_kept=tally.unsure_kept,
            unsure_against=tally.unsure_against,
            open_cases=tally.open_cases,
            to_come=_to_come(tally, pace, elapsed=elapsed, left=left),
        ),
        at_least=at_least,
        prior=beta_from_history(
            sum(past.kept for past in before), sum(past.cases for past in before), worth=HISTORY_WORTH_CASES
        ),
        is_over=is_over,
        is_ripe=now >= one.ripe_at(measure.settles),
    )
    if not measure.counts_open or not tally.open_cases:
        return judged
    low, high = wilson(tally.kept, cases + tally.open_cases) or (None, None)
    return replace(judged, value=tally.kept / (cases + tally.open_cases), low=low, high=high)


def _to_come(tally: Tally, pace: Gamma, *, elapsed: float, left: float) -> float:
    """Return how many cases the rest of the period brings beyond those that are open now.

    A clock that is open now is one of those that fall due in the rest of the period; a handoff that waits is not one
    of those that are still to be handed over.
    """
    has_clocks = MEASURES[tally.measure].has_clocks
    seen = tally.kept + tally.against + (0 if has_clocks else tally.open_cases)
    exposure = pace.exposure + elapsed
    if not exposure:
        return 0.0
    expected = (pace.shape + seen) / exposure * left
    return max(0.0, expected - tally.open_cases) if has_clocks else expected
