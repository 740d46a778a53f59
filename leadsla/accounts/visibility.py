"""Whose rows a person sees, written once as reach over owners and teams; querysets of the apps apply it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from leadsla.accounts.models import Role, Side, User


@dataclass(frozen=True)
class Reach:
    """What a person reaches among rows that have an owner and a team.

    Attributes:
        everything: all rows.
        user_id: rows that this person owns.
        team_id: rows of this team.
        team_queue_only: of the team only rows that nobody owns yet.
    """

    everything: bool = False
    user_id: int | None = None
    team_id: int | None = None
    team_queue_only: bool = False

    def rows(self, *, owner: str, team: str) -> Q:
        """Return the filter for rows with these owner and team columns; nothing is reached without a reach."""
        if self.everything:
            return Q()
        reached = Q(pk__in=())
        if self.user_id is not None:
            reached |= Q(**{f"{owner}_id": self.user_id})
        if self.team_id is not None:
            queue = Q(**{f"{team}_id": self.team_id})
            if self.team_queue_only:
                queue &= Q(**{f"{owner}__isnull": True})
            reached |= queue
        return reached


def handoffs(user: User | AnonymousUser) -> Reach:
    """Return which handoffs a person sees.

    Marketers, managers of both sides and operations see all (marketing must see what became of its leads, managers
    watch both sides); reps see their own and what waits in their team's queue; others see none.
    """
    if not isinstance(user, User):
        return Reach()
    if user.has_role(Role.MARKETER, Role.MARKETING_MANAGER, Role.SALES_MANAGER, Role.OPERATIONS):
        return Reach(everything=True)
    if user.has_role(Role.SALES_REP):
        return Reach(user_id=user.pk, team_id=user.team_id, team_queue_only=True)
    return Reach()


def answerable_handoffs(user: User | AnonymousUser) -> Reach:
    """Return which handoffs a person may answer: a rep their own and the team's queue, a sales manager the team's."""
    if not isinstance(user, User):
        return Reach()
    if user.has_role(Role.SALES_MANAGER):
        return Reach(user_id=user.pk, team_id=user.team_id)
    if user.has_role(Role.SALES_REP):
        return Reach(user_id=user.pk, team_id=user.team_id, team_queue_only=True)
    return Reach()


def leads(user: User | AnonymousUser) -> Reach:
    """Return which leads a person sees by themselves; reps see the leads behind their handoffs, which `sla` adds."""
    if not isinstance(user, User):
        return Reach()
    if user.has_role(Role.MARKETER, Role.MARKETING_MANAGER, Role.SALES_MANAGER, Role.OPERATIONS):
        return Reach(everything=True)
    return Reach()


def editable_leads(user: User | AnonymousUser) -> Reach:
    """Return which leads a person may edit: marketers and their managers those of their own team or their own."""
    if isinstance(user, User) and user.has_role(Role.MARKETER, Role.MARKETING_MANAGER):
        return Reach(user_id=user.pk, team_id=user.team_id)
    return Reach()


def figures_of(user: User | AnonymousUser) -> frozenset[int]:
    """Return the ids of the people whose figures a person sees: their own and those of whom they manage.

    Nobody's where the setting LEADSLA_FIGURES_OF_PERSONS switches them off altogether.
    """
    if not isinstance(user, User) or not settings.LEADSLA_FIGURES_OF_PERSONS:
        return frozenset()
    return frozenset((user.pk, *user.reports.values_list("pk", flat=True)))


def sides(user: User | AnonymousUser) -> frozenset[Side]:
    """Return the sides that a person belongs to by role."""
    found: set[Side] = set()
    if isinstance(user, User):
        if user.has_role(Role.MARKETER, Role.MARKETING_MANAGER):
            found.add(Side.MARKETING)
        if user.has_role(Role.SALES_REP, Role.SALES_MANAGER):
            found.add(Side.SALES)
    return frozenset(found)
