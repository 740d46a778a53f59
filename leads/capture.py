"""Capture pages: what they ask, in versions, and what becomes of a submission. All of it goes through intake."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import identity, intake
from leads.facts import FACTS, clean
from leads.intake import Refused
from leads.models import CapturePage, CaptureSubmission, CaptureVersion
from leadsla.accounts.models import User
from leadsla.outbox import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ASKABLE = tuple(code for code in FACTS if code not in {"note", "language", "timezone"})
# How visitors are asked where the fact's own name is in the words of those who sell.
_TO_VISITORS: Mapping[str, StrOrPromise] = {
    "seniority": gettext_lazy("Your position"),
    "job_function": gettext_lazy("What you work on"),
    "company_name": gettext_lazy("Your company"),
    "employees": gettext_lazy("People at your company"),
    "need": gettext_lazy("What do you need?"),
    "decision_maker": gettext_lazy("Who decides about it?"),
    "authority": gettext_lazy("What can you decide yourself?"),
    "budget": gettext_lazy("Your budget, or its range"),
    "timeframe": gettext_lazy("When do you need it?"),
}
LARGEST = 64 * 1024  # bytes of a submission
LONGEST_CONSENT = 4000
# Who does not click for so long is not asked again, and what they typed is forgotten.
CONFIRM_WITHIN = timedelta(days=7)
MAILS_APART = timedelta(hours=1)
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?", re.ASCII)
_SIGNER = Signer(salt="leads.capture.confirm")
Outcome = CaptureSubmission.Outcome


@dataclass(frozen=True)
class Asked:
    """One thing that a form asks.

    Attributes:
        fact: a code of `ASKABLE`.
        label: words of the page's own; "" for the usual ones.
        help: what stands under the field.
        is_required: nothing is taken without it.
    """

    fact: str
    label: str = ""
    help: str = ""
    is_required: bool = False

    @property
    def words(self) -> StrOrPromise:
        """What the visitor reads beside the field."""
        return self.label or words_for(self.fact)


def words_for(fact: str) -> StrOrPromise:
    """Return the words in which a fact is asked where a page has none of its own."""
    return _TO_VISITORS.get(fact) or capfirst(FACTS[fact].label)


def asked_by(version: CaptureVersion) -> list[Asked]:
    """Return what a version asks, in its order."""
    return [Asked(**each) for each in version.asked if each["fact"] in FACTS]


def current(page: CapturePage) -> CaptureVersion:
    """Return the version that visitors see now."""
    return page.versions.latest("number")


# --- setting up ------------------------------------------------------------------------------------------------------


def origin(address: str) -> str:
    """Return scheme and host of a website's address, as `https://www.example.com`; "" where it is none."""
    parts = urlsplit(address.strip().lower()) if address.isprintable() and "\\" not in address else None
    if parts is None or parts.username is not None:
        return ""
    host = parts.netloc.encode("idna").decode() if parts.netloc and not parts.netloc.isascii() else parts.netloc
    found = _ORIGIN.fullmatch(f"{parts.scheme}://{host}")
    return found[0] if found else ""


def may_lead_to(address: str, *, sites: Sequence[str]) -> bool:
    """Tell whether a form may send its visitors there: to one of its websites or to the portal."""
    try:
        return origin(address) in {*sites, origin(settings.LEADSLA_URL)} - {""}
    except (ValueError, UnicodeError):
        return False


def save(
    page: CapturePage,
    *,
    asked: Sequence[Asked],
    consent_text: str,
    consent_is_required: bool,
    by: User,
    now: datetime,
) -> CaptureVersion:
    """Keep a capture page; other questions or another consent make its next version.

    Args:
        page: with its own columns as they are to be; a new one, or one that exists.
        asked: what it asks, in this order.
        consent_text: what visitors agree to; "" asks for nothing.
        consent_is_required: nothing is taken without it.
        by: who changes it.
        now: this moment.

    Returns:
        The version that visitors see from now on.

    Raises:
        Refused: nobody could be recognised by what it asks, or it would lead elsewhere.
    """
    _check_page(page, asked, consent_text)
    wanted = {
        "asked": [asdict(each) for each in asked],
        "consent_text": clean(consent_text, is_long=True),
        "consent_is_required": bool(consent_text.strip()) and consent_is_required,
    }
    with transaction.atomic():
        if page._state.adding:
            page.created_by, page.created_at = by, now
        else:
            CapturePage.objects.select_for_update().get(pk=page.pk)
        page.save()
        last = page.versions.order_by("-number").first()
        if last is not None and all(getattr(last, name) == value for name, value in wanted.items()):
            return last
        number = (last.number if last else 0) + 1
        return page.versions.create(number=number, created_by=by, created_at=now, **wanted)


