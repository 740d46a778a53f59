"""Replay the past under another line, criterion, target or capacity: what would have been sent, and what came of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from django.db import connection, transaction
from django.db.models import Min, QuerySet
from django.db.utils import OperationalError
from django.utils.translation import gettext as _

from leads.models import Origin
from leadsla.accounts.models import User
from sla import measures, periods, planner
from sla.measures import Scope
from sla.models import Agreement, Commitment, Handoff, WhatIf
from sla.periods import Period
from sla.statistics import wilson

log = logging.getLogger(__name__)

Measure = Commitment.Measure
ANSWERED = (Measure.FIRST_FOLLOW_UP, Measure.DECIDE)  # what a response target can be asked of
AT_ONCE = 5_000  # handoffs that a page replays while somebody waits
STALE = timedelta(minutes=2)  # without a sign of life for so long, a run counts as stopped
FRESH = timedelta(days=1)  # an answer that is older is replayed again
RUNNING = (WhatIf.Status.WAITING, WhatIf.Status.RUNNING)


@dataclass(frozen=True)
class Question:
    """What would be different; what is empty stays as it was.

    Attributes:
        threshold: score of at least, for leads that were nurtured; who asked to be contacted needs none.
        required: codes of criteria that must be met as well.
        dropped: codes of criteria that need not be met any more. Leads that lacked them were never sent, so the past
            cannot say what would have become of them.
        for_asked: the criteria hold for leads that asked to be contacted, too.
        measure: of `ANSWERED`, whose time would be another one; "" for none.
        temperature: of the leads whose time it would be; "" for all.
        minutes: of working time, the other time.
        per_period: leads that sales takes in a period; later ones are held back.
        per_day: leads that sales takes on a day; later ones are held back.
    """

    threshold: Decimal | None = None
    required: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    for_asked: bool = False
    measure: str = ""
    temperature: str = ""
    minutes: int | None = None
    per_period: int | None = None
    per_day: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Write it down for a run; `read` reads it."""
        threshold = None if self.threshold is None else str(self.threshold)
        return asdict(self) | {
            "threshold": threshold,
            "required": list(self.required),
            "dropped": list(self.dropped),
        }

    @classmethod
    def read(cls, written: dict[str, Any]) -> Question:
        """Read what `as_json` wrote."""
        threshold = written.get("threshold")
        return cls(
            **written
            | {
                "threshold": None if threshold is None else Decimal(threshold),
                "required": tuple(written.get("required", ())),
                "dropped": tuple(written.get("dropped", ())),
            }
        )

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing would be different."""
        return self == Question()


@dataclass(frozen=True)
class Counts:
    """What became of some leads.

    Attributes:
        sent: handed over through a door and not withdrawn before an answer.
        counted: of them, in the quantity of the agreement.
        decided: by sales, for reasons that count.
        accepted: of the decided, and kept.
        rejected: for whatever reason; each cost sales time.
        worked: accepted by somebody, whether kept or given back; each cost sales time.
        opportunities: became one.
        customers: won within the days of the plan.
        ripe: had these days.
        ripe_customers: of the ripe.
        follow_ups, follow_ups_met: first follow-ups due, and in time.
        decisions, decisions_met: decisions due, and in time.
    """

    sent: int = 0
    counted: int = 0
    decided: int = 0
    accepted: int = 0
    rejected: int = 0
    worked: int = 0
    opportunities: int = 0
    customers: int = 0
    ripe: int = 0
    ripe_customers: int = 0
    follow_ups: int = 0
    follow_ups_met: int = 0
    decisions: int = 0
    decisions_met: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def customer_rate(self) -> float | None:
        """Return the share of leads that became customers, of those that had the time."""
        return self.ripe_customers / self.ripe if self.ripe else None


NAMES = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True)
class Share:
    """A share with its cases and its 95 % Wilson interval."""

    kept: int
    cases: int

    @property
    def value(self) -> float | None:
        """Return the share; None without cases."""
        return self.kept / self.cases if self.cases else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the interval; None without cases."""
        return wilson(self.kept, self.cases)


def share_accepted(counts: Counts) -> Share:
    """Return accepted and kept of those decided."""
    return Share(counts.accepted, counts.decided)


def share_opportunities(counts: Counts) -> Share:
    """Return opportunities of those sent."""
    return Share(counts.opportunities, counts.sent)


def share_customers(counts: Counts) -> Share:
    """Return customers of those that had the days of the plan."""
    return Share(counts.ripe_customers, counts.ripe)


def share_followed_up(counts: Counts) -> Share:
    """Return first follow-ups in time of those due."""
    return Share(counts.follow_ups_met, counts.follow_ups)


def share_decided(counts: Counts) -> Share:
    """Return decisions in time of those due."""
    return Share(counts.decisions_met, counts.decisions)


