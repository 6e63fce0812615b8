# Run once by the image's entry point, before the server listens: a role and its database for each service.
for name in tierflow_events tierflow_scoring tierflow_contact_planner tierflow_suitability; do
    psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --quiet --no-psqlrc --set ON_ERROR_STOP=1 \
        --set name="$name" --set password="$(cat "/run/passwords/$name")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
