"""A person's own page: name, zone, notices, API tokens."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from leadsla import clock
from leadsla.accounts import tokens
from leadsla.accounts.access import Act, requires
from leadsla.accounts.forms import ProfileForm, TokenForm
from leadsla.accounts.models import ApiToken
from leadsla.accounts.requests import SignedInRequest


def _page(
    request: SignedInRequest, profile: ProfileForm, token: TokenForm, *, key: str = "", status: int = 200
) -> HttpResponse:
    living = request.user.api_tokens.filter(revoked_at=None)
    context = {"profile_form": profile, "token_form": token, "tokens": living, "key": key, "now": clock.now()}
    return render(request, "accounts/profile.html", context, status=status)


@requires(Act.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Show and change one's own settings."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST":
        if form.is_valid():
            form.save()
            messages.success(request, _("Saved."))
            return redirect("accounts:profile")
        return _page(request, form, TokenForm(), status=400)
    return _page(request, form, TokenForm())


@requires(Act.USE_API)
@require_POST
@never_cache
def token_new(request: SignedInRequest) -> HttpResponse:
    """Issue a token; its key is on this one page and nowhere else."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, ProfileForm(instance=request.user), form, status=400)
    now = clock.now()
    key = tokens.issue(
        request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=now + timedelta(days=form.cleaned_data["days"]),
        now=now,
    )[1]
    return _page(request, ProfileForm(instance=request.user), TokenForm(), key=key)


@requires(Act.USE_API)
@require_POST
def token_revoke(request: SignedInRequest, public_id: str) -> HttpResponse:
    """End one of one's own tokens."""
    token = get_object_or_404(ApiToken, user=request.user, public_id=public_id)
    tokens.revoke(token, now=clock.now())
    messages.success(request, _("The token is revoked. Programs that use it are refused from now on."))
    return redirect("accounts:profile")
