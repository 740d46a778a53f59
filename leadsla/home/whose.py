"""Mine, my team's or all: the choice that lists of marketing start with."""

from __future__ import annotations

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.models import Role, User
from leadsla.accounts.visibility import Reach


class Whose(TextChoices):
    """Whose rows a list shows."""

    MINE = "mine", _("Mine")
    TEAM = "team", _("My team's")
    ALL = "all", _("All")


def usual(user: User) -> Whose:
    """Return what a person looks at when they choose nothing: managers their team's, everybody else their own."""
    return Whose.TEAM if user.has_role(Role.MARKETING_MANAGER) and user.team_id else Whose.MINE


def rows(user: User, whose: str, *, owner: str, team: str) -> Q:
    """Return the filter over rows with these owner and team columns; a team's rows include one's own."""
    reach = {
        Whose.MINE.value: Reach(user_id=user.pk),
        Whose.TEAM.value: Reach(user_id=user.pk, team_id=user.team_id),
        Whose.ALL.value: Reach(everything=True),
    }
    return reach[whose].rows(owner=owner, team=team)
