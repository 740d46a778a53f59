"""Deactivate a person: with a successor where they leave something behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from leads.models import Company, Lead
from leadsla.accounts.models import Role, Side, User
from sla import succession
from sla.models import Handoff, Succession

Refused = succession.Refused


@dataclass(frozen=True)
class Left:
    """What a person would leave behind.

    Attributes:
        handoffs: open with them.
        recycled: leads that come back to them.
        leads: that they look after as a marketer.
        accounts: companies.
    """

    handoffs: int
    recycled: int
    leads: int
    accounts: int

    def __bool__(self) -> bool:
        return bool(self.handoffs or self.recycled or self.leads or self.accounts)


def left_by(user: User) -> Left:
    """Count what somebody has to take over from a person."""
    living = Lead.objects.living()
    return Left(
        handoffs=Handoff.objects.open().filter(owner=user, is_notice=False).count(),
        recycled=living.filter(previous_owner=user).count(),
        leads=living.filter(owner=user).count(),
        accounts=Company.objects.filter(owner=user).count(),
    )


def successors_of(user: User) -> QuerySet[User]:
    """Return who may take over: active people of the same side, of the same team first."""
    others = User.objects.filter(is_active=True).exclude(pk=user.pk).select_related("team")
    if user.has_role(Role.SALES_REP, Role.SALES_MANAGER) or (user.team and user.team.side == Side.SALES):
        others = others.filter(
            roles__overlap=[Role.SALES_REP, Role.SALES_MANAGER], team__side=Side.SALES, team__is_active=True
        )
    elif user.has_role(Role.MARKETER, Role.MARKETING_MANAGER):
        others = others.filter(
            roles__overlap=[Role.MARKETER, Role.MARKETING_MANAGER], team__side=Side.MARKETING, team__is_active=True
        )
    return others.order_by("team__name", "name")


@transaction.atomic
def deactivate(user: User, *, to: User | None, by: User, now: datetime) -> Succession | None:
    """Deactivate a person; what they leave behind goes to a successor.

    Args:
        user: who leaves.
        to: who takes over; may be None only where nothing is left behind.
        by: who decides it.
        now: the moment.

    Returns:
        What changed hands; None where there was nothing, or the person was inactive already.

    Raises:
        Refused: nobody takes over, the successor cannot, or nobody would be left to administer the portal.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    user.refresh_from_db(fields=["is_active"])
    if not user.is_active:
        return None
    if user == by:
        raise Refused({"": _("Nobody deactivates themselves. Ask another administrator.")})
    administrators = User.objects.filter(is_active=True, roles__contains=[Role.ADMINISTRATOR]).exclude(pk=user.pk)
    if user.has_role(Role.ADMINISTRATOR) and not administrators.exists():
        raise Refused({"": _("This is the last administrator. Make somebody else one first.")})
    if succession.is_needed(user):
        if to is None:
            raise Refused({"to": _("Choose who takes over what is open.")})
        return succession.hand_on(user, to=to, by=by, now=now)
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    return None
