//! `SQLite`: a company's database in a file. Opened for reading only, but for an erasure, and never created.
//!
//! Here are the connections and what comes back over them; `dialect` says how its SQL is written, `describe` what the
//! file has.

mod describe;
mod dialect;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use fairhold_domain::schema::LiveSchema;
use sqlx::{
    AssertSqlSafe, Row as _, Sqlite, SqlitePool, TypeInfo as _, ValueRef as _,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow, SqliteValueRef},
};

use self::{describe::describe, dialect::SqliteDialect};
use crate::{
    ConnectError,
    engine::{Engine, raw_rows},
    read::{RawRow, Session},
    sql::{Dialect, Statement},
    value::{Cell, KeyValue},
};

/// Where the database is and how much of it we take.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file. It is never created, and opened for reading only, but for an erasure.
    pub path: PathBuf,
    /// At most this many connections at once; at least 1.
    pub max_connections: u32,
    /// The longest that one call may take; then its statement is stopped.
    pub timeout: Duration,
}

/// A company's `SQLite` file.
#[derive(Debug)]
pub struct SqliteConnector {
    pool: SqlitePool,
    /// For erasures alone.
    eraser: SqlitePool,
    timeout: Duration,
}

impl SqliteConnector {
    /// Prepares the pool. Opens nothing yet: a file that is missing now may be there when it is read.
    pub fn new(settings: SqliteSettings) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(settings.path)
            .create_if_missing(false)
            // A writer may hold the file for a moment; our own time-out ends before this wait counts as hanging.
            .busy_timeout(settings.timeout / 2)
            // Views come with the file: they may not call what could do more than read.
            .pragma("trusted_schema", "OFF");
        let pool = |most: u32| {
            SqlitePoolOptions::new()
                .max_connections(most.max(1))
                .acquire_timeout(settings.timeout)
                .test_before_acquire(false)
        };
        let reading = options.clone().read_only(true).pragma("query_only", "ON");
        // What is deleted is written over with zeros, or it stays in the file.
        let erasing = options.foreign_keys(true).pragma("secure_delete", "ON");
        Self {
            pool: pool(settings.max_connections).connect_lazy_with(reading),
            eraser: pool(1).connect_lazy_with(erasing),
            timeout: settings.timeout,
        }
    }
}

#[async_trait]
impl Engine for SqliteConnector {
    type Session = SqliteSession;

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(SqliteDialect)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open(&self) -> Result<SqliteSession, ConnectError> {
        SqliteSession::begin(&self.pool, "BEGIN").await
    }

    async fn open_to_erase(&self) -> Result<SqliteSession, ConnectError> {
        SqliteSession::begin(&self.eraser, "BEGIN IMMEDIATE").await
    }

    /// Rows that were moved about before left copies in the gaps of pages. Only writing the file anew leaves these behind,
    /// which is done where it takes no longer than a few seconds, and where no table is without a key: its rows would get other
    /// numbers, and links to them would be lost. Then the log of changes is emptied.
    async fn scrub(&self, _: &[&str], by_row_id: bool) {
        let bytes = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let bytes: Result<i64, _> = sqlx::query_scalar(bytes).fetch_one(&self.eraser).await;
        let anew = match bytes {
            Ok(bytes) if bytes <= WRITTEN_ANEW && !by_row_id => {
                sqlx::query("VACUUM").execute(&self.eraser).await.is_ok()
            }
            _ => false,
        };
        if !anew {
            tracing::warn!(
                "a system's file was not written anew after an erasure: run VACUUM when it suits"
            );
        }
        let scrubbed = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.eraser)
            .await;
        // Busy: somebody reads an older state. Whoever ends last empties it.
        let busy = scrubbed.map(|row| row.try_get::<i64, _>(0).unwrap_or(1) != 0);
        if busy.unwrap_or(true) {
            tracing::warn!("a system's log of changes could not be emptied after an erasure");
        }
    }

    async fn look_around(session: &mut SqliteSession) -> Result<LiveSchema, ConnectError> {
        describe(session).await
    }
}

