//! One SQL, two engines: what differs between SQLite and PostgreSQL lives in this file alone.
//!
//! Reading: [`Db::read`] hands out a connection. Writing: [`Db::write`] takes a piece of work and answers once it is
//! durable. On SQLite one writer task takes what is waiting, runs each piece in its savepoint, commits once, and only
//! then answers them all, so that many small durable writes share a commit. PostgreSQL does the same by itself.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    FromRow, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
};
use tokio::sync::{mpsc, oneshot};

/// How many waiting pieces share one commit at most; more would make the first of them wait too long.
const PIECES_A_COMMIT: usize = 64;
/// How many pieces may wait for the writer before callers are told that the store is busy.
const PIECES_WAITING: usize = 4096;

/// What can go wrong in the store. It never holds a value: its text may be logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, is gone, or is full.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
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

/// The result of a store call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A bound value. Nulls are typed, as PostgreSQL wants to know the type of what is not there.
#[derive(Clone, Debug)]
pub enum Value {
    /// TEXT
    Text(Option<String>),
    /// BIGINT
    Int(Option<i64>),
    /// BOOLEAN
    Bool(Option<bool>),
    /// BLOB, BYTEA
    Bytes(Option<Vec<u8>>),
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(Some(v.to_owned()))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(Some(v))
    }
}
impl From<Option<String>> for Value {
    fn from(v: Option<String>) -> Self {
        Self::Text(v)
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}
impl From<Option<i64>> for Value {
    fn from(v: Option<i64>) -> Self {
        Self::Int(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(Some(v))
    }
}
impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Self {
        Self::Bytes(Some(v))
    }
}
impl From<fairhold_domain::ids::CustomerId> for Value {
    fn from(v: fairhold_domain::ids::CustomerId) -> Self {
        Self::Text(Some(v.to_string()))
    }
}
impl From<fairhold_domain::time::Moment> for Value {
    fn from(v: fairhold_domain::time::Moment) -> Self {
        Self::Int(Some(v.0))
    }
}

/// A row type that both engines can fill.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

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

/// A connection on which statements run: for reading, or inside a write.
#[derive(Debug)]
pub struct Tx(Connection);

#[derive(Debug)]
enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// A piece of work for the SQLite writer.
type Piece = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Outcome> + Send>;

/// What a piece came to: whether to keep its changes, and how to tell its caller once that is durable.
struct Outcome {
    keep: bool,
    tell: Box<dyn FnOnce(Result<()>) + Send>,
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
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
        tokio::spawn(write_pieces(writer.clone(), waiting));
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
            .connect(url)
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

impl SqliteDb {
    async fn write<T, E, F>(&self, piece: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let piece: Piece = Box::new(move |tx| {
            Box::pin(async move {
                let result = piece(tx).await;
                Outcome {
                    keep: result.is_ok(),
                    tell: Box::new(move |committed| {
                        let result = match committed {
                            Err(lost) if result.is_ok() => Err(E::from(lost)),
                            _ => result,
                        };
                        // The caller may have gone; the work stands all the same.
                        drop(answer.send(result));
                    }),
                }
            })
        });
        self.pieces.try_send(piece).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        answered.await.unwrap_or_else(|_| {
            Err(if self.writer.is_closed() {
                StoreError::Closed
            } else {
                StoreError::Undone
            }
            .into())
        })
    }
}

/// The writer task: one batch after the other, until the last [`Db`] is dropped or closed.
async fn write_pieces(writer: SqlitePool, mut waiting: mpsc::Receiver<Piece>) {
    let mut batch = Vec::with_capacity(PIECES_A_COMMIT);
    while waiting.recv_many(&mut batch, PIECES_A_COMMIT).await > 0 {
        let mut outcomes = Vec::with_capacity(batch.len());
        let committed = write_batch(&writer, &mut batch, &mut outcomes).await;
        // The callers of pieces that were never begun learn of it by the answer that never comes.
        batch.clear();
        if let Err(e) = &committed {
            tracing::error!(error = %e, "a batch of writes was undone");
        }
        for outcome in outcomes {
            (outcome.tell)(if committed.is_ok() {
                Ok(())
            } else {
                Err(StoreError::Undone)
            });
        }
    }
}

async fn write_batch(
    writer: &SqlitePool,
    batch: &mut Vec<Piece>,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let mut tx = Tx(Connection::Sqlite(writer.acquire().await?));
    let result = write_and_commit(&mut tx, batch, outcomes).await;
    if result.is_err()
        && let Connection::Sqlite(connection) = tx.0
    {
        // Its transaction may still be open. Closing undoes it, and the next batch begins on a new connection.
        drop(connection.close().await);
    }
    result
}

async fn write_and_commit(
    tx: &mut Tx,
    batch: &mut Vec<Piece>,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    // A batch of one needs no savepoint: its transaction does the same.
    let alone = batch.len() == 1;
    tx.run("BEGIN IMMEDIATE").await?;
    let any = write_all(tx, batch.drain(..), alone, outcomes).await?;
    tx.run(if any { "COMMIT" } else { "ROLLBACK" }).await
}

/// Runs the pieces; answers whether there is anything to commit.
async fn write_all(
    tx: &mut Tx,
    pieces: impl Iterator<Item = Piece>,
    alone: bool,
    outcomes: &mut Vec<Outcome>,
) -> Result<bool> {
    let mut any = false;
    for piece in pieces {
        if !alone {
            tx.run("SAVEPOINT piece").await?;
        }
        let outcome = caught(piece(tx)).await;
        let keep = outcome.as_ref().is_some_and(|o| o.keep);
        any |= keep;
        if !alone {
            if !keep {
                tx.run("ROLLBACK TO piece").await?;
            }
            tx.run("RELEASE piece").await?;
        }
        // The caller of one that panicked learns of it by the answer that never comes.
        outcomes.extend(outcome);
    }
    Ok(any)
}

/// What the work came to; `None` when it panicked.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    if result.is_err() {
        tracing::error!("a piece of work panicked and is undone");
    }
    result.ok()
}

