"""What two journeys of a contract start from: six months of the past, and a lead that qualifies by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from leads import intake
from leads.models import InteractionKind, Lead
from leadsla.accounts.models import Team
from sla import compliance
from sla.models import Agreement, Clock, Handoff, Round

BERLIN = ZoneInfo("Europe/Berlin")

# Qualified leads of October 2025 to March 2026.
PAST = {(2025, 10): 8, (2025, 11): 10, (2025, 12): 12, (2026, 1): 14, (2026, 2): 16, (2026, 3): 18}


def berlin(*parts: int) -> datetime:
    """Return a moment by the wall clock of Berlin."""
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type]


def six_months(team: Team) -> Agreement:
    """Set six months down under the agreement that a new portal starts with."""
    agreement = Agreement.objects.get()
    for (year, month), number in PAST.items():
        moment = berlin(year, month, 15, 10)
        for place in range(number):
            lead = Lead.objects.create(name=f"Lead {month}-{place}", created_at=moment, stage_since=moment)
            handoff = Handoff.objects.create(
                lead=lead,
                agreement=agreement,
                door="nurtured",
                to_team=team,
                handed_over_at=moment,
                recorded_at=moment,
                closed_at=moment + timedelta(days=1),
                closed_because="lost",
                decision="accepted",
                decided_at=moment,
            )
            Round.objects.create(handoff=handoff, number=1, opened_at=moment, decision="accepted", decided_at=moment)
    compliance.replay(now=berlin(2026, 4, 14, 9))
    return agreement


def clock_of(handoff: Handoff, measure: str) -> Clock:
    """Return the clock of a measure."""
    return Clock.objects.select_related("calendar_version", "responsible").get(handoff=handoff, measure=measure)


def arrives(team: Team, *, at: datetime) -> Lead:
    """A plant manager who was at a webinar and a booth: qualified by what is known of her and what she did."""
    facts: dict[str, str | int | None] = {
        "name": "Karin Kern",
        "email": "karin@kern.example",
        "phone": "+49 30 901820",
        "company_name": "Kern Werke",
        "title": "Head of production",
        "industry": "Manufacturing",
        "employees": 300,
        "country": "DE",
        "need": "Fewer stops of the line",
        "decision_maker": "Karin Kern",
    }
    for minutes, kind in ((10, InteractionKind.WEBINAR_ATTEND), (0, InteractionKind.BOOTH_VISIT)):
        arrival = intake.Arrival(facts=facts, kind=kind, occurred_at=at - timedelta(minutes=minutes), key=str(kind))
        lead = intake.receive(arrival, now=at - timedelta(minutes=minutes), team=team).lead
    return Lead.objects.get(pk=lead.pk)
