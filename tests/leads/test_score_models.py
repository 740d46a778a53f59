"""Versions of the score: drafts, rules refused in words, publishing, going back, and what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leads import score_models, score_words
from leads.models import Lead, ScoreModel
from leads.score_models import Refused, RuleFacts
from leadsla.accounts.models import User

pytestmark = pytest.mark.django_db

WEBINAR = RuleFacts(
    label="Came to a webinar twice",
    group="engagement",
    points=Decimal("12.5"),
    kinds=["webinar_attend"],
    limit=2,
    limit_per="month",
    half_life_days=45,
    cap=Decimal(20),
)
GERMAN = RuleFacts(
    label="From Germany", group="fit", points=Decimal(7), condition={"field": "country", "op": "is", "value": "DE"}
)


@pytest.fixture
def first(db: None) -> ScoreModel:
    return ScoreModel.objects.get(status="published")


@pytest.fixture
def draft(first: ScoreModel, max_: User, tuesday: datetime) -> ScoreModel:
    return score_models.draft(first, by=max_, now=tuesday)


def refused(model: ScoreModel, told: RuleFacts) -> dict[str, str]:
    with pytest.raises(Refused) as wrong:
        score_models.add_rule(model, told)
    return wrong.value.errors


def test_a_draft_is_a_copy_and_counts_for_nobody(first: ScoreModel, draft: ScoreModel, max_: User) -> None:
    assert (draft.version, draft.status, draft.based_on, draft.created_by) == (2, "draft", first, max_)
    assert score_words.difference(first, draft) == []
    assert draft.rules.count() == first.rules.count() > 10
    assert score_models.published() == first


def test_a_rule_is_added_changed_and_removed(draft: ScoreModel) -> None:
    rule = score_models.add_rule(draft, WEBINAR)
    assert rule.code == "came-to-a-webinar-twice"
    assert score_words.asks(rule) == "Attended a webinar"
    assert score_words.terms(rule) == "at most 2 a month, fades by half every 45 days, in all at most 20 points"
    rule = score_models.change_rule(draft, rule.code, replace(WEBINAR, label="Webinars", points=Decimal(10)))
    assert (rule.code, rule.label, rule.points) == ("came-to-a-webinar-twice", "Webinars", 10)
    score_models.remove_rule(draft, rule.code)
    assert not draft.rules.filter(code=rule.code).exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "x" * 121}, "label"),
        ({"group": "luck"}, "group"),
        ({"points": Decimal(0)}, "points"),
        ({"points": Decimal("200.1")}, "points"),
        ({"points": Decimal(-201)}, "points"),
        ({"points": Decimal("1.05")}, "points"),
        ({"group": "negative"}, "points"),
        ({"cap": Decimal(0)}, "cap"),
        ({"cap": Decimal(1001)}, "cap"),
        ({"kinds": ["dance"]}, "kinds"),
        ({"half_life_days": 0}, "half_life_days"),
        ({"half_life_days": 3651}, "half_life_days"),
        ({"limit": 0}, "limit"),
        ({"limit": 3, "limit_per": ""}, "limit"),
        ({"limit": None, "limit_per": "day"}, "limit"),
        ({"limit_per": "year"}, "limit"),
        ({"condition": GERMAN.condition}, "condition"),
    ],
)
def test_what_a_rule_on_interactions_cannot_say(draft: ScoreModel, wrong: dict[str, Any], field: str) -> None:
    assert set(refused(draft, replace(WEBINAR, **wrong))) == {field}


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"condition": None}, "condition", "is empty"),
        ({"condition": {"all": []}}, "condition", "is empty"),
        ({"condition": {"any": [GERMAN.condition, {"all": []}]}}, "condition", "is empty"),
        ({"condition": {"not": None}}, "condition", "is empty"),
        ({"condition": {"field": "score", "op": "gte", "value": 10}}, "condition", "follows from the score"),
        ({"condition": {"not": {"field": "grade", "op": "is", "value": "A1"}}}, "condition", "follows from the score"),
        ({"condition": {"field": "shoe", "op": "is", "value": "44"}}, "condition", "no field"),
        ({"half_life_days": 30}, "half_life_days", "for interactions"),
        ({"limit": 1, "limit_per": "day"}, "limit", "counted"),
    ],
)
def test_what_a_rule_on_facts_cannot_say(draft: ScoreModel, wrong: dict[str, Any], field: str, words: str) -> None:
    errors = refused(draft, replace(GERMAN, **wrong))
    assert set(errors) == {field}
    assert words in errors[field]


def test_two_rules_have_two_names(draft: ScoreModel) -> None:
    score_models.add_rule(draft, GERMAN)
    assert set(refused(draft, replace(GERMAN, label="from germany"))) == {"label"}


def test_caps_and_grades_in_range(draft: ScoreModel) -> None:
    told = score_models.Settings(
        name="Spring",
        why="",
        fit_cap=Decimal(80),
        intent_cap=Decimal(100),
        engagement_cap=Decimal(60),
        fit_grades=[Decimal(50), Decimal(30), Decimal(10)],
        engagement_grades=[Decimal(75), Decimal(40), Decimal(15)],
    )
    assert score_models.change(draft, told).fit_cap == 80
    for wrong, field in (
        ({"name": ""}, "name"),
        ({"fit_cap": Decimal(0)}, "fit_cap"),
        ({"intent_cap": Decimal(1001)}, "intent_cap"),
        ({"fit_grades": [Decimal(30), Decimal(50), Decimal(10)]}, "fit_grades"),
        ({"engagement_grades": [Decimal(30), Decimal(10)]}, "engagement_grades"),
    ):
        with pytest.raises(Refused) as refusal:
            score_models.change(draft, replace(told, **wrong))
        assert set(refusal.value.errors) == {field}


def test_rules_move_within_their_group(draft: ScoreModel) -> None:
    def fit() -> list[str]:
        return [rule.code for rule in draft.rules.filter(group="fit")]

    before = fit()
    assert score_models.move_rule(draft, before[1], up=True)
    assert fit() == [before[1], before[0], *before[2:]]
    assert not score_models.move_rule(draft, before[1], up=True)
    assert score_models.move_rule(draft, before[1], up=False)
    assert fit() == before
    assert not score_models.move_rule(draft, before[-1], up=False)


def test_publishing_retires_the_other_and_cannot_be_changed(
    first: ScoreModel, draft: ScoreModel, max_: User, tuesday: datetime
) -> None:
    later = tuesday + timedelta(days=1)
    score_models.add_rule(draft, GERMAN)
    published = score_models.publish(draft, by=max_, now=later)
    first.refresh_from_db()
    assert (published.status, published.published_at, published.published_by) == ("published", later, max_)
    assert first.status == "retired"
    for act in (
        lambda: score_models.add_rule(draft, WEBINAR),
        lambda: score_models.remove_rule(draft, "from-germany"),
        lambda: score_models.move_rule(draft, "from-germany", up=True),
        lambda: score_models.discard(draft),
        lambda: score_models.publish(draft, by=max_, now=later),
    ):
        with pytest.raises(Refused, match="Version 2 was published"):
            act()


def test_going_back_publishes_a_copy(first: ScoreModel, draft: ScoreModel, max_: User, tuesday: datetime) -> None:
    score_models.add_rule(draft, GERMAN)
    score_models.publish(draft, by=max_, now=tuesday)
    first.refresh_from_db()
    back = score_models.roll_back(first, by=max_, now=tuesday)
    assert (back.version, back.status, back.based_on, back.why) == (3, "published", first, "Back to version 1.")
    assert score_words.difference(first, back) == []
    with pytest.raises(Refused, match="published earlier"):
        score_models.roll_back(back, by=max_, now=tuesday)


def test_a_model_without_rules_is_not_published(draft: ScoreModel, max_: User, tuesday: datetime) -> None:
    draft.rules.all().delete()
    with pytest.raises(Refused, match="has no rule"):
        score_models.publish(draft, by=max_, now=tuesday)


def test_a_rule_that_means_nothing_any_more_is_not_published(draft: ScoreModel, max_: User, tuesday: datetime) -> None:
    rule = score_models.add_rule(draft, GERMAN)
    rule.condition = {"field": "planet", "op": "is", "value": "Mars"}
    rule.save()
    with pytest.raises(Refused, match=r"“From Germany”: There is no field “planet”"):
        score_models.publish(draft, by=max_, now=tuesday)
    assert Lead.objects.filter(score_model=draft).count() == 0


def test_a_draft_is_discarded(draft: ScoreModel) -> None:
    score_models.discard(draft)
    assert not ScoreModel.objects.filter(pk=draft.pk).exists()
    with pytest.raises(Refused, match="discarded meanwhile"):
        score_models.add_rule(draft, GERMAN)


def test_the_difference_in_words(first: ScoreModel, draft: ScoreModel) -> None:
    demo = next(rule for rule in draft.rules.all() if "demo_request" in rule.kinds)
    draft.rules.filter(pk=demo.pk).update(points=Decimal(80), half_life_days=14)
    ScoreModel.objects.filter(pk=draft.pk).update(fit_cap=Decimal(75))
    score_models.add_rule(draft, GERMAN)
    gone = draft.rules.get(kinds=["careers_view"])
    score_models.remove_rule(draft, gone.code)
    draft.refresh_from_db()
    assert score_words.difference(first, draft) == [
        "Fit gives at most 75 points, before 70.",
        f"“{demo.label}”: +80 points, before +100; at most 1 a day, fades by half every 14 days; "
        "before: at most 1 a day, fades by half every 30 days.",
        f"New: “From Germany”, +7 points for: {score_words.asks(draft.rules.get(code='from-germany'))}.",
        f"Removed: “{gone.label}”, −10 points for: Looked at the careers page.",
    ]
