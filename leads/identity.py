"""Recognise a person again: who may be the same, and making two leads one (`merging`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from leads.facts import clean, company_key, folded
from leads.keys import domain_of, lock, lock_key, normal_email, normal_phone, written_phone
from leads.merging import MergeRefused, merge, undo
from leads.models import Identity, Lead

__all__ = [
    "Duplicate",
    "MergeRefused",
    "candidates",
    "domain_of",
    "lock",
    "lock_key",
    "merge",
    "normal_email",
    "normal_phone",
    "undo",
    "written_phone",
]


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person, and why."""

    lead: Lead
    why: str


def candidates(
    facts: Mapping[str, object],
    *,
    external: Mapping[str, str] | None = None,
    apart_from: int | None = None,
    limit: int = 5,
) -> list[Duplicate]:
    """Return leads that may be the person whom somebody is typing in, the surest first.

    Args:
        facts: what is known so far: `email`, `phone`, `country`, `name`, `company_name`.
        external: ids in other systems.
        apart_from: id of a lead that is not meant.
        limit: at most so many.
    """

    def told(code: str) -> str:
        return clean(facts.get(code) or "")

    email = normal_email(told("email"))
    phone = normal_phone(told("phone"), told("country")[:2])
    name, company = folded(told("name")), company_key(told("company_name"))
    asked: list[tuple[str, Q]] = [
        (
            _("same id in %(system)s") % {"system": system},
            Q(identities__kind=Identity.Kind.EXTERNAL, identities__system=system, identities__value=value),
        )
        for system, value in (external or {}).items()
    ]
    if email:
        asked.append((_("same e-mail"), Q(identities__kind=Identity.Kind.EMAIL, identities__value=email)))
    if phone:
        asked.append((_("same phone"), Q(identities__kind=Identity.Kind.PHONE, identities__value=phone)))
    if name and company:
        asked.append((_("same name and company"), Q(name_key=name, company__name_key=company)))
    if name and domain_of(email):
        asked.append((_("same name and e-mail domain"), Q(name_key=name, company__domain=domain_of(email))))
    if name and " " in name:
        asked.append((_("same name"), Q(name_key=name)))
    found: dict[int, Duplicate] = {}
    for why, condition in asked:
        if len(found) >= limit:
            break
        rows = Lead.objects.living().filter(condition).exclude(pk=apart_from or 0).select_related("company")
        for lead in rows.distinct().order_by("pk")[:limit]:
            found.setdefault(lead.pk, Duplicate(lead, why))
    return list(found.values())[:limit]
