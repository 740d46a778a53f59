"""Score every lead again after a model was published: in the background, with a row that says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from leads import qualification, scoring
from leads.models import Lead, ScoreModel, ScoreRescan
from leadsla.accounts.models import User

STALE = timedelta(minutes=10)  # without a sign of life for so long, its worker counts as dead


def start(model: ScoreModel, *, by: User | None, now: datetime) -> ScoreRescan:
    """Ask for a rescan; one that waits for a worker is taken instead, since it will use what counts then.

    Args:
        model: the published model on whose account it is done.
        by: who published it.
        now: the moment.

    Returns:
        The row to queue `leads.tasks.rescan` with.
    """
    waiting = ScoreRescan.objects.filter(begun_at=None, finished_at=None).first()
    if waiting is not None:
        ScoreRescan.objects.filter(pk=waiting.pk).update(model=model, asked_by=by)
        return waiting
    return ScoreRescan.objects.create(model=model, asked_by=by, asked_at=now)


def latest() -> ScoreRescan | None:
    """Return the newest rescan; None if there never was one."""
    return ScoreRescan.objects.select_related("model").first()


def stopped(*, now: datetime) -> list[int]:
    """Return the ids of rescans that wait for a worker, or whose worker died."""
    return list(_free(ScoreRescan.objects.all(), now=now).values_list("pk", flat=True))


def run_through(rescan_id: int, *, now: Callable[[], datetime]) -> bool:
    """Score and judge all leads, telling the row how far it is. Scoring again changes nothing that is right already.

    Args:
        rescan_id: of the row.
        now: reads the clock.

    Returns:
        False where another worker does it, or it is done.
    """
    begun = now()
    row = ScoreRescan.objects.filter(pk=rescan_id)
    first = Coalesce(F("begun_at"), Value(begun))
    if not _free(row, now=begun).update(begun_at=first, beat_at=begun):
        return False

    def tell(done: int, total: int) -> None:
        row.update(done=done, total=total, beat_at=now())

    written = scoring.rescore_all(now=begun, progress=tell)
    judged = qualification.judge(Lead.objects.living(), now=begun)
    row.update(written=written, qualified=len(judged.qualified), finished_at=now())
    return True


def _free(rows: QuerySet[ScoreRescan], *, now: datetime) -> QuerySet[ScoreRescan]:
    return rows.filter(Q(beat_at=None) | Q(beat_at__lte=now - STALE), finished_at=None)
