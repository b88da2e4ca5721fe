//! Grants, and the consent records that made them what they are (ISO/IEC TS 27560). Records are only ever added.

use fairhold_domain::grant::{Event, Standing};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::{Result, StoreError, Tx};

/// A grant as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGrant {
    /// The purpose's key.
    pub purpose: String,
    /// The ask that made it; empty where it was made on the page of permissions.
    pub ask: String,
    /// The fields that it covers, by their names.
    pub fields: Vec<String>,
    /// What the last record left.
    pub standing: Standing,
    /// When that was.
    pub changed_at: Moment,
}

/// A consent record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Its number among the customer's, from 1.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// The purpose's key.
    pub purpose: String,
    /// The ask that it answered; empty where there was none.
    pub ask: String,
    /// The fields that it was about, by their names.
    pub fields: Vec<String>,
    /// What happened.
    pub event: Event,
    /// The version of the purpose's words.
    pub version: u32,
    /// The version of the ask; 0 where there was none.
    pub ask_version: u32,
    /// Until when a yes counts.
    pub until: Option<Moment>,
    /// The exact words that were shown.
    pub words: String,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct NewRecord<'a> {
    /// The purpose's key.
    pub purpose: &'a str,
    /// The ask that it answers; empty where there is none.
    pub ask: &'a str,
    /// The fields that it is about, by their names, which hold no comma.
    pub fields: &'a [String],
    /// What happens.
    pub event: Event,
    /// The version of the purpose's words.
    pub version: u32,
    /// The version of the ask; 0 where there is none.
    pub ask_version: u32,
    /// Until when a yes counts.
    pub until: Option<Moment>,
    /// The exact words that were shown.
    pub words: &'a str,
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    purpose: String,
    ask: String,
    fields: String,
    state: String,
    version: i64,
    ends_at: Option<i64>,
    changed_at: i64,
}

