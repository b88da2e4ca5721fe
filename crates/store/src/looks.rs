//! Access records: an append-only chain, one a customer, keyed so that a change, a gap or a cut tail shows.

use fairhold_domain::access::{Actor, Look};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Db, Result, StoreError, Tx};
use crate::keys::{Checkpoint, KeyStore};
use crate::seal::{SecretKey, equal};

/// How many records of a chain, or chains, are read at a time when walking.
const STRIDE: i64 = 500;

/// A look as it stands in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// What.
    pub look: Look,
}

/// The last look at a collection by staff or by another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastLook {
    /// The dataset's key.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: Actor,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    seq: i64,
    mac: Vec<u8>,
    seal: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct LookRow {
    seq: i64,
    at: i64,
    body: String,
    mac: Vec<u8>,
}

/// Appends a look. It is part of the transaction it is called in; nothing may be shown before that is durable.
///
/// # Errors
/// [`StoreError::Seal`] when the head of the chain has been tampered with: then nothing is appended, and nothing may
/// be shown.
pub async fn append(tx: &mut Tx, key: &SecretKey, customer: CustomerId, at: Moment, look: &Look) -> Result<i64> {
    let body = serde_json::to_string(look).map_err(|_| StoreError::Form)?;
    let id = customer.to_string();
    let (seq, previous) = advance(tx, key, &id).await?;
    let mac = record_mac(key, &id, seq, at.0, &previous, &body);
    let seal = head_seal(key, &id, seq, &mac);
    let sql = "INSERT INTO looks (customer_id, seq, at, body, mac) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, [customer.into(), seq.into(), at.into(), body.into(), mac.clone().into()]).await?;
    let sql = "UPDATE look_heads SET mac = $2, seal = $3 WHERE customer_id = $1";
    tx.execute(sql, [customer.into(), mac.into(), seal.into()]).await?;
    if matches!(look.actor, Actor::Staff { .. } | Actor::System { .. }) {
        note_last_looks(tx, customer, at, look).await?;
    }
    Ok(seq)
}

/// Moves the head one on and locks it; answers the new number and the code of the record before it.
async fn advance(tx: &mut Tx, key: &SecretKey, id: &str) -> Result<(i64, Vec<u8>)> {
    let sql = "UPDATE look_heads SET seq = seq + 1, fresh = TRUE WHERE customer_id = $1 RETURNING seq, mac, seal";
    if let Some(head) = tx.optional::<HeadRow>(sql, [id.into()]).await? {
        let intact = equal(&head.seal, &head_seal(key, id, head.seq - 1, &head.mac));
        return if intact { Ok((head.seq, head.mac)) } else { Err(StoreError::Seal) };
    }
    let sql = "INSERT INTO look_heads (customer_id, seq, mac, seal, fresh) VALUES ($1, 1, $2, $2, TRUE)";
    tx.execute(sql, [id.into(), Vec::new().into()]).await?;
    Ok((1, Vec::new()))
}

async fn note_last_looks(tx: &mut Tx, customer: CustomerId, at: Moment, look: &Look) -> Result<()> {
    let actor = serde_json::to_string(&look.actor).map_err(|_| StoreError::Form)?;
    for seen in &look.seen {
        let sql = "INSERT INTO last_looks (customer_id, dataset, collection, at, actor) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (customer_id, dataset, collection) DO UPDATE SET at = excluded.at, actor = excluded.actor";
        let args = [
            customer.into(),
            seen.dataset.as_str().into(),
            seen.collection.as_str().into(),
            at.into(),
            actor.as_str().into(),
        ];
        tx.execute(sql, args).await?;
    }
    Ok(())
}

/// The newest looks before number `before`, `limit` at most, newest first.
pub async fn page(tx: &mut Tx, customer: CustomerId, before: i64, limit: i64) -> Result<Vec<Recorded>> {
    let sql = "SELECT seq, at, body, mac FROM looks WHERE customer_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let rows: Vec<LookRow> = tx.all(sql, [customer.into(), before.into(), limit.into()]).await?;
    rows.into_iter()
        .map(|row| {
            let look = serde_json::from_str(&row.body).map_err(|_| StoreError::Form)?;
            Ok(Recorded { seq: row.seq, at: Moment(row.at), look })
        })
        .collect()
}

/// Who else looked last, at each collection that anybody looked at.
pub async fn last_by_others(tx: &mut Tx, customer: CustomerId) -> Result<Vec<LastLook>> {
    let sql = "SELECT dataset, collection, at, actor FROM last_looks WHERE customer_id = $1";
    let rows: Vec<(String, String, i64, String)> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter()
        .map(|(dataset, collection, at, actor)| {
            let actor = serde_json::from_str(&actor).map_err(|_| StoreError::Form)?;
            Ok(LastLook { dataset, collection, at: Moment(at), actor })
        })
        .collect()
}

