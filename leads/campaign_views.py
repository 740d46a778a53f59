"""Pages of campaigns: list, brief and costs for marketing; what is running, for sales; costs by month and source."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import asks, campaigns
from leads.campaign_forms import AskForm, CampaignForm, CostForm
from leads.facts import clean
from leads.models import Ask, Campaign
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest

PER_PAGE = 30
MOST_RUNNING = 50
MOST_ASKS = 20
STATES = ("running", "planned", "ended")


@requires(Act.EDIT_CAMPAIGNS)
@require_safe
def campaign_list(request: SignedInRequest) -> HttpResponse:
    """List the campaigns that run, are planned or over, with what they brought and cost."""
    today = localtime(clock.now()).date()
    populations = {"running": campaigns.running, "planned": campaigns.planned, "ended": campaigns.ended}
    state = request.GET.get("state", "running")
    state = state if state in STATES else "running"
    found = populations[state](on=today).select_related("source__channel", "owner", "team")
    text = clean(request.GET.get("q", ""))[:200]
    if text:
        found = found.filter(Q(name__icontains=text) | Q(code__icontains=text))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    counts, sums = campaigns.lead_counts(page), campaigns.cost_sums(page)
    context = {
        "rows": [(each, counts.get(each.pk, 0), sums.get(each.pk, [])) for each in page],
        "page": page,
        "state": state,
        "q": text,
        "tab": "campaigns",
    }
    return render(request, "leads/campaigns.html", context)


@requires(Act.EDIT_CAMPAIGNS)
@require_safe
def campaign_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show a campaign with its brief, costs and what sales asked about it."""
    return _detail(request, _found(public_id))


@requires(Act.EDIT_CAMPAIGNS)
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_edit(request: SignedInRequest, public_id: UUID | None = None) -> HttpResponse:
    """Make a campaign, or change it and its brief."""
    campaign = _editable(request.user, public_id) if public_id else None
    form = CampaignForm(request.POST or None, campaign=campaign, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            saved = campaigns.save(campaign, by=request.user, now=clock.now(), **form.cleaned_data)
        except campaigns.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("“%(campaign)s” is saved.") % {"campaign": saved})
            return redirect("leads:campaign", saved.public_id)
    context = {"form": form, "campaign": campaign}
    return render(request, "leads/campaign_edit.html", context, status=400 if request.method == "POST" else 200)


@requires(Act.EDIT_CAMPAIGNS)
@require_POST
def campaign_cost(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Enter or correct what a campaign cost in a month."""
    campaign = _editable(request.user, public_id)
    form = CostForm(request.POST, campaign=campaign, currency=_currency(campaign))
    if form.is_valid():
        try:
            is_new = campaigns.set_cost(campaign, by=request.user, now=clock.now(), **form.cleaned_data)
        except campaigns.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("The cost is saved.") if is_new else _("It stood so already."))
            return redirect("leads:campaign", campaign.public_id)
    return _detail(request, campaign, cost_form=form)


@requires(Act.EDIT_CAMPAIGNS)
@require_POST
def campaign_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Retire a campaign, or take it into use again."""
    campaign = _editable(request.user, public_id)
    is_on = "on" in request.POST
    if campaigns.switch(campaign, on=is_on):
        said = _("“%(campaign)s” is in use again.") if is_on else _("“%(campaign)s” is retired. Its leads keep it.")
        messages.success(request, said % {"campaign": campaign})
    return redirect("leads:campaign", campaign.public_id)


@requires(Act.EDIT_CAMPAIGNS)
@require_safe
def campaign_costs(request: SignedInRequest) -> HttpResponse:
    """Show what campaigns cost by month and source in a year."""
    this_year = localtime(clock.now()).date().year
    given = request.GET.get("year", "")
    year = int(given) if given.isascii() and given.isdigit() and 2000 <= int(given[:5]) <= this_year + 2 else this_year
    rows = campaigns.by_month_and_source(since=date(year, 1, 1), until=date(year, 12, 31))
    context = {"rows": rows, "totals": campaigns.totals(rows), "year": year, "this_year": this_year, "tab": "costs"}
    return render(request, "leads/campaign_costs.html", context)


@requires(Act.FILE_ASKS)
@require_http_methods(["GET", "HEAD", "POST"])
def running(request: SignedInRequest) -> HttpResponse:
    """Show sales what is running, and take what they ask marketing for."""
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            asks.file(told["text"], campaign=told["campaign"], by=request.user, now=clock.now())
        except asks.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Marketing has it. You get a notice with the answer."))
            return redirect("leads:running")
    now = clock.now()
    found = list(campaigns.running(on=localtime(now).date()).select_related("source__channel", "owner")[:MOST_RUNNING])
    counts = campaigns.lead_counts(found)
    context = {
        "rows": [(each, counts.get(each.pk, 0)) for each in found],
        "asks": request.user.asks.select_related("campaign", "answered_by")[:MOST_ASKS],
        "form": form,
        "now": now,
    }
    return render(request, "leads/campaigns_running.html", context, status=400 if request.method == "POST" else 200)


def _found(public_id: UUID) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("source__channel", "owner", "team"), public_id=public_id)


def _editable(user: User, public_id: UUID) -> Campaign:
    mine = campaigns.editable_by(user).select_related("source", "owner", "team")
    return get_object_or_404(mine, public_id=public_id)


def _currency(campaign: Campaign) -> str:
    """Return the currency that a cost is probably in: that of the campaign's last one."""
    last = campaign.costs.order_by("-month").first()
    return last.currency if last else "EUR"


def _detail(request: SignedInRequest, campaign: Campaign, *, cost_form: CostForm | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "campaign": campaign,
        "may_edit": campaigns.editable_by(request.user).filter(pk=campaign.pk).exists(),
        "leads_so_far": campaigns.lead_counts([campaign]).get(campaign.pk, 0),
        "costs": campaign.costs.select_related("source").order_by("-month", "source__name"),
        "sums": campaigns.cost_sums([campaign]).get(campaign.pk, []),
        "changes": campaign.cost_changes.select_related("by")[:PER_PAGE],
        "briefs": campaign.briefs.select_related("by")[:PER_PAGE],
        "asks": Ask.objects.filter(campaign=campaign).select_related("asked_by", "answered_by")[:MOST_ASKS],
        "cost_form": cost_form or CostForm(campaign=campaign, currency=_currency(campaign)),
        "now": clock.now(),
    }
    return render(request, "leads/campaign.html", context, status=400 if cost_form else 200)
