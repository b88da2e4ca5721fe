#!/usr/bin/env bash
# Makes the README's pictures in docs/pictures from the demo. Run it after a change of the look.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh test
. scripts/env.sh

say "Building"
cargo xtask bundle
cargo build --locked --package server

say "Taking pictures"
port=${PORT:-3777}
data=$(mktemp -d "${TMPDIR:-/tmp}/fairhold-pictures.XXXXXX")
PORT=$port DATA_DIR=$data "$CARGO_TARGET_DIR/debug/fairhold" demo serve >/dev/null &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$data"' EXIT
mkdir -p docs/pictures
node end2end/pictures.js "http://127.0.0.1:$port" docs/pictures
