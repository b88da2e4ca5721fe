//! What repeats: checkpoints of the looks, and sweeping what has ended.

use fairhold_store::{
    StoreError, accounts, contact_points, idempotency_keys, jobs, known_devices, log_in_tries,
    outbox, pending_joins, sessions, staff, webhook_deliveries,
};

use super::{Done, JobError};
use crate::Portal;
use crate::alerts::NOT_ME_SECONDS;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Copies the heads of the chains of looks into the key store.
pub(crate) struct Checkpoint;

impl Checkpoint {
    pub const NAME: &'static str = "checkpoint_looks";

    pub async fn run(portal: &Portal) -> Result<Done, JobError> {
        portal.checkpoint_looks().await?;
        Ok(Done::Again(30))
    }
}

/// Removes what has ended: sessions, links, old mail, requests and jobs that came to nothing, counters that have faded,
/// answers to other systems, sign-ups that nobody finished, copies of data whose time is over, and keys that sealed nothing.
pub(crate) struct Sweep;

impl Sweep {
    pub const NAME: &'static str = "sweep";

    pub async fn run(portal: &Portal) -> Result<Done, JobError> {
        let now = portal.now();
        portal
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // Idle sessions are refused when they are used; a day later they are gone.
                    sessions::sweep(tx, now, now.plus_seconds(-DAY)).await?;
                    staff::sweep(tx, now, now.plus_seconds(-DAY)).await?;
                    accounts::sweep_links(tx, now.plus_seconds(-DAY)).await?;
                    let former = now.plus_seconds(-NOT_ME_SECONDS);
                    contact_points::sweep(tx, now.plus_seconds(-DAY), former).await?;
                    accounts::sweep_requests(tx, now.plus_seconds(-DAY)).await?;
                    pending_joins::sweep(tx, now.plus_seconds(-DAY)).await?;
                    log_in_tries::sweep(tx, now).await?;
                    idempotency_keys::sweep(tx, now).await?;
                    known_devices::sweep(tx, now.plus_seconds(-400 * DAY)).await?;
                    outbox::sweep(tx, now.plus_seconds(-30 * DAY)).await?;
                    webhook_deliveries::sweep(tx, now.plus_seconds(-30 * DAY)).await?;
                    jobs::sweep_dead(tx, now.plus_seconds(-30 * DAY)).await?;
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        portal.expire_grants().await?;
        let current = portal.company().current();
        for programme in &current.catalog.company.programmes {
            portal.expire_points(programme).await?;
        }
        portal.sweep_copies().await?;
        portal.sweep_never_proven(now.plus_seconds(-DAY)).await?;
        portal.sweep_idle_keys(now.plus_seconds(-DAY)).await?;
        Ok(Done::Again(HOUR))
    }
}
