"""How each criterion of a definition stands for a lead: by a person's answer, else by its condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from leads import conditions, definitions
from leads.models import ASKED_KINDS, Criterion, CriterionAnswer, Definition, Interaction, Lead, Stage, Verdict
from leadsla.accounts.models import User


def requests(*, now: datetime) -> QuerySet[Interaction]:
    """Return requests to be contacted that count for a lead, for use in Exists.

    A request counts once: not if it came before the lead was recycled, and not if it was known when the lead qualified
    before and then went back (its handoff was withdrawn, or it was not handed over in time).
    """
    is_new = Q(lead__engagement_since=None) | Q(occurred_at__gt=F("lead__engagement_since"))
    is_unused = Q(lead__qualified_at=None) | Q(lead__stage=Stage.QUALIFIED) | Q(recorded_at__gt=F("lead__qualified_at"))
    return Interaction.objects.filter(
        is_new, is_unused, lead=OuterRef("pk"), kind__in=ASKED_KINDS, occurred_at__lte=now
    ).order_by()


def met(criterion: Criterion, *, now: datetime) -> Q:
    """Return for which leads a criterion is met; a person's answer counts before the condition, whatever it says."""
    answers = CriterionAnswer.objects.filter(lead=OuterRef("pk"), code=criterion.code)
    is_met = Q(Exists(answers.filter(verdict=Verdict.MET)))
    if criterion.condition is None:
        return is_met
    return is_met | (Q(~Exists(answers)) & conditions.compile(criterion.condition, now=now).holds)


@dataclass(frozen=True)
class CriterionState:
    """How one criterion stands for a lead.

    Attributes:
        code, label, question, field: of the criterion; `field` is the lead's fact that answers it, "" if none does.
        verdict: met, not met or unknown.
        evidence: what it rests on; of an unknown one, what to ask.
        who: who said it, or the way the fact came in.
        when: since when it is known; None where nobody noted it.
        is_required: by the door that the lead is nearer to: asked if it asks to be contacted, else nurtured.
        is_by_person: a person's answer, which counts before the condition.
        is_personal: the evidence tells of the person, so that erasure must empty it.
    """

    code: str
    label: str
    verdict: Verdict
    evidence: str
    who: str
    when: datetime | None
    is_required: bool
    field: str
    question: str
    is_by_person: bool = False
    is_personal: bool = False

    @property
    def is_missing(self) -> bool:
        """Tell whether the lead lacks it to be qualified."""
        return self.is_required and self.verdict != Verdict.MET


def criteria(lead: Lead, *, now: datetime) -> list[CriterionState]:
    """Return how each criterion of the definition that applies stands for a lead; empty where none applies."""
    return criteria_of([lead], now=now).get(lead.pk, [])


def missing(leads: Sequence[Lead], *, now: datetime) -> dict[int, list[CriterionState]]:
    """Return for each lead of a page the required criteria that are not met; the number of queries does not grow."""
    found = criteria_of(leads, now=now)
    return {lead.pk: [state for state in found.get(lead.pk, []) if state.is_missing] for lead in leads}


def criteria_of(leads: Sequence[Lead], *, now: datetime) -> dict[int, list[CriterionState]]:
    """Return what `criteria` does for many leads, by id; the number of queries does not grow."""
    in_force = definitions.in_force(now=now)
    if not leads or not in_force:
        return {}
    of_definition: dict[int, list[Criterion]] = {}
    for criterion in Criterion.objects.filter(definition__in=in_force):
        of_definition.setdefault(criterion.definition_id, []).append(criterion)
    verdicts = {
        f"verdict_{each.pk}": _verdict(each, now=now) for criteria in of_definition.values() for each in criteria
    }
    ids = [lead.pk for lead in leads]
    rows = (
        Lead.objects.filter(pk__in=ids)
        .order_by()
        .annotate(definition=definitions.applying(in_force, now=now), asks=_asks(in_force, now=now), **verdicts)
        .values("pk", "definition", "asks", *verdicts)
    )
    by_lead = {row["pk"]: row for row in rows}
    answers: dict[tuple[int, str], CriterionAnswer] = {
        (each.lead_id, each.code): each for each in CriterionAnswer.objects.filter(lead__in=ids).select_related("by")
    }
    people = _people(leads)
    return {
        lead.pk: [
            _state(lead, criterion, row, answers.get((lead.pk, criterion.code)), people)
            for criterion in of_definition.get(row["definition"], [])
        ]
        for lead in leads
        if (row := by_lead.get(lead.pk)) is not None
    }


