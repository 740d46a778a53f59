"""The contract's pages and the acts on handoffs: who may, what happens, what is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from leads import intake
from leads.models import InteractionKind, Lead, Stage
from leadsla.accounts.models import Team, User
from sla import handoff as handoffs
from sla.models import Agreement, Clock, Decision, Handoff

SignedIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def it_is_tuesday(settings: object, tuesday: datetime) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:00"  # type: ignore[attr-defined]


def lead_of(mia: User, at: datetime, **facts: str) -> Lead:
    told = {"name": "Karin Kern", "email": "karin@kern.example", "company_name": "Kern", "country": "DE", **facts}
    kind = InteractionKind.DEMO_REQUEST
    arrival = intake.Arrival(facts=told, kind=kind, occurred_at=at, key="karin")
    lead = intake.receive(arrival, now=at).lead
    Lead.objects.filter(pk=lead.pk).update(owner=mia, team=mia.team)
    return Lead.objects.get(pk=lead.pk)


def test_agreement_reads_as_a_contract(signed_in: SignedIn, sam: User) -> None:
    page = signed_in(sam).get(reverse("sla:agreement")).content.decode()
    assert "Provisional: not agreed yet" in page
    assert "A first follow-up within 5 min (hot), 1 h (warm) or 1 working day (cool), 9 times in 10." in page
    assert "A decision within 4 h (hot), 1 working day (warm) or 2 working days (cool), 9 times in 10." in page
    assert "At least 50\u202f% of the decided ones are accepted, and kept for 10 working days." in page
    assert "At least 40 qualified leads a month." in page
    assert "Monday to Friday, 9–12 and 13–17:30" in page
    assert page.index('<span class="no">1</span>') < page.index('<span class="no">13</span>')


def test_without_an_agreement_the_page_says_what_that_means(signed_in: SignedIn, olga: User) -> None:
    Agreement.objects.update(status="ended", in_force_until=datetime.fromisoformat("2026-01-01T00:00+01:00"))
    assert "Nothing is promised" in signed_in(olga).get(reverse("sla:agreement")).content.decode()


def test_calendars_show_when_something_is_due(signed_in: SignedIn, mia: User) -> None:
    page = signed_in(mia).get(reverse("sla:calendars"), {"at": "2026-03-06T16:50"}).content.decode()
    assert "Mon 9 Mar, 09:20" in page  # 1 h for a warm lead: 40 min on Friday, 20 on Monday
    assert "Easter Monday" in page


@pytest.mark.parametrize("at", ["soon", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_moment_that_is_none_is_named(signed_in: SignedIn, mia: User, at: str) -> None:
    answer = signed_in(mia).get(reverse("sla:calendars"), {"at": at})
    assert answer.status_code == 400
    assert "Handed over" in answer.content.decode()


def test_marketer_hands_over_with_one_button(signed_in: SignedIn, mia: User, sam: User, tuesday: datetime) -> None:
    lead = lead_of(mia, tuesday)
    answer = signed_in(mia).post(reverse("sla:hand_over", args=(lead.public_id,)), {"next": "/leads/"})
    assert (answer.status_code, answer["Location"]) == (302, "/leads/")
    assert Handoff.objects.get(lead=lead).owner == sam


def test_next_never_leads_to_another_host(signed_in: SignedIn, mia: User, sam: User, tuesday: datetime) -> None:
    lead = lead_of(mia, tuesday)
    answer = signed_in(mia).post(reverse("sla:hand_over", args=(lead.public_id,)), {"next": "https://evil.example/"})
    assert answer["Location"] == reverse("home:lead", args=(lead.public_id,))


def test_a_shut_gate_says_why_and_asks_the_manager_for_a_reason(
    signed_in: SignedIn, mia: User, max_: User, sam: User, tuesday: datetime
) -> None:
    lead = lead_of(mia, tuesday, country="BR")
    url = reverse("sla:hand_over", args=(lead.public_id,))
    refused = signed_in(mia).post(url)
    assert refused.status_code == 400
    assert "override_reason" not in refused.content.decode()
    by_manager = signed_in(max_)
    assert "override_reason" in by_manager.post(url).content.decode()
    assert by_manager.post(url, {"override_reason": "why not"}).status_code == 400  # too short to be a reason
    assert not Handoff.objects.exists()
    assert by_manager.post(url, {"override_reason": "Their subsidiary in Bonn buys."}).status_code == 302
    handed = Handoff.objects.get(lead=lead)
    assert (handed.override_by, handed.override_reason) == (max_, "Their subsidiary in Bonn buys.")


def test_a_marketer_cannot_override(signed_in: SignedIn, mia: User, sam: User, tuesday: datetime) -> None:
    lead = lead_of(mia, tuesday, country="BR")
    url = reverse("sla:hand_over", args=(lead.public_id,))
    answer = signed_in(mia).post(url, {"override_reason": "Because I say so, really."})
    assert answer.status_code == 400
    assert "marketing manager" in answer.content.decode()
    assert not Handoff.objects.exists()


def test_fixed_lead_is_sent_again(signed_in: SignedIn, mia: User, sam: User, tuesday: datetime) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday - timedelta(hours=1))
    handoffs.record_decision(
        handed, decision=Decision.REJECTED, by=sam, now=tuesday - timedelta(minutes=30), reason="bad_contact_data"
    )
    handoffs.return_to_marketing(handed, now=tuesday - timedelta(minutes=29))
    url = reverse("sla:send_again", args=(handed.public_id,))
    assert signed_in(mia).post(url).status_code == 302
    handed.refresh_from_db()
    assert (handed.round, handed.decision, handed.is_returned) == (2, "", False)
    again = signed_in(mia).post(url, {"next": reverse("sla:agreement")}, follow=True)
    assert "not with you to be fixed any more" in again.content.decode()


def test_withdrawing_ends_the_handoff_and_rests_the_lead(
    signed_in: SignedIn, mia: User, sam: User, tuesday: datetime
) -> None:
    lead = lead_of(mia, tuesday)
    handed = handoffs.hand_over(lead, by=mia, now=tuesday)
    signed_in(mia).post(reverse("sla:withdraw", args=(handed.public_id,)))
    handed.refresh_from_db()
    lead.refresh_from_db()
    assert handed.closed_because == "withdrawn"
    assert lead.stage == Stage.NURTURING
    assert lead.recycled_until == datetime.fromisoformat("2026-04-02T11:00+02:00")  # 30 days of 24 hours


def test_manager_reassigns_within_reach(
    signed_in: SignedIn, mia: User, sam: User, sue: User, nia: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday)
    url = reverse("sla:reassign", args=(handed.public_id,))
    browser = signed_in(sue)
    assert "Nia Novak" in browser.get(url).content.decode()
    assert browser.post(url, {"to": "nobody"}).status_code == 400
    assert browser.post(url, {"to": str(nia.public_id)}).status_code == 302
    handed.refresh_from_db()
    assert handed.owner == nia
    assert set(Clock.objects.filter(handoff=handed, side="sales").values_list("owner", flat=True)) == {nia.pk}
    assert browser.get(url).status_code == 404  # it is another team's now


def test_claiming_takes_the_next_in_line(
    signed_in: SignedIn, mia: User, north: Team, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday)
    assert handed.owner is None
    signed_in(sue).post(reverse("sla:claim_next"))
    handed.refresh_from_db()
    assert handed.owner == sue
    nothing = signed_in(sue).post(reverse("sla:claim_next"), follow=True)
    assert "Nothing waits" in nothing.content.decode()


def test_a_claimed_handoff_says_whose_it_is(
    signed_in: SignedIn, mia: User, sam: User, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday)
    answer = signed_in(sue).post(reverse("sla:claim", args=(handed.public_id,)), follow=True)
    assert "is with Sam Becker" in answer.content.decode()


ACTS = ("send_again", "withdraw", "reassign", "claim")


@pytest.mark.parametrize("name", ACTS)
def test_acts_are_shut_to_strangers(
    name: str, client: Client, signed_in: SignedIn, mia: User, sam: User, nia: User, ada: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday)
    url = reverse(f"sla:{name}", args=(handed.public_id,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(ada).post(url).status_code == 403
    assert signed_in(nia).post(url).status_code in {403, 404}


@pytest.mark.parametrize("name", ["send_again", "withdraw", "claim"])
def test_acts_are_posts(name: str, signed_in: SignedIn, max_: User, sue: User, mia: User, tuesday: datetime) -> None:
    handed = handoffs.hand_over(lead_of(mia, tuesday), by=mia, now=tuesday)
    person = sue if name == "claim" else max_
    assert signed_in(person).get(reverse(f"sla:{name}", args=(handed.public_id,))).status_code == 405


def test_another_team_s_lead_is_not_there(
    signed_in: SignedIn, mia: User, south: Team, nia: User, sam: User, tuesday: datetime
) -> None:
    lead = lead_of(mia, tuesday)
    Lead.objects.filter(pk=lead.pk).update(owner=None, team=south)
    assert signed_in(mia).post(reverse("sla:hand_over", args=(lead.public_id,))).status_code == 404


def test_the_contract_s_address_leads_to_the_agreement(signed_in: SignedIn, sam: User) -> None:
    answer = signed_in(sam).get("/contract/", follow=True)
    assert answer.redirect_chain == [("/contract/agreement/", 302)]
    assert answer.status_code == 200
