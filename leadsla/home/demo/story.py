"""One handoff of the demo with everything that becomes of it, and the times that its agreement gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feedback.attempts import A_DAY_AT_MOST, APART
from feedback.models import Answer, FollowUp, OutcomeReport
from leads.models import Stage
from leadsla.accounts.models import Side, Team, User
from sla import calendars, plans
from sla.models import Agreement, CalendarVersion, Clock, EscalationStep, Handoff, Round, TimeLimit
from sla.working_time import WorkingTime

Outcome = Clock.Outcome


@dataclass
class Story:
    """What becomes of one handoff.

    Attributes:
        handoff: with its columns as of the last moment that was told.
        rounds, answers, follow_ups, outcomes, clocks: the rows beside it, oldest first.
        stages: of the lead, each with the moment at which it came into it.
        recycled_until, because: of a lead that rests or ended.
        is_suppressed, is_blocked: it must not be contacted, or is never handed over again.
    """

    handoff: Handoff
    rounds: list[Round]
    stages: list[tuple[Stage, datetime]]
    answers: list[Answer] = field(default_factory=list)
    follow_ups: list[FollowUp] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    recycled_until: datetime | None = None
    because: str = ""
    is_suppressed: bool = False
    is_blocked: bool = False

    @property
    def round(self) -> Round:
        """Return the round that sales was asked last."""
        return self.rounds[-1]

    @property
    def start(self) -> datetime:
        """Return when it was handed over."""
        assert self.handoff.handed_over_at is not None
        return self.handoff.handed_over_at

    @property
    def attempts_on(self) -> set[str]:
        """Return the channels on which attempts were made that count."""
        return {call.channel for call in self.follow_ups if call.counts}

    def counts(self, channel: str, at: datetime) -> bool:
        """Tell whether a follow-up counts as an attempt, as `feedback.attempts` does."""
        zone = at.tzinfo
        others = [
            call.occurred_at.astimezone(zone) for call in self.follow_ups if call.counts and call.channel == channel
        ]
        if any(abs(other - at) < APART for other in others):
            return False
        return sum(other.date() == at.date() for other in others) < A_DAY_AT_MOST

    def is_in_work(self, at: datetime) -> bool:
        """Tell whether somebody worked on it at a moment: open, and not rejected."""
        handoff = self.handoff
        is_open = self.start <= at and (handoff.closed_at is None or handoff.closed_at > at)
        rejected = any(one.decided_at and one.decided_at <= at and one.decision == "rejected" for one in self.rounds)
        return is_open and not rejected and not handoff.is_notice


@dataclass(frozen=True)
class Limit:
    """The time that an agreement gives for something at a temperature, in its calendar."""

    limit: TimeLimit
    version: CalendarVersion
    hours: WorkingTime
    length: timedelta
    steps: list[EscalationStep]

    def due(self, start: datetime) -> datetime:
        """Return when something is due that starts at a moment."""
        return self.hours.add(start, self.length)


class Times:
    """The times of one agreement, read once, and the clocks that run under them."""

    def __init__(self, agreement: Agreement, *, now: datetime) -> None:
        self.agreement, self.now = agreement, now
        self._limits: dict[tuple[str, str], Limit] = {}
        limits = TimeLimit.objects.filter(target__agreement=agreement)
        steps = list(agreement.escalation.all())
        for limit in limits.select_related("calendar", "target__commitment"):
            version = calendars.current(limit.calendar, now=now)
            hours = calendars.working_time(version)
            measure = limit.target.commitment.measure
            chosen = plans.chosen([step for step in steps if step.temperature == limit.temperature], measure=measure)
            found = Limit(limit, version, hours, calendars.budget(limit, hours), chosen)
            self._limits[measure, limit.temperature] = found

    def of(self, measure: str, story: Story) -> Limit:
        """Return the time for something at a story's temperature."""
        return self._limits[measure, story.handoff.temperature]

    def run(
        self,
        story: Story,
        measure: str,
        start: datetime,
        *,
        stopped_at: datetime | None,
        cancelled_at: datetime | None = None,
        owner: User | None = None,
        team: Team | None = None,
    ) -> None:
        """Run a clock: met, late, cancelled (missed when past due by then), or still running.

        Args:
            story: whose.
            measure: of which commitment.
            start: when it starts.
            stopped_at: when what is owed is done; None for never.
            cancelled_at: when it ends without that.
            owner, team: who owes, where that is marketing.
        """
        handoff, found = story.handoff, self.of(measure, story)
        side = found.limit.target.commitment.side
        owes = (handoff.owner, handoff.to_team) if side == Side.SALES else (owner, team)
        due = found.due(start)
        clock = Clock(
            lead=handoff.lead,
            handoff=handoff,
            round=story.round.number,
            commitment=found.limit.target.commitment,
            measure=measure,
            side=side,
            temperature=handoff.temperature,
            agreement=self.agreement,
            limit=found.limit,
            calendar_version=found.version,
            started_at=start,
            budget_seconds=found.length.total_seconds(),
            due_at=due,
            warn_at=found.hours.add(start, found.length * float(found.limit.warn_share)),
            owner=owes[0],
            team=owes[1],
            recorded_at=start,
        )
        is_cancelled = cancelled_at is not None and (stopped_at is None or cancelled_at < stopped_at)
        end = cancelled_at if is_cancelled else stopped_at
        if end is None or end > self.now:
            planned = plans.plan(found.steps, hours=found.hours, start=start, budget=found.length)
            clock.plan_at, clock.plan_steps = planned.at, planned.steps
            clock.next_step_at = planned.next_after(due)
        else:
            is_late = end > due
            clock.stopped_at = end
            clock.used_seconds = found.hours.between(start, end).total_seconds()
            clock.waited_seconds = (end - start).total_seconds()
            clock.outcome = Outcome.LATE if is_late else Outcome.MET
            if is_cancelled:
                clock.outcome = Outcome.MISSED if is_late else Outcome.CANCELLED
            if is_late:
                clock.breached_at, clock.responsible = due, owes[0]
        story.clocks.append(clock)
