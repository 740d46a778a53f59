"""Pages of clocks: how one was computed, pause, go on, waive; follow-ups that were entered late."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest, next_of
from leadsla.display import moment_text
from sla import calendars, late_entries, pauses
from sla.clock_forms import PauseForm, WaiveForm
from sla.countdown import countdown, due_words, stands
from sla.models import Agreement, Clock
from sla.trace import trace


def _visible(user: User, public_id: UUID) -> Clock:
    """Load a clock that the person sees, or end in 404."""
    seen = Clock.objects.visible_to(user).select_related(
        "calendar_version__calendar",
        "agreement",
        "commitment",
        "limit",
        "lead__company",
        "handoff__to_team",
        "owner__manager",
        "team",
        "responsible",
    )
    return get_object_or_404(seen, public_id=public_id)


def _page_of(found: Clock) -> str:
    return reverse("sla:clock", args=(found.public_id,))


@requires(Act.SEE_CLOCKS)
@require_safe
def detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show how a clock was computed."""
    found, now = _visible(request.user, public_id), clock.now()
    is_running = found.stopped_at is None and found.outcome == Clock.Outcome.RUNNING
    is_paused = is_running and stands(found, now=now)
    may_pause = is_running and pauses.may_pause(request.user, found)
    context = {
        "clock": found,
        "handoff": found.handoff,
        "trace": trace(found, now=now),
        "countdown": countdown(found, now=now),
        "due": due_words(found, now=now),
        "limit": calendars.limit_in_words(found.limit),
        "hours": calendars.hours_in_words(found.calendar_version),
        "is_running": is_running,
        "is_paused": is_paused,
        "may_resume": may_pause and is_paused,
        "may_pause": may_pause and not is_paused and found.due_at > now,
        "may_waive": found.outcome in pauses.WAIVABLE and pauses.may_waive(request.user, found),
        "waits": late_entries.waiting_for(request.user, now=now).filter(pk=found.pk).exists(),
        "now": now,
    }
    return render(request, "sla/clock.html", context)


# --- pause, go on, waive


@requires(Act.PAUSE_CLOCKS)
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let a clock stand until a moment, for a listed reason."""
    found, now = _visible(request.user, public_id), clock.now()
    if not pauses.may_pause(request.user, found):
        raise PermissionDenied
    form = PauseForm(request.POST or None, clock=found)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = pauses.pause(found, **said, by=request.user, now=now)
        except pauses.Refused as refused:
            _show(refused, form)
        else:
            words = {"lead": found.lead, "until": moment_text(made.ends_at, now)}
            messages.success(request, _("The clock of %(lead)s stands until %(until)s.") % words)
            return redirect(next_of(request, _page_of(found)))
    return _form_page(request, "sla/clock_pause.html", found, form, now=now)


@requires(Act.PAUSE_CLOCKS)
@require_POST
def resume(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let a clock go on before its pause ends."""
    found, now = _visible(request.user, public_id), clock.now()
    if not pauses.may_pause(request.user, found):
        raise PermissionDenied
    if pauses.resume(found, by=request.user, now=now):
        found.refresh_from_db()
        words = {"lead": found.lead, "due": due_words(found, now=now)}
        messages.success(request, _("The clock of %(lead)s goes on: %(due)s.") % words)
    else:
        messages.info(request, _("This clock does not stand any more."))
    return redirect(next_of(request, _page_of(found)))


@requires(Act.WAIVE_CLOCKS)
@require_http_methods(["GET", "HEAD", "POST"])
def waive(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let a clock count neither for nor against, with a reason."""
    found, now = _visible(request.user, public_id), clock.now()
    if not pauses.may_waive(request.user, found):
        raise PermissionDenied
    form = WaiveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            is_waived = pauses.waive(found, why=form.cleaned_data["why"], by=request.user, now=now)
        except pauses.Refused as refused:
            _show(refused, form)
        else:
            if is_waived:
                messages.success(request, _("Waived. The other side's manager is told, with your reason."))
            else:
                messages.info(request, _("Nothing to waive: this clock was kept, cancelled or waived before."))
            return redirect(next_of(request, _page_of(found)))
    return _form_page(request, "sla/clock_waive.html", found, form, now=now)


def _show(refused: pauses.Refused, form: Form) -> None:
    for field, words in refused.errors.items():
        form.add_error(field or None, words)


def _form_page(request: SignedInRequest, page: str, found: Clock, form: Form, *, now: datetime) -> HttpResponse:
    context = {
        "clock": found,
        "form": form,
        "countdown": countdown(found, now=now),
        "due": due_words(found, now=now),
        "next": next_of(request, ""),
        "now": now,
    }
    return render(request, page, context, status=400 if form.is_bound else 200)


# --- follow-ups entered late


@requires(Act.CONFIRM_LATE)
@require_safe
def late(request: SignedInRequest) -> HttpResponse:
    """List follow-ups that were entered late and wait for the manager's word."""
    now = clock.now()
    found = [
        {"clock": one, "handoff": one.handoff, "countdown": countdown(one, now=now)}
        for one in late_entries.waiting_for(request.user, now=now)
    ]
    context = {"entries": found, "days": late_entries.WAITS_FOR.days, "now": now}
    return render(request, "sla/late_entries.html", context)


@requires(Act.CONFIRM_LATE)
@require_POST
def rule_on_late(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Confirm a follow-up at the time that it states, or leave it late."""
    now = clock.now()
    found = get_object_or_404(late_entries.waiting_for(request.user, now=now), public_id=public_id)
    is_confirmed = request.POST.get("word") == "confirm"
    act = late_entries.confirm if is_confirmed else late_entries.uphold
    if not act(found, by=request.user, now=now):
        messages.info(request, _("Somebody was first: look at the clock again."))
    elif is_confirmed:
        messages.success(request, _("Confirmed: it counts as done in time, entered late."))
    else:
        messages.success(request, _("It stays late."))
    return redirect(next_of(request, reverse("sla:late_entries")))


# --- running clocks under a new version


@requires(Act.WAIVE_CLOCKS)
@require_http_methods(["GET", "HEAD", "POST"])
def rebase(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Put running clocks under an agreement as it is now, and under the newest hours."""
    agreement = get_object_or_404(Agreement, public_id=public_id, status=Agreement.Status.ACTIVE)
    now = clock.now()
    if request.method == "POST":
        try:
            done = pauses.rebase(agreement, by=request.user, now=now)
        except pauses.Refused as refused:
            messages.error(request, str(refused))
        else:
            words = {"changed": done.changed, "left": done.left}
            messages.success(
                request,
                _("%(changed)d clocks have new times. %(left)d keep theirs: they would be late at once.") % words,
            )
        return redirect(reverse("sla:agreement_version", args=(agreement.public_id,)))
    context = {"agreement": agreement, "outdated": pauses.outdated(agreement, now=now), "now": now}
    return render(request, "sla/clocks_rebase.html", context)
