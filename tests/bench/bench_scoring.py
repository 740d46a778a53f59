"""Speed of scoring and judging: every lead, against a bare statement that only adds up and writes.

`LEADS` says how many (200,000), with ten interactions each; it runs on a PostgreSQL of its own in a temporary folder.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

import django

from leadsla.embedded import sharing

if TYPE_CHECKING:
    from leads.models import Lead

LEADS = int(os.environ.get("LEADS", "200000"))
PER_LEAD = 10
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)

LEAD_ROWS = """
INSERT INTO leads_lead (public_id, origin, name, name_key, email, email_kind, phone, title, seniority, job_function,
    company_name, industry, employees, country, region, city, language, timezone, need, decision_maker, authority,
    budget, timeframe, note, own, fact_sources, captured_is_date, created_at, stage, stage_since, door, temperature,
    recycled_because, cycle, disqualified_because, excluded_because, counted_interactions, grade, handover_failures,
    handover_error)
SELECT gen_random_uuid(), 'live', 'Lead ' || n, 'lead ' || n, 'lead' || n || '@example.com',
    (ARRAY['business', 'business', 'free', ''])[1 + n %% 4], '', '',
    (ARRAY['c_level', 'director', 'manager', 'staff', ''])[1 + n %% 5],
    (ARRAY['operations', 'purchasing', 'it', ''])[1 + n %% 4], 'Company ' || n / 3,
    (ARRAY['Machinery', 'Logistics', 'Automotive', 'Retail', ''])[1 + n %% 5], n %% 2000,
    (ARRAY['DE', 'AT', 'FR', 'US', ''])[1 + n %% 5], '', '', '', '', CASE WHEN n %% 3 = 0 THEN 'a need' ELSE '' END,
    CASE WHEN n %% 4 = 0 THEN 'somebody' ELSE '' END, '', '', '', '', '{}', '{}', false, %s, 'inquiry', %s, '', '', '',
    1, '', '', 0, '', 0, ''
FROM generate_series(1, %s) AS n"""

INTERACTION_ROWS = """
INSERT INTO leads_interaction (lead_id, kind, occurred_at, recorded_at, is_date, detail, data, key, via)
SELECT l.id, (ARRAY['page_view', 'page_view', 'email_click', 'email_click', 'download', 'pricing_view',
    'webinar_register', 'webinar_attend', 'newsletter_signup', 'careers_view'])[1 + (l.id + n * 7) %% 10],
    %s - ((l.id * 13 + n * 3571) %% 15000) * interval '1 minute' * 12, %s, false, 'something', '{}', n, 'form'
FROM leads_lead l CROSS JOIN generate_series(1, %s) AS n ORDER BY n, l.id"""

# What any program must do: read the interactions, let them fade, add them up per lead, write what is new.
BARE = """
WITH rules (kind, points, half_life) AS (VALUES ('email_click', 1, 30), ('download', 15, 60), ('pricing_view', 25, 30),
    ('webinar_register', 20, 60), ('webinar_attend', 40, 60), ('newsletter_signup', 5, 60), ('careers_view', -10, 1e9)),
sums AS (
    SELECT i.lead_id, round(sum(r.points * power(0.5::float8,
        (%s::date - (i.occurred_at AT TIME ZONE 'Europe/Berlin')::date) / r.half_life::float8))::numeric, 1) AS score
    FROM leads_interaction i JOIN rules r ON r.kind = i.kind WHERE i.occurred_at <= %s GROUP BY i.lead_id)
UPDATE leads_lead l SET score = greatest(s.score, 0), scored_at = %s FROM sums s
WHERE l.id = s.lead_id AND l.score IS DISTINCT FROM greatest(s.score, 0)"""


def took(act: Callable[[], object]) -> tuple[float, object]:
    """Return how many seconds an act takes, and what it returns."""
    began = perf_counter()
    result = act()
    return perf_counter() - began, result


def fill() -> None:
    """Write the leads and what they did."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers while filling
        cursor.execute(LEAD_ROWS, [NOW, NOW, LEADS])
        cursor.execute(INTERACTION_ROWS, [NOW, NOW, PER_LEAD])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE leads_lead")
        cursor.execute("VACUUM ANALYZE leads_interaction")


def bare(now: datetime) -> int:
    """Run the bare statement."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute(BARE, [now, now, now])
        return int(cursor.rowcount)


def cleared() -> None:
    """Take all scores away and tidy up, so that each run writes every row."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute("UPDATE leads_lead SET score = NULL, scored_at = NULL, score_model_id = NULL")
        cursor.execute("VACUUM ANALYZE leads_lead")


def measure() -> None:
    """Print each step with its time, the rows that it wrote and its ratio to the bare statement."""
    from leads import qualification, scoring  # after the settings
    from leads.models import Lead

    tomorrow = NOW + timedelta(days=1)
    bare_first, bare_rows = took(lambda: bare(NOW))
    bare_again, _rows = took(lambda: bare(NOW))
    cleared()
    print(f"{LEADS:,} leads, {LEADS * PER_LEAD:,} interactions")
    print("| step | seconds | rows written | ratio to bare |")
    print("|---|---|---|---|")
    print(f"| bare, all rows new | {bare_first:.1f} | {bare_rows} | 1 |")
    print(f"| bare, nothing new | {bare_again:.1f} | 0 | 1 |")
    for step, act, against in (
        ("rescore, all rows new", lambda: scoring.rescore_all(now=NOW), bare_first),
        ("rescore, nothing new", lambda: scoring.rescore_all(now=NOW), bare_again),
        ("rescore a day later", lambda: scoring.rescore_all(now=tomorrow), bare_first),
        ("judge everybody", lambda: len(qualification.judge(Lead.objects.all(), now=tomorrow).qualified), None),
        ("judge everybody again", lambda: len(qualification.judge(Lead.objects.all(), now=tomorrow).qualified), None),
    ):
        seconds, written = took(act)
        ratio = f"{seconds / against:.2f}" if against else "–"
        print(f"| {step} | {seconds:.1f} | {written} | {ratio} |", flush=True)
    print(f"| one lead: score and judge | {_one(Lead.objects.order_by('pk')[LEADS // 2]):.4f} | 1 | – |")


def _one(lead: "Lead") -> float:
    from leads import qualification, scoring  # after the settings

    later = NOW + timedelta(days=2)

    def act() -> None:
        scoring.score([lead.pk], now=later, touch=True)
        qualification.judge([lead.pk], now=later)

    return min(took(act)[0] for _again in range(5))


def main() -> None:
    """Run on a database that is gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"LEADSLA_HOME": home, "LEADSLA_ENV": "test", "DJANGO_SETTINGS_MODULE": "leadsla.settings"}
        with sharing.services(durable=False, redis=False):
            django.setup()
            from django.core.management import call_command  # after the settings
            from django.db import connection

            call_command("migrate", verbosity=0)
            fill()
            measure()
            connection.close()


if __name__ == "__main__":
    main()
