"""What people are told of handoffs and clocks: the words, the recipients, the links. Written to the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from leads.models import Lead
from leadsla.accounts.access import MANAGER_OF
from leadsla.accounts.models import Side, Team, User
from leadsla.display import moment_text
from leadsla.outbox import messages
from leadsla.outbox.kinds import Announcement, Kind
from sla.models import Clock, Commitment, Handoff, Round

Words = Callable[[], tuple[str, str]]  # subject and body, composed in the recipient's time zone


def managers_of(*, user: User | None, team: Team | None) -> list[User]:
    """Return who is told when something goes wrong: the person's own manager, else the managers in the team."""
    if user is not None and user.manager is not None and user.manager.is_active:
        return [user.manager]
    if team is None:
        return []
    return list(team.members.filter(is_active=True, roles__contains=[MANAGER_OF[team.side]]).order_by("pk"))


def handed_over(handoff: Handoff, *, because: Round.OpenedBecause, due: Iterable[Clock], now: datetime) -> None:
    """Tell the owner of a new round, or the managers of a team in whose queue it waits."""
    clocks = list(due)
    words = {"lead": who(handoff.lead), "temperature": handoff.get_temperature_display()}
    subject = {
        Round.OpenedBecause.HANDED_OVER: _("New lead (%(temperature)s): %(lead)s"),
        Round.OpenedBecause.FIXED: _("Fixed and with you again (%(temperature)s): %(lead)s"),
        Round.OpenedBecause.REROUTED: _("Rerouted to you (%(temperature)s): %(lead)s"),
        Round.OpenedBecause.OVERTURNED: _("Rejection overturned, with you again (%(temperature)s): %(lead)s"),
    }[because] % words
    if handoff.owner is None:
        subject = _("Nobody is available: %(lead)s waits in the team's queue") % words
    event = f"handoff:{handoff.pk}:round:{handoff.round}:handed_over"
    for recipient in [handoff.owner] if handoff.owner else managers_of(user=None, team=handoff.to_team):
        tell(
            recipient,
            event=event,
            kind=Kind.HANDED_OVER,
            url=_pack(handoff),
            now=now,
            words=lambda: (subject, _owed(clocks, now=now)),
        )
    messages.announce(event=event, kind=Announcement.HANDED_OVER, data=_facts(handoff), now=now)


def account_notice(handoff: Handoff, *, why: str, now: datetime) -> None:
    """Tell the owner of a customer or an open opportunity of a new person there; nothing is owed."""
    subject = _("For your information: %(lead)s") % {"lead": who(handoff.lead)}
    for recipient in [handoff.owner] if handoff.owner else managers_of(user=None, team=handoff.to_team):
        tell(
            recipient,
            event=f"handoff:{handoff.pk}:notice",
            kind=Kind.HANDED_OVER,
            url=_pack(handoff),
            now=now,
            words=lambda: (subject, why),
        )


def reassigned(handoff: Handoff, *, before: User | None, by: User, now: datetime) -> None:
    """Tell the new owner, and the one who had it, that a handoff changed hands."""
    event = f"handoff:{handoff.pk}:reassigned:{now.timestamp():.0f}"
    words = {"lead": who(handoff.lead), "by": by, "owner": handoff.owner}
    to_new = (_("Now yours: %(lead)s") % words, _("%(by)s gave you this lead. Its clocks go on.") % words)
    to_old = (_("No longer yours: %(lead)s") % words, _("%(by)s gave this lead to %(owner)s.") % words)
    if handoff.owner is not None and handoff.owner != by:
        tell(handoff.owner, event=event, kind=Kind.HANDED_OVER, url=_pack(handoff), now=now, words=lambda: to_new)
    if before is not None and before != by:
        tell(before, event=event, kind=Kind.HANDED_OVER, url=_pack(handoff), now=now, words=lambda: to_old)


def withdrawn(handoff: Handoff, *, by: User, now: datetime) -> None:
    """Tell the owner that marketing took a handoff back."""
    if handoff.owner is None:
        return
    words = {"lead": who(handoff.lead), "by": by}
    subject = _("Withdrawn by marketing: %(lead)s") % words
    body = _("%(by)s took this lead back. There is nothing left to do.") % words
    event = f"handoff:{handoff.pk}:withdrawn"
    tell(handoff.owner, event=event, kind=Kind.HANDED_OVER, url=_pack(handoff), now=now, words=lambda: (subject, body))


