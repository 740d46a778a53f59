"""Bring the database up to date and, on the first start, load the demo company. Part of `make run`."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from leadsla.accounts.models import User
from leadsla.home.demo import cast


class Command(BaseCommand):
    help = "Bring the database up to date; load the demo company if nobody is in it yet and DEMO is not 0."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            executor = MigrationExecutor(connection)
        except OperationalError as error:
            raise CommandError(f"PostgreSQL does not answer: {error}") from None
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database …")
            call_command("migrate", database=DEFAULT_DB_ALIAS, verbosity=0, interactive=False)
        if cast.is_here():
            self.stdout.write("\n".join(["The demo company is loaded.", *cast.sign_ins()]))
            return
        if User.objects.exists():
            return
        if os.environ.get("DEMO", "").strip() == "0":
            self.stdout.write("Nobody is in it yet. Make an administrator: .venv/bin/python manage.py createsuperuser")
            return
        call_command("load_demo")
