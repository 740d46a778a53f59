"""Conditions as rows: there and back, what is refused in words, and the fragment that shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse

from leads import conditions
from leads.condition_form import ConditionForm
from leads.models import Lead, Source

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def typed(*rows: dict[str, Any], joined: str = "all", **more: str) -> QueryDict:
    """Write rows as a browser posts them."""
    data = QueryDict(mutable=True)
    data["scope-count"], data["scope-joined"] = str(len(rows)), joined
    for index, row in enumerate(rows):
        for name, value in row.items():
            data.setlist(f"scope-{index}-{name}", value if isinstance(value, list) else [value])
    data.update(more)
    return data


def said(*rows: dict[str, Any], **more: str) -> Any:
    """Return the condition that rows say."""
    form = ConditionForm(typed(*rows, **more), prefix="scope")
    assert form.is_valid(), [row.error for row in form.rows]
    return form.condition


def refused(*rows: dict[str, Any], of_judgement: bool = False) -> list[str]:
    """Return what each row says is wrong with it."""
    form = ConditionForm(typed(*rows), prefix="scope", of_judgement=of_judgement)
    assert not form.is_valid()
    return [row.error for row in form.rows]


def posted(form: ConditionForm) -> QueryDict:
    """Write a form's rows as a browser that shows them would post them."""
    rows = []
    for row in form.rows:
        values = row.values
        rows.append(
            {"field": row.field, "op": row.op, "value": values, "times": row.times, "days": row.days, "kept": row.kept}
        )
    return typed(*rows, joined=form.joined)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"field": "country", "op": "is", "value": "DE"},
        {"field": "country", "op": "in", "value": ["DE", "AT"]},
        {"field": "company_name", "op": "not_in", "value": ["Meier, Sohn", 'The "Best"', "Kessler"]},
        {"field": "seniority", "op": "in", "value": ["vp", "director"]},
        {"field": "employees", "op": "between", "value": [50, 2500]},
        {"field": "score", "op": "gte", "value": 99.5},
        {"field": "captured_at", "op": "after", "value": "2026-01-31"},
        {"field": "captured_at", "op": "within_days", "value": 30},
        {"field": "unsubscribed", "op": "is_false"},
        {"field": "own.plan", "op": "is", "value": "gold"},
        {"interactions": {"kinds": ["demo_request", "chat"], "at_least": 2, "within_days": 30}},
        {"interactions": {"kinds": ["download"]}},
        {"any": [{"field": "city", "op": "filled"}, {"field": "region", "op": "empty"}]},
        {"not": {"field": "country", "op": "is", "value": "DE"}},
        {"any": []},
        {
            "all": [
                {"field": "country", "op": "is", "value": "DE"},
                {
                    "any": [
                        {"field": "city", "op": "is", "value": "Ulm"},
                        {"field": "city", "op": "is", "value": "Bonn"},
                    ]
                },
            ]
        },
    ],
)
def test_condition_comes_back_as_it_was_stored(condition) -> None:
    form = ConditionForm(condition=condition, prefix="scope")
    again = ConditionForm(posted(form), condition=condition, prefix="scope")
    assert again.is_valid(), [row.error for row in again.rows]
    assert again.condition == condition
    assert not again.has_changed


def test_part_that_rows_cannot_show_stands_in_words() -> None:
    condition = {"all": [{"field": "country", "op": "is", "value": "DE"}, {"not": {"field": "city", "op": "filled"}}]}
    form = ConditionForm(condition=condition, prefix="scope")
    assert [row.widget for row in form.rows] == ["text", "kept"]
    assert form.rows[1].words == "not (City is known)"


def test_no_row_is_every_lead_and_blank_rows_say_nothing() -> None:
    assert said() is None
    assert said({"field": "", "op": "is", "value": ""}) is None
    assert said({"field": "city", "op": "filled"}, {"field": "", "op": "is", "value": ""}) == {
        "field": "city",
        "op": "filled",
    }


def test_rows_are_joined_by_any() -> None:
    city, country = {"field": "city", "op": "filled"}, {"field": "country", "op": "is", "value": "DE"}
    assert said(city, country, joined="any") == {"any": [city, country]}


@pytest.mark.parametrize(
    ("value", "number"), [("250", 250), (" 1,250 ", 1250), ("1 250", 1250), ("12.5", 12.5), ("12,5", 12.5)]
)
def test_numbers_are_read_as_people_write_them(value, number) -> None:
    assert said({"field": "employees", "op": "gte", "value": value}) == {
        "field": "employees",
        "op": "gte",
        "value": number,
    }


