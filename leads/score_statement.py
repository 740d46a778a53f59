"""Compile a score model to SQL: one statement that scores one lead or a million, at one moment or at many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, Case, DecimalField, Q, Value, When

from leads import conditions
from leads.models import Interaction, Lead, ScoreModel, ScoreRule
from leads.querysets import LeadQuerySet

Params = list[Any]
Group = ScoreRule.Group
RESTARTING = (Group.INTENT, Group.ENGAGEMENT)  # recycling starts these afresh
MOST = Decimal("99999.9")  # what numeric(6,1) holds


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with its parameters, in their order."""

    text: str
    params: Params = field(default_factory=list)

    def __add__(self, other: Sql) -> Sql:
        return Sql(f"{self.text}\n{other.text}", [*self.params, *other.params])


Facts = tuple[str, Sql]  # a table expression's head and its rows


@dataclass(frozen=True)
class Moment:
    """As of when a lead is scored.

    Attributes:
        until: interactions after it count nothing.
        today: the calendar day, in the portal's zone, to which points have faded.
    """

    until: datetime
    today: date


def day_of(moment: datetime) -> date:
    """Return the calendar day of a moment in the portal's zone."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def capped(rule: ScoreRule, points: Decimal) -> Decimal:
    """Return what a rule's cap leaves of its points; against somebody, it holds for the size of the loss."""
    return points if rule.cap is None else max(min(points, abs(rule.cap)), -abs(rule.cap))


def scored(
    model: ScoreModel,
    rules: Sequence[ScoreRule],
    leads: LeadQuerySet,
    *,
    now: datetime,
    moments: Sequence[Moment] | Mapping[int, Moment] | None = None,
    between: tuple[int, int] | None = None,
    facts: Facts | None = None,
) -> Sql:
    """Compile a model to a chain of table expressions; put a statement behind it.

    Args:
        model: the model that counts for these leads.
        rules: its rules; their places in the sequence are their numbers in the SQL.
        leads: whom to score.
        now: the moment of conditions, and of the score unless `moments` says otherwise.
        moments: a sequence scores as of each of these; `key` is then the place in it, so give one lead. A mapping says
            for each lead's id as of when. `key` is the lead's id with a mapping, and without moments.
        between: lowest and highest lead id, where `leads` is a range of ids; the index on interactions then serves it.
        facts: what `points_of_facts` returned for the same rules, leads and now; compiling the conditions is the
            dearest part, so who asks twice hands it on.

    Returns:
        `WITH …` of `chosen` (key, lead_id, one column `rule_<n>` per rule on facts), `counted` (key, no, day, times),
        `sums` (key, no, points, capped, times) per rule on interactions, and `scored` (key, lead_id and the columns of
        a score). The score is the sum of what stands in `chosen` and `sums`, capped by group, at least 0.
    """
    steps = [
        ("rules (no, grp, points, half_life, most, per, cap)", _rules(rules)),
        ("kinds (no, kind, restarts)", _kinds(rules)),
        facts or points_of_facts(rules, leads, now=now),
        ("chosen", _chosen(now=now, moments=moments)),
        ("done", _done(between)),
        ("counted", _counted(rules)),
        ("sums", Sql(_SUMS, [float(MOST), float(MOST)])),
        ("groups", Sql(_GROUPS)),
        ("capped", _capped(model, rules)),
        ("scored", _graded(model)),
    ]
    pieces = [Sql(f"{name} AS (\n{sql.text}\n)", sql.params) for name, sql in steps]
    return Sql("WITH " + ",\n".join(piece.text for piece in pieces), [p for piece in pieces for p in piece.params])


def _on_interactions(rules: Sequence[ScoreRule]) -> list[tuple[int, ScoreRule]]:
    return [(no, rule) for no, rule in enumerate(rules) if rule.kinds]


def on_facts(rules: Sequence[ScoreRule]) -> list[tuple[int, ScoreRule]]:
    """Return the rules on facts with their numbers."""
    return [(no, rule) for no, rule in enumerate(rules) if not rule.kinds]


def _values(rows: Iterable[Sequence[Any]], casts: str) -> Sql:
    listed = list(rows)
    row = f"({', '.join(f'%s::{cast}' for cast in casts.split())})"
    return Sql(f"VALUES {', '.join([row] * len(listed))}", [value for each in listed for value in each])


def _rules(rules: Sequence[ScoreRule]) -> Sql:
    nothing = (-1, "", 0, None, None, "", None)  # VALUES needs a row; no kind leads to this one
    rows = [
        (no, rule.group, rule.points, rule.half_life_days, rule.limit, rule.limit_per, rule.cap)
        for no, rule in _on_interactions(rules)
    ]
    return _values([nothing, *rows], "int text float8 float8 int text numeric")


