"""The full text of an agreement: its lines in words for the page, and word for word, with figures, for signing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t
from django.utils.translation import ngettext

from leads import conditions
from leads.models import Definition, Temperature
from leadsla.display import percent
from sla import agreements, calendar_editing, calendars
from sla.agreements import Clause
from sla.models import Agreement, Calendar, CalendarVersion, Commitment, EscalationStep, Target, TimeLimit

FORMAT = 1  # of the signed text; a change of its structure gets the next number
Action = EscalationStep.Action
ACTIONS = {
    Action.OWNER: _t("the owner is reminded"),
    Action.MANAGER: _t("the owner's manager is told"),
    Action.OTHER_SIDE: _t("the other side's person of the lead is told"),
    Action.PERSON: _t("%(name)s is told"),
    Action.OFFER: _t("it is offered to the whole team"),
    Action.REASSIGN: _t("it is given to the next in turn"),
}


@dataclass(frozen=True)
class Line:
    """One sentence of an agreement that is no promise.

    Attributes:
        key: what it is about; the same in every version.
        text: the sentence.
    """

    key: str
    text: str


@dataclass(frozen=True)
class Text:
    """An agreement in words.

    Attributes:
        terms: for which leads, from when, in which hours.
        clauses: the promises of both sides, numbered through.
        asked, nurtured: what each door of the definition asks for.
        escalation: what happens when it does not work, and who rules.
        counting: how it is counted.
    """

    terms: list[Line]
    clauses: list[Clause]
    asked: list[Line]
    nurtured: list[Line]
    escalation: list[Line]
    counting: list[Line]


def text_of(agreement: Agreement, *, now: datetime) -> Text:
    """Write an agreement in words.

    Args:
        agreement: any version, whatever its status.
        now: the moment; the hours of its calendars are those of then.
    """
    return Text(
        terms=_terms(agreement, now=now),
        clauses=agreements.clauses(agreement),
        asked=_asked(agreement.definition),
        nurtured=_nurtured(agreement.definition),
        escalation=[*_escalation(agreement), *_what_stays(agreement), _ruling(agreement)],
        counting=_counting(agreement),
    )


def full_text(agreement: Agreement, *, now: datetime) -> dict[str, Any]:
    """Return all that is signed: every sentence, and beside it the exact figures that it stands for.

    It is written in the portal's own language, whoever asks, so that the same agreement always gives the same text.
    """
    with translation.override(settings.LANGUAGE_CODE):
        words = text_of(agreement, now=now)
        return {
            "format": FORMAT,
            "series": str(agreement.series),
            "version": agreement.version,
            "name": agreement.name,
            "terms": _words(words.terms),
            "clauses": [
                {"number": clause.number, "side": clause.side, "text": clause.text, "from": clause.note}
                for clause in words.clauses
            ],
            "qualified": {"asked": _words(words.asked), "nurtured": _words(words.nurtured)},
            "escalation": _words(words.escalation),
            "counting": _words(words.counting),
            "exact": {
                "terms": _exact_terms(agreement),
                "promises": [_exact_target(target) for target in _targets(agreement)],
                "definition": _exact_definition(agreement.definition),
                "escalation": [_exact_step(step) for step in _steps(agreement)],
                "calendars": [_exact_calendar(calendar, now=now) for calendar in calendars_of(agreement)],
            },
        }


def canonical(text: dict[str, Any]) -> str:
    """Write a text as JSON in the one form that is hashed: sorted keys, no spaces, no escapes."""
    return json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(text: dict[str, Any]) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()


def calendars_of(agreement: Agreement) -> list[Calendar]:
    """Return the calendars that an agreement names, its own first."""
    own = agreement.calendar
    others = Calendar.objects.filter(
        pk__in=TimeLimit.objects.filter(target__agreement=agreement).values("calendar")
    ).exclude(pk=own.pk)
    return [own, *others.order_by("pk")]


def _words(lines: Iterable[Line]) -> dict[str, str]:
    return {line.key: line.text for line in lines}


# --- terms


def _terms(agreement: Agreement, *, now: datetime) -> list[Line]:
    lines = [Line("scope", _scope(agreement)), Line("start", _start(agreement))]
    for calendar in calendars_of(agreement):
        version = calendars.current(calendar, now=now)
        words = {
            "what": _counted_by(agreement, calendar),
            "hours": calendars.hours_in_words(version),
            "zone": version.timezone,
            "holidays": _holidays(version),
        }
        if calendar == agreement.calendar:
            text = _("Working time is %(hours)s (%(zone)s), %(holidays)s.") % words
        else:
            text = _("For %(what)s it is %(hours)s (%(zone)s), %(holidays)s.") % words
        lines.append(Line("calendar" if calendar == agreement.calendar else f"calendar {calendar.public_id}", text))
    own = [_name(target) for target in _targets(agreement) if target.counts_owner_hours]
    if own:
        text = _("Who has hours of their own is measured by them: %(promises)s.") % {"promises": ", ".join(own)}
        lines.append(Line("own hours", text))
    return lines


def _counted_by(agreement: Agreement, calendar: Calendar) -> str:
    """Name what a calendar counts for: whole temperatures, or else the promises."""
    limits = [(target, limit) for target in _targets(agreement) for limit in target.limits.all()]
    mine = {limit.temperature for _target, limit in limits if limit.calendar_id == calendar.pk}
    others = {limit.temperature for _target, limit in limits if limit.calendar_id != calendar.pk}
    if mine.isdisjoint(others):
        labels = [str(Temperature(code).label).lower() for code in Temperature.values if code in mine]
        return _("%(temperatures)s leads") % {"temperatures": _(" and ").join(labels)}
    parts = [
        f"{_name(target)} ({str(limit.get_temperature_display()).lower()})"
        for target, limit in limits
        if limit.calendar_id == calendar.pk
    ]
    return ", ".join(parts)


def _name(target: Target) -> str:
    return f"“{target.commitment.get_measure_display()}”"


def _scope(agreement: Agreement) -> str:
    if agreement.scope is None:
        return _("For every lead.")
    return _("For leads of which it is true: %(scope)s.") % {"scope": conditions.in_words(agreement.scope)}


def _start(agreement: Agreement) -> str:
    words = {"period": agreement.get_period_display(), "day": _day(agreement.starts_on)}
    if agreement.starts_on is None:
        return _("Once both have signed, %(period)s by %(period)s, until one side proposes something else.") % words
    return _("From %(day)s, %(period)s by %(period)s, until one side proposes something else.") % words


def _day(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""


def _holidays(version: CalendarVersion) -> str:
    country, region = version.holidays_country, version.holidays_region
    closed = len(version.closed_days)
    own = ngettext("%(days)d own closed day", "%(days)d own closed days", closed) % {"days": closed}
    if not country:
        return (
            _("public holidays included, but for %(own)s") % {"own": own} if closed else _("public holidays included")
        )
    name = calendar_editing.countries().get(country, country)
    part = calendar_editing.regions(country).get(region, region)
    words = {"place": f"{name} ({part})" if part else name, "own": own}
    if closed:
        return _("public holidays of %(place)s and %(own)s excepted") % words
    return _("public holidays of %(place)s excepted") % words


# --- qualified


def _asked(definition: Definition) -> list[Line]:
    return [
        Line("request", _("A request within the last %(days)d days") % {"days": definition.asked_within_days}),
        *(Line(each.code, each.label) for each in definition.criteria.all() if each.required_by_asked),
    ]


def _nurtured(definition: Definition) -> list[Line]:
    score, intent = agreements.definition_in_words(definition).nurtured[:2]
    days = ngettext(
        "It stays qualified for %(days)d day", "It stays qualified for %(days)d days", definition.valid_days
    ) % {"days": definition.valid_days}
    return [
        Line("score", score),
        Line("intent", intent),
        *(Line(each.code, each.label) for each in definition.criteria.all() if each.required_by_nurtured),
        Line("valid", days),
    ]


# --- when it does not work


def _steps(agreement: Agreement) -> list[EscalationStep]:
    order = Temperature.values.index
    steps = agreement.escalation.select_related("recipient")
    return sorted(steps, key=lambda step: (order(step.temperature), not step.measures, step.pk))


def _escalation(agreement: Agreement) -> list[Line]:
    """Write the steps, temperature by temperature: of the clocks that are named, then of all others."""
    groups: dict[tuple[str, tuple[str, ...]], list[EscalationStep]] = {}
    for step in _steps(agreement):
        groups.setdefault((step.temperature, tuple(step.measures)), []).append(step)
    lines = []
    for (temperature, measures), steps in groups.items():
        named = any(other == temperature and of for other, of in groups)
        head = _head(temperature, measures, is_rest=named)
        text = f"{head[:1].upper()}{head[1:]}: {_steps_in_words(steps)}"
        lines.append(Line(f"{temperature} {' '.join(measures)}".strip(), text))
    return lines


def _head(temperature: str, measures: Sequence[str], *, is_rest: bool) -> str:
    label = str(Temperature(temperature).label)
    if not measures:
        return _("%(label)s, all else") % {"label": label} if is_rest else label
    names = _(" and ").join(str(Commitment.Measure(measure).label).lower() for measure in measures)
    return f"{label}, {names}"


def _steps_in_words(steps: Sequence[EscalationStep]) -> str:
    all_urgent = all(step.is_urgent for step in steps)
    parts = []
    for step in steps:
        what = str(ACTIONS[Action(step.action)]) % {"name": step.recipient or ""}
        urgent = _(", also out of hours") if step.is_urgent and not all_urgent else ""
        parts.append(f"{_moment(step)} {what}{urgent}")
    text = "; ".join(parts) + "."
    return text + " " + _("All of it also out of the recipient's hours.") if all_urgent else text


def _moment(step: EscalationStep) -> str:
    after = calendars.limit_in_words(TimeLimit(minutes=step.minutes)) if step.minutes else ""
    words = {"after": after, "share": percent(step.share)}
    if step.share == 0:
        return _("after %(after)s") % words if after else _("at once")
    if step.share == 1:
        return _("%(after)s past the due time") % words if after else _("at the due time")
    return _("%(after)s past %(share)s of the time") % words if after else _("at %(share)s of the time") % words


def _what_stays(agreement: Agreement) -> list[Line]:
    lines = [
        Line(
            "late",
            _("What is late stays late and goes on being measured. Away times stop no clock; they stop new leads."),
        )
    ]
    if agreement.restarts_on_reassignment:
        lines.append(Line("reassigned", _("A lead that is given to somebody else starts its clocks anew.")))
    return lines


def _ruling(agreement: Agreement) -> Line:
    words = {"days": agreement.ruling_working_days, "person": agreement.ruling_person or ""}
    if agreement.ruling_person is None:
        text = _(
            "A rejection can be contested once. One manager of each side rules, within %(days)d working days; where "
            "they differ, or nobody ruled in time, it counts for neither side."
        )
    else:
        text = _(
            "A rejection can be contested once. One manager of each side rules, within %(days)d working days; where "
            "they differ, %(person)s does. Where nobody ruled in time, it counts for neither side."
        )
    return Line("ruling", text % words)


# --- how it is counted


def _counting(agreement: Agreement) -> list[Line]:
    words = {"zone": agreement.timezone, "days": agreement.settle_working_days}
    lines = [
        Line(
            "periods",
            _("A handoff belongs to the period of its handover, a time to the period in which it is due (%(zone)s).")
            % words,
        ),
        Line("settled", _("A period is settled %(days)d working days after its end.") % words),
    ]
    if agreement.counts_companies:
        lines.append(Line("companies", _("Of several people of one company, one in 30 days counts.")))
    if agreement.hands_over_automatically:
        lines.append(Line("hands over", _("Qualified leads are handed over by themselves.")))
    else:
        lines.append(Line("hands over", _("Marketing hands over by hand.")))
    if agreement.covers_second_leg:
        lines.append(Line("second leg", _("The times hold for the second leg, too.")))
    return lines


# --- exact figures


def _targets(agreement: Agreement) -> list[Target]:
    return list(agreement.targets.select_related("commitment").prefetch_related("limits__calendar"))


def _figure(value: Decimal | None) -> str | None:
    """Write a decimal in one way, whatever digits it was stored with: `0.9`, `120`."""
    return None if value is None else f"{Decimal(value).normalize():f}"


def _exact_terms(agreement: Agreement) -> dict[str, Any]:
    return {
        "scope": agreement.scope,
        "position": agreement.position,
        "period": agreement.period,
        "timezone": agreement.timezone,
        "calendar": str(agreement.calendar.public_id),
        "starts_on": agreement.starts_on.isoformat() if agreement.starts_on else None,
        "settle_working_days": agreement.settle_working_days,
        "kept_working_days": agreement.kept_working_days,
        "opportunity_working_days": agreement.opportunity_working_days,
        "customer_days": agreement.customer_days,
        "hands_over_automatically": agreement.hands_over_automatically,
        "counts_companies": agreement.counts_companies,
        "restarts_on_reassignment": agreement.restarts_on_reassignment,
        "covers_second_leg": agreement.covers_second_leg,
        "ruling_person": str(agreement.ruling_person.public_id) if agreement.ruling_person else None,
        "ruling_working_days": agreement.ruling_working_days,
        "changes_score_model_only": agreement.changes_score_model_only,
        "why": agreement.why,
    }


def _exact_target(target: Target) -> dict[str, Any]:
    return {
        "measure": target.commitment.measure,
        "side": target.commitment.side,
        "at_least": _figure(target.at_least),
        "at_most": _figure(target.at_most),
        "counts_owner_hours": target.counts_owner_hours,
        "limits": {
            limit.temperature: {
                "minutes": limit.minutes,
                "working_days": limit.working_days,
                "calendar": str(limit.calendar.public_id),
                "attempts": limit.attempts,
                "channels": limit.channels,
                "warn_share": _figure(limit.warn_share),
            }
            for limit in target.limits.all()
        },
    }


def _exact_definition(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "version": definition.version,
        "score_model": definition.score_model.version,
        "threshold": _figure(definition.threshold),
        "intent_at_least": _figure(definition.intent_at_least),
        "interactions_at_least": definition.interactions_at_least,
        "valid_days": definition.valid_days,
        "asked_within_days": definition.asked_within_days,
        "criteria": [
            {
                "code": each.code,
                "label": each.label,
                "condition": each.condition,
                "asked": each.required_by_asked,
                "nurtured": each.required_by_nurtured,
            }
            for each in definition.criteria.all()
        ],
    }


def _exact_step(step: EscalationStep) -> dict[str, Any]:
    return {
        "temperature": step.temperature,
        "measures": list(step.measures),
        "share": _figure(step.share),
        "minutes": step.minutes,
        "action": step.action,
        "recipient": str(step.recipient.public_id) if step.recipient else None,
        "is_urgent": step.is_urgent,
    }


def _exact_calendar(calendar: Calendar, *, now: datetime) -> dict[str, Any]:
    version = calendars.current(calendar, now=now)
    return {
        "calendar": str(calendar.public_id),
        "name": calendar.name,
        "version": version.version,
        "timezone": version.timezone,
        "hours": version.hours,
        "holidays": [version.holidays_country, version.holidays_region],
        "closed_days": version.closed_days,
        "special_days": version.special_days,
    }
