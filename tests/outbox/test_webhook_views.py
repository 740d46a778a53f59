"""The pages of webhooks and messages: who sees them, what they show, and what their buttons do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leadsla.accounts.models import Role, User
from leadsla.outbox import endpoints, messages, webhooks
from leadsla.outbox.kinds import Announcement, Kind
from leadsla.outbox.models import Message, WebhookEndpoint
from tests.outbox.receiver import Receiver, receiving

SignIn = Callable[[User], Client]
LIST = "/notices/webhooks/"
NEW = "/notices/webhooks/new/"
MESSAGES = "/notices/messages/"
WHOLE = {"name": "CRM", "url": "https://crm.example/in", "kinds": ["lead.handed_over", "clock.breached"]}


@pytest.fixture
def at_ten(settings: Any, tuesday: datetime) -> datetime:
    """The portal's clock stands at Tuesday, 10:00."""
    settings.LEADSLA_NOW = tuesday.isoformat()
    return tuesday


@pytest.fixture
def browser(ada: User, signed_in: SignIn, at_ten: datetime) -> Client:
    return signed_in(ada)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with receiving() as running:
        yield running


@pytest.fixture
def crm(receiver: Receiver, ada: User, tuesday: datetime) -> WebhookEndpoint:
    return endpoints.create(name="CRM", url=receiver.url, kinds=["lead.handed_over"], by=ada, now=tuesday)


def page_of(endpoint: WebhookEndpoint, act: str = "") -> str:
    return f"{LIST}{endpoint.public_id}/" + (f"{act}/" if act else "")


def tell_crm(now: datetime, event: str = "handoff:1") -> Message:
    messages.announce(event=event, kind=Announcement.HANDED_OVER, data={"handoff": event}, now=now)
    return Message.objects.get(event=event)


# --- making one


def test_an_empty_list_offers_the_first(browser: Client) -> None:
    html = browser.get(LIST).content.decode()
    assert "No webhooks yet" in html
    assert f'href="{NEW}"' in html


def test_the_secret_of_a_new_one_is_shown_once(browser: Client, ada: User, tuesday: datetime) -> None:
    answer = browser.post(NEW, WHOLE)
    made = WebhookEndpoint.objects.get()
    assert (made.name, made.kinds, made.created_by, made.created_at) == ("CRM", WHOLE["kinds"], ada, tuesday)
    assert made.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    later = browser.get(page_of(made)).content.decode()
    assert made.secret not in later
    assert "https://crm.example/in" in later


@pytest.mark.parametrize(
    ("wrong", "field", "why"),
    [
        ({"name": " "}, "name", "required"),
        ({"url": "http://crm.example/in"}, "url", "Use https://"),
        ({"url": "https://10.0.0.1/"}, "url", "not on the public Internet"),
        ({"kinds": []}, "kinds", "Choose at least one event"),
        ({"kinds": ["webhook.test"]}, "kinds", "not one of the available choices"),
    ],
)
def test_bad_input_is_refused_at_its_field(browser: Client, wrong: dict[str, Any], field: str, why: str) -> None:
    answer = browser.post(NEW, WHOLE | wrong)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert why in answer.context["form"].errors[field][0]
    assert not WebhookEndpoint.objects.exists()


def test_it_can_be_changed(browser: Client, crm: WebhookEndpoint) -> None:
    assert crm.url in browser.get(page_of(crm, "edit")).content.decode()
    answer = browser.post(page_of(crm, "edit"), WHOLE | {"name": "Other"})
    assert answer["Location"] == page_of(crm)
    crm.refresh_from_db()
    assert (crm.name, crm.url) == ("Other", "https://crm.example/in")
    assert browser.post(page_of(crm, "edit"), WHOLE | {"url": "nonsense"}).status_code == 400


# --- its buttons


