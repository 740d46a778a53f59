"""Release plans: a list of leads is handed over bit by bit, best first, so many per rep and working day."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from leads.models import Lead, Temperature
from leads.querysets import LeadQuerySet
from leadsla.accounts.access import Act, may
from leadsla.accounts.models import Side, Team, User
from sla import calendars, routing, turns
from sla.gate import AtCapacity, HandoverRefused
from sla.handing_over import hand_over
from sla.models import Agreement, Handoff, ReleaseItem, ReleasePlan, RoutingRule

log = logging.getLogger(__name__)

MOST_LEADS = 10_000


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """A plan cannot be made as asked; `errors` has a sentence per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


# --- plan


@transaction.atomic
def plan(
    name: str,
    leads: LeadQuerySet | Iterable[Lead],
    *,
    by: User,
    now: datetime,
    per_rep_and_day: int = 5,
    starts_on: date | None = None,
    team: Team | None = None,
    decide_working_days: int | None = None,
    follow_up_working_days: int | None = None,
    override_reason: str = "",
) -> ReleasePlan:
    """Plan to hand a list of leads over bit by bit. Until then the sweep leaves them alone.

    Leads that cannot go are on the plan as dropped, each with why.

    Args:
        name: of the list, as people say it.
        leads: which.
        by: who plans, and hands over.
        now: the moment.
        per_rep_and_day: how many a rep gets on a working day.
        starts_on: the first day; None for today.
        team: who gets them; None for what the routing rules say.
        decide_working_days: own time to decide; None for what is agreed.
        follow_up_working_days: own time for the first follow-up; None for what is agreed.
        override_reason: why leads that are not qualified go, too; marketing managers only.

    Raises:
        Refused: with a sentence per field.
    """
    name, override_reason = name.strip(), override_reason.strip()
    today = now.astimezone(_zone(now=now)).date()
    starts_on = starts_on or today
    ids = sorted({lead.pk for lead in leads})
    errors: dict[str, str] = {}
    if not name:
        errors["name"] = _("Give the list a name.")
    elif len(name) > 120:
        errors["name"] = _("This is longer than 120 characters. Shorten it.")
    if not ids:
        errors["leads"] = _("Choose at least one lead.")
    elif len(ids) > MOST_LEADS:
        errors["leads"] = _("A list has %(most)d leads at most. Make several.") % {"most": MOST_LEADS}
    if not 1 <= per_rep_and_day <= 1000:
        errors["per_rep_and_day"] = _("A rep gets at least one lead a day, at most 1000.")
    if starts_on < today:
        errors["starts_on"] = _("This day is over. Begin today or later.")
    if team is not None and (team.side != Side.SALES or not team.is_active):
        errors["team"] = _("Choose a team of sales that is in use.")
    for field, days in {
        "decide_working_days": decide_working_days,
        "follow_up_working_days": follow_up_working_days,
    }.items():
        if days is not None and not 1 <= days <= 260:
            errors[field] = _("Give 1 to 260 working days, or nothing for what is agreed.")
    if override_reason and not may(by, Act.OVERRIDE_GATE):
        errors["override_reason"] = _("Only a marketing manager may hand over leads that are not qualified.")
    if errors:
        raise Refused(errors)
    made = ReleasePlan.objects.create(
        name=name,
        team=team,
        per_rep_and_day=per_rep_and_day,
        starts_on=starts_on,
        decide_working_days=decide_working_days,
        follow_up_working_days=follow_up_working_days,
        override_reason=override_reason,
        created_by=by,
        created_at=now,
    )
    _fill(made, ids, now=now)
    return made


