"""Change what a draft says happens to clocks that nobody stops. The steps of one temperature are set together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from leads.models import Temperature
from leadsla.accounts.models import User
from sla import calendars
from sla.drafts import is_a_number, opened, refuse, whole
from sla.models import Agreement, Commitment, EscalationStep, TimeLimit
from sla.working_time import WorkingTime

MOST_SHARE = Decimal(10)
MOST_MINUTES = 100_000
Action = EscalationStep.Action


@dataclass(frozen=True)
class Step:
    """One step of an escalation, at share × budget + minutes of working time after the clock's start.

    Attributes:
        action: code of `EscalationStep.Action`.
        share: of the budget; 0 is the start, 1 the due time.
        minutes: working minutes more.
        measures: of which clocks; none for all that no other step of the temperature names.
        recipient: whom `person` tells; None for every other action.
        is_urgent: also outside of the recipient's working hours.
    """

    action: str
    share: Decimal = Decimal(1)
    minutes: int = 0
    measures: tuple[str, ...] = ()
    recipient: User | None = None
    is_urgent: bool = False


@transaction.atomic
def set_escalation(
    draft: Agreement, *, temperature: str, steps: Sequence[Step], by: User, now: datetime
) -> list[EscalationStep]:
    """Set the steps for leads of one temperature, in the order in which they are taken.

    Args:
        draft: the draft.
        temperature: hot, warm or cool.
        steps: all of them; none takes every step away.
        by: who changes it.
        now: the moment; the calendars of then say in which order the steps come.

    Returns:
        The steps.

    Raises:
        drafts.Refused: naming the field as `steps.1.share`, counted from 0: a step that comes before the one above it,
            a second one of the same, a share or minutes out of bounds, a person who is missing or too many.
    """
    found = opened(draft, by=by)
    if temperature not in Temperature.values:
        refuse({"temperature": _("There is no such temperature. Use hot, warm or cool.")})
    errors: dict[str, str] = {}
    for place, step in enumerate(steps):
        errors |= {f"steps.{place}.{name}": problem for name, problem in _wrong(step).items()}
    refuse(errors)
    refuse(_wrong_order(found, temperature, steps, now=now))
    found.escalation.filter(temperature=temperature).delete()
    return EscalationStep.objects.bulk_create(
        EscalationStep(
            agreement=found,
            temperature=temperature,
            measures=list(step.measures),
            share=step.share,
            minutes=step.minutes,
            action=step.action,
            recipient=step.recipient,
            is_urgent=step.is_urgent,
        )
        for step in steps
    )


def _wrong(step: Step) -> dict[str, str]:
    errors = {}
    if step.action not in Action.values:
        errors["action"] = _("There is no such step. Choose one of the list.")
    if not is_a_number(step.share) or not 0 <= step.share <= MOST_SHARE:
        errors["share"] = _("Give a share of the time from 0 to 1,000 %.")
    errors["minutes"] = whole(step.minutes, least=0, most=MOST_MINUTES)
    if not set(step.measures) <= set(Commitment.Measure.values):
        errors["measures"] = _("There is no such promise. Choose from the list.")
    if step.action == Action.PERSON and step.recipient is None:
        errors["recipient"] = _("Say who is told.")
    elif step.action != Action.PERSON and step.recipient is not None:
        errors["recipient"] = _("Only the step “tell a named person” names one. Leave it empty.")
    elif step.recipient is not None and not step.recipient.is_active:
        errors["recipient"] = _("%(name)s is no longer active. Name somebody else.") % {"name": step.recipient}
    return {name: problem for name, problem in errors.items() if problem}


def _wrong_order(draft: Agreement, temperature: str, steps: Sequence[Step], *, now: datetime) -> dict[str, str]:
    """Find steps that come before the one above them, for any of the clocks that both stand for; or twice."""
    errors: dict[str, str] = {}
    named = {measure for step in steps for measure in step.measures}
    for measure, budget in budgets(draft, temperature, now=now).items():
        before: timedelta | None = None
        taken: set[tuple[timedelta, str, int | None]] = set()
        for place, step in enumerate(steps):
            if measure not in step.measures and (step.measures or measure in named):
                continue
            moment = budget * float(step.share) + timedelta(minutes=step.minutes)
            what = (moment, step.action, step.recipient.pk if step.recipient else None)
            if before is not None and moment < before:
                words = {"number": place + 1, "clock": Commitment.Measure(measure).label}
                errors[f"steps.{place}.share"] = (
                    _("Step %(number)d of “%(clock)s” comes before the step above it. Put them in order.") % words
                )
            elif what in taken:
                errors[f"steps.{place}.action"] = _("This step is there already. Remove one of the two.")
            before = moment if before is None else max(before, moment)
            taken.add(what)
    return errors


def in_order(draft: Agreement, temperature: str, *, now: datetime) -> list[EscalationStep]:
    """Return the steps of a draft for one temperature as they are taken: by clocks named, then those of all others."""
    steps = list(draft.escalation.filter(temperature=temperature).select_related("recipient"))
    given = budgets(draft, temperature, now=now)
    named = {measure for step in steps for measure in step.measures}
    others = [measure for measure in given if measure not in named]

    def place(step: EscalationStep) -> tuple[bool, list[str], timedelta]:
        of = next((given[measure] for measure in step.measures or others if measure in given), timedelta(days=1))
        return not step.measures, sorted(step.measures), of * float(step.share) + timedelta(minutes=step.minutes)

    return sorted(steps, key=place)


def budgets(draft: Agreement, temperature: str, *, now: datetime) -> dict[str, timedelta]:
    """Return the working time that a draft gives for leads of one temperature, by clock."""
    limits = TimeLimit.objects.filter(target__agreement=draft, temperature=temperature).select_related(
        "calendar", "target__commitment"
    )
    hours: dict[int, WorkingTime] = {}
    for limit in limits:
        if limit.calendar_id not in hours:
            hours[limit.calendar_id] = calendars.working_time(calendars.current(limit.calendar, now=now))
    return {limit.target.commitment.measure: calendars.budget(limit, hours[limit.calendar_id]) for limit in limits}
