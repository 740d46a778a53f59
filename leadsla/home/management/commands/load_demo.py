"""Load the demo company into an empty portal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadsla import clock
from leadsla.home.demo import cast, company


class Command(BaseCommand):
    help = "Load the demo company: two marketing and two sales teams with six months of history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", type=float, default=1.0, help="1 makes about 5,000 leads (the default)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["size"] <= 20:
            raise CommandError("--size: give a number above 0, at most 20; 1 makes about 5,000 leads.")
        self.stdout.write("Loading the demo company …")
        try:
            made = company.load(now=clock.now(), size=options["size"])
        except company.AlreadyThereError:
            raise CommandError("The portal is not empty. Load the demo into an empty one (make clean).") from None
        self.stdout.write(f"  {made['leads']:,} leads, {made['handoffs']:,} handoffs, {made['people']} people.")
        self.stdout.write("\n".join(cast.sign_ins()))
