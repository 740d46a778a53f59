"""Queue a task from a request, after the commit. With Redis down this is logged, and the sweeps find the work."""

from __future__ import annotations

import logging
from typing import Any

from celery import Task
from django.db import transaction

log = logging.getLogger(__name__)


def wake(task: Task[Any, Any], *args: int | str) -> None:
    """Queue a task once the running transaction is committed; never fails the request.

    Args:
        task: a Celery task.
        *args: ids only; the task fetches what it needs.
    """

    def queue() -> None:
        try:
            task.apply_async(args=args, retry=False)
        except Exception as error:  # noqa: BLE001  # the broker may be down in many ways; the work is in the database
            log.warning("%s was not queued, the next sweep takes it: %s", task.name, error)

    transaction.on_commit(queue, robust=True)