def _verdict(criterion: Criterion, *, now: datetime) -> Case:
    if criterion.condition is None:
        return Case(default=Value(Verdict.UNKNOWN), output_field=CharField())
    pair = conditions.compile(criterion.condition, now=now)
    return Case(
        When(pair.holds, then=Value(Verdict.MET)),
        When(pair.fails, then=Value(Verdict.NOT_MET)),
        default=Value(Verdict.UNKNOWN),
        output_field=CharField(),
    )


def _asks(in_force: Sequence[Definition], *, now: datetime) -> Exists:
    days = max(each.asked_within_days for each in in_force)
    return Exists(requests(now=now).filter(occurred_at__gte=now - timedelta(days=days)))


def _people(leads: Iterable[Lead]) -> dict[int, str]:
    ids = {proof["by"] for lead in leads for proof in lead.fact_sources.values() if proof.get("by")}
    return {user.pk: str(user) for user in User.objects.filter(pk__in=ids)} if ids else {}


def _state(
    lead: Lead, criterion: Criterion, row: dict[str, Any], answer: CriterionAnswer | None, people: dict[int, str]
) -> CriterionState:
    is_required = criterion.required_by_asked if row["asks"] else criterion.required_by_nurtured
    when: datetime | None
    if answer is not None:
        verdict, evidence = Verdict(answer.verdict), answer.evidence
        who, when = str(answer.by or ""), answer.answered_at
    else:
        verdict, evidence = Verdict(row[f"verdict_{criterion.pk}"]), _evidence(lead, criterion)
        if verdict == Verdict.NOT_MET and _is_unanswered(lead, criterion):
            verdict = Verdict.UNKNOWN
        who, when = _proof(lead, criterion, people)
    if verdict == Verdict.UNKNOWN:
        evidence = evidence or criterion.question
    return CriterionState(
        code=criterion.code,
        label=criterion.label,
        verdict=verdict,
        evidence=evidence,
        who=who,
        when=when,
        is_required=is_required,
        field=criterion.field,
        question=criterion.question,
        is_by_person=answer is not None,
        is_personal=answer is not None or any(each.is_personal for each in _asked_of(criterion)),
    )


def _is_unanswered(lead: Lead, criterion: Criterion) -> bool:
    """Tell whether the fact that answers a criterion is not known: then nobody has said no."""
    return bool(criterion.field) and conditions.value_of(lead, conditions.field_of(criterion.field)) is None


_PLACE = ("city", "country")


def _asked_of(criterion: Criterion) -> list[conditions.Field]:
    asked = [] if criterion.condition is None else conditions.fields(criterion.condition)
    return asked or ([conditions.field_of(criterion.field)] if criterion.field else [])


def _evidence(lead: Lead, criterion: Criterion) -> str:
    keys = [each.key for each in _asked_of(criterion)]
    if "country" in keys:
        keys = [*_PLACE, *(key for key in keys if key not in _PLACE)]
    told = [conditions.value_in_words(lead, conditions.field_of(key)) for key in keys]
    return ", ".join(words for words in told if words)


def _ways_in() -> dict[str, str]:
    return {
        "hand": _("by hand"),
        "title": _("read from the job title"),
        "form": _("form"),
        "import": _("import"),
        "asked": _("said so when asked"),
    }


def _proof(lead: Lead, criterion: Criterion, people: dict[int, str]) -> tuple[str, datetime | None]:
    """Return who or what told the fact, and when, as `intake` noted it beside the fact."""
    proof = lead.fact_sources.get(criterion.field) or {}
    via = str(proof.get("via", ""))
    who = people.get(proof.get("by", 0)) or _ways_in().get(via, via)
    return who, parse_datetime(str(proof.get("at", "")))
