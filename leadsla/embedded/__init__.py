"""PostgreSQL and Redis as processes of this checkout, for `make run`, `make test` and single commands."""
