"""Propose an agreement, take it back, sign it for a side, put it in force at its start, end it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from leads import conditions
from leads.definitions import put_in_force
from leads.models import Definition, ScoreModel
from leadsla.accounts.models import Side, User
from sla import agreement_notices, drafting, drafts, periods, signatories, wording
from sla.models import Agreement, AgreementComment, Commitment, Signature

log = logging.getLogger(__name__)

Status = Agreement.Status


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """It cannot be done: the text says why, and what to do."""


# --- propose and take back


@transaction.atomic
def propose(draft: Agreement, *, by: User, now: datetime) -> Agreement:
    """Show a draft to both sides for their signatures. From now on its text stays as it is.

    Args:
        draft: the draft.
        by: a manager of either side, or operations.
        now: the moment.

    Returns:
        The proposal, with its text and the text's hash.

    Raises:
        Refused: saying all that is missing or wrong.
    """
    drafts.lock_the_order()
    try:
        found = drafts.opened(draft, by=by)
    except drafts.Refused as refused:
        raise Refused(str(refused)) from None
    _follow_what_holds(found)
    problems = what_is_missing(found, now=now)
    if problems:
        raise Refused(" ".join(words for _section, words in problems))
    found.text = wording.full_text(found, now=now)
    found.text_hash = wording.hash_of(found.text)
    found.status, found.proposed_by, found.proposed_at = Status.PROPOSED, by, now
    found.save(update_fields=["text", "text_hash", "status", "proposed_by", "proposed_at", "based_on"])
    agreement_notices.proposed(found, by=by, now=now)
    return found


def _follow_what_holds(draft: Agreement) -> None:
    """Let a draft follow the version that holds now: while it was written, another one may have come into force."""
    versions = Agreement.objects.filter(series=draft.series)
    holds = versions.filter(status=Status.ACTIVE).first()
    waits = versions.filter(status=Status.SIGNED).order_by("-version").first()
    if draft.changes_score_model_only:
        waits = None
    draft.based_on = waits or holds or draft.based_on


def what_is_missing(draft: Agreement, *, now: datetime) -> list[tuple[str, str]]:
    """Say why a draft cannot be proposed yet: the section of the draft, and what is wrong in it; none when it can.

    Sections are about, scope, `promises-sales`, `promise-decide`, definition, rules and escalation.
    """
    problems: list[tuple[str, str]] = []
    targets = list(draft.targets.select_related("commitment").prefetch_related("limits"))
    promising = {target.commitment.side for target in targets}
    problems += [
        (f"promises-{side}", _("%(side)s promises nothing. Add a promise.") % {"side": side.label})
        for side in Side
        if side not in promising
    ]
    for target in targets:
        measure = Commitment.Measure(target.commitment.measure)
        if measure in drafting.CLOCKS and not target.limits.all():
            words = _("“%(promise)s” has no times. Set them, or remove it.") % {"promise": measure.label}
            problems.append((f"promise-{measure}", words))
    criteria = draft.definition.criteria.all()
    if not any(each.required_by_asked or each.required_by_nurtured for each in criteria):
        problems.append(("definition", _("The definition of qualified requires no criterion.")))
    if draft.definition.score_model.status == ScoreModel.Status.DRAFT:
        problems.append(("definition", _("The score model of the definition is a draft. Publish it first.")))
    try:
        conditions.compile(draft.scope, now=now)
    except conditions.ConditionError as error:
        problems.append(("scope", _("The scope means nothing any more: %(why)s") % {"why": error}))
    people = [("rules", draft.ruling_person)]
    people += [("escalation", step.recipient) for step in draft.escalation.select_related("recipient")]
    problems += [
        (section, _("%(name)s is no longer active. Name somebody else.") % {"name": person})
        for section, person in dict.fromkeys(people)
        if person is not None and not person.is_active
    ]
    problems.append(("about", drafting.start_problem(draft, now=now)))
    problems.append(("scope", order_problem(draft)))
    return [(section, words) for section, words in problems if words]


def order_problem(candidate: Agreement) -> str:
    """Say why an agreement cannot stand where it stands; "" when it can.

    Agreements stand in one order and the first whose scope holds applies: so the last one holds for every lead, and
    none stands behind one that does. The provisional one ends with the first that is signed, and does not count.
    """
    standing = {candidate.series: candidate}
    others = Agreement.objects.filter(status__in=(Status.ACTIVE, Status.SIGNED), is_provisional=False)
    for other in others.exclude(series=candidate.series).order_by("status", "version"):  # what is signed comes last
        standing[other.series] = other
    order = sorted(standing.values(), key=lambda each: (each.position, each.series != candidate.series))
    places = [each.position for each in order]
    if len(set(places)) < len(places):
        return _("Another agreement stands at the same place in the order. Choose a free one.")
    if order[-1].scope is not None:
        if len(order) == 1:
            return _("The first agreement that is signed holds for every lead. Leave its scope empty.")
        return _("The last agreement in the order holds for every lead. Leave the scope of “%(name)s” empty.") % {
            "name": order[-1].name
        }
    for each in order[:-1]:
        if each.scope is None:
            words = {"name": each.name, "behind": order[order.index(each) + 1].name}
            return (
                _("“%(name)s” holds for every lead: “%(behind)s” behind it would never apply. Change the order.")
                % words
            )
    return ""


@transaction.atomic
def take_back(agreement: Agreement, *, by: User, now: datetime) -> Agreement:
    """Take a proposal back that not both sides have signed; a new draft can start from it.

    Raises:
        Refused: for other people, and for what is not proposed.
    """
    found = _locked(agreement)
    _may_draft(by)
    if found.status != Status.PROPOSED:
        raise Refused(_("Only a proposal can be taken back; this version is: %(status)s.") % _status(found))
    found.status = Status.WITHDRAWN
    found.save(update_fields=["status"])
    agreement_notices.taken_back(found, by=by, now=now)
    return found


@transaction.atomic
def comment(agreement: Agreement, *, text: str, by: User, now: datetime, measure: str = "") -> AgreementComment:
    """Say something about a version, or about one of its promises.

    Args:
        agreement: any version.
        text: what is said.
        by: who says it.
        now: the moment.
        measure: code of the promise; "" for the whole.

    Raises:
        Refused: for nothing said, too much, or a promise that is not in this version.
    """
    said = text.strip()
    if not 0 < len(said) <= 2000:
        raise Refused(_("Say something, in up to 2,000 characters."))
    target = agreement.targets.filter(commitment__measure=measure).first() if measure else None
    if measure and target is None:
        raise Refused(_("This version has no such clause."))
    made = AgreementComment.objects.create(
        agreement=agreement, commitment_id=target.commitment_id if target else None, by=by, said_at=now, text=said
    )
    agreement_notices.commented(made, now=now)
    return made


# --- sign


@transaction.atomic
def sign(agreement: Agreement, *, side: str, by: User, now: datetime, text_hash: str = "") -> Signature:
    """Sign a proposal for one side. With both signatures it is signed, and in force if its start has come.

    Args:
        agreement: the proposal.
        side: for whom; one person who heads both sides signs once for each.
        by: a manager of the side, or the deputy that one named for this day.
        now: the moment.
        text_hash: hash of the text that the person read; "" for the one that was proposed.

    Raises:
        Refused: for the wrong side, twice, a text that is not what was proposed, a start that has passed.
    """
    drafts.lock_the_order()
    found = _locked(agreement)
    pen = _pen(found, side=side, by=by, now=now)
    if found.status != Status.PROPOSED:
        raise Refused(_("There is nothing to sign: this version is %(status)s.") % _status(found))
    _is_still_what_was_proposed(found, read=text_hash, now=now)
    problem = drafting.start_problem(found, now=now) or order_problem(found)
    if problem:
        raise Refused(_("It cannot be signed any more: %(why)s Take it back and change it.") % {"why": problem})
    signature = Signature.objects.create(
        agreement=found, side=side, signed_by=by, deputy_of=pen.deputy_of, signed_at=now, text_hash=found.text_hash
    )
    if found.signatures.count() == len(Side):
        _both_have_signed(found, now=now)
    signature.agreement = found
    agreement_notices.signed(signature, now=now)
    return signature


def _pen(agreement: Agreement, *, side: str, by: User, now: datetime) -> signatories.Pen:
    if side not in Side.values:
        raise Refused(_("There is no such side. Sign for marketing or for sales."))
    words = {"side": Side(side).label.lower()}
    pen = signatories.pens(by, on=signatories.day_of(now, agreement.timezone)).get(Side(side))
    if pen is None:
        raise Refused(
            _("You cannot sign for %(side)s: only its managers sign, and the deputies that they named for today.")
            % words
        )
    for signature in agreement.signatures.select_related("signed_by"):
        if signature.side == side:
            words |= {"name": str(signature.signed_by)}
            raise Refused(_("%(name)s has signed for %(side)s already.") % words)
        if signature.signed_by == by and not all(signatories.leads_side(by, each) for each in Side):
            raise Refused(_("You signed for the other side already. Somebody else signs for %(side)s.") % words)
    return pen


def _is_still_what_was_proposed(agreement: Agreement, *, read: str, now: datetime) -> None:
    stored = wording.hash_of(agreement.text or {})
    current = wording.hash_of(wording.full_text(agreement, now=now))
    if not stored == current == agreement.text_hash or (read and read != agreement.text_hash):
        raise Refused(
            _(
                "The text is no longer what was proposed: something that it names has changed, as the hours of a "
                "calendar. Take it back, look at it and propose it again."
            )
        )


def _both_have_signed(agreement: Agreement, *, now: datetime) -> None:
    agreement.status = Status.SIGNED
    agreement.save(update_fields=["status"])
    if agreement.starts_on is None:
        _activate(agreement, at=now, now=now)
        return
    replaced = Agreement.objects.filter(series=agreement.series, status=Status.SIGNED, starts_on=agreement.starts_on)
    replaced.exclude(pk=agreement.pk).update(status=Status.SUPERSEDED)  # signed for the same day, never in force


# --- in force


def activate_due(*, now: datetime) -> int:
    """Put every signed agreement in force whose start has come, as of its start; return how many."""
    waiting = Agreement.objects.filter(status=Status.SIGNED).order_by("starts_on", "pk")
    return sum(_activated(pk, now=now) for pk in list(waiting.values_list("pk", flat=True)))


def _activated(pk: int, *, now: datetime) -> bool:
    try:
        return _activate_if_due(pk, now=now)
    except Exception:
        # One bad row never stops a sweep.
        log.exception("Agreement %s could not be put in force", pk)
        return False


@transaction.atomic
def _activate_if_due(pk: int, *, now: datetime) -> bool:
    drafts.lock_the_order()
    found = Agreement.objects.select_for_update().get(pk=pk)
    if found.status != Status.SIGNED:
        return False  # another worker was first
    start = now if found.starts_on is None else periods.midnight(found.starts_on, found.timezone)
    if start > now:
        return False
    _activate(found, at=start, now=now)
    return True


def _activate(agreement: Agreement, *, at: datetime, now: datetime) -> None:
    """Put an agreement in force at its start, and end what it takes the place of; open handoffs finish under theirs."""
    active = Agreement.objects.filter(status=Status.ACTIVE)
    active.filter(is_provisional=True).update(status=Status.ENDED, in_force_until=at)
    active.filter(series=agreement.series).update(status=Status.SUPERSEDED, in_force_until=at)
    agreement.status, agreement.in_force_from = Status.ACTIVE, at
    agreement.save(update_fields=["status", "in_force_from"])
    _judge_by(agreement, at=at)
    agreement_notices.in_force(agreement, now=now)


def _judge_by(agreement: Agreement, *, at: datetime) -> None:
    """Put the agreement's definition in force, in its place in the order, and end those that nothing names any more."""
    definition = agreement.definition
    Definition.objects.filter(pk=definition.pk).update(position=agreement.position)
    if definition.in_force_from is None or definition.in_force_until is not None:
        put_in_force(definition, from_=at)
    named = Agreement.objects.filter(status=Status.ACTIVE).values("definition")
    for unused in Definition.objects.in_force(now=at).exclude(pk__in=named):
        if unused.in_force_from is not None:
            _end_definition(unused, at=at)


