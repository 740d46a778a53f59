"""Show a person their notices, and let them choose which they get and how."""

from __future__ import annotations

from django.contrib import messages as notes
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox import messages
from leadsla.outbox import preferences as choices


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


@requires(Act.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: SignedInRequest) -> HttpResponse:
    """Show and change which kinds of notices one gets, and over which channel."""
    if request.method == "POST":
        named = {tuple(value.split(":", maxsplit=1)) for value in request.POST.getlist("wanted")}
        choices.choose(request.user, chosen={(pair[0], pair[1]) for pair in named if len(pair) == 2})
        notes.success(request, _("Saved."))
        return redirect("outbox:preferences")
    context = {"table": choices.table(request.user), "channels": choices.CHANNELS, "person": request.user}
    return render(request, "outbox/preferences.html", context)
