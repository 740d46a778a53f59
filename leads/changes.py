"""The history of a lead in words: what the database's triggers recorded, and merges. Reads only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils.dateformat import format as format_date
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.models import Company, Lead, Merge, Stage
from leadsla.accounts.models import Team, User

LABELS: dict[str, str | Promise] = {
    "stage": gettext_lazy("Stage"),
    "owner_id": gettext_lazy("Marketer"),
    "team_id": gettext_lazy("Team"),
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "company_id": gettext_lazy("Company"),
    "recycled_until": gettext_lazy("Rests until"),
    "blocked_at": gettext_lazy("Blocked"),
    "merged_into_id": gettext_lazy("Merged into"),
}


@dataclass(frozen=True)
class Change:
    """One act that changed a lead.

    Attributes:
        at: when it was true; of a stage, when the lead came into it.
        by: who did it; "" when it happened by itself.
        lines: what changed, one sentence each.
    """

    at: datetime
    by: str
    lines: tuple[str, ...]


class _Names:
    """Names of what events refer to by id, fetched at once."""

    def __init__(self, events: Iterable[Any]) -> None:
        rows = list(events)
        people = {row.owner_id for row in rows} | {_author(row) for row in rows}
        self.people = {pk: str(user) for pk, user in User.objects.in_bulk(people - {None}).items()}
        self._of: dict[str, Mapping[int, Any]] = {
            "owner_id": self.people,
            "team_id": Team.objects.in_bulk({row.team_id for row in rows} - {None}),
            "company_id": Company.objects.in_bulk({row.company_id for row in rows} - {None}),
            "merged_into_id": Lead.objects.in_bulk({row.merged_into_id for row in rows} - {None}),
        }

    def of(self, field: str, value: Any) -> str:
        """Write a value as people read it; "" for nothing."""
        if value in (None, ""):
            return ""
        if field in self._of:
            return str(self._of[field].get(value, _("somebody or something that is gone")))
        if field == "stage":
            return str(Stage(value).label)
        if isinstance(value, datetime):
            return format_date(localtime(value), "D j M Y")
        return str(value)


def _author(event: Any) -> int | None:
    context = event.pgh_context
    user = context.metadata.get("user") if context is not None else None
    return user if isinstance(user, int) else None


def _sentence(field: str, before: str, after: str) -> str:
    words = {"label": LABELS[field], "before": before, "after": after}
    if not after:
        return _("%(label)s: %(before)s removed") % words
    return _("%(label)s: %(before)s → %(after)s") % words if before else _("%(label)s: %(after)s") % words


def _between(before: Any, after: Any, names: _Names) -> tuple[str, ...]:
    found = []
    for field in LABELS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            found.append(_sentence(field, names.of(field, old), names.of(field, new)))
    return tuple(found)


def of_lead(lead: Lead, *, limit: int = 200) -> list[Change]:
    """Return what changed of a lead, newest first.

    Args:
        lead: whose history.
        limit: how many recorded events are read at most, the newest.

    Returns:
        Changes of stage, marketer, team, contact and company, resting and blocking, and merges. Times of stages are
        those at which they were true, the rest when they were written.
    """
    event_model = apps.get_model("leads", "LeadEvent")
    newest = event_model._default_manager.filter(pgh_obj=lead.pk).select_related("pgh_context").order_by("-pgh_id")
    events: list[Any] = list(newest[: limit + 1])[::-1]
    names = _Names(events)
    found = []
    for before, after in itertools.pairwise(events):
        lines = _between(before, after, names)
        if lines:
            at = after.stage_since if after.stage != before.stage else after.pgh_created_at
            found.append(Change(at, names.people.get(_author(after) or 0, ""), lines))
    if events and events[0].pgh_label == "created":
        author = names.people.get(_author(events[0]) or 0, "")
        stage = names.of("stage", events[0].stage)
        found.insert(0, Change(lead.created_at, author, (_("Created as %(stage)s") % {"stage": stage},)))
    found += _merges(lead)
    return sorted(found, key=lambda change: change.at, reverse=True)


def _merges(lead: Lead) -> list[Change]:
    found = []
    for merge in Merge.objects.filter(kept=lead).select_related("gone", "merged_by"):
        by = str(merge.merged_by or "")
        found.append(Change(merge.merged_at, by, (_("Merged with %(other)s") % {"other": merge.gone},)))
        if merge.undone_at is not None:
            words = _("The merge with %(other)s was undone") % {"other": merge.gone}
            found.append(Change(merge.undone_at, "", (words,)))
    return found
