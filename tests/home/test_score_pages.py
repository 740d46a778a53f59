"""The score model's pages: read, draft, change, compare, publish, go back; who may, and what is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads import score_models
from leads.models import Definition, Lead, ScoreModel, ScoreRescan, ScoreRule
from leadsla import clock
from leadsla.accounts.models import User
from sla import past_scores
from sla.models import Agreement, Handoff, Round
from sla.past_scores import Good

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]

DEEDS = {"label": "Chatted with us", "group": "intent", "points": "12.5", "kinds": ["chat"]}
GERMAN = {
    "label": "From Germany",
    "group": "fit",
    "points": "7",
    "condition-count": "1",
    "condition-joined": "all",
    "condition-0-field": "country",
    "condition-0-op": "is",
    "condition-0-value": "DE",
}


@pytest.fixture
def draft(max_: User, tuesday: datetime) -> ScoreModel:
    return score_models.draft(ScoreModel.objects.get(), by=max_, now=tuesday)


def page(browser: Client, name: str, *args: Any, **query: str) -> str:
    response = browser.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_sales_reads_and_cannot_change(sam: User, draft: ScoreModel, signed_in: SignIn) -> None:
    browser = signed_in(sam)
    text = page(browser, "leads:score_model")
    assert "at most 70 points" in text
    assert "fades by half every 30 days" in text
    assert "Start a draft" not in text
    assert "Publish" not in page(browser, "home:score_compare", 2).split("<h1>")[1].split("</h1>")[1][:900]
    for name, args in (
        ("leads:score_draft", [1]),
        ("leads:score_discard", [2]),
        ("leads:score_rule_new", [2]),
        ("leads:score_settings", [2]),
        ("home:score_publish", [2]),
    ):
        assert browser.post(reverse(name, args=args)).status_code == 403
    assert draft.rules.count() == ScoreModel.objects.get(version=1).rules.count()


def test_unknown_versions_and_rules_are_not_found(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    browser = signed_in(max_)
    assert browser.get(reverse("leads:score_version", args=[99])).status_code == 404
    assert browser.get(reverse("leads:score_rule", args=[2, "nothing"])).status_code == 404
    assert browser.get(reverse("leads:score_draft", args=[1])).status_code == 405


def test_a_draft_with_two_new_rules(max_: User, signed_in: SignIn) -> None:
    browser = signed_in(max_)
    assert browser.post(reverse("leads:score_draft", args=[1]))["Location"] == reverse("leads:score_version", args=[2])
    made = browser.post(reverse("leads:score_rule_new", args=[2]) + "?on=interactions", DEEDS)
    assert made.status_code == 302
    assert browser.post(reverse("leads:score_rule_new", args=[2]) + "?on=facts", GERMAN).status_code == 302
    rules = ScoreRule.objects.filter(model__version=2)
    assert rules.get(label="Chatted with us").points == Decimal("12.5")
    assert rules.get(label="From Germany").condition == {"field": "country", "op": "is", "value": "DE"}
    text = page(browser, "leads:score_version", 2)
    assert "New: “Chatted with us”, +12.5 points for: Chatted." in text
    assert "Country is DE" in text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"points": "201"}, "points"),
        ({"points": "many"}, "points"),
        ({"points": "1e999999"}, "points"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["dance"]}, "kinds"),
        ({"half_life_days": "0"}, "half_life_days"),
        ({"half_life_days": "1.5"}, "half_life_days"),
        ({"limit": "3"}, "limit"),
        ({"limit": "0", "limit_per": "day"}, "limit"),
        ({"cap": "-0"}, "cap"),
        ({"label": ""}, "label"),
        ({"group": "luck"}, "group"),
    ],
)
def test_what_is_wrong_stands_at_the_field(
    max_: User, draft: ScoreModel, typed: dict[str, Any], field: str, signed_in: SignIn
) -> None:
    response = signed_in(max_).post(reverse("leads:score_rule_new", args=[2]) + "?on=interactions", DEEDS | typed)
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {field}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"condition-0-field": "", "condition-0-value": ""}, "The condition is empty"),
        ({"condition-0-field": "score", "condition-0-op": "gte", "condition-0-value": "5"}, "follows from the score"),
        ({"condition-0-field": "shoe"}, "There is no field"),
    ],
)
def test_conditions_are_refused_in_words(
    max_: User, draft: ScoreModel, typed: dict[str, str], words: str, signed_in: SignIn
) -> None:
    response = signed_in(max_).post(reverse("leads:score_rule_new", args=[2]) + "?on=facts", GERMAN | typed)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert not draft.rules.filter(label="From Germany").exists()


def test_another_row_without_a_script_keeps_what_was_typed(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    typed = GERMAN | {"condition-act": "add"}
    response = signed_in(max_).post(reverse("leads:score_rule_new", args=[2]) + "?on=facts", typed)
    assert response.status_code == 200
    assert "From Germany" in response.content.decode()
    assert not draft.rules.filter(label="From Germany").exists()


def test_rules_are_moved_and_removed_by_buttons(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    browser = signed_in(max_)
    first, second = list(draft.rules.filter(group="fit").values_list("code", flat=True))[:2]
    move = reverse("leads:score_rule_move", args=[2, second])
    assert browser.post(move, {"way": "up"}).status_code == 302
    assert list(draft.rules.filter(group="fit").values_list("code", flat=True))[:2] == [second, first]
    assert browser.post(move, {"way": "sideways"}).status_code == 400
    browser.post(reverse("leads:score_rule_remove", args=[2, second]))
    assert not draft.rules.filter(code=second).exists()


def test_settings_are_refused_at_the_field(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    url = reverse("leads:score_settings", args=[2])
    browser = signed_in(max_)
    told = {
        "name": "Spring",
        "fit_cap": "80",
        "intent_cap": "100",
        "engagement_cap": "60",
        "fit_grades": "50, 30, 10",
        "engagement_grades": "75, 40, 15",
    }
    response = browser.post(url, told | {"fit_cap": "0", "fit_grades": "10, 30, 50"})
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {"fit_cap", "fit_grades"}
    assert browser.post(url, told).status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.fit_cap, draft.fit_grades) == ("Spring", 80, [50, 30, 10])


def test_publishing_counts_at_once_under_a_provisional_agreement(
    max_: User, draft: ScoreModel, signed_in: SignIn
) -> None:
    browser = signed_in(max_)
    assert "Publish" in page(browser, "home:score_compare", 2)
    answer = browser.post(reverse("home:score_publish", args=[2]), follow=True)
    assert "all leads are being scored again" in answer.content.decode()
    assert score_models.published() == draft
    assert Definition.objects.in_force(now=clock.now()).get().score_model == draft
    assert ScoreRescan.objects.get().model == draft
    assert "Waiting for a free worker" in page(browser, "leads:score_rescan")
    again = browser.post(reverse("home:score_publish", args=[2]), follow=True)
    assert "was published and stays as it is" in again.content.decode()


def test_publishing_asks_both_sides_under_a_signed_one(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    Agreement.objects.filter(status="active").update(is_provisional=False)
    browser = signed_in(max_)
    answer = browser.post(reverse("home:score_publish", args=[2]), follow=True).content.decode()
    assert "once both sides have signed the agreement" in answer
    assert "Published, and waiting" in answer
    assert Agreement.objects.get(changes_score_model_only=True).status == "proposed"
    assert not ScoreRescan.objects.exists()


def test_going_back_publishes_a_copy(max_: User, draft: ScoreModel, signed_in: SignIn) -> None:
    browser = signed_in(max_)
    browser.post(reverse("home:score_publish", args=[2]))
    assert "Publish a copy of it" in page(browser, "home:score_compare", 1)
    browser.post(reverse("home:score_publish", args=[1]))
    assert (score_models.published() or draft).version == 3
    assert "Back to version 1." in page(browser, "leads:score_model")


# --- the past


def answered(name: str, now: datetime, *, days: int, decision: str, country: str, pack: bool = True) -> Lead:
    """Make a lead that sales answered; it has a country in its pack, and another one today."""
    lead = Lead.objects.create(name=name, created_at=now, stage_since=now, captured_at=now, country="FR")
    at = now - timedelta(days=days)
    handoff = Handoff.objects.create(lead=lead, recorded_at=at, handed_over_at=at, decision=decision, decided_at=at)
    Round.objects.create(
        handoff=handoff,
        number=1,
        opened_at=at,
        decision=decision,
        decided_at=at,
        reason="other" if decision == "rejected" else "",
        pack={"facts": {"country": country}} if pack else {},
    )
    return lead


@pytest.fixture
def by_country(draft: ScoreModel) -> ScoreModel:
    """50 for Germany, 20 for Austria, 10 for a chat that fades by half every 10 days; nothing else."""
    draft.rules.all().delete()
    for n, (country, points) in enumerate((("DE", 50), ("AT", 20))):
        condition = {"field": "country", "op": "is", "value": country}
        draft.rules.create(code=country, label=country, group="fit", position=n, condition=condition, points=points)
    draft.rules.create(
        code="chat", label="Chat", group="intent", position=3, kinds=["chat"], points=10, half_life_days=10
    )
    return draft


def test_the_past_is_scored_as_of_the_handover(by_country: ScoreModel, tuesday: datetime) -> None:
    good = answered("good", tuesday, days=20, decision="accepted", country="DE")
    bad = answered("bad", tuesday, days=20, decision="rejected", country="AT")
    for when in (30, 10):  # 10 days before the handover: 10 × ½ = 5; 10 days after it: nothing
        at = tuesday - timedelta(days=when)
        bad.interactions.create(kind="chat", occurred_at=at, recorded_at=at, key=str(when))
    past = past_scores.look_back([by_country], good=Good.ACCEPTED, line=Decimal(25), now=tuesday)
    # good 50, bad 20 + 5 = 25: both reach 25, and are told apart
    assert (past.leads, past.from_packs, past.over, past.good_over) == (2, 2, [2], [1])
    assert past.areas is not None
    assert past.areas.areas[0].value == 1
    stricter = past_scores.look_back([by_country], good=Good.ACCEPTED, line=Decimal("25.1"), now=tuesday)
    assert (stricter.over, stricter.good_over) == ([1], [1])
    assert good.score is None  # nothing is written


def test_without_a_pack_the_facts_of_today_stand_in(by_country: ScoreModel, tuesday: datetime) -> None:
    answered("good", tuesday, days=20, decision="accepted", country="DE", pack=False)
    answered("bad", tuesday, days=20, decision="rejected", country="AT")
    past = past_scores.look_back([by_country], good=Good.ACCEPTED, line=Decimal(20), now=tuesday)
    assert (past.leads, past.from_packs, past.over, past.good_over) == (2, 1, [1], [0])  # France gives nothing
    assert past.areas is not None
    assert past.areas.areas[0].value == 0


def test_what_counts_for_neither_side_is_left_out(by_country: ScoreModel, tuesday: datetime) -> None:
    answered("good", tuesday, days=20, decision="accepted", country="DE")
    left_out = answered("left out", tuesday, days=20, decision="rejected", country="AT")
    Round.objects.filter(handoff__lead=left_out).update(is_counted=False)
    past = past_scores.look_back([by_country], good=Good.ACCEPTED, line=Decimal(20), now=tuesday)
    assert (past.leads, past.areas) == (1, None)


def test_customers_against_lost(by_country: ScoreModel, tuesday: datetime) -> None:
    won = answered("won", tuesday, days=20, decision="accepted", country="DE")
    lost = answered("lost", tuesday, days=20, decision="accepted", country="AT")
    Handoff.objects.filter(lead=won).update(won_at=tuesday, closed_at=tuesday, closed_because="won")
    Handoff.objects.filter(lead=lost).update(lost_at=tuesday, closed_at=tuesday, closed_because="lost")
    past = past_scores.look_back([by_country], good=Good.WON, line=Decimal(20), now=tuesday)
    assert (past.leads, past.over, past.good_over) == (2, [2], [1])


def test_the_page_shows_both_areas(max_: User, by_country: ScoreModel, tuesday: datetime, signed_in: SignIn) -> None:
    answered("good", tuesday, days=20, decision="accepted", country="DE")
    answered("bad", tuesday, days=20, decision="rejected", country="AT")
    text = page(signed_in(max_), "home:score_compare", 2)
    assert "Too few answered leads" in text
    assert "2 leads that marketing has" in page(signed_in(max_), "home:score_effect", 2)
    assert "Facts of 2 of 2 leads are those frozen in the pack" in text
