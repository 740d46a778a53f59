"""Drafts: who starts one, what is copied, what can be changed, and what is refused at which field."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from leads.models import Definition, ScoreModel
from leadsla.accounts.models import User
from sla import agreements, drafting
from sla.drafting import Limit, Step
from sla.models import Agreement, Calendar, Commitment, Target, TimeLimit

pytestmark = pytest.mark.django_db
Status = Agreement.Status


@pytest.fixture
def seed(db: None) -> Agreement:
    return Agreement.objects.get()


@pytest.fixture
def draft(seed: Agreement, max_: User, tuesday: datetime) -> Agreement:
    return drafting.start_draft(seed, by=max_, now=tuesday)


def sentences(agreement: Agreement) -> list[str]:
    return [clause.text for clause in agreements.clauses(agreement)]


# --- start


def test_a_draft_is_a_copy_that_follows_its_base(seed: Agreement, draft: Agreement, max_: User) -> None:
    assert (draft.series, draft.version, draft.based_on, draft.status) == (seed.series, 2, seed, Status.DRAFT)
    assert (draft.is_provisional, draft.in_force_from, draft.starts_on, draft.created_by) == (False, None, None, max_)
    assert draft.definition == seed.definition
    assert sentences(draft) == sentences(seed)
    assert draft.targets.count() == 13
    assert TimeLimit.objects.filter(target__agreement=draft).count() == 24  # eight clocks, hot, warm and cool
    assert list(draft.escalation.values_list("temperature", "share", "minutes", "action", "is_urgent")) == list(
        seed.escalation.values_list("temperature", "share", "minutes", "action", "is_urgent")
    )
    assert draft.escalation.count() == 13


def test_what_follows_a_signed_version_starts_with_the_next_period(
    seed: Agreement, sue: User, tuesday: datetime
) -> None:
    Agreement.objects.update(is_provisional=False)
    seed.refresh_from_db()
    assert drafting.start_draft(seed, by=sue, now=tuesday).starts_on == date(2026, 4, 1)


def test_one_draft_at_a_time(seed: Agreement, draft: Agreement, sue: User, tuesday: datetime) -> None:
    with pytest.raises(drafting.Refused, match="Version 2 is draft already"):
        drafting.start_draft(seed, by=sue, now=tuesday)
    assert Agreement.objects.count() == 2


def test_a_new_agreement_has_a_definition_of_its_own(seed: Agreement, olga: User, tuesday: datetime) -> None:
    new = drafting.start_draft(None, by=olga, now=tuesday)
    assert new.series != seed.series
    assert (new.version, new.based_on) == (1, None)
    assert new.definition != seed.definition
    assert new.definition.criteria.count() == seed.definition.criteria.count()
    assert sentences(new) == sentences(seed)


@pytest.mark.parametrize("who", ["mia", "sam", "ada"])
def test_others_do_not_draft(
    who: str, request: pytest.FixtureRequest, seed: Agreement, draft: Agreement, tuesday: datetime
) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(drafting.Refused, match="managers of both sides and by operations"):
        drafting.start_draft(seed, by=person, now=tuesday)
    with pytest.raises(drafting.Refused, match="managers of both sides and by operations"):
        drafting.set_terms(draft, by=person, now=tuesday, name="Mine")
    with pytest.raises(drafting.Refused, match="managers of both sides and by operations"):
        drafting.discard(draft, by=person)


def test_a_discarded_draft_is_gone_with_its_own_definition(seed: Agreement, max_: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(110))
    drafting.discard(draft, by=max_)
    assert list(Agreement.objects.all()) == [seed]
    assert list(Definition.objects.all()) == [seed.definition]
    with pytest.raises(drafting.Refused, match="discarded meanwhile"):
        drafting.set_terms(draft, by=max_, now=tuesday, name="Late")


@pytest.mark.parametrize("status", [Status.PROPOSED, Status.SIGNED, Status.ACTIVE, Status.WITHDRAWN])
def test_only_a_draft_changes(draft: Agreement, sue: User, tuesday: datetime, status: str) -> None:
    Agreement.objects.exclude(pk=draft.pk).update(status="superseded")
    Agreement.objects.filter(pk=draft.pk).update(status=status, in_force_from=None if status != "active" else tuesday)
    changes: list[Any] = [
        lambda: drafting.set_terms(draft, by=sue, now=tuesday, name="New"),
        lambda: drafting.set_promise(draft, measure="quantity", at_least=Decimal(1), by=sue, now=tuesday),
        lambda: drafting.remove_promise(draft, measure="quantity", by=sue, now=tuesday),
        lambda: drafting.set_limits(draft, measure="decide", limits={"hot": Limit(minutes=5)}, by=sue, now=tuesday),
        lambda: drafting.set_escalation(draft, temperature="hot", steps=[], by=sue, now=tuesday),
        lambda: drafting.set_definition(draft, by=sue, now=tuesday, threshold=Decimal(120)),
        lambda: drafting.discard(draft, by=sue),
    ]
    before = sentences(draft)
    for change in changes:
        with pytest.raises(drafting.Refused, match="no draft any more"):
            change()
    assert sentences(draft) == before


# --- terms


def test_terms_change_one_by_one(draft: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    hot = Calendar.objects.get(name="Hot leads")
    drafting.set_terms(draft, by=max_, now=tuesday, name=" DACH mid-market ", calendar=hot, why="Fewer, better leads")
    changed = drafting.set_terms(
        draft,
        by=sue,
        now=tuesday,
        starts_on=date(2026, 4, 1),
        settle_working_days=5,
        hands_over_automatically=False,
        ruling_person=sue,
    )
    assert (changed.name, changed.calendar, changed.why) == ("DACH mid-market", hot, "Fewer, better leads")
    assert (changed.starts_on, changed.settle_working_days) == (date(2026, 4, 1), 5)
    assert (changed.hands_over_automatically, changed.ruling_person) == (False, sue)


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"name": "  "}, "name", "up to 120"),
        ({"scope": {"field": "shoe_size", "op": "is", "value": "9"}}, "scope", "no field"),
        ({"scope": {"field": "country", "op": "heavier", "value": "DE"}}, "scope", "heavier"),
        ({"period": "week"}, "period", "months or quarters"),
        ({"timezone": "Europe/Berlim"}, "timezone", "Europe/Berlim"),
        ({"starts_on": date(2026, 4, 2)}, "starts_on", "1 May 2026"),
        ({"starts_on": date(2026, 3, 1)}, "starts_on", "begun already"),
        ({"starts_on": date(2026, 5, 1), "period": "quarter"}, "starts_on", "1 July 2026"),
        ({"starts_on": date(9999, 12, 1)}, "starts_on", "between 1990 and 2199"),
        ({"settle_working_days": 0}, "settle_working_days", "from 1 to 120"),
        ({"kept_working_days": -1}, "kept_working_days", "from 1 to 120"),
        ({"opportunity_working_days": 100_000}, "opportunity_working_days", "from 1 to 260"),
        ({"customer_days": True}, "customer_days", "from 1 to 1095"),
        ({"position": -1}, "position", "from 0"),
    ],
)
def test_terms_that_make_no_sense_are_refused_at_the_field(
    draft: Agreement, max_: User, tuesday: datetime, terms: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_terms(draft, by=max_, now=tuesday, **(terms | {"why": "A reason"}))
    assert list(refused.value.errors) == [field]
    assert words in refused.value.errors[field]
    draft.refresh_from_db()
    assert draft.why == ""


def test_a_scope_goes_into_the_draft_s_own_definition(
    seed: Agreement, draft: Agreement, max_: User, tuesday: datetime
) -> None:
    scope = {"field": "country", "op": "in", "value": ["DE", "AT"]}
    changed = drafting.set_terms(draft, by=max_, now=tuesday, scope=scope)
    assert changed.definition != seed.definition
    assert changed.definition.scope == scope
    seed.definition.refresh_from_db()
    assert seed.definition.scope is None


def test_nobody_inactive_rules(draft: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    User.objects.filter(pk=sue.pk).update(is_active=False)
    sue.refresh_from_db()
    with pytest.raises(drafting.Refused, match="is no longer active"):
        drafting.set_terms(draft, by=max_, now=tuesday, ruling_person=sue)


# --- promises


def test_a_range_is_promised(draft: Agreement, max_: User, tuesday: datetime) -> None:
    drafting.set_promise(
        draft, measure="quantity", at_least=Decimal(85), at_most=Decimal(105), note="middle half", by=max_, now=tuesday
    )
    assert sentences(draft)[0] == "Between 85 and 105 qualified leads a month."
    assert Target.objects.get(agreement=draft, commitment__measure="quantity").note == "middle half"


def test_a_promise_is_added_with_its_commitment_and_removed(draft: Agreement, max_: User, tuesday: datetime) -> None:
    drafting.set_promise(draft, measure="answer", at_least=Decimal("0.95"), by=max_, now=tuesday)
    drafting.set_limits(draft, measure="answer", limits={"hot": Limit(minutes=30)}, by=max_, now=tuesday)
    assert sentences(draft)[-1] == "A lead that asks again is answered within 30 min, 19 times in 20."
    assert Commitment.objects.get(measure="answer").side == "sales"
    assert drafting.remove_promise(draft, measure="answer", by=max_, now=tuesday)
    assert not drafting.remove_promise(draft, measure="answer", by=max_, now=tuesday)
    assert len(sentences(draft)) == 13


def test_steps_of_a_removed_promise_go_with_it(draft: Agreement, max_: User, tuesday: datetime) -> None:
    drafting.remove_promise(draft, measure="first_follow_up", by=max_, now=tuesday)
    assert not draft.escalation.filter(measures__contains=["first_follow_up"]).exists()
    assert draft.escalation.filter(temperature="hot").count() == 2  # of all others, as before
    assert draft.escalation.filter(temperature="warm", measures=["decide"]).count() == 3


@pytest.mark.parametrize(
    ("measure", "at_least", "at_most", "field", "words"),
    [
        ("quantity", "-1", None, "at_least", "below zero"),
        ("quantity", "150", "120", "at_most", "upside down"),
        ("quantity", "10000", None, "at_least", "at most 9,999"),
        ("quantity", "NaN", None, "at_least", "a number"),
        ("quantity", "1", "Infinity", "at_most", "a number"),
        ("accepted", "1.01", None, "at_least", "above 100 %"),
        ("decide", "-0.1", None, "at_least", "below zero"),
        ("decide", "0.9", "0.95", "at_most", "Only the number of leads"),
        ("happiness", "0.9", None, "measure", "no such promise"),
    ],
)
def test_figures_that_make_no_sense_are_refused(
    draft: Agreement,
    max_: User,
    tuesday: datetime,
    measure: str,
    at_least: str,
    at_most: str | None,
    field: str,
    words: str,
) -> None:
    before = sentences(draft)
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_promise(
            draft,
            measure=measure,
            at_least=Decimal(at_least),
            at_most=None if at_most is None else Decimal(at_most),
            by=max_,
            now=tuesday,
        )
    assert words in refused.value.errors[field]
    assert sentences(draft) == before


def test_times_are_set_for_each_temperature(draft: Agreement, max_: User, tuesday: datetime) -> None:
    limits = {"hot": Limit(minutes=10), "warm": Limit(working_days=1)}
    target = drafting.set_limits(
        draft, measure="first_follow_up", limits=limits, counts_owner_hours=True, by=max_, now=tuesday
    )
    assert target.counts_owner_hours
    text = "A first follow-up within 10 min (hot) or 1 working day (warm), 9 times in 10."
    assert text in sentences(draft)
    assert {limit.calendar for limit in target.limits.all()} == {draft.calendar}


@pytest.mark.parametrize(
    ("measure", "limits", "field"),
    [
        ("decide", {"hot": Limit()}, "hot_minutes"),
        ("decide", {"hot": Limit(minutes=5, working_days=1)}, "hot_minutes"),
        ("decide", {"hot": Limit(minutes=0)}, "hot_minutes"),
        ("decide", {"warm": Limit(working_days=-1)}, "warm_working_days"),
        ("decide", {"hot": Limit(minutes=5, attempts=3)}, "hot_attempts"),
        ("decide", {"tepid": Limit(minutes=5)}, "tepid_temperature"),
        ("decide", {"hot": Limit(minutes=5, warn_share=Decimal(2))}, "hot_warn_share"),
        ("decide", {}, "limits"),
        ("attempts", {"hot": Limit(working_days=5)}, "hot_attempts"),
        ("attempts", {"hot": Limit(working_days=5, attempts=2, channels=3)}, "hot_channels"),
        ("quantity", {"hot": Limit(minutes=5)}, "measure"),
        ("answer", {"hot": Limit(minutes=5)}, "measure"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    draft: Agreement, max_: User, tuesday: datetime, measure: str, limits: dict[str, Limit], field: str
) -> None:
    before = sentences(draft)
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_limits(draft, measure=measure, limits=limits, by=max_, now=tuesday)
    assert field in refused.value.errors
    assert sentences(draft) == before


# --- escalation


def test_steps_are_set_in_order(draft: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    steps = [
        Step("owner", share=Decimal("0.5")),
        Step("person", share=Decimal(1), recipient=sue),
        Step("reassign", share=Decimal(1), minutes=240),
    ]
    drafting.set_escalation(draft, temperature="warm", steps=steps, by=max_, now=tuesday)
    assert list(draft.escalation.filter(temperature="warm").values_list("action", "recipient")) == [
        ("owner", None),
        ("person", sue.pk),
        ("reassign", None),
    ]
    assert draft.escalation.filter(temperature="hot").count() == 6


@pytest.mark.parametrize(
    ("steps", "field", "words"),
    [
        ([Step("manager"), Step("owner", share=Decimal("0.8"))], "steps.1.share", "before the step above"),
        # 4 h of a decision: half of it is 120 minutes, which is before 121
        (
            [Step("owner", share=Decimal(0), minutes=121), Step("manager", share=Decimal("0.5"))],
            "steps.1.share",
            "befo",
        ),
        ([Step("manager"), Step("manager")], "steps.1.action", "there already"),
        ([Step("person")], "steps.0.recipient", "who is told"),
        ([Step("shout")], "steps.0.action", "no such step"),
        ([Step("owner", share=Decimal(-1))], "steps.0.share", "from 0 to"),
        ([Step("owner", share=Decimal(11))], "steps.0.share", "from 0 to"),
        ([Step("owner", minutes=-5)], "steps.0.minutes", "whole number"),
        ([Step("owner", measures=("happiness",))], "steps.0.measures", "no such promise"),
    ],
)
def test_steps_that_make_no_sense_are_refused(
    draft: Agreement, max_: User, tuesday: datetime, steps: list[Step], field: str, words: str
) -> None:
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_escalation(draft, temperature="hot", steps=steps, by=max_, now=tuesday)
    assert words in refused.value.errors[field]
    assert draft.escalation.count() == 13


def test_a_recipient_is_named_for_a_named_person_only(
    draft: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_escalation(draft, temperature="hot", steps=[Step("owner", recipient=sue)], by=max_, now=tuesday)
    assert list(refused.value.errors) == ["steps.0.recipient"]


# --- the definition


def test_a_changed_definition_is_the_draft_s_own(
    seed: Agreement, draft: Agreement, max_: User, tuesday: datetime
) -> None:
    required = {"location-served": (True, True), "need-expressed": (False, True)}
    codes = set(seed.definition.criteria.values_list("code", flat=True))
    assert set(required) <= codes
    before = list(seed.definition.criteria.values_list("code", "required_by_asked", "required_by_nurtured"))
    own = drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(110), valid_days=45, criteria=required)
    assert own.version == seed.definition.version + 1
    assert (own.threshold, own.valid_days, own.in_force_from) == (Decimal(110), 45, None)
    asked = list(own.criteria.filter(required_by_asked=True).values_list("code", flat=True))
    nurtured = set(own.criteria.filter(required_by_nurtured=True).values_list("code", flat=True))
    assert (asked, nurtured) == (["location-served"], set(required))
    assert list(seed.definition.criteria.values_list("code", "required_by_asked", "required_by_nurtured")) == before
    again = drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(120))
    assert again == own  # a draft's own definition changes in place


def test_saying_what_is_there_makes_no_new_definition(
    seed: Agreement, draft: Agreement, max_: User, tuesday: datetime
) -> None:
    same = drafting.set_definition(draft, by=max_, now=tuesday, threshold=seed.definition.threshold)
    assert same == seed.definition
    assert Definition.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"threshold": Decimal(-1)}, "threshold"),
        ({"threshold": Decimal("NaN")}, "threshold"),
        ({"intent_at_least": Decimal(10_000)}, "intent_at_least"),
        ({"interactions_at_least": -1}, "interactions_at_least"),
        ({"valid_days": 0}, "valid_days"),
        ({"asked_within_days": 0}, "asked_within_days"),
        ({"name": ""}, "name"),
        ({"criteria": {}}, "criteria"),
        ({"criteria": {"location-served": (False, False)}}, "criteria"),
        ({"criteria": {"shoe-size": (True, True)}}, "criteria"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(
    draft: Agreement, max_: User, tuesday: datetime, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_definition(draft, by=max_, now=tuesday, **change)
    assert list(refused.value.errors) == [field]
    assert Definition.objects.count() == 1


def test_a_score_model_must_be_published(draft: Agreement, max_: User, tuesday: datetime) -> None:
    model = ScoreModel.objects.create(version=2, name="Try", created_at=tuesday)
    with pytest.raises(drafting.Refused, match="is a draft"):
        drafting.set_definition(draft, by=max_, now=tuesday, score_model=model)
