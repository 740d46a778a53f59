"""What a manager sets for their people: weight and cap among the team, own hours, times away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from leadsla.accounts.access import Act, may
from leadsla.accounts.models import AwayTime, Role, Side, Team, User
from sla.models import Capacity

MOST_WEIGHT = Decimal("99.99")  # what the column holds
MOST_OPEN = 10_000


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """What was typed cannot be; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams that a person manages: operations all that are in use, a manager their own."""
    in_use = Team.objects.filter(is_active=True)
    if may(user, Act.CONFIGURE):
        return in_use
    return in_use.filter(pk=user.team_id) if may(user, Act.MANAGE_TEAMS) and user.team_id else in_use.none()


def people_of(user: User) -> QuerySet[User]:
    """Return the active people whose weight, hours and times away a person sets."""
    return User.objects.filter(is_active=True, team__in=teams_of(user)).select_related("team")


def takes_turns(person: User) -> bool:
    """Tell whether a person gets leads in turn: a rep in a team of sales."""
    return person.has_role(Role.SALES_REP) and person.team is not None and person.team.side == Side.SALES


def set_capacity(person: User, *, weight: Decimal, open_at_most: int) -> Capacity:
    """Say how much a rep gets; it counts from the next lead on.

    Args:
        person: a rep.
        weight: among the team; 0 for none, 2 for twice as many as with 1.
        open_at_most: handoffs, after which they get no more until one is closed.

    Raises:
        Refused: by field.
    """
    errors = {}
    if not takes_turns(person):
        errors[""] = _("%(person)s gets no leads in turn: they are not a rep of a sales team.") % {"person": person}
    if not 0 <= weight <= MOST_WEIGHT:
        errors["weight"] = _("Give a weight from 0 to 99.99; 1 is usual, 0 gets none.")
    if not 0 <= open_at_most <= MOST_OPEN:
        errors["open_at_most"] = _("Give a number from 0 to 10,000.")
    if errors:
        raise Refused(errors)
    values = {"weight": weight, "open_at_most": open_at_most}
    return Capacity.objects.update_or_create(user=person, defaults=values)[0]


def stand_ins_for(person: User) -> QuerySet[User]:
    """Return who may stand in for a person: active people of teams of the same side."""
    side = person.team.side if person.team else None
    same_side = User.objects.filter(is_active=True, team__is_active=True, team__side=side)
    if side == Side.SALES:
        same_side = same_side.filter(roles__overlap=[Role.SALES_REP, Role.SALES_MANAGER])
    return same_side.exclude(pk=person.pk).select_related("team").order_by("team__name", "name")


@transaction.atomic
def add_away(person: User, *, starts_at: datetime, ends_at: datetime, stand_in: User | None, now: datetime) -> AwayTime:
    """Enter a time in which a person gets no new leads; their clocks go on.

    Raises:
        Refused: by field; the time is over, upside down, or meets another one of the person.
    """
    errors = {}
    if ends_at <= starts_at:
        errors["ends_at"] = _("This is not after the start.")
    elif ends_at <= now:
        errors["ends_at"] = _("This time is over already.")
    if stand_in is not None and not stand_ins_for(person).filter(pk=stand_in.pk).exists():
        errors["stand_in"] = _("%(person)s cannot stand in: choose an active person of the same side.") % {
            "person": stand_in
        }
    User.objects.select_for_update(no_key=True).get(pk=person.pk)  # two at once would not see each other
    meets = AwayTime.objects.filter(Q(starts_at__lt=ends_at) & Q(ends_at__gt=starts_at), user=person)
    if not errors and meets.exists():
        errors["starts_at"] = _("%(person)s is away then already. Remove that time first.") % {"person": person}
    if errors:
        raise Refused(errors)
    return AwayTime.objects.create(user=person, starts_at=starts_at, ends_at=ends_at, stand_in=stand_in)


def remove_away(away: AwayTime, *, now: datetime) -> bool:
    """Take a time away back; one that has begun ends now, so that what happened stays.

    Returns:
        False when it was over already.
    """
    if away.ends_at <= now:
        return False
    if away.starts_at < now:
        return AwayTime.objects.filter(pk=away.pk, ends_at__gt=now).update(ends_at=now) == 1
    return AwayTime.objects.filter(pk=away.pk).delete()[0] == 1