/// Copies the heads that moved since the last time into the key store; answers how many.
pub async fn checkpoint(db: &Db, keys: &KeyStore, now: Moment) -> Result<usize> {
    let mut done = 0;
    loop {
        let sql = "SELECT customer_id, seq, mac FROM look_heads WHERE fresh ORDER BY customer_id LIMIT $1";
        let heads: Vec<Checkpoint> = db.read().await?.all(sql, [STRIDE.into()]).await?;
        if heads.is_empty() {
            return Ok(done);
        }
        done += heads.len();
        keys.checkpoint(heads.clone(), now).await?;
        db.write(move |tx| {
            Box::pin(async move {
                for head in heads {
                    let sql = "UPDATE look_heads SET fresh = FALSE WHERE customer_id = $1 AND seq = $2";
                    tx.execute(sql, [head.customer_id.into(), head.seq.into()]).await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .await?;
    }
}

/// What is wrong with a chain, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Break {
    /// Whose chain.
    pub customer_id: String,
    /// The first record that does not fit.
    pub seq: i64,
    /// How it does not fit.
    pub what: BreakKind,
}

/// The ways in which a chain can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// A record was changed.
    Changed,
    /// A record is missing from the middle.
    Gap,
    /// Records are missing from the end.
    CutTail,
    /// The head was changed.
    Head,
    /// The chain is not the one that the key store saw.
    Checkpoint,
}

/// What a walk over all chains found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Walk {
    /// How many chains were walked.
    pub chains: u64,
    /// How many records were read.
    pub looks: u64,
    /// The first break of each broken chain.
    pub breaks: Vec<Break>,
}

/// Walks every chain that the data, its heads or the key store know of.
pub async fn verify(db: &Db, keys: &KeyStore) -> Result<Walk> {
    let mut walk = Walk::default();
    let mut after = String::new();
    loop {
        let sql = "SELECT customer_id FROM look_heads WHERE customer_id > $1 \
                   UNION SELECT customer_id FROM looks WHERE customer_id > $1 ORDER BY customer_id LIMIT $2";
        let known: Vec<(String,)> = db.read().await?.all(sql, [after.as_str().into(), STRIDE.into()]).await?;
        let checkpointed = keys.checkpoints(&after, STRIDE).await?;
        let mut ids: Vec<String> =
            known.into_iter().map(|(id,)| id).chain(checkpointed.into_iter().map(|c| c.customer_id)).collect();
        ids.sort_unstable();
        ids.dedup();
        // Each list ends at its own id: only as far as both have been read is the order complete.
        ids.truncate(usize::try_from(STRIDE).unwrap_or(usize::MAX));
        let Some(last) = ids.last() else { return Ok(walk) };
        after.clone_from(last);
        for id in ids {
            walk.chains += 1;
            let found = verify_chain(db, keys, &id, &mut walk.looks).await?;
            walk.breaks.extend(found.map(|(seq, what)| Break { customer_id: id, seq, what }));
        }
    }
}

async fn verify_chain(db: &Db, keys: &KeyStore, id: &str, looks: &mut u64) -> Result<Option<(i64, BreakKind)>> {
    let key = &keys.portal().looks;
    // The checkpoint is read before the chain, which only grows: an entry appended meanwhile is no break.
    let checkpoint = keys.checkpoint_of(id).await?;
    let mut tx = db.read().await?;
    let sql = "SELECT seq, mac, seal FROM look_heads WHERE customer_id = $1";
    let head: Option<HeadRow> = tx.optional(sql, [id.into()]).await?;
    let mut at = (0_i64, Vec::new());
    let mut passed_head = head.is_none();
    let mut passed_checkpoint = checkpoint.is_none();
    loop {
        let sql = "SELECT seq, at, body, mac FROM looks WHERE customer_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let rows: Vec<LookRow> = tx.all(sql, [id.into(), at.0.into(), STRIDE.into()]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            *looks += 1;
            if row.seq != at.0 + 1 {
                return Ok(Some((at.0 + 1, BreakKind::Gap)));
            }
            if !equal(&row.mac, &record_mac(key, id, row.seq, row.at, &at.1, &row.body)) {
                return Ok(Some((row.seq, BreakKind::Changed)));
            }
            if let Some(seen) = checkpoint.as_ref().filter(|c| c.seq == row.seq) {
                if !equal(&seen.mac, &row.mac) {
                    return Ok(Some((row.seq, BreakKind::Checkpoint)));
                }
                passed_checkpoint = true;
            }
            if let Some(head) = head.as_ref().filter(|h| h.seq == row.seq) {
                let intact = equal(&head.mac, &row.mac) && equal(&head.seal, &head_seal(key, id, row.seq, &row.mac));
                if !intact {
                    return Ok(Some((row.seq, BreakKind::Head)));
                }
                passed_head = true;
            }
            at = (row.seq, row.mac);
        }
    }
    Ok(match (head, passed_head && passed_checkpoint) {
        (None, _) if at.0 == 0 => Some((1, BreakKind::CutTail)),
        (None, _) => Some((at.0, BreakKind::Head)),
        (_, false) => Some((at.0 + 1, BreakKind::CutTail)),
        (_, true) => None,
    })
}

fn record_mac(key: &SecretKey, id: &str, seq: i64, at: i64, previous: &[u8], body: &str) -> Vec<u8> {
    key.keyed_hash(&[b"look", id.as_bytes(), &seq.to_be_bytes(), &at.to_be_bytes(), previous, body.as_bytes()]).to_vec()
}

fn head_seal(key: &SecretKey, id: &str, seq: i64, mac: &[u8]) -> Vec<u8> {
    key.keyed_hash(&[b"head", id.as_bytes(), &seq.to_be_bytes(), mac]).to_vec()
}
