"""Pages and fragments on which sales answers, follows up and reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from feedback import asked as asking
from feedback import attempts, consequences, decisions, outcomes
from feedback.forms import SPECIAL, FollowUpForm, OutcomeForm, ReasonForm, RuleForm
from feedback.models import Answer, OutcomeReport, Reason
from feedback.refusals import Refused
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest, next_of
from sla import clocks
from sla.models import Clock, Commitment, Decision, Handoff

CHANGED = "queue-changed"  # tells the open queue to fetch itself again
PORTAL = "portal"  # the system that a form of ours is an id of
USUAL = 4  # reasons that a phone shows at once


# --- Loading


def _related() -> Any:
    return Handoff.objects.select_related(
        "lead__owner", "lead__company", "owner", "to_team", "from_team", "handed_over_by", "definition"
    )


def _mine(user: User, public_id: UUID) -> Handoff:
    """Load a handoff that a person may answer, or end in 404."""
    found: Handoff = get_object_or_404(
        _related().filter(pk__in=Handoff.objects.answerable_by(user).values("pk")), public_id=public_id
    )
    return found


def _to_answer(user: User, public_id: UUID) -> tuple[Handoff, bool]:
    """Load a handoff to answer, and whether the person still may; what a colleague took is named, not hidden."""
    mine = Handoff.objects.answerable_by(user).values("pk")
    of_team = Q(to_team=user.team_id) & Q(to_team__isnull=False)
    handoff: Handoff = get_object_or_404(_related().filter(Q(pk__in=mine) | of_team), public_id=public_id)
    return handoff, Handoff.objects.answerable_by(user).filter(pk=handoff.pk).exists()


# --- Answering an answer


def _changed(response: HttpResponse) -> HttpResponse:
    response["HX-Trigger"] = CHANGED
    return response


def _answered(request: SignedInRequest, handoff: Handoff, given: decisions.Given, *, now: datetime) -> HttpResponse:
    """Show the undo line where the row was, or who was first; a second click of the same person finds its answer."""
    answer = given.answer
    if answer is None and given.first is not None and given.first.by == request.user:
        answer = handoff.answers.filter(undone_at=None, by=request.user, kind=Answer.Kind.DECISION).first()
    if request.htmx:
        context = {"handoff": handoff, "answer": answer, "first": given.first, "now": now} | _undo_of(answer, now)
        response = render(request, "feedback/_answered.html", context, status=200 if answer else 409)
        response["HX-Retarget"], response["HX-Reswap"] = f"#item-{handoff.public_id}", "outerHTML"
        return _changed(response)
    if answer is None:
        messages.warning(request, str(given.first))
    return redirect(next_of(request, reverse("home:queue")))


def _undo_of(answer: Answer | None, now: datetime) -> dict[str, Any]:
    seconds = (answer.not_before - now).total_seconds() if answer else 0
    return {"undo_seconds": max(0, int(seconds))}


def _done(request: SignedInRequest, handoff: Handoff, words: str) -> HttpResponse:
    """Close the form under the row and let the queue fetch itself; as a page, go back with a sentence."""
    if request.htmx:
        return _changed(HttpResponse(""))
    messages.success(request, words)
    return redirect(next_of(request, reverse("home:pack", args=(handoff.public_id,))))


def _page(request: SignedInRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a form as a page, or as the fragment under a row for HTMX."""
    fragment = f"feedback/_{name}.html"
    template = fragment if request.htmx else "feedback/form.html"
    context |= {"fragment": fragment, "next": next_of(request, ""), "is_page": not request.htmx}
    return render(request, template, context, status=status)


def _is_closed_by_cancel(request: SignedInRequest) -> bool:
    return request.method == "GET" and "closed" in request.GET


# --- Accept, reject, undo


