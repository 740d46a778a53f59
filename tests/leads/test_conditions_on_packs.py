"""Conditions on packs: the same keys, asked of what was frozen at the handover."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import conditions
from leads.models import Interaction, Lead
from sla.models import Handoff, Round

pytestmark = pytest.mark.django_db


@pytest.fixture
def round_(tuesday: datetime) -> Round:
    """A round whose pack was frozen while the lead was German; by now it is Austrian."""
    lead = Lead.objects.create(
        name="Jana Steiner",
        country="DE",
        employees=260,
        need="Gears",
        captured_at=tuesday - timedelta(days=3),
        own={"segment": "smb"},
        created_at=tuesday,
        stage_since=tuesday,
    )
    Interaction.objects.create(lead=lead, kind="chat", occurred_at=tuesday, recorded_at=tuesday, key="1")
    pack = {"facts": conditions.facts(lead)}
    Lead.objects.filter(pk=lead.pk).update(country="AT", employees=None)
    after = tuesday + timedelta(days=1)
    Interaction.objects.create(lead=lead, kind="download", occurred_at=after, recorded_at=after, key="2")
    handoff = Handoff.objects.create(lead=lead, handed_over_at=tuesday, recorded_at=tuesday)
    return Round.objects.create(handoff=handoff, number=1, opened_at=tuesday, pack=pack)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        ({"field": "country", "op": "in", "value": ["de"]}, True),
        ({"field": "country", "op": "is", "value": "AT"}, False),
        ({"field": "city", "op": "is", "value": "Bonn"}, None),
        ({"field": "city", "op": "empty"}, True),
        ({"field": "employees", "op": "between", "value": [50, 1000]}, True),
        ({"field": "employees", "op": "lte", "value": 259}, False),
        ({"field": "score", "op": "lte", "value": 259}, None),
        ({"field": "captured_at", "op": "within_days", "value": 3}, True),  # before the round was opened
        ({"field": "captured_at", "op": "within_days", "value": 2}, False),
        ({"field": "unsubscribed", "op": "is_false"}, True),
        ({"field": "own.segment", "op": "is", "value": "SMB"}, True),
        ({"field": "need", "op": "filled"}, True),
        ({"field": "budget", "op": "filled"}, False),
        ({"field": "need", "op": "contains", "value": "gear"}, None),  # the pack's facts do not hold the words
        ({"interactions": {"kinds": ["chat"], "within_days": 1}}, True),
        ({"interactions": {"kinds": ["download"]}}, False),  # that was after it was opened
    ],
)
def test_a_pack_is_asked_as_it_was_frozen(
    round_: Round, tuesday: datetime, condition: Any, expected: bool | None
) -> None:
    pair = conditions.compile(condition, now=tuesday + timedelta(days=90), target="pack")
    holds = Round.objects.filter(pair.holds, pk=round_.pk).exists()
    fails = Round.objects.filter(pair.fails, pk=round_.pk).exists()
    assert (holds, fails) == (expected is True, expected is False)


def test_facts_of_another_kind_are_unknown(round_: Round, tuesday: datetime) -> None:
    Round.objects.update(pack={"facts": {"employees": "many", "country": None, "captured_at": "soon"}})
    for asked in (
        {"field": "employees", "op": "lte", "value": 5},
        {"field": "country", "op": "is", "value": "DE"},
        {"field": "captured_at", "op": "before", "value": "2026-01-01"},
    ):
        pair = conditions.compile(asked, now=tuesday, target="pack")
        assert not Round.objects.filter(pair.holds).exists()
        assert not Round.objects.filter(pair.fails).exists()


def test_a_round_without_its_moment_is_unknown(round_: Round, tuesday: datetime) -> None:
    Round.objects.update(opened_at=None)
    pair = conditions.compile({"interactions": {"kinds": ["chat"]}}, now=tuesday, target="pack")
    assert not Round.objects.filter(pair.holds).exists()
    assert not Round.objects.filter(pair.fails).exists()
