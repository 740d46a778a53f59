"""Sources, campaigns and companies that arrivals name: found in bulk, made where they are new."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models.functions import Lower
from django.utils.text import slugify

from leads.facts import FREE_MAIL, clean, company_key, folded
from leads.keys import lock
from leads.models import Campaign, Channel, Company, Source
from leadsla.accounts.models import Side, User


def code_of(text: str) -> str:
    """Return the code under which a source or campaign is kept; what has no letters gets one of its own."""
    code = slugify(clean(text), allow_unicode=True)
    if code and len(code) <= 80:
        return code
    return f"{code[:60]}-{hashlib.blake2b(text.encode('utf-8', 'ignore'), digest_size=6).hexdigest()}".lstrip("-")


@dataclass(frozen=True)
class Places:
    """What a batch names, by what it was called there."""

    sources: Mapping[str, Source]
    campaigns: Mapping[str, Campaign]

    def source(self, text: str | None) -> Source | None:
        """Return a source; None is a place of its own: no source."""
        return self.sources.get(clean(text)) if text else None

    def campaign(self, text: str | None) -> Campaign | None:
        """Return a campaign, None when none was named."""
        return self.campaigns.get(clean(text)) if text else None


def find(*, sources: Iterable[str | None], campaigns: Iterable[str | None]) -> Places:
    """Find sources and campaigns by code or name, and make those that are new.

    A new source stands under the channel of that name, else under "Import".
    """
    return Places(_sources(sources), _campaigns(campaigns))


def _named(texts: Iterable[str | None]) -> dict[str, str]:
    """Return the code of each text that names something."""
    told = {clean(text) for text in texts if text}
    return {text: code_of(text) for text in sorted(told - {""})}


def _sources(texts: Iterable[str | None]) -> dict[str, Source]:
    codes = _named(texts)
    if not codes:
        return {}
    known = _known_sources(codes)
    missing = {code: text for text, code in codes.items() if text not in known}
    if missing:
        channels = list(Channel.objects.all())
        made = [
            Source(code=code, name=text, channel=_channel(text, channels)) for code, text in sorted(missing.items())
        ]
        # Two at once may make the same one: the constraint lets one through, the other finds it.
        Source.objects.bulk_create(made, ignore_conflicts=True)
        known = _known_sources(codes)
    return known


def _known_sources(codes: Mapping[str, str]) -> dict[str, Source]:
    wanted = {*codes, *codes.values()}
    by_code = {one.code: one for one in Source.objects.filter(code__in=wanted)}
    by_name = {
        one.name.lower(): one
        for one in Source.objects.annotate(low=Lower("name")).filter(low__in={text.lower() for text in codes})
    }
    found = {text: by_code.get(text) or by_code.get(code) or by_name.get(text.lower()) for text, code in codes.items()}
    return {text: one for text, one in found.items() if one is not None}


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", folded(text))


def _channel(text: str, channels: Sequence[Channel]) -> Channel:
    wanted = _letters(text)
    for channel in channels:
        if wanted and wanted in {_letters(channel.name), _letters(channel.code)}:
            return channel
    for channel in channels:
        if len(wanted) >= 5 and _letters(channel.name).startswith(wanted):
            return channel
    channel, _is_new = Channel.objects.get_or_create(
        code="import", defaults={"name": "Import", "direction": Channel.Direction.INBOUND, "side": Side.MARKETING}
    )
    return channel


def _campaigns(texts: Iterable[str | None]) -> dict[str, Campaign]:
    codes = _named(texts)
    if not codes:
        return {}
    known = _known_campaigns(codes)
    missing = {code: text for text, code in codes.items() if text not in known}
    if missing:
        made = [Campaign(code=code, name=text) for code, text in sorted(missing.items())]
        Campaign.objects.bulk_create(made, ignore_conflicts=True)
        known = _known_campaigns(codes)
    return known


def _known_campaigns(codes: Mapping[str, str]) -> dict[str, Campaign]:
    by_code = {one.code: one for one in Campaign.objects.filter(code__in={*codes, *codes.values()})}
    by_name = {
        one.name.lower(): one
        for one in Campaign.objects.annotate(low=Lower("name")).filter(low__in={text.lower() for text in codes})
    }
    found = {text: by_code.get(text) or by_code.get(code) or by_name.get(text.lower()) for text, code in codes.items()}
    return {text: one for text, one in found.items() if one is not None}


# --- companies -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Firm:
    """A company as an arrival tells it."""

    domain: str = ""
    name: str = ""
    industry: str = ""
    employees: int | None = None
    country: str = ""


def companies(firms: Sequence[Firm]) -> list[Company | None]:
    """Find the company of each firm, by its domain, else by its name; make those that are new.

    A company known by name only gets the domain of the first firm of that name that has one.

    Returns:
        A company for each firm in the same order; None where neither domain nor name is known.
    """
    domains = {firm.domain for firm in firms if firm.domain}
    keys = {company_key(firm.name) for firm in firms} - {""}
    if not domains and not keys:
        return [None] * len(firms)
    lock([*(f"domain:{domain}" for domain in domains), *(f"name:{key}" for key in keys)], companies=True)
    by_domain = {one.domain: one for one in Company.objects.filter(domain__in=domains)}
    by_key: dict[str, list[Company]] = {}
    for one in Company.objects.filter(name_key__in=keys).order_by("pk"):
        by_key.setdefault(one.name_key, []).append(by_domain.get(one.domain or "", one))
    made: list[Company] = []
    found: list[Company | None] = []
    for firm in firms:
        key = company_key(firm.name)
        company = by_domain.get(firm.domain) if firm.domain else _by_name(by_key.get(key, []))
        if company is None and firm.domain:
            company = _adopted(by_key.get(key, []), firm.domain, made)
        if company is None and (firm.domain or key):
            company = Company(
                name=(firm.name or firm.domain)[:200],
                name_key=key or company_key(firm.domain),
                domain=firm.domain or None,
                industry=firm.industry,
                employees=firm.employees,
                country=firm.country,
            )
            made.append(company)
            by_key.setdefault(company.name_key, []).append(company)
        if company is not None and company.domain:
            by_domain[company.domain] = company
        if company is not None and key and company.name == company.domain:
            _call(company, firm.name, key, made)
            by_key.setdefault(key, []).append(company)
        found.append(company)
    Company.objects.bulk_create(made)
    return found


def _by_name(same: Sequence[Company]) -> Company | None:
    """Choose among companies of a name: the one without a domain, or the only one; of two, none is guessed."""
    for company in same:
        if company.domain is None:
            return company
    return same[0] if len(same) == 1 else None


def _adopted(same: Sequence[Company], domain: str, made: Sequence[Company]) -> Company | None:
    for company in same:
        if company.domain is None:
            company.domain = domain
            if company not in made:
                company.save(update_fields=["domain"])
            return company
    return None


def _call(company: Company, name: str, key: str, made: Sequence[Company]) -> None:
    """Give its name to a company that was known by its domain only."""
    company.name, company.name_key = name[:200], key
    if company not in made:
        company.save(update_fields=["name", "name_key"])


def own_domains() -> frozenset[str]:
    """Return the domains of our own people's addresses; who writes from there is a colleague, not a lead."""
    addresses = User.objects.filter(is_active=True).values_list("email", flat=True)
    return frozenset(address.rpartition("@")[2].lower() for address in addresses) - FREE_MAIL
