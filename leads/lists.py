"""Leads in lists as marketing looks at them: by tab, by what is missing, by text, in an order, with counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, TextChoices, Value, When
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext_lazy as _

from leads import conditions
from leads.definitions import applying, in_force
from leads.facts import clean, company_key, folded
from leads.models import (
    Campaign,
    Company,
    Criterion,
    CriterionAnswer,
    Definition,
    Interaction,
    Lead,
    Source,
    Stage,
    Verdict,
)
from leads.querysets import LeadQuerySet


class Tab(TextChoices):
    """The parts that a list of leads falls into; recycled ones stand apart from those that are being nurtured."""

    READY = "ready", _("Ready to hand over")
    NURTURING = "nurturing", _("Nurturing")
    INQUIRY = "inquiry", _("Inquiry")
    RECYCLED = "recycled", _("Recycled")
    HANDED_OVER = "handed_over", _("Handed over")
    ACCEPTED = "accepted", _("Accepted")
    OPPORTUNITY = "opportunity", _("Opportunity")
    CUSTOMER = "customer", _("Customer")
    ENDED = "ended", _("Ended")
    ALL = "all", _("All")


RESTING = (Stage.INQUIRY, Stage.NURTURING)  # stages in which a recycled lead waits
ENDED = (Stage.LOST, Stage.DISQUALIFIED)
STAGES: dict[str, tuple[Stage, ...]] = {
    Tab.READY: (Stage.QUALIFIED,),
    Tab.NURTURING: (Stage.NURTURING,),
    Tab.INQUIRY: (Stage.INQUIRY,),
    Tab.RECYCLED: RESTING,
    Tab.HANDED_OVER: (Stage.HANDED_OVER,),
    Tab.ACCEPTED: (Stage.ACCEPTED,),
    Tab.OPPORTUNITY: (Stage.OPPORTUNITY,),
    Tab.CUSTOMER: (Stage.CUSTOMER,),
    Tab.ENDED: ENDED,
}

# What a list can be sorted by; the key with a minus sorts downwards.
ORDERS: dict[str, str] = {
    "score": "score",
    "name": "name_key",
    "company": "company_name",
    "since": "stage_since",
    "captured": "captured_at",
}


def in_tab(leads: LeadQuerySet, tab: str, *, now: datetime) -> LeadQuerySet:
    """Return the leads that stand under a tab; those of `Tab.ALL` are all."""
    if tab == Tab.ALL:
        return leads
    found = leads.filter(stage__in=STAGES[tab])
    if tab == Tab.RECYCLED:
        return found.filter(recycled_until__gt=now)
    if tab in {Tab.NURTURING, Tab.INQUIRY}:
        return found.filter(Q(recycled_until=None) | Q(recycled_until__lte=now))
    return found


def counts(leads: LeadQuerySet, *, now: datetime) -> dict[str, int]:
    """Return how many leads stand under each tab, in one query."""
    resting = Count("pk", filter=Q(recycled_until__gt=now))
    rows = leads.order_by().values("stage").annotate(everybody=Count("pk"), resting=resting)
    by_stage = {row["stage"]: (row["everybody"], row["resting"]) for row in rows}
    found = dict.fromkeys(Tab.values, 0)
    for tab, stages in STAGES.items():
        for stage in stages:
            everybody, rests = by_stage.get(stage, (0, 0))
            if tab == Tab.RECYCLED:
                found[tab] += rests
            elif stage in RESTING:
                found[tab] += everybody - rests
            else:
                found[tab] += everybody
    found[Tab.ALL] = sum(everybody for everybody, _rests in by_stage.values())
    return found


def ordered(leads: LeadQuerySet, order: str) -> LeadQuerySet:
    """Sort leads by a key of `ORDERS`, with a minus downwards; what is empty stands last, ties by id."""
    column = F(ORDERS[order.removeprefix("-")])
    downwards = order.startswith("-")
    first: OrderBy = column.desc(nulls_last=True) if downwards else column.asc(nulls_last=True)
    return leads.order_by(first, "-pk" if downwards else "pk")


def written_in(leads: LeadQuerySet, text: str) -> LeadQuerySet:
    """Return leads whose name, e-mail or company contains a text, whatever its case and accents."""
    key = folded(text)
    found = Q(name_key__contains=key) | Q(email__contains=text.strip().lower())
    named = company_key(text)
    if named:
        companies = Company.objects.filter(name_key__contains=named).values("pk")
        found |= Q(company__in=companies)
    return leads.filter(found)


def criterion_choices(*, now: datetime) -> list[tuple[str, str]]:
    """Return code and label of each criterion of the definitions in force, each code once."""
    rows = Criterion.objects.filter(definition__in=Definition.objects.in_force(now=now).values("pk"))
    found: dict[str, str] = {}
    for criterion in rows.order_by("definition__position", "position", "pk"):
        found.setdefault(criterion.code, criterion.label)
    return list(found.items())


def lacking(leads: LeadQuerySet, code: str, *, now: datetime) -> LeadQuerySet:
    """Return leads that do not meet a criterion of the definition they are judged by.

    Args:
        leads: to choose from.
        code: of the criterion.
        now: the moment for which definitions and conditions are taken.

    Returns:
        Those for which the criterion is unknown or not met; what a person said counts before the condition.
    """
    definitions = in_force(now=now)
    met = CriterionAnswer.objects.filter(lead=OuterRef("pk"), code=code)
    lacks = Q(pk__in=())
    if definitions:
        leads = leads.annotate(judged_by=applying(definitions, now=now))
    for criterion in Criterion.objects.filter(definition__in=definitions, code=code):
        cases = [When(Exists(met.filter(verdict=Verdict.MET)), then=Value(True)), When(Exists(met), then=Value(False))]
        if criterion.condition is not None:
            cases.append(When(conditions.compile(criterion.condition, now=now).holds, then=Value(True)))
        name = f"meets_{criterion.pk}"
        is_met = Case(*cases, default=Value(False), output_field=BooleanField())
        leads = leads.annotate(**{name: is_met})
        lacks |= Q(judged_by=criterion.definition_id, **{name: False})
    return leads.filter(lacks)


def lines(leads: Collection[Lead], *, now: datetime) -> dict[int, Decimal]:
    """Return the score from which each lead of a page counts as qualified; leads without a definition are left out."""
    definitions = in_force(now=now)
    if not definitions:
        return {}
    if definitions[0].scope is None:
        return {lead.pk: definitions[0].threshold for lead in leads}
    threshold = {each.pk: each.threshold for each in definitions}
    which = Lead.objects.filter(pk__in=[lead.pk for lead in leads]).annotate(judged_by=applying(definitions, now=now))
    return {pk: threshold[one] for pk, one in which.values_list("pk", "judged_by") if one is not None}


def last_interactions(leads: Iterable[Lead], *, now: datetime) -> dict[int, Interaction]:
    """Return each lead's last interaction until now, for the leads of one page."""
    rows = Interaction.objects.filter(lead__in=[lead.pk for lead in leads], occurred_at__lte=now)
    newest = rows.order_by("lead_id", "-occurred_at", "-pk").distinct("lead_id")
    return {row.lead_id: row for row in newest}


def source_choices(*, chosen: str = "") -> list[tuple[str, str]]:
    """Return code and name of the sources in use for a filter, and of the chosen one in any case."""
    return list(Source.objects.filter(Q(is_active=True) | Q(code=clean(chosen))).values_list("code", "name"))


def campaign_choices(*, chosen: str = "", limit: int = 200) -> list[tuple[str, str]]:
    """Return code and name of the newest campaigns in use for a filter, and of the chosen one in any case."""
    newest = Campaign.objects.filter(is_active=True).order_by("-pk").values("pk")[:limit]
    return list(Campaign.objects.filter(Q(pk__in=newest) | Q(code=clean(chosen))).values_list("code", "name"))
