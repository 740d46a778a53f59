"""Six months of handoffs at the demo company, told by the rules of the contract and written in bulk.

Each story is told forward from its handover in working time; what would happen after `now` has not happened yet, so the
last stories are the ones that people work on. The same rules as in `sla.handoff`, `sla.clocks` and `feedback` hold, and
a test checks them on the loaded rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from leads.models import Door, Lead, Stage, Temperature
from leads.scoring import band_of
from leadsla.accounts.models import Role, Team, User
from leadsla.home.demo import odds
from leadsla.home.demo.cast import SOUTH_COUNTRIES, Cast
from leadsla.home.demo.story import Story, Times
from sla import packs
from sla.gate import ONE_PER_COMPANY_IN
from sla.handoff import RESTS_AFTER_WITHDRAWAL
from sla.models import Agreement, Commitment, Handoff, Round

UNDO = timedelta(seconds=60)
M = Commitment.Measure
Kind = OutcomeReport.Kind
Because = Handoff.ClosedBecause


class Teller:
    """Tells what becomes of leads under one agreement."""

    def __init__(self, agreement: Agreement, cast: Cast, random: Random, *, now: datetime) -> None:
        self.agreement, self.cast, self.random, self.now = agreement, cast, random, now
        self.reasons = {reason.code: reason for reason in Reason.objects.all()}
        self.times = Times(agreement, now=now)
        self.given: Counter[int] = Counter()
        self.at_company: dict[int, list[Story]] = defaultdict(list)
        self.stories: list[Story] = []

    # --- handed over

    def tell(self, leads: Sequence[Lead]) -> None:
        """Hand qualified leads over, seconds after they qualified or late, and tell what became of each.

        Args:
            leads: oldest first; called again with later ones.
        """
        frozen = packs.freeze_many(leads, agreement=self.agreement, now=self.now)
        for lead in leads:
            start = self._handed_over_at(lead)
            if start <= self.now:
                pack, person = frozen[lead.pk]
                lead.score, lead.grade = Decimal(str(pack["score"]["total"])), pack["score"]["grade"]
                if lead.door == Door.NURTURED:
                    lead.temperature = Temperature.WARM if lead.grade[1] in "12" else Temperature.COOL
                self._hand_over(lead, start, pack | {"frozen_at": start.isoformat()}, person)

    def _handed_over_at(self, lead: Lead) -> datetime:
        assert lead.qualified_at is not None
        if self.random.random() < odds.HANDED_OVER_LATE:
            return lead.qualified_at + timedelta(minutes=self.random.randint(20, 400))
        return lead.qualified_at + timedelta(seconds=self.random.randint(2, 40))

    def _hand_over(self, lead: Lead, start: datetime, pack: packs.Pack, person: packs.Pack) -> None:
        colleagues = self.at_company[lead.company_id] if lead.company_id else []
        account = self._account(colleagues, start)
        joins = None if account else next((one for one in colleagues if one.is_in_work(start)), None)
        team, owner, why = self._route(lead, account or joins, is_notice=account is not None)
        handoff = Handoff(
            lead=lead,
            is_notice=account is not None,
            joins=joins.handoff if joins else None,
            agreement=self.agreement,
            definition_id=lead.qualified_by_id,
            score_model_id=lead.score_model_id,
            source=lead.last_source or lead.first_source,
            campaign=lead.last_campaign or lead.first_campaign,
            from_team_id=lead.team_id,
            to_team=team,
            door=lead.door,
            temperature=lead.temperature,
            score=lead.score,
            grade=lead.grade,
            band=band_of(lead.score),
            routing={"reasons": [why]},
            handed_over_at=start,
            owner=owner,
            owner_since=start,
            recorded_at=start,
        )
        before = [one.handoff for one in colleagues if one.handoff.counts and one.start > start - ONE_PER_COMPANY_IN]
        handoff.counts = not handoff.is_notice and not before
        opened = Round(handoff=handoff, number=1, opened_at=start, to_team=team, owner=owner, pack=pack, person=person)
        story = Story(handoff, [opened], [(Stage.HANDED_OVER, start)])
        self.stories.append(story)
        colleagues.append(story)
        assert lead.qualified_at is not None
        self.times.run(story, M.HAND_OVER, lead.qualified_at, stopped_at=start, owner=lead.owner, team=lead.team)
        if handoff.is_notice:
            handoff.closed_at, handoff.closed_because = start, Because.NOTICE
            return
        self._answer(story)
        self._owe(story)

    def _account(self, colleagues: Sequence[Story], at: datetime) -> Story | None:
        """Return who of a company bought, or has an open opportunity."""
        for story in colleagues:
            one = story.handoff
            is_open = one.closed_at is None or one.closed_at > at
            if (one.won_at and one.won_at <= at) or (one.opportunity_at and one.opportunity_at <= at and is_open):
                return story
        return None

    def _route(self, lead: Lead, known: Story | None, *, is_notice: bool) -> tuple[Team, User, str]:
        """Return team, rep and why: who knows the company, else whose turn it is."""
        if known is not None and known.handoff.owner is not None and known.handoff.to_team is not None:
            words = {"company": lead.company, "colleague": known.handoff.lead, "owner": known.handoff.owner}
            why = _("Joins %(colleague)s of %(company)s, who is with %(owner)s.")
            if is_notice:
                why = _("%(company)s is a customer or has an open opportunity.")
            return known.handoff.to_team, known.handoff.owner, why % words
        team = self.cast.teams["South" if lead.country in SOUTH_COUNTRIES else "North"]
        rep = min(self.cast.team_of(team.name), key=lambda user: (self.given[user.pk], user.pk))
        self.given[rep.pk] += 1
        return team, rep, _("Turn of %(user)s in %(team)s.") % {"user": rep, "team": team}

    # --- answered

    def _later(self, measure: str, story: Story, since: datetime, table: odds.Times) -> datetime:
        """Return a moment so many working minutes later as people of the demo take."""
        median, spread = table[story.handoff.temperature]
        minutes = median * self.random.lognormvariate(0, spread)
        done = self.times.of(measure, story).hours.add(since, timedelta(minutes=minutes))
        return done + timedelta(seconds=self.random.randint(0, 50))

    def _answer(self, story: Story) -> None:
        handoff, random, start = story.handoff, self.random, story.start
        source = handoff.source.code if handoff.source else ""
        is_accepted = random.random() < odds.ACCEPTED.get(source, 0.5)
        decided_at = self._later(M.DECIDE, story, start, odds.DECISION)
        called_at: datetime | None = self._later(M.FIRST_FOLLOW_UP, story, start, odds.FIRST_CALL)
        if not is_accepted and decided_at < self.times.of(M.FIRST_FOLLOW_UP, story).due(start):
            called_at = None  # rejected from the pack, without a call
        self.times.run(
            story,
            M.FIRST_FOLLOW_UP,
            start,
            stopped_at=called_at,
            cancelled_at=None if is_accepted else decided_at,
        )
        self.times.run(story, M.DECIDE, start, stopped_at=decided_at)
        if called_at is not None and called_at <= self.now and (is_accepted or called_at < decided_at):
            self._call(story, called_at, reached=random.random() < odds.REACHED_AT_ONCE)
        if decided_at > self.now:
            return
        if is_accepted:
            self._decide(story, decided_at, None)
            self._work(story, max(decided_at, called_at or decided_at))
        else:
            self._decide(story, decided_at, self._reason())

    def _reason(self) -> Reason:
        codes, weights = zip(*odds.REJECTED_FOR, strict=True)
        return self.reasons[self.random.choices(codes, weights=weights)[0]]

    def _decide(self, story: Story, at: datetime, reason: Reason | None) -> None:
        handoff, opened, random = story.handoff, story.round, self.random
        quality = random.randint(1, 3) if reason else random.choice((None, None, 3, 4, 4, 5))
        asked, remark = random.choice(odds.SAID[reason.code]) if reason else ({}, "")
        for row in (handoff, opened):
            row.decision, row.decided_at = "rejected" if reason else "accepted", at
            row.reason = reason.code if reason else ""
        opened.decided_by, opened.quality = handoff.owner, quality
        if reason:
            opened.is_not_as_defined = reason.counts == Reason.Counts.NOT_AS_DEFINED
            opened.is_counted = opened.is_not_as_defined
            opened.is_usable = reason.consequence != Reason.Consequence.REVIEW
        self._keep_answer(story, at, reason, Answer.Kind.DECISION, asked=asked, remark=remark, quality=quality)
        if reason is None:
            story.stages.append((Stage.ACCEPTED, at))
        elif at + UNDO <= self.now:
            self._consequence(story, reason, at + UNDO)

    def _keep_answer(
        self,
        story: Story,
        at: datetime,
        reason: Reason | None,
        kind: Answer.Kind,
        *,
        asked: dict[str, str],
        remark: str = "",
        quality: int | None = None,
    ) -> None:
        owner, seen_at = story.handoff.owner, at + timedelta(hours=self.random.uniform(1, 30))
        assert owner is not None
        story.answers.append(
            Answer(
                handoff=story.handoff,
                round=story.round,
                kind=kind,
                decision="accepted" if kind == Answer.Kind.GIVEN_BACK else story.handoff.decision,
                reason=reason,
                asked=dict(asked),
                remark=remark,
                quality=quality,
                by=owner,
                occurred_at=at,
                recorded_at=at,
                not_before=at + UNDO,
                carried_out_at=at + UNDO if at + UNDO <= self.now else None,
                seen_at=seen_at if seen_at <= self.now else None,
            )
        )

    # --- what follows from an answer

    def _consequence(self, story: Story, reason: Reason, at: datetime) -> None:
        then = Reason.Consequence
        if reason.consequence == then.REVIEW:
            self._review(story, at)
        elif reason.consequence == then.FIX:
            self._fix(story, at)
        elif reason.consequence in {then.DISQUALIFY, then.BLOCK, then.SUPPRESS}:
            story.is_suppressed = reason.consequence == then.SUPPRESS
            story.is_blocked = reason.consequence == then.BLOCK
            story.because = reason.label
            self._close(story, at, Because.REJECTED)
            story.stages.append((Stage.DISQUALIFIED, at))
        else:
            self._rest(story, at, Because.REJECTED, reason.label, days=reason.recycle_days or 180)

    def _close(self, story: Story, at: datetime, because: str) -> None:
        story.handoff.closed_at, story.handoff.closed_because = at, because

    def _rest(self, story: Story, at: datetime, closed: str, because: str, *, days: int) -> None:
        """Close, and let the lead rest."""
        self._close(story, at, closed)
        story.because, story.recycled_until = because, at + timedelta(days=days)
        story.stages.append((Stage.NURTURING, at))

    def _review(self, story: Story, at: datetime) -> None:
        """Let a manager of sales say which reason fits, a day or two later."""
        ruled_at = self.times.of(M.DECIDE, story).hours.add(at, timedelta(hours=self.random.uniform(2, 12)))
        if ruled_at > self.now:
            return
        answer, reason = story.answers[-1], self.reasons["competitor_or_vendor"]
        managers = [one for one in self.cast.people.values() if one.has_role(Role.SALES_MANAGER)]
        answer.by = next(one for one in managers if one.team == story.handoff.to_team)
        answer.remark, answer.reason, answer.asked = str(answer.asked["text"]), reason, {}
        answer.not_before = answer.carried_out_at = ruled_at
        story.because, story.is_blocked = reason.label, True
        self._close(story, ruled_at, Because.REJECTED)
        story.stages.append((Stage.DISQUALIFIED, ruled_at))

    def _fix(self, story: Story, at: datetime) -> None:
        """Marketing fixes most returned leads in time; some wait, and some are withdrawn."""
        handoff, lead = story.handoff, story.handoff.lead
        story.round.returned_at = at
        hours = self.times.of(M.FIX, story).hours
        fixed_at = hours.add(at, timedelta(hours=self.random.lognormvariate(*odds.FIX_HOURS)))
        rejected_at = story.round.decided_at or at
        self.times.run(story, M.FIX, rejected_at, stopped_at=fixed_at, owner=lead.owner, team=lead.team)
        if fixed_at > self.now:
            handoff.is_returned = True
        elif self.random.random() < odds.FIXED:
            self._send_again(story, fixed_at)
        else:
            days = RESTS_AFTER_WITHDRAWAL.days
            self._rest(story, fixed_at, Because.WITHDRAWN, _("Withdrawn by marketing"), days=days)

    def _send_again(self, story: Story, at: datetime) -> None:
        """Open the next round with its own clocks; what was fixed is mostly accepted."""
        handoff, before = story.handoff, story.round
        story.rounds.append(
            Round(
                handoff=handoff,
                number=before.number + 1,
                opened_at=at,
                opened_because=Round.OpenedBecause.FIXED,
                to_team=handoff.to_team,
                owner=handoff.owner,
                pack=before.pack | {"frozen_at": at.isoformat()},
                person=before.person,
            )
        )
        handoff.round = story.round.number
        handoff.decision, handoff.decided_at, handoff.reason = "", None, ""
        decided_at = self._later(M.DECIDE, story, at, odds.DECISION)
        is_accepted = self.random.random() < odds.ACCEPTED_WHEN_FIXED
        called_at = None
        if handoff.first_follow_up_at is None:
            if is_accepted:
                called_at = self._later(M.FIRST_FOLLOW_UP, story, at, odds.FIRST_CALL)
            cancelled_at = None if is_accepted else decided_at
            self.times.run(story, M.FIRST_FOLLOW_UP, at, stopped_at=called_at, cancelled_at=cancelled_at)
        self.times.run(story, M.DECIDE, at, stopped_at=decided_at)
        if called_at is not None and called_at <= self.now:
            self._call(story, called_at, reached=False)
        if decided_at > self.now:
            return
        self._decide(story, decided_at, None if is_accepted else self.reasons["wrong_person"])
        if is_accepted:
            self._work(story, max(decided_at, called_at or decided_at))

    # --- worked on

    def _work(self, story: Story, since: datetime) -> None:
        """Follow up until somebody is reached or the agreed attempts are made, and tell what comes of it."""
        handoff, random = story.handoff, self.random
        agreed = self.times.of(M.ATTEMPTS, story)
        hours, most = agreed.hours, agreed.limit.attempts or 1
        moment = since
        if handoff.reached_at is None and random.random() < odds.FORGOTTEN:
            moment = hours.add(since, agreed.length * random.uniform(1.1, 1.6))
        while handoff.attempts < most and handoff.reached_at is None:
            moment = hours.add(moment, timedelta(hours=random.uniform(3, 12)))
            if moment > self.now:
                self._plan(story, moment, "try")
                return
            self._call(story, moment, reached=random.random() < odds.REACHED_LATER)
        if handoff.reached_at is None:
            self._give_back(story, hours.add(moment, timedelta(hours=2)), "unreachable")
            return
        moment = max(since, handoff.reached_at)
        if random.random() < odds.GIVEN_BACK:
            codes = ("wrong_person",) if random.random() < odds.BLAMED else ("no_need", "bad_timing", "no_budget")
            self._give_back(story, hours.add(moment, timedelta(hours=random.uniform(1, 30))), random.choice(codes))
            return
        self._sell(story, hours.add(moment, timedelta(hours=random.uniform(8, 60))))

    def _sell(self, story: Story, meeting: datetime) -> None:
        """Meet, offer, and win or lose."""
        random, hours = self.random, self.times.of(M.DECIDE, story).hours
        self._plan(story, meeting, "meet")
        self._outcome(story, Kind.MEETING, meeting)
        if random.random() < odds.LOST_AFTER_MEETING:
            self._outcome(story, Kind.LOST, hours.add(meeting, timedelta(hours=random.uniform(20, 90))))
            return
        opportunity = hours.add(meeting, timedelta(hours=random.uniform(2, 90)))
        amount = Decimal(random.randint(12, 96) * 1000)
        self._outcome(story, Kind.OPPORTUNITY, opportunity, amount=amount)
        closing = opportunity + timedelta(days=random.uniform(15, 75))
        moment = hours.add(opportunity, timedelta(hours=random.uniform(60, 150)))
        while moment < min(closing, self.now):
            self._call(story, moment, reached=True)
            # Once in a while the 30 days run out before anybody says how it stands.
            gap = random.uniform(160, 220) if random.random() < odds.FORGOTTEN else random.uniform(60, 150)
            moment = hours.add(moment, timedelta(hours=gap))
        self._plan(story, moment, "sell")
        source = story.handoff.source.code if story.handoff.source else ""
        is_won = random.random() < odds.WON.get(source, odds.WON_ELSE)
        discount = Decimal(random.choice(("1", "0.95", "0.9", "0.85")))
        self._outcome(story, Kind.WON if is_won else Kind.LOST, closing, amount=amount * discount if is_won else None)

    def _call(self, story: Story, at: datetime, *, reached: bool) -> None:
        handoff, random = story.handoff, self.random
        assert handoff.owner is not None
        # Whoever cannot be reached by phone gets an e-mail: the agreement asks for two channels.
        channel = "email" if not reached and len(story.follow_ups) % 3 == 1 else "call"
        missed = "no_answer" if channel == "email" else random.choice(("no_answer", "no_answer", "left_message"))
        result = "reached" if reached else missed
        counts = story.counts(channel, localtime(at))
        story.follow_ups.append(
            FollowUp(
                handoff=handoff,
                by=handoff.owner,
                channel=channel,
                result=result,
                occurred_at=at,
                recorded_at=at,
                counts=counts,
                note=random.choice(odds.NOTES[channel if channel in odds.NOTES else result]),
            )
        )
        handoff.attempts += counts
        handoff.first_follow_up_at = handoff.first_follow_up_at or at
        handoff.last_follow_up_at = at
        if reached:
            handoff.reached_at = handoff.reached_at or at

    def _plan(self, story: Story, at: datetime, what: str) -> None:
        """Note what comes next, where that lies ahead."""
        if at > self.now and story.follow_ups:
            last = story.follow_ups[-1]
            last.next_step, last.next_step_at = self.random.choice(odds.NEXT_STEPS[what]), at
            story.handoff.next_step_at = at

    def _outcome(self, story: Story, kind: Kind, at: datetime, *, amount: Decimal | None = None) -> None:
        """Report an outcome, won and lost some hours or days later."""
        is_end = kind in {Kind.WON, Kind.LOST}
        reported = at
        if is_end:
            hours = self.times.of(M.OUTCOME, story).hours
            reported = hours.add(at, timedelta(hours=self.random.lognormvariate(1.5, 1.1)))
        if reported > self.now:
            return
        handoff = story.handoff
        setattr(handoff, f"{kind.value}_at", at)
        story.outcomes.append(
            OutcomeReport(
                handoff=handoff,
                kind=kind,
                amount=amount,
                currency="EUR" if amount is not None else "",
                lost_because=self.random.choice(odds.LOST_BECAUSE) if kind == Kind.LOST else "",
                occurred_at=at,
                recorded_at=reported,
                by=handoff.owner,
            )
        )
        stage = {Kind.OPPORTUNITY: Stage.OPPORTUNITY, Kind.WON: Stage.CUSTOMER, Kind.LOST: Stage.LOST}.get(kind)
        if stage:
            story.stages.append((stage, reported))
        if is_end:
            self._close(story, reported, kind.value)
        if kind == Kind.WON:
            handoff.revenue, handoff.currency = amount, "EUR"

    def _give_back(self, story: Story, at: datetime, code: str) -> None:
        """Close an accepted handoff after contact, or after the agreed attempts; the lead rests."""
        handoff, reason = story.handoff, self.reasons[code]
        if at + UNDO > self.now:
            return
        handoff.given_back_at, handoff.given_back_reason = at, code
        handoff.given_back_blames_marketing = reason.counts == Reason.Counts.NOT_AS_DEFINED
        days, asked = reason.recycle_days or 120, {}
        if reason.asks == Reason.Asks.DATE:
            day = localtime(at + UNDO + timedelta(days=days)).date().isoformat()
            asked = {"date": day, "text": day}
        elif reason.asks:
            asked, _remark = self.random.choice(odds.SAID[code])
        self._keep_answer(story, at, reason, Answer.Kind.GIVEN_BACK, asked=asked)
        self._rest(story, at + UNDO, Because.GIVEN_BACK, reason.label, days=days)

    # --- what sales owes once it accepted

    def _owe(self, story: Story) -> None:
        """Run the clocks from acceptance on: attempts, a first result, updates, the outcome."""
        handoff, start = story.handoff, story.handoff.decided_at
        if handoff.decision != "accepted" or start is None:
            return
        ended = handoff.given_back_at or handoff.closed_at
        moments = (handoff.reached_at, handoff.meeting_at, handoff.opportunity_at, handoff.won_at, handoff.lost_at)
        result = min([moment for moment in moments if moment], default=None)
        enough = self._enough_at(story)
        tried = min([moment for moment in (result, enough) if moment], default=None)
        told = min([moment for moment in (result, handoff.given_back_at) if moment], default=None)
        for measure, done in ((M.ATTEMPTS, tried), (M.FIRST_RESULT, told)):
            self.times.run(story, measure, start, stopped_at=done and max(start, done), cancelled_at=ended)
        acts = {call.occurred_at for call in story.follow_ups} | {report.occurred_at for report in story.outcomes}
        for act in sorted(act for act in acts if act > start):
            self.times.run(story, M.UPDATE, start, stopped_at=act)
            start = act
        sold_at = handoff.won_at or handoff.lost_at
        if sold_at is None:
            self.times.run(story, M.UPDATE, start, stopped_at=None, cancelled_at=ended)
        else:
            self.times.run(story, M.OUTCOME, sold_at, stopped_at=handoff.closed_at)

    def _enough_at(self, story: Story) -> datetime | None:
        """Return when the agreed attempts on the agreed channels were made."""
        limit = self.times.of(M.ATTEMPTS, story).limit
        made, used = 0, set()
        for call in story.follow_ups:
            made += call.counts
            used |= {call.channel} if call.counts else set()
            if made >= (limit.attempts or 1) and len(used) >= (limit.channels or 1):
                return call.occurred_at
        return None