def _check_page(page: CapturePage, asked: Sequence[Asked], consent_text: str) -> None:
    errors: dict[str, str] = {}
    required = {each.fact for each in asked if each.is_required}
    if not ({"email"} <= required or {"phone"} <= required or {"name", "company_name"} <= required):
        errors["asked"] = _(
            "Require the e-mail, the phone, or name and company: without one of them nobody can be recognised again."
        )
    elif page.confirms_email and "email" not in required:
        errors["asked"] = _("Require the e-mail: the link to click is sent to it.")
    if page.redirect_url and not may_lead_to(page.redirect_url, sites=page.sites):
        errors["redirect_url"] = _("Give the full address of a page on one of your websites, and list the website.")
    if len(consent_text) > LONGEST_CONSENT:
        errors["consent_text"] = _("At most %(most)d characters fit here.") % {"most": LONGEST_CONSENT}
    if errors:
        raise Refused(errors)


# --- submissions -----------------------------------------------------------------------------------------------------


def note_robot(page: CapturePage) -> None:
    """Count what a robot sent; nothing of it is kept."""
    CapturePage.objects.filter(pk=page.pk).update(robots_caught=F("robots_caught") + 1)


def take(
    version: CaptureVersion, *, facts: Mapping[str, str], has_agreed: bool, nonce: str, now: datetime
) -> CaptureSubmission:
    """Take what a visitor typed, in one transaction: into intake, or to wait for their click in an e-mail.

    Args:
        version: which form they saw.
        facts: what they typed, by fact; what the form does not ask is left out.
        has_agreed: whether they agreed to its consent text.
        nonce: tells the opened form from others; the same words from it again change nothing.
        now: this moment.

    Returns:
        What was kept, or was before.

    Raises:
        Refused: something is missing or cannot be read; under the fact, or under `consent`.
    """
    page = version.page
    told = {each.fact: facts[each.fact] for each in asked_by(version) if facts.get(each.fact, "").strip()}
    has_agreed = has_agreed and bool(version.consent_text)
    digest = hashlib.sha256(json.dumps([nonce, told, has_agreed], sort_keys=True).encode("utf-8", "replace"))
    made = CaptureSubmission(
        page=page,
        version=version,
        key=digest.hexdigest(),
        has_agreed=has_agreed,
        received_at=now,
        outcome=Outcome.WAITING,
    )
    _check_submission(made, told, now=now)
    with transaction.atomic():
        CaptureSubmission.objects.bulk_create([made], ignore_conflicts=True)
        kept = CaptureSubmission.objects.select_for_update().get(page=page, key=made.key)
        if kept.public_id != made.public_id:
            return kept
        if page.confirms_email:
            _ask_to_confirm(kept, told, now=now)
        else:
            _receive(kept, told, now=now)
    return kept


def _check_submission(submission: CaptureSubmission, told: Mapping[str, str], *, now: datetime) -> None:
    version = submission.version
    errors: dict[str, str] = {}
    try:
        intake.check(_arrival(submission, told), now=now)
    except Refused as refused:
        errors = refused.errors
    for each in asked_by(version):
        if each.is_required and each.fact not in told:
            errors[each.fact] = _("Please fill this in.")
    if version.consent_is_required and not submission.has_agreed:
        errors["consent"] = _("Please agree to this: without it we may not use what you send.")
    if errors:
        raise Refused(errors)


