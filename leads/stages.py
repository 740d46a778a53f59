"""Move leads between stages: the only writer of a lead's stage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, DateTimeField, F, Value, When

from leads import scoring
from leads.models import Lead, Stage
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import User

_A_MOMENT = timedelta(milliseconds=1)
_NEXT = timedelta(microseconds=1)
_MOVED = ("stage", "stage_since")


def move(leads: LeadQuerySet, *, to: Stage, now: datetime, **columns: Any) -> int:
    """Move leads to a stage, in one conditional update.

    Args:
        leads: which; narrow it to the stages that they may come from, so that a race changes nothing. What stands in
            `to` already is left alone, with its columns.
        to: the stage.
        now: when it is true; becomes `stage_since`. Two moves at one moment keep their order by a microsecond.
        **columns: further columns to write with it, values or expressions.

    Returns:
        How many leads were moved.
    """
    since = Case(
        When(stage_since__gte=now, stage_since__lt=now + _A_MOMENT, then=F("stage_since") + _NEXT),
        default=Value(now),
        output_field=DateTimeField(),
    )
    return leads.order_by().exclude(stage=to).update(stage=to, stage_since=since, **columns)


def move_each(moments: Mapping[int, datetime], *, to: Stage) -> int:
    """Move leads to a stage, each at its own moment, in one statement: how an imported past comes in.

    Args:
        moments: lead id → when it is true. What stands in `to` already and what is merged is left alone.
        to: the stage.

    Returns:
        How many leads were moved.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_lead SET stage = %(to)s, stage_since =
                CASE WHEN stage_since = told.at THEN told.at + interval '1 microsecond' ELSE told.at END
            FROM (SELECT unnest(%(ids)s::bigint[]) AS id, unnest(%(moments)s::timestamptz[]) AS at) AS told
            WHERE leads_lead.id = told.id AND leads_lead.stage <> %(to)s AND leads_lead.merged_into_id IS NULL
            """,
            {"to": to, "ids": list(moments.keys()), "moments": list(moments.values())},
        )
        return int(cursor.rowcount)


@transaction.atomic
def recycle(lead: Lead, *, until: datetime, because: str, previous_owner: User | None, now: datetime) -> None:
    """Put a lead back into nurturing until a date: fit is kept, intent and engagement start afresh.

    Args:
        lead: a lead that sales had or that waits; customers and lost ones too. A merged one is left alone.
        until: before it the judge leaves the lead alone, unless it asks to be contacted.
        because: the reason, as people read it.
        previous_owner: the rep who had it.
        now: when it is decided; what the lead did until then counts no more.
    """
    rows = Lead.objects.filter(pk=lead.pk, merged_into=None)
    columns: dict[str, Any] = {
        "recycled_until": until,
        "recycled_because": because[:120],
        "previous_owner": previous_owner,
        "engagement_since": now,
        "cycle": F("cycle") + 1,
        "qualified_until": None,
        "door": "",
        "temperature": "",
    }
    if not move(rows, to=Stage.NURTURING, now=now, **columns):
        rows.filter(stage=Stage.NURTURING).update(**columns)
    scoring.score([lead.pk], now=now)
    lead.refresh_from_db(fields=[*_MOVED, *columns, *scoring.COLUMNS])


@transaction.atomic
def disqualify(lead: Lead, *, because: str, now: datetime, block: bool = False, suppress: bool = False) -> None:
    """End a lead: it will not buy, or must not be asked.

    Args:
        lead: any lead that is not merged; one that is disqualified already can still be blocked or suppressed.
        because: the reason, as people read it.
        now: when it is decided.
        block: it is never judged nor handed over again.
        suppress: it asked not to be contacted, or never consented.
    """
    rows = Lead.objects.filter(pk=lead.pk, merged_into=None)
    columns: dict[str, Any] = {"qualified_until": None, "recycled_until": None, "disqualified_because": because[:120]}
    if block:
        columns["blocked_at"] = now
    if suppress:
        columns["suppressed_at"] = now
    if not move(rows, to=Stage.DISQUALIFIED, now=now, **columns):
        rows.filter(stage=Stage.DISQUALIFIED).update(**columns)
    lead.refresh_from_db(fields=[*_MOVED, *columns])
