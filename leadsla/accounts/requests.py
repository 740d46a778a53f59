"""The request of somebody signed in, for the types of views behind `requires`."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails
from rest_framework.request import Request

from leadsla.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request whose person the middleware has checked."""

    user: User
    htmx: HtmxDetails


def acting(request: Request) -> User:
    """Return the person of an API request that `HasAct` let through."""
    assert isinstance(request.user, User)
    return request.user
