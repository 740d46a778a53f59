"""Search over leads, companies and campaigns that a person sees, and the leads behind a company or a campaign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from leads import lists
from leads.facts import company_key, folded
from leads.models import Campaign, Company, Identity, Lead
from leads.querysets import LeadQuerySet
from leadsla import clock
from leadsla.accounts import visibility
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.home.parts import page_or_part
from leadsla.home.reach import leads_visible_to

SHORTEST = 2
LONGEST = 200
MOST = 20  # of each kind
PER_PAGE = 50
PHONE_DIGITS = 5


@dataclass(frozen=True)
class Found:
    """What a search found; `has_more` says that there are further leads."""

    leads: list[Lead]
    companies: list[Company]
    campaigns: list[Campaign]
    has_more: bool

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.leads or self.companies or self.campaigns)


def _first(starts: Q) -> Case:
    """Write whether a row starts with what was typed; such rows stand first."""
    return Case(When(starts, then=Value(True)), default=Value(False), output_field=BooleanField())


def find_leads(leads: LeadQuerySet, text: str) -> LeadQuerySet:
    """Return living leads by name, e-mail, company, phone or an id in another system, best first."""
    key, address = folded(text), text.strip().lower()
    ids = Identity.objects.filter(kind=Identity.Kind.EXTERNAL, value__startswith=text.strip()).values("lead")
    digits = re.sub(r"\D", "", text)
    if len(digits) >= PHONE_DIGITS and not re.search(r"[^\d\s()+/.-]", text):
        phones = Identity.objects.filter(kind=Identity.Kind.PHONE, value__contains=digits.lstrip("0")).values("lead")
        found = leads.filter(Q(pk__in=phones) | Q(pk__in=ids))
    else:
        found = lists.written_in(leads, text) | leads.filter(pk__in=ids)
    starts = Q(name_key__startswith=key) | Q(name_key__contains=f" {key}") | Q(email__startswith=address)
    return found.annotate(is_start=_first(starts)).order_by("-is_start", "name_key", "pk")


def find_companies(user: User, text: str) -> QuerySet[Company]:
    """Return companies by name or domain; those who do not see every lead find companies of leads that they see."""
    key = company_key(text)
    by_name = Q(name_key__contains=key) if key else Q(pk__in=())
    found = Company.objects.filter(by_name | Q(domain__contains=text.strip().lower()))
    if not visibility.leads(user).everything:
        found = found.filter(Exists(leads_visible_to(user).filter(company=OuterRef("pk"))))
    return found.annotate(is_start=_first(Q(name_key__startswith=key))).order_by("-is_start", "name_key", "pk")


def find_campaigns(text: str) -> QuerySet[Campaign]:
    """Return campaigns by name or code."""
    words = text.strip()
    return Campaign.objects.filter(Q(name__icontains=words) | Q(code__icontains=words)).order_by("name", "pk")


def find(user: User, text: str) -> Found:
    """Search everything that a person sees, at most `MOST` of each kind."""
    if len(text.strip()) < SHORTEST or not may(user, Act.SEE_LEADS):
        return Found([], [], [], has_more=False)
    leads = find_leads(leads_visible_to(user).living(), text).select_related("company", "owner")[: MOST + 1]
    shown = list(leads)
    return Found(
        leads=shown[:MOST],
        companies=list(find_companies(user, text)[:MOST]),
        campaigns=list(find_campaigns(text)[:MOST]),
        has_more=len(shown) > MOST,
    )


def _public_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _behind(request: SignedInRequest) -> tuple[str, LeadQuerySet] | None:
    """Return the name of the company or campaign that was chosen and the leads behind it; None when none was."""
    visible = leads_visible_to(request.user).living()
    if given := request.GET.get("company"):
        company = get_object_or_404(Company, public_id=_public_id(given))
        rows = visible.filter(company=company)
        if not visibility.leads(request.user).everything and not rows.exists():
            raise Http404
        return company.name, rows
    if given := request.GET.get("campaign"):
        campaign = get_object_or_404(Campaign, public_id=_public_id(given))
        return campaign.name, visible.filter(Q(last_campaign=campaign) | Q(first_campaign=campaign))
    return None


@requires(Act.SIGNED_IN)
@require_safe
def search(request: SignedInRequest) -> HttpResponseBase:
    """Search as one types (HTMX) or on a page; with `company` or `campaign`, list the leads behind it."""
    text = request.GET.get("q", "")[:LONGEST].replace("\x00", "")
    context = {"q": text, "now": clock.now(), "shortest": SHORTEST, "most": MOST}
    behind = _behind(request)
    if behind is None:
        is_long_enough = len(text.strip()) >= SHORTEST
        context |= {"found": find(request.user, text), "is_long_enough": is_long_enough}
    else:
        name, rows = behind
        page = Paginator(rows.select_related("company", "owner").order_by("name_key", "pk"), PER_PAGE)
        context |= {"name": name, "page": page.get_page(request.GET.get("page"))}
    return page_or_part(request, "home/search.html", "home/_search.html", context)
