"""The demo company keeps the rules that its bulk writing goes around, whenever it is loaded, and is alive then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import Count, F, Q
from pytest_django import DjangoDbBlocker

from feedback import attempts
from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from leads import scoring
from leads.models import DuplicateProposal, Interaction, Lead, Stage
from leadsla.accounts.models import User
from leadsla.home import queue
from leadsla.home.demo import company
from leadsla.outbox.models import Message
from sla import calendars, clocks, compliance
from sla import handoff as handoffs
from sla.models import Agreement, Clock, Compliance, Handoff, Round, Target
from sla.working_time import WorkingTime

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
# When somebody may load it, and how much of it: the more often, the smaller.
MOMENTS = {
    "tuesday": (datetime(2026, 3, 3, 10, 0, tzinfo=BERLIN), 0.2),
    "saturday night": (datetime(2026, 8, 29, 23, 55, tzinfo=BERLIN), 0.1),
    "christmas": (datetime(2026, 12, 25, 12, 0, tzinfo=BERLIN), 0.1),
    "monday before work, the first of a month": (datetime(2026, 6, 1, 6, 0, tzinfo=BERLIN), 0.1),
}


@dataclass(frozen=True)
class Demo:
    """A loaded demo: as of when, how large, and what loading said."""

    now: datetime
    size: float
    made: dict[str, int]


@pytest.fixture(scope="module", params=list(MOMENTS.values()), ids=list(MOMENTS))
def demo(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Demo]:
    """Load the demo once for all tests of a moment; what one of them writes is undone."""
    now, size = request.param
    with django_db_blocker.unblock(), transaction.atomic():
        yield Demo(now, size, company.load(now=now, size=size))
        transaction.set_rollback(True)


def hours_of(clock: Clock) -> WorkingTime:
    return calendars.working_time(clock.calendar_version)


# --- what is there ---------------------------------------------------------------------------------------------------


def test_as_large_as_it_was_asked_for(demo: Demo) -> None:
    assert demo.made["leads"] == Lead.objects.count()
    assert 180 * 25 <= demo.made["leads"] / demo.size <= 218 * 25  # 25 a day in six to seven months
    assert demo.made["handoffs"] == Handoff.objects.count()
    assert demo.made["interactions"] <= Interaction.objects.count()
    assert demo.made["people"] == User.objects.count() == 13


def test_nothing_lies_ahead(demo: Demo) -> None:
    late = demo.now + timedelta(seconds=1)
    assert not Interaction.objects.filter(Q(occurred_at__gt=late) | Q(recorded_at__gt=late)).exists()
    assert not Lead.objects.filter(Q(stage_since__gt=late) | Q(created_at__gt=late)).exists()
    assert not FollowUp.objects.filter(occurred_at__gt=late).exists()
    assert not OutcomeReport.objects.filter(recorded_at__gt=late).exists()
    assert not Answer.objects.filter(Q(occurred_at__gt=late) | Q(carried_out_at__gt=late)).exists()
    assert not Handoff.objects.filter(Q(handed_over_at__gt=late) | Q(closed_at__gt=late)).exists()
    assert not Clock.objects.filter(Q(started_at__gt=late) | Q(stopped_at__gt=late)).exists()


def test_leads_are_somebodys_and_came_in_when_they_did_something(demo: Demo) -> None:
    assert not Lead.objects.filter(Q(owner=None) | Q(team=None)).exists()
    assert not Lead.objects.exclude(created_at=F("captured_at")).filter(interactions__key__startswith="demo").exists()
    assert not Lead.objects.filter(stage_since__lt=F("created_at")).exists()
    for lead in Lead.objects.exclude(fact_sources={})[:200]:
        first = lead.created_at - timedelta(seconds=1)
        assert all(first <= datetime.fromisoformat(proof["at"]) <= demo.now for proof in lead.fact_sources.values())


def test_few_seem_to_be_the_same_person(demo: Demo) -> None:
    assert DuplicateProposal.objects.count() <= 40 * demo.size + 2


def test_nobody_is_sent_six_months_of_mail(demo: Demo) -> None:
    assert not Message.objects.filter(channel=Message.Channel.EMAIL).exists()
    assert 0 < Message.objects.count() < 120


# --- handoffs --------------------------------------------------------------------------------------------------------


def test_one_open_handoff_for_a_lead(demo: Demo) -> None:
    open_ones = Handoff.objects.filter(closed_at=None).values("lead", "leg").annotate(n=Count("pk"))
    assert not open_ones.filter(n__gt=1).exists()


def test_moments_of_a_handoff_are_in_order(demo: Demo) -> None:
    for earlier, later in (
        ("handed_over_at", "decided_at"),
        ("handed_over_at", "first_follow_up_at"),
        ("first_follow_up_at", "last_follow_up_at"),
        ("first_follow_up_at", "reached_at"),
        ("decided_at", "given_back_at"),
        ("decided_at", "meeting_at"),
        ("reached_at", "meeting_at"),
        ("meeting_at", "opportunity_at"),
        ("opportunity_at", "won_at"),
        ("meeting_at", "lost_at"),
        ("won_at", "closed_at"),
        ("lost_at", "closed_at"),
        ("given_back_at", "closed_at"),
        ("decided_at", "closed_at"),
        ("lead__qualified_at", "handed_over_at"),
    ):
        wrong = Handoff.objects.filter(is_notice=False, **{f"{later}__lt": F(earlier)})
        assert not wrong.exists(), (earlier, later)


def test_attempts_are_the_follow_ups_that_count(demo: Demo) -> None:
    counted = Handoff.objects.annotate(n=Count("follow_ups", filter=Q(follow_ups__counts=True)))
    assert not counted.exclude(n=F("attempts")).exists()
    for handoff in Handoff.objects.filter(attempts__gt=1)[:60]:
        for channel in FollowUp.Channel.values:
            calls = FollowUp.objects.filter(handoff=handoff, channel=channel, counts=True).order_by("occurred_at")
            moments = list(calls.values_list("occurred_at", flat=True))
            apart = [after - before for before, after in pairwise(moments)]
            assert all(gap >= attempts.APART for gap in apart)
            days = Counter(moment.astimezone(BERLIN).date() for moment in moments)
            assert max(days.values(), default=0) <= attempts.A_DAY_AT_MOST


def test_first_last_and_reached_are_those_of_the_follow_ups(demo: Demo) -> None:
    for handoff in Handoff.objects.prefetch_related("follow_ups"):
        calls = sorted(handoff.follow_ups.all(), key=lambda call: call.occurred_at)
        talks = [call.occurred_at for call in calls if call.result == FollowUp.Result.REACHED]
        assert handoff.first_follow_up_at == (calls[0].occurred_at if calls else None)
        assert handoff.last_follow_up_at == (calls[-1].occurred_at if calls else None)
        assert handoff.reached_at == (talks[0] if talks else None)


def test_each_lead_stands_where_its_last_handoff_left_it(demo: Demo) -> None:
    lasts = Handoff.objects.order_by("lead_id", "-handed_over_at").distinct("lead_id").select_related("lead")
    for handoff in lasts:
        assert handoff.lead.stage in _stages_after(handoff), (handoff.pk, handoff.lead.stage)


def _stages_after(handoff: Handoff) -> set[str]:
    ended = {
        Handoff.ClosedBecause.WON: {Stage.CUSTOMER},
        Handoff.ClosedBecause.LOST: {Stage.LOST},
        # After its rest a lead can be judged again.
        Handoff.ClosedBecause.GIVEN_BACK: {Stage.NURTURING, Stage.QUALIFIED},
        Handoff.ClosedBecause.WITHDRAWN: {Stage.NURTURING, Stage.QUALIFIED},
        Handoff.ClosedBecause.REJECTED: {Stage.NURTURING, Stage.QUALIFIED, Stage.DISQUALIFIED},
        Handoff.ClosedBecause.NOTICE: {Stage.HANDED_OVER},
    }
    if handoff.closed_because:
        return {str(stage) for stage in ended[Handoff.ClosedBecause(handoff.closed_because)]}
    if handoff.decision != "accepted":
        return {Stage.HANDED_OVER}
    return {Stage.OPPORTUNITY} if handoff.opportunity_at else {Stage.ACCEPTED}


def test_rejections_say_why(demo: Demo) -> None:
    rejected = Answer.objects.filter(decision="rejected").select_related("reason", "round")
    assert rejected.exists()
    for answer in rejected:
        assert answer.reason is not None
        assert answer.quality in {1, 2, 3}
        assert answer.round.reason
        assert bool(answer.asked.get("text")) == bool(answer.reason.asks)
    for decided in Round.objects.filter(decision="rejected"):
        reason = Reason.objects.get(code=decided.reason)
        assert decided.is_not_as_defined == (reason.counts == Reason.Counts.NOT_AS_DEFINED)
        assert decided.is_usable == (reason.consequence != Reason.Consequence.REVIEW)


def test_every_round_that_is_decided_has_its_answer(demo: Demo) -> None:
    decided = Round.objects.exclude(decision="").annotate(
        n=Count("answers", filter=Q(answers__kind=Answer.Kind.DECISION, answers__undone_at=None))
    )
    assert not decided.exclude(n=1).exists()
    last = Round.objects.filter(number=F("handoff__round"))
    assert not last.exclude(decision=F("handoff__decision")).exists()
    assert not last.exclude(Q(decided_at=F("handoff__decided_at")) | Q(decided_at=None)).exists()
    assert last.count() == Handoff.objects.count()


def test_what_is_given_back_was_reached_or_tried_as_agreed(demo: Demo) -> None:
    for handoff in Handoff.objects.exclude(given_back_at=None):
        if handoff.given_back_reason == "unreachable":
            assert attempts.progress(handoff).is_enough
        else:
            assert handoff.reached_at is not None


def test_money_comes_from_what_was_won(demo: Demo) -> None:
    won = Handoff.objects.filter(closed_because=Handoff.ClosedBecause.WON)
    assert won.exists()
    assert not won.filter(Q(revenue=None) | Q(revenue__lte=0) | ~Q(currency="EUR")).exists()
    assert not Handoff.objects.exclude(closed_because=Handoff.ClosedBecause.WON).filter(revenue__isnull=False).exists()
    for report in OutcomeReport.objects.filter(kind=OutcomeReport.Kind.WON).select_related("handoff"):
        assert report.amount == report.handoff.revenue


def test_one_of_a_company_counts_in_thirty_days(demo: Demo) -> None:
    counted = Handoff.objects.filter(counts=True, is_notice=False).select_related("lead").order_by("handed_over_at")
    last: dict[int, datetime] = {}
    for handoff in counted:
        company_id, start = handoff.lead.company_id, handoff.handed_over_at
        assert start is not None
        if company_id in last:
            assert start - last[company_id] >= timedelta(days=30)
        if company_id is not None:
            last[company_id] = start


def test_above_the_range_only_in_full_months(demo: Demo) -> None:
    at_most = Target.objects.get(agreement__status="active", commitment__measure="quantity").at_most
    assert at_most is not None
    months = Counter[tuple[int, int]]()
    for handoff in Handoff.objects.filter(counts=True).order_by("handed_over_at"):
        assert handoff.handed_over_at is not None
        day = handoff.handed_over_at.astimezone(BERLIN)
        assert handoff.is_above_range == (months[day.year, day.month] >= at_most)
        months[day.year, day.month] += 1


def test_above_the_share_of_a_day_only_on_full_days(demo: Demo) -> None:
    # At most 150 a month of 19 to 23 working days: seven or eight a day; one in a small company.
    full = Counter[date]()
    counted = Handoff.objects.filter(counts=True)
    for moment in counted.filter(is_above_share=False).values_list("handed_over_at", flat=True):
        assert moment is not None
        full[moment.astimezone(BERLIN).date()] += 1
    assert max(full.values()) <= 8
    assert 0.02 < counted.filter(is_above_share=True).count() / counted.count() < 0.5


def test_both_sides_signed_and_the_next_version_waits_for_sue(demo: Demo) -> None:
    active = Agreement.objects.get(status="active")
    assert set(active.signatures.values_list("side", "signed_by__name")) == {
        ("marketing", "Max Lindner"),
        ("sales", "Sue Vogt"),
    }
    assert set(Handoff.objects.values_list("agreement", flat=True)) <= {active.pk}
    proposal = Agreement.objects.get(status="proposed")
    assert (proposal.based_on, proposal.signatures.get().side) == (active, "marketing")
    assert proposal.starts_on is not None
    assert proposal.starts_on > demo.now.date()
    assert list(proposal.comments.values_list("by__name", flat=True)) == ["Sue Vogt", "Max Lindner", "Sue Vogt"]


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_clocks_are_due_when_working_time_says(demo: Demo) -> None:
    for clock in Clock.objects.select_related("calendar_version", "limit"):
        budget = calendars.budget(clock.limit, hours_of(clock))
        assert clock.budget_seconds == budget.total_seconds()
        assert clock.due_at == hours_of(clock).add(clock.started_at, budget)


def test_clocks_end_in_the_words_of_their_moments(demo: Demo) -> None:
    for clock in Clock.objects.select_related("calendar_version"):
        if clock.stopped_at is None:
            assert clock.outcome == Clock.Outcome.RUNNING
            assert (clock.breached_at is not None) == (clock.due_at < demo.now)
            continue
        is_late = clock.stopped_at > clock.due_at
        assert clock.outcome in ({"late", "missed"} if is_late else {"met", "cancelled"})
        assert clock.breached_at == (clock.due_at if is_late else None)
        assert (clock.responsible_id is not None) == is_late
        assert clock.used_seconds == hours_of(clock).between(clock.started_at, clock.stopped_at).total_seconds()
        assert clock.waited_seconds == (clock.stopped_at - clock.started_at).total_seconds()


def test_each_round_has_the_clocks_that_it_asks_for(demo: Demo) -> None:
    kinds = Counter(Clock.objects.exclude(handoff=None).values_list("handoff", "round", "measure"))
    rounds = Round.objects.filter(handoff__is_notice=False).select_related("handoff")
    for opened in rounds:
        key = opened.handoff_id, opened.number
        assert kinds[*key, "decide"] == 1
        if opened.number == 1:
            assert kinds[*key, "first_follow_up"] == 1
        is_accepted = opened.decision == "accepted"
        assert kinds[*key, "attempts"] == kinds[*key, "first_result"] == is_accepted
        assert kinds[*key, "fix"] == (opened.returned_at is not None)
    assert not Clock.objects.filter(handoff__is_notice=True).exclude(measure="hand_over").exists()


def test_clocks_stop_with_the_act_that_they_wait_for(demo: Demo) -> None:
    stopped = Clock.objects.exclude(stopped_at=None).exclude(outcome__in=("cancelled", "missed"))
    for clock in stopped.filter(measure="decide").select_related("handoff"):
        assert clock.handoff is not None
        assert clock.stopped_at == clock.handoff.rounds.get(number=clock.round).decided_at
    for measure, moment in (("first_follow_up", "first_follow_up_at"), ("hand_over", "handed_over_at")):
        assert not stopped.filter(measure=measure).exclude(stopped_at=F(f"handoff__{moment}")).exists()
    closed = Clock.objects.filter(stopped_at=None, handoff__closed_at__isnull=False)
    assert not closed.exists()


def test_recomputing_changes_nothing(demo: Demo) -> None:
    month = demo.now.astimezone(BERLIN).date().replace(day=1)
    before = _figures()
    compliance.recompute(now=demo.now, period=month)
    assert _figures() == before
    assert scoring.score(Lead.objects.living(), now=demo.now) == 0


def _figures() -> list[dict[str, Any]]:
    columns = ("period_start", "commitment__measure", "kept", "cases", "open_cases", "value", "expected", "status")
    return list(Compliance.objects.order_by("period_start", "commitment").values(*columns))


# --- it tells a story ------------------------------------------------------------------------------------------------


def test_sales_disagrees_more_about_some_sources(demo: Demo) -> None:
    def share(*codes: str) -> float:
        decided = Handoff.objects.filter(source__code__in=codes).exclude(decision="")
        return decided.filter(decision="accepted").count() / decided.count()

    asked = share("website-demo", "website-contact", "website-pricing", "referral-customer")
    assert asked > share("linkedin-lead-form", "content-syndication", "webinar-on-demand") + 0.15


def test_sales_is_late_with_calls_but_not_with_answers(demo: Demo) -> None:
    def in_time(measure: str) -> float:
        ended = Clock.objects.filter(measure=measure).exclude(outcome__in=("running", "cancelled"))
        return ended.filter(outcome=Clock.Outcome.MET).count() / ended.count()

    assert 0.68 <= in_time("first_follow_up") <= 0.92
    assert in_time("decide") >= 0.87


def test_some_that_were_returned_are_fixed_and_accepted(demo: Demo) -> None:
    fixed = Round.objects.filter(number=2, opened_because=Round.OpenedBecause.FIXED)
    assert fixed.filter(decision="accepted").exists()


def test_the_month_is_not_judged_before_it_can_be(demo: Demo) -> None:
    month = demo.now.astimezone(BERLIN).date().replace(day=1)
    current = {row.commitment.measure: row for row in Compliance.objects.filter(period_start=month)}
    assert current["quantity"].status in {"early", "track", "risk", "met"}
    assert current["opportunities"].status == current["customers"].status == "early"
    expected = current["quantity"].expected
    if expected is not None:
        assert 70 * demo.size <= expected <= 260 * demo.size + 20  # on the 1st it rests on the months before


# --- it is alive -----------------------------------------------------------------------------------------------------


def test_sam_has_something_to_answer_with_clocks_in_many_states(demo: Demo) -> None:
    sam = User.objects.get(email__startswith="sam@")
    answering = queue.to_answer(sam, now=demo.now)
    waiting = Handoff.objects.waiting().filter(owner=sam)
    assert len(answering) == waiting.count() >= 4
    states = {clocks.countdown(clock, now=demo.now).state for clock in clocks.worst(waiting, now=demo.now).values()}
    assert "late" in states
    assert states & {"ok", "half", "soon", "sleep"}
    assert len(states) >= 2
    assert Clock.objects.filter(outcome="running", breached_at__isnull=False).count() <= 25


def test_marketing_has_leads_to_fix(demo: Demo) -> None:
    returned = Handoff.objects.returned()
    assert returned.count() >= 2
    assert Clock.objects.filter(measure="fix", outcome="running", handoff__in=returned).count() == returned.count()


def test_the_sweep_finds_leads_that_are_ready(demo: Demo) -> None:
    swept = handoffs.hand_over_ready(now=demo.now)
    assert swept.handed_over >= 2
    assert (swept.refused, swept.failed) == (0, 0)


def test_managers_see_something_at_risk(demo: Demo) -> None:
    running = Clock.objects.filter(outcome="running", side="sales", handoff__closed_at=None)
    assert running.count() >= 6
    assert Handoff.objects.filter(decision="accepted", closed_at=None).count() >= 4