def _end_definition(definition: Definition, *, at: datetime) -> None:
    if definition.in_force_from is not None and definition.in_force_from < at:
        put_in_force(definition, from_=definition.in_force_from, until=at)
    else:  # it began at this very moment, and judged nobody
        Definition.objects.filter(pk=definition.pk).update(in_force_from=None, in_force_until=None)


@transaction.atomic
def end(agreement: Agreement, *, by: User, now: datetime) -> Agreement:
    """End an agreement for which no version comes after; its leads come under the next one in the order.

    Raises:
        Refused: for anybody but a manager, for what is not in force, and for the one that holds for every lead.
    """
    drafts.lock_the_order()
    found = _locked(agreement)
    if not any(signatories.leads_side(by, side) for side in Side):
        raise Refused(_("Only managers of marketing and sales end an agreement."))
    if found.status != Status.ACTIVE:
        raise Refused(_("Only what is in force can be ended; this version is: %(status)s.") % _status(found))
    rest = Agreement.objects.filter(status=Status.ACTIVE, scope__isnull=True).exclude(pk=found.pk)
    if not rest.exists():
        raise Refused(_("This agreement is the one that holds for every lead. Sign a new version of it instead."))
    found.status, found.in_force_until = Status.ENDED, now
    found.save(update_fields=["status", "in_force_until"])
    named = Agreement.objects.filter(status=Status.ACTIVE, definition=found.definition)
    if not named.exists():
        _end_definition(found.definition, at=now)
    agreement_notices.ended(found, by=by, now=now)
    return found


