"""Conditions as rows of a form: field, operator, value, joined by all or any. Parts that no row can show are kept."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from datetime import date
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from leads import conditions
from leads.condition_parts import WITH_LIST, WITHOUT_VALUE
from leads.fields import FIELDS, OPS, Field, Kind, find
from leads.models import Campaign, Channel, Company, InteractionKind, Source
from leadsla.accounts.models import Side, Team

Words = str | Promise

DID = "interactions"
KEPT = "kept"
MOST_ROWS = 60
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", re.ASCII)
_LONGEST = 60_000  # characters of a part that rows cannot show

GROUPS: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (_t("Who they are"), ("seniority", "job_function", "title", "name", "email", "email_kind", "phone", "language")),
    (_t("Their company"), ("country", "region", "city", "industry", "employees", "company_name", "relation")),
    (_t("What they said"), ("need", "decision_maker", "authority", "budget", "timeframe", "unsubscribed")),
    (
        _t("Where they came from"),
        ("source", "channel", "campaign", "first_source", "first_campaign", "team", "captured_at", "created_at"),
    ),
    (_t("How they stand"), ("stage", "temperature", "score", "fit", "intent", "engagement", "grade")),
)
KINDS: dict[Kind, Words] = {
    Kind.TEXT: _t("Words"),
    Kind.NUMBER: _t("Numbers"),
    Kind.DATE: _t("Days"),
    Kind.BOOL: _t("Yes or no"),
}
_BY_COMMAS = _t("separated by commas")


@dataclass
class Row:
    """One row as it was typed, or as a condition fills it.

    Attributes:
        index: its place, from 0.
        field: key of a field, `interactions`, `kept` for a part that is shown in words only, "" while none is chosen.
        op: operator.
        values: what was typed; several where choices are ticked; of `between` the lowest and the highest.
        times, days: of interactions: at least so often, within so many days ("" for ever).
        kept: JSON of a part that rows cannot show.
        error: what is wrong, in words.
    """

    index: int = 0
    field: str = ""
    op: str = ""
    values: list[str] = made(default_factory=list)
    times: str = "1"
    days: str = ""
    kept: str = ""
    error: str = ""

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing was chosen or typed."""
        return not self.field and not any(self.values)

    @cached_property
    def known(self) -> Field | None:
        """Return the field that is asked, if there is one."""
        return find(self.field)

    @property
    def widget(self) -> str:  # noqa: PLR0911  # one answer per kind of question
        """Return how the value is typed: none, text, number, between, date, days, choice, choices, did, kept."""
        if self.field in (DID, KEPT):
            return "did" if self.field == DID else KEPT
        if self.known is None:
            return "text"
        if self.op in WITHOUT_VALUE or self.known.kind is Kind.BOOL:
            return "none"
        if self.known.kind is Kind.NUMBER:
            return "between" if self.op == "between" else "number"
        if self.known.kind is Kind.DATE:
            return "days" if self.op == "within_days" else "date"
        if self.op in {"contains", "starts_with"} or not self.choices:
            return "text"
        return "choices" if self.op in WITH_LIST else "choice"

    @cached_property
    def choices(self) -> list[tuple[str, Words]]:
        """Return the codes to choose from with their words; empty where any text can be typed."""
        if self.field == DID:
            return list(InteractionKind.choices)
        if self.known is None:
            return []
        if self.known.choices:
            return list(self.known.choices.items())
        stored = _stored_choices(self.known.key)
        return [*stored, *((one, one) for one in self.values if one and one not in dict(stored))] if stored else []

    @property
    def ops(self) -> list[tuple[Words, list[tuple[str, Words]]]]:
        """Return the operators of the field; of all kinds, by kind, while no field is chosen."""
        if self.known is not None:
            return [("", list(OPS[self.known.kind].items()))]
        return [(KINDS[kind], list(ops.items())) for kind, ops in OPS.items()]

    @property
    def value(self) -> str:
        """Return the one value that was typed, or the lowest."""
        return self.values[0] if self.values else ""

    @property
    def highest(self) -> str:
        """Return the second value of `between`."""
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def chosen(self) -> list[Words]:
        """Return the choices that are ticked, in words."""
        return [label for code, label in self.choices if code in self.values]

    @property
    def place(self) -> str:
        """Return its place as it stands in names of inputs."""
        return str(self.index)

    @property
    def hint(self) -> Words:
        """Return how the value is written, where it is not obvious."""
        return _BY_COMMAS if self.op in WITH_LIST and self.widget == "text" else ""

    @property
    def words(self) -> str:
        """Return a part that rows cannot show in words."""
        try:
            return conditions.in_words(json.loads(self.kept))
        except (ValueError, RecursionError):
            return _("a part that cannot be read")

    def turn_to(self, was: str) -> None:
        """After another field was chosen, drop what does not fit it."""
        if self.known is not None and self.op not in OPS[self.known.kind]:
            self.op = next(iter(OPS[self.known.kind]))
        if was and was != self.field:
            self.values = []

    def read(self) -> dict[str, Any]:
        """Return the part of a condition that the row says.

        Raises:
            ConditionError: with words on what is wrong.
        """
        if self.field == KEPT:
            try:
                part = json.loads(self.kept)
            except (ValueError, RecursionError):
                raise conditions.ConditionError(_("This part cannot be read. Remove the row.")) from None
            conditions.validate(part)
            return {"all": []} if part is None else dict(part)
        if self.field == DID:
            return self._read_did()
        if not self.field:
            raise conditions.ConditionError(_("Choose a field, or empty the row."))
        asked = conditions.field_of(self.field)
        part = {"field": self.field, "op": self.op}
        if self.op not in OPS[asked.kind]:
            words = {"field": asked.label, "ops": ", ".join(f"“{word}”" for word in OPS[asked.kind].values())}
            raise conditions.ConditionError(_("“%(field)s” can be asked: %(ops)s.") % words)
        if self.op not in WITHOUT_VALUE:
            part["value"] = self._value_of(asked)
        conditions.validate(part)
        return part

    def _value_of(self, asked: Field) -> Any:
        typed = [one.strip() for one in self.values if one.strip()]
        if self.op in WITH_LIST:
            values = typed if self.widget == "choices" else _listed(typed)
            if not values:
                raise conditions.ConditionError(_("Give at least one value."))
            return values
        if not typed:
            raise conditions.ConditionError(_("Give a value."))
        if asked.kind is Kind.NUMBER:
            if self.op != "between":
                return _number(typed[0])
            if len(typed) < 2:
                raise conditions.ConditionError(_("Give the lowest and the highest number."))
            low, high = _number(typed[0]), _number(typed[1])
            if low > high:
                raise conditions.ConditionError(_("The lowest number comes first."))
            return [low, high]
        if asked.kind is Kind.DATE and self.op == "within_days":
            return _whole(typed[0], _("Give a whole number of days from 1."))
        return typed[0]

    def _read_did(self) -> dict[str, Any]:
        kinds = [one for one in self.values if one in InteractionKind.values]
        if not kinds:
            raise conditions.ConditionError(_("Choose at least one thing that the lead did."))
        part: dict[str, Any] = {"kinds": kinds}
        if self.times.strip() not in {"", "1"}:
            part["at_least"] = _whole(self.times, _("At least how often? Give a whole number from 1."))
        if self.days.strip():
            part["within_days"] = _whole(self.days, _("Within how many days? Give a whole number from 1, or nothing."))
        conditions.validate({DID: part})
        return {DID: part}


