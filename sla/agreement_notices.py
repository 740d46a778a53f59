"""What people are told of agreements: proposed, commented, signed, taken back, in force. Written to the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leadsla.accounts.models import Side, User
from leadsla.outbox import messages
from leadsla.outbox.kinds import Announcement, Kind
from sla import signatories
from sla.models import Agreement, AgreementComment, CalendarVersion, Signature


def proposed(agreement: Agreement, *, by: User, now: datetime) -> None:
    """Ask both sides' managers, and their deputies of these days, for their signature; not the one who proposed."""
    words = _named(agreement) | {"by": by}
    subject = _("For your signature: %(name)s, version %(number)d") % words
    body = _("%(by)s proposed it. Read what changes, say what you think of it, and sign.") % words
    if agreement.why:
        body += "\n\n" + agreement.why
    _tell(_everybody(agreement, now=now), agreement, "proposed", subject, body, but=by, now=now)


def taken_back(agreement: Agreement, *, by: User, now: datetime) -> None:
    """Tell those who were asked to sign that there is nothing to sign any more."""
    words = _named(agreement) | {"by": by}
    subject = _("Taken back: %(name)s, version %(number)d") % words
    body = _("%(by)s took this version back. What is in force stays in force.") % words
    _tell(_everybody(agreement, now=now), agreement, "taken_back", subject, body, but=by, now=now)


def signed(signature: Signature, *, now: datetime) -> None:
    """Tell the other side's managers that one side signed, and both sides when all is signed."""
    agreement = signature.agreement
    words = _named(agreement) | {"by": signature.signed_by, "side": Side(signature.side).label.lower()}
    event = f"signed_{signature.side}"
    subject = _("Signed for %(side)s: %(name)s, version %(number)d") % words
    if agreement.status == Agreement.Status.PROPOSED:
        body = _("%(by)s signed. The other side's signature is missing.") % words
    elif agreement.starts_on is not None:
        body = _("%(by)s signed. Both sides have signed; it is in force from %(day)s.") % words
    else:
        body = _("%(by)s signed. Both sides have signed; it is in force now.") % words
    _tell(_everybody(agreement, now=now), agreement, event, subject, body, but=signature.signed_by, now=now)


def commented(comment: AgreementComment, *, now: datetime) -> None:
    """Tell the managers of both sides, and whoever spoke before, of a comment."""
    agreement = comment.agreement
    subject = _("Comment on %(name)s, version %(number)d") % _named(agreement)
    body = f"{comment.by}: {comment.text}"
    spoke = User.objects.filter(pk__in=agreement.comments.values("by")).order_by("pk")
    told = {user.pk: user for user in [*_everybody(agreement, now=now), *spoke]}
    _tell(told.values(), agreement, f"comment:{comment.pk}", subject, body, but=comment.by, now=now)


def in_force(agreement: Agreement, *, now: datetime) -> None:
    """Tell both sides' managers, and programs that listen, that an agreement came into force."""
    subject = _("In force: %(name)s, version %(number)d") % _named(agreement)
    body = _("From now on leads are handed over and measured by this version. Open handoffs finish under theirs.")
    _tell(_everybody(agreement, now=now), agreement, "in_force", subject, body, but=None, now=now)
    messages.announce(
        event=f"agreement:{agreement.pk}:in_force",
        kind=Announcement.AGREEMENT_ACTIVE,
        data={
            "id": str(agreement.public_id),
            "name": agreement.name,
            "version": agreement.version,
            "in_force_from": agreement.in_force_from.isoformat() if agreement.in_force_from else None,
            "text_hash": agreement.text_hash,
        },
        now=now,
    )


def ended(agreement: Agreement, *, by: User, now: datetime) -> None:
    """Tell both sides' managers that an agreement ended without a version after it."""
    subject = _("Ended: %(name)s, version %(number)d") % _named(agreement)
    body = _("%(by)s ended this agreement. Open handoffs finish under it.") % {"by": by}
    _tell(_everybody(agreement, now=now), agreement, "ended", subject, body, but=by, now=now)


def hours_changed(agreement: Agreement, version: CalendarVersion, *, by: User, now: datetime) -> None:
    """Tell both sides' managers that hours which an agreement in force counts by were changed."""
    words = {"calendar": version.calendar, "name": agreement.name, "by": by, "note": version.note}
    subject = _("Other hours: %(calendar)s") % words
    body = _("%(by)s changed the hours that “%(name)s” counts by, for clocks that start from now on.") % words
    if version.note:
        body += "\n" + version.note
    event = f"hours:{version.calendar_id}:{version.version}"
    _tell(_everybody(agreement, now=now), agreement, event, subject, body, but=by, now=now)


def _named(agreement: Agreement) -> dict[str, object]:
    day = date_format(agreement.starts_on, "j F Y") if agreement.starts_on else ""
    return {"name": agreement.name, "number": agreement.version, "day": day}


def _everybody(agreement: Agreement, *, now: datetime) -> list[User]:
    today = signatories.day_of(now, agreement.timezone)
    told: dict[int, User] = {}
    for side in Side:
        told |= {user.pk: user for user in signatories.may_be_told(side, on=today)}
    return list(told.values())


def _tell(
    people: Iterable[User],
    agreement: Agreement,
    event: str,
    subject: str,
    body: str,
    *,
    but: User | None,
    now: datetime,
) -> None:
    url = reverse("sla:agreement_version", args=(agreement.public_id,))
    for recipient in people:
        if but is None or recipient.pk != but.pk:
            messages.write(
                event=f"agreement:{agreement.pk}:{event}",
                recipient=recipient,
                subject=subject,
                body=body,
                url=url,
                kind=Kind.AGREEMENT,
                now=now,
            )