def reminded(
    clocks: list[Clock],
    *,
    to: User,
    event: str,
    is_owner: bool,
    now: datetime,
    not_before: datetime | None = None,
) -> None:
    """Tell somebody of one lead's clocks that end soon or are past due: one message, however many clocks.

    Args:
        clocks: of one lead and one owner.
        to: whom.
        event: unique key of the message.
        is_owner: it is they who owe.
        now: the moment.
        not_before: when they may get it at the earliest; None for at once.
    """
    read_at = not_before or now
    first = min(clocks, key=lambda clock: clock.due_at)
    is_late = first.due_at < now

    def words() -> tuple[str, str]:
        named = {
            "lead": who(first.lead),
            "owner": first.owner or first.team or _("nobody"),
            "moment": moment_text(first.due_at, read_at),
        }
        if is_late:
            subject = _("Overdue: %(lead)s") if is_owner else _("Overdue with %(owner)s: %(lead)s")
        else:
            subject = _("Due %(moment)s: %(lead)s") if is_owner else _("Due %(moment)s with %(owner)s: %(lead)s")
        return subject % named, _owed(clocks, now=read_at)

    kind = Kind.OVERDUE if is_late else Kind.DUE_SOON
    tell(to, event=event, kind=kind, url=_place(first), now=now, words=words, not_before=not_before)


def breached(clock: Clock, *, now: datetime) -> None:
    """Tell other programs that a promised time has passed; whom of the people is told is the agreement's matter."""
    event = f"clock:{clock.pk}:breached"
    messages.announce(event=event, kind=Announcement.CLOCK_BREACHED, data=_clock_facts(clock), now=now)


def waived(clock: Clock, *, to: User, by: User, why: str, now: datetime) -> None:
    """Tell the other side's manager that a clock does not count any more, and why."""

    def words() -> tuple[str, str]:
        named = {"lead": who(clock.lead), "by": by, "promise": clock.commitment, "why": why}
        return _("Waived by %(by)s: %(lead)s") % named, _("%(promise)s does not count for this lead: %(why)s") % named

    tell(to, event=f"clock:{clock.pk}:waived", kind=Kind.OVERDUE, url=_computed(clock), now=now, words=words)


def tell(
    recipient: User,
    *,
    event: str,
    kind: Kind,
    url: str,
    now: datetime,
    words: Words,
    not_before: datetime | None = None,
) -> None:
    """Write a message to one person, whose words are composed in their time zone."""
    with timezone.override(ZoneInfo(recipient.timezone)):
        subject, body = words()
    messages.write(
        event=event,
        kind=kind,
        recipient=recipient,
        subject=subject,
        body=body,
        url=url,
        now=now,
        not_before=not_before,
    )


def _facts(handoff: Handoff) -> dict[str, Any]:
    """Return what other programs are told of a handoff: who is who by public id, nothing personal."""
    return {
        "handoff": handoff.public_id,
        "lead": handoff.lead.public_id,
        "round": handoff.round,
        "temperature": handoff.temperature,
        "team": handoff.to_team.public_id if handoff.to_team else None,
        "owner": handoff.owner.public_id if handoff.owner else None,
        "url": f"{settings.LEADSLA_URL}{_pack(handoff)}",
    }


def _clock_facts(clock: Clock) -> dict[str, Any]:
    return {
        "measure": clock.measure,
        "side": clock.side,
        "lead": clock.lead.public_id,
        "handoff": clock.handoff.public_id if clock.handoff else None,
        "due_at": clock.due_at.astimezone(UTC),
        "url": f"{settings.LEADSLA_URL}{_place(clock)}",
    }


def who(lead: Lead) -> str:
    """Name a lead in a subject: company and person."""
    company = lead.company.name if lead.company else lead.company_name
    return ", ".join(part for part in (company, lead.name) if part) or str(lead)


def _owed(clocks: list[Clock], *, now: datetime) -> str:
    return "\n".join(
        f"{Commitment.Measure(clock.measure).label}: {moment_text(clock.due_at, now)}"
        for clock in sorted(clocks, key=lambda clock: clock.due_at)
    )


def _pack(handoff: Handoff) -> str:
    return reverse("home:pack", args=(handoff.public_id,))


def _computed(clock: Clock) -> str:
    return reverse("sla:clock", args=(clock.public_id,))


def _place(clock: Clock) -> str:
    if clock.handoff is not None and clock.side == Side.SALES:
        return _pack(clock.handoff)
    return reverse("home:lead", args=(clock.lead.public_id,))
