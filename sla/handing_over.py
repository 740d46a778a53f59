"""Hand leads over to sales: one, or by the sweep what is ready. Serves sla.handoff."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from leads import conditions, scoring, stages
from leads.models import Lead, Origin, Stage, Temperature
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import Side, User
from sla import agreements, clocks, gate, notices, routing
from sla.gate import AtCapacity, HandoverRefused
from sla.models import Agreement, Handoff, ReleaseItem, Round
from sla.rounds import assign, loaded, open_round

log = logging.getLogger(__name__)

Because = Handoff.ClosedBecause

FIRST_RETRY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
WAIT_FOR_CAPACITY = timedelta(minutes=10)


@transaction.atomic
def hand_over(
    lead: Lead,
    *,
    by: User | None,
    now: datetime,
    override_reason: str = "",
    waits_for_capacity: bool = False,
    released: ReleaseItem | None = None,
    but_not: Collection[int] = (),
) -> Handoff:
    """Hand a lead over to sales: gate, account check, route, frozen pack, clocks, notices; all or nothing.

    Args:
        lead: whom.
        by: who hands over; None when it happens by itself.
        now: the moment.
        override_reason: why the gate is passed although the lead is not qualified; marketing managers only.
        waits_for_capacity: refuse with `AtCapacity` instead of filling the team's queue, unless the lead is hot.
        released: the line of a release plan; it goes to a person or not at all, and under the plan's own times.
        but_not: people who have had enough for today, of a release plan.

    Returns:
        The handoff. At a customer or an open opportunity it is a notice, closed at once.

    Raises:
        HandoverRefused: in words; nothing was changed.
    """
    Lead.objects.select_for_update().get(pk=lead.pk)
    lead = loaded(lead.pk)
    gate.refuse_open(lead)
    override = gate.check(lead, by=by, override_reason=override_reason.strip(), now=now)
    agreement = agreements.applying_to(lead, now=now)
    if agreement is None:
        raise HandoverRefused(_("No agreement is in force for this lead. Operations has to put one in force."))
    temperature = lead.temperature or Temperature.COOL
    try:
        team = released.plan.team if released else None
        route = routing.route(lead, temperature=temperature, now=now, team=team, but_not=but_not)
    except routing.NoRoute as reason:
        raise HandoverRefused(str(reason)) from None
    if waits_for_capacity and route.user is None and route.is_at_capacity and temperature != Temperature.HOT:
        raise _no_room(route)
    if released and not route.is_notice and (route.user is None or route.user.pk in but_not):
        raise _no_room(route)
    handoff = _create(lead, agreement=agreement, route=route, by=by, override=override, now=now)
    if released:
        ReleaseItem.objects.filter(pk=released.pk).update(handoff=handoff, released_at=now)
    else:
        clocks.stop_hand_over(handoff, agreement=agreement, now=now)
    open_round(
        handoff,
        because=Round.OpenedBecause.HANDED_OVER,
        now=now,
        lead=lead,
        plan=released.plan if released else None,
    )
    assign(
        handoff,
        user=route.user,
        team=route.team,
        why=route.reasons[-1],
        now=now,
        by=by,
        counts=not route.is_notice,
        shares=route.shares,
    )
    stages.move(
        _one(lead),
        to=Stage.HANDED_OVER,
        now=now,
        recycled_until=None,
        handover_not_before=None,
        handover_failures=0,
        handover_error="",
    )
    if route.is_notice:
        notices.account_notice(handoff, why=route.reasons[0], now=now)
    return handoff


def _no_room(route: routing.Route) -> AtCapacity:
    if route.user is not None:
        return AtCapacity(_("%(user)s has had enough for today.") % {"user": route.user}, team=None)
    words = _("%(team)s has no room: everybody has the most open handoffs.") % {"team": route.team}
    return AtCapacity(words, team=route.team)


def _one(lead: Lead) -> LeadQuerySet:
    return Lead.objects.filter(pk=lead.pk)


def _create(
    lead: Lead, *, agreement: Agreement, route: routing.Route, by: User | None, override: str, now: datetime
) -> Handoff:
    is_notice = route.is_notice
    counts = not is_notice and not (agreement.counts_companies and gate.company_counts_already(lead.company, now=now))
    room = gate.room(agreement, now=now) if counts else gate.Room()
    try:
        with transaction.atomic():
            return Handoff.objects.create(
                lead=lead,
                is_notice=is_notice,
                joins=route.joins,
                counts=counts,
                is_above_range=room.is_above_range,
                is_above_share=room.is_above_share,
                agreement=agreement,
                definition=lead.qualified_by or agreement.definition,
                score_model=lead.score_model,
                source=lead.last_source or lead.first_source,
                campaign=lead.last_campaign or lead.first_campaign,
                from_team=lead.team or (by.team if by and by.team and by.team.side == Side.MARKETING else None),
                to_team=route.team,
                door="" if override else lead.door,
                temperature=lead.temperature or Temperature.COOL,
                score=lead.score,
                grade=lead.grade,
                band="" if lead.score is None else scoring.band_of(lead.score),
                override_by=by if override else None,
                override_reason=override,
                routing=route.as_json(),
                handed_over_at=now,
                handed_over_by=by,
                owner=route.user,
                owner_since=now if route.user else None,
                recorded_at=now,
                closed_at=now if is_notice else None,
                closed_because=Because.NOTICE if is_notice else "",
            )
    except IntegrityError as error:
        if "one_open_handoff_per_lead_and_leg" not in str(error):
            raise
        raise HandoverRefused(_("Already handed over: somebody did it at the same moment.")) from None


# --- the sweep


@dataclass(frozen=True)
class Swept:
    """What a sweep did with leads that were ready: handed over, refused or put off, failed for another reason."""

    handed_over: int
    refused: int
    failed: int


def hand_over_ready(*, now: datetime, limit: int = 200, longest: float = math.inf) -> Swept:
    """Hand over qualified leads where the agreement does so by itself, oldest first, one transaction per lead.

    What is refused or fails is put off, longer each time, and says why on the lead. A team without room keeps its leads
    waiting, all of them at once; that is no failure. What waits in a release plan is left to the plan.

    Args:
        now: the moment.
        limit: how many leads at most.
        longest: seconds after which the rest is left to the next tick.
    """
    done = refused = failed = 0
    until = time.monotonic() + longest
    waiting: set[int] = set()
    for lead in _ready(now=now)[:limit]:
        if time.monotonic() > until:
            break
        if lead.pk in waiting:
            continue
        try:
            hand_over(lead, by=None, now=now, waits_for_capacity=True)
            done += 1
        except AtCapacity as reason:
            waiting |= _wait_for_room(lead, reason, now=now)
            refused += 1
        except HandoverRefused as reason:
            _put_off(lead, why=str(reason), now=now)
            refused += 1
        except Exception:
            # One bad row never stops a sweep.
            log.exception("Lead %s could not be handed over", lead.public_id)
            _put_off(lead, why=_("Something went wrong on our side. It is tried again."), now=now)
            failed += 1
    return Swept(done, refused, failed)


def _ready(*, now: datetime) -> LeadQuerySet:
    """Return leads to hand over by themselves; each stands under the first agreement whose scope holds."""
    planned = ReleaseItem.objects.filter(lead=OuterRef("pk"), released_at=None, dropped_at=None)
    ready = Lead.objects.to_hand_over(now=now).filter(~Exists(planned), origin=Origin.LIVE)
    automatic = Q(pk__in=())
    earlier = Q(pk__in=())
    for agreement in Agreement.objects.in_force(now=now):
        pair = conditions.compile(agreement.scope, now=now)
        if agreement.hands_over_automatically:
            scoped = Lead.objects.filter(pair.holds).values("pk")
            automatic |= Q(pk__in=scoped) & ~earlier
        earlier |= Q(pk__in=Lead.objects.filter(pair.holds).values("pk"))
        if agreement.scope is None:
            break
    return ready.filter(automatic).order_by("qualified_at", "pk")


def _wait_for_room(lead: Lead, reason: AtCapacity, *, now: datetime) -> set[int]:
    """Put a lead off whose team has no room, and with it every other one that the rules lead there; hot ones never."""
    alike = Q(pk=lead.pk)
    if reason.team is not None:
        alike |= routing.led_to(reason.team, now=now) & ~Q(temperature=Temperature.HOT)
    ids = list(_ready(now=now).filter(alike).order_by("pk").values_list("pk", flat=True))
    Lead.objects.filter(pk__in=ids).update(handover_not_before=now + WAIT_FOR_CAPACITY, handover_error=str(reason))
    return set(ids)


def _put_off(lead: Lead, *, why: str, now: datetime) -> None:
    wait = min(FIRST_RETRY * 2 ** min(lead.handover_failures, 12), LONGEST_WAIT)
    _one(lead).update(handover_not_before=now + wait, handover_failures=F("handover_failures") + 1, handover_error=why)
