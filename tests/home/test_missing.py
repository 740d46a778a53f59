"""Missing: open leads by the one thing that they lack, idle ones, the field in place, and the list as CSV.

Points: business e-mail 35, industry 15, region 5, director 15, function 20, of fit at most 70; live webinar 40,
download 15. The line is 100, with an intent of 20 or two interactions that count.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from leads import asking, intake, qualification, stages
from leads.models import InteractionKind, Lead, Stage
from leadsla.accounts.models import Role, Team, User

SignIn = Callable[[User], Client]
Capture = Callable[..., Lead]
PAGE = "/missing/"
GOOD = {"industry": "Machinery", "title": "Director Operations"}
ALL = {**GOOD, "need": "Gears come late", "decision_maker": "The owner"}


@pytest.fixture
def keen(capture: Capture) -> Capture:
    """Return a function that takes in somebody who attended a webinar and downloaded: 125 points."""

    def take(name: str, **more: object) -> Lead:
        capture(name, **{"kind": InteractionKind.WEBINAR_ATTEND, **more})
        return capture(name, **more)

    return take


def groups(client: Client, **query: str) -> dict[str, int]:
    return {each.code: each.leads for each in client.get(PAGE, query).context["groups"] if each.leads}


def names(client: Client, **query: str) -> list[str]:
    return [row.lead.name for row in client.get(PAGE, query).context["rows"]]


# --- one thing


def test_leads_stand_under_the_one_thing_that_they_lack(
    capture: Capture, keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    keen("Nina Need", domain="need.example", **{**ALL, "need": ""})
    keen("Dora Decider", domain="decider.example", **{**ALL, "decision_maker": ""})
    keen("Bea Both", domain="both.example", **GOOD)
    # 35 + 15 + 5 and two downloads of different days, 30: 85
    for day in (1, 0):
        capture(
            "Paul Points",
            domain="points.example",
            at=at_tuesday - timedelta(days=day),
            industry="Machinery",
            need="Gears",
            decision_maker="The owner",
        )
    # 70 and a webinar, 40: over the line by one interaction
    capture("Ina Interest", domain="interest.example", kind=InteractionKind.WEBINAR_ATTEND, **ALL)
    keen("Quin Qualified", domain="qualified.example", **ALL)
    client = signed_in(mia)
    assert groups(client) == {"c-need-expressed": 1, "c-decision-maker": 1, "score": 1, "interest": 1}
    assert names(client) == ["Nina Need"]
    assert names(client, group="c-decision-maker") == ["Dora Decider"]
    assert names(client, group="score") == ["Paul Points"]
    assert names(client, group="interest") == ["Ina Interest"]
    page = client.get(PAGE).content.decode()
    assert "4 of 5 open leads are one step from being qualified" in page
    assert "intent 0.0, 1 interaction that counts" in client.get(PAGE, {"group": "interest"}).content.decode()


def test_how_many_points_are_short_is_said(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    facts = {"industry": "Machinery", "need": "Gears", "decision_maker": "The owner"}
    for kind in (InteractionKind.DOWNLOAD, InteractionKind.WEBINAR_ON_DEMAND):
        capture("Paul Points", kind=kind, **facts)
    # 35 + 15 + 5 + 15 + 10: 80
    (row,) = signed_in(mia).get(PAGE, {"group": "score"}).context["rows"]
    assert row.short == "20.0 points short of 100"


def test_who_asks_to_be_contacted_is_judged_by_that_door(
    asks: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = asks("Uma Unserved", country="BR")
    assert lead.stage != Stage.QUALIFIED
    assert groups(signed_in(mia)) == {"c-location-served": 1}


def test_a_persons_answer_counts_before_the_fact(
    keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    said = keen("Said Known", domain="said.example", **GOOD, need="Gears")
    denied = keen("Denied Known", domain="denied.example", **{**ALL, "decision_maker": ""})
    for lead, code, verdict in ((said, "need-expressed", "not_met"), (denied, "decision-maker", "not_met")):
        qualification.answer(lead, code=code, verdict=verdict, evidence="on the phone", by=mia, now=at_tuesday)
    client = signed_in(mia)
    assert groups(client) == {"c-decision-maker": 1}
    (row,) = client.get(PAGE).context["rows"]
    assert (row.lead.name, row.states[0].verdict) == ("Denied Known", "not_met")


def test_who_is_not_judged_is_not_listed(keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    rests, blocked = (keen(name, domain=f"{name}.example", **GOOD, need="Gears") for name in ("Rolf", "Bert"))
    stages.recycle(rests, until=at_tuesday + timedelta(days=60), because="No", previous_owner=None, now=at_tuesday)
    stages.disqualify(blocked, because="Junk", now=at_tuesday, block=True)
    keen("Test Test", domain="test.com", **GOOD, need="Gears")
    assert groups(signed_in(mia)) == {}
    assert "No lead is idle" in signed_in(mia).get(PAGE).content.decode()


def test_the_field_is_filled_in_place_and_the_lead_is_qualified(
    keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = keen("Nina Need", **{**ALL, "need": ""})
    client = signed_in(mia)
    opens = reverse("leads:answer_criterion", args=(lead.public_id, "need-expressed"))
    assert f'hx-get="{opens}"' in client.get(PAGE).content.decode()
    client.post(opens, {"act": "fact", "need": "Gears come late"})
    lead.refresh_from_db()
    assert lead.stage == Stage.QUALIFIED
    assert groups(client) == {}


def test_asking_is_one_click_away_and_shows_how_it_stands(
    keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = keen("Nina Need", **{**ALL, "need": ""})
    client = signed_in(mia)
    ask = reverse("leads:ask", args=(lead.public_id,))
    assert ask in client.get(PAGE).content.decode()
    asking.ask(lead, texts={"need": "Need?"}, by=mia, now=at_tuesday, public_id=lead.public_id)
    page = client.get(PAGE).content.decode()
    assert ask not in page
    assert "Asked on 3 Mar 2026, not opened yet" in page


# --- idle


def test_idle_leads_come_the_longest_first(
    capture: Capture, mia: User, signed_in: SignIn, tuesday: datetime, settings: Settings
) -> None:
    capture("Ida Idle", domain="ida.example", at=tuesday)
    capture("Olaf Older", domain="olaf.example", at=tuesday - timedelta(days=10))
    touched = capture("Tom Touched", domain="tom.example", at=tuesday)
    now = tuesday.astimezone(UTC) + timedelta(days=30)  # summer time begins in between
    call = intake.Arrival(facts={}, kind=InteractionKind.MARKETING_TOUCH, occurred_at=now - timedelta(days=1))
    intake.receive_for(touched, call, by=mia, now=now - timedelta(days=1))
    settings.LEADSLA_NOW = now.isoformat()
    client = signed_in(mia)
    assert names(client, group="idle") == ["Olaf Older", "Ida Idle"]
    assert names(client, group="idle", days="60") == []
    settings.LEADSLA_NOW = (now - timedelta(minutes=1)).isoformat()
    assert names(client, group="idle") == ["Olaf Older"]


# --- the list


def test_whose_and_text_narrow_it_down(
    keen: Capture, mia: User, max_: User, inbound: Team, signed_in: SignIn, at_tuesday: datetime
) -> None:
    mel = User.objects.create_user("mel@leadsla.example", name="Mel", roles=[Role.MARKETER], team=inbound)
    keen("Mine Lead", domain="mine.example", **GOOD, need="Gears")
    keen("Team Lead", domain="team.example", owner=mel, **GOOD, need="Gears")
    client = signed_in(mia)
    assert names(client) == ["Mine Lead"]
    assert sorted(names(client, whose="team")) == ["Mine Lead", "Team Lead"]
    assert names(client, whose="team", text="team") == ["Team Lead"]
    assert sorted(names(signed_in(max_))) == ["Mine Lead", "Team Lead"]
    assert "No lead fits these filters" in client.get(PAGE, {"group": "score", "text": "x"}).content.decode()


@pytest.mark.parametrize("query", [{"group": "nonsense"}, {"whose": "hers"}, {"days": "31"}])
def test_a_wrong_filter_is_named(mia: User, signed_in: SignIn, at_tuesday: datetime, query: dict[str, str]) -> None:
    answer = signed_in(mia).get(PAGE, query)
    assert answer.status_code == 400
    assert "Select a valid choice" in answer.content.decode()


def test_who_may_see_it(mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")
    assert signed_in(sam).get(PAGE).status_code == 403
    assert signed_in(mia).post(PAGE).status_code == 405


def test_the_csv_holds_what_is_shown(keen: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    keen("=Nina Need", domain="need.example", **{**ALL, "need": ""})
    keen("Dora Decider", domain="decider.example", **{**ALL, "decision_maker": ""})
    response: Any = signed_in(mia).get(PAGE, {"group": "c-need-expressed", "format": "csv"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["name"], row["missing"]) == ("'=Nina Need", "Need expressed")


def test_the_number_of_queries_does_not_grow(
    keen: Capture,
    mia: User,
    signed_in: SignIn,
    at_tuesday: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        keen(f"Lead{number}", domain=f"firm{number}.example", **GOOD, need="Gears")
    client = signed_in(mia)
    with django_assert_max_num_queries(32):
        assert len(client.get(PAGE).context["rows"]) == 12
