"""Celery's way in: hand over what is qualified, escalate and record what is late."""

from celery import shared_task

from leads.tasks import rescore_all
from leadsla import clock
from leadsla.outbox.waking import wake
from sla import (
    acceptance,
    asked_again,
    clocks,
    compliance,
    escalation,
    handoff,
    release,
    rulings,
    signing,
    turn_credits,
    what_if,
)

BATCH = 500
LONGEST_HANDOVERS = 4.0  # seconds; the next tick goes on
LONGEST_RELEASE = 20.0


@shared_task
def sweep_handovers() -> int:
    """Hand over what is qualified where the agreement does so by itself; returns how many were handed over."""
    now = clock.now()
    swept = handoff.hand_over_ready(now=now, longest=LONGEST_HANDOVERS)
    clocks.start_hand_over(now=now)
    return swept.handed_over


@shared_task
def escalate() -> int:
    """Take the steps that are due for clocks and record those past due; returns how many steps were taken."""
    now = clock.now()
    asked_again.start(now=now)
    escalation.withdraw_overtaken(now=now)
    steps = 0
    while True:
        swept = escalation.sweep(now=now, limit=BATCH)
        steps += swept.steps + swept.breached
        if swept.claimed < BATCH or not swept.steps + swept.breached:
            return steps


@shared_task
def lapse_claims() -> int:
    """Put claims that nobody followed up back into the teams' queues; returns how many."""
    return handoff.lapse_claims(now=clock.now())


@shared_task
def release_lists() -> int:
    """Hand over what the release plans give today; returns how many leads."""
    return release.release_due(now=clock.now(), longest=LONGEST_RELEASE)


@shared_task
def lapse_contests() -> int:
    """Let contests on which nobody ruled in time count for neither side; returns how many."""
    return rulings.lapse(now=clock.now())


@shared_task
def credit_turns() -> int:
    """Give turns back whose lead turned out to be none; returns how many."""
    return turn_credits.sweep(now=clock.now())


@shared_task
def activate_agreements() -> int:
    """Put signed agreements in force whose start has come; leads are judged by them at once."""
    activated = signing.activate_due(now=clock.now())
    if activated:
        wake(rescore_all)
    return activated


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
    asked_again.start(now=now, since=asked_again.NIGHTLY)
    return compliance.replay(now=now) + acceptance.replay(now=now)


@shared_task
def run_what_if(what_if_id: int) -> str:
    """Replay the past for a question, as far as it is not done."""
    return what_if.run_through(what_if_id, now=clock.now).status


@shared_task
def resume_what_ifs() -> int:
    """Take up questions whose worker died or that could not be queued."""
    found = what_if.stopped(now=clock.now())
    for what_if_id in found:
        wake(run_what_if, what_if_id)
    return len(found)
