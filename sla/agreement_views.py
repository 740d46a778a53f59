"""Pages of the contract: read, compare, comment, propose, sign, take back; deputies; all agreements in their order."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import conditions
from leads.tasks import rescore_all
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import Side
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox.waking import wake
from sla import agreement_pages, difference, drafting, signatories, signing, wording
from sla.agreement_forms import CommentForm, DeputyForm
from sla.agreement_pages import Status, readable
from sla.models import Agreement, Deputy


@requires(Act.SEE_AGREEMENTS)
@require_safe
def agreement(request: SignedInRequest, public_id: UUID | None = None) -> HttpResponse:
    """Read an agreement as a contract on one page; without an id, the first in force. `?view=` text or changes."""
    now = clock.now()
    if public_id is None:
        first = Agreement.objects.in_force(now=now).first()
        if first is None:
            return render(request, "sla/agreement.html", {"agreement": None, "now": now})
        public_id = first.public_id
    shown = _readable(request, public_id)
    context = agreement_pages.page(shown, request.user, now=now, view=request.GET.get("view", ""))
    return render(request, "sla/agreement.html", context)


@requires(Act.SEE_AGREEMENTS)
@require_safe
def agreement_text(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give the text out as it was hashed, so that anybody can check the hash under the signatures."""
    found = _readable(request, public_id)
    if found.text is None:
        raise Http404
    answer = HttpResponse(wording.canonical(found.text), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="agreement-{found.version}.json"'
    return answer


@requires(Act.SEE_AGREEMENTS)
@require_safe
def agreement_list(request: SignedInRequest) -> HttpResponse:
    """List all agreements: what is in force in the order in which it is tried, what is to come, what was."""
    now = clock.now()
    everything = list(readable(request.user).order_by("position", "-version"))
    groups = (
        (_("In force"), [each for each in everything if each.status == Status.ACTIVE]),
        (
            _("To come"),
            [each for each in everything if each.status in {Status.DRAFT, Status.PROPOSED, Status.SIGNED}],
        ),
        (
            _("Before"),
            [each for each in everything if each.status in {Status.SUPERSEDED, Status.ENDED, Status.WITHDRAWN}],
        ),
    )
    rows = [
        (
            title,
            [
                {
                    "agreement": each,
                    "scope": conditions.in_words(each.scope) if each.scope else "",
                    "chip": agreement_pages.chip(each, agreement_pages.slots_of(each, request.user, now=now)),
                }
                for each in found
            ],
        )
        for title, found in groups
        if found
    ]
    context = {"groups": rows, "may_draft": may(request.user, Act.DRAFT_AGREEMENTS), "now": now}
    return render(request, "sla/agreements.html", context)


# --- drafts and proposals


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def new_agreement(request: SignedInRequest) -> HttpResponse:
    """Start an agreement of its own, beside those that there are."""
    try:
        draft = drafting.start_draft(None, by=request.user, now=clock.now())
    except drafting.Refused as refused:
        messages.error(request, str(refused))
        return redirect("sla:agreements")
    return redirect("sla:edit_draft", draft.public_id)


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def start_draft(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Start the next version of an agreement."""
    base = _readable(request, public_id)
    try:
        draft = drafting.start_draft(base, by=request.user, now=clock.now())
    except drafting.Refused as refused:
        return _refused(request, base, str(refused))
    return redirect("sla:edit_draft", draft.public_id)


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def discard(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Throw a draft away."""
    draft = _readable(request, public_id)
    try:
        drafting.discard(draft, by=request.user)
    except drafting.Refused as refused:
        return _refused(request, draft, str(refused))
    messages.success(request, _("The draft is discarded. What is in force stays in force."))
    return redirect("sla:agreement")


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def propose(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show a draft to both sides for their signatures."""
    draft = _readable(request, public_id)
    try:
        signing.propose(draft, by=request.user, now=clock.now())
    except signing.Refused as refused:
        return _refused(request, draft, str(refused))
    messages.success(request, _("Version %(number)d is proposed. Both sides are told.") % {"number": draft.version})
    return redirect("sla:agreement_version", draft.public_id)


@requires(Act.DRAFT_AGREEMENTS)
@require_POST
def take_back(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a proposal back."""
    found = _readable(request, public_id)
    try:
        signing.take_back(found, by=request.user, now=clock.now())
    except signing.Refused as refused:
        return _refused(request, found, str(refused))
    messages.success(request, _("Version %(number)d is taken back.") % {"number": found.version})
    return redirect("sla:agreement_version", found.public_id)


@requires(Act.COMMENT_AGREEMENTS)
@require_POST
def comment(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Say something about a version or one of its clauses."""
    found, now = _readable(request, public_id), clock.now()
    shown = difference.plain(found, now=now)
    form = CommentForm(request.POST, clauses=[*shown.of_marketing, *shown.of_sales])
    if form.is_valid():
        told = form.cleaned_data
        try:
            signing.comment(found, text=told["text"], measure=told["measure"], by=request.user, now=now)
        except signing.Refused as refused:
            form.add_error("text", str(refused))
        else:
            return redirect("sla:agreement_version", found.public_id)
    context = agreement_pages.page(found, request.user, now=now, form=form)
    return render(request, "sla/agreement.html", context, status=400)


# --- signatures


@requires(Act.SIGN_AGREEMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: SignedInRequest, public_id: UUID, side: str) -> HttpResponse:
    """Show what is signed and by which hash; sign it."""
    found, now = _readable(request, public_id), clock.now()
    if side not in Side.values:
        raise Http404
    refusal = ""
    if request.method == "POST":
        try:
            signing.sign(found, side=side, by=request.user, now=now, text_hash=request.POST.get("text_hash") or "-")
        except signing.Refused as refused:
            refusal = str(refused)
        else:
            return _signed(request, found)
    context = agreement_pages.page(found, request.user, now=now, view="changes", refusal=refusal)
    slot = next(each for each in agreement_pages.slots_of(found, request.user, now=now) if each.side == side)
    return render(request, "sla/sign.html", context | {"slot": slot}, status=400 if refusal else 200)


def _signed(request: SignedInRequest, found: Agreement) -> HttpResponse:
    found.refresh_from_db()
    words = {"number": found.version}
    if found.status == Status.ACTIVE:
        wake(rescore_all)  # the line or the model may be another one now
        messages.success(request, _("Both sides have signed: version %(number)d is in force.") % words)
    elif found.status == Status.SIGNED:
        messages.success(request, _("Both sides have signed version %(number)d.") % words)
    else:
        messages.success(request, _("You signed version %(number)d. The other side is told.") % words)
    return redirect("sla:agreement_version", found.public_id)


@requires(Act.SIGN_AGREEMENTS)
@require_POST
def end(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """End an agreement without a version after it."""
    found = _readable(request, public_id)
    try:
        signing.end(found, by=request.user, now=clock.now())
    except signing.Refused as refused:
        return _refused(request, found, str(refused))
    messages.success(request, _("“%(name)s” has ended. Open handoffs finish under it.") % {"name": found.name})
    return redirect("sla:agreements")


@requires(Act.NAME_DEPUTIES)
@require_http_methods(["GET", "HEAD", "POST"])
def deputies(request: SignedInRequest) -> HttpResponse:
    """List who may sign for whom and when; name one more."""
    now = clock.now()
    today = signatories.day_of(now, request.user.timezone)
    form = DeputyForm(request.POST or None, by=request.user, initial={"starts_on": today})
    if request.method == "POST" and form.is_valid():
        try:
            named = signatories.name_deputy(**form.cleaned_data, by=request.user, now=now)
        except signatories.Refused as refused:
            form.refuse(refused.errors)
        else:
            words = {"name": named.deputy, "day": named.ends_on}
            messages.success(request, _("%(name)s may sign for you.") % words)
            return redirect("sla:deputies")
    found = Deputy.objects.select_related("manager", "deputy")
    context = {
        "form": form,
        "coming": found.filter(ends_on__gte=today),
        "over": found.filter(ends_on__lt=today)[:20],
        "sides": [side.value for side in Side if signatories.leads_side(request.user, side)],
        "today": today,
        "now": now,
    }
    return render(request, "sla/deputies.html", context, status=400 if form.is_bound else 200)


@requires(Act.NAME_DEPUTIES)
@require_POST
def deputy_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a deputy's right to sign back."""
    mine = [side.value for side in Side if signatories.leads_side(request.user, side)]
    found = get_object_or_404(Deputy.objects.filter(side__in=mine).select_related("deputy"), pk=pk)
    signatories.remove(found, by=request.user)
    messages.success(request, _("%(name)s no longer signs for others.") % {"name": found.deputy})
    return redirect("sla:deputies")


def _readable(request: SignedInRequest, public_id: UUID) -> Agreement:
    found: Agreement = get_object_or_404(readable(request.user), public_id=public_id)
    return found


def _refused(request: SignedInRequest, found: Agreement, why: str) -> HttpResponse:
    """Show the contract again with the reason why an act was refused."""
    found.refresh_from_db()
    context = agreement_pages.page(found, request.user, now=clock.now(), refusal=why)
    return render(request, "sla/agreement.html", context, status=400)
