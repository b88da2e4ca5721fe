//! The journal of points: entries are only ever added, each under a key that makes it once, each with a code that covers the
//! one before it. [`verify`] proves that every balance is the sum of its journal.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::points::{self, Change, Kind, PointsError};
use fairhold_domain::time::Moment;
use serde::Serialize;

use crate::db::{Db, Result, StoreError, Tx};
use crate::seal::{SecretKey, equal, hex};

/// Journals that are walked with one reading of their names.
const STRIDE: i64 = 500;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the journal, from 1.
    pub seq: i64,
    /// What the sums need of it.
    pub change: Change,
    /// What it is.
    pub kind: Kind,
    /// A purpose, a reward: what the kind says.
    pub about: String,
    /// Why, sealed for the customer.
    pub reason: Option<Vec<u8>>,
}

/// What is to be entered.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// Points that come, or go.
    pub points: i64,
    /// What it is.
    pub kind: Kind,
    /// A purpose, a reward: what the kind says.
    pub about: &'a str,
    /// Why, sealed for the customer.
    pub reason: Option<Vec<u8>>,
    /// What is entered twice under one key is entered once.
    pub key: &'a str,
    /// From when points that come can be spent.
    pub spendable_at: Moment,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It was entered, and leaves this balance.
    Added(i64),
    /// It was there already, with so many points.
    Known(i64),
    /// The balance would leave its bounds: nothing was entered.
    Refused(PointsError),
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    seq: i64,
    balance: i64,
    mac: Vec<u8>,
    seal: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    seq: i64,
    at: i64,
    points: i64,
    kind: String,
    about: String,
    reason: Option<Vec<u8>>,
    entry_key: String,
    spendable_at: i64,
    mac: Vec<u8>,
}

impl EntryRow {
    fn read(self) -> Result<Entry> {
        Ok(Entry {
            seq: self.seq,
            change: self.change(),
            kind: kind_of(&self.kind)?,
            about: self.about,
            reason: self.reason,
        })
    }

    const fn change(&self) -> Change {
        Change {
            at: Moment(self.at),
            points: self.points,
            spendable_at: Moment(self.spendable_at),
        }
    }
}

/// Appends an entry. The caller holds the customer ([`crate::accounts::hold`]), so that of two at once one comes after the
/// other.
///
/// # Errors
/// [`StoreError::Seal`] when the end of the journal has been tampered with: then nothing is entered.
pub async fn append(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    programme: &str,
    new: &NewEntry<'_>,
    now: Moment,
) -> Result<Appended> {
    let sql = "SELECT points FROM point_entries WHERE customer_id = $1 AND programme = $2 AND entry_key = $3";
    let args = [customer.into(), programme.into(), new.key.into()];
    if let Some((points,)) = tx.optional::<(i64,)>(sql, args).await? {
        return Ok(Appended::Known(points));
    }
    let journal = Journal {
        key,
        customer: customer.to_string(),
        programme,
    };
    let head = journal.head(tx).await?;
    let balance = match points::after(head.balance, new.points) {
        Ok(balance) => balance,
        Err(error) => return Ok(Appended::Refused(error)),
    };
    let kind = word_of(new.kind)?;
    let mut row = EntryRow {
        seq: head.seq + 1,
        at: now.0,
        points: new.points,
        kind,
        about: new.about.to_owned(),
        reason: new.reason.clone(),
        entry_key: new.key.to_owned(),
        spendable_at: new.spendable_at.0,
        mac: Vec::new(),
    };
    row.mac = journal.mac(&row, &head.mac);
    let seal = journal.seal(row.seq, balance, &row.mac);
    let sql = "INSERT INTO point_entries (customer_id, programme, seq, at, points, kind, about, reason, entry_key, \
               spendable_at, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let args = [
        customer.into(),
        programme.into(),
        row.seq.into(),
        row.at.into(),
        row.points.into(),
        row.kind.into(),
        row.about.into(),
        row.reason.into(),
        row.entry_key.into(),
        row.spendable_at.into(),
        row.mac.clone().into(),
    ];
    tx.execute(sql, args).await?;
    let sql = "INSERT INTO point_heads (customer_id, programme, seq, balance, mac, seal) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (customer_id, programme) DO UPDATE SET seq = excluded.seq, balance = excluded.balance, \
               mac = excluded.mac, seal = excluded.seal";
    let args = [
        customer.into(),
        programme.into(),
        row.seq.into(),
        balance.into(),
        row.mac.into(),
        seal.into(),
    ];
    tx.execute(sql, args).await?;
    Ok(Appended::Added(balance))
}

/// A customer's journal of one programme, the oldest entry first.
pub async fn entries(tx: &mut Tx, customer: CustomerId, programme: &str) -> Result<Vec<Entry>> {
    let sql = "SELECT seq, at, points, kind, about, reason, entry_key, spendable_at, mac FROM point_entries \
               WHERE customer_id = $1 AND programme = $2 ORDER BY seq";
    let rows: Vec<EntryRow> = tx.all(sql, [customer.into(), programme.into()]).await?;
    rows.into_iter().map(EntryRow::read).collect()
}