impl SqliteSession {
    async fn begin(pool: &SqlitePool, begin: &'static str) -> Result<Self, ConnectError> {
        let mut connection = pool.acquire().await.map_err(|e| closed(&e))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        connection
            .lock_handle()
            .await
            .map_err(|e| closed(&e))?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || {
                !stopped.load(Ordering::Relaxed)
            });
        let mut session = Self {
            connection,
            stop,
            ended: false,
        };
        session.run(begin).await?;
        Ok(session)
    }
}

/// A file of at most so many bytes is written anew after an erasure.
const WRITTEN_ANEW: i64 = 256 * 1024 * 1024;

/// How many steps of its machine `SQLite` takes between two looks at whether to stop: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;

/// One read transaction: all its statements see the same moment.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    connection: PoolConnection<Sqlite>,
    stop: Arc<AtomicBool>,
    ended: bool,
}

impl SqliteSession {
    async fn run(&mut self, sql: &'static str) -> Result<(), ConnectError> {
        sqlx::query(sql)
            .execute(&mut *self.connection)
            .await
            .map(|_| ())
            .map_err(|e| closed(&e))
    }
}

/// Nobody waits any more: by the time-out, because the caller left, or after an error.
impl Drop for SqliteSession {
    fn drop(&mut self) {
        if !self.ended {
            self.stop.store(true, Ordering::Relaxed);
            self.connection.close_on_drop();
        }
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError> {
        let values = statement.values;
        // `sql` put it together: identifiers quoted, values bound.
        let mut query = sqlx::query(AssertSqlSafe(statement.sql));
        for bind in statement.binds {
            query = match bind {
                KeyValue::Null => query.bind(None::<i64>),
                KeyValue::Int(number) => query.bind(number),
                KeyValue::Real(number) => query.bind(number),
                KeyValue::Text(text) => query.bind(text),
                KeyValue::Blob(bytes) => query.bind(bytes),
            };
        }
        let rows = query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(|e| closed(&e))?;
        raw_rows(
            &rows,
            values,
            SqliteRow::len,
            |row, i| at(row, i).map(key_value),
            |row, i| at(row, i).map(cell),
        )
    }

    async fn end(mut self) -> Result<(), ConnectError> {
        self.run("COMMIT").await?;
        self.ended = true;
        Ok(())
    }
}

fn at(row: &SqliteRow, index: usize) -> Result<SqliteValueRef<'_>, ConnectError> {
    row.try_get_raw(index).map_err(|_| ConnectError::Damaged)
}

fn key_value(value: SqliteValueRef<'_>) -> KeyValue {
    fn decode<'r, T: sqlx::Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Option<T> {
        T::decode(value).ok()
    }
    if value.is_null() {
        return KeyValue::Null;
    }
    let name = value.type_info().name().to_owned();
    let typed = match name.as_str() {
        "INTEGER" => decode(value).map(KeyValue::Int),
        "REAL" => decode(value).map(KeyValue::Real),
        "TEXT" => {
            let bytes: Option<&[u8]> = decode(value);
            bytes.map(|b| match std::str::from_utf8(b) {
                Ok(text) => KeyValue::Text(text.to_owned()),
                Err(_) => KeyValue::Blob(b.to_vec()),
            })
        }
        _ => decode::<&[u8]>(value).map(|b| KeyValue::Blob(b.to_vec())),
    };
    typed.unwrap_or(KeyValue::Null)
}

/// Reads what [`SqliteDialect::cell`] wrote: text is the value; bytes are a note about it.
fn cell(value: SqliteValueRef<'_>) -> Cell {
    if value.is_null() {
        return Cell::Empty;
    }
    let is_text = value.type_info().name() == "TEXT";
    let Ok(bytes) = <&[u8] as sqlx::Decode<Sqlite>>::decode(value) else {
        return Cell::Unreadable;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Cell::Unreadable;
    };
    if is_text {
        return Cell::Text(text.to_owned());
    }
    Cell::noted(text)
}