def _fill(made: ReleasePlan, ids: list[int], *, now: datetime) -> None:
    rows = list(Lead.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk"))
    waiting = ReleaseItem.objects.filter(lead__in=ids, released_at=None, dropped_at=None)
    planned = dict(waiting.values_list("lead", "plan__name"))
    with_sales = set(Handoff.objects.open().filter(lead__in=ids).values_list("lead", flat=True))
    items = []
    for lead in rows:
        why = ""
        if lead.merged_into_id is not None:
            why = _("Merged into another lead.")
        elif lead.pk in with_sales:
            why = _("Sales has it already.")
        elif lead.pk in planned:
            why = _("Waits in the plan “%(plan)s” already.") % {"plan": planned[lead.pk]}
        items.append(ReleaseItem(plan=made, lead=lead, why=why, dropped_at=now if why else None))
    ReleaseItem.objects.bulk_create(items)
    _end_if_done(made, now=now)


@transaction.atomic
def stop(plan: ReleasePlan, *, by: User, now: datetime) -> bool:
    """Stop a plan: what waits is dropped, what was released stays with sales.

    Returns:
        False when it had ended before.
    """
    if ReleasePlan.objects.filter(pk=plan.pk, ended_at=None).update(ended_at=now) != 1:
        return False
    waiting(plan).update(dropped_at=now, why=_("Stopped by %(by)s.") % {"by": by})
    plan.refresh_from_db()
    return True


def waiting(plan: ReleasePlan) -> QuerySet[ReleaseItem]:
    """Return the leads of a plan that are still to be released."""
    return ReleaseItem.objects.filter(plan=plan, released_at=None, dropped_at=None)


def _end_if_done(plan: ReleasePlan, *, now: datetime) -> None:
    if not waiting(plan).exists():
        ReleasePlan.objects.filter(pk=plan.pk, ended_at=None).update(ended_at=now)
        plan.refresh_from_db(fields=["ended_at"])


# --- release


def release_due(*, now: datetime, longest: float = math.inf) -> int:
    """Hand over what the plans release today: best first, so many per rep, only to reps who are there.

    One transaction per lead, each holding its plan: two workers release nothing twice, a killed one loses nothing. It
    releases within the working hours of the agreement. What the gate refuses is dropped with why; a rep or a team
    without room is tried again later.

    Args:
        now: the moment.
        longest: seconds after which the rest is left to the next tick.

    Returns:
        How many leads were handed over.
    """
    until = time.monotonic() + longest
    done = 0
    hours = _hours(now=now)
    if hours is None:
        return 0
    day_start, today = hours
    plans = ReleasePlan.objects.filter(ended_at=None, starts_on__lte=today).order_by("created_at", "pk")
    for pk in plans.values_list("pk", flat=True):
        tried: list[int] = []
        while time.monotonic() < until:
            released = _release_next(pk, tried, day_start=day_start, now=now)
            if released is None:
                break
            done += released
    return done


def _agreement(*, now: datetime) -> Agreement | None:
    """Return the agreement of which the calendar says what a working day is: the last one, which holds for the rest."""
    return Agreement.objects.in_force(now=now).select_related("calendar").last()


def _zone(*, now: datetime) -> ZoneInfo:
    agreement = _agreement(now=now)
    return ZoneInfo(agreement.timezone if agreement else "UTC")


def _hours(*, now: datetime) -> tuple[datetime, date] | None:
    """Return when today began and which day it is; None out of working hours."""
    agreement = _agreement(now=now)
    if agreement is None:
        return None
    version = calendars.current(agreement.calendar, now=now)
    if not calendars.working_time(version).is_open(now):
        return None
    local = now.astimezone(ZoneInfo(version.timezone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0), local.date()


def _release_next(pk: int, tried: list[int], *, day_start: datetime, now: datetime) -> int | None:
    """Hand over the best lead of a plan that waits; 1 when it went, 0 when it did not, None when there is none now."""
    with transaction.atomic():
        plan = (
            ReleasePlan.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
            .select_related("team", "created_by__team")
            .filter(pk=pk, ended_at=None)
            .first()
        )
        if plan is None:
            return None
        had_enough = _had_enough(plan, day_start=day_start)
        if not _somebody_there(plan, had_enough, now=now):
            return None
        best = waiting(plan).exclude(pk__in=tried).select_related("lead")
        item = best.order_by(F("lead__score").desc(nulls_last=True), "lead_id").first()
        if item is None:
            _end_if_done(plan, now=now)
            return None
        item.plan = plan
        tried.append(item.pk)
        return _release(item, tried, had_enough, now=now)


def _release(item: ReleaseItem, tried: list[int], had_enough: set[int], *, now: datetime) -> int:
    why = ""
    try:
        with transaction.atomic():
            hand_over(
                item.lead,
                by=item.plan.created_by,
                now=now,
                override_reason=item.plan.override_reason,
                released=item,
                but_not=had_enough,
            )
    except AtCapacity as full:
        if full.team is not None:
            # What the rules lead to the same team is not routed in vain, one by one.
            alike = Lead.objects.filter(routing.led_to(full.team, now=now))
            tried.extend(waiting(item.plan).filter(lead__in=alike).values_list("pk", flat=True))
        return 0
    except HandoverRefused as refused:
        why = str(refused)
    except Exception:
        # One bad row never stops a sweep.
        log.exception("Lead %s of a release plan could not be handed over", item.lead.public_id)
        return 0
    if why:
        ReleaseItem.objects.filter(pk=item.pk).update(dropped_at=now, why=why[:250])
    _end_if_done(item.plan, now=now)
    return 0 if why else 1


def _had_enough(plan: ReleasePlan, *, day_start: datetime) -> set[int]:
    """Return who got as many leads of a plan today as it gives, whoever has them by now."""
    today = ReleaseItem.objects.filter(
        plan=plan, released_at__gte=day_start, handoff__rounds__number=1, handoff__is_notice=False
    ).order_by()
    given = today.values_list("handoff__rounds__owner").annotate(n=Count("pk"))
    return {user for user, n in given if user is not None and n >= plan.per_rep_and_day}


def _somebody_there(plan: ReleasePlan, had_enough: set[int], *, now: datetime) -> bool:
    """Tell whether anybody could get a lead of a plan now; without it, every waiting lead would be routed in vain."""
    teams = Team.objects.filter(is_active=True, side=Side.SALES)
    if plan.team is not None:
        teams = teams.filter(pk=plan.team.pk)
    elif (ruled := RoutingRule.objects.filter(leg=1, is_active=True)).exists():
        first = Team.objects.filter(is_active=True, side=Side.SALES).order_by("name").values("pk")[:1]
        teams = teams.filter(Q(pk__in=ruled.values("team")) | Q(pk__in=first))
    return any(
        not standing.why_not
        for team in teams
        for standing in turns.standings(team, temperature=Temperature.COOL, now=now, but_not=had_enough)
    )
