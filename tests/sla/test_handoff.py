"""Handing over, answering, returning, rerouting, closing: the life of a handoff with its clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from leads.models import Company, Lead, Stage
from leadsla.accounts.models import Team, User
from leadsla.outbox.models import Message
from sla import compliance, escalation
from sla import handoff as handoffs
from sla.models import Agreement, Assignment, Capacity, Clock, Compliance, Decision, Handoff, Round, Target

BERLIN = ZoneInfo("Europe/Berlin")
MakeLead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type]


def clock(handoff: Handoff, measure: str, number: int | None = None) -> Clock:
    return Clock.objects.get(handoff=handoff, measure=measure, round=number or handoff.round)


def reject(handoff: Handoff, *, by: User, now: datetime, reason: str = "bad_contact_data") -> Round | None:
    return handoffs.record_decision(handoff, decision=Decision.REJECTED, by=by, now=now, reason=reason)


def accept(handoff: Handoff, *, by: User, now: datetime) -> Round | None:
    return handoffs.record_decision(handoff, decision=Decision.ACCEPTED, by=by, now=now)


@pytest.fixture
def handed(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> Handoff:
    """A hot lead, handed over to Sam on Tuesday at 10:00: follow up by 10:05, decide by 14:00."""
    return handoffs.hand_over(asks(at=tuesday - 10 * MINUTE), by=mia, now=tuesday)


# --- hand over


def test_handing_over_does_all_of_it(handed: Handoff, mia: User, sam: User, north: Team, tuesday: datetime) -> None:
    assert (handed.owner, handed.to_team, handed.handed_over_by) == (sam, north, mia)
    assert (handed.temperature, handed.door, handed.grade) == ("hot", "asked", "B1")
    assert handed.score == Decimal("140.0")  # 35 business e-mail + 5 region + 100 request
    assert handed.counts
    assert not handed.is_notice
    assert Lead.objects.get(pk=handed.lead_id).stage == Stage.HANDED_OVER
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 3, 3, 10, 5)
    assert clock(handed, "decide").due_at == berlin(2026, 3, 3, 14, 0)
    round_ = handed.rounds.get()
    assert (round_.number, round_.owner, round_.to_team) == (1, sam, north)
    assert round_.pack["facts"]["country"] == "DE"
    assert handed.assignments.get().user == sam
    told = Message.objects.filter(recipient=sam, channel="in_app").get()
    assert told.subject == "New lead (hot): Kern, Karin Kern"
    assert "10:05" in told.body


def test_marketing_s_clock_runs_from_qualifying_to_handing_over(handed: Handoff, tuesday: datetime) -> None:
    kept = clock(handed, "hand_over")
    assert (kept.started_at, kept.stopped_at) == (tuesday - 10 * MINUTE, tuesday)
    assert (kept.outcome, kept.used_seconds) == ("met", 600.0)


def test_handing_over_too_late_is_late(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    handed = handoffs.hand_over(asks(at=tuesday - 16 * MINUTE), by=mia, now=tuesday)
    late = clock(handed, "hand_over")
    assert (late.outcome, late.breached_at) == ("late", tuesday - MINUTE)


def test_a_lead_is_handed_over_once(handed: Handoff, mia: User, tuesday: datetime) -> None:
    with pytest.raises(handoffs.HandoverRefused, match="Already handed over: it is with Sam Becker"):
        handoffs.hand_over(handed.lead, by=mia, now=tuesday)


def test_the_database_has_the_veto(handed: Handoff, tuesday: datetime) -> None:
    with pytest.raises(IntegrityError, match="one_open_handoff_per_lead_and_leg"), transaction.atomic():
        Handoff.objects.create(lead=handed.lead, handed_over_at=tuesday, recorded_at=tuesday)


def test_a_refusal_changes_nothing(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday, country="BR")
    with pytest.raises(handoffs.HandoverRefused, match="location served"):
        handoffs.hand_over(lead, by=mia, now=tuesday)
    assert Handoff.objects.count() == Clock.objects.count() == Message.objects.count() == 0


def test_an_override_is_counted_apart_and_keeps_its_reason(
    asks: MakeLead, max_: User, mia: User, sam: User, tuesday: datetime
) -> None:
    lead = asks(at=tuesday, country="BR")
    with pytest.raises(handoffs.HandoverRefused, match="Only a marketing manager"):
        handoffs.hand_over(lead, by=mia, now=tuesday, override_reason="They have a plant in Bonn.")
    handed = handoffs.hand_over(lead, by=max_, now=tuesday, override_reason="They have a plant in Bonn.")
    assert (handed.override_by, handed.door) == (max_, "")
    assert not Clock.objects.filter(handoff=handed, measure="hand_over").exists()


def test_a_resting_lead_that_is_handed_over_all_the_same_rests_no_more(
    handed: Handoff, mia: User, max_: User, tuesday: datetime
) -> None:
    handoffs.withdraw(handed, by=mia, now=tuesday)
    again = handoffs.hand_over(handed.lead, by=max_, now=tuesday + HOUR, override_reason="They called us again")
    assert again.lead.handoffs.count() == 2
    assert Lead.objects.get().recycled_until is None


def test_nobody_overrides_a_block(asks: MakeLead, max_: User, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    Lead.objects.filter(pk=lead.pk).update(blocked_at=tuesday)
    with pytest.raises(handoffs.HandoverRefused, match="blocked"):
        handoffs.hand_over(lead, by=max_, now=tuesday, override_reason="I want it all the same.")


def test_a_customer_stays_one(asks: MakeLead, max_: User, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    Lead.objects.filter(pk=lead.pk).update(stage=Stage.CUSTOMER, stage_since=tuesday)
    with pytest.raises(handoffs.HandoverRefused, match="customer already"):
        handoffs.hand_over(lead, by=max_, now=tuesday, override_reason="They want a second line.")


def test_out_of_hours_the_clocks_begin_at_the_next_opening(asks: MakeLead, sam: User) -> None:
    friday_night = berlin(2026, 3, 6, 20, 0)
    handed = handoffs.hand_over(asks(at=friday_night), by=None, now=friday_night)
    follow_up = clock(handed, "first_follow_up")
    assert (follow_up.started_at, follow_up.due_at) == (friday_night, berlin(2026, 3, 9, 9, 5))


def test_warm_leads_have_the_lunch_break_and_an_hour(asks: MakeLead, sam: User) -> None:
    moment = berlin(2026, 3, 3, 16, 50)
    lead = asks(at=moment)
    Lead.objects.filter(pk=lead.pk).update(temperature="warm")
    handed = handoffs.hand_over(lead, by=None, now=moment)
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 3, 4, 9, 20)
    assert clock(handed, "decide").due_at == berlin(2026, 3, 4, 16, 50)  # a working day of 7 h 30


def test_holidays_are_no_working_days(asks: MakeLead, sam: User) -> None:
    maundy_thursday = berlin(2026, 4, 2, 17, 28)
    handed = handoffs.hand_over(asks(at=maundy_thursday), by=None, now=maundy_thursday)
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 4, 7, 9, 3)


def test_one_person_of_a_company_counts_in_thirty_days(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    first = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    reject(first, by=sam, now=tuesday)
    handoffs.close(first, because="rejected", now=tuesday)
    colleague = asks("Paul Port", at=tuesday + timedelta(days=29))
    second = handoffs.hand_over(colleague, by=mia, now=tuesday + timedelta(days=29))
    stranger = asks("Olaf Orth", at=tuesday + timedelta(days=29), domain="orth.example")
    third = handoffs.hand_over(stranger, by=mia, now=tuesday + timedelta(days=29))
    assert (first.counts, second.counts, third.counts) == (True, False, True)


def test_above_the_range_is_measured_only(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    Target.objects.filter(commitment__measure="quantity").update(at_least=1, at_most=1)
    first = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    second = handoffs.hand_over(asks("Olaf Orth", at=tuesday, domain="orth.example"), by=mia, now=tuesday)
    april = berlin(2026, 4, 1, 10)
    third = handoffs.hand_over(asks("Ida Iven", at=april, domain="iven.example"), by=mia, now=april)
    assert [each.is_above_range for each in (first, second, third)] == [False, True, False]


def test_more_than_a_working_day_s_share_of_the_range_owes_no_times(
    asks: MakeLead, mia: User, sam: User, tuesday: datetime
) -> None:
    # March 2026 has 22 working days: 44 leads a month are two a day.
    Target.objects.filter(commitment__measure="quantity").update(at_least=1, at_most=44)
    moments = [
        *(berlin(2026, 3, 6, hour) for hour in (10, 11, 12)),  # Friday: two and one more
        berlin(2026, 3, 7, 10),  # Saturday and Sunday belong to Monday
        berlin(2026, 3, 8, 10),
        berlin(2026, 3, 9, 10),
        berlin(2026, 3, 10, 10),
    ]
    given = [
        handoffs.hand_over(asks(f"Lead {number}", at=at, domain=f"lead{number}.example"), by=mia, now=at)
        for number, at in enumerate(moments)
    ]
    assert [each.is_above_share for each in given] == [False, False, True, False, False, True, False]
    assert not any(each.is_above_range for each in given)
    compliance.recompute(now=berlin(2026, 3, 20, 10))
    rows = Compliance.objects.filter(period_start=date(2026, 3, 1))
    # All seven count in the quantity; of seven first follow-ups that nobody made, five were owed.
    assert rows.get(commitment__measure="quantity").kept == 7
    owed = rows.get(commitment__measure="first_follow_up")
    assert (owed.cases, owed.left_out) == (5, 2)


def test_without_an_agreement_nothing_is_handed_over(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    Agreement.objects.update(in_force_until=tuesday)
    with pytest.raises(handoffs.HandoverRefused, match="No agreement is in force"):
        handoffs.hand_over(lead, by=mia, now=tuesday)


# --- the account check


def test_a_customer_s_owner_is_told_and_owes_nothing(
    asks: MakeLead, mia: User, sam: User, nia: User, tuesday: datetime
) -> None:
    lead = asks(at=tuesday)
    Company.objects.filter(pk=lead.company_id).update(relation="customer", owner=nia)
    notice = handoffs.hand_over(lead, by=mia, now=tuesday)
    assert (notice.is_notice, notice.owner, notice.counts) == (True, nia, False)
    assert (notice.closed_because, notice.closed_at) == ("notice", tuesday)
    assert list(Clock.objects.filter(handoff=notice).values_list("measure", flat=True)) == ["hand_over"]
    told = Message.objects.get(recipient=nia, channel="in_app")
    assert told.subject == "For your information: Kern, Karin Kern"
    assert "Kern is a customer." in told.body
    assert not accept(notice, by=nia, now=tuesday)


def test_an_open_opportunity_makes_a_notice(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    first = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    accept(first, by=sam, now=tuesday)
    handoffs.record_outcome(first, kind="opportunity", at=tuesday, now=tuesday)
    second = handoffs.hand_over(asks("Paul Port", at=tuesday + HOUR), by=mia, now=tuesday + HOUR)
    assert (second.is_notice, second.owner) == (True, sam)


def test_a_competitor_is_refused(asks: MakeLead, mia: User, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    Company.objects.filter(pk=lead.company_id).update(relation="competitor")
    with pytest.raises(handoffs.HandoverRefused, match=r"competitor|Competitor"):
        handoffs.hand_over(lead, by=mia, now=tuesday)


def test_a_named_owner_gets_it(asks: MakeLead, mia: User, sam: User, nia: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    Company.objects.filter(pk=lead.company_id).update(owner=nia)
    handed = handoffs.hand_over(lead, by=mia, now=tuesday)
    assert (handed.owner, handed.to_team) == (nia, nia.team)
    assert handed.routing["reasons"] == ["Kern is looked after by Nia Novak."]


def test_a_colleague_joins_the_same_rep(
    asks: MakeLead, mia: User, sam: User, nia: User, handed: Handoff, tuesday: datetime
) -> None:
    second = handoffs.hand_over(asks("Paul Port", at=tuesday), by=mia, now=tuesday)
    assert (second.owner, second.joins) == (sam, handed)
    assert second.routing["reasons"] == ["Joins Karin Kern of Kern, who is with Sam Becker."]


# --- decisions


def test_accepting_stops_the_decision_s_clock(handed: Handoff, sam: User, tuesday: datetime) -> None:
    round_ = accept(handed, by=sam, now=tuesday + 42 * MINUTE)
    assert round_ is not None
    assert (round_.decision, round_.decided_by, round_.decided_at) == ("accepted", sam, tuesday + 42 * MINUTE)
    decide = clock(handed, "decide")
    assert (decide.outcome, decide.used_seconds, decide.waited_seconds) == ("met", 42 * 60.0, 42 * 60.0)
    assert clock(handed, "first_follow_up").outcome == "running"


def test_exactly_at_the_due_time_is_in_time(handed: Handoff, sam: User) -> None:
    accept(handed, by=sam, now=berlin(2026, 3, 3, 14, 0))
    assert clock(handed, "decide").outcome == "met"


def test_a_second_after_the_due_time_is_late(handed: Handoff, sam: User) -> None:
    accept(handed, by=sam, now=berlin(2026, 3, 3, 14, 0, 1))
    late = clock(handed, "decide")
    assert (late.outcome, late.breached_at, late.responsible) == ("late", berlin(2026, 3, 3, 14, 0), sam)


def test_rejecting_cancels_what_is_not_due_and_misses_what_is(handed: Handoff, sam: User, tuesday: datetime) -> None:
    reject(handed, by=sam, now=tuesday + 3 * MINUTE)
    assert clock(handed, "first_follow_up").outcome == "cancelled"


def test_rejecting_after_the_due_time_leaves_a_miss(handed: Handoff, sam: User, tuesday: datetime) -> None:
    reject(handed, by=sam, now=tuesday + 6 * MINUTE)
    missed = clock(handed, "first_follow_up")
    assert (missed.outcome, missed.breached_at) == ("missed", berlin(2026, 3, 3, 10, 5))


def test_the_second_answer_is_too_late(handed: Handoff, sam: User, sue: User, tuesday: datetime) -> None:
    stale = Handoff.objects.get(pk=handed.pk)
    assert accept(handed, by=sam, now=tuesday)
    assert reject(stale, by=sue, now=tuesday) is None
    assert Handoff.objects.get(pk=handed.pk).decision == "accepted"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_reps_at_the_same_moment_one_wins(handed: Handoff, sam: User, sue: User, tuesday: datetime) -> None:
    start = threading.Barrier(2)
    won: list[tuple[User, Round | None]] = []

    def decide(by: User, decision: str) -> None:
        try:
            mine = Handoff.objects.get(pk=handed.pk)
            start.wait(timeout=10)
            reason = "no_need" if decision == Decision.REJECTED else ""
            won.append((by, handoffs.record_decision(mine, decision=decision, by=by, now=tuesday, reason=reason)))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=decide, args=(sam, Decision.ACCEPTED)),
        threading.Thread(target=decide, args=(sue, Decision.REJECTED)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    winners = [by for by, round_ in won if round_ is not None]
    assert len(won) == 2
    assert len(winners) == 1
    assert handed.rounds.get().decided_by == winners[0]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_handovers_at_the_same_moment_one_wins(asks: MakeLead, sam: User, mia: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday)
    start = threading.Barrier(2)
    heard: list[str] = []

    def hand_over() -> None:
        try:
            start.wait(timeout=10)
            handoffs.hand_over(lead, by=mia, now=tuesday)
            heard.append("handed over")
        except handoffs.HandoverRefused as refused:
            heard.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=hand_over) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(heard) == ["Already handed over: it is with Sam Becker.", "handed over"]
    assert Handoff.objects.count() == 1


def test_undo_lets_the_clocks_run_on(handed: Handoff, sam: User, tuesday: datetime) -> None:
    before = {each.measure: each.due_at for each in Clock.objects.filter(handoff=handed, side="sales")}
    round_ = reject(handed, by=sam, now=tuesday + 2 * MINUTE)
    assert round_ is not None
    assert handoffs.withdraw_decision(round_, now=tuesday + 3 * MINUTE)
    handed.refresh_from_db()
    assert (handed.decision, handed.decided_at) == ("", None)
    running = Clock.objects.filter(handoff=handed, side="sales")
    assert {each.outcome for each in running} == {"running"}
    assert {each.measure: each.due_at for each in running} == before
    assert handed.rounds.get().reason == ""
    assert not handoffs.withdraw_decision(round_, now=tuesday + 3 * MINUTE)
    assert accept(handed, by=sam, now=tuesday + 4 * MINUTE)


def test_undo_leaves_a_follow_up_that_was_made(handed: Handoff, sam: User, tuesday: datetime) -> None:
    now = tuesday + 2 * MINUTE
    handoffs.record_follow_up(handed, at=now, counts_as_attempt=True, reached=True, now=now)
    round_ = accept(handed, by=sam, now=now)
    assert round_ is not None
    handoffs.withdraw_decision(round_, now=now + MINUTE)
    assert clock(handed, "first_follow_up").outcome == "met"
    assert clock(handed, "decide").outcome == "running"


def test_undo_is_over_once_something_followed(handed: Handoff, sam: User, tuesday: datetime) -> None:
    round_ = reject(handed, by=sam, now=tuesday)
    assert round_ is not None
    handoffs.return_to_marketing(handed, now=tuesday + MINUTE)
    assert not handoffs.withdraw_decision(round_, now=tuesday + 2 * MINUTE)


# --- the team's queue


def test_nobody_available_puts_it_into_the_queue_and_tells_the_manager(
    asks: MakeLead, mia: User, north: Team, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    assert (handed.owner, handed.to_team) == (None, north)
    assert clock(handed, "decide").owner is None
    assert clock(handed, "decide").team == north
    told = Message.objects.get(recipient=sue, channel="in_app")
    assert told.subject == "Nobody is available: Kern, Karin Kern waits in the team's queue"


def test_accepting_out_of_the_queue_makes_an_owner_and_undo_puts_it_back(
    asks: MakeLead, mia: User, north: Team, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    round_ = accept(handed, by=sue, now=tuesday + MINUTE)
    assert round_ is not None
    assert handed.owner == sue
    assert clock(handed, "first_follow_up").owner == sue
    handoffs.withdraw_decision(round_, now=tuesday + 2 * MINUTE)
    handed.refresh_from_db()
    assert handed.owner is None
    assert clock(handed, "first_follow_up").owner is None
    assert [line.user for line in handed.assignments.filter(ended_at=None)] == [None]


def test_claiming_is_first_come(asks: MakeLead, mia: User, north: Team, sue: User, tuesday: datetime) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    assert handoffs.claim(handed, by=sue, now=tuesday)
    assert not handoffs.claim(handed, by=mia, now=tuesday)
    assert handed.owner == sue


def test_what_was_rerouted_or_rejected_meanwhile_is_not_claimed(
    asks: MakeLead, mia: User, north: Team, south: Team, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    rerouted = handoffs.hand_over(asks("Olaf Orth", at=tuesday, domain="orth.example"), by=mia, now=tuesday)
    stale = Handoff.objects.get(pk=rerouted.pk)
    handoffs.reroute(rerouted, team=south, now=tuesday)
    assert not handoffs.claim(stale, by=sue, now=tuesday)
    reject(handed, by=sue, now=tuesday)
    assert not handoffs.claim(handed, by=sue, now=tuesday)
    assert not Handoff.objects.exclude(owner=None).exists()


def test_claiming_gives_what_is_due_first(asks: MakeLead, mia: User, north: Team, sue: User, tuesday: datetime) -> None:
    late = handoffs.hand_over(asks("Olaf Orth", at=tuesday, domain="orth.example"), by=mia, now=tuesday)
    handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday + 2 * MINUTE)
    assert handoffs.claim_next(by=sue, now=tuesday + 3 * MINUTE) == late


def test_reassigning_keeps_the_clocks(handed: Handoff, sam: User, sue: User, nia: User, tuesday: datetime) -> None:
    due = clock(handed, "decide").due_at
    assert handoffs.reassign(handed, to=nia, by=sue, now=tuesday + MINUTE)
    assert (handed.owner, handed.to_team) == (nia, nia.team)
    assert (clock(handed, "decide").due_at, clock(handed, "decide").owner) == (due, nia)
    assert not handoffs.reassign(handed, to=nia, by=sue, now=tuesday + MINUTE)
    assert set(Message.objects.filter(event__contains="reassigned").values_list("recipient", flat=True)) == {
        sam.pk,
        nia.pk,
    }


def test_reassigning_needs_somebody_of_sales(handed: Handoff, sue: User, mia: User, tuesday: datetime) -> None:
    with pytest.raises(handoffs.HandoverRefused, match="Mia Albrecht is not an active member of a sales team"):
        handoffs.reassign(handed, to=mia, by=sue, now=tuesday)


# --- back and again


def test_fixed_and_sent_again_is_the_next_round(handed: Handoff, sam: User, mia: User, tuesday: datetime) -> None:
    reject(handed, by=sam, now=tuesday + 2 * MINUTE)
    assert handoffs.return_to_marketing(handed, now=tuesday + 3 * MINUTE)
    assert not handoffs.return_to_marketing(handed, now=tuesday + 3 * MINUTE)
    fix = clock(handed, "fix")
    # A working day of the hot calendar is 8 h 30: from the rejection to the same time tomorrow.
    assert (fix.started_at, fix.due_at, fix.side) == (tuesday + 2 * MINUTE, berlin(2026, 3, 4, 10, 2), "marketing")
    Lead.objects.filter(pk=handed.lead_id).update(phone="+49 30 123")
    wednesday = berlin(2026, 3, 4, 9, 30)
    round_ = handoffs.send_again(handed, by=mia, now=wednesday)
    assert (round_.number, round_.opened_because, round_.owner) == (2, "fixed", sam)
    assert round_.person["phone"] == "+49 30 123"
    assert handed.rounds.get(number=1).person["phone"] == ""
    assert (handed.decision, handed.is_returned, handed.round) == ("", False, 2)
    assert clock(handed, "fix", 1).outcome == "met"
    assert clock(handed, "decide").due_at == berlin(2026, 3, 4, 13, 30)
    # Two of the five minutes were used when it was rejected; three are left.
    assert clock(handed, "first_follow_up").due_at == berlin(2026, 3, 4, 9, 33)
    subject = "Fixed and with you again (hot): Kern, Karin Kern"
    assert Message.objects.filter(recipient=sam, subject=subject, channel="in_app").count() == 1
    with pytest.raises(handoffs.HandoverRefused, match="not with you"):
        handoffs.send_again(handed, by=mia, now=wednesday)


def test_a_lead_that_was_followed_up_owes_only_a_decision_again(
    handed: Handoff, sam: User, mia: User, tuesday: datetime
) -> None:
    handoffs.record_follow_up(handed, at=tuesday, counts_as_attempt=True, reached=False, now=tuesday)
    reject(handed, by=sam, now=tuesday + MINUTE)
    handoffs.return_to_marketing(handed, now=tuesday + 2 * MINUTE)
    handoffs.send_again(handed, by=mia, now=tuesday + HOUR)
    assert list(Clock.objects.filter(handoff=handed, round=2).values_list("measure", flat=True)) == ["decide"]


def test_withdrawing_ends_the_fix(handed: Handoff, sam: User, mia: User, tuesday: datetime) -> None:
    reject(handed, by=sam, now=tuesday)
    handoffs.return_to_marketing(handed, now=tuesday)
    assert handoffs.withdraw(handed, by=mia, now=tuesday + HOUR)
    assert clock(handed, "fix").outcome == "met"
    assert (handed.closed_because, handed.is_returned) == ("withdrawn", False)
    assert handed.lead.cycle == 2


def test_what_sales_accepted_cannot_be_withdrawn(handed: Handoff, sam: User, mia: User, tuesday: datetime) -> None:
    accept(handed, by=sam, now=tuesday)
    assert not handoffs.withdraw(handed, by=mia, now=tuesday)
    assert Handoff.objects.get(pk=handed.pk).closed_at is None


def test_after_a_rejection_only_its_reason_says_what_follows(
    handed: Handoff, sam: User, mia: User, tuesday: datetime
) -> None:
    reject(handed, by=sam, now=tuesday)
    assert not handoffs.withdraw(handed, by=mia, now=tuesday + MINUTE)
    assert Handoff.objects.get(pk=handed.pk).closed_at is None
    assert Lead.objects.get(pk=handed.lead_id).cycle == 1


def test_rerouting_opens_a_round_in_the_other_team_and_credits_the_turn_back(
    handed: Handoff, sam: User, nia: User, south: Team, tuesday: datetime
) -> None:
    reject(handed, by=sam, now=tuesday + MINUTE, reason="wrong_territory")
    round_ = handoffs.reroute(handed, team=south, by=sam, now=tuesday + 2 * MINUTE)
    assert round_ is not None
    assert (round_.opened_because, round_.owner, round_.to_team) == ("rerouted", nia, south)
    assert (handed.owner, handed.to_team, handed.decision) == (nia, south, "")
    assert clock(handed, "decide").due_at == berlin(2026, 3, 3, 14, 2)
    assert clock(handed, "decide").owner == nia
    assert Assignment.objects.get(user=sam).credited_back
    assert not Assignment.objects.get(user=nia).credited_back


def test_a_turn_is_credited_back_at_most_twice(
    asks: MakeLead, sam: User, nia: User, south: Team, mia: User, tuesday: datetime
) -> None:
    for name in ("Ada One", "Bea Two", "Cora Three"):
        domain = f"{name.split()[1].lower()}.example"
        handed = handoffs.hand_over(asks(name, at=tuesday, domain=domain), by=mia, now=tuesday)
        reject(handed, by=sam, now=tuesday, reason="wrong_territory")
        handoffs.reroute(handed, team=south, now=tuesday)
    assert Assignment.objects.filter(user=sam, credited_back=True).count() == 2


# --- what came of it


def test_the_first_follow_up_stops_its_clock_when_it_happened(handed: Handoff, tuesday: datetime) -> None:
    handoffs.record_follow_up(
        handed, at=tuesday + 4 * MINUTE, counts_as_attempt=True, reached=False, now=tuesday + 30 * MINUTE
    )
    handoffs.record_follow_up(
        handed, at=tuesday + 3 * HOUR, counts_as_attempt=True, reached=True, now=tuesday + 3 * HOUR
    )
    follow_up = clock(handed, "first_follow_up")
    assert (follow_up.outcome, follow_up.stopped_at) == ("met", tuesday + 4 * MINUTE)
    assert (handed.first_follow_up_at, handed.attempts) == (tuesday + 4 * MINUTE, 2)
    assert (handed.last_follow_up_at, handed.reached_at) == (tuesday + 3 * HOUR, tuesday + 3 * HOUR)


def test_a_follow_up_logged_late_in_time_retracts_the_breach(handed: Handoff, tuesday: datetime) -> None:
    escalation.sweep(now=tuesday + 20 * MINUTE)
    handoffs.record_follow_up(
        handed, at=tuesday + 4 * MINUTE, counts_as_attempt=True, reached=False, now=tuesday + 30 * MINUTE
    )
    follow_up = clock(handed, "first_follow_up")
    assert (follow_up.outcome, follow_up.entered_late) == ("met", True)
    assert follow_up.breached_at == follow_up.due_at


def test_a_follow_up_without_proof_counts_when_logged_until_it_is_confirmed(handed: Handoff, tuesday: datetime) -> None:
    stated, logged = tuesday + 4 * MINUTE, tuesday + 5 * HOUR
    handoffs.record_follow_up(handed, at=stated, counts_as_attempt=True, reached=False, now=logged, in_time_proof=False)
    assert clock(handed, "first_follow_up").outcome == "late"
    assert handoffs.confirm_follow_up(handed, at=stated, now=logged + HOUR)
    confirmed = clock(handed, "first_follow_up")
    assert (confirmed.outcome, confirmed.entered_late, confirmed.stopped_at) == ("met", True, stated)
    assert not handoffs.confirm_follow_up(handed, at=stated, now=logged + HOUR)


def test_confirming_what_was_late_anyway_changes_nothing(handed: Handoff, tuesday: datetime) -> None:
    stated = tuesday + 10 * MINUTE
    handoffs.record_follow_up(
        handed, at=stated, counts_as_attempt=True, reached=False, now=tuesday + 5 * HOUR, in_time_proof=False
    )
    assert not handoffs.confirm_follow_up(handed, at=stated, now=tuesday + 6 * HOUR)


def test_outcomes_are_moments_with_revenue(handed: Handoff, sam: User, tuesday: datetime) -> None:
    accept(handed, by=sam, now=tuesday)
    handoffs.record_outcome(handed, kind="meeting", at=tuesday + HOUR, now=tuesday + HOUR)
    handoffs.record_outcome(handed, kind="opportunity", at=tuesday + 2 * HOUR, now=tuesday + 2 * HOUR)
    handoffs.record_outcome(
        handed, kind="won", at=tuesday + 3 * HOUR, now=tuesday + 3 * HOUR, revenue=Decimal(4800), currency="EUR"
    )
    assert (handed.meeting_at, handed.opportunity_at, handed.won_at) == (
        tuesday + HOUR,
        tuesday + 2 * HOUR,
        tuesday + 3 * HOUR,
    )
    assert (handed.revenue, handed.currency) == (Decimal("4800.00"), "EUR")
    assert handoffs.close(handed, because="won", now=tuesday + 3 * HOUR)
    assert not handoffs.close(handed, because="won", now=tuesday + 3 * HOUR)
    handoffs.record_outcome(handed, kind="lost", at=tuesday + 4 * HOUR, now=tuesday + 4 * HOUR)
    assert (handed.closed_because, handed.won_at, handed.revenue) == ("lost", None, None)


def test_won_before_the_first_contact_is_kept_and_flagged(handed: Handoff, sam: User, tuesday: datetime) -> None:
    accept(handed, by=sam, now=tuesday)
    handoffs.record_outcome(handed, kind="won", at=tuesday - timedelta(days=9), now=tuesday)
    assert handed.flag == "Won before its first contact"


def test_giving_back_keeps_the_decision(handed: Handoff, sam: User, tuesday: datetime) -> None:
    assert not handoffs.record_giving_back(handed, reason="no_need", blames_marketing=False, by=sam, now=tuesday)
    accept(handed, by=sam, now=tuesday)
    assert handoffs.record_giving_back(handed, reason="no_need", blames_marketing=False, by=sam, now=tuesday + MINUTE)
    assert (handed.decision, handed.given_back_reason) == ("accepted", "no_need")
    assert clock(handed, "first_follow_up").outcome == "cancelled"


# --- the sweep


def test_the_sweep_hands_over_what_is_qualified(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    asks(at=tuesday)
    asks("Olaf Orth", at=tuesday, domain="orth.example", country="BR")
    assert handoffs.hand_over_ready(now=tuesday) == handoffs.Swept(1, 0, 0)
    handed = Handoff.objects.get()
    assert (handed.handed_over_by, handed.owner) == (None, sam)
    assert handoffs.hand_over_ready(now=tuesday) == handoffs.Swept(0, 0, 0)


def test_the_sweep_leaves_leads_to_marketing_where_that_was_agreed(
    asks: MakeLead, sam: User, tuesday: datetime
) -> None:
    Agreement.objects.update(hands_over_automatically=False)
    asks(at=tuesday)
    assert handoffs.hand_over_ready(now=tuesday) == handoffs.Swept(0, 0, 0)


def test_the_first_agreement_that_holds_says_whether_it_is_automatic(
    asks: MakeLead, sam: User, tuesday: datetime
) -> None:
    seed = Agreement.objects.get()
    Agreement.objects.create(
        version=1,
        name="Austria",
        status="active",
        position=1,
        scope={"field": "country", "op": "is", "value": "AT"},
        timezone="Europe/Vienna",
        calendar=seed.calendar,
        definition=seed.definition,
        in_force_from=seed.in_force_from,
        hands_over_automatically=False,
        created_at=tuesday,
    )
    asks(at=tuesday, country="AT")
    german = asks("Olaf Orth", at=tuesday, domain="orth.example")
    handoffs.hand_over_ready(now=tuesday)
    assert Handoff.objects.get().lead == german


def test_a_failure_is_put_off_longer_each_time_and_says_why(asks: MakeLead, tuesday: datetime) -> None:
    lead = asks(at=tuesday)  # there is no sales team
    assert handoffs.hand_over_ready(now=tuesday) == handoffs.Swept(0, 1, 0)
    lead.refresh_from_db()
    assert "no sales team" in lead.handover_error
    assert (lead.handover_failures, lead.handover_not_before) == (1, tuesday + MINUTE)
    assert handoffs.hand_over_ready(now=tuesday + 30 * timedelta(seconds=1)) == handoffs.Swept(0, 0, 0)
    handoffs.hand_over_ready(now=tuesday + MINUTE)
    lead.refresh_from_db()
    assert lead.handover_not_before == tuesday + 3 * MINUTE


def test_one_bad_lead_does_not_stop_the_others(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    bad = asks(at=tuesday)
    Company.objects.filter(pk=bad.company_id).update(relation="competitor")
    good = asks("Olaf Orth", at=tuesday, domain="orth.example")
    swept = handoffs.hand_over_ready(now=tuesday)
    assert (swept.handed_over, swept.refused + swept.failed) == (1, 1)
    assert Handoff.objects.get().lead == good


def test_a_full_team_keeps_leads_waiting_but_never_hot_ones(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    Capacity.objects.create(user=sam, open_at_most=1)
    asks(at=tuesday)
    warm = asks("Olaf Orth", at=tuesday, domain="orth.example")
    hot = asks("Ida Iven", at=tuesday + MINUTE, domain="iven.example")
    Lead.objects.filter(pk=warm.pk).update(temperature="warm")
    assert handoffs.hand_over_ready(now=tuesday + MINUTE) == handoffs.Swept(2, 1, 0)
    assert Handoff.objects.get(lead=hot).owner is None
    warm.refresh_from_db()
    assert (warm.stage, warm.handover_failures) == (Stage.QUALIFIED, 0)
    assert "no room" in warm.handover_error


def test_after_a_withdrawal_the_sweep_leaves_the_lead_alone(handed: Handoff, mia: User, tuesday: datetime) -> None:
    handoffs.withdraw(handed, by=mia, now=tuesday + MINUTE)
    assert handoffs.hand_over_ready(now=tuesday + HOUR) == handoffs.Swept(0, 0, 0)


def test_a_first_follow_up_that_was_missed_is_not_owed_again(
    handed: Handoff, sam: User, mia: User, tuesday: datetime
) -> None:
    reject(handed, by=sam, now=tuesday + 6 * MINUTE)
    handoffs.return_to_marketing(handed, now=tuesday + 7 * MINUTE)
    handoffs.send_again(handed, by=mia, now=tuesday + 60 * MINUTE)
    followed = Clock.objects.filter(handoff=handed, measure="first_follow_up")
    assert [(one.round, one.outcome) for one in followed] == [(1, "missed")]
    assert clock(handed, "decide").round == 2
