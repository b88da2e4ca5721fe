//! The staff: who they are, their invitations and their sessions. Nothing here knows a customer.

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::StaffId;
use fairhold_domain::policy::Role;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, SecretKey, hex};

/// How many of the staff are read at most.
const MOST: i64 = 1000;

/// Somebody of the staff, as they are stored.
#[derive(Clone, Debug)]
pub struct StoredStaff {
    /// Who.
    pub id: StaffId,
    /// The address, sealed: see [`open_address`].
    pub sealed: Vec<u8>,
    /// What they do.
    pub role: Role,
    /// When they were invited last.
    pub invited_at: Moment,
    /// argon2id in PHC form; `None` until they accepted.
    pub password_hash: Option<String>,
    /// When the password was set.
    pub password_set_at: Option<Moment>,
    /// The secret of their app, sealed: see [`open_app`].
    pub app: Option<Vec<u8>>,
    /// When a first code showed that the app is set up.
    pub app_proven_at: Option<Moment>,
    /// When their way in was ended.
    pub revoked_at: Option<Moment>,
}

#[derive(sqlx::FromRow)]
struct StaffRow {
    staff_id: String,
    sealed: Vec<u8>,
    role: String,
    invited_at: i64,
    password_hash: Option<String>,
    password_set_at: Option<i64>,
    app: Option<Vec<u8>>,
    app_proven_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<StaffRow> for StoredStaff {
    type Error = StoreError;

    fn try_from(row: StaffRow) -> Result<Self> {
        Ok(Self {
            id: StaffId::parse(&row.staff_id).map_err(|_| StoreError::Form)?,
            sealed: row.sealed,
            role: Role::parse(&row.role).ok_or(StoreError::Form)?,
            invited_at: Moment(row.invited_at),
            password_hash: row.password_hash,
            password_set_at: row.password_set_at.map(Moment),
            app: row.app,
            app_proven_at: row.app_proven_at.map(Moment),
            revoked_at: row.revoked_at.map(Moment),
        })
    }
}

/// A session of the staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffSession {
    /// Whose.
    pub staff: StaffId,
    /// Whether the second step was taken.
    pub proven: bool,
    /// When it was used last.
    pub last_seen_at: Moment,
    /// When it ends in any case.
    pub expires_at: Moment,
}

/// What is stored of an address to find it by. Another hash than a customer's of the same address.
pub fn address_hash(key: &SecretKey, address: &EmailAddress) -> String {
    hex(&key.keyed_hash(&[b"staff address", address.as_str().as_bytes()]))
}

/// Seals somebody's address.
pub fn seal_address(
    key: &SecretKey,
    random: &dyn Random,
    id: StaffId,
    address: &EmailAddress,
) -> Result<Vec<u8>> {
    key.seal(&address_identity(id), address.as_str().as_bytes(), random)
}

/// Somebody's address.
///
/// # Errors
/// [`StoreError::Seal`] when it was moved or changed.
pub fn open_address(key: &SecretKey, id: StaffId, sealed: &[u8]) -> Result<String> {
    let plain = key.open(&address_identity(id), sealed)?;
    String::from_utf8(plain).map_err(|_| StoreError::Form)
}

/// Seals the secret of somebody's app.
pub fn seal_app(
    key: &SecretKey,
    random: &dyn Random,
    id: StaffId,
    secret: &str,
) -> Result<Vec<u8>> {
    key.seal(&app_identity(id), secret.as_bytes(), random)
}

/// The secret of somebody's app.
///
/// # Errors
/// [`StoreError::Seal`] when it was moved or changed.
pub fn open_app(key: &SecretKey, id: StaffId, sealed: &[u8]) -> Result<String> {
    let plain = key.open(&app_identity(id), sealed)?;
    String::from_utf8(plain).map_err(|_| StoreError::Form)
}

