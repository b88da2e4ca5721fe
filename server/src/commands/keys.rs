//! `fairhold keys`

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use fairhold_portal::world::World;
use fairhold_store::{SecretKey, StoreError};

use crate::config::Config;
use crate::wiring::{master_key_in, stores_as_they_are};

pub(crate) fn new(out: &Path) -> anyhow::Result<ExitCode> {
    write_new(out)?;
    println!(
        "The master key is in {}. Keep a copy in a safe place: without it nobody can read what the portal holds.",
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Wraps all keys with the master key in `to`.
pub(crate) async fn rotate(config: &Config, to: &Path) -> anyhow::Result<ExitCode> {
    let new = master_key_in(to)?;
    let stores = stores_as_they_are(config, &World::real()).await?;
    if stores.keys.is_master(&new) {
        stores.close().await;
        bail!(
            "{} holds the master key that is in use already. Make another with `fairhold keys new`.",
            to.display()
        );
    }
    let rotated = stores.keys.rotate(&new).await;
    stores.close().await;
    let wrapped = match rotated {
        Ok(wrapped) => wrapped,
        Err(StoreError::Conflict) => bail!(
            "the keys are on their way to another master key already. Go on with that one, or turn back with `fairhold keys rotate --back`."
        ),
        Err(StoreError::Seal) => bail!(
            "a key opens with neither master key, so it was left as it is. Run `fairhold keys check`."
        ),
        Err(e) => return Err(e.into()),
    };
    println!(
        "{wrapped} keys were wrapped again. Now put {} in the place of {}, and start every process of the portal again. Then run `fairhold keys check` and `fairhold keys rotate --finish`. Keep the old key as long as you keep back-ups from before today.",
        to.display(),
        config.master_key_file().display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Turns a rotation back.
pub(crate) async fn back(config: &Config) -> anyhow::Result<ExitCode> {
    let stores = stores_as_they_are(config, &World::real()).await?;
    let turned = stores.keys.turn_back().await;
    stores.close().await;
    match turned {
        Ok(wrapped) => println!(
            "{wrapped} keys were wrapped with the old master key again, and the new one is forgotten."
        ),
        Err(StoreError::Conflict) => bail!(
            "there is nothing to turn back, or this is the new master key. Put the old one in its place first."
        ),
        Err(e) => return Err(e.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends a rotation.
pub(crate) async fn finish(config: &Config) -> anyhow::Result<ExitCode> {
    let stores = stores_as_they_are(config, &World::real()).await?;
    let nothing = !stores.keys.check().await?.rotating;
    let finished = stores.keys.finish_rotation().await;
    stores.close().await;
    if nothing {
        println!("There is nothing to end: no other master key was on its way.");
        return Ok(ExitCode::SUCCESS);
    }
    match finished {
        Ok(()) => println!("Done. The old master key opens nothing more."),
        Err(StoreError::Conflict) => bail!(
            "not all keys open with this master key, so nothing was changed. Put the new key in the place of the old one first, or run `fairhold keys rotate --to FILE` to its end."
        ),
        Err(e) => return Err(e.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tries every key.
pub(crate) async fn check(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let stores = stores_as_they_are(config, &World::real()).await?;
    let checked = stores.keys.check().await;
    stores.close().await;
    let checked = checked?;
    if json {
        println!("{}", serde_json::to_string_pretty(&checked)?);
    } else {
        println!("{} keys open with this master key.", checked.open);
        if checked.follow > 0 {
            println!(
                "{} keys open with the one that is to follow. Put it in the place of this one, and start the portal again.",
                checked.follow
            );
        } else if checked.rotating {
            println!(
                "Run `fairhold keys rotate --finish` when every process has been started again."
            );
        }
        if checked.broken > 0 {
            println!(
                "{} keys do not open: somebody changed them, or another master key wrapped them.",
                checked.broken
            );
        }
    }
    Ok(if checked.broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
