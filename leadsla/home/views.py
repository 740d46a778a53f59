"""The front door: send people to their own work, and tell a load balancer how the portal is."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.home import styleguide as samples
from leadsla.home.navigation import home_of


@requires(Act.SIGNED_IN)
@require_safe
def start(request: SignedInRequest) -> HttpResponse:
    """Land on your work."""
    return redirect(home_of(request.user))


@requires(Act.PUBLIC)
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "up"})


@requires(Act.CONFIGURE)
@require_safe
def styleguide(request: SignedInRequest) -> HttpResponse:
    """Show every component with sample data, for those who build pages."""
    return render(request, "home/styleguide.html", samples.sample())
