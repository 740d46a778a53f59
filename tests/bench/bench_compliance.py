"""Speed of compliance: recompute of a period and replay of a year, against a bare count of the same rows.

`HANDOFFS` says how many in twelve months (120,000), each with a round and two clocks; it runs on a PostgreSQL of its
own in a temporary folder.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import django

from leadsla.embedded import sharing

HANDOFFS = int(os.environ.get("HANDOFFS", "120000"))
NOW = datetime(2026, 12, 17, 13, tzinfo=UTC)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

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
INSERT INTO sla_handoff (public_id, lead_id, leg, origin, is_notice, counts, is_above_range, agreement_id, source_id,
    door, temperature, grade, band, override_reason, routing, handed_over_at, recorded_at, round, decision, reason,
    decided_at, is_returned, attempts, opportunity_at, given_back_reason, given_back_blames_marketing, won_at, currency,
    closed_at, closed_because, moments_are_dates, flag)
SELECT gen_random_uuid(), l.id, 1, 'live', false, l.id %% 20 > 0, false, %(agreement)s,
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
    reason, is_counted, is_usable)
SELECT id, 1, handed_over_at, 'handed_over', '{}', '{}', 1, decision, decided_at, reason, id %% 11 > 0, id %% 9 > 0
FROM sla_handoff"""

CLOCK_ROWS = """
INSERT INTO sla_clock (public_id, lead_id, handoff_id, round, commitment_id, measure, side, temperature, agreement_id,
    limit_id, calendar_version_id, started_at, budget_seconds, due_at, paused_seconds, stopped_at, outcome,
    entered_late, recorded_at)
SELECT gen_random_uuid(), h.lead_id, h.id, 1, c.id, c.measure, c.side, 'warm', h.agreement_id, l.id, v.id,
    h.handed_over_at, 28800, h.handed_over_at + interval '1 day', 0, h.decided_at,
    CASE WHEN h.decided_at IS NULL THEN 'running' ELSE 'met' END, false, h.handed_over_at
FROM sla_handoff h
JOIN sla_target t ON t.agreement_id = h.agreement_id
JOIN sla_commitment c ON c.id = t.commitment_id AND c.measure IN ('decide', 'first_follow_up')
JOIN sla_timelimit l ON l.target_id = t.id AND l.temperature = 'warm'
JOIN LATERAL (SELECT min(id) AS id FROM sla_calendarversion WHERE calendar_id = l.calendar_id) v ON true"""

# What any program must do: read the period's handoffs and clocks, and count.
BARE = """
SELECT (SELECT count(*) FILTER (WHERE decision = 'accepted') FROM sla_handoff
        WHERE agreement_id = %(agreement)s AND handed_over_at >= %(since)s AND handed_over_at < %(until)s),
       (SELECT count(*) FILTER (WHERE outcome = 'met') FROM sla_clock
        WHERE agreement_id = %(agreement)s AND due_at >= %(since)s AND due_at < %(until)s)"""


def took(act: Callable[[], object]) -> tuple[float, object]:
    """Return how many milliseconds an act takes, and what it returns."""
    began = perf_counter()
    result = act()
    return (perf_counter() - began) * 1000, result


def fill(agreement: int) -> None:
    """Write leads, handoffs, rounds and clocks."""
    from django.db import connection  # after the settings

    values = {"begin": BEGIN, "count": HANDOFFS, "agreement": agreement}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers while filling
        for statement in (LEAD_ROWS, HANDOFF_ROWS, ROUND_ROWS, CLOCK_ROWS):
            cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in ("leads_lead", "sla_handoff", "sla_round", "sla_clock"):
            cursor.execute(f"VACUUM ANALYZE {table}")


def bare(agreement: int, since: datetime, until: datetime) -> object:
    """Run the bare count."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute(BARE, {"agreement": agreement, "since": since, "until": until})
        return cursor.fetchone()


def measure() -> None:
    """Print each step with its time, its rows and its ratio to the bare count of the same handoffs."""
    from sla import acceptance, compliance, measures, scoreboard  # after the settings
    from sla.models import Agreement

    agreement = Agreement.objects.select_related("calendar").get()
    fill(agreement.pk)
    period = measures.period_of(agreement, NOW.date())
    scope = measures.scope(agreement, period, now=NOW)
    bare(agreement.pk, period.starts_at, NOW)
    a_month, _rows = took(lambda: bare(agreement.pk, period.starts_at, NOW))
    a_year, _rows = took(lambda: bare(agreement.pk, BEGIN, NOW))
    print(f"{HANDOFFS:,} handoffs in 12 months")
    print("| step | ms | rows | ratio to a bare count |")
    print("|---|---|---|---|")
    print(f"| bare count of a month | {a_month:.0f} | | 1 |")
    print(f"| bare count of a year | {a_year:.0f} | | 1 |")
    for step, act, against in (
        ("recompute the month", lambda: compliance.recompute(now=NOW), a_month),
        ("recompute it again", lambda: compliance.recompute(now=NOW), a_month),
        ("acceptance of the month", lambda: acceptance.recompute(now=NOW), a_month),
        ("replay the year", lambda: compliance.replay(now=NOW, everything=True), a_year),
        ("acceptance by source on the page", lambda: len(scoreboard.acceptance(scope, now=NOW)["source"]), a_month),
        ("pace on the page", lambda: scoreboard.pace(scope, now=NOW).counts[-1], a_month),
    ):
        milliseconds, rows = took(act)
        print(f"| {step} | {milliseconds:.0f} | {rows} | {milliseconds / against:.1f} |")


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
