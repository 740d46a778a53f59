"""The contract's pages: read, compare, comment, propose, sign, deputies; who may, and what is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import ScoreModel
from leadsla.accounts.models import User
from sla import drafting, signing, tasks
from sla.models import Agreement, Deputy, Signature

pytestmark = pytest.mark.django_db
SignedIn = Callable[[User], Client]
Status = Agreement.Status


@pytest.fixture(autouse=True)
def it_is_tuesday(settings: object, tuesday: datetime) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:00"  # type: ignore[attr-defined]


@pytest.fixture
def seed(db: None) -> Agreement:
    return Agreement.objects.get()


@pytest.fixture
def draft(seed: Agreement, max_: User, tuesday: datetime) -> Agreement:
    """A second version with a range of 85 to 105."""
    made = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_promise(made, measure="quantity", at_least=Decimal(85), at_most=Decimal(105), by=max_, now=tuesday)
    return made


@pytest.fixture
def proposal(draft: Agreement, max_: User, sue: User, tuesday: datetime) -> Agreement:
    return signing.propose(draft, by=max_, now=tuesday)


def at(name: str, agreement: Agreement, *more: str) -> str:
    return reverse(f"sla:{name}", args=(agreement.public_id, *more))


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


# --- read


def test_a_proposal_shows_what_changes(signed_in: SignedIn, proposal: Agreement, sue: User) -> None:
    page = text(signed_in(sue), at("agreement_version", proposal))
    assert "Waiting for your signature" in page
    assert "Changes from 1" in page
    assert "<del>At least 40</del><ins>Between 85 and 105</ins> qualified leads a month." in page
    assert "Sign as Sue Vogt" in page
    plain = text(signed_in(sue), at("agreement_version", proposal) + "?view=text")
    assert "<del>" not in plain
    assert "Between 85 and 105 qualified leads a month." in plain


def test_who_does_not_sign_reads_who_is_waited_for(signed_in: SignedIn, proposal: Agreement, sam: User) -> None:
    page = text(signed_in(sam), at("agreement_version", proposal))
    assert "Waiting for marketing and sales to sign" in page
    assert "Sign as" not in page
    assert "Take back" not in page


def test_escalation_and_ruling_are_said_from_what_is_agreed(signed_in: SignedIn, seed: Agreement, sam: User) -> None:
    page = text(signed_in(sam), reverse("sla:agreement"))
    assert (
        "Hot, first follow-up in time: at once the owner is reminded; after 3 min it is offered to the whole team; at "
        "the due time the owner&#x27;s manager is told; after 15 min it is given to the next in turn."
    ) in page
    assert "rules, within 5 working days" in page


def test_drafts_are_read_by_those_who_draft(signed_in: SignedIn, draft: Agreement, sam: User, olga: User) -> None:
    assert signed_in(sam).get(at("agreement_version", draft)).status_code == 404
    assert "version 2" not in text(signed_in(sam), reverse("sla:agreements"))
    page = text(signed_in(olga), at("agreement_version", draft))
    assert "Propose it" in page
    assert at("edit_draft", draft) in page


def test_all_agreements_are_listed_in_order(signed_in: SignedIn, proposal: Agreement, mia: User) -> None:
    page = text(signed_in(mia), reverse("sla:agreements"))
    assert page.index("In force") < page.index("Provisional: not agreed yet") < page.index("To come")
    assert "New agreement" not in page


def test_the_text_is_given_out_as_it_was_hashed(signed_in: SignedIn, proposal: Agreement, sam: User) -> None:
    import hashlib

    answer = signed_in(sam).get(at("agreement_text", proposal))
    assert hashlib.sha256(answer.content).hexdigest() == proposal.text_hash


def test_what_was_never_proposed_has_no_text_to_give(signed_in: SignedIn, seed: Agreement, sam: User) -> None:
    assert signed_in(sam).get(at("agreement_text", seed)).status_code == 404


# --- draft and propose


def test_a_change_is_started_proposed_and_taken_back(
    signed_in: SignedIn, seed: Agreement, max_: User, sue: User
) -> None:
    browser = signed_in(max_)
    answer = browser.post(at("start_draft", seed))
    draft = Agreement.objects.get(version=2)
    assert (answer.status_code, answer["Location"]) == (302, at("edit_draft", draft))
    assert browser.post(at("propose", draft)).status_code == 302
    draft.refresh_from_db()
    assert draft.status == Status.PROPOSED
    assert signed_in(sue).post(at("take_back", draft)).status_code == 302
    draft.refresh_from_db()
    assert draft.status == Status.WITHDRAWN
    assert "Draft again from it" in text(browser, at("agreement_version", draft))


def test_a_second_draft_is_refused_in_words(signed_in: SignedIn, seed: Agreement, draft: Agreement, sue: User) -> None:
    answer = signed_in(sue).post(at("start_draft", seed))
    assert answer.status_code == 400
    assert "Version 2 is draft already" in answer.content.decode()


def test_a_proposal_that_is_not_ready_is_refused_in_words(
    signed_in: SignedIn, draft: Agreement, max_: User, tuesday: datetime
) -> None:
    drafting.set_promise(draft, measure="answer", at_least=Decimal("0.9"), by=max_, now=tuesday)
    answer = signed_in(max_).post(at("propose", draft))
    assert answer.status_code == 400
    assert "“Requests answered” has no times" in answer.content.decode()


def test_a_draft_is_discarded(signed_in: SignedIn, draft: Agreement, olga: User) -> None:
    assert signed_in(olga).post(at("discard", draft)).status_code == 302
    assert not Agreement.objects.filter(pk=draft.pk).exists()


def test_a_proposal_is_not_discarded(signed_in: SignedIn, proposal: Agreement, olga: User) -> None:
    assert signed_in(olga).post(at("discard", proposal)).status_code == 400
    assert Agreement.objects.filter(pk=proposal.pk).exists()


def test_an_agreement_of_its_own_is_started(signed_in: SignedIn, seed: Agreement, max_: User) -> None:
    answer = signed_in(max_).post(reverse("sla:new_agreement"))
    new = Agreement.objects.exclude(series=seed.series).get()
    assert answer["Location"] == at("edit_draft", new)


# --- comment


def test_comments_stand_at_their_clause(signed_in: SignedIn, proposal: Agreement, sue: User) -> None:
    browser = signed_in(sue)
    said = {"measure": "quantity", "text": "Fewer is fine with me."}
    assert browser.post(at("comment", proposal), said).status_code == 302
    page = text(browser, at("agreement_version", proposal))
    assert "1 comment on version 2" in page
    assert '<a href="#clause-1">clause 1</a>' in page
    assert "Fewer is fine with me." in page


@pytest.mark.parametrize("said", [{"text": ""}, {"text": "x" * 2001}, {"text": "Fine", "measure": "answer"}])
def test_a_comment_that_says_nothing_is_refused_at_the_field(
    signed_in: SignedIn, proposal: Agreement, sue: User, said: dict[str, str]
) -> None:
    answer = signed_in(sue).post(at("comment", proposal), said)
    assert answer.status_code == 400
    assert "One thing needs your attention" in answer.content.decode()
    assert proposal.comments.count() == 0


# --- sign


def test_both_sign_on_the_page(signed_in: SignedIn, proposal: Agreement, max_: User, sue: User) -> None:
    marketing = signed_in(max_)
    page = text(marketing, at("sign", proposal, "marketing"))
    assert proposal.text_hash[:12] in page
    assert "<ins>Between 85 and 105</ins>" in page
    hashed = {"text_hash": proposal.text_hash}
    assert marketing.post(at("sign", proposal, "marketing"), hashed).status_code == 302
    assert "Waiting for sales to sign" in text(marketing, at("agreement_version", proposal))
    answer = signed_in(sue).post(at("sign", proposal, "sales"), hashed, follow=True)
    assert "Both sides have signed: version 2 is in force." in answer.content.decode()
    assert set(Signature.objects.values_list("side", "signed_by__name")) == {
        ("marketing", "Max Lindner"),
        ("sales", "Sue Vogt"),
    }


@pytest.mark.parametrize("hashed", [{}, {"text_hash": ""}, {"text_hash": "0" * 64}])
def test_another_hash_is_not_signed(
    signed_in: SignedIn, proposal: Agreement, sue: User, hashed: dict[str, str]
) -> None:
    answer = signed_in(sue).post(at("sign", proposal, "sales"), hashed)
    assert answer.status_code == 400
    assert "no longer what was proposed" in answer.content.decode()
    assert not Signature.objects.exists()


def test_the_wrong_side_reads_why(signed_in: SignedIn, proposal: Agreement, max_: User, sam: User) -> None:
    for person in (max_, sam):
        page = text(signed_in(person), at("sign", proposal, "sales"))
        assert "You cannot sign here" in page
        answer = signed_in(person).post(at("sign", proposal, "sales"), {"text_hash": proposal.text_hash})
        assert answer.status_code == 400
        assert "You cannot sign for sales" in answer.content.decode()


def test_there_is_no_third_side(signed_in: SignedIn, proposal: Agreement, max_: User) -> None:
    assert signed_in(max_).get(at("sign", proposal, "finance")).status_code == 404


def test_a_score_model_is_signed_by_one_click(
    signed_in: SignedIn, proposal: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    signing.sign(proposal, side="sales", by=sue, now=tuesday)
    ScoreModel.objects.filter(status="published").update(status="retired")
    model = ScoreModel.objects.create(
        version=2, name="Second", status="published", created_at=tuesday, published_at=tuesday
    )
    (version,) = signing.propose_score_model(model, by=max_, now=tuesday)
    browser = signed_in(sue)
    assert "Score model 2 waits for both signatures." in text(browser, reverse("sla:agreement"))
    page = text(browser, at("agreement_version", version))
    assert "(model <del>1</del><ins>2</ins>)" in page
    assert f'<form method="post" action="{at("sign", version, "sales")}">' in page


# --- deputies


def test_a_deputy_is_named_and_removed(signed_in: SignedIn, sue: User, sam: User, max_: User) -> None:
    browser = signed_in(sue)
    told = {"side": "sales", "deputy": str(sam.public_id), "starts_on": "2026-03-03", "ends_on": "2026-03-06"}
    assert browser.post(reverse("sla:deputies"), told).status_code == 302
    named = Deputy.objects.get()
    assert (named.manager, named.deputy, named.ends_on) == (sue, sam, date(2026, 3, 6))
    remove = reverse("sla:deputy_remove", args=(named.pk,))
    assert signed_in(max_).post(remove).status_code == 404
    assert browser.post(remove).status_code == 302
    assert not Deputy.objects.exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ends_on": "2026-03-01"}, "The last day is before the first one."),
        ({"starts_on": "2026-02-01", "ends_on": "2026-02-02"}, "These days are over."),
        ({"deputy": "11111111-1111-1111-1111-111111111111"}, "Select a valid choice"),
        ({"side": "marketing"}, "Select a valid choice"),
        ({"starts_on": "soon"}, "Enter a valid date."),
    ],
)
def test_deputies_that_make_no_sense_are_refused_at_the_field(
    signed_in: SignedIn, sue: User, sam: User, changed: dict[str, str], words: str
) -> None:
    told = {"side": "sales", "deputy": str(sam.public_id), "starts_on": "2026-03-03", "ends_on": "2026-03-06"}
    answer = signed_in(sue).post(reverse("sla:deputies"), told | changed)
    assert answer.status_code == 400
    assert words in answer.content.decode()


# --- end, and the sweep


def test_the_one_for_every_lead_is_not_ended(signed_in: SignedIn, seed: Agreement, sue: User) -> None:
    answer = signed_in(sue).post(at("end_agreement", seed))
    assert answer.status_code == 400
    assert "holds for every lead" in answer.content.decode()


def test_the_sweep_puts_in_force_what_is_due(
    proposal: Agreement, max_: User, sue: User, tuesday: datetime, settings: object
) -> None:
    signing.take_back(proposal, by=max_, now=tuesday)
    draft = drafting.start_draft(proposal, by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, starts_on=date(2026, 4, 1))
    signing.propose(draft, by=max_, now=tuesday)
    signing.sign(draft, side="marketing", by=max_, now=tuesday)
    signing.sign(draft, side="sales", by=sue, now=tuesday)
    assert tasks.activate_agreements() == 0
    settings.LEADSLA_NOW = "2026-04-01T00:01"  # type: ignore[attr-defined]
    assert tasks.activate_agreements() == 1
    draft.refresh_from_db()
    assert draft.in_force_from == datetime.fromisoformat("2026-04-01T00:00+02:00")


# --- who may


ACTS = ("start_draft", "discard", "propose", "take_back", "comment", "end_agreement")


@pytest.mark.parametrize("name", ACTS)
def test_acts_are_posts_of_those_who_may(
    name: str, signed_in: SignedIn, seed: Agreement, ada: User, sue: User, client: Client
) -> None:
    address = at(name, seed)
    assert client.post(address).status_code == 302  # to the sign-in
    assert signed_in(ada).post(address).status_code == 403
    assert signed_in(sue).get(address).status_code == 405
