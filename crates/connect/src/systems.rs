//! Several systems, read side by side: the page waits for the slowest, and never longer than its time-out.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use crate::{ConnectError, Connector, Plan, ReadRequest, Reading};

/// One system and what to read from it.
pub struct SystemRead {
    /// The system.
    pub connector: Arc<dyn Connector>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// What to read.
    pub request: ReadRequest,
}

/// Reads all systems at once; the answers stand in the order of the questions. One that is slow or down yields its
/// error, the others their rows.
pub async fn read_all(
    systems: &[SystemRead],
    timeout: Duration,
) -> Vec<Result<Reading, ConnectError>> {
    join_all(systems.iter().map(async |system| {
        tokio::time::timeout(
            timeout,
            system.connector.read(&system.plan, &system.request),
        )
        .await
        .unwrap_or(Err(ConnectError::TooSlow))
    }))
    .await
}
