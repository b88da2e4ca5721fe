//! Erasures: what a customer asked for, the sealed plan that is kept before anything is touched, what was done, and the
//! certificates that stay when all else has gone.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, SecretKey};

/// An erasure that a customer asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its number, of no meaning elsewhere.
    pub erasure_id: String,
    /// When it was asked for.
    pub asked_at: Moment,
    /// When it begins. Until then it can be called off.
    pub due_at: Moment,
    /// When it began.
    pub begun_at: Option<Moment>,
    /// What was done so far: nothing about whom.
    pub parts: String,
    /// Connections that could not be erased in yet.
    pub failing: Vec<String>,
    /// When its certificate was made.
    pub certified_at: Option<Moment>,
}

#[derive(sqlx::FromRow)]
struct Row {
    erasure_id: String,
    asked_at: i64,
    due_at: i64,
    begun_at: Option<i64>,
    parts: String,
    failing: String,
    certified_at: Option<i64>,
}

impl From<Row> for Erasure {
    fn from(row: Row) -> Self {
        let failing = row.failing.split(',').filter(|name| !name.is_empty());
        Self {
            failing: failing.map(str::to_owned).collect(),
            erasure_id: row.erasure_id,
            asked_at: Moment(row.asked_at),
            due_at: Moment(row.due_at),
            begun_at: row.begun_at.map(Moment),
            parts: row.parts,
            certified_at: row.certified_at.map(Moment),
        }
    }
}

/// The erasure that a customer asked for.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Option<Erasure>> {
    let sql = "SELECT erasure_id, asked_at, due_at, begun_at, parts, failing, certified_at FROM erasures WHERE customer_id = $1";
    let row: Option<Row> = tx.optional(sql, [customer.into()]).await?;
    Ok(row.map(Erasure::from))
}

