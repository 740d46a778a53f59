"""Pages on which marketing types leads in, puts facts right, answers criteria and imports files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import csv_files, identity, imports, intake, qualification
from leads.facts import FACTS
from leads.forms import ColumnsForm, CriterionAnswerForm, CriterionFactForm, FactsForm, NewLeadForm, UploadForm
from leads.intake import Refused
from leads.models import Import, ImportRow, Lead
from leads.qualification import AnswerRefused, CriterionState
from leads.tasks import run_import
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox.waking import wake

PER_PAGE = 30
POLL_SECONDS = 2


def _next(request: SignedInRequest, default: str) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_safe else default


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
            return redirect(_next(request, reverse("home:lead", args=(lead.public_id,))))
    context = {"form": form, "lead": lead, "next": _next(request, "")}
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
        "next": _next(request, ""),
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
    return redirect(_next(request, reverse("home:lead", args=(lead.public_id,))))


# --- imports ---------------------------------------------------------------------------------------------------------


def _visible(request: SignedInRequest) -> QuerySet[Import]:
    return imports.visible_to(request.user).filter(kind=Import.Kind.LEADS)


def _import(request: SignedInRequest, public_id: UUID) -> Import:
    found: Import = get_object_or_404(_visible(request).select_related("created_by"), public_id=public_id)
    return found


@requires(Act.IMPORT_LEADS)
@require_safe
def imports_list(request: SignedInRequest) -> HttpResponse:
    """List the imports of the person and their team."""
    page = Paginator(_visible(request).select_related("created_by"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "leads/imports.html", {"page": page, "now": clock.now()})


@requires(Act.IMPORT_LEADS)
@require_http_methods(["GET", "POST"])
def import_new(request: SignedInRequest) -> HttpResponse:
    """Upload a file."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"timezone": request.user.timezone})
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run = imports.upload(
                file,
                name=file.name or "",
                system=form.cleaned_data["system"],
                timezone=form.cleaned_data["timezone"],
                now=clock.now(),
                by=request.user,
                team=request.user.team,
            )
        except csv_files.Unreadable as unreadable:
            form.add_error("file", str(unreadable))
        else:
            return redirect("leads:import_columns", run.public_id)
    return render(request, "leads/import_new.html", {"form": form}, status=400 if form.errors else 200)


@requires(Act.IMPORT_LEADS)
@require_http_methods(["GET", "POST"])
def import_columns(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Say what the columns hold."""
    run = _import(request, public_id)
    if run.status not in {Import.Status.UPLOADED, Import.Status.READY}:
        return redirect("leads:import_detail", run.public_id)
    form = ColumnsForm(request.POST or None, run=run)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            imports.match(
                run,
                mapping=form.mapping(),
                system=told["system"],
                timezone=told["timezone"],
                date_format=told["date_format"],
                is_history=told["is_history"],
                overwrites=told["overwrites"],
                now=clock.now(),
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            return redirect("leads:import_detail", run.public_id)
    samples = imports.samples(run)
    columns = [(field, samples.get(str(field.label), [])) for field in form.column_fields()]
    context = {"run": run, "form": form, "columns": columns}
    return render(request, "leads/import_columns.html", context, status=400 if form.errors else 200)


@requires(Act.IMPORT_LEADS)
@require_safe
def import_detail(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Show what will happen, how far it is, or what became of it."""
    run = _import(request, public_id)
    now = clock.now()
    if run.status == Import.Status.UPLOADED:
        return redirect("leads:import_columns", run.public_id)
    context: dict[str, Any] = {"run": run, "now": now}
    if run.status == Import.Status.READY:
        outcomes = imports.preview(run, now=now)
        context["rows"] = [(one, csv_files.as_dict(one.row, run.columns).items()) for one in outcomes]
        return render(request, "leads/import_preview.html", context)
    failed = run.rows.filter(state=ImportRow.State.FAILED)
    noted = run.rows.exclude(state=ImportRow.State.FAILED).exclude(problem="").select_related("lead")
    context |= {
        "progress": _progress(run, now=now),
        "poll_seconds": POLL_SECONDS,
        "failed": failed[:50],
        "noted": noted[:50],
    }
    template = "leads/_import_state.html" if request.htmx else "leads/import_detail.html"
    return render(request, template, context)


def _progress(run: Import, *, now: datetime) -> dict[str, Any]:
    """Return the progress as `components/_progress.html` shows it."""
    progress = imports.progress(run, now=now)
    left = ""
    if progress.is_waiting:
        left = _("waiting for a worker")
    elif progress.left is not None and run.status == Import.Status.RUNNING:
        seconds = int(progress.left.total_seconds())
        left = _("about %(minutes)d min left") % {"minutes": -(-seconds // 60)}
        if seconds < 90:
            left = _("about %(seconds)d s left") % {"seconds": max(seconds, 1)}
    return {
        "done": run.rows_done,
        "total": run.rows_total,
        "text": _("%(done)s of %(total)s rows") % {"done": f"{run.rows_done:,}", "total": f"{run.rows_total:,}"},
        "left": left,
        "is_done": run.status != Import.Status.RUNNING,
    }


@requires(Act.IMPORT_LEADS)
@require_POST
def import_run(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let an import run, or go on after it failed."""
    run = _import(request, public_id)
    if imports.begin(run, now=clock.now()):
        wake(run_import, run.pk)
    return redirect("leads:import_detail", run.public_id)


@requires(Act.IMPORT_LEADS)
@require_POST
def import_cancel(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Stop an import; what is in stays in."""
    run = _import(request, public_id)
    if imports.cancel(run, now=clock.now()):
        messages.info(request, _("Cancelled. Rows that were in stay in."))
    return redirect("leads:import_detail", run.public_id)


@requires(Act.IMPORT_LEADS)
@require_safe
def import_errors(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Download the rows that did not go in, with line and reason, to correct and upload again."""
    run = _import(request, public_id)

    answer = StreamingHttpResponse(imports.error_file(run), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="not-imported-{run.public_id}.csv"'
    return answer
