#!/usr/bin/env bash
# Measures speed and size. Ratios in one run count; figures alone depend on the machine.
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh >/dev/null
. scripts/env.sh
cargo xtask size
exec cargo bench --locked --package server