def _arrival(submission: CaptureSubmission, told: Mapping[str, str]) -> intake.Arrival:
    """Return what intake takes: the facts, and as evidence what was agreed to, when, and in which words."""
    page, version = submission.page, submission.version
    data: dict[str, Any] = {"form": page.name, "version": version.number}
    if version.consent_text:
        data["consent"] = {
            "is_given": submission.has_agreed,
            "at": submission.received_at.astimezone(UTC).isoformat(),
            "text": version.consent_text,
            "version": version.number,
        }
    if submission.confirmed_at:
        data["confirmed_at"] = submission.confirmed_at.astimezone(UTC).isoformat()
    return intake.Arrival(
        facts=dict(told),
        source=page.source.code if page.source else None,
        campaign=page.campaign.code if page.campaign else None,
        kind=page.counts_as,  # type: ignore[arg-type]  # a value of the choices
        occurred_at=submission.received_at,
        detail=page.name,
        key=f"capture:{submission.public_id}",
        via="form",
        data=data,
    )


def _receive(submission: CaptureSubmission, told: Mapping[str, str], *, now: datetime) -> None:
    receipt = intake.receive(_arrival(submission, told), now=now, team=submission.page.team)
    submission.lead = receipt.lead
    submission.outcome = Outcome.CREATED if receipt.is_new else Outcome.UPDATED
    submission.facts = {}
    submission.save(update_fields=["lead", "outcome", "facts", "confirmed_at"])


# --- the click in the e-mail -----------------------------------------------------------------------------------------


def _ask_to_confirm(submission: CaptureSubmission, told: Mapping[str, str], *, now: datetime) -> None:
    """Keep what was typed and send the link; nothing that was typed stands in the mail, which may reach a stranger."""
    page = submission.page
    email = identity.normal_email(told["email"])
    submission.facts = {**told, "email": email}
    submission.save(update_fields=["facts"])
    # Nobody's inbox is filled by somebody who types their address again and again: one link confirms all that waits.
    waiting = page.submissions.filter(outcome=Outcome.WAITING, facts__email=email)
    if waiting.filter(received_at__gt=now - MAILS_APART).exclude(pk=submission.pk).exists():
        return
    messages.write_to(
        email,
        event=f"capture:{submission.public_id}:confirm",
        subject=_("Please confirm: %(title)s") % {"title": page.title},
        body=_(
            "Your e-mail address was entered in the form “%(title)s”. Was it you? Then open the address below and "
            "confirm it: only then do we use what you sent.\n\nIf it was not you, do nothing: what was entered is "
            "deleted after %(days)d days."
        )
        % {"title": page.title, "days": CONFIRM_WITHIN.days},
        now=now,
        url=reverse("leads:capture_confirm", args=(_SIGNER.sign(str(submission.public_id)),)),
    )


def to_confirm(token: str, *, now: datetime) -> CaptureSubmission | None:
    """Return the submission that a link belongs to; None where it is forged or too old."""
    try:
        public_id = _SIGNER.unsign(token)
    except BadSignature:
        return None
    found = CaptureSubmission.objects.select_related("page", "version").filter(public_id=public_id).first()
    if found is None or (found.outcome == Outcome.WAITING and now - found.received_at > CONFIRM_WITHIN):
        return None
    return None if found.outcome == Outcome.EXPIRED else found


def confirm(submission: CaptureSubmission, *, now: datetime) -> int:
    """Take in what the owner of an address confirms: all that waits for it under this form.

    Returns:
        How many submissions were taken in; 0 when they were before.
    """
    with transaction.atomic():
        page = CapturePage.objects.select_for_update().get(pk=submission.page_id)
        waiting = page.submissions.select_related("version", "page__source", "page__campaign", "page__team")
        email = submission.facts.get("email")
        same = waiting.filter(outcome=Outcome.WAITING, facts__email=email).order_by("received_at") if email else []
        found = list(same)
        for each in found:
            each.confirmed_at = now
            _receive(each, each.facts, now=now)
    return len(found)


def forget_unconfirmed(*, now: datetime) -> int:
    """Delete what was typed by those who never clicked; returns how many."""
    late = CaptureSubmission.objects.filter(outcome=Outcome.WAITING, received_at__lt=now - CONFIRM_WITHIN)
    return late.update(outcome=Outcome.EXPIRED, facts={})
