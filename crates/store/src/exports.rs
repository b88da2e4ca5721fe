//! Copies of all that is held about a customer: what was asked for, how far it is, and which sealed file holds it.
//!
//! Each try to make one has a file of its own. What a try writes counts only while the row names its file, so of two tries at
//! once, after a crash or a lost lease, one finishes and the other finds out.

use fairhold_domain::access::Seen;
use fairhold_domain::export::{KEPT_SECONDS, Wanted};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name in addresses.
    pub export_id: String,
    /// What was asked for.
    pub wanted: Wanted,
    /// How far it is.
    pub state: State,
    /// When it was asked for.
    pub asked_at: Moment,
    /// Rows that are written.
    pub rows_done: u64,
    /// Rows that there will be, as far as they were counted.
    pub rows_expected: Option<u64>,
    /// Why it failed: a closed word.
    pub failure: Option<String>,
    /// The file of its last try.
    pub file: Option<String>,
    /// Which collections it holds.
    pub seen: Vec<Seen>,
    /// Datasets that could not be read.
    pub missing: Vec<String>,
    /// Bytes of the archive, once it is ready.
    pub bytes: u64,
    /// When it was ready.
    pub ready_at: Option<Moment>,
    /// When it goes.
    pub expires_at: Moment,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Waiting,
    /// It is being made.
    Working,
    /// It can be downloaded.
    Ready,
    /// It could not be made.
    Failed,
    /// The customer called it off.
    Cancelled,
}

const STATES: [(State, &str); 5] = [
    (State::Waiting, "waiting"),
    (State::Working, "working"),
    (State::Ready, "ready"),
    (State::Failed, "failed"),
    (State::Cancelled, "cancelled"),
];

impl State {
    /// Whether somebody is still to work on it.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Waiting | Self::Working)
    }
}

/// What a finished archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Rows in it.
    pub rows: u64,
    /// Its length in bytes, opened.
    pub bytes: u64,
    /// Which collections it holds.
    pub seen: Vec<Seen>,
    /// Datasets that could not be read.
    pub missing: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct ExportRow {
    export_id: String,
    wanted: String,
    state: String,
    asked_at: i64,
    rows_done: i64,
    rows_expected: Option<i64>,
    failure: Option<String>,
    file: Option<String>,
    bytes: Option<i64>,
    seen: String,
    missing: String,
    ready_at: Option<i64>,
    expires_at: i64,
}

