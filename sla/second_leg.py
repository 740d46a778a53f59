"""The second leg: sales passes an accepted lead on to an account executive and still holds the first."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from leads import scoring
from leads.models import Lead
from leadsla.accounts.models import User
from sla import moments, routing
from sla.gate import HandoverRefused
from sla.locking import lead_first
from sla.models import Decision, Handoff, Round, RoutingRule
from sla.rounds import assign, loaded, open_round

LONGEST_NOTE = 2000


def may_pass_on(handoff: Handoff) -> bool:
    """Tell whether a handoff can be passed on: accepted, with nobody yet, and there are rules for the second leg."""
    return _refusal(handoff) == "" and RoutingRule.objects.filter(leg=2, is_active=True).exists()


def _refusal(handoff: Handoff) -> str:
    if handoff.leg != 1 or handoff.is_notice:
        return _("Only what came from marketing is passed on.")
    if handoff.closed_at is not None or handoff.decision != Decision.ACCEPTED or handoff.given_back_at is not None:
        return _("Only an accepted lead that is still open is passed on.")
    there = Handoff.objects.open().filter(parent=handoff).select_related("owner", "to_team").first()
    if there is not None:
        return _("It is passed on already: it is with %(owner)s.") % {"owner": there.owner or there.to_team}
    return ""


def second_leg_of(handoff: Handoff) -> Handoff | None:
    """Return the open second leg of a handoff, or None."""
    second = Handoff.objects.open().filter(parent=handoff).exclude(decision=Decision.REJECTED)
    return second.select_related("owner", "to_team").first()


@transaction.atomic
def return_to_first(handoff: Handoff, *, because: str, now: datetime) -> bool:
    """Close a second leg that was rejected or given back; the lead is with whoever holds the first again.

    Nothing happens to the lead: sales still owes what it promised for the first leg.

    Returns:
        False when it was closed before.
    """
    return moments.close(handoff, because=because, now=now)


@transaction.atomic
def pass_on(handoff: Handoff, *, by: User, now: datetime, note: str = "") -> Handoff:
    """Pass an accepted lead on to an account executive: the second leg, with its own pack and decision.

    Who passes it on keeps the first leg. The times of the agreement run for the second one where it says so.

    Args:
        handoff: accepted and open, from marketing.
        by: who passes it on; they do not get it themselves.
        now: the moment.
        note: what the account executive should know.

    Raises:
        HandoverRefused: in words; nothing was changed.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise HandoverRefused(_("This is longer than %(longest)d characters. Shorten it.") % {"longest": LONGEST_NOTE})
    lead_first(handoff)
    first = Handoff.objects.select_for_update(of=("self",)).select_related("agreement", "to_team").get(pk=handoff.pk)
    if why_not := _refusal(first):
        raise HandoverRefused(why_not)
    lead = loaded(first.lead_id)
    try:
        route = routing.route_on(lead, temperature=first.temperature, now=now, by=first.owner or by)
    except routing.NoRoute as reason:
        raise HandoverRefused(str(reason)) from None
    second = _create(first, lead, route=route, by=by, now=now)
    open_round(second, because=Round.OpenedBecause.HANDED_OVER, now=now, lead=lead, note=note)
    assign(second, user=route.user, team=route.team, why=route.reasons[-1], now=now, by=by, shares=route.shares)
    return second


def _create(first: Handoff, lead: Lead, *, route: routing.Route, by: User, now: datetime) -> Handoff:
    try:
        with transaction.atomic():
            return Handoff.objects.create(
                lead=lead,
                leg=2,
                parent=first,
                joins=route.joins,
                counts=False,
                agreement=first.agreement,
                definition_id=first.definition_id,
                score_model=lead.score_model,
                source_id=first.source_id,
                campaign_id=first.campaign_id,
                from_team=first.to_team,
                to_team=route.team,
                door=first.door,
                temperature=first.temperature,
                score=lead.score,
                grade=lead.grade,
                band="" if lead.score is None else scoring.band_of(lead.score),
                routing=route.as_json(),
                handed_over_at=now,
                handed_over_by=by,
                owner=route.user,
                owner_since=now if route.user else None,
                recorded_at=now,
            )
    except IntegrityError as error:
        if "one_open_handoff_per_lead_and_leg" not in str(error):
            raise
        raise HandoverRefused(_("Already passed on: somebody did it at the same moment.")) from None
