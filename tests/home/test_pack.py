"""The pack page: frozen at the handoff, with what is owed, what may be done and what has happened since."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from feedback import decisions, outcomes
from feedback.models import Reason
from leads import intake
from leads.models import Company, InteractionKind, Lead
from leadsla.accounts.models import User
from leadsla.home import queue
from sla import handoff as handoffs
from sla.models import Handoff, Round

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _on_tuesday(settings) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:03"


@pytest.fixture
def handoff(sam: User, mia: User, tuesday: datetime) -> Handoff:
    """Ines Kaltenbach of Rotek asks for a demo and is handed to Sam at 10:00."""
    facts: dict[str, str | int | None] = {
        "name": "Ines Kaltenbach",
        "email": "ines@rotek.example",
        "phone": "+49 7131 5550142",
        "title": "Head of Operations",
        "company_name": "Rotek",
        "country": "DE",
        "city": "Heilbronn",
        "employees": 340,
        "need": "We lost 11 hours on two grinding lines",
    }
    arrival = intake.Arrival(
        facts=facts,
        source="Website form",
        campaign="Fair 26",
        kind=InteractionKind.DEMO_REQUEST,
        occurred_at=tuesday,
        key="demo",
        detail="line audit",
    )
    lead = intake.receive(arrival, now=tuesday, by=mia).lead
    return handoffs.hand_over(lead, by=mia, now=tuesday)


def page(browser, handoff: Handoff, query: str = "") -> str:
    response = browser.get(reverse("home:pack", args=(handoff.public_id,)) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_three_answers_contact_and_what_is_owed(signed_in, sam, handoff) -> None:
    text = page(signed_in(sam), handoff)
    for expected in (
        "Asked for a demo: line audit",
        "“We lost 11 hours on two grinding lines”",
        "Call them.",
        "Head of Operations",
        "Heilbronn, 340 people",
        'href="tel:+4971315550142"',
        "2 min left",
        "follow up by today 10:05",
        "decide by today 14:00",
        "Location served",
    ):
        assert expected in text
    assert text.partition("</main>")[0].count("btn-p") == 1  # one primary button: the call


def test_pack_stays_as_it_was(signed_in, sam, mia, handoff, tuesday) -> None:
    intake.amend(Lead.objects.get(pk=handoff.lead_id), facts={"need": "Something else"}, by=mia, now=tuesday + MINUTE)
    text = page(signed_in(sam), handoff)
    assert "“We lost 11 hours on two grinding lines”" in text
    assert "Something else" not in text


def test_since_the_handoff_is_told_apart(signed_in, sam, handoff, tuesday) -> None:
    later = intake.Arrival(
        facts={"email": "ines@rotek.example"},
        kind=InteractionKind.PRICING_VIEW,
        occurred_at=tuesday + MINUTE,
        key="prices",
        detail="price list",
    )
    intake.receive(later, now=tuesday + MINUTE)
    outcomes.log_follow_up(
        handoff,
        by=sam,
        channel="call",
        result="no_answer",
        occurred_at=tuesday + 2 * MINUTE,
        now=tuesday + 2 * MINUTE,
        note="Mailbox",
    )
    since = page(signed_in(sam), handoff).partition("Since the handoff")[2]
    assert "Looked at prices: price list" in since
    assert "Call by Sam Becker: no answer" in since
    assert "Mailbox" in since


def test_acts_follow_the_state(signed_in, sam, handoff, tuesday) -> None:
    browser = signed_in(sam)
    addresses = {
        name: reverse(f"feedback:{name}", args=(handoff.public_id,))
        for name in ("accept", "reject", "follow_up", "give_back", "outcome")
    }

    def offered() -> set[str]:
        text = page(browser, handoff)
        return {name for name, address in addresses.items() if f'"{address}"' in text}

    assert offered() == {"accept", "reject", "follow_up"}
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    assert offered() == {"follow_up", "outcome"}
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    assert offered() == {"follow_up", "outcome", "give_back"}
    outcomes.report(
        handoff, by=sam, kind="lost", occurred_at=tuesday + 2 * MINUTE, now=tuesday + 2 * MINUTE, lost_because="Price"
    )
    assert offered() == {"outcome"}


def test_need_names_who_wrote_it_down_and_when(signed_in, sam, mia, handoff, tuesday) -> None:
    lead = Lead.objects.get(pk=handoff.lead_id)
    decisions.reject(
        handoff,
        reason=Reason.objects.get(code="bad_contact_data"),
        by=sam,
        now=tuesday,
        asked={"field": "phone"},
        quality=2,
        via="api",
    )
    decisions.carry_out_due(now=tuesday)
    intake.amend(lead, facts={"need": "Two lines, not one"}, by=mia, now=tuesday + MINUTE)
    handoffs.send_again(handoff, by=mia, now=tuesday + MINUTE)
    text = page(signed_in(sam), handoff)
    assert "Two lines, not one" in text
    assert "Mia Albrecht, today" in text


def test_next_is_the_next_of_the_queue(signed_in, sam, sue, mia, handoff, tuesday) -> None:
    def asks(name: str, at: datetime) -> Handoff:
        arrival = intake.Arrival(
            facts={"name": name, "email": f"info@{name.lower()}.example", "country": "DE"},
            kind=InteractionKind.DEMO_REQUEST,
            occurred_at=at,
            key=name,
        )
        return handoffs.hand_over(intake.receive(arrival, now=at, by=mia).lead, by=mia, now=at)

    soon, later = asks("Soon", tuesday + MINUTE), asks("Later", tuesday + 2 * MINUTE)
    outcomes.log_follow_up(
        soon, by=sam, channel="call", result="no_answer", occurred_at=tuesday + 2 * MINUTE, now=tuesday + 2 * MINUTE
    )  # now only the decision is owed, and that has four hours
    order = queue.to_answer(sam, now=tuesday + 2 * MINUTE)
    assert order.index(soon.public_id) > order.index(later.public_id)
    text = page(signed_in(sam), later)
    assert reverse("home:pack", args=(soon.public_id,)) in text


def test_stopped_clock_says_what_it_was_for(signed_in, sam, handoff, tuesday) -> None:
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="no_answer", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    text = page(signed_in(sam), handoff)
    assert "In time, 60 s" in text
    assert '<div class="due">first follow-up</div>' in text


def test_only_the_next_update_is_shown(signed_in, sam, handoff, tuesday, settings) -> None:
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    for minute in (2, 3):
        at = tuesday + minute * MINUTE
        outcomes.log_follow_up(handoff, by=sam, channel="call", result="reached", occurred_at=at, now=at)
    settings.LEADSLA_NOW = "2026-03-03T10:04"
    text = page(signed_in(sam), handoff)
    assert text.count("update by") == 1
    assert "open leads updated" not in text


def test_sleeping_clock_says_what_is_owed_and_when_it_goes_on(signed_in, sam, mia, settings, tuesday) -> None:
    at = tuesday.replace(hour=17)
    arrival = intake.Arrival(
        facts={"name": "Eva Evening", "email": "eva@evening.example", "country": "DE"},
        kind=InteractionKind.DEMO_REQUEST,
        occurred_at=at,
        key="evening",
    )
    evening = handoffs.hand_over(intake.receive(arrival, now=at, by=mia).lead, by=mia, now=at)
    settings.LEADSLA_NOW = "2026-03-03T20:00"
    text = page(signed_in(sam), evening)
    # Four hours to decide, half an hour of them before 17:30: three and a half are left from Wed 09:00 on.
    assert "3 h 30 left" in text
    assert "decide by tomorrow 12:30, goes on Wed 09:00" in text


def test_marketing_reads_but_does_not_answer(signed_in, mia, handoff) -> None:
    text = page(signed_in(mia), handoff)
    assert "Ines Kaltenbach" in text
    assert "/accept/" not in text


def test_undo_line_stands_on_the_pack_too(signed_in, sam, handoff, tuesday) -> None:
    given = decisions.accept(handoff, by=sam, now=tuesday + 2 * MINUTE + timedelta(seconds=20))
    assert given.answer is not None
    text = page(signed_in(sam), handoff)
    assert reverse("feedback:undo", args=(given.answer.public_id,)) in text
    assert 'data-undo="20"' in text


def test_earlier_rounds_can_be_read(signed_in, sam, mia, handoff, tuesday) -> None:
    criterion = Reason.objects.get(code="bad_contact_data")
    decisions.reject(handoff, reason=criterion, by=sam, now=tuesday, asked={"field": "phone"}, quality=2, via="api")
    decisions.carry_out_due(now=tuesday)
    handoff.refresh_from_db()
    lead = Lead.objects.get(pk=handoff.lead_id)
    intake.amend(lead, facts={"phone": "+49 711 999999"}, by=mia, now=tuesday + MINUTE)
    handoffs.send_again(handoff, by=mia, now=tuesday + MINUTE)
    browser = signed_in(sam)
    assert "tel:+49711999999" in page(browser, handoff)
    assert "tel:+4971315550142" in page(browser, handoff, "?round=1")
    assert "Round 1" in page(browser, handoff)
    address = reverse("home:pack", args=(handoff.public_id,))
    assert browser.get(f"{address}?round=7").status_code == 404
    assert browser.get(f"{address}?round=x").status_code == 200


def test_erased_person_leaves_a_readable_page(signed_in, sam, handoff) -> None:
    Round.objects.filter(handoff=handoff).update(person={})
    text = page(signed_in(sam), handoff)
    assert "The person was erased" in text
    assert "tel:" not in text


def test_imported_handoff_without_a_pack_opens(signed_in, sue, mia, tuesday) -> None:
    lead = intake.receive(
        intake.Arrival(facts={"name": "Old Deal", "email": "old@deal.example"}), now=tuesday, by=mia
    ).lead
    past = Handoff.objects.create(
        lead=lead, origin="import", recorded_at=tuesday, closed_at=tuesday, closed_because="won", won_at=tuesday
    )
    Round.objects.create(handoff=past, number=1)
    text = page(signed_in(sue), past)
    assert "when it was handed over is not known" in text
    assert "Closed: Won" in text


def test_notice_asks_for_nothing(signed_in, sam, mia, handoff, tuesday) -> None:
    Company.objects.filter(leads=handoff.lead).update(relation="customer", owner=sam)
    other = intake.receive(
        intake.Arrival(
            facts={"name": "Uwe Sailer", "email": "uwe@rotek.example", "company_name": "Rotek", "country": "DE"},
            kind=InteractionKind.DEMO_REQUEST,
            occurred_at=tuesday,
            key="uwe",
        ),
        now=tuesday,
        by=mia,
    ).lead
    notice = handoffs.hand_over(other, by=mia, now=tuesday)
    assert notice.is_notice
    text = page(signed_in(sam), notice)
    assert "Nothing is owed now." in text
    assert "/accept/" not in text


def test_who_sees_it(client, signed_in, nia, sue, ada, handoff) -> None:
    address = reverse("home:pack", args=(handoff.public_id,))
    assert client.get(address).status_code == 302
    assert signed_in(nia).get(address).status_code == 404
    assert signed_in(ada).get(address).status_code == 403
    assert signed_in(sue).get(address).status_code == 200
    assert signed_in(sue).post(address).status_code == 405
    assert signed_in(sue).get(reverse("home:pack", args=(uuid4(),))).status_code == 404


def test_query_budget(signed_in, sam, handoff, django_assert_max_num_queries) -> None:
    browser = signed_in(sam)
    with django_assert_max_num_queries(26):
        page(browser, handoff)
