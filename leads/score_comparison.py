"""Compare two score models on the leads that marketing has: moves over the line, change of volume. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, DecimalField, F, IntegerField, Q, Value, When
from django.db.models.functions import Mod

from leads import definitions, qualification, score_statement, scoring
from leads.models import Definition, Lead, ScoreModel, Stage
from leads.querysets import LeadQuerySet
from leads.score_statement import Sql

SAMPLE = 20_000  # leads that a page looks at without being asked for all
MOST = 200_000  # leads that a page looks at when it is asked for all
FEW = 10  # leads that qualify, below which a share of them says nothing
_MOST_AFFECTED = 20
_WITH_MARKETING = (Stage.INQUIRY, Stage.NURTURING, Stage.QUALIFIED)
_ENDLESS = "'infinity'::numeric"
_USUAL_LINE = Decimal(100)  # where no definition covers a lead


@dataclass(frozen=True)
class Affected:
    """A lead whose score differs much; `line` is the score from which it qualifies."""

    lead: Lead
    before: Decimal
    after: Decimal
    line: Decimal

    @property
    def change(self) -> Decimal:
        """Return by how much the score differs."""
        return self.after - self.before

    @property
    def moves(self) -> str:
        """Return `up` or `down` where the lead moves over or under its line, else ""."""
        was, will_be = self.before >= self.line, self.after >= self.line
        return "" if was == will_be else "up" if will_be else "down"


@dataclass(frozen=True)
class Band:
    """How many leads score in a range, by the one model and by the other."""

    label: str
    before: int
    after: int


@dataclass(frozen=True)
class Comparison:
    """What a model changes for the leads that marketing has.

    Attributes:
        of: how many leads marketing has.
        compared: how many of them were looked at and have a score.
        is_sample: not all of them were looked at.
        over_before, over_after: leads at or over their line.
        up, down: leads that move over the line, and under it.
        changed: leads whose score differs at all.
        qualify_before, qualify_after: leads that would go through a door of the definition at this moment.
        bands: from low to high.
        affected: the leads whose score differs most.
    """

    of: int
    compared: int
    is_sample: bool
    over_before: int
    over_after: int
    up: int
    down: int
    changed: int
    qualify_before: int
    qualify_after: int
    bands: list[Band]
    affected: list[Affected]

    @property
    def volume_change(self) -> float | None:
        """Return by which share the volume of qualified leads changes; None with too few of them for a share."""
        return self.qualify_after / self.qualify_before - 1 if self.qualify_before >= FEW else None

    @property
    def volume_loss(self) -> float | None:
        """Return by which share it shrinks."""
        return None if self.volume_change is None else -self.volume_change


def compare(before: ScoreModel, after: ScoreModel, *, now: datetime, most: int = SAMPLE) -> Comparison:
    """Score the leads that marketing has by two models at one moment, in one statement that only reads.

    Args:
        before: usually the published model.
        after: usually a draft.
        now: the moment.
        most: where there are more leads, each n-th of them by its id is looked at, so that at most so many are.

    Returns:
        The figures of the leads that were looked at.
    """
    everybody = Lead.objects.living().filter(
        stage__in=_WITH_MARKETING, blocked_at=None, suppressed_at=None, excluded_because=""
    )
    of = everybody.count()
    step = -(-of // most) or 1
    leads = everybody if step == 1 else everybody.annotate(place=Mod("pk", Value(step))).filter(place=0)
    figures = _figures(before, after, leads, now=now)
    counted = dict.fromkeys(
        ("compared", "over_before", "over_after", "up", "down", "changed", "qualify_before", "qualify_after"), 0
    )
    counted |= {name: int(figures.get(name) or 0) for name in counted}
    bands = scoring.bands(before)
    return Comparison(
        of=of,
        is_sample=step > 1,
        bands=[
            Band(label, int(figures.get(f"before_{place}") or 0), int(figures.get(f"after_{place}") or 0))
            for place, (_code, label, _lower, _upper) in enumerate(bands)
        ],
        affected=_affected(figures.get("affected") or []),
        **counted,
    )


def _affected(rows: Sequence[dict[str, Any]]) -> list[Affected]:
    leads = Lead.objects.select_related("company").in_bulk([row["lead_id"] for row in rows])
    return [
        Affected(leads[row["lead_id"]], *(Decimal(str(row[name])) for name in ("before", "after", "line")))
        for row in rows
        if row["lead_id"] in leads
    ]


def _figures(before: ScoreModel, after: ScoreModel, leads: LeadQuerySet, *, now: datetime) -> dict[str, Any]:
    try:
        scores = [
            score_statement.scored(model, list(model.rules.all()), leads, now=now)
            + Sql("SELECT lead_id, score, intent, counted_interactions AS times FROM scored WHERE score IS NOT NULL")
            for model in (before, after)
        ]
        lines = _lines(leads, now=now)
    except EmptyResultSet:
        return {}
    b, a = scores
    enough = "{0}.score >= l.line AND l.meets AND ({0}.intent >= l.intent OR {0}.times >= l.times)"
    counts = ", ".join(
        f"count(*) FILTER (WHERE {side} >= {lower} AND {side} < {upper or _ENDLESS}) AS {side}_{place}"
        for place, (_code, _label, lower, upper) in enumerate(scoring.bands(before))
        for side in ("before", "after")
    )
    statement = Sql(
        f"""
