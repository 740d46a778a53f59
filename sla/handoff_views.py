"""Pages of acts on a handoff that lead from one person in sales to another: passing it on."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest, next_of
from sla import handoff
from sla.handoff_forms import PassOnForm
from sla.models import Handoff


@requires(Act.PASS_ON)
@require_http_methods(["GET", "HEAD", "POST"])
def pass_on(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Pass an accepted lead on to an account executive, with a note."""
    mine = Handoff.objects.answerable_by(request.user).filter(leg=1, is_notice=False)
    found = get_object_or_404(mine.select_related("lead", "owner", "to_team"), public_id=public_id)
    form = PassOnForm(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            second = handoff.pass_on(found, by=request.user, now=clock.now(), note=form.cleaned_data["note"])
        except handoff.HandoverRefused as refused:
            refusal = str(refused)
        else:
            words = {"lead": found.lead, "owner": second.owner or second.to_team}
            messages.success(request, _("%(lead)s is passed on to %(owner)s.") % words)
            return redirect(next_of(request, reverse("home:pack", args=(found.public_id,))))
    context = {"handoff": found, "form": form, "refusal": refusal, "next": next_of(request, "")}
    return render(request, "sla/pass_on.html", context, status=400 if request.method == "POST" else 200)
