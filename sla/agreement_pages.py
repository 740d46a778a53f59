"""What the contract page shows: the text with its changes, who signed, what was said, what one may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leadsla.accounts.access import Act, may
from leadsla.accounts.models import Side, User
from sla import difference, signatories
from sla.agreement_forms import CommentForm
from sla.difference import Difference, Part
from sla.models import Agreement, AgreementComment, Signature

Status = Agreement.Status
WITH_ALL = ("calendar", "definition__score_model", "based_on", "proposed_by", "ruling_person")
FOLLOWABLE = (Status.ACTIVE, Status.SIGNED, Status.WITHDRAWN, Status.SUPERSEDED)
SHORT = 12  # figures of a hash that people compare by eye


@dataclass(frozen=True)
class Slot:
    """The place of one side's signature.

    Attributes:
        side, label: whose.
        signature: once it is there.
        may_sign: the reader may sign here now.
        deputy_of: for whom the reader would sign, as a deputy.
    """

    side: str
    label: str
    signature: Signature | None
    may_sign: bool
    deputy_of: User | None


@dataclass(frozen=True)
class Chip:
    """How a version stands, in a word or two."""

    text: str
    icon: str
    is_accent: bool


@dataclass(frozen=True)
class Said:
    """A comment, with the clause that it is about as the page numbers it."""

    comment: AgreementComment
    part: Part | None


def readable(user: User) -> Any:
    """Return the agreements that a person may read: drafts only if they draft themselves."""
    found = Agreement.objects.select_related(*WITH_ALL)
    return found if may(user, Act.DRAFT_AGREEMENTS) else found.exclude(status=Status.DRAFT)


def page(
    agreement: Agreement,
    user: User,
    *,
    now: datetime,
    view: str = "",
    form: CommentForm | None = None,
    refusal: str = "",
) -> dict[str, object]:
    """Return what the contract page of one version shows.

    Args:
        agreement: the version.
        user: who reads.
        now: the moment.
        view: "text" or "changes"; "" for changes while they wait to be signed, else text.
        form: a comment that could not be taken.
        refusal: why the last act was refused.
    """
    before = agreement.based_on
    open_now = agreement.status in {Status.DRAFT, Status.PROPOSED, Status.SIGNED}
    is_compared = before is not None and view != "text" and (view == "changes" or open_now)
    if before is not None and is_compared:
        shown = difference.between(before, agreement, now=now)
    else:
        shown = difference.plain(agreement, now=now)
    slots = slots_of(agreement, user, now=now)
    versions = readable(user).filter(series=agreement.series).order_by("-version")
    clauses = [*shown.of_marketing, *shown.of_sales]
    return {
        "agreement": agreement,
        "shown": shown,
        "before": before,
        "is_compared": is_compared,
        "versions": versions,
        "slots": slots,
        "chip": chip(agreement, slots),
        "hash_start": agreement.text_hash[:SHORT],
        "comments": said_about(agreement, shown),
        "form": form or CommentForm(clauses=clauses),
        "may": _may(agreement, user),
        "elsewhere": [each for each in versions if each.pk != agreement.pk and each.status == Status.PROPOSED],
        "coming": [each for each in versions if each.pk != agreement.pk and each.status == Status.SIGNED],
        "draft": versions.filter(status=Status.DRAFT).exclude(pk=agreement.pk).first(),
        "others": Agreement.objects.in_force(now=now).exclude(series=agreement.series),
        "refusal": refusal,
        "now": now,
    }


def slots_of(agreement: Agreement, user: User, *, now: datetime) -> list[Slot]:
    """Return both places to sign, marketing's first."""
    signatures = {each.side: each for each in agreement.signatures.select_related("signed_by", "deputy_of")}
    pens = signatories.pens(user, on=signatories.day_of(now, agreement.timezone))
    if agreement.status != Status.PROPOSED:
        pens = {}
    slots = []
    for side in Side:
        pen, signature = pens.get(side), signatures.get(side)
        heads_both = all(signatories.leads_side(user, each) for each in Side)
        signed_other = any(each.signed_by_id == user.pk for each in signatures.values())
        may_sign = pen is not None and signature is None and (heads_both or not signed_other)
        slots.append(Slot(side, str(side.label), signature, may_sign, pen.deputy_of if pen else None))
    return slots


def chip(agreement: Agreement, slots: list[Slot]) -> Chip:
    """Say how a version stands, to the person who reads."""
    if agreement.is_provisional and agreement.status == Status.ACTIVE:
        return Chip(_("Provisional: not agreed yet"), "writing-sign", is_accent=False)
    if agreement.status == Status.PROPOSED:
        if any(slot.may_sign for slot in slots):
            return Chip(_("Waiting for your signature"), "signature", is_accent=True)
        missing = [slot.label.lower() for slot in slots if slot.signature is None]
        return Chip(_("Waiting for %(sides)s to sign") % {"sides": _(" and ").join(missing)}, "signature", True)
    if agreement.status == Status.SIGNED and agreement.starts_on is not None:
        words = {"day": date_format(agreement.starts_on, "j M Y")}
        return Chip(_("Signed, in force from %(day)s") % words, "circle-check", is_accent=True)
    if agreement.status == Status.ACTIVE and agreement.in_force_from is not None:
        since = date_format(timezone.localtime(agreement.in_force_from), "j M Y")
        return Chip(_("In force since %(day)s") % {"day": since}, "circle-check", is_accent=False)
    icons = {Status.DRAFT: "pencil", Status.ACTIVE: "circle-check"}
    return Chip(str(agreement.get_status_display()), icons.get(Status(agreement.status), "history"), is_accent=False)


def said_about(agreement: Agreement, shown: Difference) -> list[Said]:
    """Return what was said about a version, in order."""
    parts = {part.key: part for part in [*shown.of_marketing, *shown.of_sales] if part.number}
    comments = agreement.comments.select_related("by", "commitment")
    return [Said(each, parts.get(each.commitment.measure) if each.commitment else None) for each in comments]


def _may(agreement: Agreement, user: User) -> dict[str, bool]:
    drafts = may(user, Act.DRAFT_AGREEMENTS)
    is_draft = agreement.status == Status.DRAFT
    series = Agreement.objects.filter(series=agreement.series, changes_score_model_only=False)
    is_open = series.filter(status__in=(Status.DRAFT, Status.PROPOSED)).exists()
    others = Agreement.objects.filter(status=Status.ACTIVE, scope__isnull=True).exclude(pk=agreement.pk)
    heads = any(signatories.leads_side(user, side) for side in Side)
    return {
        "draft": drafts,
        "edit": drafts and is_draft,
        "take_back": drafts and agreement.status == Status.PROPOSED,
        "start": drafts and not is_open and (agreement.status in FOLLOWABLE or agreement.is_provisional),
        "end": heads and agreement.status == Status.ACTIVE and others.exists(),
        "comment": may(user, Act.COMMENT_AGREEMENTS),
        "name_deputies": may(user, Act.NAME_DEPUTIES),
        "plan": may(user, Act.PLAN),
    }
