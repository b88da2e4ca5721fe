//! Sessions: found by the hash of the cookie, with contents that only the cookie opens.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

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

/// What a session keeps.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Whose it is, once they have logged in.
    pub whose: Option<Whose>,
    /// Its contents, sealed so that only the cookie opens them.
    pub sealed: Vec<u8>,
}

/// Whose session it is, and how they tell it from their others.
#[derive(Clone, Debug)]
pub struct Whose {
    /// The customer.
    pub customer: CustomerId,
    /// Its name, which opens nothing.
    pub session_id: String,
    /// The device, sealed for the customer.
    pub device: Vec<u8>,
}

/// A session as its customer may see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnSession {
    /// Its name, which opens nothing.
    pub session_id: String,
    /// Microseconds, see [`Moment`].
    pub created_at: i64,
    /// Microseconds, see [`Moment`].
    pub last_seen_at: i64,
    /// The device, sealed for the customer.
    pub device: Vec<u8>,
}

/// So many sessions of strangers stand at most: whoever begins log-ins without end can't fill the store.
pub const MOST_OF_STRANGERS: i64 = 100_000;

/// Adds a session; answers whether the token was free.
///
/// # Errors
/// [`StoreError::Busy`] for a stranger's, when there are too many.
pub async fn add(
    tx: &mut Tx,
    token_hash: &str,
    now: Moment,
    expires: Moment,
    kept: Kept,
) -> Result<bool> {
    if kept.whose.is_none() {
        let sql = "SELECT COUNT(*) FROM sessions WHERE customer_id IS NULL AND expires_at > $1";
        let (strangers,) = tx.one::<(i64,)>(sql, [now.into()]).await?;
        if strangers >= MOST_OF_STRANGERS {
            return Err(StoreError::Busy);
        }
    }
    let sql = "INSERT INTO sessions (token_hash, created_at, last_seen_at, expires_at, customer_id, session_id, device, sealed) \
               VALUES ($1, $2, $2, $3, $4, $5, $6, $7) ON CONFLICT (token_hash) DO NOTHING";
    put(tx, sql, token_hash, now, expires, kept).await
}

/// Changes what a session holds. A session that has ended in between stays ended: then the answer is `false`.
pub async fn save(
    tx: &mut Tx,
    token_hash: &str,
    now: Moment,
    expires: Moment,
    kept: Kept,
) -> Result<bool> {
    let sql = "UPDATE sessions SET last_seen_at = $2, expires_at = $3, customer_id = $4, session_id = $5, device = $6, \
               sealed = $7 WHERE token_hash = $1";
    put(tx, sql, token_hash, now, expires, kept).await
}

/// Runs a statement that keeps what a session holds; answers whether there was something to change.
async fn put(
    tx: &mut Tx,
    sql: &'static str,
    token_hash: &str,
    now: Moment,
    expires: Moment,
    kept: Kept,
) -> Result<bool> {
    let (customer, session_id, device) = match kept.whose {
        Some(whose) => (
            Some(whose.customer.to_string()),
            Some(whose.session_id),
            Some(whose.device),
        ),
        None => (None, None, None),
    };
    let args = [
        token_hash.into(),
        now.into(),
        expires.into(),
        customer.into(),
        session_id.into(),
        device.into(),
        kept.sealed.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// The sessions of a customer that have not ended, the one used last first.
pub async fn of_customer(
    tx: &mut Tx,
    customer: CustomerId,
    now: Moment,
    idle_since: Moment,
) -> Result<Vec<OwnSession>> {
    let sql = "SELECT session_id, created_at, last_seen_at, device FROM sessions \
               WHERE customer_id = $1 AND session_id IS NOT NULL AND device IS NOT NULL \
               AND expires_at > $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, session_id";
    tx.all(sql, [customer.into(), now.into(), idle_since.into()])
        .await
}

/// Ends one session of a customer; answers whether there was one of that name.
pub async fn remove_one(tx: &mut Tx, customer: CustomerId, session_id: &str) -> Result<bool> {
    let sql = "DELETE FROM sessions WHERE customer_id = $1 AND session_id = $2";
    Ok(tx
        .execute(sql, [customer.into(), session_id.into()])
        .await?
        > 0)
}

/// Ends all sessions of a customer but one; answers how many.
pub async fn remove_others(tx: &mut Tx, customer: CustomerId, but: &str) -> Result<u64> {
    let sql =
        "DELETE FROM sessions WHERE customer_id = $1 AND (session_id IS NULL OR session_id <> $2)";
    tx.execute(sql, [customer.into(), but.into()]).await
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
