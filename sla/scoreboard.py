"""What the scoreboard reads of an agreement in a period: standings, the handshake, pace, acceptance, answers, risks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from leads.models import Origin
from leadsla.accounts.models import User
from sla import breakdowns, measures, narrowing, periods, versions
from sla.measures import Scope
from sla.models import Agreement, Clock, Commitment, Compliance, Decision, Handoff, Round
from sla.narrowing import Narrowing
from sla.periods import Period
from sla.querysets import ClockQuerySet, HandoffQuerySet
from sla.statistics import wilson

TREND_PERIODS = 6
PERIODS_TO_CHOOSE = 24
ALL = Narrowing()
M = Commitment.Measure
TAKEN_BACK = (Handoff.ClosedBecause.WITHDRAWN, Handoff.ClosedBecause.MERGED)


# --- which agreement, which period


def agreements() -> QuerySet[Agreement]:
    """Return the agreements that are or were in force, in the order in which they are tried."""
    return (
        Agreement.objects.ever_in_force()
        .select_related("calendar")
        .prefetch_related("signatures")
        .order_by("position", "-version")
    )


def usual(found: Sequence[Agreement], *, now: datetime) -> Agreement | None:
    """Return the agreement to show when nobody chose one: the first in force, else the latest; None without any."""
    for agreement in found:
        until = agreement.in_force_until
        if agreement.in_force_from and agreement.in_force_from <= now and (until is None or until > now):
            return agreement
    return max(found, key=lambda one: one.in_force_from or one.created_at, default=None)


def current_period(agreement: Agreement, *, now: datetime) -> Period:
    """Return the period of `now`, or the last one of an agreement that has ended."""
    until = agreement.in_force_until
    moment = min(now, until) if until else now
    found = periods.containing(moment, kind=agreement.period, timezone=agreement.timezone)
    return periods.back(found, 1) if until and until <= found.starts_at else found


def known_periods(agreement: Agreement, *, now: datetime) -> list[Period]:
    """Return the periods with these promises that have figures, and the current one, latest first."""
    starts = set(
        Compliance.objects.filter(agreement__in=versions.line_of(agreement).versions, period_start__lte=now.date())
        .order_by("-period_start")
        .values_list("period_start", flat=True)
        .distinct()[:PERIODS_TO_CHOOSE]
    )
    starts.add(current_period(agreement, now=now).start)
    return [measures.period_of(agreement, start) for start in sorted(starts, reverse=True)]


# --- standings


@dataclass(frozen=True)
class Standing:
    """How one commitment stands, with its values in the last periods, oldest first; None where there was none."""

    row: Compliance
    trend: list[float | None]


def standings(scope: Scope) -> list[Standing]:
    """Return how every commitment of an agreement stands in a period, in the order of its text.

    Until the figures are computed under a version that was just signed, those of the version before it are shown.
    """
    agreement, period = scope.agreement, scope.period
    spans = [periods.back(period, count).start for count in reversed(range(TREND_PERIODS))]
    rows = Compliance.objects.filter(
        agreement__series=agreement.series, period_start__in=spans, commitment__targets__agreement=agreement
    )
    values: dict[int, dict[date, float | None]] = defaultdict(dict)
    newest: dict[int, int] = {}
    shown: dict[int, Compliance] = {}
    for row in (
        rows.select_related("commitment")
        .annotate(place=F("commitment__targets__position"))
        .order_by("place", "-period_start", "-agreement__version")
    ):
        values[row.commitment_id].setdefault(row.period_start, row.value)
        if row.agreement_id in scope.counted and row.period_start == period.start:
            place = scope.counted.index(row.agreement_id)
            if place >= newest.setdefault(row.commitment_id, place):
                newest[row.commitment_id], shown[row.commitment_id] = place, row
                values[row.commitment_id][row.period_start] = row.value
    return [Standing(row, [values[commitment].get(start) for start in spans]) for commitment, row in shown.items()]


def of_part(found: Sequence[Standing], part: Narrowing, scope: Scope, *, now: datetime) -> list[Standing]:
    """Return standings of a part of the cases: figures without a status, because the promise is made for all of them.

    Args:
        found: of all cases.
        part: what they are narrowed to.
        scope: agreement and period.
        now: as of the figures.
    """
    if not part:
        return list(found)
    slices = breakdowns.narrowed(scope, part, now=now)
    return [Standing(_row_of_part(standing.row, slices), []) for standing in found]


def _row_of_part(row: Compliance, slices: dict[tuple[str, str | None], breakdowns.Slice]) -> Compliance:
    code, side = row.commitment.measure, row.commitment.side
    one = slices.get((code, None)) or slices.get((code, side)) or breakdowns.nothing(code)
    return Compliance(
        agreement_id=row.agreement_id,
        commitment=row.commitment,
        period_start=row.period_start,
        period_end=row.period_end,
        at_least=row.at_least,
        at_most=row.at_most,
        kept=one.kept,
        cases=one.cases,
        open_cases=one.open_cases,
        waived=one.waived,
        left_out=one.left_out,
        value=float(one.kept) if measures.MEASURES[code].is_count else one.rate,
        low=one.low,
        high=one.high,
        status="",
        computed_at=row.computed_at,
    )


# --- the handshake


@dataclass(frozen=True)
class Handshake:
    """What was handed over in a period and what sales answered; overdue ones are among the waiting."""

    accepted: int
    rejected: int
    waiting: int
    overdue: int

    @property
    def handed_over(self) -> int:
        """Return all of them."""
        return self.accepted + self.rejected + self.waiting


def is_handed_over() -> Q:
    """Return the filter for live handoffs of marketing to sales that were not taken back unanswered."""
    return Q(origin=Origin.LIVE, is_notice=False, leg=1) & ~Q(closed_because__in=TAKEN_BACK, decision="")


def handed_over(scope: Scope, *, part: Narrowing = ALL) -> HandoffQuerySet:
    """Return the handoffs of a period that sales answered or has to answer."""
    return Handoff.objects.filter(
        is_handed_over(),
        part.handoffs(),
        agreement__in=scope.counted,
        handed_over_at__gte=scope.period.starts_at,
        handed_over_at__lt=scope.period.ends_at,
    )


def is_overdue(*, now: datetime) -> Q:
    """Return the filter for waiting handoffs whose decision is past due."""
    late = Clock.objects.running().filter(
        handoff=OuterRef("pk"), round=OuterRef("round"), measure=M.DECIDE, due_at__lt=now
    )
    return Q(Exists(late), decision="")


def handshake(scope: Scope, *, now: datetime, part: Narrowing = ALL) -> Handshake:
    """Count the answers of a period as they stand."""
    counted = handed_over(scope, part=part).aggregate(
        accepted=Count("pk", filter=Q(decision=Decision.ACCEPTED)),
        rejected=Count("pk", filter=Q(decision=Decision.REJECTED)),
        waiting=Count("pk", filter=Q(decision="")),
        overdue=Count("pk", filter=is_overdue(now=now)),
    )
    return Handshake(**counted)


def handed_over_by_day(scope: Scope, day_number: int, *, part: Narrowing = ALL) -> int | None:
    """Return how many were handed over up to a working day of a period; None when it has no such day."""
    days = periods.working_dates(scope.period, scope.working_time)
    if not 0 < day_number <= len(days):
        return None
    until = periods.midnight(periods.next_day(days[day_number - 1]), scope.period.timezone)
    return handed_over(scope, part=part).filter(handed_over_at__lt=until).count()


# --- pace


@dataclass(frozen=True)
class Pace:
    """Counted handoffs, cumulative, at the end of each working day that has begun.

    Attributes:
        days: the working days of the period.
        counts: how many until the end of the first, second … working day; as long as days have begun.
    """

    days: list[date]
    counts: list[int]


def pace(scope: Scope, *, now: datetime, part: Narrowing = ALL) -> Pace:
    """Return how the quantity of a period grew; a handoff of a closed day belongs to the working day before it."""
    days = periods.working_dates(scope.period, scope.working_time)
    sql, parameters = measures.facts([scope], now=now, measures=(M.QUANTITY,))
    condition, values = part.sql()
    sql += f"""
        SELECT (h.handed_over_at AT TIME ZONE %s)::date, count(*) FROM facts f {narrowing.JOINS}
        WHERE f.part = 'kept' {condition} GROUP BY 1 ORDER BY 1"""  # noqa: S608  # constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, scope.period.timezone, *values])
        counted = dict(cursor.fetchall())
    begun = periods.working_days(scope.period, scope.working_time, now=now)[0]
    counts = []
    for number in range(1, begun + 1):
        until = days[number] if number < len(days) else scope.period.end
        counts.append(sum(count for day, count in counted.items() if day < until))
    return Pace(days, counts)


# --- acceptance


@dataclass(frozen=True)
class Accepted:
    """Accepted and kept ÷ decided of one source or score band."""

    key: str
    label: str
    accepted: int
    decided: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Return accepted ÷ decided."""
        return self.accepted / self.decided


