"""Conditions: what is refused, what holds, what fails, what is neither, and that SQL and plain Python agree."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import conditions
from leads.models import Channel, Interaction, InteractionKind, Lead, Source
from leads.querysets import LeadQuerySet

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def a_lead(**columns: Any) -> Lead:
    return Lead.objects.create(**{"created_at": NOW, "stage_since": NOW, **columns})


def did(lead: Lead, kind: str, *, days_ago: float, key: str = "") -> None:
    Interaction.objects.create(
        lead=lead,
        kind=kind,
        occurred_at=NOW - timedelta(days=days_ago),
        recorded_at=NOW,
        key=key or f"{kind} {days_ago}",
    )


def says(lead: Lead, condition: Any) -> bool | None:
    """Return what SQL says of a lead: True, False, or None for neither."""
    pair = conditions.compile(condition, now=NOW)
    holds = Lead.objects.filter(pair.holds, pk=lead.pk).exists()
    fails = Lead.objects.filter(pair.fails, pk=lead.pk).exists()
    assert not (holds and fails)
    return True if holds else False if fails else None


def asks(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


# --- what holds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (asks("country", "is", "de"), True),  # folded
        (asks("country", "in", ["AT", "DE"]), True),
        (asks("country", "not_in", ["AT", "CH"]), True),
        (asks("country", "not_in", ["DE"]), False),
        (asks("industry", "is", "GEBÄUDETECHNIK"), True),  # folded beyond ASCII
        (asks("industry", "contains", "technik"), True),
        (asks("industry", "starts_with", "technik"), False),
        (asks("industry", "contains", "100%_"), False),  # no patterns
        (asks("city", "is", "Bonn"), None),
        (asks("city", "is_not", "Bonn"), None),
        (asks("city", "not_in", ["Bonn"]), None),
        (asks("city", "contains", "o"), None),
        (asks("city", "filled"), False),
        (asks("city", "empty"), True),
        (asks("employees", "eq", 260), True),
        (asks("employees", "gte", 261), False),
        (asks("employees", "lte", 260.5), True),
        (asks("employees", "between", [50, 1000]), True),
        (asks("employees", "between", [261, 1000]), False),
        (asks("score", "gte", 100), None),
        (asks("score", "empty"), True),
        (asks("captured_at", "before", "2026-02-01"), False),  # Berlin's midnight of 1 February
        (asks("captured_at", "after", "2026-01-31"), True),
        (asks("captured_at", "after", "2026-02-01"), False),
        (asks("captured_at", "within_days", 31), True),  # 30 days and 10 hours ago
        (asks("captured_at", "within_days", 30), False),
        (asks("unsubscribed", "is_true"), False),
        (asks("unsubscribed", "is_false"), True),
        (asks("source", "is", "our-fair"), True),
        (asks("channel", "in", ["fairs"]), True),
        (asks("campaign", "is", "spring"), None),
        (asks("own.segment", "is", "Mid-Market"), True),
        (asks("own.segment", "in", ["smb"]), False),
        (asks("own.colour", "is", "red"), None),
        (asks("own.colour", "empty"), True),
        (None, True),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"not": None}, False),
    ],
)
def test_a_field_is_asked(condition: Any, expected: bool | None) -> None:
    fairs = Channel.objects.create(code="fairs", name="Fairs", direction="inbound", side="marketing")
    lead = a_lead(
        country="DE",
        industry="Gebäudetechnik",
        employees=260,
        captured_at=datetime(2026, 2, 1, 0, 0, tzinfo=ZoneInfo("Europe/Berlin")),
        last_source=Source.objects.create(code="our-fair", name="Our fair", channel=fairs),
        own={"segment": "mid-market", "colour": ""},
    )
    assert says(lead, condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # unknown and true is unknown, unknown and false is false; or the other way round; not keeps unknown
        ({"all": [asks("city", "is", "Bonn"), asks("country", "is", "DE")]}, None),
        ({"all": [asks("city", "is", "Bonn"), asks("country", "is", "AT")]}, False),
        ({"any": [asks("city", "is", "Bonn"), asks("country", "is", "DE")]}, True),
        ({"any": [asks("city", "is", "Bonn"), asks("country", "is", "AT")]}, None),
        ({"not": asks("city", "is", "Bonn")}, None),
        ({"not": {"not": asks("country", "is", "DE")}}, True),
        ({"not": {"any": [asks("city", "is", "Bonn"), asks("country", "is", "DE")]}}, False),
    ],
)
def test_unknown_goes_through_all_any_and_not(condition: Any, expected: bool | None) -> None:
    assert says(a_lead(country="DE"), condition) is expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kinds": ["download"]}, True),
        ({"kinds": ["download"], "at_least": 3}, True),
        ({"kinds": ["download"], "at_least": 4}, False),  # the fourth is dated tomorrow
        ({"kinds": ["download"], "within_days": 10, "at_least": 2}, True),
        ({"kinds": ["download"], "within_days": 10, "at_least": 3}, False),
        ({"kinds": ["download", "chat"], "at_least": 4}, True),
        ({"kinds": ["demo_request"]}, False),
    ],
)
def test_interactions_are_counted_until_now(asked: dict[str, Any], expected: bool) -> None:
    lead, other = a_lead(), a_lead()
    for days in (1, 10, 11, -1):
        did(lead, "download", days_ago=days)
    did(lead, "chat", days_ago=50)
    did(other, "demo_request", days_ago=1)
    assert says(lead, {"interactions": asked}) is expected
    assert says(lead, {"not": {"interactions": asked}}) is not expected


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ([], "is no condition"),
        ("country", "is no condition"),
        ({"some": []}, "Use one of: all, any, not, field, interactions"),
        ({"all": {}}, "takes a list"),
        ({"all": [], "any": []}, "is no condition"),
        (asks("shoe_size", "is", "44"), "There is no field “shoe_size”"),
        (asks("own.", "is", "44"), "There is no field"),
        (asks("own.x'; drop", "is", "44"), "There is no field"),
        (asks("country", "gte", "DE"), "Country” cannot be asked “gte”. Use one of: is, is_not"),
        (asks("country", "in", "DE"), "give a list"),
        (asks("country", "in", []), "give a list"),
        (asks("country", "is", 49), "give a text"),
        (asks("country", "is", ""), "give a text that is not empty"),
        (asks("country", "is", "D\x00"), "give a text"),
        (asks("country", "filled", "yes"), "takes no value"),
        (asks("seniority", "is", "boss"), "“boss” is not known. Use one of: c_level"),
        (asks("employees", "gte", "50"), "give a number"),
        (asks("employees", "gte", True), "give a number"),
        (asks("employees", "gte", float("nan")), "give a number"),
        (asks("employees", "between", [1]), "lowest and the highest"),
        (asks("captured_at", "before", "03/04/2026"), "give a day as 2026-03-31"),
        (asks("captured_at", "within_days", 0), "whole number of days"),
        ({"interactions": {"kinds": []}}, "at least one kind"),
        ({"interactions": {"kinds": ["dance"]}}, "no kind of interaction “dance”"),
        ({"interactions": {"kinds": ["chat"], "at_least": 0}}, "at_least"),
        ({"interactions": {"kinds": ["chat"], "within": 3}}, "takes kinds, within_days and at_least"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": None}}}}}}}}, "too large"),
        ({"all": [None] * 200}, "too large"),
    ],
)
def test_what_means_nothing_is_refused_in_words(condition: Any, words: str) -> None:
    with pytest.raises(conditions.ConditionError) as refused:
        conditions.validate(condition)
    assert words in str(refused.value)


def test_a_rule_cannot_ask_for_what_follows_from_it() -> None:
    asked = {"any": [asks("country", "is", "DE"), {"not": asks("score", "gte", 50)}]}
    conditions.validate(asked)
    with pytest.raises(conditions.ConditionError, match="Score"):
        conditions.validate(asked, of_judgement=True)


@pytest.mark.parametrize("field", conditions.FIELDS.values(), ids=lambda field: field.key)
def test_every_field_answers_every_question_of_its_kind(field: conditions.Field) -> None:
    text = next(iter(field.choices)) if field.choices else "x"
    values: dict[str, Any] = {
        **dict.fromkeys(("is", "is_not", "contains", "starts_with"), text),
        "in": [text],
        "not_in": [text],
        **dict.fromkeys(("eq", "gte", "lte"), 5),
        **dict.fromkeys(("before", "after"), "2026-01-01"),
        "between": [1, 5],
        "within_days": 7,
    }
    lead = a_lead()
    for op in conditions.OPS[field.kind]:
        asked = asks(field.key, op, values.get(op))
        conditions.validate(asked)
        assert conditions.in_words(asked)
        answers = {says(lead, asked), says(lead, {"not": asked})}
        assert answers in ({True, False}, {None})


# --- words and facts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (None, "every lead"),
        (asks("country", "in", ["DE", "AT"]), "Country is one of DE, AT"),
        (asks("seniority", "is", "vp"), "Seniority is Vice president"),
        (asks("employees", "between", [50, 1000]), "People at the company is between 50 and 1000"),
        (asks("captured_at", "before", "2026-03-31"), "First contact is before 31 Mar 2026"),
        (asks("captured_at", "within_days", 30), "First contact is within the last 30 days"),
        (asks("need", "filled"), "Need is known"),
        (
            {"all": [asks("country", "is", "DE"), {"any": [asks("need", "filled"), asks("budget", "filled")]}]},
            "Country is DE and (Need is known or Budget is known)",
        ),
        ({"not": asks("country", "is", "DE")}, "not (Country is DE)"),
        (
            {"interactions": {"kinds": ["download", "chat"], "within_days": 30, "at_least": 2}},
            "the lead did “Downloaded” or “Chatted” at least 2 times in the last 30 days",
        ),
    ],
)
def test_a_condition_in_words(condition: Any, words: str) -> None:
    assert conditions.in_words(condition) == words


def test_facts_hold_what_is_known_and_nothing_personal() -> None:
    lead = a_lead(
        name="Jana Steiner", email="jana@voss.example", country="DE", employees=260, own={"segment": "smb", "no": ""}
    )
    assert conditions.facts(lead) == {
        "name": True,
        "email": True,
        "country": "DE",
        "employees": 260,
        "created_at": "2026-03-03T10:00:00+01:00",
        "unsubscribed": False,
        "stage": "inquiry",
        "own.segment": "smb",
    }


# --- SQL and plain Python agree --------------------------------------------------------------------------------------

TEXTS = ["", "DE", "de", "AT", "Ä", "ä"]
KINDS = [InteractionKind.CHAT, InteractionKind.DOWNLOAD]

texts = st.one_of(
    st.builds(
        asks,
        st.sampled_from(["country", "city", "own.x"]),
        st.sampled_from(["is", "is_not", "contains", "starts_with"]),
        st.sampled_from(TEXTS[1:]),
    ),
    st.builds(
        asks,
        st.sampled_from(["country", "city", "own.x"]),
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(TEXTS[1:]), min_size=1, max_size=3),
    ),
    st.builds(asks, st.sampled_from(["country", "city", "own.x"]), st.sampled_from(["filled", "empty"])),
)
numbers = st.one_of(
    st.builds(asks, st.just("employees"), st.sampled_from(["eq", "gte", "lte"]), st.integers(0, 5)),
    st.builds(asks, st.just("employees"), st.just("between"), st.lists(st.integers(0, 5), min_size=2, max_size=2)),
    st.builds(asks, st.just("employees"), st.sampled_from(["filled", "empty"])),
)
days = st.one_of(
    st.builds(
        asks,
        st.just("captured_at"),
        st.sampled_from(["before", "after"]),
        st.sampled_from(["2026-03-01", "2026-03-02"]),
    ),
    st.builds(asks, st.just("captured_at"), st.just("within_days"), st.integers(1, 3)),
)
flags = st.builds(asks, st.just("unsubscribed"), st.sampled_from(["is_true", "is_false"]))
deeds = st.builds(
    lambda kinds, within, least: {"interactions": {"kinds": kinds, "within_days": within, "at_least": least}},
    st.lists(st.sampled_from([str(kind) for kind in KINDS]), min_size=1, max_size=2, unique=True),
    st.one_of(st.none(), st.integers(1, 3)),
    st.integers(1, 3),
)
any_condition = st.recursive(
    st.one_of(texts, numbers, days, flags, deeds, st.none()),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)
any_lead = st.fixed_dictionaries(
    {
        "country": st.sampled_from(TEXTS),
        "city": st.sampled_from(TEXTS),
        "own": st.one_of(st.just({}), st.builds(lambda text: {"x": text}, st.sampled_from(TEXTS))),
        "employees": st.one_of(st.none(), st.integers(0, 5)),
        "captured_at": st.one_of(
            st.none(), st.builds(lambda hours: NOW - timedelta(hours=hours), st.integers(-30, 80))
        ),
        "unsubscribed_at": st.sampled_from([None, NOW]),
    }
)
any_deeds = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-30, 90)), max_size=4)


def plainly(condition: Any, lead: Lead, deeds: list[tuple[str, int]]) -> bool | None:  # noqa: PLR0911
    """Evaluate a condition row by row, as the language is described."""
    if condition is None:
        return True
    if "not" in condition:
        inner = plainly(condition["not"], lead, deeds)
        return None if inner is None else not inner
    if "all" in condition:
        parts = [plainly(part, lead, deeds) for part in condition["all"]]
        return False if False in parts else None if None in parts else True
    if "any" in condition:
        parts = [plainly(part, lead, deeds) for part in condition["any"]]
        return True if True in parts else None if None in parts else False
    if "interactions" in condition:
        asked = condition["interactions"]
        hours = float("inf") if asked["within_days"] is None else asked["within_days"] * 24
        done = [kind for kind, ago in deeds if kind in asked["kinds"] and 0 <= ago <= hours]
        return len(done) >= asked["at_least"]
    key, op, value = condition["field"], condition["op"], condition.get("value")
    if key == "unsubscribed":
        return (lead.unsubscribed_at is not None) is (op == "is_true")
    known: Any = lead.own.get("x") if key == "own.x" else getattr(lead, key)
    is_known = known not in (None, "")
    if op in {"filled", "empty"}:
        return is_known is (op == "filled")
    return _plain_op(known, op, value) if is_known else None


def _plain_op(known: Any, op: str, value: Any) -> bool:
    if isinstance(known, datetime):
        if op == "within_days":
            return NOW - timedelta(days=value) <= known <= NOW
        day = known.astimezone(ZoneInfo("Europe/Berlin")).date()
        return day < date.fromisoformat(value) if op == "before" else day > date.fromisoformat(value)
    if isinstance(known, int):
        low, high = {"eq": (value, value), "gte": (value, 99), "lte": (-99, value)}.get(op) or value
        return bool(low <= known <= high)
    known = known.lower()
    values = [each.lower() for each in (value if isinstance(value, list) else [value])]
    if op in {"contains", "starts_with"}:
        return values[0] in known if op == "contains" else known.startswith(values[0])
    return (known in values) is (op in {"is", "in"})


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(condition=any_condition, facts=any_lead, deeds=any_deeds)
def test_sql_and_plain_python_agree(condition: Any, facts: dict[str, Any], deeds: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        lead = a_lead(**facts)
        for number, (kind, hours) in enumerate(deeds):
            did(lead, kind, days_ago=hours / 24, key=str(number))
        conditions.validate(condition)
        assert says(lead, condition) is plainly(condition, lead, deeds)
        transaction.set_rollback(True)


def test_a_pair_can_be_combined_with_other_filters() -> None:
    kept, _other = a_lead(country="DE", name="Jana"), a_lead(country="DE", name="Ola")
    pair = conditions.compile(asks("country", "is", "DE"), now=NOW)
    rows: LeadQuerySet = Lead.objects.filter(pair.holds, name="Jana")
    assert list(rows) == [kept]
