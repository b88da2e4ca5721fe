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
struct FreshHead {
    customer_id: String,
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
pub async fn append(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    at: Moment,
    look: &Look,
) -> Result<i64> {
    let body = serde_json::to_string(look).map_err(|_| StoreError::Form)?;
    let seq = append_to_chain(tx, key, &customer.to_string(), at, body).await?;
    if matches!(look.actor, Actor::Staff { .. } | Actor::System { .. }) {
        note_last_looks(tx, customer, at, look).await?;
    }
    Ok(seq)
}

/// Appends a record to a chain; answers its number.
pub(crate) async fn append_to_chain(
    tx: &mut Tx,
    key: &SecretKey,
    id: &str,
    at: Moment,
    body: String,
) -> Result<i64> {
    let (seq, previous) = advance(tx, key, id).await?;
    let mac = record_mac(key, id, seq, at.0, &previous, &body);
    let seal = head_seal(key, id, seq, &mac);
    let sql = "INSERT INTO looks (customer_id, seq, at, body, mac) VALUES ($1, $2, $3, $4, $5)";
    let args = [
        id.into(),
        seq.into(),
        at.into(),
        body.into(),
        mac.clone().into(),
    ];
    tx.execute(sql, args).await?;
    let sql = "UPDATE look_heads SET mac = $2, seal = $3 WHERE customer_id = $1";
    tx.execute(sql, [id.into(), mac.into(), seal.into()])
        .await?;
    Ok(seq)
}

/// Moves the head one on and locks it; answers the new number and the code of the record before it.
async fn advance(tx: &mut Tx, key: &SecretKey, id: &str) -> Result<(i64, Vec<u8>)> {
    // A chain begins at number 0 with an empty code. One statement, so that two first looks at once both get a number.
    let sql = "INSERT INTO look_heads (customer_id, seq, mac, seal, fresh) VALUES ($1, 1, $2, $3, TRUE) \
               ON CONFLICT (customer_id) DO UPDATE SET seq = look_heads.seq + 1, fresh = TRUE RETURNING seq, mac, seal";
    let start = [
        id.into(),
        Vec::new().into(),
        head_seal(key, id, 0, &[]).into(),
    ];
    let head: HeadRow = tx.one(sql, start).await?;
    let intact = equal(&head.seal, &head_seal(key, id, head.seq - 1, &head.mac));
    if intact {
        Ok((head.seq, head.mac))
    } else {
        Err(StoreError::Seal)
    }
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
pub async fn page(
    tx: &mut Tx,
    customer: CustomerId,
    before: i64,
    limit: i64,
) -> Result<Vec<Recorded>> {
    let sql = "SELECT seq, at, body, mac FROM looks WHERE customer_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let rows: Vec<LookRow> = tx
        .all(sql, [customer.into(), before.into(), limit.into()])
        .await?;
    rows.into_iter()
        .map(|row| {
            let look = serde_json::from_str(&row.body).map_err(|_| StoreError::Form)?;
            Ok(Recorded {
                seq: row.seq,
                at: Moment(row.at),
                look,
            })
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
            Ok(LastLook {
                dataset,
                collection,
                at: Moment(at),
                actor,
            })
        })
        .collect()
}

/// Copies the heads that moved since the last time into the key store; answers how many. A chain that is not the one of
/// the last checkpoint keeps that checkpoint, so that [`verify`] goes on finding it.
pub async fn checkpoint(db: &Db, keys: &KeyStore, now: Moment) -> Result<usize> {
    let mut done = 0;
    let mut after = String::new();
    loop {
        let sql = "SELECT customer_id, seq, mac, seal FROM look_heads WHERE fresh AND customer_id > $1 \
                   ORDER BY customer_id LIMIT $2";
        let fresh: Vec<FreshHead> = db
            .read()
            .await?
            .all(sql, [after.into(), STRIDE.into()])
            .await?;
        let Some(last) = fresh.last() else {
            return Ok(done);
        };
        after = last.customer_id.clone();
        let mut heads = Vec::with_capacity(fresh.len());
        for head in fresh {
            if continues(db, keys, &head).await? {
                heads.push(Checkpoint {
                    customer_id: head.customer_id,
                    seq: head.seq,
                    mac: head.mac,
                });
            } else {
                tracing::error!(
                    customer = head.customer_id,
                    "a chain of looks was changed; `fairhold verify` says where"
                );
            }
        }
        done += heads.len();
        keys.checkpoint(heads.clone(), now).await?;
        db.write(move |tx| {
            Box::pin(async move {
                for head in heads {
                    let sql =
                        "UPDATE look_heads SET fresh = FALSE WHERE customer_id = $1 AND seq = $2";
                    tx.execute(sql, [head.customer_id.into(), head.seq.into()])
                        .await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .await?;
    }
}

/// Whether a head is whole and its chain still holds what the last checkpoint saw.
async fn continues(db: &Db, keys: &KeyStore, head: &FreshHead) -> Result<bool> {
    let key = &keys.portal().looks;
    if !equal(
        &head.seal,
        &head_seal(key, &head.customer_id, head.seq, &head.mac),
    ) {
        return Ok(false);
    }
    let Some(seen) = keys.checkpoint_of(&head.customer_id).await? else {
        return Ok(true);
    };
    let sql = "SELECT mac FROM looks WHERE customer_id = $1 AND seq = $2";
    let args = [head.customer_id.as_str().into(), seen.seq.into()];
    let still: Option<(Vec<u8>,)> = db.read().await?.optional(sql, args).await?;
    Ok(still.is_some_and(|(mac,)| equal(&mac, &seen.mac)))
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
        let known: Vec<(String,)> = db
            .read()
            .await?
            .all(sql, [after.as_str().into(), STRIDE.into()])
            .await?;
        let checkpointed = keys.checkpoints(&after, STRIDE).await?;
        let mut ids: Vec<String> = known
            .into_iter()
            .map(|(id,)| id)
            .chain(checkpointed.into_iter().map(|c| c.customer_id))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        // Each list ends at its own id: only as far as both have been read is the order complete.
        ids.truncate(usize::try_from(STRIDE).unwrap_or(usize::MAX));
        let Some(last) = ids.last() else {
            return Ok(walk);
        };
        after.clone_from(last);
        for id in ids {
            walk.chains += 1;
            let found = verify_chain(db, keys, &id, &mut walk.looks).await?;
            walk.breaks.extend(found.map(|(seq, what)| Break {
                customer_id: id,
                seq,
                what,
            }));
        }
    }
}

async fn verify_chain(
    db: &Db,
    keys: &KeyStore,
    id: &str,
    looks: &mut u64,
) -> Result<Option<(i64, BreakKind)>> {
    // The checkpoint is read first and the head after the records: a chain grows meanwhile, it never shrinks.
    let checkpoint = keys.checkpoint_of(id).await?;
    let mut tx = db.read().await?;
    let mut walker = Walker {
        key: &keys.portal().looks,
        id,
        checkpoint: checkpoint.as_ref(),
        seq: 0,
        mac: Vec::new(),
    };
    loop {
        let before = walker.seq;
        if let Some(found) = walker.walk_on(&mut tx, looks).await? {
            return Ok(Some(found));
        }
        let sql = "SELECT seq, mac, seal FROM look_heads WHERE customer_id = $1";
        let head = match tx.optional::<HeadRow>(sql, [id.into()]).await {
            Err(e) if is_unreadable(&e) => return Ok(Some((walker.seq, BreakKind::Head))),
            head => head?,
        };
        let grew = walker.seq > before;
        match head {
            // More may have been appended since the records were read.
            Some(head) if head.seq > walker.seq && grew => {}
            head => return Ok(walker.end(head.as_ref())),
        }
    }
}

/// How far a walk along one chain has come.
struct Walker<'a> {
    key: &'a SecretKey,
    id: &'a str,
    checkpoint: Option<&'a Checkpoint>,
    seq: i64,
    mac: Vec<u8>,
}

impl Walker<'_> {
    /// Goes to the last record that there is, or to the first that does not fit.
    async fn walk_on(&mut self, tx: &mut Tx, looks: &mut u64) -> Result<Option<(i64, BreakKind)>> {
        // From the very lowest number, so that records put before the first one show.
        let mut from = if self.seq == 0 {
            i64::MIN
        } else {
            self.seq + 1
        };
        let mut stride = STRIDE;
        loop {
            let sql = "SELECT seq, at, body, mac FROM looks WHERE customer_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
            let rows = match tx
                .all::<LookRow>(sql, [self.id.into(), from.into(), stride.into()])
                .await
            {
                // Somewhere in this stride: one by one it can be named.
                Err(e) if is_unreadable(&e) && stride > 1 => {
                    stride = 1;
                    continue;
                }
                Err(e) if is_unreadable(&e) => return Ok(Some((self.seq + 1, BreakKind::Changed))),
                rows => rows?,
            };
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows {
                *looks += 1;
                if let Some(what) = self.step(row) {
                    return Ok(Some((self.seq + 1, what)));
                }
            }
            from = self.seq + 1;
        }
    }

    /// Takes the next record, if it fits.
    fn step(&mut self, row: LookRow) -> Option<BreakKind> {
        if row.seq > self.seq + 1 {
            return Some(BreakKind::Gap);
        }
        let fits = row.seq == self.seq + 1
            && equal(
                &row.mac,
                &record_mac(self.key, self.id, row.seq, row.at, &self.mac, &row.body),
            );
        if !fits {
            return Some(BreakKind::Changed);
        }
        if self
            .checkpoint
            .is_some_and(|seen| seen.seq == row.seq && !equal(&seen.mac, &row.mac))
        {
            return Some(BreakKind::Checkpoint);
        }
        self.seq = row.seq;
        self.mac = row.mac;
        None
    }

    /// What the head and the checkpoint say about the end.
    fn end(&self, head: Option<&HeadRow>) -> Option<(i64, BreakKind)> {
        let reached = |seq: i64| seq <= self.seq;
        let cut =
            !head.is_none_or(|h| reached(h.seq)) || !self.checkpoint.is_none_or(|c| reached(c.seq));
        let whole = head.is_some_and(|h| {
            h.seq == self.seq
                && equal(&h.mac, &self.mac)
                && equal(&h.seal, &head_seal(self.key, self.id, h.seq, &h.mac))
        });
        match (cut, whole) {
            (true, _) => Some((self.seq + 1, BreakKind::CutTail)),
            (false, false) => Some((self.seq, BreakKind::Head)),
            (false, true) => None,
        }
    }
}

/// Whether a stored value is of another kind than the one that was written.
fn is_unreadable(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Database(sqlx::Error::ColumnDecode { .. })
    )
}

fn record_mac(
    key: &SecretKey,
    id: &str,
    seq: i64,
    at: i64,
    previous: &[u8],
    body: &str,
) -> Vec<u8> {
    key.keyed_hash(&[
        b"look",
        id.as_bytes(),
        &seq.to_be_bytes(),
        &at.to_be_bytes(),
        previous,
        body.as_bytes(),
    ])
    .to_vec()
}

fn head_seal(key: &SecretKey, id: &str, seq: i64, mac: &[u8]) -> Vec<u8> {
    key.keyed_hash(&[b"head", id.as_bytes(), &seq.to_be_bytes(), mac])
        .to_vec()
}
