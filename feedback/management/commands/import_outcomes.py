"""Bring a CSV file of won and lost deals in from the command line, as the pages do."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from feedback import imports as outcomes
from leads import imports
from leads.csv_files import DATE_FORMATS, Unreadable
from leads.intake import Refused
from leads.models import Import
from leadsla import clock


class Command(BaseCommand):
    """Import outcomes of leads that are in the portal already."""

    help = "Import won and lost deals from a CSV file. The same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--system", required=True, help="the system it comes from, as the leads were imported")
        parser.add_argument("--timezone", default="UTC", help="zone of dates that name none, as Europe/Berlin")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="what a column holds; without any, columns are matched by their names. "
            f"Fields: {', '.join(outcomes.TARGETS)}. Other columns are kept with each outcome",
        )
        parser.add_argument("--date-format", choices=DATE_FORMATS, default="", help="order of day, month and year")
        parser.add_argument("--decimal-mark", choices=(".", ","), default="", help="what stands before the cents")

    def handle(self, *_args: Any, **options: Any) -> None:
        run = self._matched(options)
        imports.begin(run, now=clock.now())
        run = imports.run_through(run.pk, now=clock.now, take=outcomes.take_outcomes)
        if run.status != Import.Status.DONE:
            raise CommandError(run.problem or f"The import is {run.get_status_display()}.")
        self.stdout.write(
            f"{run.rows_done:,} rows: {run.rows_created:,} new, {run.rows_updated:,} updated, "
            f"{run.rows_unchanged:,} unchanged, {run.rows_failed:,} not imported."
        )
        for row in run.rows.exclude(problem="")[:10]:
            self.stdout.write(f"  line {row.line}: {row.problem}")

    def _matched(self, options: dict[str, Any]) -> Import:
        path: Path = options["file"]
        if wrong := [one for one in options["map"] if "=" not in one]:
            raise CommandError(f"--map {wrong[0]}: write COLUMN=FIELD.")
        try:
            with path.open("rb") as file:
                run = imports.upload(
                    File(file, name=path.name),
                    name=path.name,
                    system=options["system"],
                    timezone=options["timezone"],
                    now=clock.now(),
                    kind=Import.Kind.OUTCOMES,
                    guess=outcomes.guess,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except Unreadable as unreadable:
            raise CommandError(str(unreadable)) from unreadable
        try:
            outcomes.match(
                run,
                mapping=dict(one.split("=", 1) for one in options["map"]) or run.mapping,
                system=options["system"],
                timezone=options["timezone"],
                date_format=options["date_format"],
                decimal_mark=options["decimal_mark"],
                now=clock.now(),
            )
        except Refused as refusal:
            run.delete()
            raise CommandError(" ".join(refusal.errors.values())) from refusal
        return run
