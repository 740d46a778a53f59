"""The demo company is the same for the same moment, and goes into an empty portal only."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from feedback.models import FollowUp, OutcomeReport
from leads.models import Lead
from leadsla.accounts.models import User
from leadsla.home.demo import cast, company
from sla.models import Clock, Handoff

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def _told(size: float) -> dict[str, list[Any]]:
    """Load a demo, note what anybody can see of it, and take it back."""
    with transaction.atomic():
        company.load(now=MOMENT, size=size)
        told: dict[str, list[Any]] = {
            "leads": list(
                Lead.objects.order_by("email").values_list("name", "email", "phone", "company__name", "stage", "score")
            ),
            "handoffs": list(
                Handoff.objects.order_by("lead__email").values_list(
                    "lead__email", "handed_over_at", "decision", "reason", "attempts", "revenue", "closed_because"
                )
            ),
            "clocks": list(
                Clock.objects.order_by("lead__email", "measure", "started_at", "pk").values_list(
                    "lead__email", "measure", "started_at", "due_at", "stopped_at", "outcome"
                )
            ),
            "calls": list(
                FollowUp.objects.order_by("handoff__lead__email", "occurred_at").values_list("occurred_at", "note")
            ),
            "outcomes": list(
                OutcomeReport.objects.order_by("handoff__lead__email", "occurred_at", "kind").values_list(
                    "kind", "occurred_at", "amount"
                )
            ),
        }
        transaction.set_rollback(True)
    return told


def test_the_same_moment_gives_the_same_company() -> None:
    first, second = _told(0.06), _told(0.06)
    assert len(first["leads"]) > 200
    for what, rows in first.items():
        assert second[what] == rows, what


def test_the_command_loads_and_tells_how_to_sign_in(settings: Settings, client: Client) -> None:
    settings.LEADSLA_NOW = MOMENT.isoformat()
    said = StringIO()
    call_command("load_demo", size=0.03, stdout=said)
    assert "handoffs, 13 people" in said.getvalue()
    assert "mia@leadsla.example" in said.getvalue()
    assert cast.PASSWORD in said.getvalue()
    assert cast.is_here()
    answer = client.post(reverse("account_login"), {"login": "sam@leadsla.example", "password": cast.PASSWORD})
    assert answer.status_code == 302
    assert client.get(reverse("home:queue")).status_code == 200


def test_a_portal_that_is_not_empty_is_left_alone() -> None:
    User.objects.create_user("somebody@example.com", "a long password", name="Somebody")
    with pytest.raises(CommandError, match="not empty"):
        call_command("load_demo", size=0.03)
    assert not cast.is_here()


def test_a_size_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(CommandError, match="--size"):
        call_command("load_demo", size=0)
