"""Normal forms by which people are recognised, and who may be the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from leads import identity, scoring, stages
from leads.facts import WrongFact, company_key, country, folded, function_of, people, seniority, seniority_of
from leads.intake import Arrival, amend, receive, receive_for
from leads.models import CriterionAnswer, DuplicateProposal, InteractionKind, Lead, Stage
from sla.models import Handoff


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Katrin.Sommer@Kessler.DE", "katrin.sommer@kessler.de"),
        ("  katrin@kessler.de ", "katrin@kessler.de"),
        ("Katrin Sommer <Katrin@Kessler.de>", "katrin@kessler.de"),
        ("mailto:katrin@kessler.de", "katrin@kessler.de"),
        ("katrin+fair@kessler.de", "katrin+fair@kessler.de"),
        ("k.a.t@gmail.com", "k.a.t@gmail.com"),
        ("info@Müller.example", "info@xn--mller-kva.example"),
        ("info@mu\u0308ller.example", "info@xn--mller-kva.example"),
        ("jürgen@firma.de", "jürgen@firma.de"),
        ("ju\u0308rgen@firma.de", "jürgen@firma.de"),
        ("katrin", ""),
        ("katrin@", ""),
        ("@kessler.de", ""),
        ("a@b@c.de", ""),
        ("katrin@localhost", ""),
        ("kat rin@kessler.de", ""),
        ("katrin@kessler..de", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_email_has_one_normal_form(typed: str, normal: str) -> None:
    assert identity.normal_email(typed) == normal


@pytest.mark.parametrize(
    ("typed", "country_code", "normal"),
    [
        ("+49 7131 204455", "", "+497131204455"),
        ("07131 / 204455", "DE", "+497131204455"),
        ("0049 7131 204455", "DE", "+497131204455"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("07131 204455", "", ""),
        ("call me", "DE", ""),
        ("123", "DE", ""),
    ],
)
def test_phone_is_read_only_when_it_is_sure(typed: str, country_code: str, normal: str) -> None:
    assert identity.normal_phone(typed, country_code) == normal


def test_names_fold_to_one_key() -> None:
    assert folded("  José   Ángel STRAßE ") == "jose angel strasse"
    assert company_key("Kessler, Söhne & Co. KG") == "kessler sohne & co kg"


@pytest.mark.parametrize(
    ("title", "level", "function"),
    [
        ("Head of Operations", "director", "operations"),
        ("Leiterin Einkauf", "manager", "purchasing"),
        ("Geschäftsführer", "c_level", "management"),
        ("VP Sales", "vp", "sales"),
        ("CIO", "c_level", "it"),
        ("Werkleiter", "director", "operations"),
        ("Maintenance Manager", "manager", "engineering"),
        ("Werkstudent Marketing", "student", "marketing"),
        ("Vice President Finance", "vp", "finance"),
        ("Sachbearbeiterin", "", ""),
    ],
)
def test_title_tells_level_and_function(title: str, level: str, function: str) -> None:
    assert (seniority_of(title), function_of(title)) == (level, function)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("de", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("United States", "US"), ("USA", "US"), ("DEU", "DE")],
)
def test_country_is_read_from_code_or_name(typed: str, code: str) -> None:
    assert country(typed) == code


@pytest.mark.parametrize(
    ("typed", "number"), [("120", 120), ("1,200", 1200), ("1.200", 1200), ("51–200", 51), ("120.0", 120), ("~ 50", 50)]
)
def test_people_are_counted(typed: str, number: int) -> None:
    assert people(typed) == number


@pytest.mark.parametrize("typed", ["many", "-5", "12 or 13 or 14"])
def test_people_that_are_no_number_are_refused(typed: str) -> None:
    with pytest.raises(WrongFact):
        people(typed)


def test_unknown_codes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(WrongFact, match="c_level"):
        seniority("wizard")
    with pytest.raises(WrongFact, match="two letters"):
        country("Atlantis")


def test_candidates_are_found_while_typing(tuesday, mia) -> None:
    katrin = receive(
        Arrival(
            facts={
                "name": "Katrin Sommer",
                "email": "katrin@kessler.example",
                "phone": "+49 7131 204455",
                "company_name": "Kessler",
            }
        ),
        now=tuesday,
        by=mia,
    ).lead

    def found(**facts: str) -> list[tuple[int, str]]:
        return [(one.lead.pk, one.why) for one in identity.candidates(facts)]

    assert found(email="KATRIN@kessler.example") == [(katrin.pk, "same e-mail")]
    assert found(phone="07131 204455", country="DE") == [(katrin.pk, "same phone")]
    assert found(name="katrin sommer", company_name="KESSLER") == [(katrin.pk, "same name and company")]
    assert found(name="Katrin Sommer") == [(katrin.pk, "same name")]
    assert found(name="Katrin") == []
    assert found(email="other@kessler.example") == []
    assert identity.candidates({"email": "katrin@kessler.example"}, apart_from=katrin.pk) == []


# --- two leads that are one person


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of what leads have, but not history and the records of merges."""
    with connection.cursor() as cursor:
        found = {}
        for table in ("identity", "interaction", "criterionanswer", "duplicateproposal", "importrow"):
            cursor.execute(f"SELECT t::text FROM leads_{table} t ORDER BY 1")
            found[table] = cursor.fetchall()
        cursor.execute("SELECT to_jsonb(t) - 'scored_at' FROM leads_lead t ORDER BY id")
        found["lead"] = cursor.fetchall()
    return found


