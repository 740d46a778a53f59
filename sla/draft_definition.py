"""Change a draft's definition of qualified, in a version of its own: one that was in force never changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from leads.models import Criterion, Definition, ScoreModel
from leadsla.accounts.models import User
from sla.drafts import is_a_number, opened, own_definition, refuse, whole
from sla.models import Agreement

MOST_POINTS = Decimal(9999)
COUNTS = {"interactions_at_least": (0, 100), "valid_days": (1, 365), "asked_within_days": (1, 365)}
Required = tuple[bool, bool]  # by the door of those who asked, by the door of those who were nurtured


class Line(TypedDict, total=False):
    """What of a definition can be changed beside its criteria; see `Definition` for what each means."""

    name: str
    threshold: Decimal
    intent_at_least: Decimal
    interactions_at_least: int
    valid_days: int
    asked_within_days: int
    score_model: ScoreModel


@transaction.atomic
def set_definition(
    draft: Agreement,
    *,
    by: User,
    now: datetime,
    criteria: Mapping[str, Required] | None = None,
    **line: Unpack[Line],
) -> Definition:
    """Change when a lead counts as qualified under a draft; only what is named changes.

    Args:
        draft: the draft.
        by: who changes it.
        now: the moment.
        criteria: by code, whether the first and the second door require it; a criterion that is left out is recorded
            and required by none. None leaves all as they are.
        **line: see `Line`.

    Returns:
        The draft's own definition.

    Raises:
        drafts.Refused: naming the field: points or days out of bounds, a score model that is a draft, a criterion that
            does not exist, a definition that requires no criterion at all.
    """
    found = opened(draft, by=by)
    if set(line) - set(Line.__annotations__):
        raise TypeError(f"unknown parts of a definition: {', '.join(sorted(set(line) - set(Line.__annotations__)))}")
    values: dict[str, Any] = dict(line)
    if "name" in values:
        values["name"] = str(values["name"]).strip()
    known = {criterion.code: criterion for criterion in found.definition.criteria.all()}
    refuse(_wrong(values) | _wrong_criteria(criteria, known))
    if not _differs(found.definition, values, criteria, known):
        return found.definition
    definition = own_definition(found)
    for name, value in values.items():
        setattr(definition, name, value)
    definition.save(update_fields=[*values])
    if criteria is not None:
        for criterion in definition.criteria.all():
            asked, nurtured = criteria.get(criterion.code, (False, False))
            Criterion.objects.filter(pk=criterion.pk).update(required_by_asked=asked, required_by_nurtured=nurtured)
    return definition


def _differs(
    definition: Definition,
    values: Mapping[str, Any],
    criteria: Mapping[str, Required] | None,
    known: Mapping[str, Criterion],
) -> bool:
    if any(getattr(definition, name) != value for name, value in values.items()):
        return True
    return criteria is not None and any(
        (criterion.required_by_asked, criterion.required_by_nurtured) != tuple(criteria.get(code, (False, False)))
        for code, criterion in known.items()
    )


def _wrong(values: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    if "name" in values and not 0 < len(values["name"]) <= 120:
        errors["name"] = _("Give a name of up to 120 characters.")
    for name in ("threshold", "intent_at_least"):
        if name in values and not (is_a_number(values[name]) and 0 <= values[name] <= MOST_POINTS):
            errors[name] = _("Give points from 0 to 9,999.")
    for name, (least, most) in COUNTS.items():
        if name in values:
            errors[name] = whole(values[name], least=least, most=most)
    if "score_model" in values and values["score_model"].status == ScoreModel.Status.DRAFT:
        errors["score_model"] = _("This score model is a draft, and could still change. Publish it first.")
    return {name: problem for name, problem in errors.items() if problem}


def _wrong_criteria(criteria: Mapping[str, Required] | None, known: Mapping[str, Criterion]) -> dict[str, str]:
    if criteria is None:
        required = any(each.required_by_asked or each.required_by_nurtured for each in known.values())
        return {} if required else {"criteria": _without_criteria()}
    unknown = sorted(set(criteria) - set(known))
    if unknown:
        return {"criteria": _("There is no criterion “%(code)s” in this definition.") % {"code": unknown[0]}}
    if not any(any(doors) for doors in criteria.values()):
        return {"criteria": _without_criteria()}
    return {}


def _without_criteria() -> str:
    return _("A definition needs at least one criterion that a door asks for.")
