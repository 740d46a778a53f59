"""Celery's way in: imports, the nightly score, the end of recycling. Tasks fetch, call and return."""

from __future__ import annotations

from celery import shared_task

from leads import capture, imports, qualification, rescans, scoring
from leads.models import Lead
from leadsla import clock
from leadsla.outbox.waking import wake


@shared_task
def run_import(run_id: int) -> str:
    """Take in the rows of an import that are not in yet."""
    return imports.run_through(run_id, now=clock.now).status


@shared_task
def resume_imports() -> int:
    """Take up imports whose worker died or that could not be queued."""
    found = imports.stopped(now=clock.now())
    for run_id in found:
        wake(run_import, run_id)
    return len(found)


@shared_task
def return_recycled() -> int:
    """End the recycling of leads whose date has come."""
    return len(qualification.return_recycled(now=clock.now()).returned)


@shared_task
def rescore_all() -> int:
    """Bring all scores up to today, for decay, and judge again."""
    now = clock.now()
    changed = scoring.rescore_all(now=now)
    qualification.judge(Lead.objects.living(), now=now)
    return changed


@shared_task
def rescan(rescan_id: int) -> bool:
    """Score all leads again after a model was published, and say how far it is."""
    return rescans.run_through(rescan_id, now=clock.now)


@shared_task
def resume_rescans() -> int:
    """Take up rescans whose worker died or that could not be queued."""
    found = rescans.stopped(now=clock.now())
    for rescan_id in found:
        wake(rescan, rescan_id)
    return len(found)


@shared_task
def forget_unconfirmed() -> int:
    """Delete what was typed into capture pages by those who never clicked."""
    return capture.forget_unconfirmed(now=clock.now())
