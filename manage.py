"""Run a management command; without DATABASE_URL, with the embedded PostgreSQL."""

import os
import sys


def main() -> None:
    """Start what the command needs, then run it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsla.settings")
    from django.core.management import execute_from_command_line

    from leadsla.embedded.place import EmbeddedError
    from leadsla.embedded.sharing import postgres_for_command

    try:
        with postgres_for_command(sys.argv):
            execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(f"leadsla: {error}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
