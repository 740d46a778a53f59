"""Issue, check and revoke API tokens; only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leadsla import clock
from leadsla.accounts.models import ApiToken, User

PREFIX = "lsla_"
SEEN_EVERY = timedelta(minutes=1)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue(
    user: User, *, name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token for a person.

    Args:
        user: as whom its requests act.
        name: what the person calls it.
        scopes: codes of `ApiToken.Scope`; at least one.
        now: the moment of issue.
        expires_at: when it ends; None for never.

    Returns:
        The token and its key. The key is shown once and cannot be read again.

    Raises:
        ValueError: without scopes, or with one that does not exist.
    """
    unknown = set(scopes) - set(ApiToken.Scope.values)
    if unknown or not scopes:
        raise ValueError(f"scopes: choose from {', '.join(ApiToken.Scope.values)}")
    key = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        key_hash=_hash(key),
        key_start=key[: len(PREFIX) + 4],
        scopes=list(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    return token, key


def revoke(token: ApiToken, *, now: datetime) -> bool:
    """End a token; False when it was ended before."""
    return ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now) == 1


def find(key: str, *, now: datetime) -> ApiToken | None:
    """Return the living token of a key, or None."""
    alive = Q(expires_at=None) | Q(expires_at__gt=now)
    return (
        ApiToken.objects.select_related("user")
        .filter(alive, key_hash=_hash(key), revoked_at=None, user__is_active=True)
        .first()
    )


class TokenAuthentication(BaseAuthentication):
    """Sign in an API request by `Authorization: Bearer lsla_…`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return user and token; None when the request carries no bearer token."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        now = clock.now()
        token = find(words[1].decode("latin-1"), now=now) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed(_("This API token does not exist, has expired or was revoked."))
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that a missing token is answered with 401."""
        return "Bearer"
