"""Guard every page: a view without a declared act is refused. Keep pages private, and times in the reader's zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control

from leadsla.accounts.access import Act, may
from leadsla.accounts.models import User

GUARDED_ELSEWHERE = ("allauth.", "django.views.", "whitenoise.")


def declared_act(view: Callable[..., Any]) -> Act | None:
    """Return the act that a view declares, also through class-based views; None when it declares none."""
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    act = getattr(view, "required_act", None) or getattr(view_class, "required_act", None)
    return act if isinstance(act, Act) else None


def is_guarded_elsewhere(view: Callable[..., Any]) -> bool:
    """Tell whether a view's own package guards it (sign-in, API)."""
    if getattr(view, "cls", None) is not None:  # DRF views check `HasAct` themselves
        return True
    return view.__module__.startswith(GUARDED_ELSEWHERE)


class AccessMiddleware:
    """Let a request through to views whose act its person may do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Send nobody to the sign-in page and a person without the role to a 403."""
        is_administration = request.resolver_match is not None and "admin" in request.resolver_match.app_names
        if is_administration or is_guarded_elsewhere(view):
            return None
        act = declared_act(view)
        if act is not None and may(request.user, act):
            return None
        if not request.user.is_authenticated and act is not None:
            return redirect_to_login(request.get_full_path())
        raise PermissionDenied


class PrivateMiddleware:
    """Keep what a signed-in person gets out of caches that others share, and fresh in their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mark an answer as personal unless its view said how long it may be kept."""
        response = self.get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response


class TimeZoneMiddleware:
    """Activate the reader's time zone for the time of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the zone of the person who asks."""
        if isinstance(request.user, User):
            with timezone.override(zoneinfo.ZoneInfo(request.user.timezone)):
                return self.get_response(request)
        return self.get_response(request)
