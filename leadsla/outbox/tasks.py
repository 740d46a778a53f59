"""Deliver messages in the background."""

from __future__ import annotations

from celery import shared_task

from leadsla import clock
from leadsla.outbox import messages, webhooks


@shared_task
def deliver_messages() -> int:
    """Deliver what is due; returns how many went out."""
    return messages.deliver_due(now=clock.now())


@shared_task
def deliver_webhooks() -> int:
    """Tell other programs what is due; returns how many events went out."""
    return webhooks.deliver_due(now=clock.now())
