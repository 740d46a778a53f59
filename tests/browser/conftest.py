"""Chromium for the journeys: the system's where there is one, else Playwright's own."""

import os
import shutil
from typing import Any

import pytest

# Playwright's loop runs in the test's thread; what a test does to the database beside it is not concurrent.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

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
