"""Speed of the sweep: with nothing due, and by what is due instead of by what exists.

`CLOCKS` says how many running clocks there are at most (3,000,000); the same sweep is timed at 10,000 of them, too. It
runs on a PostgreSQL of its own in a temporary folder. `CLOCKS=100000` takes seconds.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import django

from leadsla.embedded import sharing

CLOCKS = int(os.environ.get("CLOCKS", "3000000"))
FEW = 10_000
DUE = 500  # clocks that fall due at once
RUNS = 15
NOW = datetime(2026, 11, 17, 13, tzinfo=UTC)

LEAD_ROWS = """
INSERT INTO leads_lead (public_id, origin, name, name_key, email, email_kind, phone, title, seniority, job_function,
    company_name, industry, country, region, city, language, timezone, need, decision_maker, authority, budget,
    timeframe, note, own, fact_sources, captured_is_date, created_at, stage, stage_since, door, temperature,
    recycled_because, cycle, disqualified_because, excluded_because, counted_interactions, grade, handover_failures,
    handover_error)
SELECT gen_random_uuid(), 'live', 'Lead ' || n, 'lead ' || n, '', '', '', '', '', '', '', '', '', '', '', '', '', '',
    '', '', '', '', '', '{}', '{}', false, %(now)s, 'handed_over', %(now)s, '', '', '', 1, '', '', 0, '', 0, ''
FROM generate_series(1, 1000) AS n"""

# Running clocks of which nothing is due for a day; each has two steps ahead of its due time.
CLOCK_ROWS = """
INSERT INTO sla_clock (public_id, lead_id, round, commitment_id, measure, side, temperature, agreement_id, limit_id,
    calendar_version_id, started_at, budget_seconds, due_at, next_step_at, paused_seconds, plan_at, plan_steps, outcome,
    entered_late, recorded_at)
SELECT gen_random_uuid(), (SELECT min(id) FROM leads_lead) + n %% 1000, 1, c.id, c.measure, c.side, 'warm',
    t.agreement_id, l.id, (SELECT min(id) FROM sla_calendarversion), %(now)s + n * interval '1 millisecond', 28800,
    s.at + interval '8 hours', s.at, 0, ARRAY[s.at, s.at + interval '4 hours'], ARRAY[e.id, e.id], 'running', false,
    %(now)s
FROM generate_series(%(first)s, %(last)s) AS n
CROSS JOIN LATERAL (SELECT %(now)s + interval '1 day' + n * interval '1 second' AS at) s
CROSS JOIN (SELECT min(id) AS id FROM sla_escalationstep) e
JOIN sla_target t ON true
JOIN sla_commitment c ON c.id = t.commitment_id AND c.measure = 'hand_over'
JOIN sla_timelimit l ON l.target_id = t.id AND l.temperature = 'warm'"""

# The next ones fall due at the bench's moment, and can be put back.
MAKE_DUE = """
UPDATE sla_clock SET next_step_at = %(now)s - interval '1 minute', plan_at[1] = %(now)s - interval '1 minute'
WHERE id IN (SELECT id FROM sla_clock ORDER BY id LIMIT %(due)s)"""


def took(act: Callable[[], object]) -> float:
    """Return how many milliseconds an act takes."""
    began = perf_counter()
    act()
    return (perf_counter() - began) * 1000


def run(statement: str, **values: object) -> None:
    """Execute a statement."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": NOW, **values} if "%(" in statement else None)


def fill(first: int, last: int) -> None:
    """Write running clocks; the indexes that a sweep does not use are made afterwards."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers while filling
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = 'sla_clock' AND NOT EXISTS "
            "(SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(CLOCK_ROWS, {"now": NOW, "first": first, "last": last})
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE sla_clock")


def claim_and_put_back() -> None:
    """Claim what is due, and undo it, so that the next run finds the same."""
    from django.db import transaction  # after the settings

    from sla import clocks

    with transaction.atomic():
        found = clocks.claim_due(now=NOW, limit=DUE)
        assert len(found) == DUE, len(found)
        transaction.set_rollback(True)


def measure(exist: int) -> tuple[float, float, float]:
    """Return milliseconds of a sweep and of a claim with nothing due, and of a claim of `DUE` clocks."""
    from django.db import transaction  # after the settings

    from sla import clocks, escalation

    def claim_nothing() -> None:
        with transaction.atomic():
            assert clocks.claim_due(now=NOW, limit=DUE) == []

    assert escalation.sweep(now=NOW).claimed == 0
    sweep = median(took(lambda: escalation.sweep(now=NOW)) for _run in range(RUNS))
    nothing = median(took(claim_nothing) for _run in range(RUNS))
    run(MAKE_DUE, due=DUE)
    run("VACUUM ANALYZE sla_clock")
    some = median(took(claim_and_put_back) for _run in range(RUNS))
    run(
        "UPDATE sla_clock SET next_step_at = due_at - interval '8 hours', plan_at[1] = due_at - interval '8 hours' "
        "WHERE next_step_at < %(now)s"
    )
    print(f"| {exist:,} | {sweep:.1f} | {nothing:.1f} | {some:.0f} |")
    return sweep, nothing, some


def main() -> None:
    """Start a PostgreSQL, migrate it and measure."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"LEADSLA_HOME": home, "LEADSLA_ENV": "test", "DJANGO_SETTINGS_MODULE": "leadsla.settings"}
        with sharing.services(durable=False, redis=False):
            django.setup()
            from django.core.management import call_command  # after the settings
            from django.db import connection

            call_command("migrate", verbosity=0)
            run(LEAD_ROWS)
            print(f"| running clocks | sweep with nothing due, ms | claim of nothing, ms | claim of {DUE}, ms |")
            print("|---|---|---|---|")
            fill(1, FEW)
            few = measure(FEW)
            fill(FEW + 1, CLOCKS)
            many = measure(CLOCKS)
            ratios = " | ".join(f"{after / before:.2f}" for before, after in zip(few, many, strict=True))
            print(f"| ratio | {ratios} |")
            connection.close()


if __name__ == "__main__":
    main()