@pytest.fixture
def pair(tuesday, mia, max_) -> tuple[Lead, Lead]:
    """Katrin twice: by her business address, and by her private one two weeks earlier with more facts."""

    def arrive(days: int, email: str, **changes: Any) -> Lead:
        facts = {"email": email, "name": "Katrin Sommer"} | changes.pop("facts", {})
        told = Arrival(facts=facts, occurred_at=tuesday - timedelta(days=days), **changes)
        return receive(told, now=tuesday, by=mia).lead

    kept = arrive(5, "katrin@kessler.example", facts={"city": "Ulm", "country": "DE"}, source="B", kind="download")
    gone = arrive(
        20,
        "katrin@gmail.com",
        facts={"phone": "+49 7131 204455", "city": "Bonn", "budget": "20,000 €"},
        external={"crm": "9"},
        source="A",
        kind="demo_request",
    )
    arrive(1, "katrin@gmail.com", source="C", kind="pricing_view")
    return kept, gone


def test_merging_keeps_one_person_with_everything_of_both(pair, tuesday, mia) -> None:
    kept, gone = pair
    DuplicateProposal.objects.create(lead=kept, other=gone, why="same name", proposed_at=tuesday)
    record = identity.merge(kept, gone, by=mia, now=tuesday)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert gone.merged_into == kept
    assert (kept.city, kept.budget, kept.phone) == ("Ulm", "20,000 €", "+49 7131 204455")
    assert kept.email == "katrin@kessler.example"
    assert (str(kept.first_source), str(kept.last_source)) == ("A", "C")
    assert kept.captured_at == tuesday - timedelta(days=20)
    assert set(kept.identities.values_list("value", flat=True)) == {
        "katrin@kessler.example",
        "katrin@gmail.com",
        "9",
        "+497131204455",
    }
    assert kept.interactions.count() == 3
    assert kept.fact_sources["budget"]["by"] == mia.pk
    assert DuplicateProposal.objects.get().resolution == "merged"
    assert record.merged_by == mia
    assert receive(Arrival(facts={"email": "katrin@gmail.com"}), now=tuesday).lead == kept


def test_merged_lead_stands_where_the_one_that_came_further_stood(pair, tuesday, mia) -> None:
    kept, gone = pair
    handed_over_at = tuesday - timedelta(days=3)
    stages.move(Lead.objects.filter(pk=gone.pk), to=Stage.ACCEPTED, now=handed_over_at)
    identity.merge(kept, gone, by=mia, now=tuesday)
    kept.refresh_from_db()
    assert (kept.stage, kept.stage_since) == ("accepted", handed_over_at)


def test_score_is_computed_again_and_not_added(pair, tuesday, mia) -> None:
    kept, gone = pair
    scoring.score([kept.pk, gone.pk], now=tuesday)
    identity.merge(kept, gone, by=mia, now=tuesday)
    kept.refresh_from_db()
    together = kept.score
    Lead.objects.filter(pk=kept.pk).update(score=0)
    scoring.score([kept.pk], now=tuesday)
    kept.refresh_from_db()
    assert kept.score == together