/// The programmes in which a customer has a journal, each with its balance.
pub async fn balances(tx: &mut Tx, customer: CustomerId) -> Result<Vec<(String, i64)>> {
    let sql =
        "SELECT programme, balance FROM point_heads WHERE customer_id = $1 ORDER BY programme";
    tx.all(sql, [customer.into()]).await
}

/// Whether proven addresses and numbers may bring points for a cause: nobody brought one of them before, or this customer did.
/// Each hash covers the contact point, the programme and the cause. With one that is somebody else's, none is taken.
pub async fn claim_contacts(tx: &mut Tx, customer: CustomerId, hashes: &[String]) -> Result<bool> {
    for hash in hashes {
        if holder(tx, hash)
            .await?
            .is_some_and(|held| held != customer.to_string())
        {
            return Ok(false);
        }
    }
    for hash in hashes {
        if !claim_contact(tx, customer, hash).await? {
            // Somebody else took it since: the caller's transaction gives no points, and what was claimed is theirs anyway.
            return Ok(false);
        }
    }
    Ok(true)
}

async fn claim_contact(tx: &mut Tx, customer: CustomerId, hash: &str) -> Result<bool> {
    let sql = "INSERT INTO earned_contacts (contact_hash, customer_id) VALUES ($1, $2) ON CONFLICT (contact_hash) DO NOTHING";
    let args = [hash.into(), customer.into()];
    if tx.execute(sql, args).await? == 1 {
        return Ok(true);
    }
    let held = holder(tx, hash).await?;
    Ok(held.is_some_and(|held| held == customer.to_string()))
}

async fn holder(tx: &mut Tx, hash: &str) -> Result<Option<String>> {
    let sql = "SELECT customer_id FROM earned_contacts WHERE contact_hash = $1";
    let held: Option<(String,)> = tx.optional(sql, [hash.into()]).await?;
    Ok(held.map(|(held,)| held))
}

/// What [`claim_contacts`] looks up.
pub fn contact_cause_hash(key: &SecretKey, contact: &str, programme: &str, cause: &str) -> String {
    hex(&key.keyed_hash(&[
        b"earned",
        contact.as_bytes(),
        programme.as_bytes(),
        cause.as_bytes(),
    ]))
}

/// Customers with points of a programme, after `after` in the order of ids.
pub async fn holders(
    tx: &mut Tx,
    programme: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<CustomerId>> {
    let sql = "SELECT customer_id FROM point_heads WHERE programme = $1 AND balance > 0 AND customer_id > $2 \
               ORDER BY customer_id LIMIT $3";
    let args = [programme.into(), after.into(), limit.into()];
    let rows: Vec<(String,)> = tx.all(sql, args).await?;
    let id = |(id,): (String,)| CustomerId::parse(&id).map_err(|_| StoreError::Form);
    rows.into_iter().map(id).collect()
}

/// The day that the last announcement named for the end of points, until they have ended.
pub async fn noticed_until(
    tx: &mut Tx,
    customer: CustomerId,
    programme: &str,
) -> Result<Option<Moment>> {
    let sql = "SELECT noticed_until FROM point_heads WHERE customer_id = $1 AND programme = $2";
    let args = [customer.into(), programme.into()];
    let row = tx.optional::<(Option<i64>,)>(sql, args).await?;
    Ok(row.and_then(|(until,)| until).map(Moment))
}

/// Notes that the end of points was announced for a day, or, without one, that they have ended.
pub async fn note_notice(
    tx: &mut Tx,
    customer: CustomerId,
    programme: &str,
    until: Option<Moment>,
) -> Result<()> {
    let sql = "UPDATE point_heads SET noticed_until = $3 WHERE customer_id = $1 AND programme = $2";
    let until = until.map(|until| until.0);
    let args = [customer.into(), programme.into(), until.into()];
    tx.execute(sql, args).await?;
    Ok(())
}

/// What a walk through all journals found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many journals there are.
    pub journals: u64,
    /// How many entries they have.
    pub entries: u64,
    /// Those whose sum or codes are wrong, each once.
    pub wrong: Vec<WrongJournal>,
}

/// A journal that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrongJournal {
    /// Whose.
    pub customer_id: String,
    /// Of which programme.
    pub programme: String,
    /// The first entry that is wrong, or the one after the last.
    pub seq: i64,
}

