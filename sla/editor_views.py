"""The draft editor: one page, whose sections are saved one by one. Each save is one act of `drafting`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from leads.models import Temperature
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from sla import drafting, editor
from sla.drafting import CLOCKS, Measure, Refused
from sla.editor_forms import AboutForm, DefinitionForm, EscalationForm, OrderForm, PromiseForm, RulesForm
from sla.models import Agreement


@requires(Act.DRAFT_AGREEMENTS)
@require_safe
def edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Edit a draft; what is no draft any more is read as a contract. `?add=` opens the form of a new promise."""
    draft = _draft(public_id)
    if draft.status != Agreement.Status.DRAFT:
        messages.info(request, _("This version is no draft any more, so it is not changed. Start a new change."))
        return redirect("sla:agreement_version", draft.public_id)
    adding = request.GET.get("add", "")
    context = editor.page(draft, now=clock.now(), adding=adding)
    if request.htmx and adding in Measure.values:
        return render(request, "sla/_editor_answer.html", context | editor.part(context, f"promise-{adding}"))
    return render(request, "sla/editor.html", context)


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def about(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Save what a draft is called, why it should change, and from when it holds."""
    draft, now = _draft(public_id), clock.now()
    form = AboutForm(request.POST, draft=draft, now=now)
    refused = _tried(form, lambda: drafting.set_terms(draft, by=request.user, now=now, **form.terms()))
    return _answer(request, draft, refused, {"about": form}, "about")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def scope(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Save for which leads a draft is, and its place among the other agreements."""
    draft, now = _draft(public_id), clock.now()
    rows, form = editor.scope_rows(draft, request.POST), OrderForm(request.POST, draft=draft)
    if rows.is_asking:
        return _section(request, draft, {"scope": rows, "order": form}, "scope")
    are_rows_valid = rows.is_valid()
    refused: Refused | None = Refused({}) if not are_rows_valid else None
    if form.is_valid() and are_rows_valid:
        try:
            drafting.set_terms(
                draft, by=request.user, now=now, scope=rows.condition, position=form.cleaned_data["position"]
            )
        except Refused as no:
            refused = no
            rows.error = no.errors.pop("scope", "")
            form.refuse(no)
    elif refused is None:
        refused = Refused({})
    return _answer(request, draft, refused, {"scope": rows, "order": form}, "scope")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def rules(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Save how a draft is counted, how leads move, and who rules."""
    draft, now = _draft(public_id), clock.now()
    form = RulesForm(request.POST, draft=draft)
    refused = _tried(form, lambda: drafting.set_terms(draft, by=request.user, now=now, **form.terms()))
    return _answer(request, draft, refused, {"rules": form}, "rules")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def promise(request: SignedInRequest, public_id: UUID, measure: str) -> HttpResponse:
    """Add a promise, change it with its times in one act, or remove it."""
    draft, now = _draft(public_id), clock.now()
    if measure not in Measure.values:
        raise Http404
    if request.POST.get("act") == "remove":
        refused = _carried_out(lambda: drafting.remove_promise(draft, measure=measure, by=request.user, now=now))
        if refused is None and not request.htmx:
            messages.success(request, _("“%(promise)s” is removed.") % {"promise": Measure(measure).label})
            return redirect(reverse("sla:edit_draft", args=(draft.public_id,)) + "#promises")
        return _answer(request, draft, refused, {}, f"promise-{measure}")
    form = PromiseForm(request.POST, draft=draft, measure=measure, target=editor.target_of(draft, measure))

    @transaction.atomic
    def keep() -> None:
        told = form.cleaned_data
        drafting.set_promise(
            draft,
            measure=measure,
            at_least=told["at_least"],
            at_most=told.get("at_most"),
            note=told["note"],
            by=request.user,
            now=now,
        )
        if measure in CLOCKS:
            drafting.set_limits(
                draft,
                measure=measure,
                limits=form.limits(),
                counts_owner_hours=told["counts_owner_hours"],
                by=request.user,
                now=now,
            )

    return _answer(request, draft, _tried(form, keep), {measure: form}, f"promise-{measure}")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def escalation(request: SignedInRequest, public_id: UUID, temperature: str) -> HttpResponse:
    """Save the steps for leads of one temperature, or show one more row."""
    draft, now = _draft(public_id), clock.now()
    if temperature not in Temperature.values:
        raise Http404
    rows = EscalationForm.of(draft, temperature=temperature, now=now, data=request.POST)
    bound = {f"escalation-{temperature}": rows}
    if request.POST.get("act") == "add":
        return _section(request, draft, bound, f"escalation-{temperature}")
    refused = _tried(
        rows,
        lambda: drafting.set_escalation(draft, temperature=temperature, steps=rows.steps(), by=request.user, now=now),
    )
    return _answer(request, draft, refused, bound, f"escalation-{temperature}")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def definition(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Save when a lead is qualified under a draft."""
    draft, now = _draft(public_id), clock.now()
    form = DefinitionForm(request.POST, draft=draft)
    refused = _tried(
        form,
        lambda: drafting.set_definition(
            draft, by=request.user, now=now, criteria=form.criteria_required(), **form.line()
        ),
    )
    return _answer(request, draft, refused, {"definition": form}, "definition")


def _draft(public_id: UUID) -> Agreement:
    related = ("calendar", "definition__score_model", "based_on", "ruling_person")
    return get_object_or_404(Agreement.objects.select_related(*related), public_id=public_id)


def _tried(form: Any, act: Any) -> Refused | None:
    """Do an act with what a valid form holds; None when it is done, else what was refused: the form shows it."""
    if not form.is_valid():
        return Refused({})
    refused = _carried_out(act)
    if refused is not None:
        form.refuse(refused)
    return refused


def _carried_out(act: Any) -> Refused | None:
    try:
        act()
    except Refused as refused:
        return refused
    return None


def _answer(
    request: SignedInRequest, draft: Agreement, refused: Refused | None, bound: dict[str, Any], section: str
) -> HttpResponse:
    """Answer a save: back to the section with the new words, or the same with what was typed and what is wrong."""
    if refused is None:
        if request.htmx:
            return _section(request, draft, {}, section, is_saved=True)
        messages.success(request, _("Saved. The other side sees it once it is proposed."))
        return redirect(reverse("sla:edit_draft", args=(draft.public_id,)) + f"#{section}")
    status = Agreement.objects.filter(pk=draft.pk).values_list("status", flat=True).first()
    if status != Agreement.Status.DRAFT:
        messages.error(request, refused.errors.get("") or _("This version is no draft any more. Start a new change."))
        where = reverse("sla:agreement_version", args=(draft.public_id,)) if status else reverse("sla:agreement")
        return HttpResponse(headers={"HX-Redirect": where}) if request.htmx else redirect(where)
    return _section(request, draft, bound, section, status=400)


def _section(
    request: SignedInRequest,
    draft: Agreement,
    bound: dict[str, Any],
    section: str,
    *,
    is_saved: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Show a section again: by itself to HTMX, so that nothing typed in another one is lost; else in its page."""
    context = editor.page(_draft(draft.public_id), now=clock.now(), bound=bound)
    if not request.htmx:
        return render(request, "sla/editor.html", context, status=status)
    return render(
        request, "sla/_editor_answer.html", context | editor.part(context, section, is_saved=is_saved), status=status
    )
