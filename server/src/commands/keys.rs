//! `fairhold keys`

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use fairhold_portal::world::World;
use fairhold_store::SecretKey;

pub(crate) fn new(out: &Path) -> anyhow::Result<ExitCode> {
    write_new(out)?;
    println!(
        "The master key is in {}. Keep a copy in a safe place: without it nobody can read what the portal holds.",
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a fresh key into a file that must not exist, readable by its owner alone.
pub(crate) fn write_new(out: &Path) -> anyhow::Result<()> {
    let key = SecretKey::generate(&*World::real().random);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("{} can't be made; it must not exist yet", out.display()))?;
    writeln!(file, "{}", key.to_text())?;
    file.sync_all()?;
    Ok(())
}
