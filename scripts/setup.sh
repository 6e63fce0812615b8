#!/usr/bin/env bash
# Makes .venv from the hash-pinned lock. With uv where it is there, with pip where it is not.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

say() { printf 'setup: %s\n' "$*"; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    say "Python 3.11 or newer is needed (looked for '$python'; name another with PYTHON=...)" >&2
    exit 1
}

make_venv() {
    "$python" -m venv .venv 2>/dev/null && return
    rm -rf .venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "this Python has no venv module; installing Debian's python3-venv"
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
        "$python" -m venv .venv
    else
        say "this Python has no venv module: install python3-venv (Debian: apt-get install python3-venv)" >&2
        exit 1
    fi
}

need_postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
    [ -n "${DATABASE_URL:-}" ] && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing Debian's postgresql (the tests start a server of their own)"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
    else
        say "no PostgreSQL here: its tests need one (Debian: apt-get install postgresql), or DATABASE_URL of a running one" >&2
    fi
}

[ -x .venv/bin/python ] || make_venv
need_postgres
say "installing the locked packages (about a minute the first time)"
if command -v uv >/dev/null; then
    uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
else
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
say "done: .venv is ready"
