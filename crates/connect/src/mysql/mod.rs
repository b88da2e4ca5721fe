//! MySQL and MariaDB: a company's database on a server. Every statement runs in a transaction that can only read, and stops
//! by a time-out of the database's own.
//!
//! Here are the connections and what comes back over them; `dialect` says how its SQL is written, `describe` what the
//! database has.

mod describe;
mod dialect;

use std::time::Duration;

use async_trait::async_trait;
use fairhold_domain::schema::LiveSchema;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, MySql, MySqlConnection, MySqlPool, Row as _, TypeInfo as _,
    ValueRef as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode, MySqlValueRef},
    pool::PoolConnection,
};

use self::{describe::describe, dialect::MySqlDialect};
use crate::{
    ConnectError,
    engine::{Engine, raw_rows},
    read::{RawRow, Session},
    server::{Door, ServerSettings, SettingsError, Tls, acquire, closed_line, is_here},
    sql::{Dialect, Statement},
    value::{Cell, KeyValue},
};

/// A company's MySQL or MariaDB database.
#[derive(Debug)]
pub struct MySqlConnector {
    pool: MySqlPool,
    door: Door,
    timeout: Duration,
}

impl MySqlConnector {
    /// Prepares the pool. Opens nothing yet: a server that is down now may be up when it is read.
    ///
    /// # Errors
    /// When the settings can't be right.
    pub fn new(settings: &ServerSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let options = options(settings)?;
        let door = match options.get_socket() {
            Some(socket) => Door::Socket(socket.clone()),
            None => Door::Port(
                options.get_host().trim_matches(['[', ']']).to_owned(),
                options.get_port(),
            ),
        };
        let timeout = settings.timeout;
        let pool = settings
            .pool()
            .after_connect(move |connection, _| Box::pin(bound(connection, timeout)))
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            door,
            timeout,
        })
    }

    async fn begin(&self, begin: &'static str) -> Result<MySqlSession, ConnectError> {
        let connection = acquire(&self.pool, &self.door, closed).await?;
        let mut session = MySqlSession {
            connection,
            ended: false,
        };
        session.run(begin).await?;
        Ok(session)
    }
}

impl MySqlConnector {
    /// A connection that was left over from before the server went down fails at once, and the next one may be new.
    async fn open_with(&self, begin: &'static str) -> Result<MySqlSession, ConnectError> {
        for _ in 0..self.pool.size() {
            match self.begin(begin).await {
                Err(ConnectError::Down) => {}
                answer => return answer,
            }
        }
        self.begin(begin).await
    }
}

/// A transaction that can only read, and whose statements all see the same moment.
const BEGIN: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// A transaction of an erasure.
const BEGIN_TO_ERASE: &str =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ WRITE";

fn options(settings: &ServerSettings) -> Result<MySqlConnectOptions, SettingsError> {
    const SCHEME: &str = "mysql";
    // MariaDB's own clients write its name.
    let url = settings.url.replacen("mariadb://", "mysql://", 1);
    let options = Some(&url).filter(|url| url.starts_with("mysql://"));
    let options: Option<MySqlConnectOptions> = options.and_then(|url| url.parse().ok());
    let options = options.ok_or(SettingsError::Address(SCHEME))?;
    if options.get_database().is_none() {
        return Err(SettingsError::NoDatabase(SCHEME));
    }
    let is_here = options.get_socket().is_some() || is_here(options.get_host());
    let mode = match settings.tls {
        Some(Tls::Encrypted) => MySqlSslMode::Required,
        Some(Tls::Off) => MySqlSslMode::Disabled,
        None if is_here => MySqlSslMode::Preferred,
        Some(Tls::Verified) | None => MySqlSslMode::VerifyIdentity,
    };
    let options = options
        .ssl_mode(mode)
        .charset("utf8mb4")
        .timezone(Some("+00:00".to_owned()))
        // What is logged is ours to say.
        .disable_statement_logging();
    Ok(match &settings.ca_file {
        Some(file) => options.ssl_ca(file),
        None => options,
    })
}

/// Dates that are none, such as `0000-00-00`, are in many tables: where they are compared they must be what they are.
const SQL_MODE: &str = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'";

/// Has the server stop a statement that takes too long: MariaDB counts seconds, MySQL milliseconds under another name.
async fn bound(connection: &mut MySqlConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SQL_MODE).execute(&mut *connection).await?;
    let mariadb = format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64());
    let mysql = format!(
        "SET SESSION max_execution_time = {}",
        timeout.as_millis().max(1)
    );
    match sqlx::raw_sql(AssertSqlSafe(mariadb))
        .execute(&mut *connection)
        .await
    {
        Err(sqlx::Error::Database(_)) => sqlx::raw_sql(AssertSqlSafe(mysql))
            .execute(connection)
            .await
            .map(|_| ()),
        answer => answer.map(|_| ()),
    }
}

