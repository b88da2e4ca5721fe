//! `SQLite`: a company's database in a file. Opened for reading only, never created.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use fairhold_domain::{
    catalog::Dataset,
    email::EmailAddress,
    schema::{LiveColumn, LiveForeignKey, LiveSchema, LiveTable},
};
use sqlx::{
    AssertSqlSafe, Row as _, Sqlite, SqlitePool, TypeInfo as _, ValueRef as _,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow, SqliteValueRef},
};

use crate::{
    ConnectError, Connector, Found, Plan, ReadRequest, Reading,
    read::{self, RawRow, Session},
    sql::{Dialect, Family, Sql, Statement},
    value::{Cell, KeyValue, MAX_CELL_BYTES},
};

/// Where the database is and how much of it we take.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file. It is opened for reading only and never created.
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
    timeout: Duration,
}

impl SqliteConnector {
    /// Prepares the pool. Opens nothing yet: a file that is missing now may be there when it is read.
    pub fn new(settings: SqliteSettings) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(settings.path)
            .read_only(true)
            .create_if_missing(false)
            // A writer may hold the file for a moment; our own time-out ends before this wait counts as hanging.
            .busy_timeout(settings.timeout / 2)
            .pragma("query_only", "ON")
            // Views come with the file: they may not call what could do more than read.
            .pragma("trusted_schema", "OFF");
        let pool = SqlitePoolOptions::new()
            .max_connections(settings.max_connections.max(1))
            .acquire_timeout(settings.timeout)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Self {
            pool,
            timeout: settings.timeout,
        }
    }

    async fn open(&self) -> Result<SqliteSession, ConnectError> {
        let mut connection = self.pool.acquire().await.map_err(|e| closed(&e))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        connection
            .lock_handle()
            .await
            .map_err(|e| closed(&e))?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || {
                !stopped.load(Ordering::Relaxed)
            });
        let mut session = SqliteSession {
            connection,
            stop,
            ended: false,
        };
        session.run("BEGIN").await?;
        Ok(session)
    }

    /// No call outlasts the time-out: dropping its session stops the statement.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, ConnectError>> + Send,
    ) -> Result<T, ConnectError> {
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or(Err(ConnectError::TooSlow))
    }
}

#[async_trait]
impl Connector for SqliteConnector {
    async fn describe(&self) -> Result<LiveSchema, ConnectError> {
        self.in_time(async {
            let mut session = self.open().await?;
            let schema = describe(&mut session).await?;
            session.end().await.map(|()| schema)
        })
        .await
    }

    fn plan(&self, datasets: &[Dataset], schema: &LiveSchema) -> Plan {
        Plan::new(datasets, schema, Box::new(SqliteDialect))
    }

    async fn find(&self, plan: &Plan, address: &EmailAddress) -> Result<Vec<Found>, ConnectError> {
        self.in_time(async {
            let mut session = self.open().await?;
            let found = read::find(&mut session, plan, address).await?;
            session.end().await.map(|()| found)
        })
        .await
    }

    async fn read(&self, plan: &Plan, request: &ReadRequest) -> Result<Reading, ConnectError> {
        self.in_time(async {
            let mut session = self.open().await?;
            let reading = read::read(&mut session, plan, request).await?;
            session.end().await.map(|()| reading)
        })
        .await
    }

    async fn ping(&self) -> Result<(), ConnectError> {
        // The first page of the file is read, so what is no database shows itself.
        let ask = || Statement {
            sql: "SELECT count(*) FROM sqlite_schema".to_owned(),
            binds: Vec::new(),
            values: 1,
        };
        self.in_time(async {
            let mut session = self.open().await?;
            session.rows(ask()).await?;
            session.end().await
        })
        .await
    }
}

/// How many steps of its machine `SQLite` takes between two looks at whether to stop: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;

/// One read transaction: all its statements see the same moment.
#[derive(Debug)]
struct SqliteSession {
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

    /// Ends the transaction and gives the connection back.
    async fn end(mut self) -> Result<(), ConnectError> {
        self.run("COMMIT").await?;
        self.ended = true;
        Ok(())
    }
}

/// Nobody waits any more: by the time-out, because the caller left, or after an error. Whatever statement still runs is
/// stopped, and the connection, whose state nobody knows, is not used again.
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
        rows.iter().map(|row| raw(row, values)).collect()
    }
}

