"""What every page shows around its content: navigation by role, search, notices, the person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from leadsla.accounts.models import User


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return `shell` for templates/base.html; empty when nobody is signed in."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"shell": None}
    return {"shell": None}
