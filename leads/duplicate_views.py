"""The page on which marketing says whether two leads are one person, and takes a merge back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from leads import duplicates as twins
from leads import identity
from leads.models import Lead
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest

PER_PAGE = 10
MERGES_SHOWN = 20


def _seen(user: User, public_id: UUID) -> Lead:
    found: Lead = get_object_or_404(Lead.objects.living().visible_to(user), public_id=public_id)
    return found


def _back(lead: Lead | None = None) -> str:
    return reverse("leads:duplicates") + (f"?lead={lead.public_id}" if lead else "")


@requires(Act.EDIT_LEADS)
@require_safe
def duplicates(request: SignedInRequest) -> HttpResponse:
    """List leads that may be one person, side by side, and the merges of late; `?lead=` for those of one lead."""
    now = clock.now()
    rows = twins.open_for(request.user)
    about = None
    if wanted := request.GET.get("lead"):
        about = next(iter(Lead.objects.living().visible_to(request.user).filter(public_id=_uuid(wanted))), None)
        if about is None:
            raise Http404
        rows = rows.filter(twins.with_lead(about))
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "now": now,
        "page": page,
        "pairs": twins.pairs(page.object_list, now=now),
        "about": about,
        "merges": twins.recent_merges(request.user, now=now)[:MERGES_SHOWN],
    }
    return render(request, "leads/duplicates.html", context)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


@requires(Act.EDIT_LEADS)
@require_POST
def decide(request: SignedInRequest, one: UUID, other: UUID) -> HttpResponse:
    """Merge a proposed pair into the lead that is kept, or say that they are different people."""
    now = clock.now()
    pair = [_seen(request.user, one), _seen(request.user, other)]
    if not twins.open_for(request.user).filter(pk__in=twins.between(*pair)).exists():
        messages.warning(request, _("Somebody has decided this pair already."))
        return redirect(_back())
    if request.POST.get("act") == "different":
        twins.differ(*pair, by=request.user, now=now)
        messages.success(
            request, _("%(one)s and %(other)s stay two people.") % dict(zip(("one", "other"), pair, strict=True))
        )
        return redirect(_back())
    kept, gone = pair if request.POST.get("keep") != str(other) else reversed(pair)
    try:
        twins.merge(kept, gone, by=request.user, now=now)
    except identity.MergeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("%(gone)s and %(kept)s are one lead now.") % {"gone": gone, "kept": kept})
    return redirect(_back())


@requires(Act.EDIT_LEADS)
@require_POST
def compare(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Put a lead beside another one that somebody names, to decide whether they are one person."""
    lead = get_object_or_404(Lead.objects.living().editable_by(request.user), public_id=public_id)
    other = twins.named(request.POST.get("other", ""), user=request.user)
    if other is None:
        messages.error(request, _("No lead has this e-mail or address. Copy the address of the other lead's page."))
        return redirect("home:lead", lead.public_id)
    if other.pk == lead.pk:
        messages.error(request, _("This is the same lead. Give the e-mail or the address of the other one."))
        return redirect("home:lead", lead.public_id)
    twins.propose(lead, other, why=_("named by %(by)s") % {"by": request.user}, now=clock.now())
    return redirect(_back(lead))


@requires(Act.EDIT_LEADS)
@require_POST
def unmerge(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take back the merge by which a lead went into another one."""
    now = clock.now()
    record = get_object_or_404(twins.recent_merges(request.user, now=now), gone__public_id=public_id)
    try:
        identity.undo(record, now=now)
    except identity.MergeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("%(gone)s and %(kept)s are two leads again.") % {"gone": record.gone, "kept": record.kept}
        )
    return redirect(_back())
