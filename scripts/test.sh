#!/usr/bin/env bash
# Every check and test, through to the end even when some fail. The last line is the count:
# `N passed, N failed, N skipped`. A check such as the formatting counts as one.
#
# A test that cannot run here prints `skipped: why` and returns; it is counted as skipped, not as passed.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh test
. scripts/env.sh

passed=0 failed=0 skipped=0
log=$(mktemp -d "${TMPDIR:-/tmp}/fairhold-test.XXXXXX")
trap 'rm -rf "$log"' EXIT
: >"$log/failed"

# check NAME COMMAND...: one check.
check() {
    local name=$1
    shift
    say "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name" | tee -a "$log/failed" >&2
    fi
}

# skip NAME WHY
skip() {
    say "$1"
    echo "skipped: $2"
    skipped=$((skipped + 1))
}

# cargo_tests: cargo's own counts, from its `test result:` lines.
cargo_tests() {
    say "Tests"
    local ok=true
    scripts/with-databases.sh cargo test --locked --workspace --no-fail-fast -- --show-output 2>&1 | tee "$log/cargo" || ok=false
    local passes fails ignores skips
    read -r passes fails ignores <<<"$(awk '/^test result:/ { p += $4; f += $6; i += $8 } END { print p + 0, f + 0, i + 0 }' "$log/cargo")"
    skips=$(grep -c '^skipped: ' "$log/cargo" || true)
    passed=$((passed + passes - skips))
    skipped=$((skipped + ignores + skips))
    # What did not even compile has no counts, and is a failure all the same.
    if ! $ok && [ "$fails" -eq 0 ]; then
        fails=1
    fi
    failed=$((failed + fails))
    grep -E '^test .* FAILED$|^thread .* panicked|^error' "$log/cargo" -A 3 >"$log/cargo.failed" || true
    [ "$fails" -eq 0 ] || cut -c 1-300 "$log/cargo.failed" >>"$log/failed"
}

# browser_tests: Playwright's own counts, from its report.
browser_tests() {
    say "Tests in a browser"
    local ok=true
    (cd end2end && PLAYWRIGHT_JSON_OUTPUT_NAME="$log/browser.json" npx playwright test --pass-with-no-tests </dev/null) 2>&1 | tee "$log/browser" || ok=false
    local passes=0 fails=0 skips=0
    if [ -s "$log/browser.json" ]; then
        read -r passes fails skips <<<"$(node --print '
            const { expected, unexpected, flaky, skipped } = JSON.parse(require("fs").readFileSync(process.argv[1])).stats;
            [expected, unexpected + flaky, skipped].join(" ")' "$log/browser.json")"
    fi
    passed=$((passed + passes))
    skipped=$((skipped + skips))
    if ! $ok && [ "$fails" -eq 0 ]; then
        fails=1
    fi
    failed=$((failed + fails))
    # As Playwright's list marks them.
    [ "$fails" -eq 0 ] || grep -E '✘' "$log/browser" >>"$log/failed" || true
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
}

set -o pipefail
check "Formatting" cargo fmt --all -- --check
if cargo clippy --version >/dev/null 2>&1; then
    check "Lints" cargo clippy --locked --workspace --all-targets -- -D warnings
    check "Lints of what runs in the browser" cargo clippy --locked --package fairhold-app --lib \
        --no-default-features --features hydrate --target wasm32-unknown-unknown -- -D warnings
else
    skip "Lints" "this Rust comes without clippy"
    skip "Lints of what runs in the browser" "this Rust comes without clippy"
fi
check "Documentation" documentation
check "Which crate knows which" cargo xtask arrows
cargo_tests
check "The browser bundle" cargo xtask bundle
check "Its size" cargo xtask size --max 150000
check "The server that the browser meets" cargo build --locked --package server
browser_tests

# Said once more where a reader of the end finds it.
if [ "$failed" -gt 0 ]; then
    say "What failed"
    cat "$log/failed"
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
