"""Events reach other programs signed, once, in order, again after failures, and nowhere that is private."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from leadsla import clock
from leadsla.accounts.models import User
from leadsla.outbox import endpoints, messages, signing, webhooks
from leadsla.outbox.kinds import Announcement
from leadsla.outbox.models import Attempt, Message, WebhookEndpoint
from tests.outbox.receiver import Receiver, receiving

HANDED_OVER, ACCEPTED = Announcement.HANDED_OVER, Announcement.ACCEPTED
DAY = timedelta(days=1)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on this machine, which the setting allows."""
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with receiving() as running:
        yield running


def endpoint_at(url: str, ada: User, now: datetime, *kinds: str) -> WebhookEndpoint:
    return endpoints.create(name="CRM", url=url, kinds=kinds or [HANDED_OVER], by=ada, now=now)


@pytest.fixture
def crm(receiver: Receiver, ada: User, tuesday: datetime) -> WebhookEndpoint:
    return endpoint_at(receiver.url, ada, tuesday)


def announce(now: datetime, *, event: str = "handoff:1", kind: str = HANDED_OVER, **more: Any) -> int:
    return messages.announce(event=event, kind=kind, data={"handoff": "42"}, now=now, **more)


# --- signatures


def test_the_reference_example_has_its_reference_signature() -> None:
    # The vector that the libraries of the specification test themselves with.
    made = signing.headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body='{"test": 2432232314}',
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        now=datetime.fromisoformat("2021-02-25T16:02:10.500+01:00"),
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_what_arrives_is_taken_by_the_specifications_own_library(crm: WebhookEndpoint, receiver: Receiver) -> None:
    now = clock.now()  # the library refuses what is older than five minutes
    announce(now)
    assert webhooks.deliver_due(now=now) == 1
    (got,) = receiver.got
    taken = Webhook(crm.secret).verify(got.body, got.headers)
    assert taken["type"] == "lead.handed_over"
    assert taken["data"] == {"handoff": "42"}
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(crm.secret).verify(got.body.replace("42", "43"), got.headers)


def test_secrets_have_32_random_bytes() -> None:
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


# --- what is told, and to whom


def test_an_event_is_told_once_to_each_endpoint_that_wants_it(ada: User, tuesday: datetime) -> None:
    one = endpoint_at("https://one.example/", ada, tuesday, HANDED_OVER, ACCEPTED)
    two = endpoint_at("https://two.example/", ada, tuesday, HANDED_OVER)
    off = endpoint_at("https://off.example/", ada, tuesday, HANDED_OVER)
    endpoints.switch_off(off, because="Not now.", now=tuesday)
    assert announce(tuesday) == 2
    assert announce(tuesday) == 0
    assert announce(tuesday, event="answer:1", kind=ACCEPTED) == 1
    told = Message.objects.order_by("pk").values_list("endpoint", "subject", "channel")
    assert list(told) == [
        (one.pk, "lead.handed_over", "webhook"),
        (two.pk, "lead.handed_over", "webhook"),
        (one.pk, "lead.accepted", "webhook"),
    ]


def test_without_endpoints_nothing_is_written(db: None, tuesday: datetime) -> None:
    assert announce(tuesday) == 0
    assert not Message.objects.exists()


def test_an_unknown_type_is_refused(db: None, tuesday: datetime) -> None:
    with pytest.raises(ValueError, match=r"lead\.gossip"):
        announce(tuesday, kind="lead.gossip")


