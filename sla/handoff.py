"""Answer, return, send again, withdraw, reroute; and the one name under which all acts on a handoff are found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from leads import stages
from leadsla.accounts.models import Side, Team, User
from sla import clocks, notices, owed, turn_credits, turns
from sla.gate import AtCapacity, HandoverRefused
from sla.handing_over import Swept, hand_over, hand_over_ready
from sla.locking import lead_first
from sla.models import Assignment, Commitment, Decision, Handoff, Round
from sla.moments import close, confirm_follow_up, record_follow_up, record_giving_back, record_outcome
from sla.owners import claim, claim_next, lapse_claims, offer, pass_to_next, reassign, route_again, take
from sla.rounds import open_round
from sla.rulings import contest, rule
from sla.second_leg import may_pass_on, pass_on, return_to_first, second_leg_of

__all__ = [
    "RESTS_AFTER_WITHDRAWAL",
    "AtCapacity",
    "HandoverRefused",
    "Swept",
    "claim",
    "claim_next",
    "close",
    "confirm_follow_up",
    "contest",
    "hand_over",
    "hand_over_ready",
    "lapse_claims",
    "may_pass_on",
    "offer",
    "pass_on",
    "pass_to_next",
    "reassign",
    "record_decision",
    "record_follow_up",
    "record_giving_back",
    "record_outcome",
    "reroute",
    "return_to_first",
    "return_to_marketing",
    "rule",
    "second_leg_of",
    "send_again",
    "withdraw",
    "withdraw_decision",
]

Measure = Commitment.Measure
Because = Handoff.ClosedBecause

RESTS_AFTER_WITHDRAWAL = timedelta(days=30)  # a new request to be contacted ends it


# --- decisions


@transaction.atomic
def record_decision(
    handoff: Handoff,
    *,
    decision: str,
    by: User,
    now: datetime,
    reason: str = "",
    is_not_as_defined: bool | None = None,
    is_counted: bool = True,
    is_usable: bool = True,
    quality: int | None = None,
) -> Round | None:
    """Record sales's answer to the current round and stop its clock. The first answer wins.

    Accepting what waits in the team's queue makes the accepting person its owner. Rejecting ends what else runs: as
    missed when it is past due, else as cancelled.

    Args:
        handoff: as it was loaded; its round is the one that is answered.
        decision: a value of `Decision`.
        by: who decides.
        now: the moment; the decision counts at once.
        reason: code, when rejected.
        is_not_as_defined: the reason counts against marketing.
        is_counted: whether it counts in marketing's rate at all.
        is_usable: whether marketing can act on the reason.
        quality: 1–5.

    Returns:
        The decided round, or None: somebody was first, or the handoff does not wait for an answer.
    """
    lead_first(handoff)
    waiting = Handoff.objects.waiting().filter(pk=handoff.pk, round=handoff.round)
    if waiting.update(decision=decision, decided_at=now, reason=reason) != 1:
        return None
    round_ = Round.objects.get(handoff=handoff, number=handoff.round)
    decided: dict[str, Any] = {
        "decision": decision,
        "decided_at": now,
        "decided_by": by,
        "reason": reason,
        "is_not_as_defined": is_not_as_defined,
        "is_counted": is_counted,
        "is_usable": is_usable,
        "quality": quality,
    }
    for column, value in decided.items():
        setattr(round_, column, value)
    round_.save(update_fields=[*decided])
    clocks.stop(handoff, measure=Measure.DECIDE, at=now, now=now)
    if decision == Decision.REJECTED:
        clocks.cancel(handoff, now=now)
    else:
        take(Handoff.objects.open(), handoff, by=by, why=_("Accepted from the team's queue."), now=now)
    handoff.refresh_from_db()
    if decision == Decision.ACCEPTED:
        owed.begin(handoff, at=now, now=now)
    return round_


@transaction.atomic
def withdraw_decision(round_: Round, *, now: datetime) -> bool:
    """Take a round's decision back; its clocks run on with the time used.

    Args:
        round_: decided, and still the current round of an open handoff.
        now: the moment.

    Returns:
        False when there is no decision any more, or something followed from it already.
    """
    decided_at = round_.decided_at
    lead_first(round_.handoff)
    if Round.objects.filter(pk=round_.pk, contested_at__isnull=False).exists():
        return False
    decided = (
        Handoff.objects.open()
        .exclude(decision="")
        .filter(pk=round_.handoff_id, round=round_.number, decided_at=decided_at, is_returned=False, given_back_at=None)
    )
    if decided_at is None or decided.update(decision="", decided_at=None, reason="") != 1:
        return False
    Round.objects.filter(pk=round_.pk).update(
        decision="",
        decided_at=None,
        decided_by=None,
        reason="",
        is_not_as_defined=None,
        is_counted=True,
        is_usable=True,
        quality=None,
    )
    handoff = Handoff.objects.get(pk=round_.handoff_id)
    measures = [Measure.DECIDE]
    if handoff.first_follow_up_at is None:
        measures.append(Measure.FIRST_FOLLOW_UP)
    if round_.decision == Decision.REJECTED:
        measures.append(Measure.ANSWER)
    clocks.reopen(handoff, round_number=round_.number, stopped_at=decided_at, measures=measures)
    owed.take_back(handoff, round_number=round_.number)
    _give_back_to_queue(handoff, taken_at=decided_at)
    return True


def _give_back_to_queue(handoff: Handoff, *, taken_at: datetime) -> None:
    """Put a handoff that was taken by answering it back into the team's queue."""
    queued = handoff.assignments.filter(user=None, ended_at=taken_at).last()
    taken = handoff.assignments.filter(assigned_at=taken_at, ended_at=None).exclude(user=None)
    line = taken.select_related("team").first()
    if queued is None or line is None:
        return
    turns.take_back(line)
    line.delete()
    Assignment.objects.filter(pk=queued.pk).update(ended_at=None)
    Handoff.objects.filter(pk=handoff.pk).update(owner=None, owner_since=None)
    clocks.hand_to(handoff, owner=None, team=handoff.to_team)


