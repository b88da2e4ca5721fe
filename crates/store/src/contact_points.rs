//! Addresses and numbers of a customer beside the address that they log in with, the codes that prove them, and the
//! addresses that they logged in with before.

use fairhold_domain::contact_point::{ContactPoint, Kind};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{SecretKey, hex};

/// A contact point as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContact {
    /// Its name in forms, which opens nothing.
    pub contact_id: String,
    /// The keyed hash of the address or number.
    pub contact_hash: String,
    /// Which kind.
    pub kind: Kind,
    /// The address or number, sealed for the customer.
    pub sealed: Vec<u8>,
    /// Since when it stands here.
    pub added_at: Moment,
    /// When a code proved it.
    pub proven_at: Option<Moment>,
    /// When a right code was typed while somebody else held it.
    pub right_at: Option<Moment>,
}

#[derive(sqlx::FromRow)]
struct Row {
    contact_id: String,
    contact_hash: String,
    kind: String,
    sealed: Vec<u8>,
    added_at: i64,
    proven_at: Option<i64>,
    right_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<StoredContact> {
        Ok(StoredContact {
            contact_id: self.contact_id,
            contact_hash: self.contact_hash,
            kind: Kind::parse(&self.kind).ok_or(StoreError::Form)?,
            sealed: self.sealed,
            added_at: Moment(self.added_at),
            proven_at: self.proven_at.map(Moment),
            right_at: self.right_at.map(Moment),
        })
    }
}

/// A contact point that is to be proven.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// Its name in forms.
    pub contact_id: String,
    /// See [`contact_hash`].
    pub contact_hash: String,
    /// Which kind.
    pub kind: Kind,
    /// The address or number, sealed.
    pub sealed: Vec<u8>,
}

/// The keyed hash by which a contact point is compared with those of others. An address has the one by which it is looked
/// up at the door ([`crate::accounts::address_hash`]).
pub fn contact_hash(key: &SecretKey, point: &ContactPoint) -> String {
    hex(&key.keyed_hash(&[point.kind().as_str().as_bytes(), point.as_str().as_bytes()]))
}

/// All contact points of a customer, the oldest first.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<StoredContact>> {
    let sql = "SELECT contact_id, contact_hash, kind, sealed, added_at, proven_at, right_at \
               FROM contact_points WHERE customer_id = $1 ORDER BY added_at, contact_id";
    let rows: Vec<Row> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// One of them.
pub async fn one(
    tx: &mut Tx,
    customer: CustomerId,
    contact_id: &str,
) -> Result<Option<StoredContact>> {
    let sql = "SELECT contact_id, contact_hash, kind, sealed, added_at, proven_at, right_at \
               FROM contact_points WHERE customer_id = $1 AND contact_id = $2";
    let row: Option<Row> = tx
        .optional(sql, [customer.into(), contact_id.into()])
        .await?;
    row.map(Row::read).transpose()
}

/// Writes one down, not proven yet.
///
/// # Errors
/// [`StoreError::Conflict`] when the customer has it already.
pub async fn add(
    tx: &mut Tx,
    customer: CustomerId,
    contact: &NewContact,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO contact_points (customer_id, contact_id, contact_hash, kind, sealed, added_at, tries) \
               VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (customer_id, contact_hash) DO NOTHING";
    let args = [
        customer.into(),
        contact.contact_id.as_str().into(),
        contact.contact_hash.as_str().into(),
        contact.kind.as_str().into(),
        contact.sealed.clone().into(),
        now.into(),
    ];
    one_row(tx.execute(sql, args).await?)
}

