"""The Celery app and the one timetable. Ticks have a queue of their own, so that an import cannot delay a breach."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.schedules import crontab

from leadsla import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsla.settings")
broker.install()

app = Celery("leadsla")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def tick(task: str, *, every: timedelta, queue: str = "ticks") -> dict[str, Any]:
    """Describe a task that repeats.

    A tick expires after its own interval: with the worker down, ticks do not pile up.
    """
    seconds = every.total_seconds()
    return {"task": task, "schedule": every, "options": {"queue": queue, "expires": seconds}}


def nightly(task: str, *, hour: int, minute: int) -> dict[str, Any]:
    """Describe a task that runs once a night, in the portal's zone."""
    return {"task": task, "schedule": crontab(hour=hour, minute=minute), "options": {"expires": 6 * 3600}}


# Keys say in English what happens.
app.conf.beat_schedule = {
    "every 5 seconds: escalate what is due or late": tick("sla.tasks.escalate", every=timedelta(seconds=5)),
    "every 5 seconds: hand over what is qualified": tick("sla.tasks.sweep_handovers", every=timedelta(seconds=5)),
    "every 5 seconds: take claims back that nobody followed up": tick(
        "sla.tasks.lapse_claims", every=timedelta(seconds=5)
    ),
    "every minute: release what is planned for today": tick("sla.tasks.release_lists", every=timedelta(minutes=1)),
    "every minute: end contests that nobody ruled on": tick("sla.tasks.lapse_contests", every=timedelta(minutes=1)),
    "every minute: give turns back that were none": tick("sla.tasks.credit_turns", every=timedelta(minutes=1)),
    "every 5 seconds: carry out answers": tick("feedback.tasks.carry_out_answers", every=timedelta(seconds=5)),
    "every 5 seconds: deliver messages": tick("leadsla.outbox.tasks.deliver_messages", every=timedelta(seconds=5)),
    # Not among the ticks: another program that hangs must not delay a breach.
    "every 5 seconds: tell other programs": tick(
        "leadsla.outbox.tasks.deliver_webhooks", every=timedelta(seconds=5), queue="default"
    ),
    "every minute: take up imports that stopped": tick("leads.tasks.resume_imports", every=timedelta(minutes=1)),
    "every minute: take up rescans that stopped": tick("leads.tasks.resume_rescans", every=timedelta(minutes=1)),
    "every minute: take up imports of outcomes that stopped": tick(
        "feedback.tasks.resume_outcomes_imports", every=timedelta(minutes=1)
    ),
    "every minute: put signed agreements in force": tick("sla.tasks.activate_agreements", every=timedelta(minutes=1)),
    "every minute: refresh compliance": tick("sla.tasks.recompute_compliance", every=timedelta(minutes=1)),
    "every minute: refresh acceptance rates": tick("sla.tasks.recompute_acceptance", every=timedelta(minutes=1)),
    "every minute: bring back recycled leads": tick("leads.tasks.return_recycled", every=timedelta(minutes=1)),
    "every minute: take up what-ifs that stopped": tick("sla.tasks.resume_what_ifs", every=timedelta(minutes=1)),
    "every night: forget what was never confirmed": nightly("leads.tasks.forget_unconfirmed", hour=1, minute=40),
    "every night: rescore for decay and judge again": nightly("leads.tasks.rescore_all", hour=2, minute=10),
    "every night: replay open periods": nightly("sla.tasks.replay_open_periods", hour=3, minute=10),
}
