//! What the shops of programmes are told, as a queue of its own: a delivery waits in the transaction of the change that it
//! tells of, is claimed with a lease, and stays in sight for a while when it is done or given up.
//!
//! It is no job: jobs run one after the other, and a receiver that hangs would hold up all of them.

use fairhold_domain::time::Moment;

use crate::db::{ClaimSql, Db, Result, Tx};
use crate::seal::{Random, SecretKey};

/// Seconds for which a claimed delivery is another sender's: longer than any receiver may take.
const LEASE_SECONDS: i64 = 120;

/// Something to tell a programme's shop.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    /// The programme's key.
    pub programme: &'a str,
    /// Its own id, the same at each try.
    pub webhook_id: &'a str,
    /// What other systems call the customer whom it is about.
    pub reference: &'a str,
    /// What happened, as the receiver reads it.
    pub kind: &'a str,
    /// What is sent.
    pub body: &'a str,
}

/// A delivery that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its own id, the same at each try.
    pub webhook_id: String,
    /// What is sent.
    pub body: String,
    /// How often it was tried, this time included.
    pub tries: i64,
    /// How many of the growing waits are behind it.
    pub step: i64,
}

/// A delivery, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The programme's key.
    pub programme: String,
    /// Its own id.
    pub webhook_id: String,
    /// What happened, as the receiver reads it.
    pub kind: String,
    /// When it happened.
    pub queued_at: Moment,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next; `None`: it was delivered or given up.
    pub next_try_at: Option<Moment>,
    /// When it was tried last.
    pub last_try_at: Option<Moment>,
    /// The status of the last answer (HTTP); `None`: there was none.
    pub last_status: Option<i64>,
    /// When it was delivered.
    pub delivered_at: Option<Moment>,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    programme: String,
    webhook_id: String,
    kind: String,
    queued_at: i64,
    tries: i64,
    next_try_at: Option<i64>,
    last_try_at: Option<i64>,
    last_status: Option<i64>,
    delivered_at: Option<i64>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            programme: row.programme,
            webhook_id: row.webhook_id,
            kind: row.kind,
            queued_at: Moment(row.queued_at),
            tries: row.tries,
            next_try_at: row.next_try_at.map(Moment),
            last_try_at: row.last_try_at.map(Moment),
            last_status: row.last_status,
            delivered_at: row.delivered_at.map(Moment),
        }
    }
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it, with this status.
    Delivered(u16),
    /// It did not.
    Failed {
        /// With this status; `None`: it did not answer.
        status: Option<u16>,
        /// When to try again; `None`: it is given up.
        next: Option<Moment>,
    },
}

