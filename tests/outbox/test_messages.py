"""Messages are told once, on time, and nothing gets lost."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from leadsla.accounts.models import User
from leadsla.outbox import mailing, messages, preferences, retrying
from leadsla.outbox.kinds import Kind
from leadsla.outbox.models import Message

LAST_ATTEMPT = 8


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
    assert sent.body.startswith("Please answer.\n\nhttp://localhost:8000/handoff/1/\n\n-- \n")
    assert "http://localhost:8000/notices/preferences/" in sent.body
    row = Message.objects.get(channel="email")
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
        for hours in range(1, LAST_ATTEMPT + 1):
            messages.deliver_due(now=tuesday + timedelta(hours=2 * hours))
        dead = Message.objects.get()
        assert dead.dead_at == tuesday + timedelta(hours=2 * LAST_ATTEMPT)
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


def test_a_mail_has_an_html_part_that_escapes_what_people_wrote(sam: User, tuesday: datetime) -> None:
    tell(sam, tuesday, subject="<b>Otto</b> & Co", body="Say <hello>.\nSoon.", channels=["email"])
    messages.deliver_due(now=tuesday)
    (sent,) = mail.outbox
    ((html, kind),) = sent.alternatives  # type: ignore[attr-defined]  # a message with alternatives
    assert kind == "text/html"
    assert "<h1>&lt;b&gt;Otto&lt;/b&gt; &amp; Co</h1>" in html
    assert "<p>Say &lt;hello&gt;.<br>Soon.</p>" in html
    assert 'href="http://localhost:8000/handoff/1/"' in html
    assert 'href="http://localhost:8000/notices/preferences/"' in html
    assert "Say <hello>.\nSoon." in sent.body
    assert sent.extra_headers["List-Unsubscribe"] == "<http://localhost:8000/notices/preferences/>"


def test_a_mail_that_is_sent_twice_has_the_same_id_and_others_have_another(
    sam: User, mia: User, tuesday: datetime
) -> None:
    tell(sam, tuesday, channels=["email"])
    tell(mia, tuesday, channels=["email"])
    to_sam, to_mia = Message.objects.order_by("pk")
    first, again, other = (mailing.compose(row).extra_headers["Message-ID"] for row in (to_sam, to_sam, to_mia))
    assert first == again != other
    assert first.endswith("@localhost>")


class TestPreferences:
    def test_what_a_person_does_not_want_is_not_written(self, sam: User, mia: User, tuesday: datetime) -> None:
        wanted = {("overdue", "in_app"), ("overdue", "email"), ("due_soon", "in_app")}
        preferences.choose(sam, chosen=wanted)
        assert tell(sam, tuesday, event="a", kind=Kind.OVERDUE) == 2
        assert tell(sam, tuesday, event="b", kind=Kind.DUE_SOON) == 1
        assert tell(sam, tuesday, event="c", kind=Kind.ANSWERED) == 0
        assert tell(mia, tuesday, event="c", kind=Kind.ANSWERED) == 2
        assert Message.objects.get(event="b").channel == "in_app"

    def test_the_master_switch_for_mail_stays_above_them(self, sam: User, tuesday: datetime) -> None:
        preferences.choose(sam, chosen={("overdue", "email")})
        sam.wants_email = False
        assert tell(sam, tuesday, kind=Kind.OVERDUE) == 0

    def test_an_unknown_kind_is_refused(self, sam: User, tuesday: datetime) -> None:
        with pytest.raises(ValueError, match="gossip"):
            tell(sam, tuesday, kind="gossip")


def test_dead_ones_of_an_hour_are_eight_attempts() -> None:
    # 30 s doubled six times: 30, 60, 120, 240, 480, 960, 1920 s, 63.5 minutes in all.
    assert sum(retrying.WAITS["email"], timedelta()) == timedelta(minutes=63, seconds=30)
    assert len(retrying.WAITS["email"]) + 1 == LAST_ATTEMPT
