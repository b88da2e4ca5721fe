#!/usr/bin/env bash
# Runs the tests that take short samples in `make test` (kills, fuzzing, timing) for long: they read FAIRHOLD_SOAK.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh test
. scripts/env.sh
export FAIRHOLD_SOAK=1
exec scripts/with-databases.sh cargo test --locked --workspace --exclude xtask --no-fail-fast -- --nocapture
