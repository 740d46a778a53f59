"""What-ifs on twelve handoffs of which every figure is known; long ones, period by period, through deaths and stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError

from leadsla.accounts.models import User
from sla import what_if
from sla.models import WhatIf
from sla.tasks import resume_what_ifs, run_what_if
from sla.what_if import Counts, Question, Share
from tests.sla.contract_facts import Contract, at, make_contract
from tests.sla.planner_facts import DAYS, NOW, twelve

# By hand: 12 is an override. Decided without 8, whose reason does not count. Ripe without 11.
AS_IT_WAS = Counts(
    sent=11,
    counted=11,
    decided=10,
    accepted=7,  # 1 2 5 6 7 10 11
    rejected=4,  # 3 4 8 9
    worked=7,
    opportunities=5,  # won counts as one: 1 2 6 7 10
    customers=4,  # within 30 days: 1 6 7 10
    ripe=10,
    ripe_customers=4,
    follow_ups=5,  # 1 2 5 6 9; the others are cancelled
    follow_ups_met=3,  # 1 2 5
    decisions=11,
    decisions_met=11,
)


@pytest.fixture
def contract(db: None) -> Contract:
    made = make_contract()
    twelve(made)
    return made


def replay(contract: Contract, question: Question) -> what_if.Answer:
    return what_if.answer(contract.agreement, question, days=DAYS, now=NOW)


def test_without_a_change_the_past_stays_as_it_was(contract: Contract) -> None:
    found = replay(contract, Question())
    assert found.before == AS_IT_WAS
    assert found.after == AS_IT_WAS
    assert [(each.start.isoformat(), each.before.sent) for each in found.periods] == [
        ("2026-02-01", 8),
        ("2026-03-01", 3),
    ]
    assert found.nurtured == 0


def test_contested_rejections_cost_time_too_and_overturned_ones_are_worked_on(db: None) -> None:
    contract = make_contract()
    made = twelve(contract)
    contested = {"contested_at": at("2026-02-05 09:00"), "ruling_due_at": at("2026-02-12 09:00")}
    made[2].rounds.update(**contested, ruling="neither", ruled_at=at("2026-02-12 09:00"))
    made[3].rounds.update(**contested, ruling="overturned", ruled_at=at("2026-02-06 09:00"))
    found = replay(contract, Question()).before
    # 3 counts for neither side and 4 as accepted: rejected are 3, 8 and 9.
    assert (found.decided, found.accepted, found.rejected, found.worked) == (9, 8, 3, 8)


def test_a_higher_line_keeps_leads_in_nurturing(contract: Contract) -> None:
    found = replay(contract, Question(threshold=Decimal(110)))
    assert found.before == AS_IT_WAS
    # 1 (105), 3 (95) and 8 (108) stay; 4 and 5 stand on the line; 7 asked to be contacted and needs no score.
    assert found.after == Counts(
        sent=8,
        counted=8,
        decided=8,
        accepted=6,
        rejected=2,
        worked=6,
        opportunities=4,
        customers=3,
        ripe=7,
        ripe_customers=3,
        follow_ups=4,
        follow_ups_met=2,
        decisions=8,
        decisions_met=8,
    )
    assert found.nurtured == 3
    assert what_if.share_accepted(found.after) == Share(6, 8)
    low, high = what_if.share_accepted(found.after).interval or (0.0, 0.0)
    assert (round(low, 3), round(high, 3)) == (0.409, 0.929)  # Wilson's interval of 6 in 8
    assert what_if.share_customers(found.after).value == pytest.approx(3 / 7)


def test_another_required_criterion_asks_for_what_the_pack_knew(contract: Contract) -> None:
    found = replay(contract, Question(required=("budget",)))
    # 3, 4 and 9 had no budget; 7 had none either, but asked to be contacted.
    assert (found.after.sent, found.after.rejected, found.after.customers) == (8, 1, 4)
    assert replay(contract, Question(required=("budget",), for_asked=True)).after.sent == 7
    assert replay(contract, Question(required=("budget", "industry"))).after.sent == 8


def test_a_criterion_less_brings_nobody_back(contract: Contract) -> None:
    assert replay(contract, Question(dropped=("industry",))).after == AS_IT_WAS


def test_another_time_counts_the_answers_that_were_quick_enough(contract: Contract) -> None:
    quick = replay(contract, Question(measure="first_follow_up", minutes=45)).after
    assert (quick.follow_ups, quick.follow_ups_met) == (5, 2)  # 20 and 40 min; 50 is too late now
    slow = replay(contract, Question(measure="first_follow_up", minutes=500)).after
    assert (slow.follow_ups, slow.follow_ups_met) == (5, 4)  # exactly 500 min is in time
    others = replay(contract, Question(measure="first_follow_up", temperature="hot", minutes=1)).after
    assert (others.follow_ups, others.follow_ups_met) == (5, 3)
    assert quick.sent == AS_IT_WAS.sent


def test_above_the_capacity_the_later_ones_are_held_back(contract: Contract) -> None:
    month = replay(contract, Question(per_period=5))
    assert [each.after.sent for each in month.periods] == [5, 3]
    assert month.after.customers == 2  # 1 and 10; 6 and 7 came too late in February
    day = replay(contract, Question(per_day=1))
    assert day.after.sent == 10  # 3 came on the day of 2
    both = replay(contract, Question(per_period=2, per_day=1))
    assert [each.after.sent for each in both.periods] == [2, 2]
    assert both.after.rejected == 1  # 1 and 2, 9 and 10


def test_capacity_counts_those_that_pass_the_line(contract: Contract) -> None:
    found = replay(contract, Question(threshold=Decimal(110), per_period=3))
    # February: 2 4 5 of 2 4 5 6 7; March: 9 10 11.
    assert [each.after.sent for each in found.periods] == [3, 3]
    assert found.after.rejected == 2


def test_a_later_version_of_the_agreement_shares_its_past(contract: Contract) -> None:
    first = contract.agreement
    first.status, first.in_force_until = "superseded", at("2026-04-01 00:00")
    first.save()
    first.pk, first.version, first.status = None, 2, "active"
    first.public_id = "6f1f0a52-32c8-4f3c-9d0e-111111111111"
    first.in_force_from, first.in_force_until = at("2026-04-01 00:00"), None
    first.save(force_insert=True)
    assert what_if.answer(first, Question(), days=DAYS, now=NOW).before == AS_IT_WAS


def test_what_happens_later_is_not_known(contract: Contract) -> None:
    found = what_if.answer(contract.agreement, Question(), days=DAYS, now=at("2026-03-01 08:00"))
    assert (found.before.sent, found.before.customers, found.before.ripe) == (8, 3, 0)


def test_before_the_first_month_is_over_it_is_all_there_is(contract: Contract) -> None:
    found = what_if.answer(contract.agreement, Question(), days=DAYS, now=at("2026-02-04 12:00"))
    assert [(each.start.isoformat(), each.before.sent) for each in found.periods] == [("2026-02-01", 4)]


def test_without_handoffs_there_is_nothing_to_replay(db: None) -> None:
    agreement = make_contract().agreement
    assert what_if.past(agreement, now=NOW) == []
    assert what_if.answer(agreement, Question(), days=DAYS, now=NOW).before == Counts()


def test_questions_are_written_and_read() -> None:
    asked = Question(Decimal("110.5"), ("budget",), ("industry",), True, "decide", "warm", 30, 80, 4)
    assert Question.read(asked.as_json()) == asked
    assert Question.read(Question().as_json()).is_empty


# --- in the background


def asked(contract: Contract, by: User, at_: datetime = NOW) -> WhatIf:
    return what_if.ask(contract.agreement, Question(threshold=Decimal(110)), days=DAYS, by=by, now=at_)


def after(minutes: int) -> Callable[[], datetime]:
    return lambda: NOW + timedelta(minutes=minutes)


def test_a_run_finds_what_is_found_at_once(contract: Contract, sue: User) -> None:
    run = asked(contract, sue)
    assert (run.status, run.done, run.of) == ("waiting", 0, 12)
    done = what_if.run_through(run.pk, now=after(1))
    assert (done.status, done.done, done.of, done.finished_at) == ("done", 12, 12, NOW + timedelta(minutes=1))
    at_once = replay(contract, Question(threshold=Decimal(110)))
    assert what_if.read(done) == at_once
    assert what_if.answered(contract.agreement, at_once.question, days=DAYS, now=NOW) == at_once
    assert what_if.answered(contract.agreement, Question(), days=DAYS, now=NOW) is None
    assert what_if.answered(contract.agreement, at_once.question, days=DAYS, now=NOW + timedelta(days=2)) is None


def test_a_run_whose_worker_died_goes_on_where_it_stopped(
    contract: Contract, sue: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asked(contract, sue)

    def dies_in_march() -> datetime:
        run.refresh_from_db()
        if run.done:
            raise OperationalError("the worker is gone")
        return NOW + timedelta(minutes=1)

    with pytest.raises(OperationalError):
        what_if.run_through(run.pk, now=dies_in_march)
    run.refresh_from_db()
    assert (run.status, run.done) == ("running", 8)
    assert len(what_if.read(run).periods) == 1
    assert what_if.stopped(now=NOW + timedelta(minutes=2)) == []
    assert what_if.stopped(now=NOW + timedelta(minutes=4)) == [run.pk]
    done = what_if.run_through(run.pk, now=after(5))
    assert (done.status, done.done) == ("done", 12)
    assert what_if.read(done).after.sent == 8


def test_a_cancelled_run_stops_and_stays_so(contract: Contract, sue: User) -> None:
    run = asked(contract, sue)

    def somebody_cancels() -> datetime:
        run.refresh_from_db()
        if run.done:
            assert what_if.cancel(run, now=NOW + timedelta(minutes=1))
        return NOW

    stopped = what_if.run_through(run.pk, now=somebody_cancels)
    assert (stopped.status, stopped.done) == ("cancelled", 8)
    assert what_if.run_through(run.pk, now=after(9)).status == "cancelled"
    assert not what_if.cancel(run, now=NOW)
    assert what_if.stopped(now=NOW + timedelta(days=1)) == []


def test_a_run_that_breaks_says_so_and_is_not_taken_up_again(contract: Contract, sue: User) -> None:
    run = asked(contract, sue)
    WhatIf.objects.filter(pk=run.pk).update(question={"nobody": "asked this"})
    broken = what_if.run_through(run.pk, now=after(1))
    assert broken.status == "failed"
    assert "Ask again" in broken.error
    assert what_if.stopped(now=NOW + timedelta(days=1)) == []


def test_the_worker_replays_and_a_tick_takes_up_what_waits(contract: Contract, sue: User, settings: object) -> None:
    settings.LEADSLA_NOW = "2026-04-15T10:00"  # type: ignore[attr-defined]
    waits = asked(contract, sue, NOW - timedelta(minutes=5))
    assert resume_what_ifs() == 1
    assert run_what_if(waits.pk) == "done"
    assert resume_what_ifs() == 0
