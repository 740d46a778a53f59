"""One condition language for criteria, fit rules, scopes, routing and filters; a condition compiles to a pair of Qs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, DateTimeField, Exists, F, FloatField, Func, OuterRef, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import condition_parts as parts
from leads.condition_parts import Condition, ConditionError, field_of, fields, validate
from leads.fields import FIELDS, OPS, Field, Kind, facts, value_in_words, value_of
from leads.models import Interaction, InteractionKind

__all__ = [
    "FIELDS",
    "OPS",
    "Condition",
    "ConditionError",
    "Field",
    "Kind",
    "Pair",
    "compile",
    "facts",
    "field_of",
    "fields",
    "in_words",
    "validate",
    "value_in_words",
    "value_of",
]

Target = Literal["lead", "pack"]


@dataclass(frozen=True)
class Pair:
    """For which rows a condition holds, and for which it fails. Where the answer is unknown, neither is true."""

    holds: Q
    fails: Q


class Compare(Func):
    """`left op right` as SQL has it: null where a side is null, in a filter and under NOT alike."""

    template = "(%(expressions)s)"

    def __init__(self, left: Combinable, op: str, right: Combinable) -> None:
        super().__init__(left, right, arg_joiner=f" {op} ", output_field=BooleanField())


class _Each(Func):
    function = "ANY"


class _Every(Func):
    function = "ALL"


class _Lowered(Func):
    """Fold an array of texts by the database's own rules, so that both sides of a comparison are folded alike."""

    template = "ARRAY(SELECT lower(t) FROM unnest(%(expressions)s::text[]) AS t)"
    output_field = ArrayField(TextField())


class _Lower(Func):
    function = "LOWER"
    output_field = TextField()


class _Known(Func):
    """Make empty text null: nobody told."""

    function = "NULLIF"
    template = "NULLIF(%(expressions)s, '')"
    output_field = TextField()


class _NumberOfJson(Func):
    """Read a number out of JSON; null where something else stands there."""

    template = "(CASE WHEN jsonb_typeof(%(expressions)s) = 'number' THEN (%(expressions)s)::text::float8 END)"
    output_field = FloatField()

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql, params = super().as_sql(*args, **kwargs)
        return sql, [*params, *params]


class _MomentOfJson(Func):
    """Read a moment out of JSON text; null where the text does not begin like one."""

    template = r"(CASE WHEN %(expressions)s ~ '^\d{4}-\d\d-\d\d' THEN (%(expressions)s)::timestamptz END)"
    output_field = DateTimeField()

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql, params = super().as_sql(*args, **kwargs)
        return sql, [*params, *params]


_TRUE = Q(Value(True, output_field=BooleanField()))
_FALSE = Q(Value(False, output_field=BooleanField()))
EVERY_LEAD = Pair(_TRUE, _FALSE)
_UNKNOWN = Pair(_FALSE, _FALSE)


def compile(condition: Condition, *, now: datetime, target: Target = "lead") -> Pair:  # noqa: A001  # as in the design
    """Compile a condition to a filter on leads, or on the rounds of handoffs by the facts of their packs.

    Args:
        condition: JSON of the language; None holds for every lead.
        now: the moment that `within_days` counts back from. Of packs, it is the moment at which the round was opened.
        target: what the Qs filter: `Lead` rows, or `Round` rows through `pack.facts`, which has the same keys.

    Returns:
        A pair that can be used in `filter`, in `When` and beside other Qs. Never negate one half: take the other.

    Raises:
        ConditionError: the condition means nothing.
    """
    return _compiled(parts.read(condition), _Context(now=now, of_packs=target == "pack"))


@dataclass(frozen=True)
class _Context:
    now: datetime
    of_packs: bool

    @property
    def moment(self) -> Combinable:
        return F("opened_at") if self.of_packs else Value(self.now, output_field=DateTimeField())


