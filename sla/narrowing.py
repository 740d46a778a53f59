"""A part of the handoffs and clocks: of one team, person, source or campaign. The same part for queries and for SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

NOTHING = 0  # as an id: those without a source, without a campaign


@dataclass(frozen=True)
class Narrowing:
    """What a figure is narrowed to; None means all.

    Attributes:
        team: id of the team that has the handoff or owes.
        person: id of who has the handoff, or of who owed when a clock was due.
        source: id of a source; `NOTHING` for handoffs without one.
        campaign: id of a campaign; `NOTHING` for handoffs without one.
    """

    team: int | None = None
    person: int | None = None
    source: int | None = None
    campaign: int | None = None

    def __bool__(self) -> bool:
        return any(chosen is not None for chosen in (self.team, self.person, self.source, self.campaign))

    def handoffs(self) -> Q:
        """Return the filter for handoffs."""
        found = self._origin("")
        if self.team is not None:
            found &= Q(to_team=self.team)
        if self.person is not None:
            found &= Q(owner=self.person)
        return found

    def clocks(self) -> Q:
        """Return the filter for clocks: who owed when it was due, else who owes."""
        found = self._origin("handoff__")
        if self.team is not None:
            found &= Q(team=self.team)
        if self.person is not None:
            found &= owed_by(self.person)
        return found

    def sql(self) -> tuple[str, list[Any]]:
        """Return the filter for facts `f` with their handoff `h` and clock `c`, beginning with AND, and its values."""
        words: list[str] = []
        values: list[Any] = []
        chosen = ((self.team, TEAM), (self.person, PERSON), (self.source, SOURCE), (self.campaign, CAMPAIGN))
        for value, column in chosen:
            if value == NOTHING:
                words.append(f" AND {column} IS NULL")
            elif value is not None:
                words.append(f" AND {column} = %s")
                values.append(value)
        return "".join(words), values

    def _origin(self, path: str) -> Q:
        found = Q()
        for name, value in (("source", self.source), ("campaign", self.campaign)):
            if value is not None:
                found &= Q(**{f"{path}{name}__isnull": True}) if value == NOTHING else Q(**{f"{path}{name}": value})
        return found


# The columns of a fact `f` with its handoff `h` and its clock `c` that figures are broken down by.
TEAM = "(CASE WHEN f.clock_id IS NULL THEN h.to_team_id ELSE c.team_id END)"
PERSON = "(CASE WHEN f.clock_id IS NULL THEN h.owner_id ELSE coalesce(c.responsible_id, c.owner_id) END)"
SOURCE, CAMPAIGN = "h.source_id", "h.campaign_id"
JOINS = " LEFT JOIN sla_handoff h ON h.id = f.handoff_id LEFT JOIN sla_clock c ON c.id = f.clock_id "


def owed_by(person: int) -> Q:
    """Return the filter for clocks that a person owed at the due time, or owes while that is ahead."""
    return Q(responsible=person) | Q(responsible=None, owner=person)
