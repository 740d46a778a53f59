"""The id by which a message is known wherever it arrives, the same however often it is sent."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings

from leadsla.outbox.models import Message


def stable_id(message: Message) -> UUID:
    """Return an id derived from what makes a message unique in this portal: event, channel and recipient."""
    return uuid5(NAMESPACE_URL, f"{settings.LEADSLA_URL}#{message.channel}:{message.address}:{message.event}")
