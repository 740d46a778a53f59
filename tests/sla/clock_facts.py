"""Handoffs with clocks, and moments in Berlin, for the tests of clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from leads.models import Lead
from sla import handoff as handoffs
from sla.models import Clock, Handoff

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MakeLead = Callable[..., Lead]


def berlin(*parts: int) -> datetime:
    """Return a moment by the wall clock of Berlin."""
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type,misc]  # year, month, day, hour …


def handed_over(lead: Lead, *, at: datetime, temperature: str = "hot") -> Handoff:
    """Hand a lead over with a temperature."""
    Lead.objects.filter(pk=lead.pk).update(temperature=temperature)
    return handoffs.hand_over(lead, by=None, now=at)


def clock(handoff: Handoff, measure: str) -> Clock:
    """Return the clock of a measure."""
    return Clock.objects.select_related("calendar_version").get(handoff=handoff, measure=measure)
