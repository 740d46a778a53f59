"""How was this computed? A clock taken apart: open windows, pauses, owners, steps and changes. It adds up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from leads.models import ASKED_KINDS, Interaction
from leadsla.accounts.models import Side
from leadsla.display import duration, moment_text
from sla import calendars
from sla.models import Assignment, CalendarVersion, Clock, ClockChange, ClockPause, ClockStep, Commitment
from sla.working_time import WorkingTime

Measure = Commitment.Measure
Piece = tuple[datetime, datetime]

ASKED_WITHIN = timedelta(days=30)  # a request that long ago is not what this clock answers
FROM_THE_REQUEST = (Measure.DECIDE, Measure.FIRST_FOLLOW_UP)


@dataclass(frozen=True)
class Row:
    """One day, or several closed ones in a row.

    Attributes:
        first: the day.
        last: the last of several closed days; else the same.
        pieces: open windows that count, in UTC, without pauses.
        paused: open windows in which the clock stood.
        seconds: that count.
        total: of all rows so far.
        why: nothing was open: the holiday's name, or that it is closed.
    """

    first: date
    last: date
    pieces: list[Piece]
    paused: list[Piece]
    seconds: float
    total: float
    why: str


@dataclass(frozen=True)
class Share:
    """The time that one owner had the clock: from, until, working seconds, elapsed seconds."""

    who: str
    since: datetime
    until: datetime
    seconds: float
    elapsed: float


@dataclass(frozen=True)
class Event:
    """Something that happened to a clock, for the timeline."""

    when: datetime
    text: str
    more: str = ""


@dataclass(frozen=True)
class Trace:
    """A clock taken apart.

    Attributes:
        rows: what counted, until it stopped or until now; adds up to `used`.
        ahead: what is left until the due time, of a running clock; adds up to `left`.
        used: working seconds.
        left: working seconds until the due time; 0 when late or stopped.
        over: working seconds past the due time; 0 when not late.
        stood: working seconds of pauses.
        waited: elapsed seconds from the start.
        asked_at: when the lead asked, where that came before the start.
        asked_waited: elapsed seconds from then.
        shares: the time with each owner; adds up to `used`.
        events: what happened, in order.
        day_seconds: a working day of the calendar.
    """

    rows: list[Row]
    ahead: list[Row]
    used: float
    left: float
    over: float
    stood: float
    waited: float
    asked_at: datetime | None
    asked_waited: float
    shares: list[Share]
    events: list[Event]
    day_seconds: float


def trace(clock: Clock, *, now: datetime) -> Trace:
    """Take a clock apart, as of a moment.

    Args:
        clock: with calendar version, agreement, handoff, owner and team.
        now: the moment; of a stopped clock its end counts.
    """
    version = clock.calendar_version
    hours = calendars.working_time(version)
    until = max(clock.stopped_at or now, clock.started_at)
    pauses = list(clock.pauses.filter(starts_at__gte=clock.started_at).select_related("reason", "by", "ended_by"))
    rows = _rows(version, hours, clock.started_at, until, pauses)
    used = sum(row.seconds for row in rows)
    is_running = clock.stopped_at is None and clock.outcome == Clock.Outcome.RUNNING
    ahead = _rows(version, hours, until, clock.due_at, pauses) if is_running and until < clock.due_at else []
    asked_at = _asked_at(clock)
    return Trace(
        rows=rows,
        ahead=ahead,
        used=used,
        left=sum(row.seconds for row in ahead),
        over=max(0.0, used - clock.budget_seconds) if until > clock.due_at else 0.0,
        stood=sum(_seconds(row.paused) for row in rows),
        waited=(until - clock.started_at).total_seconds(),
        asked_at=asked_at,
        asked_waited=(until - asked_at).total_seconds() if asked_at else 0.0,
        shares=_shares(clock, [piece for row in rows for piece in row.pieces], until=until),
        events=_events(clock, pauses, now=now),
        day_seconds=_day_seconds(hours),
    )


def _day_seconds(hours: WorkingTime) -> float:
    try:
        return hours.working_day.total_seconds()
    except ValueError:  # special days only: then a day is a day
        return 86_400.0


def _seconds(pieces: Iterable[Piece]) -> float:
    return sum(((end - start) for start, end in pieces), timedelta()).total_seconds()


# --- days and windows


def _rows(
    version: CalendarVersion, hours: WorkingTime, start: datetime, end: datetime, pauses: Sequence[ClockPause]
) -> list[Row]:
    zone = ZoneInfo(version.timezone)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    names = {
        holiday.day: holiday.name for holiday in calendars.holidays_between(version, first, last + timedelta(days=1))
    }
    counted, paused = _split(hours.open_windows(start, end), pauses)
    rows: list[Row] = []
    total = 0.0
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        pieces = [piece for piece in counted if piece[0].astimezone(zone).date() == day]
        stood = [piece for piece in paused if piece[0].astimezone(zone).date() == day]
        seconds = _seconds(pieces)
        total += seconds
        why = "" if pieces or stood else names.get(day) or _("closed")
        if why and rows and rows[-1].why == why:
            rows[-1] = Row(rows[-1].first, day, [], [], 0.0, total, why)
        elif not why or first < day < last:  # outside of hours the first and the last day say nothing
            rows.append(Row(day, day, pieces, stood, seconds, total, why))
        elif names.get(day):
            rows.append(Row(day, day, [], [], 0.0, total, why))
    return rows


def _split(windows: Sequence[Piece], pauses: Sequence[ClockPause]) -> tuple[list[Piece], list[Piece]]:
    """Cut pauses out of windows: what counts, and what does not. Pauses follow each other and never overlap."""
    counted: list[Piece] = []
    paused: list[Piece] = []
    for opening, closing in windows:
        at = opening
        for pause in pauses:
            start, end = max(at, pause.starts_at), min(closing, pause.ends_at)
            if start >= end:
                continue
            if start > at:
                counted.append((at, start))
            paused.append((start, end))
            at = end
        if at < closing:
            counted.append((at, closing))
    return counted, paused


# --- owners, and what the buyer waited


def _shares(clock: Clock, pieces: Sequence[Piece], *, until: datetime) -> list[Share]:
    turns = _turns(clock, until=until)
    return [
        Share(
            who,
            since,
            end,
            _seconds(
                (max(since, opening), min(end, closing))
                for opening, closing in pieces
                if opening < end and closing > since
            ),
            (end - since).total_seconds(),
        )
        for who, since, end in turns
    ]


def _turns(clock: Clock, *, until: datetime) -> list[tuple[str, datetime, datetime]]:
    """Return who had a clock, from when until when: by the ledger for sales, else its owner all the time."""
    start = clock.started_at
    lines: list[Assignment] = []
    if clock.handoff_id is not None and clock.side == Side.SALES:
        had = Assignment.objects.filter(handoff=clock.handoff_id, assigned_at__lt=until).select_related("user", "team")
        lines = list(had.order_by("assigned_at", "pk"))
    if not lines:
        return [(str(clock.owner or clock.team or _("nobody")), start, until)]
    turns: list[tuple[str, datetime, datetime]] = []
    for number, line in enumerate(lines):
        since = max(start, line.assigned_at) if number else start
        end = max(start, lines[number + 1].assigned_at) if number + 1 < len(lines) else until
        who = str(line.user) if line.user else _("the queue of %(team)s") % {"team": line.team}
        if since < end:
            turns.append((who, since, end))
    return turns


def _asked_at(clock: Clock) -> datetime | None:
    """Return when the lead asked for what sales owes; None where it did not, or where the clock starts with it."""
    if clock.measure not in FROM_THE_REQUEST:
        return None
    asked = Interaction.objects.filter(
        lead=clock.lead_id,
        kind__in=ASKED_KINDS,
        occurred_at__lt=clock.started_at,
        occurred_at__gt=clock.started_at - ASKED_WITHIN,
        is_date=False,
    )
    return asked.order_by("-occurred_at").values_list("occurred_at", flat=True).first()


# --- what happened


def _events(clock: Clock, pauses: Sequence[ClockPause], *, now: datetime) -> list[Event]:
    versions = _("Under %(agreement)s, %(calendar)s.") % {
        "agreement": clock.agreement,
        "calendar": clock.calendar_version,
    }
    found = [Event(clock.started_at, _("Started"), versions)]
    found += _of_owners(clock)
    for pause in pauses:
        found += _of_pause(pause, clock, now=now)
    found += [_of_step(step, now=now) for step in clock.steps.select_related("step").order_by("due_at", "pk")]
    found += [_of_change(change, now=now) for change in clock.changes.select_related("by")]
    if clock.stopped_at is not None:
        more = _("entered late") if clock.entered_late else ""
        found.append(Event(clock.stopped_at, _("Stopped: %(how)s") % {"how": clock.get_outcome_display()}, more))
    return sorted(found, key=lambda event: event.when)


def _of_owners(clock: Clock) -> list[Event]:
    if clock.handoff_id is None or clock.side != Side.SALES:
        return []
    lines = Assignment.objects.filter(handoff=clock.handoff_id, assigned_at__gt=clock.started_at)
    if clock.stopped_at is not None:
        lines = lines.filter(assigned_at__lt=clock.stopped_at)
    return [
        Event(line.assigned_at, _("Now with %(who)s") % {"who": line.user or line.team}, line.why)
        for line in lines.select_related("user", "team")
    ]


def _of_pause(pause: ClockPause, clock: Clock, *, now: datetime) -> list[Event]:
    words = {"by": pause.by, "until": moment_text(pause.ends_at, now)}
    said = _joined(str(pause.reason), pause.note)
    events = [Event(pause.starts_at, _("Paused by %(by)s until %(until)s") % words, said)]
    if pause.ended_by is not None:
        events.append(Event(pause.ends_at, _("Let go on by %(by)s") % {"by": pause.ended_by}))
    elif pause.ends_at <= (clock.stopped_at or now):
        events.append(Event(pause.ends_at, _("Went on")))
    return events


def _of_step(step: ClockStep, *, now: datetime) -> Event:
    is_prompt = step.taken_at - step.due_at < timedelta(minutes=1)
    if step.step is None:  # the breach is stamped with the due time, never with when it was noticed
        noticed = _("noticed %(moment)s") % {"moment": moment_text(step.taken_at, now)}
        return Event(step.due_at, step.get_kind_display(), _joined(step.what, "" if is_prompt else noticed))
    due = _("due %(moment)s") % {"moment": moment_text(step.due_at, now)}
    return Event(
        step.taken_at, step.step.get_action_display().capitalize(), _joined(step.what, "" if is_prompt else due)
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _of_change(change: ClockChange, *, now: datetime) -> Event:
    text = change.get_kind_display()
    if change.by is not None:
        text = _("%(what)s, by %(by)s") % {"what": text, "by": change.by}
    parts = [change.why]
    was_due = parse_datetime(str(change.before.get("due_at", "")))
    if was_due is not None:
        parts.append(_("was due %(moment)s") % {"moment": moment_text(was_due, now)})
    if change.kind == ClockChange.Kind.REBASED and "budget_seconds" in change.before:
        parts.append(_("had %(time)s") % {"time": duration(change.before["budget_seconds"])})
    return Event(change.at, text, _joined(*parts))
