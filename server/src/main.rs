//! The `fairhold` program. Everything is in the library, so that tests start it the same way.

use std::process::ExitCode;

/// A page is thousands of small strings: this allocator makes and drops them in less time (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fairhold_server::cli::main()
}
