#!/bin/sh
# Check the code. "fast" leaves out what takes long; "all" is what `make lint` runs.
# usage: tools/lint.sh fast|all
set -u
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" DJANGO_SETTINGS_MODULE=leadsla.settings
failed=""

check() { # name, command …
  name=$1
  shift
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log"
    printf 'lint: %s found something\n\n' "$name"
    failed="$failed $name"
  fi
  rm -f "$log"
}

check "ruff check" python -m ruff check --quiet .
check "ruff format" python -m ruff format --check --quiet .
check "import-linter" python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
if [ "${1:-all}" = all ]; then
  check "migrations" python manage.py makemigrations --check --dry-run
  check "djlint" python -m djlint --quiet --lint templates
  check "mypy" python -m mypy
fi

if [ -n "$failed" ]; then
  printf 'lint: failed:%s\n' "$failed"
  exit 1
fi
printf 'lint: clean\n'
