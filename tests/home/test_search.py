"""Search finds what a person sees, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from leads import intake
from leads.models import Campaign, Company, Lead
from leadsla.accounts.models import User
from sla import handoff as handoffs

SignIn = Callable[[User], Client]
Capture = Callable[..., Lead]
SEARCH = "/search/"


def found_by(client: Client, words: str) -> list[str]:
    found = client.get(reverse("home:search"), {"q": words}).context["found"]
    return [lead.name for lead in found.leads]


@pytest.fixture
def three(capture: Capture) -> None:
    capture("Jana Steiner")
    capture("Johann Stein", domain="gruber.example")
    capture("Zoë Müller-Stahl", domain="rotek.example", phone="+49 711 1234567")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("stein", ["Jana Steiner", "Johann Stein"]),
        ("JANA", ["Jana Steiner"]),
        ("zoe muller", ["Zoë Müller-Stahl"]),
        ("johann@gruber", ["Johann Stein"]),
        ("rotek", ["Zoë Müller-Stahl"]),
        ("0711 1234567", ["Zoë Müller-Stahl"]),
        ("nobody at all", []),
    ],
)
def test_leads_are_found_by_name_address_company_and_phone(
    three: None, mia: User, signed_in: SignIn, words: str, names: list[str]
) -> None:
    assert found_by(signed_in(mia), words) == names


def test_a_name_that_starts_so_stands_before_one_that_contains_it(
    capture: Capture, mia: User, signed_in: SignIn
) -> None:
    capture("Bernd Asanger")
    capture("Sandra Oehler")
    assert found_by(signed_in(mia), "sa") == ["Sandra Oehler", "Bernd Asanger"]


def test_a_lead_is_found_by_its_id_in_another_system(mia: User, signed_in: SignIn, tuesday: datetime) -> None:
    arrival = intake.Arrival(facts={"name": "Karin Kern"}, external={"olist": "00a1b2c3"})
    intake.receive(arrival, now=tuesday, by=mia)
    assert found_by(signed_in(mia), "00a1b2") == ["Karin Kern"]


def test_companies_and_campaigns_are_found_and_lead_to_their_leads(
    capture: Capture, mia: User, signed_in: SignIn
) -> None:
    capture("Jana Steiner", campaign="Spring fair")
    capture("Olaf Other", domain="other.example")
    client = signed_in(mia)
    found = client.get(SEARCH, {"q": "voss"}).context["found"]
    assert [company.name for company in found.companies] == ["Voss"]
    found_campaign = client.get(SEARCH, {"q": "fair"}).context["found"].campaigns
    assert [campaign.name for campaign in found_campaign] == ["Spring fair"]
    behind = client.get(SEARCH, {"company": str(Company.objects.get(name="Voss").public_id)})
    assert [lead.name for lead in behind.context["page"]] == ["Jana Steiner"]
    behind = client.get(SEARCH, {"campaign": str(Campaign.objects.get(name="Spring fair").public_id)})
    assert [lead.name for lead in behind.context["page"]] == ["Jana Steiner"]


def test_a_rep_finds_only_what_was_handed_to_them(
    asks: Capture, capture: Capture, mia: User, sam: User, nia: User, signed_in: SignIn, tuesday: datetime
) -> None:
    handoffs.hand_over(asks("Ines Kaltenbach", domain="rotek.example"), by=mia, now=tuesday)
    capture("Ines Other", domain="other.example")
    assert found_by(signed_in(sam), "ines") == ["Ines Kaltenbach"]
    assert found_by(signed_in(nia), "ines") == []
    companies = signed_in(nia).get(SEARCH, {"q": "rotek"}).context["found"].companies
    assert companies == []
    rotek = str(Company.objects.get(name="Rotek").public_id)
    assert signed_in(sam).get(SEARCH, {"company": rotek}).status_code == 200
    assert signed_in(nia).get(SEARCH, {"company": rotek}).status_code == 404


def test_an_administrator_without_a_second_role_finds_no_leads(three: None, ada: User, signed_in: SignIn) -> None:
    assert found_by(signed_in(ada), "stein") == []


def test_too_short_a_word_is_told_so_and_finds_nothing(three: None, mia: User, signed_in: SignIn) -> None:
    response = signed_in(mia).get(SEARCH, {"q": "s"})
    assert "Type at least 2 letters" in response.content.decode()
    assert response.context["found"].is_empty


@pytest.mark.parametrize(
    "words", ["%", "100%_", "'; drop table --", "<script>alert(1)</script>", "a\x00b", "\\", "🦊🦊"]
)
def test_odd_words_find_nothing_and_are_escaped(three: None, mia: User, signed_in: SignIn, words: str) -> None:
    response = signed_in(mia).get(SEARCH, {"q": words})
    assert response.status_code == 200
    assert response.context["found"].leads == []
    assert "<script>alert" not in response.content.decode()


def test_at_most_twenty_are_shown_and_that_there_are_more_is_said(
    capture: Capture, mia: User, signed_in: SignIn
) -> None:
    for number in range(21):
        capture(f"Number{number:02d} Same", domain=f"firm{number}.example")
    response = signed_in(mia).get(SEARCH, {"q": "same"})
    assert len(response.context["found"].leads) == 20
    assert "the first 20" in response.content.decode()


def test_htmx_gets_the_results_alone(three: None, mia: User, signed_in: SignIn) -> None:
    client = signed_in(mia)
    part = client.get(SEARCH, {"q": "jana"}, headers={"HX-Request": "true"}).content.decode()
    assert "Jana Steiner" in part
    assert "<html" not in part
    assert "<html" in client.get(SEARCH, {"q": "jana"}).content.decode()


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    capture: Capture, mia: User, signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        capture(f"Number{number:02d} Same", domain=f"same{number}.example")
    client = signed_in(mia)
    with django_assert_max_num_queries(16):
        client.get(SEARCH, {"q": "same"})


def test_anonymous_is_sent_to_sign_in_and_a_post_is_refused(mia: User, client: Client, signed_in: SignIn) -> None:
    response = client.get(SEARCH, {"q": "jana"})
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    assert signed_in(mia).post(SEARCH).status_code == 405


def test_an_id_that_is_none_is_not_found(mia: User, signed_in: SignIn) -> None:
    assert signed_in(mia).get(SEARCH, {"company": "nonsense"}).status_code == 404
