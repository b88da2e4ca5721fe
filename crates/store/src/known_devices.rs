//! Devices that a customer logged in with before, by the hash of a random token in the device's cookie.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};

/// So many devices of a customer are remembered; the one used longest ago is forgotten first.
const MOST: i64 = 20;

/// Notes a log-in with a device; answers whether the customer logged in with it before.
pub async fn note(
    tx: &mut Tx,
    customer: CustomerId,
    device_hash: &str,
    now: Moment,
) -> Result<bool> {
    let sql =
        "UPDATE known_devices SET last_seen_at = $3 WHERE customer_id = $1 AND device_hash = $2";
    let args = || [customer.into(), device_hash.into(), now.into()];
    if tx.execute(sql, args()).await? > 0 {
        return Ok(true);
    }
    let sql =
        "INSERT INTO known_devices (customer_id, device_hash, last_seen_at) VALUES ($1, $2, $3)";
    tx.execute(sql, args()).await?;
    let sql = "DELETE FROM known_devices WHERE customer_id = $1 AND device_hash NOT IN \
               (SELECT device_hash FROM known_devices WHERE customer_id = $1 \
               ORDER BY last_seen_at DESC, device_hash LIMIT $2)";
    tx.execute(sql, [customer.into(), MOST.into()]).await?;
    Ok(false)
}

/// Whether the customer logged in with any device before.
pub async fn has_any(tx: &mut Tx, customer: CustomerId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM known_devices WHERE customer_id = $1";
    let (count,) = tx.one::<(i64,)>(sql, [customer.into()]).await?;
    Ok(count > 0)
}

/// Forgets all devices of a customer. That there were any is kept: the next one is a new one, and not the first.
pub async fn forget(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<()> {
    let sql = "DELETE FROM known_devices WHERE customer_id = $1";
    tx.execute(sql, [customer.into()]).await?;
    note(tx, customer, "forgotten", now).await.map(|_| ())
}

/// Removes devices that nobody logged in with since `before`.
pub async fn sweep(tx: &mut Tx, before: Moment) -> Result<u64> {
    let sql = "DELETE FROM known_devices WHERE last_seen_at < $1";
    tx.execute(sql, [before.into()]).await
}
