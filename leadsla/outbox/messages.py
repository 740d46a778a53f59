"""Write, withdraw and deliver messages. A message is a row, written in the transaction of the fact it tells."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet

from leadsla.accounts.models import User
from leadsla.outbox import mailing, preferences, retrying
from leadsla.outbox.kinds import Announcement, Kind
from leadsla.outbox.models import Message, WebhookEndpoint

log = logging.getLogger(__name__)

TAKES_AT_MOST = 10.0  # seconds of a delivery: a mail server that hangs must not hold up who else waits for the worker
IN_APP, EMAIL, WEBHOOK = Message.Channel.IN_APP, Message.Channel.EMAIL, Message.Channel.WEBHOOK


def write(
    *,
    event: str,
    recipient: User,
    subject: str,
    body: str,
    now: datetime,
    url: str = "",
    not_before: datetime | None = None,
    channels: Iterable[str] | None = None,
    kind: str = Kind.OTHER,
) -> int:
    """Put a message for one person into the outbox; the same event is told to a person once per channel.

    Args:
        event: unique key of what happened, as `handoff:17:round:1:handed_over`.
        recipient: whom it tells.
        subject: one line.
        body: plain text; says what happened and what to do next.
        now: the moment of the fact.
        url: path in the portal where one goes on.
        not_before: when it may be delivered at the earliest; None for at once.
        channels: codes of `Message.Channel`; None for those that the person wants for the kind. E-mail is left out for
            people who are inactive or want none.
        kind: a `Kind`; people choose by it.

    Returns:
        How many rows were new.
    """
    if not recipient.is_active:
        return 0
    if channels is None:
        channels = preferences.wanted(recipient, Kind(kind))
    start = not_before or now
    return _keep(
        Message(
            event=event,
            kind=Kind(kind),
            channel=channel,
            recipient=recipient,
            address=recipient.email,
            subject=" ".join(subject.split())[:250],
            body=body,
            url=url,
            not_before=start,
            created_at=now,
            next_attempt_at=start,
        )
        for channel in channels
        if channel != EMAIL or recipient.wants_email
    )


def write_to(
    address: str, *, event: str, subject: str, body: str, now: datetime, url: str = "", kind: str = Kind.OTHER
) -> int:
    """Put an e-mail to somebody outside the portal into the outbox; they have no preferences and no notices.

    Args:
        address: whom it tells.
        event: unique key of what happened; an address is told of it once.
        subject: one line.
        body: plain text.
        now: the moment of the fact.
        url: path in the portal where one goes on.
        kind: a `Kind`.

    Returns:
        How many rows were new.
    """
    message = Message(
        event=event,
        kind=Kind(kind),
        channel=EMAIL,
        address=address,
        subject=" ".join(subject.split())[:250],
        body=body,
        url=url,
        not_before=now,
        created_at=now,
        next_attempt_at=now,
    )
    return _keep([message])


def announce(
    *, event: str, kind: str, data: Mapping[str, Any], now: datetime, not_before: datetime | None = None
) -> int:
    """Put an event into the outbox for each endpoint of another program that wants its type.

    Call it in the transaction of the fact. Name rows by their public id and link to them; leave personal data out:
    what was sent cannot be erased.

    Args:
        event: unique key of what happened; each endpoint is told of it once.
        kind: an `Announcement`; becomes the payload's `type`.
        data: of the event, as JSON takes it.
        now: the moment of the fact; becomes the payload's `timestamp`.
        not_before: when it may be delivered at the earliest; None for at once.

    Returns:
        How many rows were new.
    """
    kind = Announcement(kind)
    wanted = WebhookEndpoint.objects.filter(disabled_at=None, kinds__contains=[kind])
    return tell(wanted, event=event, kind=kind, data=data, now=now, not_before=not_before)


def tell(
    endpoints: Iterable[WebhookEndpoint],
    *,
    event: str,
    kind: Announcement,
    data: Mapping[str, Any],
    now: datetime,
    not_before: datetime | None = None,
) -> int:
    """Put an event into the outbox for endpoints that are named; see `announce`."""
    payload = {"type": kind.value, "timestamp": now.astimezone(UTC), "data": data}
    start = not_before or now
    return _keep(
        Message(
            event=event,
            kind=kind,
            channel=WEBHOOK,
            endpoint=endpoint,
            address=str(endpoint.public_id),
            subject=kind.value,
            body=json.dumps(payload, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")),
            not_before=start,
            created_at=now,
            next_attempt_at=start,
        )
        for endpoint in endpoints
    )


def _keep(messages: Iterable[Message]) -> int:
    rows = list(messages)
    if not rows:
        return 0
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return Message.objects.filter(public_id__in=[row.public_id for row in rows]).count()


def withdraw(*, event_prefix: str) -> int:
    """Delete what waits of events that begin so; what was delivered stays. Returns how many rows went."""
    waiting = Message.objects.filter(event__startswith=event_prefix, sent_at=None, claimed_at=None)
    return waiting.delete()[1].get(Message._meta.label, 0)


def inbox(user: User, *, now: datetime) -> QuerySet[Message]:
    """Return a person's notices in the portal that may be shown by now, newest first."""
    return Message.objects.filter(recipient=user, channel=IN_APP, not_before__lte=now).order_by("-not_before", "-pk")


def mark_read(user: User, *, now: datetime) -> int:
    """Mark all of a person's shown notices as read; returns how many were unread."""
    return inbox(user, now=now).filter(read_at=None).update(read_at=now)


def _send(message: Message) -> None:
    """Deliver one message over its channel; a notice in the portal is delivered by being there."""
    if message.channel == EMAIL:
        mailing.compose(message).send()


def deliver_due(*, now: datetime, limit: int = 200, seconds: float = TAKES_AT_MOST) -> int:
    """Deliver messages to people that are due; one that fails is tried again later and at last laid aside as dead.

    Args:
        now: what is due by then.
        limit: how many at most.
        seconds: after so long no further one is begun; what is left is for the next delivery.

    Returns:
        How many were delivered.
    """
    count = 0
    until = monotonic() + seconds
    claimed = retrying.claim(now=now, limit=limit)
    for place, message in enumerate(claimed):
        if monotonic() > until:
            retrying.release(claimed[place:])
            break
        try:
            _send(message)
        except Exception as error:  # noqa: BLE001  # whatever one message does must not stop the others
            log.warning("Message %s was not delivered: %s", message.public_id, error)
            retrying.failed(message, error=str(error) or type(error).__name__, now=now)
            continue
        count += retrying.delivered(message, now=now)
    return count


def dead() -> QuerySet[Message]:
    """Return messages that were laid aside and can be tried again: their endpoint, if any, is switched on."""
    is_reachable = Q(endpoint=None) | Q(endpoint__disabled_at=None)
    return Message.objects.filter(is_reachable, dead_at__isnull=False)


def replay_dead(*, now: datetime) -> int:
    """Give dead messages another series of attempts; returns how many."""
    return retrying.replay(dead(), now=now)


def replay_one(message: Message, *, now: datetime) -> int:
    """Give one dead message another series of attempts; 0 when it is not dead, or its endpoint is switched off."""
    return retrying.replay(dead().filter(pk=message.pk), now=now)
