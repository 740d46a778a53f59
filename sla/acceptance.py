"""Acceptance rates by source, campaign, team, person and score band, and how many leads became customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from leads.models import Identity, Lead, Origin, Stage
from sla import measures, periods, versions
from sla.models import AcceptanceRate, Agreement, Commitment, Handoff
from sla.periods import Period
from sla.statistics import Z95, wilson

LOCK = 7_264_102  # one recompute at a time
Dimension = AcceptanceRate.Dimension

# Grouped by the columns that were copied into the handoff when it was handed over, by nothing else.
_RATES = """
    , grouped AS (
        SELECT d.dimension, d.key, max(d.label) AS label, count(*) AS handed_over,
               count(*) FILTER (WHERE f.part IN ('kept', 'against'))::float8 AS decided,
               count(*) FILTER (WHERE f.part = 'kept')::float8 AS accepted,
               count(*) FILTER (WHERE f.part = 'left_out') AS left_out,
               count(*) FILTER (WHERE h.won_at <= moment.t) AS won
        FROM facts f
        CROSS JOIN moment
        JOIN sla_handoff h ON h.id = f.handoff_id
        LEFT JOIN leads_source s ON s.id = h.source_id
        LEFT JOIN leads_campaign c ON c.id = h.campaign_id
        LEFT JOIN accounts_team t ON t.id = h.to_team_id
        LEFT JOIN accounts_user u ON u.id = h.owner_id
        CROSS JOIN LATERAL (VALUES
            ('all', '', ''),
            ('source', coalesce(h.source_id::text, ''), coalesce(s.name, '')),
            ('campaign', coalesce(h.campaign_id::text, ''), coalesce(c.name, '')),
            ('team', coalesce(h.to_team_id::text, ''), coalesce(t.name, '')),
            ('person', coalesce(h.owner_id::text, ''), coalesce(u.name, '')),
            ('band', h.band, h.band)
        ) AS d (dimension, key, label)
        GROUP BY d.dimension, d.key
    ), rated AS (
        SELECT *, accepted / nullif(decided, 0) AS rate, %s::float8 AS z FROM grouped
    )
    INSERT INTO sla_acceptancerate (period_start, period_end, dimension, key, label, handed_over, decided, accepted,
                                    left_out, won, rate, low, high, computed_at)
    SELECT %s, %s, dimension, key, label, handed_over, decided, accepted, left_out, won, rate,
           CASE WHEN accepted = 0 THEN rate ELSE
               (rate + z * z / (2 * decided)
                - z * sqrt(rate * (1 - rate) / decided + z * z / (4 * decided * decided))) / (1 + z * z / decided) END,
           CASE WHEN accepted = decided THEN rate ELSE
               (rate + z * z / (2 * decided)
                + z * sqrt(rate * (1 - rate) / decided + z * z / (4 * decided * decided))) / (1 + z * z / decided) END,
           %s
    FROM rated
    ON CONFLICT (period_start, dimension, key) DO UPDATE SET
        period_end = excluded.period_end, label = excluded.label, handed_over = excluded.handed_over,
        decided = excluded.decided, accepted = excluded.accepted, left_out = excluded.left_out, won = excluded.won,
        rate = excluded.rate, low = excluded.low, high = excluded.high, computed_at = excluded.computed_at
    RETURNING id"""


def month_of(*, now: datetime, period: date | None = None) -> Period:
    """Return the month, in the portal's zone, in which acceptance is told over all agreements."""
    if period is not None:
        return periods.of_day(period, kind="month", timezone=settings.TIME_ZONE)
    return periods.containing(now, kind="month", timezone=settings.TIME_ZONE)


def recompute(*, now: datetime, period: date | None = None) -> int:
    """Write the acceptance rates of one month over all agreements, by one statement.

    Args:
        now: what happened until this moment counts, as far as it is known today.
        period: a day of the month; None for the one that `now` belongs to.

    Returns:
        Rows written. What an earlier call wrote and this one did not is deleted.
    """
    month = month_of(now=now, period=period)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        written = _write(cursor, _scopes(month, now=now), month, now=now)
        AcceptanceRate.objects.filter(period_start=month.start).exclude(pk__in=written).delete()
    return len(written)


