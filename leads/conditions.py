"""One condition language for criteria, fit rules, scopes, routing and filters; a condition compiles to a pair of Qs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, DateTimeField, Exists, F, FloatField, Func, OuterRef, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads.models import EmailKind, Interaction, InteractionKind, JobFunction, Lead, Seniority, Stage, Temperature

Target = Literal["lead", "pack"]
Condition = dict[str, Any] | None  # as it is stored: JSON, or null, which holds for every lead
_DEEPEST = 8
_MOST_PARTS = 200
_MOST_VALUES = 1000
_OWN = re.compile(r"own\.([a-z0-9_-]{1,40})")


class ConditionError(ValueError):
    """A condition that means nothing; its text says which part and what to write instead."""


class Kind(StrEnum):
    """What a field holds, and so which questions it answers."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOL = "bool"


@dataclass(frozen=True)
class Field:
    """One thing that a condition can ask of a lead.

    Attributes:
        key: its name in conditions and in the facts of packs.
        label: what people call it.
        kind: what it holds.
        path: where it stands, from the lead; of a `BOOL`, a column that is empty while it is false.
        choices: the codes that it can hold, with what people call them; empty where it can hold any text.
        is_personal: packs keep no more of it than that it is known.
        is_judgement: follows from score or definition, so that neither can ask for it.
    """

    key: str
    label: str | Promise
    kind: Kind
    path: str
    choices: Mapping[str, str | Promise] | None = None
    is_personal: bool = False
    is_judgement: bool = False


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.key: field for field in fields}


_t = gettext_lazy
FIELDS: dict[str, Field] = _fields(
    Field("name", _t("Name"), Kind.TEXT, "name", is_personal=True),
    Field("email", _t("E-mail"), Kind.TEXT, "email", is_personal=True),
    Field("email_kind", _t("Kind of e-mail"), Kind.TEXT, "email_kind", choices=dict(EmailKind.choices)),
    Field("phone", _t("Phone"), Kind.TEXT, "phone", is_personal=True),
    Field("title", _t("Job title"), Kind.TEXT, "title", is_personal=True),
    Field("seniority", _t("Seniority"), Kind.TEXT, "seniority", choices=dict(Seniority.choices)),
    Field("job_function", _t("Function"), Kind.TEXT, "job_function", choices=dict(JobFunction.choices)),
    Field("company_name", _t("Company"), Kind.TEXT, "company_name"),
    Field("industry", _t("Industry"), Kind.TEXT, "industry"),
    Field("employees", _t("People at the company"), Kind.NUMBER, "employees"),
    Field("country", _t("Country"), Kind.TEXT, "country"),
    Field("region", _t("Region"), Kind.TEXT, "region"),
    Field("city", _t("City"), Kind.TEXT, "city"),
    Field("language", _t("Language"), Kind.TEXT, "language"),
    Field("need", _t("Need"), Kind.TEXT, "need", is_personal=True),
    Field("decision_maker", _t("Decision maker"), Kind.TEXT, "decision_maker", is_personal=True),
    Field("authority", _t("Buying authority"), Kind.TEXT, "authority", is_personal=True),
    Field("budget", _t("Budget"), Kind.TEXT, "budget", is_personal=True),
    Field("timeframe", _t("Time frame"), Kind.TEXT, "timeframe", is_personal=True),
    Field("relation", _t("Relation of the company"), Kind.TEXT, "company__relation"),
    Field("source", _t("Last source"), Kind.TEXT, "last_source__code"),
    Field("first_source", _t("First source"), Kind.TEXT, "first_source__code"),
    Field("channel", _t("Last channel"), Kind.TEXT, "last_source__channel__code"),
    Field("campaign", _t("Last campaign"), Kind.TEXT, "last_campaign__code"),
    Field("first_campaign", _t("First campaign"), Kind.TEXT, "first_campaign__code"),
    Field("team", _t("Marketing team"), Kind.TEXT, "team__name"),
    Field("captured_at", _t("First contact"), Kind.DATE, "captured_at"),
    Field("created_at", _t("Entered"), Kind.DATE, "created_at"),
    Field("unsubscribed", _t("Unsubscribed"), Kind.BOOL, "unsubscribed_at"),
    Field("stage", _t("Stage"), Kind.TEXT, "stage", choices=dict(Stage.choices), is_judgement=True),
    Field(
        "temperature",
        _t("Temperature"),
        Kind.TEXT,
        "temperature",
        choices=dict(Temperature.choices),
        is_judgement=True,
    ),
    Field("score", _t("Score"), Kind.NUMBER, "score", is_judgement=True),
    Field("fit", _t("Fit"), Kind.NUMBER, "fit", is_judgement=True),
    Field("intent", _t("Intent"), Kind.NUMBER, "intent", is_judgement=True),
    Field("engagement", _t("Engagement"), Kind.NUMBER, "engagement", is_judgement=True),
    Field("grade", _t("Grade"), Kind.TEXT, "grade", is_judgement=True),
)

