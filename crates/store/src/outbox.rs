//! Mail on its way, sealed with its customer's key.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use serde::{Deserialize, Serialize};

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, SecretKey};

/// How a message leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// By e-mail.
    #[default]
    Mail,
    /// By text to a phone.
    Text,
}

/// A mail, or a text to a phone. The subject holds nothing personal; the body may.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// How it leaves.
    #[serde(default)]
    pub channel: Channel,
    /// The proven, or about to be proven, address or number.
    pub to: String,
    /// Nothing personal: subjects are shown on locked phones.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose.
    pub customer: CustomerId,
    /// Its own id.
    pub mail_id: String,
    /// When it was written.
    pub created_at: Moment,
    /// When it was handed over.
    pub sent_at: Option<Moment>,
}

/// Puts a mail into the outbox.
pub async fn put(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    mail_id: &str,
    mail: &Mail,
    now: Moment,
) -> Result<()> {
    let plain = serde_json::to_vec(mail).map_err(|_| StoreError::Form)?;
    let sealed = key.seal(&identity(customer, mail_id), &plain, random)?;
    let sql =
        "INSERT INTO outbox (customer_id, mail_id, created_at, sealed) VALUES ($1, $2, $3, $4)";
    tx.execute(
        sql,
        [customer.into(), mail_id.into(), now.into(), sealed.into()],
    )
    .await
    .map(|_| ())
}

/// A mail as it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What it says, and to whom.
    pub mail: Mail,
    /// When it was written.
    pub created_at: Moment,
    /// When it was handed over.
    pub sent_at: Option<Moment>,
}

/// A mail; `None` when there is none of that id.
pub async fn get(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    mail_id: &str,
) -> Result<Option<Stored>> {
    let sql =
        "SELECT sealed, created_at, sent_at FROM outbox WHERE customer_id = $1 AND mail_id = $2";
    let row: Option<(Vec<u8>, i64, Option<i64>)> =
        tx.optional(sql, [customer.into(), mail_id.into()]).await?;
    row.map(|(sealed, created_at, sent)| {
        let plain = key.open(&identity(customer, mail_id), &sealed)?;
        Ok(Stored {
            mail: serde_json::from_slice(&plain).map_err(|_| StoreError::Form)?,
            created_at: Moment(created_at),
            sent_at: sent.map(Moment),
        })
    })
    .transpose()
}

/// Notes that a mail was handed over.
pub async fn mark_sent(
    tx: &mut Tx,
    customer: CustomerId,
    mail_id: &str,
    now: Moment,
) -> Result<()> {
    let sql = "UPDATE outbox SET sent_at = $3 WHERE customer_id = $1 AND mail_id = $2";
    tx.execute(sql, [customer.into(), mail_id.into(), now.into()])
        .await
        .map(|_| ())
}

/// The newest mails, for the demo's page.
pub async fn newest(tx: &mut Tx, limit: i64) -> Result<Vec<Waiting>> {
    let sql = "SELECT customer_id, mail_id, created_at, sent_at FROM outbox ORDER BY created_at DESC, mail_id DESC LIMIT $1";
    let rows: Vec<(String, String, i64, Option<i64>)> = tx.all(sql, [limit.into()]).await?;
    rows.into_iter()
        .map(|(customer, mail_id, created_at, sent_at)| {
            Ok(Waiting {
                customer: CustomerId::parse(&customer).map_err(|_| StoreError::Form)?,
                mail_id,
                created_at: Moment(created_at),
                sent_at: sent_at.map(Moment),
            })
        })
        .collect()
}

/// How many mails to a customer were written at `since` or later, sent or not.
pub async fn written_since(tx: &mut Tx, customer: CustomerId, since: Moment) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM outbox WHERE customer_id = $1 AND created_at >= $2";
    let (mails,): (i64,) = tx.one(sql, [customer.into(), since.into()]).await?;
    Ok(mails)
}

/// Removes mails that were sent before `before`, and those that were written before it and never sent.
pub async fn sweep(tx: &mut Tx, before: Moment) -> Result<u64> {
    let sql = "DELETE FROM outbox WHERE COALESCE(sent_at, created_at) < $1";
    tx.execute(sql, [before.into()]).await
}

fn identity(customer: CustomerId, mail_id: &str) -> String {
    format!("mail:{customer}:{mail_id}")
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