def _compiled(part: parts.Part, context: _Context) -> Pair:
    if isinstance(part, parts.Everything):
        return EVERY_LEAD
    if isinstance(part, parts.Not):
        inner = _compiled(part.part, context)
        return Pair(inner.fails, inner.holds)
    if isinstance(part, parts.AllOf | parts.AnyOf):
        pairs = [_compiled(each, context) for each in part.parts]
        all_hold, any_fails = _and(pair.holds for pair in pairs), _or(pair.fails for pair in pairs)
        if isinstance(part, parts.AllOf):
            return Pair(all_hold, any_fails)
        return Pair(_or(pair.holds for pair in pairs), _and(pair.fails for pair in pairs))
    return _did(part, context) if isinstance(part, parts.Did) else _compared(part, context)


def _and(qs: Any) -> Q:
    joined = _TRUE
    for q in qs:
        joined = q if joined is _TRUE else joined & q
    return joined


def _or(qs: Any) -> Q:
    joined = _FALSE
    for q in qs:
        joined = q if joined is _FALSE else joined | q
    return joined


def _did(part: parts.Did, context: _Context) -> Pair:
    lead, moment = ("handoff__lead_id", OuterRef("opened_at")) if context.of_packs else ("pk", Value(context.now))
    done = Interaction.objects.filter(lead=OuterRef(lead), kind__in=part.kinds, occurred_at__lte=moment).order_by()
    if part.within_days is not None:
        done = done.filter(occurred_at__gte=moment - timedelta(days=part.within_days))
    # The n-th row exists when there are at least n: still an Exists, and the index is left after n rows.
    least = Exists(done[part.at_least - 1 : part.at_least] if part.at_least > 1 else done)
    pair = Pair(Q(least), Q(~least))  # EXISTS is never null, so that its negation is safe
    if context.of_packs:
        opened = Q(opened_at__isnull=False)
        return Pair(opened & pair.holds, opened & pair.fails)
    return pair


def _compared(part: parts.Asked, context: _Context) -> Pair:
    if context.of_packs and part.field.is_personal and part.op not in {"filled", "empty"}:
        return _UNKNOWN  # the pack's facts hold no more of a person than that something is known
    return _COMPARE[part.field.kind](part, context)


def _json(field: Field) -> KeyTransform:
    return KeyTransform(field.key, KeyTransform("facts", "pack"))


def _json_text(field: Field, context: _Context) -> Combinable:
    if context.of_packs:
        return KeyTextTransform(field.key, KeyTransform("facts", "pack"))
    return KeyTextTransform(field.path.removeprefix("own__"), "own")


def _both(left: Combinable, op: str, opposite: str, right: Combinable) -> Pair:
    return Pair(Q(Compare(left, op, right)), Q(Compare(left, opposite, right)))


def _text(part: parts.Asked, context: _Context) -> Pair:
    is_column = not context.of_packs and not part.field.path.startswith("own__")
    known = _Known(F(part.field.path) if is_column else _json_text(part.field, context))
    if part.op in {"filled", "empty"}:
        filled = _presence(known)
        return filled if part.op == "filled" else Pair(filled.fails, filled.holds)
    left = _Lower(known)
    if part.op in parts.WITH_LIST:
        values = _Lowered(Value(list(part.value), output_field=ArrayField(TextField())))
        pair = Pair(Q(Compare(left, "=", _Each(values))), Q(Compare(left, "<>", _Every(values))))
    else:
        value = _Lower(Value(part.value, output_field=TextField()))
        if part.op in {"is", "is_not"}:
            pair = _both(left, "=", "<>", value)
        else:
            place = Func(left, value, function="STRPOS", output_field=FloatField())
            if part.op == "contains":
                return _both(place, ">", "=", Value(0))
            return _both(place, "=", "<>", Value(1))
    return Pair(pair.fails, pair.holds) if part.op in {"is_not", "not_in"} else pair


class _IsKnown(Func):
    template = "(%(expressions)s IS NOT NULL)"
    output_field = BooleanField()


class _IsUnknown(Func):
    template = "(%(expressions)s IS NULL)"
    output_field = BooleanField()


def _presence(value: Combinable) -> Pair:
    return Pair(Q(_IsKnown(value)), Q(_IsUnknown(value)))


