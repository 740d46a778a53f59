"""What people are told when a handoff changes hands by turn, claim, release, second leg, succession or ruling."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.accounts.models import Side, User
from leadsla.display import moment_text
from leadsla.outbox import messages
from leadsla.outbox.kinds import Kind
from sla import notices, signatories
from sla.models import Handoff, Round


def passed_to_next(handoff: Handoff, *, before: User, now: datetime) -> None:
    """Tell the next in turn, and who let it lie, that a handoff changed hands."""
    event = f"handoff:{handoff.pk}:next:{now.timestamp():.0f}"
    words = {"lead": notices.who(handoff.lead), "owner": handoff.owner, "before": before}
    if handoff.owner is not None:
        subject = _("Now yours: %(lead)s") % words
        _tell([handoff.owner], handoff, event, subject, _("It lay with %(before)s. Its clocks go on.") % words, now=now)
    subject = _("No longer yours: %(lead)s") % words
    _tell([before], handoff, event, subject, _("It went to %(owner)s, who is next in turn.") % words, now=now)


def offered(handoff: Handoff, *, before: User, now: datetime) -> None:
    """Tell who let a handoff lie that it is in the team's queue again."""
    event = f"handoff:{handoff.pk}:offered:{now.timestamp():.0f}"
    subject = _("Offered to the team: %(lead)s") % {"lead": notices.who(handoff.lead)}
    body = _("It is in the queue of %(team)s again, where you may claim it, too.") % {"team": handoff.to_team}
    _tell([before], handoff, event, subject, body, now=now)


def claim_lapsed(handoff: Handoff, *, before: User, now: datetime) -> None:
    """Tell who claimed a handoff and did not follow it up that it is in the team's queue again."""
    event = f"handoff:{handoff.pk}:lapsed:{now.timestamp():.0f}"
    subject = _("Your claim lapsed: %(lead)s") % {"lead": notices.who(handoff.lead)}
    body = _("There was no follow-up in time. It is in the queue of %(team)s again.") % {"team": handoff.to_team}
    _tell([before], handoff, event, subject, body, now=now)


def came_back(handoff: Handoff, *, to: User, now: datetime) -> None:
    """Tell who passed a lead on that it is with them alone again."""
    event = f"handoff:{handoff.pk}:came_back"
    words = {"lead": notices.who(handoff.lead), "owner": handoff.owner or handoff.to_team}
    subject = _("With you again: %(lead)s") % words
    body = _("%(owner)s did not go on with this lead. What was agreed for it is yours again.") % words
    _tell([to], handoff, event, subject, body, now=now, about=handoff.parent)


def succeeded(user: User, *, to: User, by: User, count: int, now: datetime) -> None:
    """Tell a successor what they took over, in one message."""
    words = {"user": user, "by": by, "n": count}
    subject = (
        ngettext("You take over from %(user)s: %(n)d lead", "You take over from %(user)s: %(n)d leads", count) % words
    )
    messages.write(
        event=f"succession:{user.pk}:{now.timestamp():.0f}",
        recipient=to,
        subject=subject,
        body=_("%(by)s gave you what was open with %(user)s. The clocks go on.") % words,
        url=reverse("home:queue"),
        now=now,
        kind=Kind.HANDED_OVER,
    )


def contested(handoff: Handoff, round_: Round, *, by: User, now: datetime) -> None:
    """Ask the managers of both sides for their word on a rejection that marketing contests."""
    named = {"lead": notices.who(handoff.lead), "by": by, "why": round_.contest}

    def words() -> tuple[str, str]:
        due = moment_text(round_.ruling_due_at, now) if round_.ruling_due_at else ""
        body = _("%(by)s says: %(why)s\nSay whether the rejection stands, by %(due)s; else it counts for neither side.")
        return _("Rejection contested: %(lead)s") % named, body % {**named, "due": due}

    of_marketing = notices.managers_of(user=None, team=handoff.from_team) or signatories.managers(Side.MARKETING)
    people = [*notices.managers_of(user=round_.decided_by, team=handoff.to_team), *of_marketing]
    _tell_each(
        [person for person in people if person != by],
        f"round:{round_.pk}:contested",
        words,
        url=_pack(handoff),
        now=now,
        kind=Kind.RETURNED,
    )


def differ(handoff: Handoff, round_: Round, *, to: User, now: datetime) -> None:
    """Ask the third person whom the agreement names, because the managers differ."""
    subject = _("Your word decides: %(lead)s") % {"lead": notices.who(handoff.lead)}
    body = _("The managers of both sides differ on whether this rejection stands. Marketing says: %(why)s")
    _tell(
        [to], handoff, f"round:{round_.pk}:differ", subject, body % {"why": round_.contest}, now=now, kind=Kind.RETURNED
    )


def ruled(handoff: Handoff, round_: Round, *, now: datetime) -> None:
    """Tell who rejected and who contested what came of it."""
    subject = _("%(ruling)s (%(lead)s)") % {
        "ruling": Round.Ruling(round_.ruling).label,
        "lead": notices.who(handoff.lead),
    }
    body = _("Marketing had said: %(why)s") % {"why": round_.contest}
    people = [person for person in (round_.decided_by, round_.contested_by) if person is not None]
    _tell(people, handoff, f"round:{round_.pk}:ruled", subject, body, now=now, kind=Kind.RETURNED)


def _tell(
    people: Iterable[User],
    handoff: Handoff,
    event: str,
    subject: str,
    body: str,
    *,
    now: datetime,
    about: Handoff | None = None,
    kind: Kind = Kind.HANDED_OVER,
) -> None:
    _tell_each(people, event, lambda: (subject, body), url=_pack(about or handoff), now=now, kind=kind)


def _tell_each(
    people: Iterable[User], event: str, words: notices.Words, *, url: str, now: datetime, kind: Kind
) -> None:
    for person in dict.fromkeys(people):
        notices.tell(person, event=event, kind=kind, url=url, now=now, words=words)


def _pack(handoff: Handoff) -> str:
    return reverse("home:pack", args=(handoff.public_id,))