/// Adds up every journal: its numbers have no gap, its codes fit, no key is there twice, and the balance is the sum.
pub async fn verify(db: &Db, key: &SecretKey) -> Result<Sums> {
    let mut sums = Sums::default();
    let mut after = (String::new(), String::new());
    loop {
        let sql = "SELECT customer_id, programme FROM point_heads WHERE (customer_id, programme) > ($1, $2) \
                   UNION SELECT customer_id, programme FROM point_entries WHERE (customer_id, programme) > ($1, $2) \
                   ORDER BY customer_id, programme LIMIT $3";
        let args = [
            after.0.as_str().into(),
            after.1.as_str().into(),
            STRIDE.into(),
        ];
        let known: Vec<(String, String)> = db.read().await?.all(sql, args).await?;
        let Some(last) = known.last() else {
            return Ok(sums);
        };
        after = last.clone();
        for (customer, programme) in known {
            sums.journals += 1;
            let journal = Journal {
                key,
                customer,
                programme: &programme,
            };
            let mut tx = db.read().await?;
            if let Some(seq) = journal.first_wrong(&mut tx, &mut sums.entries).await? {
                sums.wrong.push(WrongJournal {
                    customer_id: journal.customer,
                    programme: programme.clone(),
                    seq,
                });
            }
        }
    }
}

/// One customer's journal of one programme.
struct Journal<'a> {
    key: &'a SecretKey,
    customer: String,
    programme: &'a str,
}

impl Journal<'_> {
    /// Where it ends; the beginning where it has no entry.
    async fn head(&self, tx: &mut Tx) -> Result<HeadRow> {
        let sql = "SELECT seq, balance, mac, seal FROM point_heads WHERE customer_id = $1 AND programme = $2";
        let args = [self.customer.as_str().into(), self.programme.into()];
        let head = tx.optional::<HeadRow>(sql, args).await?;
        let head = head.unwrap_or_else(|| HeadRow {
            seq: 0,
            balance: 0,
            mac: Vec::new(),
            seal: self.seal(0, 0, &[]),
        });
        if equal(&head.seal, &self.seal(head.seq, head.balance, &head.mac)) {
            Ok(head)
        } else {
            Err(StoreError::Seal)
        }
    }

    /// Whether there are entries and no end.
    async fn lost_its_end(&self, tx: &mut Tx) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM point_entries e WHERE e.customer_id = $1 AND e.programme = $2 AND NOT EXISTS \
                   (SELECT 1 FROM point_heads h WHERE h.customer_id = e.customer_id AND h.programme = e.programme)";
        let args = [self.customer.as_str().into(), self.programme.into()];
        let (entries,) = tx.one::<(i64,)>(sql, args).await?;
        Ok(entries > 0)
    }

    fn mac(&self, row: &EntryRow, previous: &[u8]) -> Vec<u8> {
        let reason = row.reason.as_deref();
        self.key
            .keyed_hash(&[
                b"points",
                self.customer.as_bytes(),
                self.programme.as_bytes(),
                &row.seq.to_be_bytes(),
                &row.at.to_be_bytes(),
                &row.points.to_be_bytes(),
                row.kind.as_bytes(),
                row.about.as_bytes(),
                &[u8::from(reason.is_some())],
                reason.unwrap_or_default(),
                row.entry_key.as_bytes(),
                &row.spendable_at.to_be_bytes(),
                previous,
            ])
            .to_vec()
    }

    fn seal(&self, seq: i64, balance: i64, mac: &[u8]) -> Vec<u8> {
        self.key
            .keyed_hash(&[
                b"points-head",
                self.customer.as_bytes(),
                self.programme.as_bytes(),
                &seq.to_be_bytes(),
                &balance.to_be_bytes(),
                mac,
            ])
            .to_vec()
    }

    /// The number of the first entry that is wrong; adds to `walked` how many were read.
    async fn first_wrong(&self, tx: &mut Tx, walked: &mut u64) -> Result<Option<i64>> {
        // The end is read before the entries: a journal grows meanwhile, it never shrinks.
        let head = match self.head(tx).await {
            Err(StoreError::Seal) => return Ok(Some(0)),
            head => head?,
        };
        if head.seq == 0 && self.lost_its_end(tx).await? {
            return Ok(Some(0));
        }
        let sql = "SELECT seq, at, points, kind, about, reason, entry_key, spendable_at, mac FROM point_entries \
                   WHERE customer_id = $1 AND programme = $2 AND seq <= $3 ORDER BY seq";
        let args = [
            self.customer.as_str().into(),
            self.programme.into(),
            head.seq.into(),
        ];
        let rows: Vec<EntryRow> = tx.all(sql, args).await?;
        let (mut seq, mut sum, mut mac) = (0, 0, Vec::new());
        for row in rows {
            *walked += 1;
            let next = points::after(sum, row.points);
            let (true, true, Ok(next)) = (
                row.seq == seq + 1,
                equal(&row.mac, &self.mac(&row, &mac)),
                next,
            ) else {
                return Ok(Some(seq + 1));
            };
            (seq, sum, mac) = (row.seq, next, row.mac);
        }
        let whole = seq == head.seq && sum == head.balance && equal(&mac, &head.mac);
        Ok((!whole).then_some(seq + 1))
    }
}

fn word_of(kind: Kind) -> Result<String> {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(StoreError::Form),
    }
}

fn kind_of(word: &str) -> Result<Kind> {
    serde_json::from_value(word.into()).map_err(|_| StoreError::Form)
}
