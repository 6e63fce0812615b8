#!/usr/bin/env bash
# What the official entry point does for a first start, as far as our manifests use it.
set -euo pipefail
if [ "${1:-postgres}" != postgres ] && [ "${1:0:1}" != - ]; then exec "$@"; fi
if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" && chown -R 999:999 "$PGDATA"
    exec setpriv --reuid 999 --regid 999 --clear-groups "$0" "$@"
fi

value() { # value NAME: the variable, or what the file in NAME_FILE holds
    local file="$1_FILE"
    if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-}"; fi
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(value POSTGRES_PASSWORD)
    user=$(value POSTGRES_USER)
    user=${user:-postgres}
    database=$(value POSTGRES_DB)
    database=${database:-$user}
    [ -n "$password" ] || { echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is needed for the first start" >&2; exit 1; }
    mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"

    export PGUSER=$user PGPASSWORD=$password PGHOST=/tmp
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -c unix_socket_directories=/tmp" -w start
    [ "$database" = postgres ] || createdb "$database"
    export PGDATABASE=$database
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
            *.sql) psql --set ON_ERROR_STOP=1 --no-psqlrc --file "$script" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGUSER PGPASSWORD PGHOST PGDATABASE
fi
exec "$@"
