"""Speed of compliance: a period's full recompute against the bare GROUP BY over the same rows, in the same run.

`HANDOFFS` says how many in twelve months (1,000,000), each with a round, a decision and three clocks; it runs on a
PostgreSQL of its own in a temporary folder. `HANDOFFS=50000` takes seconds.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from statistics import median
from time import perf_counter

import django

from leadsla.embedded import sharing

HANDOFFS = int(os.environ.get("HANDOFFS", "1000000"))
RUNS = 5  # the median of so many
NOW = datetime(2026, 12, 17, 13, tzinfo=UTC)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = date(2026, 11, 1)

LEAD_ROWS = """
INSERT INTO leads_lead (public_id, origin, name, name_key, email, email_kind, phone, title, seniority, job_function,
    company_name, industry, country, region, city, language, timezone, need, decision_maker, authority, budget,
    timeframe, note, own, fact_sources, captured_is_date, created_at, stage, stage_since, door, temperature,
    recycled_because, cycle, disqualified_because, excluded_because, counted_interactions, grade, handover_failures,
    handover_error)
SELECT gen_random_uuid(), 'live', 'Lead ' || n, 'lead ' || n, '', '', '', '', '', '', '', '', '', '', '', '', '', '',
    '', '', '', '', '', '{}', '{}', false, %(begin)s, 'handed_over', %(begin)s, '', '', '', 1, '', '', 0, '', 0, ''
FROM generate_series(1, %(count)s) AS n"""

HANDOFF_ROWS = """
INSERT INTO sla_handoff (public_id, lead_id, leg, origin, is_notice, counts, is_above_range, is_above_share,
    agreement_id, source_id, door, temperature, grade, band, override_reason, routing, handed_over_at, recorded_at,
    round, decision, reason, decided_at, is_returned, attempts, opportunity_at, given_back_reason,
    given_back_blames_marketing, won_at, currency, closed_at, closed_because, moments_are_dates, flag)
SELECT gen_random_uuid(), l.id, 1, 'live', false, l.id %% 20 > 0, false, l.id %% 20 = 7, %(agreement)s,
    (SELECT min(id) FROM leads_source) + l.id %% 12, 'nurtured', 'warm', 'B2', '100', '', '{}', t.at, t.at, 1,
    CASE WHEN l.id %% 10 < 5 THEN 'accepted' WHEN l.id %% 10 < 9 THEN 'rejected' ELSE '' END,
    CASE WHEN l.id %% 10 BETWEEN 5 AND 8 THEN 'wrong_person' ELSE '' END,
    CASE WHEN l.id %% 10 < 9 THEN t.at + interval '5 hours' END, false, 0,
    CASE WHEN l.id %% 7 = 0 THEN t.at + interval '20 days' END, '', false,
    CASE WHEN l.id %% 40 = 0 THEN t.at + interval '60 days' END, '',
    CASE WHEN l.id %% 10 BETWEEN 5 AND 8 THEN t.at + interval '5 hours' END,
    CASE WHEN l.id %% 10 BETWEEN 5 AND 8 THEN 'rejected' ELSE '' END, false, ''
FROM leads_lead l
CROSS JOIN LATERAL (SELECT %(begin)s + (l.id * 350.0 / %(count)s) * interval '1 day' AS at) t"""

ROUND_ROWS = """
INSERT INTO sla_round (handoff_id, number, opened_at, opened_because, pack, person, pack_version, decision, decided_at,
    reason, is_counted, is_usable, contest, contested_at, ruling_due_at, ruling, ruled_at)
SELECT id, 1, handed_over_at, 'handed_over', jsonb_build_object('facts', repeat('x', 600)), '{}', 1, decision,
    decided_at, reason, id %% 11 > 0, id %% 9 > 0, '',
    CASE WHEN contested THEN decided_at + interval '1 day' END,
    CASE WHEN contested THEN decided_at + interval '8 days' END,
    CASE WHEN contested THEN 'overturned' ELSE '' END,
    CASE WHEN contested THEN decided_at + interval '3 days' END
FROM (SELECT *, decision = 'rejected' AND id %% 30 = 0 AS contested FROM sla_handoff) h"""

CLOCK_ROWS = """
INSERT INTO sla_clock (public_id, lead_id, handoff_id, round, commitment_id, measure, side, temperature, agreement_id,
    limit_id, calendar_version_id, started_at, budget_seconds, due_at, paused_seconds, plan_at, plan_steps, stopped_at,
    outcome, entered_late, recorded_at)
SELECT gen_random_uuid(), h.lead_id, h.id, 1, c.id, c.measure, c.side, 'warm', h.agreement_id, l.id, v.id,
    h.handed_over_at, 28800, h.handed_over_at + interval '1 day', 0, '{}', '{}', h.decided_at,
    CASE WHEN h.decided_at IS NULL THEN 'running' ELSE 'met' END, false, h.handed_over_at
FROM sla_handoff h
JOIN sla_target t ON t.agreement_id = h.agreement_id
JOIN sla_commitment c ON c.id = t.commitment_id AND c.side = 'sales'
    AND c.measure IN ('decide', 'first_follow_up', 'first_result')
