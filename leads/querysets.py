"""Populations of leads and definitions, as queryset methods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from leadsla.accounts import visibility

if TYPE_CHECKING:
    from leads.models import Definition, Lead  # noqa: F401  # names for the type parameters only
    from leadsla.accounts.models import User


class LeadQuerySet(QuerySet["Lead"]):
    """Leads by what may be done with them."""

    def living(self) -> Self:
        """Leads that are not merged into another."""
        return self.filter(merged_into=None)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Leads that a person sees by role; `sla` adds those behind a rep's handoffs."""
        return self.filter(visibility.leads(user).rows(owner="owner", team="team"))

    def editable_by(self, user: User | AnonymousUser) -> Self:
        """Leads that a person may edit; nobody's leads are everybody's in marketing."""
        reach = visibility.editable_leads(user)
        rows = reach.rows(owner="owner", team="team")
        if reach.user_id is not None:
            rows |= Q(owner=None, team=None)
        return self.filter(rows)

    def to_hand_over(self, *, now: datetime) -> Self:
        """Qualified leads that still hold, may be contacted and whose handover is not put off."""
        ready = Q(handover_not_before=None) | Q(handover_not_before__lte=now)
        may_be_asked = Q(blocked_at=None, suppressed_at=None, excluded_because="")
        return self.living().filter(ready, may_be_asked, stage="qualified", qualified_until__gt=now)


class DefinitionQuerySet(QuerySet["Definition"]):
    """Definitions by when they hold."""

    def in_force(self, *, now: datetime) -> Self:
        """Definitions in force at a moment, in the order in which they are tried."""
        still = Q(in_force_until=None) | Q(in_force_until__gt=now)
        return self.filter(still, in_force_from__lte=now).order_by("position", "-version")
