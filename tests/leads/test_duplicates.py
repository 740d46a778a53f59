"""Leads that may be one person: proposed, put side by side, merged, told apart, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from leads import duplicates
from leads.intake import Arrival, receive
from leads.models import DuplicateProposal, Interaction, Lead, Merge
from leadsla.accounts.models import Role, Side, Team
from leadsla.outbox.models import Message
from tests.conftest import person

pytestmark = pytest.mark.django_db

LIST = "leads:duplicates"


@pytest.fixture
def desk(mia, signed_in):
    return signed_in(mia)


def arrive(owner, now, **facts: str) -> Lead:
    return receive(Arrival(facts=facts, kind="chat", occurred_at=now), now=now, by=owner, owner=owner).lead


@pytest.fixture
def pair(mia, tuesday) -> tuple[Lead, Lead]:
    """Katrin Sommer of Kessler came twice: by phone, then with a private e-mail. Intake proposes, nobody proves."""
    before = tuesday - timedelta(days=9)
    first = arrive(
        mia, before, name="Katrin Sommer", company_name="Kessler", email="katrin@kessler.example", city="Ulm"
    )
    second = arrive(
        mia, tuesday, name="Katrin Sommer", company_name="Kessler", email="k.sommer@mail.example", city="Bonn"
    )
    assert DuplicateProposal.objects.get().resolution == "open"
    return first, second


def decided(pair: tuple[Lead, Lead]) -> str:
    return reverse("leads:decide_duplicate", args=[lead.public_id for lead in pair])


def test_pair_stands_side_by_side_with_what_differs(desk, mia, pair, tuesday) -> None:
    text = desk.get(reverse(LIST)).content.decode()
    for words in ("katrin@kessler.example", "k.sommer@mail.example", "Ulm", "Bonn", "Same person: merge"):
        assert words in text
    (shown,) = duplicates.pairs(duplicates.open_for(mia), now=tuesday)
    lines = {line.label: line for line in shown.lines}
    assert (lines["Name"].is_same, lines["City"].is_same) == (True, False)
    assert (lines["Interactions"].one, lines["Interactions"].other) == ("1", "1")
    assert shown.kept == pair[0]  # neither came further: the older one


def test_both_pages_lead_there(desk, pair) -> None:
    assert "Duplicates 1" in desk.get(reverse("home:my_leads")).content.decode()
    text = desk.get(reverse("home:lead", args=(pair[0].public_id,))).content.decode()
    assert f"{reverse(LIST)}?lead={pair[0].public_id}" in text
    assert "May be the same person as" in text


def test_merging_keeps_the_chosen_lead_s_facts(desk, mia, pair) -> None:
    first, second = pair
    answer = desk.post(decided(pair), {"act": "merge", "keep": str(second.public_id)}, follow=True)
    assert "are one lead now" in answer.content.decode()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.merged_into, second.city) == (second, "Bonn")
    assert Interaction.objects.filter(lead=second).count() == 2
    assert "Merged lately" in answer.content.decode()
    assert "Duplicates 1" not in desk.get(reverse("home:my_leads")).content.decode()


def test_merge_can_be_taken_back_from_the_list(desk, pair) -> None:
    first, second = pair
    desk.post(decided(pair), {"act": "merge", "keep": str(first.public_id)})
    answer = desk.post(reverse("leads:unmerge", args=(second.public_id,)), follow=True)
    assert "are two leads again" in answer.content.decode()
    second.refresh_from_db()
    assert second.merged_into is None
    assert Merge.objects.get().undone_at is not None
    assert DuplicateProposal.objects.get().resolution == "open"
    assert desk.post(reverse("leads:unmerge", args=(second.public_id,))).status_code == 404


def test_different_people_are_not_asked_about_again(desk, mia, pair) -> None:
    desk.post(decided(pair), {"act": "different"})
    proposal = DuplicateProposal.objects.get()
    assert (proposal.resolution, proposal.resolved_by) == ("different", mia)
    assert "Nobody is here twice" in desk.get(reverse(LIST)).content.decode()
    answer = desk.post(decided(pair), {"act": "merge"}, follow=True)
    assert "decided this pair already" in answer.content.decode()
    assert Lead.objects.living().count() == 2


def test_any_two_leads_can_be_compared(desk, mia, tuesday) -> None:
    one = arrive(mia, tuesday, name="Ann One", email="ann@one.example")
    other = arrive(mia, tuesday, name="Anna Oné", email="anna@two.example")
    address = reverse("leads:compare", args=(one.public_id,))
    for text in ("Anna@Two.example", f"https://portal.example/lead/{other.public_id}/?tab=facts"):
        answer = desk.post(address, {"other": text})
        assert answer["Location"] == f"{reverse(LIST)}?lead={one.public_id}"
    assert DuplicateProposal.objects.get().why == "named by Mia Albrecht"
    for wrong, said in (
        ("nobody@one.example", "No lead has this e-mail"),
        ("ann@one.example", "This is the same lead"),
    ):
        assert said in desk.post(address, {"other": wrong}, follow=True).content.decode()


def test_refusal_is_put_into_words(desk, pair, monkeypatch) -> None:
    desk.post(decided(pair), {"act": "merge", "keep": str(pair[0].public_id)})
    Lead.objects.filter(pk=pair[0].pk).update(city="Köln")
    Merge.objects.update(kept_before={"city": ["Ulm", "Bonn"]})
    answer = desk.post(reverse("leads:unmerge", args=(pair[1].public_id,)), follow=True)
    assert "changed since the merge" in answer.content.decode()


def test_another_team_s_pair_is_theirs_and_a_shared_one_tells_them(signed_in, mia, tuesday, pair) -> None:
    team = Team.objects.create(name="Events", side=Side.MARKETING)
    eva = person("Eva Roth", Role.MARKETER, team=team)
    browser = signed_in(eva)
    assert "Nobody is here twice" in browser.get(reverse(LIST)).content.decode()
    browser.post(decided(pair), {"act": "merge"})
    assert Lead.objects.living().count() == 2
    Lead.objects.filter(pk=pair[1].pk).update(owner=eva, team=team)
    browser.post(decided(pair), {"act": "merge", "keep": str(pair[1].public_id)})
    assert Lead.objects.living().get() == pair[1]
    assert Message.objects.filter(recipient=mia, event__startswith="merge:").exists()


def test_who_may_decide(client, signed_in, sam, olga, ada, pair) -> None:
    assert client.get(reverse(LIST)).status_code == 302
    for other in (sam, olga, ada):
        assert signed_in(other).get(reverse(LIST)).status_code == 403
        assert signed_in(other).post(decided(pair), {"act": "merge"}).status_code == 403
    assert Lead.objects.living().count() == 2


def test_bad_addresses_are_not_found(desk, pair) -> None:
    assert desk.get(f"{reverse(LIST)}?lead=nonsense").status_code == 404
    assert desk.get(decided(pair)).status_code == 405
    assert desk.get(f"{reverse(LIST)}?page=x").status_code == 200


def test_queries_do_not_grow_with_the_pairs(desk, mia, tuesday, pair, django_assert_max_num_queries) -> None:
    for number in range(4):
        for mail in ("a", "b"):
            arrive(mia, tuesday, name=f"Twin {number}", company_name="Kessler", email=f"{mail}{number}@kessler.example")
    assert DuplicateProposal.objects.count() == 5
    with django_assert_max_num_queries(20):
        assert desk.get(reverse(LIST)).status_code == 200
