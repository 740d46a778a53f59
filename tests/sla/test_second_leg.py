"""The second leg: passed on by rules, with its own decision; what comes of it is measured on the first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from feedback import decisions, outcomes
from feedback.models import Reason
from leads.models import Lead, Stage
from leadsla.accounts.models import Side, Team, User
from leadsla.outbox.models import Message
from sla import handoff as handoffs
from sla import turns
from sla.models import Agreement, Clock, Handoff, RoutingRule
from tests.sla.routing_facts import DAY, HOUR, MINUTE, accept, berlin, rep

MakeLead = Callable[..., Lead]


@pytest.fixture
def closers(db: None) -> Team:
    team = Team.objects.create(name="Closers", side=Side.SALES)
    RoutingRule.objects.create(name="Executives", team=team, leg=2)
    return team


@pytest.fixture
def eva(closers: Team) -> User:
    return rep("Eva Exec", closers)


@pytest.fixture
def first(asks: MakeLead, sam: User, mia: User, tuesday: datetime) -> Handoff:
    """Handed over to Sam, who accepted it a minute later."""
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    accept(handed, by=sam, now=tuesday + MINUTE)
    Lead.objects.filter(pk=handed.lead_id).update(stage=Stage.ACCEPTED, stage_since=tuesday + MINUTE)
    return handed


@pytest.fixture
def second(first: Handoff, sam: User, eva: User, tuesday: datetime) -> Handoff:
    return handoffs.pass_on(first, by=sam, now=tuesday + HOUR, note="Wants to start in May.")


def reject(handoff: Handoff, *, by: User, now: datetime) -> None:
    reason = Reason.objects.get(code="spam_or_test")  # on a first leg it would block the lead
    given = decisions.reject(handoff, reason=reason, by=by, now=now, asked={}, quality=1)
    assert given.answer is not None


# --- passing on


def test_it_goes_to_the_team_of_the_rules_for_the_second_leg(
    first: Handoff, second: Handoff, closers: Team, sam: User, north: Team, eva: User
) -> None:
    assert (second.leg, second.parent, second.owner, second.to_team) == (2, first, eva, closers)
    assert (second.from_team, second.handed_over_by, second.counts) == (north, sam, False)
    assert second.routing["reasons"][0] == "Rule “Executives”: every lead."
    round_ = second.rounds.get()
    assert round_.pack["facts"]["country"] == "DE"
    assert round_.person["passed_on"] == "Wants to start in May."
    assert Message.objects.filter(recipient=eva, channel="in_app").count() == 1
    first.refresh_from_db()
    assert (first.owner, first.closed_at) == (sam, None)


def test_the_account_executive_sees_both_legs_and_so_does_who_passed_it_on(
    first: Handoff, second: Handoff, sam: User, eva: User, nia: User
) -> None:
    for user in (sam, eva):
        assert set(Handoff.objects.visible_to(user)) == {first, second}
        of_sales = Clock.objects.visible_to(user).filter(handoff=first, measure="first_follow_up")
        assert of_sales.exists()
    assert not Handoff.objects.visible_to(nia).exists()
    assert not Clock.objects.visible_to(nia).exists()


def test_times_run_only_where_the_agreement_covers_the_second_leg(
    first: Handoff, sam: User, eva: User, tuesday: datetime
) -> None:
    second = handoffs.pass_on(first, by=sam, now=tuesday + HOUR)
    assert not Clock.objects.filter(handoff=second).exists()
    accept(second, by=eva, now=tuesday + 2 * HOUR)
    assert not Clock.objects.filter(handoff=second).exists()


def test_covered_by_the_agreement_it_has_clocks_of_its_own(
    first: Handoff, sam: User, eva: User, tuesday: datetime
) -> None:
    Agreement.objects.update(covers_second_leg=True)
    second = handoffs.pass_on(Handoff.objects.get(pk=first.pk), by=sam, now=tuesday + HOUR)
    due = dict(Clock.objects.filter(handoff=second).values_list("measure", "due_at"))
    assert due == {"first_follow_up": berlin(2026, 3, 3, 11, 5), "decide": berlin(2026, 3, 3, 15, 0)}


@pytest.mark.parametrize("state", ["undecided", "closed", "passed on", "second"])
def test_only_an_accepted_first_leg_is_passed_on_and_once(
    state: str, asks: MakeLead, first: Handoff, sam: User, eva: User, tuesday: datetime
) -> None:
    found = first
    if state == "undecided":
        found = handoffs.hand_over(asks("Petra Pick", at=tuesday, domain="pick.example"), by=None, now=tuesday)
    elif state == "closed":
        handoffs.close(first, because="lost", now=tuesday + HOUR)
    else:
        there = handoffs.pass_on(first, by=sam, now=tuesday + HOUR)
        found = there if state == "second" else first
    before = Handoff.objects.count()
    with pytest.raises(handoffs.HandoverRefused):
        handoffs.pass_on(found, by=sam, now=tuesday + 2 * HOUR)
    assert Handoff.objects.count() == before
    assert not handoffs.may_pass_on(found)


def test_without_a_rule_it_says_who_can_add_one(first: Handoff, sam: User, tuesday: datetime) -> None:
    assert not handoffs.may_pass_on(first)
    with pytest.raises(handoffs.HandoverRefused, match="Operations can add one"):
        handoffs.pass_on(first, by=sam, now=tuesday)


def test_a_colleague_s_executive_gets_the_second_person_too(
    asks: MakeLead, first: Handoff, second: Handoff, sam: User, eva: User, closers: Team, tuesday: datetime
) -> None:
    rep("Emil Exec", closers)
    colleague = handoffs.hand_over(asks("Karl Kern", at=tuesday), by=None, now=tuesday)
    assert (colleague.owner, colleague.joins) == (sam, first)  # the rep of the first leg, not the executive
    accept(colleague, by=sam, now=tuesday + HOUR)
    assert handoffs.pass_on(colleague, by=sam, now=tuesday + 2 * HOUR).owner == eva


# --- what comes of it


def test_a_rejection_brings_it_back_to_who_passed_it_on(
    first: Handoff, second: Handoff, sam: User, eva: User, tuesday: datetime
) -> None:
    reject(second, by=eva, now=tuesday + 2 * HOUR)
    decisions.carry_out_due(now=tuesday + 3 * HOUR)
    second.refresh_from_db()
    first.refresh_from_db()
    assert (second.closed_because, first.closed_at, first.decision) == ("rejected", None, "accepted")
    lead = Lead.objects.get(pk=first.lead_id)
    assert (lead.stage, lead.blocked_at) == (Stage.ACCEPTED, None)
    told = Message.objects.filter(recipient=sam, channel="in_app").order_by("-pk").first()
    assert told is not None
    assert told.subject == "Eva Exec rejected Karin Kern (Kern)"
    assert "with you alone again" in told.body
    assert handoffs.may_pass_on(first)


def test_undoing_the_acceptance_of_the_second_leg_leaves_the_lead_accepted(
    first: Handoff, second: Handoff, eva: User, tuesday: datetime
) -> None:
    given = decisions.accept(second, by=eva, now=tuesday + 2 * HOUR)
    assert given.answer is not None
    assert decisions.undo(given.answer, by=eva, now=tuesday + 2 * HOUR)
    assert Lead.objects.get(pk=first.lead_id).stage == Stage.ACCEPTED


def test_an_outcome_of_the_second_leg_is_one_of_the_first(
    first: Handoff, second: Handoff, eva: User, tuesday: datetime
) -> None:
    accept(second, by=eva, now=tuesday + 2 * HOUR)
    outcomes.report(
        second,
        by=eva,
        kind="opportunity",
        occurred_at=tuesday + DAY,
        now=tuesday + DAY,
        amount=Decimal(9000),
        currency="EUR",
    )
    first.refresh_from_db()
    assert (first.opportunity_at, first.closed_at) == (tuesday + DAY, None)
    assert Clock.objects.get(handoff=first, measure="first_result").outcome == "met"
    outcomes.report(
        second,
        by=eva,
        kind="won",
        occurred_at=tuesday + 2 * DAY,
        now=tuesday + 2 * DAY,
        amount=Decimal(9000),
        currency="EUR",
    )
    for leg in (first, second):
        leg.refresh_from_db()
        assert (leg.closed_because, leg.won_at, leg.revenue) == ("won", tuesday + 2 * DAY, Decimal(9000))
    assert Lead.objects.get(pk=first.lead_id).stage == Stage.CUSTOMER


def test_a_follow_up_of_the_second_leg_keeps_the_promises_of_the_first(
    first: Handoff, second: Handoff, eva: User, tuesday: datetime
) -> None:
    handoffs.record_follow_up(
        second, at=tuesday + 2 * HOUR, counts_as_attempt=True, reached=True, now=tuesday + 2 * HOUR
    )
    first.refresh_from_db()
    assert (first.reached_at, first.attempts) == (tuesday + 2 * HOUR, 0)
    assert Clock.objects.get(handoff=first, measure="first_result").stopped_at == tuesday + 2 * HOUR


def test_with_the_first_leg_the_second_ends(first: Handoff, second: Handoff, tuesday: datetime) -> None:
    handoffs.close(first, because="lost", now=tuesday + DAY)
    second.refresh_from_db()
    assert second.closed_because == "lost"


def test_who_passed_it_on_does_not_give_it_back_behind_the_executive_s_back(
    first: Handoff, second: Handoff, sam: User, tuesday: datetime
) -> None:
    handoffs.record_follow_up(first, at=tuesday + HOUR, counts_as_attempt=True, reached=True, now=tuesday + HOUR)
    first.refresh_from_db()
    with pytest.raises(decisions.Refused, match="Eva Exec gives it back"):
        decisions.give_back(first, reason=Reason.objects.get(code="no_need"), by=sam, now=tuesday + 2 * HOUR, asked={})


def test_what_is_passed_on_does_not_fill_who_passed_it_on(
    first: Handoff, second: Handoff, north: Team, sam: User, tuesday: datetime
) -> None:
    assert [one.open_now for one in turns.standings(north, temperature="hot", now=tuesday)] == [0]


# --- the page


def test_the_pack_has_the_button_and_the_page_passes_on(
    first: Handoff, sam: User, eva: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(sam)
    pack, page = (reverse(name, args=(first.public_id,)) for name in ("home:pack", "sla:pass_on"))
    assert page in browser.get(pack).content.decode()
    assert browser.get(page).status_code == 200
    assert browser.post(page, {"note": "x" * 2001}).status_code == 400
    assert browser.post(page, {"note": "Call in the morning."}).status_code == 302
    second = Handoff.objects.get(leg=2)
    shown = browser.get(pack).content.decode()
    assert page not in shown
    assert reverse("home:pack", args=(second.public_id,)) in shown
    theirs = signed_in(eva).get(reverse("home:pack", args=(second.public_id,))).content.decode()
    assert "Call in the morning." in theirs
    assert browser.post(page, {"note": ""}).status_code == 400


def test_nobody_passes_on_what_is_not_theirs(
    first: Handoff, eva: User, nia: User, mia: User, signed_in: Callable[[User], Client]
) -> None:
    page = reverse("sla:pass_on", args=(first.public_id,))
    assert signed_in(nia).get(page).status_code == 404
    assert signed_in(mia).get(page).status_code == 403
