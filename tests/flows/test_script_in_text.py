"""Scripts, emoji, right-to-left names and endless text: kept as typed, shown escaped, too long text named by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import Settings

from feedback import decisions
from feedback.models import Answer
from leads import imports
from leads.models import Import, Interaction, Lead
from leadsla.accounts.models import User
from leadsla.outbox import messages
from leadsla.outbox.models import Message
from sla import compliance, escalation
from sla.models import Handoff

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]

# Each with a mark of its own, so that a page that shows it raw is found out whatever stands around it.
NAME = 'שרה <script>alert("name")</script> ياسمين 🦊 O\'Hara'
COMPANY = "<img src=x onerror=alert('company')> & Söhne GmbH"
TITLE = "Head of </title><script>alert('title')</script> 👩🏽‍💻"
NEED = (
    "{{ 7 * 7 }} {% url 'home:start' %}\n<b onclick=\"alert('need')\">Drei Zeilen</b>\n\u202eمرحبا\u202c ' OR 1=1; --"
)
NOTE = "<style>*{display:none}</style> \u202e note"
DETAIL = "javascript:alert('detail') <svg onload=alert('detail')>"
REMARK = "</div><script>alert('remark')</script>\nשלום 😡"
ASKED = "<a href='//evil.example'>asked</a> 🤷"
RAW = ("<script>alert", "<img src=x", "</title><script", "<b onclick", "<style>*", "<svg onload", "<a href='//evil")
ENDLESS = "<script>🦊" + "x" * 9_991


def form(**changes: str) -> dict[str, str]:
    told = {
        "name": NAME,
        "email": "sara@company.example",
        "phone": "+49 30 901820",
        "company_name": COMPANY,
        "title": TITLE,
        "country": "DE",
        "need": NEED,
        "note": NOTE,
        "kind": "demo_request",
        "detail": DETAIL,
    }
    return told | changes


@pytest.fixture
def marketing(settings: Settings, tuesday: datetime, mia: User, sam: User, signed_in: SignIn) -> Client:
    settings.LEADSLA_NOW = tuesday.isoformat()
    return signed_in(mia)


@pytest.fixture
def handed(marketing: Client, tuesday: datetime) -> Handoff:
    """Sara, typed in by Mia and handed over by her button."""
    assert marketing.post(reverse("leads:new"), form()).status_code == 302
    assert marketing.post(reverse("sla:hand_over", args=(Lead.objects.get().public_id,))).status_code == 302
    return Handoff.objects.get()


@pytest.fixture
def rejected(handed: Handoff, sam: User, signed_in: SignIn, tuesday: datetime) -> Answer:
    """Sam's rejection, and marketing told."""
    said = {"reason": "too_early", "asked_text": ASKED, "remark": REMARK, "quality": "2"}
    assert signed_in(sam).post(reverse("feedback:reject", args=(handed.public_id,)), said).status_code == 302
    decisions.carry_out_due(now=tuesday + timedelta(minutes=2))
    messages.deliver_due(now=tuesday + timedelta(minutes=2))
    return Answer.objects.get()


def shows(client: Client, address: str, *texts: str) -> None:
    """Open a page: it shows the texts, escaped, and nothing that was typed as a part of its own."""
    response = client.get(address)
    assert response.status_code == 200
    page = response.content.decode()
    for text in texts:
        assert escape(text) in page, f"{address} does not show {text!r}"
    assert [raw for raw in RAW if raw in page] == []


def test_what_was_typed_is_stored_as_typed(handed: Handoff) -> None:
    lead = Lead.objects.get()
    assert (lead.name, lead.company_name, lead.title, lead.need, lead.note) == (NAME, COMPANY, TITLE, NEED, NOTE)
    assert Interaction.objects.get().detail == DETAIL
    person = handed.rounds.get().person
    assert (person["name"], person["title"], person["need"], person["note"]) == (NAME, TITLE, NEED, NOTE)


