"""Recompute compliance and acceptance from the facts, for any moment and period."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from leadsla import clock
from sla import acceptance, compliance, periods


class Command(BaseCommand):
    """Replay what the worker does every minute."""

    help = "Recompute compliance and acceptance rates: of the current period, of one period, or of all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at", metavar="T", help="what happened until this moment counts, as 2026-03-31T18:00+02:00; default: now"
        )
        parser.add_argument("--period", metavar="P", help="a month or quarter, as 2026-03 or 2026-Q1; default: current")
        parser.add_argument("--open", action="store_true", help="every period that is not settled yet")
        parser.add_argument("--all", action="store_true", help="every period from the first handoff on, settled or not")

    def handle(self, *args: Any, **options: Any) -> None:
        now = _moment(options["at"]) if options["at"] else clock.now()
        period = _period(options["period"]) if options["period"] else None
        if period and (options["all"] or options["open"]):
            raise CommandError("--period: leave it out together with --open or --all.")
        if options["all"] or options["open"]:
            rows = compliance.replay(now=now, everything=options["all"])
            rates = acceptance.replay(now=now)
        else:
            rows = compliance.recompute(now=now, period=period)
            rates = acceptance.recompute(now=now, period=period)
        self.stdout.write(
            f"{rows} rows of compliance, {rates} acceptance rates, as of {now.isoformat(timespec='seconds')}."
        )


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError:
        moment, day = None, None
    if day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # the portal's zone follows
    if moment is None:
        raise CommandError(f"--at: {text!r} is not a moment; write it as 2026-03-31T18:00+02:00 or 2026-03-31.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _period(text: str) -> date:
    period = periods.read(text)
    if period is None:
        raise CommandError(f"--period: {text!r} is not a period; write it as 2026-03 or 2026-Q1.")
    return period