impl GrantRow {
    fn read(self) -> Result<StoredGrant> {
        Ok(StoredGrant {
            purpose: self.purpose,
            ask: self.ask,
            fields: names(&self.fields),
            standing: Standing {
                state: from_word(&self.state)?,
                version: version(self.version)?,
                until: self.ends_at.map(Moment),
            },
            changed_at: Moment(self.changed_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct RecordRow {
    seq: i64,
    at: i64,
    purpose: String,
    ask: String,
    fields: String,
    event: String,
    version: i64,
    ask_version: i64,
    ends_at: Option<i64>,
    words: String,
}

impl RecordRow {
    fn read(self) -> Result<ConsentRecord> {
        Ok(ConsentRecord {
            seq: self.seq,
            at: Moment(self.at),
            purpose: self.purpose,
            ask: self.ask,
            fields: names(&self.fields),
            event: from_word(&self.event)?,
            version: version(self.version)?,
            ask_version: version(self.ask_version)?,
            until: self.ends_at.map(Moment),
            words: self.words,
        })
    }
}

/// All grants of a customer.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<StoredGrant>> {
    let sql = "SELECT purpose, ask, fields, state, version, ends_at, changed_at FROM grants WHERE customer_id = $1 ORDER BY purpose, ask";
    let rows: Vec<GrantRow> = tx.all(sql, [customer.into()]).await?;
    rows.into_iter().map(GrantRow::read).collect()
}

/// The grants for a purpose: one for each ask that was answered, and the one made on the page of permissions.
pub async fn for_purpose(
    tx: &mut Tx,
    customer: CustomerId,
    purpose: &str,
) -> Result<Vec<StoredGrant>> {
    let sql = "SELECT purpose, ask, fields, state, version, ends_at, changed_at FROM grants \
               WHERE customer_id = $1 AND purpose = $2 ORDER BY ask";
    let rows: Vec<GrantRow> = tx.all(sql, [customer.into(), purpose.into()]).await?;
    rows.into_iter().map(GrantRow::read).collect()
}

/// Whose yes has come to its end and is not written down as ended, `limit` at most.
pub async fn due(tx: &mut Tx, now: Moment, limit: i64) -> Result<Vec<CustomerId>> {
    let sql = "SELECT DISTINCT customer_id FROM grants WHERE ends_at <= $1 AND state IN ('given', 'renewed') LIMIT $2";
    let rows: Vec<(String,)> = tx.all(sql, [now.into(), limit.into()]).await?;
    let id = |(id,): (String,)| CustomerId::parse(&id).map_err(|_| StoreError::Form);
    rows.into_iter().map(id).collect()
}

/// Writes down that each yes of a customer whose time is over has ended. The caller holds the customer.
pub async fn expire(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<()> {
    for grant in of(tx, customer).await? {
        let over = grant.standing.until.is_some_and(|until| until <= now);
        if grant.standing.state.in_force() && over {
            let (last, ask_version) = last_words(tx, customer, &grant).await?;
            let record_of = NewRecord {
                purpose: &grant.purpose,
                ask: &grant.ask,
                fields: &grant.fields,
                event: Event::Expired,
                version: grant.standing.version,
                ask_version,
                until: None,
                words: &last,
            };
            record(tx, customer, &record_of, now).await?;
        }
    }
    Ok(())
}

/// The words of the newest record of a grant, and the version of its ask.
async fn last_words(
    tx: &mut Tx,
    customer: CustomerId,
    grant: &StoredGrant,
) -> Result<(String, u32)> {
    let sql = "SELECT words, ask_version FROM consent_records WHERE customer_id = $1 AND purpose = $2 AND ask = $3 \
               ORDER BY seq DESC LIMIT 1";
    let args = [
        customer.into(),
        grant.purpose.as_str().into(),
        grant.ask.as_str().into(),
    ];
    let (words, ask_version) = tx.one::<(String, i64)>(sql, args).await?;
    Ok((words, version(ask_version)?))
}

/// One grant; one that nobody was asked about where there is none.
pub async fn standing(
    tx: &mut Tx,
    customer: CustomerId,
    purpose: &str,
    ask: &str,
) -> Result<Standing> {
    let sql = "SELECT purpose, ask, fields, state, version, ends_at, changed_at FROM grants \
               WHERE customer_id = $1 AND purpose = $2 AND ask = $3";
    let args = [customer.into(), purpose.into(), ask.into()];
    let row: Option<GrantRow> = tx.optional(sql, args).await?;
    row.map_or(Ok(Standing::default()), |row| Ok(row.read()?.standing))
}

/// Appends a record, and makes the grant what it leaves. The caller holds the customer ([`crate::accounts::hold`]), so that of
/// two answers at once one comes after the other.
///
/// # Errors
/// [`StoreError::Conflict`] when the event can't follow on what stands: then nothing is recorded.
pub async fn record(
    tx: &mut Tx,
    customer: CustomerId,
    new: &NewRecord<'_>,
    now: Moment,
) -> Result<Standing> {
    let before = standing(tx, customer, new.purpose, new.ask).await?;
    let state = before
        .state
        .after(new.event)
        .map_err(|_| StoreError::Conflict)?;
    let sql = "INSERT INTO consent_records (customer_id, seq, at, purpose, event, version, ends_at, words, ask, fields, ask_version) \
               SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM consent_records WHERE customer_id = $1";
    let until = new.until.map(|until| until.0);
    let fields = new.fields.join(",");
    let args = [
        customer.into(),
        now.into(),
        new.purpose.into(),
        word(new.event)?.into(),
        i64::from(new.version).into(),
        until.into(),
        new.words.into(),
        new.ask.into(),
        fields.as_str().into(),
        i64::from(new.ask_version).into(),
    ];
    tx.execute(sql, args).await?;
    let sql = "INSERT INTO grants (customer_id, purpose, ask, fields, state, version, ends_at, changed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (customer_id, purpose, ask) DO UPDATE SET fields = excluded.fields, state = excluded.state, \
               version = excluded.version, ends_at = excluded.ends_at, changed_at = excluded.changed_at";
    let args = [
        customer.into(),
        new.purpose.into(),
        new.ask.into(),
        fields.into(),
        word(state)?.into(),
        i64::from(new.version).into(),
        until.into(),
        now.into(),
    ];
    tx.execute(sql, args).await?;
    Ok(Standing {
        state,
        version: new.version,
        until: new.until,
    })
}

/// The newest records before number `before`, `limit` at most, newest first.
pub async fn records(
    tx: &mut Tx,
    customer: CustomerId,
    before: i64,
    limit: i64,
) -> Result<Vec<ConsentRecord>> {
    let sql = "SELECT seq, at, purpose, ask, fields, event, version, ask_version, ends_at, words FROM consent_records \
               WHERE customer_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let args = [customer.into(), before.into(), limit.into()];
    let rows: Vec<RecordRow> = tx.all(sql, args).await?;
    rows.into_iter().map(RecordRow::read).collect()
}

/// One record, by its number.
pub async fn one_record(
    tx: &mut Tx,
    customer: CustomerId,
    seq: i64,
) -> Result<Option<ConsentRecord>> {
    let sql = "SELECT seq, at, purpose, ask, fields, event, version, ask_version, ends_at, words FROM consent_records \
               WHERE customer_id = $1 AND seq = $2";
    let row: Option<RecordRow> = tx.optional(sql, [customer.into(), seq.into()]).await?;
    row.map(RecordRow::read).transpose()
}

/// Names with commas between, as a column holds them.
fn names(column: &str) -> Vec<String> {
    let names = column.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The one word of a state or an event.
fn word(value: impl Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(StoreError::Form),
    }
}

fn from_word<T: DeserializeOwned>(word: &str) -> Result<T> {
    serde_json::from_value(word.into()).map_err(|_| StoreError::Form)
}

fn version(stored: i64) -> Result<u32> {
    stored.try_into().map_err(|_| StoreError::Form)
}
