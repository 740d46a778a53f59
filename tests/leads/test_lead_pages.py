"""The pages on which a marketer types leads in, puts facts right and answers criteria."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from leads.intake import Arrival, receive
from leads.models import CriterionAnswer, Interaction, Lead, Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(mia, signed_in):
    return signed_in(mia)


def typed(**changes: str) -> dict[str, str]:
    return {
        "name": "Katrin Sommer",
        "email": "katrin@kessler.example",
        "company_name": "Kessler",
        "kind": "demo_request",
    } | changes


def known(tuesday, mia, **facts: str) -> Lead:
    told = {"name": "Katrin Sommer", "email": "katrin@kessler.example"} | facts
    return receive(Arrival(facts=told), now=tuesday, by=mia, owner=mia).lead


def test_new_lead_is_saved_with_what_was_typed(desk, mia, inbound) -> None:
    source = Source.objects.filter(is_active=True).first()
    assert source is not None
    page = desk.get(reverse("leads:new")).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    name = "שרה <b>O’Neil</b> 🚀"
    given = typed(name=name, source=source.code, detail="At the fair", key=key[1], need="Two\r\nlines")
    answer = desk.post(reverse("leads:new"), given)
    lead = Lead.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("home:lead", args=(lead.public_id,))
    assert (lead.name, lead.need, lead.owner, lead.team) == (name, "Two\nlines", mia, inbound)
    told = Interaction.objects.get()
    assert (told.kind, told.detail, told.source, told.by) == ("demo_request", "At the fair", source, mia)
    desk.post(reverse("leads:new"), given)
    assert Interaction.objects.count() == 1


def test_known_lead_is_opened_and_gets_the_facts(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    answer = desk.post(reverse("leads:new"), typed(city="Ulm"), follow=True)
    assert answer.redirect_chain[0][0] == reverse("home:lead", args=(lead.public_id,))
    assert "was known already" in answer.content.decode()
    lead.refresh_from_db()
    assert lead.city == "Ulm"
    assert Lead.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "katrin at kessler"}, "is no e-mail address"),
        ({"city": "x" * 121}, "At most 120 characters"),
        ({"employees": "many"}, "no number of people"),
        ({"country": "Atlantis"}, "two letters"),
        ({"email": "", "company_name": ""}, "Give an e-mail"),
        ({"occurred_at": "2999-01-01T10:00"}, "in the future"),
        ({"kind": "sneeze"}, "Select a valid choice"),
        ({"kind": ""}, "Say what happened"),
        ({"source": "nowhere"}, "Select a valid choice"),
        ({"detail": "x" * 501}, "At most 500 characters"),
    ],
)
def test_bad_input_is_named_and_nothing_typed_is_lost(desk, changes: dict[str, str], words: str) -> None:
    answer = desk.post(reverse("leads:new"), typed(note="keep <me>", **changes))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "keep &lt;me&gt;" in page
    assert 'value="Katrin Sommer"' in page
    assert not Lead.objects.exists()


def test_duplicates_are_shown_while_typing(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    answer = desk.post(reverse("leads:alike"), {"email": "KATRIN@kessler.example"}, HTTP_HX_REQUEST="true")
    page = answer.content.decode()
    assert reverse("home:lead", args=(lead.public_id,)) in page
    assert "same e-mail" in page
    assert "known already" not in desk.post(reverse("leads:alike"), {"name": "Nobody Else"}).content.decode()
    odd = desk.post(reverse("leads:alike"), {"name": "Katrin\x00 Sommer", "company_name": "\x00"})
    assert reverse("home:lead", args=(lead.public_id,)) in odd.content.decode()


def test_facts_are_put_right(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia, city="Ulm", employees="120")
    url = reverse("leads:edit", args=(lead.public_id,))
    page = desk.get(url).content.decode()
    assert 'value="Ulm"' in page
    assert 'value="120"' in page
    given = {"name": "Katrin Sommer", "email": "katrin@kessler.example", "city": "Heilbronn", "budget": "20,000 €"}
    answer = desk.post(url, given)
    assert answer["Location"] == reverse("home:lead", args=(lead.public_id,))
    lead.refresh_from_db()
    assert (lead.city, lead.budget, lead.employees) == ("Heilbronn", "20,000 €", None)
    assert lead.fact_sources["budget"]["by"] == mia.pk


def test_wrong_fact_is_named_in_the_edit_form(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    answer = desk.post(reverse("leads:edit", args=(lead.public_id,)), {"email": "nonsense", "name": "Kept"})
    assert answer.status_code == 400
    assert "is no e-mail address" in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()


def test_criterion_is_answered_by_its_fact(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    url = reverse("leads:answer_criterion", args=(lead.public_id, "need-expressed"))
    page = desk.get(url).content.decode()
    assert "<textarea" in page
    answer = desk.post(url, {"act": "fact", "need": "A line that stops less"})
    assert answer["Location"] == reverse("home:lead", args=(lead.public_id,))
    lead.refresh_from_db()
    assert lead.need == "A line that stops less"


def test_criterion_is_answered_by_a_person_under_its_row(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    url = reverse("leads:answer_criterion", args=(lead.public_id, "need-expressed"))
    fragment = desk.get(url, HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in fragment
    given = {"act": "answer", "verdict": "met", "evidence": ""}
    refused = desk.post(url, given, HTTP_HX_REQUEST="true")
    assert refused.status_code == 400
    assert "Say what this rests on" in refused.content.decode()
    answer = desk.post(url, given | {"evidence": "She said so"}, HTTP_HX_REQUEST="true")
    assert answer["HX-Refresh"] == "true"
    kept = CriterionAnswer.objects.get()
    assert (kept.lead, kept.verdict, kept.evidence, kept.by) == (lead, "met", "She said so", mia)


def test_unknown_criterion_is_not_found(desk, tuesday, mia) -> None:
    lead = known(tuesday, mia)
    assert desk.get(reverse("leads:answer_criterion", args=(lead.public_id, "colour"))).status_code == 404


PAGES = (("new", False), ("edit", True), ("answer_criterion", True))


def _url(name: str, needs_lead: bool, lead: Lead) -> str:
    args: tuple[Any, ...] = (lead.public_id,) if needs_lead else ()
    return reverse(f"leads:{name}", args=(*args, "need-expressed") if name == "answer_criterion" else args)


@pytest.mark.parametrize(("name", "needs_lead"), PAGES)
def test_only_marketing_comes_in(client, signed_in, sam, ada, tuesday, mia, name: str, needs_lead: bool) -> None:
    url = _url(name, needs_lead, known(tuesday, mia))
    assert client.get(url).status_code == 302
    assert signed_in(sam).get(url).status_code == 403
    assert signed_in(ada).get(url).status_code == 403
    assert signed_in(mia).get(url).status_code == 200
    assert signed_in(mia).put(url).status_code == 405


def test_another_teams_lead_is_not_found(desk, tuesday, max_, south) -> None:
    lead = receive(Arrival(facts={"email": "x@kessler.example"}), now=tuesday, team=south).lead
    assert desk.get(reverse("leads:edit", args=(lead.public_id,))).status_code == 404
    url = reverse("leads:answer_criterion", args=(lead.public_id, "need-expressed"))
    assert desk.post(url, {"act": "fact", "need": "x"}).status_code == 404
