//! PostgreSQL: a company's database on a server. Every statement runs in a transaction that can only read, and stops by a
//! time-out of the database's own.
//!
//! Here are the connections and what comes back over them; `dialect` says how its SQL is written, `describe` what the
//! database has.

mod describe;
mod dialect;

use std::time::Duration;

use async_trait::async_trait;
use fairhold_domain::schema::LiveSchema;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgPool, Postgres, Row as _, TypeInfo as _, ValueRef as _,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgRow, PgSslMode, PgValueRef},
};

use self::{describe::describe, dialect::PostgresDialect};
use crate::{
    ConnectError,
    engine::{Engine, LONGER, raw_rows},
    read::{RawRow, Session},
    server::{Door, ServerSettings, SettingsError, Tls, acquire, closed_line, is_here},
    sql::{Dialect, Statement},
    value::{Cell, KeyValue},
};

/// A company's PostgreSQL database.
#[derive(Debug)]
pub struct PostgresConnector {
    pool: PgPool,
    door: Door,
    begin: String,
    begin_to_erase: String,
    names_statements: bool,
    timeout: Duration,
}

impl PostgresConnector {
    /// Prepares the pool. Opens nothing yet: a server that is down now may be up when it is read.
    ///
    /// # Errors
    /// When the settings can't be right.
    pub fn new(settings: &ServerSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let options = options(settings)?;
        let door = match options.get_socket() {
            Some(folder) => Door::Socket(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Door::Port(
                options.get_host().trim_matches(['[', ']']).to_owned(),
                options.get_port(),
            ),
        };
        Ok(Self {
            names_statements: names_statements(&options),
            pool: settings.pool().connect_lazy_with(options),
            door,
            begin: begin("READ ONLY", settings.timeout),
            begin_to_erase: begin("READ WRITE", settings.timeout * LONGER),
            timeout: settings.timeout,
        })
    }

    async fn begin(&self, begin: &str) -> Result<PostgresSession, ConnectError> {
        let connection = acquire(&self.pool, &self.door, closed).await?;
        let mut session = PostgresSession {
            connection,
            begin: begin.to_owned(),
            names_statements: self.names_statements,
            failed: false,
            ended: false,
        };
        session.run(begin.to_owned()).await?;
        Ok(session)
    }
}

impl PostgresConnector {
    /// A connection that was left over from before the server went down fails at once, and the next one may be new.
    async fn open_with(&self, begin: &str) -> Result<PostgresSession, ConnectError> {
        for _ in 0..self.pool.size() {
            match self.begin(begin).await {
                Err(ConnectError::Down) => {}
                answer => return answer,
            }
        }
        self.begin(begin).await
    }
}

/// Whether the server is to remember statements, so that it plans each but once. Behind a pooler that gives every transaction
/// another connection, a name may be another client's statement on the server that answers: whoever has such a one says
/// `?statement-cache-capacity=0` in the address.
fn names_statements(options: &PgConnectOptions) -> bool {
    let url = options.to_url_lossy();
    let mut settings = url.query_pairs();
    !settings.any(|(name, value)| name == "statement-cache-capacity" && value == "0")
}

fn options(settings: &ServerSettings) -> Result<PgConnectOptions, SettingsError> {
    const SCHEME: &str = "postgres";
    let is_postgres =
        settings.url.starts_with("postgres://") || settings.url.starts_with("postgresql://");
    let options = Some(&settings.url).filter(|_| is_postgres);
    let options: Option<PgConnectOptions> = options.and_then(|url| url.parse().ok());
    let options = options.ok_or(SettingsError::Address(SCHEME))?;
    if options.get_database().is_none() {
        return Err(SettingsError::NoDatabase(SCHEME));
    }
    let is_here = options.get_socket().is_some() || is_here(options.get_host());
    let mode = match settings.tls {
        Some(Tls::Encrypted) => PgSslMode::Require,
        Some(Tls::Off) => PgSslMode::Disable,
        None if is_here => PgSslMode::Prefer,
        Some(Tls::Verified) | None => PgSslMode::VerifyFull,
    };
    let options = options
        .ssl_mode(mode)
        .application_name("fairhold")
        // What is logged is ours to say.
        .disable_statement_logging();
    Ok(match &settings.ca_file {
        Some(file) => options.ssl_root_cert(file),
        None => options,
    })
}

/// How a transaction begins. All is said anew each time, and for this transaction alone, so that a pooler in between does not
/// matter. A database without an encoding may hold bytes that are no letters: it gives them as they are, and we look.
fn begin(may: &str, timeout: Duration) -> String {
    let milliseconds = timeout.as_millis().max(1);
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ {may}; \
         SET LOCAL statement_timeout = {milliseconds}; \
         SET LOCAL idle_in_transaction_session_timeout = {milliseconds}; \
         SET LOCAL IntervalStyle = postgres; SET LOCAL DateStyle = ISO; SET LOCAL TimeZone = 'UTC'; \
         SET LOCAL bytea_output = hex; SET LOCAL standard_conforming_strings = on; SET LOCAL client_min_messages = error; \
         SELECT set_config('client_encoding', \
         CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, true)"
    )
}

#[async_trait]
impl Engine for PostgresConnector {
    type Session = PostgresSession;

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(PostgresDialect)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open(&self) -> Result<PostgresSession, ConnectError> {
        self.open_with(&self.begin).await
    }

    async fn open_to_erase(&self) -> Result<PostgresSession, ConnectError> {
        self.open_with(&self.begin_to_erase).await
    }

