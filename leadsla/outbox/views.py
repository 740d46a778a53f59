"""Show a person their notices."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox import messages


@requires(Act.SIGNED_IN)
@require_safe
def notices(request: SignedInRequest) -> HttpResponse:
    """List notices, newest first."""
    page = Paginator(messages.inbox(request.user, now=clock.now()), 30).get_page(request.GET.get("page"))
    return render(request, "outbox/notices.html", {"page": page, "now": clock.now()})


@requires(Act.SIGNED_IN)
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    """Mark all notices as read."""
    messages.mark_read(request.user, now=clock.now())
    return redirect("outbox:notices")
