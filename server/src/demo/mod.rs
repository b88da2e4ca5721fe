//! The demo company, Finch & Rowan: three ordinary systems of a small shop, made up, the same on every machine.
//!
//! The portal meets them as it meets any company's systems: through `catalog/demo` and a read-only connection.
//! Nothing outside this module knows how they are made. One file a system; `people` says who the customers are, so that
//! the systems agree on them. A further system is a further file here, a line in `build`, and a dataset in
//! `catalog/demo/datasets`.

mod analytics;
mod generator;
mod newsletter;
mod people;
mod seed;
mod shop;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};

pub use people::{Persona, all_customer_emails, personas, staff};
pub use seed::seed;

/// The demo company's systems, by the names that its catalog uses; each is a SQLite file of that name.
pub const SYSTEMS: [&str; 3] = ["shop", "newsletter", "analytics"];

/// Raised with each change of what is made; files of another version are made anew.
const VERSION: i64 = 3;

/// Makes `shop.db`, `newsletter.db` and `analytics.db` in the folder, which must exist; leaves files of this version
/// as they are. A file appears complete or not at all. Fails where the folder can't be written to.
pub async fn build(folder: &Path) -> Result<()> {
    let people = people::everyone()?;
    let shop = async {
        let Some(mut draft) = Draft::start(folder, shop::FILE, shop::SCHEMA).await? else {
            return Ok(());
        };
        shop::fill(&mut draft.db, &people).await?;
        draft.finish().await
    };
    let newsletter = async {
        let Some(mut draft) = Draft::start(folder, newsletter::FILE, newsletter::SCHEMA).await?
        else {
            return Ok(());
        };
        newsletter::fill(&mut draft.db, &people).await?;
        draft.finish().await
    };
    let analytics = async {
        let Some(mut draft) = Draft::start(folder, analytics::FILE, analytics::SCHEMA).await?
        else {
            return Ok(());
        };
        analytics::fill(&mut draft.db, &people).await?;
        draft.finish().await
    };
    tokio::try_join!(shop, newsletter, analytics)
        .context("the demo company's systems could not be made")?;
    Ok(())
}

/// A system's file under another name, in one open transaction, until it is complete.
struct Draft {
    db: SqliteConnection,
    unfinished: PathBuf,
    file: PathBuf,
}

impl Draft {
    /// `None` where the file is there already, in this version.
    async fn start(folder: &Path, name: &str, schema: &'static str) -> Result<Option<Self>> {
        let file = folder.join(name);
        if version_of(&file).await == Some(VERSION) {
            return Ok(None);
        }
        let unfinished = folder.join(format!("{name}.new"));
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // A draft that is cut off is thrown away, so it needs no journal on the disk.
        let options = SqliteConnectOptions::new()
            .filename(&unfinished)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off);
        let mut db = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql("BEGIN").execute(&mut db).await?;
        sqlx::raw_sql(schema).execute(&mut db).await?;
        Ok(Some(Self {
            db,
            unfinished,
            file,
        }))
    }

    /// Puts the file in its place.
    async fn finish(mut self) -> Result<()> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "PRAGMA user_version = {VERSION}"
        )))
        .execute(&mut self.db)
        .await?;
        sqlx::raw_sql("COMMIT").execute(&mut self.db).await?;
        self.db.close().await?;
        std::fs::File::open(&self.unfinished)?.sync_all()?;
        std::fs::rename(&self.unfinished, &self.file)?;
        Ok(())
    }
}

/// What a file says of itself; `None` where there is none, or none that can be read.
async fn version_of(file: &Path) -> Option<i64> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut db = SqliteConnection::connect_with(&options).await.ok()?;
    let version = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut db)
        .await
        .ok()?;
    db.close().await.ok()?;
    Some(version)
}

#[cfg(test)]
mod tests;
