"""Celery's way in: hand over what is qualified, warn of and record what is late."""

from celery import shared_task

from leadsla import clock
from sla import acceptance, clocks, compliance, handoff

BATCH = 500


@shared_task
def sweep_handovers() -> int:
    """Hand over what is qualified where the agreement does so by itself; returns how many were handed over."""
    now = clock.now()
    swept = handoff.hand_over_ready(now=now)
    clocks.start_hand_over(now=now)
    return swept.handed_over


@shared_task
def sweep_clocks() -> int:
    """Warn of clocks that end soon and record those past due; returns how many steps were taken."""
    now = clock.now()
    steps = 0
    while True:
        swept = clocks.sweep(now=now, limit=BATCH)
        steps += swept.warned + swept.breached
        if swept.warned + swept.breached < BATCH:
            return steps


@shared_task
def recompute_compliance() -> int:
    """Refresh how every promise stands in the current period."""
    return compliance.recompute(now=clock.now())


@shared_task
def recompute_acceptance() -> int:
    """Refresh the acceptance rates of the current month."""
    return acceptance.recompute(now=clock.now())


@shared_task
def replay_open_periods() -> int:
    """Recompute every period that is not settled, and the acceptance of their months: facts arrive late."""
    now = clock.now()
    return compliance.replay(now=now) + acceptance.replay(now=now)
