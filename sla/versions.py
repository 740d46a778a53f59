"""Which versions of an agreement promise the same, and under which of them a period of theirs is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sla.models import Agreement
from sla.periods import Period


@dataclass(frozen=True)
class Line:
    """Versions that follow each other and promise the same: each after the first changes the score model only.

    Such a version holds as soon as both sides have signed it, in the middle of a period. The promises are the same, so
    that what happened under any version of the line counts together, under the one that holds when the period ends.

    Attributes:
        versions: ids, oldest first.
        starts: from when each is in force.
        series: ids of all versions of the agreement that are or were in force, whatever they promise.
    """

    versions: tuple[int, ...]
    starts: tuple[datetime, ...]
    series: tuple[int, ...]

    def judged_under(self, period: Period) -> int:
        """Return the id of the version under which a period is judged: the newest that began before its end."""
        begun = [pk for pk, start in zip(self.versions, self.starts, strict=True) if start < period.ends_at]
        return begun[-1] if begun else self.versions[0]

    def counted(self, agreement: Agreement, period: Period) -> tuple[int, ...]:
        """Return whose facts count under a version in a period; none where the period is judged under another one."""
        return self.versions if agreement.pk == self.judged_under(period) else ()


def lines(series: Collection[UUID]) -> dict[int, Line]:
    """Return the line of each version, by its id, of some agreements; only what is or was in force has one."""
    found = Agreement.objects.ever_in_force().filter(series__in=series).order_by("series", "in_force_from", "version")
    groups: dict[UUID, list[list[tuple[int, datetime]]]] = defaultdict(list)
    for one, pk, start, is_same in found.values_list("series", "pk", "in_force_from", "changes_score_model_only"):
        assert start is not None  # `ever_in_force`
        if not (is_same and groups[one]):
            groups[one].append([])
        groups[one][-1].append((pk, start))
    lines: dict[int, Line] = {}
    for group in groups.values():
        everyone = tuple(pk for line in group for pk, _start in line)
        for line in group:
            made = Line(tuple(pk for pk, _start in line), tuple(start for _pk, start in line), everyone)
            lines |= dict.fromkeys(made.versions, made)
    return lines


def line_of(agreement: Agreement) -> Line:
    """Return the line of a version; of one that never held, the version alone."""
    alone = Line((agreement.pk,), (agreement.created_at,), (agreement.pk,))
    return lines({agreement.series}).get(agreement.pk, alone)


def judged_under(agreement: Agreement, period: Period) -> Agreement:
    """Return the version with the same promises under which a period is judged; nearly always the agreement itself."""
    pk = line_of(agreement).judged_under(period)
    if pk == agreement.pk:
        return agreement
    return Agreement.objects.select_related("calendar").prefetch_related("signatures").get(pk=pk)
