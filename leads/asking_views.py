"""Asking a lead: the page on which a marketer makes the link, and the public page behind it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from leads import asking, identity, qualification
from leads.asking import State
from leads.asking_forms import AnswerForm, ChooseForm
from leads.intake import Refused
from leads.models import Asking, Lead
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest, next_of

WINDOW = timedelta(minutes=10)
MOST_ANSWERS = 20  # to one link in a window: nobody corrects more often
MOST_GUESSES = 60  # keys that there are not, from one address in a window


# --- marketing's side ------------------------------------------------------------------------------------------------


@requires(Act.EDIT_LEADS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Choose what to ask a lead for; the link is on this one answer and nowhere else."""
    lead: Lead = get_object_or_404(Lead.objects.living().editable_by(request.user), public_id=public_id)
    now = clock.now()
    states = qualification.criteria(lead, now=now)
    questions = asking.open_questions(lead, now=now, known=states)
    form = ChooseForm(request.POST or None, questions=questions, states=states)
    made = None
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = asking.ask(
                lead,
                texts=form.texts(),
                by=request.user,
                now=now,
                public_id=told["link"],
                days=told["days"],
                is_mailed="mail" in request.POST,
            )
        except Refused as refused:
            form.refuse(refused)
    if made is not None:
        return _made(request, made)
    before = [
        (each, asking.in_words(each, now=now), asking.state(each, now=now) == State.OPEN)
        for each in Asking.objects.filter(lead=lead).select_related("lead", "asked_by")
    ]
    context = {
        "lead": lead,
        "form": form,
        "why_not": asking.why_not(lead),
        "why_not_mailed": asking.why_not_mailed(lead),
        "before": before,
        "next": next_of(request, ""),
        "now": now,
    }
    return render(request, "leads/ask.html", context, status=400 if form.is_bound else 200)


def _made(request: SignedInRequest, made: asking.Made) -> HttpResponse:
    lead = made.asking.lead
    if made.asking.mailed_at is not None:
        messages.success(request, _("The questions are on their way to %(email)s.") % {"email": lead.email})
        return redirect(next_of(request, reverse("home:lead", args=(lead.public_id,))))
    link = request.build_absolute_uri(reverse("leads:asked", args=(made.key,)))
    subject = _("A few questions")
    body = _("Hello,\n\nwould you answer a few questions for us? It takes two minutes:\n%(link)s\n\n%(who)s") % {
        "link": link,
        "who": request.user.name,
    }
    context = {
        "lead": lead,
        "asking": made.asking,
        "questions": asking.questions_of(made.asking),
        "link": link,
        "mailto": f"mailto:{quote(lead.email)}?subject={quote(subject)}&body={quote(body)}" if lead.email else "",
        "why_not_mailed": asking.why_not_mailed(lead),
        "next": next_of(request, ""),
        "now": clock.now(),
    }
    return render(request, "leads/ask_made.html", context)


@requires(Act.EDIT_LEADS)
@require_POST
def withdraw(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """End a link that was sent to a lead."""
    editable = Lead.objects.living().editable_by(request.user)
    found = get_object_or_404(Asking.objects.select_related("lead"), public_id=public_id, lead__in=editable)
    if asking.withdraw(found, now=clock.now()):
        messages.success(request, _("The link is withdrawn: whoever opens it is told so."))
    else:
        messages.info(request, _("The link was withdrawn already."))
    return redirect("leads:ask", found.lead.public_id)


# --- the lead's side -------------------------------------------------------------------------------------------------


@csrf_exempt  # the key in the address is the proof; the page sets no cookie that a forged request could use
@requires(Act.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def asked(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the lead, and take its answers; no sign-in, no cookie, found by no search engine."""
    answer = _asked(request, key, asking.find(key))
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer["Referrer-Policy"] = "no-referrer"
    answer["Cache-Control"] = "no-store, private"
    return answer


def _asked(request: HttpRequest, key: str, found: Asking | None) -> HttpResponse:
    now = clock.now()
    if found is None:
        sender = hashlib.sha256(_address(request).encode()).hexdigest()[:24]
        is_flood = _is_one_too_many(f"asked:guess:{sender}", MOST_GUESSES)
        return _ended(request, "unknown", found, status=429 if is_flood else 404)
    if (ended := asking.state(found, now=now)) != State.OPEN:
        return _ended(request, ended, found, status=410)
    if request.method == "POST":
        return _take(request, key, found)
    if request.method == "GET" and not request.user.is_authenticated:
        asking.note_opening(found, now=now)
    return _form(request, found, AnswerForm(questions=asking.questions_of(found), initial=found.answers))


def _take(request: HttpRequest, key: str, found: Asking) -> HttpResponse:
    form = AnswerForm(request.POST, questions=asking.questions_of(found))
    if request.user.is_authenticated:
        form.add_error(None, _("You are signed in to the portal: only the lead can answer here."))
        return _form(request, found, form, status=403)
    if _is_one_too_many(f"asked:link:{found.pk}", MOST_ANSWERS):
        return _ended(request, "flood", found, status=429)
    if form.is_valid():
        try:
            is_taken = asking.take(found, answers=form.answers(), now=clock.now())
        except Refused as refused:
            form.refuse(refused)
        else:
            return redirect("leads:asked", key) if is_taken else _ended(request, State.EXPIRED, found, status=410)
    return _form(request, found, form, status=400)


def _form(request: HttpRequest, found: Asking, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "asking": found,
        "who": _who(found),
        "is_preview": request.user.is_authenticated,
        "is_answered": found.answered_at is not None,
    }
    return render(request, "leads/asked.html", context, status=status)


def _ended(request: HttpRequest, why: str, found: Asking | None, *, status: int) -> HttpResponse:
    answer = render(request, "leads/asked_ended.html", {"why": str(why), "who": _who(found)}, status=status)
    if status == 429:
        answer["Retry-After"] = str(int(WINDOW.total_seconds()))
    return answer


def _who(found: Asking | None) -> dict[str, str] | None:
    """Return whom the lead can write to: who asked, while they are here, else the marketer who has the lead."""
    if found is None:
        return None
    people = [found.asked_by, found.lead.owner]
    person = next((each for each in people if each is not None and each.is_active), None)
    return {"name": person.name, "email": person.email} if person else None


def _address(request: HttpRequest) -> str:
    """Return the sender's address; behind a proxy, the one that the proxy saw."""
    seen = request.headers.get("X-Forwarded-For", "") if settings.USE_X_FORWARDED_HOST else ""
    return seen.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def _is_one_too_many(key: str, most: int) -> bool:
    """Count one more for a key and tell whether that is too many for its window."""
    with transaction.atomic():
        # Reading and writing a count are two statements: the lock makes them one.
        identity.lock([key])
        count = int(cache.get(key, 0)) + 1
        cache.set(key, count, timeout=WINDOW.total_seconds())
    return count > most
