"""Accept, reject, give back, undo, and carry out a minute later what follows. One answer per round; the first wins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from feedback import asked as asking
from feedback import attempts, consequences, refusals
from feedback.models import Answer, Reason
from leads import stages
from leads.models import Lead, Stage
from leadsla.accounts.models import User
from leadsla.outbox import messages
from leadsla.outbox.kinds import Announcement
from sla import handoff as handoffs
from sla.models import Decision, Handoff, Round

log = logging.getLogger(__name__)

Refused = refusals.Refused  # the callers' name for it

UNDO_FOR = timedelta(seconds=60)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
LONGEST_REMARK = 4000
IMMEDIATE = ("api", "email")  # from there no wait for an undo


@dataclass(frozen=True)
class First:
    """Who was first, when an answer came too late.

    Attributes:
        by: who answered; None when the handoff ended by something else than an answer.
        at: when.
        decision: what they decided; "" when none.
    """

    by: User | None
    at: datetime | None
    decision: str

    def __str__(self) -> str:
        if self.by is None:
            return _("This handoff does not wait for an answer any more.")
        if self.decision == Decision.ACCEPTED:
            return _("%(by)s accepted this lead first.") % {"by": self.by}
        if self.decision == Decision.REJECTED:
            return _("%(by)s rejected this lead first.") % {"by": self.by}
        return _("%(by)s has taken this lead.") % {"by": self.by}


@dataclass(frozen=True)
class Given:
    """What became of an answer: the answer, or who was first."""

    answer: Answer | None
    first: First | None = None


@dataclass(frozen=True)
class Choice:
    """A reason as it can be chosen, or why it cannot be yet."""

    reason: Reason
    is_allowed: bool
    why_not: str
    consequence: str
    counts: str


def who_was_first(handoff: Handoff) -> First:
    """Return who answered a handoff's current round, or who has taken it."""
    at_hand = Handoff.objects.select_related("owner").get(pk=handoff.pk)
    decided = (
        Round.objects.select_related("decided_by")
        .filter(handoff=at_hand, decided_at__isnull=False)
        .order_by("-number")
        .first()
    )
    if decided is not None and (at_hand.decision or at_hand.closed_at):
        return First(decided.decided_by, decided.decided_at, decided.decision)
    return First(at_hand.owner, at_hand.owner_since, "")


# --- What may be said


def _why_not(reason: Reason, handoff: Handoff, progress: attempts.Progress) -> str:
    if reason.when == Reason.When.AFTER_CONTACT and handoff.reached_at is None:
        return _("after talking to them, none logged")
    if reason.when == Reason.When.AFTER_ATTEMPTS:
        return progress.why_not
    if reason.consequence == Reason.Consequence.REROUTE and handoff.decision == Decision.ACCEPTED:
        return _("before accepting only")
    return ""


def choices(handoff: Handoff, *, now: datetime) -> list[Choice]:
    """Return the reasons in use for rejecting a handoff or, once it is accepted, for giving it back.

    Args:
        handoff: with its lead and team.
        now: from when days are counted.

    Returns:
        All of them; those whose condition is not met yet say what it is.
    """
    progress = attempts.progress(handoff)
    return [
        Choice(
            reason,
            is_allowed=not (why_not := _why_not(reason, handoff, progress)),
            why_not=why_not,
            consequence=consequences.in_words(reason, handoff, now=now),
            counts=consequences.counts_in_words(reason),
        )
        for reason in Reason.objects.filter(is_active=True)
    ]


