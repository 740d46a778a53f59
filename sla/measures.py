"""What each measure counts: one definition in words and one in SQL, for compliance and for the lists behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sla import calendars, periods, versions
from sla.models import Agreement, CalendarVersion, Clock, Commitment
from sla.periods import Period
from sla.versions import Line
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
_CLOCKS_LEFT_OUT = _(
    "Cancelled clocks and clocks that are neither stopped nor due yet do not count, nor do paused ones; waived ones "
    "are shown beside it. Sales owes no time for handoffs above the agreed range, or above its share of a working "
    "day. A second leg counts where the agreement covers it."
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
                "Fixed and then accepted counts, and so does a rejection that was overturned. No decision by twice the "
                "decision time counts as accepted here, and stays a breach of sales."
            ),
            _(
                "Reasons that do not count against marketing, contested rejections on which nobody ruled in time, "
                "overrides of the gate and handoffs above the range are shown apart. A contested rejection is open "
                "until somebody rules on it."
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
            _("Rejections that were overturned, or contested and not ruled on in time. Imported history is outside."),
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
        counted: ids of the versions whose facts count under this one; none where the period is judged under another.
        series: ids of all versions of the agreement; leads of all of them become its customers.
    """

    agreement: Agreement
    period: Period
    working_time: WorkingTime
    working_day: timedelta
    counted: tuple[int, ...]
    series: tuple[int, ...]

    def of(self, period: Period) -> Scope:
        """Return the same promises in another period."""
        return replace(self, period=period)

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


def scope(agreement: Agreement, period: Period, *, now: datetime, line: Line | None = None) -> Scope:
    """Put an agreement and a period together.

    Args:
        agreement: with its calendar.
        period: a month or quarter in the agreement's zone.
        now: chooses the calendar's version.
        line: of the agreement, where it is known.

    Returns:
        The scope; the working day of a calendar without weekly hours is taken as 8 h.
    """
    working_time = calendars.working_time(calendars.current(agreement.calendar, now=now))
    try:
        working_day = working_time.working_day
    except ValueError:
        working_day = EIGHT_HOURS
    line = line or versions.line_of(agreement)
    return Scope(agreement, period, working_time, working_day, line.counted(agreement, period), line.series)


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
    given, parameters = _given(scopes, now=now, measures=measures)
    branches = [
        f"SELECT agreement_id, period_start, '{code}', NULL::text, id, NULL::bigint, {part}, {note}, {final} "  # noqa: S608  # constants only
        f"FROM {source} WHERE {only}"
        for code, (source, only, part, note, final) in _CASES.items()
        if code in measures
    ]
    if CLOCKED.intersection(measures):
        branches.append(f"SELECT {', '.join(_OWED_COLUMNS)} FROM owed")  # noqa: S608  # constants only
    # Put together from the constants below; every value is a parameter.
    sql = f"""{given},
        facts (agreement_id, period_start, measure, side, handoff_id, clock_id, part, note, is_final)
            AS ({" UNION ALL ".join(branches)})"""
    return sql, parameters


def counted(scopes: Sequence[Scope], *, now: datetime) -> tuple[str, list[Any]]:
    """Return the SQL of how many cases there are, by agreement, period, measure, side, part and finality.

    The same cases as `facts`, but rows that are alike are put together before they are judged, so that each table is
    read once and nothing is decided twice.

    Args:
        scopes: as of `facts`.
        now: as of `facts`.

    Returns:
        SQL that begins with WITH and ends with a query named `counted` (`count` says how many), and its parameters.
    """
    given, parameters = _given(scopes, now=now, measures=tuple(MEASURES))
    branches = [
        f"SELECT agreement_id, period_start, '{code}', NULL::text, {part}, {final}, count "  # noqa: S608  # constants only
        f"FROM alike_{source} WHERE {only}"
        for code, (source, only, part, _note, final) in _CASES.items()
    ]
    branches.append(
        "SELECT agreement_id, period_start, measure, side, part, is_final, count(*) FROM owed GROUP BY 1, 2, 3, 4, 5, 6"
    )
    chances = f"agreement_id, period_start, {', '.join(_CHANCE_FLAGS)}"
    alike = f"""
        alike_handed AS (
            SELECT agreement_id, period_start, {_unpacked(_ALIKE)}, count
            FROM (SELECT agreement_id, period_start, {_packed(_ALIKE)} AS code, count(*) AS count FROM handed
                  GROUP BY 1, 2, 3) packed),
        alike_chances AS (SELECT {chances}, count(*) AS count FROM chances GROUP BY {chances})"""  # noqa: S608  # constants
    sql = f"""{given}, {alike},
        counted (agreement_id, period_start, measure, side, part, is_final, count)
            AS MATERIALIZED ({" UNION ALL ".join(branches)})"""
    return sql, parameters


