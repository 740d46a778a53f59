"""Make two leads one person, and take that back exactly: which rows move, what the kept lead takes over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pghistory.models
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, Max, OuterRef, Q, UniqueConstraint
from django.utils.translation import gettext as _

from leads import qualification, scoring, stages
from leads.facts import FACTS
from leads.keys import lock, lock_key
from leads.models import DuplicateProposal, Identity, Interaction, Lead, Merge, Origin, Stage
from leadsla.accounts.models import User

# Of two leads that are one person, the one that came further says where the person stands.
_FURTHER = (
    Stage.INQUIRY,
    Stage.NURTURING,
    Stage.DISQUALIFIED,
    Stage.LOST,
    Stage.QUALIFIED,
    Stage.HANDED_OVER,
    Stage.ACCEPTED,
    Stage.OPPORTUNITY,
    Stage.CUSTOMER,
)
_WITH_STAGE = (
    "qualified_at",
    "qualified_until",
    "qualified_by_id",
    "door",
    "temperature",
    "recycled_until",
    "recycled_because",
    "previous_owner_id",
    "engagement_since",
    "disqualified_because",
)
_EARLIEST = ("unsubscribed_at", "suppressed_at", "blocked_at")
_FIRST_TOUCH = ("captured_at", "captured_is_date", "first_source_id", "first_campaign_id")
_LAST_TOUCH = ("last_source_id", "last_campaign_id")
_FILLED = (*FACTS, "name_key", "email_kind", "company_id", "excluded_because")
# What follows from the rest and is computed again, and what no merge touches.
_NOT_KEPT = {"id", "public_id", "created_at", "merged_into_id", *scoring.COLUMNS}
_PROPOSALS = "resolved proposals"


class MergeRefused(Exception):  # noqa: N818  # a refusal is an answer
    """The two leads cannot be merged, or a merge cannot be taken back; the text says why and what to do."""


def further(one: Lead, other: Lead) -> Lead:
    """Return which of two leads came further; of two that came as far, the older one."""
    return max(one, other, key=lambda lead: (_FURTHER.index(Stage(lead.stage)), -lead.pk))


# --- merge -----------------------------------------------------------------------------------------------------------


def merge(kept: Lead, gone: Lead, *, by: User | None, now: datetime) -> Merge:
    """Make two leads one: everything of the second becomes the first's, and the second leads to the first.

    Args:
        kept: the lead that stays; its facts win, the other's fill the gaps.
        gone: the lead that is merged into it.
        by: who says that they are one person.
        now: when.

    Returns:
        The record by which it can be taken back.

    Raises:
        MergeRefused: they cannot be one now, for instance because sales works on both.
    """
    try:
        with transaction.atomic():
            return _merge(kept.pk, gone.pk, by=by, now=now)
    except IntegrityError as error:
        raise MergeRefused(_in_words(error)) from error


def _merge(kept_id: int, gone_id: int, *, by: User | None, now: datetime) -> Merge:
    kept, gone = _locked(kept_id, gone_id)
    if kept.pk == gone.pk:
        raise MergeRefused(_("These are one lead already."))
    for lead in (kept, gone):
        if lead.merged_into_id is not None:
            raise MergeRefused(_("%(lead)s was merged into another lead already.") % {"lead": lead})
    before = _columns(kept)
    changes = _taken_over(kept, gone)
    moved = {_name(field): _move(field, kept, gone) for field in _references()}
    moved[_PROPOSALS] = _resolve_proposals(kept, gone, by=by, now=now)
    Lead.objects.filter(pk=gone.pk).update(merged_into=kept)
    _write(kept, changes)
    _judge_again(kept, now=now)
    after = _columns(Lead.objects.get(pk=kept.pk))
    return Merge.objects.create(
        kept=kept,
        gone=gone,
        moved={name: ids for name, ids in moved.items() if ids},
        kept_before={name: [value, after[name]] for name, value in before.items() if value != after[name]},
        gone_before={"merged_into_id": None},
        merged_at=now,
        merged_by=by,
    )


def _locked(*ids: int) -> list[Lead]:
    """Lock leads against arrivals and each other, and return them as they are now."""
    keys = Identity.objects.filter(lead__in=ids).values_list("kind", "system", "value")
    lock(lock_key(*key) for key in keys)
    rows = {lead.pk: lead for lead in Lead.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))}
    return [rows[pk] for pk in ids]


def _references() -> Iterator[models.ForeignKey[Any, Any]]:
    """Yield every foreign key to a lead, also those without a name there; history and merges stay as they are."""
    for relation in Lead._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        model = relation.related_model
        if not issubclass(model, pghistory.models.Event | Merge):
            yield relation.field


def _name(field: models.ForeignKey[Any, Any]) -> str:
    return f"{field.model._meta.label}.{field.name}"


def _move(field: models.ForeignKey[Any, Any], kept: Lead, gone: Lead) -> list[int]:
    """Point the rows of one table to the kept lead; what that lead has already stays where it is."""
    rows = field.model._base_manager.filter(**{field.name: gone})
    if field.model._meta.app_label == Lead._meta.app_label:
        rows = rows.exclude(_twins(field, kept))
    if field.model is DuplicateProposal:
        rows = rows.exclude(lead__in=(kept, gone), other__in=(kept, gone))
    ids = sorted(rows.values_list("pk", flat=True))
    field.model._base_manager.filter(pk__in=ids).update(**{field.name: kept})
    return ids


def _twins(field: models.ForeignKey[Any, Any], kept: Lead) -> Q:
    """Return the filter for rows that the kept lead has in the same words."""
    same = Q(pk__in=())
    for constraint in field.model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and field.name in constraint.fields:
            others = {name: OuterRef(name) for name in constraint.fields if name != field.name}
            condition = constraint.condition or Q()
            twins = field.model._base_manager.filter(condition, **{field.name: kept}, **others)
            same |= condition & Q(Exists(twins)) if constraint.condition else Q(Exists(twins))
    return same


def _resolve_proposals(kept: Lead, gone: Lead, *, by: User | None, now: datetime) -> list[int]:
    pair = DuplicateProposal.objects.filter(lead__in=(kept, gone), other__in=(kept, gone), resolution="open")
    ids = sorted(pair.values_list("pk", flat=True))
    DuplicateProposal.objects.filter(pk__in=ids).update(
        resolution=DuplicateProposal.Resolution.MERGED, resolved_at=now, resolved_by=by
    )
    return ids


def _taken_over(kept: Lead, gone: Lead) -> dict[str, Any]:
    """Return the columns that the kept lead takes from the other, by attribute."""
    found = {name: getattr(gone, name) for name in _FILLED if getattr(kept, name) in {"", None}}
    proofs = {name: gone.fact_sources[name] for name in found if name in gone.fact_sources}
    found["fact_sources"] = {**kept.fact_sources, **proofs}
    found["own"] = {**gone.own, **kept.own}
    for name in _EARLIEST:
        moments = [moment for moment in (getattr(kept, name), getattr(gone, name)) if moment is not None]
        found[name] = min(moments, default=None)
    if gone.captured_at and (kept.captured_at is None or gone.captured_at < kept.captured_at):
        found |= {name: getattr(gone, name) for name in _FIRST_TOUCH}
    if _touched_last(gone, kept):
        found |= {name: getattr(gone, name) for name in _LAST_TOUCH}
    if kept.owner_id is None and kept.team_id is None:
        found |= {"owner_id": gone.owner_id, "team_id": gone.team_id}
    if gone.origin == Origin.LIVE:
        found["origin"] = Origin.LIVE
    if _FURTHER.index(Stage(gone.stage)) > _FURTHER.index(Stage(kept.stage)):
        found |= {name: getattr(gone, name) for name in ("stage", "stage_since", *_WITH_STAGE)}
    return found


def _touched_last(one: Lead, other: Lead) -> bool:
    """Tell whether a lead was last touched by a source or campaign later than another."""
    placed = Interaction.objects.exclude(source=None, campaign=None).filter(lead__in=(one, other)).order_by()
    last = dict(placed.values_list("lead").annotate(at=Max("occurred_at")))
    return one.pk in last and (other.pk not in last or last[one.pk] > last[other.pk])


def _write(lead: Lead, columns: Mapping[str, Any]) -> None:
    """Write columns; a stage goes through the one place that writes stages, with its moment."""
    plain = {name: value for name, value in columns.items() if name not in {"stage", "stage_since"}}
    rows = Lead.objects.filter(pk=lead.pk)
    if "stage" in columns and stages.move(rows, to=Stage(columns["stage"]), now=columns["stage_since"], **plain):
        return
    if plain:
        rows.update(**plain)


def _judge_again(*leads: Lead, now: datetime) -> None:
    ids = [lead.pk for lead in leads]
    scoring.score(ids, now=now, touch=True)  # interactions changed hands
    qualification.judge(ids, now=now)


def _columns(lead: Lead) -> dict[str, Any]:
    """Return a lead's columns as JSON holds them."""
    found = {}
    for field in Lead._meta.concrete_fields:
        if field.attname not in _NOT_KEPT:
            value = getattr(lead, field.attname)
            found[field.attname] = value.isoformat() if isinstance(value, datetime) else value
    return found