WITH compared AS MATERIALIZED (
    SELECT lead_id, b.score AS before, a.score AS after, l.line,
        l.asks OR ({enough.format("b")}) AS qualified, l.asks OR ({enough.format("a")}) AS would_be
    FROM ({b.text}) AS b JOIN ({a.text}) AS a USING (lead_id)
    JOIN ({lines.text}) AS l (lead_id, line, intent, times, meets, asks) USING (lead_id)
)
SELECT count(*) AS compared,
    count(*) FILTER (WHERE before >= line) AS over_before, count(*) FILTER (WHERE after >= line) AS over_after,
    count(*) FILTER (WHERE before < line AND after >= line) AS up,
    count(*) FILTER (WHERE before >= line AND after < line) AS down,
    count(*) FILTER (WHERE before <> after) AS changed,
    count(*) FILTER (WHERE qualified) AS qualify_before, count(*) FILTER (WHERE would_be) AS qualify_after,
    {counts},
    (SELECT json_agg(most) FROM (
        SELECT lead_id, before, after, line FROM compared WHERE before <> after
        ORDER BY abs(after - before) DESC, lead_id LIMIT {_MOST_AFFECTED}
    ) AS most) AS affected
FROM compared""",  # noqa: S608  # names of columns, and numbers of the code
        [*b.params, *a.params, *lines.params],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        names = [column[0] for column in cursor.description]
        figures = dict(zip(names, cursor.fetchone(), strict=True))
    if isinstance(figures["affected"], str):
        figures["affected"] = json.loads(figures["affected"])
    return figures


def _lines(leads: LeadQuerySet, *, now: datetime) -> Sql:
    """Return for each lead what its definition asks of a score, whether the rest is met, and whether it asks itself."""
    in_force = definitions.in_force(now=now)
    rows = leads.order_by().annotate(definition=definitions.applying(in_force, now=now))
    columns = {
        "line": _by_definition(in_force, "threshold", _USUAL_LINE),
        "intent_line": _by_definition(in_force, "intent_at_least", Decimal(0)),
        "times_line": Case(
            *(When(definition=each.pk, then=Value(each.interactions_at_least)) for each in in_force),
            default=Value(0),
            output_field=IntegerField(),
        ),
        "meets": _is(Q(definition=each.pk) & qualification.required_by_nurtured(each, now=now) for each in in_force),
        "asks": _is(Q(definition=each.pk) & qualification.asked_door(each, now=now) for each in in_force),
    }
    text, params = rows.annotate(**columns).values_list(F("pk"), *columns).query.sql_with_params()
    return Sql(text, list(params))


def _by_definition(in_force: Sequence[Definition], column: str, otherwise: Decimal) -> Case:
    numeric = DecimalField(max_digits=6, decimal_places=1)
    return Case(
        *(When(definition=each.pk, then=Value(getattr(each, column), output_field=numeric)) for each in in_force),
        default=Value(otherwise, output_field=numeric),
        output_field=numeric,
    )


def _is(whens: Any) -> Case:
    return Case(*(When(when, then=True) for when in whens), default=False, output_field=BooleanField())
