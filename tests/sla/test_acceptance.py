"""Acceptance by what was copied into the handoff, and from lead to customer by first source."""

from __future__ import annotations

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from leads.models import Identity, Origin, Stage
from sla import tasks
from sla.acceptance import conversions, living_leads, recompute, total
from sla.models import AcceptanceRate, Agreement, Compliance
from tests.sla.contract_facts import Contract, at, campaign, make_contract, source

pytestmark = pytest.mark.django_db

NOW = at("2026-03-10 12:00")
HANDED, ANSWERED = at("2026-03-03 10:00"), at("2026-03-03 15:00")


@pytest.fixture
def contract(db: None) -> Contract:
    Agreement.objects.all().delete()
    return make_contract()


def rate(dimension: str, key: object = "") -> AcceptanceRate:
    return AcceptanceRate.objects.get(period_start=date(2026, 3, 1), dimension=dimension, key=str(key))


def test_rates_by_every_dimension(contract: Contract) -> None:
    fair, search, spring = source("Fair"), source("Search"), campaign("Spring")
    contract.handed(HANDED, accepted=ANSWERED, source=fair, campaign=spring, band="150")
    contract.handed(HANDED, accepted=ANSWERED, source=fair, won_at=at("2026-03-09 09:00"))
    contract.handed(HANDED, rejected=ANSWERED, source=fair)
    contract.handed(HANDED, rejected=ANSWERED, source=search, is_counted=False)
    contract.handed(at("2026-03-10 11:00"), source=search)
    contract.handed(HANDED, rejected=ANSWERED)
    recompute(now=NOW)
    by_fair = rate("source", fair.pk)
    assert (by_fair.label, by_fair.handed_over, by_fair.decided, by_fair.accepted, by_fair.won) == ("Fair", 3, 3, 2, 1)
    # Wilson interval of 2 of 3 by hand: middle (2/3 + 3.8415/6) / (1 + 3.8415/3), half 0.3653.
    assert by_fair.rate == pytest.approx(2 / 3)
    assert (by_fair.low, by_fair.high) == pytest.approx((0.2077, 0.9385), abs=0.0001)
    by_search = rate("source", search.pk)
    assert (by_search.handed_over, by_search.decided, by_search.left_out, by_search.rate) == (2, 0, 1, None)
    assert (rate("source").handed_over, rate("source").accepted, rate("source").rate) == (1, 0, 0.0)
    assert rate("source").low == 0.0
    everything = rate("all")
    assert (everything.handed_over, everything.decided, everything.accepted, everything.left_out) == (6, 4, 2, 1)
    assert rate("campaign", spring.pk).handed_over == 1
    assert rate("team", contract.team.pk).handed_over == 6
    assert rate("person", contract.owner.pk).label == "Rita Rep"
    assert (rate("band", "150").accepted, rate("band", "100").handed_over) == (1, 5)


def test_imported_history_is_outside(contract: Contract) -> None:
    contract.handed(HANDED, accepted=ANSWERED, origin=Origin.IMPORT)
    assert recompute(now=NOW) == 0


def test_recompute_replaces_what_it_wrote(contract: Contract) -> None:
    fair, search = source("Fair"), source("Search")
    handoff = contract.handed(HANDED, accepted=ANSWERED, source=fair)
    recompute(now=NOW)
    before = list(AcceptanceRate.objects.order_by("pk").values())
    recompute(now=NOW)
    assert list(AcceptanceRate.objects.order_by("pk").values()) == before
    handoff.source = search
    handoff.save()
    recompute(now=NOW)
    assert not AcceptanceRate.objects.filter(dimension="source", key=str(fair.pk)).exists()
    assert rate("source", search.pk).accepted == 1


def test_a_month_is_told_as_of_a_moment(contract: Contract) -> None:
    contract.handed(HANDED, accepted=ANSWERED)
    recompute(now=at("2026-03-03 12:00"))
    assert (rate("all").handed_over, rate("all").decided) == (1, 0)
    recompute(now=at("2026-04-02 12:00"), period=date(2026, 3, 15))
    assert rate("all").accepted == 1