def _kinds(rules: Sequence[ScoreRule]) -> Sql:
    rows = [
        (no, kind, rule.group in RESTARTING)
        for no, rule in _on_interactions(rules)
        for kind in dict.fromkeys(rule.kinds)
    ]
    return _values([(-1, "", False), *rows], "int text boolean")


def points_of_facts(rules: Sequence[ScoreRule], leads: LeadQuerySet, *, now: datetime) -> Facts:
    """Return the leads with the points of each rule on facts; Django compiles the conditions."""
    points = points_by_column(rules, now=now)
    told = {
        "silent": Case(When(unsubscribed_at__lte=now, then=True), default=False, output_field=BooleanField()),
        "excluded": Case(When(excluded_because="", then=False), default=True, output_field=BooleanField()),
    }
    rows = leads.filter(merged_into=None).order_by().annotate(**told, **points)
    text, params = rows.values_list("pk", "engagement_since", *told, *points).query.sql_with_params()
    return facts_head(rules), Sql(text, list(params))


def facts_head(rules: Sequence[ScoreRule]) -> str:
    """Return the name and the columns of the table expression of facts, in their order."""
    columns = ["lead_id", "since", "silent", "excluded", *(f"rule_{no}" for no, _rule in on_facts(rules))]
    return f"facts ({', '.join(columns)})"


def points_by_column(
    rules: Sequence[ScoreRule], *, now: datetime, target: conditions.Target = "lead"
) -> dict[str, Case]:
    """Return the points of each rule on facts as expressions on leads, or on rounds of handoffs by their packs."""
    return {f"rule_{no}": _points(rule, now=now, target=target) for no, rule in on_facts(rules)}


def _points(rule: ScoreRule, *, now: datetime, target: conditions.Target) -> Case:
    numeric = DecimalField(max_digits=6, decimal_places=1)
    holds = conditions.compile(rule.condition, now=now, target=target).holds
    return Case(
        When(holds, then=Value(capped(rule, rule.points), output_field=numeric)),
        default=Value(Decimal(0), output_field=numeric),
        output_field=numeric,
    )


def _chosen(*, now: datetime, moments: Sequence[Moment] | Mapping[int, Moment] | None) -> Sql:
    if moments is None:
        text = "SELECT f.lead_id AS key, f.*, %s::timestamptz AS until, %s::date AS today FROM facts f"
        return Sql(text, [now, day_of(now)])
    if isinstance(moments, Mapping):
        rows = _values(((pk, each.until, each.today) for pk, each in moments.items()), "bigint timestamptz date")
        which = "ON m.key = f.lead_id"
    else:
        rows = _values(((no, each.until, each.today) for no, each in enumerate(moments)), "bigint timestamptz date")
        which = "ON true"
    text = f"SELECT m.key, f.*, m.until, m.today FROM facts f JOIN ({rows.text}) AS m (key, until, today) {which}"  # noqa: S608
    return Sql(text, rows.params)


def _done(between: tuple[int, int] | None) -> Sql:
    """Return what each lead did, by rule and calendar day: within a day all have the same age."""
    within = "" if between is None else "AND i.lead_id BETWEEN %s AND %s"
    text = f"""
    SELECT c.key, k.no, (i.occurred_at AT TIME ZONE %s)::date AS day, c.today
    FROM chosen c
    JOIN {Interaction._meta.db_table} i ON i.lead_id = c.lead_id AND i.occurred_at <= c.until {within}
    JOIN kinds k ON k.kind = i.kind
    WHERE NOT k.restarts OR c.since IS NULL OR i.occurred_at > c.since"""  # noqa: S608  # a table's name
    return Sql(text, [settings.TIME_ZONE, *(between or ())])


_UNLIMITED = """
    SELECT d.key, d.no, d.day, d.today, 1 AS times FROM done d JOIN rules r USING (no) WHERE r.per = ''"""
_PER_DAY = """
    SELECT d.key, d.no, d.day, d.today, least(count(*), r.most) AS times
    FROM done d JOIN rules r USING (no) WHERE r.per = 'day' GROUP BY d.key, d.no, d.day, d.today, r.most"""
