"""Six months of handoffs at the demo company, written in bulk by the rules of the contract.

Each story is told forward from its handover in working time; what would happen after `now` has not happened yet, so the
last stories are the ones that people work on. The same rules as in `sla.handoff`, `sla.clocks` and `feedback.decisions`
hold, and a test checks them on the loaded rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.utils.translation import gettext as _

from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from leads import conditions
from leads.models import Lead, Stage
from leads.scoring import band_of
from leadsla.accounts.models import Side, Team, User
from leadsla.home.demo.cast import SOUTH_COUNTRIES, Cast
from sla import calendars, packs
from sla.models import Agreement, Assignment, Clock, ClockStep, Commitment, Handoff, Round, TimeLimit
from sla.working_time import WorkingTime

UNDO = timedelta(seconds=60)
RECENT = timedelta(days=12)  # handoffs that people of the demo open to read
M = Commitment.Measure

# How the sources of the demo turn out; what nobody has agreed on yet shows in these.
ACCEPTED = {
    "website-demo": 0.8,
    "website-contact": 0.7,
    "website-pricing": 0.76,
    "referral-customer": 0.8,
    "webinar-live": 0.58,
    "event-booth": 0.44,
    "paid-search": 0.42,
    "organic-search": 0.5,
    "webinar-on-demand": 0.36,
    "linkedin-lead-form": 0.28,
    "content-syndication": 0.16,
}
REJECTED_FOR = (
    ("criterion_untrue", 32),
    ("too_early", 14),
    ("wrong_person", 24),
    ("bad_contact_data", 14),
    ("wrong_company", 10),
    ("existing_customer", 5),
    ("no_consent", 2),
    ("other", 3),
)
SAID = {
    "criterion_untrue": ("need: only collecting prices for a study", "decision maker: somebody else signs"),
    "too_early": ("Downloads were for a tender in 2028, no project yet", "Read the report for a thesis"),
    "wrong_person": ("Assistant, was asked to collect brochures", "Intern in purchasing"),
    "bad_contact_data": ("phone: number belongs to a fax machine", "email: bounced twice"),
    "wrong_company": ("Eight people, repairs bicycles", "Sells machines, does not run any"),
    "existing_customer": ("",),
    "no_consent": ("",),
    "other": ("Asked for a job", "Wanted the newsletter in French"),
}
FIRST_CALL = {"hot": (3.2, 0.55), "warm": (29.0, 0.75), "cool": (160.0, 0.8)}  # median working minutes, spread
DECISION = {"hot": (35.0, 0.9), "warm": (150.0, 0.75), "cool": (300.0, 0.7)}


@dataclass
class Story:
    """What becomes of one handoff; moments are None while they lie ahead."""

    handoff: Handoff
    rounds: list[Round]
    answers: list[Answer] = field(default_factory=list)
    follow_ups: list[FollowUp] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    stage: str = Stage.HANDED_OVER
    stage_since: datetime | None = None
    recycled_until: datetime | None = None
    because: str = ""

    @property
    def round(self) -> Round:
        """Return the round that sales was asked last."""
        return self.rounds[-1]


class Teller:
    """Tells stories under one agreement, with its limits and calendars read once."""

    def __init__(self, agreement: Agreement, cast: Cast, random: Random, *, now: datetime) -> None:
        self.agreement, self.cast, self.random, self.now = agreement, cast, random, now
        self.reasons = {reason.code: reason for reason in Reason.objects.all()}
        self.limits: dict[tuple[str, str], tuple[TimeLimit, Any, WorkingTime, timedelta]] = {}
        for limit in TimeLimit.objects.filter(target__agreement=agreement).select_related(
            "calendar", "target__commitment"
        ):
            version = calendars.current(limit.calendar, now=now)
            hours = calendars.working_time(version)
            key = (limit.target.commitment.measure, limit.temperature)
            self.limits[key] = (limit, version, hours, calendars.budget(limit, hours))
        self.given: Counter[int] = Counter()
        self.stories: list[Story] = []

    # --- one story

    def tell(self, lead: Lead) -> None:
        """Hand a qualified lead over, seconds after it qualified or late, and tell what became of it."""
        qualified_at = lead.qualified_at
        if qualified_at is None:
            return
        wait = timedelta(seconds=self.random.randint(2, 40))
        if self.random.random() < 0.06:
            wait = timedelta(minutes=self.random.randint(20, 400))
        start = qualified_at + wait
        if start > self.now:
            return
        team = self.cast.teams["South" if lead.country in SOUTH_COUNTRIES else "North"]
        owner = self._turn(team)
        pack, person = self._pack(lead, start)
        handoff = Handoff(
            lead=lead,
            agreement=self.agreement,
            definition_id=lead.qualified_by_id,
            score_model_id=lead.score_model_id,
            source_id=lead.last_source_id or lead.first_source_id,
            campaign_id=lead.last_campaign_id or lead.first_campaign_id,
            from_team_id=lead.team_id,
            to_team=team,
            door=lead.door,
            temperature=lead.temperature,
            score=lead.score,
            grade=lead.grade,
            band=band_of(lead.score) if lead.score is not None else "",
            routing={"reasons": [_("Whose turn it is")]},
            handed_over_at=start,
            owner=owner,
            owner_since=start,
            recorded_at=start,
        )
        opened = Round(handoff=handoff, number=1, opened_at=start, to_team=team, owner=owner, pack=pack, person=person)
        story = Story(handoff, [opened], stage_since=start)
        self.stories.append(story)
        self._clock(story, M.HAND_OVER, qualified_at, stopped_at=start, owner=lead.owner, team=lead.team)
        self._answer(story)
        self._owe(story)

    def _pack(self, lead: Lead, at: datetime) -> tuple[packs.Pack, packs.Pack]:
        """Freeze the pack; of an old handoff only its heads, which is what lists and figures read."""
        if self.now - at < RECENT:
            return packs.freeze(lead, agreement=self.agreement, now=at)
        person = {field: getattr(lead, field) for field in packs.PERSON}
        why = {"text": lead.last_source.name if lead.last_source else "", "source": ""}
        heads: packs.Pack = {
            "version": packs.VERSION,
            "frozen_at": at.isoformat(),
            "facts": conditions.facts(lead),
            "score": {"total": float(lead.score or 0), "grade": lead.grade, "groups": []},
            "criteria": [],
            "questions": [],
            "touches": {},
            "story": [],
            "campaign": None,
            "earlier": [],
            "answers": {"why_now": why, "need": why, "next_step": why},
        }
        return heads, person

    def _turn(self, team: Team) -> User:
        reps = self.cast.team_of(team.name)
        rep = min(reps, key=lambda user: (self.given[user.pk], user.pk))
        self.given[rep.pk] += 1
        return rep

    def _later(self, measure: str, story: Story, minutes: float) -> datetime:
        hours = self.limits[measure, story.handoff.temperature][2]
        start = story.handoff.handed_over_at
        assert start is not None
        return hours.add(start, timedelta(minutes=minutes)) + timedelta(seconds=self.random.randint(0, 50))

    def _due(self, measure: str, story: Story) -> datetime:
        _limit, _version, hours, length = self.limits[measure, story.handoff.temperature]
        assert story.handoff.handed_over_at is not None
        return hours.add(story.handoff.handed_over_at, length)

    def _sample(self, table: dict[str, tuple[float, float]], story: Story) -> float:
        median, spread = table[story.handoff.temperature]
        return median * self.random.lognormvariate(0, spread)

    def _answer(self, story: Story) -> None:
        handoff, random = story.handoff, self.random
        start = handoff.handed_over_at
        assert start is not None
        source = handoff.source.code if handoff.source else ""
        is_accepted = random.random() < ACCEPTED.get(source, 0.5)
        decided_at = self._later(M.DECIDE, story, self._sample(DECISION, story))
        called_at = self._later(M.FIRST_FOLLOW_UP, story, self._sample(FIRST_CALL, story))
        if not is_accepted and decided_at < self._due(M.FIRST_FOLLOW_UP, story):
            called_at = decided_at + timedelta(days=400)  # rejected from the pack, without a call
        cancelled_at = None if is_accepted else decided_at
        self._clock(story, M.FIRST_FOLLOW_UP, start, stopped_at=called_at, cancelled_at=cancelled_at)
        self._clock(story, M.DECIDE, start, stopped_at=decided_at)
        if called_at <= self.now and (is_accepted or called_at < decided_at):
            self._call(story, called_at, reached=random.random() < 0.55)
        if decided_at > self.now:
            return
        reason = None if is_accepted else self._reason()
        self._decide(story, decided_at, reason)
        if is_accepted:
            self._work(story, max(decided_at, called_at))

    def _reason(self) -> Reason:
        codes, weights = zip(*REJECTED_FOR, strict=True)
        return self.reasons[self.random.choices(codes, weights=weights)[0]]

    def _decide(self, story: Story, at: datetime, reason: Reason | None) -> None:
        handoff, opened = story.handoff, story.round
        decision = "rejected" if reason else "accepted"
        quality = (
            None
            if reason is None and self.random.random() < 0.4
            else self.random.randint(*((1, 3) if reason else (3, 5)))
        )
        said = self.random.choice(SAID[reason.code]) if reason else ""
        carried_out = at + UNDO if at + UNDO <= self.now else None
        for row in (handoff, opened):
            row.decision, row.decided_at, row.reason = decision, at, reason.code if reason else ""
        opened.decided_by, opened.quality = handoff.owner, quality
        if reason:
            opened.is_not_as_defined = reason.counts == Reason.Counts.NOT_AS_DEFINED
            opened.is_counted = opened.is_not_as_defined
            opened.is_usable = reason.code != "other"
        assert handoff.owner is not None
        story.answers.append(
            Answer(
                handoff=handoff,
                round=opened,
                decision=decision,
                reason=reason,
                asked={"text": said} if said else {},
                quality=quality,
                by=handoff.owner,
                occurred_at=at,
                recorded_at=at,
                not_before=at + UNDO,
                carried_out_at=carried_out,
                seen_at=at + timedelta(days=1) if at + timedelta(days=2) <= self.now else None,
            )
        )
        if reason is None:
            story.stage, story.stage_since = Stage.ACCEPTED, at
        elif carried_out:
            self._consequence(story, reason, carried_out)

    def _consequence(self, story: Story, reason: Reason, at: datetime) -> None:
        handoff = story.handoff
        then = Reason.Consequence
        if reason.consequence == then.REVIEW:
            return
        if reason.consequence == then.FIX:
            self._fix(story, at)
            return
        handoff.closed_at, handoff.closed_because = at, Handoff.ClosedBecause.REJECTED
        story.because, story.stage_since = reason.label, at
        if reason.consequence in {then.DISQUALIFY, then.BLOCK, then.SUPPRESS}:
            story.stage = Stage.DISQUALIFIED
            return
        story.stage = Stage.NURTURING
        story.recycled_until = at + timedelta(days=reason.recycle_days or 180)

    def _fix(self, story: Story, at: datetime) -> None:
        """Marketing fixes most returned leads in time; some wait, and some are withdrawn."""
        handoff, lead = story.handoff, story.handoff.lead
        story.round.returned_at = at
        hours = self.limits[M.FIX, handoff.temperature][2]
        fixed_at = hours.add(at, timedelta(hours=self.random.lognormvariate(1.4, 0.8)))
        self._clock(story, M.FIX, at, stopped_at=fixed_at, owner=lead.owner, team=lead.team)
        if fixed_at > self.now:
            handoff.is_returned = True
            return
        if self.random.random() < 0.7:
            self._send_again(story, fixed_at)
            return
        handoff.closed_at, handoff.closed_because = fixed_at, Handoff.ClosedBecause.WITHDRAWN
        story.stage, story.stage_since, story.because = Stage.NURTURING, fixed_at, _("Withdrawn by marketing")

    def _send_again(self, story: Story, at: datetime) -> None:
        """Open the next round with its own clock; in the demo what was fixed is accepted."""
        handoff, before = story.handoff, story.round
        story.rounds.append(
            Round(
                handoff=handoff,
                number=before.number + 1,
                opened_at=at,
                opened_because=Round.OpenedBecause.FIXED,
                to_team=handoff.to_team,
                owner=handoff.owner,
                pack=before.pack,
                person=before.person,
            )
        )
        handoff.round = story.round.number
        handoff.decision, handoff.decided_at, handoff.reason = "", None, ""
        hours = self.limits[M.DECIDE, handoff.temperature][2]
        decided_at = hours.add(at, timedelta(minutes=self._sample(DECISION, story)))
        self._clock(story, M.DECIDE, at, stopped_at=decided_at)
        if handoff.first_follow_up_at is None:
            self._clock(story, M.FIRST_FOLLOW_UP, at, stopped_at=decided_at)
        if decided_at <= self.now:
            self._decide(story, decided_at, None)
            self._call(story, decided_at, reached=False)
            self._work(story, decided_at)

    def _work(self, story: Story, since: datetime) -> None:
        """Follow up, and report what comes of it: in the demo two of five meet, one of seven buys."""
        handoff, random = story.handoff, self.random
        hours = self.limits[M.DECIDE, handoff.temperature][2]
        moment = since
        while len(story.follow_ups) < 6 and handoff.reached_at is None:
            moment = hours.add(moment, timedelta(hours=random.uniform(3, 12)))
            if moment > self.now:
                break
            self._call(story, moment, reached=random.random() < 0.5)
        if handoff.reached_at is None:
            if len(story.follow_ups) >= 6:
                self._give_back(story, hours.add(moment, timedelta(hours=2)), "unreachable")
            return
        if random.random() > 0.62:
            code = random.choice(("no_need", "bad_timing", "no_budget"))
            self._give_back(story, hours.add(handoff.reached_at, timedelta(hours=random.uniform(1, 30))), code)
            return
        meeting = hours.add(handoff.reached_at, timedelta(hours=random.uniform(8, 60)))
        self._outcome(story, OutcomeReport.Kind.MEETING, meeting)
        if random.random() > 0.6:
            self._outcome(story, OutcomeReport.Kind.LOST, hours.add(meeting, timedelta(hours=random.uniform(20, 90))))
            return
        opportunity = hours.add(meeting, timedelta(hours=random.uniform(2, 90)))
        amount = Decimal(random.randint(12, 96) * 1000)
        self._outcome(story, OutcomeReport.Kind.OPPORTUNITY, opportunity, amount=amount)
        closing = opportunity + timedelta(days=random.uniform(15, 75))
        moment = hours.add(opportunity, timedelta(hours=random.uniform(60, 150)))
        while moment < min(closing, self.now):
            self._call(story, moment, reached=True)
            moment = hours.add(moment, timedelta(hours=random.uniform(60, 150)))
        is_won = random.random() < 0.42
        kind = OutcomeReport.Kind.WON if is_won else OutcomeReport.Kind.LOST
        self._outcome(story, kind, closing, amount=amount * Decimal("0.9") if is_won else None)

    def _owe(self, story: Story) -> None:
        """Run the clocks of what sales owes once it accepted: attempts, a first result, updates, the outcome."""
        handoff, start = story.handoff, story.handoff.decided_at
        if handoff.decision != "accepted" or start is None:
            return
        never = self.now + timedelta(days=1)
        sixth = story.follow_ups[5].occurred_at if len(story.follow_ups) > 5 else never
        results = (handoff.reached_at, handoff.meeting_at, handoff.opportunity_at, handoff.won_at, handoff.lost_at)
        result = min([moment for moment in results if moment], default=never)
        closed = handoff.closed_at
        self._clock(story, M.ATTEMPTS, start, stopped_at=max(start, min(result, sixth)), cancelled_at=closed)
        first_result = min(result, handoff.given_back_at or never)
        self._clock(story, M.FIRST_RESULT, start, stopped_at=max(start, first_result), cancelled_at=closed)
        acts = {call.occurred_at for call in story.follow_ups} | {report.occurred_at for report in story.outcomes}
        for act in sorted(act for act in acts if act > start):
            self._clock(story, M.UPDATE, start, stopped_at=act)
            start = act
        if closed is None or closed > start:
            self._clock(story, M.UPDATE, start, stopped_at=never, cancelled_at=closed)
        if closed is not None and handoff.closed_because in {"won", "lost"}:
            self._clock(story, M.OUTCOME, closed, stopped_at=closed)

    def _give_back(self, story: Story, at: datetime, code: str) -> None:
        """Close an accepted handoff after contact, or after the agreed attempts; the lead rests."""
        handoff, reason = story.handoff, self.reasons[code]
        if at + UNDO > self.now or handoff.owner is None:
            return
        handoff.given_back_at, handoff.given_back_reason = at, code
        handoff.closed_at, handoff.closed_because = at + UNDO, Handoff.ClosedBecause.GIVEN_BACK
        story.stage, story.stage_since, story.because = Stage.NURTURING, at + UNDO, reason.label
        story.recycled_until = at + timedelta(days=reason.recycle_days or 120)
        story.answers.append(
            Answer(
                handoff=handoff,
                round=story.round,
                kind=Answer.Kind.GIVEN_BACK,
                decision="accepted",
                reason=reason,
                by=handoff.owner,
                occurred_at=at,
                recorded_at=at,
                not_before=at + UNDO,
                carried_out_at=at + UNDO,
                seen_at=at + timedelta(days=1) if at + timedelta(days=2) <= self.now else None,
            )
        )

    def _call(self, story: Story, at: datetime, *, reached: bool) -> None:
        handoff, random = story.handoff, self.random
        assert handoff.owner is not None
        result = FollowUp.Result.REACHED if reached else random.choice(("no_answer", "no_answer", "left_message"))
        story.follow_ups.append(
            FollowUp(
                handoff=handoff,
                by=handoff.owner,
                channel="call" if random.random() < 0.7 else "email",
                result=result,
                occurred_at=at,
                recorded_at=at,
            )
        )
        handoff.attempts += 1
        handoff.first_follow_up_at = handoff.first_follow_up_at or at
        handoff.last_follow_up_at = at
        if reached:
            handoff.reached_at = handoff.reached_at or at

    def _outcome(self, story: Story, kind: str, at: datetime, *, amount: Decimal | None = None) -> None:
        if at > self.now:
            return
        handoff = story.handoff
        column = f"{kind}_at"
        setattr(handoff, column, at)
        story.outcomes.append(
            OutcomeReport(
                handoff=handoff,
                kind=kind,
                amount=amount,
                currency="EUR" if amount is not None else "",
                lost_because=_("Bought elsewhere") if kind == OutcomeReport.Kind.LOST else "",
                occurred_at=at,
                recorded_at=at,
                by=handoff.owner,
            )
        )
        stage = {"opportunity": Stage.OPPORTUNITY, "won": Stage.CUSTOMER, "lost": Stage.LOST}.get(kind)
        if stage:
            story.stage, story.stage_since = stage, at
        if kind in {"won", "lost"}:
            handoff.closed_at, handoff.closed_because = at, kind
        if kind == "won":
            handoff.revenue, handoff.currency = amount, "EUR"

    def _clock(
        self,
        story: Story,
        measure: str,
        start: datetime,
        *,
        stopped_at: datetime,
        cancelled_at: datetime | None = None,
        owner: User | None = None,
        team: Team | None = None,
    ) -> None:
        """Run a clock: met, late, cancelled (missed when past due by then), or still running."""
        handoff = story.handoff
        limit, version, hours, length = self.limits[measure, handoff.temperature]
        side = limit.target.commitment.side
        owes = (handoff.owner, handoff.to_team) if side == Side.SALES else (owner, team)
        due = hours.add(start, length)
        clock = Clock(
            lead=handoff.lead,
            handoff=handoff,
            round=handoff.round,
            commitment=limit.target.commitment,
            measure=measure,
            side=side,
            temperature=handoff.temperature,
            agreement=self.agreement,
            limit=limit,
            calendar_version=version,
            started_at=start,
            budget_seconds=length.total_seconds(),
            due_at=due,
            warn_at=hours.add(start, length * float(limit.warn_share)),
            owner=owes[0],
            team=owes[1],
            recorded_at=start,
        )
        is_cancelled = cancelled_at is not None and cancelled_at < stopped_at
        end = cancelled_at if is_cancelled and cancelled_at else stopped_at
        if end > self.now:
            clock.next_step_at = clock.warn_at
        else:
            clock.stopped_at = end
            clock.used_seconds = hours.between(start, end).total_seconds()
            clock.waited_seconds = (end - start).total_seconds()
            clock.outcome = Clock.Outcome.MET if end <= due else Clock.Outcome.LATE
            if is_cancelled:
                clock.outcome = Clock.Outcome.CANCELLED if end <= due else Clock.Outcome.MISSED
            if end > due:
                clock.breached_at, clock.responsible = due, owes[0]
        story.clocks.append(clock)

    # --- all of them

    def write(self) -> int:
        """Save all stories, a statement or a few per table; returns how many there are."""
        stories = self.stories
        Handoff.objects.bulk_create([story.handoff for story in stories])
        Round.objects.bulk_create(opened for story in stories for opened in story.rounds)
        Assignment.objects.bulk_create(
            Assignment(
                handoff=story.handoff,
                user=story.handoff.owner,
                team=story.handoff.to_team,
                temperature=story.handoff.temperature,
                assigned_at=story.handoff.owner_since or self.now,
                why=_("Whose turn it is"),
            )
            for story in stories
        )
        clocks = Clock.objects.bulk_create(clock for story in stories for clock in story.clocks)
        ClockStep.objects.bulk_create(
            ClockStep(clock=clock, kind=ClockStep.Kind.BREACHED, due_at=clock.due_at, taken_at=clock.due_at)
            for clock in clocks
            if clock.breached_at
        )
        Answer.objects.bulk_create(answer for story in stories for answer in story.answers)
        FollowUp.objects.bulk_create(call for story in stories for call in story.follow_ups)
        OutcomeReport.objects.bulk_create(report for story in stories for report in story.outcomes)
        self._move_leads()
        return len(stories)

    def _move_leads(self) -> None:
        rows = []
        for story in self.stories:
            lead = story.handoff.lead
            lead.stage, lead.stage_since = story.stage, story.stage_since or self.now
            lead.recycled_until = story.recycled_until
            lead.recycled_because = story.because if story.stage == Stage.NURTURING else ""
            lead.disqualified_because = story.because if story.stage == Stage.DISQUALIFIED else ""
            if story.stage == Stage.NURTURING:
                lead.cycle, lead.previous_owner, lead.engagement_since = 2, story.handoff.owner, story.stage_since
            rows.append(lead)
        columns = ("stage", "stage_since", "recycled_until", "recycled_because", "disqualified_because", "cycle")
        Lead.objects.bulk_update(rows, (*columns, "previous_owner", "engagement_since"), batch_size=500)
