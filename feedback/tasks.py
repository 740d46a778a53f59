"""Celery's way in: carry out answers whose minute is over."""

from celery import shared_task

from feedback import decisions
from leadsla import clock


@shared_task
def carry_out_answers() -> int:
    """Tell marketing and do what follows from answers."""
    return decisions.carry_out_due(now=clock.now())
