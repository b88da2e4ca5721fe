#!/usr/bin/env bash
# Installs what a command needs and the machine lacks: scripts/install.sh {run|test|soak|databases|bench}
#
# As root on Debian it installs packages with apt-get. Otherwise it prints the commands and stops.
# Rust comes from rustup where that is there, and else from Debian's packages, for which the browser's part of the
# standard library is built once, into the user's cache.
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh

# The oldest Rust that builds the project; Cargo.toml says the same.
oldest_rust=94
# The one that rustup brings where there is none, or an older one.
fresh_rust=1.95.0
wasm=wasm32-unknown-unknown
# The one that knows how to build and run fuzz targets.
cargo_fuzz=0.13.2

main() {
    case "${1:-}" in
    run)
        need_packages "$(run_packages) $(rust_packages)"
        need_rust
        ;;
    test)
        need_packages "$(run_packages) $(rust_packages) $(test_packages)"
        need_rust
        need_checkers
        need_node_packages
        want_schemathesis
        ;;
    soak)
        scripts/install.sh test
        want_fuzzer
        ;;
    databases)
        need_packages "$(database_packages)"
        ;;
    bench)
        need_packages "$(database_packages) $(has zip || echo zip)"
        ;;
    *)
        echo "Usage: scripts/install.sh {run|test|soak|databases|bench}" >&2
        exit 2
        ;;
    esac
}

has() { command -v "$1" >/dev/null 2>&1; }

