"""The draft editor: each section saves by itself, refuses in words at the field, and keeps what was typed."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from leads.models import Definition
from sla import agreements, drafting
from sla.models import Agreement, EscalationStep, Target, TimeLimit

pytestmark = pytest.mark.django_db

SECTIONS = ("about", "scope", "rules", "definition")


@pytest.fixture
def draft(max_, tuesday) -> Agreement:
    base = Agreement.objects.in_force(now=tuesday).get()
    return drafting.start_draft(base, by=max_, now=tuesday)


@pytest.fixture
def desk(max_, signed_in, settings):
    settings.LEADSLA_NOW = "2026-03-03T10:00:00+01:00"
    return signed_in(max_)


def at(name: str, draft: Agreement, *more: str) -> str:
    return reverse(f"sla:{name}", args=(draft.public_id, *more))


def fields(page: str, action: str) -> dict[str, Any]:
    """Return what a browser would send of the form with an action, as it stands on the page."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}[^"]*".*?</form>', page, re.DOTALL)
    assert form is not None, action
    told: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or ("checkbox" in tag and " checked" not in tag):
            continue
        told.setdefault(name[1], []).append(value[1] if value else "on" if "checkbox" in tag else "")
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form[0], re.DOTALL):
        told[name] = [inner.strip()]
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]* selected', inner)
        first = re.search(r'<option value="([^"]*)"', inner)
        assert first is not None
        told[name] = [chosen[1] if chosen else first[1]]
    return told


def shown(desk, draft: Agreement, name: str, *more: str) -> dict[str, Any]:
    return fields(desk.get(at("edit_draft", draft)).content.decode(), at(name, draft, *more))


def target(draft: Agreement, measure: str) -> Target:
    return Target.objects.get(agreement=draft, commitment__measure=measure)


def sentence(draft: Agreement, measure: str) -> str:
    return next(one.text for one in agreements.clauses(draft) if one.measure == measure)


# --- the page


def test_page_shows_every_promise_as_the_contract_says_it(desk, draft) -> None:
    page = desk.get(at("edit_draft", draft)).content.decode()
    for clause in agreements.clauses(draft):
        assert clause.text in page
    assert "Version 2" in page


@pytest.mark.parametrize("name", SECTIONS)
def test_saving_a_section_as_it_stands_changes_nothing(desk, draft, name) -> None:
    before = Agreement.objects.filter(pk=draft.pk).values().get()
    told = shown(desk, draft, f"edit_{name}")
    answer = desk.post(at(f"edit_{name}", draft), told)
    assert (answer.status_code, answer["Location"]) == (302, at("edit_draft", draft) + f"#{name}")
    assert Agreement.objects.filter(pk=draft.pk).values().get() == before


@pytest.mark.parametrize("measure", ["quantity", "accepted", "first_follow_up", "attempts", "usable_reasons"])
def test_saving_a_promise_as_it_stands_changes_nothing(desk, draft, measure) -> None:
    before = sentence(draft, measure)
    limits = set(TimeLimit.objects.filter(target__agreement=draft).values_list("temperature", "calendar", "warn_share"))
    told = shown(desk, draft, "edit_promise", measure)
    assert desk.post(at("edit_promise", draft, measure), told).status_code == 302
    assert sentence(draft, measure) == before
    after = set(TimeLimit.objects.filter(target__agreement=draft).values_list("temperature", "calendar", "warn_share"))
    assert after == limits


@pytest.mark.parametrize("temperature", ["hot", "warm", "cool"])
def test_saving_steps_as_they_stand_changes_nothing(desk, draft, temperature) -> None:
    columns = ("measures", "share", "minutes", "action", "recipient", "is_urgent")
    steps = EscalationStep.objects.filter(agreement=draft, temperature=temperature)
    before = list(steps.values_list(*columns))
    told = shown(desk, draft, "edit_escalation", temperature)
    assert desk.post(at("edit_escalation", draft, temperature), told).status_code == 302
    assert list(steps.values_list(*columns)) == before
    assert len(before) > 1


