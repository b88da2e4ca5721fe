//! Second factors of customers: the app that makes codes, codes that were written down, passkeys.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};

/// The app of a customer that makes codes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AppCodes {
    /// The secret, sealed for the customer.
    pub sealed: Vec<u8>,
    /// The newest step whose code was taken (RFC 6238).
    pub last_step: i64,
}

/// Which second factors a customer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Whether an app makes codes.
    pub app: bool,
    /// How many passkeys there are.
    pub passkeys: i64,
    /// How many recovery codes were not used yet.
    pub recovery_codes: i64,
}

impl Factors {
    /// Whether the password alone is not enough.
    pub const fn any(self) -> bool {
        self.app || self.passkeys > 0
    }
}

/// When a customer's app was added; `None` when they have none.
pub async fn app_added_at(tx: &mut Tx, customer: CustomerId) -> Result<Option<Moment>> {
    let sql = "SELECT added_at FROM app_codes WHERE customer_id = $1";
    let row: Option<(i64,)> = tx.optional(sql, [customer.into()]).await?;
    Ok(row.map(|(at,)| Moment(at)))
}

/// A passkey.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredPasskey {
    /// Its name in forms, which opens nothing.
    pub passkey_id: String,
    /// What its customer calls it, sealed for them.
    pub name: Vec<u8>,
    /// The credential, sealed for them.
    pub sealed: Vec<u8>,
    /// Microseconds, see [`Moment`].
    pub added_at: i64,
    /// Microseconds, see [`Moment`].
    pub used_at: Option<i64>,
}

/// Which second factors a customer has.
pub async fn factors(tx: &mut Tx, customer: CustomerId) -> Result<Factors> {
    let sql = "SELECT (SELECT COUNT(*) FROM app_codes WHERE customer_id = $1), \
               (SELECT COUNT(*) FROM passkeys WHERE customer_id = $1), \
               (SELECT COUNT(*) FROM recovery_codes WHERE customer_id = $1 AND used_at IS NULL)";
    let (app, passkeys, recovery_codes): (i64, i64, i64) = tx.one(sql, [customer.into()]).await?;
    Ok(Factors {
        app: app > 0,
        passkeys,
        recovery_codes,
    })
}

/// The app of a customer.
pub async fn app_codes(tx: &mut Tx, customer: CustomerId) -> Result<Option<AppCodes>> {
    let sql = "SELECT sealed, last_step FROM app_codes WHERE customer_id = $1";
    tx.optional(sql, [customer.into()]).await
}

