"""Pause, resume and waive clocks, and put running ones under a new version. Each with its author, for both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.accounts.access import MANAGER_OF, Act, may
from leadsla.accounts.models import Side, User
from leadsla.accounts.visibility import sides
from leadsla.display import moment_text
from sla import clocks, notices, plans
from sla.calendars import budget, calendar_for, working_time
from sla.countdown import stands
from sla.escalation import other_side_of
from sla.models import Agreement, CalendarVersion, Clock, ClockChange, ClockPause, PauseReason
from sla.working_time import WorkingTime

Outcome = Clock.Outcome
WHOLE = ""  # the key of a refusal that belongs to no single field
_NOTE = 250  # characters
_WHY = 500
WAIVABLE = (Outcome.RUNNING, Outcome.LATE, Outcome.MISSED)


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """A clock cannot be paused or waived so: `errors` says per field why and what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in errors.items()))
        self.errors = dict(errors)


# --- pause and resume


def may_pause(user: User, clock: Clock) -> bool:
    """Tell whether a person may pause a clock: who owes, and the manager of who owes."""
    if not may(user, Act.PAUSE_CLOCKS) or Side(clock.side) not in sides(user):
        return False
    return clock.owner_id == user.pk or _manages(user, clock)


def _manages(user: User, clock: Clock) -> bool:
    """Tell whether a person is a manager of the side that owes, and of its team or its person."""
    if not user.has_role(MANAGER_OF[clock.side]):
        return False
    is_theirs = clock.team_id is not None and clock.team_id == user.team_id
    return is_theirs or (clock.owner is not None and clock.owner.manager_id == user.pk)


def reasons_for(clock: Clock) -> QuerySet[PauseReason]:
    """Return the reasons for which a clock may stand."""
    return PauseReason.objects.filter(Q(side="") | Q(side=clock.side), is_active=True)


@transaction.atomic
def pause(
    clock: Clock, *, reason: PauseReason, until: datetime | None, note: str, by: User, now: datetime
) -> ClockPause:
    """Let a clock stand from now until a moment; what is due later moves by the working time in between, at once.

    Args:
        clock: running and not past due.
        reason: a listed one, for clocks of this side.
        until: when it goes on; obligatory.
        note: in words.
        by: who owes, or their manager.
        now: the moment.

    Returns:
        The pause.

    Raises:
        Refused: with a sentence per field; nothing was changed.
    """
    running = clocks.locked(Clock.objects.filter(pk=clock.pk))
    if not running:
        raise Refused({WHOLE: _("This clock has stopped; there is nothing to pause.")})
    found = running[0]
    hours = working_time(found.calendar_version)
    errors = _check(found, by=by, now=now) or _check_end(found, hours, reason=reason, until=until, now=now)
    if len(note.strip()) > _NOTE:
        errors["note"] = _("Give at most %(count)d characters.") % {"count": _NOTE}
    if errors or until is None:
        raise Refused(errors)
    seconds = hours.between(now, until).total_seconds()
    made = ClockPause.objects.create(
        clock=found,
        reason=reason,
        note=note.strip(),
        starts_at=now,
        ends_at=until,
        seconds=seconds,
        by=by,
        recorded_at=now,
    )
    found.paused_at, found.paused_until = now, until
    found.paused_seconds += seconds
    clocks.put_in_order(found)
    return made


def _check(clock: Clock, *, by: User, now: datetime) -> dict[str, str]:
    if not may_pause(by, clock):
        return {WHOLE: _("Only who owes this, and their manager, may pause the clock.")}
    if clock.breached_at is not None or clock.due_at <= now:
        return {WHOLE: _("This clock is past due and cannot be paused. A manager may waive it, with a reason.")}
    if stands(clock, now=now) and clock.paused_until is not None:
        words = {"until": moment_text(clock.paused_until, now)}
        return {WHOLE: _("This clock stands until %(until)s already. Let it go on first, then pause it anew.") % words}
    return {}


def _check_end(
    clock: Clock, hours: WorkingTime, *, reason: PauseReason, until: datetime | None, now: datetime
) -> dict[str, str]:
    if not reason.is_active or reason.side not in {"", clock.side}:
        return {"reason": _("This reason is not for this clock. Choose one of the list.")}
    if until is None:
        return {"until": _("Say until when: a pause needs an end. The clock goes on by itself then.")}
    if until <= now:
        return {"until": _("This lies in the past. Give a later moment.")}
    seconds = hours.between(now, until).total_seconds()
    if seconds <= 0:
        opening = {"opening": moment_text(hours.next_open(now), now)}
        return {"until": _("The clock stands until %(opening)s anyway. Give a later moment.") % opening}
    left = longest(clock, reason, hours=hours) - timedelta(seconds=seconds)
    if left < timedelta(0):
        return {"until": _too_long(clock, reason, hours=hours, now=now)}
    return {}