    /// Old versions of rows stay in the files until they are cleaned up, which the server does by itself some time.
    async fn scrub(&self, tables: &[&str], _: bool) {
        let Ok(mut connection) = acquire(&self.pool, &self.door, closed).await else {
            tracing::warn!("a system's tables could not be cleaned up after an erasure");
            return;
        };
        // It carries settings that no other may have, and may be given up in the middle.
        connection.close_on_drop();
        let most = (self.timeout * LONGER).as_millis().max(1);
        let bound = format!("SET statement_timeout = {most}; SET client_min_messages = error");
        let bound = sqlx::raw_sql(AssertSqlSafe(bound));
        if bound.execute(&mut *connection).await.is_err() {
            return;
        }
        for table in tables {
            let vacuum = sqlx::raw_sql(AssertSqlSafe(format!("VACUUM {table}")));
            if vacuum.execute(&mut *connection).await.is_err() {
                tracing::warn!("a system's table could not be cleaned up after an erasure");
            }
        }
    }

    async fn look_around(session: &mut PostgresSession) -> Result<LiveSchema, ConnectError> {
        describe(session).await
    }
}

/// One read transaction: all its statements see the same moment.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    connection: PoolConnection<Postgres>,
    begin: String,
    names_statements: bool,
    failed: bool,
    ended: bool,
}

impl PostgresSession {
    async fn run(&mut self, sql: String) -> Result<(), ConnectError> {
        // Ours, without a value in it.
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *self.connection)
            .await
            .map(|_| ())
            .map_err(|e| closed(&e))
    }
}

/// Nobody waits any more: by the time-out, because the caller left, or after an error. The database stops what still runs by
/// its own time-out.
impl Drop for PostgresSession {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError> {
        // After an error PostgreSQL takes nothing more in a transaction: what follows sees a later moment.
        if self.failed {
            self.run(format!("ROLLBACK; {}", self.begin)).await?;
            self.failed = false;
        }
        let values = statement.values;
        // `sql` put it together: identifiers quoted, values bound.
        let mut query = sqlx::query(AssertSqlSafe(statement.sql)).persistent(self.names_statements);
        for bind in statement.binds {
            query = query.bind(bind.into_text());
        }
        let rows = query.fetch_all(&mut *self.connection).await.map_err(|e| {
            self.failed = true;
            closed(&e)
        })?;
        raw_rows(
            &rows,
            values,
            PgRow::len,
            |row, i| at(row, i).map(key_value),
            |row, i| at(row, i).map(cell),
        )
    }

    async fn end(mut self) -> Result<(), ConnectError> {
        self.run("COMMIT".to_owned()).await?;
        self.ended = true;
        Ok(())
    }
}

fn at(row: &PgRow, index: usize) -> Result<PgValueRef<'_>, ConnectError> {
    row.try_get_raw(index).map_err(|_| ConnectError::Damaged)
}

/// Statements yield text, and whole numbers where they count.
fn key_value(value: PgValueRef<'_>) -> KeyValue {
    if value.is_null() {
        return KeyValue::Null;
    }
    if value.type_info().name() == "INT8" {
        return <i64 as sqlx::Decode<Postgres>>::decode(value)
            .map_or(KeyValue::Null, KeyValue::Int);
    }
    match value.as_bytes() {
        Ok(bytes) => KeyValue::of_bytes(bytes),
        Err(_) => KeyValue::Null,
    }
}

/// Reads what [`PostgresDialect::cell`] wrote.
fn cell(value: PgValueRef<'_>) -> Cell {
    if value.is_null() {
        return Cell::Empty;
    }
    let text = value
        .as_bytes()
        .ok()
        .and_then(|b| std::str::from_utf8(b).ok());
    text.map_or(Cell::Unreadable, Cell::noted)
}

/// The closed set out of PostgreSQL's error codes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). The
/// message may hold a value, so it goes nowhere.
fn closed(error: &sqlx::Error) -> ConnectError {
    let sqlx::Error::Database(database) = error else {
        return closed_line(error);
    };
    let code = database.code().unwrap_or_default().into_owned();
    match (code.as_str(), code.get(..2).unwrap_or_default()) {
        // Insufficient privilege, a server or a user that may only read, and log-ins that are refused.
        ("42501" | "25006" | "0A000", _) | (_, "28") => ConnectError::Refused,
        // A constraint, or what a trigger raises.
        (_, "23" | "P0") => ConnectError::Bound,
        // Our statements are fixed, so what they name is gone, or has another type now.
        (_, "42" | "22") => ConnectError::Changed,
        // A statement was stopped, a lock was not to be had, there are no more connections, or of two changes at once this one
        // comes later.
        ("57014" | "55P03" | "53300" | "25P03", _) | (_, "40") => ConnectError::TooSlow,
        (_, "XX") => ConnectError::Damaged,
        // The line, the server's means, an operator who shuts it down, the machine below it.
        (_, "08" | "53" | "57" | "58") => ConnectError::Down,
        _ => {
            tracing::warn!(code, "PostgreSQL answered with an error");
            ConnectError::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use super::*;

    #[test]
    fn statements_have_no_names_where_the_address_says_so() {
        for (settings, named) in [
            ("", true),
            ("?statement-cache-capacity=20", true),
            ("?statement-cache-capacity=0", false),
        ] {
            let url = format!("postgres://user@db.example.com/shop{settings}");
            let options = url.parse().unwrap();
            assert_eq!(names_statements(&options), named, "{settings}");
        }
    }
}