def test_a_test_is_sent_and_stands_under_deliveries(
    browser: Client, crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    assert browser.post(page_of(crm, "test"))["Location"] == page_of(crm)
    waiting = browser.get(page_of(crm)).content.decode()
    assert 'hx-trigger="every 2s"' in waiting
    webhooks.deliver_due(now=tuesday)
    part = browser.get(page_of(crm), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<section")
    assert "webhook.test" in part
    assert "Delivered" in part
    assert "hx-trigger" not in part
    assert "A test from LeadSLA." in receiver.got[0].body


def test_what_failed_shows_its_attempts_and_is_sent_again(
    browser: Client, crm: WebhookEndpoint, receiver: Receiver, tuesday: datetime
) -> None:
    message = tell_crm(tuesday)
    receiver.will_answer(410, body=b"<script>no</script>")
    webhooks.deliver_due(now=tuesday)
    html = browser.get(page_of(crm)).content.decode()
    assert "&lt;script&gt;no&lt;/script&gt;" in html
    assert "Answered 410: it wants nothing any more." in html
    assert "Replay" not in html  # not while it is off
    again = f"/notices/deliveries/{message.public_id}/again/"
    assert browser.post(again)["Location"] == page_of(crm)
    message.refresh_from_db()
    assert message.dead_at == tuesday
    browser.post(page_of(crm, "switch"))
    assert "Replay 1 laid aside" in browser.get(page_of(crm)).content.decode()
    browser.post(page_of(crm, "replay"))
    assert webhooks.deliver_due(now=tuesday) == 1
    browser.post(again)
    assert webhooks.deliver_due(now=tuesday) == 1
    assert len(receiver.got) == 3


def test_deliveries_are_filtered_by_state(browser: Client, crm: WebhookEndpoint, tuesday: datetime) -> None:
    tell_crm(tuesday, "one")
    webhooks.deliver_due(now=tuesday)
    tell_crm(tuesday, "two")
    found = {
        state: [message.event for message in browser.get(page_of(crm) + f"?state={state}").context["page"]]
        for state in ("", "sent", "waiting", "dead", "odd")
    }
    assert found == {"": ["two", "one"], "sent": ["one"], "waiting": ["two"], "dead": [], "odd": ["two", "one"]}


def test_the_secret_is_renewed_and_shown_once(browser: Client, crm: WebhookEndpoint, tuesday: datetime) -> None:
    before = crm.secret
    html = browser.post(page_of(crm, "secret")).content.decode()
    crm.refresh_from_db()
    assert crm.secret in html
    assert (crm.old_secret, crm.old_secret_until) == (before, tuesday + timedelta(hours=24))
    assert "The old secret is right as well until" in html
    assert crm.secret not in browser.get(page_of(crm)).content.decode()


def test_it_is_switched_off_and_on_and_removed(browser: Client, crm: WebhookEndpoint) -> None:
    browser.post(page_of(crm, "switch"))
    html = browser.get(LIST).content.decode()
    assert "Switched off by Ada Keller." in html
    browser.post(page_of(crm, "test"))
    assert not Message.objects.filter(channel="webhook").exists()
    browser.post(page_of(crm, "switch"))
    crm.refresh_from_db()
    assert crm.is_active
    assert browser.post(page_of(crm, "remove"))["Location"] == LIST
    assert browser.get(page_of(crm)).status_code == 404
    assert "No webhooks yet" in browser.get(LIST).content.decode()


def test_only_administrators_manage_webhooks(olga: User, max_: User, crm: WebhookEndpoint, signed_in: SignIn) -> None:
    for person in (olga, max_):
        browser = signed_in(person)
        assert browser.get(LIST).status_code == 403
        assert browser.post(page_of(crm, "secret")).status_code == 403
    assert Client().post(page_of(crm, "remove"))["Location"].startswith("/accounts/login/")


def test_buttons_are_posts(browser: Client, crm: WebhookEndpoint) -> None:
    acts = ("secret", "test", "switch", "remove", "replay")
    assert {browser.get(page_of(crm, act)).status_code for act in acts} == {405}


# --- messages


def test_messages_show_what_is_laid_aside_and_try_it_again(
    olga: User, sam: User, signed_in: SignIn, at_ten: datetime
) -> None:
    for event in ("one", "two"):
        messages.write(event=event, recipient=sam, subject=f"Otto <{event}>", body="b", now=at_ten, channels=["email"])
    Message.objects.update(dead_at=at_ten, attempts=8, last_error="No such mailbox.")
    browser = signed_in(olga)
    html = browser.get(MESSAGES).content.decode()
    assert "Otto &lt;one&gt;" in html
    assert "No such mailbox." in html
    one = Message.objects.get(event="one")
    assert browser.post(f"{MESSAGES}{one.public_id}/replay/")["Location"] == MESSAGES
    one.refresh_from_db()
    assert (one.dead_at, one.attempts, one.next_attempt_at) == (None, 0, at_ten)
    browser.post(f"{MESSAGES}replay/")
    assert messages.deliver_due(now=at_ten) == 2
    assert "Nothing is laid aside" in browser.get(MESSAGES).content.decode()
    assert "Otto &lt;two&gt;" in browser.get(MESSAGES + "?state=sent").content.decode()


def test_an_administrator_without_a_second_role_reads_no_names_of_leads(
    ada: User, sam: User, signed_in: SignIn, at_ten: datetime
) -> None:
    messages.write(event="x", recipient=sam, subject="New lead: Otto", body="b", now=at_ten, kind=Kind.HANDED_OVER)
    browser = signed_in(ada)
    html = browser.get(MESSAGES + "?state=waiting").content.decode()
    assert "Otto" not in html
    assert "A lead comes to you or leaves you" in html
    User.objects.filter(pk=ada.pk).update(roles=[Role.ADMINISTRATOR, Role.OPERATIONS])
    assert "New lead: Otto" in browser.get(MESSAGES + "?state=waiting").content.decode()


def test_what_waits_too_long_tells_of_workers_that_do_not_run(
    olga: User, sam: User, signed_in: SignIn, at_ten: datetime
) -> None:
    browser = signed_in(olga)
    messages.write(event="x", recipient=sam, subject="s", body="b", now=at_ten - timedelta(minutes=4))
    assert "Look whether the workers run" not in browser.get(MESSAGES).content.decode()
    messages.write(event="y", recipient=sam, subject="s", body="b", now=at_ten - timedelta(minutes=6))
    html = browser.get(MESSAGES + "?state=waiting&channel=email").content.decode()
    assert "2 messages have been due for more than five minutes" in html
    assert html.count("<tr>") == 3  # the head and two e-mails


def test_messages_for_a_webhook_that_is_off_wait_for_it(
    olga: User, crm: WebhookEndpoint, signed_in: SignIn, at_ten: datetime
) -> None:
    message = tell_crm(at_ten)
    endpoints.switch_off(crm, because="Moving.", now=at_ten)
    browser = signed_in(olga)
    assert "webhook is off" in browser.get(MESSAGES).content.decode()
    browser.post(f"{MESSAGES}{message.public_id}/replay/")
    browser.post(f"{MESSAGES}replay/")
    message.refresh_from_db()
    assert message.dead_at == at_ten


def test_messages_are_for_operations_and_administrators(sue: User, mia: User, signed_in: SignIn) -> None:
    for person in (sue, mia):
        assert signed_in(person).get(MESSAGES).status_code == 403
        assert signed_in(person).post(f"{MESSAGES}replay/").status_code == 403
