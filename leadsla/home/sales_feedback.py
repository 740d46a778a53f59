"""Sales feedback: what sales said to marketing's leads, what is to be fixed first, and what was won."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from feedback import heard
from feedback.heard import Entry, Tab
from leads.models import Lead
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.home import whose
from leadsla.home.parts import page_or_part
from leadsla.home.whose import Whose
from sla.countdown import Countdown, countdown
from sla.models import Handoff

PER_PAGE = 30


@dataclass(frozen=True)
class Row:
    """One entry with the clock that runs for it and whether the reader may act on it."""

    entry: Entry
    countdown: Countdown | None
    may_fix: bool


def population(user: User, choice: str) -> QuerySet[Handoff]:
    """Return the handoffs of one's own leads, of one's team's, or all that one sees."""
    of_lead = whose.rows(user, choice, owner="lead__owner", team="lead__team")
    if choice == Whose.TEAM and user.team_id is not None:
        of_lead |= Q(from_team=user.team_id)
    return Handoff.objects.visible_to(user).filter(of_lead)


def to_be_seen(user: User) -> QuerySet[Handoff]:
    """Return the handoffs whose answers a person marks as seen by looking: those of their own leads, and nobody's."""
    mine = Q(lead__owner=user) | Q(lead__owner=None, from_team=user.team_id, from_team__isnull=False)
    return Handoff.objects.visible_to(user).filter(mine)


def _rows(found: list[Entry], user: User) -> list[Row]:
    now = clock.now()
    running = heard.fix_clocks(found)
    leads = [entry.handoff.lead_id for entry in found if entry.is_to_fix]
    editable: set[int] = set()
    if leads and may(user, Act.FIX_RETURNED):
        editable = set(Lead.objects.editable_by(user).filter(pk__in=leads).values_list("pk", flat=True))
    rows = []
    for entry in found:
        own = running.get(entry.handoff.pk) if entry.is_to_fix else None
        rows.append(
            Row(
                entry,
                countdown=countdown(own, now=now) if own is not None else None,
                may_fix=entry.is_to_fix and entry.handoff.lead_id in editable,
            )
        )
    return rows


@requires(Act.SEE_SALES_FEEDBACK)
@require_safe
def sales_feedback(request: SignedInRequest) -> HttpResponseBase:
    """List what sales said, by tab; what is to be fixed stands first."""
    now = clock.now()
    choice = request.GET.get("whose") or whose.usual(request.user)
    tab = request.GET.get("show", "")
    if choice not in Whose.values or (tab and tab not in Tab.values):
        raise Http404
    handoffs = population(request.user, choice)
    counts = heard.counts(handoffs)
    tab = tab or (Tab.FIX if counts[Tab.FIX] else Tab.ALL)
    paginator = Paginator(heard.entries(handoffs, tab), PER_PAGE)
    paginator.count = counts[tab]
    page = paginator.get_page(request.GET.get("page"))
    rows = _rows(heard.loaded(list(page.object_list), now=now), request.user)
    context = {
        "now": now,
        "tab": tab,
        "tabs": [(code, label, counts[code]) for code, label in Tab.choices],
        "whose": choice,
        "whose_choices": Whose.choices,
        "counts": counts,
        "page": page,
        "rows": rows,
        "new_ids": [row.entry.answer.public_id for row in rows if row.entry.answer and row.entry.is_new],
        "here": request.get_full_path(),
    }
    return page_or_part(request, "home/sales_feedback.html", "home/_sales_feedback.html", context)


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            raise Http404 from None
    return found


@requires(Act.SEE_SALES_FEEDBACK)
@require_POST
def seen(request: SignedInRequest) -> HttpResponseBase:
    """Mark the shown answers to one's own leads as seen; without ids, all of them."""
    ids = _ids(request.POST.getlist("answer")) if "answer" in request.POST else None
    heard.mark_seen(to_be_seen(request.user), now=clock.now(), ids=ids)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(reverse("home:sales_feedback"))
