"""Pages of clocks: how one was computed, pause, go on, waive, entered late; who may and who may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leadsla.accounts.models import User
from sla import clocks, escalation, late_entries
from sla import handoff as handoffs
from sla.models import Agreement, CalendarVersion, Clock, ClockChange, ClockPause, Handoff
from tests.sla.clock_facts import HOUR, MakeLead, berlin, clock, handed_over

SignIn = Callable[[User], Client]


@pytest.fixture
def warm(asks: MakeLead, sam: User, sue: User, settings: Any) -> Handoff:
    """Warm, handed over on Tuesday at 16:50: follow up by Wednesday 09:20, decide by 16:50. It is Tuesday 17:00."""
    settings.LEADSLA_NOW = "2026-03-03T17:00"
    moment = berlin(2026, 3, 3, 16, 50)
    return handed_over(asks(at=moment), at=moment, temperature="warm")


@pytest.fixture
def late_entry(warm: Handoff) -> Clock:
    """A follow-up of Wednesday 09:10 that was entered at 15:00."""
    escalation.sweep(now=berlin(2026, 3, 4, 9, 30))
    stated, logged = berlin(2026, 3, 4, 9, 10), berlin(2026, 3, 4, 15, 0)
    handoffs.record_follow_up(warm, at=stated, counts_as_attempt=True, reached=True, now=logged, in_time_proof=False)
    return clock(warm, "first_follow_up")


def address(name: str, found: Clock) -> str:
    return reverse(f"sla:{name}", args=(found.public_id,))


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


# --- how was this computed


def test_the_page_takes_the_clock_apart(warm: Handoff, sam: User, signed_in: SignIn) -> None:
    shown = text(signed_in(sam).get(address("clock", clock(warm, "first_follow_up"))))
    for words in (
        "16:50–17:00",
        "<b>10 min</b> of the agreed <b>1 h</b>",
        "50 min are left",
        "First agreement (version 1)",
    ):
        assert words in shown
    assert "Office hours (version 1)" in shown


def test_both_sides_see_it_and_strangers_do_not(
    warm: Handoff, sam: User, mia: User, olga: User, nia: User, ada: User, client: Client, signed_in: SignIn
) -> None:
    page = address("clock", clock(warm, "decide"))
    statuses = {str(each): signed_in(each).get(page).status_code for each in (sam, mia, olga, nia, ada)}
    assert statuses == {
        "Sam Becker": 200,
        "Mia Albrecht": 200,
        "Olga Brandt": 200,
        "Nia Novak": 404,
        "Ada Keller": 403,
    }
    assert client.get(page).status_code == 302
    assert signed_in(sam).post(page).status_code == 405


def test_every_countdown_leads_to_it(warm: Handoff, sam: User, sue: User, signed_in: SignIn) -> None:
    link = f'href="{address("clock", clock(warm, "first_follow_up"))}"'
    pages = (
        reverse("home:pack", args=(warm.public_id,)),
        reverse("home:lead", args=(warm.lead.public_id,)) + "?tab=handoffs",
        reverse("home:handoffs"),
        reverse("home:queue"),
    )
    for page in pages:
        assert link in text(signed_in(sue if page == reverse("home:handoffs") else sam).get(page)), page


def test_a_waiver_and_a_pause_are_shown_to_the_other_side(
    warm: Handoff, sam: User, sue: User, mia: User, signed_in: SignIn
) -> None:
    found = clock(warm, "decide")
    said = {"reason": "lead_away", "until": "2026-03-05T10:00", "note": "At the fair"}
    signed_in(sam).post(address("clock_pause", found), said)
    signed_in(sue).post(address("clock_waive", found), {"why": "They moved house"})
    shown = text(signed_in(mia).get(address("clock", found)))
    for words in (
        "Paused by Sam Becker until",
        "The lead is away · At the fair",
        "Waived, by Sue Vogt",
        "They moved house",
    ):
        assert words in shown


# --- pause and go on


def test_pausing_and_going_on(warm: Handoff, sam: User, signed_in: SignIn) -> None:
    found = clock(warm, "decide")
    browser = signed_in(sam)
    assert address("clock_pause", found) in text(browser.get(address("clock", found)))
    said = {"reason": "lead_asked_later", "until": "2026-03-05T10:00", "note": ""}
    answer = browser.post(address("clock_pause", found), said, follow=True)
    assert "stands until Thu 5 Mar, 10:00" in text(answer)
    # 30 min on Tuesday, 7 h 30 on Wednesday, 1 h on Thursday are 9 h: 40 min of Wednesday, Thursday, 50 min of Friday.
    assert (ClockPause.objects.get().seconds, clock(warm, "decide").due_at) == (9 * 3600.0, berlin(2026, 3, 6, 9, 50))
    resumed = browser.post(address("clock_resume", found), follow=True)
    assert "goes on: decide by tomorrow 16:50" in text(resumed)
    assert "does not stand any more" in text(browser.post(address("clock_resume", found), follow=True))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"until": ""}, "a pause needs an end"),
        ({"until": "2026-03-02T10:00"}, "lies in the past"),
        ({"until": "soon"}, "Enter a valid date/time"),
        ({"reason": "waits_for_sales"}, "Select a valid choice"),
        ({"note": "x" * 251}, "at most 250 characters"),
    ],
)
def test_a_bad_pause_is_named_by_field_and_not_lost(
    warm: Handoff, sam: User, signed_in: SignIn, said: dict[str, str], words: str
) -> None:
    form = {"reason": "lead_away", "until": "2026-03-05T10:00", "note": "Their words"} | said
    answer = signed_in(sam).post(address("clock_pause", clock(warm, "decide")), form)
    assert answer.status_code == 400
    assert words in text(answer)
    assert said.get("note", "Their words") in text(answer)
    assert not ClockPause.objects.exists()


def test_who_may_pause(
    warm: Handoff, mia: User, max_: User, sue: User, nia: User, olga: User, client: Client, signed_in: SignIn
) -> None:
    page = address("clock_pause", clock(warm, "decide"))
    statuses = {str(each): signed_in(each).get(page).status_code for each in (mia, max_, sue, nia, olga)}
    assert statuses == {"Mia Albrecht": 403, "Max Lindner": 403, "Sue Vogt": 200, "Nia Novak": 404, "Olga Brandt": 403}
    assert client.get(page).status_code == 302
    resume = address("clock_resume", clock(warm, "decide"))
    assert signed_in(sue).get(resume).status_code == 405
    assert signed_in(mia).post(resume).status_code == 403


# --- waive


def test_waiving_says_so_and_asks_for_a_reason(
    warm: Handoff, sam: User, sue: User, mia: User, max_: User, signed_in: SignIn
) -> None:
    found = clock(warm, "decide")
    page = address("clock_waive", found)
    refused = signed_in(sue).post(page, {"why": ""})
    assert refused.status_code == 400
    assert "This field is required" in text(refused)
    assert {signed_in(each).get(page).status_code for each in (sam, mia)} == {403}
    assert signed_in(max_).get(page).status_code == 200
    done = signed_in(sue).post(page, {"why": "The line was down"}, follow=True)
    assert "Waived: it counts neither for nor against" in text(done)
    assert clock(warm, "decide").outcome == "waived"
    assert "Nothing to waive" in text(signed_in(sue).post(page, {"why": "Again"}, follow=True))


# --- entered late


def test_the_manager_confirms_what_was_entered_late(
    late_entry: Clock, sam: User, sue: User, signed_in: SignIn, settings: Any
) -> None:
    settings.LEADSLA_NOW = "2026-03-04T16:00"
    browser = signed_in(sue)
    assert "1 follow-up was entered late" in text(browser.get(reverse("home:queue")))
    assert late_entry.handoff is not None
    pack = text(browser.get(reverse("home:pack", args=(late_entry.handoff.public_id,))))
    assert "Entered late, waits for your word: Sam Becker says that the follow-up was <time" in pack
    assert "Kern" in text(browser.get(reverse("sla:late_entries")))
    done = browser.post(address("late_entry", late_entry), {"word": "confirm"}, follow=True)
    assert "it counts as done in time, entered late" in text(done)
    late_entry.refresh_from_db()
    assert (late_entry.outcome, late_entry.entered_late) == ("met", True)
    assert ClockChange.objects.get().by == sue
    assert "Breach retracted" in text(signed_in(sam).get(address("clock", late_entry)))
    assert browser.post(address("late_entry", late_entry), {"word": "confirm"}).status_code == 404


def test_or_leaves_it_late(late_entry: Clock, sue: User, signed_in: SignIn, settings: Any) -> None:
    settings.LEADSLA_NOW = "2026-03-04T16:00"
    browser = signed_in(sue)
    assert "It stays late." in text(browser.post(address("late_entry", late_entry), {"word": "uphold"}, follow=True))
    late_entry.refresh_from_db()
    assert late_entry.outcome == "late"
    assert "Nothing waits for your word" in text(browser.get(reverse("sla:late_entries")))
    assert "Stays late: the entry was not confirmed, by Sue Vogt" in text(browser.get(address("clock", late_entry)))


def test_what_is_late_by_its_own_words_waits_for_nobody(warm: Handoff, sue: User) -> None:
    done, logged = berlin(2026, 3, 4, 9, 21), berlin(2026, 3, 4, 15, 0)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=logged, in_time_proof=False)
    assert not late_entries.waiting_for(sue, now=logged).exists()


def test_only_the_own_manager_is_asked(
    late_entry: Clock, sam: User, max_: User, nia: User, south: Any, signed_in: SignIn, settings: Any
) -> None:
    settings.LEADSLA_NOW = "2026-03-04T16:00"
    page = address("late_entry", late_entry)
    assert {signed_in(each).post(page, {"word": "confirm"}).status_code for each in (sam, max_, nia)} == {403}
    User.objects.filter(pk=nia.pk).update(roles=["sales_manager"])
    assert signed_in(User.objects.get(pk=nia.pk)).post(page, {"word": "confirm"}).status_code == 404


# --- running clocks under a new version


def test_a_manager_applies_new_hours_to_running_clocks(
    warm: Handoff, sam: User, sue: User, signed_in: SignIn, settings: Any
) -> None:
    page = reverse("sla:clocks_rebase", args=(Agreement.objects.get().public_id,))
    assert "All running clocks are under the newest version" in text(signed_in(sue).get(page))
    version = clock(warm, "decide").calendar_version
    CalendarVersion.objects.create(
        calendar=version.calendar,
        version=version.version + 1,
        timezone="Europe/Berlin",
        hours={day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        created_at=berlin(2026, 3, 3, 16, 55),
    )
    assert "2 running clocks are under an older version" in text(signed_in(sue).get(page))
    assert "2 clocks have new times" in text(signed_in(sue).post(page, follow=True))
    # 10 min on Tuesday until 17:00, then 50 min.
    assert clock(warm, "first_follow_up").due_at == berlin(2026, 3, 4, 9, 50)
    assert signed_in(sam).get(page).status_code == 403
    assert "was due tomorrow 09:20" in text(signed_in(sam).get(address("clock", clock(warm, "first_follow_up"))))


def test_the_clock_of_a_lead_before_its_handoff_has_a_page(
    asks: MakeLead, mia: User, nia: User, signed_in: SignIn, settings: Any, tuesday: datetime
) -> None:
    lead = asks(at=tuesday)
    clocks.start_hand_over(now=tuesday + HOUR)
    settings.LEADSLA_NOW = "2026-03-03T11:00"
    page = address("clock", Clock.objects.get(lead=lead, handoff=None))
    assert "45 min too late" in text(signed_in(mia).get(page))
    assert signed_in(nia).get(page).status_code == 404
