"""Do all that is due by a moment: what the workers do every few seconds, by hand or again for the past."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from feedback import decisions
from leadsla import clock
from sla import asked_again, clocks, escalation, handoff, release, rulings, signing, turn_credits

MOST_PASSES = 10_000


class Command(BaseCommand):
    help = "Hand over, escalate, lapse and carry out answers, as of now or of --at. Twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", help="the moment, as 2026-03-03T09:00; without an offset in the portal's zone")

    def handle(self, *args: Any, **options: Any) -> None:
        now = moment(options["at"]) if options["at"] else clock.now()
        carried_out = _all(lambda: decisions.carry_out_due(now=now))
        signing.activate_due(now=now)
        handed_over = _all(lambda: handoff.hand_over_ready(now=now).handed_over)
        handed_over += _all(lambda: release.release_due(now=now))
        started = _all(lambda: clocks.start_hand_over(now=now))
        started += asked_again.start(now=now)
        steps = _all(lambda: _steps(now))
        for lapse in (handoff.lapse_claims, rulings.lapse, turn_credits.sweep):
            lapse(now=now)
        self.stdout.write(
            f"{carried_out} answers carried out, {handed_over} leads handed over, "
            f"{started} clocks started, {steps} steps and breaches."
        )


def _steps(now: datetime) -> int:
    escalation.withdraw_overtaken(now=now)
    swept = escalation.sweep(now=now)
    return swept.steps + swept.breached


def _all(sweep: Any) -> int:
    """Sweep until there is nothing left to do."""
    done = 0
    for _pass in range(MOST_PASSES):
        found = sweep()
        if not found:
            break
        done += found
    return done


def moment(text: str) -> datetime:
    """Read a moment.

    Raises:
        CommandError: it is none.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(f"--at {text}: give a moment such as 2026-03-03T09:00 or 2026-03-03T09:00+01:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
