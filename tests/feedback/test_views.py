"""The pages and fragments on which sales answers, follows up and reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from feedback import decisions, outcomes
from feedback.models import Answer, FollowUp, OutcomeReport
from leadsla.accounts.models import AwayTime, Role, User
from sla.models import Handoff

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _on_tuesday(settings) -> None:
    """It is Tuesday, 10:10 in Berlin, ten minutes after the handover."""
    settings.LEADSLA_NOW = "2026-03-03T10:10"


def url(name: str, one: Handoff | Answer) -> str:
    return reverse(f"feedback:{name}", args=(one.public_id,))


@pytest.fixture
def accepted(handoff, sam, tuesday) -> Handoff:
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + 2 * MINUTE, now=tuesday + 2 * MINUTE
    )
    handoff.refresh_from_db()
    return handoff


TOO_EARLY = {"reason": "too_early", "asked_text": "Only for a tender", "quality": "2"}
FOLLOW_UP = {"channel": "call", "result": "no_answer"}
WON = {"kind": "won", "amount": "1200.50", "currency": "EUR"}

# page, method that changes something, what it takes
PAGES: list[tuple[str, dict[str, str]]] = [
    ("accept", {}),
    ("reject", TOO_EARLY),
    ("follow_up", FOLLOW_UP),
    ("give_back", {"reason": "no_need"}),
    ("outcome", WON),
]


@pytest.mark.parametrize(("name", "data"), PAGES)
def test_nobody_signed_in_goes_to_the_sign_in(client, handoff, name, data) -> None:
    response = client.post(url(name, handoff), data)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    assert Answer.objects.count() == FollowUp.objects.count() == 0


@pytest.mark.parametrize(("name", "data"), PAGES)
def test_marketing_does_not_answer(signed_in, mia, handoff, name, data) -> None:
    assert signed_in(mia).post(url(name, handoff), data).status_code == 403


@pytest.mark.parametrize(("name", "data"), PAGES)
def test_other_team_s_handoff_is_not_found(signed_in, nia, handoff, name, data) -> None:
    assert signed_in(nia).post(url(name, handoff), data).status_code == 404
    assert signed_in(nia).post(reverse(f"feedback:{name}", args=(uuid4(),)), data).status_code == 404


@pytest.mark.parametrize(("name", "method"), [(name, "put") for name, _data in PAGES] + [("accept", "get")])
def test_wrong_method(signed_in, sam, handoff, name, method) -> None:
    assert getattr(signed_in(sam), method)(url(name, handoff)).status_code == 405


@pytest.mark.parametrize("name", ["reject", "follow_up", "outcome"])
def test_form_opens_as_a_page_and_under_the_row(signed_in, sam, handoff, name) -> None:
    browser = signed_in(sam)
    page = browser.get(url(name, handoff))
    assert page.status_code == 200
    assert b"<html" in page.content
    part = browser.get(url(name, handoff), headers=HTMX)
    assert part.status_code == 200
    assert b"<html" not in part.content
    assert f'hx-target="#under-{handoff.public_id}"'.encode() in part.content
    assert browser.get(url(name, handoff) + "?closed=1", headers=HTMX).content == b""


# --- Accept


def test_accept_by_htmx_leaves_the_undo_line(signed_in, sam, handoff) -> None:
    response = signed_in(sam).post(url("accept", handoff), headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Trigger"] == "queue-changed"
    answer = Answer.objects.get()
    assert url("undo", answer).encode() in response.content
    assert b'data-undo="60"' in response.content


def test_second_click_finds_the_same_answer(signed_in, sam, handoff) -> None:
    browser = signed_in(sam)
    browser.post(url("accept", handoff), headers=HTMX)
    again = browser.post(url("accept", handoff), headers=HTMX)
    assert again.status_code == 200
    assert url("undo", Answer.objects.get()).encode() in again.content


def test_accept_without_htmx_goes_back(signed_in, sam, handoff) -> None:
    browser = signed_in(sam)
    response = browser.post(url("accept", handoff), {"next": reverse("home:pack", args=(handoff.public_id,))})
    assert response["Location"] == reverse("home:pack", args=(handoff.public_id,))
    handoff.refresh_from_db()
    assert handoff.decision == "accepted"


def test_next_leads_nowhere_else(signed_in, sam, handoff) -> None:
    response = signed_in(sam).post(url("accept", handoff), {"next": "https://evil.example/"})
    assert response["Location"] == reverse("home:queue")


def test_colleague_who_was_first_is_named(signed_in, hand_over, sam, sue, north, tuesday) -> None:
    for one in (sam, sue):
        AwayTime.objects.create(user=one, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    waiting = hand_over()
    kim = User.objects.create_user("kim@leadsla.example", name="Kim", roles=[Role.SALES_REP], team=north)
    assert signed_in(kim).post(url("accept", waiting), headers=HTMX).status_code == 200
    late = signed_in(sam).post(url("accept", waiting), headers=HTMX)
    assert late.status_code == 409
    assert b"Kim accepted this lead first." in late.content
    rejecting = signed_in(sam).post(url("reject", waiting), TOO_EARLY, headers=HTMX)
    assert rejecting.status_code == 409
    waiting.refresh_from_db()
    assert (waiting.owner, waiting.decision) == (kim, "accepted")


def test_manager_answers_for_the_team(signed_in, sue, handoff) -> None:
    assert signed_in(sue).post(url("accept", handoff), headers=HTMX).status_code == 200
    assert Answer.objects.get().by == sue


# --- Reject


def test_reject_keeps_what_was_asked(signed_in, sam, handoff) -> None:
    response = signed_in(sam).post(url("reject", handoff), TOO_EARLY | {"remark": "Nice people"}, headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Retarget"] == f"#item-{handoff.public_id}"
    answer = Answer.objects.get()
    assert (answer.reason.code, answer.asked, answer.quality, answer.remark) == (
        "too_early",
        {"text": "Only for a tender"},
        2,
        "Nice people",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quality": ""}, "Say how good this lead is"),
        ({"quality": "x"}, "Enter a whole number"),
        ({"asked_text": ""}, "needs an answer: What was misread?"),
        ({"reason": ""}, "Choose a reason."),
        ({"reason": "nonsense"}, "There is no such reason."),
        ({"reason": "unreachable"}, "after 6 attempts, 0 made"),
    ],
)
def test_reject_names_what_is_wrong_and_keeps_what_was_typed(signed_in, sam, handoff, changes, words) -> None:
    said = TOO_EARLY | {"remark": "<b>née</b> 😀 مرحبا"} | changes
    response = signed_in(sam).post(url("reject", handoff), said, headers=HTMX)
    assert response.status_code == 400
    page = response.content.decode()
    assert words in page
    assert "&lt;b&gt;née&lt;/b&gt; 😀 مرحبا" in page
    assert Answer.objects.count() == 0


def test_reasons_show_their_condition_and_consequence(signed_in, sam, handoff) -> None:
    page = signed_in(sam).get(url("reject", handoff), headers=HTMX).content.decode()
    assert "after 6 attempts, 0 made" in page
    assert "Marketing may hand it over again from Sat 2 May 2026, as cycle 2." in page
    assert "Your clock stops at 3 h 50 left: decided in time." in page


# --- Undo


def test_undo_within_the_minute(signed_in, sam, handoff) -> None:
    browser = signed_in(sam)
    browser.post(url("accept", handoff))
    response = browser.post(url("undo", Answer.objects.get()), headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Trigger"] == "queue-changed"
    handoff.refresh_from_db()
    assert handoff.decision == ""


def test_undo_too_late_or_of_somebody_else(signed_in, sam, sue, handoff, settings) -> None:
    browser = signed_in(sam)
    browser.post(url("accept", handoff))
    answer = Answer.objects.get()
    assert signed_in(sue).post(url("undo", answer)).status_code == 404
    settings.LEADSLA_NOW = "2026-03-03T10:11"
    late = browser.post(url("undo", answer), headers=HTMX)
    assert late.status_code == 409
    assert b"The minute is over" in late.content
    assert browser.get(url("undo", answer)).status_code == 405


# --- Follow-up, give back, outcome


def test_follow_up_in_two_clicks_accepts_as_well(signed_in, sam, handoff) -> None:
    response = signed_in(sam).post(url("follow_up", handoff), FOLLOW_UP | {"accept_too": "on"}, headers=HTMX)
    assert (response.status_code, response.content) == (200, b"")
    handoff.refresh_from_db()
    assert (handoff.decision, handoff.attempts) == ("accepted", 1)
    assert handoff.first_follow_up_at == datetime(2026, 3, 3, 10, 10, tzinfo=BERLIN)


def test_follow_up_form_sent_twice_logs_once(signed_in, sam, handoff) -> None:
    browser = signed_in(sam)
    said = FOLLOW_UP | {"key": str(uuid4())}
    browser.post(url("follow_up", handoff), said)
    browser.post(url("follow_up", handoff), said)
    assert FollowUp.objects.count() == 1


def test_follow_up_s_times_are_the_reader_s(signed_in, sam, handoff) -> None:
    User.objects.filter(pk=sam.pk).update(timezone="Europe/Lisbon")  # an hour behind Berlin
    said = FOLLOW_UP | {"occurred_at": "2026-03-03T09:05", "next_step_at": "2026-03-03T14:00", "next_step": "Call"}
    signed_in(sam).post(url("follow_up", handoff), said)
    logged = FollowUp.objects.get()
    assert logged.occurred_at == datetime(2026, 3, 3, 10, 5, tzinfo=BERLIN)
    assert logged.next_step_at == datetime(2026, 3, 3, 15, 0, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"result": ""}, "Say how it went."),
        ({"occurred_at": "2026-03-04T10:00"}, "in the future"),
        ({"next_step_at": "2026-03-01T10:00"}, "lies in the past"),
        ({"occurred_at": "yesterday"}, "Enter a valid date/time."),
    ],
)
def test_follow_up_names_what_is_wrong(signed_in, sam, handoff, changes, words) -> None:
    response = signed_in(sam).post(url("follow_up", handoff), FOLLOW_UP | {"accept_too": "on"} | changes)
    assert response.status_code == 400
    assert words in response.content.decode()
    handoff.refresh_from_db()
    assert (handoff.decision, FollowUp.objects.count()) == ("", 0)


def test_give_back_after_contact(signed_in, sam, accepted) -> None:
    browser = signed_in(sam)
    assert b"Give back" in browser.get(url("give_back", accepted)).content
    response = browser.post(url("give_back", accepted), {"reason": "no_need"})
    assert response.status_code == 302
    accepted.refresh_from_db()
    assert accepted.given_back_reason == "no_need"
    again = browser.post(url("give_back", accepted), {"reason": "no_need"}, headers=HTMX)
    assert again.status_code == 409
    assert Answer.objects.filter(kind="given_back").count() == 1


def test_give_back_names_what_is_wrong(signed_in, sam, accepted) -> None:
    response = signed_in(sam).post(url("give_back", accepted), {"reason": "no_budget", "asked_date": "2026-02-01"})
    assert response.status_code == 400
    assert "This day is not in the future." in response.content.decode()


def test_won_is_reported_with_its_amount(signed_in, sam, accepted) -> None:
    response = signed_in(sam).post(url("outcome", accepted), WON)
    assert response["Location"] == reverse("home:pack", args=(accepted.public_id,))
    accepted.refresh_from_db()
    assert (str(accepted.revenue), accepted.currency, accepted.closed_because) == ("1200.50", "EUR", "won")


def test_amount_of_the_opportunity_stands_in_the_form(signed_in, sam, accepted) -> None:
    browser = signed_in(sam)
    browser.post(url("outcome", accepted), {"kind": "opportunity", "amount": "86000", "currency": "USD"})
    text = browser.get(url("outcome", accepted)).content.decode()
    assert 'name="amount" value="86000"' in text
    assert '<option value="USD" selected>' in text
    browser.post(url("outcome", accepted), {"kind": "lost", "amount": "86000", "lost_because": "Price"})
    assert OutcomeReport.objects.get(kind="lost").amount is None


def test_meeting_form_sent_twice_reports_once(signed_in, sam, accepted) -> None:
    browser = signed_in(sam)
    said = {"kind": "meeting", "key": str(uuid4())}
    browser.post(url("outcome", accepted), said)
    browser.post(url("outcome", accepted), said)
    assert OutcomeReport.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "a lot"}, "Give a number"),
        ({"amount": "-5"}, "0 or more"),
        ({"currency": "XXX"}, "three letters"),
        ({"kind": ""}, "Say what became of it."),
        ({"kind": "lost"}, "Say why it was lost"),
    ],
)
def test_outcome_names_what_is_wrong(signed_in, sam, accepted, changes, words) -> None:
    response = signed_in(sam).post(url("outcome", accepted), WON | changes)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert OutcomeReport.objects.count() == 0


# --- Rule


@pytest.fixture
def left_open(handoff, sam, tuesday, reason) -> Answer:
    given = decisions.reject(
        handoff, reason=reason("other"), by=sam, now=tuesday, asked={"text": "Moved to Mars"}, quality=1
    )
    decisions.carry_out_due(now=tuesday + MINUTE)
    assert given.answer is not None
    return given.answer


def test_manager_rules_on_other(signed_in, sue, left_open) -> None:
    browser = signed_in(sue)
    page = browser.get(url("rule", left_open)).content.decode()
    assert "Moved to Mars" in page
    assert 'value="other"' not in page
    response = browser.post(url("rule", left_open), {"reason": "spam_or_test"})
    assert response.status_code == 302
    left_open.refresh_from_db()
    assert (left_open.reason.code, left_open.carried_out_at) == ("spam_or_test", None)
    assert browser.post(url("rule", left_open), {"reason": "no_consent"}, headers=HTMX).status_code == 409


def test_only_the_team_s_manager_rules(signed_in, client, sam, mia, south, left_open) -> None:
    said: dict[str, Any] = {"reason": "spam_or_test"}
    assert client.post(url("rule", left_open), said).status_code == 302
    assert signed_in(sam).post(url("rule", left_open), said).status_code == 403
    assert signed_in(mia).post(url("rule", left_open), said).status_code == 403
    other = User.objects.create_user("eve@leadsla.example", name="Eve", roles=[Role.SALES_MANAGER], team=south)
    assert signed_in(other).post(url("rule", left_open), said).status_code == 404
    left_open.refresh_from_db()
    assert left_open.reason.code == "other"


def test_ruling_names_what_is_missing(signed_in, sue, left_open) -> None:
    response = signed_in(sue).post(url("rule", left_open), {"reason": "wrong_territory"})
    assert response.status_code == 400
    assert "Which team is right?" in response.content.decode()
