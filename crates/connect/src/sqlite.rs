//! `SQLite`.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use fairhold_domain::{catalog::Dataset, email::EmailAddress, schema::LiveSchema};

use crate::{ConnectError, Connector, Found, Plan, ReadRequest, Reading};

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
pub struct SqliteConnector {}

impl SqliteConnector {
    /// Prepares the pool. Opens nothing yet: a file that is missing now may be there when it is read.
    pub fn new(settings: SqliteSettings) -> Self {
        let _ = settings;
        Self {}
    }
}

#[async_trait]
impl Connector for SqliteConnector {
    async fn describe(&self) -> Result<LiveSchema, ConnectError> {
        Err(ConnectError::Down)
    }

    fn plan(&self, _: &[Dataset], _: &LiveSchema) -> Plan {
        Plan::default()
    }

    async fn find(&self, _: &Plan, _: &EmailAddress) -> Result<Vec<Found>, ConnectError> {
        Err(ConnectError::Down)
    }

    async fn read(&self, _: &Plan, _: &ReadRequest) -> Result<Reading, ConnectError> {
        Err(ConnectError::Down)
    }

    async fn ping(&self) -> Result<(), ConnectError> {
        Err(ConnectError::Down)
    }
}
