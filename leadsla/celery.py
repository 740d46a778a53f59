"""The Celery app and the one timetable. Ticks have a queue of their own, so that an import cannot delay a breach."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsla.settings")

app = Celery("leadsla")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def tick(task: str, *, every: timedelta) -> dict[str, Any]:
    """Describe a task that repeats.

    A tick expires after its own interval: with the worker down, ticks do not pile up.
    """
    seconds = every.total_seconds()
    return {"task": task, "schedule": every, "options": {"queue": "ticks", "expires": seconds}}


# Keys say in English what happens: "every minute: refresh compliance".
app.conf.beat_schedule = {}
