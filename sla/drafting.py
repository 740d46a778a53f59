"""Draft an agreement: start from a version, change its terms, promises and times, discard it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leads import conditions
from leads.models import Temperature
from leadsla.accounts.models import Side, User, is_timezone
from sla import periods
from sla.draft_definition import set_definition
from sla.draft_escalation import Step, set_escalation
from sla.drafts import (
    WHOLE,
    Refused,
    copy_of,
    is_a_number,
    lock_the_order,
    may_draft,
    opened,
    own_definition,
    refuse,
    whole,
)
from sla.models import Agreement, Calendar, Commitment, EscalationStep, Target, TimeLimit

__all__ = [
    "CLOCKS",
    "RATES",
    "SIDES",
    "Limit",
    "Refused",
    "Step",
    "Terms",
    "discard",
    "remove_promise",
    "set_definition",
    "set_escalation",
    "set_limits",
    "set_promise",
    "set_terms",
    "start_draft",
]

Measure, Status = Commitment.Measure, Agreement.Status
CLOCKS = (
    Measure.DECIDE,
    Measure.FIRST_FOLLOW_UP,
    Measure.ATTEMPTS,
    Measure.FIRST_RESULT,
    Measure.UPDATE,
    Measure.OUTCOME,
    Measure.FIX,
    Measure.HAND_OVER,
    Measure.ANSWER,
)
RATES = tuple(measure for measure in Measure if measure != Measure.QUANTITY)
OF_MARKETING = frozenset(
    {
        Measure.QUANTITY,
        Measure.ACCEPTED,
        Measure.OPPORTUNITIES,
        Measure.CUSTOMERS,
        Measure.HAND_OVER,
        Measure.FIX,
    }
)
SIDES = {measure: Side.MARKETING if measure in OF_MARKETING else Side.SALES for measure in Measure}  # who promises
MOST_LEADS = Decimal(9999)  # of a range, by period
OPEN = (Status.DRAFT, Status.PROPOSED)
FOLLOWED = (Status.ACTIVE, Status.SIGNED)  # what the next version takes the place of
COPIED = (
    "series",
    "name",
    "position",
    "scope",
    "period",
    "timezone",
    "calendar",
    "definition",
    "hands_over_automatically",
    "counts_companies",
    "settle_working_days",
    "kept_working_days",
    "opportunity_working_days",
    "customer_days",
    "ruling_person",
    "ruling_working_days",
    "restarts_on_reassignment",
    "covers_second_leg",
)
DAYS = {  # terms that are whole numbers: the least and the most that make sense
    "settle_working_days": (1, 120),
    "kept_working_days": (1, 120),
    "opportunity_working_days": (1, 260),
    "customer_days": (1, 1095),
    "ruling_working_days": (1, 60),
    "position": (0, 32767),
}


class Terms(TypedDict, total=False):
    """What of an agreement can be changed beside its promises; see `Agreement` for what each means."""

    name: str
    scope: Any  # condition; None holds for every lead
    position: int
    period: str
    timezone: str
    calendar: Calendar
    starts_on: date | None
    settle_working_days: int
    kept_working_days: int
    opportunity_working_days: int
    customer_days: int
    hands_over_automatically: bool
    counts_companies: bool
    restarts_on_reassignment: bool
    covers_second_leg: bool
    ruling_person: User | None
    ruling_working_days: int
    why: str


@dataclass(frozen=True)
class Limit:
    """The time that a promise gives for leads of one temperature: either working minutes or working days.

    Attributes:
        minutes, working_days: one of them is given, the other is None.
        calendar: whose working time counts; None for the agreement's.
        attempts, channels: of attempts before giving up: how many, on how many channels.
        warn_share: of the time used when the first reminder goes out.
    """

    minutes: int | None = None
    working_days: int | None = None
    calendar: Calendar | None = None
    attempts: int | None = None
    channels: int | None = None
    warn_share: Decimal = Decimal("0.8")


# --- begin and end of a draft


@transaction.atomic
def start_draft(base: Agreement | None, *, by: User, now: datetime) -> Agreement:
    """Start the next version of an agreement, or a new agreement, as a copy that can be changed.

    Args:
        base: the version to copy: targets, times, escalation and definition; None starts a new agreement of its own
            from what is promised for every lead.
        by: a manager of either side, or operations.
        now: the moment.

    Returns:
        The draft. It names the version whose place it takes; after that one it starts with the next period.

    Raises:
        Refused: for other people, and while the agreement has another draft or proposal.
    """
    may_draft(by)
    lock_the_order()
    source = base or Agreement.objects.in_force(now=now).last() or Agreement.objects.order_by("pk").last()
    if source is None:
        raise Refused({WHOLE: _("There is no agreement to start from. Load the portal's default data first.")})
    draft = copied(source, by=by, now=now)
    if base is not None:
        _follow(base, draft, now=now)
    else:
        draft.series = uuid.uuid4()
        draft.name = _("New agreement")
    draft.save(force_insert=True)
    if base is None or source.definition.in_force_until is not None:  # what ended is never put in force again
        draft.definition = copy_of(source.definition, draft=draft)
        draft.save(update_fields=["definition"])
    copy_promises(source, draft)
    return draft


def copied(source: Agreement, *, by: User, now: datetime) -> Agreement:
    """Return an unsaved version 1 with the terms of another agreement, in its series, not its promises."""
    return Agreement(version=1, created_by=by, created_at=now, **{name: getattr(source, name) for name in COPIED})


def _follow(base: Agreement, draft: Agreement, *, now: datetime) -> None:
    """Make a draft the next version of an agreement, from the next period on."""
    versions = Agreement.objects.filter(series=base.series)
    other = versions.filter(status__in=OPEN, changes_score_model_only=False).first()
    if other is not None:
        words = {"number": other.version, "status": other.get_status_display().lower()}
        raise Refused(
            {
                WHOLE: _(
                    "Version %(number)d is %(status)s already. Change that one, or take it back or discard it first."
                )
                % words
            }
        )
    draft.version = (versions.aggregate(latest=Max("version"))["latest"] or 0) + 1
    held = versions.exclude(in_force_from=None)
    draft.based_on = (
        versions.filter(status__in=FOLLOWED).order_by("-version").first() or held.order_by("-version").first()
    )
    if draft.based_on is not None and not draft.based_on.is_provisional:
        draft.starts_on = _next_start(draft, now=now)


def _next_start(draft: Agreement, *, now: datetime) -> date:
    """Return the first day of a period, in the old and the new measure, after a moment and after the old start."""
    before = draft.based_on
    found = periods.containing(now, kind=draft.period, timezone=draft.timezone).end
    while before is not None and (
        (before.starts_on is not None and before.status == Status.SIGNED and found <= before.starts_on)
        or not _is_boundary(found, kind=before.period)
    ):
        found = periods.of_day(found, kind=draft.period, timezone=draft.timezone).end
    return found


def _is_boundary(day: date, *, kind: str) -> bool:
    return periods.of_day(day, kind=kind, timezone="UTC").start == day


def copy_promises(source: Agreement, draft: Agreement) -> None:
    """Give a draft the promises, times and escalation steps of another agreement."""
    for target in source.targets.prefetch_related("limits"):
        limits = list(target.limits.all())
        target.pk, target.agreement = None, draft
        target.save(force_insert=True)
        for limit in limits:
            limit.pk, limit.target = None, target
        TimeLimit.objects.bulk_create(limits)
    steps = list(source.escalation.order_by("pk"))  # in the order in which they were written
    for step in steps:
        step.pk, step.agreement = None, draft
    EscalationStep.objects.bulk_create(steps)


@transaction.atomic
def discard(draft: Agreement, *, by: User) -> None:
    """Throw a draft away that nobody was shown as a proposal.

    Raises:
        Refused: for people who may not draft, and for anything but a draft.
    """
    lock_the_order()
    found = opened(draft, by=by)
    definition = found.definition
    found.delete()
    if definition.in_force_from is None and not Agreement.objects.filter(definition=definition).exists():
        definition.delete()


# --- terms


@transaction.atomic
def set_terms(draft: Agreement, *, by: User, now: datetime, **terms: Unpack[Terms]) -> Agreement:
    """Change an agreement's terms; only what is named changes.

    Args:
        draft: the draft.
        by: who changes it.
        now: the moment; a start must lie after it.
        **terms: see `Terms`.

    Returns:
        The draft as it is now.

    Raises:
        Refused: naming the field: a name that is empty, a scope that means nothing, a zone that does not exist, a
            start that is past or not the first day of a period, days out of bounds, an inactive person who rules.
    """
    found = opened(draft, by=by)
    unknown = set(terms) - set(Terms.__annotations__)
    if unknown:
        raise TypeError(f"unknown terms: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = dict(terms)
    if not values.get("scope", True) or values.get("scope") == {"all": []}:
        values["scope"] = None
    for name in ("name", "why"):
        if name in values:
            values[name] = str(values[name]).strip()
    errors = _wrong_terms(values, now=now)
    for name, value in values.items():
        setattr(found, name, value)
    if not errors.keys() & {"starts_on", "period", "timezone"} and values.keys() & {"starts_on", "period", "timezone"}:
        problem = start_problem(found, now=now)
        errors |= {"starts_on": problem} if problem else {}
    if "position" in values and "position" not in errors and _is_taken(found):
        errors["position"] = _("Another agreement stands at this place already. Choose a free one.")
    refuse(errors)
    found.save(update_fields=[*values])
    if "scope" in values and found.definition.scope != found.scope:
        definition = own_definition(found)
        definition.scope = found.scope
        definition.save(update_fields=["scope"])
    return found


def _wrong_terms(values: Mapping[str, Any], *, now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    if "name" in values and not 0 < len(values["name"]) <= 120:
        found["name"] = _("Give a name of up to 120 characters.")
    if "scope" in values:
        found["scope"] = _wrong_scope(values["scope"], now=now)
    if "period" in values and values["period"] not in Agreement.Period.values:
        found["period"] = _("Choose months or quarters.")
    if "timezone" in values:
        found["timezone"] = _wrong_zone(values["timezone"])
    person = values.get("ruling_person")
    if person is not None and not person.is_active:
        found["ruling_person"] = _("%(name)s is no longer active. Name somebody else.") % {"name": person}
    for name, (least, most) in DAYS.items():
        if name in values:
            found[name] = whole(values[name], least=least, most=most)
    return {name: problem for name, problem in found.items() if problem}


def _wrong_scope(scope: Any, *, now: datetime) -> str:
    try:
        conditions.validate(scope)
        conditions.compile(scope, now=now)
    except conditions.ConditionError as error:
        return str(error)
    return ""


def _wrong_zone(name: str) -> str:
    try:
        is_timezone(name)
    except ValidationError as error:
        return str(error.messages[0])
    return ""


def _is_taken(draft: Agreement) -> bool:
    standing = Agreement.objects.filter(status__in=FOLLOWED, is_provisional=False, position=draft.position)
    return standing.exclude(series=draft.series).exists()


def start_problem(draft: Agreement, *, now: datetime) -> str:
    """Say why a draft cannot start when it says; "" when it can.

    A version that takes the place of a signed one starts with a period, of the old and of the new length. The first
    one that is signed may hold as soon as both have signed; so may one that changes the score model only.
    """
    day, before = draft.starts_on, draft.based_on
    if day is None:
        if before is None or before.is_provisional or draft.changes_score_model_only:
            return ""
        return _("Say from which day it holds: the first day of a %(period)s.") % {"period": draft.get_period_display()}
    if not periods.is_in_reach(day):
        return _("Choose a day between %(first)d and %(last)d.") % {
            "first": periods.FIRST_YEAR,
            "last": periods.LAST_YEAR,
        }
    kinds = [draft.period] if before is None else [draft.period, before.period]
    if not all(_is_boundary(day, kind=kind) for kind in kinds):
        next_day = max(periods.of_day(day, kind=kind, timezone=draft.timezone).end for kind in kinds)
        return _("A version starts on the first day of a %(period)s. The next one is %(day)s.") % {
            "period": draft.get_period_display(),
            "day": date_format(next_day, "j F Y"),
        }
    if periods.midnight(day, draft.timezone) <= now:
        return _("%(day)s has begun already. Choose a later start.") % {"day": date_format(day, "j F Y")}
    return ""


# --- promises


@transaction.atomic
def set_promise(
    draft: Agreement,
    *,
    measure: str,
    at_least: Decimal,
    by: User,
    now: datetime,
    at_most: Decimal | None = None,
    note: str = "",
) -> Target:
    """Add a promise to a draft, or change its figures.

    Args:
        draft: the draft.
        measure: code of `Commitment.Measure`; who promises follows from it.
        at_least: the promise: leads by period of a quantity, else a rate from 0 to 1.
        by: who changes it.
        now: the moment.
        at_most: upper end of a quantity's range; None for open.
        note: where the figure comes from.

    Returns:
        The target. A new promise of a time has no times yet: see `set_limits`.

    Raises:
        Refused: naming the field: an unknown measure, a figure below zero, a rate above 1, a range upside down, a range
            of a rate, a note that is too long.
    """
    found = opened(draft, by=by)
    note = " ".join(note.split())
    refuse(_wrong_promise(measure, at_least, at_most, note))
    side = SIDES[Measure(measure)]
    commitment = Commitment.objects.get_or_create(measure=measure, side=side)[0]
    latest = found.targets.aggregate(latest=Max("position"))["latest"] or 0
    figures = {"at_least": at_least, "at_most": at_most, "note": note}
    return Target.objects.update_or_create(
        agreement=found, commitment=commitment, defaults=figures, create_defaults=figures | {"position": latest + 1}
    )[0]


def _wrong_promise(measure: str, at_least: Decimal, at_most: Decimal | None, note: str) -> dict[str, str]:
    if measure not in Measure.values:
        return {"measure": _("There is no such promise. Choose one of the list.")}
    errors = {}
    most = MOST_LEADS if measure == Measure.QUANTITY else Decimal(1)
    for name, value in (("at_least", at_least), ("at_most", at_most)):
        if name == "at_most" and value is None:
            continue
        problem = _wrong_figure(value, most=most)
        if problem:
            errors[name] = problem
    if at_most is not None and measure != Measure.QUANTITY:
        errors["at_most"] = _("Only the number of leads has an upper end. Leave it empty.")
    elif not errors and at_most is not None and at_most < at_least:
        errors["at_most"] = _("The range is upside down: its upper end is below its lower end.")
    if len(note) > 250:
        errors["note"] = _("Say it in up to 250 characters.")
    return errors


def _wrong_figure(value: Decimal | None, *, most: Decimal) -> str:
    if value is None or not is_a_number(value):
        return _("Give a number.")
    if value < 0:
        return _("A promise cannot be below zero.")
    if value > most and most == 1:
        return _("A rate cannot be above 100 %.")
    if value > most:
        return _("Give at most %(most)s.") % {"most": f"{most:,}"}
    return ""


@transaction.atomic
def remove_promise(draft: Agreement, *, measure: str, by: User, now: datetime) -> bool:
    """Take a promise and its times out of a draft; False when it was not in it."""
    found = opened(draft, by=by)
    for step in found.escalation.filter(measures__contains=[measure]):
        step.measures.remove(measure)
        if step.measures:
            step.save(update_fields=["measures"])
        else:
            step.delete()  # without a measure it would come to stand for all others
    return found.targets.filter(commitment__measure=measure).delete()[0] > 0


@transaction.atomic
def set_limits(
    draft: Agreement,
    *,
    measure: str,
    limits: Mapping[str, Limit],
    by: User,
    now: datetime,
    counts_owner_hours: bool | None = None,
) -> Target:
    """Set the times of a promise, for each temperature.

    Args:
        draft: the draft.
        measure: code of a clock; its promise is in the draft.
        limits: by temperature; what is left out is promised no time.
        by: who changes it.
        now: the moment.
        counts_owner_hours: whether the owner's own calendar counts where they have one; None leaves it as it is.

    Returns:
        The target with its limits.

    Raises:
        Refused: naming the field as `hot_minutes`: neither minutes nor days or both, no time at all, attempts of
            something else, figures out of bounds, no temperature left.
    """
    found = opened(draft, by=by)
    target = found.targets.filter(commitment__measure=measure).select_for_update(of=("self",)).first()
    if measure not in CLOCKS or target is None:
        raise Refused({"measure": _("There is no promise of a time to set this for. Add the promise first.")})
    if not limits:
        raise Refused({"limits": _("Give a time for at least one temperature, or remove the promise.")})
    errors: dict[str, str] = {}
    for temperature, limit in limits.items():
        for name, problem in _wrong_limit(limit, temperature=temperature, measure=measure).items():
            errors[f"{temperature}_{name}"] = problem
    refuse(errors)
    target.limits.all().delete()
    TimeLimit.objects.bulk_create(
        TimeLimit(
            target=target,
            temperature=temperature,
            minutes=limit.minutes,
            working_days=limit.working_days,
            calendar=limit.calendar or found.calendar,
            attempts=limit.attempts,
            channels=limit.channels,
            warn_share=limit.warn_share,
        )
        for temperature, limit in limits.items()
    )
    if counts_owner_hours is not None:
        target.counts_owner_hours = counts_owner_hours
        target.save(update_fields=["counts_owner_hours"])
    return target


def _wrong_limit(limit: Limit, *, temperature: str, measure: str) -> dict[str, str]:
    if temperature not in Temperature.values:
        return {"temperature": _("There is no such temperature. Use hot, warm or cool.")}
    errors = {}
    if (limit.minutes is None) == (limit.working_days is None):
        errors["minutes"] = _("Give either minutes or working days, one of the two.")
    elif limit.minutes is not None:
        errors["minutes"] = whole(limit.minutes, least=1, most=100_000)
    else:
        errors["working_days"] = whole(limit.working_days, least=1, most=365)
    is_counted = measure == Measure.ATTEMPTS
    for name, value, most in (("attempts", limit.attempts, 50), ("channels", limit.channels, 10)):
        if is_counted:
            errors[name] = whole(value, least=1, most=most)
        elif value is not None:
            errors[name] = _("Only attempts before giving up are counted. Leave it empty.")
    if is_counted and not any(errors.values()) and (limit.channels or 0) > (limit.attempts or 0):
        errors["channels"] = _("There are more channels than attempts.")
    if not is_a_number(limit.warn_share) or not 0 < limit.warn_share <= 1:
        errors["warn_share"] = _("Remind at a share of the time above 0 and up to 100 %.")
    return {name: problem for name, problem in errors.items() if problem}