def test_the_payload_says_what_and_when_in_utc(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    announce(tuesday, not_before=tuesday + timedelta(minutes=1))
    assert webhooks.deliver_due(now=tuesday) == 0
    assert webhooks.deliver_due(now=tuesday + timedelta(minutes=1)) == 1
    (got,) = receiver.got
    # 10:00 in Berlin in winter is 09:00 in UTC.
    said = {"type": "lead.handed_over", "timestamp": "2026-03-03T09:00:00Z", "data": {"handoff": "42"}}
    assert json.loads(got.body) == said
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == receiver.url.split("/")[2]
    row = Message.objects.get()
    assert (row.sent_at, row.claimed_at) == (tuesday + timedelta(minutes=1), None)
    (attempt,) = row.tries.all()
    assert (attempt.status_code, attempt.error, attempt.at) == (204, "", tuesday + timedelta(minutes=1))


def test_what_is_for_people_is_not_for_programs_and_the_other_way_round(
    crm: WebhookEndpoint, receiver: Receiver, sam: User, tuesday: datetime
) -> None:
    announce(tuesday)
    messages.write(event="x", recipient=sam, subject="s", body="b", now=tuesday, channels=["in_app"])
    assert messages.deliver_due(now=tuesday) == 1
    assert receiver.got == []
    assert webhooks.deliver_due(now=tuesday) == 1


def test_events_arrive_in_their_order(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    for number in range(5):
        announce(tuesday, event=f"handoff:{number}")
    assert webhooks.deliver_due(now=tuesday) == 5
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(set(ids)) == 5
    attempts = Attempt.objects.order_by("pk").values_list("message__event", flat=True)
    assert list(attempts) == [f"handoff:{number}" for number in range(5)]


# --- secrets that change


def test_for_a_day_after_a_change_both_secrets_are_right(crm: WebhookEndpoint, receiver: Receiver) -> None:
    now = clock.now()
    old = crm.secret
    new = endpoints.renew_secret(crm, now=now - timedelta(hours=23))
    announce(now)
    webhooks.deliver_due(now=now)
    endpoints.renew_secret(crm, now=now - timedelta(hours=24))
    announce(now, event="handoff:2")
    webhooks.deliver_due(now=now)
    first, second = receiver.got
    assert old != new
    for secret in (old, new):
        assert Webhook(secret).verify(first.body, first.headers)["type"] == "lead.handed_over"
    assert len(second.headers["webhook-signature"].split(" ")) == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(second.body, second.headers)


# --- failures


def test_a_failure_is_tried_again_with_the_same_id_and_a_new_time(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    receiver.will_answer(500, body=b"<h1>Oh\0 no</h1>")
    announce(tuesday)
    assert webhooks.deliver_due(now=tuesday) == 0
    row = Message.objects.get()
    assert row.next_attempt_at is not None
    # 5 s, give or take a fifth.
    assert timedelta(seconds=4) <= row.next_attempt_at - tuesday <= timedelta(seconds=6)
    assert row.last_error == "Answered 500 instead of 2xx."
    assert webhooks.deliver_due(now=tuesday + timedelta(seconds=10)) == 1
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 10
    assert first.body == second.body
    tries = Attempt.objects.order_by("pk").values_list("status_code", "answer", "error")
    assert list(tries) == [(500, "<h1>Oh no</h1>", "Answered 500 instead of 2xx."), (204, "", "")]


def test_the_waits_grow_over_three_days_and_then_the_event_is_laid_aside(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    # The example schedule of the specification: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h.
    hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    announce(tuesday)
    now = tuesday
    for wait in hours:
        receiver.will_answer(503)
        webhooks.deliver_due(now=now)
        due = Message.objects.get().next_attempt_at
        assert due is not None
        assert 0.8 * wait - 0.001 <= (due - now) / timedelta(hours=1) <= 1.2 * wait + 0.001
        # Others succeed meanwhile, so that the endpoint as such is not given up.
        WebhookEndpoint.objects.update(failing_since=None)
        now = due
    receiver.will_answer(503)
    webhooks.deliver_due(now=now)
    row = Message.objects.get()
    assert (row.attempts, row.dead_at) == (10, now)
    assert endpoints.replay(crm, now=now) == 1
    assert webhooks.deliver_due(now=now) == 1
    assert Message.objects.get().sent_at == now


def test_who_asks_to_be_left_alone_longer_is(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    receiver.will_answer(429, {"Retry-After": "3600"})
    announce(tuesday)
    webhooks.deliver_due(now=tuesday)
    assert Message.objects.get().next_attempt_at == tuesday + timedelta(hours=1)
    receiver.will_answer(429, {"Retry-After": "9999999"})
    webhooks.deliver_due(now=tuesday + timedelta(hours=1))
    assert Message.objects.get().next_attempt_at == tuesday + timedelta(hours=25)  # a day at most


def test_redirects_are_not_followed(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    with receiving() as elsewhere:
        receiver.will_answer(307, {"Location": elsewhere.url})
        announce(tuesday)
        assert webhooks.deliver_due(now=tuesday) == 0
        assert elsewhere.got == []
    assert f"Redirected to {elsewhere.url}. Redirects are not followed" in Message.objects.get().last_error


def test_little_of_a_long_answer_is_read(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    receiver.will_answer(200, body=b"a" * 30_000_000)
    announce(tuesday)
    assert webhooks.deliver_due(now=tuesday) == 1
    assert Attempt.objects.get().answer == "a" * 500


def test_what_waits_behind_a_failure_rests_and_counts_no_attempt(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    receiver.will_answer(500)
    for number in range(3):
        announce(tuesday, event=f"handoff:{number}")
    assert webhooks.deliver_due(now=tuesday) == 0
    assert len(receiver.got) == 1
    rest = Message.objects.order_by("pk")[1:]
    waits = [(row.attempts, row.claimed_at, row.next_attempt_at) for row in rest]
    assert waits == [(0, None, tuesday + timedelta(minutes=1))] * 2
    assert webhooks.deliver_due(now=tuesday + timedelta(minutes=2)) == 3


def test_an_endpoint_that_answers_again_gets_at_once_what_was_put_off(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    announce(tuesday, event="old")
    Message.objects.update(attempts=7, next_attempt_at=tuesday + timedelta(hours=14))
    WebhookEndpoint.objects.update(failing_since=tuesday - timedelta(hours=9))
    announce(tuesday, event="new")
    assert webhooks.deliver_due(now=tuesday) == 1
    assert WebhookEndpoint.objects.get().failing_since is None
    assert webhooks.deliver_due(now=tuesday) == 1
    assert not Message.objects.filter(sent_at=None).exists()


def test_one_that_hangs_makes_the_others_wait_for_its_deadline_only(
    crm: WebhookEndpoint, receiver: Receiver, ada: User, tuesday: datetime
) -> None:
    with receiving() as slow:
        slow.hangs = True
        hanging = endpoint_at(slow.url, ada, tuesday)
        for number in range(3):
            announce(tuesday, event=f"handoff:{number}")
        assert webhooks.deliver_due(now=tuesday, patience=0.5) == 3
        assert len(receiver.got) == 3
        assert len(slow.got) == 1
    tried, *rest = hanging.messages.order_by("pk")
    assert tried.last_error == "No answer within 0.5 seconds."
    assert [row.attempts for row in rest] == [0, 0]


class TestAnEndpointThatIsGivenUp:
    def test_is_switched_off_at_410_and_its_maker_is_told(
        self, crm: WebhookEndpoint, receiver: Receiver, ada: User, tuesday: datetime
    ) -> None:
        receiver.will_answer(410)
        announce(tuesday, event="handoff:1")
        announce(tuesday, event="handoff:2")
        assert webhooks.deliver_due(now=tuesday) == 0
        crm.refresh_from_db()
        assert crm.disabled_at == tuesday
        assert crm.disabled_because == "Answered 410: it wants nothing any more."
        assert list(crm.messages.values_list("dead_at", flat=True)) == [tuesday, tuesday]
        notice = Message.objects.get(recipient=ada, channel="in_app")
        assert notice.subject == "The webhook “CRM” was switched off"
        assert notice.url == f"/notices/webhooks/{crm.public_id}/"
        assert announce(tuesday, event="handoff:3") == 0

    def test_is_switched_off_after_three_days_of_failures(
        self, crm: WebhookEndpoint, receiver: Receiver, ada: User, tuesday: datetime
    ) -> None:
        for number, passed in enumerate((0 * DAY, 1 * DAY, 3 * DAY - timedelta(minutes=1), 3 * DAY)):
            WebhookEndpoint.objects.get().refresh_from_db()
            assert WebhookEndpoint.objects.get().is_active
            Message.objects.all().delete()
            receiver.will_answer(500)
            announce(tuesday + passed, event=f"handoff:{number}")
            webhooks.deliver_due(now=tuesday + passed)
        crm.refresh_from_db()
        assert crm.disabled_because == ("Every attempt failed for 3 days. The last one: Answered 500 instead of 2xx.")
        assert Message.objects.filter(recipient=ada, kind="integrations").count() == 2

    def test_can_be_switched_on_and_gets_what_was_laid_aside(
        self, crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
    ) -> None:
        announce(tuesday)
        assert endpoints.switch_off(crm, because="Moving.", now=tuesday)
        assert not endpoints.switch_off(crm, because="Again.", now=tuesday)
        assert Message.objects.get().last_error == "The webhook was switched off: Moving."
        assert endpoints.replay(crm, now=tuesday) == 0
        assert endpoints.switch_on(crm)
        assert not endpoints.switch_on(crm)
        assert webhooks.deliver_due(now=tuesday) == 0
        assert endpoints.replay(crm, now=tuesday) == 1
        assert webhooks.deliver_due(now=tuesday) == 1

    def test_gets_nothing_that_was_written_while_it_was_being_switched_off(
        self, crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
    ) -> None:
        announce(tuesday)
        WebhookEndpoint.objects.update(disabled_at=tuesday, disabled_because="Moving.")
        assert webhooks.deliver_due(now=tuesday) == 0
        assert receiver.got == []
        assert Message.objects.get().dead_at == tuesday


def test_a_removed_endpoint_keeps_its_record_and_forgets_its_secret(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    announce(tuesday)
    webhooks.deliver_due(now=tuesday)
    assert endpoints.remove(crm, now=tuesday)
    assert not endpoints.remove(crm, now=tuesday)
    crm.refresh_from_db()
    assert crm.secret == ""
    assert crm.messages.count() == 1
    assert not endpoints.standing().exists()
    assert not endpoints.switch_on(crm)


def test_a_test_event_goes_to_its_endpoint_only(
    crm: WebhookEndpoint, receiver: Receiver, ada: User, tuesday: datetime
) -> None:
    endpoint_at("https://other.example/", ada, tuesday)
    assert endpoints.try_out(crm, by=ada, now=tuesday)
    assert webhooks.deliver_due(now=tuesday) == 1
    assert json.loads(receiver.got[0].body)["type"] == "webhook.test"
    endpoints.switch_off(crm, because="Off.", now=tuesday)
    crm.refresh_from_db()
    assert not endpoints.try_out(crm, by=ada, now=tuesday)


def test_a_delivered_event_can_be_sent_again_with_its_id(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    announce(tuesday)
    message = Message.objects.get()
    assert not endpoints.send_again(message, now=tuesday)  # it waits
    webhooks.deliver_due(now=tuesday)
    assert endpoints.send_again(message, now=tuesday)
    webhooks.deliver_due(now=tuesday)
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


# --- claims


def test_while_one_sender_talks_to_an_endpoint_others_leave_it_alone(
    crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    announce(tuesday, event="claimed")
    Message.objects.update(claimed_at=tuesday)
    announce(tuesday, event="next")
    assert webhooks.deliver_due(now=tuesday + timedelta(minutes=4)) == 0
    # After five minutes the sender counts as dead, and what it had goes out.
    assert webhooks.deliver_due(now=tuesday + timedelta(minutes=6)) == 2
    assert [got.headers["webhook-id"] for got in receiver.got]


# --- where it must not go


def test_a_private_address_is_not_reached_without_the_setting(
    receiver: Receiver, ada: User, tuesday: datetime, settings: Any
) -> None:
    crm = endpoint_at(receiver.url, ada, tuesday)
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = []
    announce(tuesday)
    assert webhooks.deliver_due(now=tuesday) == 0
    assert receiver.got == []
    assert "127.0.0.1 is not on the public Internet" in Message.objects.get().last_error
    with pytest.raises(endpoints.Refused) as refusal:
        endpoints.change(crm, name="", url=receiver.url, kinds=[])
    assert set(refusal.value.errors) == {"name", "url", "kinds"}
    crm.refresh_from_db()
    assert crm.name == "CRM"


def test_random_histories_lose_nothing(crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime) -> None:
    """Whatever an endpoint answers, each event is delivered, waiting or dead, and delivered ones arrived."""
    chance = random.Random(7)  # the same each time
    now = tuesday
    for number in range(40):
        announce(now, event=f"handoff:{number}")
        receiver.answers[:] = [(chance.choice([200, 200, 500, 429]), {}, b"") for _ in range(10)]
        webhooks.deliver_due(now=now)
        now += timedelta(minutes=chance.choice([0, 1, 30]))
    receiver.answers.clear()
    webhooks.deliver_due(now=now + timedelta(hours=13))
    webhooks.deliver_due(now=now + timedelta(hours=13))
    assert Message.objects.filter(sent_at__isnull=False, claimed_at=None).count() == 40
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 40
