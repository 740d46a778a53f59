"""Save the stories of the demo: a statement or a few per table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection

from feedback.models import Answer, FollowUp, OutcomeReport
from leads import stages
from leads.models import Lead, Stage
from leadsla.home.demo.past import put
from leadsla.home.demo.story import Story
from sla import agreements, calendars, gate, periods
from sla.models import Agreement, Assignment, Clock, ClockStep, Commitment, Handoff, Round, Target


def save(stories: Sequence[Story]) -> None:
    """Save handoffs with their rows, and move the leads to where they led."""
    waiting = [story.handoff for story in stories]
    while waiting:  # first those that join nobody, then those that join them
        ready = [handoff for handoff in waiting if handoff.joins is None or not handoff.joins._state.adding]
        Handoff.objects.bulk_create(ready)
        waiting = [handoff for handoff in waiting if handoff._state.adding]
    Round.objects.bulk_create(opened for story in stories for opened in story.rounds)
    Assignment.objects.bulk_create(_assignment(story.handoff) for story in stories)
    clocks = Clock.objects.bulk_create(clock for story in stories for clock in story.clocks)
    ClockStep.objects.bulk_create(
        ClockStep(clock=clock, kind=ClockStep.Kind.BREACHED, due_at=clock.due_at, taken_at=clock.due_at)
        for clock in clocks
        if clock.breached_at
    )
    Answer.objects.bulk_create(answer for story in stories for answer in story.answers)
    FollowUp.objects.bulk_create(call for story in stories for call in story.follow_ups)
    OutcomeReport.objects.bulk_create(report for story in stories for report in story.outcomes)
    _move(stories)


def _assignment(handoff: Handoff) -> Assignment:
    assert handoff.to_team is not None
    assert handoff.handed_over_at is not None
    return Assignment(
        handoff=handoff,
        user=handoff.owner,
        team=handoff.to_team,
        temperature=handoff.temperature,
        assigned_at=handoff.handed_over_at,
        ended_at=handoff.closed_at,
        why=handoff.routing["reasons"][-1],
        counts=not handoff.is_notice,
    )


def _move(stories: Sequence[Story]) -> None:
    """Move each lead through its stages, so that its history tells all of them."""
    longest = max((len(story.stages) for story in stories), default=0)
    for number in range(longest):
        reached: dict[Stage, dict[int, datetime]] = {}
        for story in stories:
            if number < len(story.stages):
                stage, at = story.stages[number]
                reached.setdefault(stage, {})[story.handoff.lead_id] = at
        for stage, moments in reached.items():
            stages.move_each(moments, to=stage)
    _rest(story for story in stories if story.stages[-1][0] == Stage.NURTURING)
    _end(story for story in stories if story.stages[-1][0] == Stage.DISQUALIFIED)


def _rest(stories: Iterable[Story]) -> None:
    """Write what `stages.recycle` does."""
    by_lead = {story.handoff.lead_id: story for story in stories}
    leads: list[Lead] = [story.handoff.lead for story in by_lead.values()]
    if leads:
        put(
            leads,
            {
                "recycled_until": ("timestamptz", lambda lead: by_lead[lead.pk].recycled_until),
                "recycled_because": ("text", lambda lead: by_lead[lead.pk].because[:120]),
                "previous_owner_id": ("bigint", lambda lead: by_lead[lead.pk].handoff.owner_id),
                "engagement_since": ("timestamptz", lambda lead: by_lead[lead.pk].stages[-1][1]),
                "cycle": ("smallint", lambda lead: lead.cycle + 1),
                "qualified_until": ("timestamptz", lambda lead: None),
                "door": ("text", lambda lead: ""),
                "temperature": ("text", lambda lead: ""),
            },
        )


def _end(stories: Iterable[Story]) -> None:
    """Write what `stages.disqualify` does."""
    by_lead = {story.handoff.lead_id: story for story in stories}
    leads: list[Lead] = [story.handoff.lead for story in by_lead.values()]
    if leads:
        put(
            leads,
            {
                "disqualified_because": ("text", lambda lead: by_lead[lead.pk].because[:120]),
                "qualified_until": ("timestamptz", lambda lead: None),
                "suppressed_at": (
                    "timestamptz",
                    lambda lead: by_lead[lead.pk].stages[-1][1] if by_lead[lead.pk].is_suppressed else None,
                ),
                "blocked_at": (
                    "timestamptz",
                    lambda lead: by_lead[lead.pk].stages[-1][1] if by_lead[lead.pk].is_blocked else None,
                ),
            },
        )


_ABOVE = """
UPDATE sla_handoff h SET is_above_range = true
FROM (
    SELECT id, row_number() OVER (
        PARTITION BY date_trunc('month', handed_over_at AT TIME ZONE %s) ORDER BY handed_over_at, id
    ) AS place
    FROM sla_handoff WHERE agreement_id = %s AND counts
) AS counted
WHERE counted.id = h.id AND counted.place > %s AND NOT h.is_above_range"""


def mark_above_range(agreement: Agreement) -> None:
    """Mark the handoffs of each month that came after the agreed upper end was reached, as handing over does."""
    target = Target.objects.get(agreement=agreement, commitment__measure=Commitment.Measure.QUANTITY)
    if target.at_most is not None:
        with connection.cursor() as cursor:
            cursor.execute(_ABOVE, [agreement.timezone, agreement.pk, target.at_most])


def mark_above_share(agreement: Agreement, *, now: datetime) -> None:
    """Mark the handoffs that came after a working day had its share of the range, as handing over does."""
    target = Target.objects.get(agreement=agreement, commitment__measure=Commitment.Measure.QUANTITY)
    hours = calendars.working_time(calendars.current(agreement.calendar, now=now))
    if target.at_most is None:
        return
    had = Counter[datetime]()
    above = []
    days: list[date] = []
    period = None
    counted = Handoff.objects.filter(agreement=agreement, counts=True, handed_over_at__isnull=False)
    for pk, moment in counted.order_by("handed_over_at", "pk").values_list("pk", "handed_over_at"):
        assert moment is not None  # filtered
        if period is None or moment not in period:
            period = agreements.period_of(agreement, moment)
            days = periods.working_dates(period, hours)
        since = periods.since_last_working_day(period, days, now=moment)
        if had[since] >= gate.day_share(target.at_most, days):
            above.append(pk)
        had[since] += 1
    Handoff.objects.filter(pk__in=above).update(is_above_share=True)
