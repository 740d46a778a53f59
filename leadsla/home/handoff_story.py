"""Handoffs of one lead as a story: rounds, answers, clocks, follow-ups and outcomes, ready to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Prefetch, QuerySet
from django.utils.translation import gettext as _

from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from leadsla.display import day_text, moment_text
from sla.countdown import Countdown, countdown
from sla.models import Clock, Handoff, Round


@dataclass(frozen=True)
class Said:
    """What sales said in a round, or when it gave the lead back."""

    decision: str
    words: str
    by: str
    when: str
    reason: str
    asked: str
    remark: str
    quality: int | None


@dataclass(frozen=True)
class Turn:
    """One round: how it was opened and what sales said; None while it waits."""

    number: int
    opened: str
    opened_when: str
    to: str
    said: Said | None
    returned_when: str


@dataclass(frozen=True)
class Told:
    """One clock of a handoff: what it measures and how it stands."""

    label: str
    countdown: Countdown
    outcome: str


@dataclass(frozen=True)
class Story:
    """One handoff with all that happened in it."""

    handoff: Handoff
    title: str
    when: str
    by: str
    state: str
    rounds: list[Turn]
    given_back: Said | None
    clocks: list[Told]
    follow_ups: list[FollowUp]
    outcomes: list[OutcomeReport]


def _when(moment: datetime | None, handoff: Handoff, *, now: datetime) -> str:
    """Write a moment; of an imported past, which knows only the day, the day."""
    if moment is None:
        return ""
    return day_text(moment, now) if handoff.moments_are_dates else moment_text(moment, now)


def told(handoffs: QuerySet[Handoff], *, now: datetime) -> list[Story]:
    """Return handoffs with their stories, newest first; the number of queries does not grow with the handoffs.

    Args:
        handoffs: of one lead, those that the reader sees.
        now: the moment for countdowns and words.
    """
    standing = Answer.objects.filter(undone_at=None).select_related("reason", "by").order_by("occurred_at", "pk")
    clocks = Clock.objects.select_related("calendar_version", "commitment").order_by("started_at", "pk")
    rows = (
        handoffs.select_related("owner", "to_team", "from_team", "handed_over_by", "agreement", "override_by", "source")
        .prefetch_related(
            Prefetch("rounds", Round.objects.select_related("decided_by", "to_team", "owner").order_by("number")),
            Prefetch("answers", standing),
            Prefetch("clocks", clocks),
            Prefetch("follow_ups", FollowUp.objects.select_related("by").order_by("-occurred_at", "-pk")),
            Prefetch("outcomes", OutcomeReport.objects.select_related("by").order_by("-occurred_at", "-pk")),
        )
        .order_by(F("handed_over_at").desc(nulls_last=True), "-pk")
    )
    reasons = {reason.code: reason.label for reason in Reason.objects.all()}
    return [_story(handoff, reasons, now=now) for handoff in rows]


def _story(handoff: Handoff, reasons: dict[str, str], *, now: datetime) -> Story:
    answers = list(handoff.answers.all())
    by_round = {answer.round_id: answer for answer in answers if answer.kind == Answer.Kind.DECISION}
    back = next((answer for answer in answers if answer.kind == Answer.Kind.GIVEN_BACK), None)
    return Story(
        handoff=handoff,
        title=_title(handoff),
        when=_when(handoff.handed_over_at, handoff, now=now) or _("at an unknown time"),
        by=str(handoff.handed_over_by) if handoff.handed_over_by else "",
        state=_state(handoff, now=now),
        rounds=[_turn(row, handoff, by_round.get(row.pk), reasons, now=now) for row in handoff.rounds.all()],
        given_back=_given_back(handoff, back, reasons, now=now),
        clocks=[_clock(clock, now=now) for clock in handoff.clocks.all()],
        follow_ups=list(handoff.follow_ups.all()),
        outcomes=list(handoff.outcomes.all()),
    )


def _title(handoff: Handoff) -> str:
    words = {"from": handoff.from_team or _("marketing"), "to": handoff.to_team or _("sales")}
    if handoff.is_notice:
        return _("Notice to the account's owner")
    return _("%(from)s → %(to)s") % words


def _state(handoff: Handoff, *, now: datetime) -> str:
    """Say where a handoff stands, in a few words."""
    if handoff.closed_at is not None:
        words = {"why": handoff.get_closed_because_display(), "when": _when(handoff.closed_at, handoff, now=now)}
        return _("%(why)s, %(when)s") % words
    if handoff.is_returned:
        return _("With marketing, to be fixed")
    if not handoff.decision:
        return _("Waits for an answer of sales")
    if handoff.opportunity_at is not None:
        return _("Opportunity")
    return str(handoff.get_decision_display())


def _said(answer: Answer, *, words: str, when: str) -> Said:
    return Said(
        decision=answer.decision,
        words=words,
        by=str(answer.by),
        when=when,
        reason=answer.reason.label if answer.reason else "",
        asked=str(answer.asked.get("text", "")),
        remark=answer.remark,
        quality=answer.quality,
    )


def _turn(row: Round, handoff: Handoff, answer: Answer | None, reasons: dict[str, str], *, now: datetime) -> Turn:
    said = None
    when = _when(row.decided_at, handoff, now=now)
    if row.decision and answer is not None:
        said = _said(answer, words=str(row.get_decision_display()), when=when)
    elif row.decision:
        by = str(row.decided_by or "")
        reason = reasons.get(row.reason, row.reason)
        said = Said(row.decision, str(row.get_decision_display()), by, when, reason, "", "", row.quality)
    return Turn(
        number=row.number,
        opened=str(row.get_opened_because_display()),
        opened_when=_when(row.opened_at, handoff, now=now),
        to=str(row.owner or row.to_team or ""),
        said=said,
        returned_when=_when(row.returned_at, handoff, now=now),
    )


def _given_back(handoff: Handoff, answer: Answer | None, reasons: dict[str, str], *, now: datetime) -> Said | None:
    if handoff.given_back_at is None:
        return None
    when = _when(handoff.given_back_at, handoff, now=now)
    if answer is not None:
        return _said(answer, words=_("Given back"), when=when)
    reason = reasons.get(handoff.given_back_reason, handoff.given_back_reason)
    return Said("rejected", _("Given back"), str(handoff.owner or ""), when, reason, "", "", None)


def _clock(clock: Clock, *, now: datetime) -> Told:
    return Told(str(clock.commitment), countdown(clock, now=now), clock.outcome)
