//! Values on their way into a statement.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite};

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
impl From<Option<Vec<u8>>> for Value {
    fn from(v: Option<Vec<u8>>) -> Self {
        Self::Bytes(v)
    }
}
impl From<fairhold_domain::ids::CustomerId> for Value {
    fn from(v: fairhold_domain::ids::CustomerId) -> Self {
        Self::Text(Some(v.to_string()))
    }
}
impl From<fairhold_domain::ids::StaffId> for Value {
    fn from(v: fairhold_domain::ids::StaffId) -> Self {
        Self::Text(Some(v.to_string()))
    }
}
impl From<fairhold_domain::time::Moment> for Value {
    fn from(v: fairhold_domain::time::Moment) -> Self {
        Self::Int(Some(v.0))
    }
}

pub(super) fn bind_sqlite(
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

pub(super) fn bind_postgres(
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
