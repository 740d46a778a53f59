"""The one way in: people are recognised, facts kept with where they came from, deliveries counted once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from leads.intake import Arrival, Refused, amend, receive, receive_for, receive_many
from leads.models import (
    Company,
    DuplicateProposal,
    Identity,
    Interaction,
    InteractionKind,
    Lead,
    Source,
)

pytestmark = pytest.mark.django_db


def arrival(**changes: Any) -> Arrival:
    """Katrin Sommer of Kessler asks for a demo, if nothing else is said."""
    facts = {"name": "Katrin Sommer", "email": "katrin@kessler.example", "company_name": "Kessler"}
    facts |= changes.pop("facts", {})
    values: dict[str, Any] = {"kind": InteractionKind.DEMO_REQUEST, "via": "form", "source": "Website form"}
    return Arrival(facts={code: value for code, value in facts.items() if value is not None}, **(values | changes))


def every_row() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        rows = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows[table] = cursor.fetchall()
    return rows


def test_new_person_becomes_a_lead(tuesday, mia, inbound) -> None:
    receipt = receive(
        arrival(
            facts={"title": "Head of Purchasing", "country": "Germany", "phone": "07131 204455"}, campaign="Fair 26"
        ),
        now=tuesday,
        by=mia,
        owner=mia,
    )
    lead = receipt.lead
    assert receipt.is_new
    assert receipt.is_changed
    assert receipt.duplicates == ()
    assert (lead.name, lead.email, lead.email_kind) == ("Katrin Sommer", "katrin@kessler.example", "business")
    assert (lead.seniority, lead.job_function, lead.country) == ("director", "purchasing", "DE")
    assert lead.phone == "+49 7131 204455"
    assert (lead.owner, lead.team) == (mia, inbound)
    assert lead.company is not None
    assert (lead.company.name, lead.company.domain) == ("Kessler", "kessler.example")
    assert lead.captured_at == tuesday
    assert lead.first_source is not None
    assert lead.first_source.name == "Website form"
    assert lead.last_campaign is not None
    assert lead.last_campaign.code == "fair-26"
    assert lead.fact_sources["email"] == {"via": "form", "at": "2026-03-03T10:00:00+01:00", "by": mia.pk}
    assert lead.fact_sources["seniority"]["via"] == "title"
    assert set(Identity.objects.values_list("kind", "value", "lead")) == {
        ("email", "katrin@kessler.example", lead.pk),
        ("phone", "+497131204455", lead.pk),
    }
    told = Interaction.objects.get()
    assert (told.lead, told.kind, told.occurred_at, told.by) == (lead, "demo_request", tuesday, mia)


def test_repeated_delivery_changes_no_row_of_any_table(tuesday) -> None:
    told = arrival(occurred_at=tuesday - timedelta(hours=1), external={"hubspot": "17"}, key="form-5")
    first = receive(told, now=tuesday)
    before = every_row()
    again = receive(told, now=tuesday + timedelta(hours=3))
    assert (again.lead, again.is_new, again.is_changed) == (first.lead, False, False)
    assert every_row() == before


def test_same_act_at_another_moment_is_another_act(tuesday) -> None:
    receive(arrival(occurred_at=tuesday - timedelta(days=2)), now=tuesday)
    again = receive(arrival(occurred_at=tuesday - timedelta(days=1)), now=tuesday)
    assert (again.is_new, again.is_changed) == (False, True)
    assert Interaction.objects.count() == 2


def test_facts_fill_what_is_empty_and_overwrite_only_on_demand(tuesday) -> None:
    lead = receive(arrival(facts={"city": "Heilbronn"}), now=tuesday).lead
    filled = receive(arrival(facts={"city": "Stuttgart", "budget": "20,000 €"}, on_existing="fill"), now=tuesday).lead
    assert filled.pk == lead.pk
    assert (filled.city, filled.budget) == ("Heilbronn", "20,000 €")
    written = receive(arrival(facts={"city": "Stuttgart"}, on_existing="overwrite", via="api"), now=tuesday).lead
    assert (written.city, written.budget) == ("Stuttgart", "20,000 €")
    assert written.fact_sources["city"]["via"] == "api"
    assert written.fact_sources["budget"]["via"] == "form"


def test_name_and_company_match_only_without_two_emails(tuesday) -> None:
    known = receive(arrival(), now=tuesday).lead
    without = receive(arrival(facts={"email": None}), now=tuesday)
    assert without.lead == known
    other = receive(arrival(facts={"email": "k.sommer@kessler-group.example"}), now=tuesday)
    assert other.is_new
    assert [(one.lead.pk, one.why) for one in other.duplicates] == [(known.pk, "same name and company")]
    proposal = DuplicateProposal.objects.get()
    assert (proposal.lead_id, proposal.other_id) == (known.pk, other.lead.pk)


def test_switchboard_number_does_not_fuse_two_people(tuesday) -> None:
    phone = {"phone": "+49 7131 204400"}
    anna = receive(arrival(facts={**phone, "name": "Anna Berg", "email": None}), now=tuesday)
    carl = receive(arrival(facts={**phone, "name": "Carl Dorn", "email": None}), now=tuesday)
    assert carl.is_new
    assert [one.lead for one in carl.duplicates] == [anna.lead]
    nobody = receive(Arrival(facts={**phone}, kind=InteractionKind.CALL_IN), now=tuesday)
    assert nobody.lead == anna.lead


def test_ids_of_one_system_tell_people_apart(tuesday) -> None:
    one = receive(arrival(facts={"email": None}, external={"crm": "1"}), now=tuesday)
    two = receive(arrival(facts={"email": None}, external={"crm": "2"}), now=tuesday)
    same = receive(arrival(facts={"email": None}, external={"other": "9"}), now=tuesday)
    assert two.is_new
    assert same.lead == one.lead
    assert receive(Arrival(facts={}, external={"other": "9"}), now=tuesday).lead == one.lead


def test_email_of_one_and_id_of_another_propose_a_duplicate(tuesday) -> None:
    by_id = receive(Arrival(facts={"name": "A"}, external={"crm": "1"}), now=tuesday).lead
    by_email = receive(Arrival(facts={"email": "a@kessler.example"}), now=tuesday).lead
    both = receive(Arrival(facts={"email": "a@kessler.example", "city": "Ulm"}, external={"crm": "1"}), now=tuesday)
    assert both.lead == by_id
    assert [one.lead for one in both.duplicates] == [by_email]
    assert Lead.objects.count() == 2


def test_the_same_person_several_times_in_one_batch_is_one_lead(tuesday) -> None:
    told = [
        arrival(occurred_at=tuesday - timedelta(days=3)),
        arrival(facts={"email": "Other@kessler.example", "name": "Otto Other"}),
        arrival(facts={"email": "KATRIN@kessler.example"}, occurred_at=tuesday - timedelta(days=2)),
        arrival(occurred_at=tuesday - timedelta(days=3)),
    ]
    receipts = receive_many(told, now=tuesday)
    assert [one.is_new for one in receipts] == [True, True, False, False]
    assert [one.is_changed for one in receipts] == [True, True, True, False]
    assert receipts[0].lead == receipts[2].lead == receipts[3].lead
    assert Lead.objects.count() == 2
    assert Company.objects.count() == 1


def test_oldest_touch_is_the_first_and_newest_the_last(tuesday) -> None:
    def at(days: int, source: str | None) -> Lead:
        return receive(arrival(source=source, occurred_at=tuesday - timedelta(days=days)), now=tuesday).lead

    def names(lead: Lead) -> tuple[str, str]:
        return str(lead.first_source), str(lead.last_source)

    assert names(at(10, "B")) == ("B", "B")
    assert names(at(5, "C")) == ("B", "C")
    assert names(at(20, "A")) == ("A", "C")
    assert names(at(7, "D")) == ("A", "C")
    lead = at(1, None)
    assert names(lead) == ("A", "C")
    assert lead.captured_at == tuesday - timedelta(days=20)


def test_no_source_stays_no_source(tuesday) -> None:
    receive(arrival(source=None, occurred_at=tuesday - timedelta(days=9)), now=tuesday)
    lead = receive(arrival(source="unknown", occurred_at=tuesday), now=tuesday).lead
    assert lead.first_source is None
    assert lead.last_source is not None
    assert lead.last_source.code == "unknown"


def test_a_day_is_not_before_a_moment_in_it(tuesday) -> None:
    midnight = tuesday.replace(hour=0)
    receive(arrival(occurred_at=tuesday - timedelta(hours=1)), now=tuesday)
    lead = receive(arrival(occurred_at=midnight, is_date=True, source="B"), now=tuesday).lead
    assert (lead.captured_at, lead.captured_is_date) == (tuesday - timedelta(hours=1), False)
    assert str(lead.first_source) == "Website form"


def test_sources_are_made_once_and_found_by_code_or_name(tuesday) -> None:
    before = Source.objects.count()
    receive_many(
        [
            arrival(source="paid_search_test", facts={"email": "a@x.example", "name": "A A"}),
            arrival(source="Paid_Search_Test", facts={"email": "b@x.example", "name": "B B"}),
            arrival(source="Messe Köln ✨", facts={"email": "c@x.example", "name": "C C"}),
        ],
        now=tuesday,
    )
    assert Source.objects.count() == before + 2
    assert Source.objects.get(code="paid_search_test").channel.code == "import"
    assert Source.objects.get(code="messe-köln").name == "Messe Köln ✨"


def test_free_mail_has_no_company_by_domain(tuesday) -> None:
    lead = receive(Arrival(facts={"email": "katrin@gmail.com", "name": "Katrin"}), now=tuesday).lead
    assert (lead.email_kind, lead.company) == ("free", None)


def test_company_of_a_name_gets_the_domain_of_its_first_address(tuesday) -> None:
    named = receive(arrival(facts={"email": None}), now=tuesday).lead
    with_domain = receive(arrival(facts={"name": "Otto Other", "email": "otto@kessler.example"}), now=tuesday).lead
    assert named.company == with_domain.company
    assert Company.objects.get().domain == "kessler.example"


def test_competitors_colleagues_and_tests_are_excluded(tuesday, mia) -> None:
    Company.objects.create(name="Rival", name_key="rival", domain="rival.example", relation="competitor")

    def reason(email: str) -> str:
        return receive(Arrival(facts={"email": email}), now=tuesday).lead.excluded_because

    assert reason("spy@rival.example") == "competitor"
    assert reason("colleague@leadsla.example") == "own_domain"
    assert reason("test@kessler.example") == "test"
    assert reason("katrin@kessler.example") == ""


def test_unsubscribing_is_kept_until_signing_up_again(tuesday) -> None:
    receive(arrival(), now=tuesday)
    gone = receive(arrival(kind=InteractionKind.UNSUBSCRIBE, occurred_at=tuesday), now=tuesday).lead
    assert gone.unsubscribed_at == tuesday
    later = tuesday + timedelta(days=1)
    back = receive(arrival(kind=InteractionKind.NEWSLETTER_SIGNUP, occurred_at=later), now=later).lead
    assert back.unsubscribed_at is None


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"facts": {"email": "katrin at kessler"}}, "email", "no e-mail address"),
        ({"facts": {"city": "x" * 121}}, "city", "At most 120"),
        ({"facts": {"seniority": "wizard"}}, "seniority", "c_level"),
        ({"facts": {"colour": "red"}}, "colour", "no such field"),
        ({"facts": {"email": None, "company_name": None}}, "email", "Give an e-mail"),
        ({"facts": {"email": None, "company_name": None, "phone": "12"}}, "phone", "country code"),
        ({"occurred_at": datetime(2030, 1, 1).astimezone()}, "occurred_at", "future"),
        ({"occurred_at": datetime(2026, 1, 1)}, "occurred_at", "time zone"),
        ({"kind": "sneeze"}, "kind", "demo_request"),
        ({"source": "s" * 121}, "source", "At most 120"),
        ({"external": {"crm": "x" * 255}}, "external.crm", "At most 254"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(tuesday, changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        receive(arrival(**changes), now=tuesday)
    assert words in refused.value.errors[field]
    assert list(refused.value.errors) == [field]
    assert not Lead.objects.exists()


def test_unreadable_phone_stays_as_typed_and_is_named(tuesday) -> None:
    receipt = receive(arrival(facts={"phone": "ask reception"}), now=tuesday)
    assert receipt.lead.phone == "ask reception"
    assert "ask reception" in receipt.problems[0]
    assert not Identity.objects.filter(kind="phone").exists()


def test_texts_survive_as_typed(tuesday) -> None:
    name, need = "שרה O’Neil 🚀 <b>", "Two lines\nwith <script>alert(1)</script>\x00 and \u202eRTL"
    lead = receive(arrival(facts={"name": name, "need": need}), now=tuesday).lead
    assert (lead.name, lead.need) == (name, need.replace("\x00", ""))


def test_ever_more_people_need_no_more_statements(tuesday, django_assert_max_num_queries) -> None:
    many = [
        arrival(facts={"email": f"p{n}@firm{n % 40}.example", "name": f"P {n}", "company_name": f"Firm {n % 40}"})
        for n in range(300)
    ]
    with django_assert_max_num_queries(60):
        receipts = receive_many(many, now=tuesday)
    assert sum(one.is_new for one in receipts) == 300
    assert Company.objects.count() == 40
    with django_assert_max_num_queries(60):
        receipts = receive_many(many, now=tuesday + timedelta(days=1))
    assert not any(one.is_new for one in receipts)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_arrivals_at_once_make_one_lead(tuesday) -> None:
    start, made = threading.Barrier(6), []

    def arrive(number: int) -> None:
        try:
            start.wait()
            made.append(receive(arrival(facts={"city": f"City {number}"}, key=str(number)), now=tuesday).is_new)
        finally:
            connection.close()

    threads = [threading.Thread(target=arrive, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 5 + [True]
    assert Lead.objects.count() == 1
    assert Interaction.objects.count() == 6


def test_amending_replaces_and_empties(tuesday, mia) -> None:
    lead = receive(arrival(facts={"city": "Ulm", "title": "Werkleiter", "phone": "+49 7131 204455"}), now=tuesday).lead
    later = tuesday + timedelta(hours=1)
    after = amend(
        lead,
        facts={"city": "", "email": "k.sommer@kessler.example", "title": "CFO", "company_name": "Kessler GmbH"},
        by=mia,
        now=later,
    )
    assert (after.city, after.email, after.company_name) == ("", "k.sommer@kessler.example", "Kessler GmbH")
    assert (after.seniority, after.job_function) == ("c_level", "finance")
    assert after.phone == "+49 7131 204455"
    assert after.fact_sources["email"] == {"via": "hand", "at": "2026-03-03T11:00:00+01:00", "by": mia.pk}
    assert receive(Arrival(facts={"email": "k.sommer@kessler.example"}), now=later).lead == lead


def test_amending_with_the_same_changes_no_row(tuesday, mia) -> None:
    lead = receive(arrival(facts={"city": "Ulm", "employees": "120", "phone": "ask"}), now=tuesday).lead
    before = every_row()
    amend(lead, facts={"city": "Ulm", "employees": 120, "phone": "ask", "budget": ""}, by=mia, now=tuesday)
    assert every_row() == before


def test_amending_to_another_leads_email_is_refused(tuesday, mia) -> None:
    lead = receive(arrival(), now=tuesday).lead
    receive(arrival(facts={"email": "otto@kessler.example", "name": "Otto Other"}), now=tuesday)
    with pytest.raises(Refused, match="Otto Other already"):
        amend(lead, facts={"email": "otto@kessler.example"}, by=mia, now=tuesday)
    lead.refresh_from_db()
    assert lead.email == "katrin@kessler.example"


def test_an_act_of_a_known_lead_needs_nothing_to_recognise_it_by(tuesday, mia) -> None:
    lead = receive(arrival(occurred_at=tuesday - timedelta(days=1)), now=tuesday).lead
    told = Arrival(facts={}, kind=InteractionKind.EMAIL_REPLY, occurred_at=tuesday - timedelta(hours=2), detail="Yes")
    receipt = receive_for(lead, told, by=mia, now=tuesday)
    assert (receipt.lead, receipt.is_new, receipt.is_changed) == (lead, False, True)
    assert list(lead.interactions.values_list("kind", flat=True)) == ["email_reply", "demo_request"]
    assert not receive_for(lead, told, by=mia, now=tuesday).is_changed


def test_a_key_without_a_moment_is_one_act_whenever_it_is_delivered(tuesday) -> None:
    receive(arrival(key="form-5"), now=tuesday)
    assert not receive(arrival(key="form-5"), now=tuesday + timedelta(minutes=5)).is_changed
    assert receive(arrival(key="form-6"), now=tuesday + timedelta(minutes=5)).is_changed


def test_facts_alone_are_no_act(tuesday) -> None:
    lead = receive(arrival(occurred_at=tuesday), now=tuesday).lead
    later = tuesday + timedelta(days=1)
    receipt = receive(arrival(kind=None, facts={"city": "Ulm"}, source="Elsewhere"), now=later)
    assert (receipt.lead.city, str(receipt.lead.last_source)) == ("Ulm", "Website form")
    assert Interaction.objects.count() == 1
    assert lead.pk == receipt.lead.pk
