"""Break a promise down by team, person, source or campaign, from the facts that its figure was computed from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from sla import measures, narrowing
from sla.measures import MEASURES, Scope
from sla.narrowing import Narrowing
from sla.statistics import wilson

FEW = 5  # cases below which a rate is greyed and never ranked


class Dimension(models.TextChoices):
    """What a figure can be broken down by."""

    TEAM = "team", _("Team")
    PERSON = "person", _("Person")
    SOURCE = "source", _("Source")
    CAMPAIGN = "campaign", _("Campaign")


@dataclass(frozen=True)
class Slice:
    """What one team, person, source or campaign contributes to a figure; numbers as of `Compliance`.

    Attributes:
        key: id of the team …; None for cases without one.
        label: its name; "" without one.
        kept: cases that kept the promise; of a count: how many.
        cases: all that count.
        open_cases: not decided yet.
        waived: clocks that were waived.
        left_out: cases that do not count.
        rate: kept ÷ cases; None without cases, and of a count.
        low, high: its 95 % Wilson interval.
    """

    key: int | None
    label: str
    kept: int
    cases: int
    open_cases: int
    waived: int
    left_out: int
    rate: float | None
    low: float | None
    high: float | None

    @property
    def is_few(self) -> bool:
        """Tell whether there are too few cases to compare it with others."""
        return self.cases < FEW


# Dimension → the column of the fact, the table that names it and the column there.
_TABLES: dict[str, tuple[str, str, str]] = {
    Dimension.TEAM: (narrowing.TEAM, "accounts_team", "name"),
    Dimension.PERSON: (narrowing.PERSON, "accounts_user", "name"),
    Dimension.SOURCE: (narrowing.SOURCE, "leads_source", "name"),
    Dimension.CAMPAIGN: (narrowing.CAMPAIGN, "leads_campaign", "name"),
}
_COUNTS = ", ".join(
    f"count(*) FILTER (WHERE f.part = '{part}')" for part in ("kept", "against", "open", "waived", "left_out")
)


def by_dimension(
    scope: Scope,
    *,
    measure: str,
    side: str,
    dimension: str,
    now: datetime,
    people: Collection[int] | None = None,
    narrowed: Narrowing | None = None,
) -> list[Slice]:
    """Return how a figure of a period splits up, by one statement over its facts.

    Args:
        scope: agreement and period.
        measure: of which promise.
        side: who promised; clocks of the other side are not counted.
        dimension: of `Dimension`.
        now: as of the figure.
        people: of persons only these; None for all. Who may see whose figures is the caller's matter.
        narrowed: only a part of the cases.

    Returns:
        Sources and campaigns by their rate, of a count by how many, with few cases last; teams and people by name,
        because nobody is ranked, and those of nobody last.
    """
    column, table, name = _TABLES[dimension]
    condition, values = (narrowed or Narrowing()).sql()
    if dimension == Dimension.PERSON and people is not None:
        condition += f" AND {column} = ANY(%s)"
        values.append(list(people))
    sql, parameters = measures.facts([scope], now=now, measures=(measure,))
    # Put together from constants; every value is a parameter.
    sql += f"""
        , counted AS (
            SELECT {column} AS key, {_COUNTS} FROM facts f {narrowing.JOINS}
            WHERE f.measure = %s AND (f.side IS NULL OR f.side = %s) {condition} GROUP BY 1
        )
        SELECT k.*, coalesce(t.{name}, '') FROM counted k LEFT JOIN {table} t ON t.id = k.key"""  # noqa: S608  # constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, measure, side, *values])
        found = [_slice(measure, key, label, counts) for key, *counts, label in cursor.fetchall()]
    if dimension in {Dimension.SOURCE, Dimension.CAMPAIGN}:
        return sorted(found, key=lambda one: (one.is_few, -(one.rate or 0.0), -one.cases, one.label.casefold()))
    return sorted(found, key=lambda one: (one.key is None, one.label.casefold()))


def narrowed(
    scope: Scope, part: Narrowing, *, now: datetime, codes: Collection[str] = tuple(MEASURES)
) -> dict[tuple[str, str | None], Slice]:
    """Return the figures of a part of the cases, by measure and, of clocks, by side."""
    condition, values = part.sql()
    sql, parameters = measures.facts([scope], now=now, measures=codes)
    sql += f"""
        SELECT f.measure, f.side, {_COUNTS} FROM facts f {narrowing.JOINS} WHERE true {condition}
        GROUP BY f.measure, f.side"""  # noqa: S608  # constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, *values])
        rows = cursor.fetchall()
    return {(measure, side): _slice(measure, None, "", counts) for measure, side, *counts in rows}


def nothing(measure: str) -> Slice:
    """Return the figure of a part without any case."""
    return _slice(measure, None, "", (0, 0, 0, 0, 0))


def _slice(measure: str, key: int | None, label: str, counts: Sequence[Any]) -> Slice:
    kept, against, still_open, waived, left_out = counts
    of = MEASURES[measure]
    cases = kept + against + (still_open if of.counts_open else 0)
    low, high = (None, None) if of.is_count else (wilson(kept, cases) or (None, None))
    rate = kept / cases if cases and not of.is_count else None
    return Slice(key, label, kept, cases, still_open, waived, left_out, rate, low, high)
