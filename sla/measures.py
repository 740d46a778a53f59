"""What each measure counts: one definition in words and one in SQL, for compliance and for the lists behind it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sla import calendars, periods
from sla.models import Agreement, CalendarVersion, Clock, Commitment
from sla.periods import Period
from sla.working_time import WorkingTime

M = Commitment.Measure
EIGHT_HOURS = timedelta(hours=8)


class Part(StrEnum):
    """How one handoff or clock counts under a measure."""

    KEPT = "kept"
    AGAINST = "against"
    OPEN = "open"
    WAIVED = "waived"
    LEFT_OUT = "left_out"


@dataclass(frozen=True)
class Measure:
    """The definition of one measure, as the portal shows it under "how is this computed".

    Attributes:
        code: of `Commitment.Measure`.
        cases: what is counted, in words.
        kept: what keeps the promise.
        left_out: what does not count against marketing.
        belongs: to which period a case belongs.
        is_count: a number, not a share.
        has_clocks: the rows behind it are clocks, not handoffs.
        counts_open: open cases are in the denominator, because only what has come so far can be shown.
        settles: when it can be final: "period", "opportunity" or "customer".
    """

    code: str
    cases: str | Promise
    kept: str | Promise
    left_out: str | Promise
    belongs: str | Promise
    is_count: bool = False
    has_clocks: bool = False
    counts_open: bool = False
    settles: str = "period"


_BY_HANDOVER = _("A handoff belongs to the period in which it was handed over, in the agreement's time zone.")
_BY_DUE_TIME = _("A clock belongs to the period in which it is due, in the agreement's time zone.")
_NO_IMPORTS = _("Imported history and notices to account owners are outside.")
_CLOCKS_LEFT_OUT = _(
    "Cancelled clocks and clocks that are neither stopped nor due yet do not count; waived ones are shown beside it. "
    "Sales owes no time for handoffs above the agreed range."
)


def _clocks(code: str, cases: str | Promise, kept: str | Promise) -> Measure:
    return Measure(code, cases, kept, _CLOCKS_LEFT_OUT, _BY_DUE_TIME, has_clocks=True)


MEASURES: dict[str, Measure] = {
    measure.code: measure
    for measure in (
        Measure(
            M.QUANTITY,
            _("Leads handed over to sales that came through a door of the definition of qualified."),
            _("Each of them; of one company in 30 days one, where the agreement counts companies."),
            _("Overrides of the gate are counted apart; so are leads that marketing withdrew before an answer."),
            _BY_HANDOVER,
            is_count=True,
        ),
        Measure(
            M.ACCEPTED,
            _("Leads handed over through a door that sales decided on, by the last decision of each handoff."),
            _(
                "Accepted, and not given back within the agreed working days for a reason that is “not as defined”. "
                "Fixed and then accepted counts. No decision by twice the decision time counts as accepted here, and "
                "stays a breach of sales."
            ),
            _(
                "Reasons that do not count against marketing, overrides of the gate and handoffs above the range are "
                "shown apart."
            ),
            _BY_HANDOVER,
        ),
        Measure(
            M.OPPORTUNITIES,
            _("Leads handed over through a door."),
            _("An opportunity within the agreed working days of the handover."),
            _("Overrides of the gate are shown apart. It is judged when the last handoff of the period had its time."),
            _BY_HANDOVER,
            counts_open=True,
            settles="opportunity",
        ),
        Measure(
            M.CUSTOMERS,
            _(
                "Leads handed over through a door in the twelve months up to the end of the period that had the agreed "
                "days to become customers."
            ),
            _("Won within the agreed days of the handover."),
            _("Overrides of the gate are shown apart. It is judged when the last handoff of the period had its time."),
            _BY_HANDOVER,
            settles="customer",
        ),
        Measure(
            M.USABLE_REASONS,
            _("Handed over leads that sales rejected, by the latest rejection of each."),
            _("A reason other than “Other” that marketing did not mark as one it cannot act on."),
            _NO_IMPORTS,
            _BY_HANDOVER,
        ),
        _clocks(
            M.DECIDE,
            _("Decisions that were due: a handed over lead, and again each time it was fixed or rerouted."),
            _("Accepted or rejected in time."),
        ),
        _clocks(
            M.FIRST_FOLLOW_UP,
            _("First follow-ups that were due after the handover."),
            _("The first follow-up happened in time."),
        ),
        _clocks(
            M.ATTEMPTS,
            _("Accepted leads for which the agreed attempts were due."),
            _("The agreed attempts were made, the lead was reached, or there was an outcome, in time."),
        ),
        _clocks(
            M.FIRST_RESULT,
            _("Accepted leads for which a first result was due."),
            _("Reached, a meeting, an opportunity or given back with what the reason asks for, in time."),
        ),
        _clocks(M.UPDATE, _("Open leads of which an update was due."), _("Updated in time.")),
        _clocks(M.OUTCOME, _("Closed deals that were to be reported."), _("Won or lost reported in time.")),
        _clocks(
            M.FIX,
            _("Leads that sales returned to marketing to be fixed."),
            _("Fixed and sent again, or withdrawn, in time."),
        ),
        _clocks(M.HAND_OVER, _("Qualified leads that were to be handed over."), _("Handed over in time.")),
        _clocks(
            M.ANSWER,
            _("Requests to be contacted during an open handoff."),
            _("Answered in time."),
        ),
    )
}
CLOCKED = frozenset(measure.code for measure in MEASURES.values() if measure.has_clocks)


@dataclass(frozen=True)
class Scope:
    """One agreement in one period, with what the SQL needs to know of its calendar.

    Attributes:
        agreement: the agreement.
        period: of the agreement, or any span of time that is judged like one.
        working_time: of the agreement's calendar.
        working_day: its length.
    """

    agreement: Agreement
    period: Period
    working_time: WorkingTime
    working_day: timedelta

    @property
    def kept_within(self) -> timedelta:
        """Return the working time in which an accepted lead may be given back."""
        return self.working_day * self.agreement.kept_working_days

    @property
    def opportunity_within(self) -> timedelta:
        """Return the working time in which an opportunity counts."""
        return self.working_day * self.agreement.opportunity_working_days

    def settles_at(self, settles: str) -> datetime:
        """Return when a measure of this period is final: "period", "opportunity" or "customer"."""
        ends_at = self.period.ends_at
        settled = _add(self.working_time, ends_at, self.working_day * self.agreement.settle_working_days)
        return max(settled, self.ripe_at(settles))

    def ripe_at(self, settles: str) -> datetime:
        """Return from when a measure can be judged: when the last handoff of the period had its time."""
        ends_at = self.period.ends_at
        if settles == "opportunity":
            return _add(self.working_time, ends_at, self.opportunity_within)
        if settles == "customer":
            return ends_at + timedelta(days=self.agreement.customer_days)
        return self.period.starts_at


def scope(agreement: Agreement, period: Period, *, now: datetime) -> Scope:
    """Put an agreement and a period together.

    Args:
        agreement: with its calendar.
        period: a month or quarter in the agreement's zone.
        now: chooses the calendar's version.

    Returns:
        The scope; the working day of a calendar without weekly hours is taken as 8 h.
    """
    working_time = calendars.working_time(calendars.current(agreement.calendar, now=now))
    try:
        working_day = working_time.working_day
    except ValueError:
        working_day = EIGHT_HOURS
    return Scope(agreement, period, working_time, working_day)


def period_of(agreement: Agreement, day: date) -> Period:
    """Return the period of an agreement that a day belongs to."""
    return periods.of_day(day, kind=agreement.period, timezone=agreement.timezone)


def facts(
    scopes: Sequence[Scope], *, now: datetime, measures: Collection[str] = tuple(MEASURES)
) -> tuple[str, list[Any]]:
    """Return the SQL of every case of some measures, one row each.

    A row has `agreement_id`, `period_start`, `measure`, `side` (of clocks, else null), `handoff_id`, `clock_id`, `part`
    (of `Part`), `note` (why it is there) and `is_final` (nothing can change it any more). It tells what happened until
    `now`, as far as it is known today: a decision made later is not seen, one entered later is.

    Args:
        scopes: agreements in periods; at least one.
        now: until when.
        measures: codes; rows of others are not computed.

    Returns:
        SQL that begins with WITH and ends with a query named `facts`, to be followed by a SELECT, and its parameters.
    """
    wanted = set(measures)
    branches = [sql for code, sql in _HANDOFF_BRANCHES.items() if code in wanted]
    clocked = sorted(wanted & CLOCKED)
    if clocked:
        branches.append(_CLOCK_BRANCH)
    values, parameters = _scope_rows(scopes, now=now)
    lines, line_parameters = _calendar_rows(scopes, now=now)
    # Put together from the constants below; every value is a parameter.
    sql = f"""WITH scope (agreement_id, series, period_start, starts_at, ends_at, year_at, kept_seconds,
                          opportunity_seconds, customer_days, opens, closes, totals) AS (VALUES {values}),
        line (version_id, opens, closes, totals) AS (VALUES {lines}),
        moment (t) AS (VALUES (%s::timestamptz)),
        clocked (measures) AS (VALUES (%s::text[])),
        handed AS ({_HANDED}),
        facts (agreement_id, period_start, measure, side, handoff_id, clock_id, part, note, is_final)
            AS ({" UNION ALL ".join(branches)})"""
    return sql, [*parameters, *line_parameters, now, clocked]


def handoff_ids(
    scopes: Sequence[Scope], *, now: datetime, measure: str, parts: Collection[str], note: str = ""
) -> list[int]:
    """Return the handoffs behind a figure of a measure without clocks."""
    return _ids("handoff_id", scopes, now=now, measure=measure, parts=parts, note=note)


def clock_ids(
    scopes: Sequence[Scope], *, now: datetime, measure: str, parts: Collection[str], note: str = ""
) -> list[int]:
    """Return the clocks behind a figure of a measure with clocks."""
    return _ids("clock_id", scopes, now=now, measure=measure, parts=parts, note=note)


def _ids(
    column: str, scopes: Sequence[Scope], *, now: datetime, measure: str, parts: Collection[str], note: str
) -> list[int]:
    if not scopes:
        return []
    sql, parameters = facts(scopes, now=now, measures=(measure,))
    chosen = f"{sql} SELECT {column} FROM facts WHERE measure = %s AND part = ANY(%s)"  # noqa: S608  # two constants
    parameters += [measure, list(parts)]
    if note:
        chosen += " AND note = %s"
        parameters.append(note)
    with connection.cursor() as cursor:
        cursor.execute(chosen, parameters)
        return [row[0] for row in cursor.fetchall()]


# --- working time in SQL: width_bucket is a binary search in the sorted openings


def _open_seconds(moment: str, line: str) -> str:
    """Return SQL for the open seconds of a calendar up to a moment; only differences of it mean something."""
    seconds = f"extract(epoch FROM {moment})::float8"
    found = f"width_bucket({seconds}, {line}.opens)"
    return (
        f"(CASE WHEN {found} = 0 THEN 0 ELSE "
        f"{line}.totals[{found}] - greatest({line}.closes[{found}] - {seconds}, 0) END)"
    )


def _worked(start: str, end: str, line: str) -> str:
    return f"({_open_seconds(end, line)} - {_open_seconds(start, line)})"


def _line_of(working_time: WorkingTime, since: datetime, until: datetime) -> tuple[str, ...]:
    """Return openings, closings and totals as PostgreSQL writes arrays: as ARRAY[…] each number would be planned."""
    windows = working_time.open_windows(since, until)
    opens = np.array([opening.timestamp() for opening, _closing in windows], np.float64)
    closes = np.array([closing.timestamp() for _opening, closing in windows], np.float64)
    return tuple(f"{{{','.join(map(repr, line.tolist()))}}}" for line in (opens, closes, np.cumsum(closes - opens)))


def _scope_rows(scopes: Sequence[Scope], *, now: datetime) -> tuple[str, list[Any]]:
    since, until = _span(scopes, now=now)
    lines: dict[WorkingTime, tuple[str, ...]] = {}
    parameters: list[Any] = []
    for one in scopes:
        line = lines.setdefault(one.working_time, _line_of(one.working_time, since, until))
        parameters += [
            one.agreement.pk,
            uuid.UUID(str(one.agreement.series)),
            one.period.start,
            one.period.starts_at,
            one.period.ends_at,
            periods.year_before(one.period),
            one.kept_within.total_seconds(),
            one.opportunity_within.total_seconds(),
            one.agreement.customer_days,
            *line,
        ]
    row = (
        "(%s::bigint, %s::uuid, %s::date, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::float8, %s::float8, "
        "%s::int, %s::float8[], %s::float8[], %s::float8[])"
    )
    return ", ".join([row] * len(scopes)), parameters


def _calendar_rows(scopes: Sequence[Scope], *, now: datetime) -> tuple[str, list[Any]]:
    """Write out the calendars under which decisions are owed; there are few."""
    since, until = _span(scopes, now=now)
    owed = Clock.objects.filter(agreement__in={one.agreement.pk for one in scopes}, measure=M.DECIDE).order_by()
    versions = CalendarVersion.objects.filter(pk__in=owed.values("calendar_version"))
    parameters: list[Any] = []
    for version in versions:
        parameters += [version.pk, *_line_of(calendars.working_time(version), since, until)]
    parameters = parameters or [0, "{}", "{}", "{}"]
    row = "(%s::bigint, %s::float8[], %s::float8[], %s::float8[])"
    return ", ".join([row] * (len(parameters) // 4)), parameters


def _span(scopes: Sequence[Scope], *, now: datetime) -> tuple[datetime, datetime]:
    since = min(one.period.starts_at for one in scopes).astimezone(UTC)
    return since, max(now.astimezone(UTC), since)


def _add(working_time: WorkingTime, start: datetime, amount: timedelta) -> datetime:
    try:
        return working_time.add(start, amount)
    except ValueError:  # a calendar that never opens
        return start + amount


# --- the SQL

# Live handoffs of marketing to sales with their round as of the moment, its decision clock, and the latest rejection.
_HANDED = f"""
    SELECT s.agreement_id, s.period_start, h.id, h.counts, h.is_above_range,
           (h.door = '' OR h.override_by_id IS NOT NULL) AS is_override,
           h.handed_over_at, least(h.opportunity_at, h.won_at) AS opportunity_at,
           h.closed_at <= moment.t AS is_closed,
           h.closed_at <= moment.t AND h.closed_because IN ('withdrawn', 'merged')
               AND (r.decided_at IS NULL OR r.decided_at > moment.t) AS is_withdrawn,
           CASE WHEN r.decided_at <= moment.t THEN r.decision ELSE '' END AS decision,
           r.is_counted, r.returned_at <= moment.t AS is_returned,
           {_worked("r.decided_at", "moment.t", "s")} > s.kept_seconds AS is_past_giving_back,
           coalesce(h.given_back_blames_marketing AND h.given_back_at <= moment.t
               AND {_worked("r.decided_at", "h.given_back_at", "s")} <= s.kept_seconds, false) AS is_given_back,
           coalesce(h.given_back_at <= moment.t, false) AS was_given_back,
           coalesce({_worked("c.started_at", "moment.t", "line")} >= 2 * c.budget_seconds + c.paused_seconds, false)
               AS is_silent,
           {_worked("h.handed_over_at", "moment.t", "s")} > s.opportunity_seconds AS had_its_time,
           {_worked("h.handed_over_at", "least(h.opportunity_at, h.won_at)", "s")} <= s.opportunity_seconds
               AND least(h.opportunity_at, h.won_at) <= moment.t AS is_opportunity,
           j.rejected_usably, coalesce(j.was_fixed, false) AS was_fixed
    FROM moment
    CROSS JOIN scope s
    JOIN sla_handoff h ON h.agreement_id = s.agreement_id AND h.handed_over_at >= s.starts_at
        AND h.handed_over_at < s.ends_at AND h.handed_over_at <= moment.t
    LEFT JOIN LATERAL (
        SELECT * FROM sla_round WHERE handoff_id = h.id AND opened_at <= moment.t ORDER BY number DESC LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT bool_or(opened_because = 'fixed') AS was_fixed,
               (array_agg(is_usable AND reason <> 'other' ORDER BY number DESC)
                   FILTER (WHERE decision = 'rejected' AND decided_at <= moment.t))[1] AS rejected_usably
        FROM sla_round WHERE handoff_id = h.id AND opened_at <= moment.t
    ) j ON true
    -- Only silence asks for the decision's clock; one by one, because those that are not answered are few.
    LEFT JOIN LATERAL (
        SELECT started_at, budget_seconds, paused_seconds, calendar_version_id FROM sla_clock
        WHERE handoff_id = h.id AND round = r.number AND measure = 'decide' AND side = 'sales'
            AND (r.decided_at IS NULL OR r.decided_at > moment.t)
        LIMIT 1
    ) c ON true
    LEFT JOIN line ON line.version_id = c.calendar_version_id
    WHERE h.origin = 'live' AND NOT h.is_notice AND h.leg = 1