#[async_trait]
impl Engine for MySqlConnector {
    type Session = MySqlSession;

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(MySqlDialect)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open(&self) -> Result<MySqlSession, ConnectError> {
        self.open_with(BEGIN).await
    }

    async fn open_to_erase(&self) -> Result<MySqlSession, ConnectError> {
        self.open_with(BEGIN_TO_ERASE).await
    }

    /// The server cleans up behind itself, and takes no order to.
    async fn scrub(&self, _: &[&str], _: bool) {}

    async fn look_around(session: &mut MySqlSession) -> Result<LiveSchema, ConnectError> {
        describe(session).await
    }
}

/// One read transaction: all its statements see the same moment.
#[derive(Debug)]
pub(crate) struct MySqlSession {
    connection: PoolConnection<MySql>,
    ended: bool,
}

impl MySqlSession {
    async fn run(&mut self, sql: &'static str) -> Result<(), ConnectError> {
        sqlx::raw_sql(sql)
            .execute(&mut *self.connection)
            .await
            .map(|_| ())
            .map_err(|e| closed(&e))
    }
}

/// Nobody waits any more: by the time-out, because the caller left, or after an error. The database stops what still runs by
/// its own time-out.
impl Drop for MySqlSession {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

#[async_trait]
impl Session for MySqlSession {
    async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError> {
        let values = statement.values;
        // `sql` put it together: identifiers quoted, values bound.
        let mut query = sqlx::query(AssertSqlSafe(statement.sql));
        for bind in statement.binds {
            query = query.bind(bind.into_text());
        }
        let rows = query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(|e| closed(&e))?;
        raw_rows(
            &rows,
            values,
            MySqlRow::len,
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

fn at(row: &MySqlRow, index: usize) -> Result<MySqlValueRef<'_>, ConnectError> {
    row.try_get_raw(index).map_err(|_| ConnectError::Damaged)
}

/// Statements yield text, and whole numbers where they count.
fn key_value(value: MySqlValueRef<'_>) -> KeyValue {
    if value.is_null() {
        return KeyValue::Null;
    }
    if value.type_info().name() == "BIGINT" {
        return <i64 as sqlx::Decode<MySql>>::decode(value).map_or(KeyValue::Null, KeyValue::Int);
    }
    bytes(value).map_or(KeyValue::Null, KeyValue::of_bytes)
}

/// Reads what [`MySqlDialect::cell`] wrote.
fn cell(value: MySqlValueRef<'_>) -> Cell {
    if value.is_null() {
        return Cell::Empty;
    }
    let text = bytes(value).and_then(|b| std::str::from_utf8(b).ok());
    text.map_or(Cell::Unreadable, Cell::noted)
}

fn bytes(value: MySqlValueRef<'_>) -> Option<&[u8]> {
    <&[u8] as sqlx::Decode<MySql>>::decode(value).ok()
}

/// The closed set out of the error numbers (<https://mariadb.com/kb/en/mariadb-error-codes/>; MySQL has the same up to
/// 1,900). The message may hold a value, so it goes nowhere.
fn closed(error: &sqlx::Error) -> ConnectError {
    let sqlx::Error::Database(database) = error else {
        return closed_line(error);
    };
    let number = database
        .try_downcast_ref::<MySqlDatabaseError>()
        .map_or(0, MySqlDatabaseError::number);
    match number {
        // No such column, table, view or function; types that do not go together.
        1054 | 1146 | 1305 | 1356 | 1267 | 1270 | 1271 => ConnectError::Changed,
        // Rules: keys, references, empty or too long values, checks, and what a trigger raises.
        1048 | 1062 | 1264 | 1364 | 1406 | 1451 | 1452 | 1644 | 3819 | 4025 => ConnectError::Bound,
        // Log-ins, databases, tables, columns that are refused; a server that may only be read.
        1044 | 1045 | 1142 | 1143 | 1227 | 1290 | 1698 | 1792 | 1836 | 3118 => {
            ConnectError::Refused
        }
        // A lock was not to be had, a statement was stopped, or there are no more connections.
        1205 | 1213 | 1317 | 1969 | 3024 | 1040 | 1203 | 1226 => ConnectError::TooSlow,
        // The server shuts down, or has no more memory.
        1037 | 1038 | 1053 | 1077 | 1079 | 1080 | 1927 | 4031 => ConnectError::Down,
        // Damaged tables.
        126 | 127 | 144 | 145 | 1034 | 1194 | 1195 => ConnectError::Damaged,
        number => {
            tracing::warn!(number, "the database answered with an error");
            ConnectError::Failed
        }
    }
}