# Longer than a day: the newest in each bucket count, so that what stands before a day is what came after it.
_PER_BUCKET = """
    SELECT key, no, day, today, greatest(least(times, most - newer), 0) AS times
    FROM (
        SELECT d.key, d.no, d.day, d.today, count(*) AS times, r.most, sum(count(*)) OVER (
            PARTITION BY d.key, d.no, CASE r.per WHEN 'ever' THEN NULL ELSE date_trunc(r.per, d.day::timestamp) END
            ORDER BY d.day DESC
        )::bigint - count(*) AS newer
        FROM done d JOIN rules r USING (no) WHERE r.per NOT IN ('', 'day')
        GROUP BY d.key, d.no, d.day, d.today, r.most, r.per
    ) AS limited"""


def _counted(rules: Sequence[ScoreRule]) -> Sql:
    """Apply the limits, each kind of limit by what it costs."""
    pers = {rule.limit_per for _no, rule in _on_interactions(rules)}
    branches = [_UNLIMITED]
    if ScoreRule.Per.DAY in pers:
        branches.append(_PER_DAY)
    if pers - {"", ScoreRule.Per.DAY}:
        branches.append(_PER_BUCKET)
    return Sql("\n    UNION ALL".join(branches))


# Decay in float8, because numeric is many times slower; the cast to numeric keeps 15 digits and so hides in which order
# the floats were added.
_SUMS = """
    SELECT key, no, grp, points > 0 AS helps, times, exact AS points,
        CASE WHEN cap IS NULL THEN exact ELSE greatest(least(exact, abs(cap)), -abs(cap)) END AS capped
    FROM (
        SELECT c.key, c.no, sum(c.times)::bigint AS times, round(greatest(least(
            sum(c.times * r.points * power(0.5::float8, coalesce((c.today - c.day) / r.half_life, 0))), %s), -%s
        )::numeric, 1) AS exact
        FROM counted c JOIN rules r USING (no)
        GROUP BY c.key, c.no
    ) AS rounded JOIN rules USING (no)"""

_GROUPS = """
    SELECT key,
        sum(capped) FILTER (WHERE grp = 'fit') AS fit,
        sum(capped) FILTER (WHERE grp = 'intent') AS intent,
        sum(capped) FILTER (WHERE grp = 'engagement') AS engagement,
        sum(capped) FILTER (WHERE grp = 'negative') AS negative,
        sum(times) FILTER (WHERE grp = 'intent' AND helps) AS intent_times,
        sum(times) FILTER (WHERE grp = 'engagement' AND helps) AS engagement_times
    FROM sums GROUP BY key"""


def _capped(model: ScoreModel, rules: Sequence[ScoreRule]) -> Sql:
    def of(group: Group) -> str:
        columns = [f"c.rule_{no}" for no, rule in on_facts(rules) if rule.group == group]
        return " + ".join([f"coalesce(g.{group.value}, 0)", *columns])

    text = f"""
    SELECT c.key, c.lead_id, c.excluded,
        least({of(Group.FIT)}, %s) AS fit,
        least({of(Group.INTENT)}, %s) AS intent,
        CASE WHEN c.silent THEN 0 ELSE least({of(Group.ENGAGEMENT)}, %s) END AS engagement,
        greatest({of(Group.NEGATIVE)}, -%s) AS negative,
        coalesce(g.intent_times, 0) + CASE WHEN c.silent THEN 0 ELSE coalesce(g.engagement_times, 0) END AS times
    FROM chosen c LEFT JOIN groups g USING (key)"""  # noqa: S608  # names of columns
    return Sql(text, [model.fit_cap, model.intent_cap, model.engagement_cap, MOST])


def _graded(model: ScoreModel) -> Sql:
    text = """
    SELECT key, lead_id, fit, intent, engagement, negative, times::int AS counted_interactions,
        greatest(fit + intent + engagement + negative, 0)::numeric(6, 1) AS score,
        CASE WHEN fit >= %s THEN 'A' WHEN fit >= %s THEN 'B' WHEN fit >= %s THEN 'C' ELSE 'D' END
        || CASE WHEN intent + engagement >= %s THEN '1' WHEN intent + engagement >= %s THEN '2'
            WHEN intent + engagement >= %s THEN '3' ELSE '4' END AS grade,
        %s::bigint AS score_model_id
    FROM capped WHERE NOT excluded
    UNION ALL
    SELECT key, lead_id, NULL, NULL, NULL, NULL, 0, NULL, '', NULL FROM capped WHERE excluded"""
    return Sql(text, [*model.fit_grades, *model.engagement_grades, model.pk])


def of_lead(lead_id: int) -> LeadQuerySet:
    """Return the rows of one lead."""
    return Lead.objects.filter(Q(pk=lead_id))
