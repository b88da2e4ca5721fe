//! `fairhold passwords`

use std::path::Path;
use std::process::ExitCode;

use fairhold_portal::breached;

pub(crate) fn build(list: &Path, out: &Path) -> anyhow::Result<ExitCode> {
    let passwords = breached::build(list, out)?;
    println!(
        "{} passwords are in {}. Name it as passwords.breached_file and start the portal again.",
        passwords,
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}
