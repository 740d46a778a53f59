"""What every page shows around its content: navigation by role, search, notices, the person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from feedback.models import Answer
from leadsla import clock
from leadsla.accounts.access import Act, may
from leadsla.accounts.models import User
from leadsla.home.demo import cast
from leadsla.home.navigation import home_of, sections_for
from leadsla.outbox import messages
from sla.models import Handoff


def _counts(user: User) -> dict[str, int]:
    counts: dict[str, int] = {}
    if may(user, Act.WORK_QUEUE):
        counts["home:queue"] = Handoff.objects.waiting().for_work_of(user).count()
    if may(user, Act.SEE_SALES_FEEDBACK):
        unseen = Answer.objects.filter(seen_at=None, carried_out_at__isnull=False, handoff__lead__owner=user)
        counts["home:sales_feedback"] = unseen.count()
    return counts


def _shell(request: HttpRequest, user: User) -> dict[str, Any]:
    now = clock.now()
    words = user.name.split() or [user.email]
    return {
        "sections": sections_for(user, path=request.path, counts=_counts(user)),
        "home_url": home_of(user),
        "search_url": reverse("home:search"),
        "notices_url": reverse("outbox:notices"),
        "profile_url": reverse("accounts:profile"),
        "unread": messages.inbox(user, now=now).filter(read_at=None).count(),
        "user_name": user.name or user.email,
        "user_initials": "".join(word[0] for word in (words[0], *words[1:][-1:])).upper(),
        "has_keys": user.wants_shortcuts,
        "now_epoch": now.timestamp(),
        "is_demo": user.email.endswith(f"@{cast.DOMAIN}"),
    }


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return `shell` for templates/base.html; None when nobody is signed in. Read only by pages that show it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) and not getattr(user, "is_authenticated", False):
        return {"shell": None}
    return {"shell": SimpleLazyObject(lambda: _shell(request, request.user))}  # type: ignore[arg-type]
