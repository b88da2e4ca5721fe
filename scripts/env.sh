# Sourced by the other scripts: where the build goes and which Rust builds it.
# shellcheck shell=sh

HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME

# Where scripts/install.sh keeps what it made for this user.
FAIRHOLD_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/fairhold"

# Outside the clone, so that a clean checkout builds warm.
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$FAIRHOLD_CACHE/target}"
export CARGO_TARGET_DIR

# Which Rust: written by scripts/install.sh where the default one would not do.
if [ -f "$FAIRHOLD_CACHE/rust.sh" ]; then
    . "$FAIRHOLD_CACHE/rust.sh"
elif ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
    export PATH
fi

# Needs of the browser tests: Debian's Chromium is used, none is fetched.
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD

# What tries the API against its description; scripts/install.sh test brings it, where PyPI can be reached.
FAIRHOLD_TEST_SCHEMATHESIS="${FAIRHOLD_TEST_SCHEMATHESIS:-$FAIRHOLD_CACHE/schemathesis/bin/schemathesis}"
export FAIRHOLD_TEST_SCHEMATHESIS

# say TEXT: tells the user what comes next.
say() {
    printf '\n\033[1m== %s\033[0m\n' "$*" >&2
}
