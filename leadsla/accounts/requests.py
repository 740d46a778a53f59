"""The request of somebody signed in, for the types of views behind `requires`."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from leadsla.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request whose person the middleware has checked."""

    user: User
    htmx: HtmxDetails
