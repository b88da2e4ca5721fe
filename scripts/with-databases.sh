#!/usr/bin/env bash
# Runs a command with database servers of its own: scripts/with-databases.sh COMMAND...
#
# PostgreSQL and MariaDB live in a temporary folder, each on a free port of 127.0.0.1. Their addresses are in
# FAIRHOLD_TEST_POSTGRES and FAIRHOLD_TEST_MARIADB, and FAIRHOLD_TEST_CA names the certificate that both prove themselves with,
# as localhost. However the command ends, the servers are stopped and the folder deleted. A server whose address is set
# already is used as it is.
set -eu
# Debian keeps servers out of most users' way.
PATH="$PATH:/usr/sbin"

folder=$(mktemp -d "${TMPDIR:-/tmp}/fairhold-databases.XXXXXX")
mariadb_pid=

# PostgreSQL refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    as_owner() { (cd "$folder" && exec runuser -u postgres -- "$@"); }
else
    as_owner() { (cd "$folder" && exec "$@"); }
fi

clean() {
    trap - EXIT INT TERM
    if [ -d "$folder/postgres" ]; then
        as_owner "$postgres_bin/pg_ctl" stop --pgdata "$folder/postgres" --mode immediate --silent >/dev/null 2>&1 || true
    fi
    if [ -n "$mariadb_pid" ]; then
        kill "$mariadb_pid" 2>/dev/null || true
        wait "$mariadb_pid" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A port that is free now may be taken a moment later by someone else, so each server tries a few.
some_port() { echo $((20000 + RANDOM % 20000)); }

make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -addext "subjectAltName=DNS:localhost" -addext "basicConstraints=critical,CA:FALSE" \
        -keyout "$folder/key.pem" -out "$folder/certificate.pem" >"$folder/openssl.log" 2>&1 \
        || { cat "$folder/openssl.log" >&2; exit 1; }
    chmod 600 "$folder/key.pem"
    export FAIRHOLD_TEST_CA="$folder/certificate.pem"
}

# Debian keeps the programs of each version apart and off the PATH; the newest one is taken.
find_postgres() {
    postgres_bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$postgres_bin" ] && command -v pg_ctl >/dev/null; then
        postgres_bin=$(dirname "$(command -v pg_ctl)")
    fi
    if [ -z "$postgres_bin" ]; then
        echo "PostgreSQL is not installed. Run: make install-test" >&2
        exit 1
    fi
}

# Nothing here outlives the command, so nothing waits for the disk (fsync=off).
start_postgres() {
    find_postgres
    as_owner "$postgres_bin/initdb" --pgdata "$folder/postgres" --username fairhold --auth trust --encoding UTF8 --no-locale \
        >"$folder/postgres.log" 2>&1 || { cat "$folder/postgres.log" >&2; exit 1; }
    cp "$folder/certificate.pem" "$folder/key.pem" "$folder/postgres/"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$folder/postgres/certificate.pem" "$folder/postgres/key.pem"
    fi
    local port
    for _ in 1 2 3 4 5; do
        port=$(some_port)
        if as_owner "$postgres_bin/pg_ctl" start --wait --silent --pgdata "$folder/postgres" --log "$folder/postgres/server.log" \
            --options "-h localhost -p $port -k $folder -c max_connections=300 -c fsync=off -c ssl=on -c ssl_cert_file=certificate.pem -c ssl_key_file=key.pem" \
            >/dev/null 2>&1; then
            export FAIRHOLD_TEST_POSTGRES="postgres://fairhold@127.0.0.1:$port/postgres"
            return
        fi
    done
    echo "PostgreSQL did not start:" >&2
    cat "$folder/postgres/server.log" >&2
    exit 1
}

start_mariadb() {
    if ! command -v mariadbd >/dev/null; then
        echo "MariaDB is not installed. Run: make install-test" >&2
        exit 1
    fi
    mariadb-install-db --no-defaults --datadir="$folder/mariadb" --user="$(id -un)" \
        --auth-root-authentication-method=normal --skip-test-db >"$folder/mariadb.log" 2>&1 \
        || { cat "$folder/mariadb.log" >&2; exit 1; }
    local port
    for _ in 1 2 3 4 5; do
        port=$(some_port)
        mariadbd --no-defaults --datadir="$folder/mariadb" --user="$(id -un)" --bind-address=127.0.0.1 --port="$port" \
            --socket="$folder/mariadb.sock" --pid-file="$folder/mariadb.pid" --max-connections=300 \
            --ssl-cert="$folder/certificate.pem" --ssl-key="$folder/key.pem" \
            --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --skip-log-bin >"$folder/mariadb.log" 2>&1 </dev/null &
        mariadb_pid=$!
        if mariadb_is_ready; then
            export FAIRHOLD_TEST_MARIADB="mysql://root@127.0.0.1:$port/mysql"
            return
        fi
    done
    echo "MariaDB did not start:" >&2
    cat "$folder/mariadb.log" >&2
    exit 1
}

# Waits until it says so, or has ended.
mariadb_is_ready() {
    while kill -0 "$mariadb_pid" 2>/dev/null; do
        if grep -q 'ready for connections' "$folder/mariadb.log"; then
            return 0
        fi
        sleep 0.1
    done
    return 1
}

if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
fi
if [ -z "${FAIRHOLD_TEST_POSTGRES:-}" ] || [ -z "${FAIRHOLD_TEST_MARIADB:-}" ]; then
    make_certificate
fi
[ -n "${FAIRHOLD_TEST_POSTGRES:-}" ] || start_postgres
[ -n "${FAIRHOLD_TEST_MARIADB:-}" ] || start_mariadb

# In the background and waited for, so that a signal is not kept waiting until the command ends. The command is told to
# end by SIGTERM: a shell lets what runs in the background ignore SIGINT.
"$@" <&0 &
command=$!
stop_command() {
    kill -TERM "$command" 2>/dev/null || true
    wait "$command" 2>/dev/null || true
    exit "$1"
}
trap 'stop_command 130' INT
trap 'stop_command 143' TERM
wait "$command"
