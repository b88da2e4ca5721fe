//! `fairhold migrate`

use std::process::ExitCode;

use fairhold_portal::world::World;
use fairhold_store::db::Part;

use crate::config::Config;
use crate::wiring::stores;

pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let stores = stores(&config, &World::real()).await?;
    stores.db.migrate(Part::Data).await?;
    stores.close().await;
    println!("The portal's own databases are up to date.");
    Ok(ExitCode::SUCCESS)
}