JOIN sla_timelimit l ON l.target_id = t.id AND l.temperature = 'warm'
JOIN LATERAL (SELECT min(id) AS id FROM sla_calendarversion WHERE calendar_id = l.calendar_id) v ON true"""

# The bare GROUP BY over the rows that a recompute of a period reads: its handoffs with their rounds, the handoffs of
# twelve months (customers are judged on those), its clocks. No working time, no rule, no forecast, nothing written.
BARE = """
SELECT h.decision, r.is_counted, count(*) FROM sla_handoff h JOIN sla_round r ON r.handoff_id = h.id
WHERE h.agreement_id = %(agreement)s AND h.handed_over_at >= %(since)s AND h.handed_over_at < %(until)s
GROUP BY 1, 2
UNION ALL
SELECT h.door, h.won_at IS NULL, count(*) FROM sla_handoff h
WHERE h.agreement_id = %(agreement)s AND h.handed_over_at >= %(year)s AND h.handed_over_at < %(until)s
GROUP BY 1, 2
UNION ALL
SELECT c.measure || c.outcome, NULL, count(*) FROM sla_clock c
WHERE c.agreement_id = %(agreement)s AND c.due_at >= %(since)s AND c.due_at < %(until)s
GROUP BY c.measure, c.outcome"""


def took(act: Callable[[], object]) -> tuple[float, object]:
    """Return how many milliseconds an act takes, and what it returns."""
    began = perf_counter()
    result = act()
    return (perf_counter() - began) * 1000, result


SECONDARY = """
SELECT i.schemaname || '.' || i.indexname, i.indexdef FROM pg_indexes i
WHERE i.tablename = ANY(%s) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"""


def fill(agreement: int) -> None:
    """Write leads, handoffs, rounds and clocks; indexes that nothing depends on are made afterwards."""
    from django.db import connection  # after the settings

    values = {"begin": BEGIN, "count": HANDOFFS, "agreement": agreement}
    tables = ["leads_lead", "sla_handoff", "sla_round", "sla_clock"]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers while filling
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute(SECONDARY, [tables])
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for statement in (LEAD_ROWS, HANDOFF_ROWS, ROUND_ROWS, CLOCK_ROWS):
            cursor.execute(statement, values)
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in tables:
            cursor.execute(f"VACUUM ANALYZE {table}")


def bare(agreement: int, since: datetime, until: datetime, year: datetime) -> object:
    """Run the bare GROUP BY."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute(BARE, {"agreement": agreement, "since": since, "until": until, "year": year})
        return sum(row[2] for row in cursor.fetchall())


def measure() -> None:
    """Print each step with its time, its rows and its ratio to the bare GROUP BY over the same rows."""
    from sla import acceptance, breakdowns, compliance, measures, periods, scoreboard  # after the settings
    from sla.models import Agreement, Commitment

    agreement = Agreement.objects.select_related("calendar").get()
    filling, _rows = took(lambda: fill(agreement.pk))
    period = measures.period_of(agreement, MONTH)
    scope = measures.scope(agreement, period, now=NOW)
    year = periods.year_before(period)
    print(f"{HANDOFFS:,} handoffs and {3 * HANDOFFS:,} clocks in 12 months, written in {filling / 1000:.0f} s")
    print("| step | median of 5, ms | rows | ratio to the bare GROUP BY |")
    print("|---|---|---|---|")
    ends = min(NOW, period.ends_at)
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("the bare GROUP BY", lambda: bare(agreement.pk, period.starts_at, ends, year)),
        ("count every case of the period", lambda: len(compliance.tallies([scope], now=NOW))),
        ("full recompute of the period", lambda: compliance.recompute(now=NOW, period=MONTH)),
        ("acceptance of the month, by everything", lambda: acceptance.recompute(now=NOW, period=MONTH)),
        ("a break-down by source on the page", lambda: len(breakdowns.by_dimension(
            scope, measure=Commitment.Measure.ACCEPTED, side="marketing", dimension="source", now=NOW))),
        ("pace on the page", lambda: scoreboard.pace(scope, now=NOW).counts[-1]),
    )  # fmt: skip
    times: dict[str, list[float]] = {step: [] for step, _act in steps}
    found: dict[str, object] = {}
    for _run in range(RUNS):  # by turns, so that all of them meet the same noise
        for step, act in steps:
            milliseconds, found[step] = took(act)
            times[step].append(milliseconds)
    base = median(times["the bare GROUP BY"])
    for step, taken in times.items():
        print(f"| {step} | {median(taken):.0f} | {found[step]:,} | {median(taken) / base:.2f} |")
    milliseconds, rows = took(lambda: compliance.replay(now=NOW, everything=True))
    print(f"| replay of the year, once | {milliseconds:.0f} | {rows:,} | {milliseconds / base:.2f} |")


def main() -> None:
    """Start a PostgreSQL, migrate it and measure."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"LEADSLA_HOME": home, "LEADSLA_ENV": "test", "DJANGO_SETTINGS_MODULE": "leadsla.settings"}
        with sharing.services(durable=False, redis=False):
            django.setup()
            from django.core.management import call_command  # after the settings
            from django.db import connection

            call_command("migrate", verbosity=0)
            measure()
            connection.close()


if __name__ == "__main__":
    main()
