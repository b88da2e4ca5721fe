//! One SQL, two engines: what differs between SQLite and PostgreSQL lives in this folder alone.
//!
//! Reading: [`Db::read`] hands out a connection. Writing: [`Db::write`] takes a piece of work and answers once it is
//! durable: on SQLite through `writer`, on PostgreSQL in a transaction. `tx` runs statements on either, and `value` binds
//! what they are given.

mod tx;
mod value;
mod writer;

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::mpsc;

pub use tx::{Record, Tx};
pub use value::Value;

use tx::Connection;
use writer::{Piece, caught};

/// What can go wrong in the store. It never holds a value: its text may be logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, is gone, or is full.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    /// The migrations could not be brought in.
    #[error("the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// A change was undone: it panicked, or the database could not keep it. The log says why.
    #[error("the change was undone")]
    Undone,
    /// Too much is waiting to be written.
    #[error("the store is busy")]
    Busy,
    /// A seal did not open: another key, or somebody changed the bytes.
    #[error("a sealed record does not open")]
    Seal,
    /// A stored record is not of the form that this version writes.
    #[error("a stored record has an unknown form")]
    Form,
    /// The customer's key has been destroyed: what it sealed is gone for good.
    #[error("the key has been destroyed")]
    KeyDestroyed,
    /// Somebody else changed the record in between.
    #[error("the record has changed in the meantime")]
    Conflict,
}

impl From<sqlx::Error> for StoreError {
    fn from(e: sqlx::Error) -> Self {
        match e {
            // Every connection is in use: a moment later one may be free.
            sqlx::Error::PoolTimedOut => Self::Busy,
            e => Self::Database(e),
        }
    }
}

/// The result of a store call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A database: one of two engines, chosen once at the start.
#[derive(Clone, Debug)]
pub enum Db {
    /// The default: a file.
    Sqlite(SqliteDb),
    /// When one machine is not enough.
    Postgres(PgPool),
}

/// SQLite: many readers, one writer.
#[derive(Clone, Debug)]
pub struct SqliteDb {
    readers: SqlitePool,
    writer: SqlitePool,
    pieces: mpsc::Sender<Piece>,
}

/// Which of the portal's two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Customers, sessions, looks, jobs.
    Data,
    /// Wrapped keys and checkpoints, never beside the data.
    Keys,
}

static SQLITE_DATA: Migrator = sqlx::migrate!("../../migrations/sqlite/data");
static SQLITE_KEYS: Migrator = sqlx::migrate!("../../migrations/sqlite/keys");
static POSTGRES_DATA: Migrator = sqlx::migrate!("../../migrations/postgres/data");
static POSTGRES_KEYS: Migrator = sqlx::migrate!("../../migrations/postgres/keys");

impl Db {
    /// Opens a SQLite file, made with mode 0600 where it is missing.
    ///
    /// # Errors
    /// When the file can't be made or is no database.
    pub async fn sqlite(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("secure_delete", "ON");
        make_private(path)?;
        // A file does not hang up: its connections are neither tested nor renewed.
        let pool = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        let writer = pool
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let readers = pool
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        let pieces = writer::start(writer.clone());
        Ok(Self::Sqlite(SqliteDb {
            readers,
            writer,
            pieces,
        }))
    }

    /// Connects to PostgreSQL. Durability is the server's default, never less.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub async fn postgres(url: &str, connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(protected(url)?)
            .await?;
        Ok(Self::Postgres(pool))
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When a migration fails, or the database is newer than this program.
    pub async fn migrate(&self, part: Part) -> Result<()> {
        match self {
            Self::Sqlite(db) => {
                // Two processes may start at once: who comes second waits for the write lock, and finds all done.
                let mut tx = db.writer.begin_with("BEGIN IMMEDIATE").await?;
                let migrations = if part == Part::Data {
                    &SQLITE_DATA
                } else {
                    &SQLITE_KEYS
                };
                migrations.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Self::Postgres(pool) => {
                let migrations = if part == Part::Data {
                    &POSTGRES_DATA
                } else {
                    &POSTGRES_KEYS
                };
                migrations.run(pool).await?;
            }
        }
        Ok(())
    }

    /// A connection for reading. Each statement sees what was committed when it began.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx(match self {
            Self::Sqlite(db) => Connection::Sqlite(db.readers.acquire().await?),
            Self::Postgres(pool) => Connection::PostgresRead(pool.acquire().await?),
        }))
    }

    /// Runs a piece of work as one act: all of it is durable when this returns `Ok`, and none of it when it returns
    /// `Err`. When the caller goes before the answer, all of it is kept or none.
    ///
    /// # Errors
    /// What the piece itself returns, or a [`StoreError`] when its changes could not be kept.
    pub async fn write<T, E, F>(&self, piece: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.write(piece).await,
            Self::Postgres(pool) => {
                let mut tx = Tx(Connection::PostgresWrite(
                    pool.begin().await.map_err(StoreError::from)?,
                ));
                // Dropping the transaction rolls it back.
                let value = caught(async { piece(&mut tx).await })
                    .await
                    .ok_or(StoreError::Undone)??;
                if let Connection::PostgresWrite(tx) = tx.0 {
                    tx.commit().await.map_err(StoreError::from)?;
                }
                Ok(value)
            }
        }
    }

    /// Has SQLite write over what was deleted everywhere: `secure_delete` does it in the file, and its log of changes is
    /// emptied here. PostgreSQL cleans up behind itself.
    ///
    /// # Errors
    /// When the log can't be emptied because somebody still reads an older state.
    pub async fn scrub(&self) -> Result<()> {
        if let Self::Sqlite(sqlite) = self {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            let (busy, _, _): (i64, i64, i64) =
                sqlx::query_as(sql).fetch_one(&sqlite.writer).await?;
            if busy != 0 {
                return Err(StoreError::Busy);
            }
        }
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        self.read()
            .await?
            .one::<(i64,)>("SELECT CAST(1 AS BIGINT)", [])
            .await
            .map(|_| ())
    }

    /// Ends all connections after what is under way; on SQLite the write-ahead log is folded into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.readers.close().await;
                db.writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The clause that makes a claimed job invisible to other workers until the claim ends: SQLite has one writer, so
    /// it needs none.
    pub(crate) const fn claim_clause(&self) -> ClaimSql {
        match self {
            Self::Sqlite(_) => ClaimSql::OneWriter,
            Self::Postgres(_) => ClaimSql::SkipLocked,
        }
    }
}

/// How two workers keep from claiming the same job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClaimSql {
    /// There is only one writer at a time.
    OneWriter,
    /// `FOR UPDATE SKIP LOCKED`.
    SkipLocked,
}

/// Makes the file, readable by its owner alone, before SQLite would make it readable by others. One that is there is not
/// opened: to close it again would take away the locks that this process has on it.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        }
        made => made.map(drop),
    }
    .map_err(|e| StoreError::Database(sqlx::Error::Io(e)))
}

/// A server's address, with a line that nobody on the way can listen to: unless the address says otherwise by `sslmode`, or
/// leads to this machine, the server must prove who it is.
fn protected(url: &str) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = url.parse()?;
    let says_how = url
        .split_once('?')
        .is_some_and(|(_, query)| query.contains("sslmode"));
    let host = options.get_host();
    let is_here = options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    Ok(if says_how || is_here {
        options
    } else {
        options.ssl_mode(PgSslMode::VerifyFull)
    })
}
