//! Keys of the company's other systems. Only a key's hash is here.

use fairhold_domain::policy::Scope;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

/// How many keys are read at most.
const MOST: i64 = 1000;

/// A key, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name in lists, which opens nothing.
    pub id: String,
    /// What the company calls the system.
    pub name: String,
    /// The calls that it opens.
    pub scopes: Vec<Scope>,
    /// The purposes that it may ask about.
    pub purposes: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends.
    pub expires_at: Moment,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Moment>,
    /// When it was ended.
    pub revoked_at: Option<Moment>,
}

impl ApiKey {
    /// Whether it opens anything.
    pub fn works(&self, now: Moment) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    key_id: String,
    name: String,
    scopes: String,
    purposes: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self> {
        Ok(Self {
            id: row.key_id,
            name: row.name,
            scopes: serde_json::from_str(&row.scopes).map_err(|_| StoreError::Form)?,
            purposes: serde_json::from_str(&row.purposes).map_err(|_| StoreError::Form)?,
            created_at: Moment(row.created_at),
            expires_at: Moment(row.expires_at),
            last_used_at: row.last_used_at.map(Moment),
            revoked_at: row.revoked_at.map(Moment),
        })
    }
}

/// Adds a key by the hash of what its system sends.
pub async fn add(tx: &mut Tx, key_hash: &str, key: &ApiKey) -> Result<bool> {
    let scopes = serde_json::to_string(&key.scopes).map_err(|_| StoreError::Form)?;
    let purposes = serde_json::to_string(&key.purposes).map_err(|_| StoreError::Form)?;
    let sql = "INSERT INTO api_keys (key_hash, key_id, name, scopes, purposes, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key_id) DO NOTHING";
    let args = [
        key_hash.into(),
        key.id.as_str().into(),
        key.name.as_str().into(),
        scopes.into(),
        purposes.into(),
        key.created_at.into(),
        key.expires_at.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// A key by its hash, whether or not it has ended.
pub async fn by_hash(tx: &mut Tx, key_hash: &str) -> Result<Option<ApiKey>> {
    let sql = "SELECT key_id, name, scopes, purposes, created_at, expires_at, last_used_at, revoked_at FROM api_keys \
               WHERE key_hash = $1";
    let row: Option<KeyRow> = tx.optional(sql, [key_hash.into()]).await?;
    row.map(ApiKey::try_from).transpose()
}

/// All keys, those that ended too, oldest first.
pub async fn all(tx: &mut Tx) -> Result<Vec<ApiKey>> {
    let sql = "SELECT key_id, name, scopes, purposes, created_at, expires_at, last_used_at, revoked_at FROM api_keys \
               ORDER BY created_at, key_id LIMIT $1";
    let rows: Vec<KeyRow> = tx.all(sql, [MOST.into()]).await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Notes the minute in which a key is used.
pub async fn note_use(tx: &mut Tx, id: &str, minute: Moment) -> Result<()> {
    let sql = "UPDATE api_keys SET last_used_at = $2 WHERE key_id = $1 AND COALESCE(last_used_at, 0) < $2";
    tx.execute(sql, [id.into(), minute.into()])
        .await
        .map(|_| ())
}

/// Ends a key; `false` for one that has ended or never was.
pub async fn revoke(tx: &mut Tx, id: &str, now: Moment) -> Result<bool> {
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, [id.into(), now.into()]).await? > 0)
}