def replay(*, now: datetime) -> int:
    """Recompute every month from the first live handoff to the one of `now`; return the rows written."""
    first = Handoff.objects.filter(origin=Origin.LIVE, handed_over_at__lte=now).aggregate(at=Min("handed_over_at"))[
        "at"
    ]
    month, written = month_of(now=now), 0
    start = month_of(now=first or now)
    while month.start >= start.start:
        written += recompute(now=now, period=month.start)
        month = periods.back(month, 1)
    return written


def _scopes(month: Period, *, now: datetime) -> list[measures.Scope]:
    """Return every agreement in this month of its own zone; versions that promise the same are one."""
    agreements = list(Agreement.objects.ever_in_force().select_related("calendar"))
    lines = versions.lines({one.series for one in agreements})
    spans = [(one, periods.of_day(month.start, kind="month", timezone=one.timezone)) for one in agreements]
    return [
        measures.scope(one, span, now=now, line=lines[one.pk])
        for one, span in spans
        if span.starts_at <= now and lines[one.pk].judged_under(span) == one.pk
    ]


def _write(cursor: Any, scopes: Sequence[measures.Scope], month: Period, *, now: datetime) -> list[int]:
    if not scopes:
        return []
    sql, parameters = measures.facts(scopes, now=now, measures=(Commitment.Measure.ACCEPTED,))
    cursor.execute(sql + _RATES, [*parameters, Z95, month.start, month.end, now])
    return [row[0] for row in cursor.fetchall()]


# --- from lead to customer


@dataclass(frozen=True)
class Conversion:
    """How many leads of one first source became customers.

    Attributes:
        source_id: None for leads without a source.
        code: of the source; "" without.
        label: name of the source; "" without.
        leads: all of them.
        customers: those that are in stage customer.
        rate: customers ÷ leads.
        low, high: 95 % Wilson interval.
    """

    source_id: int | None
    code: str
    label: str
    leads: int
    customers: int
    rate: float
    low: float
    high: float


def living_leads(
    *, origin: str = "", system: str = "", since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Lead]:
    """Return the leads that were not merged into another one.

    Args:
        origin: "live" or "import"; "" for both.
        system: only leads that this system knows by an id.
        since: first contact at or after.
        until: first contact before. Leads without a first contact are in no range.
    """
    leads = Lead.objects.filter(merged_into=None)
    if origin:
        leads = leads.filter(origin=origin)
    if system:
        leads = leads.filter(Exists(Identity.objects.filter(lead=OuterRef("pk"), system=system)))
    if since:
        leads = leads.filter(captured_at__gte=since)
    if until:
        leads = leads.filter(captured_at__lt=until)
    return leads


def conversions(leads: QuerySet[Lead]) -> list[Conversion]:
    """Return how many leads became customers by first source, the highest share first; no source is a row of its own.

    Args:
        leads: as of `living_leads`.

    Returns:
        One row per source that has leads.
    """
    rows = (
        leads.values("first_source_id", code=F("first_source__code"), label=F("first_source__name"))
        .annotate(leads=Count("pk"), customers=Count("pk", filter=Q(stage=Stage.CUSTOMER)))
        .order_by()
    )
    found = [
        _conversion(row["first_source_id"], row["code"] or "", row["label"] or "", row["leads"], row["customers"])
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row.rate, -row.leads, row.label))


def total(rows: Sequence[Conversion]) -> Conversion | None:
    """Return all sources together; None without leads."""
    leads, customers = sum(row.leads for row in rows), sum(row.customers for row in rows)
    return _conversion(None, "", "", leads, customers) if leads else None


def _conversion(source_id: int | None, code: str, label: str, leads: int, customers: int) -> Conversion:
    low, high = wilson(customers, leads) or (0.0, 1.0)
    return Conversion(source_id, code, label, leads, customers, customers / leads, low, high)