fn raw(row: &SqliteRow, values: usize) -> Result<RawRow, ConnectError> {
    let at = |index: usize| row.try_get_raw(index).map_err(|_| ConnectError::Damaged);
    let values = values.min(row.len());
    Ok(RawRow {
        values: (0..values)
            .map(|i| at(i).map(key_value))
            .collect::<Result<_, _>>()?,
        cells: (values..row.len())
            .map(|i| at(i).map(cell))
            .collect::<Result<_, _>>()?,
    })
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
    let Some((note, start)) = text.split_once(':') else {
        return Cell::Unreadable;
    };
    match (note.split_at_checked(1), start) {
        (Some(("b", bytes)), _) => bytes
            .parse()
            .map_or(Cell::Unreadable, |bytes| Cell::Binary { bytes }),
        (Some(("t", bytes)), start) => {
            bytes
                .parse()
                .map_or(Cell::Unreadable, |bytes| Cell::TooLong {
                    start: start.to_owned(),
                    bytes,
                })
        }
        _ => Cell::Unreadable,
    }
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

/// `SQLite`'s own ways.
#[derive(Debug)]
struct SqliteDialect;

/// Beyond this many bytes not even the beginning of a value is read.
const MAX_LOOKED_AT: u64 = 1024 * 1024;

impl Dialect for SqliteDialect {
    fn placeholder(&self, number: usize) -> String {
        format!("?{number}")
    }

    /// Column affinity: <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
    fn family(&self, sql_type: &str) -> Family {
        let upper = sql_type.to_ascii_uppercase();
        let has = |part: &str| upper.contains(part);
        if has("INT") {
            Family::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Family::Text
        } else if has("BLOB") || upper.is_empty() {
            Family::Other
        } else {
            Family::Number
        }
    }

    /// `SQLite` types values, not columns, so the expression looks at the value. Lengths come from the row's header; a
    /// large value itself stays where it is.
    fn cell(&self, column: &str, _: &str) -> String {
        format!(
            "CASE WHEN typeof({column}) = 'blob' THEN CAST('b' || octet_length({column}) || ':' AS BLOB) \
             WHEN octet_length({column}) > {MAX_CELL_BYTES} THEN CAST('t' || octet_length({column}) || ':' || \
             CASE WHEN octet_length({column}) > {MAX_LOOKED_AT} THEN '' ELSE substr({column}, 1, 1000) END AS BLOB) \
             ELSE CAST({column} AS TEXT) END"
        )
    }

    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS TEXT)")
    }

    fn beginning(&self, expression: &str, characters: u32) -> String {
        format!(
            "CASE WHEN typeof({expression}) = 'blob' THEN hex(substr({expression}, 1, {characters})) \
             ELSE substr(CAST({expression} AS TEXT), 1, {characters}) END"
        )
    }

    fn exact(&self, expression: &str) -> String {
        format!("{expression} COLLATE BINARY")
    }

    fn ascending(&self, expression: &str) -> String {
        format!("{expression} ASC")
    }

    fn descending(&self, expression: &str) -> String {
        format!("{expression} DESC")
    }

    /// A table without a primary key always has a row id (<https://www.sqlite.org/rowidtable.html>), under whichever of
    /// its names no column has taken.
    fn row_id(&self, table: &LiveTable) -> Option<&'static str> {
        if table.is_view || !table.primary_key.is_empty() {
            return None;
        }
        ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| table.column(name).is_none())
    }

    /// LIKE knows no case in ASCII. Any other letter may be stored in either case, composed or not, and white space may
    /// stand around: `%` lets that through, and the comparison in Rust decides.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &str, address: &str) {
        let mut pattern = String::from("%");
        for c in address.chars() {
            match c {
                '%' | '_' | '\\' => pattern.extend(['\\', c]),
                c if c.is_ascii() => pattern.push(c),
                _ => pattern.push('%'),
            }
        }
        pattern.push('%');
        sql.push(expression)
            .push(" LIKE ")
            .bind(KeyValue::Text(pattern))
            .push(" ESCAPE '\\'");
    }
}

/// What the file has, by `SQLite`'s table-valued pragmas (<https://www.sqlite.org/pragma.html#pragfunc>).
async fn describe(session: &mut SqliteSession) -> Result<LiveSchema, ConnectError> {
    let named = "SELECT name, type = 'view' FROM pragma_table_list \
                 WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY name";
    let mut schema = LiveSchema::default();
    for row in ask(session, named, &[]).await? {
        let [KeyValue::Text(name), KeyValue::Int(is_view)] = row.as_slice() else {
            continue;
        };
        let mut table = LiveTable {
            name: name.clone(),
            is_view: *is_view == 1,
            ..LiveTable::default()
        };
        match describe_table(session, &mut table).await {
            // A view over a table that is gone: it can't be read, and the rest can.
            Ok(()) | Err(ConnectError::Changed) => schema.tables.push(table),
            Err(error) => return Err(error),
        }
    }
    Ok(schema)
}

