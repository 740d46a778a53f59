"""What plans assume about money and hours: the one row, and the only writer of it."""

from __future__ import annotations

from decimal import Decimal

from sla.models import Assumptions

ROW = 1
FIELDS = (
    "currency",
    "revenue_goal",
    "marketing_share",
    "average_deal",
    "customer_rate",
    "customer_days",
    "hourly_cost",
    "minutes_per_rejected",
    "minutes_per_accepted",
)


def current() -> Assumptions:
    """Return what plans assume; what a new portal starts with, as long as nobody said otherwise."""
    return Assumptions.objects.filter(pk=ROW).first() or Assumptions(pk=ROW)


def assume(**columns: Decimal | int | str | None) -> Assumptions:
    """Write what plans assume from now on.

    Args:
        **columns: of `FIELDS`; those that are left out stay. None lets a figure come from own history again.
    """
    assumed, _made = Assumptions.objects.update_or_create(pk=ROW, defaults=columns)
    return assumed
