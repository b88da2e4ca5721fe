//! The `fairhold` program. Everything is in the library, so that tests start it the same way.

use std::process::ExitCode;

fn main() -> ExitCode {
    fairhold_server::cli::main()
}
