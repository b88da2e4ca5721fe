//! Links: which rows of a connected system are a customer's. The rows' keys may be personal, so they are sealed.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};
use crate::seal::{Random, SecretKey};

/// The link of a customer to a dataset.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The dataset's key.
    pub dataset: String,
    /// When the system was last asked for the customer's identity rows.
    pub checked_at: Moment,
    /// The keys of the identity rows, in the form the caller gave; empty where the system knows nobody.
    pub keys: Vec<u8>,
}

/// All links of a customer.
pub async fn of(tx: &mut Tx, key: &SecretKey, customer: CustomerId) -> Result<Vec<Link>> {
    let sql = "SELECT dataset, checked_at, sealed FROM links WHERE customer_id = $1";
    let rows: Vec<(String, i64, Vec<u8>)> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter()
        .map(|(dataset, checked_at, sealed)| {
            let keys = key.open(&identity(customer, &dataset), &sealed)?;
            Ok(Link {
                dataset,
                checked_at: Moment(checked_at),
                keys,
            })
        })
        .collect()
}

/// Writes a link, over what was there.
pub async fn put(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    link: &Link,
) -> Result<()> {
    let sealed = key.seal(&identity(customer, &link.dataset), &link.keys, random)?;
    let sql = "INSERT INTO links (customer_id, dataset, checked_at, sealed) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (customer_id, dataset) DO UPDATE SET checked_at = excluded.checked_at, sealed = excluded.sealed";
    let args = [
        customer.into(),
        link.dataset.as_str().into(),
        link.checked_at.into(),
        sealed.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Forgets all links of a customer: what they proved has changed, so all systems are asked anew.
pub async fn forget(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let sql = "DELETE FROM links WHERE customer_id = $1";
    tx.execute(sql, [customer.into()]).await.map(|_| ())
}

fn identity(customer: CustomerId, dataset: &str) -> String {
    format!("link:{customer}:{dataset}")
}