@dataclass(frozen=True)
class Replayed:
    """One period as it was, and as it would have been."""

    start: date
    before: Counts
    after: Counts

    def as_json(self) -> dict[str, Any]:
        """Write it down for a run."""
        return {"start": self.start.isoformat(), "before": asdict(self.before), "after": asdict(self.after)}

    @classmethod
    def read(cls, written: dict[str, Any]) -> Replayed:
        """Read what `as_json` wrote."""
        start = date.fromisoformat(written["start"])
        return cls(start, Counts(**written["before"]), Counts(**written["after"]))


@dataclass(frozen=True)
class Answer:
    """The past as it was, and as it would have been; by period, oldest first."""

    question: Question
    days: int
    periods: tuple[Replayed, ...] = field(default=())

    @property
    def before(self) -> Counts:
        """Return all periods as they were."""
        return reduce(Counts.__add__, (each.before for each in self.periods), Counts())

    @property
    def after(self) -> Counts:
        """Return all periods as they would have been."""
        return reduce(Counts.__add__, (each.after for each in self.periods), Counts())

    @property
    def nurtured(self) -> int:
        """Return the leads that would have stayed in nurturing."""
        return self.before.sent - self.after.sent


# --- the past that is looked at


def past(agreement: Agreement, *, now: datetime, most: int = planner.MOST_PERIODS) -> list[Period]:
    """Return the last whole periods of an agreement that saw handoffs, oldest first.

    Without a whole one, the running period is all there is, as far as there is anything.

    Args:
        agreement: any version of it.
        now: in the first period that is not whole.
        most: at most so many.
    """
    running = periods.containing(now, kind=agreement.period, timezone=agreement.timezone)
    first = _handed(agreement, until=now).aggregate(at=Min("handed_over_at"))["at"]
    if first is None:
        return []
    whole = [periods.back(running, count) for count in range(most, 0, -1)]
    return [period for period in whole if period.ends_at > first] or [running]


def how_many(agreement: Agreement, spans: Sequence[Period]) -> int:
    """Return how many handoffs a replay of some periods looks at."""
    if not spans:
        return 0
    return _handed(agreement, until=spans[-1].ends_at).filter(handed_over_at__gte=spans[0].starts_at).count()


def _handed(agreement: Agreement, *, until: datetime) -> QuerySet[Handoff]:
    versions = Agreement.objects.filter(series=agreement.series).values("pk")
    return Handoff.objects.filter(
        agreement__in=versions, origin=Origin.LIVE, is_notice=False, leg=1, handed_over_at__lt=until
    ).order_by()


# --- the replay


def answer(agreement: Agreement, question: Question, *, days: int, now: datetime) -> Answer:
    """Replay all of the past at once.

    Args:
        agreement: any version; handoffs of all are looked at.
        question: what would be different.
        days: from the handover, in which a lead counts as having become a customer.
        now: what is known by then.
    """
    spans = past(agreement, now=now)
    versions = _versions(agreement)
    return Answer(
        question,
        days,
        tuple(_replay(versions, period, question, days=days, now=now) for period in spans),
    )


def _versions(agreement: Agreement) -> list[Agreement]:
    return list(Agreement.objects.ever_in_force().filter(series=agreement.series).select_related("calendar"))


def _replay(versions: Sequence[Agreement], period: Period, question: Question, *, days: int, now: datetime) -> Replayed:
    """Count one period, by one statement over its handoffs."""
    spans = [measures.period_of(one, period.start) for one in versions]
    scopes: list[Scope] = [
        measures.scope(one, span, now=now) for one, span in zip(versions, spans, strict=True) if span.starts_at <= now
    ]
    if not scopes:
        return Replayed(period.start, Counts(), Counts())
    sql, parameters = measures.facts(scopes, now=now, measures=(Measure.ACCEPTED,))
    # Put together from constants and the names of our own columns; every value is a parameter.
    before, after = _columns("true", "were"), _columns("r.stays", "would")
    statement = f"{sql}, {_REPLAY} SELECT {before}, {after} FROM ranked r CROSS JOIN moment {_TIMED}"  # noqa: S608
    # The parameters stand in the order in which the statement reads them.
    parameters += [days, days, question.for_asked, *_passes(question), period.timezone]
    parameters += [question.per_day, question.per_period]
    parameters += [question.measure, question.temperature, (question.minutes or 0) * 60.0]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    half = len(NAMES)
    return Replayed(period.start, Counts(*row[:half]), Counts(*row[half:]))


def _passes(question: Question) -> list[Any]:
    met = json.dumps([{"code": code, "verdict": "met"} for code in question.required])
    return [met if question.required else None, question.threshold]