def _given(scopes: Sequence[Scope], *, now: datetime, measures: Collection[str]) -> tuple[str, list[Any]]:
    values, parameters = _scope_rows(scopes, now=now)
    lines, line_parameters = _calendar_rows(scopes, now=now)
    sql = f"""WITH scope (agreement_id, counted, series, period_start, starts_at, ends_at, year_at, kept_seconds,
                          kept_before, opportunity_seconds, opportunity_before, customer_within, covers_second_leg,
                          opens, closes, totals) AS NOT MATERIALIZED (VALUES {values}),
        line (version_id, opens, closes, totals) AS NOT MATERIALIZED (VALUES {lines}),
        moment (t) AS NOT MATERIALIZED (VALUES (%s::timestamptz)),
        clocked (measures) AS NOT MATERIALIZED (VALUES (%s::text[])),
        handed AS ({_HANDED}), chances AS ({_CHANCES}), apart AS ({_APART}), owed AS ({_OWED})"""
    if all(one.counted == (one.agreement.pk,) for one in scopes):
        # Nearly always a version counts alone; the planner reads an index by one value better than by an array.
        sql = sql.replace("= ANY(s.counted)", "= s.agreement_id")
    return sql, [*parameters, *line_parameters, now, sorted(CLOCKED.intersection(measures))]


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


@dataclass(frozen=True)
class _Line:
    """When a calendar opens and closes in a span of time, and the open seconds of it until each closing."""

    opens: npt.NDArray[np.float64]
    closes: npt.NDArray[np.float64]
    totals: npt.NDArray[np.float64]

    def arrays(self) -> list[str]:
        """Write openings, closings and totals as PostgreSQL reads arrays: as ARRAY[…] each number would be planned."""
        return [f"{{{','.join(map(repr, line.tolist()))}}}" for line in (self.opens, self.closes, self.totals)]

    def before_last(self, seconds: float) -> datetime | None:
        """Return the moment before which everything lies more than so many open seconds before the line's end."""
        target = (self.totals[-1] if len(self.totals) else 0.0) - seconds
        if target <= 0:
            return None
        place = int(np.searchsorted(self.totals, target, side="left"))
        moment = float(self.closes[place] - (self.totals[place] - target))
        return datetime.fromtimestamp(round(moment, 6), UTC)


def _line_of(working_time: WorkingTime, since: datetime, until: datetime) -> _Line:
    windows = working_time.open_windows(since, until)
    opens = np.array([opening.timestamp() for opening, _closing in windows], np.float64)
    closes = np.array([closing.timestamp() for _opening, closing in windows], np.float64)
    return _Line(opens, closes, np.cumsum(closes - opens))


def _scope_rows(scopes: Sequence[Scope], *, now: datetime) -> tuple[str, list[Any]]:
    since, until = _span(scopes, now=now)
    lines: dict[WorkingTime, _Line] = {}
    parameters: list[Any] = []
    for one in scopes:
        line = lines.setdefault(one.working_time, _line_of(one.working_time, since, until))
        kept, opportunity = one.kept_within.total_seconds(), one.opportunity_within.total_seconds()
        parameters += [
            one.agreement.pk,
            list(one.counted),
            list(one.series),
            one.period.start,
            one.period.starts_at,
            one.period.ends_at,
            periods.year_before(one.period),
            kept,
            line.before_last(kept) or since,
            opportunity,
            line.before_last(opportunity) or since,
            timedelta(days=one.agreement.customer_days),
            one.agreement.covers_second_leg,
            *line.arrays(),
        ]
    row = (
        "(%s::bigint, %s::bigint[], %s::bigint[], %s::date, %s::timestamptz, %s::timestamptz, %s::timestamptz, "
        "%s::float8, %s::timestamptz, %s::float8, %s::timestamptz, %s::interval, %s::bool, %s::float8[], %s::float8[], "
        "%s::float8[])"
    )
    return ", ".join([row] * len(scopes)), parameters


def _calendar_rows(scopes: Sequence[Scope], *, now: datetime) -> tuple[str, list[Any]]:
    """Write out the calendars under which something is owed; there are few."""
    since, until = _span(scopes, now=now)
    owed = Clock.objects.filter(calendar_version=OuterRef("pk")).order_by()
    parameters: list[Any] = []
    for version in CalendarVersion.objects.filter(Exists(owed)):
        parameters += [version.pk, *_line_of(calendars.working_time(version), since, until).arrays()]
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


