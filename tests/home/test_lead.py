"""The lead page: what stands on it, who sees it, and what can be done from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from feedback import decisions
from feedback.models import Reason
from leads import identity, intake, qualification, stages
from leads.models import Interaction, InteractionKind, Lead, Stage
from leadsla.accounts.models import Role, Team, User
from sla import handoff as handoffs
from sla.models import Handoff

SignIn = Callable[[User], Client]
Capture = Callable[..., Lead]
NURTURED = {
    "industry": "Machinery",
    "employees": 260,
    "title": "Head of Supply Chain",
    "seniority": "director",
    "need": "Gear deliveries are late twice a month.",
}


def page(lead: Lead) -> str:
    return reverse("home:lead", args=(lead.public_id,))


def shown(client: Client, lead: Lead, tab: str = "score") -> str:
    response = client.get(page(lead), {"tab": tab})
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def jana(capture: Capture) -> Lead:
    """Nurtured: industry, need and size are known; the decision maker is not."""
    return capture("Jana Steiner", **NURTURED)


# --- score and criteria


def test_the_score_adds_up_and_the_criteria_say_what_is_missing(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    response = signed_in(mia).get(page(jana))
    waterfall = response.context["waterfall"]
    lines = [line.points for group in waterfall.groups for line in group.lines]
    jana.refresh_from_db()
    assert sum(lines) == waterfall.total == jana.score
    verdicts = {each["label"]: each["verdict"] for each in response.context["criteria"]}
    assert verdicts["Industry on target"] == "met"
    assert verdicts["Decision maker identified"] == "unknown"
    html = response.content.decode()
    assert reverse("leads:answer_criterion", args=(jana.public_id, "decision-maker")) in html
    assert "4 of 7 met · version 1" in html


def test_the_button_is_shut_and_says_why_until_the_lead_is_qualified(
    jana: Lead, mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    client = signed_in(mia)
    handover = client.get(page(jana)).context["handover"]
    assert (handover.is_shown, handover.is_open, handover.may_override) == (True, False, False)
    assert "1 required fact is missing: decision maker identified." in handover.why_not
    intake.amend(jana, facts={"decision_maker": "Plant manager"}, by=mia, now=at_tuesday)
    for kind in (InteractionKind.WEBINAR_ATTEND, InteractionKind.PRICING_VIEW):
        intake.receive_for(jana, intake.Arrival(facts={}, kind=kind), by=mia, now=at_tuesday)
    handover = client.get(page(jana)).context["handover"]
    assert (handover.is_open, handover.why_not) == (True, "")
    assert client.post(reverse("sla:hand_over", args=(jana.public_id,))).status_code == 302
    jana.refresh_from_db()
    assert jana.stage == Stage.HANDED_OVER


def test_a_manager_may_override_with_a_reason_a_marketer_may_not(
    jana: Lead, mia: User, max_: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    assert "override_reason" not in shown(signed_in(mia), jana)
    assert "override_reason" in shown(signed_in(max_), jana)
    hand_over = reverse("sla:hand_over", args=(jana.public_id,))
    reason = {"override_reason": "Their board asked our board for an offer."}
    assert signed_in(mia).post(hand_over, reason).status_code == 400
    assert signed_in(max_).post(hand_over, reason).status_code == 302
    assert Handoff.objects.get(lead=jana).override_by == max_


def test_a_lead_of_an_excluded_person_says_so_and_has_no_score(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    html = shown(signed_in(mia), capture("Test Test", domain="test.com"))
    assert "It is a test: not scored, not handed over." in html
    assert "nothing that it does earns points" in html
    assert "override_reason" not in html


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ({"block": True}, "Blocked since today: never judged nor handed over again."),
        ({"suppress": True}, "Not to be contacted, since today"),
        ({}, "Disqualified: Junk, fake, test."),
    ],
)
def test_what_stands_in_the_way_is_said_in_words(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime, ended: dict[str, bool], words: str
) -> None:
    stages.disqualify(jana, because="Junk, fake, test", now=at_tuesday, **ended)
    assert words in shown(signed_in(mia), jana)


def test_a_recycled_lead_says_until_when_and_why(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    stages.recycle(
        jana, until=at_tuesday + timedelta(days=60), because="Too early", previous_owner=None, now=at_tuesday
    )
    assert "Rests until Sat 2 May: Too early." in shown(signed_in(mia), jana)


# --- story


def test_the_story_is_in_pages_newest_first(jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    for day in range(1, 61):
        moment = at_tuesday - timedelta(days=day)
        arrival = intake.Arrival(facts={}, kind=InteractionKind.EMAIL_CLICK, occurred_at=moment, detail=f"mail {day}")
        intake.receive_for(jana, arrival, now=at_tuesday)
    first = signed_in(mia).get(page(jana), {"tab": "story"}).context
    assert len(first["events"]) == 50
    assert first["events"][0]["text"] == "Downloaded"
    second = signed_in(mia).get(page(jana), {"tab": "story", "page": "2"}).context
    assert [len(second["events"]), second["events"][-1]["more"]] == [11, "mail 60"]


def test_a_moment_that_knows_only_its_day_is_shown_as_a_day(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    day = at_tuesday.replace(month=2, day=10, hour=0)
    arrival = intake.Arrival(facts={}, kind=InteractionKind.BOOTH_VISIT, occurred_at=day, is_date=True)
    intake.receive_for(jana, arrival, now=at_tuesday)
    events = signed_in(mia).get(page(jana), {"tab": "story"}).context["events"]
    assert {event["text"]: event["when_text"] for event in events}["Visited the booth"] == "Tue 10 Feb"


def test_an_interaction_is_added_by_hand(jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    add = reverse("home:add_interaction", args=(jana.public_id,))
    given = {"kind": "call_in", "occurred_at": "2026-03-02T16:30", "detail": "Wants the <new> price list"}
    response = signed_in(mia).post(add, given)
    assert response["Location"] == f"{page(jana)}?tab=story"
    row = Interaction.objects.get(lead=jana, kind="call_in")
    assert (row.occurred_at.isoformat(), row.by, row.via) == ("2026-03-02T15:30:00+00:00", mia, "hand")
    assert "Wants the &lt;new&gt; price list" in shown(signed_in(mia), jana, "story")


def test_an_interaction_sent_twice_is_one(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime, settings: Settings
) -> None:
    browser = signed_in(mia)
    page = browser.get(reverse("home:lead", args=(jana.public_id,)), {"tab": "story"})
    before = jana.interactions.count()
    told = {"kind": "call_in", "key": page.context["form"]["key"].value()}
    for second in range(2):
        settings.LEADSLA_NOW = (at_tuesday + timedelta(seconds=second)).isoformat()
        browser.post(reverse("home:add_interaction", args=(jana.public_id,)), told)
    assert jana.interactions.count() == before + 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "dance"}, "kind"),
        ({"kind": "call_in", "occurred_at": "yesterday"}, "occurred_at"),
        ({"kind": "call_in", "occurred_at": "2026-03-04T10:00"}, "occurred_at"),
        ({"kind": "call_in", "detail": "x" * 501}, "detail"),
    ],
)
def test_a_wrong_interaction_is_refused_with_its_field_named(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime, given: dict[str, str], field: str
) -> None:
    add = reverse("home:add_interaction", args=(jana.public_id,))
    response = signed_in(mia).post(add, given)
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]
    assert Interaction.objects.filter(lead=jana, via="hand", kind="call_in").count() == 0


# --- handoffs


def test_a_handoff_tells_rounds_clocks_and_what_sales_said(
    asks: Capture, mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    lead = asks()
    handoff = handoffs.hand_over(lead, by=mia, now=tuesday)
    said = tuesday + timedelta(minutes=40)
    reason = Reason.objects.get(code="bad_contact_data")
    decisions.reject(
        handoff, reason=reason, by=sam, now=said, asked={"field": "phone"}, remark="Nobody answers.", quality=2
    )
    decisions.carry_out_due(now=said + timedelta(minutes=1))
    settings.LEADSLA_NOW = (said + timedelta(minutes=2)).isoformat()
    response = signed_in(mia).get(page(lead), {"tab": "handoffs"})
    (story,) = response.context["handoffs"]
    (turn,) = story.rounds
    assert (turn.said.words, turn.said.by, turn.said.reason, turn.said.asked, turn.said.quality) == (
        "Rejected",
        "Sam Becker",
        "Wrong or missing phone or e-mail",
        "Phone",
        2,
    )
    clocks = {clock.label: clock.countdown.text for clock in story.clocks}
    assert clocks["Decided in time"] == "In time, 40 min"
    assert "Returned leads fixed" in clocks
    html = response.content.decode()
    assert "“Nobody answers.”" in html
    assert reverse("home:pack", args=(handoff.public_id,)) in html


# --- facts and changes


def test_facts_say_where_they_came_from(jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    intake.amend(jana, facts={"budget": "50,000 €"}, by=mia, now=at_tuesday)
    groups = signed_in(mia).get(page(jana), {"tab": "facts"}).context["groups"]
    lines = {line.label: line for group in groups for line in group.lines}
    assert (lines["Budget or range"].value, lines["Budget or range"].source) == ("50,000 €", "Mia Albrecht, today")
    assert (lines["Time frame"].value, lines["Time frame"].source) == ("", "")
    assert lines["People at the company"].value == "260"


def test_changes_are_told_in_words_with_who_made_them(
    jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    client = signed_in(mia)
    client.post(reverse("leads:edit", args=(jana.public_id,)), {"name": "Jana Steiner-Voss", "email": jana.email})
    changes = client.get(page(jana), {"tab": "changes"}).context["changes"]
    told = [(line, change.by) for change in changes for line in change.lines]
    assert ("Name: Jana Steiner → Jana Steiner-Voss", "Mia Albrecht") in told
    assert ("Stage: Inquiry → Nurturing", "") in told


# --- merged, hidden, refused


def test_a_merged_lead_leads_to_the_one_that_was_kept(
    jana: Lead, capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    twin = capture("Jana Steiner", domain="voss-alt.example")
    identity.merge(jana, twin, by=mia, now=at_tuesday)
    response = signed_in(mia).get(page(twin))
    assert (response.status_code, response["Location"]) == (302, page(jana))


def test_reps_see_leads_behind_their_own_handoffs_only(
    asks: Capture, jana: Lead, mia: User, sam: User, nia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    handed = asks()
    handoffs.hand_over(handed, by=mia, now=at_tuesday)
    assert signed_in(sam).get(page(handed)).status_code == 200
    assert signed_in(sam).get(page(jana)).status_code == 404
    assert signed_in(nia).get(page(handed)).status_code == 404
    for tab in ("story", "handoffs", "facts", "changes"):
        html = shown(signed_in(sam), handed, tab)
        assert reverse("leads:edit", args=(handed.public_id,)) not in html
        assert reverse("home:add_interaction", args=(handed.public_id,)) not in html


def test_a_marketer_of_another_team_reads_but_does_not_edit(
    jana: Lead, signed_in: SignIn, at_tuesday: datetime
) -> None:
    other_team = Team.objects.create(name="Outbound", side="marketing")
    tom = User.objects.create_user("tom@leadsla.example", name="Tom", roles=[Role.MARKETER], team=other_team)
    response = signed_in(tom).get(page(jana))
    assert (response.status_code, response.context["can_edit"]) == (200, False)
    assert response.context["handover"].why_not == "It belongs to another team."
    add = reverse("home:add_interaction", args=(jana.public_id,))
    assert signed_in(tom).post(add, {"kind": "call_in"}).status_code == 404


def test_who_may_and_who_may_not(
    jana: Lead,
    client: Client,
    mia: User,
    sue: User,
    olga: User,
    ada: User,
    sam: User,
    signed_in: SignIn,
    at_tuesday: datetime,
) -> None:
    assert client.get(page(jana))["Location"].startswith("/accounts/login/")
    codes = [signed_in(user).get(page(jana)).status_code for user in (mia, sue, olga, ada, sam)]
    assert codes == [200, 200, 200, 403, 404]
    assert signed_in(mia).post(page(jana)).status_code == 405
    add = reverse("home:add_interaction", args=(jana.public_id,))
    assert signed_in(mia).get(add).status_code == 405
    assert signed_in(sam).post(add, {"kind": "call_in"}).status_code == 403
    assert signed_in(mia).get(page(jana), {"tab": "nonsense"}).status_code == 404


def test_htmx_gets_the_tab_alone(jana: Lead, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    response = signed_in(mia).get(page(jana), {"tab": "facts"}, headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_names_survive_as_typed_and_are_escaped(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    html = shown(signed_in(mia), capture('שרה <b>"Lévy"</b> 🦊', domain="levy.example"))
    assert "שרה &lt;b&gt;&quot;Lévy&quot;&lt;/b&gt; 🦊" in html


@pytest.mark.parametrize("tab", ["score", "story", "handoffs", "facts", "changes"])
def test_each_tab_keeps_to_its_queries(
    asks: Capture,
    mia: User,
    sam: User,
    signed_in: SignIn,
    at_tuesday: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    tab: str,
) -> None:
    lead = asks()
    handoffs.hand_over(lead, by=mia, now=at_tuesday)
    client = signed_in(mia)
    with django_assert_max_num_queries(32):
        client.get(page(lead), {"tab": tab})
    assert qualification.criteria(lead, now=at_tuesday)
