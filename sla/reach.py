"""Which derived figures a person sees."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from leadsla.accounts.models import User
from sla.models import AcceptanceRate


def acceptance_visible_to(user: User | AnonymousUser) -> QuerySet[AcceptanceRate]:
    """Return acceptance rates; those of a person only for that person and their own manager."""
    of_people = Q(dimension=AcceptanceRate.Dimension.PERSON)
    if not isinstance(user, User):
        return AcceptanceRate.objects.none()
    seen = [str(user.pk), *(str(pk) for pk in user.reports.values_list("pk", flat=True))]
    return AcceptanceRate.objects.filter(~of_people | Q(key__in=seen))
