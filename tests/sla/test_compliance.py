"""Each measure against cases counted by hand, status words, periods, replay, late facts, and a slow reference."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from sla import acceptance, compliance, gate, measures, scoreboard
from sla.compliance import recompute, replay
from sla.judgement import Figures, cases_needed, judge_count, judge_rate
from sla.models import AcceptanceRate, Agreement, Compliance, ComplianceStatus, Handoff, Target
from sla.scoreboard import Handshake
from sla.statistics import Beta, Gamma
from tests.sla.contract_facts import Contract, at, make_contract

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL_NOON = at("2026-04-01 12:00")


@pytest.fixture
def contract(db: None) -> Contract:
    Agreement.objects.all().delete()
    return make_contract()


def row(measure: str, start: date = MARCH) -> Compliance:
    return Compliance.objects.get(commitment__measure=measure, period_start=start)


def figures(measure: str, start: date = MARCH) -> tuple[int, int, int, int]:
    """Return kept, cases, open and left out."""
    found = row(measure, start)
    return found.kept, found.cases, found.open_cases, found.left_out


# --- quantity


def test_quantity_counts_what_went_through_a_door(contract: Contract) -> None:
    contract.handed(at("2026-03-03 10:00"))
    contract.handed(at("2026-03-04 10:00"), rejected=at("2026-03-04 11:00"))
    contract.handed(at("2026-03-05 10:00"), counts=False)  # second person of a company
    contract.handed(at("2026-03-05 11:00"), override_by=contract.owner, override_reason="met at the fair")
    contract.handed(at("2026-03-05 12:00"), door="")
    contract.handed(at("2026-03-06 10:00"), is_above_range=True)
    contract.handed(at("2026-03-06 11:00"), closed_at=at("2026-03-06 12:00"), closed_because="withdrawn")
    contract.handed(at("2026-03-06 10:00"), is_notice=True)
    contract.handed(at("2026-03-06 10:00"), origin="import")
    contract.handed(at("2026-02-27 10:00"))
    recompute(now=at("2026-03-09 12:00"))
    assert figures("quantity") == (3, 3, 0, 4)
    assert row("quantity").value == 3.0


def test_a_handoff_belongs_to_the_month_of_the_agreements_zone(contract: Contract) -> None:
    contract.handed(at("2026-04-01 00:00") - timedelta(microseconds=1))
    contract.handed(at("2026-04-01 00:00"))
    recompute(now=APRIL_NOON)
    recompute(now=APRIL_NOON, period=MARCH)
    assert figures("quantity", MARCH)[0] == 1
    assert figures("quantity", date(2026, 4, 1))[0] == 1


# --- accepted and kept


def test_accepted_counts_the_last_decision_of_each_handoff(contract: Contract) -> None:
    yes, no = at("2026-03-03 15:00"), at("2026-03-03 16:00")
    handed = at("2026-03-03 10:00")
    contract.handed(handed, accepted=yes)
    contract.handed(handed, rejected=no)
    contract.handed(handed, rejected=no, is_counted=False)
    contract.handed(handed, accepted=yes, override_by=contract.owner)
    contract.handed(handed, accepted=yes, is_above_range=True)
    contract.handed(handed, closed_at=no, closed_because="withdrawn")
    fixed = contract.handed(handed, rejected=no, is_returned=True)
    contract.next_round(fixed, at("2026-03-04 09:00"), accepted=at("2026-03-04 10:00"))
    again = contract.handed(handed, rejected=no, is_returned=True)
    contract.next_round(again, at("2026-03-05 09:00"))
    recompute(now=at("2026-03-05 12:00"))
    assert figures("accepted") == (2, 3, 1, 4)


def test_given_back_as_not_as_defined_is_not_kept_within_ten_working_days(contract: Contract) -> None:
    yes = at("2026-03-03 10:00")  # ten working days later is Tue 17 March, 10:00
    back: dict[str, Any] = {"closed_because": "given_back", "given_back_blames_marketing": True}
    in_time, too_late = at("2026-03-17 10:00"), at("2026-03-17 10:01")
    contract.handed(yes, accepted=yes, given_back_at=in_time, closed_at=in_time, **back)
    contract.handed(yes, accepted=yes, given_back_at=too_late, closed_at=too_late, **back)
    no_blame = {"closed_because": "given_back", "given_back_at": in_time, "closed_at": in_time}
    contract.handed(yes, accepted=yes, **no_blame)
    recompute(now=at("2026-03-20 12:00"))
    assert figures("accepted") == (2, 3, 0, 0)


def test_silence_for_twice_the_decision_time_counts_as_accepted_and_stays_a_breach(contract: Contract) -> None:
    contract.handed(at("2026-03-03 10:00"))  # 8 h: due Wed 4 March 10:00, twice that Thu 5 March 10:00
    recompute(now=at("2026-03-05 09:59"))
    assert figures("accepted") == (0, 0, 1, 0)
    recompute(now=at("2026-03-05 10:00"))
    assert figures("accepted") == (1, 1, 0, 0)
    assert figures("decide") == (0, 1, 0, 0)


# --- contests


CONTESTED = {"due": at("2026-03-11 10:00")}  # five working days after Wed 4 March, 10:00


def _contested(contract: Contract, **ruling: Any) -> Handoff:
    handoff = contract.handed(at("2026-03-03 10:00"), rejected=at("2026-03-03 11:00"))
    contract.contest(handoff, at("2026-03-04 10:00"), **{**CONTESTED, **ruling})
    return handoff


def test_a_contested_rejection_is_open_until_somebody_rules(contract: Contract) -> None:
    _contested(contract)
    recompute(now=at("2026-03-04 09:59"))
    assert figures("accepted") == (0, 1, 0, 0)
    assert figures("usable_reasons") == (1, 1, 0, 0)
    recompute(now=at("2026-03-04 10:00"))
    assert figures("accepted") == (0, 0, 1, 0)
    assert figures("usable_reasons") == (0, 0, 1, 0)


def test_an_overturned_rejection_counts_as_accepted_from_the_ruling_on(contract: Contract) -> None:
    _contested(contract, ruling="overturned", ruled=at("2026-03-06 12:00"))
    recompute(now=at("2026-03-06 11:59"))
    assert figures("accepted") == (0, 0, 1, 0)
    recompute(now=at("2026-03-06 12:00"))
    assert figures("accepted") == (1, 1, 0, 0)
    assert figures("usable_reasons") == (0, 0, 0, 1)  # it is no rejection any more


def test_an_upheld_rejection_counts_against_marketing(contract: Contract) -> None:
    _contested(contract, ruling="upheld", ruled=at("2026-03-06 12:00"))
    recompute(now=at("2026-03-06 12:00"))
    assert figures("accepted") == (0, 1, 0, 0)
    assert figures("usable_reasons") == (1, 1, 0, 0)


def test_without_a_ruling_in_time_it_counts_for_neither_side(contract: Contract) -> None:
    _contested(contract)
    recompute(now=at("2026-03-11 10:00"))
    assert figures("accepted") == (0, 0, 1, 0)
    recompute(now=at("2026-03-11 10:01"))  # nobody needs to have noticed
    assert figures("accepted") == (0, 0, 0, 1)
    assert figures("usable_reasons") == (0, 0, 0, 1)


def test_neither_and_a_ruling_that_comes_too_late_are_left_out(contract: Contract) -> None:
    _contested(contract, ruling="neither", ruled=at("2026-03-11 10:00"))
    _contested(contract, ruling="overturned", ruled=at("2026-03-11 10:01"))
    recompute(now=at("2026-03-12 12:00"))
    assert figures("accepted") == (0, 0, 0, 2)
    scopes = _scopes(contract, MARCH)
    rows = measures.handoff_ids(
        scopes, now=at("2026-03-12 12:00"), measure="accepted", parts=["left_out"], note="neither"
    )
    assert len(rows) == 2


def test_an_overturned_lead_can_still_be_given_back_from_the_ruling_on(contract: Contract) -> None:
    # Ten working days after Fri 6 March, 12:00 is Fri 20 March, 12:00; after the rejection it would be the 17th.
    back: dict[str, Any] = {"given_back_blames_marketing": True, "given_back_reason": "wrong_person"}
    for given_back in (at("2026-03-20 12:00"), at("2026-03-20 12:01")):
        handoff = _contested(contract, ruling="overturned", ruled=at("2026-03-06 12:00"))
        Handoff.objects.filter(pk=handoff.pk).update(given_back_at=given_back, closed_at=given_back, **back)
    recompute(now=at("2026-03-23 12:00"))
    assert figures("accepted") == (1, 2, 0, 0)


# --- opportunities and customers


def test_opportunities_within_thirty_working_days(contract: Contract) -> None:
    handed = at("2026-03-02 09:00")  # 30 working days end Fri 10 April, 17:00
    contract.handed(handed, opportunity_at=at("2026-04-10 16:59"))
    contract.handed(handed, opportunity_at=at("2026-04-13 09:01"))
    contract.handed(handed, won_at=at("2026-03-30 09:00"))  # won says there was an opportunity
    contract.handed(handed)
    recompute(now=at("2026-03-31 12:00"), period=MARCH)
    early = row("opportunities")
    assert (early.kept, early.cases, early.open_cases) == (1, 4, 3)
    assert early.status == ComplianceStatus.EARLY
    assert early.counts_from == date(2026, 5, 12)  # 30 working days after the end of March: Tue 12 May, 17:00
    recompute(now=at("2026-05-13 12:00"), period=MARCH)
    assert figures("opportunities") == (2, 4, 0, 0)
    assert row("opportunities").status == ComplianceStatus.TOO_FEW


def test_customers_within_ninety_days_over_twelve_months(contract: Contract) -> None:
    old = contract.handed(at("2025-04-01 09:00"), won_at=at("2025-06-01 09:00"))
    contract.handed(at("2025-03-31 09:00"), won_at=at("2025-06-01 09:00"))  # more than twelve months before the end
    contract.handed(at("2025-10-01 09:00"), won_at=at("2025-12-31 09:00"))  # after 91 days
    contract.handed(at("2026-03-02 09:00"), won_at=at("2026-03-10 09:00"))  # its 90 days are not over
    recompute(now=at("2026-03-31 12:00"))
    assert figures("customers") == (1, 2, 1, 0)
    assert row("customers").status == ComplianceStatus.EARLY
    assert row("customers").counts_from == date(2026, 6, 30)
    rows = measures.handoff_ids(
        _scopes(contract, MARCH), now=at("2026-03-31 12:00"), measure="customers", parts=["kept"]
    )
    assert rows == [old.pk]
    recompute(now=at("2026-07-01 12:00"), period=MARCH)
    assert figures("customers") == (2, 3, 0, 0)


# --- clocks and reasons


def test_clocks_count_by_their_due_time(contract: Contract) -> None:
    start = at("2026-03-03 10:00")  # due Wed 4 March 10:00
    contract.clock("first_follow_up", started=start, stopped=at("2026-03-04 10:00"))  # exactly at the due time
    contract.clock("first_follow_up", started=start, stopped=at("2026-03-04 10:01"))
    contract.clock("first_follow_up", started=start)  # overdue, goes on
    contract.clock("first_follow_up", started=start, stopped=at("2026-03-03 11:00"), outcome="cancelled")
    contract.clock("first_follow_up", started=start, stopped=at("2026-03-03 11:00"), outcome="waived")
    contract.clock("first_follow_up", started=at("2026-03-05 10:00"))  # not yet due
    contract.clock("first_follow_up", started=at("2026-03-05 10:00"), stopped=at("2026-03-05 10:30"))  # met before
    contract.clock("first_follow_up", started=at("2026-03-31 16:00"), stopped=at("2026-04-01 09:30"))  # due in April
    recompute(now=at("2026-03-05 12:00"))
    found = row("first_follow_up")
    assert (found.kept, found.cases, found.open_cases, found.waived) == (2, 4, 1, 1)
    recompute(now=APRIL_NOON)
    assert figures("first_follow_up", date(2026, 4, 1)) == (1, 1, 0, 0)


def test_sales_owes_no_time_above_the_range_and_imports_are_outside(contract: Contract) -> None:
    above = contract.handed(at("2026-03-03 10:00"), is_above_range=True, has_clock=False)
    contract.clock("first_follow_up", started=at("2026-03-03 10:00"), handoff=above)
    past = contract.handed(at("2026-03-03 10:00"), origin="import", has_clock=False)
    contract.clock("first_follow_up", started=at("2026-03-03 10:00"), handoff=past)
    recompute(now=at("2026-03-10 12:00"))
    assert figures("first_follow_up") == (0, 0, 0, 1)


def test_a_paused_clock_is_open_and_one_whose_pause_is_over_runs_on(contract: Contract) -> None:
    # Started Tue 10:00 with 8 h; paused from 12:00 until Thu 10:00: 14 h of 8-hour days, so due Thu 16:00.
    paused = {"paused_at": at("2026-03-03 12:00"), "paused_until": at("2026-03-05 10:00"), "paused_seconds": 50_400.0}
    contract.clock(
        "first_follow_up", started=at("2026-03-03 10:00"), budget=timedelta(hours=22), **paused, budget_seconds=28800.0
    )
    due = at("2026-03-05 16:00")  # 6 h were left on Thu 10:00
    assert contract.agreement.clocks.get(measure="first_follow_up").due_at == due
    recompute(now=at("2026-03-05 09:00"))
    assert figures("first_follow_up") == (0, 0, 1, 0)
    assert dict(_parts(contract, "first_follow_up", at("2026-03-05 09:00")))["open"] == [("paused", 1)]
    recompute(now=due)
    assert figures("first_follow_up") == (0, 0, 1, 0)
    assert dict(_parts(contract, "first_follow_up", due))["open"] == [("running", 1)]
    recompute(now=due + timedelta(minutes=1))
    assert figures("first_follow_up") == (0, 1, 0, 0)


def test_silence_is_counted_without_the_pauses(contract: Contract) -> None:
    handoff = contract.handed(at("2026-03-03 10:00"), has_clock=False)
    paused = {"paused_at": at("2026-03-03 12:00"), "paused_until": at("2026-03-04 12:00"), "paused_seconds": 8 * 3600.0}
    contract.clock("decide", started=at("2026-03-03 10:00"), handoff=handoff, **paused)
    recompute(now=at("2026-03-06 09:59"))  # twice 8 h and a pause of 8 h: Fri 6 March, 10:00
    assert figures("accepted") == (0, 0, 1, 0)
    recompute(now=at("2026-03-06 10:00"))
    assert figures("accepted") == (1, 1, 0, 0)


def test_of_the_second_leg_only_times_of_sales_count_and_only_where_they_are_agreed(contract: Contract) -> None:
    first = contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 11:00"))
    second = contract.handed(
        at("2026-03-05 10:00"), rejected=at("2026-03-05 11:00"), leg=2, parent=first, won_at=at("2026-03-06 10:00")
    )
    contract.clock("fix", started=at("2026-03-05 11:00"), handoff=second, stopped=at("2026-03-05 12:00"))
    now = at("2026-03-09 12:00")
    recompute(now=now)
    assert [figures(measure)[:2] for measure in ("quantity", "accepted", "decide", "fix", "usable_reasons")] == [
        (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)
    ]  # fmt: skip
    assert figures("opportunities")[0] == figures("customers")[0] == 0
    Agreement.objects.update(covers_second_leg=True)
    recompute(now=now)
    assert figures("decide")[:2] == (2, 2)
    assert [figures(measure)[:2] for measure in ("quantity", "accepted", "fix")] == [(1, 1), (1, 1), (0, 0)]


def test_usable_reasons_judge_the_latest_rejection(contract: Contract) -> None:
    handed, no = at("2026-03-03 10:00"), at("2026-03-03 11:00")
    contract.handed(handed, rejected=no)
    contract.handed(handed, rejected=no, reason="other")
    contract.handed(handed, rejected=no, is_usable=False)
    fixed = contract.handed(handed, rejected=no, is_returned=True)
    contract.next_round(fixed, at("2026-03-04 09:00"), accepted=at("2026-03-04 10:00"))
    contract.handed(handed, accepted=no)
    recompute(now=at("2026-03-05 12:00"))
    assert figures("usable_reasons") == (2, 4, 0, 0)


# --- what happened until T


def test_recompute_tells_what_happened_until_then(contract: Contract) -> None:
    contract.handed(at("2026-03-03 10:00"), rejected=at("2026-03-04 12:00"))  # due 10:00: late
    recompute(now=at("2026-03-03 12:00"))
    assert figures("quantity") == (1, 1, 0, 0)
    assert figures("accepted") == (0, 0, 1, 0)
    assert figures("decide") == (0, 0, 1, 0)
    recompute(now=at("2026-03-04 11:00"))
    assert figures("decide") == (0, 1, 0, 0)
    assert figures("accepted") == (0, 0, 1, 0)
    recompute(now=at("2026-03-04 12:00"))
    assert figures("accepted") == (0, 1, 0, 0)


def test_the_same_moment_twice_gives_the_same_rows(contract: Contract) -> None:
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 11:00"))
    now = at("2026-03-05 12:00")
    assert recompute(now=now) == 9
    before = list(Compliance.objects.order_by("pk").values())
    assert recompute(now=now) == 9
    assert list(Compliance.objects.order_by("pk").values()) == before


def test_what_is_promised_no_more_is_deleted(contract: Contract) -> None:
    recompute(now=at("2026-03-05 12:00"))
    contract.agreement.targets.get(commitment__measure="customers").delete()
    recompute(now=at("2026-03-05 12:01"))
    assert not Compliance.objects.filter(commitment__measure="customers").exists()
    assert Compliance.objects.count() == 8


def test_late_facts_restate_a_settled_period_and_leave_what_was_shown(contract: Contract) -> None:
    handoff = contract.handed(at("2026-03-03 10:00"), rejected=at("2026-03-03 11:00"), is_counted=True)
    settled = at("2026-04-15 09:00")  # ten working days after March: Tue 14 April, 17:00
    recompute(now=at("2026-04-14 16:59"), period=MARCH)
    assert not row("accepted").is_settled
    recompute(now=settled, period=MARCH)
    assert (row("accepted").is_settled, row("accepted").settled_kept, row("accepted").settled_cases) == (True, 0, 1)
    handoff.rounds.update(decision="accepted", reason="")  # overturned
    Handoff.objects.filter(pk=handoff.pk).update(decision="accepted", reason="")
    recompute(now=settled + timedelta(days=1), period=MARCH)
    restated = row("accepted")
    assert (restated.kept, restated.cases) == (1, 1)
    assert (restated.settled_kept, restated.settled_cases, restated.settled_at) == (0, 1, settled)


def test_replay_fills_every_open_period_and_leaves_settled_ones(contract: Contract) -> None:
    for month in range(1, 6):
        contract.handed(at(f"2026-0{month}-12 10:00"), accepted=at(f"2026-0{month}-12 11:00"))
    replay(now=at("2026-05-20 12:00"))
    starts = set(Compliance.objects.values_list("period_start", flat=True))
    assert starts == {date(2026, month, 1) for month in range(1, 6)}
    Compliance.objects.filter(period_start=date(2026, 1, 1)).update(is_settled=True, kept=77)
    replay(now=at("2026-05-21 12:00"))
    assert row("quantity", date(2026, 1, 1)).kept == 77
    replay(now=at("2026-05-21 12:00"), everything=True)
    assert row("quantity", date(2026, 1, 1)).kept == 1


def test_an_ended_agreement_is_judged_while_its_handoffs_finish(contract: Contract) -> None:
    Agreement.objects.update(status=Agreement.Status.SUPERSEDED, in_force_until=at("2026-04-01 00:00"))
    contract.handed(at("2026-03-31 16:00"))  # its decision is due Wed 1 April, 16:00
    recompute(now=at("2026-04-02 12:00"))
    assert figures("decide", date(2026, 4, 1)) == (0, 1, 0, 0)
    recompute(now=at("2026-05-04 12:00"))
    assert not Compliance.objects.filter(period_start=date(2026, 5, 1)).exists()


def test_replay_leaves_out_what_lies_after_the_end_of_an_agreement(contract: Contract) -> None:
    contract.handed(at("2026-02-12 10:00"), accepted=at("2026-02-12 11:00"))
    Agreement.objects.update(status=Agreement.Status.ENDED, in_force_until=at("2026-03-01 00:00"))
    replay(now=at("2026-05-20 12:00"))
    assert set(Compliance.objects.values_list("period_start", flat=True)) == {date(2026, 2, 1)}


def test_history_holds_settled_periods_between_open_ones(contract: Contract) -> None:
    for month in ("01", "02"):
        for day in range(2, 8):
            contract.handed(at(f"2026-{month}-{day:02} 10:00"))
    now = at("2026-03-02 09:00")
    replay(now=now)
    expected = row("quantity").expected
    Compliance.objects.filter(period_start=date(2026, 2, 1)).update(is_settled=True)
    replay(now=now)
    assert row("quantity").expected == expected


def test_a_draft_has_no_compliance(contract: Contract) -> None:
    Agreement.objects.update(status=Agreement.Status.DRAFT, in_force_from=None)
    assert recompute(now=at("2026-03-05 12:00")) == 0


def test_a_quarter_holds_three_months(contract: Contract) -> None:
    Agreement.objects.update(period="quarter")
    for month in ("01", "02", "03"):
        contract.handed(at(f"2026-{month}-12 10:00"))
    recompute(now=at("2026-03-31 12:00"))
    assert figures("quantity", date(2026, 1, 1))[0] == 3


# --- status words


def test_quantity_is_met_as_soon_as_it_is_reached_and_missed_at_the_end() -> None:
    unknown = Gamma(0.5, 0)
    reached = judge_count(120, at_least=120, elapsed=12, left=9, prior=unknown, is_over=False)
    assert reached.status == ComplianceStatus.MET
    assert judge_count(119, at_least=120, elapsed=21, left=0, prior=unknown, is_over=True).status == "missed"


def test_quantity_is_on_track_from_three_quarters_probability() -> None:
    history = Gamma(120.5, 21)
    # 74 after 12 days: about 127 expected. 50 after 12 days: about 97.
    assert judge_count(74, at_least=120, elapsed=12, left=9, prior=history, is_over=False).status == "track"
    assert judge_count(50, at_least=120, elapsed=12, left=9, prior=history, is_over=False).status == "risk"


def test_quantity_without_history_is_too_early_until_five_are_promised_by_now() -> None:
    unknown = Gamma(0.5, 0)
    # 120 in 24 days are 5 a day.
    assert judge_count(3, at_least=120, elapsed=0.9, left=23.1, prior=unknown, is_over=False).status == "early"
    assert judge_count(3, at_least=120, elapsed=1, left=23, prior=unknown, is_over=False).status != "early"


def rate(kept: int, cases: int, at_least: float, *, is_over: bool = False, **known: Any) -> str:
    judged = judge_rate(Figures(kept, cases, **known), at_least=at_least, prior=Beta(0.5, 0.5), is_over=is_over)
    return str(judged.status)


def test_a_rate_is_too_early_until_five_cases_are_expected_on_either_side() -> None:
    assert cases_needed(0.9) == 50
    assert cases_needed(0.55) == 12
    assert rate(45, 49, 0.9, to_come=20) == "early"
    assert rate(46, 50, 0.9, to_come=20) != "early"


def test_a_rate_far_from_its_promise_is_certain_with_few_cases() -> None:
    # 10 of 20: the 95 % interval ends at 70 %, far below 90 %.
    assert rate(10, 20, 0.9, to_come=20) == "risk"
    assert rate(10, 20, 0.9, is_over=True) == "missed"


def test_at_the_end_few_cases_are_too_few_to_say() -> None:
    assert rate(4, 4, 0.9, is_over=True) == "too_few"
    assert rate(0, 0, 0.9, is_over=True) == "too_few"
    assert rate(4, 4, 0.9, is_over=True, open_cases=3) == "too_few"
    assert rate(4, 4, 0.9, is_over=True, open_cases=46) == "early"


def test_after_the_end_a_rate_is_final_when_nothing_open_can_change_it() -> None:
    assert rate(40, 60, 0.55, is_over=True) == "met"
    assert rate(20, 60, 0.55, is_over=True) == "missed"
    # 33 of 55 is 60 %; with five open the worst is 33 of 60, exactly 55 %.
    assert rate(33, 55, 0.55, is_over=True, open_cases=5) == "met"
    assert rate(33, 55, 0.55, is_over=True, open_cases=6) in {"track", "risk"}
    # Of 40 kept, ten can still be given back: 30 of 60 would be too few.
    assert rate(40, 60, 0.55, is_over=True, unsure_kept=10) in {"track", "risk"}
    assert rate(20, 60, 0.55, is_over=True, unsure_against=20) in {"track", "risk"}


def test_a_promise_of_every_time_is_missed_by_the_first_failure() -> None:
    assert rate(23, 24, 1.0, to_come=10) == "missed"
    assert rate(24, 24, 1.0, is_over=True) == "met"


def test_on_track_and_at_risk_by_what_is_to_come() -> None:
    assert rate(58, 60, 0.9, to_come=12) == "track"
    assert rate(50, 60, 0.9, to_come=12) == "risk"


def test_a_waiting_lead_of_the_past_month_leaves_the_promise_open(contract: Contract) -> None:
    for _number in range(12):
        contract.handed(at("2026-03-30 10:00"), rejected=at("2026-03-30 11:00"))
    contract.handed(at("2026-03-31 16:30"))
    recompute(now=at("2026-04-01 09:30"), period=MARCH)
    assert row("accepted").status == ComplianceStatus.MISSED  # 1 of 13 at best
    assert row("accepted").open_cases == 1


def test_history_makes_the_forecast(contract: Contract) -> None:
    for month in ("01", "02"):
        for day in range(2, 8):
            contract.handed(at(f"2026-{month}-{day:02} 10:00"))
    replay(now=at("2026-03-02 09:00"))
    found = row("quantity")
    # 6 in 22 and 6 in 20 working days; March has 22: a bit more than 6 with half a case of the prior.
    assert found.kept == 0
    assert found.expected == pytest.approx((12 / 42 * 22 + 0.5) / 22 * 22, abs=0.01)
    assert found.status == ComplianceStatus.RISK


def _parts(contract: Contract, measure: str, now: datetime) -> dict[str, list[tuple[str, int]]]:
    span = measures.period_of(contract.agreement, now.date())
    return scoreboard.parts_of([measures.scope(contract.agreement, span, now=now)], now=now, measure=measure)


# --- a version that changes the score model only


def _another_score(contract: Contract, when: datetime, *, changes_score_model_only: bool = True) -> Contract:
    """Let a version with the same promises hold from a moment on, in the place of the one before."""
    first = contract.agreement
    Agreement.objects.filter(pk=first.pk).update(status=Agreement.Status.SUPERSEDED, in_force_until=when)
    second = Agreement.objects.create(
        name=first.name, series=first.series, version=first.version + 1,
        status=Agreement.Status.ACTIVE, timezone=first.timezone,
        calendar=first.calendar, definition=first.definition, in_force_from=when, created_at=when, based_on=first,
        changes_score_model_only=changes_score_model_only,
    )  # fmt: skip
    for target in first.targets.all():
        Target.objects.create(
            agreement=second, commitment=target.commitment, position=target.position, at_least=target.at_least,
            at_most=target.at_most,
        )  # fmt: skip
    return replace(contract, agreement=second)


def _everything() -> list[tuple[Any, ...]]:
    rows = Compliance.objects.order_by("period_start", "agreement__version", "commitment__measure")
    return list(rows.values_list("agreement__version", "period_start", "commitment__measure", "kept", "cases"))


def test_a_version_with_another_score_model_does_not_split_the_month(contract: Contract) -> None:
    signed = at("2026-03-12 14:00")
    contract.handed(at("2026-02-03 10:00"), accepted=at("2026-02-03 12:00"))
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 12:00"))
    contract.handed(at("2026-03-12 13:00"))  # still under the first; its decision is due on Friday, 13:00, and overdue
    recompute(now=at("2026-02-27 12:00"))
    recompute(now=at("2026-03-11 12:00"))
    before = [line for line in _everything() if line[1] < MARCH]
    assert {line[0] for line in _everything()} == {1}

    second = _another_score(contract, signed)
    handed = second.handed(signed, rejected=at("2026-03-13 10:00"))
    second.handed(at("2026-03-16 09:00"), accepted=at("2026-03-16 10:00"))
    recompute(now=at("2026-03-17 12:00"))

    assert row("quantity").agreement == second.agreement  # and no other row of March
    assert [line for line in _everything() if line[1] < MARCH] == before
    assert len(_everything()) == 2 * len(before)
    assert figures("quantity") == (4, 4, 0, 0)
    # Two accepted, one rejected; the one without an answer was silent for twice the decision time on Monday, 13:00.
    assert figures("accepted") == (3, 4, 0, 0)
    assert figures("decide") == (3, 4, 0, 0)
    assert figures("customers") == (0, 0, 5, 0)  # all versions, twelve months
    scope = measures.scope(second.agreement, measures.period_of(second.agreement, MARCH), now=at("2026-03-17 12:00"))
    ids = measures.handoff_ids([scope], now=at("2026-03-17 12:00"), measure="accepted", parts=["against"])
    assert ids == [handed.pk]
    assert scoreboard.handshake(scope, now=at("2026-03-17 12:00")) == Handshake(2, 1, 1, 1)
    assert [one.row.kept for one in scoreboard.standings(scope) if one.row.commitment.measure == "quantity"] == [4]


def test_figures_of_a_month_with_two_versions_can_be_replayed(contract: Contract) -> None:
    contract.handed(at("2026-02-03 10:00"), accepted=at("2026-02-03 12:00"))
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 12:00"))
    second = _another_score(contract, at("2026-03-12 14:00"))
    second.handed(at("2026-03-16 09:00"), accepted=at("2026-03-16 10:00"))
    replay(now=at("2026-04-02 12:00"))
    once = _everything()
    assert {(version, start.month) for version, start, _measure, _kept, _cases in once} == {(1, 2), (2, 3), (2, 4)}
    assert [line[3] for line in once if line[2] == "quantity"] == [1, 2, 0]
    replay(now=at("2026-04-02 12:00"))
    replay(now=at("2026-04-02 12:00"), everything=True)
    recompute(now=at("2026-04-02 12:00"), period=MARCH)
    assert _everything() == once


def test_what_is_due_later_counts_under_the_version_that_then_holds(contract: Contract) -> None:
    handoff = contract.handed(at("2026-03-31 10:00"))  # due on Wednesday 1 April, 10:00
    second = _another_score(contract, at("2026-03-12 14:00"))
    assert handoff.agreement != second.agreement
    recompute(now=at("2026-04-01 10:01"))
    april = date(2026, 4, 1)
    assert row("decide", april).agreement == second.agreement
    assert figures("decide", april) == (0, 1, 0, 0)


def test_a_signed_version_that_starts_with_a_period_is_judged_by_itself(contract: Contract) -> None:
    contract.handed(at("2026-02-27 10:00"))  # due on Monday 2 March, 10:00, under the first
    second = _another_score(contract, at("2026-03-01 00:00"), changes_score_model_only=False)
    second.handed(at("2026-03-02 10:00"))
    replay(now=at("2026-03-04 12:00"))
    decided = [(line[0], line[1].month, line[4]) for line in _everything() if line[2] == "decide"]
    assert decided == [(1, 2, 0), (1, 3, 1), (2, 3, 1)]


def test_a_chain_of_score_models_is_judged_under_the_newest_of_each_month(contract: Contract) -> None:
    first = contract
    second = _another_score(first, at("2026-02-10 09:00"))
    third = _another_score(second, at("2026-03-12 14:00"))
    for one, when in ((first, "2026-02-03 10:00"), (second, "2026-03-03 10:00"), (third, "2026-03-17 10:00")):
        one.handed(at(when), accepted=at(when) + timedelta(hours=1))
    replay(now=at("2026-03-31 12:00"))
    counted = [(line[0], line[1].month, line[3]) for line in _everything() if line[2] == "quantity"]
    assert counted == [(2, 2, 1), (3, 3, 2)]


def test_acceptance_of_the_month_tells_each_handoff_once(contract: Contract) -> None:
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 12:00"))
    second = _another_score(contract, at("2026-03-12 14:00"))
    second.handed(at("2026-03-16 09:00"), rejected=at("2026-03-16 10:00"))
    acceptance.recompute(now=at("2026-03-17 12:00"))
    everyone = AcceptanceRate.objects.get(period_start=MARCH, dimension="all")
    assert (everyone.handed_over, everyone.decided, everyone.accepted) == (2, 2, 1)


def test_the_range_goes_on_over_a_version_with_another_score_model(contract: Contract) -> None:
    contract.agreement.targets.filter(commitment__measure="quantity").update(at_least=1, at_most=2)
    contract.handed(at("2026-03-03 10:00"))
    second = _another_score(contract, at("2026-03-12 14:00"))
    assert not gate.room(second.agreement, now=at("2026-03-12 14:00")).is_above_range
    second.handed(at("2026-03-12 15:00"))
    assert gate.room(second.agreement, now=at("2026-03-13 10:00")).is_above_range
    assert not gate.room(second.agreement, now=at("2026-04-01 00:00")).is_above_range


# --- the same figures, slowly


def _scopes(contract: Contract, start: date) -> list[measures.Scope]:
    span = measures.period_of(contract.agreement, start)
    return [measures.scope(contract.agreement, span, now=span.ends_at)]


def _slow(contract: Contract, start: date, *, now: datetime) -> dict[str, tuple[int, int, int, int]]:
    """Count kept, against, open and left out of each measure one row at a time, as a reader of the rules would."""
    span, working = measures.period_of(contract.agreement, start), contract.working_time
    parts: dict[str, list[str]] = {
        measure: [] for measure in ("quantity", "accepted", "opportunities", "usable_reasons")
    }
    for handoff in Handoff.objects.filter(agreement=contract.agreement).prefetch_related("rounds", "clocks"):
        handed_over_at = handoff.handed_over_at
        if handoff.origin == "import" or handoff.is_notice or handed_over_at is None or handed_over_at > now:
            continue
        if handed_over_at not in span:
            continue
        rounds = [one for one in handoff.rounds.all() if one.opened_at and one.opened_at <= now]
        last = rounds[-1]
        decision = last.decision if last.decided_at and last.decided_at <= now else ""
        is_closed = handoff.closed_at is not None and handoff.closed_at <= now
        withdrawn = is_closed and handoff.closed_because == "withdrawn" and not decision
        override = handoff.override_by_id is not None
        if override or withdrawn or not handoff.counts:
            parts["quantity"].append("left_out")
        else:
            parts["quantity"].append("kept")
        parts["accepted"].append(_slow_accepted(contract, handoff, last, decision, override or withdrawn, now))
        limit, became = working.working_day * 30, handoff.opportunity_at
        if override or withdrawn:
            parts["opportunities"].append("left_out")
        elif became and became <= now and working.between(handed_over_at, became) <= limit:
            parts["opportunities"].append("kept")
        else:
            over = working.between(handed_over_at, now) > limit
            parts["opportunities"].append("against" if over else "open")
        rejections = [one for one in rounds if one.decision == "rejected" and one.decided_at and one.decided_at <= now]
        if rejections:
            parts["usable_reasons"].append("kept" if rejections[-1].is_usable else "against")
    return {measure: _counted(found) for measure, found in parts.items()}


def _counted(parts: list[str]) -> tuple[int, int, int, int]:
    return parts.count("kept"), parts.count("against"), parts.count("open"), parts.count("left_out")


def _slow_accepted(
    contract: Contract, handoff: Handoff, last: Any, decision: str, is_apart: bool, now: datetime
) -> str:
    working = contract.working_time
    if is_apart or handoff.is_above_range:
        return "left_out"
    if decision == "accepted":
        back = handoff.given_back_at
        is_soon = back and back <= now and working.between(last.decided_at, back) <= 10 * working.working_day
        return "against" if is_soon and handoff.given_back_blames_marketing else "kept"
    if decision == "rejected":
        return "against" if last.is_counted else "left_out"
    for clock in handoff.clocks.all():
        if clock.round == last.number and clock.measure == "decide":
            waited = working.between(clock.started_at, now)
            return "kept" if waited >= 2 * timedelta(seconds=clock.budget_seconds) else "open"
    return "open"


def _random_history(contract: Contract, chance: random.Random, size: int) -> None:
    begin = at("2026-01-26 00:00")

    def later(moment: datetime, days: float) -> datetime:
        return moment + timedelta(minutes=chance.randint(1, int(days * 1440)))

    for _number in range(size):
        handed = later(begin, 70)
        extra: dict[str, Any] = {}
        if chance.random() < 0.1:
            extra["override_by"] = contract.owner
        if chance.random() < 0.1:
            extra["counts"] = False
        if chance.random() < 0.05:
            extra["is_above_range"] = True
        if chance.random() < 0.05:
            extra["origin"] = "import"
        if chance.random() < 0.4:
            extra["opportunity_at"] = later(handed, 60)
        fate = chance.random()
        decided = later(handed, 4)
        if fate < 0.35:
            if chance.random() < 0.4:
                back = later(decided, 25)
                extra |= {
                    "given_back_at": back,
                    "closed_at": back,
                    "closed_because": "given_back",
                    "given_back_blames_marketing": chance.random() < 0.6,
                }
            contract.handed(handed, accepted=decided, **extra)
        elif fate < 0.6:
            contract.handed(
                handed,
                rejected=decided,
                is_counted=chance.random() < 0.7,
                is_usable=chance.random() < 0.8,
                **extra,
            )
        elif fate < 0.75:
            returned = contract.handed(handed, rejected=decided, is_returned=True, **extra)
            sent = later(decided, 3)
            contract.next_round(returned, sent, accepted=later(sent, 3) if chance.random() < 0.6 else None)
        elif fate < 0.85:
            contract.handed(handed, closed_at=decided, closed_because="withdrawn", **extra)
        else:
            contract.handed(handed, **extra)


@pytest.mark.parametrize("seed", range(6))
def test_the_set_based_result_equals_counting_one_by_one(contract: Contract, seed: int) -> None:
    chance = random.Random(seed)  # a history of its own for each seed, always the same
    _random_history(contract, chance, 60)
    for now in (at("2026-02-17 11:23"), at("2026-03-09 10:00"), at("2026-05-29 18:00")):
        scopes = [*_scopes(contract, date(2026, 2, 1)), *_scopes(contract, MARCH)]
        counted = {
            (tally.measure, tally.period_start): (tally.kept, tally.against, tally.open_cases, tally.left_out)
            for tally in compliance.tallies(scopes, now=now)
        }
        for start in (date(2026, 2, 1), MARCH):
            for measure, expected in _slow(contract, start, now=now).items():
                assert counted[measure, start] == expected, (measure, start, now)


def test_every_figure_leads_to_its_rows(contract: Contract) -> None:
    _random_history(contract, random.Random(99), 60)
    now = at("2026-03-20 12:00")
    recompute(now=now)
    scopes = _scopes(contract, MARCH)
    for measure in ("quantity", "accepted", "opportunities", "usable_reasons"):
        found = row(measure)
        for part, count in (("kept", found.kept), ("open", found.open_cases), ("left_out", found.left_out)):
            rows = measures.handoff_ids(scopes, now=now, measure=measure, parts=[part])
            assert len(rows) == len(set(rows)) == count, (measure, part)
    found = row("decide")
    assert len(measures.clock_ids(scopes, now=now, measure="decide", parts=["kept", "against"])) == found.cases


def test_recompute_asks_few_questions(contract: Contract, django_assert_max_num_queries: Any) -> None:
    contract.handed(at("2026-03-03 10:00"))
    with django_assert_max_num_queries(14):
        recompute(now=at("2026-03-05 12:00"))


def test_the_definitions_cover_every_measure() -> None:
    assert set(measures.MEASURES) == set(measures.M.values)
    assert all(str(one.cases) and str(one.kept) and str(one.left_out) for one in measures.MEASURES.values())
