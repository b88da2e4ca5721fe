#!/usr/bin/env bash
# Runs for long what `make test` runs briefly: first the tests that read FAIRHOLD_SOAK, then the fuzz targets.
# With `fuzz` and names only these targets run, and with `fuzz` alone all of them and nothing else.
# Each target runs ten minutes, or FAIRHOLD_FUZZ_SECONDS.
#
# With a nightly Rust and cargo-fuzz they run under AddressSanitizer, and without either on the usual Rust without it.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh soak
. scripts/env.sh

failed=""

main() {
    local fuzz_alone=false
    if [ "${1:-}" = fuzz ]; then
        fuzz_alone=true
        shift
    fi
    $fuzz_alone || tests || failed="$failed tests"
    [ $# -gt 0 ] || set -- fuzz/fuzz_targets/*.rs
    local target
    for target in "$@"; do
        target=$(basename "$target" .rs)
        fuzz "$target" || failed="$failed $target"
    done
    if [ -n "$failed" ]; then
        say "Failed:$failed"
        exit 1
    fi
}

tests() {
    say "The tests, for long"
    FAIRHOLD_SOAK=1 scripts/with-databases.sh \
        cargo test --locked --workspace --exclude xtask --no-fail-fast -- --nocapture
}

# fuzz TARGET: what it finds is kept in the cache, beside the inputs that are kept with the code.
fuzz() {
    local found=$FAIRHOLD_CACHE/fuzz/$1 crashes=$FAIRHOLD_CACHE/fuzz/crashes/
    mkdir -p "$found" "$crashes"
    local arguments=(
        "$found" "fuzz/corpus/$1"
        "-dict=fuzz/dictionaries/$1.dict"
        "-artifact_prefix=$crashes"
        "-max_total_time=${FAIRHOLD_FUZZ_SECONDS:-600}"
        -max_len=16384 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1
    )
    if cargo +nightly fuzz --version >/dev/null 2>&1; then
        say "Fuzzing $1 with AddressSanitizer"
        cargo +nightly fuzz run --target-dir "$CARGO_TARGET_DIR/fuzz" "$1" "${arguments[@]:0:2}" -- "${arguments[@]:2}"
    else
        say "Fuzzing $1 without a sanitizer"
        fuzz_plainly "$1" "${arguments[@]}"
    fi
}

# fuzz_plainly TARGET ARGUMENT...: libFuzzer needs no more than the coverage that any Rust can write into a program.
fuzz_plainly() {
    local target=$1 host flags
    shift
    host=$(rustc -vV | sed -n 's/^host: //p')
    flags="--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module"
    local option
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
    done
    # With the target named, these flags leave build scripts and macros alone.
    RUSTFLAGS=$flags cargo build --release --locked --manifest-path fuzz/Cargo.toml \
        --target "$host" --target-dir "$CARGO_TARGET_DIR/fuzz-plain" --bin "$target"
    "$CARGO_TARGET_DIR/fuzz-plain/$host/release/$target" "$@"
}

main "$@"
