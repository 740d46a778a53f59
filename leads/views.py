"""Pages on which marketing types leads in, puts facts right and answers criteria."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from leads import identity, intake, qualification
from leads.facts import FACTS
from leads.forms import CriterionAnswerForm, CriterionFactForm, FactsForm, NewLeadForm
from leads.intake import Refused
from leads.models import Lead
from leads.qualification import AnswerRefused, CriterionState
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest, next_of


def _editable(request: SignedInRequest, public_id: UUID) -> Lead:
    """Load a lead that the person may edit, or end in 404."""
    found: Lead = get_object_or_404(Lead.objects.living().editable_by(request.user), public_id=public_id)
    return found


# --- a lead ----------------------------------------------------------------------------------------------------------


@requires(Act.EDIT_LEADS)
@require_http_methods(["GET", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    """Type in a lead; somebody who is known already gets the facts instead of a twin."""
    form = NewLeadForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            receipt = intake.receive(form.arrival(), now=clock.now(), by=request.user, owner=request.user)
        except Refused as refused:
            form.refuse(refused)
        else:
            _say_received(request, receipt)
            return redirect("home:lead", receipt.lead.public_id)
    duplicates = identity.candidates(form.data) if form.is_bound else []
    context = {"form": form, "duplicates": duplicates}
    return render(request, "leads/new.html", context, status=400 if form.errors else 200)


def _say_received(request: SignedInRequest, receipt: intake.Receipt) -> None:
    if receipt.is_new:
        messages.success(request, _("%(lead)s is in.") % {"lead": receipt.lead})
    else:
        messages.info(request, _("%(lead)s was known already: we added your facts.") % {"lead": receipt.lead})
    for problem in receipt.problems:
        messages.warning(request, problem)
    for duplicate in receipt.duplicates:
        messages.warning(
            request,
            _("%(other)s may be the same person: %(why)s.") % {"other": duplicate.lead, "why": duplicate.why},
        )


@requires(Act.EDIT_LEADS)
@require_POST
def alike(request: SignedInRequest) -> HttpResponse:
    """Show who may be the person that is being typed in."""
    return render(request, "leads/_alike.html", {"duplicates": identity.candidates(request.POST)})


@requires(Act.EDIT_LEADS)
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Put facts of a lead right."""
    lead = _editable(request, public_id)
    form = FactsForm(request.POST or None, lead=lead)
    if request.method == "POST" and form.is_valid():
        try:
            intake.amend(lead, facts=form.facts(), by=request.user, now=clock.now())
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Saved. The score and the criteria follow the facts."))
            return redirect(next_of(request, reverse("home:lead", args=(lead.public_id,))))
    context = {"form": form, "lead": lead, "next": next_of(request, "")}
    return render(request, "leads/edit.html", context, status=400 if form.errors else 200)


# --- a criterion -----------------------------------------------------------------------------------------------------


def _criterion(lead: Lead, code: str) -> CriterionState:
    states = qualification.criteria(lead, now=clock.now())
    found = next((state for state in states if state.code == code), None)
    if found is None:
        raise Http404
    return found


@requires(Act.EDIT_LEADS)
@require_http_methods(["GET", "POST"])
def answer_criterion(request: SignedInRequest, public_id: UUID, code: str) -> HttpResponse:
    """Answer one criterion of a lead: by the fact that it asks for, or by what a person says of it."""
    if request.method == "GET" and "closed" in request.GET:
        return HttpResponse("")
    lead = _editable(request, public_id)
    state = _criterion(lead, code)
    is_fact = request.POST.get("act") == "fact"
    has_fact = state.field in FACTS
    fact_form = CriterionFactForm(request.POST if is_fact else None, code=state.field, lead=lead) if has_fact else None
    given = request.POST if request.method == "POST" and not is_fact else None
    answer_form = CriterionAnswerForm(given, initial={"verdict": "met"})
    if request.method == "POST" and _answer(request, lead, state, fact_form if is_fact else answer_form):
        return _answered(request, lead)
    context = {
        "lead": lead,
        "criterion": state,
        "fact_form": fact_form,
        "answer_form": answer_form,
        "next": next_of(request, ""),
        "is_page": not request.htmx,
        "action": reverse("leads:answer_criterion", args=(lead.public_id, code)),
    }
    template = "leads/_criterion.html" if request.htmx else "leads/criterion.html"
    return render(request, template, context, status=400 if request.method == "POST" else 200)


def _answer(
    request: SignedInRequest,
    lead: Lead,
    state: CriterionState,
    form: CriterionFactForm | CriterionAnswerForm | None,
) -> bool:
    """Keep an answer; False when it was refused, which the form then says."""
    if form is None or not form.is_valid():
        return False
    told = form.cleaned_data
    try:
        if isinstance(form, CriterionFactForm):
            intake.amend(lead, facts=told, by=request.user, now=clock.now())
        else:
            qualification.answer(
                lead,
                code=state.code,
                verdict=told["verdict"],
                evidence=told["evidence"],
                by=request.user,
                now=clock.now(),
            )
    except Refused as refused:
        form.refuse(refused)
    except AnswerRefused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    return not form.errors


def _answered(request: SignedInRequest, lead: Lead) -> HttpResponse:
    if request.htmx:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect(next_of(request, reverse("home:lead", args=(lead.public_id,))))