def test_two_agreements_are_told_together(contract: Contract) -> None:
    contract.handed(HANDED, accepted=ANSWERED)
    other = Agreement.objects.create(
        name="Enterprise",
        version=1,
        status="active",
        timezone="Europe/Berlin",
        calendar=contract.agreement.calendar,
        definition=contract.definition,
        in_force_from=at("2025-01-01 00:00"),
        created_at=at("2025-01-01 00:00"),
    )
    contract.handed(HANDED, rejected=ANSWERED, agreement=other)
    recompute(now=NOW)
    assert (rate("all").accepted, rate("all").decided) == (1, 2)


def test_from_lead_to_customer_by_first_source(contract: Contract) -> None:
    fair, search = source("Fair"), source("Search")
    past = {"captured_at": at("2018-02-01 00:00"), "origin": Origin.IMPORT}
    for number in range(4):
        lead = contract.lead(first_source=fair, stage=Stage.CUSTOMER if number == 0 else Stage.INQUIRY, **past)
        Identity.objects.create(kind="external", system="olist", value=str(number), lead=lead)
    contract.lead(first_source=search, stage=Stage.CUSTOMER, captured_at=at("2026-02-01 00:00"))
    merged = contract.lead(first_source=search, stage=Stage.CUSTOMER)
    merged.merged_into = lead
    merged.save()
    contract.lead()
    rows = conversions(living_leads())
    assert [(row.label, row.customers, row.leads, row.rate) for row in rows] == [
        ("Search", 1, 1, 1.0),
        ("Fair", 1, 4, 0.25),
        ("", 0, 1, 0.0),
    ]
    whole = total(rows)
    assert whole is not None
    assert (whole.customers, whole.leads) == (2, 6)
    assert [row.label for row in conversions(living_leads(system="olist"))] == ["Fair"]
    assert [row.label for row in conversions(living_leads(origin="live"))] == ["Search", ""]
    in_range = living_leads(since=at("2018-01-01 00:00"), until=at("2019-01-01 00:00"))
    assert [(row.label, row.leads) for row in conversions(in_range)] == [("Fair", 4)]
    assert total([]) is None


def test_the_worker_refreshes_both(contract: Contract, settings: Any) -> None:
    settings.LEADSLA_NOW = NOW.isoformat()
    contract.handed(HANDED, accepted=ANSWERED)
    contract.handed(at("2026-02-03 10:00"), accepted=at("2026-02-03 11:00"))
    assert tasks.recompute_compliance() == 9
    assert tasks.recompute_acceptance() == 6  # one row of each dimension
    assert not Compliance.objects.filter(period_start=date(2026, 2, 1)).exists()
    tasks.replay_open_periods()
    assert Compliance.objects.get(period_start=date(2026, 2, 1), commitment__measure="quantity").kept == 1
    assert AcceptanceRate.objects.filter(period_start=date(2026, 2, 1), dimension="all").exists()


# --- the command


def test_the_command_recomputes_a_period_as_of_a_moment(contract: Contract) -> None:
    contract.handed(HANDED, accepted=ANSWERED)
    out = StringIO()
    call_command("recompute", "--at", "2026-03-31T18:00+02:00", "--period", "2026-03", stdout=out)
    assert "9 rows of compliance" in out.getvalue()
    assert Compliance.objects.get(commitment__measure="accepted").kept == 1
    assert rate("all").accepted == 1


def test_the_command_replays_all_periods(contract: Contract) -> None:
    contract.handed(at("2026-01-13 10:00"), accepted=at("2026-01-13 11:00"))
    call_command("recompute", "--at", "2026-03-10", "--all", stdout=StringIO())
    assert Compliance.objects.values("period_start").distinct().count() == 3
    assert AcceptanceRate.objects.get(dimension="all").period_start == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--at", "yesterday"], "--at"),
        (["--at", "2026-02-31T10:00"], "--at"),
        (["--period", "March"], "--period"),
        (["--period", "2026-03", "--all"], "--period"),
    ],
)
def test_the_command_names_what_is_wrong(arguments: list[str], field: str) -> None:
    with pytest.raises(CommandError, match=field):
        call_command("recompute", *arguments)
