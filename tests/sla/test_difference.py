"""The difference of two versions in words: what stayed, what went, what came."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from leadsla.accounts.models import User
from sla import difference, drafting
from sla.difference import Difference, Segment
from sla.drafting import Limit, Step
from sla.models import Agreement, Calendar

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(db: None) -> Agreement:
    return Agreement.objects.get()


@pytest.fixture
def draft(seed: Agreement, max_: User, tuesday: datetime) -> Agreement:
    return drafting.start_draft(seed, by=max_, now=tuesday)


def compared(seed: Agreement, draft: Agreement, now: datetime) -> Difference:
    return difference.between(seed, Agreement.objects.get(pk=draft.pk), now=now)


def written(parts: list[Segment]) -> str:
    """Write segments as `stays [gone] {new}`."""
    marks = {"same": "{}", "gone": "[{}]", "new": "{{{}}}"}
    return "".join(marks[part.kind].format(part.text) for part in parts)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "Between 120 and 150 qualified leads a month.",
            "Between 85 and 105 qualified leads a month.",
            "Between [120 and 150]{85 and 105} qualified leads a month.",
        ),
        (
            "Within 1 h (warm) or 1 working day (cool), 9 times in 10.",
            "Within 1 h (warm) or 3 working days (cool), 9 times in 10.",
            "Within 1 h (warm) or [1 working day]{3 working days} (cool), 9 times in 10.",
        ),
        (
            "At least 55\u202f% become customers.",
            "At least 65\u202f% become customers.",
            "At least [55\u202f%]{65\u202f%} become customers.",
        ),
        ("A decision, 9 times in 10.", "A decision, 19 times in 20.", "A decision, [9 times in 10]{19 times in 20}."),
        ("One word.", "One word.", "One word."),
        ("", "All new.", "{All new.}"),
        ("All gone.", "", "[All gone.]"),
        ("At least 1,200 leads.", "At least 1,300 leads.", "At least [1,200]{1,300} leads."),
    ],
)
def test_words_that_stay_go_and_come(old: str, new: str, text: str) -> None:
    assert written(difference.segments(old, new)) == text


def test_nothing_changed_is_no_change(seed: Agreement, draft: Agreement, tuesday: datetime) -> None:
    found = compared(seed, draft, tuesday)
    assert found.changes == []
    assert len(found.of_marketing) + len(found.of_sales) == 13
    assert difference.plain(seed, now=tuesday) == found


def test_promises_are_matched_by_commitment(seed: Agreement, draft: Agreement, max_: User, tuesday: datetime) -> None:
    drafting.set_promise(
        draft, measure="quantity", at_least=Decimal(85), at_most=Decimal(105), note="middle half", by=max_, now=tuesday
    )
    drafting.remove_promise(draft, measure="customers", by=max_, now=tuesday)
    hot = Calendar.objects.get(name="Hot leads")
    drafting.set_promise(draft, measure="answer", at_least=Decimal("0.9"), by=max_, now=tuesday)
    drafting.set_limits(draft, measure="answer", limits={"hot": Limit(minutes=30, calendar=hot)}, by=max_, now=tuesday)
    found = compared(seed, draft, tuesday)
    assert [(part.key, part.state, part.number) for part in found.changes] == [
        ("quantity", "changed", 1),
        ("customers", "gone", None),
        ("answer", "new", 13),  # twelve stay, one of them gone, one new at the end
    ]
    quantity, customers, answer = found.changes
    assert written(quantity.segments) == "[At least 40]{Between 85 and 105} qualified leads a month."
    assert quantity.note == "middle half"
    assert customers.text == "At least 3.0\u202f% become customers within 90 days."
    assert answer.text == "A lead that asks again is answered within 30 min, 9 times in 10."


def test_terms_definition_escalation_and_counting_change_in_words(
    seed: Agreement, draft: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    hot = Calendar.objects.get(name="Hot leads")
    drafting.set_terms(
        draft,
        by=max_,
        now=tuesday,
        starts_on=date(2026, 4, 1),
        calendar=hot,
        settle_working_days=5,
        ruling_person=sue,
        restarts_on_reassignment=True,
        hands_over_automatically=False,
    )
    criteria = {"location-served": (True, True), "need-expressed": (False, True)}
    drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(110), criteria=criteria)
    drafting.set_escalation(draft, temperature="cool", steps=[Step("person", recipient=max_)], by=max_, now=tuesday)
    found = compared(seed, draft, tuesday)
    words = {part.key: written(part.segments) for part in found.changes}
    assert words["start"] == (
        "[Once both have signed]{From 1 April 2026}, month by month, until one side proposes something else."
    )
    assert words["calendar"] == (
        "Working time is Monday to Friday, [9–12 and 13–17:30]{9–17:30} (Europe/Berlin), "
        "public holidays of Germany excepted."
    )
    assert words["score"] == "Score of at least [100]{110} (model 1)"
    assert words["cool"] == (
        "Cool:[ at 80\u202f% of the time the owner is reminded;] at the due time [the owner's manager]{Max Lindner} "
        "is told."
    )
    assert words["reassigned"] == "{A lead that is given to somebody else starts its clocks anew.}"
    assert "[or]{Sue Vogt does. Where} nobody ruled in time," in words["ruling"]
    assert words["settled"] == "A period is settled [10]{5} working days after its end."
    assert words["hands over"] == "[Qualified leads are handed over by themselves]{Marketing hands over by hand}."
    gone = {part.key for part in found.nurtured if part.state == "gone"}
    assert gone == {"industry-on-target", "decision-maker"}


def test_who_is_measured_by_their_own_hours_is_said(
    seed: Agreement, draft: Agreement, max_: User, tuesday: datetime
) -> None:
    limits = {"hot": Limit(minutes=5, calendar=Calendar.objects.get(name="Hot leads"))}
    drafting.set_limits(draft, measure="first_follow_up", limits=limits, counts_owner_hours=True, by=max_, now=tuesday)
    found = compared(seed, draft, tuesday)
    (own,) = [part for part in found.terms if part.key == "own hours"]
    assert own.text == "Who has hours of their own is measured by them: “First follow-up in time”."
