"""Pages of the planner: history, what-ifs, the sales goal, and what of it goes into the draft."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest, next_of
from leadsla.display import number
from leadsla.outbox.waking import wake
from sla import assumptions, drafting, drafts, history, what_if
from sla.models import Agreement, WhatIf
from sla.planner_forms import AssumptionsForm, TakeForm, WhatIfForm
from sla.planner_pages import Planner, planner_of, standing_of
from sla.planner_table import question_words
from sla.tasks import run_what_if
from sla.what_if import Question

POLL_SECONDS = 2
SHOWN = 5  # earlier questions


@requires(Act.PLAN)
@require_safe
def first(request: SignedInRequest) -> HttpResponse:
    """Go to the planner of the agreement that is tried first."""
    found = Agreement.objects.in_force(now=clock.now()).first()
    if found is None:
        return render(request, "sla/planner_none.html")
    return redirect("sla:planner", found.public_id)


def _agreement(public_id: UUID) -> Agreement:
    every = Agreement.objects.select_related("calendar", "definition")
    return get_object_or_404(every, public_id=public_id)


def _form(data: QueryDict, agreement: Agreement, *, now: datetime) -> WhatIfForm:
    standing = standing_of(agreement, now=now)
    return WhatIfForm(data, definition=agreement.definition, standing=standing.definition)


@requires(Act.PLAN)
@require_safe
def planner(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show what to promise: history, what-if, the goal; HTMX asks for the part that stands beside a draft's text."""
    agreement, now = _agreement(public_id), clock.now()
    form = _form(request.GET, agreement, now=now)
    is_right = not form.is_bound or form.is_valid()
    shown = planner_of(agreement, form.question() if is_right else Question(), now=now)
    return _answer(request, shown, form, now=now, status=200 if is_right else 400)


def _answer(
    request: SignedInRequest, shown: Planner, form: WhatIfForm, *, now: datetime, status: int = 200
) -> HttpResponse:
    address = reverse("sla:planner", args=(shown.agreement.public_id,))
    query = request.GET.urlencode()
    beside = request.htmx.current_url_abs_path if request.htmx else ""  # beside a draft's text, that page
    is_page = not beside or beside.startswith(address)
    context: dict[str, Any] = {
        "planner": shown,
        "agreement": shown.agreement,
        "form": form,
        "planner_next": f"{address}?{query}" if is_page else beside,
        "may_draft": may(request.user, Act.DRAFT_AGREEMENTS),
        "now": now,
    }
    if request.htmx:
        found = render(request, "sla/_planner.html", context, status=status)
        return push_url(found, f"{address}?{query}") if beside and is_page else found
    asked = WhatIf.objects.filter(agreement__series=shown.agreement.series).select_related("asked_by")
    definition = standing_of(shown.agreement, now=now).definition
    context["asked"] = [(each, question_words(what_if.read(each).question, definition)) for each in asked[:SHOWN]]
    return render(request, "sla/planner.html", context, status=status)


