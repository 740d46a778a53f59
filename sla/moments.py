"""What came of a handoff: follow-ups, outcomes, given back, closed; two legs know of each other. Serves sla.handoff."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext as _

from leadsla.accounts.models import Side, User
from sla import clocks, owed
from sla.locking import lead_first
from sla.models import Commitment, Handoff

Measure = Commitment.Measure
Because = Handoff.ClosedBecause

ENDS = (Because.WON, Because.LOST)


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
    lead_first(handoff)
    if Handoff.objects.filter(pk=handoff.pk, is_notice=False).update(**columns) != 1:
        return False
    proven_at = at if in_time_proof else now
    stopped = clocks.stop(handoff, measure=Measure.FIRST_FOLLOW_UP, at=proven_at, now=now)
    if in_time_proof and not stopped:
        clocks.confirm(handoff, measure=Measure.FIRST_FOLLOW_UP, at=at, now=now)
    clocks.stop(handoff, measure=Measure.ANSWER, at=proven_at, now=now, begun_by=at)
    handoff.refresh_from_db()
    owed.followed_up(handoff, at=proven_at, now=now, reached=reached, is_enough=attempts_are_enough)
    if handoff.parent is not None and handoff.parent.closed_at is None:
        # Sales keeps one promise for one lead: what the second leg does is done for the first, too.
        record_follow_up(
            handoff.parent,
            at=at,
            counts_as_attempt=False,
            reached=reached,
            now=now,
            next_step_at=next_step_at,
            in_time_proof=in_time_proof,
            attempts_are_enough=attempts_are_enough,
        )
    return True


@transaction.atomic
def confirm_follow_up(handoff: Handoff, *, at: datetime, now: datetime, by: User | None = None, why: str = "") -> bool:
    """Let a follow-up count at its stated time after all, because a manager, an import or a system confirms it.

    Args:
        handoff: whose first follow-up.
        at: when it happened.
        now: when that is confirmed.
        by: the manager; None for an import or a system.
        why: in words.

    Returns:
        False when that does not make the clock one that was kept.
    """
    return clocks.confirm(handoff, measure=Measure.FIRST_FOLLOW_UP, at=at, now=now, by=by, why=why)


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

    Of two legs both get the moment; what marketing promised is measured on the first. A later report of the
    same outcome corrects the moment. Won after lost (or the other way round) replaces it.

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
    lead_first(handoff)
    if Handoff.objects.filter(pk=handoff.pk, is_notice=False).update(**columns) != 1:
        return False
    handoff.refresh_from_db()
    owed.reported(handoff, kind=kind, at=at, now=now)
    for other in _other_leg(handoff):
        Handoff.objects.filter(pk=other.pk).update(**columns)
        other.refresh_from_db()
        owed.reported(other, kind=kind, at=at, now=now)
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
    lead_first(handoff)
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

    Won or lost on the second leg closes the first, too; with the first leg, whatever closes it, the second one ends.

    Returns:
        False when it was closed before.
    """
    lead_first(handoff)
    if Handoff.objects.open().filter(pk=handoff.pk).update(closed_at=now, closed_because=because) != 1:
        return False
    clocks.cancel(handoff, now=now)
    clocks.cancel(handoff, now=now, side=Side.MARKETING)
    handoff.assignments.filter(ended_at=None).update(ended_at=now)
    handoff.refresh_from_db()
    for other in _other_leg(handoff):
        if other.leg == 2 or because in ENDS:
            close(other, because=because, now=now)
    return True


def _other_leg(handoff: Handoff) -> list[Handoff]:
    """Return the first leg of a second one, or the open second leg of a first one."""
    if handoff.leg == 1:
        return list(Handoff.objects.open().filter(parent=handoff).order_by("pk"))
    return [handoff.parent] if handoff.parent is not None else []
