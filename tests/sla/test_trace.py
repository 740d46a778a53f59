"""How was this computed? Windows, holidays, pauses, owners and what the buyer waited add up. Calculated by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.utils import timezone

from leads.models import Interaction
from leadsla.accounts.models import User
from sla import escalation, pauses
from sla import handoff as handoffs
from sla.models import Clock, Handoff, PauseReason
from sla.trace import Row, Trace, trace
from tests.sla.clock_facts import BERLIN, HOUR, MINUTE, MakeLead, berlin, clock, handed_over


@pytest.fixture(autouse=True)
def berlin_is_shown() -> Iterator[None]:
    with timezone.override(BERLIN):
        yield


@pytest.fixture
def easter(asks: MakeLead, sam: User, sue: User) -> Handoff:
    """Cool, Thursday before Easter 2026, 16:30: a working day (7 h 30); Friday and Monday are holidays."""
    moment = berlin(2026, 4, 2, 16, 30)
    return handed_over(asks(at=moment), at=moment, temperature="cool")


def pause(found: Clock, *, at: datetime, until: datetime, by: User) -> None:
    reason = PauseReason.objects.get(code="lead_away")
    pauses.pause(found, reason=reason, until=until, note="At the fair", by=by, now=at)


def words(rows: list[Row]) -> list[str]:
    """Write rows in Berlin's time: the day, its windows, minutes that count, the sum."""
    lines = []
    for row in rows:
        windows = " ".join(
            f"{start.astimezone(BERLIN):%H:%M}-{end.astimezone(BERLIN):%H:%M}" for start, end in row.pieces
        )
        days = f"{row.first:%d}" if row.first == row.last else f"{row.first:%d}-{row.last:%d}"
        lines.append(f"{days} {row.why or windows} {row.seconds / 60:g} {row.total / 60:g}")
    return lines


def adds_up(found: Trace, *, to: float) -> bool:
    return (
        found.used == pytest.approx(to)
        and sum(row.seconds for row in found.rows) == pytest.approx(to)
        and sum(share.seconds for share in found.shares) == pytest.approx(to)
    )


def test_windows_holidays_and_the_weekend_are_listed_and_add_up(easter: Handoff, sam: User) -> None:
    found = trace(clock(easter, "first_follow_up"), now=berlin(2026, 4, 7, 13, 30))
    assert words(found.rows) == [
        "02 16:30-17:30 60 60",
        "03 Good Friday 0 60",
        "04-05 closed 0 60",
        "06 Easter Monday 0 60",
        "07 09:00-12:00 13:00-13:30 210 270",
    ]
    assert adds_up(found, to=270 * 60)
    # Due Tuesday 16:30 + … : 7 h 30 less 4 h 30 are 3 h.
    assert words(found.ahead) == ["07 13:30-16:30 180 180"]
    assert found.used + found.left == clock(easter, "first_follow_up").budget_seconds
    assert found.waited == (5 * 24 - 3) * 3600.0  # from Thursday 16:30 to Tuesday 13:30


def test_summer_time_makes_the_buyers_wait_an_hour_shorter(asks: MakeLead, sam: User) -> None:
    moment = berlin(2026, 3, 27, 17, 0)  # Friday; the clock is put forward on Sunday
    handed = handed_over(asks(at=moment), at=moment, temperature="warm")
    found = trace(clock(handed, "first_follow_up"), now=berlin(2026, 3, 30, 9, 10))
    assert words(found.rows) == ["27 17:00-17:30 30 30", "28-29 closed 0 30", "30 09:00-09:10 10 40"]
    assert found.waited == (64 * 60 + 10 - 60) * 60.0


def test_pauses_are_cut_out_and_shown(easter: Handoff, sam: User) -> None:
    late = clock(easter, "first_follow_up")
    pause(late, at=berlin(2026, 4, 2, 17, 0), until=berlin(2026, 4, 7, 9, 45), by=sam)
    found = trace(clock(easter, "first_follow_up"), now=berlin(2026, 4, 7, 10, 0))
    assert words(found.rows)[0] == "02 16:30-17:00 30 30"
    assert words(found.rows)[-1] == "07 09:45-10:00 15 45"
    assert found.stood == (30 + 45) * 60.0
    assert adds_up(found, to=45 * 60)
    assert found.used + found.left == 7.5 * 3600
    assert [(event.text, event.more) for event in found.events] == [
        ("Started", "Under First agreement (version 1), Office hours (version 1)."),
        ("Paused by Sam Becker until today 09:45", "The lead is away · At the fair"),
        ("Went on", ""),
    ]


