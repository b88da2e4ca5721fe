//! The record of decisions: what the staff, other systems and the operator were allowed and refused (ASVS 5.0, 16.3.2
//! and 16.4.2). It is one more chain beside the customers' looks, with the same codes, seals and checkpoints, so
//! [`crate::looks::verify`] walks it with them.

use fairhold_domain::policy::Decision;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::looks;
use crate::seal::SecretKey;

/// What the chain is called where customers' chains have the customer's id.
pub const CHAIN: &str = "decisions";

/// A decision as it stands in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// What.
    pub decision: Decision,
}

/// Appends a decision. It is part of the transaction it is called in, with the change that it is about.
///
/// # Errors
/// [`StoreError::Seal`] when the head of the chain has been tampered with: then nothing may be done.
pub async fn append(tx: &mut Tx, key: &SecretKey, at: Moment, decision: &Decision) -> Result<i64> {
    let body = serde_json::to_string(decision).map_err(|_| StoreError::Form)?;
    looks::append_to_chain(tx, key, CHAIN, at, body).await
}

/// The newest decisions before number `before`, `limit` at most, newest first.
pub async fn page(tx: &mut Tx, before: i64, limit: i64) -> Result<Vec<Recorded>> {
    let sql = "SELECT seq, at, body FROM looks WHERE customer_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let rows: Vec<(i64, i64, String)> = tx
        .all(sql, [CHAIN.into(), before.into(), limit.into()])
        .await?;
    let recorded = rows.into_iter().map(|(seq, at, body)| {
        let decision = serde_json::from_str(&body).map_err(|_| StoreError::Form)?;
        Ok(Recorded {
            seq,
            at: Moment(at),
            decision,
        })
    });
    recorded.collect()
}
