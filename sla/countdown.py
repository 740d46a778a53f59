"""The state of a clock in words and figures for one moment: what a countdown chip shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from leadsla.display import duration, moment_text
from sla.calendars import working_time
from sla.models import Clock, Commitment
from sla.working_time import WorkingTime

SOON = 0.8  # of the budget used
HALF = 0.5

Measure = Commitment.Measure
Outcome = Clock.Outcome


@dataclass(frozen=True)
class Countdown:
    """What a chip shows of a clock.

    Attributes:
        state: ok, half, soon, late, paused, sleep (closed now, goes on at the next opening) or done.
        text: as "1 h 20 left", "1 h 10 overdue", "Starts Wed 09:00", "In time, 42 min".
        detail: the second line, as "decide by today 15:40"; may be empty.
        share_left: of the budget, 0 to 100.
        left_seconds: working seconds until the due time; negative when late.
        budget_seconds: working seconds in all.
        ticks_until: end of the opening hours in which the clock runs now, in seconds since 1970; None when it stands.
        day_seconds: a working day of the clock's calendar.
        is_broken: it stopped after its due time, or never will.
        url: of the page that says how it was computed; empty where there is none.
    """

    state: str
    text: str
    detail: str
    share_left: float
    left_seconds: float
    budget_seconds: float
    ticks_until: float | None
    day_seconds: float
    is_broken: bool = False
    url: str = ""


def countdown(clock: Clock, *, now: datetime) -> Countdown:
    """Return what to show of a clock at a moment, in working time and in the reader's zone.

    Args:
        clock: with `calendar_version` fetched, so that a list needs no further query.
        now: the moment.
    """
    hours = working_time(clock.calendar_version)
    day = _day_seconds(hours)
    if clock.stopped_at or clock.outcome != Outcome.RUNNING:
        return _of_stopped(clock, day=day)
    is_paused = stands(clock, now=now)
    # The due time counts the pause already: what is left is what follows it.
    moment = clock.paused_until if is_paused and clock.paused_until else now
    left = hours.between(max(moment, clock.started_at), clock.due_at).total_seconds()
    is_late = now > clock.due_at
    share = max(0.0, min(1.0, left / clock.budget_seconds)) if clock.budget_seconds else 0.0
    is_open = hours.is_open(now)
    ticks = _closing(hours, now) if is_open and not is_paused else None
    state, text, detail = _words(clock, hours, now=now, left=left, share=share, is_late=is_late, is_open=is_open)
    return Countdown(state, text, detail, share * 100, left, clock.budget_seconds, ticks, day, url=_computed(clock))


def stands(clock: Clock, *, now: datetime) -> bool:
    """Tell whether a clock is paused at a moment."""
    since, until = clock.paused_at, clock.paused_until
    return since is not None and until is not None and since <= now < until


def due_words(clock: Clock, *, now: datetime) -> str:
    """Write until when what is owed: `decide by today 15:40`."""
    patterns = {
        Measure.DECIDE.value: _("decide by %(moment)s"),
        Measure.FIRST_FOLLOW_UP.value: _("follow up by %(moment)s"),
        Measure.FIX.value: _("fix by %(moment)s"),
        Measure.HAND_OVER.value: _("hand over by %(moment)s"),
        Measure.ATTEMPTS.value: _("attempts by %(moment)s"),
        Measure.FIRST_RESULT.value: _("result by %(moment)s"),
        Measure.UPDATE.value: _("update by %(moment)s"),
        Measure.OUTCOME.value: _("won or lost by %(moment)s"),
        Measure.ANSWER.value: _("answer by %(moment)s"),
    }
    return patterns.get(clock.measure, _("due %(moment)s")) % {"moment": moment_text(clock.due_at, now)}


def _words(
    clock: Clock, hours: WorkingTime, *, now: datetime, left: float, share: float, is_late: bool, is_open: bool
) -> tuple[str, str, str]:
    day = _day_seconds(hours)
    due = due_words(clock, now=now)
    if is_late:
        is_just = abs(left) < 1  # past the due time, and nobody has worked since
        return "late", _("Overdue") if is_just else _("%(duration)s overdue") % {"duration": duration(left, day)}, due
    remaining = _("%(duration)s left") % {"duration": duration(left, day)}
    if stands(clock, now=now) and clock.paused_until:
        return "paused", remaining, _("paused until %(moment)s") % {"moment": moment_text(clock.paused_until, now)}
    if not is_open:
        opening = {"opening": _opening(hours.next_open(now), now=now)}
        if left >= clock.budget_seconds:
            return "sleep", _("Starts %(opening)s") % opening, due
        return "sleep", remaining, _("goes on %(opening)s") % opening
    used = 1 - share
    return "soon" if used >= SOON else "half" if used >= HALF else "ok", remaining, due


def _of_stopped(clock: Clock, *, day: float) -> Countdown:
    took = duration(clock.used_seconds, day) if clock.used_seconds is not None else ""
    words = {
        Outcome.MET.value: _("In time"),
        Outcome.LATE.value: _("Late"),
        Outcome.MISSED.value: _("Missed"),
        Outcome.CANCELLED.value: _("Cancelled"),
        Outcome.WAIVED.value: _("Waived"),
    }
    text = words.get(clock.outcome, "")
    if took and clock.outcome in {Outcome.MET, Outcome.LATE}:
        text = f"{text}, {took}"
    left = clock.budget_seconds - (clock.used_seconds or 0.0)
    detail = _("entered late") if clock.entered_late else ""
    is_broken = clock.outcome in {Outcome.LATE, Outcome.MISSED}
    return Countdown("done", text, detail, 0.0, left, clock.budget_seconds, None, day, is_broken, _computed(clock))


def _computed(clock: Clock) -> str:
    return reverse("sla:clock", args=(clock.public_id,))


def _opening(opening: datetime, *, now: datetime) -> str:
    """Write an opening within a week by its weekday, as `Wed 09:00`; a later one with its date."""
    if opening - now < timedelta(days=6):
        return format_date(localtime(opening), "D H:i")
    return moment_text(opening, now)


def _closing(hours: WorkingTime, now: datetime) -> float:
    """Return when the hours that are open now end; a calendar that never closes ticks for a day at a time."""
    windows = hours.open_windows(now, now + timedelta(days=1))
    return windows[0][1].timestamp()


def _day_seconds(hours: WorkingTime) -> float:
    try:
        return hours.working_day.total_seconds()
    except ValueError:  # special days only: then a day is a day
        return 86_400.0
