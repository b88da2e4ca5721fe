#!/usr/bin/env bash
# Builds and restarts on every change. With cargo-leptos, pages reload by themselves; without it, files are compared
# once a second, and you reload.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh run
. scripts/env.sh

if cargo leptos --version >/dev/null 2>&1; then
    exec cargo leptos watch -- demo serve
fi

server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap 'stop; exit 0' INT TERM

# One number for the state of everything that is built.
state() {
    find app server crates catalog style migrations Cargo.toml Cargo.lock -type f -printf '%p %T@ %s\n' | cksum
}

seen=
while true; do
    now=$(state)
    if [ "$now" != "$seen" ]; then
        seen=$now
        if cargo build --locked --package server && cargo xtask bundle --dev; then
            stop
            "$CARGO_TARGET_DIR/debug/fairhold" demo serve &
            server=$!
        else
            say "That does not build yet. The last version that did is still running."
        fi
    fi
    sleep 1
done
