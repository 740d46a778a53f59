"""What a company puts around the portal's words in mails: filled in, escaped, and refused where it means nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from leadsla.accounts.models import User
from leadsla.outbox import mail_texts, messages
from leadsla.outbox.kinds import Kind
from leadsla.outbox.models import MailText

SignIn = Callable[[User], Client]
LIST = "/notices/mail-texts/"
PAGE = "/notices/mail-texts/overdue/"


def mailed(sam: User, now: datetime, kind: Kind) -> Any:
    messages.write(
        event=kind.value, recipient=sam, subject="Late", body="It is late.", now=now, kind=kind, channels=["email"]
    )
    messages.deliver_due(now=now)
    return mail.outbox[-1]


def test_mails_of_the_kind_have_it_before_and_behind(sam: User, olga: User, tuesday: datetime) -> None:
    mail_texts.change(
        Kind.OVERDUE, before="Hello {first_name},", after="Ask <Olga>.\nShe helps {name}.", by=olga, now=tuesday
    )
    sent = mailed(sam, tuesday, Kind.OVERDUE)
    assert sent.body.startswith("Hello Sam,\n\nIt is late.\n\nAsk <Olga>.\nShe helps Sam Becker.\n\n-- \n")
    html = sent.alternatives[0][0]
    assert "<p>Hello Sam,</p>" in html
    assert "<p>Ask &lt;Olga&gt;.<br>She helps Sam Becker.</p>" in html
    assert mailed(sam, tuesday, Kind.DUE_SOON).body.startswith("It is late.\n\n-- \n")


def test_names_with_braces_are_not_filled_in_again(sam: User) -> None:
    sam.name = "{first_name} {name}"
    assert mail_texts.fill_in("Hello {name}", recipient=sam) == "Hello {first_name} {name}"
    assert mail_texts.fill_in("Hello {name}", recipient=None) == "Hello"


def test_two_empty_texts_take_it_away(olga: User, tuesday: datetime) -> None:
    mail_texts.change(Kind.OVERDUE, before="Hello", after="", by=olga, now=tuesday)
    mail_texts.change(Kind.OVERDUE, before=" ", after="", by=olga, now=tuesday)
    assert not MailText.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field", "why"),
    [
        ({"before": "Hello {lead}"}, "before", "{lead} means nothing here. Use {name} or {first_name}."),
        ({"before": "{name.__class__}"}, "before", "means nothing here"),
        ({"after": "{}"}, "after", "{} means nothing here"),
        ({"after": "a" * 1001}, "after", "longer than 1000 characters"),
    ],
)
def test_what_means_nothing_is_refused_at_its_field(
    olga: User, signed_in: SignIn, wrong: dict[str, str], field: str, why: str
) -> None:
    answer = signed_in(olga).post(PAGE, {"before": "", "after": ""} | wrong)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert why in answer.context["form"].errors[field][0]
    assert not MailText.objects.exists()


def test_it_is_looked_at_first_and_then_kept(olga: User, signed_in: SignIn) -> None:
    browser = signed_in(olga)
    said = {"before": "Hello {first_name},", "after": ""}
    html = browser.post(PAGE, said | {"act": "preview"}).content.decode()
    assert "Hello Olga,\n\nWhat happened to whom" in html
    assert not MailText.objects.exists()
    assert browser.post(PAGE, said)["Location"] == LIST
    assert MailText.objects.get().changed_by == olga
    assert "Hello {first_name}," in browser.get(LIST).content.decode()
    assert "Hello Olga," in browser.get(PAGE).content.decode()


def test_there_is_no_page_of_an_unknown_kind(olga: User, signed_in: SignIn) -> None:
    assert signed_in(olga).get("/notices/mail-texts/gossip/").status_code == 404


def test_operations_and_administrators_word_mails(ada: User, sue: User, signed_in: SignIn) -> None:
    assert signed_in(ada).get(PAGE).status_code == 200
    assert signed_in(sue).get(PAGE).status_code == 403
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")
