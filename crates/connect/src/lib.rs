//! The company's own systems, read in place: nothing of them is copied into the portal.
//!
//! - [`Plan`] joins what the catalog says with what the live database has. It is the same for all customers: make it once,
//!   keep it, and make it anew when a read reports [`ConnectError::Changed`] or [`Reading::failed`].
//! - [`Connector::find`] finds a person's identity rows; [`Connector::read`] reads everything that hangs on them.
//! - [`second_fact()`] proves rows whose address nobody checked, by what the customer knows besides. It is the same for
//!   every engine: it reads, and compares here.
//!
//! Several systems are asked side by side by whoever builds the page: each call ends by its own time-out, and fails with
//! a [`ConnectError`] that says nothing of the others.
//!
//! How a reading goes, for every engine, is in `read`; SQL is built in `sql` alone, identifiers from the plan (which took
//! them from the live schema), values always bound. **Another engine** is one new module beside `sqlite`: a `Dialect` (how it
//! quotes, casts and orders), a `Session` (runs one statement), and an `Engine` that opens sessions.

mod engine;
mod erase;
pub mod mysql;
mod plan;
pub mod postgres;
mod read;
mod reading;
mod second_fact;
mod server;
mod sql;
pub mod sqlite;
mod value;

use async_trait::async_trait;
use fairhold_domain::{catalog::Dataset, contact_point::ContactPoints, schema::LiveSchema};
use tokio::sync::mpsc;

pub use erase::{Collected, CollectedRows, CollectedTable, ErasedRows};
pub use mysql::MySqlConnector;
pub use plan::Plan;
pub use postgres::PostgresConnector;
pub use reading::{
    Bytes, CollectionName, CollectionRows, Column, Context, Count, Cursor, Found, IdentityRow,
    LongPiece, LongValue, MAX_PAGE, MAX_PIECE_BYTES, MAX_SHARED, MAX_WHOLE_BYTES, Missing,
    NotWhole, ReadRequest, Reading, Row, SharedRows,
};
pub use second_fact::{MAX_FACT_ROWS, MAX_TESTED, SecondFact, second_fact};
pub use server::{ServerSettings, SettingsError, Tls};
pub use sqlite::{SqliteConnector, SqliteSettings};
pub use value::{Cell, KeyValue, MAX_CELL_BYTES, RowKey};

/// A connected system. Only [`Connector::erase`] writes.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the live database has: tables, views, columns, keys.
    async fn describe(&self) -> Result<LiveSchema, ConnectError>;

    /// Joins the datasets of this connection with what [`Connector::describe`] said, in this engine's SQL. No I/O.
    fn plan(&self, datasets: &[Dataset], schema: &LiveSchema) -> Plan;

    /// The rows whose identity is one of `contacts`: candidates come from SQL, and are compared here, byte by byte
    /// after normalising ([`ContactPoints::hold`]), because a database's collation may take `adá@` for `ada@`.
    ///
    /// It finds all of them where every row can be looked at in half of the time-out. In larger tables it finds those that
    /// hold it as its normal form, by an index on the column or on `lower(column)`; when there are none, it can't
    /// know that there are none at all, and fails with [`ConnectError::TooSlow`].
    async fn find(&self, plan: &Plan, contacts: &ContactPoints)
    -> Result<Vec<Found>, ConnectError>;

    /// Everything that is tied to the start rows, one page a collection, from one consistent moment.
    async fn read(&self, plan: &Plan, request: &ReadRequest) -> Result<Reading, ConnectError>;

    /// The keys of all rows that are tied to the start rows, from one consistent moment, and what erasure does to each. Of the
    /// request only what was proven counts.
    async fn collect(&self, plan: &Plan, request: &ReadRequest) -> Result<Collected, ConnectError>;

    /// Erases all rows that are tied to the start rows, in one transaction: all or nothing. With `again`, an earlier call may
    /// have done it and nobody knows: then what was `collected` before says what it did, and no key of it is touched, because
    /// it may be somebody else's by now. `secret` makes the masks: with the same one they are the same.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] where the portal may only read, [`ConnectError::Bound`] where a rule of the database stands
    /// in the way; nothing has changed then, as with all others.
    async fn erase(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        collected: &Collected,
        again: bool,
        secret: &[u8],
    ) -> Result<Vec<ErasedRows>, ConnectError>;

    /// The values that a page did not bring whole, in full, piece by piece and from one consistent moment. A value is read
    /// only where its row is tied to the start rows of the request, as in [`Connector::read`]; each statement by itself has
    /// the time-out.
    ///
    /// # Errors
    /// When the system can't be read any more: nothing comes of the value that had no end yet, nor of those after it. When
    /// nobody takes the pieces any more, it ends without an error.
    async fn long_values(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        wanted: &[LongValue],
        pieces: mpsc::Sender<LongPiece>,
    ) -> Result<(), ConnectError>;
}

/// Why a system could not be read. A closed set without any value in it; the caller has the customer's sentence for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// It can't be reached: no such file or host, or the line broke.
    #[error("the system can't be reached")]
    Down,
    /// It did not answer in time, or all its connections were busy. The statement was stopped.
    #[error("the system did not answer in time")]
    TooSlow,
    /// A table or column that the plan uses is gone: describe and plan again.
    #[error("the system's tables have changed")]
    Changed,
    /// It answers, and does not let us read, or erase: its user may only read.
    #[error("the system does not let us do this")]
    Refused,
    /// What is there is no database, or a damaged one.
    #[error("the system's data is damaged")]
    Damaged,
    /// It answered one statement with an error that tells nothing of the others.
    #[error("the system could not answer")]
    Failed,
    /// A rule of its own, a constraint or a trigger, does not allow the change.
    #[error("a rule of the system's database does not allow it")]
    Bound,
    /// The cursor or the collection asked for does not belong to this plan.
    #[error("this page does not exist any more")]
    NoSuchPage,
}