OPS: dict[Kind, dict[str, str | Promise]] = {
    Kind.TEXT: {
        "is": _t("is"),
        "is_not": _t("is not"),
        "in": _t("is one of"),
        "not_in": _t("is none of"),
        "contains": _t("contains"),
        "starts_with": _t("starts with"),
        "filled": _t("is known"),
        "empty": _t("is not known"),
    },
    Kind.NUMBER: {
        "eq": _t("is"),
        "gte": _t("is at least"),
        "lte": _t("is at most"),
        "between": _t("is between"),
        "filled": _t("is known"),
        "empty": _t("is not known"),
    },
    Kind.DATE: {"before": _t("is before"), "after": _t("is after"), "within_days": _t("is within the last days")},
    Kind.BOOL: {"is_true": _t("is true"), "is_false": _t("is not true")},
}
_WITHOUT_VALUE = {"filled", "empty", "is_true", "is_false"}
_WITH_LIST = {"in", "not_in"}


def field_of(key: str) -> Field:
    """Return the field of a key; own fields are `own.<id>` and hold text.

    Raises:
        ConditionError: there is no such field.
    """
    if found := _OWN.fullmatch(key):
        return Field(key, found[1].replace("_", " "), Kind.TEXT, f"own__{found[1]}")
    if key not in FIELDS:
        raise ConditionError(_("There is no field “%(key)s”. Use one of: %(keys)s.") % _keys(key, FIELDS))
    return FIELDS[key]


# --- reading: JSON to typed parts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Everything:
    pass


@dataclass(frozen=True)
class _All:
    parts: tuple[_Part, ...]


@dataclass(frozen=True)
class _Any:
    parts: tuple[_Part, ...]


@dataclass(frozen=True)
class _Not:
    part: _Part


@dataclass(frozen=True)
class _Asked:
    field: Field
    op: str
    value: Any  # text, number or day, or a tuple of them, as the op wants it


@dataclass(frozen=True)
class _Did:
    kinds: tuple[str, ...]
    within_days: int | None
    at_least: int


_Part = _Everything | _All | _Any | _Not | _Asked | _Did


def _keys(key: object, known: Mapping[str, object] | Sequence[str]) -> dict[str, str]:
    return {"key": str(key)[:60], "keys": ", ".join(known)}


def _read(condition: object) -> _Part:
    counted = [0]

    def read(part: object, depth: int) -> _Part:
        counted[0] += 1
        if depth > _DEEPEST or counted[0] > _MOST_PARTS:
            raise ConditionError(_("The condition is too large: make it flatter or split it."))
        if part is None:
            return _Everything()
        if not isinstance(part, dict):
            raise ConditionError(_("“%(part)s” is no condition.") % {"part": str(part)[:60]})
        shape = set(part)
        if shape in ({"all"}, {"any"}):
            ((word, inner),) = part.items()
            if not isinstance(inner, list):
                raise ConditionError(_("“%(word)s” takes a list of conditions.") % {"word": word})
            parts = tuple(read(each, depth + 1) for each in inner)
            return _All(parts) if word == "all" else _Any(parts)
        if shape == {"not"}:
            return _Not(read(part["not"], depth + 1))
        if shape == {"interactions"}:
            return _read_did(part["interactions"])
        if {"field", "op"} <= shape <= {"field", "op", "value"}:
            return _read_asked(part)
        raise ConditionError(
            _("“%(key)s” is no condition. Use one of: %(keys)s.")
            % _keys(", ".join(map(str, part)), ("all", "any", "not", "field", "interactions"))
        )

    return read(condition, 1)


def _read_did(part: object) -> _Did:
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
    return _Did(tuple(kinds), within, least)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _read_asked(part: dict[str, Any]) -> _Asked:
    field, op = field_of(str(part["field"])), part["op"]
    if op not in OPS[field.kind]:
        raise ConditionError(
            _("“%(field)s” cannot be asked “%(key)s”. Use one of: %(keys)s.")
            % {"field": field.label, **_keys(op, OPS[field.kind])}
        )
    value = part.get("value")
    if op in _WITHOUT_VALUE:
        if value is not None:
            raise ConditionError(_("“%(field)s %(op)s” takes no value.") % {"field": field.label, "op": op})
        return _Asked(field, op, None)
    return _Asked(field, op, _VALUES[field.kind](field, op, value))


