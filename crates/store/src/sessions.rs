//! Sessions: found by the hash of the cookie, with contents that only the cookie opens.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};

/// A session as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredSession {
    /// Microseconds, see [`Moment`].
    pub created_at: i64,
    /// Microseconds, see [`Moment`].
    pub last_seen_at: i64,
    /// Microseconds, see [`Moment`].
    pub expires_at: i64,
    /// When its customer's password was last set, as the account has it now; `None` without a customer.
    pub password_changed_at: Option<i64>,
    /// Its contents.
    pub sealed: Vec<u8>,
}

/// Adds a session; answers whether the token was free.
pub async fn add(
    tx: &mut Tx,
    token_hash: &str,
    customer: Option<CustomerId>,
    now: Moment,
    expires: Moment,
    sealed: Vec<u8>,
) -> Result<bool> {
    let sql = "INSERT INTO sessions (token_hash, customer_id, created_at, last_seen_at, expires_at, sealed) \
               VALUES ($1, $2, $3, $3, $4, $5) ON CONFLICT (token_hash) DO NOTHING";
    put(tx, sql, token_hash, customer, now, expires, sealed).await
}

/// Changes what a session holds. A session that has ended in between stays ended: then the answer is `false`.
pub async fn save(
    tx: &mut Tx,
    token_hash: &str,
    customer: Option<CustomerId>,
    now: Moment,
    expires: Moment,
    sealed: Vec<u8>,
) -> Result<bool> {
    let sql = "UPDATE sessions SET customer_id = $2, last_seen_at = $3, expires_at = $4, sealed = $5 WHERE token_hash = $1";
    put(tx, sql, token_hash, customer, now, expires, sealed).await
}

/// Runs a statement that keeps what a session holds; answers whether there was something to change.
async fn put(
    tx: &mut Tx,
    sql: &'static str,
    token_hash: &str,
    customer: Option<CustomerId>,
    now: Moment,
    expires: Moment,
    sealed: Vec<u8>,
) -> Result<bool> {
    let customer = customer.map(|c| c.to_string());
    Ok(tx
        .execute(
            sql,
            [
                token_hash.into(),
                customer.into(),
                now.into(),
                expires.into(),
                sealed.into(),
            ],
        )
        .await?
        > 0)
}

/// The session, whether or not it has ended.
pub async fn get(tx: &mut Tx, token_hash: &str) -> Result<Option<StoredSession>> {
    let sql = "SELECT s.created_at, s.last_seen_at, s.expires_at, c.password_changed_at, s.sealed FROM sessions s \
               LEFT JOIN customers c ON c.customer_id = s.customer_id WHERE s.token_hash = $1";
    tx.optional(sql, [token_hash.into()]).await
}

/// Notes that a session was used.
pub async fn touch(tx: &mut Tx, token_hash: &str, now: Moment) -> Result<()> {
    let sql = "UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1";
    tx.execute(sql, [token_hash.into(), now.into()])
        .await
        .map(|_| ())
}

/// Ends a session.
pub async fn remove(tx: &mut Tx, token_hash: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM sessions WHERE token_hash = $1",
        [token_hash.into()],
    )
    .await
    .map(|_| ())
}

/// Ends all sessions of a customer; answers how many.
pub async fn remove_all(tx: &mut Tx, customer: CustomerId) -> Result<u64> {
    tx.execute(
        "DELETE FROM sessions WHERE customer_id = $1",
        [customer.into()],
    )
    .await
}

/// Removes sessions that have ended, or were not used since `idle_since`.
pub async fn sweep(tx: &mut Tx, now: Moment, idle_since: Moment) -> Result<u64> {
    let sql = "DELETE FROM sessions WHERE expires_at < $1 OR last_seen_at < $2";
    tx.execute(sql, [now.into(), idle_since.into()]).await
}