/// Puts an app in place of the one there was, whose code of `step` was just taken.
pub async fn put_app_codes(
    tx: &mut Tx,
    customer: CustomerId,
    sealed: Vec<u8>,
    step: i64,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO app_codes (customer_id, sealed, last_step, added_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (customer_id) DO UPDATE SET sealed = $2, last_step = $3, added_at = $4";
    let args = [customer.into(), sealed.into(), step.into(), now.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Uses the code of a step up; `false` when one of this step or a later one was used before (RFC 6238, 5.2).
pub async fn use_step(tx: &mut Tx, customer: CustomerId, step: i64) -> Result<bool> {
    let sql = "UPDATE app_codes SET last_step = $2 WHERE customer_id = $1 AND last_step < $2";
    Ok(tx.execute(sql, [customer.into(), step.into()]).await? > 0)
}

/// Removes the app; answers whether there was one.
pub async fn remove_app_codes(tx: &mut Tx, customer: CustomerId) -> Result<bool> {
    let sql = "DELETE FROM app_codes WHERE customer_id = $1";
    Ok(tx.execute(sql, [customer.into()]).await? > 0)
}

/// Puts recovery codes in place of all there were.
pub async fn put_recovery_codes(
    tx: &mut Tx,
    customer: CustomerId,
    hashes: &[String],
) -> Result<()> {
    remove_recovery_codes(tx, customer).await?;
    let sql = "INSERT INTO recovery_codes (customer_id, code_hash) VALUES ($1, $2)";
    for hash in hashes {
        tx.execute(sql, [customer.into(), hash.as_str().into()])
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up; `false` when it was used before or never was.
pub async fn use_recovery_code(
    tx: &mut Tx,
    customer: CustomerId,
    hash: &str,
    now: Moment,
) -> Result<bool> {
    let sql = "UPDATE recovery_codes SET used_at = $3 WHERE customer_id = $1 AND code_hash = $2 AND used_at IS NULL";
    let args = [customer.into(), hash.into(), now.into()];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Whether a recovery code is one of those that stand, used or not.
pub async fn has_recovery_code(tx: &mut Tx, customer: CustomerId, hash: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM recovery_codes WHERE customer_id = $1 AND code_hash = $2";
    let (count,): (i64,) = tx.one(sql, [customer.into(), hash.into()]).await?;
    Ok(count > 0)
}

/// Removes all recovery codes.
pub async fn remove_recovery_codes(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let sql = "DELETE FROM recovery_codes WHERE customer_id = $1";
    tx.execute(sql, [customer.into()]).await.map(|_| ())
}

/// Adds a passkey; `false` when anybody has that credential already.
pub async fn add_passkey(
    tx: &mut Tx,
    customer: CustomerId,
    credential_hash: &str,
    passkey: StoredPasskey,
) -> Result<bool> {
    let sql = "INSERT INTO passkeys (credential_hash, customer_id, passkey_id, name, sealed, added_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential_hash) DO NOTHING";
    let args = [
        credential_hash.into(),
        customer.into(),
        passkey.passkey_id.into(),
        passkey.name.into(),
        passkey.sealed.into(),
        passkey.added_at.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// The passkeys of a customer, oldest first.
pub async fn passkeys(tx: &mut Tx, customer: CustomerId) -> Result<Vec<StoredPasskey>> {
    let sql = "SELECT passkey_id, name, sealed, added_at, used_at FROM passkeys WHERE customer_id = $1 \
               ORDER BY added_at, passkey_id";
    tx.all(sql, [customer.into()]).await
}

/// Whose a credential is, and the passkey.
pub async fn passkey_of(
    tx: &mut Tx,
    credential_hash: &str,
) -> Result<Option<(CustomerId, StoredPasskey)>> {
    let sql = "SELECT customer_id FROM passkeys WHERE credential_hash = $1";
    let Some((customer,)) = tx
        .optional::<(String,)>(sql, [credential_hash.into()])
        .await?
    else {
        return Ok(None);
    };
    let customer = CustomerId::parse(&customer).map_err(|_| crate::StoreError::Form)?;
    let sql = "SELECT passkey_id, name, sealed, added_at, used_at FROM passkeys WHERE credential_hash = $1";
    let passkey = tx.optional(sql, [credential_hash.into()]).await?;
    Ok(passkey.map(|passkey| (customer, passkey)))
}

/// Notes that a passkey was used, with its counter as it is now, unless it changed or went since `before` was read.
pub async fn note_passkey_use(
    tx: &mut Tx,
    passkey_id: &str,
    before: &[u8],
    sealed: Vec<u8>,
    now: Moment,
) -> Result<bool> {
    let sql = "UPDATE passkeys SET sealed = $3, used_at = $4 WHERE passkey_id = $1 AND sealed = $2";
    let args = [
        passkey_id.into(),
        before.to_vec().into(),
        sealed.into(),
        now.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Gives a customer's passkey another name; `false` when they have none of that id.
pub async fn rename_passkey(
    tx: &mut Tx,
    customer: CustomerId,
    passkey_id: &str,
    name: Vec<u8>,
) -> Result<bool> {
    let sql = "UPDATE passkeys SET name = $3 WHERE customer_id = $1 AND passkey_id = $2";
    let args = [customer.into(), passkey_id.into(), name.into()];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Removes a customer's passkey; `false` when they have none of that id.
pub async fn remove_passkey(tx: &mut Tx, customer: CustomerId, passkey_id: &str) -> Result<bool> {
    let sql = "DELETE FROM passkeys WHERE customer_id = $1 AND passkey_id = $2";
    Ok(tx
        .execute(sql, [customer.into(), passkey_id.into()])
        .await?
        > 0)
}

/// Removes the factors that were added at this moment or later, and the recovery codes where no factor is left.
pub async fn remove_added_since(tx: &mut Tx, customer: CustomerId, since: Moment) -> Result<()> {
    for sql in [
        "DELETE FROM app_codes WHERE customer_id = $1 AND added_at >= $2",
        "DELETE FROM passkeys WHERE customer_id = $1 AND added_at >= $2",
    ] {
        tx.execute(sql, [customer.into(), since.into()]).await?;
    }
    remove_lonely_recovery_codes(tx, customer).await
}

/// Removes the recovery codes where no factor is left that they could stand in for.
pub async fn remove_lonely_recovery_codes(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    if factors(tx, customer).await?.any() {
        return Ok(());
    }
    remove_recovery_codes(tx, customer).await
}
