"""Release plans: best first, so many per rep and working day, only who is there, with their own times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from leads.models import Lead, Stage
from leadsla.accounts.models import AwayTime, Team, User
from sla import clocks, release
from sla import handoff as handoffs
from sla.models import Capacity, Clock, Handoff, ReleaseItem, ReleasePlan
from tests.sla.routing_facts import DAY, HOUR, MINUTE, berlin, rep

MakeLead = Callable[..., Lead]


@pytest.fixture
def leads(asks: MakeLead, tuesday: datetime) -> list[Lead]:
    """Seven leads of a fair; No6 scores best."""
    found = [asks(f"Person No{number}", at=tuesday, domain=f"no{number}.example") for number in range(7)]
    for number, lead in enumerate(found):
        Lead.objects.filter(pk=lead.pk).update(score=Decimal(100 + number))
    return found


def plan(leads: list[Lead], *, by: User, now: datetime, per_rep_and_day: int = 2, **asked: object) -> ReleasePlan:
    return release.plan("Fair", leads, by=by, now=now, per_rep_and_day=per_rep_and_day, **asked)  # type: ignore[arg-type]


def test_the_best_go_first_so_many_per_rep_and_day(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    made = plan(leads, by=mia, now=tuesday)
    assert release.release_due(now=tuesday) == 4
    assert release.release_due(now=tuesday + HOUR) == 0
    assert Counter(Handoff.objects.values_list("owner", flat=True)) == {sam.pk: 2, other.pk: 2}
    assert set(Handoff.objects.values_list("lead__name", flat=True)) == {
        f"Person No{number}" for number in (3, 4, 5, 6)
    }
    assert release.release_due(now=tuesday + DAY) == 3
    made.refresh_from_db()
    assert made.ended_at == tuesday + DAY


def test_who_is_away_gets_none_and_nothing_goes_to_the_queue(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    AwayTime.objects.create(user=sam, starts_at=tuesday - DAY, ends_at=tuesday + DAY)
    plan(leads, by=mia, now=tuesday)
    assert release.release_due(now=tuesday) == 0
    assert not Handoff.objects.exists()
    assert release.release_due(now=tuesday + DAY) == 2


def test_nothing_goes_out_of_hours_or_before_the_first_day(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    plan(leads, by=mia, now=tuesday, starts_on=date(2026, 3, 6))
    assert release.release_due(now=tuesday) == 0
    assert release.release_due(now=berlin(2026, 3, 7, 10, 0)) == 0  # a Saturday
    assert release.release_due(now=berlin(2026, 3, 6, 23, 0)) == 0
    assert release.release_due(now=berlin(2026, 3, 6, 10, 0)) == 2


def test_its_own_times_run_from_the_release(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    plan(leads[:1], by=mia, now=tuesday, decide_working_days=2, follow_up_working_days=3)
    release.release_due(now=tuesday + HOUR)
    due = dict(Clock.objects.filter(side="sales").values_list("measure", "due_at"))
    assert due == {"decide": berlin(2026, 3, 5, 11, 0), "first_follow_up": berlin(2026, 3, 6, 11, 0)}


def test_a_chosen_team_gets_it_instead_of_what_the_rules_say(
    leads: list[Lead], mia: User, north: Team, south: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    plan(leads[:2], by=mia, now=tuesday, team=south)
    release.release_due(now=tuesday)
    assert set(Handoff.objects.values_list("owner__name", "to_team__name")) == {("Nia Novak", "South")}


def test_the_sweep_leaves_planned_leads_alone(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    plan(leads[:5], by=mia, now=tuesday, starts_on=date(2026, 3, 10))
    assert handoffs.hand_over_ready(now=tuesday).handed_over == 2
    assert ReleaseItem.objects.filter(released_at=None, dropped_at=None).count() == 5


def test_marketing_s_own_clock_does_not_run_while_a_plan_waits(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    clocks.start_hand_over(now=tuesday)
    plan(leads[:2], by=mia, now=tuesday, starts_on=date(2026, 3, 10))
    clocks.start_hand_over(now=tuesday + 5 * MINUTE)
    of_leads = Clock.objects.filter(measure="hand_over", lead__in=leads[:2])
    assert set(of_leads.values_list("outcome", flat=True)) == {"cancelled"}
    assert Clock.objects.filter(measure="hand_over", outcome="running").count() == 5
    assert release.release_due(now=berlin(2026, 3, 10, 10, 0)) == 2
    assert set(of_leads.values_list("outcome", flat=True)) == {"cancelled"}


def test_what_the_gate_refuses_is_dropped_with_why(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    Lead.objects.filter(pk=leads[6].pk).update(blocked_at=tuesday)
    plan(leads, by=mia, now=tuesday)
    assert release.release_due(now=tuesday) == 2
    dropped = ReleaseItem.objects.get(dropped_at__isnull=False)
    assert (dropped.lead, dropped.handoff) == (leads[6], None)
    assert "blocked" in dropped.why


def test_a_marketing_manager_may_send_leads_that_are_not_qualified(
    asks: MakeLead, mia: User, max_: User, north: Team, sam: User, tuesday: datetime
) -> None:
    lead = asks(at=tuesday, country="BR")
    with pytest.raises(release.Refused) as refused:
        plan([lead], by=mia, now=tuesday, override_reason="They came to the booth.")
    assert list(refused.value.errors) == ["override_reason"]
    plan([lead], by=max_, now=tuesday, override_reason="They came to the booth.")
    assert release.release_due(now=tuesday) == 1
    assert Handoff.objects.get().override_reason == "They came to the booth."


def test_bad_input_is_refused_at_the_field(mia: User, inbound: Team, tuesday: datetime) -> None:
    with pytest.raises(release.Refused) as refused:
        release.plan(
            " ",
            [],
            by=mia,
            now=tuesday,
            per_rep_and_day=0,
            starts_on=date(2026, 3, 2),
            team=inbound,
            decide_working_days=0,
        )
    assert set(refused.value.errors) == {
        "name",
        "leads",
        "per_rep_and_day",
        "starts_on",
        "team",
        "decide_working_days",
    }
    assert not ReleasePlan.objects.exists()


def test_a_lead_waits_in_one_plan_and_one_with_sales_in_none(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    handoffs.hand_over(leads[0], by=mia, now=tuesday)
    plan(leads[1:3], by=mia, now=tuesday)
    second = release.plan("Second", leads[:4], by=mia, now=tuesday)
    assert list(second.items.order_by("lead_id").values_list("why", flat=True)) == [
        "Sales has it already.",
        "Waits in the plan “Fair” already.",
        "Waits in the plan “Fair” already.",
        "",
    ]


def test_stopping_drops_what_waits_and_keeps_what_went(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    made = plan(leads, by=mia, now=tuesday)
    release.release_due(now=tuesday)
    assert release.stop(made, by=mia, now=tuesday + HOUR)
    assert not release.stop(made, by=mia, now=tuesday + HOUR)
    assert made.ended_at == tuesday + HOUR
    assert made.items.filter(why="Stopped by Mia Albrecht.").count() == 5
    assert release.release_due(now=tuesday + DAY) == 0


def test_a_worker_that_is_killed_loses_nothing(
    leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime
) -> None:
    """One transaction per lead: after a tick with no time left the next one goes on where it stopped."""
    plan(leads, by=mia, now=tuesday)
    assert release.release_due(now=tuesday, longest=0) == 0
    assert release.release_due(now=tuesday) == 2
    assert ReleaseItem.objects.filter(released_at=tuesday, handoff__isnull=False).count() == 2


def test_a_team_without_room_waits(leads: list[Lead], mia: User, north: Team, sam: User, tuesday: datetime) -> None:
    Capacity.objects.create(user=sam, open_at_most=1)
    plan(leads, by=mia, now=tuesday)
    assert release.release_due(now=tuesday) == 1
    assert Lead.objects.filter(stage=Stage.HANDED_OVER).count() == 1
    assert ReleaseItem.objects.filter(released_at=None, dropped_at=None).count() == 6
