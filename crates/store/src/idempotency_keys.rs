//! What was answered to changes of other systems, so that a change that is sent twice is made once.

use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

/// So long an answer is kept, in seconds.
pub const KEPT_FOR: i64 = 24 * 3600;

/// A change, as it is found again. It holds neither what the system made up nor what it asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The system's key, by its name in lists.
    pub api_key_id: String,
    /// A keyed hash of the `Idempotency-Key`.
    pub key_hash: String,
    /// A keyed hash of the call and its body.
    pub request_hash: String,
}

/// An answer that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as JSON. It is about no person.
    pub body: String,
}

/// What is known of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: it is to be made, and [`keep`] is to be called, in this transaction.
    New,
    /// It was made, and this was the answer.
    Made(Answer),
    /// The key came before with another request.
    Other,
}

/// Looks a change up, and holds its place until the transaction ends: whoever asks the same meanwhile waits for it.
pub async fn claim(tx: &mut Tx, asked: &Asked, now: Moment) -> Result<Found> {
    let sql = "DELETE FROM idempotency_keys WHERE api_key_id = $1 AND key_hash = $2 AND at <= $3";
    let args = [
        asked.api_key_id.as_str().into(),
        asked.key_hash.as_str().into(),
        now.plus_seconds(-KEPT_FOR).into(),
    ];
    tx.execute(sql, args).await?;
    // One statement, so that two that come at once are not both the first.
    let sql = "INSERT INTO idempotency_keys (api_key_id, key_hash, request_hash, status, body, at) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (api_key_id, key_hash) DO UPDATE SET at = idempotency_keys.at \
               RETURNING request_hash, status, body";
    let args = [
        asked.api_key_id.as_str().into(),
        asked.key_hash.as_str().into(),
        asked.request_hash.as_str().into(),
        None::<i64>.into(),
        None::<String>.into(),
        now.into(),
    ];
    let (request_hash, status, body): (String, Option<i64>, Option<String>) =
        tx.one(sql, args).await?;
    if request_hash != asked.request_hash {
        return Ok(Found::Other);
    }
    let (Some(status), Some(body)) = (status, body) else {
        return Ok(Found::New);
    };
    let status = u16::try_from(status).map_err(|_| StoreError::Form)?;
    Ok(Found::Made(Answer { status, body }))
}

/// Keeps the answer to a change that [`claim`] found to be new.
pub async fn keep(tx: &mut Tx, asked: &Asked, answer: &Answer) -> Result<()> {
    let sql = "UPDATE idempotency_keys SET status = $3, body = $4 WHERE api_key_id = $1 AND key_hash = $2";
    let args = [
        asked.api_key_id.as_str().into(),
        asked.key_hash.as_str().into(),
        i64::from(answer.status).into(),
        answer.body.as_str().into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes answers that were kept for long enough.
pub async fn sweep(tx: &mut Tx, now: Moment) -> Result<u64> {
    let sql = "DELETE FROM idempotency_keys WHERE at <= $1";
    tx.execute(sql, [now.plus_seconds(-KEPT_FOR).into()]).await
}
