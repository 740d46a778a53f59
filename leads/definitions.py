"""Which definition of qualified, and so which score model, applies to a lead at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, IntegerField, Q, Value, When

from leads import conditions
from leads.models import Definition, Lead, ScoreModel


def in_force(*, now: datetime) -> list[Definition]:
    """Return the definitions in force at a moment, in the order in which they are tried, with their models."""
    return list(Definition.objects.in_force(now=now).select_related("score_model"))


def applying(definitions: Sequence[Definition], *, now: datetime) -> Case:
    """Return the id of the first of some definitions whose scope holds, as an expression on leads; null for none."""
    whens = [
        When(conditions.compile(each.scope, now=now).holds, then=Value(each.pk)) for each in _until_all(definitions)
    ]
    return Case(*whens, default=None, output_field=IntegerField())


def definition_for(lead: Lead, *, now: datetime) -> Definition | None:
    """Return the definition that a lead is judged by at a moment; None where none in force covers it."""
    definitions = _until_all(in_force(now=now))
    if len(definitions) == 1 and definitions[0].scope is None:
        return definitions[0]
    if not definitions:
        return None
    which = Lead.objects.filter(pk=lead.pk).values_list(applying(definitions, now=now), flat=True).first()
    return next((each for each in definitions if each.pk == which), None)


def put_in_force(definition: Definition, *, from_: datetime, until: datetime | None = None) -> None:
    """Let a definition hold from a moment on.

    Args:
        definition: one of its kind; its place in the order and its scope are its own.
        from_: from when leads are judged by it.
        until: when it ends; None while nobody said.
    """
    Definition.objects.filter(pk=definition.pk).update(in_force_from=from_, in_force_until=until)
    definition.in_force_from, definition.in_force_until = from_, until


@dataclass(frozen=True)
class Counting:
    """A score model and the leads whose score it counts for; `leads` is None where that is all."""

    model: ScoreModel
    leads: Q | None


def counting(*, now: datetime) -> list[Counting]:
    """Return the score models that count at a moment.

    A lead is scored by the model that its definition was signed with; without a definition by the published one.
    Every lead is covered by at most one of them.
    """
    definitions = _until_all(in_force(now=now))
    published = ScoreModel.objects.filter(status=ScoreModel.Status.PUBLISHED).first()
    models = {each.score_model_id: each.score_model for each in definitions}
    covers_all = bool(definitions) and definitions[-1].scope is None
    if published is not None and not covers_all:
        models.setdefault(published.pk, published)
    if len(models) == 1 and (covers_all or published is not None):
        return [Counting(model, None) for model in models.values()]
    return [_counting_by_scope(model, definitions, published, now=now) for model in models.values()]


def _counting_by_scope(
    model: ScoreModel, definitions: Sequence[Definition], published: ScoreModel | None, *, now: datetime
) -> Counting:
    which = Case(
        *(When(conditions.compile(each.scope, now=now).holds, then=Value(each.score_model_id)) for each in definitions),
        default=None if published is None else Value(published.pk),
        output_field=IntegerField(),
    )
    return Counting(model, Q(conditions.Compare(which, "=", Value(model.pk))))


def _until_all(definitions: Sequence[Definition]) -> list[Definition]:
    """Drop what stands behind a definition for every lead: it can never apply."""
    kept: list[Definition] = []
    for each in definitions:
        kept.append(each)
        if each.scope is None:
            break
    return kept
