"""Pages on which files of outcomes are imported, and who may open them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from feedback import imports
from feedback.forms import ColumnsForm
from feedback.tasks import run_outcomes_import
from leads.import_pages import ImportPages, Words
from leads.models import Import
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest

PAGES = ImportPages(
    kind=Import.Kind.OUTCOMES,
    namespace="feedback",
    words=Words(
        title=_("Import outcomes"),
        upload=_("Import outcomes"),
        about=_("Won and lost deals from files of other systems. The same file again changes nothing."),
        empty=_(
            "Import the leads first. Then export the won and lost deals of the same system as CSV: you see what will "
            "happen to each row before anything is saved."
        ),
        matching=_("matched by their names, or as last time; the others are kept with each outcome"),
    ),
    form_class=ColumnsForm,
    guess=imports.guess,
    match=imports.match,
    take=imports.take_outcomes,
    task=run_outcomes_import,
)


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def imports_list(request: SignedInRequest) -> HttpResponse:
    """List the imports of outcomes of the person and their team."""
    return PAGES.overview(request)


@requires(Act.IMPORT_OUTCOMES)
@require_http_methods(["GET", "POST"])
def import_new(request: SignedInRequest) -> HttpResponse:
    """Upload a file."""
    return PAGES.upload(request)


@requires(Act.IMPORT_OUTCOMES)
@require_http_methods(["GET", "POST"])
def import_columns(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Say what the columns hold."""
    return PAGES.columns(request, public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def import_detail(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Show what will happen, how far it is, or what became of it."""
    return PAGES.detail(request, public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_POST
def import_run(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let an import run, or go on after it failed."""
    return PAGES.start(request, public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_POST
def import_cancel(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Stop an import; what is in stays in."""
    return PAGES.cancel(request, public_id)


@requires(Act.IMPORT_OUTCOMES)
@require_safe
def import_errors(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Download the rows that did not go in, with line and reason, to correct and upload again."""
    return PAGES.errors(request, public_id)
