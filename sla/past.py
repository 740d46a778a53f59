"""Bring in handoffs of an imported past, in bulk: closed, without clocks, notices or packs, outside compliance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from leads.models import Lead, Origin
from leadsla.accounts.models import User
from sla.models import Handoff, Round


@dataclass(frozen=True)
class Past:
    """What is known of a handoff that was over before the portal was there.

    Attributes:
        lead: whom it was about.
        because: won or lost, as `Handoff.ClosedBecause` has it.
        closed_at: when it was won or lost.
        owner: who closed it.
        handed_over_by: who gave it to them.
        revenue: of won; None when unknown.
        currency: of the revenue.
        is_date: only the day is known.
        flag: what is odd about it.
    """

    lead: Lead
    because: str
    closed_at: datetime
    owner: User | None = None
    handed_over_by: User | None = None
    revenue: Decimal | None = None
    currency: str = ""
    is_date: bool = False
    flag: str = ""


@transaction.atomic
def bring_in(pasts: Sequence[Past], *, now: datetime) -> list[Handoff]:
    """Write handoffs of the past; when they were handed over and decided is not known and stays empty.

    Args:
        pasts: at most one open handoff of each lead stays untouched by it: these are closed.
        now: when they are recorded.

    Returns:
        The handoffs, in the order given.
    """
    handoffs = Handoff.objects.bulk_create([_handoff(past, now=now) for past in pasts])
    Round.objects.bulk_create(
        [Round(handoff=handoff, number=1, to_team=handoff.to_team, owner=handoff.owner) for handoff in handoffs]
    )
    return handoffs


def _handoff(past: Past, *, now: datetime) -> Handoff:
    is_won = past.because == Handoff.ClosedBecause.WON
    return Handoff(
        lead=past.lead,
        origin=Origin.IMPORT,
        counts=False,
        source_id=past.lead.last_source_id or past.lead.first_source_id,
        campaign_id=past.lead.last_campaign_id or past.lead.first_campaign_id,
        from_team_id=past.lead.team_id,
        to_team_id=past.owner.team_id if past.owner else None,
        handed_over_by=past.handed_over_by,
        owner=past.owner,
        recorded_at=now,
        won_at=past.closed_at if is_won else None,
        lost_at=None if is_won else past.closed_at,
        revenue=past.revenue if is_won else None,
        currency=past.currency if is_won and past.revenue is not None else "",
        closed_at=past.closed_at,
        closed_because=past.because,
        moments_are_dates=past.is_date,
        flag=past.flag,
    )
