"""Speed of what-ifs: a year's handoffs replayed, against a bare count over the same rows in the same run.

`HANDOFFS` says how many in twelve months (100,000), each with a round whose pack has the size of a real one, and three
clocks; it runs on a PostgreSQL of its own in a temporary folder.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from collections.abc import Callable
from decimal import Decimal
from statistics import median

os.environ.setdefault("HANDOFFS", "100000")

import django
from bench_compliance import BEGIN, CLOCK_ROWS, HANDOFF_ROWS, HANDOFFS, LEAD_ROWS, NOW, took

from leadsla.embedded import sharing

RUNS = 3  # the median of so many
DAYS = 72  # to become a customer

# Seven criteria and text that does not compress: 3 kB as stored, like the packs of the demo.
ROUND_ROWS = """
INSERT INTO sla_round (handoff_id, number, opened_at, opened_because, pack, person, pack_version, decision, decided_at,
    reason, is_counted, is_usable, contest, ruling)
SELECT h.id, 1, h.handed_over_at, 'handed_over', jsonb_build_object('criteria', jsonb_build_array(
        jsonb_build_object('code', 'location-served', 'verdict', 'met', 'evidence', 'Germany'),
        jsonb_build_object('code', 'reachable', 'verdict', 'met', 'evidence', 'a valid e-mail'),
        jsonb_build_object('code', 'industry-on-target', 'verdict', 'met', 'evidence', 'Machinery'),
        jsonb_build_object('code', 'need-expressed', 'verdict', 'met', 'evidence', ''),
        jsonb_build_object('code', 'decision-maker', 'verdict', 'met', 'evidence', ''),
        jsonb_build_object('code', 'authority', 'verdict', 'unknown', 'evidence', ''),
        jsonb_build_object('code', 'budget', 'verdict', CASE WHEN h.id %% 3 = 0 THEN 'met' ELSE 'unknown' END)
    ), 'story', (SELECT string_agg(md5((h.id * 100 + n)::text), '') FROM generate_series(1, 80) n)), '{}', 1,
    h.decision, h.decided_at, h.reason, h.id %% 11 > 0, h.id %% 9 > 0, '', ''
FROM sla_handoff h"""

# What any program must do: read the year's handoffs and their clocks of answers, and count.
BARE = """
SELECT (SELECT count(*) FILTER (WHERE h.decision = 'accepted' AND h.score >= 110 AND r.is_counted)
        FROM sla_handoff h JOIN sla_round r ON r.handoff_id = h.id
        WHERE h.agreement_id = %(agreement)s AND h.handed_over_at >= %(since)s AND h.handed_over_at < %(until)s),
       (SELECT count(*) FILTER (WHERE c.outcome = 'met') FROM sla_clock c
        WHERE c.agreement_id = %(agreement)s AND c.measure IN ('decide', 'first_follow_up')
            AND c.due_at >= %(since)s AND c.due_at < %(until)s)"""


def fill(agreement: int) -> None:
    """Write leads, handoffs, rounds and clocks."""
    from django.db import connection  # after the settings

    values = {"begin": BEGIN, "count": HANDOFFS, "agreement": agreement}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers while filling
        cursor.execute(LEAD_ROWS, values)
        cursor.execute(HANDOFF_ROWS, values)
        cursor.execute("UPDATE sla_handoff SET score = 90 + id % 60")
        cursor.execute(ROUND_ROWS, values)
        cursor.execute(CLOCK_ROWS, values)
        cursor.execute("UPDATE sla_clock SET used_seconds = (id % 500) * 60 WHERE outcome = 'met'")
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in ("leads_lead", "sla_handoff", "sla_round", "sla_clock"):
            cursor.execute(f"VACUUM FULL {table}")
            cursor.execute(f"VACUUM ANALYZE {table}")


def bare(agreement: int) -> object:
    """Run the bare count."""
    from django.db import connection  # after the settings

    with connection.cursor() as cursor:
        cursor.execute(BARE, {"agreement": agreement, "since": BEGIN, "until": NOW})
        return cursor.fetchone()[0]


def measure() -> None:
    """Print each question with its time and its ratio to the bare count."""
    from sla import assumptions, history, what_if  # after the settings
    from sla.models import Agreement
    from sla.what_if import Question

    agreement = Agreement.objects.select_related("calendar").get()
    filling, _rows = took(lambda: fill(agreement.pk))
    print(f"{HANDOFFS:,} handoffs and {3 * HANDOFFS:,} clocks in 12 months, written in {filling / 1000:.0f} s")
    print("| step | median of 3, ms | leads sent then | ratio to a bare count |")
    print("|---|---|---|---|")

    def ask(question: Question) -> Callable[[], object]:
        return lambda: what_if.answer(agreement, question, days=DAYS, now=NOW).after.sent

    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("a bare count", lambda: bare(agreement.pk)),
        ("the past as it was", ask(Question())),
        ("a line of 110", ask(Question(threshold=Decimal(110)))),
        ("budget required", ask(Question(required=("budget",)))),
        ("first follow-up within 30 min", ask(Question(measure="first_follow_up", minutes=30))),
        ("a capacity of 5,000 a month and 200 a day", ask(Question(per_period=5000, per_day=200))),
        (
            "what the plan starts from",
            lambda: history.basis(agreement, assumed=assumptions.current(), now=NOW).customer_rate.cases,
        ),
    )
    times: dict[str, list[float]] = {step: [] for step, _act in steps}
    found: dict[str, object] = {}
    for _run in range(RUNS):  # by turns, so that all of them meet the same noise
        for step, act in steps:
            milliseconds, found[step] = took(act)
            times[step].append(milliseconds)
    base = median(times["a bare count"])
    for step, taken in times.items():
        print(f"| {step} | {median(taken):.0f} | {found[step]:,} | {median(taken) / base:.1f} |")


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
