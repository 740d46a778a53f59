"""Campaigns: who edits them, briefs by version, costs by month and source, asks of sales, and the brief in the pack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from leads import asks, campaigns, intake
from leads.models import Ask, Campaign, CampaignBrief, CampaignCost, InteractionKind, Source
from leadsla.accounts.models import Role, Side, Team, User
from leadsla.outbox.models import Message
from sla import handoff as handoffs

SignIn = Callable[[User], Client]
RIGHT = {
    "name": "Spare parts Q4",
    "audience": "Heads of maintenance",
    "message": "Half of your stock is never used.",
    "question": "Who decides on the stock?",
    "expected_leads": "120",
    "starts_on": "2026-02-01",
    "ends_on": "2026-04-30",
}


@pytest.fixture
def campaign(mia: User, tuesday: datetime) -> Campaign:
    return campaigns.save(None, by=mia, now=tuesday, name="Spare parts", team=mia.team, question="Who decides?")


@pytest.fixture
def stranger(db: None) -> User:
    """A marketer of another team."""
    events = Team.objects.create(name="Events", side=Side.MARKETING)
    return User.objects.create_user("lena@leadsla.example", "x", name="Lena", roles=[Role.MARKETER], team=events)


def source(code: str = "linkedin") -> Source:
    return Source.objects.get_or_create(
        code=code, defaults={"name": code.title(), "channel": Source.objects.all()[0].channel}
    )[0]


def of(name: str, one: Campaign | Ask) -> str:
    return reverse(f"leads:{name}", args=(one.public_id,))


# --- the campaign and its brief


def test_a_campaign_is_made_and_its_brief_kept_by_version(mia: User, signed_in: SignIn) -> None:
    client = signed_in(mia)
    assert client.post(reverse("leads:campaign_new"), RIGHT).status_code == 302
    made = Campaign.objects.get(name="Spare parts Q4")
    assert (made.code, made.expected_leads, made.ends_on) == ("spare-parts-q4", 120, date(2026, 4, 30))
    # The name alone is no new version; another question is. The code stays, whatever is sent.
    client.post(of("campaign_edit", made), {**RIGHT, "name": "Spare parts", "code": "other"})
    client.post(of("campaign_edit", made), {**RIGHT, "name": "Spare parts", "question": "Who pays for the stock?"})
    told = list(CampaignBrief.objects.order_by("number").values_list("number", "question", "by"))
    assert told == [(1, "Who decides on the stock?", mia.pk), (2, "Who pays for the stock?", mia.pk)]
    page = client.get(of("campaign", made)).content.decode()
    assert "Who pays for the stock?" in page
    assert "Who decides on the stock?" in page  # as version 1
    assert Campaign.objects.get(pk=made.pk).code == "spare-parts-q4"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"code": "Spare parts"}, "code"),  # taken
        ({"ends_on": "2026-01-31"}, "ends_on"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"expected_leads": "-1"}, "expected_leads"),
        ({"question": "x" * 2001}, "question"),
        ({"source": "nowhere"}, "source"),
        ({"team": "nobody"}, "team"),
    ],
)
def test_what_a_campaign_cannot_be_is_refused_at_its_field(
    campaign: Campaign, mia: User, signed_in: SignIn, typed: dict[str, str], field: str
) -> None:
    answer = signed_in(mia).post(reverse("leads:campaign_new"), RIGHT | typed)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert list(Campaign.objects.all()) == [campaign]


def test_a_marketer_of_another_team_reads_but_does_not_edit(
    campaign: Campaign, stranger: User, olga: User, signed_in: SignIn
) -> None:
    client = signed_in(stranger)
    assert client.get(of("campaign", campaign)).context["may_edit"] is False
    assert client.get(of("campaign_edit", campaign)).status_code == 404
    for name in ("campaign_edit", "campaign_cost", "campaign_switch"):
        assert client.post(of(name, campaign), RIGHT).status_code == 404
    assert signed_in(olga).get(of("campaign_edit", campaign)).status_code == 200
    Campaign.objects.update(team=None)
    assert client.get(of("campaign_edit", campaign)).status_code == 200


def test_doors_are_closed_to_others(campaign: Campaign, sam: User, mia: User, signed_in: SignIn) -> None:
    assert Client().get(reverse("leads:campaigns")).status_code == 302
    assert signed_in(sam).get(of("campaign", campaign)).status_code == 403
    assert signed_in(mia).get(reverse("leads:running")).status_code == 403
    assert signed_in(mia).get(of("campaign_cost", campaign)).status_code == 405


def test_a_campaign_is_retired_and_used_again(campaign: Campaign, mia: User, signed_in: SignIn) -> None:
    client = signed_in(mia)
    client.post(of("campaign_switch", campaign), {"off": ""})
    assert not Campaign.objects.get().is_active
    assert client.get(reverse("leads:campaigns")).context["rows"] == []
    assert client.get(reverse("leads:campaigns") + "?state=ended").context["rows"][0][0] == campaign
    client.post(of("campaign_switch", campaign), {"on": ""})
    assert Campaign.objects.get().is_active


def test_campaigns_by_their_dates(mia: User, tuesday: datetime) -> None:
    today = tuesday.date()
    day = timedelta(days=1)
    dates = {
        "last day": (today - 9 * day, today),
        "first day": (today, None),
        "over": (None, today - day),
        "planned": (today + day, None),
        "always": (None, None),
    }
    for name, (starts_on, ends_on) in dates.items():
        campaigns.save(None, by=mia, now=tuesday, name=name, starts_on=starts_on, ends_on=ends_on)
    assert [each.name for each in campaigns.running(on=today)] == ["first day", "last day", "always"]
    assert [each.name for each in campaigns.planned(on=today)] == ["planned"]
    assert [each.name for each in campaigns.ended(on=today)] == ["over"]


def test_the_list_costs_few_queries(
    mia: User, tuesday: datetime, signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(25):
        campaigns.save(None, by=mia, now=tuesday, name=f"Campaign {number}", owner=mia, team=mia.team)
    client = signed_in(mia)
    with django_assert_max_num_queries(20):
        assert len(client.get(reverse("leads:campaigns")).context["rows"]) == 25


# --- costs


def test_costs_by_month_and_source_add_up_by_hand(campaign: Campaign, mia: User, tuesday: datetime) -> None:
    search, social = source("search"), source("social")
    other = campaigns.save(None, by=mia, now=tuesday, name="Fair", source=search)
    entered: tuple[tuple[Campaign, date, str, str, Source | None], ...] = (
        (campaign, date(2026, 1, 15), "100.10", "EUR", search),
        (campaign, date(2026, 1, 1), "50", "EUR", social),
        (campaign, date(2026, 1, 1), "7", "EUR", None),  # neither split nor a source of the campaign
        (other, date(2026, 1, 1), "20.05", "EUR", None),  # counts for search: its campaign's
        (other, date(2026, 1, 1), "30", "USD", search),
        (other, date(2026, 2, 1), "5", "EUR", None),
        (other, date(2025, 12, 1), "999", "EUR", None),  # before
    )
    for which, month, amount, currency, place in entered:
        assert campaigns.set_cost(
            which, month=month, amount=Decimal(amount), currency=currency, source=place, by=mia, now=tuesday
        )
    rows = campaigns.by_month_and_source(since=date(2026, 1, 1), until=date(2026, 12, 31))
    told = [(row.month.month, row.source, row.campaigns, row.amounts) for row in rows]
    assert told == [
        (2, "Search", 1, [("EUR", Decimal("5.00"))]),
        (1, "Search", 2, [("EUR", Decimal("120.15")), ("USD", Decimal("30.00"))]),
        (1, "Social", 1, [("EUR", Decimal("50.00"))]),
        (1, "", 1, [("EUR", Decimal("7.00"))]),
    ]
    assert campaigns.totals(rows) == [("EUR", Decimal("182.15")), ("USD", Decimal("30.00"))]
    assert campaigns.cost_sums([campaign]) == {campaign.pk: [("EUR", Decimal("157.10"))]}


def test_correcting_a_cost_keeps_what_stood_there(campaign: Campaign, mia: User, signed_in: SignIn) -> None:
    client = signed_in(mia)
    for amount in ("1200", "1350.50", "1350.50"):
        typed = {"month": "2026-02", "amount": amount, "currency": "EUR"}
        assert client.post(of("campaign_cost", campaign), typed).status_code == 302
    cost = CampaignCost.objects.get()
    assert (cost.month, cost.amount) == (date(2026, 2, 1), Decimal("1350.50"))
    words = [change.words.replace("\u202f", " ") for change in campaign.cost_changes.order_by("pk")]
    assert words == ["2026-02: 1,200 € entered", "2026-02: 1,200 € corrected to 1,350.50 €"]
    assert "corrected to" in client.get(of("campaign", campaign)).content.decode()
    page = client.get(reverse("leads:campaign_costs") + "?year=2026").content.decode()
    assert "February 2026" in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "12,50 or so"}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"amount": "1e13"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"month": "2026-13"}, "month"),
        ({"month": "1999-12"}, "month"),
        ({"month": "2199-01"}, "month"),
        ({"month": ""}, "month"),
        ({"currency": "XXX"}, "currency"),
        ({"source": "nowhere"}, "source"),
    ],
)
def test_a_wrong_cost_is_refused_at_its_field(
    campaign: Campaign, mia: User, signed_in: SignIn, typed: dict[str, str], field: str
) -> None:
    answer = signed_in(mia).post(
        of("campaign_cost", campaign), {"month": "2026-02", "amount": "10", "currency": "EUR"} | typed
    )
    assert answer.status_code == 400
    assert list(answer.context["cost_form"].errors) == [field]
    assert not CampaignCost.objects.exists()


# --- what is running, and asks


def test_sales_sees_what_is_running_with_its_brief_and_leads(
    campaign: Campaign, sam: User, tuesday: datetime, signed_in: SignIn
) -> None:
    for number, told in enumerate(("spare-parts", "spare-parts", None)):
        intake.receive(
            intake.Arrival(
                facts={"email": f"p{number}@kern.example"},
                kind=InteractionKind.DOWNLOAD,
                campaign=told,
                key=str(number),
            ),
            now=tuesday,
        )
    page = signed_in(sam).get(reverse("leads:running"))
    assert page.context["rows"] == [(campaign, 2)]
    assert "Who decides?" in page.content.decode()


def test_marketing_answers_what_sales_asks(
    campaign: Campaign, sam: User, nia: User, mia: User, signed_in: SignIn
) -> None:
    client, seller = signed_in(mia), signed_in(sam)
    typed = {"text": "A price example <b>please</b>", "campaign": campaign.code}
    assert seller.post(reverse("leads:running"), typed).status_code == 302
    ask = Ask.objects.get()
    listed = client.get(reverse("leads:asks")).content.decode()
    assert "A price example &lt;b&gt;please&lt;/b&gt;" in listed
    assert client.post(of("ask_answer", ask), {"answer": "It is in the library."}).status_code == 302
    told = Message.objects.get(recipient=sam, channel="in_app")
    assert "It is in the library." in told.body
    assert "It is in the library." in seller.get(told.url).content.decode()
    assert "It is in the library." not in signed_in(nia).get(told.url).content.decode()
    # The first answer stands, and is told once.
    client.post(of("ask_answer", ask), {"answer": "Another one."})
    assert Ask.objects.get().answer == "It is in the library."
    assert Message.objects.filter(recipient=sam, channel="in_app").count() == 1
    assert client.get(reverse("leads:asks")).context["open_count"] == 0
    assert "It is in the library." in client.get(reverse("leads:asks") + "?show=answered").content.decode()


@pytest.mark.parametrize("text", ["", "  \n ", "\x00", "x" * 2001])
def test_an_empty_or_endless_ask_or_answer_is_refused(
    sam: User, mia: User, tuesday: datetime, signed_in: SignIn, text: str
) -> None:
    answer = signed_in(sam).post(reverse("leads:running"), {"text": text})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["text"])
    ask = asks.file("A price example", campaign=None, by=sam, now=tuesday)
    answer = signed_in(mia).post(of("ask_answer", ask), {"answer": text})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["answer"])
    assert Ask.objects.get().answered_at is None


def test_the_brief_stands_in_the_pack_as_it_was_at_the_handoff(
    campaign: Campaign, mia: User, sam: User, tuesday: datetime, signed_in: SignIn
) -> None:
    campaigns.save(campaign, by=mia, now=tuesday, message="Half of your stock is never used.")
    facts: dict[str, Any] = {"name": "Karin Kern", "email": "karin@kern.example", "phone": "+49 7131 5550142"}
    arrival = intake.Arrival(
        facts={**facts, "company_name": "Kern GmbH", "country": "DE", "title": "Head of production"},
        kind=InteractionKind.DEMO_REQUEST,
        occurred_at=tuesday,
        source="website-demo",
        campaign=campaign.code,
    )
    lead = intake.receive(arrival, now=tuesday, by=mia, owner=mia).lead
    handoff = handoffs.hand_over(lead, by=mia, now=tuesday)
    campaigns.save(campaign, by=mia, now=tuesday, question="Something else?")
    page = signed_in(sam).get(reverse("home:pack", args=(handoff.public_id,))).content.decode()
    assert "Half of your stock is never used." in page
    assert "Who decides?" in page
    assert "Something else?" not in page
