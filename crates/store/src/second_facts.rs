//! Second facts: how often a customer tried to show that rows of a dataset are theirs, and the rows that they proved. The
//! rows' keys may be personal, so they are sealed.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::second_fact::{Tries, Wait};
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};
use crate::seal::{Random, SecretKey};

/// What a customer proved of a dataset.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// The dataset's key.
    pub dataset: String,
    /// The keys of the proven identity rows, in the form the caller gave.
    pub keys: Vec<u8>,
}

/// Takes a try before its answer is looked at, or answers how long there is none. Once this is durable the try is
/// counted, whatever becomes of it; tries that come at the same time are counted one after the other.
pub async fn take_try(
    tx: &mut Tx,
    customer: CustomerId,
    dataset: &str,
    now: Moment,
) -> Result<Result<(), Wait>> {
    let (tries, _) = lock(tx, customer, dataset).await?;
    match tries.take(now) {
        Ok(tries) => put_tries(tx, customer, dataset, tries).await.map(Ok),
        Err(wait) => Ok(Err(wait)),
    }
}

/// Gives the last try back: the system did not answer, so nothing was compared.
pub async fn give_back_try(tx: &mut Tx, customer: CustomerId, dataset: &str) -> Result<()> {
    let (tries, _) = lock(tx, customer, dataset).await?;
    put_tries(tx, customer, dataset, tries.give_back()).await
}

/// The wait that is on. Looking takes no try.
pub async fn wait(
    tx: &mut Tx,
    customer: CustomerId,
    dataset: &str,
    now: Moment,
) -> Result<Option<Wait>> {
    let sql = "SELECT tries, last_try_at FROM second_facts WHERE customer_id = $1 AND dataset = $2";
    let row: Option<(i64, i64)> = tx.optional(sql, [customer.into(), dataset.into()]).await?;
    Ok(row.and_then(|row| tries(row).wait(now)))
}

/// Everything that a customer proved.
pub async fn proofs(tx: &mut Tx, key: &SecretKey, customer: CustomerId) -> Result<Vec<Proof>> {
    let sql =
        "SELECT dataset, sealed FROM second_facts WHERE customer_id = $1 AND sealed IS NOT NULL";
    let rows: Vec<(String, Vec<u8>)> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter()
        .map(|(dataset, sealed)| {
            let keys = key.open(&identity(customer, &dataset), &sealed)?;
            Ok(Proof { dataset, keys })
        })
        .collect()
}

/// Changes what a customer proved of a dataset: `change` gets the keys that are there and answers those that shall be;
/// `None` stands for none. Changes that come at the same time are made one after the other.
pub async fn change_proof(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    dataset: &str,
    change: impl FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>> + Send,
) -> Result<()> {
    let identity = identity(customer, dataset);
    let (_, sealed) = lock(tx, customer, dataset).await?;
    let known = sealed
        .map(|sealed| key.open(&identity, &sealed))
        .transpose()?;
    let sealed = change(known)
        .map(|keys| key.seal(&identity, &keys, random))
        .transpose()?;
    let sql = "UPDATE second_facts SET sealed = $3 WHERE customer_id = $1 AND dataset = $2";
    let args = [customer.into(), dataset.into(), crate::Value::Bytes(sealed)];
    tx.execute(sql, args).await.map(|_| ())
}

/// Forgets the tries that were not right, because one was.
pub async fn forget_tries(tx: &mut Tx, customer: CustomerId, dataset: &str) -> Result<()> {
    let sql = "UPDATE second_facts SET tries = 0 WHERE customer_id = $1 AND dataset = $2";
    tx.execute(sql, [customer.into(), dataset.into()])
        .await
        .map(|_| ())
}

/// Reads a row, made where it is missing, and keeps it from others until the transaction ends.
async fn lock(
    tx: &mut Tx,
    customer: CustomerId,
    dataset: &str,
) -> Result<(Tries, Option<Vec<u8>>)> {
    // One statement, so that two first tries at once are not both the first.
    let sql = "INSERT INTO second_facts (customer_id, dataset, tries, last_try_at) VALUES ($1, $2, 0, 0) \
               ON CONFLICT (customer_id, dataset) DO UPDATE SET tries = second_facts.tries \
               RETURNING tries, last_try_at, sealed";
    let (taken, last_at, sealed): (i64, i64, Option<Vec<u8>>) =
        tx.one(sql, [customer.into(), dataset.into()]).await?;
    Ok((tries((taken, last_at)), sealed))
}

async fn put_tries(tx: &mut Tx, customer: CustomerId, dataset: &str, tries: Tries) -> Result<()> {
    let sql = "UPDATE second_facts SET tries = $3, last_try_at = $4 WHERE customer_id = $1 AND dataset = $2";
    let args = [
        customer.into(),
        dataset.into(),
        tries.taken.into(),
        tries.last_at.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

const fn tries((taken, last_at): (i64, i64)) -> Tries {
    Tries {
        taken,
        last_at: Moment(last_at),
    }
}

fn identity(customer: CustomerId, dataset: &str) -> String {
    format!("second-fact:{customer}:{dataset}")
}
