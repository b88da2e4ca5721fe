#!/usr/bin/env bash
# Builds what has changed and starts the portal with its demo company. The server takes this process's place, so that
# Ctrl-C reaches it and nothing else.
set -eu
cd "$(dirname "$0")/.."
program=$(scripts/build.sh)
exec "$program" demo serve
