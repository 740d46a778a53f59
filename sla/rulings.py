"""Marketing contests a rejection once; a manager of each side, or the person that the agreement names, rules on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from leads import stages
from leads.models import Lead, Stage
from leadsla.accounts.access import MANAGER_OF
from leadsla.accounts.models import Side, User
from sla import calendars, owed, turn_credits, turn_notices
from sla.locking import lead_first
from sla.models import Decision, Handoff, Round, RulingWord
from sla.owners import route_again
from sla.rounds import open_round

Ruling = Round.Ruling

LONGEST_WHY = 2000
WITHOUT_AGREEMENT = timedelta(days=7)
MAY_COME_BACK = (Stage.NURTURING, Stage.QUALIFIED, Stage.HANDED_OVER, Stage.INQUIRY, Stage.DISQUALIFIED)


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """What was said about a rejection cannot be taken; `errors` has a sentence per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


# --- contest


@transaction.atomic
def contest(handoff: Handoff, *, why: str, by: User, now: datetime) -> bool:
    """Contest the rejection of a handoff's current round for marketing; each rejection once.

    The managers of both sides are asked; the working days that the agreement gives them run from now.

    Args:
        handoff: rejected; closed or still open.
        why: marketing's words.
        by: who contests.
        now: the moment.

    Returns:
        False when it is not rejected any more, or was contested before.

    Raises:
        Refused: `why` is missing or too long.
    """
    why = _words(why, empty=_("Say why the rejection is wrong; the managers of both sides read it."))
    lead_first(handoff)
    open_to_it = Round.objects.filter(
        handoff=handoff,
        number=F("handoff__round"),
        handoff__leg=1,
        handoff__decision=Decision.REJECTED,
        decision=Decision.REJECTED,
        contested_at=None,
    )
    columns: dict[str, Any] = {
        "contested_at": now,
        "contested_by": by,
        "contest": why,
        "ruling_due_at": _due_at(handoff, now=now),
    }
    found = list(open_to_it.select_for_update(of=("self",)).select_related("decided_by", "handoff"))
    if not found or Round.objects.filter(pk=found[0].pk, contested_at=None).update(**columns) != 1:
        return False
    for column, value in columns.items():
        setattr(found[0], column, value)
    turn_notices.contested(handoff, found[0], by=by, now=now)
    return True


def _words(text: str, *, empty: str) -> str:
    text = text.strip()
    if not text:
        raise Refused({"why": empty})
    if len(text) > LONGEST_WHY:
        raise Refused({"why": _("This is longer than %(longest)d characters. Shorten it.") % {"longest": LONGEST_WHY}})
    return text


def _due_at(handoff: Handoff, *, now: datetime) -> datetime:
    if handoff.agreement is None:
        return now + WITHOUT_AGREEMENT
    hours = calendars.working_time(calendars.current(handoff.agreement.calendar, now=now))
    return hours.add(now, hours.working_day * handoff.agreement.ruling_working_days)


# --- rule


@transaction.atomic
def rule(handoff: Handoff, *, ruling: str, by: User, now: datetime, why: str = "", side: str = "") -> bool:
    """Take a word on a contested rejection. One manager of each side must say the same; else a third person decides.

    A manager may change their word until it is ruled. Overturned, the lead goes back to sales as accepted, with the
    time used, unless it went elsewhere meanwhile.

    Args:
        handoff: with a contested round.
        ruling: `upheld` or `overturned`.
        by: a manager of a side, or the person whom the agreement names.
        now: the moment.
        why: in their words.
        side: for which side somebody speaks who manages both.

    Returns:
        Whether it is ruled now; False when another word is missing, it was ruled before, or the time for it is over.

    Raises:
        Refused: `ruling` is no ruling, or the person has no word in this.
    """
    if ruling not in {Ruling.UPHELD, Ruling.OVERTURNED}:
        raise Refused({"ruling": _("Say whether the rejection stands (upheld) or not (overturned).")})
    lead_first(handoff)
    waiting = Round.objects.filter(handoff=handoff, contested_at__isnull=False, ruling="", ruling_due_at__gte=now)
    round_ = waiting.select_for_update(of=("self",)).select_related("decided_by", "contested_by").last()
    if round_ is None:
        return False
    said: dict[str, Any] = {"by": by, "ruling": ruling, "why": why.strip()[:LONGEST_WHY], "said_at": now}
    speaks_for = _speaks_for(handoff, round_, by=by, side=side)
    RulingWord.objects.update_or_create(round=round_, side=speaks_for, defaults=said)
    words = dict(round_.ruling_words.values_list("side", "ruling"))
    if not speaks_for or words.get(Side.MARKETING) == words.get(Side.SALES):
        _rule(handoff, round_, ruling=ruling, by=by, now=now)
        return True
    third = handoff.agreement.ruling_person if handoff.agreement else None
    if len(words) == len(Side) and third is not None and third.is_active:
        turn_notices.differ(handoff, round_, to=third, now=now)
    return False


