//! Running statements, whichever engine is behind them.

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::value::{bind_postgres, bind_sqlite};
use super::{Result, StoreError, Value};

/// A row type that both engines can fill.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A connection on which statements run: for reading, or inside a write.
#[derive(Debug)]
pub struct Tx(pub(super) Connection);

#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
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

    /// Runs a statement without values, whatever it changes.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<()> {
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