# --- back to marketing, and again


@transaction.atomic
def return_to_marketing(handoff: Handoff, *, now: datetime) -> bool:
    """Give a rejected handoff to marketing to be fixed; the clock for it runs from the rejection.

    Returns:
        False when it is not rejected and open any more, or returned already.
    """
    lead_first(handoff)
    rejected = Handoff.objects.open().filter(
        pk=handoff.pk, round=handoff.round, decision=Decision.REJECTED, is_returned=False
    )
    if rejected.update(is_returned=True) != 1:
        return False
    handoff.refresh_from_db()
    Round.objects.filter(handoff=handoff, number=handoff.round).update(returned_at=now)
    if handoff.agreement is not None and handoff.decided_at is not None:
        clocks.start(
            measure=Measure.FIX,
            lead=handoff.lead,
            agreement=handoff.agreement,
            temperature=handoff.temperature,
            at=handoff.decided_at,
            now=now,
            handoff=handoff,
            round_number=handoff.round,
            owner=handoff.lead.owner or handoff.handed_over_by,
            team=handoff.from_team,
        )
    return True


@transaction.atomic
def send_again(handoff: Handoff, *, by: User, now: datetime) -> Round:
    """Send a fixed lead again: the next round, with its own pack and clocks, to the same rep.

    Raises:
        HandoverRefused: it is not with marketing any more.
    """
    lead_first(handoff)
    returned = Handoff.objects.returned().filter(pk=handoff.pk, round=handoff.round)
    if not _next_round(returned):
        raise HandoverRefused(_("This lead is not with you to be fixed any more."))
    clocks.stop(handoff, measure=Measure.FIX, at=now, now=now)
    handoff.refresh_from_db()
    if handoff.owner is not None and not handoff.owner.is_active and handoff.to_team is not None:
        route_again(handoff, handoff.to_team, by=by, now=now)
    return open_round(handoff, because=Round.OpenedBecause.FIXED, now=now)


@transaction.atomic
def withdraw(handoff: Handoff, *, by: User, now: datetime) -> bool:
    """Take a handoff back before sales answered it, or instead of fixing it; the lead rests, unless it asks again.

    Returns:
        False when sales answered otherwise, whose answer then says what follows, or when it is closed.
    """
    lead_first(handoff)
    before = Handoff.objects.open().filter(Q(decision="") | Q(is_returned=True), pk=handoff.pk, leg=1)
    if before.update(closed_at=now, closed_because=Because.WITHDRAWN, is_returned=False) != 1:
        return False
    clocks.stop(handoff, measure=Measure.FIX, at=now, now=now)
    clocks.cancel(handoff, now=now)
    handoff.assignments.filter(ended_at=None).update(ended_at=now)
    handoff.refresh_from_db()
    stages.recycle(
        handoff.lead,
        until=now + RESTS_AFTER_WITHDRAWAL,
        because=_("Withdrawn by marketing"),
        previous_owner=handoff.owner,
        now=now,
    )
    notices.withdrawn(handoff, by=by, now=now)
    return True


@transaction.atomic
def reroute(handoff: Handoff, *, team: Team, now: datetime, by: User | None = None) -> Round | None:
    """Send a handoff that is not accepted to another team: the next round, with its own pack and clocks.

    Where sales rejected it for the wrong territory, the rep's turn is credited back.

    Returns:
        The new round; None when it is accepted or closed.
    """
    lead_first(handoff)
    movable = Handoff.objects.open().exclude(decision=Decision.ACCEPTED).filter(pk=handoff.pk, round=handoff.round)
    reason = handoff.reason
    if not _next_round(movable):
        return None
    clocks.cancel(handoff, now=now)
    clocks.cancel(handoff, now=now, side=Side.MARKETING)
    handoff.refresh_from_db()
    turns.lock(handoff.to_team, team)
    if reason == turn_credits.WRONG_TERRITORY and team != handoff.to_team:
        turn_credits.rerouted(handoff, now=now)
    route_again(handoff, team, by=by, now=now)
    return open_round(handoff, because=Round.OpenedBecause.REROUTED, now=now)


def _next_round(handoffs: QuerySet[Handoff]) -> bool:
    return handoffs.update(round=F("round") + 1, decision="", decided_at=None, reason="", is_returned=False) == 1
