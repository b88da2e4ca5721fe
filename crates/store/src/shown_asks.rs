//! Which asks stood before a customer: nobody answers what they were not shown, and what was shown is answered once.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

/// An ask that a customer saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAsk {
    /// Its key.
    pub ask: String,
    /// The version of its words.
    pub version: u32,
    /// When it was last shown.
    pub shown_at: Moment,
    /// When the portal last brought it up by itself; `None`: the customer came to it.
    pub asked_at: Option<Moment>,
    /// Whether what was shown last has its answer.
    pub answered: bool,
}

/// All that a customer saw.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<ShownAsk>> {
    let sql = "SELECT ask, version, shown_at, asked_at, answered FROM shown_asks WHERE customer_id = $1 ORDER BY ask";
    let rows: Vec<(String, i64, i64, Option<i64>, bool)> = tx.all(sql, [customer.into()]).await?;
    let shown = |(ask, version, shown_at, asked_at, answered): (_, i64, _, Option<i64>, _)| {
        Ok(ShownAsk {
            ask,
            version: version.try_into().map_err(|_| StoreError::Form)?,
            shown_at: Moment(shown_at),
            asked_at: asked_at.map(Moment),
            answered,
        })
    };
    rows.into_iter().map(shown).collect()
}

/// Notes that an ask is shown, for an answer to follow. `brought_up`: the portal chose it, not the customer.
pub async fn show(
    tx: &mut Tx,
    customer: CustomerId,
    ask: &str,
    version: u32,
    brought_up: bool,
    now: Moment,
) -> Result<()> {
    let sql = "INSERT INTO shown_asks (customer_id, ask, version, shown_at, asked_at, answered) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (customer_id, ask) DO UPDATE SET version = excluded.version, shown_at = excluded.shown_at, \
               asked_at = COALESCE(excluded.asked_at, shown_asks.asked_at), answered = excluded.answered";
    let asked_at = brought_up.then_some(now.0);
    let args = [
        customer.into(),
        ask.into(),
        i64::from(version).into(),
        now.into(),
        asked_at.into(),
        false.into(),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Takes the one answer that what was shown may have; answers whether there was one to take: shown since `since`, in these
/// words, and not answered yet.
pub async fn take_answer(
    tx: &mut Tx,
    customer: CustomerId,
    ask: &str,
    version: u32,
    since: Moment,
) -> Result<bool> {
    let sql = "UPDATE shown_asks SET answered = $5 WHERE customer_id = $1 AND ask = $2 AND version = $3 \
               AND shown_at >= $4 AND answered <> $5";
    let args = [
        customer.into(),
        ask.into(),
        i64::from(version).into(),
        since.into(),
        true.into(),
    ];
    Ok(tx.execute(sql, args).await? == 1)
}
