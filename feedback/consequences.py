"""What a reason does, a minute after it was given: said in words beforehand, carried out once, marketing told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from feedback import asked
from feedback.attempts import zone_of
from feedback.models import Answer, Reason
from leads import merging, stages
from leads.models import DuplicateProposal, Lead, Stage
from leadsla.accounts.models import Role, Team, User
from leadsla.outbox import messages
from leadsla.outbox.kinds import Kind
from sla import handoff as handoffs
from sla.models import Decision, Handoff, Round

Then = Reason.Consequence
Because = Handoff.ClosedBecause

REST_WITH_ACCOUNT = timedelta(days=180)  # the account's owner has them; a new request to be contacted ends it
REST_TO_PUT_RIGHT = timedelta(days=14)  # given back to be put right, or waiting to be merged by a person
RECYCLED_AT_LEAST = timedelta(days=1)


# --- In words


def day_words(moment: datetime, handoff: Handoff) -> str:
    """Write the day of a moment in the zone of the handoff's team: "Mon 18 Jan 2027"."""
    return date_format(moment.astimezone(zone_of(handoff)), "D j M Y")


def recycled_until(reason: Reason, said: dict[str, object], handoff: Handoff, *, now: datetime) -> datetime | None:
    """Return until when a lead rests: so many days, or the start of the day that was asked for; None if not known."""
    if reason.recycle_days is not None:
        return now + timedelta(days=reason.recycle_days)
    if "date" not in said:
        return None
    day = date.fromisoformat(str(said["date"]))
    return max(datetime.combine(day, time(), zone_of(handoff)), now + RECYCLED_AT_LEAST)


def in_words(reason: Reason, handoff: Handoff, *, now: datetime) -> str:
    """Say what follows from a reason before it is given.

    Args:
        reason: that may be given.
        handoff: with its lead.
        now: from when days are counted.

    Returns:
        One or two sentences.
    """
    then = reason.consequence
    if handoff.leg == 2 and then != Then.REROUTE:
        return _("Ends here for you: it is with %(owner)s alone again, who passed it on.") % {
            "owner": _first_owner(handoff)
        }
    if then == Then.RECYCLE:
        cycle = handoff.lead.cycle + 1
        until = recycled_until(reason, {}, handoff, now=now)
        if until is None:
            return _("Back to nurturing until the day that you name. Marketing may hand it over again then.")
        return _(
            "Back to nurturing for %(days)d days. Marketing may hand it over again from %(day)s, as cycle %(cycle)d."
        ) % {"days": reason.recycle_days, "day": day_words(until, handoff), "cycle": cycle}
    if then == Then.FIX and handoff.decision == Decision.ACCEPTED:
        return _("Back to marketing to be put right. It may be handed over again from %(day)s.") % {
            "day": day_words(now + REST_TO_PUT_RIGHT, handoff)
        }
    return {
        Then.FIX: _("Marketing puts it right and sends it to you again, with a new clock."),
        Then.MERGE: _("The two leads become one. Nothing that either did is lost."),
        Then.ATTACH: _("Ends here for you: the owner of the opportunity is told that they came in again."),
        Then.ACCOUNT_MANAGER: _("Ends here for you: the account's owner is told that they came in again."),
        Then.REROUTE: _("Goes to the team that you name, with a new clock."),
        Then.DISQUALIFY: _("The lead ends here."),
        Then.BLOCK: _("The lead ends here and is blocked: it is never handed over again."),
        Then.SUPPRESS: _("The lead ends here and nobody contacts it any more."),
        Then.REVIEW: _("Your manager decides what happens next."),
    }[Then(then)]


def _first_owner(handoff: Handoff) -> str:
    first = handoff.parent
    return str((first.owner or first.to_team) if first else _("nobody"))


def counts_in_words(reason: Reason) -> str:
    """Say against whom a reason counts."""
    return {
        Reason.Counts.NOT_AS_DEFINED: _("Counts against the quality that marketing promised."),
        Reason.Counts.AS_DEFINED_BUT: _("Counts against the definition of qualified, not against marketing."),
        Reason.Counts.NEITHER: _("Counts against neither side."),
    }[Reason.Counts(reason.counts)]


# --- Who is told