# --- another score model


@transaction.atomic
def propose_score_model(model: ScoreModel, *, by: User, now: datetime) -> list[Agreement]:
    """Ask both sides for the version of each agreement in force that differs in its score model only.

    Each side signs by one click, and the model counts from the moment when both have. Under a provisional agreement it
    counts at once, from this moment: nobody signed what it says.

    Args:
        model: a published score model.
        by: a manager of either side, or operations.
        now: the moment.

    Returns:
        The proposals; none where only a provisional agreement is in force, or all count by this model already.

    Raises:
        Refused: for other people, and for a model that is not published.
    """
    drafts.lock_the_order()
    _may_draft(by)
    if model.status != ScoreModel.Status.PUBLISHED:
        raise Refused(_("Only a published score model can be agreed on. Publish it first."))
    proposals = []
    for active in Agreement.objects.filter(status=Status.ACTIVE).select_for_update(of=("self",)).order_by("position"):
        if active.definition.score_model_id == model.pk:
            continue
        if active.is_provisional:
            _count_at_once(active, model, now=now)
        else:
            proposals.append(_propose_model(active, model, by=by, now=now))
    return proposals


def _count_at_once(provisional: Agreement, model: ScoreModel, *, now: datetime) -> None:
    before = provisional.definition
    provisional.definition = _with_model(provisional, model, now=now)
    provisional.save(update_fields=["definition"])
    if not Agreement.objects.filter(status=Status.ACTIVE, definition=before).exists():
        _end_definition(before, at=now)
    put_in_force(provisional.definition, from_=now)


