"""Claim messages that are due, put off what failed, lay aside what failed for good, and try that again on request."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet

from leadsla.outbox.models import Message

CLAIM_LASTS = timedelta(minutes=5)  # a sender that has not come back by then is dead
JITTER = 0.2  # so that what failed together does not come back together

# The wait after each failed attempt; after the last one a message is laid aside. E-mail: about an hour in all.
_MAIL = tuple(timedelta(seconds=30) * 2**attempt for attempt in range(7))
# Webhooks: the schedule that the specification of Standard Webhooks gives as its example, about three days in all.
_WEBHOOK = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
WAITS: dict[str, tuple[timedelta, ...]] = {
    Message.Channel.IN_APP: _MAIL,
    Message.Channel.EMAIL: _MAIL,
    Message.Channel.WEBHOOK: _WEBHOOK,
}

_DUE = """
    sent_at IS NULL AND dead_at IS NULL AND next_attempt_at <= %(now)s
    AND (claimed_at IS NULL OR claimed_at < %(stale)s)
"""
_CLAIM = f"""
    UPDATE outbox_message SET claimed_at = %(now)s, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM outbox_message
        WHERE {_DUE} AND channel <> 'webhook'
        ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""  # noqa: S608  # no text from outside
# An endpoint to which somebody sends already is left to them: one that hangs keeps one sender busy, not all.
_CLAIM_WEBHOOKS = f"""
    UPDATE outbox_message SET claimed_at = %(now)s, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM outbox_message
        WHERE {_DUE} AND channel = 'webhook' AND endpoint_id NOT IN (
            SELECT endpoint_id FROM outbox_message
            WHERE sent_at IS NULL AND dead_at IS NULL AND channel = 'webhook' AND claimed_at >= %(stale)s)
        ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""  # noqa: S608  # no text from outside


def claim(*, now: datetime, limit: int, webhooks: bool = False) -> list[Message]:
    """Take due messages for this sender; `SKIP LOCKED` lets senders work side by side.

    Args:
        now: what is due by then.
        limit: how many at most.
        webhooks: take those for other programs instead of those for people.

    Returns:
        The messages, longest due first; each counts one attempt more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_WEBHOOKS if webhooks else _CLAIM, {"now": now, "stale": now - CLAIM_LASTS, "limit": limit}
        )
        claimed = [row[0] for row in cursor.fetchall()]
    return list(Message.objects.select_related("endpoint").filter(pk__in=claimed).order_by("next_attempt_at", "pk"))


def _mine(message: Message) -> QuerySet[Message]:
    return Message.objects.filter(pk=message.pk, sent_at=None, dead_at=None)


def delivered(message: Message, *, now: datetime) -> int:
    """Note that a message went out; returns 1, or 0 when somebody else noted it before."""
    return _mine(message).update(sent_at=now, claimed_at=None, last_error="")


def failed(message: Message, *, error: str, now: datetime, at_least: timedelta = timedelta()) -> bool:
    """Put a message off with a longer wait each time, or lay it aside after its last attempt.

    Args:
        message: that was tried; its attempts include this one.
        error: why it failed, in words.
        now: the moment.
        at_least: how long the other side asked to be left alone.

    Returns:
        Whether it was laid aside.
    """
    waits = WAITS[message.channel]
    if message.attempts > len(waits):
        lay_aside(_mine(message), error=error, now=now)
        return True
    wait = waits[message.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # jitter, no secret
    _mine(message).update(next_attempt_at=now + max(wait, at_least), claimed_at=None, last_error=error)
    return False


def lay_aside(waiting: QuerySet[Message], *, error: str, now: datetime) -> int:
    """Declare messages dead: they are not tried again until somebody asks for it."""
    return waiting.filter(sent_at=None, dead_at=None).update(dead_at=now, claimed_at=None, last_error=error)


def release(messages: Sequence[Message], *, not_before: datetime | None = None) -> None:
    """Give messages back that were claimed and not tried.

    Args:
        messages: to give back.
        not_before: when they may be tried at the earliest; None leaves it as it was.
    """
    untried = Message.objects.filter(pk__in=[message.pk for message in messages], sent_at=None, dead_at=None)
    later = {} if not_before is None else {"next_attempt_at": not_before}
    untried.update(claimed_at=None, attempts=F("attempts") - 1, **later)


def replay(messages: QuerySet[Message], *, now: datetime) -> int:
    """Give messages another series of attempts, dead ones or such as were delivered; returns how many."""
    done = messages.filter(Q(dead_at__isnull=False) | Q(sent_at__isnull=False))
    return done.update(dead_at=None, sent_at=None, attempts=0, next_attempt_at=now, claimed_at=None)
