#!/usr/bin/env bash
# `postgres` runs as the user postgres on a cluster that is made at the first start:
# POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB (each also as NAME_FILE), POSTGRES_INITDB_ARGS,
# POSTGRES_HOST_AUTH_METHOD, and what lies in /docker-entrypoint-initdb.d.
set -euo pipefail

# setting NAME DEFAULT: takes the value from NAME or from the file that NAME_FILE names.
setting() {
    local file=$1_FILE
    if [[ -n ${!file:-} ]]; then
        printf -v "$1" '%s' "$(<"${!file}")"
    fi
    printf -v "$1" '%s' "${!1:-$2}"
}

own_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres:postgres {} +
    chown postgres:postgres /var/run/postgresql
}

make_cluster() {
    local options
    read -ra options <<<"${POSTGRES_INITDB_ARGS:-}"
    if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
        echo "postgres: no password is set: give POSTGRES_PASSWORD" >&2
        exit 1
    fi
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
        --auth-local=trust --auth-host=trust "${options[@]}" -D "$PGDATA"
    printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

sql() { psql --no-psqlrc --set ON_ERROR_STOP=1 --no-password --username "$POSTGRES_USER" "$@"; }

run_file() {
    echo "postgres: running $1"
    # shellcheck source=/dev/null # the user's own
    case $1 in
        *.sh) if [[ -x $1 ]]; then "$1"; else . "$1"; fi ;;
        *.sql) sql --dbname "$POSTGRES_DB" --file "$1" ;;
        *.sql.gz) gunzip -c "$1" | sql --dbname "$POSTGRES_DB" ;;
        *.sql.xz) xz -dc "$1" | sql --dbname "$POSTGRES_DB" ;;
        *.sql.zst) zstd -dc "$1" | sql --dbname "$POSTGRES_DB" ;;
        *) echo "postgres: $1 is left alone" ;;
    esac
}

# Only the local socket listens until the database is complete.
fill_cluster() {
    local file
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    if [[ $POSTGRES_DB != postgres ]]; then
        sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        [[ ! -e $file ]] || run_file "$file"
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    echo "PostgreSQL init process complete; ready for start up."
}

[[ ${1:-} != -* ]] || set -- postgres "$@"
if [[ ${1:-} == postgres ]]; then
    if [[ $(id -u) -eq 0 ]]; then
        own_folders
        exec setpriv --reuid postgres --regid postgres --init-groups "${BASH_SOURCE[0]}" "$@"
    fi
    if [[ ! -s $PGDATA/PG_VERSION ]]; then
        setting POSTGRES_PASSWORD ''
        setting POSTGRES_USER postgres
        setting POSTGRES_DB "$POSTGRES_USER"
        setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
        export POSTGRES_USER POSTGRES_DB POSTGRES_PASSWORD
        make_cluster
        fill_cluster
    fi
fi
exec "$@"