def _ruling(of: str) -> str:
    """Return SQL for what came of a contest: the ruling, "contested" while it is waited for, "" without a contest.

    Nobody ruled in the time that the agreement gives: neither, whatever is said later.
    """
    return f"""(CASE WHEN {of}.contested_at <= moment.t THEN
        CASE WHEN {of}.ruled_at <= least(moment.t, {of}.ruling_due_at) THEN {of}.ruling
             WHEN {of}.ruling_due_at < moment.t THEN 'neither' ELSE 'contested' END
        ELSE '' END)"""


def _reason(of: str) -> str:
    """Return SQL for how the reason of a rejection is judged: usable or not, or by its contest not at all."""
    return f"""(CASE WHEN {_ruling(of)} IN ('', 'upheld')
        THEN CASE WHEN {of}.is_usable AND {of}.reason <> 'other' THEN 'usable' ELSE 'unusable' END
        ELSE {_ruling(of)} END)"""


_IS_OVERRIDE = "(h.door = '' OR h.override_by_id IS NOT NULL)"
_IS_TAKEN_BACK = "coalesce(h.closed_at <= moment.t AND h.closed_because IN ('withdrawn', 'merged'), false)"
_IS_UNDECIDED = "(r.decided_at IS NULL OR r.decided_at > moment.t)"
_IS_OVERTURNED = f"({_ruling('r')} = 'overturned')"
_KEPT_SINCE = f"(CASE WHEN {_IS_OVERTURNED} THEN r.ruled_at ELSE r.decided_at END)"

# Live handoffs of marketing to sales with their round as of the moment. Nearly all have one round only; what asks for
# several, for the decision's clock or for working time is asked of those that need it.
_HANDED = f"""
    SELECT s.agreement_id, s.period_start, h.id, h.counts, h.is_above_range, {_IS_OVERRIDE} AS is_override,
           {_IS_TAKEN_BACK} AND {_IS_UNDECIDED} AS is_withdrawn,
           CASE WHEN {_IS_UNDECIDED} THEN '' WHEN {_IS_OVERTURNED} THEN 'accepted' ELSE r.decision END AS decision,
           r.is_counted, CASE WHEN r.opened_because = 'overturned' THEN 'overturned' ELSE {_ruling("r")} END AS ruling,
           CASE WHEN h.given_back_blames_marketing AND h.given_back_at <= moment.t
                THEN {_worked(_KEPT_SINCE, "h.given_back_at", "s")} <= s.kept_seconds ELSE false END AS is_given_back,
           coalesce(h.closed_at <= moment.t, false) OR coalesce(h.given_back_at <= moment.t, false)
               OR CASE WHEN {_IS_UNDECIDED} THEN false
                       WHEN {_IS_OVERTURNED} OR r.decision = 'accepted' THEN {_KEPT_SINCE} < s.kept_before
                       ELSE coalesce(r.returned_at > moment.t, true) END AS is_final,
           CASE WHEN {_IS_UNDECIDED} THEN coalesce((
               SELECT {_worked("c.started_at", "moment.t", "line")} >= 2 * c.budget_seconds + c.paused_seconds
               FROM sla_clock c JOIN line ON line.version_id = c.calendar_version_id
               WHERE c.handoff_id = h.id AND c.round = r.number AND c.measure = 'decide' AND c.side = 'sales'
               LIMIT 1), false) ELSE false END AS is_silent,
           CASE WHEN least(h.opportunity_at, h.won_at) <= moment.t THEN
               {_worked("h.handed_over_at", "least(h.opportunity_at, h.won_at)", "s")} <= s.opportunity_seconds
               ELSE false END AS is_opportunity,
           h.handed_over_at < s.opportunity_before AS had_its_time,
           CASE WHEN h.round > 1 THEN EXISTS (
                    SELECT FROM sla_round x
                    WHERE x.handoff_id = h.id AND x.opened_at <= moment.t AND x.opened_because = 'fixed')
                ELSE false END AS was_fixed,
           CASE WHEN h.round > 1 THEN (
                    SELECT {_reason("x")} FROM sla_round x
                    WHERE x.handoff_id = h.id AND x.decision = 'rejected' AND x.decided_at <= moment.t
                    ORDER BY x.number DESC LIMIT 1)
                WHEN r.decision = 'rejected' AND NOT {_IS_UNDECIDED} THEN {_reason("r")} END AS reason
    FROM moment
    CROSS JOIN scope s
    JOIN sla_handoff h ON h.agreement_id = ANY(s.counted) AND h.handed_over_at >= s.starts_at
        AND h.handed_over_at < s.ends_at AND h.handed_over_at <= moment.t
    LEFT JOIN sla_round r ON r.handoff_id = h.id AND r.opened_at >= s.starts_at AND r.opened_at <= moment.t
        AND (r.number = h.round OR NOT EXISTS (SELECT FROM sla_round x WHERE x.handoff_id = r.handoff_id
                                               AND x.number > r.number AND x.opened_at <= moment.t))
    WHERE h.origin = 'live' AND NOT h.is_notice AND h.leg = 1
"""  # noqa: S608  # constants only

