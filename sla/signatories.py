"""Who may sign for a side: its managers, and the deputies that they named for some days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from leadsla.accounts.access import MANAGER_OF, MARKETING, SALES, Act, may
from leadsla.accounts.models import Side, User
from sla.models import Deputy

PEOPLE_OF = {Side.MARKETING: MARKETING, Side.SALES: SALES}


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """A deputy cannot be named so: `errors` says per field why and what to do; "" is the whole."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Pen:
    """A right to sign: as a manager, or for one.

    Attributes:
        side: for which side.
        deputy_of: whose deputy signs; None for a manager's own right.
    """

    side: Side
    deputy_of: User | None


def leads_side(user: User, side: str) -> bool:
    """Tell whether somebody is a manager of a side."""
    return user.is_active and user.has_role(MANAGER_OF[side])


def pens(user: User, *, on: date) -> dict[Side, Pen]:
    """Return for which sides a person may sign on a day; their own right comes before a deputy's."""
    found = {side: Pen(side, None) for side in Side if leads_side(user, side)}
    if not user.is_active:
        return {}
    named = Deputy.objects.filter(deputy=user, starts_on__lte=on, ends_on__gte=on).select_related("manager")
    for each in named:
        side = Side(each.side)
        if leads_side(each.manager, side) and not PEOPLE_OF[side].isdisjoint(user.roles):
            found.setdefault(side, Pen(side, each.manager))
    return found


def day_of(now: datetime, timezone: str) -> date:
    """Return the day that it is at a moment in an agreement's zone."""
    return now.astimezone(ZoneInfo(timezone)).date()


def managers(side: str) -> list[User]:
    """Return the managers of a side, in the order in which they joined."""
    role = MANAGER_OF[side]
    return list(User.objects.filter(is_active=True, roles__contains=[role.value]).order_by("pk"))


def may_be_told(side: str, *, on: date) -> list[User]:
    """Return who is asked for a side's signature: its managers and, on that day, their deputies."""
    found = managers(side)
    deputies = Deputy.objects.filter(side=side, starts_on__lte=on, ends_on__gte=on, deputy__is_active=True)
    known = {user.pk for user in found}
    for each in deputies.select_related("deputy").order_by("pk"):
        if each.deputy_id not in known:
            known.add(each.deputy_id)
            found.append(each.deputy)
    return found


def deputies_for(side: str) -> list[User]:
    """Return who of a side could sign for one of its managers: people of the side who do not manage it themselves."""
    roles = [role.value for role in PEOPLE_OF[Side(side)]]
    people = User.objects.filter(is_active=True, roles__overlap=roles)
    return [user for user in people.order_by("name", "pk") if not leads_side(user, side)]


@transaction.atomic
def name_deputy(
    deputy: User, *, side: str, starts_on: date, ends_on: date, by: User, now: datetime, manager: User | None = None
) -> Deputy:
    """Let somebody sign for a manager, from a day to a day.

    Args:
        deputy: who may sign; works for the side.
        side: for which side.
        starts_on, ends_on: both days included, in the zone of what is signed.
        by: a manager of the side.
        now: the moment.
        manager: for whom, when the person who heads the side names a deputy for a colleague; None for `by`.

    Raises:
        Refused: naming the field: the wrong side, oneself, somebody inactive, days that are over or in wrong order.
    """
    errors: dict[str, str] = {}
    represented = manager or by
    if not (may(by, Act.NAME_DEPUTIES) and leads_side(by, side) and leads_side(represented, side)):
        raise Refused({"": _("Only managers of %(side)s name deputies for it.") % {"side": Side(side).label.lower()}})
    if deputy == represented:
        errors["deputy"] = _("Name somebody else: you sign for yourself already.")
    elif not deputy.is_active or PEOPLE_OF[Side(side)].isdisjoint(deputy.roles):
        words = {"name": deputy, "side": Side(side).label.lower()}
        errors["deputy"] = _("%(name)s does not work for %(side)s. Name somebody who does.") % words
    if ends_on < starts_on:
        errors["ends_on"] = _("The last day is before the first one.")
    elif ends_on < day_of(now, by.timezone):
        errors["ends_on"] = _("These days are over. Choose later ones.")
    if errors:
        raise Refused(errors)
    return Deputy.objects.create(
        side=side, manager=represented, deputy=deputy, starts_on=starts_on, ends_on=ends_on, named_at=now
    )


@transaction.atomic
def remove(deputy: Deputy, *, by: User) -> None:
    """Take the right to sign back; what was signed with it stays.

    Raises:
        Refused: for anybody but a manager of the side.
    """
    if not leads_side(by, deputy.side):
        raise Refused({"": _("Only managers of %(side)s do that.") % {"side": Side(deputy.side).label.lower()}})
    Deputy.objects.filter(pk=deputy.pk).delete()
