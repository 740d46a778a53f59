"""Leads as marketing has them, made through the front door, and a portal whose clock stands at `tuesday`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from pytest_django import Settings

from leads import intake
from leads.models import InteractionKind, Lead
from leadsla.accounts.models import User

Capture = Callable[..., Lead]


@pytest.fixture
def at_tuesday(settings: Settings, tuesday: datetime) -> datetime:
    """Let the pages read Tuesday 10:00 as now."""
    settings.LEADSLA_NOW = tuesday.isoformat()
    return tuesday


@pytest.fixture
def capture(mia: User, tuesday: datetime) -> Capture:
    """Return a function that takes in somebody of Mia's; with a demo request they are hot and qualified."""

    def take(
        name: str = "Jana Steiner",
        *,
        kind: InteractionKind | None = InteractionKind.DOWNLOAD,
        at: datetime = tuesday,
        owner: User | None = mia,
        domain: str = "voss.example",
        source: str | None = None,
        campaign: str | None = None,
        **facts: str | int,
    ) -> Lead:
        told: dict[str, str | int | None] = {
            "name": name,
            "email": f"{name.split(maxsplit=1)[0].lower()}@{domain}",
            "company_name": domain.split(".", maxsplit=1)[0].title(),
            "country": "DE",
            **facts,
        }
        arrival = intake.Arrival(
            facts=told, kind=kind, occurred_at=at if kind else None, source=source, campaign=campaign
        )
        return intake.receive(arrival, now=at, by=owner, owner=owner).lead

    return take


@pytest.fixture
def asks(capture: Capture) -> Capture:
    """Return a function that lets somebody of Mia's ask for a demo: hot, and qualified by the first door."""

    def ask(name: str = "Ines Kaltenbach", **more: object) -> Lead:
        return capture(name, **{"kind": InteractionKind.DEMO_REQUEST, "phone": "+49 7131 5550142", **more})

    return ask
