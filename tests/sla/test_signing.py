"""Proposing, signing and what follows: who may, what is refused, what the database keeps, what is in force when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from leads.models import Criterion, Definition, Lead, ScoreModel
from leadsla.accounts.models import Role, Side, User
from leadsla.outbox.models import Message
from sla import agreements, calendars, drafting, signatories, signing, wording
from sla import handoff as handoffs
from sla.models import Agreement, CalendarVersion, Deputy, EscalationStep, Signature, Target, TimeLimit

pytestmark = pytest.mark.django_db
Status = Agreement.Status
MakeLead = Callable[..., Lead]
AUSTRIA = {"field": "country", "op": "is", "value": "AT"}


@pytest.fixture
def seed(db: None) -> Agreement:
    return Agreement.objects.get()


@pytest.fixture
def proposal(seed: Agreement, max_: User, sue: User, tuesday: datetime) -> Agreement:
    """The first version that is proposed: 85 to 105 leads a month, at once."""
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_promise(draft, measure="quantity", at_least=Decimal(85), at_most=Decimal(105), by=max_, now=tuesday)
    return signing.propose(draft, by=max_, now=tuesday)


@pytest.fixture
def signed(proposal: Agreement, max_: User, sue: User, tuesday: datetime) -> Agreement:
    """The first signed agreement, in force since Tuesday."""
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    signing.sign(proposal, side="sales", by=sue, now=tuesday)
    return Agreement.objects.get(pk=proposal.pk)


def told(agreement: Agreement, what: str) -> set[str]:
    found = Message.objects.filter(event=f"agreement:{agreement.pk}:{what}", channel="in_app")
    return set(found.values_list("recipient__name", flat=True))


def state(agreement: Agreement) -> tuple[str, datetime | None, datetime | None]:
    agreement.refresh_from_db()
    return agreement.status, agreement.in_force_from, agreement.in_force_until


# --- propose


def test_a_proposal_is_frozen_and_told(proposal: Agreement, max_: User, tuesday: datetime) -> None:
    assert (proposal.status, proposal.proposed_by, proposal.proposed_at) == (Status.PROPOSED, max_, tuesday)
    assert proposal.text is not None
    assert proposal.text["clauses"][0]["text"] == "Between 85 and 105 qualified leads a month."
    assert proposal.text["exact"]["promises"][0] == {
        "measure": "quantity",
        "side": "marketing",
        "at_least": "85",
        "at_most": "105",
        "counts_owner_hours": False,
        "limits": {},
    }
    assert len(proposal.text_hash) == 64
    stored = Agreement.objects.get(pk=proposal.pk)
    assert wording.hash_of(stored.text or {}) == stored.text_hash  # what the database gives back is what was hashed
    assert told(proposal, "proposed") == {"Sue Vogt"}


def test_the_text_is_the_same_in_every_language(proposal: Agreement, tuesday: datetime) -> None:
    from django.utils import translation

    with translation.override("de"):
        assert wording.hash_of(wording.full_text(proposal, now=tuesday)) == proposal.text_hash


def test_who_does_not_draft_does_not_propose(seed: Agreement, max_: User, sam: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    with pytest.raises(signing.Refused, match="managers of both sides and by operations"):
        signing.propose(draft, by=sam, now=tuesday)


def test_a_draft_is_proposed_once(proposal: Agreement, sue: User, tuesday: datetime) -> None:
    with pytest.raises(signing.Refused, match="no draft any more"):
        signing.propose(proposal, by=sue, now=tuesday)


def test_all_that_is_missing_is_said_at_once(seed: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_promise(draft, measure="answer", at_least=Decimal("0.9"), by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, ruling_person=sue)
    for target in draft.targets.filter(commitment__side="marketing").select_related("commitment"):
        drafting.remove_promise(draft, measure=target.commitment.measure, by=max_, now=tuesday)
    User.objects.filter(pk=sue.pk).update(is_active=False)
    with pytest.raises(signing.Refused) as refused:
        signing.propose(draft, by=max_, now=tuesday)
    for words in ("Marketing promises nothing", "“Requests answered” has no times", "Sue Vogt is no longer active"):
        assert words in str(refused.value)
    assert Agreement.objects.get(pk=draft.pk).status == Status.DRAFT


def test_a_definition_without_criteria_is_not_proposed(seed: Agreement, max_: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    Criterion.objects.filter(definition=seed.definition).delete()
    with pytest.raises(signing.Refused, match="requires no criterion"):
        signing.propose(draft, by=max_, now=tuesday)


# --- the order


def test_the_first_signed_one_holds_for_every_lead(seed: Agreement, max_: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, scope=AUSTRIA)
    with pytest.raises(signing.Refused, match="Leave its scope empty"):
        signing.propose(draft, by=max_, now=tuesday)


@pytest.mark.parametrize(
    ("position", "scope", "words"),
    [
        (5, None, "behind it would never apply"),
        (1001, AUSTRIA, "The last agreement in the order holds for every lead"),
        (1001, None, "behind it would never apply"),
    ],
)
def test_the_order_must_make_sense(
    signed: Agreement, max_: User, tuesday: datetime, position: int, scope: Any, words: str
) -> None:
    draft = drafting.start_draft(None, by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, position=position, scope=scope)
    with pytest.raises(signing.Refused, match=words):
        signing.propose(draft, by=max_, now=tuesday)


def test_a_place_that_is_taken_is_refused_at_the_field(signed: Agreement, max_: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(None, by=max_, now=tuesday)
    with pytest.raises(drafting.Refused) as refused:
        drafting.set_terms(draft, by=max_, now=tuesday, position=1000)
    assert list(refused.value.errors) == ["position"]


def test_a_scoped_one_before_it_applies_to_its_leads(
    asks: MakeLead, signed: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    draft = drafting.start_draft(None, by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, position=5, scope=AUSTRIA, name="Austria")
    drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(60))
    signing.propose(draft, by=max_, now=tuesday)
    signing.sign(draft, side="marketing", by=max_, now=tuesday)
    signing.sign(draft, side="sales", by=sue, now=tuesday)
    austrian = asks(at=tuesday, country="AT")
    assert agreements.applying_to(austrian, now=tuesday) == draft
    draft.refresh_from_db()
    in_force = list(Definition.objects.in_force(now=tuesday).values_list("position", "threshold"))
    assert in_force == [(5, Decimal("60.0")), (1000, Decimal("100.0"))]
    german = asks("Olaf Orth", at=tuesday, domain="orth.example")
    assert agreements.applying_to(german, now=tuesday) == signed
    # and it can be ended, because another one holds for every lead
    assert signing.end(draft, by=sue, now=tuesday + timedelta(hours=1)).status == Status.ENDED
    assert agreements.applying_to(austrian, now=tuesday + timedelta(hours=1)) == signed
    assert Definition.objects.in_force(now=tuesday + timedelta(hours=1)).count() == 1


def test_what_holds_for_every_lead_is_not_ended(
    signed: Agreement, sue: User, olga: User, mia: User, tuesday: datetime
) -> None:
    with pytest.raises(signing.Refused, match="holds for every lead"):
        signing.end(signed, by=sue, now=tuesday)
    for person in (olga, mia):
        with pytest.raises(signing.Refused, match="Only managers"):
            signing.end(signed, by=person, now=tuesday)


# --- sign


def test_both_sides_sign_and_it_is_in_force(
    seed: Agreement, proposal: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    first = signing.sign(proposal, side="marketing", by=max_, now=tuesday, text_hash=proposal.text_hash)
    assert (first.signed_by, first.deputy_of, first.text_hash) == (max_, None, proposal.text_hash)
    assert state(proposal) == (Status.PROPOSED, None, None)
    assert state(seed)[0] == Status.ACTIVE
    assert told(proposal, "signed_marketing") == {"Sue Vogt"}
    later = tuesday + timedelta(minutes=5)
    signing.sign(proposal, side="sales", by=sue, now=later)
    assert state(proposal) == (Status.ACTIVE, later, None)
    assert state(seed) == (Status.ENDED, seed.in_force_from, later)
    assert told(proposal, "in_force") == {"Max Lindner", "Sue Vogt"}
    assert list(Agreement.objects.in_force(now=later)) == [proposal]


@pytest.mark.parametrize("who", ["mia", "sam", "olga", "ada", "max_"])
def test_the_wrong_side_does_not_sign(
    who: str, request: pytest.FixtureRequest, proposal: Agreement, tuesday: datetime
) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(signing.Refused, match="You cannot sign for sales"):
        signing.sign(proposal, side="sales", by=person, now=tuesday)
    with pytest.raises(signing.Refused, match="no such side"):
        signing.sign(proposal, side="finance", by=person, now=tuesday)
    assert not Signature.objects.exists()


def test_a_side_signs_once(proposal: Agreement, max_: User, tuesday: datetime) -> None:
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    with pytest.raises(signing.Refused, match="Max Lindner has signed for marketing already"):
        signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    assert Signature.objects.count() == 1


def test_who_heads_both_sides_signs_once_for_each(proposal: Agreement, sue: User, tuesday: datetime) -> None:
    User.objects.filter(pk=sue.pk).update(roles=[Role.SALES_MANAGER, Role.MARKETING_MANAGER])
    sue.refresh_from_db()
    signing.sign(proposal, side="sales", by=sue, now=tuesday)
    assert state(proposal)[0] == Status.PROPOSED
    signing.sign(proposal, side="marketing", by=sue, now=tuesday)
    assert state(proposal)[0] == Status.ACTIVE
    assert Signature.objects.filter(signed_by=sue).count() == 2


def test_nothing_but_a_proposal_is_signed(seed: Agreement, max_: User, tuesday: datetime) -> None:
    with pytest.raises(signing.Refused, match="this version is in force"):
        signing.sign(seed, side="marketing", by=max_, now=tuesday)
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    with pytest.raises(signing.Refused, match="this version is draft"):
        signing.sign(draft, side="marketing", by=max_, now=tuesday)


def test_another_text_is_not_signed(proposal: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    with pytest.raises(signing.Refused, match="no longer what was proposed"):
        signing.sign(proposal, side="marketing", by=max_, now=tuesday, text_hash="0" * 64)
    Target.objects.filter(agreement=proposal, commitment__measure="accepted").update(at_least=Decimal("0.99"))
    with pytest.raises(signing.Refused, match="no longer what was proposed"):
        signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    assert not Signature.objects.exists()


def test_other_hours_of_a_calendar_are_another_text(proposal: Agreement, max_: User, tuesday: datetime) -> None:
    version = calendars.current(proposal.calendar, now=tuesday)
    CalendarVersion.objects.create(
        calendar=proposal.calendar,
        version=version.version + 1,
        timezone=version.timezone,
        hours={"mon": [["10:00", "12:00"]]},
        created_at=tuesday,
    )
    with pytest.raises(signing.Refused, match="the hours of a calendar"):
        signing.sign(proposal, side="marketing", by=max_, now=tuesday)


def test_a_start_that_has_passed_is_not_signed(seed: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    drafting.set_terms(draft, by=max_, now=tuesday, starts_on=date(2026, 4, 1))
    signing.propose(draft, by=max_, now=tuesday)
    signing.sign(draft, side="marketing", by=max_, now=tuesday)
    midnight = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)  # 1 April in Berlin, summer time
    with pytest.raises(signing.Refused, match="1 April 2026 has begun already"):
        signing.sign(draft, side="sales", by=sue, now=midnight)
    signing.sign(draft, side="sales", by=sue, now=midnight - timedelta(seconds=1))
    assert state(draft)[0] == Status.SIGNED


# --- deputies


def deputy(person: User, manager: User, tuesday: datetime, **columns: Any) -> Deputy:
    days = {"starts_on": date(2026, 3, 3), "ends_on": date(2026, 3, 5)}
    return signatories.name_deputy(person, side="sales", by=manager, now=tuesday, **(days | columns))


def test_a_deputy_signs_on_their_days(proposal: Agreement, sam: User, sue: User, tuesday: datetime) -> None:
    deputy(sam, sue, tuesday)
    with pytest.raises(signing.Refused, match="cannot sign"):
        signing.sign(proposal, side="sales", by=sam, now=tuesday + timedelta(days=3))  # Friday
    with pytest.raises(signing.Refused, match="cannot sign"):
        signing.sign(proposal, side="marketing", by=sam, now=tuesday)
    signature = signing.sign(proposal, side="sales", by=sam, now=tuesday + timedelta(days=2))  # Thursday, the last
    assert (signature.signed_by, signature.deputy_of) == (sam, sue)


def test_a_deputy_of_nobody_s_manager_does_not_sign(
    proposal: Agreement, sam: User, sue: User, tuesday: datetime
) -> None:
    made = deputy(sam, sue, tuesday)
    User.objects.filter(pk=sue.pk).update(roles=[Role.SALES_REP])
    with pytest.raises(signing.Refused, match="cannot sign"):
        signing.sign(proposal, side="sales", by=sam, now=tuesday)
    User.objects.filter(pk=sue.pk).update(roles=[Role.SALES_MANAGER])
    signatories.remove(made, by=sue)
    with pytest.raises(signing.Refused, match="cannot sign"):
        signing.sign(proposal, side="sales", by=sam, now=tuesday)


@pytest.mark.parametrize(
    ("who", "columns", "field"),
    [
        ("sue", {}, "deputy"),
        ("mia", {}, "deputy"),
        ("olga", {}, "deputy"),
        ("sam", {"ends_on": date(2026, 3, 2)}, "ends_on"),
        ("sam", {"starts_on": date(2026, 2, 1), "ends_on": date(2026, 2, 5)}, "ends_on"),
    ],
)
def test_deputies_that_make_no_sense_are_refused(
    who: str, columns: dict[str, Any], field: str, request: pytest.FixtureRequest, sue: User, tuesday: datetime
) -> None:
    with pytest.raises(signatories.Refused) as refused:
        deputy(request.getfixturevalue(who), sue, tuesday, **columns)
    assert list(refused.value.errors) == [field]
    assert not Deputy.objects.exists()


def test_only_managers_of_the_side_name_and_remove(
    sam: User, sue: User, max_: User, nia: User, tuesday: datetime
) -> None:
    for person in (max_, nia, sam):
        with pytest.raises(signatories.Refused, match=r"Only managers of sales"):
            deputy(sam, person, tuesday)
    made = deputy(sam, sue, tuesday)
    with pytest.raises(signatories.Refused, match=r"Only managers of sales"):
        signatories.remove(made, by=max_)


# --- take back


def test_what_was_taken_back_is_the_base_of_the_next_draft(
    seed: Agreement, proposal: Agreement, sue: User, max_: User, mia: User, tuesday: datetime
) -> None:
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    with pytest.raises(signing.Refused, match="managers of both sides"):
        signing.take_back(proposal, by=mia, now=tuesday)
    signing.take_back(proposal, by=sue, now=tuesday)
    assert state(proposal)[0] == Status.WITHDRAWN
    assert told(proposal, "taken_back") == {"Max Lindner"}
    with pytest.raises(signing.Refused, match="nothing to sign"):
        signing.sign(proposal, side="sales", by=sue, now=tuesday)
    with pytest.raises(signing.Refused, match="Only a proposal"):
        signing.take_back(proposal, by=sue, now=tuesday)
    again = drafting.start_draft(proposal, by=sue, now=tuesday)
    assert (again.version, again.based_on) == (3, seed)
    assert agreements.clauses(again)[0].text == "Between 85 and 105 qualified leads a month."
    drafting.set_promise(again, measure="quantity", at_least=Decimal(90), by=sue, now=tuesday)


def test_what_is_in_force_is_not_taken_back(signed: Agreement, sue: User, tuesday: datetime) -> None:
    with pytest.raises(signing.Refused, match="Only a proposal"):
        signing.take_back(signed, by=sue, now=tuesday)


# --- in force


@pytest.fixture
def april(signed: Agreement, max_: User, sue: User, tuesday: datetime) -> Agreement:
    """The next version, signed, from 1 April on, with a line of 110."""
    draft = drafting.start_draft(signed, by=max_, now=tuesday)
    drafting.set_definition(draft, by=max_, now=tuesday, threshold=Decimal(110))
    signing.propose(draft, by=max_, now=tuesday)
    signing.sign(draft, side="marketing", by=max_, now=tuesday)
    signing.sign(draft, side="sales", by=sue, now=tuesday)
    return Agreement.objects.get(pk=draft.pk)


def test_a_version_is_in_force_from_its_boundary(signed: Agreement, april: Agreement) -> None:
    boundary = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)  # midnight of 1 April in Berlin
    old = signed.definition
    assert signing.activate_due(now=boundary - timedelta(seconds=1)) == 0
    assert state(april)[0] == Status.SIGNED
    assert signing.activate_due(now=boundary + timedelta(seconds=40)) == 1  # when it was true, not when it was noticed
    assert state(april) == (Status.ACTIVE, boundary, None)
    assert state(signed)[::2] == (Status.SUPERSEDED, boundary)
    assert signing.activate_due(now=boundary + timedelta(minutes=1)) == 0
    new = Definition.objects.get(pk=april.definition_id)
    old.refresh_from_db()
    assert (new.in_force_from, new.in_force_until, old.in_force_until) == (boundary, None, boundary)
    assert list(Definition.objects.in_force(now=boundary)) == [new]
    assert list(Definition.objects.in_force(now=boundary - timedelta(seconds=1))) == [old]


def test_open_handoffs_finish_under_their_agreement(
    asks: MakeLead, sam: User, signed: Agreement, mia: User, max_: User, sue: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    draft = drafting.start_draft(signed, by=max_, now=tuesday)
    signing.propose(draft, by=max_, now=tuesday)
    signing.sign(draft, side="marketing", by=max_, now=tuesday)
    signing.sign(draft, side="sales", by=sue, now=tuesday)
    boundary = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    signing.activate_due(now=boundary)
    handed.refresh_from_db()
    assert handed.agreement == signed
    new = handoffs.hand_over(asks("Olaf Orth", at=boundary, domain="orth.example"), by=mia, now=boundary)
    assert new.agreement == draft


def test_a_later_signature_for_the_same_day_takes_the_place(
    signed: Agreement, april: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    better = drafting.start_draft(april, by=sue, now=tuesday)
    assert better.starts_on == date(2026, 5, 1)
    assert better.based_on == april
    drafting.set_terms(better, by=sue, now=tuesday, starts_on=date(2026, 4, 1))
    signing.propose(better, by=sue, now=tuesday)
    signing.sign(better, side="sales", by=sue, now=tuesday)
    signing.sign(better, side="marketing", by=max_, now=tuesday)
    assert state(april) == (Status.SUPERSEDED, None, None)
    boundary = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    assert signing.activate_due(now=boundary) == 1
    assert list(Agreement.objects.in_force(now=boundary)) == [better]


# --- what was signed stays


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sla_agreement SET text = '{}' WHERE id = %(agreement)s",
        "UPDATE sla_agreement SET text_hash = '' WHERE id = %(agreement)s",
        "UPDATE sla_agreement SET name = 'Other' WHERE id = %(agreement)s",
        "UPDATE sla_agreement SET settle_working_days = 1 WHERE id = %(agreement)s",
        "UPDATE sla_agreement SET starts_on = '2030-01-01' WHERE id = %(agreement)s",
        "UPDATE sla_agreement SET status = 'draft' WHERE id = %(agreement)s",
        "UPDATE sla_target SET at_least = 1 WHERE agreement_id = %(agreement)s",
        "DELETE FROM sla_timelimit WHERE target_id IN (SELECT id FROM sla_target WHERE agreement_id = %(agreement)s)",
        "UPDATE sla_timelimit SET minutes = 1 WHERE minutes IS NOT NULL"
        " AND target_id IN (SELECT id FROM sla_target WHERE agreement_id = %(agreement)s)",
        "UPDATE sla_target SET agreement_id = %(agreement)s WHERE agreement_id = %(seed)s"
        " AND commitment_id IN (SELECT id FROM sla_commitment WHERE measure = 'quantity')",
        "DELETE FROM sla_escalationstep WHERE agreement_id = %(agreement)s",
        "UPDATE sla_escalationstep SET share = 2 WHERE agreement_id = %(agreement)s",
        "INSERT INTO sla_escalationstep (agreement_id, temperature, measures, share, minutes, action, is_urgent)"
        " VALUES (%(agreement)s, 'hot', '{}', 1, 0, 'manager', false)",
        "UPDATE leads_definition SET threshold = 1 WHERE id = %(definition)s",
        "UPDATE leads_definition SET scope = '{}' WHERE id = %(definition)s",
        "UPDATE leads_criterion SET required_by_asked = false WHERE definition_id = %(definition)s",
        "DELETE FROM leads_criterion WHERE definition_id = %(definition)s",
        "UPDATE sla_signature SET side = 'sales' WHERE agreement_id = %(agreement)s",
        "DELETE FROM sla_signature WHERE agreement_id = %(agreement)s",
        "DELETE FROM sla_agreement WHERE id = %(agreement)s",
    ],
)
def test_the_database_keeps_what_was_signed(
    seed: Agreement, proposal: Agreement, max_: User, tuesday: datetime, sql: str
) -> None:
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)  # one signature is enough
    values = {"agreement": proposal.pk, "definition": proposal.definition_id, "seed": seed.pk}
    with pytest.raises(IntegrityError, match=r"signed|signature"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    assert wording.hash_of(wording.full_text(proposal, now=tuesday)) == proposal.text_hash


def test_inserting_a_promise_under_a_signature_is_refused(proposal: Agreement, max_: User, tuesday: datetime) -> None:
    target = proposal.targets.select_related("commitment").get(commitment__measure="decide")
    limit = target.limits.earliest("pk")
    signing.sign(proposal, side="marketing", by=max_, now=tuesday)
    with pytest.raises(IntegrityError, match="is signed"), transaction.atomic():
        TimeLimit.objects.create(target=target, temperature="hot", minutes=1, calendar=limit.calendar)
    with pytest.raises(IntegrityError, match="is signed"), transaction.atomic():
        Criterion.objects.create(definition=proposal.definition, code="new", label="New")


def test_without_a_signature_all_can_be_built(seed: Agreement, proposal: Agreement) -> None:
    assert Target.objects.filter(agreement=proposal).update(note="Changed") == 13
    assert EscalationStep.objects.filter(agreement=seed).delete()[0] == 13


# --- score models


@pytest.fixture
def model(tuesday: datetime) -> ScoreModel:
    ScoreModel.objects.filter(status="published").update(status="retired")
    return ScoreModel.objects.create(
        version=2, name="Second", status="published", created_at=tuesday, published_at=tuesday
    )


def test_a_model_counts_at_once_under_the_provisional_agreement(
    seed: Agreement, model: ScoreModel, max_: User, tuesday: datetime
) -> None:
    before = seed.definition
    assert signing.propose_score_model(model, by=max_, now=tuesday) == []
    seed.refresh_from_db()
    before.refresh_from_db()
    assert seed.definition != before
    assert seed.definition.score_model == model
    assert (before.in_force_until, seed.definition.in_force_from) == (tuesday, tuesday)
    assert before.score_model != model
    assert seed.definition.criteria.count() == before.criteria.count()


def test_a_model_counts_when_both_have_clicked(
    signed: Agreement, model: ScoreModel, max_: User, sue: User, olga: User, tuesday: datetime
) -> None:
    (version,) = signing.propose_score_model(model, by=olga, now=tuesday)
    assert (version.version, version.based_on, version.changes_score_model_only) == (3, signed, True)
    assert told(version, "proposed") == {"Max Lindner", "Sue Vogt"}
    signing.sign(version, side="marketing", by=max_, now=tuesday)
    assert Definition.objects.in_force(now=tuesday).get() == signed.definition
    later = tuesday + timedelta(hours=2)
    signing.sign(version, side="sales", by=sue, now=later)
    assert state(version) == (Status.ACTIVE, later, None)
    assert state(signed)[::2] == (Status.SUPERSEDED, later)
    in_force = Definition.objects.in_force(now=later).get()
    assert (in_force.score_model, in_force.threshold) == (model, signed.definition.threshold)
    assert signing.propose_score_model(model, by=olga, now=later) == []


def test_a_newer_model_takes_the_place_of_one_that_waits_and_a_draft_goes_on(
    signed: Agreement, model: ScoreModel, max_: User, sue: User, tuesday: datetime
) -> None:
    draft = drafting.start_draft(signed, by=sue, now=tuesday)
    (first,) = signing.propose_score_model(model, by=max_, now=tuesday)
    ScoreModel.objects.filter(pk=model.pk).update(status="retired")
    third = ScoreModel.objects.create(
        version=3, name="Third", status="published", created_at=tuesday, published_at=tuesday
    )
    (second,) = signing.propose_score_model(third, by=max_, now=tuesday)
    assert state(first)[0] == Status.WITHDRAWN
    signing.sign(second, side="marketing", by=max_, now=tuesday)
    signing.sign(second, side="sales", by=sue, now=tuesday)
    assert signing.propose(draft, by=sue, now=tuesday).based_on == second


def test_only_published_models_are_proposed_and_by_those_who_may(
    signed: Agreement, mia: User, max_: User, tuesday: datetime
) -> None:
    draft = ScoreModel.objects.create(version=2, name="Try", created_at=tuesday)
    with pytest.raises(signing.Refused, match="Publish it first"):
        signing.propose_score_model(draft, by=max_, now=tuesday)
    with pytest.raises(signing.Refused, match="managers of both sides"):
        signing.propose_score_model(draft, by=mia, now=tuesday)


# --- comments


def test_comments_are_told(proposal: Agreement, sue: User, max_: User, sam: User, tuesday: datetime) -> None:
    made = signing.comment(proposal, text=" Fewer is fine. ", measure="quantity", by=sue, now=tuesday)
    assert (made.text, made.commitment and made.commitment.measure) == ("Fewer is fine.", "quantity")
    assert told(proposal, f"comment:{made.pk}") == {"Max Lindner"}
    whole = signing.comment(proposal, text="And the rest?", by=sam, now=tuesday)
    assert whole.commitment is None
    for text, measure in (("  ", ""), ("x" * 2001, ""), ("Fine", "answer")):
        with pytest.raises(signing.Refused):
            signing.comment(proposal, text=text, measure=measure, by=sam, now=tuesday)


# --- at the same moment


def both_at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts at the same moment, each on a connection of its own; a refusal is an answer."""
    start = threading.Barrier(len(acts))
    heard: list[object] = []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            heard.append(act())
        except signing.Refused as refused:
            heard.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return heard


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_both_sides_sign_at_the_same_moment(proposal: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    heard = both_at_once(
        lambda: signing.sign(proposal, side="marketing", by=max_, now=tuesday),
        lambda: signing.sign(proposal, side="sales", by=sue, now=tuesday),
    )
    assert [type(each) for each in heard] == [Signature, Signature]
    assert state(proposal) == (Status.ACTIVE, tuesday, None)
    assert Agreement.objects.filter(status=Status.ACTIVE).count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_of_two_signatures_for_one_side_counts(proposal: Agreement, max_: User, tuesday: datetime) -> None:
    heard = both_at_once(*[lambda: signing.sign(proposal, side="marketing", by=max_, now=tuesday)] * 2)
    assert sorted(type(each).__name__ for each in heard) == ["Signature", "str"]
    assert "Max Lindner has signed for marketing already." in heard
    assert Signature.objects.filter(side=Side.MARKETING).count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_of_two_proposals_counts(seed: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)
    heard = both_at_once(
        lambda: signing.propose(draft, by=max_, now=tuesday), lambda: signing.propose(draft, by=sue, now=tuesday)
    )
    assert sorted(type(each).__name__ for each in heard) == ["Agreement", "str"]
    assert Message.objects.filter(event=f"agreement:{draft.pk}:proposed", channel="in_app").count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_of_two_drafts_is_started(seed: Agreement, max_: User, sue: User, tuesday: datetime) -> None:
    def start(by: User) -> object:
        try:
            return drafting.start_draft(seed, by=by, now=tuesday)
        except drafting.Refused as refused:
            return str(refused)

    heard = both_at_once(lambda: start(max_), lambda: start(sue))
    assert sorted(type(each).__name__ for each in heard) == ["Agreement", "str"]
    assert Agreement.objects.filter(status=Status.DRAFT).count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_change_at_the_moment_of_the_proposal_is_in_it_or_refused(
    seed: Agreement, max_: User, sue: User, tuesday: datetime
) -> None:
    draft = drafting.start_draft(seed, by=max_, now=tuesday)

    def change() -> object:
        try:
            return drafting.set_definition(draft, by=sue, now=tuesday, threshold=Decimal(120))
        except drafting.Refused as refused:
            return str(refused)

    heard = both_at_once(change, lambda: signing.propose(draft, by=max_, now=tuesday))
    assert len(heard) == 2  # neither broke
    draft.refresh_from_db()
    assert draft.status == Status.PROPOSED
    is_refused = any(isinstance(each, str) and "is no draft any more" in each for each in heard)
    assert draft.definition.threshold == (seed.definition.threshold if is_refused else Decimal(120))
    assert wording.hash_of(wording.full_text(draft, now=tuesday)) == draft.text_hash
