//! Who was sent a link to join a programme, until its button is pressed. What they asked for is sealed with their key.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use serde::{Deserialize, Serialize};

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, SecretKey};

/// What somebody asked for when they wanted to join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingJoin {
    /// The programme's key.
    pub programme: String,
    /// What they want to be called.
    pub nickname: Option<String>,
    /// Where they came from.
    pub return_to: Option<String>,
}

/// Never the nickname.
impl std::fmt::Debug for PendingJoin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingJoin")
            .field("programme", &self.programme)
            .finish_non_exhaustive()
    }
}

/// Keeps what was asked beside the hash of the link's token.
pub async fn add(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    token_hash: &str,
    asked: &PendingJoin,
    now: Moment,
) -> Result<()> {
    let plain = serde_json::to_vec(asked).map_err(|_| StoreError::Form)?;
    let sealed = key.seal(&identity(customer, token_hash), &plain, random)?;
    let sql = "INSERT INTO pending_joins (customer_id, token_hash, sealed, created_at) VALUES ($1, $2, $3, $4)";
    let args = [
        customer.into(),
        token_hash.into(),
        sealed.into(),
        now.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// What was asked; `None` where there is nothing.
pub async fn get(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    token_hash: &str,
) -> Result<Option<PendingJoin>> {
    let sql = "SELECT sealed FROM pending_joins WHERE customer_id = $1 AND token_hash = $2";
    let args = [customer.into(), token_hash.into()];
    let row: Option<(Vec<u8>,)> = tx.optional(sql, args).await?;
    row.map(|(sealed,)| {
        let plain = key.open(&identity(customer, token_hash), &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Form)
    })
    .transpose()
}

/// Forgets what was asked.
pub async fn remove(tx: &mut Tx, customer: CustomerId, token_hash: &str) -> Result<()> {
    let sql = "DELETE FROM pending_joins WHERE customer_id = $1 AND token_hash = $2";
    let args = [customer.into(), token_hash.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes what was asked before `before`: its link has ended.
pub async fn sweep(tx: &mut Tx, before: Moment) -> Result<u64> {
    let sql = "DELETE FROM pending_joins WHERE created_at < $1";
    tx.execute(sql, [before.into()]).await
}

fn identity(customer: CustomerId, token_hash: &str) -> String {
    format!("join:{customer}:{token_hash}")
}
