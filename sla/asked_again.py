"""Start sales's clock for an answer when a lead asks to be contacted while a handoff of it is open."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from leads.models import ASKED_KINDS, Lead, Temperature
from leadsla.accounts.models import User
from sla import clocks
from sla.models import Commitment, Decision, Handoff, Target

log = logging.getLogger(__name__)

Measure = Commitment.Measure

LOCK = 20260304  # one sweep at a time: two would start the same clock
LATELY = timedelta(days=1)
NIGHTLY = timedelta(days=30)

# Requests are few, and have an index of their own by when they were recorded. A request that comes while an earlier one
# waits, or waited, for its answer is answered with it. Of two legs the later one owes.
_ASKED = """
    SELECT DISTINCT ON (h.id) h.id, i.occurred_at
    FROM leads_interaction i
    JOIN LATERAL (
        SELECT * FROM sla_handoff
        WHERE lead_id = i.lead_id AND closed_at IS NULL AND NOT is_notice AND NOT is_returned AND decision <> 'rejected'
        ORDER BY leg DESC LIMIT 1) h ON h.handed_over_at < i.occurred_at
    WHERE i.kind = ANY(%(kinds)s) AND i.recorded_at > %(since)s AND i.occurred_at <= %(now)s AND NOT i.is_date
        AND h.agreement_id = ANY(%(agreements)s)
        AND NOT EXISTS (
            SELECT FROM sla_clock c
            WHERE c.handoff_id = h.id AND c.measure = 'answer' AND c.started_at <= i.occurred_at
                AND (c.stopped_at IS NULL OR c.stopped_at >= i.occurred_at))
    ORDER BY h.id, i.occurred_at
"""


@transaction.atomic
def start(*, now: datetime, since: timedelta = LATELY) -> int:
    """Start a clock from each request that waits for an answer, where the agreement promises one.

    What sales did since the request stops it at once, at the moment when it was done.

    Args:
        now: the moment.
        since: how far back requests are looked for, by when they were recorded.

    Returns:
        How many clocks were started.
    """
    promised = Target.objects.filter(commitment__measure=Measure.ANSWER, limits__temperature=Temperature.HOT)
    agreements = list(promised.values_list("agreement", flat=True))
    if not agreements or not _is_alone():
        return 0
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "kinds": list(ASKED_KINDS),
            "since": now - since,
            "now": now,
            "agreements": agreements,
        }
        cursor.execute(_ASKED, values)
        asked: dict[int, datetime] = dict(cursor.fetchall())
    return sum(_start_safely(handoff, asked_at=asked[handoff.pk], now=now) for handoff in _held(list(asked)))


def _held(ids: list[int]) -> list[Handoff]:
    """Hold the leads, then the handoffs, and return those that still wait; who is at work on one is not waited for."""
    of_these = Handoff.objects.filter(pk__in=ids)
    leads = Lead.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(
        pk__in=of_these.values("lead")
    )
    held = list(leads.order_by("pk").values_list("pk", flat=True))
    open_ones = of_these.open().filter(lead__in=held, is_returned=False).exclude(decision=Decision.REJECTED)
    mine = open_ones.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return list(mine.select_related("lead", "agreement", "owner", "to_team").order_by("pk"))


def _start_safely(handoff: Handoff, *, asked_at: datetime, now: datetime) -> bool:
    try:
        with transaction.atomic():
            return _start(handoff, asked_at=asked_at, now=now)
    except Exception:
        # One bad row never stops a sweep.
        log.exception("The clock of an answer for %s could not be started", handoff.public_id)
        return False


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row: tuple[bool] = cursor.fetchone()
        return row[0]


def _start(handoff: Handoff, *, asked_at: datetime, now: datetime) -> bool:
    if handoff.agreement is None:
        return False
    owner: User | None = handoff.owner
    started = clocks.start(
        measure=Measure.ANSWER,
        lead=handoff.lead,
        agreement=handoff.agreement,
        temperature=Temperature.HOT,
        at=asked_at,
        now=now,
        handoff=handoff,
        round_number=handoff.round,
        owner=owner,
        team=handoff.to_team,
    )
    done_at = handoff.last_follow_up_at
    if started is not None and done_at is not None and done_at >= asked_at:
        clocks.stop(handoff, measure=Measure.ANSWER, at=done_at, now=now, begun_by=done_at)
    return started is not None