def _columns(which: str, tense: str) -> str:
    counted = (f"count(*) FILTER (WHERE {which} AND {condition})" for condition in _COUNTED.values())
    timed = (f"coalesce(sum(t.{column.format(tense=tense)}) FILTER (WHERE {which}), 0)::int" for column in _TIMES)
    return ", ".join((*counted, *timed))


# In the order of `Counts`.
_COUNTED = {
    "sent": "true",
    "counted": "r.is_counted",
    "decided": "(r.part IN ('kept', 'against') OR (r.note = 'above_range' AND r.decision <> ''))",
    "accepted": "(r.part = 'kept' OR (r.note = 'above_range' AND r.decision = 'accepted'))",
    "rejected": (
        "(r.note IN ('rejected', 'not_counted', 'contested', 'neither') "
        "OR (r.note = 'above_range' AND r.decision = 'rejected'))"
    ),
    "worked": (
        "(r.note IN ('accepted', 'fixed', 'given_back', 'overturned') "
        "OR (r.note = 'above_range' AND r.decision = 'accepted'))"
    ),
    "opportunities": "r.is_opportunity",
    "customers": "r.is_customer",
    "ripe": "r.is_ripe",
    "ripe_customers": "r.is_ripe AND r.is_customer",
}
_TIMES = ("follow_ups", "follow_ups_{tense}", "decisions", "decisions_{tense}")


# A criterion's verdict and the score are those of the first pack: what was known when it was handed over.
_REPLAY = """
past AS (
    SELECT h.id, h.handed_over_at, f.part, f.note, h.decision, h.counts AS is_counted,
           least(h.opportunity_at, h.won_at) <= moment.t AS is_opportunity,
           h.won_at <= moment.t AND h.won_at <= h.handed_over_at + make_interval(days => %s) AS is_customer,
           h.handed_over_at + make_interval(days => %s) < moment.t AS is_ripe,
           h.is_above_range OR h.is_above_share AS is_above_range,
           h.door = 'asked' AS has_asked, h.score, p.for_asked, p.met, p.line,
           CASE WHEN p.met IS NULL THEN NULL ELSE
               (SELECT pack -> 'criteria' FROM sla_round WHERE handoff_id = h.id AND number = 1) END AS criteria
    FROM facts f
    CROSS JOIN moment
    CROSS JOIN (VALUES (%s::boolean, %s::jsonb, %s::numeric)) AS p (for_asked, met, line)
    JOIN sla_handoff h ON h.id = f.handoff_id
    WHERE f.measure = 'accepted' AND f.note NOT IN ('override', 'withdrawn')
), gated AS (
    SELECT *, (has_asked OR line IS NULL OR coalesce(score >= line, false))
            AND (met IS NULL OR (has_asked AND NOT for_asked) OR coalesce(criteria @> met, false)) AS passes
    FROM past
), by_day AS (
    SELECT *, row_number() OVER (
            PARTITION BY passes, (handed_over_at AT TIME ZONE %s)::date ORDER BY handed_over_at, id
        ) AS of_day
    FROM gated
), capped AS (
    SELECT b.*, b.passes AND (c.per_day IS NULL OR b.of_day <= c.per_day) AS fits, c.per_period
    FROM by_day b
    CROSS JOIN (VALUES (%s::int, %s::int)) AS c (per_day, per_period)
), ranked AS (
    SELECT *, fits AND (per_period IS NULL
            OR row_number() OVER (PARTITION BY fits ORDER BY handed_over_at, id) <= per_period) AS stays
    FROM capped
)"""

# Above the range sales owes no time. A clock that was stopped keeps its working time, whatever its limit was.
_TIMED = """
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE k.measure = 'first_follow_up') AS follow_ups,
           count(*) FILTER (WHERE k.measure = 'first_follow_up' AND k.was_met) AS follow_ups_were,
           count(*) FILTER (WHERE k.measure = 'first_follow_up' AND k.would_be) AS follow_ups_would,
           count(*) FILTER (WHERE k.measure = 'decide') AS decisions,
           count(*) FILTER (WHERE k.measure = 'decide' AND k.was_met) AS decisions_were,
           count(*) FILTER (WHERE k.measure = 'decide' AND k.would_be) AS decisions_would
    FROM (
        SELECT c.measure, c.outcome = 'met' AND c.stopped_at <= moment.t AS was_met,
               CASE WHEN c.measure = q.measure AND (q.temperature = '' OR c.temperature = q.temperature)
                    THEN coalesce(c.used_seconds <= q.seconds AND c.stopped_at <= moment.t, false)
                    ELSE c.outcome = 'met' AND c.stopped_at <= moment.t END AS would_be
        FROM sla_clock c
        CROSS JOIN moment
        CROSS JOIN (VALUES (%s::text, %s::text, %s::float8)) AS q (measure, temperature, seconds)
        WHERE c.handoff_id = r.id AND c.side = 'sales' AND c.measure IN ('first_follow_up', 'decide')
            AND NOT r.is_above_range AND c.started_at <= moment.t AND c.outcome NOT IN ('cancelled', 'waived')
            AND (c.stopped_at <= moment.t OR c.due_at < moment.t)
            AND NOT (c.stopped_at IS NULL AND c.breached_at IS NULL AND coalesce(c.paused_until > moment.t, false))
    ) k
) t ON true"""


