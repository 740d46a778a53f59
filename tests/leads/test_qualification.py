"""Both doors, the latch, who is left alone, criteria with their evidence, and why a lead may not be handed over."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import qualification, scoring, stages
from leads.models import (
    Criterion,
    CriterionAnswer,
    Definition,
    Interaction,
    InteractionKind,
    Lead,
    ScoreModel,
    Stage,
    Verdict,
)
from leadsla.accounts.models import User

pytestmark = pytest.mark.django_db

Make = Callable[..., Lead]
Do = Callable[..., Interaction]
_keys = itertools.count()

NURTURED = {
    "email": "jana@voss.example",
    "email_kind": "business",
    "industry": "Machinery",
    "employees": 260,
    "country": "DE",
    "seniority": "director",
    "need": "Gear deliveries are late twice a month.",
    "decision_maker": "Plant manager",
}  # fit 80, capped at 70; all that the nurtured door requires


@pytest.fixture
def make(tuesday: datetime) -> Make:
    def make(**columns: Any) -> Lead:
        return Lead.objects.create(**{"created_at": tuesday, "stage_since": tuesday, **columns})

    return make


@pytest.fixture
def do(tuesday: datetime) -> Do:
    def do(lead: Lead, kind: str, *, days_ago: float = 0, at: datetime | None = None, via: str = "form") -> Interaction:
        when = at or tuesday - timedelta(days=days_ago)
        return Interaction.objects.create(
            lead=lead, kind=kind, occurred_at=when, recorded_at=max(when, tuesday), key=str(next(_keys)), via=via
        )

    return do


def judged(lead: Lead, now: datetime) -> Lead:
    scoring.score([lead.pk], now=now)
    qualification.judge([lead.pk], now=now)
    return Lead.objects.get(pk=lead.pk)


# --- the door “asked to be contacted” --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["demo_request", "contact_request", "pricing_request"])
def test_who_asks_to_be_contacted_is_qualified_and_hot(make: Make, do: Do, tuesday: datetime, kind: str) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, kind)
    scoring.score([lead.pk], now=tuesday)
    found = qualification.judge([lead.pk], now=tuesday)
    assert found.qualified == [lead.pk]
    lead.refresh_from_db()
    assert (lead.stage, lead.door, lead.temperature) == ("qualified", "asked", "hot")
    assert lead.stage_since == tuesday + timedelta(microseconds=1)  # it was an inquiry at that moment
    assert (lead.qualified_at, lead.qualified_until) == (tuesday, tuesday + timedelta(days=30))
    assert lead.qualified_by is not None
    assert lead.qualified_by.version == 1


@pytest.mark.parametrize(
    ("facts", "is_qualified"),
    [
        ({"email": "jana@voss.example", "country": "DE"}, True),
        ({"phone": "+49713112345", "country": "FR"}, True),
        ({"country": "DE"}, False),  # cannot be reached
        ({"email": "jana@voss.example"}, False),  # nobody knows where
        ({"email": "jana@voss.example", "country": "US"}, False),  # not served
        ({"email": "jana@voss.example", "country": "DE", "excluded_because": "competitor"}, False),
        ({"email": "jana@voss.example", "country": "DE", "suppressed": True}, False),
        ({"email": "jana@voss.example", "country": "DE", "blocked": True}, False),
    ],
)
def test_the_asked_door_needs_a_place_and_a_way_to_reach(
    make: Make, do: Do, tuesday: datetime, facts: dict[str, Any], is_qualified: bool
) -> None:
    columns = {
        f"{key}_at" if value is True else key: tuesday if value is True else value for key, value in facts.items()
    }
    lead = make(**columns)
    do(lead, "demo_request")
    assert (judged(lead, tuesday).stage == Stage.QUALIFIED) is is_qualified


def test_an_address_that_bounced_is_no_way_to_reach(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, "demo_request")
    do(lead, "email_bounce", days_ago=3)
    assert judged(lead, tuesday).stage == Stage.NURTURING
    Lead.objects.filter(pk=lead.pk).update(phone="+49713112345")
    assert judged(lead, tuesday).stage == Stage.QUALIFIED


@pytest.mark.parametrize(("days_ago", "is_qualified"), [(30, True), (30.01, False), (-0.01, False)])
def test_a_request_counts_for_thirty_days(
    make: Make, do: Do, tuesday: datetime, days_ago: float, is_qualified: bool
) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, "demo_request", days_ago=days_ago)
    assert (judged(lead, tuesday).stage == Stage.QUALIFIED) is is_qualified


# --- the door “nurtured” ---------------------------------------------------------------------------------------------


def test_the_nurtured_door_by_hand(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "pricing_view")  # 70 + 25 = 95
    assert judged(lead, tuesday).stage == Stage.NURTURING
    do(lead, "newsletter_signup")  # 100; intent 25 is at least 20
    lead = judged(lead, tuesday)
    assert (lead.score, lead.stage, lead.door) == (100, "qualified", "nurtured")
    assert lead.temperature == "cool"  # intent and engagement 30: A3


def test_much_engagement_makes_it_warm(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "webinar_attend")  # 70 + 40
    do(lead, "newsletter_signup")  # two interactions count, though intent is 0
    lead = judged(lead, tuesday)
    assert (lead.score, lead.grade, lead.temperature) == (115, "A2", "warm")


def test_one_interaction_without_intent_is_not_enough(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "webinar_attend")
    lead = judged(lead, tuesday)
    assert (lead.score, lead.counted_interactions, lead.stage) == (110, 1, "nurturing")
    assert qualification.refusal(lead, now=tuesday) == (
        "Too little was done: intent of 20 or 2 interactions that count are needed."
    )


@pytest.mark.parametrize("field", ["country", "industry", "need", "decision_maker"])
def test_each_required_criterion_is_required(make: Make, do: Do, tuesday: datetime, field: str) -> None:
    lead = make(**NURTURED | {field: "", "job_function": "purchasing"})  # 20 more, so that fit stays 70
    do(lead, "trial_start")
    do(lead, "newsletter_signup")
    lead = judged(lead, tuesday)
    assert (lead.score, lead.stage) == (105, "nurturing")
    Lead.objects.filter(pk=lead.pk).update(**{field: NURTURED[field]})
    assert judged(lead, tuesday).stage == Stage.QUALIFIED


# --- the latch -------------------------------------------------------------------------------------------------------


def test_decay_does_not_take_it_back_but_the_latch_runs_out(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "trial_start")  # 100 exactly
    assert judged(lead, tuesday).stage == Stage.QUALIFIED
    later = tuesday + timedelta(days=29)
    lead = judged(lead, later)
    assert lead.score is not None
    assert lead.score < 100
    assert lead.stage == Stage.QUALIFIED

    end = tuesday + timedelta(days=30)
    scoring.score([lead.pk], now=end)
    assert qualification.judge([lead.pk], now=end).expired == [lead.pk]
    lead.refresh_from_db()
    assert (lead.stage, lead.stage_since, lead.door, lead.temperature) == ("nurturing", end, "", "")


def test_a_latch_is_renewed_while_the_lead_still_qualifies(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "trial_start")
    judged(lead, tuesday)
    end = tuesday + timedelta(days=30)
    do(lead, "trial_start", at=end - timedelta(days=1))
    do(lead, "pricing_view", at=end - timedelta(days=1))
    lead = judged(lead, end)
    assert (lead.stage, lead.qualified_at, lead.qualified_until) == ("qualified", tuesday, end + timedelta(days=30))


def test_a_qualified_lead_that_asks_becomes_hot(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED)
    do(lead, "trial_start")
    assert judged(lead, tuesday).temperature == "cool"
    later = tuesday + timedelta(days=2)
    do(lead, "contact_request", at=later)
    scoring.score([lead.pk], now=later)
    assert qualification.judge([lead.pk], now=later).hotter == [lead.pk]
    lead.refresh_from_db()
    assert (lead.door, lead.temperature, lead.qualified_at) == ("asked", "hot", later)
    assert lead.stage_since < later


def test_judging_twice_changes_nothing(make: Make, do: Do, tuesday: datetime) -> None:
    lead, inquiry = make(**NURTURED), make(country="DE")
    do(lead, "demo_request")
    scoring.score(Lead.objects.all(), now=tuesday)
    first = qualification.judge(Lead.objects.all(), now=tuesday)
    assert (first.qualified, first.nurturing) == ([lead.pk], [inquiry.pk])
    before = list(Lead.objects.order_by("pk").values())
    assert qualification.judge(Lead.objects.all(), now=tuesday) == qualification.Judged()
    assert list(Lead.objects.order_by("pk").values()) == before


# --- inquiry, nurturing, and who is left alone -----------------------------------------------------------------------


def test_an_inquiry_without_points_stays_one(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(name="Somebody")
    assert judged(lead, tuesday).stage == Stage.INQUIRY
    do(lead, "email_click")
    lead = judged(lead, tuesday)
    assert (lead.score, lead.stage) == (1, "nurturing")


@pytest.mark.parametrize(
    "stage", [Stage.HANDED_OVER, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.LOST, Stage.DISQUALIFIED]
)
def test_what_is_with_sales_or_at_an_end_is_left_alone(make: Make, do: Do, tuesday: datetime, stage: Stage) -> None:
    lead = make(**NURTURED, stage=stage)
    do(lead, "demo_request")
    lead = judged(lead, tuesday)
    assert (lead.stage, lead.door, lead.qualified_at) == (stage, "", None)


def test_a_merged_lead_is_left_alone(make: Make, do: Do, tuesday: datetime) -> None:
    gone = make(**NURTURED, merged_into=make())
    do(gone, "demo_request")
    assert judged(gone, tuesday).stage == Stage.INQUIRY


def test_an_imported_past_is_left_alone_until_something_happens(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(**NURTURED, origin="import")
    do(lead, "demo_request", days_ago=3, via="import")
    assert judged(lead, tuesday).stage == Stage.INQUIRY
    assert "imported past" in qualification.refusal(Lead.objects.get(pk=lead.pk), now=tuesday)
    do(lead, "demo_request")
    assert judged(lead, tuesday).stage == Stage.QUALIFIED


# --- recycling -------------------------------------------------------------------------------------------------------


@pytest.fixture
def recycled(make: Make, do: Do, tuesday: datetime, sam: User) -> Lead:
    """A lead that asked, was handed over and came back for sixty days, all on Tuesday."""
    lead = make(**NURTURED)
    do(lead, "demo_request")
    judged(lead, tuesday)
    stages.move(Lead.objects.filter(pk=lead.pk), to=Stage.HANDED_OVER, now=tuesday)
    until = tuesday + timedelta(days=60)
    stages.recycle(lead, until=until, because="Too early", previous_owner=sam, now=tuesday)
    return lead


def test_the_recycled_are_left_alone(recycled: Lead, do: Do, tuesday: datetime) -> None:
    later = tuesday + timedelta(days=5)
    do(recycled, "trial_start", at=later)
    do(recycled, "webinar_attend", at=later)
    lead = judged(recycled, later)
    assert lead.score == 140  # 70 + 30 + 40
    assert (lead.stage, lead.recycled_until) == ("nurturing", tuesday + timedelta(days=60))
    assert qualification.refusal(lead, now=later) == "Recycled until 2 May 2026: Too early."


def test_a_new_request_ends_recycling(recycled: Lead, do: Do, tuesday: datetime) -> None:
    later = tuesday + timedelta(days=5)
    do(recycled, "contact_request", at=later)
    scoring.score([recycled.pk], now=later)
    found = qualification.judge([recycled.pk], now=later)
    assert (found.returned, found.qualified) == ([recycled.pk], [recycled.pk])
    lead = Lead.objects.get(pk=recycled.pk)
    assert (lead.stage, lead.recycled_until, lead.temperature, lead.cycle) == ("qualified", None, "hot", 2)


def test_the_request_that_sales_answered_does_not(recycled: Lead, tuesday: datetime) -> None:
    assert judged(recycled, tuesday).recycled_until is not None


def test_the_recycled_return_when_their_date_has_come(recycled: Lead, do: Do, tuesday: datetime) -> None:
    end = tuesday + timedelta(days=60)
    do(recycled, "trial_start", at=end - timedelta(hours=1))
    do(recycled, "webinar_attend", at=end - timedelta(hours=1))
    assert qualification.return_recycled(now=end - timedelta(seconds=1)) == qualification.Judged()
    found = qualification.return_recycled(now=end)
    assert (found.returned, found.qualified) == ([recycled.pk], [recycled.pk])
    assert qualification.return_recycled(now=end) == qualification.Judged()
    lead = Lead.objects.get(pk=recycled.pk)
    assert (lead.stage, lead.door, lead.recycled_until) == ("qualified", "nurtured", None)


def test_a_request_counts_once(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, "demo_request")
    judged(lead, tuesday)
    rows = Lead.objects.filter(pk=lead.pk)
    stages.move(rows, to=Stage.HANDED_OVER, now=tuesday)
    later = tuesday + timedelta(days=1)
    stages.move(rows, to=Stage.NURTURING, now=later)  # its handoff was withdrawn
    assert judged(lead, later).stage == Stage.NURTURING
    do(lead, "demo_request", at=later)
    assert judged(lead, later).stage == Stage.QUALIFIED


# --- which definition ------------------------------------------------------------------------------------------------


def another(tuesday: datetime, **columns: Any) -> Definition:
    return Definition.objects.create(
        **{
            "version": 9,
            "name": "Austria",
            "scope": {"field": "country", "op": "is", "value": "AT"},
            "position": 1,
            "in_force_from": tuesday,
            "score_model": ScoreModel.objects.get(),
            "threshold": 40,
            "intent_at_least": 0,
            "valid_days": 10,
            "created_at": tuesday,
            **columns,
        }
    )


def test_the_first_definition_in_order_that_holds_applies(make: Make, tuesday: datetime) -> None:
    austria = another(tuesday)
    facts = {"email_kind": "business", "email": "x@voss.example"}
    austrian, german = make(country="AT", **facts), make(country="DE", **facts)
    assert judged(austrian, tuesday).qualified_by == austria  # 40 points, no criteria
    assert judged(austrian, tuesday).qualified_until == tuesday + timedelta(days=10)
    assert judged(german, tuesday).stage == Stage.NURTURING
    assert qualification.definition_for(austrian, now=tuesday) == austria
    assert qualification.definition_for(german, now=tuesday) == Definition.objects.get(version=1)
    earlier = tuesday - timedelta(seconds=1)
    assert qualification.definition_for(austrian, now=earlier) == Definition.objects.get(version=1)


def test_a_definition_is_put_in_force_and_ends(make: Make, tuesday: datetime) -> None:
    austria = another(tuesday, in_force_from=None)
    lead = make(country="AT")
    first = Definition.objects.get(version=1)
    assert qualification.definition_for(lead, now=tuesday) == first
    end = tuesday + timedelta(days=31)
    qualification.put_in_force(austria, from_=tuesday, until=end)
    assert qualification.definition_for(lead, now=tuesday) == austria
    assert qualification.definition_for(lead, now=end) == first


def test_without_a_definition_nobody_is_judged(make: Make, do: Do, tuesday: datetime) -> None:
    Definition.objects.update(in_force_until=tuesday)
    lead = make(**NURTURED)
    do(lead, "demo_request")
    lead = judged(lead, tuesday)
    assert lead.stage == Stage.NURTURING
    assert qualification.criteria(lead, now=tuesday) == []
    assert qualification.refusal(lead, now=tuesday) == "No definition of qualified covers this lead."


# --- criteria --------------------------------------------------------------------------------------------------------


def test_criteria_with_their_evidence(make: Make, tuesday: datetime, mia: User) -> None:
    at = tuesday - timedelta(days=3)
    lead = make(
        **NURTURED | {"need": "", "country": "US"},
        city="Austin",
        fact_sources={
            "country": {"via": "form", "at": at.isoformat(), "by": None},
            "industry": {"via": "hand", "at": at.isoformat(), "by": mia.pk},
        },
    )
    states = {state.code: state for state in qualification.criteria(lead, now=tuesday)}
    assert list(states) == [
        "location-served",
        "reachable",
        "industry-on-target",
        "need-expressed",
        "decision-maker",
        "authority",
        "budget",
    ]
    place = states["location-served"]
    assert (place.verdict, place.evidence, place.who, place.when) == (Verdict.NOT_MET, "Austin, US", "form", at)
    assert (place.is_required, place.is_missing, place.is_personal, place.field) == (True, True, False, "country")
    industry = states["industry-on-target"]
    assert (industry.verdict, industry.evidence, industry.who) == (Verdict.MET, "Machinery", "Mia Albrecht")
    need = states["need-expressed"]
    assert (need.verdict, need.evidence, need.who) == (Verdict.UNKNOWN, "What do you want to solve?", "")
    assert (need.is_required, need.is_personal) == (True, True)
    assert (states["budget"].verdict, states["budget"].is_required) == (Verdict.UNKNOWN, False)
    assert states["reachable"].is_required is False  # of the nurtured door it is not asked


def test_missing_is_what_the_nearer_door_requires(make: Make, do: Do, tuesday: datetime) -> None:
    quiet, asking = make(country="DE"), make(industry="Machinery")
    do(asking, "demo_request")
    found = qualification.missing([quiet, asking], now=tuesday)
    assert [state.code for state in found[quiet.pk]] == ["industry-on-target", "need-expressed", "decision-maker"]
    assert [state.code for state in found[asking.pk]] == ["location-served", "reachable"]


def test_the_number_of_queries_does_not_grow(make: Make, do: Do, tuesday: datetime) -> None:
    leads = [make(country="DE") for _each in range(12)]
    counts = []
    for some in (leads[:1], leads):
        with CaptureQueriesContext(connection) as seen:
            qualification.missing(some, now=tuesday)
            qualification.refusals(some, now=tuesday)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 12


def test_an_answer_counts_before_the_condition_and_is_kept(make: Make, do: Do, tuesday: datetime, mia: User) -> None:
    lead = make(**NURTURED | {"need": "", "industry": "Fishing"}, job_function="purchasing")
    do(lead, "trial_start")
    do(lead, "newsletter_signup")
    assert judged(lead, tuesday).stage == Stage.NURTURING
    later = tuesday + timedelta(hours=1)
    first = qualification.answer(
        lead, code="need-expressed", verdict=Verdict.MET, evidence=" Said so on the phone. ", by=mia, now=later
    )
    assert first.qualified == []
    second = qualification.answer(
        lead, code="industry-on-target", verdict="met", evidence="Builds winches", by=mia, now=later
    )
    assert second.qualified == [lead.pk]
    need = {state.code: state for state in qualification.criteria(lead, now=later)}["need-expressed"]
    assert (need.verdict, need.evidence, need.who, need.when) == (
        Verdict.MET,
        "Said so on the phone.",
        "Mia Albrecht",
        later,
    )
    assert (need.is_by_person, need.is_personal) == (True, True)


@pytest.mark.parametrize("verdict", [Verdict.NOT_MET, Verdict.UNKNOWN])
def test_an_answer_can_say_no_where_the_condition_holds(
    make: Make, do: Do, tuesday: datetime, mia: User, verdict: Verdict
) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, "demo_request")
    qualification.answer(lead, code="reachable", verdict=verdict, evidence="Nobody there", by=mia, now=tuesday)
    assert judged(lead, tuesday).stage == Stage.NURTURING
    states = {state.code: state for state in qualification.criteria(lead, now=tuesday)}
    assert states["reachable"].verdict == verdict


def test_an_answer_can_be_changed(make: Make, tuesday: datetime, mia: User, max_: User) -> None:
    lead = make()
    qualification.answer(lead, code="budget", verdict="met", evidence="20,000", by=mia, now=tuesday)
    later = tuesday + timedelta(days=1)
    qualification.answer(lead, code="budget", verdict="not_met", evidence="Cut", by=max_, now=later)
    kept = CriterionAnswer.objects.get(lead=lead)
    assert (kept.verdict, kept.evidence, kept.by, kept.answered_at) == ("not_met", "Cut", max_, later)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "shoe-size"}, "code"),
        ({"verdict": "perhaps"}, "verdict"),
        ({"evidence": "  "}, "evidence"),
        ({"evidence": "x" * 2001}, "evidence"),
    ],
)
def test_an_answer_without_its_parts_is_refused(
    make: Make, tuesday: datetime, mia: User, given: dict[str, str], field: str
) -> None:
    told = {"code": "budget", "verdict": "met", "evidence": "20,000"} | given
    with pytest.raises(qualification.AnswerRefused) as refused:
        qualification.answer(make(), **told, by=mia, now=tuesday)
    assert refused.value.field == field
    assert not CriterionAnswer.objects.exists()


def test_a_criterion_that_only_a_person_can_judge(make: Make, do: Do, tuesday: datetime, mia: User) -> None:
    definition = Definition.objects.get(version=1)
    Criterion.objects.create(definition=definition, code="nice", label="Nice people", required_by_asked=True)
    lead = make(email="jana@voss.example", country="DE")
    do(lead, "demo_request")
    assert judged(lead, tuesday).stage == Stage.NURTURING
    found = qualification.answer(lead, code="nice", verdict="met", evidence="They are", by=mia, now=tuesday)
    assert found.qualified == [lead.pk]


# --- why not ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"blocked_at": "now"}, "This lead is blocked: it is never handed over again."),
        ({"suppressed_at": "now"}, "This lead must not be contacted."),
        ({"excluded_because": "competitor"}, "This lead is excluded: competitor."),
        ({"stage": "customer"}, "It is past handing over: customer."),
        ({"stage": "qualified", "qualified_at": "now", "qualified_until": "now"}, "It was qualified until 3 Mar 2026"),
        (
            {"country": "DE"},
            "3 required facts are missing: industry on target, need expressed, decision maker identified.",
        ),
        ({"country": "US"}, "Not met: location served. 3 required facts are missing: industry on target"),
        ({"country": "DE"}, "The score is 5, under 100."),
    ],
)
def test_a_refusal_says_why(make: Make, tuesday: datetime, columns: dict[str, Any], why: str) -> None:
    lead = make(**{key: tuesday if value == "now" else value for key, value in columns.items()})
    scoring.score([lead.pk], now=tuesday)
    assert why in qualification.refusal(Lead.objects.get(pk=lead.pk), now=tuesday)


def test_a_qualified_lead_is_not_refused(make: Make, do: Do, tuesday: datetime) -> None:
    lead = make(email="jana@voss.example", country="DE")
    do(lead, InteractionKind.DEMO_REQUEST)
    lead = judged(lead, tuesday)
    assert qualification.refusal(lead, now=tuesday) == ""
    assert list(Lead.objects.to_hand_over(now=tuesday)) == [lead]
    Lead.objects.update(suppressed_at=tuesday)
    assert not Lead.objects.to_hand_over(now=tuesday).exists()