def _speaks_for(handoff: Handoff, round_: Round, *, by: User, side: str) -> str:
    """Return the side for which a person speaks; "" for the third person, once the managers differ."""
    sides = [one for one in Side if by.has_role(MANAGER_OF[one]) and by.is_active]
    if side:
        sides = [one for one in sides if one == side]
    words = dict(round_.ruling_words.exclude(side="").values_list("side", "ruling"))
    is_named = handoff.agreement is not None and handoff.agreement.ruling_person_id == by.pk and by.is_active
    if is_named and len(set(words.values())) > 1:
        return ""
    if len(sides) > 1:
        raise Refused({"side": _("You manage both sides. Say for which one you speak; once for each.")})
    if sides:
        return sides[0].value
    if is_named:
        raise Refused({"ruling": _("Your word is asked for only when the managers of both sides differ.")})
    raise Refused({"ruling": _("Only a manager of each side, or the person whom the agreement names, rules on this.")})


def _rule(handoff: Handoff, round_: Round, *, ruling: str, by: User, now: datetime) -> None:
    round_.ruling, round_.ruled_at, round_.ruled_by = ruling, now, by
    round_.save(update_fields=["ruling", "ruled_at", "ruled_by"])
    if ruling == Ruling.OVERTURNED:
        turn_credits.revoke(handoff)
        _bring_back(handoff, round_, by=by, now=now)
    turn_notices.ruled(handoff, round_, now=now)


def _bring_back(handoff: Handoff, round_: Round, *, by: User, now: datetime) -> bool:
    """Give an overturned rejection back to sales as accepted; False where the lead went elsewhere meanwhile."""
    lead = Lead.objects.get(pk=Handoff.objects.values_list("lead_id", flat=True).get(pk=handoff.pk))
    elsewhere = Handoff.objects.open().filter(lead=lead, leg=1).exclude(pk=handoff.pk).exists()
    barred = lead.merged_into_id is not None or lead.blocked_at is not None or lead.suppressed_at is not None
    if elsewhere or barred or lead.stage not in MAY_COME_BACK:
        return False
    stands: QuerySet[Handoff] = Handoff.objects.filter(
        pk=handoff.pk, round=round_.number, decision=Decision.REJECTED, closed_because__in=("", "rejected")
    )
    reopened = stands.update(
        round=F("round") + 1,
        decision=Decision.ACCEPTED,
        decided_at=now,
        reason="",
        is_returned=False,
        closed_at=None,
        closed_because="",
    )
    if reopened != 1:
        return False
    handoff.refresh_from_db()
    _give_to_somebody(handoff, by=by, now=now)
    opened = open_round(handoff, because=Round.OpenedBecause.OVERTURNED, now=now)
    Round.objects.filter(pk=opened.pk).update(decision=Decision.ACCEPTED, decided_at=now, decided_by=by)
    stages.move(
        Lead.objects.filter(pk=lead.pk), to=Stage.ACCEPTED, now=now, recycled_until=None, disqualified_because=""
    )
    owed.begin(handoff, at=now, now=now)
    return True


def _give_to_somebody(handoff: Handoff, *, by: User, now: datetime) -> None:
    """Let the handoff go on with who had it; to the next in turn where they are gone."""
    if handoff.owner is not None and handoff.owner.is_active:
        line = handoff.assignments.filter(user=handoff.owner).last()
        if line is not None:
            line.ended_at = None
            line.save(update_fields=["ended_at"])
    elif handoff.to_team is not None:
        route_again(handoff, handoff.to_team, by=by, now=now)


# --- too late


def lapse(*, now: datetime) -> int:
    """Let contests on which nobody ruled in time count for neither side, as of their due time; return how many."""
    late = Round.objects.filter(contested_at__isnull=False, ruling="", ruling_due_at__lt=now)
    with transaction.atomic():
        rows = list(
            late.select_for_update(skip_locked=True, of=("self",))
            .select_related("handoff__lead__company", "decided_by", "contested_by")
            .order_by("ruling_due_at", "pk")[:500]
        )
        ids = [row.pk for row in rows]
        Round.objects.filter(pk__in=ids).update(ruling=Ruling.NEITHER, ruled_at=F("ruling_due_at"))
        for row in rows:
            row.ruling = Ruling.NEITHER
            turn_notices.ruled(row.handoff, row, now=now)
    return len(rows)
