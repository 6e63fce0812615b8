#!/usr/bin/env bash
# One database for each service, ordered by code points; those that exist stay as they are.
set -euo pipefail
for service in events scoring contact_planner suitability; do
    name="tierflow_$service"
    if [ -z "$(psql --dbname postgres --no-align --tuples-only --command "SELECT 1 FROM pg_database WHERE datname = '$name'")" ]; then
        psql --dbname postgres --quiet --set ON_ERROR_STOP=1 \
            --command "CREATE DATABASE $name TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        echo "created $name"
    fi
done