/// Notes the code that was sent to prove one; the code before ends.
pub async fn put_code(
    tx: &mut Tx,
    customer: CustomerId,
    contact: &StoredContact,
    code_id: &str,
    code_hash: &str,
    now: Moment,
) -> Result<()> {
    let sql = "UPDATE contact_points SET code_hash = $3, code_sent_at = $4, tries = 0, right_at = NULL \
               WHERE customer_id = $1 AND contact_id = $2 AND proven_at IS NULL";
    let args = [
        customer.into(),
        contact.contact_id.as_str().into(),
        code_hash.into(),
        now.into(),
    ];
    one_row(tx.execute(sql, args).await?)?;
    let sql = "INSERT INTO contact_codes (code_id, customer_id, contact_hash, kind, sent_at) VALUES ($1, $2, $3, $4, $5)";
    let args = [
        code_id.into(),
        customer.into(),
        contact.contact_hash.as_str().into(),
        contact.kind.as_str().into(),
        now.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// How many codes were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CodesSent {
    /// By this customer.
    pub by_customer: i64,
    /// By this customer to this address or number.
    pub by_customer_here: i64,
    /// To this address or number, by anybody.
    pub here: i64,
    /// To all addresses or numbers of this kind, by anybody.
    pub of_kind: i64,
}

/// How many codes were sent since `since`.
pub async fn codes_since(
    tx: &mut Tx,
    customer: CustomerId,
    contact: &StoredContact,
    since: Moment,
) -> Result<CodesSent> {
    let sql = "SELECT (SELECT COUNT(*) FROM contact_codes WHERE customer_id = $1 AND sent_at > $4) AS by_customer, \
               (SELECT COUNT(*) FROM contact_codes WHERE customer_id = $1 AND contact_hash = $2 AND sent_at > $4) AS by_customer_here, \
               (SELECT COUNT(*) FROM contact_codes WHERE contact_hash = $2 AND sent_at > $4) AS here, \
               (SELECT COUNT(*) FROM contact_codes WHERE kind = $3 AND sent_at > $4) AS of_kind";
    let args = [
        customer.into(),
        contact.contact_hash.as_str().into(),
        contact.kind.as_str().into(),
        since.into(),
    ];
    tx.one(sql, args).await
}

/// Takes one of the `most` tries to type the code that was sent after `since`; answers its hash. `None`: there is no such
/// code, or no try is left.
pub async fn take_try(
    tx: &mut Tx,
    customer: CustomerId,
    contact_id: &str,
    most: i64,
    since: Moment,
) -> Result<Option<String>> {
    let sql = "UPDATE contact_points SET tries = tries + 1 WHERE customer_id = $1 AND contact_id = $2 \
               AND code_hash IS NOT NULL AND code_sent_at > $3 AND tries < $4 RETURNING code_hash";
    let args = [
        customer.into(),
        contact_id.into(),
        since.into(),
        most.into(),
    ];
    let row: Option<(String,)> = tx.optional(sql, args).await?;
    Ok(row.map(|(hash,)| hash))
}

/// Notes that it is proven. The code ends.
///
/// # Errors
/// When somebody else holds it, or it is gone.
pub async fn prove(tx: &mut Tx, customer: CustomerId, contact_id: &str, now: Moment) -> Result<()> {
    let sql = "UPDATE contact_points SET proven_at = $3, code_hash = NULL, right_at = NULL \
               WHERE customer_id = $1 AND contact_id = $2 AND proven_at IS NULL";
    one_row(
        tx.execute(sql, [customer.into(), contact_id.into(), now.into()])
            .await?,
    )
}

/// Notes a right code for what somebody else holds. The code ends.
pub async fn note_right(
    tx: &mut Tx,
    customer: CustomerId,
    contact_id: &str,
    now: Moment,
) -> Result<()> {
    let sql = "UPDATE contact_points SET right_at = $3, code_hash = NULL \
               WHERE customer_id = $1 AND contact_id = $2 AND proven_at IS NULL";
    one_row(
        tx.execute(sql, [customer.into(), contact_id.into(), now.into()])
            .await?,
    )
}

/// Who has proven it beside their log-in address.
pub async fn holder(tx: &mut Tx, contact_hash: &str) -> Result<Option<CustomerId>> {
    let sql =
        "SELECT customer_id FROM contact_points WHERE contact_hash = $1 AND proven_at IS NOT NULL";
    customer(tx.optional(sql, [contact_hash.into()]).await?)
}

/// Takes it from whoever holds it; answers whom.
pub async fn let_go(tx: &mut Tx, contact_hash: &str) -> Result<Option<CustomerId>> {
    let sql = "DELETE FROM contact_points WHERE contact_hash = $1 AND proven_at IS NOT NULL RETURNING customer_id";
    customer(tx.optional(sql, [contact_hash.into()]).await?)
}

/// Removes one of a customer's; answers whether it was there.
pub async fn remove(tx: &mut Tx, customer: CustomerId, contact_id: &str) -> Result<bool> {
    let sql = "DELETE FROM contact_points WHERE customer_id = $1 AND contact_id = $2";
    Ok(tx
        .execute(sql, [customer.into(), contact_id.into()])
        .await?
        > 0)
}

/// Removes what a customer added or proved at `since` or later.
pub async fn remove_added_since(tx: &mut Tx, customer: CustomerId, since: Moment) -> Result<()> {
    let sql =
        "DELETE FROM contact_points WHERE customer_id = $1 AND COALESCE(proven_at, added_at) >= $2";
    tx.execute(sql, [customer.into(), since.into()])
        .await
        .map(|_| ())
}

/// Puts another address in the place of the one that a customer logs in with. The old one is kept as theirs, and as one from
/// which the change can be taken back; `sealed` holds it.
///
/// # Errors
/// [`StoreError::Conflict`] when they do not log in with the old one, did not prove the new one, or changed it at `now` or
/// later by another clock: changes are taken back in their order.
pub async fn change_log_in_address(
    tx: &mut Tx,
    customer: CustomerId,
    old: &NewContact,
    new_hash: &str,
    sealed: Vec<u8>,
    now: Moment,
) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM former_addresses WHERE customer_id = $1 AND changed_at >= $2";
    let (later,): (i64,) = tx.one(sql, [customer.into(), now.into()]).await?;
    if later > 0 {
        return Err(StoreError::Conflict);
    }
    let sql = "DELETE FROM contact_points WHERE customer_id = $1 AND contact_hash = $2 \
               AND kind = 'email' AND proven_at IS NOT NULL";
    one_row(tx.execute(sql, [customer.into(), new_hash.into()]).await?)?;
    replace_log_in(tx, customer, &old.contact_hash, new_hash).await?;
    add(tx, customer, old, now).await?;
    prove(tx, customer, &old.contact_id, now).await?;
    let sql = "INSERT INTO former_addresses (customer_id, changed_at, address_hash, sealed) VALUES ($1, $2, $3, $4)";
    let args = [
        customer.into(),
        now.into(),
        old.contact_hash.as_str().into(),
        sealed.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Puts the address of `new_hash` where the one of `old_hash` stood.
async fn replace_log_in(
    tx: &mut Tx,
    customer: CustomerId,
    old_hash: &str,
    new_hash: &str,
) -> Result<()> {
    let sql =
        "UPDATE address_hashes SET address_hash = $3 WHERE customer_id = $1 AND address_hash = $2";
    one_row(
        tx.execute(sql, [customer.into(), old_hash.into(), new_hash.into()])
            .await?,
    )
}

/// Gives a customer back the address that they logged in with before all changes at `since` or later; answers the sealed
/// address. `None`: there was no such change. The addresses that came in its place go, and so do all links in mails that
/// were sent since.
pub async fn take_back_changes(
    tx: &mut Tx,
    customer: CustomerId,
    since: Moment,
    current_hash: &str,
) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT changed_at, address_hash, sealed FROM former_addresses \
               WHERE customer_id = $1 AND changed_at >= $2 ORDER BY changed_at LIMIT 1";
    let first: Option<(i64, String, Vec<u8>)> =
        tx.optional(sql, [customer.into(), since.into()]).await?;
    let Some((changed_at, old_hash, sealed)) = first else {
        return Ok(None);
    };
    replace_log_in(tx, customer, current_hash, &old_hash).await?;
    for sql in [
        "DELETE FROM contact_points WHERE customer_id = $1 AND COALESCE(proven_at, added_at) >= $2",
        "DELETE FROM former_addresses WHERE customer_id = $1 AND changed_at >= $2",
        "DELETE FROM mail_links WHERE customer_id = $1 AND created_at >= $2",
    ] {
        tx.execute(sql, [customer.into(), changed_at.into()])
            .await?;
    }
    let sql = "DELETE FROM contact_points WHERE customer_id = $1 AND contact_hash = $2";
    tx.execute(sql, [customer.into(), old_hash.into()]).await?;
    Ok(Some(sealed))
}

/// Who logged in with an address until a change after `since`.
pub async fn left_by(tx: &mut Tx, address_hash: &str, since: Moment) -> Result<Option<CustomerId>> {
    let sql = "SELECT customer_id FROM former_addresses WHERE address_hash = $1 AND changed_at > $2 LIMIT 1";
    customer(
        tx.optional(sql, [address_hash.into(), since.into()])
            .await?,
    )
}

/// Notes that somebody who asked with a former address is told, unless that was so after `not_since`. Answers when the
/// customer left the address; `None`: they are told already.
pub async fn note_told(
    tx: &mut Tx,
    customer: CustomerId,
    address_hash: &str,
    not_since: Moment,
    now: Moment,
) -> Result<Option<Moment>> {
    let sql = "UPDATE former_addresses SET told_at = $4 WHERE customer_id = $1 AND address_hash = $2 \
               AND (told_at IS NULL OR told_at <= $3) RETURNING changed_at";
    let args = [
        customer.into(),
        address_hash.into(),
        not_since.into(),
        now.into(),
    ];
    let rows: Vec<(i64,)> = tx.all(sql, args).await?;
    Ok(rows.into_iter().map(|(at,)| Moment(at)).min())
}

/// Removes what is over: codes and contact points that were not proven from before `before`, and former addresses from
/// before `former_before`.
pub async fn sweep(tx: &mut Tx, before: Moment, former_before: Moment) -> Result<()> {
    for (sql, before) in [
        ("DELETE FROM contact_codes WHERE sent_at < $1", before),
        (
            "DELETE FROM contact_points WHERE proven_at IS NULL AND added_at < $1 \
             AND (code_sent_at IS NULL OR code_sent_at < $1)",
            before,
        ),
        (
            "DELETE FROM former_addresses WHERE changed_at < $1",
            former_before,
        ),
    ] {
        tx.execute(sql, [before.into()]).await?;
    }
    Ok(())
}

fn customer(row: Option<(String,)>) -> Result<Option<CustomerId>> {
    row.map(|(id,)| CustomerId::parse(&id).map_err(|_| StoreError::Form))
        .transpose()
}

fn one_row(changed: u64) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}
