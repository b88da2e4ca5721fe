#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own: scripts/with-postgres.sh COMMAND...
#
# The server lives in a temporary folder on a free port of 127.0.0.1, and its address is in FAIRHOLD_TEST_POSTGRES.
# However the command ends, the server is stopped and the folder deleted. Where FAIRHOLD_TEST_POSTGRES is set already,
# that server is used.
set -eu

if [ -n "${FAIRHOLD_TEST_POSTGRES:-}" ]; then
    exec "$@"
fi

# Debian keeps the programs of each version apart and off the PATH; the newest one is taken.
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ] && command -v pg_ctl >/dev/null; then
    bin=$(dirname "$(command -v pg_ctl)")
fi
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed. Run: make install-test" >&2
    exit 1
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/fairhold-postgres.XXXXXX")

# PostgreSQL refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
    as_owner() { (cd "$folder" && exec runuser -u postgres -- "$@"); }
else
    as_owner() { (cd "$folder" && exec "$@"); }
fi

clean() {
    trap - EXIT INT TERM
    as_owner "$bin/pg_ctl" stop --pgdata "$folder/data" --mode immediate --silent >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

as_owner "$bin/initdb" --pgdata "$folder/data" --username fairhold --auth trust --encoding UTF8 --no-locale >"$folder/log" 2>&1 \
    || { cat "$folder/log" >&2; exit 1; }

# Nothing here outlives the command, so nothing waits for the disk (fsync=off).
# A port that is free now may be taken a moment later by someone else, so a few are tried.
port=
for _ in 1 2 3 4 5; do
    try=$((20000 + RANDOM % 20000))
    if as_owner "$bin/pg_ctl" start --wait --silent --pgdata "$folder/data" --log "$folder/data/server.log" \
        --options "-h 127.0.0.1 -p $try -k $folder -c max_connections=200 -c fsync=off" >/dev/null 2>&1; then
        port=$try
        break
    fi
done
if [ -z "$port" ]; then
    echo "PostgreSQL did not start:" >&2
    cat "$folder/data/server.log" >&2
    exit 1
fi

export FAIRHOLD_TEST_POSTGRES="postgres://fairhold@127.0.0.1:$port/postgres"
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
