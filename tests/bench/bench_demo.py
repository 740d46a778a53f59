"""Speed of loading the demo company into a fresh portal, and how much of it is ours and how much the database's.

`SIZE` says how large (1, about 5,000 leads); it runs on a PostgreSQL of its own in a temporary folder.
"""
# ruff: noqa: T201 (what it prints is the result)

import os
import tempfile
from datetime import UTC, datetime
from time import perf_counter, process_time

import django
import psutil

from leadsla.embedded import sharing

SIZE = float(os.environ.get("SIZE", "1"))
NOW = datetime(2026, 11, 17, 13, 20, tzinfo=UTC)


def measure() -> None:
    """Print what was loaded and the seconds that it took, by the clock and of both processors."""
    from django.db import connection  # after the settings

    from leadsla.home.demo import company

    connection.ensure_connection()
    database = psutil.Process(connection.connection.info.backend_pid)
    before, ours, start = database.cpu_times(), process_time(), perf_counter()
    made = company.load(now=NOW, size=SIZE)
    seconds, python, after = perf_counter() - start, process_time() - ours, database.cpu_times()
    theirs = after.user + after.system - before.user - before.system
    print(f"{made['leads']:,} leads, {made['interactions']:,} interactions, {made['handoffs']:,} handoffs")
    print("| seconds | of Python | of PostgreSQL |")
    print("|---|---|---|")
    print(f"| {seconds:.1f} | {python:.1f} | {theirs:.1f} |")


def main() -> None:
    """Run on a database that is gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"LEADSLA_HOME": home, "DJANGO_SETTINGS_MODULE": "leadsla.settings"}
        with sharing.services(redis=False):
            django.setup()
            from django.core.management import call_command  # after the settings
            from django.db import connection

            call_command("migrate", verbosity=0)
            measure()
            connection.close()


if __name__ == "__main__":
    main()
