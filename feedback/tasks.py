"""Celery's way in: carry out answers whose minute is over; run imports of outcomes. Tasks fetch, call and return."""

from celery import shared_task

from feedback import decisions
from feedback import imports as outcomes
from leads import imports
from leads.models import Import
from leadsla import clock
from leadsla.outbox.waking import wake


@shared_task
def carry_out_answers() -> int:
    """Tell marketing and do what follows from answers."""
    return decisions.carry_out_due(now=clock.now())


@shared_task
def run_outcomes_import(run_id: int) -> str:
    """Take in the rows of an import of outcomes that are not in yet."""
    return imports.run_through(run_id, now=clock.now, take=outcomes.take_outcomes).status


@shared_task
def resume_outcomes_imports() -> int:
    """Take up imports of outcomes whose worker died or that could not be queued."""
    found = imports.stopped(now=clock.now(), kind=Import.Kind.OUTCOMES)
    for run_id in found:
        wake(run_outcomes_import, run_id)
    return len(found)
