#!/usr/bin/env bash
# Builds the release program and what browsers load. Ends by printing the path of the program.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh run >&2
. scripts/env.sh

say "Building the server" >&2
cargo build --release --locked --package server >&2
say "Building what browsers load" >&2
cargo xtask bundle >&2
echo "$CARGO_TARGET_DIR/release/fairhold"
