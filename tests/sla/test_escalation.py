"""Escalation: each step once, to the right person, at the right time. Expected times are calculated by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from leadsla.accounts.models import AwayTime, Role, Team, User
from leadsla.outbox.models import Message
from sla import escalation
from sla import handoff as handoffs
from sla.models import (
    Agreement,
    Calendar,
    CalendarVersion,
    Clock,
    ClockStep,
    Decision,
    EscalationStep,
    Handoff,
    PersonalCalendar,
)
from tests.conftest import person
from tests.sla.clock_facts import BERLIN, HOUR, MINUTE, MakeLead, berlin, clock, handed_over


@pytest.fixture(autouse=True)
def berlin_is_shown() -> Iterator[None]:
    with timezone.override(BERLIN):
        yield


@pytest.fixture
def warm(asks: MakeLead, sam: User, sue: User) -> Handoff:
    """Warm, handed over on Tuesday at 16:50: follow up by Wednesday 09:20 (40 min + 20 min)."""
    moment = berlin(2026, 3, 3, 16, 50)
    return handed_over(asks(at=moment), at=moment, temperature="warm")


def taken(now: datetime) -> tuple[int, int]:
    """Sweep; return how many steps were taken and how many clocks were found past due."""
    swept = escalation.sweep(now=now)
    return swept.steps, swept.breached


def told(*about: str) -> list[tuple[str, str]]:
    """Return who was told what by steps of clocks: name and subject."""
    found = Message.objects.filter(channel="in_app", event__startswith="clock:").exclude(event__contains="breached")
    return sorted((str(each.recipient), each.subject) for each in found if not about or str(each.recipient) in about)


def only(action: str, *, share: float = 0.8, minutes: int = 0, urgent: bool = False, **columns: Any) -> EscalationStep:
    """Leave one step for warm leads, of all clocks."""
    EscalationStep.objects.all().delete()
    return EscalationStep.objects.create(
        agreement=Agreement.objects.get(),
        temperature="warm",
        share=share,
        minutes=minutes,
        action=action,
        is_urgent=urgent,
        **columns,
    )


# --- when


def test_steps_are_planned_in_working_time(warm: Handoff) -> None:
    planned = clock(warm, "first_follow_up")
    steps = EscalationStep.objects.in_bulk(planned.plan_steps)
    # 60 min from Tuesday 16:50: 48 min are Wed 09:08, 60 min 09:20, 4 h more 14:20 (lunch from 12 to 13).
    assert [(at, steps[step].action) for at, step in zip(planned.plan_at, planned.plan_steps, strict=True)] == [
        (berlin(2026, 3, 4, 9, 8), "owner"),
        (berlin(2026, 3, 4, 9, 20), "manager"),
        (berlin(2026, 3, 4, 14, 20), "reassign"),
    ]
    assert planned.next_step_at == berlin(2026, 3, 4, 9, 8)


def test_steps_over_a_weekend_with_summer_time_and_a_holiday(asks: MakeLead, sam: User) -> None:
    # Thu 2 April 2026, 16:30; Good Friday and Easter Monday are holidays in Germany: 60 min warm are 17:30 on Thursday,
    # 4 h more are Tuesday 09-12 and 13-14. Summer time began on 29 March.
    moment = berlin(2026, 4, 2, 16, 30)
    planned = clock(handed_over(asks(at=moment), at=moment, temperature="warm"), "first_follow_up")
    assert [at.astimezone(BERLIN).isoformat() for at in planned.plan_at] == [
        "2026-04-02T17:18:00+02:00",
        "2026-04-02T17:30:00+02:00",
        "2026-04-07T14:00:00+02:00",
    ]
    friday = berlin(2026, 3, 27, 17, 0)  # the last working hours before summer time
    planned = clock(
        handed_over(asks("Olaf Orth", at=friday, domain="orth.example"), at=friday, temperature="warm"),
        "first_follow_up",
    )
    assert planned.due_at.astimezone(BERLIN).isoformat() == "2026-03-30T09:30:00+02:00"


def test_a_step_that_names_a_measure_leaves_the_others_to_those_that_name_none(asks: MakeLead, sam: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    actions = {
        measure: [EscalationStep.objects.get(pk=step).action for step in clock(hot, measure).plan_steps]
        for measure in ("first_follow_up", "decide")
    }
    assert actions == {"first_follow_up": ["owner", "offer", "manager", "reassign"], "decide": ["owner", "manager"]}


def test_at_eighty_per_cent_the_owner_is_reminded_once(warm: Handoff, sam: User) -> None:
    assert taken(berlin(2026, 3, 4, 9, 7, 59)) == (0, 0)
    assert taken(berlin(2026, 3, 4, 9, 8)) == (1, 0)
    assert taken(berlin(2026, 3, 4, 9, 9)) == (0, 0)
    assert told() == [("Sam Becker", "Due today 09:20: Kern, Karin Kern")]
    step = ClockStep.objects.get()
    assert (step.kind, step.due_at, step.what) == ("warned", berlin(2026, 3, 4, 9, 8), "Sam Becker")


def test_at_the_due_time_nobody_is_late_and_after_it_the_own_manager_is_told(warm: Handoff, sam: User) -> None:
    person("Sid Other", Role.SALES_MANAGER, team=sam.team)
    escalation.sweep(now=berlin(2026, 3, 4, 9, 8))
    assert taken(berlin(2026, 3, 4, 9, 20)) == (0, 0)
    assert taken(berlin(2026, 3, 4, 9, 20, 1)) == (1, 1)
    assert taken(berlin(2026, 3, 4, 9, 21)) == (0, 0)
    assert told("Sue Vogt", "Sid Other") == [("Sue Vogt", "Overdue with Sam Becker: Kern, Karin Kern")]
    late = clock(warm, "first_follow_up")
    assert (late.outcome, late.breached_at, late.responsible) == ("running", berlin(2026, 3, 4, 9, 20), sam)
    breach = ClockStep.objects.get(kind="breached")
    assert (breach.due_at, breach.taken_at) == (berlin(2026, 3, 4, 9, 20), berlin(2026, 3, 4, 9, 20, 1))


def test_a_breach_is_stamped_with_the_due_time_however_late_the_sweep(warm: Handoff, sam: User) -> None:
    assert escalation.sweep(now=berlin(2026, 3, 4, 11, 0)).breached == 1
    assert clock(warm, "first_follow_up").breached_at == berlin(2026, 3, 4, 9, 20)
    assert told() == [
        ("Sam Becker", "Overdue: Kern, Karin Kern"),
        ("Sue Vogt", "Overdue with Sam Becker: Kern, Karin Kern"),
    ]


def test_a_breach_goes_on_measuring(warm: Handoff, sam: User) -> None:
    escalation.sweep(now=berlin(2026, 3, 4, 11, 0))
    done = berlin(2026, 3, 4, 13, 30)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    late = clock(warm, "first_follow_up")
    # 40 min on Tuesday, 3 h and 30 min on Wednesday; the buyer waited 20 h 40.
    assert (late.outcome, late.used_seconds) == ("late", (40 + 180 + 30) * 60.0)
    assert late.waited_seconds == (20 * 60 + 40) * 60.0


def test_a_stopped_clock_is_left_alone(warm: Handoff, sam: User) -> None:
    moment = berlin(2026, 3, 3, 17, 0)
    handoffs.record_follow_up(warm, at=moment, counts_as_attempt=True, reached=True, now=moment)
    handoffs.record_decision(warm, decision=Decision.ACCEPTED, by=sam, now=moment)
    assert taken(berlin(2026, 3, 10, 9, 0)) == (0, 0)  # the update is far away yet


def test_responsible_is_who_had_it_at_the_due_time(warm: Handoff, sam: User, sue: User, nia: User) -> None:
    handoffs.reassign(warm, to=nia, by=sue, now=berlin(2026, 3, 4, 9, 40))
    escalation.sweep(now=berlin(2026, 3, 4, 10, 0))
    late = clock(warm, "first_follow_up")
    assert (late.owner, late.responsible) == (nia, sam)


def test_stopping_late_before_any_sweep_knows_who_it_was(warm: Handoff, sam: User, sue: User, nia: User) -> None:
    handoffs.reassign(warm, to=nia, by=sue, now=berlin(2026, 3, 4, 9, 10))
    done = berlin(2026, 3, 4, 10, 0)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    assert clock(warm, "first_follow_up").responsible == nia


# --- whom


def test_the_team_is_responsible_for_what_waits_in_its_queue(asks: MakeLead, north: Team, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    handed = handed_over(asks(at=moment), at=moment)
    escalation.sweep(now=moment + 10 * MINUTE)
    late = clock(handed, "first_follow_up")
    assert (late.responsible, late.team) == (None, north)
    assert told() == [("Sue Vogt", "Overdue with North: Kern, Karin Kern")]
    assert ClockStep.objects.get(clock=late, kind="warned").what == "Nobody to tell."


def test_the_notice_of_a_hot_lead_is_its_first_reminder(asks: MakeLead, sam: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    assert taken(moment) == (1, 0)
    assert ClockStep.objects.get().what == "Told with the new lead."
    assert not told()
    friday = berlin(2026, 3, 6, 20, 0)  # told in the evening, and at the opening on Monday again
    handed_over(asks("Olaf Orth", at=friday, domain="orth.example"), at=friday)
    handoffs.record_follow_up(hot, at=moment, counts_as_attempt=True, reached=True, now=moment)
    handoffs.record_decision(hot, decision=Decision.ACCEPTED, by=sam, now=moment)
    assert taken(friday) == (0, 0)
    assert taken(berlin(2026, 3, 9, 9, 0)) == (1, 0)
    assert told() == [("Sam Becker", "Due today 09:05: Orth, Olaf Orth")]


def test_two_clocks_of_one_lead_make_one_message(warm: Handoff, sam: User, sue: User) -> None:
    EscalationStep.objects.filter(action="reassign").delete()
    escalation.sweep(now=berlin(2026, 3, 5, 9, 0))  # both first follow-up and decision are past due
    assert ClockStep.objects.filter(kind="breached").count() == 2
    message = Message.objects.get(recipient=sam, channel="in_app", event__contains=":step:")
    assert message.body.splitlines() == [
        "First follow-up in time: yesterday 09:20",
        "Decided in time: yesterday 16:50",
    ]
    assert Message.objects.filter(recipient=sue, channel="in_app", event__contains=":step:").count() == 1


def test_a_reminder_of_a_moment_ago_is_not_repeated_for_another_clock(asks: MakeLead, sam: User) -> None:
    only("owner", share=0, minutes=30)
    moment = berlin(2026, 3, 3, 10, 0)
    handed = handed_over(asks(at=moment), at=moment, temperature="warm")
    later = clock(handed, "decide")
    Clock.objects.filter(pk=later.pk).update(plan_at=[moment + 40 * MINUTE], next_step_at=moment + 40 * MINUTE)
    assert taken(moment + 30 * MINUTE) == (1, 0)
    assert taken(moment + 40 * MINUTE) == (1, 0)
    assert told() == [("Sam Becker", "Due today 11:00: Kern, Karin Kern")]
    assert ClockStep.objects.get(clock=later).what == "Reminded of this lead at today 10:30."


def test_the_other_side_a_named_person_and_a_stand_in_are_told(
    asks: MakeLead, sam: User, sue: User, mia: User, olga: User
) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    only("other_side")
    agreement = Agreement.objects.get()
    for columns in ({"action": "person", "recipient": olga}, {"action": "manager"}):
        EscalationStep.objects.create(agreement=agreement, temperature="warm", share="0.8", **columns)
    sid = person("Sid Stand", Role.SALES_MANAGER)
    AwayTime.objects.create(user=sue, starts_at=moment - HOUR, ends_at=moment + 24 * HOUR, stand_in=sid)
    lead = asks(at=moment)
    lead.owner = mia
    lead.save(update_fields=["owner"])
    handed_over(lead, at=moment, temperature="warm")
    assert taken(moment + 48 * MINUTE) == (3, 0)
    subject = "Due today 11:00 with Sam Becker: Kern, Karin Kern"
    assert told() == [("Mia Albrecht", subject), ("Olga Brandt", subject), ("Sid Stand", subject)]


def test_people_are_told_within_their_own_hours_unless_it_is_urgent(warm: Handoff, sam: User) -> None:
    afternoons = CalendarVersion.objects.create(
        calendar=Calendar.objects.create(name="Afternoons"),
        version=1,
        timezone="Europe/Berlin",
        hours={day: [["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        created_at=berlin(2026, 1, 1),
    )
    PersonalCalendar.objects.create(user=sam, calendar=afternoons.calendar)
    escalation.sweep(now=berlin(2026, 3, 4, 9, 8))
    reminder = Message.objects.get(recipient=sam, channel="in_app", event__contains=":step:")
    assert reminder.not_before == berlin(2026, 3, 4, 13, 0)
    assert ClockStep.objects.get().what == "Sam Becker, from today 13:00"


def test_an_urgent_step_is_told_at_once(asks: MakeLead, sam: User, sue: User) -> None:
    only("manager", share=1, urgent=True)
    moment = berlin(2026, 3, 3, 16, 30)  # 60 min: due at closing time
    handed_over(asks(at=moment), at=moment, temperature="warm")
    escalation.sweep(now=berlin(2026, 3, 3, 18, 0))
    assert Message.objects.get(recipient=sue, channel="in_app").not_before == berlin(2026, 3, 3, 18, 0)


def test_what_is_not_urgent_waits_for_the_opening(asks: MakeLead, sam: User, sue: User) -> None:
    only("manager", share=1)
    moment = berlin(2026, 3, 6, 16, 30)  # a Friday
    handed_over(asks(at=moment), at=moment, temperature="warm")
    escalation.sweep(now=berlin(2026, 3, 6, 18, 0))
    assert Message.objects.get(recipient=sue, channel="in_app").not_before == berlin(2026, 3, 9, 9, 0)


def test_a_reminder_that_waits_is_withdrawn_once_it_was_done(asks: MakeLead, sam: User, sue: User) -> None:
    only("manager", share=1, measures=["first_follow_up"])
    moment = berlin(2026, 3, 6, 16, 0)  # a Friday: due at closing time
    handed = handed_over(asks(at=moment), at=moment, temperature="warm")
    other = handed_over(asks("Olaf Orth", at=moment, domain="orth.example"), at=moment, temperature="warm")
    evening = berlin(2026, 3, 6, 18, 0)
    assert taken(evening) == (2, 2)
    assert escalation.withdraw_overtaken(now=evening) == 0
    handoffs.record_follow_up(handed, at=evening, counts_as_attempt=True, reached=False, now=evening)
    assert escalation.withdraw_overtaken(now=evening + HOUR) == 2  # in the portal and by e-mail
    waiting = Message.objects.get(recipient=sue, channel="in_app")
    assert other.lead.name in waiting.subject
    monday = berlin(2026, 3, 9, 9, 0)
    handoffs.record_follow_up(other, at=monday, counts_as_attempt=True, reached=False, now=monday)
    assert escalation.withdraw_overtaken(now=monday) == 0  # she may have read it


def test_a_reminder_that_waits_goes_with_the_lead(warm: Handoff, sam: User, nia: User, sue: User) -> None:
    only("owner", share=1, measures=["first_follow_up"])
    due = clock(warm, "first_follow_up").due_at
    Clock.objects.filter(handoff=warm, measure="first_follow_up").update(
        plan_at=[due], plan_steps=[EscalationStep.objects.get().pk], next_step_at=due
    )
    evening = berlin(2026, 3, 4, 18, 0)
    assert taken(evening) == (1, 2)
    handoffs.reassign(warm, to=nia, by=sue, now=evening)
    assert escalation.withdraw_overtaken(now=evening) == 2
    assert not Message.objects.filter(recipient=sam, event__contains=":step:").exists()


def test_clocks_from_before_there_were_plans_get_the_steps_that_lie_ahead(asks: MakeLead, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    handed = handed_over(asks(at=moment), at=moment, temperature="warm")
    old = Clock.objects.filter(handoff=handed, measure="first_follow_up")  # 60 min
    Clock.objects.filter(handoff=handed).exclude(pk__in=old).update(next_step_at=None)
    old.update(plan_at=[], plan_steps=[], next_step_at=moment)
    assert taken(moment + 50 * MINUTE) == (0, 0)  # the reminder at 48 min lies behind
    planned = clock(handed, "first_follow_up")
    steps = EscalationStep.objects.in_bulk(planned.plan_steps)
    assert [steps[pk].action for pk in planned.plan_steps] == ["manager", "reassign"]
    assert planned.next_step_at == moment + HOUR
    assert taken(moment + HOUR + MINUTE) == (1, 1)
    assert told() == [("Sue Vogt", "Overdue with Sam Becker: Kern, Karin Kern")]


# --- once, and nothing lost


def test_a_message_that_fails_is_tried_again_and_stops_nobody(asks: MakeLead, sam: User, sue: User, nia: User) -> None:
    only("owner", share=1)
    moment = berlin(2026, 3, 3, 10, 0)
    bad = handed_over(asks(at=moment), at=moment, temperature="warm")
    good = handed_over(asks("Olaf Orth", at=moment, domain="orth.example"), at=moment, temperature="warm")
    handoffs.reassign(bad, to=nia, by=sue, now=moment)
    User.objects.filter(pk=nia.pk).update(timezone="Nowhere/Else")  # no message to her can be composed
    assert taken(moment + 61 * MINUTE) == (1, 2)
    assert clock(bad, "first_follow_up").breached_at == moment + HOUR
    assert clock(good, "first_follow_up").next_step_at is None
    assert taken(moment + 65 * MINUTE) == (0, 0)
    User.objects.filter(pk=nia.pk).update(timezone="Europe/Berlin")
    assert taken(moment + 67 * MINUTE) == (1, 0)
    assert told("Nia Novak") == [("Nia Novak", "Overdue: Kern, Karin Kern")]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_ten_workers_take_each_step_once(asks: MakeLead, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    for number in range(12):
        handed_over(asks(f"Person No{number}", at=moment, domain=f"no{number}.example"), at=moment, temperature="warm")
    found: list[escalation.Swept] = []

    def work() -> None:
        try:
            found.append(escalation.sweep(now=moment + 2 * HOUR, limit=5))
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
    for recipient in (sam, sue):
        messages = Message.objects.filter(recipient=recipient, channel="in_app", event__contains=":step:")
        assert messages.count() == 12


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_worker_that_dies_before_its_end_has_done_nothing(asks: MakeLead, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    handed_over(asks(at=moment), at=moment, temperature="warm")
    has_swept, is_dead = threading.Event(), threading.Event()
    process: list[int] = []

    def work() -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    process.append(cursor.fetchone()[0])
                escalation.sweep(now=moment + 2 * HOUR)
                has_swept.set()
                is_dead.wait(timeout=30)
        except DatabaseError:  # its connection is gone
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert has_swept.wait(timeout=30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", process)
    is_dead.set()
    thread.join(timeout=30)
    assert not ClockStep.objects.exists()
    assert not Message.objects.filter(event__contains=":step:").exists()
    swept = escalation.sweep(now=moment + 2 * HOUR)
    assert (swept.steps, swept.breached) == (2, 1)
    assert told() == [
        ("Sam Becker", "Overdue: Kern, Karin Kern"),
        ("Sue Vogt", "Overdue with Sam Becker: Kern, Karin Kern"),
    ]


def test_nothing_due_is_one_statement(warm: Handoff, django_assert_num_queries: Callable[[int], Any]) -> None:
    with django_assert_num_queries(3):  # a savepoint, the claim, and its release
        assert escalation.sweep(now=berlin(2026, 3, 3, 17, 0)) == escalation.Swept(0, 0, 0)


# --- steps that move a handoff


def steps_of(handoff: Handoff) -> list[tuple[str, bool, str]]:
    """Return the moves that were due for a handoff: kind, whether it was done, and what, in order."""
    found = ClockStep.objects.filter(clock__handoff=handoff, kind__in=("offered", "reassigned"))
    return list(found.order_by("due_at", "pk").values_list("kind", "is_done", "what"))


def test_a_hot_lead_is_offered_at_three_minutes_and_given_to_the_next_at_fifteen(
    asks: MakeLead, north: Team, sam: User, sue: User
) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    tom = person("Tom Timm", Role.SALES_REP, team=north, manager=sue)
    escalation.sweep(now=moment + 2 * MINUTE)
    assert not steps_of(hot)
    escalation.sweep(now=moment + 3 * MINUTE)
    hot.refresh_from_db()
    assert (hot.owner, clock(hot, "first_follow_up").owner) == (None, None)
    assert clock(hot, "first_follow_up").due_at == moment + 5 * MINUTE
    escalation.sweep(now=moment + 6 * MINUTE)
    escalation.sweep(now=moment + 15 * MINUTE)
    assert [kind for kind, _is_done, _what in steps_of(hot)] == ["offered"]  # at 15 minutes sharp it is not after them
    escalation.sweep(now=moment + 16 * MINUTE)
    hot.refresh_from_db()
    assert hot.owner in {tom, sue}
    assert hot.owner != sam
    assert [(kind, is_done) for kind, is_done, _what in steps_of(hot)] == [("offered", True), ("reassigned", True)]
    escalation.sweep(now=moment + HOUR)
    assert len(steps_of(hot)) == 2


def test_what_somebody_is_at_work_on_is_not_taken_away(asks: MakeLead, north: Team, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    person("Tom Timm", Role.SALES_REP, team=north, manager=sue)
    handoffs.record_decision(hot, decision=Decision.ACCEPTED, by=sam, now=moment + 2 * MINUTE)
    escalation.sweep(now=moment + HOUR)
    hot.refresh_from_db()
    assert hot.owner == sam
    assert [(is_done, what) for _kind, is_done, what in steps_of(hot)] == [
        (False, "Not done: somebody is at work on it."),
        (False, "Not done: somebody is at work on it."),
    ]


def test_a_lead_is_reassigned_once_whatever_number_of_its_clocks_says_so(
    asks: MakeLead, north: Team, sam: User, sue: User
) -> None:
    moment = berlin(2026, 3, 3, 9, 0)
    warm = handed_over(asks(at=moment), at=moment, temperature="warm")
    person("Tom Timm", Role.SALES_REP, team=north, manager=sue)
    escalation.sweep(now=berlin(2026, 3, 3, 16, 0))  # 1 h + 4 h over lunch: 15:00
    warm.refresh_from_db()
    second = warm.owner
    assert second != sam
    escalation.sweep(now=berlin(2026, 3, 4, 15, 0))  # the decision: a day + 4 h, Wednesday 14:00
    warm.refresh_from_db()
    assert warm.owner == second
    assert [is_done for _kind, is_done, _what in steps_of(warm)] == [True, False]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_handoff_that_is_being_answered_is_left_to_who_answers(
    asks: MakeLead, north: Team, sam: User, sue: User
) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    person("Tom Timm", Role.SALES_REP, team=north, manager=sue)
    has_it, may_go_on = threading.Event(), threading.Event()

    def answer() -> None:
        try:
            with transaction.atomic():
                handoffs.record_decision(hot, decision=Decision.ACCEPTED, by=sam, now=moment + 3 * MINUTE)
                has_it.set()
                may_go_on.wait(timeout=20)
        finally:
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    assert has_it.wait(timeout=20)
    try:
        escalation.sweep(now=moment + 4 * MINUTE)
        assert not steps_of(hot)
    finally:
        may_go_on.set()
        thread.join(timeout=30)
    escalation.sweep(now=moment + 5 * MINUTE)
    hot.refresh_from_db()
    assert hot.owner == sam
    assert [is_done for _kind, is_done, _what in steps_of(hot)] == [False]


def test_a_past_that_is_told_at_once_keeps_its_owners(asks: MakeLead, north: Team, sam: User, sue: User) -> None:
    moment = berlin(2026, 3, 3, 10, 0)
    hot = handed_over(asks(at=moment), at=moment)
    person("Tom Timm", Role.SALES_REP, team=north, manager=sue)
    escalation.sweep(now=moment + HOUR, moves_handoffs=False)
    escalation.sweep(now=moment + HOUR)
    hot.refresh_from_db()
    assert hot.owner == sam
    assert [is_done for _kind, is_done, _what in steps_of(hot)] == [False, False]
