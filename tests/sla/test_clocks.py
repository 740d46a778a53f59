"""Clocks: start, warn, breach, once each, and what a countdown shows. Expected times are calculated by hand."""

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
from leadsla.accounts.models import Team, User
from leadsla.outbox.models import Message
from sla import clocks
from sla import handoff as handoffs
from sla.models import Clock, ClockStep, Decision, Handoff

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


# --- the sweep


def test_at_eighty_per_cent_the_owner_is_reminded_once(warm: Handoff, sam: User) -> None:
    # 48 of 60 minutes: 40 on Tuesday and 8 on Wednesday.
    assert clock(warm, "first_follow_up").warn_at == berlin(2026, 3, 4, 9, 8)
    assert clocks.sweep(now=berlin(2026, 3, 4, 9, 7, 59)) == clocks.Swept(0, 0)
    assert clocks.sweep(now=berlin(2026, 3, 4, 9, 8)) == clocks.Swept(1, 0)
    assert clocks.sweep(now=berlin(2026, 3, 4, 9, 9)) == clocks.Swept(0, 0)
    told = Message.objects.get(recipient=sam, channel="in_app", event__contains="warned")
    assert told.subject == "Due today 09:20: Kern, Karin Kern"
    assert ClockStep.objects.get().kind == "warned"


def test_past_due_is_stamped_with_the_due_time_and_told_once(warm: Handoff, sam: User, sue: User) -> None:
    assert clocks.sweep(now=berlin(2026, 3, 4, 9, 20)) == clocks.Swept(1, 0)  # exactly at the due time is in time
    assert clocks.sweep(now=berlin(2026, 3, 4, 11, 0)) == clocks.Swept(0, 1)
    assert clocks.sweep(now=berlin(2026, 3, 4, 11, 0)) == clocks.Swept(0, 0)
    late = clock(warm, "first_follow_up")
    assert (late.outcome, late.breached_at, late.responsible) == ("running", berlin(2026, 3, 4, 9, 20), sam)
    told = Message.objects.filter(channel="in_app", event__contains="breached").order_by("recipient__name")
    assert [(each.recipient, each.subject) for each in told] == [
        (sam, "Overdue: Kern, Karin Kern"),
        (sue, "Overdue with Sam Becker: Kern, Karin Kern"),
    ]


def test_a_breach_goes_on_measuring(warm: Handoff, sam: User) -> None:
    clocks.sweep(now=berlin(2026, 3, 4, 11, 0))
    done = berlin(2026, 3, 4, 13, 30)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    late = clock(warm, "first_follow_up")
    # 40 min on Tuesday, 3 h and 30 min on Wednesday; the buyer waited 20 h 40.
    assert (late.outcome, late.used_seconds) == ("late", (40 + 180 + 30) * 60.0)
    assert late.waited_seconds == (20 * 60 + 40) * 60.0


def test_a_sweep_that_comes_late_tells_of_the_breach_only(warm: Handoff, sam: User) -> None:
    assert clocks.sweep(now=berlin(2026, 3, 4, 15, 0)) == clocks.Swept(0, 1)
    assert not Message.objects.filter(event__contains="warned").exists()


def test_one_message_for_two_clocks_of_one_lead(warm: Handoff, sam: User) -> None:
    clocks.sweep(now=berlin(2026, 3, 5, 9, 0))  # both first follow-up and decision are past due
    assert ClockStep.objects.filter(kind="breached").count() == 2
    told = Message.objects.get(recipient=sam, channel="in_app", event__contains="breached")
    assert told.body.splitlines() == [
        "First follow-up in time: yesterday 09:20",
        "Decided in time: yesterday 16:50",
    ]


def test_responsible_is_who_had_it_at_the_due_time(warm: Handoff, sam: User, sue: User, nia: User) -> None:
    handoffs.reassign(warm, to=nia, by=sue, now=berlin(2026, 3, 4, 9, 40))
    clocks.sweep(now=berlin(2026, 3, 4, 10, 0))
    late = clock(warm, "first_follow_up")
    assert (late.owner, late.responsible) == (nia, sam)


def test_stopping_late_before_any_sweep_knows_who_it_was(warm: Handoff, sam: User, sue: User, nia: User) -> None:
    handoffs.reassign(warm, to=nia, by=sue, now=berlin(2026, 3, 4, 9, 10))
    done = berlin(2026, 3, 4, 10, 0)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    assert clock(warm, "first_follow_up").responsible == nia


def test_the_team_is_responsible_for_what_waits_in_its_queue(asks: MakeLead, north: Team, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    handed = handed_over(asks(at=moment), at=moment)
    clocks.sweep(now=moment + HOUR)
    late = clock(handed, "first_follow_up")
    assert (late.responsible, late.team) == (None, north)
    told = Message.objects.get(channel="in_app", event__contains="breached")
    assert (told.recipient, told.subject) == (sue, "Overdue with North: Kern, Karin Kern")


def test_a_message_that_fails_is_tried_again_and_stops_nobody(asks: MakeLead, sam: User, sue: User, nia: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    bad = handed_over(asks(at=moment), at=moment)
    good = handed_over(asks("Olaf Orth", at=moment, domain="orth.example"), at=moment)
    handoffs.reassign(bad, to=nia, by=sue, now=moment)
    User.objects.filter(pk=nia.pk).update(timezone="Nowhere/Else")  # no message to her can be composed
    assert clocks.sweep(now=moment + 6 * MINUTE) == clocks.Swept(0, 2)
    assert clock(bad, "first_follow_up").breached_at == moment + 5 * MINUTE
    assert clock(good, "first_follow_up").next_step_at is None
    assert clocks.sweep(now=moment + 10 * MINUTE) == clocks.Swept(0, 0)
    User.objects.filter(pk=nia.pk).update(timezone="Europe/Berlin")
    assert clocks.sweep(now=moment + 12 * MINUTE) == clocks.Swept(0, 1)
    assert Message.objects.filter(recipient=nia, subject="Overdue: Kern, Karin Kern", channel="in_app").count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_ten_workers_take_each_step_once(asks: MakeLead, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    for number in range(12):
        handed_over(asks(f"Person No{number}", at=moment, domain=f"no{number}.example"), at=moment)
    found: list[clocks.Swept] = []

    def work() -> None:
        try:
            found.append(clocks.sweep(now=moment + HOUR, limit=5))
        finally:
            connection.close()

    for _round in range(3):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert sum(swept.breached for swept in found) == 12
    assert ClockStep.objects.filter(kind="breached").count() == 12
    assert Message.objects.filter(recipient=sam, channel="in_app", event__contains="breached").count() == 12


def test_a_stopped_clock_is_left_alone(warm: Handoff, sam: User) -> None:
    moment = berlin(2026, 3, 3, 17, 0)
    handoffs.record_follow_up(warm, at=moment, counts_as_attempt=True, reached=True, now=moment)
    handoffs.record_decision(warm, decision=Decision.ACCEPTED, by=sam, now=moment)
    assert clocks.sweep(now=berlin(2026, 3, 10, 9, 0)) == clocks.Swept(0, 0)  # the update is far away yet


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
    clocks.sweep(now=moment + 20 * MINUTE)
    assert set(
        Message.objects.filter(channel="in_app", event__contains="breached").values_list("recipient", flat=True)
    ) == {mia.pk, max_.pk}
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
