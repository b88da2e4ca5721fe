//! Asks that the staff paused, and how customers answered each.

use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};

/// How many customers gave which answer to an ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The ask's key.
    pub ask: String,
    /// Their yes counts now, as far as its time goes.
    pub yes: u64,
    /// They said no, or took their yes back.
    pub no: u64,
    /// They said: not now.
    pub not_now: u64,
}

/// The keys of the asks that are paused.
pub async fn paused(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT ask FROM paused_asks ORDER BY ask";
    let rows: Vec<(String,)> = tx.all(sql, []).await?;
    Ok(rows.into_iter().map(|(ask,)| ask).collect())
}

/// Pauses an ask, or goes on with it; `false` where it was so already.
pub async fn pause(tx: &mut Tx, ask: &str, paused: bool, now: Moment) -> Result<bool> {
    let changed = if paused {
        let sql =
            "INSERT INTO paused_asks (ask, paused_at) VALUES ($1, $2) ON CONFLICT (ask) DO NOTHING";
        tx.execute(sql, [ask.into(), now.into()]).await?
    } else {
        let sql = "DELETE FROM paused_asks WHERE ask = $1";
        tx.execute(sql, [ask.into()]).await?
    };
    Ok(changed > 0)
}

/// The answers to all asks, as counts only.
pub async fn answers(tx: &mut Tx, now: Moment) -> Result<Vec<Answers>> {
    let sql = "SELECT ask, \
               SUM(CASE WHEN state IN ('given', 'renewed') AND (ends_at IS NULL OR ends_at > $1) THEN 1 ELSE 0 END), \
               SUM(CASE WHEN state IN ('refused', 'withdrawn') THEN 1 ELSE 0 END), \
               SUM(CASE WHEN state = 'not-now' THEN 1 ELSE 0 END) \
               FROM grants WHERE ask <> '' GROUP BY ask ORDER BY ask";
    let rows: Vec<(String, i64, i64, i64)> = tx.all(sql, [now.into()]).await?;
    let whole = |count: i64| u64::try_from(count).map_err(|_| StoreError::Form);
    let answers = |(ask, yes, no, not_now)| {
        Ok(Answers {
            ask,
            yes: whole(yes)?,
            no: whole(no)?,
            not_now: whole(not_now)?,
        })
    };
    rows.into_iter().map(answers).collect()
}
