"""Who takes over from a person that is deactivated: handoffs, recycled leads, accounts; the clocks go on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from leads.models import Company, Lead
from leadsla.accounts import visibility
from leadsla.accounts.models import AwayTime, Side, User
from sla import clocks, owners, turn_notices
from sla.gate import HandoverRefused
from sla.models import Assignment, Clock, Handoff, Succession

Outcome = Clock.Outcome


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """Nobody can take over like this; `errors` has a sentence per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def is_needed(user: User) -> bool:
    """Tell whether a person has something that a successor has to take over."""
    return (
        Handoff.objects.open().filter(owner=user, is_notice=False).exists()
        or Lead.objects.living().filter(previous_owner=user).exists()
        or Lead.objects.living().filter(owner=user).exists()
        or Company.objects.filter(owner=user).exists()
    )


@transaction.atomic
def hand_on(user: User, *, to: User, by: User, now: datetime) -> Succession:
    """Give what is open with a person to a successor, and deactivate the person.

    Open handoffs change hands with their clocks, which go on; nobody's turn is counted for it. Recycled leads come back
    to the successor, who also gets the person's own leads, accounts and times as stand-in.

    Args:
        user: who leaves.
        to: who takes over; for a person in sales an active member of a sales team.
        by: who decides it.
        now: the moment.

    Raises:
        Refused: `to` cannot take over; the text says why.
    """
    _refuse_unfit(user, to)
    # The lead first, then the handoff, then the person: the same order as everywhere.
    open_ones = Handoff.objects.open().filter(owner=user, is_notice=False)
    handed = list(open_ones.order_by("lead_id", "pk").values_list("pk", "lead_id"))
    list(
        Lead.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=[lead for _pk, lead in handed])
        .order_by("pk")
        .values_list("pk")
    )
    moved = _hand_over_handoffs([pk for pk, _lead in handed], user, to=to, by=by, now=now)
    recycled = Lead.objects.living().filter(previous_owner=user).update(previous_owner=to)
    Lead.objects.filter(owner=user).update(owner=to, team=to.team)
    Company.objects.filter(owner=user).update(owner=to)
    Clock.objects.filter(owner=user, stopped_at=None, outcome=Outcome.RUNNING).update(owner=to, team=to.team)
    AwayTime.objects.filter(stand_in=user, ends_at__gt=now).exclude(user=to).update(stand_in=to)
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    made = Succession.objects.create(user=user, successor=to, by=by, at=now, handoffs=moved, leads=recycled)
    if moved or recycled:
        turn_notices.succeeded(user, to=to, by=by, count=moved + recycled, now=now)
    return made


def _refuse_unfit(user: User, to: User) -> None:
    if to == user:
        raise Refused({"to": _("Choose somebody else: nobody can succeed themselves.")})
    if not to.is_active:
        raise Refused({"to": _("%(to)s is not active.") % {"to": to}})
    works_in_sales = (
        Handoff.objects.open().filter(owner=user).exists() or Lead.objects.filter(previous_owner=user).exists()
    )
    if Lead.objects.filter(owner=user).exists() and Side.MARKETING not in visibility.sides(to):
        raise Refused({"to": _("%(to)s is not in marketing and cannot take over its leads.") % {"to": to}})
    if works_in_sales:
        try:
            owners.refuse_unfit(to)
        except HandoverRefused as refused:
            raise Refused({"to": str(refused)}) from None


def _hand_over_handoffs(ids: list[int], user: User, *, to: User, by: User, now: datetime) -> int:
    """Move handoffs and their lines in the ledger; the turns stay where they were taken."""
    mine = list(
        Handoff.objects.open()
        .filter(pk__in=ids, owner=user, is_notice=False)
        .select_for_update(of=("self",))
        .order_by("lead_id", "pk")
    )
    if not mine or to.team is None:
        return 0
    open_ids = [handoff.pk for handoff in mine]
    Handoff.objects.filter(pk__in=open_ids).update(owner=to, to_team=to.team, owner_since=now)
    Assignment.objects.filter(handoff__in=open_ids, ended_at=None).update(ended_at=now)
    why = _("Takes over from %(user)s.") % {"user": user}
    Assignment.objects.bulk_create(
        Assignment(
            handoff=handoff,
            user=to,
            team=to.team,
            temperature=handoff.temperature,
            assigned_at=now,
            why=why[:250],
            by=by,
            counts=False,
        )
        for handoff in mine
    )
    for handoff in mine:
        clocks.hand_to(handoff, owner=to, team=to.team)
    return len(mine)
