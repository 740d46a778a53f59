"""Agreements: which one applies, its periods, its sentences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from leads.models import Lead
from leadsla.accounts.models import Side
from sla import agreements
from sla.models import Agreement, Target

pytestmark = pytest.mark.django_db
MakeLead = Callable[..., Lead]


@pytest.fixture
def seed(db: None) -> Agreement:
    return Agreement.objects.get()


def another(seed: Agreement, **columns: object) -> Agreement:
    told: dict[str, object] = {
        "version": 1,
        "name": "Another",
        "status": "active",
        "timezone": "Europe/Berlin",
        "calendar": seed.calendar,
        "definition": seed.definition,
        "in_force_from": seed.in_force_from,
        "created_at": seed.created_at,
    }
    return Agreement.objects.create(**(told | columns))


def test_the_first_in_order_whose_scope_holds_applies(asks: MakeLead, seed: Agreement, tuesday: datetime) -> None:
    austria = another(seed, position=5, scope={"field": "country", "op": "is", "value": "AT"})
    assert agreements.applying_to(asks(at=tuesday, country="AT"), now=tuesday) == austria
    german = asks("Olaf Orth", at=tuesday, domain="orth.example")
    assert agreements.applying_to(german, now=tuesday) == seed


def test_a_scope_on_what_is_not_known_does_not_hold(asks: MakeLead, seed: Agreement, tuesday: datetime) -> None:
    another(seed, position=5, scope={"not": {"field": "industry", "op": "is", "value": "Steel"}})
    assert agreements.applying_to(asks(at=tuesday), now=tuesday) == seed


def test_drafts_and_what_has_ended_do_not_apply(asks: MakeLead, seed: Agreement, tuesday: datetime) -> None:
    another(seed, position=1, status="draft")
    ended = another(seed, position=2, status="ended", in_force_until=tuesday)
    lead = asks(at=tuesday)
    assert agreements.applying_to(lead, now=tuesday) == seed
    assert agreements.applying_to(lead, now=datetime.fromisoformat("2026-03-03T09:59+01:00")) == ended


def test_periods_are_those_of_the_agreement_s_zone(seed: Agreement) -> None:
    last_minute = datetime.fromisoformat("2026-03-31T21:59+00:00")  # 23:59 in Berlin
    march = agreements.period_of(seed, last_minute)
    assert (march.start, march.end) == (date(2026, 3, 1), date(2026, 4, 1))
    assert march.ends_at == datetime(2026, 4, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    seed.period = Agreement.Period.QUARTER
    second = agreements.period_of(seed, datetime.fromisoformat("2026-03-31T22:00+00:00"))
    assert (second.start, second.end) == (date(2026, 4, 1), date(2026, 7, 1))


def test_every_promise_is_a_sentence(seed: Agreement) -> None:
    clauses = agreements.clauses(seed)
    assert [clause.number for clause in clauses] == list(range(1, 14))
    assert [clause.text for clause in clauses if clause.side == Side.MARKETING] == [
        "At least 40 qualified leads a month.",
        "At least 50\u202f% of the decided ones are accepted, and kept for 10 working days.",
        "At least 20\u202f% become opportunities within 30 working days.",
        "At least 3.0\u202f% become customers within 90 days.",
        "A qualified lead is handed over within 15 min (hot), 1 h (warm) or 4 h (cool), 9 times in 10.",
        "A returned lead is fixed within 1 working day (hot), 2 working days (warm) or 3 working days (cool), "
        "9 times in 10.",
    ]
    assert [clause.text for clause in clauses if clause.side == Side.SALES] == [
        "A first follow-up within 5 min (hot), 1 h (warm) or 1 working day (cool), 9 times in 10.",
        "A decision within 4 h (hot), 1 working day (warm) or 2 working days (cool), 9 times in 10.",
        "6 attempts in 10 working days (hot), 6 attempts in 14 working days (warm) or 4 attempts in 14 working days "
        "(cool) over 2 channels before a lead is given up, 9 times in 10.",
        "A first result of an accepted lead within 5 working days (hot), 10 working days (warm) or 14 working days "
        "(cool), 9 times in 10.",
        "An update of every open lead each 21 working days, 9 times in 10.",
        "Won or lost is reported within 5 working days after closing, 9 times in 10.",
        "A rejection has a reason that marketing can act on, 9 times in 10.",
    ]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (120, 150, "Between 120 and 150 qualified leads a month."),
        (1200, None, "At least 1,200 qualified leads a month."),
    ],
)
def test_quantity_is_a_range(seed: Agreement, low: int, high: int | None, text: str) -> None:
    target = Target.objects.get(commitment__measure="quantity")
    target.at_least, target.at_most = Decimal(low), None if high is None else Decimal(high)
    assert agreements.sentence(target, agreement=seed) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0.9", "9 times in 10"), ("0.95", "19 times in 20"), ("1", "every time"), ("0.93", "in 93\u202f% of the cases")],
)
def test_rates_are_said_as_people_say_them(seed: Agreement, rate: str, text: str) -> None:
    target = Target.objects.get(commitment__measure="usable_reasons")
    target.at_least = Decimal(rate)
    assert agreements.sentence(target, agreement=seed) == f"A rejection has a reason that marketing can act on, {text}."


def test_the_definition_names_both_doors(seed: Agreement) -> None:
    doors = agreements.definition_in_words(seed.definition)
    assert doors.asked[0] == "A request within the last 30 days"
    assert "Location served" in doors.asked
    assert doors.nurtured[0] == "Score of at least 100 (model 1)"