# The same over the twelve months that customers are judged on, all versions of the agreement together.
_CHANCES = f"""
    SELECT s.agreement_id, s.period_start, h.id, {_IS_OVERRIDE} AS is_override,
           {_IS_TAKEN_BACK} AND h.decision = '' AS is_withdrawn,
           h.handed_over_at < moment.t - s.customer_within AS had_its_time,
           CASE WHEN h.won_at IS NULL THEN false ELSE h.won_at <= h.handed_over_at + s.customer_within END AS is_won
    FROM moment
    CROSS JOIN scope s
    JOIN sla_handoff h ON h.agreement_id = ANY(s.series) AND h.handed_over_at >= s.year_at
        AND h.handed_over_at < s.ends_at AND h.handed_over_at <= moment.t
    WHERE h.origin = 'live' AND NOT h.is_notice AND h.leg = 1
"""  # noqa: S608  # constants only

# Handoffs whose clocks are looked at twice. They are few, and an index holds just these.
_APART = """
    SELECT id, is_above_range, is_above_share, leg, is_notice OR NOT (origin = 'live') AS is_outside
    FROM sla_handoff WHERE is_above_range OR is_above_share OR is_notice OR leg > 1 OR NOT (origin = 'live')
"""

_IS_ABOVE = "c.side = 'sales' AND coalesce(h.is_above_range OR h.is_above_share, false)"
# A late clock that is waived keeps the moment at which it stopped; the waiver has its own.
_IS_WAIVED = """c.outcome = 'waived' AND NOT EXISTS (
    SELECT FROM sla_clockchange x WHERE x.clock_id = c.id AND x.kind = 'waived' AND x.at > moment.t)"""
_IS_PAUSED = "coalesce(c.paused_at <= moment.t AND c.paused_until > moment.t AND c.breached_at IS NULL, false)"
_OWED_COLUMNS = ("agreement_id", "period_start", "measure", "side", "handoff_id", "id", "part", "note", "is_final")
_OWED = f"""
    SELECT s.agreement_id, s.period_start, c.measure, c.side, c.handoff_id, c.id,
           CASE WHEN {_IS_ABOVE} THEN 'left_out'
                WHEN c.stopped_at <= moment.t
                THEN CASE WHEN c.outcome = 'met' THEN 'kept' WHEN {_IS_WAIVED} THEN 'waived' ELSE 'against' END
                WHEN c.due_at >= moment.t OR {_IS_PAUSED} THEN 'open' ELSE 'against' END AS part,
           CASE WHEN {_IS_ABOVE} THEN CASE WHEN h.is_above_range THEN 'above_range' ELSE 'above_share' END
                WHEN c.stopped_at <= moment.t
                THEN CASE WHEN c.outcome <> 'waived' OR {_IS_WAIVED} THEN c.outcome ELSE 'late' END
                WHEN {_IS_PAUSED} THEN 'paused' WHEN c.due_at < moment.t THEN 'overdue' ELSE 'running' END AS note,
           coalesce(c.stopped_at <= moment.t, false) AS is_final
    FROM moment
    CROSS JOIN clocked
    CROSS JOIN scope s
    JOIN sla_clock c ON c.agreement_id = ANY(s.counted) AND c.due_at >= s.starts_at AND c.due_at < s.ends_at
        AND c.started_at <= moment.t AND c.measure = ANY(clocked.measures)
    LEFT JOIN apart h ON h.id = c.handoff_id
    WHERE NOT (c.outcome = 'cancelled' AND coalesce(c.stopped_at <= moment.t, false))
        AND (h.id IS NULL OR (NOT h.is_outside AND (h.leg = 1 OR (c.side = 'sales' AND s.covers_second_leg))))
"""  # noqa: S608  # constants only

