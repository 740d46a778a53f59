"""Which agreement applies to a lead, the periods it counts in, and its text as numbered sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from leads import conditions
from leads.models import Definition, Lead, Temperature
from leadsla.accounts.models import Side
from leadsla.display import number, percent
from sla import periods
from sla.calendars import limit_in_words
from sla.models import Agreement, Commitment, Target, TimeLimit
from sla.periods import Period

Measure = Commitment.Measure


def applying_to(lead: Lead, *, now: datetime) -> Agreement | None:
    """Return the first agreement in force whose scope holds for a lead; None where none does."""
    for agreement in Agreement.objects.in_force(now=now).select_related("calendar", "definition"):
        if agreement.scope is None:
            return agreement
        holds = conditions.compile(agreement.scope, now=now).holds
        if Lead.objects.filter(holds, pk=lead.pk).exists():
            return agreement
    return None


def period_of(agreement: Agreement, moment: datetime) -> Period:
    """Return the month or quarter of an agreement, in its zone, in which a moment lies."""
    return periods.containing(moment, kind=agreement.period, timezone=agreement.timezone)


# --- the text

SENTENCES = {
    Measure.DECIDE: _t("A decision within %(within)s, %(often)s."),
    Measure.FIRST_FOLLOW_UP: _t("A first follow-up within %(within)s, %(often)s."),
    Measure.ATTEMPTS: _t("%(attempts)s before a lead is given up, %(often)s."),
    Measure.FIRST_RESULT: _t("A first result of an accepted lead within %(within)s, %(often)s."),
    Measure.UPDATE: _t("An update of every open lead each %(within)s, %(often)s."),
    Measure.OUTCOME: _t("Won or lost is reported within %(within)s after closing, %(often)s."),
    Measure.FIX: _t("A returned lead is fixed within %(within)s, %(often)s."),
    Measure.HAND_OVER: _t("A qualified lead is handed over within %(within)s, %(often)s."),
    Measure.ANSWER: _t("A lead that asks again is answered within %(within)s, %(often)s."),
    Measure.QUANTITY: _t("%(count)s qualified leads a %(period)s."),
    Measure.ACCEPTED: _t("At least %(rate)s of the decided ones are accepted, and kept for %(kept)d working days."),
    Measure.OPPORTUNITIES: _t("At least %(rate)s become opportunities within %(working_days)d working days."),
    Measure.CUSTOMERS: _t("At least %(rate)s become customers within %(days)d days."),
    Measure.USABLE_REASONS: _t("A rejection has a reason that marketing can act on, %(often)s."),
}


@dataclass(frozen=True)
class Clause:
    """One numbered sentence of the contract.

    Attributes:
        number: counted through both sides.
        side: who promises.
        measure: what is measured.
        text: the sentence.
        note: where its figure comes from; may be empty.
    """

    number: int
    side: str
    measure: str
    text: str
    note: str


def clauses(agreement: Agreement) -> list[Clause]:
    """Return an agreement's promises in plain sentences, marketing's first, numbered through."""
    targets = agreement.targets.select_related("commitment").prefetch_related("limits")
    found: list[Clause] = []
    for side in (Side.MARKETING, Side.SALES):
        for target in targets:
            if target.commitment.side == side:
                text = sentence(target, agreement=agreement)
                found.append(Clause(len(found) + 1, side, target.commitment.measure, text, target.note))
    return found


@dataclass(frozen=True)
class Doors:
    """When a lead is qualified, in words: what each of the two doors asks for."""

    asked: list[str]
    nurtured: list[str]


def definition_in_words(definition: Definition) -> Doors:
    """Write what a definition of qualified asks for, door by door."""
    criteria = list(definition.criteria.all())
    asked = [
        _("A request within the last %(days)d days") % {"days": definition.asked_within_days},
        *(criterion.label for criterion in criteria if criterion.required_by_asked),
    ]
    words = {
        "score": number(definition.threshold),
        "model": definition.score_model.version,
        "intent": number(definition.intent_at_least),
        "interactions": definition.interactions_at_least,
    }
    nurtured = [
        _("Score of at least %(score)s (model %(model)d)") % words,
        _("Of it %(intent)s points of intent, or %(interactions)d interactions that count") % words,
        *(criterion.label for criterion in criteria if criterion.required_by_nurtured),
    ]
    return Doors(asked, nurtured)


def sentence(target: Target, *, agreement: Agreement) -> str:
    """Write what a target promises, as `A decision within 4 h (hot), 1 working day (warm), 9 times in 10.`"""
    limits = sorted(target.limits.all(), key=lambda limit: Temperature.values.index(limit.temperature))
    words = {
        "within": _by_temperature(limits),
        "often": _times(target.at_least),
        "rate": percent(target.at_least),
        "count": _count(target),
        "period": agreement.get_period_display(),
        "working_days": agreement.opportunity_working_days,
        "days": agreement.customer_days,
        "kept": agreement.kept_working_days,
    }
    if target.commitment.measure == Measure.ATTEMPTS:
        words["attempts"] = _attempts(limits)
    return SENTENCES[Measure(target.commitment.measure)] % words


def _count(target: Target) -> str:
    low = number(target.at_least)
    if target.at_most is None:
        return _("At least %(low)s") % {"low": low}
    return _("Between %(low)s and %(high)s") % {"low": low, "high": number(target.at_most)}


def _times(rate: Decimal) -> str:
    """Write a rate as people say it: `9 times in 10`, `19 times in 20`; else in per cent."""
    if rate == 1:
        return _("every time")
    for of in (10, 20):
        if rate * of == int(rate * of):
            return _("%(times)d times in %(of)d") % {"times": int(rate * of), "of": of}
    return _("in %(rate)s of the cases") % {"rate": percent(rate)}


def _by_temperature(limits: Sequence[TimeLimit]) -> str:
    written = [limit_in_words(limit) for limit in limits]
    if len(set(written)) <= 1:
        return written[0] if written else ""
    parts = [f"{text} ({limit.get_temperature_display()})" for text, limit in zip(written, limits, strict=True)]
    return _("%(parts)s or %(last)s") % {"parts": ", ".join(parts[:-1]), "last": parts[-1]}


def _attempts(limits: Sequence[TimeLimit]) -> str:
    parts = []
    for limit in limits:
        words = {
            "attempts": limit.attempts or 0,
            "within": limit_in_words(limit),
            "temperature": limit.get_temperature_display(),
        }
        parts.append(_("%(attempts)d attempts in %(within)s (%(temperature)s)") % words)
    text = _("%(parts)s or %(last)s") % {"parts": ", ".join(parts[:-1]), "last": parts[-1]} if parts[1:] else parts[0]
    channels = max((limit.channels or 1 for limit in limits), default=1)
    if channels == 1:
        return text
    return _("%(attempts)s over %(channels)d channels") % {"attempts": text, "channels": channels}
