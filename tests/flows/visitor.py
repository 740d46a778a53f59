"""Somebody who uses a running portal over HTTP, as a browser without JavaScript does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from django.conf import settings
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from leadsla.accounts.models import User
from tests.flows.running import Portal


class Visitor:
    """A signed-in person at a portal."""

    def __init__(self, portal: Portal, person: User, *, signed_in: Callable[[User], Client]) -> None:
        self._url = portal.url
        self._session = requests.Session()
        self._token = _get_new_csrf_string()
        cookies = {
            settings.SESSION_COOKIE_NAME: signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value,
            settings.CSRF_COOKIE_NAME: self._token,
        }
        self._session.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def reads(self, path: str) -> str:
        """Open a page, which must be there, and return its text."""
        answer = self._session.get(self._url + path, timeout=60)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def sends(self, path: str, data: dict[str, Any], **more: Any) -> str:
        """Send a form, which must be taken, and return where it leads."""
        answer = self._session.post(
            self._url + path,
            data=data | {"csrfmiddlewaretoken": self._token},
            timeout=60,
            allow_redirects=False,
            **more,
        )
        assert answer.status_code == 302, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return answer.headers["Location"]