"""  # noqa: S608  # constants only

_HANDOFF_BRANCHES: dict[str, str] = {
    M.QUANTITY: """
    SELECT agreement_id, period_start, 'quantity', NULL::text, id, NULL::bigint,
           CASE WHEN is_override OR is_withdrawn OR NOT counts THEN 'left_out' ELSE 'kept' END,
           CASE WHEN is_override THEN 'override' WHEN is_withdrawn THEN 'withdrawn'
                WHEN NOT counts THEN 'same_company' WHEN is_above_range THEN 'above_range' ELSE '' END,
           true
    FROM handed
    """,
    M.ACCEPTED: """
    SELECT agreement_id, period_start, 'accepted', NULL::text, id, NULL::bigint,
           CASE WHEN is_override OR is_above_range OR is_withdrawn THEN 'left_out'
                WHEN decision = 'accepted' THEN CASE WHEN is_given_back THEN 'against' ELSE 'kept' END
                WHEN decision = 'rejected' THEN CASE WHEN is_counted THEN 'against' ELSE 'left_out' END
                WHEN is_silent THEN 'kept' ELSE 'open' END,
           CASE WHEN is_override THEN 'override' WHEN is_above_range THEN 'above_range'
                WHEN is_withdrawn THEN 'withdrawn'
                WHEN decision = 'accepted' THEN CASE WHEN is_given_back THEN 'given_back'
                                                     WHEN was_fixed THEN 'fixed' ELSE 'accepted' END
                WHEN decision = 'rejected' THEN CASE WHEN is_counted THEN 'rejected' ELSE 'not_counted' END
                WHEN is_silent THEN 'silent' ELSE 'waiting' END,
           CASE WHEN decision = 'accepted'
                THEN is_past_giving_back OR was_given_back OR coalesce(is_closed, false)
                WHEN decision = 'rejected' THEN coalesce(is_closed, false) OR NOT coalesce(is_returned, false)
                ELSE false END
    FROM handed
    """,
    M.OPPORTUNITIES: """
    SELECT agreement_id, period_start, 'opportunities', NULL::text, id, NULL::bigint,
           CASE WHEN is_override OR is_withdrawn THEN 'left_out' WHEN is_opportunity THEN 'kept'
                WHEN had_its_time THEN 'against' ELSE 'open' END,
           CASE WHEN is_override THEN 'override' WHEN is_withdrawn THEN 'withdrawn' ELSE '' END,
           coalesce(is_opportunity, false) OR had_its_time
    FROM handed
    """,
    M.CUSTOMERS: """
    SELECT s.agreement_id, s.period_start, 'customers', NULL::text, h.id, NULL::bigint,
           CASE WHEN h.door = '' OR h.override_by_id IS NOT NULL THEN 'left_out'
                WHEN h.closed_at <= moment.t AND h.closed_because IN ('withdrawn', 'merged') AND h.decision = ''
                THEN 'left_out'
                WHEN h.handed_over_at + make_interval(days => s.customer_days) >= moment.t THEN 'open'
                WHEN h.won_at <= h.handed_over_at + make_interval(days => s.customer_days) THEN 'kept'
                ELSE 'against' END,
           CASE WHEN h.door = '' OR h.override_by_id IS NOT NULL THEN 'override'
                WHEN h.closed_at <= moment.t AND h.closed_because IN ('withdrawn', 'merged') AND h.decision = ''
                THEN 'withdrawn' ELSE '' END,
           h.handed_over_at + make_interval(days => s.customer_days) < moment.t
    FROM moment
    CROSS JOIN scope s
    JOIN sla_agreement a ON a.series = s.series
    JOIN sla_handoff h ON h.agreement_id = a.id AND h.handed_over_at >= s.year_at AND h.handed_over_at < s.ends_at
        AND h.handed_over_at <= moment.t
    WHERE h.origin = 'live' AND NOT h.is_notice AND h.leg = 1
    """,
    M.USABLE_REASONS: """
    SELECT agreement_id, period_start, 'usable_reasons', NULL::text, id, NULL::bigint,
           CASE WHEN rejected_usably THEN 'kept' ELSE 'against' END, '', true
    FROM handed
    WHERE rejected_usably IS NOT NULL
    """,
}

# A pause has moved the due time already, so that what is past due is never paused.
_CLOCK_BRANCH = """
    SELECT s.agreement_id, s.period_start, c.measure, c.side, c.handoff_id, c.id,
           CASE WHEN c.side = 'sales' AND coalesce(h.is_above_range, false) THEN 'left_out'
                WHEN c.outcome = 'waived' AND c.stopped_at <= moment.t THEN 'waived'
                WHEN c.outcome = 'met' AND c.stopped_at <= moment.t THEN 'kept'
                WHEN c.stopped_at <= moment.t THEN 'against'
                WHEN c.due_at < moment.t THEN 'against' ELSE 'open' END,
           CASE WHEN c.side = 'sales' AND coalesce(h.is_above_range, false) THEN 'above_range'
                WHEN c.stopped_at <= moment.t THEN c.outcome
                WHEN c.due_at < moment.t THEN 'overdue' ELSE 'running' END,
           c.stopped_at <= moment.t IS TRUE
    FROM moment
    CROSS JOIN clocked
    CROSS JOIN scope s
    JOIN sla_clock c ON c.agreement_id = s.agreement_id AND c.due_at >= s.starts_at AND c.due_at < s.ends_at
        AND c.started_at <= moment.t AND c.measure = ANY(clocked.measures)
    LEFT JOIN sla_handoff h ON h.id = c.handoff_id
    WHERE (h.id IS NULL OR (h.origin = 'live' AND NOT h.is_notice))
        AND NOT (c.outcome = 'cancelled' AND c.stopped_at <= moment.t)
"""
