//! What the company's other systems call a customer: a random word that says nothing about them, and leads to them here
//! alone. It is made once, so that two answers about one customer can be told to be about one.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, hex, random_bytes};

/// What other systems call a customer; made where there is nothing yet.
pub async fn of(
    tx: &mut Tx,
    random: &dyn Random,
    customer: CustomerId,
    now: Moment,
) -> Result<String> {
    let fresh = hex(&random_bytes::<16>(random));
    let sql = "INSERT INTO customer_refs (customer_id, ref, made_at) VALUES ($1, $2, $3) \
               ON CONFLICT (customer_id) DO NOTHING";
    let args = [customer.into(), fresh.into(), now.into()];
    tx.execute(sql, args).await?;
    let sql = "SELECT ref FROM customer_refs WHERE customer_id = $1";
    let (stands,) = tx.one::<(String,)>(sql, [customer.into()]).await?;
    Ok(stands)
}

/// Whom other systems call so; `None` where that is nobody.
pub async fn customer_of(tx: &mut Tx, reference: &str) -> Result<Option<CustomerId>> {
    // No other form is ever given out, and PostgreSQL takes no text with a NUL in it.
    let plain = reference.len() == 32 && reference.bytes().all(|b| b.is_ascii_hexdigit());
    if !plain {
        return Ok(None);
    }
    let sql = "SELECT customer_id FROM customer_refs WHERE ref = $1";
    let row: Option<(String,)> = tx.optional(sql, [reference.into()]).await?;
    row.map(|(id,)| CustomerId::parse(&id).map_err(|_| StoreError::Form))
        .transpose()
}
