"""The pages on which marketing builds capture pages, sees them as visitors do, and copies what embeds them."""

from __future__ import annotations

from uuid import UUID

from csp.constants import SELF
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import capture, intake
from leads.capture_forms import CapturePageForm, VisitorForm
from leads.capture_public import allow, form_context
from leads.models import CapturePage, CaptureSubmission
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest

PER_PAGE = 30
Outcome = CaptureSubmission.Outcome


@requires(Act.SET_UP_CAPTURE)
@require_safe
def page_list(request: SignedInRequest) -> HttpResponse:
    """List the capture pages and what came in by them."""
    taken = Q(submissions__outcome__in=[Outcome.CREATED, Outcome.UPDATED])
    found = CapturePage.objects.select_related("source").annotate(
        taken=Count("submissions", filter=taken),
        waiting=Count("submissions", filter=Q(submissions__outcome=Outcome.WAITING)),
        last_at=Max("submissions__received_at"),
    )
    return render(request, "leads/capture_list.html", {"pages": found, "now": clock.now()})


@requires(Act.SET_UP_CAPTURE)
@require_http_methods(["GET", "HEAD", "POST"])
def page_edit(request: SignedInRequest, public_id: UUID | None = None) -> HttpResponse:
    """Build a capture page, or change one."""
    page = get_object_or_404(CapturePage, public_id=public_id) if public_id else CapturePage()
    form = CapturePageForm(request.POST or None, instance=page)
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        try:
            capture.save(
                form.save(commit=False),
                asked=form.asked(),
                consent_text=found["consent_text"],
                consent_is_required=found["consent_is_required"],
                by=request.user,
                now=clock.now(),
            )
        except intake.Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("“%(page)s” is saved.") % {"page": page})
            return redirect("leads:capture_page", page.public_id)
    context = {"form": form, "page": page if page.pk else None}
    return render(request, "leads/capture_edit.html", context, status=400 if form.is_bound else 200)


@requires(Act.SET_UP_CAPTURE)
@require_safe
def page_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show a capture page: its address, its snippet, how it looks, and what came in."""
    page = get_object_or_404(CapturePage.objects.select_related("source", "campaign", "team"), public_id=public_id)
    outcomes = page.submissions.order_by().values_list("outcome").annotate(Count("pk"))
    counts = dict.fromkeys(Outcome.values, 0) | dict(outcomes)
    context = {
        "page_of": page,
        "address": request.build_absolute_uri(reverse("leads:capture_hosted", args=(page.slug,))),
        "script": request.build_absolute_uri(f"{settings.STATIC_URL}js/embed.js"),
        "portal": request.build_absolute_uri("/").rstrip("/"),
        "counts": counts,
        "taken": counts[Outcome.CREATED] + counts[Outcome.UPDATED],
        "versions": page.versions.select_related("created_by"),
        "page": Paginator(page.submissions.select_related("lead", "version"), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "now": clock.now(),
    }
    return render(request, "leads/capture_detail.html", context)


@requires(Act.SET_UP_CAPTURE)
@xframe_options_sameorigin
@require_safe
def page_preview(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show the form as visitors see it, without the way to send it."""
    page = get_object_or_404(CapturePage, public_id=public_id)
    version = capture.current(page)
    context = form_context(page, VisitorForm(version=version), version)
    response = render(request, "leads/capture_public.html", context | {"is_preview": True, "theme": "auto"})
    allow(response, "frame-ancestors", [SELF])
    return response


@requires(Act.SET_UP_CAPTURE)
@require_POST
def page_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Close a capture page, or open it again."""
    page = get_object_or_404(CapturePage, public_id=public_id)
    is_active = "on" in request.POST
    CapturePage.objects.filter(pk=page.pk).update(is_active=is_active)
    said = _("“%(page)s” takes submissions again.") if is_active else _("“%(page)s” is closed.")
    messages.success(request, said % {"page": page})
    return redirect("leads:capture_page", page.public_id)
