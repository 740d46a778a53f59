"""What the rows of a condition ask for while they are filled in: their next shape, and how many leads they match."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from leads import conditions
from leads.condition_form import ConditionForm
from leads.models import Lead
from leadsla import clock
from leadsla.accounts.access import Act, requires


def _typed(request: HttpRequest) -> ConditionForm:
    prefix = request.GET.get("prefix", "condition")[:40]
    return ConditionForm(request.POST, prefix=prefix, of_judgement="judged" in request.GET)


@requires(Act.PLAN)
@require_POST
def condition_rows(request: HttpRequest) -> HttpResponse:
    """Show the rows again after a field or an operator was chosen, or a row was added or removed."""
    return render(request, "leads/_condition_rows.html", {"conditions": _typed(request)})


@requires(Act.PLAN)
@require_POST
def condition_count(request: HttpRequest) -> HttpResponse:
    """Say how many leads the rows match as they stand."""
    typed = _typed(request)
    living = Lead.objects.living()
    context: dict[str, object] = {"of": living.count(), "is_valid": typed.is_valid()}
    if typed.is_valid():
        pair = conditions.compile(typed.condition, now=clock.now())
        context["matching"] = living.filter(pair.holds).count()
        context["is_every_lead"] = typed.condition is None
    return render(request, "leads/_condition_count.html", context)
