"""Pages of the routing rules: their order, their conditions, and a dry run on a real lead."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import conditions, lists
from leads.condition_form import ConditionForm
from leads.models import Lead
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import Side, Team, User
from leadsla.accounts.requests import SignedInRequest
from sla import gate, routing, rule_editing, team_editing
from sla.models import RoutingRule
from sla.routing import NoRoute, Route
from sla.team_forms import RuleForm

MOST_FOUND = 12
LEGS = (1, 2)


@requires(Act.MANAGE_TEAMS)
@require_safe
def rules(request: SignedInRequest) -> HttpResponse:
    """Read the rules in the order in which they are asked."""
    everything = list(RoutingRule.objects.select_related("team"))
    legs = [
        (leg, [(rule, conditions.in_words(rule.condition)) for rule in everything if rule.leg == leg]) for leg in LEGS
    ]
    first = Team.objects.filter(is_active=True, side=Side.SALES).order_by("name").first()
    context = {"legs": legs, "otherwise": first, "may_edit": may(request.user, Act.CONFIGURE), "tab": "rules"}
    return render(request, "sla/routing_rules.html", context)


@requires(Act.CONFIGURE)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """Add a rule, or change one."""
    rule = get_object_or_404(RoutingRule.objects.select_related("team"), pk=pk) if pk else None
    typed = request.POST if request.method == "POST" else None
    initial = {"name": rule.name, "leg": rule.leg, "team": rule.team.public_id} if rule else {}
    form = RuleForm(typed, initial=initial)
    rows = ConditionForm(typed, condition=rule.condition if rule else None)
    is_asked_to_save = typed is not None and not rows.is_asking
    is_valid = rows.is_valid() if is_asked_to_save else False
    if is_asked_to_save and form.is_valid() and is_valid:
        told = form.cleaned_data
        try:
            rule_editing.save(rule, name=told["name"], leg=told["leg"], team=told["team"], condition=rows.condition)
        except rule_editing.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Saved. The next lead is routed by it."))
            return redirect("sla:routing")
    context = {"form": form, "conditions": rows, "rule": rule}
    return render(request, "sla/routing_rule.html", context, status=400 if is_asked_to_save else 200)


@requires(Act.CONFIGURE)
@require_POST
def rule_move(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a rule one place up or down."""
    rule = get_object_or_404(RoutingRule, pk=pk)
    way = request.POST.get("way", "")
    if way not in {"up", "down"}:
        return HttpResponse(_("way: say up or down."), status=400, content_type="text/plain; charset=utf-8")
    if not rule_editing.move(rule, up=way == "up"):
        messages.info(request, _("It stands at the end already."))
    return redirect("sla:routing")


@requires(Act.CONFIGURE)
@require_POST
def rule_switch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Use a rule, or leave it out."""
    rule = get_object_or_404(RoutingRule, pk=pk)
    is_on = request.POST.get("on") == "yes"
    if rule_editing.switch(rule, on=is_on):
        said = _("“%(rule)s” is in use.") if is_on else _("“%(rule)s” is left out. It is kept.")
        messages.success(request, said % {"rule": rule.name})
    return redirect("sla:routing")


@requires(Act.CONFIGURE)
@require_POST
def rule_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Remove a rule."""
    rule = get_object_or_404(RoutingRule, pk=pk)
    rule_editing.remove(rule)
    messages.success(request, _("“%(rule)s” is removed.") % {"rule": rule.name})
    return redirect("sla:routing")


@requires(Act.MANAGE_TEAMS)
@require_safe
def dry_run(request: SignedInRequest) -> HttpResponse:
    """Say where a lead would go now and why; nothing changes."""
    visible = Lead.objects.living().visible_to(request.user).select_related("company", "previous_owner__team")
    text = request.GET.get("q", "").replace("\x00", "")[:200].strip()
    context: dict[str, object] = {"q": text, "tab": "dry_run", "now": clock.now()}
    if "lead" in request.GET:
        lead = get_object_or_404(visible, public_id=_uuid(request.GET["lead"]))
        context |= {"lead": lead, **_tried(request.user, lead)}
    elif text:
        context["found"] = list(lists.written_in(visible, text).order_by("name_key", "pk")[:MOST_FOUND])
    return render(request, "sla/routing_dry_run.html", context)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # no lead has it


def _tried(user: User, lead: Lead) -> dict[str, object]:
    now = clock.now()
    try:
        route = routing.dry_run(lead, now=now)
    except NoRoute as none:
        return {"no_route": str(none)}
    return {
        "route": route,
        "gate": gate.why_not(lead, now=now),
        "candidates": _candidates(route),
        "sees_team": team_editing.teams_of(user).filter(pk=route.team.pk).exists(),
    }


def _candidates(route: Route) -> list[tuple[User, str]]:
    people = User.objects.in_bulk(list(map(int, route.candidates)))
    return [(people[int(pk)], words) for pk, words in route.candidates.items() if int(pk) in people]
