"""The request of somebody signed in, for the types of views behind `requires`, and where it wants to go next."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails
from rest_framework.request import Request

from leadsla.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request whose person the middleware has checked."""

    user: User
    htmx: HtmxDetails


def next_of(request: HttpRequest, default: str) -> str:
    """Return the address in the portal that a request names as `next`; the default where it names none or another."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_safe else default


def acting(request: Request) -> User:
    """Return the person of an API request that `HasAct` let through."""
    assert isinstance(request.user, User)
    return request.user