def acceptance(scope: Scope, *, now: datetime, part: Narrowing = ALL) -> dict[str, list[Accepted]]:
    """Return acceptance in a period by `source`, highest first, and by `band`, in the order of the bands."""
    sql, parameters = measures.facts([scope], now=now, measures=(M.ACCEPTED,))
    condition, values = part.sql()
    sql += f"""
        SELECT d.dimension, d.key, max(d.label), count(*) FILTER (WHERE f.part = 'kept'), count(*)
        FROM facts f {narrowing.JOINS}
        LEFT JOIN leads_source s ON s.id = h.source_id
        CROSS JOIN LATERAL (VALUES ('source', coalesce(s.code, ''), coalesce(s.name, '')), ('band', h.band, h.band))
            AS d (dimension, key, label)
        WHERE f.part IN ('kept', 'against') {condition}
        GROUP BY d.dimension, d.key"""  # noqa: S608  # constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, *values])
        rows = cursor.fetchall()
    found: dict[str, list[Accepted]] = {"source": [], "band": []}
    for dimension, key, label, accepted, decided in rows:
        low, high = wilson(accepted, decided) or (0.0, 1.0)
        found[dimension].append(Accepted(key, label, accepted, decided, low, high))
    found["source"].sort(key=lambda row: (-row.rate, -row.decided, row.label))
    return found


