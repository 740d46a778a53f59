"""Leads that ask for something, and hand calculations in Berlin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from leads import intake
from leads.models import InteractionKind, Lead

MakeLead = Callable[..., Lead]


@pytest.fixture
def asks(db: None) -> MakeLead:
    """Return a function that lets somebody ask for a demo: a hot, qualified lead."""

    def ask(name: str = "Karin Kern", *, at: datetime, domain: str = "kern.example", **facts: str) -> Lead:
        told = {
            "name": name,
            "email": f"{name.replace(' ', '.').lower()}@{domain}",
            "phone": "",
            "company_name": domain.split(".", maxsplit=1)[0].title(),
            "country": "DE",
            **facts,
        }
        arrival = intake.Arrival(
            facts={key: value for key, value in told.items() if value},
            kind=InteractionKind.DEMO_REQUEST,
            occurred_at=at,
            key=name,
        )
        return intake.receive(arrival, now=at).lead

    return ask
