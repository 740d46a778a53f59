"""`manage.py sweep`: all that is due by a moment, and nothing twice."""

from __future__ import annotations

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from leads import intake
from leads.models import InteractionKind
from leadsla.accounts.models import User
from sla.models import Clock, Handoff

pytestmark = pytest.mark.django_db


def sweep(at: str) -> str:
    out = StringIO()
    call_command("sweep", at=at, stdout=out)
    return out.getvalue().strip()


def test_it_hands_over_then_records_what_is_late_and_nothing_twice(sam: User, tuesday: datetime) -> None:
    facts = {"name": "Karin Kern", "email": "karin@kern.example", "country": "DE"}
    arrival = intake.Arrival(facts=facts, kind=InteractionKind.DEMO_REQUEST, occurred_at=tuesday, key="karin")
    intake.receive(arrival, now=tuesday)
    # Of a hot lead's first follow-up the owner is reminded at once, which the notice of the new lead does already.
    first = "0 answers carried out, 1 leads handed over, 0 clocks started, 1 steps and breaches."
    nothing = first.replace("1 leads", "0 leads").replace("1 steps", "0 steps")
    assert sweep("2026-03-03T10:00") == first
    assert sweep("2026-03-03T10:00") == nothing
    assert Handoff.objects.get().owner == sam
    # After 3 min it is offered to the team; after 5 it is past due, and the manager is told.
    assert sweep("2026-03-03T10:06+01:00").endswith(" 3 steps and breaches.")
    assert sweep("2026-03-03T10:06+01:00") == nothing
    late = Clock.objects.get(measure="first_follow_up")
    assert late.breached_at == datetime.fromisoformat("2026-03-03T10:05+01:00")


def test_a_moment_that_is_none_is_named() -> None:
    with pytest.raises(CommandError, match="--at tomorrow: give a moment such as"):
        call_command("sweep", at="tomorrow")
