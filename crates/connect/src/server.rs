//! Databases on a server: where they are, and how the line to them is protected.

use std::{fmt, path::PathBuf, time::Duration};

use sqlx::pool::{Pool, PoolConnection, PoolOptions};
use tokio::net::{TcpStream, UnixStream};

use crate::ConnectError;

/// A database server and how much of it we take.
#[derive(Clone)]
pub struct ServerSettings {
    /// `postgres://user:password@host/database` or `mysql://user:password@host/database`.
    pub url: String,
    /// How the line is protected. Without it: [`Tls::Verified`], and on this machine as the server likes.
    pub tls: Option<Tls>,
    /// A file with the certificate of whoever signed the server's, where that is nobody whom everybody knows.
    pub ca_file: Option<PathBuf>,
    /// At most this many connections at once; at least 1.
    pub max_connections: u32,
    /// The longest that one call may take; then its statement is stopped.
    pub timeout: Duration,
}

/// How the line to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, and the server proves with its certificate that it is the one of that name.
    Verified,
    /// Encrypted; the server may be anybody.
    Encrypted,
    /// Not at all: who listens on the way reads everything.
    Off,
}

/// Why a server's settings can't be used. No part of the address is in it: that holds a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address has a wrong form.
    #[error("its address has a wrong form. Write it like {0}://user:password@host/database")]
    Address(&'static str),
    /// No database is named.
    #[error("its address names no database. Write it like {0}://user:password@host/database")]
    NoDatabase(&'static str),
    /// The address itself says how the line is protected.
    #[error(
        "its address says how the line is protected. Take that out, and set `tls` beside it in place of that"
    )]
    TlsInAddress,
    /// The certificate file can't be read.
    #[error("its `ca_file` can't be read")]
    CaFile,
}

impl fmt::Debug for ServerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSettings")
            .field("tls", &self.tls)
            .field("max_connections", &self.max_connections)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ServerSettings {
    /// Refuses what a pool could not be made from.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        if query.to_ascii_lowercase().contains("ssl") {
            return Err(SettingsError::TlsInAddress);
        }
        match &self.ca_file {
            Some(file) if std::fs::File::open(file).is_err() => Err(SettingsError::CaFile),
            _ => Ok(()),
        }
    }

    /// A pool of as many connections as are allowed. None is opened before it is needed, nor asked whether it is alive:
    /// the first statement on it shows that.
    pub(crate) fn pool<DB: sqlx::Database>(&self) -> PoolOptions<DB> {
        PoolOptions::new()
            .max_connections(self.max_connections.max(1))
            .acquire_timeout(self.timeout)
            .test_before_acquire(false)
    }
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    Port(String, u16),
    Socket(PathBuf),
}

impl Door {
    /// Whether anybody listens there. A pool would ask a closed door again and again until its time is up, and the page
    /// would wait for it; so it is asked only where somebody is.
    async fn knock(&self) -> Result<(), ConnectError> {
        let answer = match self {
            Self::Port(host, port) => TcpStream::connect((host.as_str(), *port)).await.map(drop),
            Self::Socket(path) => UnixStream::connect(path).await.map(drop),
        };
        answer.map_err(|_| ConnectError::Down)
    }
}

/// A connection of the pool: one that is open, or a new one.
pub(crate) async fn acquire<DB: sqlx::Database>(
    pool: &Pool<DB>,
    door: &Door,
    closed: fn(&sqlx::Error) -> ConnectError,
) -> Result<PoolConnection<DB>, ConnectError> {
    if let Some(open) = pool.try_acquire() {
        return Ok(open);
    }
    if pool.size() < pool.options().get_max_connections() {
        door.knock().await?;
    }
    pool.acquire().await.map_err(|e| closed(&e))
}

/// Whether a server of that name is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.starts_with('/')
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// What went wrong where no statement was to blame.
pub(crate) fn closed_line(error: &sqlx::Error) -> ConnectError {
    match error {
        sqlx::Error::PoolTimedOut => ConnectError::TooSlow,
        _ => ConnectError::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for here in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "/run/postgresql",
        ] {
            assert!(is_here(here), "{here}");
        }
        for there in ["db", "localhost.example.com", "10.0.0.1", "0.0.0.0", ""] {
            assert!(!is_here(there), "{there}");
        }
    }

    #[test]
    fn nothing_of_the_address_is_in_debug_output() {
        let settings = ServerSettings {
            url: "postgres://portal:hunter2@db/shop".to_owned(),
            tls: None,
            ca_file: None,
            max_connections: 1,
            timeout: Duration::from_secs(1),
        };
        let shown = format!("{settings:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("portal"),
            "{shown}"
        );
    }
}
