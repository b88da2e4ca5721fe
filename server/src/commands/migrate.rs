//! `fairhold migrate`

use std::process::ExitCode;

use crate::config::Config;
use crate::wiring::{Mode, open};

pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    // The demo's rules on addresses and mail: nothing is served here.
    open(&config, Mode::Demo).await?.close().await;
    println!("The portal's own databases are up to date.");
    Ok(ExitCode::SUCCESS)
}
