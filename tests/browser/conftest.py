"""Chromium for the journeys: the system's where there is one, else Playwright's own."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import ConsoleMessage, Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from leadsla.accounts.models import User
from tests.flows.running import portal

__all__ = ["portal"]

# Playwright's loop runs in the test's thread; what a test does to the database beside it is not concurrent.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Django gives a thread other connections while a loop runs in it, and those know nothing of the test database's default
# data. One set of connections per thread, for all tests from here on.
connections._connections = threading.local()

# A machine under load answers slowly.
expect.set_options(timeout=20_000)

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Add the program and, for root, what it needs to start."""
    found = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else _FLAGS
    program = {"executable_path": found} if found else {}
    return browser_type_launch_args | program | {"args": flags}


@dataclass
class Desk:
    """Somebody's browser: its page, and what it complained of on the way.

    Attributes:
        page: as Playwright drives it.
        complaints: errors of the console (the content security policy's too) and requests to another host.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the first request on."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("request", self._asked)

    def _complain(self, words: str) -> None:
        self.complaints.append(f"{self.page.url}: {words}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complain(f"{message.text} {message.location.get('url', '')}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname not in {"localhost", "127.0.0.1"}:
            self._complain(f"asks another host: {request.url}")


SignIn = Callable[..., Page]


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    """All browsers of a test; none of them may have complained at its end."""
    opened: list[Desk] = []
    yield opened
    assert [words for desk in opened for words in desk.complaints] == []


@pytest.fixture
def sign_in(new_context: Any, live_server: LiveServer, desks: list[Desk]) -> SignIn:
    """Return a function that signs somebody in by the form and gives the page they land on."""

    def sign(person: User, **context: Any) -> Page:
        page: Page = new_context(
            **{"base_url": live_server.url, "timezone_id": "Europe/Berlin", "locale": "en-GB"} | context
        ).new_page()
        desks.append(Desk(page))
        page.goto("/")
        page.get_by_label("E-mail").fill(person.email)
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Sign in").click()
        return page

    return sign
