"""Pages on which outcomes of another system are uploaded, matched, looked at, run and told; as leads' imports are."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from feedback import imports as outcomes
from feedback.forms import ColumnsForm
from feedback.refusals import Refused
from feedback.tasks import run_outcomes_import
from leads import csv_files, imports
from leads.forms import UploadForm
from leads.models import Import, ImportRow
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox.waking import wake

PER_PAGE = 30
POLL_SECONDS = 2


def _visible(request: SignedInRequest) -> QuerySet[Import]:
    return imports.visible_to(request.user).filter(kind=Import.Kind.OUTCOMES)


def _import(request: SignedInRequest, public_id: UUID) -> Import:
    found: Import = get_object_or_404(_visible(request).select_related("created_by"), public_id=public_id)
    return found


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def imports_list(request: SignedInRequest) -> HttpResponse:
    """List the imports of outcomes of the person and their team."""
    page = Paginator(_visible(request).select_related("created_by"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "feedback/imports.html", {"page": page, "now": clock.now()})


@requires(Act.IMPORT_OUTCOMES)
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
                kind=Import.Kind.OUTCOMES,
                guess=outcomes.guess,
            )
        except csv_files.Unreadable as unreadable:
            form.add_error("file", str(unreadable))
        else:
            return redirect("feedback:import_columns", run.public_id)
    return render(request, "feedback/import_new.html", {"form": form}, status=400 if form.errors else 200)


@requires(Act.IMPORT_OUTCOMES)
@require_http_methods(["GET", "POST"])
def import_columns(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Say what the columns hold."""
    run = _import(request, public_id)
    if run.status not in {Import.Status.UPLOADED, Import.Status.READY}:
        return redirect("feedback:import_detail", run.public_id)
    form = ColumnsForm(request.POST or None, run=run)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            outcomes.match(
                run,
                mapping=form.mapping(),
                system=told["system"],
                timezone=told["timezone"],
                date_format=told["date_format"],
                decimal_mark=told["decimal_mark"],
                now=clock.now(),
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect("feedback:import_detail", run.public_id)
    samples = imports.samples(run)
    columns = [(field, samples.get(str(field.label), [])) for field in form.column_fields()]
    context = {"run": run, "form": form, "columns": columns}
    return render(request, "feedback/import_columns.html", context, status=400 if form.errors else 200)


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def import_detail(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Show what will happen, how far it is, or what became of it."""
    run = _import(request, public_id)
    now = clock.now()
    if run.status == Import.Status.UPLOADED:
        return redirect("feedback:import_columns", run.public_id)
    context: dict[str, Any] = {"run": run, "now": now}
    if run.status == Import.Status.READY:
        became = imports.preview(run, now=now, take=outcomes.take_outcomes)
        context["rows"] = [(one, csv_files.as_dict(one.row, run.columns).items()) for one in became]
        return render(request, "feedback/import_preview.html", context)
    failed = run.rows.filter(state=ImportRow.State.FAILED)
    noted = run.rows.exclude(state=ImportRow.State.FAILED).exclude(problem="").select_related("lead")
    context |= {
        "progress": _progress(run, now=now),
        "poll_seconds": POLL_SECONDS,
        "failed": failed[:50],
        "noted": noted[:50],
    }
    template = "feedback/_import_state.html" if request.htmx else "feedback/import_detail.html"
    return render(request, template, context)


def _progress(run: Import, *, now: datetime) -> dict[str, Any]:
    """Return the progress as `components/_progress.html` shows it."""
    progress = imports.progress(run, now=now)
    left = ""
    if progress.is_waiting:
        left = _("waiting for a worker")
    elif progress.left is not None and run.status == Import.Status.RUNNING:
        left = _("about %(seconds)d s left") % {"seconds": max(int(progress.left.total_seconds()), 1)}
    return {
        "done": run.rows_done,
        "total": run.rows_total,
        "text": _("%(done)s of %(total)s rows") % {"done": f"{run.rows_done:,}", "total": f"{run.rows_total:,}"},
        "left": left,
        "is_done": run.status != Import.Status.RUNNING,
    }


@requires(Act.IMPORT_OUTCOMES)
@require_POST
def import_run(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let an import run, or go on after it failed."""
    run = _import(request, public_id)
    if imports.begin(run, now=clock.now()):
        wake(run_outcomes_import, run.pk)
    return redirect("feedback:import_detail", run.public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_POST
def import_cancel(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Stop an import; what is in stays in."""
    run = _import(request, public_id)
    if imports.cancel(run, now=clock.now()):
        messages.info(request, _("Cancelled. Rows that were in stay in."))
    return redirect("feedback:import_detail", run.public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def import_errors(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Download the rows that did not go in, with line and reason, to correct and upload again."""
    run = _import(request, public_id)
    answer = StreamingHttpResponse(imports.error_file(run), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="not-imported-{run.public_id}.csv"'
    return answer