def test_what_both_have_in_the_same_words_stays_once(pair, tuesday, mia) -> None:
    kept, gone = pair
    for lead in (kept, gone):
        receive_for(
            lead, Arrival(facts={"phone": "+49 7131 99"}, kind="chat", occurred_at=tuesday, key="k"), now=tuesday
        )
        CriterionAnswer.objects.create(
            lead=lead, code="need-expressed", verdict="met", evidence=str(lead.pk), by=mia, answered_at=tuesday
        )
    identity.merge(kept, gone, by=mia, now=tuesday)
    assert kept.interactions.filter(kind="chat").count() == 1
    assert [answer.evidence for answer in kept.criterion_answers.all()] == [str(kept.pk)]


def test_undo_brings_back_every_row_and_column(pair, tuesday, mia) -> None:
    kept, gone = pair
    DuplicateProposal.objects.create(lead=kept, other=gone, why="same name", proposed_at=tuesday)
    scoring.score([kept.pk, gone.pk], now=tuesday)
    before = _rows()
    record = identity.merge(kept, gone, by=mia, now=tuesday + timedelta(hours=1))
    assert _rows() != before
    later = tuesday + timedelta(hours=2)
    identity.undo(record, now=later)
    assert _rows() == before
    with pytest.raises(identity.MergeRefused, match="taken back already"):
        identity.undo(record, now=later)


def test_what_arrived_after_the_merge_stays_with_the_kept_lead(pair, tuesday, mia) -> None:
    kept, gone = pair
    record = identity.merge(kept, gone, by=mia, now=tuesday)
    receive(Arrival(facts={"email": "katrin@gmail.com"}, kind=InteractionKind.CHAT), now=tuesday)
    identity.undo(record, now=tuesday)
    assert (kept.interactions.count(), gone.interactions.count()) == (2, 2)


def test_undo_overwrites_nobodys_later_work(pair, tuesday, mia) -> None:
    kept, gone = pair
    record = identity.merge(kept, gone, by=mia, now=tuesday)
    amend(kept, facts={"budget": "50,000 €"}, by=mia, now=tuesday)
    with pytest.raises(identity.MergeRefused, match="budget"):
        identity.undo(record, now=tuesday)
    gone.refresh_from_db()
    assert gone.merged_into == kept


def test_undo_is_refused_when_moved_rows_are_gone(pair, tuesday, mia) -> None:
    kept, gone = pair
    record = identity.merge(kept, gone, by=mia, now=tuesday)
    kept.identities.filter(value="9").delete()
    with pytest.raises(identity.MergeRefused, match="identities"):
        identity.undo(record, now=tuesday)


def test_undo_goes_in_the_order_of_the_merges(pair, tuesday, mia) -> None:
    kept, gone = pair
    third = receive(Arrival(facts={"email": "k@third.example"}), now=tuesday).lead
    first = identity.merge(kept, gone, by=mia, now=tuesday)
    second = identity.merge(third, kept, by=mia, now=tuesday)
    gone.refresh_from_db()
    assert gone.merged_into == third
    with pytest.raises(identity.MergeRefused, match="merged into another lead since"):
        identity.undo(first, now=tuesday)
    identity.undo(second, now=tuesday)
    identity.undo(first, now=tuesday)
    assert Lead.objects.living().count() == 3


def test_a_lead_is_not_merged_twice_nor_with_itself(pair, tuesday, mia) -> None:
    kept, gone = pair
    with pytest.raises(identity.MergeRefused, match="one lead already"):
        identity.merge(kept, kept, by=mia, now=tuesday)
    identity.merge(kept, gone, by=mia, now=tuesday)
    with pytest.raises(identity.MergeRefused, match="merged into another lead already"):
        identity.merge(kept, gone, by=mia, now=tuesday)


def test_two_open_handoffs_are_refused_in_words(pair, tuesday, mia) -> None:
    for lead in pair:
        Handoff.objects.create(lead=lead, handed_over_at=tuesday, recorded_at=tuesday)
    with pytest.raises(identity.MergeRefused, match="Both are with sales"):
        identity.merge(*pair, by=mia, now=tuesday)
    assert Lead.objects.living().count() == 2
