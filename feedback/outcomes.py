"""Follow-ups and outcomes: logged by hand or by another system, checked, kept once, told to the contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from feedback import attempts
from feedback.models import Answer, FollowUp, OutcomeReport
from feedback.refusals import Refused
from leads import stages
from leads.intake import EARLIEST_YEAR
from leads.models import Lead, Origin, Stage
from leadsla.accounts.models import Role, User
from leadsla.currencies import CODES
from sla import calendars
from sla import handoff as handoffs
from sla.locking import lead_first
from sla.models import Decision, Handoff

Kind = OutcomeReport.Kind

BEFORE_HANDOVER = timedelta(minutes=15)  # the clocks of two systems differ
PROOF_WITHIN = timedelta(hours=2)  # working time in which an entry by hand counts at its stated time
LARGEST = Decimal("999999999999.99")
WIDEST_AHEAD = timedelta(days=2 * 366)


def _texts(**texts: tuple[str, int]) -> dict[str, str]:
    """Return an error for each text that is longer than its column."""
    return {
        field: _("This is longer than %(longest)d characters. Shorten it.") % {"longest": longest}
        for field, (text, longest) in texts.items()
        if len(text) > longest
    }


def _moment(occurred_at: datetime, *, now: datetime) -> dict[str, str]:
    if occurred_at > now:
        return {"occurred_at": _("This is in the future. Say when it happened.")}
    if occurred_at.year < EARLIEST_YEAR:
        return {"occurred_at": _("This is too long ago to be right. Say when it happened.")}
    return {}


def _known(model: type[Any], *, system: str, external_id: str, **more: Any) -> Any:
    """Return the row that another system reported before under the same id, or None."""
    if not external_id:
        return None
    return model.objects.filter(system=system, external_id=external_id, **more).first()


def _named(system: str, external_id: str) -> dict[str, str]:
    if external_id and not system:
        return {"system": _("Name the system that this id is from.")}
    return {}


# --- Follow-ups


def _is_proof(handoff: Handoff, *, by: User, occurred_at: datetime, now: datetime, by_hand: bool) -> bool:
    """Tell whether a follow-up counts at its stated time: from a system, confirmed by a manager, or logged soon."""
    if not by_hand or by.has_role(Role.SALES_MANAGER):
        return True
    if handoff.agreement is None:
        return now - occurred_at <= PROOF_WITHIN
    hours = calendars.working_time(calendars.current(handoff.agreement.calendar, now=now))
    return hours.between(occurred_at, now) <= PROOF_WITHIN


def _check_follow_up(
    handoff: Handoff, *, channel: str, result: str, occurred_at: datetime, next_step_at: datetime | None, now: datetime
) -> dict[str, str]:
    errors = _moment(occurred_at, now=now)
    if channel not in FollowUp.Channel:
        errors["channel"] = _("Choose how: %(known)s.") % {"known": ", ".join(FollowUp.Channel.values)}
    if result not in FollowUp.Result:
        errors["result"] = _("Choose how it went: %(known)s.") % {"known": ", ".join(FollowUp.Result.values)}
    if handoff.handed_over_at and occurred_at < handoff.handed_over_at - BEFORE_HANDOVER:
        errors["occurred_at"] = _("This is before the lead was handed over. Say when it happened.")
    if next_step_at is not None and next_step_at <= max(occurred_at, now - timedelta(minutes=1)):
        errors["next_step_at"] = _("The next step lies in the past. Give a later time.")
    elif next_step_at is not None and next_step_at > now + WIDEST_AHEAD:
        errors["next_step_at"] = _("This is more than two years ahead. Give an earlier time.")
    if handoff.closed_at is not None:
        errors[""] = _("This handoff is closed: %(why)s.") % {"why": handoff.get_closed_because_display()}
    elif handoff.decision == Decision.REJECTED or handoff.is_returned:
        errors[""] = _("This lead was rejected; there is nothing to follow up.")
    return errors


@transaction.atomic
def log_follow_up(
    handoff: Handoff,
    *,
    by: User,
    channel: str,
    result: str,
    occurred_at: datetime,
    now: datetime,
    note: str = "",
    next_step: str = "",
    next_step_at: datetime | None = None,
    system: str = "",
    external_id: str = "",
    by_hand: bool = True,
    quality: int | None = None,
) -> FollowUp:
    """Log one attempt to reach a lead. The same id of the same system is logged once.

    Args:
        handoff: open; an answer is not needed first.
        by: who tried.
        channel: code of `FollowUp.Channel`.
        result: code of `FollowUp.Result`.
        occurred_at: when it happened.
        now: when it is logged.
        note: what was said.
        next_step: what comes next.
        next_step_at: when.
        system: which other system reports it; empty by hand.
        external_id: its id there.
        by_hand: False when a system saw it happen.
        quality: 1–5, asked once at the first conversation.

    Returns:
        The follow-up; for a repeated report the one that is there.

    Raises:
        Refused: with a sentence per field.
    """
    lead_first(handoff)
    handoff = (
        Handoff.objects.select_for_update(of=("self",))
        .select_related("to_team", "agreement__calendar")
        .get(pk=handoff.pk)
    )
    if known := _known(FollowUp, system=system, external_id=external_id):
        return _same_handoff(known, handoff)
    errors = _check_follow_up(
        handoff, channel=channel, result=result, occurred_at=occurred_at, next_step_at=next_step_at, now=now
    )
    errors |= _texts(note=(note, 4000), next_step=(next_step, 200), system=(system, 60), external_id=(external_id, 190))
    errors |= _named(system, external_id)
    if quality is not None and not 1 <= quality <= 5:
        errors["quality"] = _("Quality goes from 1 (useless) to 5 (excellent).")
    if errors:
        raise Refused(errors)
    counts = attempts.count_as_attempt(handoff, channel=channel, at=occurred_at)
    reached = result == FollowUp.Result.REACHED
    logged = FollowUp.objects.create(
        handoff=handoff,
        by=by,
        channel=channel,
        result=result,
        occurred_at=occurred_at,
        recorded_at=now,
        by_hand=by_hand,
        counts=counts,
        note=note.strip(),
        next_step=next_step.strip(),
        next_step_at=next_step_at,
        system=system,
        external_id=external_id,
    )
    handoffs.record_follow_up(
        handoff,
        at=occurred_at,
        counts_as_attempt=counts,
        reached=reached,
        now=now,
        next_step_at=next_step_at,
        in_time_proof=_is_proof(handoff, by=by, occurred_at=occurred_at, now=now, by_hand=by_hand),
        attempts_are_enough=attempts.progress(handoff, and_one_more=counts).is_enough,
    )
    if quality is not None:
        Answer.objects.filter(
            handoff=handoff, kind=Answer.Kind.DECISION, undone_at=None, quality=None, decision=Decision.ACCEPTED
        ).update(quality=quality)
    return logged


def _same_handoff(known: FollowUp, handoff: Handoff) -> FollowUp:
    if known.handoff_id != handoff.pk:
        raise Refused({"external_id": _("This id was reported for another handoff. Give each follow-up its own.")})
    return known


# --- Outcomes


def _check_amount(kind: str, amount: Decimal | None, currency: str, *, is_needed: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    if amount is None:
        if is_needed and kind in {Kind.OPPORTUNITY, Kind.WON}:
            errors["amount"] = _("Say how much it is worth; 0 when it brings no money.")
        return errors
    if not amount.is_finite() or amount < 0:
        errors["amount"] = _("An amount is 0 or more.")
    elif amount > LARGEST:
        errors["amount"] = _("This amount is too large to be right.")
    if currency not in CODES:
        errors["currency"] = _("Give the currency's three letters, as EUR, USD or BRL.")
    return errors


ENDS: dict[str, Handoff.ClosedBecause] = {
    Kind.WON: Handoff.ClosedBecause.WON,
    Kind.LOST: Handoff.ClosedBecause.LOST,
}


def _check_outcome(
    handoff: Handoff, *, kind: str, occurred_at: datetime, lost_because: str, now: datetime
) -> dict[str, str]:
    errors = _moment(occurred_at, now=now)
    if kind not in Kind:
        errors["kind"] = _("Choose one of: %(known)s.") % {"known": ", ".join(Kind.values)}
    if kind == Kind.LOST and not lost_because.strip():
        errors["lost_because"] = _("Say why it was lost; marketing learns from it.")
    has_ended = handoff.closed_because in ENDS.values()
    if handoff.closed_at is not None and not (has_ended and kind in ENDS):
        errors[""] = _("This handoff is closed: %(why)s.") % {"why": handoff.get_closed_because_display()}
    elif handoff.decision != Decision.ACCEPTED and handoff.origin != Origin.IMPORT:
        errors[""] = _("Accept the lead first; then report what became of it.")
    return errors


def oddity(handoff: Handoff, *, occurred_at: datetime) -> str:
    """Say what is odd about the moment of an outcome, which is kept all the same; "" when nothing is."""
    captured = handoff.lead.captured_at
    if captured is not None and occurred_at < captured:
        return _("dated before the lead's first contact")
    if handoff.handed_over_at is not None and occurred_at < handoff.handed_over_at:
        return _("dated before it was handed over")
    return ""


MOVES: dict[str, tuple[Stage, tuple[Stage, ...]]] = {
    Kind.OPPORTUNITY: (Stage.OPPORTUNITY, (Stage.HANDED_OVER, Stage.ACCEPTED)),
    Kind.WON: (Stage.CUSTOMER, (Stage.HANDED_OVER, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.LOST)),
    Kind.LOST: (Stage.LOST, (Stage.HANDED_OVER, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER)),
}


@transaction.atomic
def report(
    handoff: Handoff,
    *,
    by: User | None,
    kind: str,
    occurred_at: datetime,
    now: datetime,
    amount: Decimal | None = None,
    currency: str = "",
    lost_because: str = "",
    note: str = "",
    system: str = "",
    external_id: str = "",
    is_date: bool = False,
    attributes: dict[str, Any] | None = None,
) -> OutcomeReport:
    """Report what became of an accepted lead.

    Meetings add up; of the other kinds a second report by hand corrects the first, and won after lost (or the other
    way round) replaces it. A repeated report under the same id of the same system is the same row, corrected where it
    says something else.

    Args:
        handoff: accepted; closed only when its own end is corrected.
        by: who reports; None for a system.
        kind: code of `OutcomeReport.Kind`.
        occurred_at: when it happened.
        now: when it is reported.
        amount: what it is worth; needed by hand for opportunity and won.
        currency: ISO 4217 code of the amount.
        lost_because: why; needed for lost.
        note: free text.
        system: which other system reports it; empty by hand.
        external_id: its id there.
        is_date: only the day of `occurred_at` is known.
        attributes: what else the system says.

    Returns:
        The report.

    Raises:
        Refused: with a sentence per field.
    """
    lead_first(handoff)
    handoff = Handoff.objects.select_for_update(of=("self",)).select_related("lead").get(pk=handoff.pk)
    currency = currency.strip().upper()
    errors = _check_outcome(handoff, kind=kind, occurred_at=occurred_at, lost_because=lost_because, now=now)
    errors |= _check_amount(kind, amount, currency, is_needed=not system)
    errors |= _texts(
        note=(note, 4000), lost_because=(lost_because, 200), system=(system, 60), external_id=(external_id, 190)
    )
    errors |= _named(system, external_id)
    if errors:
        raise Refused(errors)
    known: OutcomeReport | None = _known(OutcomeReport, system=system, external_id=external_id, kind=kind)
    if known is None and kind != Kind.MEETING and not external_id:
        known = OutcomeReport.objects.filter(handoff=handoff, kind=kind, external_id="").first()
    if known is not None and known.handoff_id != handoff.pk:
        raise Refused({"external_id": _("This id was reported for another handoff. Give each outcome its own.")})
    said = {
        "amount": amount,
        "currency": currency if amount is not None else "",
        "lost_because": lost_because.strip(),
        "note": note.strip(),
        "occurred_at": occurred_at,
        "is_date": is_date,
        "attributes": attributes or {},
        "flag": oddity(handoff, occurred_at=occurred_at),
    }
    if known is not None and all(getattr(known, field) == value for field, value in said.items()):
        return known
    if known is None:
        known = OutcomeReport.objects.create(
            handoff=handoff, kind=kind, by=by, recorded_at=now, system=system, external_id=external_id, **said
        )
    else:
        for field, value in said.items():
            setattr(known, field, value)
        known.save(update_fields=[*said])
    _tell_contract(handoff, known, now=now)
    return known


def _tell_contract(handoff: Handoff, report_: OutcomeReport, *, now: datetime) -> None:
    """Move the lead's stage and tell the handoff the moment; won and lost close it."""
    kind = Kind(report_.kind)
    is_won = kind == Kind.WON
    handoffs.record_outcome(
        handoff,
        kind=kind,
        at=report_.occurred_at,
        now=now,
        revenue=report_.amount if is_won else None,
        currency=report_.currency if is_won else "",
    )
    if kind in MOVES:
        to, from_ = MOVES[kind]
        stages.move(Lead.objects.filter(pk=handoff.lead_id, stage__in=from_), to=to, now=now)
    if kind in ENDS:
        others = OutcomeReport.objects.filter(handoff=handoff, kind__in=set(ENDS) - {kind})
        others.update(flag=_("replaced by a later report: %(kind)s") % {"kind": kind.label})
        handoffs.close(handoff, because=ENDS[kind], now=now)