def longest(clock: Clock, reason: PauseReason, *, hours: WorkingTime) -> timedelta:
    """Return how much working time a clock may yet stand for a reason: its longest, less what it stood for it before.

    Args:
        clock: with its pauses.
        reason: says how many working days at most.
        hours: of the clock's calendar.
    """
    before = sum(clock.pauses.filter(reason=reason).values_list("seconds", flat=True))
    return hours.working_day * reason.longest_working_days - timedelta(seconds=before)


def _too_long(clock: Clock, reason: PauseReason, *, hours: WorkingTime, now: datetime) -> str:
    days = reason.longest_working_days
    left = longest(clock, reason, hours=hours)
    if left <= timedelta(0):
        return _("For this reason the clock stood as long as it may. Choose another reason, or ask for a waiver.")
    words = {"days": days, "latest": moment_text(hours.add(now, left), now)}
    return (
        ngettext(
            "For this reason at most %(days)d working day: until %(latest)s.",
            "For this reason at most %(days)d working days: until %(latest)s.",
            days,
        )
        % words
    )


@transaction.atomic
def resume(clock: Clock, *, by: User, now: datetime) -> bool:
    """Let a clock go on before its pause ends; what is due moves back by what was not needed.

    Args:
        clock: paused.
        by: who owes, or their manager.
        now: the moment.

    Returns:
        False when it does not stand now.

    Raises:
        Refused: the person may not.
    """
    if not may_pause(by, clock):
        raise Refused({WHOLE: _("Only who owes this, and their manager, may let the clock go on.")})
    for found in clocks.locked(Clock.objects.filter(pk=clock.pk)):
        last = found.pauses.order_by("starts_at", "pk").last()
        if last is None or not stands(found, now=now):
            return False
        hours = working_time(found.calendar_version)
        seconds = hours.between(last.starts_at, now).total_seconds()
        found.paused_seconds = max(0.0, found.paused_seconds - last.seconds + seconds)
        found.paused_until = now
        last.ends_at, last.seconds, last.ended_by = now, seconds, by
        last.save(update_fields=["ends_at", "seconds", "ended_by"])
        clocks.put_in_order(found)
        return True
    return False


# --- waive


def may_waive(user: User, clock: Clock) -> bool:
    """Tell whether a person may waive a clock: a manager of who owes, or any manager of the other side."""
    if not may(user, Act.WAIVE_CLOCKS):
        return False
    other = Side.SALES if clock.side == Side.MARKETING else Side.MARKETING
    return _manages(user, clock) or user.has_role(MANAGER_OF[other])


@transaction.atomic
def waive(clock: Clock, *, why: str, by: User, now: datetime) -> bool:
    """Let a clock count neither for nor against; a breach stays on it, and the other side's manager is told.

    Args:
        clock: running, late or missed.
        why: obligatory; both sides read it.
        by: a manager.
        now: the moment.

    Returns:
        False when it ended well, was cancelled or waived before.

    Raises:
        Refused: no reason, or the person may not.
    """
    why = why.strip()
    if not may_waive(by, clock):
        raise Refused({WHOLE: _("A clock is waived by the manager of who owes, or by a manager of the other side.")})
    if not why:
        raise Refused({"why": _("Say why: the other side reads it, and it stands beside the rate.")})
    if len(why) > _WHY:
        raise Refused({"why": _("Give at most %(count)d characters.") % {"count": _WHY}})
    waivable = Clock.objects.filter(pk=clock.pk, outcome__in=WAIVABLE)
    found = (
        waivable.select_for_update(of=("self",))
        .select_related("calendar_version", "commitment", "lead__company", "lead__owner__manager", "handoff__owner")
        .first()
    )
    if found is None:
        return False
    before = clocks.shown(found, "outcome", "stopped_at", "used_seconds", "waited_seconds")
    columns = clocks.ended(found, until=now) if found.stopped_at is None else {}
    Clock.objects.filter(pk=found.pk).update(**columns, outcome=Outcome.WAIVED)
    ClockChange.objects.create(clock=found, kind=ClockChange.Kind.WAIVED, at=now, by=by, why=why, before=before)
    for manager in _others(found, by=by):
        notices.waived(found, to=manager, by=by, why=why, now=now)
    return True