/// Writes down somebody who is invited for the first time.
pub async fn invite(
    tx: &mut Tx,
    id: StaffId,
    address_hash: &str,
    sealed: Vec<u8>,
    role: Role,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO staff (staff_id, address_hash, sealed, role, invited_at, last_step) VALUES ($1, $2, $3, $4, $5, 0)";
    let args = [
        id.into(),
        address_hash.into(),
        sealed.into(),
        role.key().into(),
        now.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Has somebody who is known begin anew, as if they had never accepted.
pub async fn invite_again(tx: &mut Tx, id: StaffId, role: Role, now: Moment) -> Result<()> {
    end_sessions(tx, id).await?;
    remove_links(tx, id).await?;
    let sql = "UPDATE staff SET role = $2, invited_at = $3, password_hash = NULL, password_set_at = NULL, app = NULL, \
               app_proven_at = NULL, last_step = 0, revoked_at = NULL WHERE staff_id = $1";
    tx.execute(sql, [id.into(), role.key().into(), now.into()])
        .await
        .map(|_| ())
}

/// Whose address this is.
pub async fn by_address(tx: &mut Tx, address_hash: &str) -> Result<Option<StoredStaff>> {
    let sql = "SELECT staff_id, sealed, role, invited_at, password_hash, password_set_at, app, app_proven_at, revoked_at \
               FROM staff WHERE address_hash = $1";
    let row: Option<StaffRow> = tx.optional(sql, [address_hash.into()]).await?;
    row.map(StoredStaff::try_from).transpose()
}

/// Somebody by their id.
pub async fn get(tx: &mut Tx, id: StaffId) -> Result<Option<StoredStaff>> {
    let sql = "SELECT staff_id, sealed, role, invited_at, password_hash, password_set_at, app, app_proven_at, revoked_at \
               FROM staff WHERE staff_id = $1";
    let row: Option<StaffRow> = tx.optional(sql, [id.into()]).await?;
    row.map(StoredStaff::try_from).transpose()
}

/// Everybody, those who were revoked too, in the order they came.
pub async fn all(tx: &mut Tx) -> Result<Vec<StoredStaff>> {
    let sql = "SELECT staff_id, sealed, role, invited_at, password_hash, password_set_at, app, app_proven_at, revoked_at \
               FROM staff ORDER BY invited_at, staff_id LIMIT $1";
    let rows: Vec<StaffRow> = tx.all(sql, [MOST.into()]).await?;
    rows.into_iter().map(StoredStaff::try_from).collect()
}

/// How many of a role have accepted and have a way in, and holds all rows of the role until the transaction ends: two administrators who
/// revoke each other at once are still told who is the last.
pub async fn hold_role(tx: &mut Tx, role: Role) -> Result<u64> {
    let sql = "UPDATE staff SET role = role WHERE role = $1 AND password_hash IS NOT NULL AND revoked_at IS NULL";
    tx.execute(sql, [role.key().into()]).await
}

/// Gives somebody another role, and ends their sessions; `false` for whoever has no way in.
pub async fn set_role(tx: &mut Tx, id: StaffId, role: Role) -> Result<bool> {
    let sql = "UPDATE staff SET role = $2 WHERE staff_id = $1 AND revoked_at IS NULL";
    let changed = tx.execute(sql, [id.into(), role.key().into()]).await?;
    end_sessions(tx, id).await?;
    Ok(changed > 0)
}

/// Ends somebody's way in, with their links and sessions; `false` for whoever had none.
pub async fn revoke(tx: &mut Tx, id: StaffId, now: Moment) -> Result<bool> {
    let sql = "UPDATE staff SET revoked_at = $2, password_hash = NULL, app = NULL, app_proven_at = NULL \
               WHERE staff_id = $1 AND revoked_at IS NULL";
    let changed = tx.execute(sql, [id.into(), now.into()]).await?;
    end_sessions(tx, id).await?;
    remove_links(tx, id).await?;
    Ok(changed > 0)
}

/// Adds an invitation. `sealed` is its token, for the mail.
pub async fn add_link(
    tx: &mut Tx,
    token_hash: &str,
    id: StaffId,
    sealed: Vec<u8>,
    now: Moment,
    expires: Moment,
) -> Result<()> {
    let sql = "INSERT INTO staff_links (token_hash, staff_id, sealed, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    let args = [
        token_hash.into(),
        id.into(),
        sealed.into(),
        now.into(),
        expires.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Whose invitation this is, while it works.
pub async fn link(tx: &mut Tx, token_hash: &str, now: Moment) -> Result<Option<StaffId>> {
    let sql = "SELECT l.staff_id FROM staff_links l JOIN staff s ON s.staff_id = l.staff_id \
               WHERE l.token_hash = $1 AND l.expires_at > $2 AND s.revoked_at IS NULL";
    let row: Option<(String,)> = tx.optional(sql, [token_hash.into(), now.into()]).await?;
    row.map(|(id,)| StaffId::parse(&id).map_err(|_| StoreError::Form))
        .transpose()
}

/// The newest invitation's token, sealed, where its mail has not left: with when it was made.
pub async fn unsent_link(tx: &mut Tx, id: StaffId) -> Result<Option<(String, Vec<u8>, Moment)>> {
    let sql = "SELECT token_hash, sealed, created_at FROM staff_links WHERE staff_id = $1 AND sealed IS NOT NULL \
               ORDER BY created_at DESC LIMIT 1";
    let row: Option<(String, Vec<u8>, i64)> = tx.optional(sql, [id.into()]).await?;
    Ok(row.map(|(hash, sealed, at)| (hash, sealed, Moment(at))))
}

/// Forgets an invitation's token, because its mail has left.
pub async fn forget_token(tx: &mut Tx, token_hash: &str) -> Result<()> {
    let sql = "UPDATE staff_links SET sealed = NULL WHERE token_hash = $1";
    tx.execute(sql, [token_hash.into()]).await.map(|_| ())
}

/// Uses an invitation up and sets the password, with a secret for an app that nobody has shown to be set up. Answers
/// whether the link still worked: of two that use it at once, one does.
pub async fn accept(
    tx: &mut Tx,
    token_hash: &str,
    id: StaffId,
    password_hash: &str,
    app: Vec<u8>,
    now: Moment,
) -> Result<bool> {
    let sql = "DELETE FROM staff_links WHERE token_hash = $1 AND staff_id = $2 AND expires_at > $3";
    let used = tx
        .execute(sql, [token_hash.into(), id.into(), now.into()])
        .await?;
    if used == 0 {
        return Ok(false);
    }
    end_sessions(tx, id).await?;
    remove_links(tx, id).await?;
    let sql = "UPDATE staff SET password_hash = $2, password_set_at = $3, app = $4, app_proven_at = NULL, last_step = 0 \
               WHERE staff_id = $1 AND revoked_at IS NULL";
    let args = [id.into(), password_hash.into(), now.into(), app.into()];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Uses the code of a step up, which also shows that the app is set up; `false` when one of this step or a later one was
/// used before (RFC 6238, 5.2).
pub async fn use_step(tx: &mut Tx, id: StaffId, step: i64, now: Moment) -> Result<bool> {
    let sql = "UPDATE staff SET last_step = $2, app_proven_at = COALESCE(app_proven_at, $3) \
               WHERE staff_id = $1 AND last_step < $2 AND app IS NOT NULL AND revoked_at IS NULL";
    Ok(tx
        .execute(sql, [id.into(), step.into(), now.into()])
        .await?
        > 0)
}

/// Begins a session for whoever still has the password that was just compared; answers whether they have.
pub async fn add_session(
    tx: &mut Tx,
    token_hash: &str,
    id: StaffId,
    checked: &str,
    now: Moment,
    expires: Moment,
) -> Result<bool> {
    let sql = "INSERT INTO staff_sessions (token_hash, staff_id, proven, created_at, last_seen_at, expires_at) \
               SELECT $1, staff_id, FALSE, $4, $4, $5 FROM staff \
               WHERE staff_id = $2 AND password_hash = $3 AND revoked_at IS NULL";
    let args = [
        token_hash.into(),
        id.into(),
        checked.into(),
        now.into(),
        expires.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Puts a session under a new token, because its second step was taken (ASVS 5.0, 7.2.4); `false` when it has ended.
pub async fn prove_session(
    tx: &mut Tx,
    token_hash: &str,
    new_token_hash: &str,
    now: Moment,
    expires: Moment,
) -> Result<bool> {
    let sql = "UPDATE staff_sessions SET token_hash = $2, proven = TRUE, last_seen_at = $3, expires_at = $4 \
               WHERE token_hash = $1 AND NOT proven AND expires_at > $3";
    let args = [
        token_hash.into(),
        new_token_hash.into(),
        now.into(),
        expires.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// A session by the hash of its token, whether or not it has ended.
pub async fn session(tx: &mut Tx, token_hash: &str) -> Result<Option<StaffSession>> {
    let sql = "SELECT staff_id, proven, last_seen_at, expires_at FROM staff_sessions WHERE token_hash = $1";
    let row: Option<(String, bool, i64, i64)> = tx.optional(sql, [token_hash.into()]).await?;
    row.map(|(id, proven, last_seen_at, expires_at)| {
        Ok(StaffSession {
            staff: StaffId::parse(&id).map_err(|_| StoreError::Form)?,
            proven,
            last_seen_at: Moment(last_seen_at),
            expires_at: Moment(expires_at),
        })
    })
    .transpose()
}

/// Notes that a session was used.
pub async fn touch_session(tx: &mut Tx, token_hash: &str, now: Moment) -> Result<()> {
    let sql = "UPDATE staff_sessions SET last_seen_at = $2 WHERE token_hash = $1";
    tx.execute(sql, [token_hash.into(), now.into()])
        .await
        .map(|_| ())
}

/// Ends one session.
pub async fn end_session(tx: &mut Tx, token_hash: &str) -> Result<()> {
    let sql = "DELETE FROM staff_sessions WHERE token_hash = $1";
    tx.execute(sql, [token_hash.into()]).await.map(|_| ())
}

/// Ends all sessions of somebody.
pub async fn end_sessions(tx: &mut Tx, id: StaffId) -> Result<u64> {
    let sql = "DELETE FROM staff_sessions WHERE staff_id = $1";
    tx.execute(sql, [id.into()]).await
}

async fn remove_links(tx: &mut Tx, id: StaffId) -> Result<()> {
    let sql = "DELETE FROM staff_links WHERE staff_id = $1";
    tx.execute(sql, [id.into()]).await.map(|_| ())
}

/// Removes sessions that ended or were not used since `idle_since`, and invitations that ended.
pub async fn sweep(tx: &mut Tx, now: Moment, idle_since: Moment) -> Result<()> {
    let sql = "DELETE FROM staff_sessions WHERE expires_at <= $1 OR last_seen_at < $2";
    tx.execute(sql, [now.into(), idle_since.into()]).await?;
    let sql = "DELETE FROM staff_links WHERE expires_at <= $1";
    tx.execute(sql, [now.into()]).await.map(|_| ())
}

fn address_identity(id: StaffId) -> String {
    format!("staff-address:{id}")
}

fn app_identity(id: StaffId) -> String {
    format!("staff-app:{id}")
}
