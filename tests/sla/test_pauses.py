"""Pauses, waivers, restarts and new versions: due times move in working time. Calculated by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from leadsla.accounts.models import Role, User
from leadsla.outbox.models import Message
from sla import clocks, escalation, pauses
from sla import handoff as handoffs
from sla.models import Agreement, CalendarVersion, Clock, ClockChange, ClockPause, Handoff, PauseReason
from tests.conftest import person
from tests.sla.clock_facts import BERLIN, HOUR, MINUTE, MakeLead, berlin, clock, handed_over


@pytest.fixture(autouse=True)
def berlin_is_shown() -> Iterator[None]:
    with timezone.override(BERLIN):
        yield


@pytest.fixture
def warm(asks: MakeLead, sam: User, sue: User) -> Handoff:
    """Warm, handed over on Friday 6 March 2026 at 16:50: follow up by Monday 09:20, decide by Monday 16:50."""
    moment = berlin(2026, 3, 6, 16, 50)
    return handed_over(asks(at=moment), at=moment, temperature="warm")


def reason(code: str = "lead_asked_later") -> PauseReason:
    return PauseReason.objects.get(code=code)


def pause(
    found: Clock, *, at: datetime, until: datetime | None, by: User, code: str = "lead_asked_later"
) -> ClockPause:
    return pauses.pause(found, reason=reason(code), until=until, note="", by=by, now=at)


# --- pause


def test_a_pause_moves_the_due_time_at_once_by_working_time(warm: Handoff, sam: User) -> None:
    # Paused on Friday at 17:00 until Monday 10:00: 30 min on Friday and 1 h on Monday. Due Monday 09:20 + 1 h 30.
    made = pause(clock(warm, "first_follow_up"), at=berlin(2026, 3, 6, 17, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    stands = clock(warm, "first_follow_up")
    assert (made.seconds, stands.paused_seconds) == (90 * 60.0, 90 * 60.0)
    assert stands.due_at == berlin(2026, 3, 9, 10, 50)
    # 48 of 60 min: 10 on Friday, 38 after the pause. The manager at the due time; 4 h later, over lunch: 15:50.
    assert stands.warn_at == berlin(2026, 3, 9, 10, 38)
    assert stands.plan_at == [berlin(2026, 3, 9, 10, 38), berlin(2026, 3, 9, 10, 50), berlin(2026, 3, 9, 15, 50)]
    assert stands.next_step_at == berlin(2026, 3, 9, 10, 38)
    assert clock(warm, "decide").due_at == berlin(2026, 3, 9, 16, 50)  # another clock goes on


def test_a_pause_over_summer_time_and_a_holiday(asks: MakeLead, sam: User) -> None:
    # Thursday 2 April 2026, 17:00, cool: one working day (7 h 30). Good Friday and Easter Monday are closed. Paused
    # from 17:15 to Tuesday 11:00: 15 min + 2 h. Without it due Tuesday 17:00 (30 min + 7 h); with it 2 h 15 later:
    # 30 min on Tuesday and 1 h 45 on Wednesday, 10:45.
    moment = berlin(2026, 4, 2, 17, 0)
    handed = handed_over(asks(at=moment), at=moment, temperature="cool")
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 4, 7, 17, 0)
    pause(clock(handed, "first_follow_up"), at=moment + 15 * MINUTE, until=berlin(2026, 4, 7, 11, 0), by=sam)
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 4, 8, 10, 45)
    # Over the night of the change to summer time: Friday 27 March, 17:00 to Monday 09:30 are 30 + 30 min.
    friday = berlin(2026, 3, 27, 16, 45)
    second = handed_over(asks("Olaf Orth", at=friday, domain="orth.example"), at=friday, temperature="warm")
    pause(clock(second, "first_follow_up"), at=friday + 15 * MINUTE, until=berlin(2026, 3, 30, 9, 30), by=sam)
    moved = clock(second, "first_follow_up")
    assert (moved.paused_seconds, moved.due_at) == (3600.0, berlin(2026, 3, 30, 10, 15))


def test_a_paused_clock_shows_what_is_left_and_nobody_is_reminded(warm: Handoff, sam: User) -> None:
    pause(clock(warm, "first_follow_up"), at=berlin(2026, 3, 6, 17, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    stands = clock(warm, "first_follow_up")
    shown = clocks.countdown(stands, now=berlin(2026, 3, 9, 9, 30))
    assert (shown.state, shown.text, shown.detail) == ("paused", "50 min left", "paused until today 10:00")
    assert shown.ticks_until is None
    assert clocks.countdown(stands, now=berlin(2026, 3, 9, 10, 0)).text == "50 min left"
    assert clocks.countdown(stands, now=berlin(2026, 3, 9, 10, 20)).state == "half"
    assert escalation.sweep(now=berlin(2026, 3, 9, 9, 59)) == escalation.Swept(0, 0, 0)
    assert stands not in Clock.objects.at_risk(now=berlin(2026, 3, 9, 9, 59))
    assert stands in Clock.objects.at_risk(now=berlin(2026, 3, 9, 10, 40))
    assert escalation.sweep(now=berlin(2026, 3, 9, 10, 51)).breached == 1


def test_resuming_early_gives_back_what_was_not_needed(warm: Handoff, sam: User, sue: User) -> None:
    found = clock(warm, "first_follow_up")
    pause(found, at=berlin(2026, 3, 6, 17, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    assert pauses.resume(found, by=sue, now=berlin(2026, 3, 9, 9, 15))  # 30 + 15 min were needed
    resumed = clock(warm, "first_follow_up")
    assert (resumed.paused_seconds, resumed.due_at) == (45 * 60.0, berlin(2026, 3, 9, 10, 5))
    assert ClockPause.objects.get().ended_by == sue
    assert clocks.countdown(resumed, now=berlin(2026, 3, 9, 9, 15)).text == "50 min left"
    assert not pauses.resume(found, by=sue, now=berlin(2026, 3, 9, 9, 16))


def test_what_was_stopped_in_a_pause_used_what_had_passed(warm: Handoff, sam: User) -> None:
    pause(clock(warm, "first_follow_up"), at=berlin(2026, 3, 6, 17, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    done = berlin(2026, 3, 9, 9, 30)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    stopped = clock(warm, "first_follow_up")
    assert (stopped.outcome, stopped.used_seconds) == ("met", 10 * 60.0)
    assert stopped.waited_seconds == (64 * 60 + 40) * 60.0  # from Friday 16:50 to Monday 09:30


def test_two_pauses_add_up(warm: Handoff, sam: User) -> None:
    decide = clock(warm, "decide")  # due Monday 16:50
    pause(decide, at=berlin(2026, 3, 9, 9, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    pause(decide, at=berlin(2026, 3, 9, 11, 0), until=berlin(2026, 3, 9, 14, 0), by=sam, code="systems_down")
    # One hour, and 11 to 12 and 13 to 14: three hours. 16:50 + 40 min is closing time, 2 h 20 of Tuesday.
    assert clock(warm, "decide").due_at == berlin(2026, 3, 10, 11, 20)


@pytest.mark.parametrize(
    ("at", "until", "code", "field", "words"),
    [
        ((2026, 3, 9, 9, 0), None, "lead_asked_later", "until", "a pause needs an end"),
        ((2026, 3, 9, 9, 0), (2026, 3, 9, 8, 0), "lead_asked_later", "until", "lies in the past"),
        ((2026, 3, 6, 18, 0), (2026, 3, 7, 9, 0), "lead_asked_later", "until", "stands until Mon 9 Mar, 09:00 anyway"),
        (
            (2026, 3, 9, 9, 0),
            (2026, 3, 11, 9, 1),
            "systems_down",
            "until",
            "at most 2 working days: until tomorrow 17:30",
        ),
        ((2026, 3, 9, 9, 0), (2026, 3, 9, 10, 0), "waits_for_sales", "reason", "not for this clock"),
        ((2026, 3, 9, 16, 50), (2026, 3, 10, 10, 0), "lead_asked_later", "", "past due"),
    ],
)
def test_bad_pauses_are_refused_at_the_field(
    warm: Handoff, sam: User, at: tuple[int, ...], until: tuple[int, ...] | None, code: str, field: str, words: str
) -> None:
    found = clock(warm, "decide")
    with pytest.raises(pauses.Refused) as refused:
        pause(found, at=berlin(*at), until=berlin(*until) if until else None, by=sam, code=code)
    assert list(refused.value.errors) == [field]
    assert words in refused.value.errors[field]
    assert not ClockPause.objects.exists()
    assert clock(warm, "decide").due_at == found.due_at


def test_the_longest_time_holds_for_all_pauses_of_a_reason(warm: Handoff, sam: User) -> None:
    found = clock(warm, "decide")
    pause(found, at=berlin(2026, 3, 9, 9, 0), until=berlin(2026, 3, 10, 9, 0), by=sam, code="systems_down")
    with pytest.raises(pauses.Refused) as refused:  # 7 h 30 of 15 h are gone
        pause(found, at=berlin(2026, 3, 10, 9, 0), until=berlin(2026, 3, 11, 9, 5), by=sam, code="systems_down")
    assert "until today 17:30" in refused.value.errors["until"]


def test_a_clock_that_stands_is_not_paused_again(warm: Handoff, sam: User) -> None:
    found = clock(warm, "decide")
    pause(found, at=berlin(2026, 3, 9, 9, 0), until=berlin(2026, 3, 9, 12, 0), by=sam)
    with pytest.raises(pauses.Refused, match="Let it go on first"):
        pause(found, at=berlin(2026, 3, 9, 10, 0), until=berlin(2026, 3, 9, 14, 0), by=sam)


def test_only_who_owes_and_their_manager_may_pause(
    warm: Handoff, sam: User, sue: User, nia: User, mia: User, max_: User, olga: User
) -> None:
    found = clock(warm, "decide")
    allowed = {str(each) for each in (sam, sue, nia, mia, max_, olga) if pauses.may_pause(each, found)}
    assert allowed == {"Sam Becker", "Sue Vogt"}
    with pytest.raises(pauses.Refused, match="Only who owes this"):
        pause(found, at=berlin(2026, 3, 9, 9, 0), until=berlin(2026, 3, 9, 10, 0), by=nia)
    with pytest.raises(pauses.Refused, match="Only who owes this"):
        pauses.resume(found, by=max_, now=berlin(2026, 3, 9, 9, 0))


def test_a_stopped_clock_is_not_paused(warm: Handoff, sam: User) -> None:
    done = berlin(2026, 3, 6, 17, 0)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    with pytest.raises(pauses.Refused, match="has stopped"):
        pause(clock(warm, "first_follow_up"), at=done, until=berlin(2026, 3, 9, 10, 0), by=sam)


# --- waive


def test_a_waiver_counts_for_neither_and_the_other_side_is_told(
    warm: Handoff, sam: User, sue: User, mia: User, max_: User
) -> None:
    warm.lead.owner = mia
    warm.lead.save(update_fields=["owner"])
    now = berlin(2026, 3, 9, 9, 10)
    assert pauses.waive(clock(warm, "first_follow_up"), why="The line was down", by=sue, now=now)
    waived = clock(warm, "first_follow_up")
    assert (waived.outcome, waived.stopped_at, waived.used_seconds) == ("waived", now, 50 * 60.0)
    change = ClockChange.objects.get()
    assert (change.kind, change.by, change.why, change.before["outcome"]) == (
        "waived",
        sue,
        "The line was down",
        "running",
    )
    told = Message.objects.get(channel="in_app", event__contains="waived")
    assert (told.recipient, told.subject) == (max_, "Waived by Sue Vogt: Kern, Karin Kern")
    assert "The line was down" in told.body
    assert not pauses.waive(waived, why="Again", by=sue, now=now)


def test_a_breach_is_waived_and_stays_on_the_clock(warm: Handoff, sue: User, sam: User, max_: User) -> None:
    escalation.sweep(now=berlin(2026, 3, 9, 10, 0))
    done = berlin(2026, 3, 9, 10, 30)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    assert clock(warm, "first_follow_up").outcome == "late"
    assert pauses.waive(clock(warm, "first_follow_up"), why="Sales was at the fair", by=max_, now=done + HOUR)
    waived = clock(warm, "first_follow_up")
    assert (waived.outcome, waived.breached_at, waived.stopped_at) == ("waived", berlin(2026, 3, 9, 9, 20), done)
    assert Message.objects.get(channel="in_app", event__contains="waived").recipient == sue


def test_waiving_asks_for_a_manager_and_a_reason(warm: Handoff, sam: User, sue: User, mia: User) -> None:
    stranger = person("Tea Third", Role.SALES_MANAGER)
    found, now = clock(warm, "decide"), berlin(2026, 3, 9, 9, 0)
    with pytest.raises(pauses.Refused) as refused:
        pauses.waive(found, why=" ", by=sue, now=now)
    assert "Say why" in refused.value.errors["why"]
    for somebody in (sam, mia, stranger):
        with pytest.raises(pauses.Refused, match="waived by the manager"):
            pauses.waive(found, why="Because", by=somebody, now=now)
    assert clock(warm, "decide").outcome == "running"


# --- a new owner, a new version, a word of the manager


def test_reassigning_keeps_the_time_unless_the_agreement_says_restart(
    warm: Handoff, sam: User, sue: User, nia: User
) -> None:
    kept = clock(warm, "decide").due_at
    handoffs.reassign(warm, to=nia, by=sue, now=berlin(2026, 3, 9, 9, 0))
    assert clock(warm, "decide").due_at == kept
    Agreement.objects.update(restarts_on_reassignment=True)
    warm = Handoff.objects.get()
    handoffs.reassign(warm, to=sam, by=sue, now=berlin(2026, 3, 9, 10, 0))
    anew = clock(warm, "decide")
    assert (anew.started_at, anew.due_at) == (berlin(2026, 3, 9, 10, 0), berlin(2026, 3, 10, 10, 0))
    change = ClockChange.objects.get(clock=anew)
    assert (change.kind, change.by, change.before["due_at"]) == ("restarted", sue, "2026-03-09T15:50:00+00:00")
    # The first follow-up was past due by then: a breach is not wiped out.
    assert clock(warm, "first_follow_up").due_at == berlin(2026, 3, 9, 9, 20)


def test_running_clocks_go_under_a_new_version_only_when_somebody_says_so(warm: Handoff, sam: User, sue: User) -> None:
    decide = clock(warm, "decide")
    version = decide.calendar_version
    pause(decide, at=berlin(2026, 3, 6, 17, 0), until=berlin(2026, 3, 9, 10, 0), by=sam)
    assert clock(warm, "decide").due_at == berlin(2026, 3, 10, 9, 50)  # 16:50 + 1 h 30
    CalendarVersion.objects.create(
        calendar=version.calendar,
        version=version.version + 1,
        timezone="Europe/Berlin",
        hours={day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        created_at=berlin(2026, 3, 9, 8, 0),
    )
    assert clock(warm, "decide").calendar_version == version
    now = berlin(2026, 3, 9, 9, 0)
    agreement = Agreement.objects.get()
    assert pauses.rebase(agreement, by=sue, now=now) == pauses.Rebased(changed=2, left=0)
    # Now 8 h: 10 min on Friday until 17:00, the pause counts 1 h on Monday, 7 h until 17:00, 50 min on Tuesday.
    moved = clock(warm, "decide")
    assert (moved.budget_seconds, moved.paused_seconds) == (8 * 3600.0, 3600.0)
    assert moved.due_at == berlin(2026, 3, 10, 9, 50)
    assert clock(warm, "first_follow_up").due_at == berlin(2026, 3, 9, 9, 50)  # 10 min, then 50
    change = ClockChange.objects.get(clock=moved)
    assert (change.kind, change.by) == ("rebased", sue)
    assert change.before["budget_seconds"] == 7.5 * 3600
    assert pauses.rebase(agreement, by=sue, now=now) == pauses.Rebased(0, 0)


def test_nobody_is_late_at_once_because_of_a_new_version(warm: Handoff, sam: User, sue: User) -> None:
    found = clock(warm, "decide")
    CalendarVersion.objects.create(
        calendar=found.calendar_version.calendar,
        version=9,
        timezone="Europe/Berlin",
        hours={day: [["09:00", "17:30"]] for day in ("fri", "sat", "sun", "mon")},  # due on Saturday at the latest
        created_at=berlin(2026, 3, 9, 8, 0),
    )
    now = berlin(2026, 3, 9, 9, 5)
    assert pauses.rebase(Agreement.objects.get(), by=sue, now=now) == pauses.Rebased(changed=0, left=2)
    assert clock(warm, "decide").due_at == berlin(2026, 3, 9, 16, 50)
    with pytest.raises(pauses.Refused, match="Managers"):
        pauses.rebase(Agreement.objects.get(), by=sam, now=now)
    Agreement.objects.update(status="superseded")
    with pytest.raises(pauses.Refused, match="not in force"):
        pauses.rebase(Agreement.objects.get(), by=sue, now=now)


def test_a_confirmed_entry_is_kept_as_a_retraction(warm: Handoff, sam: User, sue: User) -> None:
    escalation.sweep(now=berlin(2026, 3, 9, 10, 0))
    stated, logged = berlin(2026, 3, 9, 9, 15), berlin(2026, 3, 9, 15, 0)
    handoffs.record_follow_up(warm, at=stated, counts_as_attempt=True, reached=True, now=logged, in_time_proof=False)
    assert clock(warm, "first_follow_up").outcome == "late"
    assert handoffs.confirm_follow_up(warm, at=stated, now=logged + HOUR, by=sue)
    confirmed = clock(warm, "first_follow_up")
    assert (confirmed.outcome, confirmed.entered_late, confirmed.used_seconds) == ("met", True, 55 * 60.0)
    assert confirmed.breached_at == berlin(2026, 3, 9, 9, 20)
    change = ClockChange.objects.get()
    assert (change.kind, change.by, change.at, change.before["outcome"]) == ("retracted", sue, logged + HOUR, "late")


def test_a_system_that_tells_later_that_it_was_in_time_is_believed(warm: Handoff, sam: User) -> None:
    late, stated = berlin(2026, 3, 9, 11, 0), berlin(2026, 3, 9, 9, 15)
    handoffs.record_follow_up(warm, at=late, counts_as_attempt=True, reached=True, now=late)
    assert clock(warm, "first_follow_up").outcome == "late"
    handoffs.record_follow_up(warm, at=stated, counts_as_attempt=True, reached=False, now=late + timedelta(days=1))
    confirmed = clock(warm, "first_follow_up")
    assert (confirmed.outcome, confirmed.stopped_at, confirmed.entered_late) == ("met", stated, True)
    assert ClockChange.objects.get().by is None