def _in_words(error: IntegrityError) -> str:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if constraint.startswith("one_open_handoff"):
        return _("Both are with sales right now. Wait for one decision, or withdraw one handoff; then merge them.")
    if constraint.startswith("a_lead_"):
        return _("Both wait in a release plan. Stop one plan, or wait until one of them is released; then merge them.")
    return _("The two leads have rows that cannot stand side by side (%(constraint)s).") % {"constraint": constraint}


# --- undo ------------------------------------------------------------------------------------------------------------


def undo(merge: Merge, *, now: datetime) -> None:
    """Take a merge back: exactly the rows that it moved and the columns that it changed. Later arrivals stay.

    Args:
        merge: what is taken back.
        now: when.

    Raises:
        MergeRefused: it was taken back already, or what it moved changed since.
    """
    try:
        with transaction.atomic():
            _undo(merge, now=now)
    except IntegrityError as error:
        raise MergeRefused(_in_words(error)) from error


def _undo(merge: Merge, *, now: datetime) -> None:
    kept, gone = _locked(merge.kept_id, merge.gone_id)
    record = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    if record.undone_at is not None:
        raise MergeRefused(_("This merge was taken back already."))
    if kept.merged_into_id is not None:
        raise MergeRefused(
            _("%(lead)s was merged into another lead since. Take that merge back first.") % {"lead": kept}
        )
    _check_columns(record, kept)
    for field in _references():
        _move_back(field, record.moved.get(_name(field), []), kept, gone)
    DuplicateProposal.objects.filter(pk__in=record.moved.get(_PROPOSALS, [])).update(
        resolution=DuplicateProposal.Resolution.OPEN, resolved_at=None, resolved_by=None
    )
    Lead.objects.filter(pk=gone.pk).update(merged_into=None)
    _write(kept, {name: _as_stored(name, before) for name, (before, _after) in record.kept_before.items()})
    record.undone_at = now
    record.save(update_fields=["undone_at"])
    _judge_again(kept, gone, now=now)
    merge.undone_at = now