@requires(Act.PLAN)
@require_http_methods(["GET", "HEAD", "POST"])
def assume(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change what plans start from."""
    agreement, now = _agreement(public_id), clock.now()
    basis = history.basis(agreement, assumed=assumptions.current(), now=now)
    form = AssumptionsForm(request.POST if request.method == "POST" else None, basis=basis)
    address = next_of(request, reverse("sla:planner", args=(agreement.public_id,)))
    if form.is_bound and form.is_valid():
        assumptions.assume(**form.columns())
        messages.success(request, _("Plans start from these figures now."))
        return redirect(address)
    context = {"agreement": agreement, "form": form, "next": address, "basis": basis}
    return render(request, "sla/assumptions.html", context, status=400 if form.is_bound else 200)


# --- questions that take a while


@requires(Act.PLAN)
@require_POST
def ask(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Let a question be replayed in the background."""
    agreement, now = _agreement(public_id), clock.now()
    form = _form(request.POST, agreement, now=now)
    if form.is_bound and not form.is_valid():
        return _answer(request, planner_of(agreement, Question(), now=now), form, now=now, status=400)
    days = history.basis(agreement, assumed=assumptions.current(), now=now).days
    asked = what_if.ask(agreement, form.question(), days=days, by=request.user, now=now)
    wake(run_what_if, asked.pk)
    return redirect("sla:what_if", asked.public_id)


@requires(Act.PLAN)
@require_safe
def what_if_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show how far a question is, or what came out."""
    asked = _what_if(public_id)
    now = clock.now()
    context: dict[str, Any] = {
        "what_if": asked,
        "agreement": asked.agreement,
        "query": _query(asked),
        "words": question_words(what_if.read(asked).question, standing_of(asked.agreement, now=now).definition),
        "progress": _progress(asked, now=now),
        "poll_seconds": POLL_SECONDS,
        "now": now,
    }
    if asked.status == WhatIf.Status.DONE:
        answer = what_if.read(asked)
        context["planner"] = planner_of(asked.agreement, answer.question, now=asked.asked_at, answer=answer)
    template = "sla/_what_if.html" if request.htmx else "sla/what_if.html"
    return render(request, template, context)


@requires(Act.PLAN)
@require_POST
def what_if_cancel(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Stop a question that is being replayed."""
    asked = _what_if(public_id)
    if what_if.cancel(asked, now=clock.now()):
        messages.info(request, _("Cancelled. Nothing was changed by it."))
    else:
        messages.warning(request, _("It was over already."))
    return redirect("sla:what_if", asked.public_id)


def _what_if(public_id: UUID) -> WhatIf:
    every = WhatIf.objects.select_related("agreement__calendar", "agreement__definition", "asked_by")
    return get_object_or_404(every, public_id=public_id)


def _query(asked: WhatIf) -> str:
    """Return the address part with which the planner asks the same."""
    question = what_if.read(asked).question
    definition = standing_of(asked.agreement, now=asked.asked_at).definition
    required = definition.criteria.filter(required_by_nurtured=True).values_list("code", flat=True)
    kept = [code for code in required if code not in question.dropped]
    told: list[tuple[str, Any]] = [("asked", 1), *(("criteria", code) for code in [*kept, *question.required])]
    if question.threshold is None:
        told.append(("threshold", f"{definition.threshold.normalize():f}"))
    for name in ("threshold", "measure", "temperature", "minutes", "per_period", "per_day"):
        value = getattr(question, name)
        if value not in {None, ""}:
            told.append((name, value))
    if question.for_asked:
        told.append(("for_asked", "on"))
    return urlencode(told)


def _progress(asked: WhatIf, *, now: datetime) -> dict[str, Any]:
    """Return the progress as `components/_progress.html` shows it."""
    left = _("waiting for a worker") if not asked.done else ""
    if asked.done and asked.status in what_if.RUNNING:
        took = (max(asked.touched_at, asked.asked_at) - asked.asked_at).total_seconds()
        left = _("about %(seconds)d s left") % {
            "seconds": max(1, round(took * (asked.of - asked.done) / asked.done)),
        }
    words = {"done": number(asked.done), "of": number(asked.of)}
    return {
        "done": asked.done,
        "total": asked.of,
        "text": _("%(done)s of %(of)s handoffs looked at") % words,
        "left": left,
        "is_done": asked.status not in what_if.RUNNING,
    }


# --- into the draft


@requires(Act.PLAN)
@require_POST
def take(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a figure into the draft as a promise; where there is no draft, start one and say so."""
    agreement, now = _agreement(public_id), clock.now()
    form = TakeForm(request.POST)
    back = next_of(request, reverse("sla:planner", args=(agreement.public_id,)))
    if not form.is_valid():
        messages.error(request, _("This is no promise that a draft can take: %(why)s") % {"why": _first_error(form)})
        return redirect(back)
    try:
        with transaction.atomic():
            draft, is_new = _draft_of(agreement, request.user, now=now)
            target = drafting.set_promise(draft, **form.cleaned_data, by=request.user, now=now)
    except drafts.Refused as refused:
        messages.error(request, " ".join(refused.errors.values()))
        return redirect(back)
    words = {"draft": draft, "promise": target.commitment}
    if is_new:
        text = _("There was no draft, so one was started: %(draft)s. It promises this now: %(promise)s.")
    else:
        text = _("%(draft)s promises this now: %(promise)s.")
    messages.success(request, text % words)
    return redirect(back)


def _draft_of(agreement: Agreement, by: User, *, now: datetime) -> tuple[Agreement, bool]:
    """Return the draft of an agreement, and whether it was started now."""
    if agreement.status == Agreement.Status.DRAFT:
        return agreement, False
    of_series = Agreement.objects.filter(series=agreement.series)
    found = of_series.filter(status=Agreement.Status.DRAFT).order_by("-version").first()
    if found is not None:
        return found, False
    base = of_series.in_force(now=now).first() or agreement
    return drafting.start_draft(base, by=by, now=now), True


def _first_error(form: TakeForm) -> str:
    return "; ".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
