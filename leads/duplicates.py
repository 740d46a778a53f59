"""Leads that may be one person: what is proposed, side by side, and what people say of it. Merging is in `merging`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from leads import identity, merging, profile
from leads.models import DuplicateProposal, Identity, Lead, Merge
from leadsla.accounts.models import User
from leadsla.display import day_text, number, score_floor
from leadsla.outbox import messages
from leadsla.outbox.kinds import Kind

FACTS = ("name", "email", "phone", "title", "company_name", "city", "country", "need")
UNDO_SHOWN = timedelta(days=30)

_BROUGHT = [f"{side}__{name}" for side in ("lead", "other") for name in ("owner", "team", "first_source")]

Resolution = DuplicateProposal.Resolution
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One fact of both leads, as text; "" where it is unknown."""

    label: str
    one: str
    other: str

    @property
    def is_same(self) -> bool:
        """Tell whether both are known and the same."""
        return bool(self.one) and self.one.casefold() == self.other.casefold()


@dataclass(frozen=True)
class Pair:
    """A proposal with all that it takes to decide it."""

    proposal: DuplicateProposal
    kept: Lead
    lines: list[Line]


# --- what is proposed ------------------------------------------------------------------------------------------------


def open_for(user: User) -> QuerySet[DuplicateProposal]:
    """Return the open proposals that a person may decide: both leads are seen, one at least is theirs to edit."""
    seen, theirs = Lead.objects.visible_to(user), Lead.objects.editable_by(user)
    rows = DuplicateProposal.objects.filter(
        Q(lead__in=theirs) | Q(other__in=theirs),
        lead__in=seen.living(),
        other__in=seen.living(),
        resolution=Resolution.OPEN,
    )
    return rows.select_related(*_BROUGHT).order_by("-proposed_at", "pk")


def with_lead(lead: Lead) -> Q:
    """Return the filter for proposals that one lead is part of."""
    return Q(lead=lead) | Q(other=lead)


def of_lead(lead: Lead, *, user: User) -> list[tuple[Lead, str]]:
    """Return who a lead may be the same person as, and why; what the person may decide."""
    rows = open_for(user).filter(with_lead(lead))
    return [(row.other if row.lead_id == lead.pk else row.lead, row.why) for row in rows]


def between(one: Lead, other: Lead) -> QuerySet[DuplicateProposal]:
    """Return the proposal of a pair, whichever of them stands first."""
    return DuplicateProposal.objects.filter(Q(lead=one, other=other) | Q(lead=other, other=one))


def propose(one: Lead, other: Lead, *, why: str, now: datetime) -> None:
    """Propose that two leads are one person, also where somebody said before that they are not."""
    reopened = between(one, other).update(resolution=Resolution.OPEN, resolved_at=None, resolved_by=None)
    if not reopened:
        first, second = sorted((one, other), key=lambda lead: lead.pk)
        DuplicateProposal.objects.create(lead=first, other=second, why=why[:120], proposed_at=now)


def named(text: str, *, user: User) -> Lead | None:
    """Find a lead that the person sees by its e-mail or the address of its page; None when there is none."""
    seen = Lead.objects.living().visible_to(user)
    if match := _UUID.search(text):
        return seen.filter(public_id=match[0]).first()
    known = Identity.objects.filter(kind=Identity.Kind.EMAIL, value=identity.normal_email(text))
    return seen.filter(identities__in=known).first()


def pairs(proposals: Iterable[DuplicateProposal], *, now: datetime) -> list[Pair]:
    """Return proposals (of `open_for`, which brings the leads along) side by side, in one more query."""
    rows = list(proposals)
    ids = {pk for row in rows for pk in (row.lead_id, row.other_id)}
    counted = Lead.objects.filter(pk__in=ids).order_by().annotate(n=Count("interactions"))
    acts = dict(counted.values_list("pk", "n"))
    return [
        Pair(row, merging.further(row.lead, row.other), _side_by_side(row.lead, row.other, acts, now=now))
        for row in rows
    ]


def _side_by_side(one: Lead, other: Lead, acts: dict[int, int], *, now: datetime) -> list[Line]:
    def line(label: str, read: Callable[[Lead], object]) -> Line:
        return Line(label, str(read(one) or ""), str(read(other) or ""))

    facts = [line(profile.label(code).capitalize(), attrgetter(code)) for code in FACTS]
    rest = [
        line(_("Stage"), lambda lead: lead.get_stage_display()),
        line(_("Score"), lambda lead: "" if lead.score is None else score_floor(lead.score)),
        line(_("Interactions"), lambda lead: number(acts.get(lead.pk, 0))),
        line(_("First contact"), lambda lead: day_text(lead.captured_at, now) if lead.captured_at else ""),
        line(_("First source"), lambda lead: lead.first_source.name if lead.first_source else ""),
        line(_("Marketer"), lambda lead: lead.owner or lead.team),
    ]
    return [each for each in (*facts, *rest) if each.one or each.other]


# --- what people say of it -------------------------------------------------------------------------------------------


@transaction.atomic
def merge(kept: Lead, gone: Lead, *, by: User, now: datetime) -> Merge:
    """Say that two leads are one person; the other marketer is told.

    Raises:
        MergeRefused: they cannot be one now; the text says why.
    """
    owners = {lead.owner for lead in (kept, gone) if lead.owner is not None and lead.owner != by}
    record = merging.merge(kept, gone, by=by, now=now)
    for owner in owners:
        messages.write(
            event=f"merge:{record.pk}",
            kind=Kind.OTHER,
            recipient=owner,
            subject=_("%(gone)s and %(kept)s are one lead now") % {"gone": gone, "kept": kept},
            body=_("%(by)s merged them. If they are two people, the merge can be taken back.") % {"by": by},
            url=reverse("home:lead", args=(kept.public_id,)),
            now=now,
        )
    return record


def differ(one: Lead, other: Lead, *, by: User, now: datetime) -> bool:
    """Say that two leads are different people; False when somebody decided before."""
    rows = between(one, other).filter(resolution=Resolution.OPEN)
    return bool(rows.update(resolution=Resolution.DIFFERENT, resolved_at=now, resolved_by=by))


def recent_merges(user: User, *, now: datetime) -> QuerySet[Merge]:
    """Return the merges of late that a person may take back, newest first."""
    theirs = Lead.objects.editable_by(user)
    rows = Merge.objects.filter(Q(kept__in=theirs) | Q(gone__in=theirs), undone_at=None, merged_at__gt=now - UNDO_SHOWN)
    return rows.select_related("kept", "gone", "merged_by").order_by("-merged_at", "-pk")