def test_a_clock_that_stopped_in_a_pause_counts_until_the_pause(easter: Handoff, sam: User) -> None:
    pause(clock(easter, "first_follow_up"), at=berlin(2026, 4, 2, 17, 0), until=berlin(2026, 4, 7, 12, 0), by=sam)
    done = berlin(2026, 4, 7, 9, 45)
    handoffs.record_follow_up(easter, at=done, counts_as_attempt=True, reached=True, now=done)
    stopped = clock(easter, "first_follow_up")
    found = trace(stopped, now=berlin(2026, 4, 8, 9, 0))
    assert adds_up(found, to=30 * 60)
    assert found.used == stopped.used_seconds
    assert (found.left, found.over, found.ahead) == (0, 0, [])


def test_the_time_with_each_owner_adds_up(easter: Handoff, sam: User, sue: User, nia: User) -> None:
    handoffs.reassign(easter, to=nia, by=sue, now=berlin(2026, 4, 7, 10, 0))
    found = trace(clock(easter, "first_follow_up"), now=berlin(2026, 4, 7, 11, 0))
    assert [(share.who, share.seconds) for share in found.shares] == [("Sam Becker", 2 * 3600.0), ("Nia Novak", 3600.0)]
    assert sum(share.elapsed for share in found.shares) == found.waited
    assert adds_up(found, to=3 * 3600)
    assert "Now with Nia Novak" in [event.text for event in found.events]


def test_a_late_clock_says_how_late_and_lists_its_steps(easter: Handoff, sam: User, sue: User) -> None:
    escalation.sweep(now=berlin(2026, 4, 7, 15, 0))
    escalation.sweep(now=berlin(2026, 4, 8, 9, 0))
    done = berlin(2026, 4, 8, 9, 30)
    handoffs.record_follow_up(easter, at=done, counts_as_attempt=True, reached=True, now=done)
    found = trace(clock(easter, "first_follow_up"), now=done + HOUR)
    # Due Tuesday 16:30; one hour until closing and half an hour on Wednesday.
    assert found.over == 90 * 60.0
    assert [(event.text, event.more) for event in found.events[1:]] == [
        ("Remind the owner", "Sam Becker"),
        ("Past due", "With Sam Becker. · noticed today 09:00"),
        ("Tell the owner's manager", "Sue Vogt · due yesterday 16:30"),
        ("Stopped: Late", ""),
    ]


def test_waivers_and_retractions_are_told(easter: Handoff, sam: User, sue: User) -> None:
    now = berlin(2026, 4, 7, 10, 0)
    pauses.waive(clock(easter, "first_follow_up"), why="They are on holiday", by=sue, now=now)
    found = trace(clock(easter, "first_follow_up"), now=now + HOUR)
    assert [(event.text, event.more) for event in found.events[1:]] == [
        ("Waived, by Sue Vogt", "They are on holiday"),
        ("Stopped: Waived", ""),
    ]
    assert found.rows[-1].pieces[-1][1] == now


def test_beside_it_stands_what_the_buyer_waited_since_the_request(asks: MakeLead, sam: User) -> None:
    asked = berlin(2026, 3, 6, 19, 0)  # Friday evening; handed over on Monday
    lead = asks(at=asked)
    handed = handed_over(lead, at=berlin(2026, 3, 9, 9, 0), temperature="hot")
    assert Interaction.objects.filter(lead=lead).count() == 1
    found = trace(clock(handed, "first_follow_up"), now=berlin(2026, 3, 9, 9, 4))
    assert (found.asked_at, found.asked_waited) == (asked, (62 * 60 + 4) * 60.0)
    assert found.waited == 4 * MINUTE.total_seconds()


def test_before_the_opening_nothing_has_counted(asks: MakeLead, sam: User) -> None:
    saturday = berlin(2026, 3, 7, 11, 0)
    handed = handed_over(asks(at=saturday), at=saturday, temperature="hot")
    found = trace(clock(handed, "first_follow_up"), now=saturday + HOUR)
    assert (found.rows, found.used) == ([], 0)
    assert words(found.ahead) == ["08 closed 0 0", "09 09:00-09:05 5 5"]
