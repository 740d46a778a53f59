"""Hand over, answer, return, reroute, reassign, close. The only writer of a handoff's moments."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext as _

from leads import conditions, scoring, stages
from leads.models import Lead, Origin, Stage, Temperature
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import Side, Team, User
from sla import agreements, clocks, gate, notices, owed, routing
from sla.models import Agreement, Assignment, Clock, Commitment, Decision, Handoff, Round
from sla.querysets import HandoffQuerySet
from sla.rounds import assign, loaded, open_round

log = logging.getLogger(__name__)

Measure = Commitment.Measure
Because = Handoff.ClosedBecause

RESTS_AFTER_WITHDRAWAL = timedelta(days=30)  # a new request to be contacted ends it
FIRST_RETRY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
WAIT_FOR_CAPACITY = timedelta(minutes=10)
WRONG_TERRITORY = "wrong_territory"  # the reason for which a turn is credited back when rerouting confirms it


HandoverRefused = gate.HandoverRefused  # the callers' name for it
AtCapacity = gate.AtCapacity


# --- hand over


@transaction.atomic
def hand_over(
    lead: Lead, *, by: User | None, now: datetime, override_reason: str = "", waits_for_capacity: bool = False
) -> Handoff:
    """Hand a lead over to sales: gate, account check, route, frozen pack, clocks, notices; all or nothing.

    Args:
        lead: whom.
        by: who hands over; None when it happens by itself.
        now: the moment.
        override_reason: why the gate is passed although the lead is not qualified; marketing managers only.
        waits_for_capacity: refuse with `AtCapacity` instead of filling the team's queue, unless the lead is hot.

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
        route = routing.route(lead, temperature=temperature, now=now)
    except routing.NoRoute as reason:
        raise HandoverRefused(str(reason)) from None
    if waits_for_capacity and route.user is None and route.is_at_capacity and temperature != Temperature.HOT:
        raise AtCapacity(_("%(team)s has no room: everybody has the most open handoffs.") % {"team": route.team})
    handoff = _create(lead, agreement=agreement, route=route, by=by, override=override, now=now)
    clocks.stop_hand_over(handoff, agreement=agreement, now=now)
    open_round(handoff, because=Round.OpenedBecause.HANDED_OVER, now=now, lead=lead)
    assign(handoff, user=route.user, team=route.team, why=route.reasons[-1], now=now, by=by, counts=not route.is_notice)
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


def _one(lead: Lead) -> LeadQuerySet:
    return Lead.objects.filter(pk=lead.pk)


