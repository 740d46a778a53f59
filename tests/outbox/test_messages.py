"""Messages are told once, on time, and nothing gets lost."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from leadsla.accounts.models import User
from leadsla.outbox import messages
from leadsla.outbox.models import Message


def tell(recipient: User, now: datetime, **changes: object) -> int:
    words = {"event": "handoff:1", "subject": "New lead", "body": "Please answer.", "url": "/handoff/1/"}
    return messages.write(recipient=recipient, now=now, **(words | changes))  # type: ignore[arg-type]  # test data


def test_an_event_is_told_once_per_channel(sam: User, tuesday: datetime) -> None:
    assert tell(sam, tuesday) == 2
    assert tell(sam, tuesday) == 0
    assert sorted(Message.objects.values_list("channel", flat=True)) == ["email", "in_app"]


def test_people_who_want_no_mail_get_the_notice_only(sam: User, tuesday: datetime) -> None:
    sam.wants_email = False
    assert tell(sam, tuesday) == 1
    assert Message.objects.get().channel == "in_app"


def test_inactive_people_are_told_nothing(sam: User, tuesday: datetime) -> None:
    sam.is_active = False
    assert tell(sam, tuesday) == 0


def test_mail_carries_its_link_and_a_message_id_of_its_row(sam: User, tuesday: datetime) -> None:
    tell(sam, tuesday)
    assert messages.deliver_due(now=tuesday) == 2
    (sent,) = mail.outbox
    assert sent.to == ["sam@leadsla.example"]
    assert sent.body == "Please answer.\n\nhttp://localhost:8000/handoff/1/"
    row = Message.objects.get(channel="email")
    assert str(row.public_id) in sent.extra_headers["Message-ID"]
    assert row.sent_at == tuesday
    assert messages.deliver_due(now=tuesday) == 0
    assert len(mail.outbox) == 1


def test_what_waits_is_neither_mailed_nor_shown_and_can_be_withdrawn(sam: User, tuesday: datetime) -> None:
    tell(sam, tuesday, not_before=tuesday + timedelta(seconds=60))
    assert messages.deliver_due(now=tuesday) == 0
    assert not messages.inbox(sam, now=tuesday).exists()
    assert messages.withdraw(event_prefix="handoff:1") == 2
    assert messages.deliver_due(now=tuesday + timedelta(minutes=2)) == 0


def test_reading_marks_what_is_shown(sam: User, tuesday: datetime) -> None:
    tell(sam, tuesday)
    assert messages.inbox(sam, now=tuesday).filter(read_at=None).count() == 1
    assert messages.mark_read(sam, now=tuesday) == 1
    assert messages.mark_read(sam, now=tuesday) == 0


class TestAServerThatRefuses:
    @pytest.fixture(autouse=True)
    def _refuse(self, settings: pytest.FixtureRequest) -> None:
        # Nothing listens on port 9 of this machine: a real connection that is refused.
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]

    def test_is_tried_again_later_with_a_longer_wait(self, sam: User, tuesday: datetime) -> None:
        tell(sam, tuesday, channels=["email"])
        assert messages.deliver_due(now=tuesday) == 0
        first = Message.objects.get()
        # 30 s, give or take a fifth.
        assert timedelta(seconds=24) <= first.next_attempt_at - tuesday <= timedelta(seconds=36)
        later = tuesday + timedelta(minutes=1)
        messages.deliver_due(now=later)
        second = Message.objects.get()
        assert timedelta(seconds=48) <= second.next_attempt_at - later <= timedelta(seconds=72)
        assert second.attempts == 2

    def test_is_laid_aside_after_the_last_attempt_and_can_be_replayed(self, sam: User, tuesday: datetime) -> None:
        tell(sam, tuesday, channels=["email"])
        for hours in range(1, messages.LAST_ATTEMPT + 1):
            messages.deliver_due(now=tuesday + timedelta(hours=2 * hours))
        dead = Message.objects.get()
        assert dead.dead_at == tuesday + timedelta(hours=2 * messages.LAST_ATTEMPT)
        assert "refused" in dead.last_error
        assert messages.replay_dead(now=tuesday + timedelta(days=2)) == 1
        assert Message.objects.get().dead_at is None


def test_a_server_that_hangs_holds_nobody_up(sam: User, tuesday: datetime, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never says a word
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        for number in range(3):
            tell(sam, tuesday, event=f"handoff:{number}", channels=["email"])
        assert messages.deliver_due(now=tuesday, seconds=0.1) == 0
    tried, *rest = Message.objects.order_by("-attempts", "pk")
    assert (tried.attempts, tried.claimed_at) == (1, None)
    assert "timed out" in tried.last_error
    assert [(one.attempts, one.claimed_at, one.next_attempt_at) for one in rest] == [(0, None, tuesday)] * 2


def test_a_sender_that_died_is_replaced_after_five_minutes(sam: User, tuesday: datetime) -> None:
    tell(sam, tuesday, channels=["email"])
    Message.objects.update(claimed_at=tuesday)
    assert messages.deliver_due(now=tuesday + timedelta(minutes=4)) == 0
    assert messages.deliver_due(now=tuesday + timedelta(minutes=6)) == 1