@requires(Act.ANSWER_HANDOFFS)
@require_POST
def accept(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Accept with one click."""
    now = clock.now()
    handoff, is_mine = _to_answer(request.user, public_id)
    if is_mine:
        given = decisions.accept(handoff, by=request.user, now=now)
    else:
        given = decisions.Given(None, decisions.who_was_first(handoff))
    return _answered(request, handoff, given, now=now)


@requires(Act.ANSWER_HANDOFFS)
@require_http_methods(["GET", "POST"])
def reject(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Reject with a reason, what it asks for and the lead's quality."""
    if _is_closed_by_cancel(request):
        return HttpResponse("")
    now = clock.now()
    handoff, is_mine = _to_answer(request.user, public_id)
    if not is_mine or handoff.decision or handoff.closed_at:
        first = decisions.Given(None, decisions.who_was_first(handoff))
        return _answered(request, handoff, first, now=now)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            given = decisions.reject(
                handoff,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=now,
                asked=form.what_was_asked(),
                remark=form.cleaned_data["remark"],
                quality=form.cleaned_data["quality"],
            )
            return _answered(request, handoff, given, now=now)
        except Refused as refusal:
            form.refuse(refusal)
    context = _reasons(handoff, form, now=now) | {
        "title": _("Reject %(lead)s") % {"lead": handoff.lead},
        "verb": _("Reject"),
        "asks_quality": True,
        "action": reverse("feedback:reject", args=(public_id,)),
        "can_undo": True,
    }
    return _page(request, "reject", context, status=400 if form.errors else 200)


@dataclass(frozen=True)
class Option:
    """A reason as the list of reasons shows it."""

    code: str
    label: str
    to: str
    is_allowed: bool
    condition: str
    is_usual: bool
    words: str
    consequence: str
    counts: str
    asks: str
    question: str


def _option(place: int, choice: decisions.Choice) -> Option:
    reason = choice.reason
    return Option(
        code=reason.code,
        label=reason.label,
        to=reason.get_consequence_display(),
        is_allowed=choice.is_allowed,
        condition=choice.why_not,
        is_usual=place < USUAL,
        words=reason.code.replace("_", " "),
        consequence=choice.consequence,
        counts=choice.counts,
        asks=reason.asks if reason.asks in SPECIAL else "text" if reason.asks else "",
        question=reason.get_asks_display() if reason.asks else "",
    )


def _reasons(handoff: Handoff, form: RuleForm, *, now: datetime, leave_out: str = "") -> dict[str, Any]:
    options = [
        _option(place, choice)
        for place, choice in enumerate(decisions.choices(handoff, now=now))
        if choice.reason.consequence != leave_out
    ]
    readers = consequences.marketing_of(handoff)
    running = _decide_clock(handoff)
    return {
        "handoff": handoff,
        "form": form,
        "options": options,
        "chosen": form["reason"].value() or "",
        "asked_for": {
            kind: {"codes": " ".join(option.code for option in options if option.asks == kind)}
            for kind in ("text", *(str(special) for special in SPECIAL))
        },
        "fields": asking.field_choices(),
        "teams": asking.team_choices(handoff),
        "criteria": asking.criterion_choices(handoff),
        "reader": readers[0] if readers else None,
        "countdown": clocks.countdown(running, now=now) if running else None,
        "now": now,
    }


def _decide_clock(handoff: Handoff) -> Clock | None:
    """Return the clock that an answer stops."""
    return (
        Clock.objects.filter(handoff=handoff, round=handoff.round, measure=Commitment.Measure.DECIDE, stopped_at=None)
        .select_related("calendar_version")
        .first()
    )


@requires(Act.ANSWER_HANDOFFS)
@require_POST
def undo(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a decision back within its minute."""
    now = clock.now()
    answer = get_object_or_404(
        Answer.objects.select_related("handoff__lead", "round"), public_id=public_id, by=request.user
    )
    is_undone = decisions.undo(answer, by=request.user, now=now)
    if request.htmx:
        context = {"handoff": answer.handoff, "answer": answer, "is_undone": is_undone, "now": now}
        return _changed(render(request, "feedback/_undone.html", context, status=200 if is_undone else 409))
    if is_undone:
        messages.success(request, _("Undone: %(lead)s waits for your answer again.") % {"lead": answer.handoff.lead})
    elif answer.undone_at is None:
        messages.warning(request, _("The minute is over: marketing has been told. Nothing was changed."))
    return redirect(next_of(request, reverse("home:queue")))


# --- Give back, rule


@requires(Act.ANSWER_HANDOFFS)
@require_http_methods(["GET", "POST"])
def give_back(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give an accepted lead back after contact."""
    if _is_closed_by_cancel(request):
        return HttpResponse("")
    now = clock.now()
    handoff = _mine(request.user, public_id)
    form = ReasonForm(request.POST or None)
    refused = "" if _is_worked_on(handoff) else _("Only an accepted lead that is still open can be given back.")
    if request.method == "POST" and not refused and form.is_valid():
        try:
            decisions.give_back(
                handoff,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=now,
                asked=form.what_was_asked(),
                remark=form.cleaned_data["remark"],
                quality=form.cleaned_data["quality"],
            )
            return _done(request, handoff, _("Given back. Marketing is told."))
        except Refused as refusal:
            form.refuse(refusal)
    if refused:
        return _refused(request, handoff, refused)
    context = _reasons(handoff, form, now=now) | {
        "title": _("Give %(lead)s back") % {"lead": handoff.lead},
        "verb": _("Give back"),
        "asks_quality": not handoff.answers.filter(quality__isnull=False, undone_at=None).exists(),
        "action": reverse("feedback:give_back", args=(public_id,)),
        "is_giving_back": True,
    }
    return _page(request, "reject", context, status=400 if form.errors else 200)


def _is_worked_on(handoff: Handoff) -> bool:
    return handoff.decision == Decision.ACCEPTED and handoff.closed_at is None and handoff.given_back_at is None


def _refused(request: SignedInRequest, handoff: Handoff, words: str) -> HttpResponse:
    """Say why an act is not possible any more; nothing was changed."""
    if request.htmx:
        context = {"handoff": handoff, "words": words}
        return _changed(render(request, "feedback/_refused.html", context, status=409))
    messages.warning(request, words)
    return redirect(next_of(request, reverse("home:pack", args=(handoff.public_id,))))


@requires(Act.REASSIGN)
@require_http_methods(["GET", "POST"])
def rule(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Decide, as a manager, what follows from a reason that left it open."""
    if _is_closed_by_cancel(request):
        return HttpResponse("")
    now = clock.now()
    mine = Handoff.objects.answerable_by(request.user).values("pk")
    answer = get_object_or_404(
        Answer.objects.select_related("reason"), handoff__in=mine, public_id=public_id, undone_at=None
    )
    handoff = _mine(request.user, answer.handoff.public_id)
    answer.handoff = handoff
    form = RuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            if decisions.rule(answer, reason=reason, by=request.user, now=now, asked=form.what_was_asked()):
                return _done(request, handoff, _("Decided. It is carried out within seconds."))
            return _refused(request, handoff, _("This was decided before."))
        except Refused as refusal:
            form.refuse(refusal)
    context = _reasons(handoff, form, now=now, leave_out=Reason.Consequence.REVIEW) | {
        "title": _("Decide what happens with %(lead)s") % {"lead": handoff.lead},
        "verb": _("Decide"),
        "answer": answer,
        "action": reverse("feedback:rule", args=(public_id,)),
        "is_ruling": True,
    }
    return _page(request, "reject", context, status=400 if form.errors else 200)


# --- Follow-up and outcome


@requires(Act.ANSWER_HANDOFFS)
@require_http_methods(["GET", "POST"])
def follow_up(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Log an attempt; before the decision, accept with the same click."""
    if _is_closed_by_cancel(request):
        return HttpResponse("")
    now = clock.now()
    handoff = _mine(request.user, public_id)
    waits = not handoff.decision
    form = FollowUpForm(request.POST or None, initial={"accept_too": waits})
    if request.method == "POST" and form.is_valid():
        try:
            return _done(request, handoff, _log(handoff, form.cleaned_data, by=request.user, now=now))
        except Refused as refusal:
            form.refuse(refusal)
    asks_quality = not handoff.answers.filter(quality__isnull=False, undone_at=None).exists()
    context = {
        "handoff": handoff,
        "form": form,
        "waits": waits,
        "key": request.POST.get("key") or uuid4(),
        "title": _("Follow-up with %(lead)s") % {"lead": handoff.lead},
        "progress": attempts.progress(handoff),
        "asks_quality": asks_quality,
        "now": now,
    }
    return _page(request, "follow_up", context, status=400 if form.errors else 200)


@transaction.atomic
def _log(handoff: Handoff, said: dict[str, Any], *, by: User, now: datetime) -> str:
    """Log the follow-up and accept where that was ticked; returns what was done, in words."""
    words = _("Follow-up logged.")
    if said["accept_too"] and not handoff.decision:
        given = decisions.accept(handoff, by=by, now=now)
        words = _("Accepted, and follow-up logged.") if given.answer else f"{given.first} {words}"
    system, key = _once(said["key"])
    outcomes.log_follow_up(
        handoff,
        by=by,
        channel=said["channel"],
        result=said["result"],
        occurred_at=said["occurred_at"] or now,
        now=now,
        note=said["note"],
        next_step=said["next_step"],
        next_step_at=said["next_step_at"],
        quality=said["quality"],
        system=system,
        external_id=key,
    )
    return words


def _once(key: UUID | None) -> tuple[str, str]:
    """Name a form that was filled in once by system and id, so that sending it twice logs it once."""
    return (PORTAL, str(key)) if key else ("", "")


def _worth(reported: list[OutcomeReport]) -> dict[str, str]:
    """Return what was last said of the amount, so that nobody types it twice."""
    told = [one for one in reported if one.amount is not None]
    if not told:
        return {}
    last = max(told, key=lambda one: one.occurred_at)
    return {"amount": f"{last.amount.normalize():f}" if last.amount is not None else "", "currency": last.currency}


@requires(Act.ANSWER_HANDOFFS)
@require_http_methods(["GET", "POST"])
def outcome(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Report a meeting, an opportunity, won or lost."""
    if _is_closed_by_cancel(request):
        return HttpResponse("")
    now = clock.now()
    handoff = _mine(request.user, public_id)
    reported_so_far = list(handoff.outcomes.all())
    form = OutcomeForm(request.POST or None, initial={"kind": request.GET.get("kind", "")} | _worth(reported_so_far))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        system, key = _once(said["key"] if said["kind"] == OutcomeReport.Kind.MEETING else None)
        try:
            reported = outcomes.report(
                handoff,
                by=request.user,
                kind=said["kind"],
                occurred_at=said["occurred_at"] or now,
                now=now,
                amount=said["amount"],
                currency=said["currency"],
                lost_because=said["lost_because"],
                note=said["note"],
                system=system,
                external_id=key,
            )
            return _done(request, handoff, _("Reported: %(kind)s.") % {"kind": reported.get_kind_display()})
        except Refused as refusal:
            form.refuse(refusal)
    context = {
        "handoff": handoff,
        "form": form,
        "title": _("What became of %(lead)s") % {"lead": handoff.lead},
        "reported": reported_so_far,
        "key": request.POST.get("key") or uuid4(),
        "now": now,
    }
    return _page(request, "outcome", context, status=400 if form.errors else 200)
