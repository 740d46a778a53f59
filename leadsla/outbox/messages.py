"""Write, withdraw and deliver messages. A message is a row, written in the transaction of the fact it tells."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import make_msgid
from time import monotonic

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from leadsla.accounts.models import User
from leadsla.outbox.models import Message

log = logging.getLogger(__name__)

CLAIM_LASTS = timedelta(minutes=5)  # a sender that has not come back by then is dead
FIRST_RETRY = timedelta(seconds=30)
LAST_ATTEMPT = 8  # doubling from 30 s: about an hour in all
TAKES_AT_MOST = 10.0  # seconds of a delivery: a mail server that hangs must not hold up who else waits for the worker
IN_APP, EMAIL = Message.Channel.IN_APP, Message.Channel.EMAIL


def write(
    *,
    event: str,
    recipient: User,
    subject: str,
    body: str,
    now: datetime,
    url: str = "",
    not_before: datetime | None = None,
    channels: Iterable[str] = (IN_APP, EMAIL),
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
        channels: codes of `Message.Channel`. E-mail is left out for people who are inactive or want none.

    Returns:
        How many rows were new.
    """
    start = not_before or now
    rows = [
        Message(
            event=event,
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
        if recipient.is_active and (channel != EMAIL or recipient.wants_email)
    ]
    before = {row.public_id for row in rows}
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return Message.objects.filter(public_id__in=before).count()


def withdraw(*, event_prefix: str) -> int:
    """Delete what waits of events that begin so; what was delivered stays. Returns how many rows went."""
    waiting = Message.objects.filter(event__startswith=event_prefix, sent_at=None, claimed_at=None)
    return waiting.delete()[0]


def inbox(user: User, *, now: datetime) -> QuerySet[Message]:
    """Return a person's notices in the portal that may be shown by now, newest first."""
    return Message.objects.filter(recipient=user, channel=IN_APP, not_before__lte=now).order_by("-not_before", "-pk")


def mark_read(user: User, *, now: datetime) -> int:
    """Mark all of a person's shown notices as read; returns how many were unread."""
    return inbox(user, now=now).filter(read_at=None).update(read_at=now)


def _claim(*, now: datetime, limit: int) -> list[int]:
    """Take due messages for this sender; `SKIP LOCKED` lets senders work side by side."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outbox_message SET claimed_at = %(now)s, attempts = attempts + 1
            WHERE id IN (
                SELECT id FROM outbox_message
                WHERE sent_at IS NULL AND dead_at IS NULL AND next_attempt_at <= %(now)s
                  AND (claimed_at IS NULL OR claimed_at < %(stale)s)
                ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            {"now": now, "stale": now - CLAIM_LASTS, "limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]


def _send(message: Message) -> None:
    """Deliver one message over its channel; a notice in the portal is delivered by being there."""
    if message.channel != EMAIL:
        return
    text = message.body
    if message.url:
        text += f"\n\n{settings.LEADSLA_URL}{message.url}"
    EmailMessage(
        subject=message.subject,
        body=text,
        to=[message.address],
        headers={"Message-ID": make_msgid(idstring=str(message.public_id), domain="leadsla")},
    ).send()


def deliver_due(*, now: datetime, limit: int = 200, seconds: float = TAKES_AT_MOST) -> int:
    """Deliver messages that are due; one that fails is tried again later and at last laid aside as dead.

    Args:
        now: what is due by then.
        limit: how many at most.
        seconds: after so long no further one is begun; what is left is for the next delivery.

    Returns:
        How many were delivered.
    """
    delivered = 0
    until = monotonic() + seconds
    claimed = list(Message.objects.filter(pk__in=_claim(now=now, limit=limit)).order_by("next_attempt_at"))
    for place, message in enumerate(claimed):
        if monotonic() > until:
            _release(claimed[place:])
            break
        mine = Message.objects.filter(pk=message.pk, sent_at=None)
        try:
            _send(message)
        except Exception as error:  # noqa: BLE001  # whatever one message does must not stop the others
            log.warning("Message %s was not delivered: %s", message.public_id, error)
            _put_off(mine, message, error=str(error), now=now)
            continue
        delivered += mine.update(sent_at=now, claimed_at=None, last_error="")
    return delivered


def _release(messages: Sequence[Message]) -> None:
    """Give messages back that were claimed and not tried."""
    untried = Message.objects.filter(pk__in=[message.pk for message in messages], sent_at=None)
    untried.update(claimed_at=None, attempts=F("attempts") - 1)


def _put_off(mine: QuerySet[Message], message: Message, *, error: str, now: datetime) -> None:
    if message.attempts >= LAST_ATTEMPT:
        mine.update(dead_at=now, claimed_at=None, last_error=error)
        return
    wait = FIRST_RETRY * 2 ** (message.attempts - 1) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, no secret
    mine.update(next_attempt_at=now + wait, claimed_at=None, last_error=error)


def replay_dead(*, now: datetime) -> int:
    """Give dead messages another series of attempts; returns how many."""
    with transaction.atomic():
        dead = Message.objects.filter(~Q(dead_at=None))
        return dead.update(dead_at=None, attempts=0, next_attempt_at=now, claimed_at=None)