async fn describe_table(
    session: &mut SqliteSession,
    table: &mut LiveTable,
) -> Result<(), ConnectError> {
    let name = KeyValue::Text(table.name.clone());
    // `hidden`: 1 is a virtual table's own parameter, 2 and 3 are generated columns.
    let columns = "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in ask(session, columns, std::slice::from_ref(&name)).await? {
        let [
            KeyValue::Text(column),
            sql_type,
            KeyValue::Int(not_null),
            KeyValue::Int(pk),
            KeyValue::Int(hidden),
        ] = row.as_slice()
        else {
            continue;
        };
        if *pk > 0 {
            key.push((*pk, column.clone()));
        }
        let sql_type = if let KeyValue::Text(sql_type) = sql_type {
            sql_type.clone()
        } else {
            String::new()
        };
        table.columns.push(LiveColumn {
            name: column.clone(),
            sql_type,
            nullable: *not_null == 0,
            generated: *hidden > 1,
        });
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, column)| column).collect();
    // A single INTEGER key is the row id itself and is never null.
    if let [only] = table.primary_key.as_slice()
        && let Some(column) = table
            .columns
            .iter_mut()
            .find(|c| c.name == *only && c.sql_type.eq_ignore_ascii_case("INTEGER"))
    {
        column.nullable = false;
    }
    if table.is_view {
        return Ok(());
    }
    let unique = "SELECT l.seq, i.name FROM pragma_index_list(?1) AS l JOIN pragma_index_info(l.name) AS i \
                  WHERE l.\"unique\" = 1 AND l.origin <> 'pk' AND l.partial = 0 ORDER BY l.seq, i.seqno";
    for (_, columns) in grouped(ask(session, unique, std::slice::from_ref(&name)).await?) {
        // An index on an expression has no column name.
        if let Some(columns) = columns.into_iter().map(|row| text(row.first())).collect() {
            table.unique.push(columns);
        }
    }
    let foreign =
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    for (_, rows) in grouped(ask(session, foreign, std::slice::from_ref(&name)).await?) {
        let Some(to) = rows.first().and_then(|row| text(row.first())) else {
            continue;
        };
        let columns = rows.iter().filter_map(|row| text(row.get(1))).collect();
        // Without named columns the other table's primary key is meant; it stays empty here.
        let references = rows.iter().filter_map(|row| text(row.get(2))).collect();
        table.foreign_keys.push(LiveForeignKey {
            columns,
            table: to,
            references,
        });
    }
    Ok(())
}

fn text(value: Option<&KeyValue>) -> Option<String> {
    if let Some(KeyValue::Text(text)) = value {
        Some(text.clone())
    } else {
        None
    }
}

/// Rows that follow each other with the same first value, without it.
fn grouped(rows: Vec<Vec<KeyValue>>) -> Vec<(KeyValue, Vec<Vec<KeyValue>>)> {
    let mut groups: Vec<(KeyValue, Vec<Vec<KeyValue>>)> = Vec::new();
    for mut row in rows {
        let rest = row.split_off(1.min(row.len()));
        let Some(id) = row.pop() else { continue };
        match groups.last_mut() {
            Some((last, group)) if *last == id => group.push(rest),
            _ => groups.push((id, vec![rest])),
        }
    }
    groups
}

async fn ask(
    session: &mut SqliteSession,
    sql: &str,
    binds: &[KeyValue],
) -> Result<Vec<Vec<KeyValue>>, ConnectError> {
    let statement = Statement {
        sql: sql.to_owned(),
        binds: binds.to_vec(),
        values: usize::MAX,
    };
    Ok(session
        .rows(statement)
        .await?
        .into_iter()
        .map(|row| row.values)
        .collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use fairhold_domain::catalog::{
        Collection, ColumnRef, CompositeReference, Direction, Field, Place, Reference,
    };
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::{
        ReadRequest, RowKey,
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
            address: EmailAddress::parse(email).unwrap(),
            start: vec![IdentityRow {
                place: CollectionName::new("shop", "customer"),
                key: RowKey(vec![KeyValue::Int(id)]),
            }],
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
