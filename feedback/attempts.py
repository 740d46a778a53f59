"""Attempts to reach a lead: which follow-ups count as one, and how many were agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.models import FollowUp
from sla.models import Commitment, Handoff, TimeLimit

APART = timedelta(hours=2)
A_DAY_AT_MOST = 2


@dataclass(frozen=True)
class Progress:
    """How far the attempts at one handoff are.

    Attributes:
        made: attempts that count.
        agreed: how many the agreement asks for; None when it says nothing.
        channels_used: on how many channels they were made.
        channels_agreed: on how many they have to be; None when it does not matter.
    """

    made: int
    agreed: int | None
    channels_used: int
    channels_agreed: int | None

    @property
    def is_enough(self) -> bool:
        """Whether the agreed attempts were made; at least one where nothing was agreed."""
        return self.made >= (self.agreed or 1) and self.channels_used >= (self.channels_agreed or 1)

    @property
    def why_not(self) -> str:
        """Say what is missing, as "after 6 attempts, 2 made"; "" when nothing is."""
        if self.is_enough:
            return ""
        if self.made < (self.agreed or 1):
            agreed = self.agreed or 1
            return ngettext(
                "after %(agreed)d attempt, %(made)d made", "after %(agreed)d attempts, %(made)d made", agreed
            ) % {"agreed": agreed, "made": self.made}
        return _("after attempts on %(agreed)d channels, %(used)d used") % {
            "agreed": self.channels_agreed,
            "used": self.channels_used,
        }


def zone_of(handoff: Handoff) -> ZoneInfo:
    """Return the zone in which a handoff's days are counted: its team's, else the portal's."""
    return ZoneInfo(handoff.to_team.timezone if handoff.to_team else settings.TIME_ZONE)


def count_as_attempt(handoff: Handoff, *, channel: str, at: datetime) -> bool:
    """Tell whether a follow-up counts: 2 h from the next on its channel, and one of the first two of its day.

    The caller holds the handoff's row, so that two at once do not both count.
    """
    zone = zone_of(handoff)
    others = [
        other.astimezone(zone)
        for other in FollowUp.objects.filter(
            handoff=handoff,
            channel=channel,
            counts=True,
            occurred_at__gt=at - timedelta(days=2),
            occurred_at__lt=at + timedelta(days=2),
        ).values_list("occurred_at", flat=True)
    ]
    if any(abs(other - at) < APART for other in others):
        return False
    return sum(other.date() == at.astimezone(zone).date() for other in others) < A_DAY_AT_MOST


def progress(handoff: Handoff, *, and_one_more: bool = False) -> Progress:
    """Return how many attempts were made of those that the handoff's agreement asks for.

    Args:
        handoff: whose attempts.
        and_one_more: one is being logged that the handoff does not count yet.
    """
    limit = (
        TimeLimit.objects.filter(
            target__agreement=handoff.agreement_id,
            target__commitment__measure=Commitment.Measure.ATTEMPTS,
            temperature=handoff.temperature,
        )
        .values_list("attempts", "channels")
        .first()
    )
    agreed, channels = limit or (None, None)
    used = FollowUp.objects.filter(handoff=handoff, counts=True).order_by().values("channel").distinct().count()
    return Progress(handoff.attempts + and_one_more, agreed, used, channels)
