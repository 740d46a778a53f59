"""Pages of marketing beside the campaigns: tracking rules with their dry run, and the asks of sales."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import asks, tracking_rules
from leads.campaign_forms import AddressForm, AnswerForm, UtmRuleForm
from leads.models import Ask, UtmRule
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest

PER_PAGE = 30


@requires(Act.EDIT_CAMPAIGNS)
@require_safe
def utm_rules(request: SignedInRequest) -> HttpResponse:
    """List the rules in their order, and try them on a pasted address."""
    form = AddressForm(request.GET if "address" in request.GET else None)
    context: dict[str, object] = {"rules": UtmRule.objects.select_related("source", "campaign"), "tab": "tracking"}
    if form.is_bound and form.is_valid():
        try:
            context["trial"] = tracking_rules.dry_run(form.cleaned_data["address"])
        except tracking_rules.Refused as refused:
            form.refuse(refused.errors)
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "leads/campaign_tracking.html", context | {"form": form}, status=status)


@requires(Act.EDIT_CAMPAIGNS)
@require_http_methods(["GET", "HEAD", "POST"])
def utm_rule_edit(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """Add a rule, or change one."""
    rule = get_object_or_404(UtmRule.objects.select_related("source", "campaign"), pk=pk) if pk else None
    patterns = {name: getattr(rule, name) for name in tracking_rules.PARAMETERS} if rule else {}
    form = UtmRuleForm(
        request.POST or None,
        patterns=patterns,
        source=rule.source if rule else None,
        campaign=rule.campaign if rule else None,
    )
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            tracking_rules.save(rule, patterns=form.patterns(), source=told["source"], campaign=told["campaign"])
        except tracking_rules.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Saved. It counts from the next arrival on."))
            return redirect("leads:utm_rules")
    status = 400 if request.method == "POST" else 200
    return render(request, "leads/campaign_tracking_rule.html", {"form": form, "rule": rule}, status=status)


@requires(Act.EDIT_CAMPAIGNS)
@require_POST
def utm_rule_move(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a rule one place up or down."""
    rule = get_object_or_404(UtmRule, pk=pk)
    way = request.POST.get("way", "")
    if way not in {"up", "down"}:
        return HttpResponse(_("way: say up or down."), status=400, content_type="text/plain; charset=utf-8")
    if not tracking_rules.move(rule, up=way == "up"):
        messages.info(request, _("It stands at the end already."))
    return redirect("leads:utm_rules")


@requires(Act.EDIT_CAMPAIGNS)
@require_POST
def utm_rule_switch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Use a rule, or leave it out."""
    rule = get_object_or_404(UtmRule, pk=pk)
    is_on = "on" in request.POST
    if tracking_rules.switch(rule, on=is_on):
        messages.success(request, _("The rule is in use.") if is_on else _("The rule is left out. It is kept."))
    return redirect("leads:utm_rules")


@requires(Act.EDIT_CAMPAIGNS)
@require_safe
def ask_list(request: SignedInRequest) -> HttpResponse:
    """List what sales asks for: open ones the oldest first, or answered ones the newest first."""
    is_open = request.GET.get("show") != "answered"
    found = Ask.objects.filter(answered_at__isnull=is_open).select_related("campaign", "asked_by", "answered_by")
    page = Paginator(found.order_by("asked_at" if is_open else "-answered_at", "pk"), PER_PAGE)
    context = {
        "page": page.get_page(request.GET.get("page")),
        "is_open": is_open,
        "open_count": Ask.objects.filter(answered_at=None).count(),
        "tab": "asks",
        "now": clock.now(),
    }
    return render(request, "leads/campaign_asks.html", context)


@requires(Act.EDIT_CAMPAIGNS)
@require_http_methods(["GET", "HEAD", "POST"])
def ask_answer(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Answer an ask."""
    ask = get_object_or_404(Ask.objects.select_related("campaign", "asked_by", "answered_by"), public_id=public_id)
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            is_first = asks.answer(ask, form.cleaned_data["answer"], by=request.user, now=clock.now())
        except asks.Refused as refused:
            form.refuse(refused.errors)
        else:
            if is_first:
                messages.success(request, _("%(person)s gets your answer.") % {"person": ask.asked_by})
            else:
                messages.info(request, _("Somebody answered it before. Their answer stands."))
            return redirect("leads:asks")
    context = {"ask": ask, "form": form, "now": clock.now()}
    return render(request, "leads/campaign_ask.html", context, status=400 if request.method == "POST" else 200)