def test_marketings_pages_show_it_escaped(marketing: Client, handed: Handoff, tuesday: datetime) -> None:
    lead = handed.lead
    page = reverse("home:lead", args=(lead.public_id,))
    shows(marketing, page, NAME, TITLE, COMPANY)
    shows(marketing, f"{page}?tab=story", NAME, DETAIL)
    shows(marketing, f"{page}?tab=facts", NAME, COMPANY, NOTE)
    for tab in ("handoffs", "changes"):
        shows(marketing, f"{page}?tab={tab}", NAME)
    shows(marketing, reverse("home:my_leads") + "?stage=handed_over", NAME, TITLE, COMPANY)
    shows(marketing, reverse("leads:edit", args=(lead.public_id,)), NAME, TITLE, COMPANY, NEED, NOTE)
    shows(marketing, reverse("home:search") + "?q=sara", NAME)
    shows(marketing, reverse("home:handoffs"), NAME, COMPANY)


def test_saying_that_it_is_in_and_handed_over_is_escaped(marketing: Client) -> None:
    typed = marketing.post(reverse("leads:new"), form(), follow=True).content.decode()
    assert f"{escape(NAME)} is in." in typed
    page = reverse("sla:hand_over", args=(Lead.objects.get().public_id,))
    sent = marketing.post(page, follow=True).content.decode()
    assert f"{escape(NAME)} is handed over to Sam Becker." in sent
    assert [raw for raw in RAW if raw in typed + sent] == []


def test_saless_pages_show_it_escaped(handed: Handoff, sam: User, signed_in: SignIn) -> None:
    sales = signed_in(sam)
    shows(sales, reverse("home:queue"), NAME, TITLE, COMPANY, NEED)
    shows(sales, reverse("home:pack", args=(handed.public_id,)), NAME, TITLE, COMPANY, NEED, "note")
    for act in ("reject", "follow_up"):
        shows(sales, reverse(f"feedback:{act}", args=(handed.public_id,)), NAME)
    shows(sales, reverse("outbox:notices"), NAME)
    accepted = sales.post(reverse("feedback:accept", args=(handed.public_id,)), headers={"HX-Request": "true"})
    assert f"Accepted <b>{escape(NAME)}</b>" in accepted.content.decode()
    shows(sales, reverse("feedback:outcome", args=(handed.public_id,)), NAME)
    shows(sales, reverse("feedback:give_back", args=(handed.public_id,)), NAME)


def test_a_remark_reaches_marketing_as_typed_and_escaped(
    marketing: Client, rejected: Answer, mia: User, settings: Settings, tuesday: datetime
) -> None:
    assert (rejected.remark, rejected.asked) == (REMARK, {"text": ASKED})
    settings.LEADSLA_NOW = (tuesday + timedelta(minutes=2)).isoformat()
    first, last = REMARK.split("\n")
    shows(marketing, reverse("home:sales_feedback"), NAME, COMPANY, ASKED, first, last)
    page = reverse("home:lead", args=(rejected.handoff.lead.public_id,))
    shows(marketing, f"{page}?tab=handoffs", first, last, ASKED)
    shows(marketing, reverse("outbox:notices"), NAME)
    mail = Message.objects.get(event__startswith="answer:", channel=Message.Channel.EMAIL, recipient=mia)
    assert NAME in mail.subject
    assert REMARK in mail.body


