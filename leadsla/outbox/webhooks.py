"""Deliver events to other programs: signed, in order, each endpoint for itself, and note each attempt."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from datetime import datetime, timedelta
from time import monotonic

from django.utils.translation import gettext as _

from leadsla.outbox import endpoints, posting, retrying, signing
from leadsla.outbox.message_ids import stable_id
from leadsla.outbox.models import Attempt, Message, WebhookEndpoint

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 8  # endpoints that are talked to at a time
TAKES_AT_MOST = 10.0  # seconds after which no further event is begun
REST = timedelta(minutes=1)  # of what else waits for an endpoint that has just failed
GIVE_UP_AFTER = timedelta(days=3)  # of failures only; the schedule of one event is about as long
LONGEST_RETRY_AFTER = timedelta(hours=24)
GONE = 410


def deliver_due(
    *, now: datetime, limit: int = 200, seconds: float = TAKES_AT_MOST, patience: float = posting.TAKES_AT_MOST
) -> int:
    """Deliver events that are due. Endpoints are served side by side, the events of each in their order.

    An endpoint that fails is left alone for a while; one that says that it is gone, or fails for days, is switched off
    and whoever made it is told.

    Args:
        now: what is due by then, and the time of the attempts.
        limit: how many events at most.
        seconds: after so long no further one is begun; what is left is for the next delivery.
        patience: seconds that an endpoint has to answer.

    Returns:
        How many were delivered.
    """
    until = monotonic() + seconds
    waiting: dict[int, deque[Message]] = defaultdict(deque)
    for message in retrying.claim(now=now, limit=limit, webhooks=True):
        waiting[_endpoint(message).pk].append(message)
    turns = deque(waiting)
    count = 0
    while turns and monotonic() < until:
        wave = [waiting[turns.popleft()].popleft() for _place in range(min(SIDE_BY_SIDE, len(turns)))]
        count += sum(_deliver(wave, waiting, now=now, patience=patience))
        turns.extend(pk for pk in (_endpoint(message).pk for message in wave) if waiting[pk])
    for left in waiting.values():
        retrying.release(left)
    return count


def _endpoint(message: Message) -> WebhookEndpoint:
    assert message.endpoint is not None  # the database says so of each webhook
    return message.endpoint


def _deliver(wave: list[Message], waiting: dict[int, deque[Message]], *, now: datetime, patience: float) -> list[int]:
    """Send one event to each of some endpoints and note what came of it; what waits behind a failure rests."""
    active = [message for message in wave if _endpoint(message).is_active]
    results = posting.post_all([_post(message, now=now) for message in active], seconds=patience)
    for message in wave:
        if message not in active:  # it was written while the endpoint was being switched off
            endpoint = _endpoint(message)
            retrying.lay_aside(endpoint.messages.all(), error=endpoint.disabled_because, now=now)
    done = []
    for message, result in zip(active, results, strict=True):
        _note(message, result, now=now)
        if result.is_delivered:
            done.append(retrying.delivered(message, now=now))
            endpoints.recovered(_endpoint(message), now=now)
        else:
            log.warning("Webhook %s to %s was not delivered: %s", message.public_id, message.endpoint, result.error)
            _fail(message, result, now=now)
            behind = waiting[_endpoint(message).pk]
            retrying.release(behind, not_before=now + REST)
            behind.clear()
    return done


def _post(message: Message, *, now: datetime) -> posting.Post:
    endpoint = _endpoint(message)
    headers = signing.headers(
        message_id=f"msg_{stable_id(message).hex}",
        body=message.body,
        secrets=endpoints.secrets_of(endpoint, now=now),
        now=now,
    )
    plain = {"Content-Type": "application/json", "User-Agent": "LeadSLA", "Connection": "close"}
    return posting.Post(endpoint.url, message.body.encode(), plain | headers)


def _note(message: Message, result: posting.Result, *, now: datetime) -> None:
    Attempt.objects.create(
        message=message,
        at=now,
        status_code=result.status,
        answer=result.answer,
        error=result.error[:500],
        milliseconds=result.milliseconds,
    )


def _fail(message: Message, result: posting.Result, *, now: datetime) -> None:
    endpoint = _endpoint(message)
    asked = min(timedelta(seconds=result.retry_after), LONGEST_RETRY_AFTER)
    retrying.failed(message, error=result.error, now=now, at_least=asked)
    failing_for = endpoints.failed(endpoint, now=now)
    if result.status == GONE:
        endpoints.switch_off(endpoint, because=result.error, now=now, tells=True)
    elif failing_for >= GIVE_UP_AFTER:
        because = _("Every attempt failed for %(days)d days. The last one: %(error)s") % {
            "days": failing_for.days,
            "error": result.error,
        }
        endpoints.switch_off(endpoint, because=because, now=now, tells=True)
