//! `fairhold serve`

use std::process::ExitCode;

use crate::config::Config;
use crate::serve::{Server, asked_to_stop};
use crate::wiring::{Mode, open};

pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    crate::log::start("info");
    let portal = open(&config, Mode::Production).await?;
    let server = Server::bind(portal, &config).await?;
    let stop = asked_to_stop()?;
    println!("Fairhold listens on port {}.", server.port());
    server.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
