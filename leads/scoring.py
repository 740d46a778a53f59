"""Score leads: the model that counts, compiled to one statement that writes only what changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils.translation import gettext as _

from leads import definitions, score_statement
from leads.explanation import Explanation, course, explain, explain_many
from leads.models import Interaction, Lead, ScoreModel
from leads.querysets import LeadQuerySet
from leads.score_statement import Sql

__all__ = ["COLUMNS", "Explanation", "band_of", "bands", "course", "explain", "explain_many", "rescore_all", "score"]

# What a score consists of, as a lead keeps it; with `scored_at` beside it.
COLUMNS = (
    "score",
    "fit",
    "intent",
    "engagement",
    "negative",
    "counted_interactions",
    "grade",
    "score_model_id",
    "scored_at",
)
_WORKED_OUT = COLUMNS[:-1]


def score(leads: LeadQuerySet | Sequence[int], *, now: datetime, touch: bool = False) -> int:
    """Score leads by the model that counts for each, in one statement per model.

    What is excluded gets no score; merged leads are left alone. A row is written, with `scored_at`, when a column of
    its score changed or the lead did something since it was last scored; otherwise it keeps the older `scored_at`, as
    of which its explanation still adds up.

    Args:
        leads: rows or ids.
        now: the moment; what is dated later counts nothing.
        touch: write `scored_at` in any case, because facts or interactions changed hands.

    Returns:
        How many rows were written.
    """
    rows = leads if isinstance(leads, LeadQuerySet) else Lead.objects.filter(pk__in=list(leads))
    fresh = _TOUCHED if touch else _DID_SOMETHING
    return sum(_write(each, rows, now=now, unless_same=fresh) for each in definitions.counting(now=now))


def rescore_all(*, now: datetime, batch: int = 20_000, progress: Callable[[int, int], None] | None = None) -> int:
    """Score every lead again, because points fade; a transaction per batch, so that nobody waits long for a row.

    Args:
        now: the moment.
        batch: how many ids at a time.
        progress: is told after each batch how many ids of how many are done.

    Returns:
        How many rows were written.
    """
    ends = Lead.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return 0
    written, models = 0, definitions.counting(now=now)
    for first in range(ends["first"], ends["last"] + 1, batch):
        between = (first, min(first + batch - 1, ends["last"]))
        with transaction.atomic():
            _take_memory()
            rows = Lead.objects.filter(pk__range=between)
            written += sum(_write(each, rows, now=now, between=between) for each in models)
        if progress is not None:
            progress(between[1] - ends["first"] + 1, ends["last"] - ends["first"] + 1)
    return written


def _take_memory() -> None:
    """Let a batch sort in memory until its transaction ends; the usual 4 MB make it go through files."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true)")


_TOUCHED = "OR l.scored_at IS DISTINCT FROM %s"
_DID_SOMETHING = f"""OR EXISTS (
        SELECT FROM {Interaction._meta.db_table} i WHERE i.lead_id = l.id AND i.recorded_at > l.scored_at
        AND i.recorded_at <= %s
    )"""


def _write(
    counting: definitions.Counting,
    leads: LeadQuerySet,
    *,
    now: datetime,
    unless_same: str = "",
    between: tuple[int, int] | None = None,
) -> int:
    rows = leads if counting.leads is None else leads.filter(counting.leads)
    try:
        chain = score_statement.scored(counting.model, list(counting.model.rules.all()), rows, now=now, between=between)
    except EmptyResultSet:
        return 0
    table = Lead._meta.db_table
    stored, computed = (", ".join(f"{alias}.{name}" for name in _WORKED_OUT) for alias in "ls")
    written = ", ".join(f"{name} = s.{name}" for name in _WORKED_OUT)
    # Rows are locked in the order of their ids, so that two scorings at once cannot block each other.
    text = f""", changed AS (
    SELECT s.* FROM scored s JOIN {table} l ON l.id = s.lead_id
    WHERE ({stored}) IS DISTINCT FROM ({computed}) {unless_same}
    ORDER BY l.id FOR NO KEY UPDATE OF l
)
UPDATE {table} l SET {written}, scored_at = %s FROM changed s WHERE l.id = s.lead_id"""  # noqa: S608  # names of columns
    statement = chain + Sql(text, [now] * (2 if unless_same else 1))
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return int(cursor.rowcount)


_BANDS = (0, 50, 75, 100, 125, 150)  # lower ends; 100 is the line of the first definition


def bands(model: ScoreModel | None = None) -> list[tuple[str, str, Decimal, Decimal | None]]:
    """Return the ranges of the total in which scores are compared.

    Returns:
        For each, from low to high: code, label, lower end (in it) and upper end (not in it; None for the last).
    """
    ends = [*_BANDS[1:], None]
    told = []
    for lower, upper in zip(_BANDS, ends, strict=True):
        label = _("%(lower)d and more") if upper is None else _("%(lower)d to %(last)d")
        words = label % {"lower": lower, "last": (upper or 0) - 1}
        told.append((str(lower), words, Decimal(lower), None if upper is None else Decimal(upper)))
    return told


def band_of(score: Decimal | None) -> str:
    """Return the code of the band that a score lies in; "" without a score."""
    if score is None:
        return ""
    return str(max((lower for lower in _BANDS if lower <= score), default=_BANDS[0]))