def _create(
    lead: Lead, *, agreement: Agreement, route: routing.Route, by: User | None, override: str, now: datetime
) -> Handoff:
    is_notice = route.is_notice
    counts = not is_notice and not (agreement.counts_companies and gate.company_counts_already(lead.company, now=now))
    try:
        with transaction.atomic():
            return Handoff.objects.create(
                lead=lead,
                is_notice=is_notice,
                joins=route.joins,
                counts=counts,
                is_above_range=counts and gate.is_above_range(agreement, now=now),
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


def hand_over_ready(*, now: datetime, limit: int = 200) -> Swept:
    """Hand over qualified leads where the agreement does so by itself, oldest first, one transaction per lead.

    What is refused or fails is put off, longer each time, and says why on the lead. A team without room keeps the lead
    waiting; that is no failure.

    Args:
        now: the moment.
        limit: how many leads at most.
    """
    done = refused = failed = 0
    for lead in _ready(now=now)[:limit]:
        try:
            hand_over(lead, by=None, now=now, waits_for_capacity=True)
            done += 1
        except AtCapacity as reason:
            _one(lead).update(handover_not_before=now + WAIT_FOR_CAPACITY, handover_error=str(reason))
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
    ready = Lead.objects.to_hand_over(now=now).filter(origin=Origin.LIVE)
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


def _put_off(lead: Lead, *, why: str, now: datetime) -> None:
    wait = min(FIRST_RETRY * 2 ** min(lead.handover_failures, 12), LONGEST_WAIT)
    _one(lead).update(handover_not_before=now + wait, handover_failures=F("handover_failures") + 1, handover_error=why)


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
        _take(Handoff.objects.open(), handoff, by=by, why=_("Accepted from the team's queue."), now=now)
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
    clocks.reopen(handoff, round_number=round_.number, stopped_at=decided_at, measures=measures)
    owed.take_back(handoff, round_number=round_.number)
    _give_back_to_queue(handoff, taken_at=decided_at)
    return True


def _give_back_to_queue(handoff: Handoff, *, taken_at: datetime) -> None:
    """Put a handoff that was taken by answering it back into the team's queue."""
    queued = handoff.assignments.filter(user=None, ended_at=taken_at).last()
    taken = handoff.assignments.filter(assigned_at=taken_at, ended_at=None).exclude(user=None)
    if queued is None or not taken.delete()[0]:
        return
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
    returned = Handoff.objects.returned().filter(pk=handoff.pk, round=handoff.round)
    if not _next_round(returned):
        raise HandoverRefused(_("This lead is not with you to be fixed any more."))
    clocks.stop(handoff, measure=Measure.FIX, at=now, now=now)
    handoff.refresh_from_db()
    if handoff.owner is not None and not handoff.owner.is_active and handoff.to_team is not None:
        _route_again(handoff, handoff.to_team, by=by, now=now)
    return open_round(handoff, because=Round.OpenedBecause.FIXED, now=now)


@transaction.atomic
def withdraw(handoff: Handoff, *, by: User, now: datetime) -> bool:
    """Take a handoff back before sales answered it, or instead of fixing it; the lead rests, unless it asks again.

    Returns:
        False when sales answered otherwise, whose answer then says what follows, or when it is closed.
    """
    before = Handoff.objects.open().filter(Q(decision="") | Q(is_returned=True), pk=handoff.pk)
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
    movable = Handoff.objects.open().exclude(decision=Decision.ACCEPTED).filter(pk=handoff.pk, round=handoff.round)
    reason = handoff.reason
    if not _next_round(movable):
        return None
    clocks.cancel(handoff, now=now)
    clocks.cancel(handoff, now=now, side=Side.MARKETING)
    handoff.refresh_from_db()
    if reason == WRONG_TERRITORY:
        _credit_back(handoff, now=now)
    _route_again(handoff, team, by=by, now=now)
    return open_round(handoff, because=Round.OpenedBecause.REROUTED, now=now)


def _next_round(handoffs: QuerySet[Handoff]) -> bool:
    return handoffs.update(round=F("round") + 1, decision="", decided_at=None, reason="", is_returned=False) == 1


def _route_again(handoff: Handoff, team: Team, *, by: User | None, now: datetime) -> None:
    route = routing.route_in(team, lead=handoff.lead, temperature=handoff.temperature, now=now, but_not=handoff.owner)
    _set_owner(handoff, user=route.user, team=team, now=now, routing=route.as_json())
    assign(handoff, user=route.user, team=team, why=route.reasons[-1], now=now, by=by)


def _set_owner(handoff: Handoff, *, user: User | None, team: Team, now: datetime, **columns: Any) -> None:
    handoff.owner, handoff.to_team, handoff.owner_since = user, team, now if user else None
    for column, value in columns.items():
        setattr(handoff, column, value)
    handoff.save(update_fields=["owner", "to_team", "owner_since", *columns])


def _credit_back(handoff: Handoff, *, now: datetime) -> None:
    line = handoff.assignments.filter(counts=True, credited_back=False).exclude(user=None).last()
    if line is None or line.user is None:
        return
    if routing.may_be_credited(line.user, temperature=handoff.temperature, now=now):
        Assignment.objects.filter(pk=line.pk).update(credited_back=True)


# --- whose it is


@transaction.atomic
def reassign(handoff: Handoff, *, to: User, by: User, now: datetime) -> bool:
    """Give an open handoff to somebody else in sales; its clocks go on.

    Returns:
        False when it changed hands meanwhile, is closed, or is theirs already.

    Raises:
        HandoverRefused: the person cannot have it; the text says why.
    """
    if not to.is_active or to.team is None or not to.has_role(*routing.SALES):
        raise HandoverRefused(_("%(to)s is not an active member of a sales team.") % {"to": to})
    before = handoff.owner
    mine = Handoff.objects.open().filter(pk=handoff.pk, owner=before, is_notice=False)
    if before == to or mine.update(owner=to, to_team=to.team, owner_since=now) != 1:
        return False
    handoff.refresh_from_db()
    clocks.hand_to(handoff, owner=to, team=to.team)
    assign(handoff, user=to, team=to.team, why=_("Reassigned by %(by)s.") % {"by": by}, now=now, by=by)
    notices.reassigned(handoff, before=before, by=by, now=now)
    return True


@transaction.atomic
def claim(handoff: Handoff, *, by: User, now: datetime) -> bool:
    """Take a handoff that waits in the team's queue.

    Returns:
        False when somebody was first, or it does not wait there any more.
    """
    taken = _take(Handoff.objects.waiting(), handoff, by=by, why=_("Claimed from the team's queue."), now=now)
    if taken:
        handoff.refresh_from_db()
    return taken


def claim_next(*, by: User, now: datetime) -> Handoff | None:
    """Take the handoff in the person's team's queue that is due first; None when nothing waits there.

    No cherry-picking: who claims gets the next in line.
    """
    if by.team is None:
        return None
    queue = Handoff.objects.waiting().filter(owner=None, to_team=by.team)
    due = Clock.objects.filter(handoff__in=queue, outcome=Clock.Outcome.RUNNING, stopped_at=None)
    for running in due.select_related("handoff").order_by("due_at", "pk")[:20]:
        if running.handoff is not None and claim(running.handoff, by=by, now=now):
            return running.handoff
    return None


def _take(among: HandoffQuerySet, handoff: Handoff, *, by: User, why: str, now: datetime) -> bool:
    queued = among.filter(pk=handoff.pk, round=handoff.round, owner=None, is_notice=False)
    if queued.update(owner=by, owner_since=now) != 1:
        return False
    team = handoff.to_team or by.team
    clocks.hand_to(handoff, owner=by, team=team)
    if team is not None:
        assign(handoff, user=by, team=team, why=why, now=now, by=by)
    return True


# --- what came of it


@transaction.atomic
def record_follow_up(
    handoff: Handoff,
    *,
    at: datetime,
    counts_as_attempt: bool,
    reached: bool,
    now: datetime,
    next_step_at: datetime | None = None,
    in_time_proof: bool = True,
    attempts_are_enough: bool = False,
) -> bool:
    """Record that sales tried to reach the lead; the first time stops the clock at the moment when it happened.

    Args:
        handoff: open or closed; what happened, happened.
        at: when it happened.
        counts_as_attempt: whether it counts among the attempts agreed.
        reached: whether they talked.
        now: when it was logged.
        next_step_at: what comes next, and when; None clears it.
        in_time_proof: False for a hand entry logged too late to count at its stated time: the clock then stops when it
            was logged, until somebody confirms it.
        attempts_are_enough: with this one, the agreed attempts are made.

    Returns:
        False for a notice, which asks for nothing.
    """
    columns: dict[str, Any] = {
        "first_follow_up_at": Least(Coalesce("first_follow_up_at", Value(at)), Value(at)),
        "last_follow_up_at": Greatest(Coalesce("last_follow_up_at", Value(at)), Value(at)),
        "next_step_at": next_step_at,
    }
    if counts_as_attempt:
        columns["attempts"] = F("attempts") + 1
    if reached:
        columns["reached_at"] = Least(Coalesce("reached_at", Value(at)), Value(at))
    if Handoff.objects.filter(pk=handoff.pk, is_notice=False).update(**columns) != 1:
        return False
    proven_at = at if in_time_proof else now
    clocks.stop(handoff, measure=Measure.FIRST_FOLLOW_UP, at=proven_at, now=now)
    handoff.refresh_from_db()
    owed.followed_up(handoff, at=proven_at, now=now, reached=reached, is_enough=attempts_are_enough)
    return True


@transaction.atomic
def confirm_follow_up(handoff: Handoff, *, at: datetime, now: datetime) -> bool:
    """Let a follow-up count at its stated time after all, because a manager, an import or a system confirms it.

    Returns:
        False when that does not make the clock one that was kept.
    """
    return clocks.confirm(handoff, measure=Measure.FIRST_FOLLOW_UP, at=at)


@transaction.atomic
def record_outcome(
    handoff: Handoff,
    *,
    kind: str,
    at: datetime,
    now: datetime,
    revenue: Decimal | None = None,
    currency: str = "",
) -> bool:
    """Record a meeting, an opportunity, won or lost. The caller closes what has ended.

    A later report of the same outcome corrects the moment. Won after lost (or the other way round) replaces it.

    Args:
        handoff: accepted, or closed as won or lost.
        kind: "meeting", "opportunity", "won" or "lost".
        at: when it happened.
        now: when that is recorded.
        revenue: of won.
        currency: ISO 4217 code of the revenue.

    Returns:
        False for a notice.

    Raises:
        ValueError: for another kind.
    """
    moments: dict[str, dict[str, Any]] = {
        "meeting": {"meeting_at": at},
        "opportunity": {"opportunity_at": at},
        "won": {"won_at": at, "lost_at": None, "revenue": revenue, "currency": currency},
        "lost": {"lost_at": at, "won_at": None, "revenue": None, "currency": ""},
    }
    if kind not in moments:
        raise ValueError(f"kind: {kind!r} is no outcome; use {', '.join(moments)}.")
    columns = moments[kind]
    if kind in {"won", "lost"}:
        ended = Q(closed_because__in=(Because.WON, Because.LOST))
        columns["closed_because"] = Case(When(ended, then=Value(kind)), default=F("closed_because"))
        captured = handoff.lead.captured_at
        if captured is not None and at < captured:
            columns["flag"] = _("%(outcome)s before its first contact") % {"outcome": Because(kind).label}
    if Handoff.objects.filter(pk=handoff.pk, is_notice=False).update(**columns) != 1:
        return False
    handoff.refresh_from_db()
    owed.reported(handoff, kind=kind, at=at, now=now)
    return True


@transaction.atomic
def record_giving_back(handoff: Handoff, *, reason: str, blames_marketing: bool, by: User, now: datetime) -> bool:
    """Record that sales gives an accepted handoff back; the decision stays. The caller closes it.

    Args:
        handoff: accepted and open.
        reason: code.
        blames_marketing: the reason is "not as defined".
        by: who gives it back; the answer of `feedback` keeps the name.
        now: the moment.

    Returns:
        False when it is not accepted and open any more, or given back already.
    """
    accepted = Handoff.objects.accepted().filter(pk=handoff.pk, given_back_at=None)
    given = accepted.update(given_back_at=now, given_back_reason=reason, given_back_blames_marketing=blames_marketing)
    if given != 1:
        return False
    owed.given_back(handoff, now=now)
    clocks.cancel(handoff, now=now)
    handoff.refresh_from_db()
    return True


@transaction.atomic
def close(handoff: Handoff, *, because: str, now: datetime) -> bool:
    """Close a handoff; what runs ends, as missed when it is past due, else as cancelled.

    Returns:
        False when it was closed before.
    """
    if Handoff.objects.open().filter(pk=handoff.pk).update(closed_at=now, closed_because=because) != 1:
        return False
    clocks.cancel(handoff, now=now)
    clocks.cancel(handoff, now=now, side=Side.MARKETING)
    handoff.assignments.filter(ended_at=None).update(ended_at=now)
    handoff.refresh_from_db()
    return True