def _propose_model(active: Agreement, model: ScoreModel, *, by: User, now: datetime) -> Agreement:
    versions = Agreement.objects.filter(series=active.series)
    for earlier in versions.filter(status=Status.PROPOSED, changes_score_model_only=True):
        take_back(earlier, by=by, now=now)
    draft = drafting.copied(active, by=by, now=now)
    draft.version = (versions.aggregate(latest=Max("version"))["latest"] or 0) + 1
    draft.based_on, draft.changes_score_model_only = active, True
    draft.why = _("The score model “%(name)s”, version %(number)d, was published.") % {
        "name": model.name,
        "number": model.version,
    }
    draft.save(force_insert=True)
    drafting.copy_promises(active, draft)
    draft.definition = _with_model(draft, model, now=now)
    draft.save(update_fields=["definition"])
    return propose(draft, by=by, now=now)


def _with_model(agreement: Agreement, model: ScoreModel, *, now: datetime) -> Definition:
    copied = drafts.copy_of(agreement.definition, draft=agreement)
    Definition.objects.filter(pk=copied.pk).update(score_model=model, created_at=now)
    copied.refresh_from_db()
    return copied


# --- what all share


def _locked(agreement: Agreement) -> Agreement:
    return Agreement.objects.select_for_update().get(pk=agreement.pk)


def _may_draft(by: User) -> None:
    try:
        drafts.may_draft(by)
    except drafts.Refused as refused:
        raise Refused(str(refused)) from None


def _status(agreement: Agreement) -> dict[str, str]:
    return {"status": str(agreement.get_status_display()).lower()}
