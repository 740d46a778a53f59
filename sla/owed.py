"""What sales owes once it has accepted: attempts, a first result, updates, won or lost reported. Runs their clocks."""

from __future__ import annotations

from datetime import datetime

from sla import clocks
from sla.models import Clock, Commitment, Decision, Handoff
from sla.rounds import owes

Measure = Commitment.Measure

FROM_ACCEPTANCE = (Measure.ATTEMPTS, Measure.FIRST_RESULT, Measure.UPDATE)
ENDS = ("won", "lost")


def begin(handoff: Handoff, *, at: datetime, now: datetime) -> None:
    """Start what runs from acceptance on; what was done before it counts at once.

    Args:
        handoff: just accepted.
        at: when.
        now: when that is recorded.
    """
    for measure in FROM_ACCEPTANCE:
        _start(handoff, measure, at=at, now=now)
    if handoff.reached_at is not None:
        _result(handoff, at=at, now=now)


def take_back(handoff: Handoff, *, round_number: int) -> None:
    """Remove the clocks of an acceptance that is undone, also those that a follow-up began anew since."""
    Clock.objects.filter(handoff=handoff, round=round_number, measure__in=FROM_ACCEPTANCE).delete()


def followed_up(handoff: Handoff, *, at: datetime, now: datetime, reached: bool, is_enough: bool) -> None:
    """Tell the clocks of an attempt.

    Args:
        handoff: with its new moments.
        at: when it happened.
        now: when it is recorded.
        reached: they talked; that is a first result, and ends the attempts.
        is_enough: the agreed number of attempts on the agreed channels is made.
    """
    if reached:
        _result(handoff, at=at, now=now)
    elif is_enough:
        clocks.stop(handoff, measure=Measure.ATTEMPTS, at=at, now=now)
    _update(handoff, at=at, now=now)


def reported(handoff: Handoff, *, kind: str, at: datetime, now: datetime) -> None:
    """Tell the clocks of an outcome; of won and lost, the time from closing to reporting is measured.

    A correction of an outcome that was reported before measures nothing again.
    """
    _result(handoff, at=at, now=now)
    if kind not in ENDS:
        _update(handoff, at=at, now=now)
        return
    clocks.stop(handoff, measure=Measure.UPDATE, at=at, now=now)
    if not handoff.clocks.filter(measure=Measure.OUTCOME).exists():
        _start(handoff, Measure.OUTCOME, at=at, now=now)
        clocks.stop(handoff, measure=Measure.OUTCOME, at=now, now=now)


def given_back(handoff: Handoff, *, now: datetime) -> None:
    """Tell the clocks that sales gives the lead back: that is a result, too."""
    clocks.stop(handoff, measure=Measure.FIRST_RESULT, at=now, now=now)


def _result(handoff: Handoff, *, at: datetime, now: datetime) -> None:
    for measure in (Measure.ATTEMPTS, Measure.FIRST_RESULT):
        clocks.stop(handoff, measure=measure, at=at, now=now)


def _update(handoff: Handoff, *, at: datetime, now: datetime) -> None:
    """End the time for an update, and begin the next while the handoff is open."""
    stopped = clocks.stop(handoff, measure=Measure.UPDATE, at=at, now=now)
    if stopped and handoff.closed_at is None and handoff.decision == Decision.ACCEPTED:
        _start(handoff, Measure.UPDATE, at=at, now=now)


def _start(handoff: Handoff, measure: str, *, at: datetime, now: datetime) -> None:
    if handoff.agreement is None or not owes(handoff):
        return
    clocks.start(
        measure=measure,
        lead=handoff.lead,
        agreement=handoff.agreement,
        temperature=handoff.temperature,
        at=at,
        now=now,
        handoff=handoff,
        round_number=handoff.round,
        owner=handoff.owner,
        team=handoff.to_team,
    )
