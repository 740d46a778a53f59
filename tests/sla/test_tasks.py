"""The ticks of the contract, as the worker runs them: fetch, call, return."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from leads.models import Lead
from leadsla.accounts.models import User
from sla import tasks
from sla.models import Clock, Handoff

MakeLead = Callable[..., Lead]


def test_ticks_hand_over_and_record_what_is_late(asks: MakeLead, sam: User, settings: Any, tuesday: datetime) -> None:
    asks(at=tuesday)
    settings.LEADSLA_NOW = "2026-03-03T10:00"
    assert tasks.sweep_handovers() == 1
    assert tasks.sweep_handovers() == 0
    settings.LEADSLA_NOW = "2026-03-03T10:04:30"
    assert tasks.escalate() == 2  # first follow-up: the owner was told with the lead; it is offered to the team
    settings.LEADSLA_NOW = "2026-03-04T12:00"
    assert tasks.escalate() == 6  # both are past due; two steps each
    assert tasks.escalate() == 0
    assert Clock.objects.filter(handoff=Handoff.objects.get(), breached_at__isnull=False).count() == 2


@pytest.mark.django_db
def test_ticks_find_nothing_on_an_empty_portal() -> None:
    assert (tasks.sweep_handovers(), tasks.escalate()) == (0, 0)
