"""The page of notices: one's own, newest first, marked as read together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from leadsla.accounts.models import User
from leadsla.outbox import messages
from leadsla.outbox.kinds import Kind

SignIn = Callable[[User], Client]
PAGE = "/notices/"


def tell(user: User, subject: str, now: datetime, **more: str) -> None:
    messages.write(event=f"test:{subject}", recipient=user, subject=subject, body="What <happened>.", now=now, **more)


def test_notices_are_ones_own_newest_first_and_escaped(
    mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    tell(mia, "First", tuesday)
    tell(mia, "Second", tuesday + timedelta(minutes=5), url="/my-leads/")
    tell(mia, "Not yet", tuesday + timedelta(hours=1))
    tell(sam, "Sam's", tuesday)
    settings.LEADSLA_NOW = (tuesday + timedelta(minutes=10)).isoformat()
    response = signed_in(mia).get(PAGE)
    assert [message.subject for message in response.context["page"]] == ["Second", "First"]
    html = response.content.decode()
    assert '<a class="n" href="/my-leads/">Second</a>' in html
    assert "What &lt;happened&gt;." in html


def test_all_are_marked_as_read_at_once(mia: User, signed_in: SignIn, settings: Settings, tuesday: datetime) -> None:
    tell(mia, "First", tuesday)
    settings.LEADSLA_NOW = (tuesday + timedelta(minutes=1)).isoformat()
    client = signed_in(mia)
    assert "Mark all as read" in client.get(PAGE).content.decode()
    assert client.post(reverse("outbox:read_all"))["Location"] == PAGE
    assert "Mark all as read" not in client.get(PAGE).content.decode()


def test_an_empty_page_says_what_comes_here(ada: User, signed_in: SignIn) -> None:
    assert "No notices yet" in signed_in(ada).get(PAGE).content.decode()


def test_anonymous_signs_in_and_wrong_methods_are_refused(mia: User, client: Client, signed_in: SignIn) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    assert signed_in(mia).post(PAGE).status_code == 405
    assert signed_in(mia).get(reverse("outbox:read_all")).status_code == 405


class TestPreferences:
    URL = "/notices/preferences/"

    def test_the_table_shows_and_keeps_what_a_person_wants(self, mia: User, signed_in: SignIn) -> None:
        client = signed_in(mia)
        html = client.get(self.URL).content.decode()
        assert html.count(" checked") == 2 * len(Kind)
        answer = client.post(self.URL, {"wanted": ["overdue:email", "nonsense:email", "odd"]})
        assert answer["Location"] == self.URL
        html = client.get(self.URL).content.decode()
        assert html.count(" checked") == 1
        assert 'value="overdue:email" aria-label="Something is overdue: E-mail" checked' in html

    def test_whoever_gets_no_mail_at_all_is_told_so(self, mia: User, signed_in: SignIn) -> None:
        User.objects.filter(pk=mia.pk).update(wants_email=False)
        assert "You get no e-mail at all" in signed_in(mia).get(self.URL).content.decode()

    def test_anonymous_signs_in_first(self, client: Client, db: None) -> None:
        assert client.get(self.URL)["Location"].startswith("/accounts/login/")