class ConditionForm:
    """Rows of a condition, from what is stored or from what was typed.

    The names of its inputs begin with `prefix`, so that it stands inside any other form. A view calls `is_valid()` and
    then reads `condition`. Where `is_asking` is true, a button of the rows was pressed without JavaScript (add or
    remove a row): show the page again with what was typed, keep nothing.

    Args:
        data: what was posted; None fills the rows from `condition`.
        condition: what is stored.
        prefix: begins the names of the inputs.
        of_judgement: the condition decides about judgements, so that what follows from them cannot be asked.
    """

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        condition: conditions.Condition = None,
        prefix: str = "condition",
        of_judgement: bool = False,
    ) -> None:
        self.prefix = prefix
        self.of_judgement = of_judgement
        self.is_bound = data is not None and f"{prefix}-count" in data
        self.error = ""
        self.act = data.get(f"{prefix}-act", "") if data is not None else ""
        if data is not None and self.is_bound:
            self.joined = "any" if data.get(f"{prefix}-joined") == "any" else "all"
            self.rows = _typed_rows(data, prefix)
        else:
            self.joined, self.rows = _rows_of(condition)
        self.initial = condition
        self._condition: conditions.Condition = None
        if self.act:
            self._carry_out()
        if not self.rows:
            self.rows.append(Row(op="is"))
        self._number_rows()

    @property
    def is_asking(self) -> bool:
        """Tell whether a button of the rows was pressed: nothing is to be kept."""
        return bool(self.act)

    @property
    def condition(self) -> conditions.Condition:
        """Return the condition that the rows say, once they are valid; None holds for every lead."""
        return self._condition

    @property
    def has_changed(self) -> bool:
        """Tell whether the rows, once they are valid, say something else than what is stored."""
        return _rows_of(self._condition) != _rows_of(self.initial)

    @property
    def field_groups(self) -> list[tuple[Words, list[tuple[str, Words]]]]:
        """Return the fields to choose from, by what they tell."""
        groups: list[tuple[Words, list[tuple[str, Words]]]] = []
        left = {key: one for key, one in FIELDS.items() if not (self.of_judgement and one.is_judgement)}
        for title, keys in GROUPS:
            of_group = [(key, left.pop(key).label) for key in keys if key in left]
            if of_group:
                groups.append((title, of_group))
        own = {row.field: row.known for row in self.rows if row.field.startswith("own.") and row.known is not None}
        others = [(key, one.label) for key, one in [*left.items(), *own.items()]]
        if others:
            groups.append((_("Other"), others))
        groups.append((_("What they did"), [(DID, _("The lead did"))]))
        return groups

    def is_valid(self) -> bool:
        """Read the rows; False when one of them says nothing that can be asked, which it then says itself."""
        parts = []
        for row in self.rows:
            row.error = ""
            if row.is_blank:
                continue
            try:
                part = row.read()
                conditions.validate(part, of_judgement=self.of_judgement)
            except conditions.ConditionError as wrong:
                row.error = str(wrong)
            else:
                parts.append(part)
        if any(row.error for row in self.rows):
            return False
        self._condition = None if not parts else parts[0] if len(parts) == 1 else {self.joined: parts}
        try:
            conditions.validate(self._condition, of_judgement=self.of_judgement)
        except conditions.ConditionError as wrong:
            self.error = str(wrong)
            return False
        return True

    def _carry_out(self) -> None:
        """Do what a button of the rows asks for."""
        verb, _dash, index = self.act.partition("-")
        if verb == "add" and len(self.rows) < MOST_ROWS:
            self.rows.append(Row(op="is"))
        if verb == "remove" and index.isdecimal() and int(index) < len(self.rows):
            del self.rows[int(index)]

    def _number_rows(self) -> None:
        for index, row in enumerate(self.rows):
            row.index = index