def _wrong(field: Field, what: str) -> ConditionError:
    return ConditionError(_("“%(field)s”: %(what)s") % {"field": field.label, "what": what})


def _text_value(field: Field, op: str, value: object) -> str | tuple[str, ...]:
    texts = value if op in _WITH_LIST else [value]
    if not isinstance(texts, list) or not texts or len(texts) > _MOST_VALUES:
        raise _wrong(field, _("give a list of one to %(most)d texts.") % {"most": _MOST_VALUES})
    for text in texts:
        if not isinstance(text, str) or not text or "\x00" in text:
            raise _wrong(field, _("give a text that is not empty."))
        if field.choices and op not in {"contains", "starts_with"} and text not in field.choices:
            raise _wrong(field, _("“%(key)s” is not known. Use one of: %(keys)s.") % _keys(text, field.choices))
    return tuple(texts) if op in _WITH_LIST else cast("str", texts[0])


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
    part = _read(condition)
    if of_judgement:
        for asked in _asked(part):
            if asked.field.is_judgement:
                raise _wrong(asked.field, _("this follows from the score or the definition; it cannot be asked here."))


def _asked(part: _Part) -> list[_Asked]:
    if isinstance(part, _All | _Any):
        return [asked for each in part.parts for asked in _asked(each)]
    if isinstance(part, _Not):
        return _asked(part.part)
    return [part] if isinstance(part, _Asked) else []


def fields(condition: Condition) -> list[Field]:
    """Return the fields that a condition asks for, each once, in its order."""
    return list({asked.field.key: asked.field for asked in _asked(_read(condition))}.values())


# --- compiling: parts to pairs of Qs ---------------------------------------------------------------------------------


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
    return _compiled(_read(condition), _Context(now=now, of_packs=target == "pack"))


@dataclass(frozen=True)
class _Context:
    now: datetime
    of_packs: bool

    @property
    def moment(self) -> Combinable:
        return F("opened_at") if self.of_packs else Value(self.now, output_field=DateTimeField())


def _compiled(part: _Part, context: _Context) -> Pair:
    if isinstance(part, _Everything):
        return EVERY_LEAD
    if isinstance(part, _Not):
        inner = _compiled(part.part, context)
        return Pair(inner.fails, inner.holds)
    if isinstance(part, _All | _Any):
        pairs = [_compiled(each, context) for each in part.parts]
        all_hold, any_fails = _and(pair.holds for pair in pairs), _or(pair.fails for pair in pairs)
        if isinstance(part, _All):
            return Pair(all_hold, any_fails)
        return Pair(_or(pair.holds for pair in pairs), _and(pair.fails for pair in pairs))
    return _did(part, context) if isinstance(part, _Did) else _compared(part, context)


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


def _did(part: _Did, context: _Context) -> Pair:
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


def _compared(part: _Asked, context: _Context) -> Pair:
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


def _text(part: _Asked, context: _Context) -> Pair:
    is_column = not context.of_packs and not part.field.path.startswith("own__")
    known = _Known(F(part.field.path) if is_column else _json_text(part.field, context))
    if part.op in {"filled", "empty"}:
        filled = _presence(known)
        return filled if part.op == "filled" else Pair(filled.fails, filled.holds)
    left = _Lower(known)
    if part.op in _WITH_LIST:
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


def _number(part: _Asked, context: _Context) -> Pair:
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


def _date(part: _Asked, context: _Context) -> Pair:
    left: Combinable = _MomentOfJson(_json_text(part.field, context)) if context.of_packs else F(part.field.path)
    if part.op == "before":
        return _both(left, "<", ">=", Value(midnight(part.value)))
    if part.op == "after":
        return _both(left, ">=", "<", Value(midnight(part.value + timedelta(days=1))))
    since = _both(left, ">=", "<", cast("Combinable", context.moment - timedelta(days=part.value)))
    until = _both(left, "<=", ">", context.moment)
    return Pair(since.holds & until.holds, since.fails | until.fails)