# --- questions that take a while: a run in the background, period by period


def ask(agreement: Agreement, question: Question, *, days: int, by: User, now: datetime) -> WhatIf:
    """Write a question down to be replayed in the background; the caller wakes the task.

    Args:
        agreement: any version.
        question: what would be different.
        days: as of `answer`.
        by: who asks.
        now: as of which the past is looked at, however long it takes.
    """
    spans = past(agreement, now=now)
    return WhatIf.objects.create(
        agreement=agreement,
        question=question.as_json(),
        result={"days": days, "periods": []},
        of=how_many(agreement, spans),
        asked_by=by,
        asked_at=now,
        touched_at=now,
    )


def read(what_if: WhatIf) -> Answer:
    """Return what a run has found so far."""
    result = what_if.result or {"days": 0, "periods": []}
    found = tuple(Replayed.read(each) for each in result["periods"])
    return Answer(Question.read(what_if.question), result["days"], found)


def answered(agreement: Agreement, question: Question, *, days: int, now: datetime) -> Answer | None:
    """Return the newest answer of the last day to a question that was asked in the background; None without one."""
    asked = WhatIf.objects.filter(
        agreement__series=agreement.series,
        status=WhatIf.Status.DONE,
        question=question.as_json(),
        result__days=days,
        asked_at__gt=now - FRESH,
        asked_at__lte=now,
    )
    found = asked.order_by("-asked_at").first()
    return read(found) if found else None


def cancel(what_if: WhatIf, *, now: datetime) -> bool:
    """Stop a run before its next period; False when it is over already."""
    return bool(
        WhatIf.objects.filter(pk=what_if.pk, status__in=RUNNING).update(status=WhatIf.Status.CANCELLED, finished_at=now)
    )


def stopped(*, now: datetime) -> list[int]:
    """Return the ids of runs that no worker took up, or whose worker gives no sign of life any more."""
    return list(WhatIf.objects.filter(status__in=RUNNING, touched_at__lt=now - STALE).values_list("pk", flat=True))


def run_through(what_if_id: int, *, now: Callable[[], datetime]) -> WhatIf:
    """Replay the periods of a question that are not replayed yet, one by one.

    Args:
        what_if_id: of a question that waits or runs; any other is left alone.
        now: reads the clock, before each period.

    Returns:
        The question as it stands: done, cancelled meanwhile, or failed because it broke.
    """
    what_if = WhatIf.objects.select_related("agreement").get(pk=what_if_id)
    if what_if.status not in RUNNING:
        return what_if
    try:
        is_over = all(_replay_next(what_if.pk, period, now=now()) for period in _periods(what_if))
    except OperationalError:
        raise  # the database went away: it is taken up again where it stopped
    except Exception:
        # Taken up again by itself, it would fail so for ever.
        log.exception("What-if %s cannot go on", what_if.public_id)
        WhatIf.objects.filter(pk=what_if_id, status__in=RUNNING).update(
            status=WhatIf.Status.FAILED,
            finished_at=now(),
            error=_("Something went wrong on our side. Ask again, or tell us."),
        )
    else:
        if is_over:
            WhatIf.objects.filter(pk=what_if_id, status__in=RUNNING).update(
                status=WhatIf.Status.DONE, finished_at=now()
            )
    return WhatIf.objects.get(pk=what_if_id)


def _periods(what_if: WhatIf) -> Iterable[Period]:
    return past(what_if.agreement, now=what_if.asked_at)


@transaction.atomic
def _replay_next(what_if_id: int, period: Period, *, now: datetime) -> bool:
    """Replay one period unless that is done; False when the run was stopped meanwhile.

    The row is locked: of two workers on one question, the second waits and finds this period done.
    """
    what_if = WhatIf.objects.select_for_update(of=("self",)).select_related("agreement").get(pk=what_if_id)
    if what_if.status not in RUNNING:
        return False
    found = read(what_if)
    if any(each.start == period.start for each in found.periods):
        return True
    replayed = _replay(_versions(what_if.agreement), period, found.question, days=found.days, now=what_if.asked_at)
    what_if.result = {
        "days": found.days,
        "periods": [*(each.as_json() for each in found.periods), replayed.as_json()],
    }
    what_if.status = WhatIf.Status.RUNNING
    what_if.done += how_many(what_if.agreement, [period])
    what_if.touched_at = now
    what_if.save(update_fields=["result", "status", "done", "touched_at"])
    return True
