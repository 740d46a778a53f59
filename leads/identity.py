"""Recognise a person again: normal forms, who may be the same, and merging with an exact undo."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import idna
import phonenumbers
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from leads.facts import company_key, email_kind, folded
from leads.models import EmailKind, Identity, Lead

# Locks are taken on so many numbers, not on each key: PostgreSQL's table of locks has room for some thousand.
LOCKS = 2048
_PEOPLE, _COMPANIES = 7131, 7132  # two kinds of keys: whoever needs both takes people first


def normal_email(text: str) -> str:
    """Return an address in the form it is compared in; "" when it is none.

    Lower case, Unicode NFC, the domain in ASCII (IDNA 2008). Dots and tags stay: they tell people apart at most hosts.
    """
    if match := re.fullmatch(r".*<([^<>]+)>\s*", text.strip()):
        text = match[1]
    text = unicodedata.normalize("NFC", text.strip().removeprefix("mailto:"))
    local, _at, domain = text.rpartition("@")
    local, domain = local.lower(), domain.lower().rstrip(".")
    if not local or len(local) > 64 or re.search(r"[\s@<>()\[\],;:\\\"\x00-\x1f]|\.\.|^\.|\.$", local):
        return ""
    try:
        host = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""
    if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", host):
        return ""
    address = f"{local}@{host}"
    return address if len(address) <= 254 else ""


def _parsed_phone(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def normal_phone(text: str, country: str = "") -> str:
    """Return a number as E.164; "" when it cannot be told without guessing.

    Args:
        text: the number as written.
        country: two letters, for numbers without a country code.
    """
    number = _parsed_phone(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""


def written_phone(text: str, country: str = "") -> str:
    """Return a number as people write it, `+49 7131 204455`; as it came when it cannot be read."""
    number = _parsed_phone(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if number else text


def domain_of(email: str) -> str:
    """Return the domain that tells a company by a normal address; "" for free providers."""
    return email.rpartition("@")[2] if email_kind(email) == EmailKind.BUSINESS else ""


def lock(keys: Iterable[str], *, companies: bool = False) -> None:
    """Wait until nobody else works on these keys, and keep them until the transaction ends.

    Two arrivals of the same person at once make one lead: the second waits here and then finds it. Sorted, so that
    nobody waits in a circle.
    """
    numbers = sorted({int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) % LOCKS for key in keys})
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_advisory_xact_lock(%s, number)) FROM unnest(%s::int[]) AS number",
                [_COMPANIES if companies else _PEOPLE, numbers],
            )


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
    email = normal_email(str(facts.get("email") or ""))
    phone = normal_phone(str(facts.get("phone") or ""), str(facts.get("country") or "")[:2])
    name, company = folded(str(facts.get("name") or "")), company_key(str(facts.get("company_name") or ""))
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
