"""Which leads a person sees in all: those of their role, and those behind the handoffs that they see."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef

from leads.models import Lead
from leads.querysets import LeadQuerySet
from leadsla.accounts import visibility
from leadsla.accounts.models import User
from sla.models import Handoff


def leads_visible_to(user: User | AnonymousUser) -> LeadQuerySet:
    """Return the leads that a person sees; reps see those behind their handoffs and their team's queue."""
    if visibility.leads(user).everything:
        return Lead.objects.visible_to(user)
    behind = Handoff.objects.visible_to(user).filter(lead=OuterRef("pk"))
    return Lead.objects.filter(Exists(behind))
