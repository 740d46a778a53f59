"""Follow-ups that were entered late as done in time: they count when a manager confirms them, else stay late."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from leadsla.accounts.models import User
from sla import clocks, handoff
from sla.models import Clock, ClockChange, Commitment, Handoff

WAITS_FOR = timedelta(days=30)  # after that it stays late


def waiting_for(user: User, *, now: datetime) -> QuerySet[Clock]:
    """Return clocks that ended late only because the entry came late, for a manager's word; never of their own.

    Args:
        user: a sales manager.
        now: the moment.
    """
    ruled = ClockChange.objects.filter(clock=OuterRef("pk"), kind=ClockChange.Kind.UPHELD)
    theirs = Handoff.objects.answerable_by(user)
    late = Clock.objects.filter(
        ~Exists(ruled),
        handoff__in=theirs,
        measure=Commitment.Measure.FIRST_FOLLOW_UP,
        outcome=Clock.Outcome.LATE,
        stopped_at__gt=now - WAITS_FOR,
        handoff__first_follow_up_at__lte=F("due_at"),
    ).filter(Q(owner=None) | ~Q(owner=user))
    return late.select_related("lead", "handoff", "owner", "calendar_version").order_by("stopped_at", "pk")


def confirm(clock: Clock, *, by: User, now: datetime, why: str = "") -> bool:
    """Let the entry count at the time that it states: in time, "entered late"; False when there is none to confirm."""
    found = clock.handoff
    if found is None or found.first_follow_up_at is None:
        return False
    return handoff.confirm_follow_up(found, at=found.first_follow_up_at, now=now, by=by, why=why)


@transaction.atomic
def uphold(clock: Clock, *, by: User, now: datetime, why: str = "") -> bool:
    """Leave the clock late, and ask no more; False when it is not late any more."""
    for found in clocks.locked(Clock.objects.filter(pk=clock.pk), outcome=Clock.Outcome.LATE):
        ClockChange.objects.create(clock=found, kind=ClockChange.Kind.UPHELD, at=now, by=by, why=why[:500])
        return True
    return False
