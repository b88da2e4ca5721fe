//! What a caller asks of a connected system, and what it gets.

use fairhold_domain::contact_point::ContactPoints;
use serde::{Deserialize, Serialize};

use crate::value::{Cell, RowKey};

/// A collection of a dataset, by the names that the catalog gives them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollectionName {
    /// The dataset's `fides_key`.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
}

impl CollectionName {
    /// Names a collection.
    pub fn new(dataset: &str, collection: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            collection: collection.to_owned(),
        }
    }
}

/// A row that holds an identity: where reading starts. It is what a link remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityRow {
    /// Where it stands.
    pub place: CollectionName,
    /// Its key.
    pub key: RowKey,
}

/// An identity row that was found by an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The row.
    pub row: IdentityRow,
    /// Whether the company itself proved the address (in any column that holds it). Where it is `false`, show nothing
    /// until a second fact matches (catalog.md, "Identity").
    pub verified: bool,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// What the customer proved. Each row of `start` and `proven` must still hold one of these, byte by byte after
    /// normalising.
    pub contacts: ContactPoints,
    /// The rows that were linked to the customer by an address that the company itself proved ([`Found::verified`]): they
    /// must hold it in such a column.
    pub start: Vec<IdentityRow>,
    /// The rows that a second fact tied to the customer ([`crate::second_fact()`]): they may hold the address in any column.
    pub proven: Vec<IdentityRow>,
    /// One collection; `None` reads the first page of each.
    pub only: Option<CollectionName>,
    /// Where the page before ended. Counts only together with `only`.
    pub after: Option<Cursor>,
    /// Rows a page: 1 to [`MAX_PAGE`]; what lies outside is moved inside.
    pub page: u32,
    /// Counting stops here: a collection with more rows says [`Count::MoreThan`] this.
    pub count_up_to: u64,
}

impl ReadRequest {
    /// All rows that reading starts from, if they hold the address.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = &IdentityRow> {
        self.start.iter().chain(&self.proven)
    }
}

/// The longest page, in rows.
pub const MAX_PAGE: u32 = 500;

/// The most shared rows that one page's rows bring along from one collection.
pub const MAX_SHARED: u32 = 1_000;

/// Where a page ended: the next one begins after it. Opaque to callers, who may seal it and hand it back; a changed
/// one can only move the place inside the customer's own rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last row's values of what the collection is sorted by before the key.
    pub(crate) order: Vec<crate::value::KeyValue>,
    /// The last row's key.
    pub(crate) key: RowKey,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// One entry for each collection that can hold the customer's own rows, in the catalog's order, also where there are none.
    pub collections: Vec<CollectionRows>,
    /// Rows that own rows point at, shown as their context.
    pub shared: Vec<SharedRows>,
    /// Rows of `start` and `proven` that are gone or no longer hold the address as they must: nothing was read from them.
    pub not_theirs: Vec<IdentityRow>,
    /// Collections that the database refused to read although it had them when the plan was made: plan again.
    pub failed: Vec<CollectionName>,
    /// What the catalog describes and the database does not have, as in [`crate::Plan::missing`].
    pub missing: Vec<Missing>,
}

/// A value that a page did not bring whole ([`Cell::TooLong`], [`Cell::Binary`]), and that is wanted in full.
#[derive(Clone, Debug)]
pub struct LongValue {
    /// The row's collection.
    pub place: CollectionName,
    /// The row's key.
    pub key: RowKey,
    /// The customer's own row that points at it, where the row is a shared one.
    pub through: Option<(CollectionName, RowKey)>,
    /// The column's place among the collection's columns.
    pub column: usize,
    /// What the page said of it.
    pub noted: Cell,
}

/// What comes of the values that are wanted in full: the pieces of each in order, then its end, then the next one.
#[derive(Debug)]
pub enum LongPiece {
    /// Bytes of it, [`MAX_PIECE_BYTES`] at most. Those of a text are whole letters of UTF-8.
    Bytes(Bytes),
    /// That was all of it, or no more can be had.
    End(Result<(), NotWhole>),
}

/// Bytes of a value. They do not show in `Debug`.
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

/// Why a value can't be had in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It is gone, or another one than the page spoke of.
    Changed,
    /// Its bytes are no text.
    Unreadable,
    /// It is longer than [`MAX_WHOLE_BYTES`].
    TooLarge,
}

/// The longest value that is read in full, in bytes: SQLite holds one in memory while it reads a piece of it.
pub const MAX_WHOLE_BYTES: u64 = 64 * 1024 * 1024;

/// The longest piece of a long value, in bytes.
pub const MAX_PIECE_BYTES: u64 = PIECE * 4;

/// Characters or bytes of a piece.
pub(crate) const PIECE: u64 = 256 * 1024;

/// One page of one collection.
#[derive(Clone, Debug)]
pub struct CollectionRows {
    /// Which.
    pub name: CollectionName,
    /// In the database's order; each row has a cell for each.
    pub columns: Vec<Column>,
    /// The page.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
    /// How many rows the customer has here in all.
    pub count: Count,
}

/// Rows of a shared collection.
#[derive(Clone, Debug)]
pub struct SharedRows {
    /// Which.
    pub name: CollectionName,
    /// In the database's order; each row has a cell for each.
    pub columns: Vec<Column>,
    /// Each row once, whichever own rows point at it.
    pub rows: Vec<Row>,
    /// Whether the page's rows point at more than [`MAX_SHARED`] here, so that some are left out.
    pub is_cut: bool,
}

/// A column as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the database spells it.
    pub name: String,
    /// The declared type, in the engine's words.
    pub sql_type: String,
    /// Whether the catalog describes it.
    pub described: bool,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its key: tells it apart within its collection.
    pub key: RowKey,
    /// One a column.
    pub cells: Vec<Cell>,
    /// The shared rows that it brings along; empty in shared rows themselves.
    pub context: Vec<Context>,
}

/// A pointer from an own row to a shared one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Index into [`Reading::shared`].
    pub shared: usize,
    /// Index into that entry's rows.
    pub row: usize,
    /// The own row's columns that point there (`shipping_address_id`).
    pub through: Vec<String>,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// All were counted.
    Exactly(u64),
    /// Counting stopped.
    MoreThan(u64),
}

/// Something that the catalog describes and the live database lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The collection.
    pub name: CollectionName,
    /// The column; `None` where the whole collection can't be read: its table is missing, or the column of a fixed value
    /// that says which of its rows belong to it.
    pub field: Option<String>,
}
