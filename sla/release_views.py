"""Pages of the release plans: make one of a list of leads, watch it, stop it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads.models import Lead
from leads.querysets import LeadQuerySet
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from sla import release
from sla.models import ReleasePlan
from sla.release_forms import ListForm, PlanForm

PER_PAGE = 50
SHOWN = 200  # leads of a list that can be ticked one by one
STATES = {
    "waiting": Q(released_at=None, dropped_at=None),
    "released": Q(released_at__isnull=False),
    "dropped": Q(dropped_at__isnull=False),
}


@requires(Act.RELEASE_LISTS)
@require_safe
def releases(request: SignedInRequest) -> HttpResponse:
    """List the plans with how far they are."""
    counted = ReleasePlan.objects.select_related("team", "created_by").annotate(
        of=Count("items"),
        released=Count("items", filter=Q(items__released_at__isnull=False)),
        dropped=Count("items", filter=Q(items__dropped_at__isnull=False)),
    )
    page = Paginator(counted.annotate(waiting=F("of") - F("released") - F("dropped")), PER_PAGE)
    context = {"page": page.get_page(request.GET.get("page")), "now": clock.now()}
    return render(request, "sla/releases.html", context)


@requires(Act.RELEASE_LISTS)
@require_safe
def release_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show one plan: what went, what waits, what was dropped and why."""
    plan = get_object_or_404(ReleasePlan.objects.select_related("team", "created_by"), public_id=public_id)
    state = request.GET.get("state", "")
    items = plan.items.select_related("lead", "handoff__owner", "handoff__to_team")
    counts = plan.items.aggregate(**{name: Count("pk", filter=which) for name, which in STATES.items()})
    shown = items.filter(STATES[state]) if state in STATES else items
    ordered = shown.order_by(F("released_at").desc(nulls_last=True), F("lead__score").desc(nulls_last=True), "pk")
    labels = {"waiting": _("Waiting"), "released": _("Handed over"), "dropped": _("Dropped")}
    context = {
        "plan": plan,
        "page": Paginator(ordered, PER_PAGE).get_page(request.GET.get("page")),
        "counts": [(name, labels[name], counts[name]) for name in STATES],
        "state": state if state in STATES else "",
        "may_stop": plan.ended_at is None and _stoppable(request.user).filter(pk=plan.pk).exists(),
        "now": clock.now(),
    }
    return render(request, "sla/release.html", context)


@requires(Act.RELEASE_LISTS)
@require_http_methods(["GET", "HEAD", "POST"])
def release_new(request: SignedInRequest) -> HttpResponse:
    """Choose leads and say how they are released."""
    now = clock.now()
    may_override = may(request.user, Act.OVERRIDE_GATE)
    data = request.POST if request.method == "POST" else request.GET
    wanted = ListForm(data)
    wanted.is_valid()
    mine = Lead.objects.living().editable_by(request.user)
    matching = wanted.of(mine, may_override=may_override).order_by(F("score").desc(nulls_last=True), "pk")
    form = PlanForm(
        request.POST if request.method == "POST" else None,
        may_override=may_override,
        initial={"starts_on": localtime(now).date()},
    )
    if request.method == "POST" and form.is_valid():
        try:
            plan = release.plan(leads=_chosen(request.POST, matching), by=request.user, now=now, **form.cleaned_data)
        except release.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("“%(plan)s” is planned.") % {"plan": plan.name})
            return redirect("sla:release", plan.public_id)
    count = matching.count()
    context = {
        "wanted": wanted,
        "form": form,
        "leads": matching[:SHOWN],
        "ticked": set(request.POST.getlist("lead")) if request.method == "POST" else None,
        "count": count,
        "others": max(0, count - SHOWN),
        "takes_others": request.method != "POST" or request.POST.get("others") == "yes",
        "may_override": may_override,
        "now": now,
    }
    return render(request, "sla/release_new.html", context, status=400 if form.errors else 200)


def _chosen(data: QueryDict, matching: LeadQuerySet) -> list[Lead]:
    """Return the leads that are ticked, and with the last tick all that match and were not shown."""
    ticked = {text for text in data.getlist("lead") if len(text) == 36}
    shown = list(matching[:SHOWN])
    chosen = [lead for lead in shown if str(lead.public_id) in ticked]
    if data.get("others") == "yes":
        chosen += list(matching[SHOWN : release.MOST_LEADS + 1])
    return chosen


def _stoppable(user: User) -> QuerySet[ReleasePlan]:
    """Return the plans of a person and of their team."""
    return ReleasePlan.objects.filter(
        Q(created_by=user) | Q(created_by__team__isnull=False, created_by__team=user.team)
    )


@requires(Act.RELEASE_LISTS)
@require_POST
def release_stop(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Stop a plan; what was handed over stays with sales."""
    plan = get_object_or_404(_stoppable(request.user), public_id=public_id)
    if release.stop(plan, by=request.user, now=clock.now()):
        messages.success(request, _("“%(plan)s” is stopped. What was handed over stays with sales.") % {"plan": plan})
    else:
        messages.info(request, _("It had ended already."))
    return redirect("sla:release", plan.public_id)
