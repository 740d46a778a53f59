"""My leads: tabs with counts, filters, what is missing, handing over, and the list as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from leads import intake, qualification, stages
from leads.models import InteractionKind, Lead, Stage
from leadsla.accounts.models import Role, Team, User
from sla import handoff as handoffs

SignIn = Callable[[User], Client]
Capture = Callable[..., Lead]
PAGE = "/my-leads/"


def names(client: Client, **query: str) -> list[str]:
    return [row.lead.name for row in client.get(PAGE, query).context["rows"]]


def counts(client: Client, **query: str) -> dict[str, int]:
    return {code: count for code, _label, count in client.get(PAGE, query).context["tabs"] if count}


def read_csv(client: Client, **query: str) -> list[dict[str, str]]:
    response = client.get(PAGE, {**query, "format": "csv"})
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]  # it is no async stream
    return list(csv.DictReader(io.StringIO(text)))


# --- tabs


def test_each_lead_stands_under_its_tab_and_is_counted_there(
    asks: Capture, capture: Capture, mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    asks("Rita Ready", domain="ready.example")
    capture("Nina Nurturing", domain="nina.example")
    capture("Ivo Inquiry", kind=None, domain="gmail.com")
    recycled = capture("Rolf Recycled", domain="rolf.example")
    stages.recycle(recycled, until=tuesday + timedelta(days=60), because="Too early", previous_owner=None, now=tuesday)
    handoffs.hand_over(asks("Hanna Handed", domain="hanna.example"), by=mia, now=tuesday)
    stages.disqualify(capture("Ella Ended", domain="ella.example"), because="Junk", now=tuesday)
    settings.LEADSLA_NOW = (tuesday + timedelta(minutes=1)).isoformat()
    client = signed_in(mia)
    assert counts(client) == {
        "ready": 1,
        "nurturing": 1,
        "inquiry": 1,
        "recycled": 1,
        "handed_over": 1,
        "ended": 1,
        "all": 6,
    }
    assert names(client) == ["Rita Ready"]
    assert names(client, stage="nurturing") == ["Nina Nurturing"]
    assert names(client, stage="inquiry") == ["Ivo Inquiry"]
    assert names(client, stage="recycled") == ["Rolf Recycled"]
    assert names(client, stage="handed_over") == ["Hanna Handed"]
    assert names(client, stage="ended") == ["Ella Ended"]
    assert len(names(client, stage="all")) == 6


def test_a_recycled_lead_says_until_when_and_why(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = capture()
    stages.recycle(
        lead, until=at_tuesday + timedelta(days=60), because="Too early", previous_owner=None, now=at_tuesday
    )
    html = signed_in(mia).get(PAGE, {"stage": "recycled"}).content.decode()
    assert "until Sat 2 May · Too early" in html


def test_a_handed_over_lead_shows_with_whom_it_is_and_the_clock(
    asks: Capture, mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    handoffs.hand_over(asks(), by=mia, now=tuesday)
    settings.LEADSLA_NOW = (tuesday + timedelta(minutes=3)).isoformat()
    response = signed_in(mia).get(PAGE, {"stage": "handed_over"})
    (row,) = response.context["rows"]
    # a hot lead: first follow-up within 5 minutes, 3 of them used
    assert (row.handoff.owner, row.countdown.text) == (sam, "2 min left")
    assert "Sam Becker" in response.content.decode()


def test_a_merged_lead_is_not_listed(capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    kept, gone = capture("Jana Steiner"), capture("Jana Steiner", domain="voss-alt.example")
    Lead.objects.filter(pk=gone.pk).update(merged_into=kept)
    assert names(signed_in(mia), stage="all") == ["Jana Steiner"]


# --- what is missing


def test_what_is_missing_is_a_chip_that_opens_its_field(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = capture("Jana Steiner", industry="Machinery", need="Gears come late")
    client = signed_in(mia)
    response = client.get(PAGE, {"stage": "nurturing"})
    (row,) = response.context["rows"]
    assert [criterion.label for criterion in row.missing] == ["Decision maker identified"]
    opens = reverse("leads:answer_criterion", args=(lead.public_id, "decision-maker"))
    assert f'hx-get="{opens}"' in response.content.decode()
    assert client.get(opens, headers={"HX-Request": "true"}).status_code == 200


def test_leads_are_filtered_by_what_they_miss_answers_included(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    capture("Nobody Known", domain="one.example")
    capture("Fact Known", domain="two.example", decision_maker="Plant manager")
    said = capture("Said Known", domain="three.example")
    denied = capture("Denied Known", domain="four.example", decision_maker="The porter")
    for lead, verdict in ((said, "met"), (denied, "not_met")):
        qualification.answer(
            lead, code="decision-maker", verdict=verdict, evidence="on the phone", by=mia, now=at_tuesday
        )
    found = names(signed_in(mia), stage="nurturing", missing="decision-maker", sort="name")
    assert found == ["Denied Known", "Nobody Known"]
    assert counts(signed_in(mia), missing="decision-maker") == {"nurturing": 2, "all": 2}


# --- ready


def test_a_ready_lead_is_handed_over_with_one_button(
    asks: Capture, mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    lead = asks()
    client = signed_in(mia)
    hand_over = reverse("sla:hand_over", args=(lead.public_id,))
    assert hand_over in client.get(PAGE).content.decode()
    assert client.post(hand_over, {"next": PAGE})["Location"] == PAGE
    lead.refresh_from_db()
    assert lead.stage == Stage.HANDED_OVER
    assert names(client) == []


def test_a_lead_whose_time_ran_out_says_why_instead(
    asks: Capture, mia: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    lead = asks()
    settings.LEADSLA_NOW = (tuesday + timedelta(days=31)).isoformat()
    response = signed_in(mia).get(PAGE)
    (row,) = response.context["rows"]
    assert row.why_not == "It was qualified until 2 Apr 2026 and must be judged again."
    assert reverse("sla:hand_over", args=(lead.public_id,)) not in response.content.decode()


# --- whose, filters, order, pages


def test_mine_my_teams_and_all(
    capture: Capture, mia: User, max_: User, inbound: Team, signed_in: SignIn, at_tuesday: datetime
) -> None:
    capture("Mine Lead", domain="mine.example")
    mel = User.objects.create_user("mel@leadsla.example", name="Mel", roles=[Role.MARKETER], team=inbound)
    capture("Team Lead", domain="team.example", owner=mel)
    elsewhere = Team.objects.create(name="Outbound", side="marketing")
    tom = User.objects.create_user("tom@leadsla.example", name="Tom", roles=[Role.MARKETER], team=elsewhere)
    capture("Other Lead", domain="other.example", owner=tom)
    client = signed_in(mia)
    assert names(client, stage="all") == ["Mine Lead"]
    assert names(client, stage="all", whose="team", sort="name") == ["Mine Lead", "Team Lead"]
    assert names(client, stage="all", whose="all", sort="name") == ["Mine Lead", "Other Lead", "Team Lead"]
    assert names(signed_in(max_), stage="all", sort="name") == ["Mine Lead", "Team Lead"]
    rows = client.get(PAGE, {"stage": "all", "whose": "all", "sort": "name"}).context["rows"]
    assert [row.is_editable for row in rows] == [True, False, True]


def test_source_campaign_and_text_narrow_the_list_down(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    capture("Jana Steiner", source="webinar-live", campaign="Spring fair")
    capture("Zoë Müller", domain="rotek.example", campaign="Autumn fair")
    client = signed_in(mia)
    page = client.get(PAGE, {"stage": "all"}).context
    options = {filter_["name"]: dict(filter_["choices"]) for filter_ in page["filters"]}
    spring = next(code for code, name in options["campaign"].items() if name == "Spring fair")
    assert names(client, stage="all", campaign=spring) == ["Jana Steiner"]
    source = Lead.objects.get(name="Jana Steiner").first_source
    assert source is not None
    assert names(client, stage="all", source=source.code) == ["Jana Steiner"]
    assert names(client, stage="all", text="zoe mull") == ["Zoë Müller"]
    assert names(client, stage="all", text="ROTEK") == ["Zoë Müller"]
    html = client.get(PAGE, {"stage": "all", "text": "nobody"}).content.decode()
    assert "No lead fits these filters" in html


def test_the_list_is_sorted_both_ways_with_unknown_last(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    capture("Bea Low", domain="gmail.com")
    capture("Ada High", domain="ada.example", industry="Machinery", employees=260, seniority="director")
    capture("Cid Test", domain="test.com")  # excluded: no score
    client = signed_in(mia)
    assert names(client, stage="all", sort="-score") == ["Ada High", "Bea Low", "Cid Test"]
    assert names(client, stage="all", sort="score") == ["Bea Low", "Ada High", "Cid Test"]
    assert names(client, stage="all", sort="-name") == ["Cid Test", "Bea Low", "Ada High"]


def test_the_list_comes_in_pages_with_counts(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    arrivals = [
        intake.Arrival(facts={"name": f"Lead {number:02d}", "email": f"l{number}@firm{number}.example"}, kind=None)
        for number in range(53)
    ]
    intake.receive_many(arrivals, now=at_tuesday, by=mia, owner=mia)
    client = signed_in(mia)
    first = client.get(PAGE, {"stage": "all", "sort": "name"})
    assert len(first.context["rows"]) == 50
    assert "1–50 of 53" in first.content.decode()
    assert names(client, stage="all", sort="name", page="2") == ["Lead 50", "Lead 51", "Lead 52"]
    assert names(client, stage="all", sort="name", page="99") == ["Lead 50", "Lead 51", "Lead 52"]


# --- CSV


def test_the_csv_holds_exactly_what_is_shown_on_all_pages(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    capture("Jana Steiner", industry="Machinery", need="Gears come late", title="Head of Supply Chain")
    capture("Olaf Other", domain="other.example")
    (row,) = read_csv(signed_in(mia), stage="nurturing", text="jana")
    assert (row["name"], row["company"], row["e-mail"]) == ("Jana Steiner", "Voss", "jana@voss.example")
    assert (row["stage"], row["missing"], row["last interaction"]) == (
        "Nurturing",
        "Decision maker identified",
        "Downloaded",
    )
    assert row["last interaction at"] == "2026-03-03 10:00+01:00"
    assert len(read_csv(signed_in(mia), stage="all")) == 2


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@sum"])
def test_a_spreadsheet_runs_nothing_that_a_lead_is_called(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime, name: str
) -> None:
    capture("Jana Steiner", title=name)
    (row,) = read_csv(signed_in(mia), stage="all")
    assert row["job title"] == f"'{name}"


# --- litany


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"stage": "nonsense"}, "Stage"),
        ({"whose": "everybody"}, "Whose"),
        ({"source": "no-such-source"}, "Source"),
        ({"missing": "no-such-criterion"}, "Missing"),
        ({"sort": "colour"}, "Order"),
        ({"text": "x" * 201}, "Text"),
    ],
)
def test_a_wrong_filter_is_named(
    capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime, query: dict[str, str], words: str
) -> None:
    capture()
    response = signed_in(mia).get(PAGE, query)
    assert response.status_code == 400
    assert f">{words}</a>" in response.content.decode()


def test_who_may_and_who_may_not(
    client: Client, mia: User, max_: User, sam: User, sue: User, ada: User, olga: User, signed_in: SignIn
) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    codes = [signed_in(user).get(PAGE).status_code for user in (mia, max_, sam, sue, ada, olga)]
    assert codes == [200, 200, 403, 403, 403, 403]
    assert signed_in(mia).post(PAGE).status_code == 405


def test_an_empty_portal_offers_the_next_step(mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    html = signed_in(mia).get(PAGE).content.decode()
    assert "No leads here yet" in html
    assert reverse("leads:imports") in html


def test_htmx_gets_the_list_alone(capture: Capture, mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    capture()
    part = signed_in(mia).get(PAGE, {"stage": "all"}, headers={"HX-Request": "true"})
    assert "Jana Steiner" in part.content.decode()
    assert "<html" not in part.content.decode()


@pytest.mark.parametrize("name", ["source", "campaign", "missing", "text"])
def test_what_no_database_holds_is_refused(mia: User, signed_in: SignIn, name: str) -> None:
    assert signed_in(mia).get(PAGE, {name: "\x00"}).status_code == 400


@pytest.mark.parametrize("tab", ["ready", "nurturing", "handed_over", "all"])
def test_the_number_of_queries_does_not_grow_with_the_leads(
    asks: Capture,
    capture: Capture,
    mia: User,
    sam: User,
    signed_in: SignIn,
    at_tuesday: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    tab: str,
) -> None:
    for number in range(4):
        asks(f"Ready{number} Lead", domain=f"ready{number}.example")
        capture(f"Nurtured{number} Lead", domain=f"nurtured{number}.example")
        handed = asks(f"Handed{number} Lead", domain=f"handed{number}.example", kind=InteractionKind.PRICING_REQUEST)
        handoffs.hand_over(handed, by=mia, now=at_tuesday)
    client = signed_in(mia)
    with django_assert_max_num_queries(32):
        rows = client.get(PAGE, {"stage": tab}).context["rows"]
    assert len(rows) >= 4
