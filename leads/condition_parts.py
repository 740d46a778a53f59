"""Read conditions: JSON to typed parts, or words on what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django.utils.translation import gettext as _

from leads.fields import FIELDS, OPS, Field, Kind, find
from leads.models import InteractionKind

Condition = dict[str, Any] | None  # as it is stored: JSON, or null, which holds for every lead
WITHOUT_VALUE = {"filled", "empty", "is_true", "is_false"}
WITH_LIST = {"in", "not_in"}
_DEEPEST = 8
_MOST_PARTS = 200
_MOST_VALUES = 1000


class ConditionError(ValueError):
    """A condition that means nothing; its text says which part and what to write instead."""


def field_of(key: str) -> Field:
    """Return the field of a key; own fields are `own.<id>` and hold text.

    Raises:
        ConditionError: there is no such field.
    """
    field = find(key)
    if field is None:
        raise ConditionError(_("There is no field “%(key)s”. Use one of: %(keys)s.") % _keys(key, FIELDS))
    return field


@dataclass(frozen=True)
class Everything:
    """Holds for every lead."""


@dataclass(frozen=True)
class AllOf:
    """Holds where all parts hold."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class AnyOf:
    """Holds where one of the parts holds."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Not:
    """Holds where the part fails."""

    part: Part


@dataclass(frozen=True)
class Asked:
    """A field is asked; `value` is text, number or day, or a tuple of them, as the op wants it."""

    field: Field
    op: str
    value: Any


@dataclass(frozen=True)
class Did:
    """The lead did one of some kinds of things so often."""

    kinds: tuple[str, ...]
    within_days: int | None
    at_least: int


Part = Everything | AllOf | AnyOf | Not | Asked | Did


def _keys(key: object, known: Mapping[str, object] | Sequence[str]) -> dict[str, str]:
    return {"key": str(key)[:60], "keys": ", ".join(known)}


def read(condition: object) -> Part:
    """Return a condition as typed parts.

    Raises:
        ConditionError: with words that name the part and the way out.
    """
    counted = [0]

    def part_of(part: object, depth: int) -> Part:
        counted[0] += 1
        if depth > _DEEPEST or counted[0] > _MOST_PARTS:
            raise ConditionError(_("The condition is too large: make it flatter or split it."))
        if part is None:
            return Everything()
        if not isinstance(part, dict):
            raise ConditionError(_("“%(part)s” is no condition.") % {"part": str(part)[:60]})
        shape = set(part)
        if shape in ({"all"}, {"any"}):
            ((word, inner),) = part.items()
            if not isinstance(inner, list):
                raise ConditionError(_("“%(word)s” takes a list of conditions.") % {"word": word})
            parts = tuple(part_of(each, depth + 1) for each in inner)
            return AllOf(parts) if word == "all" else AnyOf(parts)
        if shape == {"not"}:
            return Not(part_of(part["not"], depth + 1))
        if shape == {"interactions"}:
            return _read_did(part["interactions"])
        if {"field", "op"} <= shape <= {"field", "op", "value"}:
            return _read_asked(part)
        raise ConditionError(
            _("“%(key)s” is no condition. Use one of: %(keys)s.")
            % _keys(", ".join(map(str, part)), ("all", "any", "not", "field", "interactions"))
        )

    return part_of(condition, 1)


def _read_did(part: object) -> Did:
    if not isinstance(part, dict) or not set(part) <= {"kinds", "within_days", "at_least"}:
        raise ConditionError(_("“interactions” takes kinds, within_days and at_least."))
    kinds = part.get("kinds")
    if not isinstance(kinds, list) or not kinds:
        raise ConditionError(_("“interactions” needs at least one kind."))
    for kind in kinds:
        if kind not in InteractionKind.values:
            raise ConditionError(
                _("There is no kind of interaction “%(key)s”. Use one of: %(keys)s.")
                % _keys(kind, InteractionKind.values)
            )
    within, least = part.get("within_days"), part.get("at_least", 1)
    if within is not None and not _is_whole(within, 1, 36_500):
        raise ConditionError(_("“within_days” is a whole number of days from 1."))
    if not _is_whole(least, 1, 10_000):
        raise ConditionError(_("“at_least” is a whole number from 1."))
    return Did(tuple(kinds), within, least)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _read_asked(part: dict[str, Any]) -> Asked:
    field, op = field_of(str(part["field"])), part["op"]
    if op not in OPS[field.kind]:
        raise ConditionError(
            _("“%(field)s” cannot be asked “%(key)s”. Use one of: %(keys)s.")
            % {"field": field.label, **_keys(op, OPS[field.kind])}
        )
    value = part.get("value")
    if op in WITHOUT_VALUE:
        if value is not None:
            raise ConditionError(_("“%(field)s %(op)s” takes no value.") % {"field": field.label, "op": op})
        return Asked(field, op, None)
    return Asked(field, op, _VALUES[field.kind](field, op, value))


def _wrong(field: Field, what: str) -> ConditionError:
    return ConditionError(_("“%(field)s”: %(what)s") % {"field": field.label, "what": what})


def _text_value(field: Field, op: str, value: object) -> str | tuple[str, ...]:
    texts = value if op in WITH_LIST else [value]
    if not isinstance(texts, list) or not texts or len(texts) > _MOST_VALUES:
        raise _wrong(field, _("give a list of one to %(most)d texts.") % {"most": _MOST_VALUES})
    for text in texts:
        if not isinstance(text, str) or not text or "\x00" in text:
            raise _wrong(field, _("give a text that is not empty."))
        if field.choices and op not in {"contains", "starts_with"} and text not in field.choices:
            raise _wrong(field, _("“%(key)s” is not known. Use one of: %(keys)s.") % _keys(text, field.choices))
    return tuple(texts) if op in WITH_LIST else cast("str", texts[0])


def _number_value(field: Field, op: str, value: object) -> float | tuple[float, float]:
    numbers = value if op == "between" else [value]
    if not isinstance(numbers, list) or len(numbers) != (2 if op == "between" else 1):
        raise _wrong(field, _("“between” takes the lowest and the highest number."))
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e15:
            raise _wrong(field, _("give a number."))
    return (numbers[0], numbers[1]) if op == "between" else cast("float", numbers[0])


def _date_value(field: Field, op: str, value: object) -> int | date:
    if op == "within_days":
        if not _is_whole(value, 1, 36_500):
            raise _wrong(field, _("give a whole number of days from 1."))
        return cast("int", value)
    try:
        day = date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise _wrong(field, _("give a day as 2026-03-31.")) from None
    if not 1900 <= day.year <= 2200:
        raise _wrong(field, _("give a day between 1900 and 2200."))
    return day


_VALUES: dict[Kind, Callable[[Field, str, object], Any]] = {
    Kind.TEXT: _text_value,
    Kind.NUMBER: _number_value,
    Kind.DATE: _date_value,
}


def validate(condition: object, *, of_judgement: bool = False) -> None:
    """Refuse a condition that means nothing.

    Args:
        condition: JSON as a person or an import gave it.
        of_judgement: it belongs to a score rule, a criterion or a definition's scope, and so cannot ask for what
            follows from them.

    Raises:
        ConditionError: with words that name the part and the way out.
    """
    part = read(condition)
    if of_judgement:
        for each in asked(part):
            if each.field.is_judgement:
                raise _wrong(each.field, _("this follows from the score or the definition; it cannot be asked here."))


def asked(part: Part) -> list[Asked]:
    """Return the questions to fields in a part, in its order."""
    if isinstance(part, AllOf | AnyOf):
        return [one for each in part.parts for one in asked(each)]
    if isinstance(part, Not):
        return asked(part.part)
    return [part] if isinstance(part, Asked) else []


def fields(condition: Condition) -> list[Field]:
    """Return the fields that a condition asks for, each once, in its order."""
    return list({each.field.key: each.field for each in asked(read(condition))}.values())