# --- terms


def test_about_is_saved(desk, draft) -> None:
    told = {"name": "DACH mid-market", "why": "Too many are rejected.", "period": "quarter", "starts_on": "2026-04-01"}
    assert desk.post(at("edit_about", draft), told).status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.why, draft.period) == ("DACH mid-market", "Too many are rejected.", "quarter")
    assert draft.starts_on == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"period": "week"}, "Select a valid choice."),
        ({"starts_on": "2026-04-17"}, "Select a valid choice."),
        ({"starts_on": "2026-05-01", "period": "quarter"}, "first day of a quarter"),
    ],
)
def test_about_is_refused_at_the_field(desk, draft, told, words) -> None:
    typed = {"name": "Typed <b>name</b>", "why": "Typed why", "period": "month", "starts_on": ""} | told
    answer = desk.post(at("edit_about", draft), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "Typed why" in page
    draft.refresh_from_db()
    assert (draft.why, draft.period) == ("", "month")


def test_scope_is_saved_from_rows(desk, draft) -> None:
    told = {
        "scope-count": "1",
        "scope-joined": "all",
        "scope-0-field": "country",
        "scope-0-op": "in",
        "scope-0-value": "DE, AT",
        "position": "5",
    }
    assert desk.post(at("edit_scope", draft), told).status_code == 302
    draft.refresh_from_db()
    assert draft.scope == {"field": "country", "op": "in", "value": ["DE", "AT"]}
    assert draft.position == 5


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"scope-0-value": ""}, "Give at least one value."),
        ({"scope-0-field": "score", "scope-0-op": "gte", "scope-0-value": "100"}, "cannot be asked here"),
        ({"position": "-1"}, "Give a whole number from 0"),
        ({"position": "first"}, "Give a number."),
    ],
)
def test_scope_is_refused_in_its_row(desk, draft, told, words) -> None:
    typed = {
        "scope-count": "2",
        "scope-joined": "any",
        "scope-0-field": "country",
        "scope-0-op": "in",
        "scope-0-value": "DE",
        "scope-1-field": "city",
        "scope-1-op": "is",
        "scope-1-value": "Ulm",
        "position": "7",
    } | told
    answer = desk.post(at("edit_scope", draft), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert 'value="Ulm"' in page
    draft.refresh_from_db()
    assert draft.scope is None


def test_adding_a_row_without_a_script_saves_nothing(desk, draft) -> None:
    told = {"scope-count": "1", "scope-0-field": "city", "scope-0-op": "is", "scope-0-value": "Ulm", "position": "7"}
    answer = desk.post(at("edit_scope", draft), told | {"scope-act": "add"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="scope-1-field"' in page
    assert 'value="Ulm"' in page
    draft.refresh_from_db()
    assert draft.scope is None


def test_rules_are_saved(desk, draft, sue) -> None:
    told = shown(desk, draft, "edit_rules") | {
        "timezone": "Europe/Vienna",
        "settle_working_days": "12",
        "restarts_on_reassignment": "on",
        "ruling_person": str(sue.public_id),
    }
    told.pop("counts_companies")
    assert desk.post(at("edit_rules", draft), told).status_code == 302
    draft.refresh_from_db()
    assert (draft.timezone, draft.settle_working_days, draft.ruling_person) == ("Europe/Vienna", 12, sue)
    assert (draft.restarts_on_reassignment, draft.counts_companies) == (True, False)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"timezone": "Europe/Atlantis"}, "Atlantis"),
        ({"settle_working_days": "0"}, "Give a whole number from 1 to 120."),
        ({"customer_days": "-5"}, "Give a whole number from 1"),
        ({"kept_working_days": "2.5"}, "Give a whole number."),
        ({"ruling_working_days": "soon"}, "Give a number."),
        ({"calendar": "00000000-0000-0000-0000-000000000000"}, "Select a valid choice."),
    ],
)
def test_rules_are_refused_at_the_field(desk, draft, told, words) -> None:
    typed = shown(desk, draft, "edit_rules") | {"opportunity_working_days": "33"} | told
    answer = desk.post(at("edit_rules", draft), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert 'value="33"' in page
    draft.refresh_from_db()
    assert draft.opportunity_working_days == 30


# --- promises


def test_range_of_leads_is_saved_and_said(desk, draft) -> None:
    told = {"quantity-at_least": "120", "quantity-at_most": "1,150", "quantity-note": "P25 to P75 of 12 months"}
    assert desk.post(at("edit_promise", draft, "quantity"), told).status_code == 302
    assert sentence(draft, "quantity") == "Between 120 and 1,150 qualified leads a month."
    assert target(draft, "quantity").note == "P25 to P75 of 12 months"


def test_times_are_saved_as_people_type_them(desk, draft) -> None:
    told = shown(desk, draft, "edit_promise", "first_follow_up") | {
        "first_follow_up-at_least": "19 in 20",
        "first_follow_up-hot_within": "10",
        "first_follow_up-warm_within": "1 h 30",
        "first_follow_up-cool_within": "2 days",
    }
    assert desk.post(at("edit_promise", draft, "first_follow_up"), told).status_code == 302
    assert sentence(draft, "first_follow_up") == (
        "A first follow-up within 10 min (hot), 1 h 30 min (warm) or 2 working days (cool), 19 times in 20."
    )


def test_temperature_left_empty_is_promised_no_time(desk, draft) -> None:
    told = shown(desk, draft, "edit_promise", "decide") | {"decide-cool_within": ""}
    assert desk.post(at("edit_promise", draft, "decide"), told).status_code == 302
    assert set(target(draft, "decide").limits.values_list("temperature", flat=True)) == {"hot", "warm"}


@pytest.mark.parametrize(
    ("measure", "told", "words"),
    [
        ("quantity", {"at_least": "-5"}, "A promise cannot be below zero."),
        ("quantity", {"at_least": "150", "at_most": "120"}, "The range is upside down"),
        ("quantity", {"at_least": "many"}, "Give a number."),
        ("accepted", {"at_least": "110 %"}, "A rate cannot be above 100"),
        ("accepted", {"at_least": "-1 %"}, "A promise cannot be below zero."),
        ("accepted", {"at_least": "often"}, "Write it as 9 in 10, or as 90 %."),
        ("accepted", {"at_least": ""}, "This field is required."),
        ("decide", {"warm_within": "soon"}, "Write it as 5 min, 1 h 30 or 2 working days."),
        ("decide", {"warm_within": "1 day 2 h"}, "not both"),
        ("decide", {"warm_within": "0 min"}, "Give a whole number from 1"),
        ("decide", {"hot_within": "", "warm_within": "", "cool_within": ""}, "at least one temperature"),
        ("decide", {"note": "x" * 251}, "at most 250 characters"),
        ("attempts", {"hot_attempts": "2", "hot_channels": "3"}, "more channels than attempts"),
        ("attempts", {"hot_attempts": ""}, "Give a whole number from 1 to 50."),
        ("attempts", {"hot_within": ""}, "Within which time?"),
    ],
)
def test_promise_is_refused_at_the_field(desk, draft, measure, told, words) -> None:
    before, figure = sentence(draft, measure), target(draft, measure).at_least
    typed = shown(desk, draft, "edit_promise", measure)
    typed |= {f"{measure}-note": "typed note"} | {f"{measure}-{name}": value for name, value in told.items()}
    answer = desk.post(at("edit_promise", draft, measure), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "note" in told or "typed note" in page
    assert (sentence(draft, measure), target(draft, measure).at_least) == (before, figure)


def test_figure_is_not_kept_when_its_times_are_refused(desk, draft) -> None:
    told = shown(desk, draft, "edit_promise", "decide") | {"decide-at_least": "50 %", "decide-hot_within": "0"}
    assert desk.post(at("edit_promise", draft, "decide"), told).status_code == 400
    assert target(draft, "decide").at_least == Decimal("0.9")


def test_promise_is_removed_and_added_again(desk, draft) -> None:
    url = at("edit_promise", draft, "update")
    assert desk.post(url, {"act": "remove"}).status_code == 302
    assert not Target.objects.filter(agreement=draft, commitment__measure="update").exists()
    page = desk.get(at("edit_draft", draft) + "?add=update").content.decode()
    told = (
        fields(page, url)
        | {"update-at_least": "9 in 10"}
        | dict.fromkeys(("update-hot_within", "update-warm_within", "update-cool_within"), "20 working days")
    )
    assert desk.post(url, told).status_code == 302
    assert sentence(draft, "update") == "An update of every open lead each 20 working days, 9 times in 10."


def test_refused_new_promise_stays_on_the_page(desk, draft) -> None:
    url = at("edit_promise", draft, "update")
    desk.post(url, {"act": "remove"})
    answer = desk.post(url, {"update-at_least": "9 in 10", "update-note": "typed note"})
    assert answer.status_code == 400
    assert "typed note" in answer.content.decode()
    assert not Target.objects.filter(agreement=draft, commitment__measure="update").exists()


# --- escalation and definition


def steps(*rows: dict[str, str], temperature: str = "cool") -> dict[str, str]:
    told = {f"steps-{temperature}-TOTAL_FORMS": str(len(rows)), f"steps-{temperature}-INITIAL_FORMS": "0"}
    for index, row in enumerate(rows):
        told |= {f"steps-{temperature}-{index}-{name}": value for name, value in row.items()}
    return told


def test_steps_are_saved(desk, draft, sue) -> None:
    told = steps(
        {"share": "50", "minutes": "", "action": "owner"},
        {"share": "", "minutes": "", "action": ""},
        {"share": "100", "minutes": "4 h", "action": "person", "recipient": str(sue.public_id), "is_urgent": "on"},
        {"share": "100", "minutes": "5 h", "action": "manager", "DELETE": "on"},
    )
    assert desk.post(at("edit_escalation", draft, "cool"), told).status_code == 302
    kept = EscalationStep.objects.filter(agreement=draft, temperature="cool")
    columns = ("share", "minutes", "action", "recipient", "is_urgent")
    assert list(kept.values_list(*columns)) == [
        (Decimal("0.500"), 0, "owner", None, False),
        (Decimal("1.000"), 240, "person", sue.pk, True),
    ]
    assert EscalationStep.objects.filter(agreement=draft, temperature="hot").count() == 6


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"share": "", "minutes": "", "action": "owner"}, "When? Give a share of the time"),
        ({"share": "100", "action": ""}, "This field is required."),
        ({"share": "100", "action": "person"}, "Say who is told."),
        ({"share": "2000", "action": "owner"}, "Give a share of the time from 0"),
        ({"share": "-1", "action": "owner"}, "Give a share of the time from 0"),
        ({"share": "half", "action": "owner"}, "Give a number."),
        ({"share": "100", "minutes": "1 day", "action": "owner"}, "Give hours and minutes"),
        ({"share": "100", "action": "shout"}, "Select a valid choice."),
        ({"share": "10", "action": "manager"}, "comes before the step above it"),
    ],
)
def test_step_is_refused_in_its_row(desk, draft, row, words) -> None:
    before = EscalationStep.objects.filter(agreement=draft, temperature="cool").count()
    answer = desk.post(
        at("edit_escalation", draft, "cool"), steps({"share": "55", "minutes": "", "action": "owner"}, row)
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert 'value="55"' in page
    assert EscalationStep.objects.filter(agreement=draft, temperature="cool").count() == before


def test_adding_a_step_keeps_what_was_typed(desk, draft) -> None:
    told = steps({"share": "55", "minutes": "", "action": "owner"}) | {"act": "add"}
    answer = desk.post(at("edit_escalation", draft, "cool"), told)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="55"' in page
    assert 'name="steps-cool-1-share"' in page
    assert not EscalationStep.objects.filter(agreement=draft, share=Decimal("0.55")).exists()


def test_definition_is_saved_in_a_version_of_its_own(desk, draft) -> None:
    before = draft.definition
    told = shown(desk, draft, "edit_definition") | {"threshold": "110", "intent_at_least": "25.5"}
    assert desk.post(at("edit_definition", draft), told).status_code == 302
    draft.refresh_from_db()
    assert draft.definition_id != before.pk
    assert (draft.definition.threshold, draft.definition.intent_at_least) == (Decimal(110), Decimal("25.5"))
    assert Definition.objects.get(pk=before.pk).threshold == Decimal(100)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"asked": [], "nurtured": []}, "A definition needs at least one criterion"),
        ({"threshold": "-1"}, "Give points from 0 to 9,999."),
        ({"threshold": "high"}, "Give a number."),
        ({"interactions_at_least": "1.5"}, "Give a whole number."),
        ({"asked_within_days": "0"}, "Give a whole number from 1 to 365."),
        ({"asked": ["charm"]}, "Select a valid choice."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_definition_is_refused_at_the_field(desk, draft, told, words) -> None:
    typed = shown(desk, draft, "edit_definition") | {"valid_days": "44"} | told
    answer = desk.post(at("edit_definition", draft), typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert 'value="44"' in page
    draft.refresh_from_db()
    assert draft.definition.valid_days == 30


# --- the edges

POSTED = (
    ("edit_about",),
    ("edit_scope",),
    ("edit_rules",),
    ("edit_definition",),
    ("edit_promise", "decide"),
    ("edit_escalation", "hot"),
)


@pytest.mark.parametrize("address", POSTED)
def test_sections_are_saved_by_those_who_draft(client, sam, signed_in, desk, draft, address) -> None:
    name, *more = address
    url = at(name, draft, *more)
    assert client.post(url).status_code == 302
    assert signed_in(sam).post(url).status_code == 403
    assert desk.get(url).status_code == 405
    assert desk.post(url.replace(str(draft.public_id), "00000000-0000-0000-0000-000000000000")).status_code == 404


def test_unknown_measure_and_temperature_are_not_found(desk, draft) -> None:
    assert desk.post(at("edit_promise", draft, "charm")).status_code == 404
    assert desk.post(at("edit_escalation", draft, "lukewarm")).status_code == 404


def test_what_is_no_draft_any_more_is_read_as_a_contract(desk, draft) -> None:
    Agreement.objects.filter(pk=draft.pk).update(status=Agreement.Status.PROPOSED)
    contract = at("agreement_version", draft)
    answer = desk.get(at("edit_draft", draft))
    assert (answer.status_code, answer["Location"]) == (302, contract)
    told = {"name": "Other", "why": "", "period": "month", "starts_on": ""}
    answer = desk.post(at("edit_about", draft), told)
    assert (answer.status_code, answer["Location"]) == (302, contract)
    draft.refresh_from_db()
    assert draft.name != "Other"


def test_section_is_answered_by_itself_to_a_script(desk, draft) -> None:
    told = {"quantity-at_least": "120", "quantity-at_most": "150", "quantity-note": ""}
    answer = desk.post(at("edit_promise", draft, "quantity"), told, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Between 120 and 150 qualified leads a month." in page
    assert "Saved" in page
    assert "<main" not in page
    assert 'id="about"' not in page


def test_page_says_what_is_missing(desk, draft) -> None:
    page = desk.get(at("edit_draft", draft)).content.decode()
    assert "Say why it should change" in page
    desk.post(at("edit_promise", draft, "decide"), {"act": "remove"})
    drafting.set_promise(draft, measure="decide", at_least=Decimal("0.9"), by=draft.created_by, now=draft.created_at)
    EscalationStep.objects.filter(agreement=draft).delete()
    page = desk.get(at("edit_draft", draft)).content.decode()
    assert "“Decided in time” has no times." in page
    assert "Nothing happens when a time runs out." in page