def _typed_rows(data: QueryDict, prefix: str) -> list[Row]:
    count = data.get(f"{prefix}-count", "")
    rows = []
    for index in range(min(int(count), MOST_ROWS) if count.isdecimal() and len(count) < 9 else 0):
        name = f"{prefix}-{index}-"
        row = Row(
            field=data.get(name + "field", "")[:60],
            op=data.get(name + "op", "")[:20],
            values=data.getlist(name + "value"),
            times=data.get(name + "times", "1"),
            days=data.get(name + "days", ""),
            kept=data.get(name + "kept", "")[:_LONGEST],
        )
        if data.get(f"{prefix}-act") and row.field:
            row.turn_to(data.get(name + "was", ""))
        rows.append(row)
    return rows


def _rows_of(condition: conditions.Condition) -> tuple[str, list[Row]]:
    """Return how the rows of a condition are joined, and the rows."""
    if condition is None:
        return "all", []
    for joined in ("all", "any"):
        parts = condition.get(joined)
        if set(condition) == {joined} and isinstance(parts, list) and len(parts) <= MOST_ROWS:
            if joined == "any" and not parts:
                break
            return joined, [_row_of(part) for part in parts]
    return "all", [_row_of(condition)]


def _row_of(part: Any) -> Row:
    if isinstance(part, Mapping) and set(part) == {DID}:
        did = part[DID]
        days = did.get("within_days")
        return Row(
            field=DID,
            values=list(did["kinds"]),
            times=str(did.get("at_least", 1)),
            days="" if days is None else str(days),
        )
    if isinstance(part, Mapping) and "field" in part and find(str(part["field"])) is not None:
        op, value = str(part["op"]), part.get("value")
        row = Row(field=str(part["field"]), op=op)
        if isinstance(value, Sequence) and not isinstance(value, str):
            row.values = [_written(one) for one in value]
            if op in WITH_LIST and row.widget == "text":
                row.values = [_as_list(row.values)]
        elif value is not None:
            row.values = [_written(value)]
        return row
    return Row(field=KEPT, kept=json.dumps(part, sort_keys=True))


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _listed(typed: Sequence[str]) -> list[str]:
    """Read texts separated by commas, semicolons or lines; one with a comma in it stands in double quotes."""
    lines = [line.replace(";", ",") if '"' not in line else line for text in typed for line in text.splitlines()]
    found = (one.strip() for row in csv.reader(lines, skipinitialspace=True) for one in row)
    return list(dict.fromkeys(one for one in found if one))


def _as_list(values: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(values)
    return written.getvalue().replace(",", ", ") if '"' not in written.getvalue() else written.getvalue()


def _number(text: str) -> float:
    plain = "".join(text.split())
    plain = plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        raise conditions.ConditionError(_("Give a number, as 250 or 12.5.")) from None
    return int(plain) if plain.lstrip("+-").isdecimal() else number


def _whole(text: str, otherwise: str) -> int:
    plain = text.strip()
    if not plain.isdecimal() or len(plain) > 6 or int(plain) < 1:
        raise conditions.ConditionError(otherwise)
    return int(plain)


def _stored_choices(key: str) -> list[tuple[str, Words]]:
    """Return the codes that the portal itself keeps for a field, with their names."""
    if key in {"source", "first_source"}:
        return [(code, name) for code, name in Source.objects.order_by("name").values_list("code", "name")]
    if key == "channel":
        return [(code, name) for code, name in Channel.objects.order_by("name").values_list("code", "name")]
    if key in {"campaign", "first_campaign"}:
        return [(code, name) for code, name in Campaign.objects.order_by("name").values_list("code", "name")]
    if key == "team":
        names = Team.objects.filter(side=Side.MARKETING).order_by("name").values_list("name", flat=True)
        return [(name, name) for name in names]
    if key == "relation":
        return list(Company._meta.get_field("relation").choices or ())
    return []