def test_lists_are_separated_by_commas_or_semicolons() -> None:
    assert said({"field": "country", "op": "in", "value": "DE, AT;CH,, DE"})["value"] == ["DE", "AT", "CH"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"field": "employees", "op": "gte", "value": "many"}, "Give a number, as 250 or 12.5."),
        ({"field": "employees", "op": "gte", "value": "nan"}, "give a number."),
        ({"field": "employees", "op": "between", "value": ["50"]}, "Give the lowest and the highest number."),
        ({"field": "employees", "op": "between", "value": ["50", "10"]}, "The lowest number comes first."),
        ({"field": "country", "op": "is", "value": ""}, "Give a value."),
        ({"field": "country", "op": "in", "value": " , "}, "Give at least one value."),
        ({"field": "country", "op": "gte", "value": "5"}, "“Country” can be asked: “is”"),
        ({"field": "seniority", "op": "is", "value": "king"}, "“king” is not known."),
        ({"field": "captured_at", "op": "before", "value": "31.3.2026"}, "give a day as 2026-03-31."),
        ({"field": "captured_at", "op": "within_days", "value": "0"}, "Give a whole number of days from 1."),
        ({"field": "shoe_size", "op": "is", "value": "43"}, "There is no field “shoe_size”."),
        ({"field": "", "op": "is", "value": "DE"}, "Choose a field, or empty the row."),
        ({"field": "interactions"}, "Choose at least one thing that the lead did."),
        ({"field": "interactions", "value": ["chat"], "times": "often"}, "At least how often?"),
        ({"field": "interactions", "value": ["chat"], "days": "-1"}, "Within how many days?"),
        ({"field": "kept", "kept": "{"}, "This part cannot be read."),
        ({"field": "kept", "kept": '{"all": [{"x": 1}]}'}, "“x” is no condition."),
    ],
)
def test_row_says_what_is_wrong_with_it(row, words) -> None:
    errors = refused({"field": "city", "op": "filled"}, row)
    assert errors[0] == ""
    assert words in errors[1]


def test_what_follows_from_a_judgement_cannot_decide_it() -> None:
    assert "cannot be asked here" in refused({"field": "score", "op": "gte", "value": "100"}, of_judgement=True)[0]
    form = ConditionForm(prefix="scope", of_judgement=True)
    assert "score" not in {key for _title, fields in form.field_groups for key, _label in fields}
    assert "score" in {key for _title, fields in ConditionForm().field_groups for key, _label in fields}


def test_every_field_can_be_chosen_once() -> None:
    keys = [key for _title, fields in ConditionForm().field_groups for key, _label in fields]
    assert sorted(keys) == sorted([*conditions.FIELDS, "interactions"])


def test_adding_and_removing_rows_keeps_what_was_typed() -> None:
    first, second = {"field": "city", "op": "is", "value": "Ulm"}, {"field": "country", "op": "is", "value": "D"}
    added = ConditionForm(typed(first, second, **{"scope-act": "add"}), prefix="scope")
    assert added.is_asking
    assert [(row.field, row.value) for row in added.rows] == [("city", "Ulm"), ("country", "D"), ("", "")]
    removed = ConditionForm(typed(first, second, **{"scope-act": "remove-0"}), prefix="scope")
    assert [(row.index, row.field) for row in removed.rows] == [(0, "country")]


def test_sources_are_chosen_by_name() -> None:
    form = ConditionForm(condition={"field": "source", "op": "is", "value": "gone"}, prefix="scope")
    choices = dict(form.rows[0].choices)
    source = Source.objects.first()
    assert source is not None
    assert choices[source.code] == source.name
    assert choices["gone"] == "gone"


# --- the fragment


@pytest.fixture
def desk(max_, signed_in):
    return signed_in(max_)


ROWS, COUNT = "leads:condition_rows", "leads:condition_count"


def test_choosing_a_field_changes_questions_and_value(desk) -> None:
    row = {"field": "employees", "was": "country", "op": "is", "value": "DE"}
    answer = desk.post(reverse(ROWS) + "?prefix=scope", typed(row, **{"scope-act": "shape"}).dict())
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "is at least" in page
    assert "starts with" not in page
    assert 'value="DE"' not in page


def test_rows_say_how_many_leads_match(desk) -> None:
    Lead.objects.create(name="A", country="DE", captured_at=NOW, created_at=NOW, stage_since=NOW)
    Lead.objects.create(name="B", country="AT", captured_at=NOW, created_at=NOW, stage_since=NOW)
    url = reverse(COUNT) + "?prefix=scope"
    in_germany = typed({"field": "country", "op": "is", "value": "de"}).dict()
    assert "Matches 1 lead of 2 today." in desk.post(url, in_germany).content.decode()
    assert "Every lead: 2 today." in desk.post(url, typed().dict()).content.decode()
    unfinished = typed({"field": "country", "op": "is", "value": ""}).dict()
    assert "Complete the rows" in desk.post(url, unfinished).content.decode()


def test_rows_escape_what_was_typed(desk) -> None:
    row = {"field": "city", "was": "city", "op": "is", "value": '"><script>alert(1)</script>'}
    page = desk.post(reverse(ROWS) + "?prefix=scope", typed(row, **{"scope-act": "shape"}).dict()).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", [ROWS, COUNT])
def test_rows_are_for_those_who_plan(name, client, sam, signed_in, desk) -> None:
    assert client.post(reverse(name)).status_code == 302
    assert signed_in(sam).post(reverse(name)).status_code == 403
    assert desk.get(reverse(name)).status_code == 405