run_packages() {
    has cc || echo gcc libc6-dev
    has make || echo make
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

# Debian's Rust, where nothing better is there.
rust_packages() {
    if has rustup || { rust_is_new_enough && rust_knows_the_browser; }; then
        return
    fi
    debian_rust_packages
}

debian_rust_packages() {
    local package
    for package in rustc-web cargo-web rust-web-src rustfmt-web lld; do
        dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done
}

database_packages() {
    [ -d /usr/lib/postgresql ] || has pg_ctl || echo postgresql
    has mariadbd || [ -x /usr/sbin/mariadbd ] || echo mariadb-server-core
    has my_print_defaults || echo mariadb-client-core # part of how MariaDB makes its first tables
    has openssl || echo openssl
}

test_packages() {
    database_packages
    has chromium || echo chromium
    if ! has node || [ "$(node --print 'process.versions.node.split(".")[0]')" -lt 18 ]; then
        echo nodejs
    fi
    has npm || echo npm
    # Debian's Python comes without what makes a folder for packages.
    if ! has python3 || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo python3 python3-venv
    fi
}

# need_packages "NAME ...": installs Debian packages, or says how.
need_packages() {
    # shellcheck disable=SC2086 # a list of names
    set -- $1
    [ $# -gt 0 ] || return 0
    if ! has apt-get; then
        echo "Please install what Debian calls: $*" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "Some programs are missing. Run this, then try again:" >&2
        echo "  sudo apt-get update && sudo apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    say "Installing $*"
    # Lists may be missing or old: then the first try fails, and a second one with new lists does not.
    install_packages "$@" 2>/dev/null || { apt-get update --quiet >&2 && install_packages "$@"; }
}

install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@" </dev/null >&2
}

need_rust() {
    if rust_is_new_enough && rust_knows_the_browser; then
        return
    fi
    # What an earlier run settled on is no longer true.
    rm -f "$FAIRHOLD_CACHE/rust.sh"
    if has rustup && need_rustup_rust; then
        return
    fi
    need_debian_rust
}

rust_is_new_enough() {
    local version
    version=$(cargo --version 2>/dev/null) || return 1
    rustc --version >/dev/null 2>&1 || return 1
    version=${version#cargo 1.}
    [ "${version%%.*}" -ge "$oldest_rust" ] 2>/dev/null
}

rust_knows_the_browser() {
    local flags=${CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS:-}
    local folder
    # shellcheck disable=SC2086 # a list of flags
    folder=$(rustc $flags --print target-libdir --target "$wasm" 2>/dev/null) || return 1
    compgen -G "$folder/libcore-*.rlib" >/dev/null
}

# remember LINE...: what scripts/env.sh is to set from now on.
remember() {
    mkdir -p "$FAIRHOLD_CACHE"
    printf '%s\n' "# Written by scripts/install.sh; delete it to start over." "$@" >"$FAIRHOLD_CACHE/rust.sh"
    . "$FAIRHOLD_CACHE/rust.sh"
}

need_rustup_rust() {
    if ! rust_is_new_enough; then
        say "Installing Rust with rustup"
        # Beside the user's default, which stays what it is; a fixed version, whose lints the project is known to pass.
        rustup toolchain install "$fresh_rust" --no-self-update --profile minimal --component clippy --component rustfmt >&2 || return 1
        remember "export RUSTUP_TOOLCHAIN=$fresh_rust"
    fi
    if ! rust_knows_the_browser; then
        say "Adding Rust's part for browsers"
        rustup target add "$wasm" >&2 || return 1
    fi
    rust_is_new_enough && rust_knows_the_browser
}

# What checks the source; without rustup, Debian's rustfmt has come along, and clippy is done without.
need_checkers() {
    if has rustup && ! { cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1; then
        say "Adding rustfmt and clippy"
        rustup component add clippy rustfmt >&2
    fi
}

# What the fuzz targets run best with. They run without it too, so nothing fails here.
want_fuzzer() {
    has rustup || return 0
    if ! cargo +nightly --version >/dev/null 2>&1; then
        say "Adding a nightly Rust for fuzzing"
        rustup toolchain install nightly --no-self-update --profile minimal >&2 || return 0
    fi
    if ! cargo fuzz --version >/dev/null 2>&1; then
        say "Installing cargo-fuzz"
        cargo install cargo-fuzz --version "$cargo_fuzz" --locked >&2 || return 0
    fi
}

# Debian 12 keeps a new Rust for its web browsers, without the part that compiles for web pages. Its source is packaged
# too, so that part is built here, beside links to the parts that are there.
need_debian_rust() {
    need_packages "$(debian_rust_packages)"

    local version source sysroot libdir
    version=$(/usr/bin/rustc --version | cut -d' ' -f2)
    source=/usr/src/rustc-$version/library
    sysroot=$FAIRHOLD_CACHE/rust-$version
    libdir=$sysroot/lib/rustlib/$wasm/lib
    if ! compgen -G "$libdir/libcore-*.rlib" >/dev/null; then
        build_browser_rust "$source" "$sysroot" "$libdir"
    fi
    remember \
        "export PATH=/usr/bin:\$PATH" \
        "export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=--sysroot=$sysroot" \
        "export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld"
    if ! rust_is_new_enough || ! rust_knows_the_browser; then
        echo "Rust 1.$oldest_rust or newer is needed. Debian's packages did not bring it: please install it from https://rustup.rs and try again." >&2
        exit 1
    fi
}

# build_browser_rust SOURCE SYSROOT LIBDIR
build_browser_rust() {
    say "Building Rust's part for browsers (once, some minutes)"
    local work
    work=$(mktemp -d "${TMPDIR:-/tmp}/fairhold-rust.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name is known now
    trap "rm -rf '$work'" EXIT
    cp -r "$1" "$work/library"
    # As Rust's own build does it: the library may use what is not yet stable, marks it as such, and carries the code that
    # the bundle's link-time optimization reads.
    (
        cd "$work/library/sysroot"
        RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$work/target PATH=/usr/bin:$PATH \
            RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes" \
            cargo build --release --target "$wasm" >&2
    )
    mkdir -p "$3"
    cp "$work/target/$wasm/release/deps/"*.rlib "$3/"
    rm -rf "$work"
    trap - EXIT
}

# What tries the API against its description, in a folder of its own. Its test says that it was skipped where this did not
# work out, so nothing fails here.
want_schemathesis() {
    local folder=$FAIRHOLD_CACHE/schemathesis
    cmp --silent scripts/schemathesis.txt "$folder/installed.txt" && return
    say "Installing schemathesis"
    rm -rf "$folder"
    mkdir -p "$FAIRHOLD_CACHE"
    if python3 -m venv "$folder" >&2 \
        && "$folder/bin/pip" install --quiet --disable-pip-version-check --retries 2 --no-deps --requirement scripts/schemathesis.txt </dev/null >&2; then
        cp scripts/schemathesis.txt "$folder/installed.txt"
    else
        rm -rf "$folder"
        echo "schemathesis could not be fetched from PyPI. The test that needs it will be skipped." >&2
    fi
}

need_node_packages() {
    local done_file=end2end/node_modules/.package-lock.json
    if [ ! -e "$done_file" ] || [ end2end/package-lock.json -nt "$done_file" ]; then
        say "Installing the browser tests' packages"
        (cd end2end && npm ci --no-fund --no-audit </dev/null >&2)
    fi
}

main "$@"