def _bool(part: _Asked, context: _Context) -> Pair:
    if context.of_packs:
        told = _json_text(part.field, context)
        pair = _both(told, "=", "<>", Value("true", output_field=TextField()))
    else:
        pair = _presence(F(part.field.path))
    return pair if part.op == "is_true" else Pair(pair.fails, pair.holds)


_COMPARE: dict[Kind, Callable[[_Asked, _Context], Pair]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.BOOL: _bool,
}


# --- telling: facts and words ----------------------------------------------------------------------------------------


def value_of(lead: Lead, field: Field) -> str | Decimal | int | datetime | bool | None:
    """Return what a lead has in a field; None where nobody told."""
    if own := _OWN.fullmatch(field.key):
        told = lead.own.get(own[1])
        return None if told in (None, "") else str(told)
    value: Any = lead
    for step in field.path.split("__"):
        value = getattr(value, step, None)
    if field.kind is Kind.BOOL:
        return value is not None
    return None if value == "" else value


def facts(lead: Lead) -> dict[str, str | float | bool]:
    """Return a lead's facts as packs freeze them: the same keys, nothing that is unknown, nothing personal.

    Of a personal field stands there only that it is known. Load the lead with company, sources, campaigns and team.
    """
    told: dict[str, str | float | bool] = {}
    own = [Field(f"own.{key}", key, Kind.TEXT, f"own__{key}") for key in lead.own if _OWN.fullmatch(f"own.{key}")]
    for field in [*FIELDS.values(), *own]:
        value = value_of(lead, field)
        if value is None:
            continue
        if field.is_personal:
            told[field.key] = True
        elif isinstance(value, datetime):
            told[field.key] = value.isoformat()
        else:
            told[field.key] = float(value) if isinstance(value, Decimal) else value
    return told


def value_in_words(lead: Lead, field: Field) -> str:
    """Return what a lead has in a field, as people say it; "" where nobody told."""
    value = value_of(lead, field)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return date_format(value.astimezone(ZoneInfo(settings.TIME_ZONE)), "j M Y")
    if field.key == "employees":
        return ngettext("%(n)d person", "%(n)d people", int(value)) % {"n": value}
    return str((field.choices or {}).get(str(value), value))


def in_words(condition: Condition) -> str:
    """Return a condition as a sentence without a full stop.

    Raises:
        ConditionError: the condition means nothing.
    """
    return _words(_read(condition), is_inner=False)


def _words(part: _Part, *, is_inner: bool) -> str:  # noqa: PLR0911  # one answer per part
    if isinstance(part, _Everything):
        return _("every lead")
    if isinstance(part, _Not):
        return _("not (%(what)s)") % {"what": _words(part.part, is_inner=False)}
    if isinstance(part, _All | _Any):
        if not part.parts:
            return _("every lead") if isinstance(part, _All) else _("no lead")
        word = _(" and ") if isinstance(part, _All) else _(" or ")
        inner = is_inner or len(part.parts) > 1
        joined = word.join(_words(each, is_inner=inner) for each in part.parts)
        return f"({joined})" if is_inner and len(part.parts) > 1 else joined
    if isinstance(part, _Did):
        return _did_words(part)
    said = OPS[part.field.kind][part.op]
    if part.op in _WITHOUT_VALUE:
        return f"{part.field.label} {said}"
    if part.op == "within_days":
        days = ngettext("%(n)d day", "%(n)d days", part.value) % {"n": part.value}
        return _("%(field)s is within the last %(days)s") % {"field": part.field.label, "days": days}
    return f"{part.field.label} {said} {_value_words(part)}"


def _value_words(part: _Asked) -> str:
    if isinstance(part.value, date):
        return date_format(part.value, "j M Y")
    if part.op == "between":
        return _("%(low)s and %(high)s") % {"low": f"{part.value[0]:g}", "high": f"{part.value[1]:g}"}
    if isinstance(part.value, int | float):
        return f"{part.value:g}" if abs(part.value) < 1e6 else f"{part.value}"
    choices = part.field.choices or {}
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    return ", ".join(str(choices.get(value, value)) for value in values)


def _did_words(part: _Did) -> str:
    kinds = get_text_list([f"“{InteractionKind(kind).label}”" for kind in part.kinds], _("or"))
    times = "" if part.at_least == 1 else _(" at least %(n)d times") % {"n": part.at_least}
    days = part.within_days
    within = "" if days is None else ngettext(" in the last day", " in the last %(n)d days", days) % {"n": days}
    return _("the lead did %(kinds)s%(times)s%(within)s") % {"kinds": kinds, "times": times, "within": within}
