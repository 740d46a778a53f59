"""Acts on handoffs that belong to marketing and to managers."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from leads.models import Lead
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest, next_of
from sla import gate, handoff
from sla.forms import OverrideForm, ReassignForm
from sla.models import Handoff

# --- acts of marketing


@requires(Act.HAND_OVER)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Hand a lead over; where the gate is shut, say why, and let a marketing manager override it with a reason."""
    lead = get_object_or_404(Lead.objects.living().editable_by(request.user), public_id=public_id)
    now = clock.now()
    is_override = "override_reason" in request.POST
    form = OverrideForm(request.POST if is_override else None)
    refusal = ""
    if request.method == "POST" and (not is_override or form.is_valid()):
        reason = form.cleaned_data["override_reason"] if is_override else ""
        try:
            handed = handoff.hand_over(lead, by=request.user, now=now, override_reason=reason)
        except handoff.HandoverRefused as refused:
            refusal = str(refused)
        else:
            messages.success(request, _handed_over_words(handed))
            return redirect(next_of(request, reverse("home:lead", args=(lead.public_id,))))
    context = {
        "lead": lead,
        "form": form,
        "refusal": refusal or gate.why_not(lead, now=now),
        "may_override": may(request.user, Act.OVERRIDE_GATE),
        "next": next_of(request, ""),
    }
    return render(request, "sla/hand_over.html", context, status=400 if request.method == "POST" else 200)


def _handed_over_words(handed: Handoff) -> str:
    words = {"lead": handed.lead, "owner": handed.owner or handed.to_team}
    if handed.is_notice:
        return _("%(owner)s was told of %(lead)s. Nothing is owed: the company is in their hands already.") % words
    if handed.owner is None:
        return _("%(lead)s is handed over and waits in the queue of %(owner)s.") % words
    return _("%(lead)s is handed over to %(owner)s.") % words


def _fixable(user: User, public_id: UUID) -> Handoff:
    """Load a handoff of a lead that the person may edit, or end in 404."""
    mine = Lead.objects.editable_by(user).values("pk")
    return get_object_or_404(Handoff.objects.visible_to(user).filter(lead__in=mine), public_id=public_id)


@requires(Act.FIX_RETURNED)
@require_POST
def send_again(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send a fixed lead again: the next round."""
    found = _fixable(request.user, public_id)
    try:
        handoff.send_again(found, by=request.user, now=clock.now())
    except handoff.HandoverRefused as refused:
        messages.error(request, str(refused))
    else:
        words = {"lead": found.lead, "owner": found.owner or found.to_team}
        messages.success(request, _("%(lead)s is with %(owner)s again, with new clocks.") % words)
    return redirect(next_of(request, reverse("home:lead", args=(found.lead.public_id,))))


@requires(Act.FIX_RETURNED)
@require_POST
def withdraw(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a handoff back before sales answered it, or instead of fixing it."""
    found = _fixable(request.user, public_id)
    if handoff.withdraw(found, by=request.user, now=clock.now()):
        messages.success(request, _("%(lead)s is withdrawn and rests for 30 days.") % {"lead": found.lead})
    else:
        messages.error(request, _("This handoff cannot be withdrawn: sales answered it, or it is closed."))
    return redirect(next_of(request, reverse("home:lead", args=(found.lead.public_id,))))


# --- acts of sales


@requires(Act.REASSIGN)
@require_http_methods(["GET", "HEAD", "POST"])
def reassign(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give a handoff of the manager's team to somebody else."""
    mine = Handoff.objects.open().answerable_by(request.user).filter(is_notice=False)
    found = get_object_or_404(mine.select_related("lead", "owner", "to_team"), public_id=public_id)
    form = ReassignForm(request.POST or None, but_not=found.owner)
    if request.method == "POST" and form.is_valid():
        to = form.cleaned_data["to"]
        try:
            is_theirs = handoff.reassign(found, to=to, by=request.user, now=clock.now())
        except handoff.HandoverRefused as refused:
            form.add_error("to", str(refused))
        else:
            if is_theirs:
                words = {"lead": found.lead, "to": to}
                messages.success(request, _("%(lead)s is now with %(to)s. The clocks go on.") % words)
            else:
                messages.warning(request, _("This handoff changed hands meanwhile. Look at it again."))
            return redirect(next_of(request, reverse("home:pack", args=(found.public_id,))))
    context = {"handoff": found, "form": form, "next": next_of(request, "")}
    return render(request, "sla/reassign.html", context, status=400 if form.is_bound else 200)


@requires(Act.ANSWER_HANDOFFS)
@require_POST
def claim(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a handoff out of the team's queue."""
    team = request.user.team_id
    mine = Handoff.objects.filter(to_team=team, to_team__isnull=False).select_related("lead", "owner")
    found = get_object_or_404(mine, public_id=public_id)
    if handoff.claim(found, by=request.user, now=clock.now()):
        messages.success(request, _("%(lead)s is yours.") % {"lead": found.lead})
    else:
        found.refresh_from_db()
        words = {"lead": found.lead, "owner": found.owner}
        late = _("Too late: %(lead)s is with %(owner)s.")
        not_next = _("%(lead)s cannot be claimed now: another lead is next in line, or it waits no more.")
        messages.warning(request, (late if found.owner else not_next) % words)
    return redirect(next_of(request, reverse("home:queue")))


@requires(Act.ANSWER_HANDOFFS)
@require_POST
def claim_next(request: SignedInRequest) -> HttpResponse:
    """Take the next in line out of the team's queue."""
    found = handoff.claim_next(by=request.user, now=clock.now())
    if found is None:
        messages.info(request, _("Nothing waits in your team's queue."))
        return redirect(next_of(request, reverse("home:queue")))
    messages.success(request, _("%(lead)s is yours.") % {"lead": found.lead})
    return redirect(next_of(request, reverse("home:pack", args=(found.public_id,))))
