"""Handoffs for sales to answer: made through the front door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from feedback.models import Reason
from leads import intake
from leads.models import InteractionKind
from leadsla.accounts.models import User
from sla import handoff as handoffs
from sla.models import Handoff

HandOver = Callable[..., Handoff]


@pytest.fixture
def hand_over(sam: User, mia: User, tuesday: datetime) -> HandOver:
    """Return a function that lets somebody ask for a demo and hands them over: a hot lead, Sam's turn."""

    def hand(
        name: str = "Ines Kaltenbach", *, at: datetime = tuesday, domain: str = "rotek.example", **facts: str
    ) -> Handoff:
        told = {
            "name": name,
            "email": f"{name.split(maxsplit=1)[0].lower()}@{domain}",
            "phone": "+49 7131 5550142",
            "company_name": domain.split(".", maxsplit=1)[0].title(),
            "country": "DE",
            **facts,
        }
        arrival = intake.Arrival(facts=told, kind=InteractionKind.DEMO_REQUEST, occurred_at=at, key=name)
        lead = intake.receive(arrival, now=at, by=mia).lead
        return handoffs.hand_over(lead, by=mia, now=at)

    return hand


@pytest.fixture
def handoff(hand_over: HandOver) -> Handoff:
    """Ines Kaltenbach, handed to Sam on Tuesday at 10:00."""
    return hand_over()


@pytest.fixture
def reason(db: None) -> Callable[[str], Reason]:
    """Return a function that finds a reason by its code."""

    def find(code: str) -> Reason:
        return Reason.objects.get(code=code)

    return find
