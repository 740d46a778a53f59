"""PostgreSQL and Redis as processes of this checkout, for `make run`, `make test` and single commands."""

from leadsla.embedded.place import EmbeddedError
from leadsla.embedded.sharing import postgres_for_command

__all__ = ["EmbeddedError", "postgres_for_command"]