def _others(clock: Clock, *, by: User) -> list[User]:
    """Return the manager of the side that did not waive it: of its person of the lead, else one of that side."""
    if _manages(by, clock):
        person = other_side_of(clock)
        side = Side.MARKETING if clock.side == Side.SALES else Side.SALES
    else:
        person, side = clock.owner, Side(clock.side)
    if person is not None and person.manager is not None and person.manager.is_active:
        return [person.manager]
    managers = User.objects.filter(is_active=True, roles__contains=[MANAGER_OF[side]]).exclude(pk=by.pk)
    of_team = managers.filter(team=person.team_id) if person is not None and person.team_id else managers.none()
    return list((of_team if of_team.exists() else managers).order_by("pk")[:1])


# --- put running clocks under a new version


@dataclass(frozen=True)
class Rebased:
    """What putting running clocks under a new version did.

    Attributes:
        changed: clocks that have new times.
        left: clocks that kept theirs, because they would have been late at once or are not promised any more.
    """

    changed: int
    left: int


def to_rebase(agreement: Agreement, *, now: datetime) -> QuerySet[Clock]:
    """Return running clocks, not past due, of any version of an agreement."""
    return Clock.objects.filter(
        agreement__series=agreement.series,
        outcome=Outcome.RUNNING,
        stopped_at=None,
        breached_at=None,
        due_at__gte=now,
    )


def outdated(agreement: Agreement, *, now: datetime) -> int:
    """Count running clocks that are under another version of an agreement, or of its calendars, than the newest."""
    newer = CalendarVersion.objects.filter(
        calendar=OuterRef("calendar_version__calendar"),
        version__gt=OuterRef("calendar_version__version"),
        created_at__lte=now,
    )
    return to_rebase(agreement, now=now).filter(~Q(agreement=agreement) | Exists(newer)).count()


@transaction.atomic
def rebase(agreement: Agreement, *, by: User, now: datetime) -> Rebased:
    """Put running clocks under an agreement as it is now, and under the newest versions of its calendars.

    Nothing does this by itself. Each clock keeps its start and the time that it used and stood; how it was before is
    kept. A clock that would be past due at once keeps its old times.

    Args:
        agreement: in force.
        by: a manager.
        now: the moment.

    Raises:
        Refused: the person may not, or the agreement is not in force.
    """
    if not may(by, Act.WAIVE_CLOCKS):
        raise Refused({WHOLE: _("Managers put running clocks under another version.")})
    if agreement.status != Agreement.Status.ACTIVE:
        raise Refused({WHOLE: _("This version is not in force. Choose the one that is.")})
    changed = left = 0
    for clock in clocks.locked(to_rebase(agreement, now=now).select_related("owner")):
        is_new = _put_under(clock, agreement, by=by, now=now)
        changed += is_new is True
        left += is_new is False
    return Rebased(changed, left)


def _put_under(clock: Clock, agreement: Agreement, *, by: User, now: datetime) -> bool | None:
    """Put one clock under an agreement; None when that changes nothing, False when it has to keep its times."""
    limit = clocks.limit_for(agreement, measure=clock.measure, temperature=clock.temperature)
    if limit is None:
        return False
    version = calendar_for(limit, owner=clock.owner, now=now)
    if (limit.pk, version.pk) == (clock.limit_id, clock.calendar_version_id):
        return None
    before = clocks.shown(clock, "due_at", "budget_seconds", "agreement_id", "limit_id", "calendar_version_id")
    before |= {"agreement": str(clock.agreement), "calendar_version": str(clock.calendar_version)}
    hours = working_time(version)
    # What an earlier clock of the same promise left over stays shorter by as much.
    shorter = clock.budget_seconds - budget(clock.limit, working_time(clock.calendar_version)).total_seconds()
    seconds = max(0.0, budget(limit, hours).total_seconds() + shorter)
    pauses = list(clock.pauses.filter(starts_at__gte=clock.started_at))
    for one in pauses:
        one.seconds = hours.between(one.starts_at, one.ends_at).total_seconds()
    if plans.moment(clock.started_at, timedelta(seconds=seconds), hours=hours, pauses=pauses) < now:
        return False
    ClockPause.objects.bulk_update(pauses, ["seconds"])
    clock.agreement, clock.limit, clock.calendar_version, clock.budget_seconds = agreement, limit, version, seconds
    clock.paused_seconds = sum(one.seconds for one in pauses)
    clocks.put_in_order(clock, steps=plans.steps_of(agreement, measure=clock.measure, temperature=clock.temperature))
    why = _("%(agreement)s, %(calendar)s") % {"agreement": agreement, "calendar": version}
    ClockChange.objects.create(clock=clock, kind=ClockChange.Kind.REBASED, at=now, by=by, why=why[:500], before=before)
    return True
