"""The pages on which a file is uploaded, matched, looked at, run and told; written once for every kind of import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import Task
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from leads import csv_files, imports
from leads.forms import MatchForm, UploadForm
from leads.intake import Refused
from leads.models import Import, ImportRow
from leadsla import clock
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox.waking import wake

PER_PAGE = 30
POLL_SECONDS = 2
SHOWN = 50  # rows that did not go in, or that want another look; all of them are in the file of errors


@dataclass(frozen=True)
class Words:
    """What the pages of one kind call things.

    Attributes:
        title: of the list.
        upload: title of the page on which a file is chosen.
        about: what is imported here.
        empty: what to do as long as nothing was imported.
        matching: how columns are matched, and what becomes of the others.
    """

    title: StrOrPromise
    upload: StrOrPromise
    about: StrOrPromise
    empty: StrOrPromise
    matching: StrOrPromise


@dataclass(frozen=True)
class ImportPages:
    """The pages of one kind of import. Who may open them is said where the views are declared.

    Attributes:
        kind: of `Import.Kind`.
        namespace: of their addresses; its templates have an `_import_terms.html`, which says what a run will do.
        words: what they call things.
        form_class: asks what the columns hold.
        guess: matches headers with what they hold.
        match: takes a run, a mapping, the form's answers by name and `now`; raises `intake.Refused`.
        take: what to do with rows.
        task: takes the rows in, in the background.
    """

    kind: Import.Kind
    namespace: str
    words: Words
    form_class: type[MatchForm]
    guess: Callable[[Sequence[str]], dict[str, str]]
    match: Callable[..., None]
    take: imports.Take
    task: Task[Any, Any]

    def overview(self, request: SignedInRequest) -> HttpResponse:
        """List the imports of the person and their team."""
        page = Paginator(self._visible(request), PER_PAGE).get_page(request.GET.get("page"))
        return render(request, "leads/imports.html", {"pages": self, "page": page, "now": clock.now()})

    def upload(self, request: SignedInRequest) -> HttpResponse:
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
                    kind=self.kind,
                    guess=self.guess,
                )
            except csv_files.Unreadable as unreadable:
                form.add_error("file", str(unreadable))
            else:
                return self._to("import_columns", run)
        context = {"pages": self, "form": form}
        return render(request, "leads/import_new.html", context, status=400 if form.errors else 200)

    def columns(self, request: SignedInRequest, public_id: UUID) -> HttpResponse:
        """Say what the columns hold."""
        run = self._run(request, public_id)
        if run.status not in {Import.Status.UPLOADED, Import.Status.READY}:
            return self._to("import_detail", run)
        form = self.form_class(request.POST or None, run=run)
        if request.method == "POST" and form.is_valid():
            try:
                self.match(run, mapping=form.mapping(), **form.answers(), now=clock.now())
            except Refused as refused:
                form.refuse(refused)
            else:
                return self._to("import_detail", run)
        samples = imports.samples(run)
        columns = [(field, samples.get(str(field.label), [])) for field in form.column_fields()]
        context = {"pages": self, "run": run, "form": form, "columns": columns}
        return render(request, "leads/import_columns.html", context, status=400 if form.errors else 200)

    def detail(self, request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
        """Show what will happen, how far it is, or what became of it."""
        run = self._run(request, public_id)
        now = clock.now()
        if run.status == Import.Status.UPLOADED:
            return self._to("import_columns", run)
        context: dict[str, Any] = {"pages": self, "run": run, "now": now}
        if run.status == Import.Status.READY:
            became = imports.preview(run, now=now, take=self.take)
            context["rows"] = [(one, csv_files.as_dict(one.row, run.columns).items()) for one in became]
            return render(request, "leads/import_preview.html", context)
        failed = run.rows.filter(state=ImportRow.State.FAILED)
        noted = run.rows.exclude(state=ImportRow.State.FAILED).exclude(problem="").select_related("lead")
        context |= {
            "progress": _progress(run, now=now),
            "poll_seconds": POLL_SECONDS,
            "failed": failed[:SHOWN],
            "noted": noted[:SHOWN],
        }
        template = "leads/_import_state.html" if request.htmx else "leads/import_detail.html"
        return render(request, template, context)

    def start(self, request: SignedInRequest, public_id: UUID) -> HttpResponse:
        """Let an import run, or go on after it failed."""
        run = self._run(request, public_id)
        if imports.begin(run, now=clock.now()):
            wake(self.task, run.pk)
        return self._to("import_detail", run)

    def cancel(self, request: SignedInRequest, public_id: UUID) -> HttpResponse:
        """Stop an import; what is in stays in."""
        run = self._run(request, public_id)
        if imports.cancel(run, now=clock.now()):
            messages.info(request, _("Cancelled. Rows that were in stay in."))
        return self._to("import_detail", run)

    def errors(self, request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
        """Download the rows that did not go in, with line and reason, to correct and upload again."""
        run = self._run(request, public_id)
        answer = StreamingHttpResponse(imports.error_file(run), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="not-imported-{run.public_id}.csv"'
        return answer

    def _visible(self, request: SignedInRequest) -> QuerySet[Import]:
        return imports.visible_to(request.user).filter(kind=self.kind).select_related("created_by")

    def _run(self, request: SignedInRequest, public_id: UUID) -> Import:
        found: Import = get_object_or_404(self._visible(request), public_id=public_id)
        return found

    def _to(self, name: str, run: Import) -> HttpResponse:
        return redirect(f"{self.namespace}:{name}", run.public_id)


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