def test_the_managers_lists_show_it_escaped(
    handed: Handoff, sue: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    late = tuesday + timedelta(minutes=30)
    settings.LEADSLA_NOW = late.isoformat()
    escalation.sweep(now=late)
    compliance.recompute(now=late)
    manager = signed_in(sue)
    shows(manager, reverse("home:scoreboard"), NAME, COMPANY)
    shows(manager, reverse("home:handoffs"), NAME, COMPANY)
    shows(manager, reverse("sla:reassign", args=(handed.public_id,)), NAME)


def test_endless_text_is_named_by_field_and_not_lost(marketing: Client) -> None:
    fields = {"name": 200, "title": 160, "company_name": 200, "need": 4000, "note": 4000, "budget": 160, "detail": 500}
    answer = marketing.post(reverse("leads:new"), form(**dict.fromkeys(fields, ENDLESS)))
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == set(fields)
    page = answer.content.decode()
    for field, most in fields.items():
        assert answer.context["form"].errors[field] == [f"At most {most} characters fit here; these are 10000."]
        assert f'href="#id_{field}"' in page
    assert page.count(escape(ENDLESS)) >= len(fields)
    assert Lead.objects.count() == 0


def test_text_that_just_fits_goes_in(marketing: Client) -> None:
    need, name = "🦊" * 4000, "ש" * 200
    assert marketing.post(reverse("leads:new"), form(need=need, name=name)).status_code == 302
    lead = Lead.objects.get()
    assert (lead.need, lead.name) == (need, name)


@pytest.mark.parametrize(
    ("field", "named"), [("remark", "remark"), ("asked_text", "asked")], ids=["remark", "what is asked"]
)
def test_an_endless_remark_is_named_and_not_lost(
    handed: Handoff, sam: User, signed_in: SignIn, field: str, named: str
) -> None:
    said = {"reason": "too_early", "asked_text": ASKED, "remark": REMARK, "quality": "2"} | {field: ENDLESS}
    answer = signed_in(sam).post(reverse("feedback:reject", args=(handed.public_id,)), said)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {named}
    assert "Shorten it." in answer.context["form"].errors[named][0]
    assert escape(ENDLESS) in answer.content.decode()
    assert Answer.objects.count() == 0


# --- the same by file


def imported(marketing: Client, content: str, now: datetime) -> Import:
    """Bring a file in through the pages."""
    file = SimpleUploadedFile(f"{COMPANY[:12]}.csv", content.encode(), content_type="text/csv")
    columns: Any = marketing.post(reverse("leads:import_new"), {"file": file, "timezone": "Europe/Berlin"})
    codes = {"column_0": "name", "column_1": "email", "column_2": "company_name", "column_3": "need"}
    assert marketing.post(columns["Location"], codes | {"timezone": "Europe/Berlin"}).status_code == 302
    run = Import.objects.get()
    assert no_raw(marketing.get(reverse("leads:import_detail", args=(run.public_id,))))
    imports.begin(run, now=now)
    return imports.run_through(run.pk, now=lambda: now)


def no_raw(response: HttpResponse) -> bool:
    page = response.content.decode()
    return response.status_code == 200 and not any(raw in page for raw in RAW)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_a_file_keeps_it_as_typed_and_names_what_is_too_long(
    marketing: Client, settings: Settings, tmp_path: Any, tuesday: datetime
) -> None:
    settings.MEDIA_ROOT = tmp_path
    rows = [
        (NAME, "sara@company.example", COMPANY, NEED),
        (ENDLESS, "long@company.example", COMPANY, ""),
    ]
    lines = [",".join(map(quoted, row)) for row in rows]
    run = imported(marketing, "\n".join([f"Name,E-mail,{quoted('Company ' + COMPANY)},Need", *lines]), tuesday)
    lead = Lead.objects.get()
    assert (lead.name, lead.company_name, lead.need) == (NAME, COMPANY, NEED)
    assert (run.rows_created, run.rows_failed) == (1, 1)
    failed = run.rows.get(state="failed")
    assert failed.problem == "Name: At most 200 characters fit here; these are 10000."
    result = marketing.get(reverse("leads:import_detail", args=(run.public_id,)))
    assert no_raw(result)
    assert failed.problem in result.content.decode()
    shows(marketing, reverse("leads:imports"), run.file_name)
    error_file = b"".join(marketing.get(reverse("leads:import_errors", args=(run.public_id,)))).decode("utf-8-sig")
    assert ENDLESS in error_file
