"""Clocks: start, stop, run on, and what a countdown shows. Expected times are calculated by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone

from leads.models import Lead
from leadsla.accounts.models import User
from leadsla.outbox.models import Message
from sla import clocks, escalation
from sla import handoff as handoffs
from sla.models import Clock, Decision, Handoff

BERLIN = ZoneInfo("Europe/Berlin")
MakeLead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def berlin_is_shown() -> Iterator[None]:
    with timezone.override(BERLIN):
        yield


def handed_over(lead: Lead, *, at: datetime, temperature: str = "hot") -> Handoff:
    Lead.objects.filter(pk=lead.pk).update(temperature=temperature)
    return handoffs.hand_over(lead, by=None, now=at)


def clock(handoff: Handoff, measure: str) -> Clock:
    return Clock.objects.select_related("calendar_version").get(handoff=handoff, measure=measure)


@pytest.fixture
def warm(asks: MakeLead, sam: User, sue: User) -> Handoff:
    """Warm, handed over on Tuesday at 16:50: follow up by Wednesday 09:20 (40 min + 20 min)."""
    moment = berlin(2026, 3, 3, 16, 50)
    return handed_over(asks(at=moment), at=moment, temperature="warm")


# --- marketing's clock before the handover


def test_what_waits_for_handing_over_has_a_clock(asks: MakeLead, mia: User, max_: User, sam: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    lead = asks(at=moment)
    Lead.objects.filter(pk=lead.pk).update(owner=mia, team=mia.team)
    assert clocks.start_hand_over(now=moment + MINUTE) == 1
    assert clocks.start_hand_over(now=moment + MINUTE) == 0
    waits = Clock.objects.get(lead=lead)
    assert (waits.started_at, waits.due_at) == (moment, berlin(2026, 3, 3, 10, 15))
    assert (waits.side, waits.owner, waits.handoff) == ("marketing", mia, None)
    escalation.sweep(now=moment + 20 * MINUTE)
    assert set(
        Message.objects.filter(channel="in_app", event__startswith="clock").values_list("recipient", flat=True)
    ) == {
        mia.pk,
        max_.pk,
    }
    handed = handoffs.hand_over(lead, by=mia, now=moment + 30 * MINUTE)
    waits.refresh_from_db()
    assert (waits.outcome, waits.handoff, waits.responsible) == ("late", handed, mia)
    assert Clock.objects.filter(measure="hand_over").count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_lead_that_is_being_handed_over_is_left_to_who_does(asks: MakeLead, sam: User, mia: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    lead = asks(at=moment)
    has_it, may_go_on = threading.Event(), threading.Event()
    handed: list[Handoff] = []

    def hand_over() -> None:
        try:
            with transaction.atomic():
                Lead.objects.select_for_update().get(pk=lead.pk)
                has_it.set()
                may_go_on.wait(timeout=10)
                handed.append(handoffs.hand_over(lead, by=mia, now=moment + MINUTE))
        finally:
            connection.close()

    thread = threading.Thread(target=hand_over)
    thread.start()
    assert has_it.wait(timeout=10)
    try:
        assert clocks.start_hand_over(now=moment + MINUTE) == 0
    finally:
        may_go_on.set()
        thread.join(timeout=30)
    assert [each.handoff for each in Clock.objects.filter(measure="hand_over")] == handed


def test_the_clock_ends_with_the_qualification(asks: MakeLead) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    early, late = asks(at=moment), asks("Olaf Orth", at=moment - HOUR, domain="orth.example")
    clocks.start_hand_over(now=moment)
    Lead.objects.update(stage="disqualified", stage_since=moment)
    clocks.start_hand_over(now=moment + MINUTE)
    ended = dict(Clock.objects.values_list("lead", "outcome"))
    assert ended == {early.pk: "cancelled", late.pk: "missed"}


# --- countdowns


@pytest.mark.parametrize(
    ("now", "state", "text", "detail"),
    [
        (berlin(2026, 3, 3, 16, 50), "ok", "1 h left", "follow up by tomorrow 09:20"),
        (berlin(2026, 3, 3, 17, 20), "half", "30 min left", "follow up by tomorrow 09:20"),
        (berlin(2026, 3, 3, 18, 0), "sleep", "20 min left", "goes on Wed 09:00"),
        (berlin(2026, 3, 4, 9, 8), "soon", "12 min left", "follow up by today 09:20"),
        (berlin(2026, 3, 4, 9, 19, 15), "soon", "45 s left", "follow up by today 09:20"),
        (berlin(2026, 3, 4, 9, 20, 0, 500), "late", "Overdue", "follow up by today 09:20"),
        (berlin(2026, 3, 4, 10, 30), "late", "1 h 10 overdue", "follow up by today 09:20"),
        # Over lunch nothing is added.
        (berlin(2026, 3, 4, 12, 30), "late", "2 h 40 overdue", "follow up by today 09:20"),
    ],
)
def test_countdown_says_what_is_left_in_working_time(
    warm: Handoff, now: datetime, state: str, text: str, detail: str
) -> None:
    shown = clocks.countdown(clock(warm, "first_follow_up"), now=now)
    assert (shown.state, shown.text, shown.detail) == (state, text, detail)


def test_a_clock_that_has_not_begun_says_when_it_starts(asks: MakeLead, sam: User) -> None:
    friday = berlin(2026, 3, 6, 20, 0)
    handed = handed_over(asks(at=friday), at=friday)
    shown = clocks.countdown(clock(handed, "first_follow_up"), now=friday + HOUR)
    assert (shown.state, shown.text) == ("sleep", "Starts Mon 09:00")
    assert shown.detail == "follow up by Mon 9 Mar, 09:05"
    assert shown.ticks_until is None


def test_days_are_working_days(asks: MakeLead, sam: User) -> None:
    moment = berlin(2026, 3, 3, 9, 50)
    handed = handed_over(asks(at=moment), at=moment, temperature="cool")
    shown = clocks.countdown(clock(handed, "decide"), now=berlin(2026, 3, 3, 13, 50))
    # Two days of 7 h 30, of which 2 h 10 and 50 min are used.
    assert shown.text == "1 day 4 h 30 left"
    assert (shown.left_seconds, shown.budget_seconds, shown.day_seconds) == (12 * 3600, 15 * 3600, 7.5 * 3600)
    assert shown.share_left == pytest.approx(80)
    assert shown.ticks_until == berlin(2026, 3, 3, 17, 30).timestamp()


def test_what_is_done_says_how_long_it_took(warm: Handoff, sam: User) -> None:
    moment = berlin(2026, 3, 3, 17, 17)
    handoffs.record_follow_up(warm, at=moment, counts_as_attempt=True, reached=True, now=moment)
    shown = clocks.countdown(clock(warm, "first_follow_up"), now=moment + HOUR)
    assert (shown.state, shown.text, shown.ticks_until) == ("done", "In time, 27 min", None)


def test_a_list_shows_the_worst_clock_in_one_query(
    warm: Handoff, sam: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    now = berlin(2026, 3, 3, 17, 0)
    with django_assert_num_queries(1):
        worst = clocks.worst([warm], now=now)
        assert worst[warm.pk].measure == "first_follow_up"
        assert clocks.countdown(worst[warm.pk], now=now).text == "50 min left"
    handoffs.record_follow_up(warm, at=now, counts_as_attempt=True, reached=True, now=now)
    assert clocks.worst([warm], now=now)[warm.pk].measure == "decide"
    handoffs.record_decision(warm, decision=Decision.ACCEPTED, by=sam, now=now)
    assert clocks.worst([warm], now=now)[warm.pk].measure == "update"
