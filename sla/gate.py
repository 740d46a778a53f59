"""May this lead be handed over, who may override that, and does the handoff count. Serves sla.handoff."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from leads import qualification
from leads.models import Company, Lead, Stage
from leadsla.accounts.access import Act, may
from leadsla.accounts.models import Team, User
from sla import agreements, calendars, periods, versions
from sla.models import Agreement, Commitment, Handoff, Target

ONE_PER_COMPANY_IN = timedelta(days=30)


class HandoverRefused(Exception):  # noqa: N818  # it reads as what happened
    """A lead cannot be handed over; its text says why, for people."""


class AtCapacity(HandoverRefused):
    """Everybody who is there has the most open handoffs that they may have; the lead waits.

    `team` is the one without room; None where it is one person who could not get it.
    """

    def __init__(self, why: str, *, team: Team | None) -> None:
        super().__init__(why)
        self.team = team


def refuse_open(lead: Lead) -> None:
    """Refuse a lead that sales has already."""
    open_one = Handoff.objects.open().filter(lead=lead).select_related("owner", "to_team").first()
    if open_one is not None:
        raise HandoverRefused(
            _("Already handed over: it is with %(owner)s.") % {"owner": open_one.owner or open_one.to_team}
        )


def why_not(lead: Lead, *, now: datetime) -> str:
    """Return why a lead cannot be handed over, in words; "" when it can."""
    try:
        refuse_open(lead)
    except HandoverRefused as refused:
        return str(refused)
    return qualification.refusal(lead, now=now)


def check(lead: Lead, *, by: User | None, override_reason: str, now: datetime) -> str:
    """Return the reason with which the gate is overridden, "" when it is open.

    Raises:
        HandoverRefused: it is shut and nobody who may has opened it, or nobody may.
    """
    refusal = qualification.refusal(lead, now=now)
    if not refusal:
        return ""
    for is_barred, why in (
        (lead.merged_into is not None, _("This lead was merged into another. Hand that one over.")),
        (lead.blocked_at is not None, _("This lead is blocked: it is never handed over again.")),
        (lead.suppressed_at is not None, _("This lead must not be contacted.")),
        (lead.stage == Stage.CUSTOMER, _("This lead is a customer already.")),
        (bool(lead.excluded_because), _("This lead is excluded, so it cannot be handed over.")),
    ):
        if is_barred:
            raise HandoverRefused(why)
    if not override_reason:
        raise HandoverRefused(refusal)
    if by is None or not may(by, Act.OVERRIDE_GATE):
        raise HandoverRefused(_("%(refusal)s Only a marketing manager may override this.") % {"refusal": refusal})
    return override_reason


def company_counts_already(company: Company | None, *, now: datetime) -> bool:
    """Tell whether somebody of the company was counted within 30 days."""
    if company is None:
        return False
    counted = Handoff.objects.filter(
        lead__company=company, counts=True, is_notice=False, handed_over_at__gt=now - ONE_PER_COMPANY_IN
    )
    return counted.exists()


@dataclass(frozen=True)
class Room:
    """What the range of an agreement leaves for one more handoff.

    Attributes:
        is_above_range: the upper end is reached: what comes on top is measured, not counted.
        is_above_share: what it gives a working day is reached: sales owes no times for what comes on top that day.
    """

    is_above_range: bool = False
    is_above_share: bool = False


def room(agreement: Agreement, *, now: datetime) -> Room:
    """Tell what an agreement's range leaves at a moment.

    The share of a working day is the upper end ÷ the working days of the period, rounded up. What is handed over on
    days without working time belongs to the next working day.
    """
    target = Target.objects.filter(agreement=agreement, commitment__measure=Commitment.Measure.QUANTITY).first()
    if target is None or target.at_most is None:
        return Room()
    period = agreements.period_of(agreement, now)
    days = periods.working_dates(period, calendars.working_time(calendars.current(agreement.calendar, now=now)))
    since = periods.since_last_working_day(period, days, now=now)
    counted = Handoff.objects.filter(
        agreement__in=versions.line_of(agreement).versions,
        counts=True,
        override_by=None,
        handed_over_at__gte=period.starts_at,
        handed_over_at__lte=now,
    ).aggregate(period=Count("pk"), day=Count("pk", filter=Q(handed_over_at__gte=since)))
    return Room(counted["period"] >= target.at_most, bool(days) and counted["day"] >= day_share(target.at_most, days))


def day_share(at_most: Decimal, days: Sequence[date]) -> int:
    """Return what the upper end of a range gives each of some working days, rounded up."""
    return math.ceil(at_most / len(days))
