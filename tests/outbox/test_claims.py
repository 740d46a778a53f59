"""Senders side by side, each on its own connection: what one has claimed, the others leave alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from leadsla.accounts.models import User
from leadsla.outbox import endpoints, messages, retrying, webhooks
from leadsla.outbox.kinds import Announcement
from leadsla.outbox.models import Message
from tests.outbox.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def receivers(settings: Any, ada: User, tuesday: datetime) -> Iterator[list[Receiver]]:
    """Three receivers, each with an endpoint and twenty events that wait for it."""
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with receiving() as one, receiving() as two, receiving() as three:
        for receiver in (one, two, three):
            endpoints.create(name=receiver.url, url=receiver.url, kinds=[Announcement.HANDED_OVER], by=ada, now=tuesday)
        for number in range(20):
            messages.announce(event=f"handoff:{number}", kind=Announcement.HANDED_OVER, data={}, now=tuesday)
        yield [one, two, three]


def side_by_side(senders: int, send: Callable[[], int]) -> list[int]:
    """Let several threads send at the same moment, each on a connection of its own."""
    together = Barrier(senders)

    def run(_place: int) -> int:
        together.wait(10)
        try:
            return send()
        finally:
            connection.close()

    with ThreadPoolExecutor(senders) as pool:
        return list(pool.map(run, range(senders)))


def test_each_event_is_sent_once_however_many_senders_there_are(receivers: list[Receiver], tuesday: datetime) -> None:
    side_by_side(6, lambda: webhooks.deliver_due(now=tuesday, limit=25))
    side_by_side(2, lambda: webhooks.deliver_due(now=tuesday))
    assert not Message.objects.filter(sent_at=None).exists()
    for receiver in receivers:
        ids = [got.headers["webhook-id"] for got in receiver.got]
        assert len(ids) == len(set(ids)) == 20


def test_what_a_dead_sender_had_is_sent_by_another_after_five_minutes(
    receivers: list[Receiver], tuesday: datetime
) -> None:
    assert len(retrying.claim(now=tuesday, limit=1000, webhooks=True)) == 60  # and then it dies
    four = tuesday + timedelta(minutes=4)
    assert side_by_side(2, lambda: webhooks.deliver_due(now=four)) == [0, 0]
    six = tuesday + timedelta(minutes=6)
    assert sum(side_by_side(2, lambda: webhooks.deliver_due(now=six, limit=1000))) == 60
    assert {len(receiver.got) for receiver in receivers} == {20}


def test_mail_is_claimed_apart_from_webhooks(receivers: list[Receiver], sam: User, tuesday: datetime) -> None:
    for number in range(10):
        messages.write(event=f"x:{number}", recipient=sam, subject="s", body="b", now=tuesday)
    counts = side_by_side(4, lambda: messages.deliver_due(now=tuesday))
    assert sum(counts) == 20  # ten in the portal, ten e-mails
    assert all(receiver.got == [] for receiver in receivers)