def _managers(team: Team | None, role: Role) -> list[User]:
    people = User.objects.filter(is_active=True, roles__contains=[role])
    return list(people.filter(team=team)) if team else list(people)


def marketing_of(handoff: Handoff) -> list[User]:
    """Return who reads an answer: the lead's marketer, else who handed it over, else their team's managers.

    Of a second leg it is who passed it on.
    """
    if handoff.leg == 2 and handoff.parent is not None:
        first = handoff.parent.owner
        return [first] if first is not None and first.is_active else []
    for person in (handoff.lead.owner, handoff.handed_over_by):
        if person is not None and person.is_active:
            return [person]
    return _managers(handoff.from_team or handoff.lead.team, Role.MARKETING_MANAGER)


def _account_owner(handoff: Handoff) -> list[User]:
    company = handoff.lead.company
    if company is not None and company.owner is not None and company.owner.is_active:
        return [company.owner]
    return _managers(handoff.to_team, Role.SALES_MANAGER)


def _tell(answer: Answer, people: list[User], *, what: str, subject: str, body: str, url: str, now: datetime) -> None:
    for person in people:
        messages.write(
            event=f"answer:{answer.pk}:{what}",
            kind=Kind.ANSWERED,
            recipient=person,
            subject=subject,
            body=body,
            url=url,
            now=now,
        )


def _who(lead: Lead) -> str:
    return f"{lead} ({lead.company_name})" if lead.company_name else str(lead)


# --- Carried out


def _close(answer: Answer, *, now: datetime) -> None:
    given_back = answer.kind == Answer.Kind.GIVEN_BACK
    handoffs.close(answer.handoff, because=Because.GIVEN_BACK if given_back else Because.REJECTED, now=now)


def _recycle(answer: Answer, reason: Reason, *, now: datetime, until: datetime | None = None) -> str:
    handoff = answer.handoff
    until = until or recycled_until(reason, answer.asked, handoff, now=now) or now + REST_WITH_ACCOUNT
    _close(answer, now=now)
    stages.recycle(handoff.lead, until=until, because=reason.label, previous_owner=handoff.owner or answer.by, now=now)
    return _("Back to nurturing until %(day)s.") % {"day": day_words(until, handoff)}


def _fix(answer: Answer, reason: Reason, *, now: datetime) -> str:
    if answer.kind == Answer.Kind.GIVEN_BACK:
        return _recycle(answer, reason, now=now, until=now + REST_TO_PUT_RIGHT)
    handoffs.return_to_marketing(answer.handoff, now=now)
    return _("Please put it right and send it again, or withdraw it.")


def _merge(answer: Answer, reason: Reason, *, now: datetime) -> str:
    """Merge the two; what cannot be merged now becomes a proposal for marketing, and the lead rests meanwhile."""
    lead = answer.handoff.lead
    other = asked.living(Lead.objects.get(pk=answer.asked["lead"]))
    if other.pk == lead.pk or lead.merged_into_id is not None:
        _close(answer, now=now)
        return _("The two leads are one already.")
    try:
        with transaction.atomic():
            _close(answer, now=now)
            stages.move(Lead.objects.filter(pk=lead.pk), to=Stage.NURTURING, now=now, qualified_until=None)
            merging.merge(other, lead, by=answer.by, now=now)
    except merging.MergeRefused as refusal:
        DuplicateProposal.objects.get_or_create(
            lead=lead, other=other, defaults={"why": reason.label[:120], "proposed_at": now}
        )
        rests = _recycle(answer, reason, now=now, until=now + REST_TO_PUT_RIGHT)
        return " ".join((_("Could not be merged with %(other)s: %(why)s") % {"other": other, "why": refusal}, rests))
    return _("Merged with %(other)s.") % {"other": other}


def _reroute(answer: Answer, reason: Reason, *, now: datetime) -> str:
    team = Team.objects.get(pk=answer.asked["team"])
    handoffs.reroute(answer.handoff, team=team, by=answer.by, now=now)
    return _("Goes to %(team)s.") % {"team": team}


