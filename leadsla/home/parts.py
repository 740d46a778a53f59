"""Answer a page or, when HTMX asks for it, the part of the page that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from leadsla.accounts.requests import SignedInRequest


def page_or_part(
    request: SignedInRequest, page: str, part: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render the fragment for HTMX and the whole page for everybody else.

    The answer varies by HTMX's header: a browser that goes back must not show a fragment that it kept as the page.
    """
    is_part = bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request
    answer = render(request, part if is_part else page, dict(context), status=status)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
