"""How models would have scored the leads that sales answered, as of their handover. Reads rounds; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from leads import auc, score_statement
from leads.models import Lead, ScoreModel
from leads.score_statement import Facts, Moment, Sql
from sla.models import Decision, Handoff, Round

MOST = 20_000  # handoffs, the newest


class Good(StrEnum):
    """What counts as a good lead."""

    ACCEPTED = "accepted"  # by sales, against rejected for a reason that counts
    WON = "won"  # a customer, against closed without


@dataclass(frozen=True)
class Past:
    """How models tell good leads of the past from bad ones.

    Attributes:
        areas: of the models, in their order; None where there is no good or no bad lead.
        leads: how many answered leads both models score.
        from_packs: of so many the facts are those frozen at the handover; of the rest, those of today.
        over: for each model, how many of these leads reach the line.
        good_over: for each model, how many good ones do.
    """

    areas: auc.Areas | None
    leads: int
    from_packs: int
    over: list[int]
    good_over: list[int]


@dataclass(frozen=True)
class _Answered:
    round_id: int
    lead_id: int
    moment: datetime
    is_good: bool
    has_pack: bool


def look_back(models: Sequence[ScoreModel], *, good: Good, line: Decimal, now: datetime, most: int = MOST) -> Past:
    """Score the leads that sales answered by some models, as of when sales was asked.

    Interactions count up to that moment, and have faded to its day. Facts are those of the pack that sales got; an
    imported past has none, so the lead's facts of today stand in. Of a lead with several handoffs the last one counts.
    Where an imported past does not tell when it was handed over, the lead is scored as of its first contact: nothing
    that came later can leak into the score.

    Args:
        models: to compare.
        good: what makes a lead a good one.
        line: the score that a lead should reach.
        now: the moment.
        most: at most so many handoffs, the newest.

    Returns:
        What came of it.
    """
    answered = _answered(good, now=now)[:most]
    scores = [_scores(model, answered, now=now) for model in models]
    both = [each for each in answered if all(each.lead_id in found for found in scores)]
    table = [[float(found[each.lead_id]) for each in both] for found in scores]
    is_good = [each.is_good for each in both]
    over = [[found[each.lead_id] >= line for each in both] for found in scores]
    return Past(
        areas=auc.compare(is_good, table),
        leads=len(both),
        from_packs=sum(each.has_pack for each in both),
        over=[sum(each) for each in over],
        good_over=[sum(a and b for a, b in zip(each, is_good, strict=True)) for each in over],
    )


def _answered(good: Good, *, now: datetime) -> list[_Answered]:
    rows = (
        Round.objects.filter(handoff__leg=1, handoff__is_notice=False, number=F("handoff__round"))
        .filter(handoff__lead__merged_into=None)
        .annotate(
            moment=Coalesce("opened_at", "handoff__lead__captured_at", "handoff__lead__created_at"),
            is_good=Case(When(_is_good(good), then=True), default=False, output_field=BooleanField()),
        )
        .filter(_is_known(good), moment__lte=now)
    )
    last: QuerySet[Round] = rows.order_by("handoff__lead_id", "-moment", "-pk").distinct("handoff__lead_id")
    found = [
        _Answered(*row)
        for row in last.annotate(has_pack=_HAS_PACK).values_list(
            "pk", "handoff__lead_id", "moment", "is_good", "has_pack"
        )
    ]
    return sorted(found, key=lambda each: (each.moment, each.round_id), reverse=True)


_HAS_PACK = Case(
    When(pack__has_key="facts", opened_at__isnull=False, then=True), default=False, output_field=BooleanField()
)


def _is_good(good: Good) -> Q:
    return Q(decision=Decision.ACCEPTED) if good is Good.ACCEPTED else Q(handoff__won_at__isnull=False)


def _is_known(good: Good) -> Q:
    """Return which rounds tell good from bad: not those that count for neither side."""
    if good is Good.WON:
        because = Handoff.ClosedBecause
        lost = Q(handoff__closed_because__in=(because.LOST, because.GIVEN_BACK, because.REJECTED), is_counted=True)
        return Q(handoff__won_at__isnull=False) | lost
    rejected = Q(decision=Decision.REJECTED, is_counted=True) & ~Q(ruling=Round.Ruling.NEITHER)
    return Q(decision=Decision.ACCEPTED) | rejected


def _scores(model: ScoreModel, answered: Sequence[_Answered], *, now: datetime) -> dict[int, Decimal]:
    """Return the scores by lead: one statement for those with packs, one for the rest."""
    rules = list(model.rules.all())
    found: dict[int, Decimal] = {}
    for with_pack in (True, False):
        mine = [each for each in answered if each.has_pack is with_pack]
        if not mine:
            continue
        leads = Lead.objects.filter(pk__in=[each.lead_id for each in mine])
        moments = {each.lead_id: Moment(each.moment, score_statement.day_of(each.moment)) for each in mine}
        try:
            facts = _facts_of_packs(model, mine, now=now) if with_pack else None
            chain = score_statement.scored(model, rules, leads, now=now, moments=moments, facts=facts)
        except EmptyResultSet:
            continue
        statement = chain + Sql("SELECT lead_id, score FROM scored WHERE score IS NOT NULL")
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.params)
            found |= dict(cursor.fetchall())
    return found


def _facts_of_packs(model: ScoreModel, answered: Sequence[_Answered], *, now: datetime) -> Facts:
    """Return the points of the rules on facts by what the packs say, as `score_statement.points_of_facts` does."""
    rules = list(model.rules.all())
    lead = "handoff__lead__"
    since = When(**{f"{lead}engagement_since__lte": F("opened_at")}, then=F(f"{lead}engagement_since"))
    silent = When(**{f"{lead}unsubscribed_at__lte": F("opened_at")}, then=True)
    columns = {
        "since": Case(since, default=None, output_field=DateTimeField()),
        "silent": Case(silent, default=False, output_field=BooleanField()),
        "excluded": Value(False, output_field=BooleanField()),
        **score_statement.points_by_column(rules, now=now, target="pack"),
    }
    rows = Round.objects.filter(pk__in=[each.round_id for each in answered]).order_by().annotate(**columns)
    text, params = rows.values_list("handoff__lead_id", *columns).query.sql_with_params()
    return score_statement.facts_head(rules), Sql(text, list(params))