def _to_account(answer: Answer, reason: Reason, *, now: datetime) -> str:
    handoff = answer.handoff
    said = f" {reason.get_asks_display()} {answer.asked['text']}" if answer.asked.get("text") else ""
    _tell(
        answer,
        _account_owner(handoff),
        what="account",
        subject=_("%(lead)s came in again") % {"lead": _who(handoff.lead)},
        body=_("%(by)s says: %(reason)s.%(said)s\nThey are yours to talk to.")
        % {"by": answer.by, "reason": reason.label, "said": said},
        url=reverse("home:pack", args=(handoff.public_id,)),
        now=now,
    )
    _recycle(answer, reason, now=now, until=now + REST_WITH_ACCOUNT)
    return _("The account's owner is told.")


def _disqualify(answer: Answer, reason: Reason, *, now: datetime) -> str:
    _close(answer, now=now)
    stages.disqualify(
        answer.handoff.lead,
        because=reason.label,
        now=now,
        block=reason.consequence == Then.BLOCK,
        suppress=reason.consequence == Then.SUPPRESS,
    )
    return in_words(reason, answer.handoff, now=now)


def _to_first_leg(answer: Answer, *, now: datetime) -> str:
    handoff = answer.handoff
    given_back = answer.kind == Answer.Kind.GIVEN_BACK
    handoffs.return_to_first(handoff, because=Because.GIVEN_BACK if given_back else Because.REJECTED, now=now)
    return _("It is with you alone again.")


def _review(answer: Answer, reason: Reason, *, now: datetime) -> str:
    handoff = answer.handoff
    _tell(
        answer,
        _managers(handoff.to_team, Role.SALES_MANAGER),
        what="review",
        subject=_("Decide what happens with %(lead)s") % {"lead": _who(handoff.lead)},
        body=_(
            "%(by)s gave the reason “%(reason)s”: %(said)s\nSay which reason fits; what follows from it is then done."
        )
        % {"by": answer.by, "reason": reason.label, "said": answer.asked.get("text", "")},
        url=reverse("home:pack", args=(handoff.public_id,)),
        now=now,
    )
    return _("A manager of sales decides what happens next.")


ACTS: dict[str, Callable[..., str]] = {
    Then.FIX: _fix,
    Then.MERGE: _merge,
    Then.ATTACH: _to_account,
    Then.ACCOUNT_MANAGER: _to_account,
    Then.REROUTE: _reroute,
    Then.DISQUALIFY: _disqualify,
    Then.BLOCK: _disqualify,
    Then.SUPPRESS: _disqualify,
    Then.RECYCLE: _recycle,
    Then.REVIEW: _review,
}


def carry_out(answer: Answer, *, now: datetime) -> None:
    """Do what follows from an answer and tell marketing; the caller's transaction holds the answer.

    Args:
        answer: with its handoff, lead, reason and author.
        now: the moment of the sweep.
    """
    lead = answer.handoff.lead
    words = {"by": answer.by, "lead": _who(lead)}
    if answer.reason is None:
        what, subject = "accepted", _("%(by)s accepted %(lead)s") % words
        body = _("%(by)s works on it from now on.") % words
        url = reverse("home:lead", args=(lead.public_id,))
    else:
        comes_back = answer.handoff.leg == 2 and answer.reason.consequence != Then.REROUTE
        if answer.round.ruling == Round.Ruling.OVERTURNED:
            happened = _("The rejection was overturned: sales works on it.")
        elif comes_back:
            happened = _to_first_leg(answer, now=now)
        else:
            happened = ACTS[answer.reason.consequence](answer, answer.reason, now=now)
        is_back = answer.kind == Answer.Kind.GIVEN_BACK
        what = f"{'given_back' if is_back else 'rejected'}:{answer.reason.code}"
        subject = (_("%(by)s gave %(lead)s back") if is_back else _("%(by)s rejected %(lead)s")) % words
        lines = [_("Reason: %(reason)s") % {"reason": answer.reason.label}, *_said(answer, answer.reason), happened]
        body = "\n".join(lines)
        url = reverse("home:pack", args=(answer.handoff.public_id,)) if comes_back else reverse("home:sales_feedback")
    _tell(answer, marketing_of(answer.handoff), what=what, subject=subject, body=body, url=url, now=now)


def _said(answer: Answer, reason: Reason) -> list[str]:
    said = [f"{reason.get_asks_display()} {answer.asked['text']}"] if answer.asked.get("text") else []
    return [*said, f"“{answer.remark}”"] if answer.remark else said