def _number(part: parts.Asked, context: _Context) -> Pair:
    left: Combinable = _NumberOfJson(_json(part.field)) if context.of_packs else F(part.field.path)
    if part.op in {"filled", "empty"}:
        filled = _presence(left)
        return filled if part.op == "filled" else Pair(filled.fails, filled.holds)
    if part.op == "between":
        low, high = (
            _both(left, op, not_op, Value(n))
            for op, not_op, n in zip((">=", "<="), ("<", ">"), part.value, strict=True)
        )
        return Pair(low.holds & high.holds, low.fails | high.fails)
    op, opposite = {"eq": ("=", "<>"), "gte": (">=", "<"), "lte": ("<=", ">")}[part.op]
    return _both(left, op, opposite, Value(part.value))


def midnight(day: date) -> datetime:
    """Return the moment with which a day begins in the portal's zone."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(settings.TIME_ZONE))


def _date(part: parts.Asked, context: _Context) -> Pair:
    left: Combinable = _MomentOfJson(_json_text(part.field, context)) if context.of_packs else F(part.field.path)
    if part.op == "before":
        return _both(left, "<", ">=", Value(midnight(part.value)))
    if part.op == "after":
        return _both(left, ">=", "<", Value(midnight(part.value + timedelta(days=1))))
    since = _both(left, ">=", "<", cast("Combinable", context.moment - timedelta(days=part.value)))
    until = _both(left, "<=", ">", context.moment)
    return Pair(since.holds & until.holds, since.fails | until.fails)


def _bool(part: parts.Asked, context: _Context) -> Pair:
    if context.of_packs:
        told = _json_text(part.field, context)
        pair = _both(told, "=", "<>", Value("true", output_field=TextField()))
    else:
        pair = _presence(F(part.field.path))
    return pair if part.op == "is_true" else Pair(pair.fails, pair.holds)


_COMPARE: dict[Kind, Callable[[parts.Asked, _Context], Pair]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.BOOL: _bool,
}


# --- words -----------------------------------------------------------------------------------------------------------


def in_words(condition: Condition) -> str:
    """Return a condition as a sentence without a full stop.

    Raises:
        ConditionError: the condition means nothing.
    """
    return _words(parts.read(condition), is_inner=False)


def _words(part: parts.Part, *, is_inner: bool) -> str:  # noqa: PLR0911  # one answer per part
    if isinstance(part, parts.Everything):
        return _("every lead")
    if isinstance(part, parts.Not):
        return _("not (%(what)s)") % {"what": _words(part.part, is_inner=False)}
    if isinstance(part, parts.AllOf | parts.AnyOf):
        if not part.parts:
            return _("every lead") if isinstance(part, parts.AllOf) else _("no lead")
        word = _(" and ") if isinstance(part, parts.AllOf) else _(" or ")
        inner = is_inner or len(part.parts) > 1
        joined = word.join(_words(each, is_inner=inner) for each in part.parts)
        return f"({joined})" if is_inner and len(part.parts) > 1 else joined
    if isinstance(part, parts.Did):
        return _did_words(part)
    said = OPS[part.field.kind][part.op]
    if part.op in parts.WITHOUT_VALUE:
        return f"{part.field.label} {said}"
    if part.op == "within_days":
        days = ngettext("%(n)d day", "%(n)d days", part.value) % {"n": part.value}
        return _("%(field)s is within the last %(days)s") % {"field": part.field.label, "days": days}
    return f"{part.field.label} {said} {_value_words(part)}"


def _value_words(part: parts.Asked) -> str:
    if isinstance(part.value, date):
        return date_format(part.value, "j M Y")
    if part.op == "between":
        return _("%(low)s and %(high)s") % {"low": f"{part.value[0]:g}", "high": f"{part.value[1]:g}"}
    if isinstance(part.value, int | float):
        return f"{part.value:g}" if abs(part.value) < 1e6 else f"{part.value}"
    choices = part.field.choices or {}
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    return ", ".join(str(choices.get(value, value)) for value in values)


def _did_words(part: parts.Did) -> str:
    kinds = get_text_list([f"“{InteractionKind(kind).label}”" for kind in part.kinds], _("or"))
    times = "" if part.at_least == 1 else _(" at least %(n)d times") % {"n": part.at_least}
    days = part.within_days
    within = "" if days is None else ngettext(" in the last day", " in the last %(n)d days", days) % {"n": days}
    return _("the lead did %(kinds)s%(times)s%(within)s") % {"kinds": kinds, "times": times, "within": within}