/// Writes down that a customer wants to be erased, or that they want it sooner. One that has begun stays as it is.
pub async fn ask(
    tx: &mut Tx,
    customer: CustomerId,
    erasure_id: &str,
    now: Moment,
    due: Moment,
) -> Result<()> {
    let sql = "INSERT INTO erasures (customer_id, erasure_id, asked_at, due_at, parts, failing) VALUES ($1, $2, $3, $4, '', '') \
               ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at \
               WHERE erasures.begun_at IS NULL AND excluded.due_at < erasures.due_at";
    let args = [customer.into(), erasure_id.into(), now.into(), due.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Calls it off; answers whether there was one that had not begun.
pub async fn call_off(tx: &mut Tx, customer: CustomerId) -> Result<bool> {
    let sql = "DELETE FROM erasures WHERE customer_id = $1 AND begun_at IS NULL";
    Ok(tx.execute(sql, [customer.into()]).await? > 0)
}

/// Begins it with the plan, before anything is touched. One that has begun keeps the plan that it has, and none begins before
/// its time: it may have been called off and asked for anew since the caller looked.
pub async fn begin(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    plan: &[u8],
    now: Moment,
) -> Result<()> {
    let sealed = key.seal(&identity(customer), plan, random)?;
    let sql = "UPDATE erasures SET begun_at = $2, plan = $3 WHERE customer_id = $1 AND begun_at IS NULL AND due_at <= $2";
    tx.execute(sql, [customer.into(), now.into(), sealed.into()])
        .await
        .map(|_| ())
}

/// The plan of one that has begun.
///
/// # Errors
/// [`StoreError::Seal`] when it was tampered with.
pub async fn plan(tx: &mut Tx, key: &SecretKey, customer: CustomerId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT plan FROM erasures WHERE customer_id = $1 AND begun_at IS NOT NULL";
    let row: Option<(Option<Vec<u8>>,)> = tx.optional(sql, [customer.into()]).await?;
    let Some((Some(sealed),)) = row else {
        return Ok(None);
    };
    key.open(&identity(customer), &sealed).map(Some)
}

/// Writes down what was done, and where it could not be done yet.
pub async fn note(
    tx: &mut Tx,
    customer: CustomerId,
    parts: &str,
    failing: &[String],
) -> Result<()> {
    let sql = "UPDATE erasures SET parts = $2, failing = $3 WHERE customer_id = $1";
    let failing = failing.join(",");
    tx.execute(sql, [customer.into(), parts.into(), failing.into()])
        .await
        .map(|_| ())
}

/// Keeps the certificate of an erasure whose parts are all done.
pub async fn certify(
    tx: &mut Tx,
    customer: CustomerId,
    erasure_id: &str,
    document: &str,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO certificates (erasure_id, issued_at, document) VALUES ($1, $2, $3)";
    tx.execute(sql, [erasure_id.into(), now.into(), document.into()])
        .await?;
    let sql = "UPDATE erasures SET certified_at = $2 WHERE customer_id = $1";
    tx.execute(sql, [customer.into(), now.into()])
        .await
        .map(|_| ())
}

/// A certificate.
pub async fn certificate(tx: &mut Tx, erasure_id: &str) -> Result<Option<String>> {
    let sql = "SELECT document FROM certificates WHERE erasure_id = $1";
    let row: Option<(String,)> = tx.optional(sql, [erasure_id.into()]).await?;
    Ok(row.map(|(document,)| document))
}

/// How much the portal itself holds of a customer: what it is, and how many rows.
pub async fn own_rows(tx: &mut Tx, customer: CustomerId) -> Result<[(&'static str, u64); 6]> {
    let mut all = [
        ("Your log-in and what you gave here", 1),
        ("What you allowed, and your answers", 0),
        ("Who looked at your data", 0),
        ("Your points and rewards", 0),
        ("Mails that we sent you", 0),
        ("Copies that you had us make", 0),
    ];
    let counts = [
        "SELECT COUNT(*) FROM own_records WHERE customer_id = $1",
        "SELECT COUNT(*) FROM consent_records WHERE customer_id = $1",
        "SELECT COUNT(*) FROM looks WHERE customer_id = $1",
        "SELECT COUNT(*) FROM point_entries WHERE customer_id = $1",
        "SELECT COUNT(*) FROM outbox WHERE customer_id = $1",
        "SELECT COUNT(*) FROM exports WHERE customer_id = $1",
    ];
    for ((_, rows), sql) in all.iter_mut().zip(counts) {
        let (count,): (i64,) = tx.one(sql, [customer.into()]).await?;
        *rows = u64::try_from(count).map_err(|_| StoreError::Form)?;
    }
    Ok(all)
}

/// Forgets a customer: all that the portal holds of them goes, but for the last mails and the erasure itself; nobody can log in
/// any more. The points that they had left become what is owed to nobody in particular.
pub async fn forget(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let sql = "INSERT INTO unspent_points (programme, points) \
               SELECT programme, balance FROM point_heads WHERE customer_id = $1 AND balance > 0 \
               ON CONFLICT (programme) DO UPDATE SET points = unspent_points.points + excluded.points";
    tx.execute(sql, [customer.into()]).await?;
    for sql in [
        "DELETE FROM webhook_deliveries WHERE ref IN (SELECT ref FROM customer_refs WHERE customer_id = $1)",
        // So that an address earns once, its keyed hash stays; whose it was does not.
        "UPDATE earned_contacts SET customer_id = '' WHERE customer_id = $1",
        "DELETE FROM looks WHERE customer_id = $1",
        "DELETE FROM look_heads WHERE customer_id = $1",
        "DELETE FROM last_looks WHERE customer_id = $1",
        "DELETE FROM sessions WHERE customer_id = $1",
        "DELETE FROM address_hashes WHERE customer_id = $1",
        "DELETE FROM mail_links WHERE customer_id = $1",
        "DELETE FROM own_records WHERE customer_id = $1",
        "DELETE FROM links WHERE customer_id = $1",
        "DELETE FROM second_facts WHERE customer_id = $1",
        "DELETE FROM app_codes WHERE customer_id = $1",
        "DELETE FROM recovery_codes WHERE customer_id = $1",
        "DELETE FROM passkeys WHERE customer_id = $1",
        "DELETE FROM known_devices WHERE customer_id = $1",
        "DELETE FROM contact_points WHERE customer_id = $1",
        "DELETE FROM contact_codes WHERE customer_id = $1",
        "DELETE FROM former_addresses WHERE customer_id = $1",
        "DELETE FROM consent_records WHERE customer_id = $1",
        "DELETE FROM grants WHERE customer_id = $1",
        "DELETE FROM shown_asks WHERE customer_id = $1",
        "DELETE FROM memberships WHERE customer_id = $1",
        "DELETE FROM point_entries WHERE customer_id = $1",
        "DELETE FROM point_heads WHERE customer_id = $1",
        "DELETE FROM redemptions WHERE customer_id = $1",
        "DELETE FROM pending_joins WHERE customer_id = $1",
        "DELETE FROM customer_refs WHERE customer_id = $1",
        "DELETE FROM exports WHERE customer_id = $1",
        "DELETE FROM outbox WHERE customer_id = $1 AND sent_at IS NOT NULL",
    ] {
        tx.execute(sql, [customer.into()]).await?;
    }
    Ok(())
}

/// The last of a customer goes: the mails and the erasure itself. Their key is destroyed apart
/// ([`crate::keys::KeyStore::destroy`]), after this.
pub async fn finish(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let sql = "DELETE FROM customers WHERE customer_id = $1";
    tx.execute(sql, [customer.into()]).await.map(|_| ())
}

fn identity(customer: CustomerId) -> String {
    format!("erasure:{customer}")
}
