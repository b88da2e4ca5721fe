#!/usr/bin/env bash
# Measures speed and size. Ratios in one run count; figures alone depend on the machine.
# With --json the figures are JSON, and nothing else is written to the standard output.
set -eu
cd "$(dirname "$0")/.."
FAIRHOLD_PROGRAM=$(scripts/build.sh)
export FAIRHOLD_PROGRAM
. scripts/env.sh
cargo xtask size --max 150000 >&2
scripts/install.sh bench
exec scripts/with-databases.sh cargo run --quiet --release --locked --package bench -- "$@"