impl ExportRow {
    fn read(self) -> Result<Export> {
        let state = STATES.iter().find(|(_, word)| *word == self.state);
        Ok(Export {
            wanted: Wanted::parse(&self.wanted).ok_or(StoreError::Form)?,
            state: state.ok_or(StoreError::Form)?.0,
            asked_at: Moment(self.asked_at),
            rows_done: count(self.rows_done),
            rows_expected: self.rows_expected.map(count),
            failure: self.failure,
            file: self.file,
            seen: serde_json::from_str(&self.seen).map_err(|_| StoreError::Form)?,
            missing: serde_json::from_str(&self.missing).map_err(|_| StoreError::Form)?,
            bytes: count(self.bytes.unwrap_or_default()),
            ready_at: self.ready_at.map(Moment),
            expires_at: Moment(self.expires_at),
            export_id: self.export_id,
        })
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes down what a customer asks for.
pub async fn add(
    tx: &mut Tx,
    customer: CustomerId,
    export_id: &str,
    wanted: &Wanted,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO exports (customer_id, export_id, wanted, state, asked_at, rows_done, seen, missing, expires_at) \
               VALUES ($1, $2, $3, 'waiting', $4, 0, '[]', '[]', $5)";
    let args = [
        customer.into(),
        export_id.into(),
        wanted.to_string().into(),
        now.into(),
        now.plus_seconds(KEPT_SECONDS).into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// All of a customer's, newest first.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<Export>> {
    let sql = "SELECT export_id, wanted, state, asked_at, rows_done, rows_expected, failure, file, bytes, seen, missing, \
               ready_at, expires_at FROM exports WHERE customer_id = $1 ORDER BY asked_at DESC, export_id DESC";
    let rows: Vec<ExportRow> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter().map(ExportRow::read).collect()
}

/// One of a customer's.
pub async fn get(tx: &mut Tx, customer: CustomerId, export_id: &str) -> Result<Option<Export>> {
    let sql = "SELECT export_id, wanted, state, asked_at, rows_done, rows_expected, failure, file, bytes, seen, missing, \
               ready_at, expires_at FROM exports WHERE customer_id = $1 AND export_id = $2";
    let row: Option<ExportRow> = tx
        .optional(sql, [customer.into(), export_id.into()])
        .await?;
    row.map(ExportRow::read).transpose()
}

/// Begins a try, in a file of its own; `false` when there is nothing to be made any more.
pub async fn begin(tx: &mut Tx, customer: CustomerId, export_id: &str, file: &str) -> Result<bool> {
    let sql = "UPDATE exports SET state = 'working', file = $3, rows_done = 0, rows_expected = NULL, failure = NULL \
               WHERE customer_id = $1 AND export_id = $2 AND state IN ('waiting', 'working')";
    let args = [customer.into(), export_id.into(), file.into()];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Writes down how far a try is; `false` when it counts no more: it was called off, or another try began.
pub async fn progress(
    tx: &mut Tx,
    customer: CustomerId,
    export_id: &str,
    file: &str,
    (done, expected): (u64, u64),
) -> Result<bool> {
    let sql = "UPDATE exports SET rows_done = $4, rows_expected = $5 \
               WHERE customer_id = $1 AND export_id = $2 AND file = $3 AND state = 'working'";
    let args = [
        customer.into(),
        export_id.into(),
        file.into(),
        number(done).into(),
        number(expected).into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Says that the archive is ready; `false` when the try counts no more.
pub async fn finish(
    tx: &mut Tx,
    customer: CustomerId,
    export_id: &str,
    file: &str,
    made: &Finished,
    now: Moment,
) -> Result<bool> {
    let text = |list: serde_json::Result<String>| list.map_err(|_| StoreError::Form);
    let sql = "UPDATE exports SET state = 'ready', rows_done = $4, rows_expected = $4, bytes = $5, seen = $6, missing = $7, \
               ready_at = $8, expires_at = $9 WHERE customer_id = $1 AND export_id = $2 AND file = $3 AND state = 'working'";
    let args = [
        customer.into(),
        export_id.into(),
        file.into(),
        number(made.rows).into(),
        number(made.bytes).into(),
        text(serde_json::to_string(&made.seen))?.into(),
        text(serde_json::to_string(&made.missing))?.into(),
        now.into(),
        now.plus_seconds(KEPT_SECONDS).into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Says that it could not be made. `failure` is a closed word. Nothing happens when the try counts no more.
pub async fn fail(
    tx: &mut Tx,
    customer: CustomerId,
    export_id: &str,
    failure: &'static str,
) -> Result<()> {
    let sql = "UPDATE exports SET state = 'failed', failure = $3, file = NULL \
               WHERE customer_id = $1 AND export_id = $2 AND state IN ('waiting', 'working')";
    let args = [customer.into(), export_id.into(), failure.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Calls it off; `false` when there is nothing to call off.
pub async fn cancel(tx: &mut Tx, customer: CustomerId, export_id: &str) -> Result<bool> {
    let sql = "UPDATE exports SET state = 'cancelled', file = NULL \
               WHERE customer_id = $1 AND export_id = $2 AND state IN ('waiting', 'working')";
    Ok(tx.execute(sql, [customer.into(), export_id.into()]).await? > 0)
}

/// Forgets it; answers the file that held it.
pub async fn remove(tx: &mut Tx, customer: CustomerId, export_id: &str) -> Result<Option<String>> {
    let sql = "DELETE FROM exports WHERE customer_id = $1 AND export_id = $2 RETURNING file";
    let row: Option<(Option<String>,)> = tx
        .optional(sql, [customer.into(), export_id.into()])
        .await?;
    Ok(row.and_then(|(file,)| file))
}

/// Forgets those whose time is over; answers the files that held them.
pub async fn sweep(tx: &mut Tx, now: Moment) -> Result<Vec<String>> {
    let sql = "DELETE FROM exports WHERE expires_at <= $1 RETURNING file";
    let rows: Vec<(Option<String>,)> = tx.all(sql, [now.into()]).await?;
    Ok(rows.into_iter().filter_map(|(file,)| file).collect())
}

/// Whether a file of the folder belongs to any export.
pub async fn names_file(tx: &mut Tx, file: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM exports WHERE file = $1";
    let (count,): (i64,) = tx.one(sql, [file.into()]).await?;
    Ok(count > 0)
}