# Of each measure of handoffs: from where, which rows, the part they are, why, and whether that is final.
_CASES: dict[str, tuple[str, str, str, str, str]] = {
    M.QUANTITY: (
        "handed",
        "true",
        "CASE WHEN is_override OR is_withdrawn OR NOT counts THEN 'left_out' ELSE 'kept' END",
        """CASE WHEN is_override THEN 'override' WHEN is_withdrawn THEN 'withdrawn' WHEN NOT counts THEN 'same_company'
                WHEN is_above_range THEN 'above_range' ELSE '' END""",
        "true",
    ),
    M.ACCEPTED: (
        "handed",
        "true",
        """CASE WHEN is_override OR is_above_range OR is_withdrawn THEN 'left_out'
                WHEN decision = 'accepted' THEN CASE WHEN is_given_back THEN 'against' ELSE 'kept' END
                WHEN ruling = 'contested' THEN 'open'
                WHEN decision = 'rejected'
                THEN CASE WHEN is_counted AND ruling <> 'neither' THEN 'against' ELSE 'left_out' END
                WHEN is_silent THEN 'kept' ELSE 'open' END""",
        """CASE WHEN is_override THEN 'override' WHEN is_above_range THEN 'above_range'
                WHEN is_withdrawn THEN 'withdrawn'
                WHEN decision = 'accepted'
                THEN CASE WHEN is_given_back THEN 'given_back' WHEN ruling = 'overturned' THEN 'overturned'
                          WHEN was_fixed THEN 'fixed' ELSE 'accepted' END
                WHEN ruling IN ('contested', 'neither') THEN ruling
                WHEN decision = 'rejected' THEN CASE WHEN is_counted THEN 'rejected' ELSE 'not_counted' END
                WHEN is_silent THEN 'silent' ELSE 'waiting' END""",
        "is_final",
    ),
    M.OPPORTUNITIES: (
        "handed",
        "true",
        """CASE WHEN is_override OR is_withdrawn THEN 'left_out' WHEN is_opportunity THEN 'kept'
                WHEN had_its_time THEN 'against' ELSE 'open' END""",
        "CASE WHEN is_override THEN 'override' WHEN is_withdrawn THEN 'withdrawn' ELSE '' END",
        "is_opportunity OR had_its_time",
    ),
    M.CUSTOMERS: (
        "chances",
        "true",
        """CASE WHEN is_override OR is_withdrawn THEN 'left_out' WHEN NOT had_its_time THEN 'open'
                WHEN is_won THEN 'kept' ELSE 'against' END""",
        "CASE WHEN is_override THEN 'override' WHEN is_withdrawn THEN 'withdrawn' ELSE '' END",
        "had_its_time",
    ),
    M.USABLE_REASONS: (
        "handed",
        "reason IS NOT NULL",
        """CASE reason WHEN 'usable' THEN 'kept' WHEN 'unusable' THEN 'against' WHEN 'contested' THEN 'open'
                ELSE 'left_out' END""",
        "CASE WHEN reason IN ('usable', 'unusable') THEN '' ELSE reason END",
        "reason <> 'contested'",
    ),
}

# What of a handoff decides about its cases, and the words that it can be; () of what is true or false.
_ALIKE: dict[str, tuple[str, ...]] = {
    "counts": (),
    "is_above_range": (),
    "is_override": (),
    "is_withdrawn": (),
    "decision": ("accepted", "rejected"),
    "is_counted": (),
    "ruling": ("contested", "neither", "overturned", "upheld"),
    "is_given_back": (),
    "is_final": (),
    "is_silent": (),
    "is_opportunity": (),
    "had_its_time": (),
    "reason": ("usable", "unusable", "contested", "neither", "overturned"),
}
_CHANCE_FLAGS = ("is_override", "is_withdrawn", "had_its_time", "is_won")
_WIDTH = 3  # bits of each; eight words at most


def _packed(columns: Mapping[str, tuple[str, ...]]) -> str:
    """Return SQL for one number that holds all the columns: grouping by one is much faster than by a dozen."""
    codes = (
        f"coalesce(array_position('{{{','.join(words)}}}'::text[], {column}), 0)"
        if words
        else f"({column} IS TRUE)::int"
        for column, words in columns.items()
    )
    return " | ".join(f"({code}::bigint << {_WIDTH * place})" for place, code in enumerate(codes))


def _unpacked(columns: Mapping[str, tuple[str, ...]]) -> str:
    """Return SQL for the columns in such a number; no word becomes "" (of a reason: none)."""
    found = []
    for place, (column, words) in enumerate(columns.items()):
        code = f"(code >> {_WIDTH * place} & {2**_WIDTH - 1})"
        none = "NULL" if column == "reason" else "''"
        word = f"coalesce(('{{{','.join(words)}}}'::text[])[{code}::int], {none})"
        found.append(f"{word if words else f'{code} = 1'} AS {column}")
    return ", ".join(found)
