"""Bring a CSV file of leads in from the command line, as the pages do."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from leads import imports
from leads.columns import TARGETS
from leads.csv_files import DATE_FORMATS, Unreadable
from leads.intake import Refused
from leads.models import Import
from leadsla import clock
from leadsla.accounts.models import Team


class Command(BaseCommand):
    """Import leads; by default as history: no handover, outside compliance."""

    help = "Import leads from a CSV file. The same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--system", default="", help="the system it comes from; its ids are unique within it")
        parser.add_argument("--timezone", default="UTC", help="zone of dates that name none, as Europe/Berlin")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"what a column holds; without any, columns are matched by their names. Fields: {', '.join(TARGETS)}",
        )
        parser.add_argument("--date-format", choices=DATE_FORMATS, default="", help="order of day, month and year")
        parser.add_argument("--team", default="", help="name of the marketing team whose the new leads are")
        parser.add_argument("--overwrite", action="store_true", help="replace known facts instead of filling gaps")
        parser.add_argument("--live", action="store_true", help="leads of today: judged and handed over as any other")

    def handle(self, *_args: Any, **options: Any) -> None:
        run = self._matched(options)
        imports.begin(run, now=clock.now())
        run = imports.run_through(run.pk, now=clock.now)
        if run.status != Import.Status.DONE:
            raise CommandError(run.problem or f"The import is {run.get_status_display()}.")
        self.stdout.write(
            f"{run.rows_done:,} rows: {run.rows_created:,} new, {run.rows_updated:,} updated, "
            f"{run.rows_unchanged:,} unchanged, {run.rows_failed:,} not imported."
        )
        for row in run.rows.filter(state="failed")[:10]:
            self.stdout.write(f"  line {row.line}: {row.problem}")
        if run.rows_failed > 10:
            self.stdout.write(f"  … and {run.rows_failed - 10:,} more")

    def _matched(self, options: dict[str, Any]) -> Import:
        path: Path = options["file"]
        wrong = [one for one in options["map"] if "=" not in one]
        if wrong:
            raise CommandError(f"--map {wrong[0]}: write COLUMN=FIELD.")
        team = Team.objects.filter(name=options["team"]).first()
        if options["team"] and team is None:
            raise CommandError(f"There is no team called {options['team']}.")
        try:
            with path.open("rb") as file:
                run = imports.upload(
                    File(file, name=path.name),
                    name=path.name,
                    system=options["system"],
                    timezone=options["timezone"],
                    now=clock.now(),
                    team=team,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except Unreadable as unreadable:
            raise CommandError(str(unreadable)) from unreadable
        try:
            imports.match(
                run,
                mapping=dict(one.split("=", 1) for one in options["map"]) or run.mapping,
                system=run.system,
                timezone=options["timezone"],
                date_format=options["date_format"],
                is_history=not options["live"],
                overwrites=options["overwrite"],
                now=clock.now(),
            )
        except Refused as refused:
            run.delete()
            raise CommandError(" ".join(refused.errors.values())) from refused
        return run