impl Tx {
    /// Runs a statement; how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn execute(
        &mut self,
        sql: &'static str,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<u64> {
        Ok(match self.0.engine() {
            Engine::Sqlite(c) => bind_sqlite(sqlx::query(sql), args)
                .execute(c)
                .await?
                .rows_affected(),
            Engine::Postgres(c) => bind_postgres(sqlx::query(sql), args)
                .execute(c)
                .await?
                .rows_affected(),
        })
    }

    /// All rows of a query. The query itself bounds how many.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn all<T: Record>(
        &mut self,
        sql: &'static str,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>> {
        Ok(match self.0.engine() {
            Engine::Sqlite(c) => read_all(
                bind_sqlite(sqlx::query(sql), args)
                    .fetch_all(c)
                    .await?
                    .iter()
                    .map(T::from_row),
            )?,
            Engine::Postgres(c) => read_all(
                bind_postgres(sqlx::query(sql), args)
                    .fetch_all(c)
                    .await?
                    .iter()
                    .map(T::from_row),
            )?,
        })
    }

    /// The row of a query, if there is one.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn optional<T: Record>(
        &mut self,
        sql: &'static str,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<Option<T>> {
        Ok(match self.0.engine() {
            Engine::Sqlite(c) => bind_sqlite(sqlx::query(sql), args)
                .fetch_optional(c)
                .await?
                .as_ref()
                .map(T::from_row)
                .transpose()?,
            Engine::Postgres(c) => bind_postgres(sqlx::query(sql), args)
                .fetch_optional(c)
                .await?
                .as_ref()
                .map(T::from_row)
                .transpose()?,
        })
    }

    /// The one row of a query.
    ///
    /// # Errors
    /// When there is none, or the database refuses it.
    pub async fn one<T: Record>(
        &mut self,
        sql: &'static str,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<T> {
        self.optional(sql, args)
            .await?
            .ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    async fn run(&mut self, sql: &'static str) -> Result<()> {
        self.execute(sql, []).await.map(|_| ())
    }
}

enum Engine<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    fn engine(&mut self) -> Engine<'_> {
        match self {
            Self::Sqlite(c) => Engine::Sqlite(c),
            Self::PostgresRead(c) => Engine::Postgres(c),
            Self::PostgresWrite(c) => Engine::Postgres(c),
        }
    }
}

fn read_all<T>(rows: impl Iterator<Item = sqlx::Result<T>>) -> Result<Vec<T>> {
    Ok(rows.collect::<sqlx::Result<Vec<T>>>()?)
}

fn bind_sqlite(
    query: sqlx::query::Query<'_, Sqlite, SqliteArguments>,
    args: impl IntoIterator<Item = Value>,
) -> sqlx::query::Query<'_, Sqlite, SqliteArguments> {
    args.into_iter().fold(query, |query, value| match value {
        Value::Text(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
        Value::Bool(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
}

fn bind_postgres(
    query: sqlx::query::Query<'_, Postgres, PgArguments>,
    args: impl IntoIterator<Item = Value>,
) -> sqlx::query::Query<'_, Postgres, PgArguments> {
    args.into_iter().fold(query, |query, value| match value {
        Value::Text(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
        Value::Bool(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
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