def _check_columns(record: Merge, kept: Lead) -> None:
    """Refuse where somebody changed what the merge wrote: nobody's later work is overwritten."""
    now_there = _columns(kept)
    changed = [name for name, (_before, after) in record.kept_before.items() if now_there[name] != after]
    changed = [name for name in changed if name not in {"fact_sources", "stage_since"}]
    if changed:
        labels = ", ".join(str(_field(name).verbose_name) for name in changed)
        raise MergeRefused(
            _("%(lead)s changed since the merge (%(labels)s), so it cannot be taken back.")
            % {"lead": kept, "labels": labels}
        )


def _move_back(field: models.ForeignKey[Any, Any], ids: list[int], kept: Lead, gone: Lead) -> None:
    if not ids:
        return
    rows = field.model._base_manager.filter(pk__in=ids, **{field.name: kept})
    if rows.update(**{field.name: gone}) != len(ids):
        raise MergeRefused(
            _("Some %(rows)s that the merge moved have changed since, so it cannot be taken back.")
            % {"rows": field.model._meta.verbose_name_plural}
        )


def _field(attname: str) -> models.Field[Any, Any]:
    return next(field for field in Lead._meta.concrete_fields if field.attname == attname)


def _as_stored(attname: str, value: Any) -> Any:
    field = _field(attname)
    return value if isinstance(field, models.JSONField | models.ForeignKey) else field.to_python(value)