# --- rejections, answers in time


def rejections(scope: Scope, *, part: Narrowing = ALL) -> list[tuple[str, int, int, int]]:
    """Return why handoffs of a period stand rejected, most frequent first.

    Of each reason: how often it was given, how often it counts, how often marketing contests it (not yet upheld).
    """
    rejected = handed_over(scope, part=part).filter(decision=Decision.REJECTED)
    rounds = Round.objects.filter(handoff__in=rejected, number=F("handoff__round")).order_by()
    rows = rounds.values_list("handoff__reason").annotate(
        count=Count("pk"),
        counted=Count("pk", filter=Q(is_counted=True)),
        contested=Count("pk", filter=Q(contested_at__isnull=False) & ~Q(ruling=Round.Ruling.UPHELD)),
    )
    return list(rows.order_by("-count", "handoff__reason"))


@dataclass(frozen=True)
class Times:
    """How long first follow-ups took, in working time.

    Attributes:
        seconds: of each that happened, as the clock measured it.
        waited: elapsed seconds of each, what the buyer waited.
        in_time: how many were in time.
        late: how many were late, those that have not happened and are past due included.
        budget_seconds: the limit that most of them had.
    """

    seconds: list[float]
    waited: list[float]
    in_time: int
    late: int
    budget_seconds: float


def first_follow_ups(scope: Scope, *, now: datetime, part: Narrowing = ALL) -> dict[str, Times]:
    """Return how long first follow-ups due in a period took, by temperature."""
    ids = measures.clock_ids([scope], now=now, measure=M.FIRST_FOLLOW_UP, parts=("kept", "against"))
    clocks: dict[str, list[Clock]] = defaultdict(list)
    for clock in Clock.objects.filter(part.clocks(), pk__in=ids).only(
        "temperature", "used_seconds", "waited_seconds", "budget_seconds", "outcome", "stopped_at", "due_at"
    ):
        clocks[clock.temperature].append(clock)
    return {temperature: _times(found, now=now) for temperature, found in clocks.items()}


def _times(clocks: Sequence[Clock], *, now: datetime) -> Times:
    done = [clock for clock in clocks if clock.stopped_at and clock.stopped_at <= now]
    in_time = sum(1 for clock in done if clock.outcome == Clock.Outcome.MET)
    budgets = sorted(clock.budget_seconds for clock in clocks)
    return Times(
        sorted(clock.used_seconds for clock in done if clock.used_seconds is not None),
        sorted(clock.waited_seconds for clock in done if clock.waited_seconds is not None),
        in_time,
        len(clocks) - in_time,
        budgets[len(budgets) // 2],
    )


# --- at risk


def at_risk(agreement: Agreement | None, *, user: User, now: datetime, part: Narrowing = ALL) -> ClockQuerySet:
    """Return the worst clock of each lead that is past due or past its first warning, soonest due first.

    Args:
        agreement: all versions of it; None for every agreement.
        user: only what they see.
        now: the moment.
        part: only these.
    """
    clocks = Clock.objects.at_risk(now=now).visible_to(user).filter(part.clocks())
    if agreement is not None:
        clocks = clocks.filter(agreement__series=agreement.series)
    return clocks.worst_of_each_lead().order_by("due_at", "pk")


def by_side(clocks: ClockQuerySet) -> dict[str, int]:
    """Return how many of some clocks each side owes."""
    return dict(clocks.order_by().values_list("side").annotate(count=Count("pk")))


# --- what stands behind a figure


def parts_of(
    scopes: Sequence[Scope], *, now: datetime, measure: str, side: str = "", part: Narrowing = ALL
) -> dict[str, list[tuple[str, int]]]:
    """Return for each part of a measure (kept, against, open …) how many cases it has, by why they are there."""
    sql, parameters = measures.facts(scopes, now=now, measures=(measure,))
    condition, values = part.sql()
    if side:
        condition += " AND (f.side IS NULL OR f.side = %s)"
        values.append(side)
    joins = narrowing.JOINS if part else ""
    sql += f"""
        SELECT f.part, f.note, count(*) FROM facts f {joins} WHERE f.measure = %s {condition}
        GROUP BY f.part, f.note ORDER BY f.part, count(*) DESC"""  # noqa: S608  # constants only
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, measure, *values])
        for code, note, count in cursor.fetchall():
            found[code].append((note, count))
    return found