/// The closed set out of `SQLite`'s result codes (<https://www.sqlite.org/rescode.html>); extended codes have the
/// primary one in their lowest byte. The message may hold a value, so it goes nowhere.
fn closed(error: &sqlx::Error) -> ConnectError {
    match error {
        sqlx::Error::PoolTimedOut => ConnectError::TooSlow,
        sqlx::Error::Database(database) => {
            let code = database
                .code()
                .and_then(|c| c.parse::<i32>().ok())
                .unwrap_or_default();
            match code & 0xff {
                // ERROR, SCHEMA: our statements are fixed, so what they name is gone.
                1 | 17 => ConnectError::Changed,
                // PERM, READONLY, AUTH
                3 | 8 | 23 => ConnectError::Refused,
                // CONSTRAINT: also what a trigger refuses.
                19 => ConnectError::Bound,
                // BUSY, LOCKED, INTERRUPT
                5 | 6 | 9 => ConnectError::TooSlow,
                // CORRUPT, NOTADB
                11 | 26 => ConnectError::Damaged,
                _ => ConnectError::Down,
            }
        }
        _ => ConnectError::Down,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use fairhold_domain::catalog::{
        Collection, ColumnRef, CompositeReference, Direction, Field, Place, Reference,
    };
    use sqlx::ConnectOptions as _;

    use fairhold_domain::{catalog::Dataset, email::EmailAddress};

    use super::{describe::text, *};
    use crate::{
        Connector as _, ReadRequest, Reading, RowKey,
        engine::ask,
        read,
        reading::{CollectionName, IdentityRow},
    };

    /// A session that remembers what it ran.
    struct Recording<'s> {
        session: &'s mut SqliteSession,
        ran: Vec<String>,
    }

    #[async_trait]
    impl Session for Recording<'_> {
        async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError> {
            self.ran.push(statement.sql.clone());
            self.session.rows(statement).await
        }

        async fn end(self) -> Result<(), ConnectError> {
            Ok(())
        }
    }

    fn column(name: &str, to: Option<(&str, &str, Direction)>) -> Field {
        let references = to
            .into_iter()
            .map(|(collection, field, direction)| Reference {
                to: ColumnRef {
                    dataset: "shop".into(),
                    collection: collection.into(),
                    field: field.into(),
                },
                direction: Some(direction),
                place: Place::default(),
            });
        Field {
            name: name.into(),
            references: references.collect(),
            ..Field::default()
        }
    }

    fn shop() -> Dataset {
        let collection = |name: &str, order_by: Option<&str>, fields: Vec<Field>| Collection {
            name: name.into(),
            order_by: order_by.map(str::to_owned),
            fields,
            ..Collection::default()
        };
        let email = Field {
            identity: Some("email".into()),
            verified: true,
            ..column("email", None)
        };
        let from = |c: &'static str| Some((c, "id", Direction::From));
        let to = |c: &'static str| Some((c, "id", Direction::To));
        let mut part = collection("part", None, vec![]);
        part.references.push(CompositeReference {
            fields: vec!["bill".into(), "line".into()],
            dataset: "shop".into(),
            collection: "line".into(),
            columns: vec!["bill_id".into(), "id".into()],
            direction: Some(Direction::From),
            place: Place::default(),
        });
        Dataset {
            key: "shop".into(),
            collections: vec![
                part,
                collection("customer", None, vec![email]),
                collection(
                    "bill",
                    Some("day"),
                    vec![column("customer_id", from("customer"))],
                ),
                collection(
                    "line",
                    None,
                    vec![
                        column("bill_id", from("bill")),
                        column("thing_id", to("thing")),
                    ],
                ),
                collection("thing", None, vec![]),
            ],
            ..Dataset::default()
        }
    }

    const TABLES: &str = "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER, day TEXT);
        CREATE INDEX bill_of ON bill (customer_id, day);
        CREATE TABLE line (id INTEGER PRIMARY KEY, bill_id INTEGER, thing_id INTEGER);
        CREATE INDEX line_of ON line (bill_id);
        CREATE TABLE part (id INTEGER PRIMARY KEY, bill TEXT, line INTEGER);
        CREATE INDEX part_of ON part (line);
        CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO customer VALUES (1, 'few@example.com'), (2, 'many@example.com');
        INSERT INTO thing VALUES (1, 'cup'), (2, 'pot');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
            INSERT INTO bill SELECT i, CASE WHEN i <= 3 THEN 1 ELSE 2 END, 'day ' || (i % 7) FROM n;
        INSERT INTO line SELECT id, id, 1 + id % 2 FROM bill;
        INSERT INTO part SELECT id, bill_id, id FROM line;";

    /// What a first page runs for customer `id`.
    async fn run_for(connector: &SqliteConnector, id: i64, email: &str) -> (Vec<String>, Reading) {
        let plan = connector.plan(&[shop()], &connector.describe().await.unwrap());
        let request = ReadRequest {
            contacts: EmailAddress::parse(email).unwrap().into(),
            start: vec![IdentityRow {
                place: CollectionName::new("shop", "customer"),
                key: RowKey(vec![KeyValue::Int(id)]),
            }],
            proven: Vec::new(),
            only: None,
            after: None,
            page: 20,
            count_up_to: 100,
        };
        let mut session = connector.open().await.unwrap();
        let mut recording = Recording {
            session: &mut session,
            ran: Vec::new(),
        };
        let reading = read::read(&mut recording, &plan, &request).await.unwrap();
        (recording.ran, reading)
    }

    async fn a_shop() -> (tempfile::TempDir, SqliteConnector) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let mut writer = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        sqlx::raw_sql(TABLES).execute(&mut writer).await.unwrap();
        let connector = SqliteConnector::new(SqliteSettings {
            path,
            max_connections: 1,
            timeout: Duration::from_secs(20),
        });
        (folder, connector)
    }

    #[tokio::test]
    async fn a_page_of_thousands_takes_the_statements_of_a_page_of_three_and_the_counts() {
        let (_folder, connector) = a_shop().await;
        let (few, small) = run_for(&connector, 1, "few@example.com").await;
        let (many, large) = run_for(&connector, 2, "many@example.com").await;
        let rows = |reading: &Reading| {
            reading
                .collections
                .iter()
                .map(|c| c.rows.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(&small), [3, 1, 3, 3]);
        assert_eq!(rows(&large), [20, 1, 20, 20]);
        assert_eq!(
            few.len(),
            6,
            "one each for the start, four collections and the shared one"
        );
        assert_eq!(
            many.len(),
            few.len() + 3,
            "and one each for the three counts"
        );
    }

    #[tokio::test]
    async fn pages_are_found_and_sorted_by_index() {
        let (_folder, connector) = a_shop().await;
        let (ran, _) = run_for(&connector, 2, "many@example.com").await;
        let mut session = connector.open().await.unwrap();
        for sql in ran {
            let steps = ask(&mut session, &format!("EXPLAIN QUERY PLAN {sql}"), &[])
                .await
                .unwrap();
            for step in steps {
                let said = text(step.last()).unwrap();
                // What a subquery of a count yields is scanned; a table never is.
                assert!(!said.starts_with("SCAN t"), "{said} in {sql}");
                // Parts hang on something else than the line's own key, so they are sorted by theirs.
                if !sql.contains(r#""part" AS t0"#) {
                    assert!(!said.contains("TEMP B-TREE"), "{said} in {sql}");
                }
            }
        }
    }
}
