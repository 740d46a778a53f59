"""People and handoffs that the tests of turns, claims, releases, legs and rulings share."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from leadsla.accounts.models import Role, Team, User
from sla import handoff as handoffs
from sla.models import Decision, Handoff, Round, Turn

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc,arg-type]  # the parts of a moment


def rep(name: str, team: Team) -> User:
    email = f"{name.replace(' ', '.').lower()}@leadsla.example"
    return User.objects.create_user(email, "a long password", name=name, team=team, roles=[Role.SALES_REP])


def balance(user: User, temperature: str = "hot") -> float:
    """Return what a person is owed, to a thousandth of a lead."""
    found = Turn.objects.filter(user=user, temperature=temperature).values_list("balance", flat=True).first()
    return round(found or 0.0, 3)


def reject(handoff: Handoff, *, by: User, now: datetime, reason: str = "bad_contact_data") -> Round:
    """Reject for a reason that counts against marketing."""
    decided = handoffs.record_decision(
        handoff, decision=Decision.REJECTED, by=by, now=now, reason=reason, is_not_as_defined=True
    )
    assert decided is not None
    return decided


def accept(handoff: Handoff, *, by: User, now: datetime) -> Round:
    decided = handoffs.record_decision(handoff, decision=Decision.ACCEPTED, by=by, now=now)
    assert decided is not None
    handoff.refresh_from_db()
    return decided