def _check(
    handoff: Handoff,
    reason: Reason,
    *,
    asked: Mapping[str, Any],
    remark: str,
    quality: int | None,
    needs_quality: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return what to keep of what was asked; all that is wrong is refused at once."""
    errors: dict[str, str] = {}
    if not reason.is_active:
        errors["reason"] = _("“%(reason)s” is not in use any more. Choose another reason.") % {"reason": reason}
    elif why_not := _why_not(reason, handoff, attempts.progress(handoff)):
        errors["reason"] = _("“%(reason)s” can be given %(why_not)s.") % {"reason": reason, "why_not": why_not}
    kept: dict[str, Any] = {}
    try:
        kept = asking.check(reason, asked, handoff=handoff, now=now)
    except Refused as refusal:
        errors |= refusal.errors
    if quality is None and needs_quality:
        errors["quality"] = _("Say how good this lead is, from 1 (useless) to 5 (excellent).")
    elif quality is not None and not 1 <= quality <= 5:
        errors["quality"] = _("Quality goes from 1 (useless) to 5 (excellent).")
    if len(remark) > LONGEST_REMARK:
        errors["remark"] = _("This is longer than %(longest)d characters. Shorten it.") % {"longest": LONGEST_REMARK}
    if errors:
        raise Refused(errors)
    return kept


# --- Answers


def _wait_until(via: str, now: datetime) -> datetime:
    return now if via in IMMEDIATE else now + UNDO_FOR


@transaction.atomic
def accept(handoff: Handoff, *, by: User, now: datetime, via: str = "page", quality: int | None = None) -> Given:
    """Accept a handoff; what waits in the team's queue becomes the accepting person's.

    Args:
        handoff: that waits for an answer.
        by: who accepts; views load only what they may answer.
        now: the moment.
        via: `page`, or `api` and `email`, which do not wait for an undo.
        quality: 1–5, or None to be asked at the first conversation.

    Returns:
        The answer; without one, who was first.

    Raises:
        Refused: when quality is out of range.
    """
    if quality is not None and not 1 <= quality <= 5:
        raise Refused({"quality": _("Quality goes from 1 (useless) to 5 (excellent).")})
    round_ = handoffs.record_decision(handoff, decision=Decision.ACCEPTED, by=by, now=now, quality=quality)
    if round_ is None:
        return Given(None, who_was_first(handoff))
    stages.move(Lead.objects.filter(pk=handoff.lead_id, stage=Stage.HANDED_OVER), to=Stage.ACCEPTED, now=now)
    return Given(_keep(round_, handoff, decision=Decision.ACCEPTED, by=by, now=now, via=via, quality=quality))


@transaction.atomic
def reject(
    handoff: Handoff,
    *,
    reason: Reason,
    by: User,
    now: datetime,
    asked: Mapping[str, Any],
    remark: str = "",
    quality: int | None,
    via: str = "page",
) -> Given:
    """Reject a handoff with a reason; what follows from it waits for an undo.

    Args:
        handoff: that waits for an answer.
        reason: why.
        by: who rejects; views load only what they may answer.
        now: the moment.
        asked: what the reason asks for, see `asked.check`.
        remark: free text for marketing.
        quality: 1–5.
        via: `page`, or `api` and `email`, which do not wait for an undo.

    Returns:
        The answer; without one, who was first.

    Raises:
        Refused: with a sentence per field: `reason`, `asked`, `quality`, `remark`.
    """
    if handoff.decision or handoff.closed_at:
        return Given(None, who_was_first(handoff))
    kept = _check(handoff, reason, asked=asked, remark=remark, quality=quality, needs_quality=True, now=now)
    round_ = handoffs.record_decision(
        handoff,
        decision=Decision.REJECTED,
        by=by,
        now=now,
        reason=reason.code,
        is_not_as_defined=reason.counts == Reason.Counts.NOT_AS_DEFINED,
        is_counted=reason.counts == Reason.Counts.NOT_AS_DEFINED,
        is_usable=reason.consequence != Reason.Consequence.REVIEW,
        quality=quality,
    )
    if round_ is None:
        return Given(None, who_was_first(handoff))
    return Given(
        _keep(
            round_,
            handoff,
            decision=Decision.REJECTED,
            by=by,
            now=now,
            via=via,
            quality=quality,
            reason=reason,
            asked=kept,
            remark=remark.strip(),
        )
    )


def _keep(round_: Round, handoff: Handoff, *, by: User, now: datetime, via: str, **said: Any) -> Answer:
    answer = Answer.objects.create(
        handoff=handoff,
        round=round_,
        by=by,
        occurred_at=now,
        recorded_at=now,
        not_before=_wait_until(via, now),
        **said,
    )
    accepted = answer.decision == Decision.ACCEPTED
    _announce(answer, Announcement.ACCEPTED if accepted else Announcement.REJECTED)
    return answer


def _announce(answer: Answer, kind: Announcement) -> None:
    """Tell other programs, once an undo is past; who is who by public id, nothing personal and no free text."""
    handoff = answer.handoff
    data = {
        "handoff": handoff.public_id,
        "lead": handoff.lead.public_id,
        "round": answer.round.number,
        "reason": answer.reason.code if answer.reason else None,
        "quality": answer.quality,
        "by": answer.by.public_id,
        "url": f"{settings.LEADSLA_URL}{reverse('home:pack', args=(handoff.public_id,))}",
    }
    messages.announce(
        event=f"answer:{answer.pk}:decided",
        kind=kind,
        data=data,
        now=answer.occurred_at,
        not_before=answer.not_before,
    )


@transaction.atomic
def undo(answer: Answer, *, by: User, now: datetime) -> bool:
    """Take a decision back within its minute; the clocks go on with the time used.

    Args:
        answer: of which nothing was carried out yet.
        by: who takes it back; only who gave it.
        now: the moment.

    Returns:
        False when it is too late, somebody else's, or undone already.
    """
    waiting = Answer.objects.filter(
        pk=answer.pk, by=by, kind=Answer.Kind.DECISION, undone_at=None, carried_out_at=None, failures=0
    )
    if waiting.filter(not_before__gt=now).update(undone_at=now) != 1:
        return False
    if not handoffs.withdraw_decision(answer.round, now=now):
        transaction.set_rollback(True)
        return False
    if answer.decision == Decision.ACCEPTED and answer.handoff.leg == 1:
        lead = Lead.objects.filter(pk=answer.handoff.lead_id, stage=Stage.ACCEPTED)
        stages.move(lead, to=Stage.HANDED_OVER, now=now)
    messages.withdraw(event_prefix=f"answer:{answer.pk}:")
    return True


@transaction.atomic
def give_back(
    handoff: Handoff,
    *,
    reason: Reason,
    by: User,
    now: datetime,
    asked: Mapping[str, Any],
    remark: str = "",
    quality: int | None = None,
) -> Answer | None:
    """Close an accepted handoff after contact. The decision stays accepted; the reason decides what happens next.

    Args:
        handoff: that sales works on.
        reason: why.
        by: who gives it back.
        now: the moment.
        asked: what the reason asks for, see `asked.check`.
        remark: free text for marketing.
        quality: 1–5, or None when it was said before.

    Returns:
        The answer; None when the handoff is not accepted and open any more.

    Raises:
        Refused: with a sentence per field.
    """
    if handoff.decision != Decision.ACCEPTED or handoff.closed_at:
        return None
    second = handoffs.second_leg_of(handoff)
    if second is not None:
        words = {"owner": second.owner or second.to_team}
        raise Refused({"": _("This lead is passed on: %(owner)s gives it back, or reports what came of it.") % words})
    if handoff.last_follow_up_at is None:
        raise Refused(
            {"": _("Log a follow-up first: an accepted lead is given back after contact or an attempt at it.")}
        )
    kept = _check(handoff, reason, asked=asked, remark=remark, quality=quality, needs_quality=False, now=now)
    blames = reason.counts == Reason.Counts.NOT_AS_DEFINED
    if not handoffs.record_giving_back(handoff, reason=reason.code, blames_marketing=blames, by=by, now=now):
        return None
    round_ = Round.objects.get(handoff=handoff, number=handoff.round)
    answer = Answer.objects.create(
        handoff=handoff,
        round=round_,
        kind=Answer.Kind.GIVEN_BACK,
        decision=Decision.ACCEPTED,
        by=by,
        occurred_at=now,
        recorded_at=now,
        not_before=now,
        reason=reason,
        asked=kept,
        remark=remark.strip(),
        quality=quality,
    )
    _announce(answer, Announcement.GIVEN_BACK)
    return answer


@transaction.atomic
def rule(answer: Answer, *, reason: Reason, by: User, now: datetime, asked: Mapping[str, Any]) -> bool:
    """Decide, as a manager, what follows from an answer whose reason left it open.

    The round keeps the reason that was given; only what follows changes.

    Args:
        answer: carried out, with a reason that asks for a manager.
        reason: whose consequence applies.
        by: the manager.
        now: the moment.
        asked: what that reason asks for.

    Returns:
        False when somebody decided before.

    Raises:
        Refused: when the reason leaves it open again, or what it asks for is missing or wrong.
    """
    if reason.consequence == Reason.Consequence.REVIEW:
        raise Refused({"reason": _("Choose a reason that says what happens next.")})
    kept = asking.check(reason, asked, handoff=answer.handoff, now=now)
    open_ = Answer.objects.filter(pk=answer.pk, undone_at=None, handoff__closed_at=None).filter(
        reason__consequence=Reason.Consequence.REVIEW, carried_out_at__isnull=False
    )
    remark = "\n".join(part for part in (answer.asked.get("text", ""), answer.remark) if part)[:LONGEST_REMARK]
    return bool(open_.update(reason=reason, asked=kept, remark=remark, by=by, not_before=now, carried_out_at=None))


# --- A minute later


def due(*, now: datetime) -> QuerySet[Answer]:
    """Return the answers whose messages and consequence are to be carried out."""
    return Answer.objects.filter(not_before__lte=now, carried_out_at=None, undone_at=None).order_by("not_before", "pk")


def carry_out_due(*, now: datetime, limit: int = 200) -> int:
    """Tell marketing and do what follows from answers whose minute is over; each in its own transaction.

    One that fails says why, is tried again later and never stops the others.

    Args:
        now: what is due by then.
        limit: how many at most.

    Returns:
        How many were carried out.
    """
    done = 0
    for _attempt in range(limit):
        with transaction.atomic():
            answer = (
                due(now=now)
                .select_for_update(skip_locked=True, of=("self",))
                .select_related("reason", "by", "round", "handoff__to_team", "handoff__lead__company__owner")
                .first()
            )
            if answer is None:
                break
            try:
                with transaction.atomic():
                    consequences.carry_out(answer, now=now)
            except Exception as error:  # noqa: BLE001  # one answer that fails must not stop the others
                log.warning("Answer %s was not carried out: %s", answer.public_id, error)
                _put_off(answer, error=str(error) or type(error).__name__, now=now)
                continue
            answer.carried_out_at = now
            answer.error = ""
            answer.save(update_fields=["carried_out_at", "error"])
            done += 1
    return done


def _put_off(answer: Answer, *, error: str, now: datetime) -> None:
    answer.failures += 1
    answer.error = error[:2000]
    answer.not_before = now + min(FIRST_RETRY * 2 ** min(answer.failures - 1, 12), LONGEST_WAIT)
    answer.save(update_fields=["failures", "error", "not_before"])