/// Queues a delivery. It is sent only if the transaction commits.
pub async fn queue(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    new: NewDelivery<'_>,
    now: Moment,
) -> Result<()> {
    let identity = identity(new.programme, new.webhook_id);
    let sealed = key.seal(&identity, new.body.as_bytes(), random)?;
    let sql = "INSERT INTO webhook_deliveries \
               (programme, webhook_id, ref, kind, sealed, queued_at, tries, step, next_try_at) \
               VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $6)";
    let args = [
        new.programme.into(),
        new.webhook_id.into(),
        new.reference.into(),
        new.kind.into(),
        sealed.into(),
        now.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Takes deliveries of a programme that are due, those that wait longest first, `most` of them at most. The claim ends by
/// itself when the sender dies. One whose body can't be opened, because it was tampered with, is given up, and holds up no
/// other.
pub async fn claim(
    db: &Db,
    key: &SecretKey,
    programme: &str,
    most: i64,
    now: Moment,
) -> Result<Vec<Claimed>> {
    let clause = db.claim_clause();
    let (key, programme) = (key.clone(), programme.to_owned());
    db.write(move |tx| {
        Box::pin(async move {
            let sql = match clause {
                ClaimSql::OneWriter => {
                    "UPDATE webhook_deliveries SET tries = tries + 1, leased_until = $3 WHERE programme = $1 AND webhook_id IN \
                     (SELECT webhook_id FROM webhook_deliveries WHERE programme = $1 AND next_try_at <= $2 \
                      AND (leased_until IS NULL OR leased_until < $2) ORDER BY next_try_at, webhook_id LIMIT $4) \
                     RETURNING webhook_id, sealed, tries, step"
                }
                ClaimSql::SkipLocked => {
                    "UPDATE webhook_deliveries SET tries = tries + 1, leased_until = $3 WHERE programme = $1 AND webhook_id IN \
                     (SELECT webhook_id FROM webhook_deliveries WHERE programme = $1 AND next_try_at <= $2 \
                      AND (leased_until IS NULL OR leased_until < $2) ORDER BY next_try_at, webhook_id LIMIT $4 \
                      FOR UPDATE SKIP LOCKED) RETURNING webhook_id, sealed, tries, step"
                }
            };
            let until = now.plus_seconds(LEASE_SECONDS);
            let args = [programme.as_str().into(), now.into(), until.into(), most.into()];
            let rows: Vec<(String, Vec<u8>, i64, i64)> = tx.all(sql, args).await?;
            let mut claimed = Vec::new();
            for (webhook_id, sealed, tries, step) in rows {
                let opened = key.open(&identity(&programme, &webhook_id), &sealed);
                if let Some(body) = opened.ok().and_then(|body| String::from_utf8(body).ok()) {
                    claimed.push(Claimed { webhook_id, body, tries, step });
                } else {
                    tracing::error!(programme, webhook_id, "what a shop was to be told can't be opened");
                    give_up(tx, &programme, &webhook_id, now).await?;
                }
            }
            Ok(claimed)
        })
    })
    .await
}

async fn give_up(tx: &mut Tx, programme: &str, webhook_id: &str, now: Moment) -> Result<()> {
    let sql = "UPDATE webhook_deliveries SET leased_until = NULL, last_try_at = $3, next_try_at = NULL \
               WHERE programme = $1 AND webhook_id = $2";
    let args = [programme.into(), webhook_id.into(), now.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Notes what became of a try. Nothing happens when another sender has claimed the delivery since.
pub async fn settle(
    tx: &mut Tx,
    programme: &str,
    claimed: &Claimed,
    outcome: Outcome,
    now: Moment,
) -> Result<()> {
    let (status, next, delivered) = match outcome {
        Outcome::Delivered(status) => (Some(status), None, Some(now)),
        Outcome::Failed { status, next } => (status, next, None),
    };
    let sql = "UPDATE webhook_deliveries SET leased_until = NULL, last_try_at = $3, last_status = $4, next_try_at = $5, \
               delivered_at = $6, step = step + 1 WHERE programme = $1 AND webhook_id = $2 AND tries = $7";
    let args = [
        programme.into(),
        claimed.webhook_id.as_str().into(),
        now.into(),
        status.map(i64::from).into(),
        next.map(|at| at.0).into(),
        delivered.map(|at| at.0).into(),
        claimed.tries.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Has a delivery sent again now, with all its waits before it; answers whether there is one that nobody is sending.
pub async fn send_again(
    tx: &mut Tx,
    programme: &str,
    webhook_id: &str,
    now: Moment,
) -> Result<bool> {
    let sql = "UPDATE webhook_deliveries SET next_try_at = $3, step = 0, delivered_at = NULL \
               WHERE programme = $1 AND webhook_id = $2 AND (leased_until IS NULL OR leased_until < $3)";
    let args = [programme.into(), webhook_id.into(), now.into()];
    Ok(tx.execute(sql, args).await? > 0)
}

/// The newest deliveries of all programmes that come before the one of id `before`, `limit` at most, newest first.
pub async fn page(tx: &mut Tx, before: &str, limit: i64) -> Result<Vec<Delivery>> {
    let sql = "SELECT programme, webhook_id, kind, queued_at, tries, next_try_at, last_try_at, last_status, delivered_at \
               FROM webhook_deliveries WHERE webhook_id < $1 ORDER BY webhook_id DESC LIMIT $2";
    let rows: Vec<DeliveryRow> = tx.all(sql, [before.into(), limit.into()]).await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

/// Removes deliveries that were delivered or given up before `before`.
pub async fn sweep(tx: &mut Tx, before: Moment) -> Result<u64> {
    let sql =
        "DELETE FROM webhook_deliveries WHERE COALESCE(next_try_at, last_try_at, queued_at) < $1";
    tx.execute(sql, [before.into()]).await
}

fn identity(programme: &str, webhook_id: &str) -> String {
    format!("webhook:{programme}:{webhook_id}")
}
