//! Rewards: what the staff changed about them, the codes that wait to be given, and what customers took.
//!
//! Of two who take the same reward at once, one waits for the other ([`hold`]): so a code is given once, and a stock is not
//! overdrawn, on both engines.

use fairhold_domain::catalog::{Reward, RewardKind};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::rewards::Change;
use fairhold_domain::time::Moment;
use serde::de::DeserializeOwned;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, Sealed, SecretKey, hex};

/// Rewards are read so many at most.
const MOST: i64 = 1_000;

/// How many there are of a reward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// So many were given out.
    pub given: u64,
    /// So many codes wait.
    pub waiting: u64,
}

/// What a customer took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Its name, which its form brought along.
    pub id: String,
    /// Whose points it cost.
    pub programme: String,
    /// The reward's key.
    pub reward: String,
    /// The reward's name, as it was then.
    pub name: String,
    /// What kind it is.
    pub kind: RewardKind,
    /// What it cost.
    pub costs: u32,
    /// When.
    pub at: Moment,
    /// Its code.
    pub code: Option<String>,
}

/// What the staff changed.
pub async fn changes(tx: &mut Tx) -> Result<Vec<Change>> {
    let sql = "SELECT reward, definition, paused FROM reward_changes ORDER BY reward LIMIT $1";
    let rows: Vec<(String, Option<String>, bool)> = tx.all(sql, [MOST.into()]).await?;
    let change = |(key, definition, paused): (String, Option<String>, bool)| {
        let definition = definition
            .map(|json| read_reward(&key, &json))
            .transpose()?;
        Ok(Change {
            key,
            definition,
            paused,
        })
    };
    rows.into_iter().map(change).collect()
}

/// Keeps a definition, in place of the one of the same key.
pub async fn define(tx: &mut Tx, reward: &Reward, now: Moment) -> Result<()> {
    let json = serde_json::to_string(reward).map_err(|_| StoreError::Form)?;
    let sql = "INSERT INTO reward_changes (reward, definition, paused, changed_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (reward) DO UPDATE SET definition = excluded.definition, changed_at = excluded.changed_at";
    let args = [
        reward.key.as_str().into(),
        json.into(),
        false.into(),
        now.into(),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Stops offering a reward, or goes on with it.
pub async fn pause(tx: &mut Tx, reward: &str, paused: bool, now: Moment) -> Result<()> {
    let sql = "INSERT INTO reward_changes (reward, definition, paused, changed_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (reward) DO UPDATE SET paused = excluded.paused, changed_at = excluded.changed_at";
    let nothing: Option<String> = None;
    let args = [reward.into(), nothing.into(), paused.into(), now.into()];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Holds a reward until the transaction ends: whoever takes, changes or fills it meanwhile waits.
pub async fn hold(tx: &mut Tx, reward: &str) -> Result<()> {
    let sql = "INSERT INTO reward_counts (reward, given) VALUES ($1, 0) \
               ON CONFLICT (reward) DO UPDATE SET given = reward_counts.given";
    tx.execute(sql, [reward.into()]).await?;
    Ok(())
}

/// How many there are of one reward.
pub async fn count(tx: &mut Tx, reward: &str) -> Result<Count> {
    let sql = "SELECT COALESCE((SELECT given FROM reward_counts WHERE reward = $1), 0), \
               (SELECT COUNT(*) FROM reward_codes WHERE reward = $1 AND given_at IS NULL)";
    let (given, waiting): (i64, i64) = tx.one(sql, [reward.into()]).await?;
    Ok(Count {
        given: whole(given)?,
        waiting: whole(waiting)?,
    })
}

/// Takes codes in; answers those that were known before. The caller holds the reward.
pub async fn add_codes(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    reward: &str,
    codes: &[String],
    now: Moment,
) -> Result<Vec<String>> {
    let mut known = Vec::new();
    for code in codes {
        let hash = code_hash(key, code);
        let sealed = key.seal(&waiting_identity(reward, &hash), code.as_bytes(), random)?;
        if !add_code(tx, &hash, reward, Some(sealed), now).await? {
            known.push(code.clone());
        }
    }
    Ok(known)
}

/// Notes a code that is made and given at once; `false` when it was known before, and must not be given.
pub async fn note_made_code(
    tx: &mut Tx,
    key: &SecretKey,
    reward: &str,
    code: &str,
    now: Moment,
) -> Result<bool> {
    let hash = code_hash(key, code);
    if !add_code(tx, &hash, reward, None, now).await? {
        return Ok(false);
    }
    give(tx, &hash, now).await
}

async fn add_code(
    tx: &mut Tx,
    hash: &str,
    reward: &str,
    sealed: Option<Sealed>,
    now: Moment,
) -> Result<bool> {
    let sql = "INSERT INTO reward_codes (code_hash, reward, sealed, added_at, given_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (code_hash) DO NOTHING";
    let never: Option<i64> = None;
    let args = [
        hash.into(),
        reward.into(),
        sealed.into(),
        now.into(),
        never.into(),
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Takes a code that waits, the oldest first; its text is nowhere here afterwards. `None` where none is left. The caller holds
/// the reward.
pub async fn take_code(
    tx: &mut Tx,
    key: &SecretKey,
    reward: &str,
    now: Moment,
) -> Result<Option<String>> {
    let sql = "SELECT code_hash, sealed FROM reward_codes WHERE reward = $1 AND given_at IS NULL \
               ORDER BY added_at, code_hash LIMIT 1";
    let waiting: Option<(String, Option<Vec<u8>>)> = tx.optional(sql, [reward.into()]).await?;
    let Some((hash, sealed)) = waiting else {
        return Ok(None);
    };
    let sealed = sealed.ok_or(StoreError::Form)?;
    let code = key.open(&waiting_identity(reward, &hash), &sealed)?;
    let code = String::from_utf8(code).map_err(|_| StoreError::Form)?;
    if !give(tx, &hash, now).await? {
        return Err(StoreError::Conflict);
    }
    Ok(Some(code))
}

async fn give(tx: &mut Tx, hash: &str, now: Moment) -> Result<bool> {
    let sql = "UPDATE reward_codes SET given_at = $2, sealed = NULL WHERE code_hash = $1 AND given_at IS NULL";
    Ok(tx.execute(sql, [hash.into(), now.into()]).await? == 1)
}

/// Writes down what a customer took, its code sealed for them, and counts it. The caller holds the customer and the reward.
///
/// # Errors
/// When the customer has one of that name.
pub async fn take(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    taken: &Redemption,
) -> Result<()> {
    let seal = |code: &String| {
        key.seal(
            &taken_identity(customer, &taken.id),
            code.as_bytes(),
            random,
        )
    };
    let code: Option<Sealed> = taken.code.as_ref().map(seal).transpose()?;
    let sql = "INSERT INTO redemptions (customer_id, redemption_id, programme, reward, name, kind, costs, at, code) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let args = [
        customer.into(),
        taken.id.as_str().into(),
        taken.programme.as_str().into(),
        taken.reward.as_str().into(),
        taken.name.as_str().into(),
        word_of(taken.kind)?.into(),
        i64::from(taken.costs).into(),
        taken.at.into(),
        code.into(),
    ];
    tx.execute(sql, args).await?;
    let sql = "UPDATE reward_counts SET given = given + 1 WHERE reward = $1";
    if tx.execute(sql, [taken.reward.as_str().into()]).await? == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}

#[derive(sqlx::FromRow)]
struct TakenRow {
    redemption_id: String,
    programme: String,
    reward: String,
    name: String,
    kind: String,
    costs: i64,
    at: i64,
    code: Option<Vec<u8>>,
}

impl TakenRow {
    fn open(self, key: &SecretKey, customer: CustomerId) -> Result<Redemption> {
        let open = |sealed: Vec<u8>| {
            let code = key.open(&taken_identity(customer, &self.redemption_id), &sealed)?;
            String::from_utf8(code).map_err(|_| StoreError::Form)
        };
        Ok(Redemption {
            code: self.code.map(open).transpose()?,
            id: self.redemption_id,
            programme: self.programme,
            reward: self.reward,
            name: self.name,
            kind: from_word(&self.kind)?,
            costs: u32::try_from(self.costs).map_err(|_| StoreError::Form)?,
            at: Moment(self.at),
        })
    }
}

/// One thing that a customer took.
pub async fn taken(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    id: &str,
) -> Result<Option<Redemption>> {
    let sql = "SELECT redemption_id, programme, reward, name, kind, costs, at, code FROM redemptions \
               WHERE customer_id = $1 AND redemption_id = $2";
    let row: Option<TakenRow> = tx.optional(sql, [customer.into(), id.into()]).await?;
    row.map(|row| row.open(key, customer)).transpose()
}

/// What a customer took, newest first, `limit` at most.
pub async fn all_taken(
    tx: &mut Tx,
    key: &SecretKey,
    customer: CustomerId,
    limit: i64,
) -> Result<Vec<Redemption>> {
    let sql = "SELECT redemption_id, programme, reward, name, kind, costs, at, code FROM redemptions \
               WHERE customer_id = $1 ORDER BY at DESC, redemption_id LIMIT $2";
    let rows: Vec<TakenRow> = tx.all(sql, [customer.into(), limit.into()]).await?;
    rows.into_iter()
        .map(|row| row.open(key, customer))
        .collect()
}

/// How many of each reward a customer took: key, name as it was last, and number.
pub async fn had(tx: &mut Tx, customer: CustomerId) -> Result<Vec<(String, String, u64)>> {
    let sql = "SELECT reward, MAX(name), COUNT(*) FROM redemptions WHERE customer_id = $1 GROUP BY reward ORDER BY reward";
    let rows: Vec<(String, String, i64)> = tx.all(sql, [customer.into()]).await?;
    let had = |(reward, name, count)| Ok((reward, name, whole(count)?));
    rows.into_iter().map(had).collect()
}

/// How many of one reward a customer took.
pub async fn had_of(tx: &mut Tx, customer: CustomerId, reward: &str) -> Result<u64> {
    let sql = "SELECT COUNT(*) FROM redemptions WHERE customer_id = $1 AND reward = $2";
    let (count,): (i64,) = tx.one(sql, [customer.into(), reward.into()]).await?;
    whole(count)
}

fn code_hash(key: &SecretKey, code: &str) -> String {
    hex(&key.keyed_hash(&[b"reward code", code.as_bytes()]))
}

fn waiting_identity(reward: &str, hash: &str) -> String {
    format!("reward-code:{reward}:{hash}")
}

fn taken_identity(customer: CustomerId, id: &str) -> String {
    format!("redemption:{customer}:{id}")
}

fn read_reward(key: &str, json: &str) -> Result<Reward> {
    let reward: Reward = serde_json::from_str(json).map_err(|_| StoreError::Form)?;
    (reward.key == key)
        .then_some(reward)
        .ok_or(StoreError::Form)
}

fn whole(count: i64) -> Result<u64> {
    u64::try_from(count).map_err(|_| StoreError::Form)
}

fn word_of(kind: RewardKind) -> Result<String> {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(StoreError::Form),
    }
}

fn from_word<T: DeserializeOwned>(word: &str) -> Result<T> {
    serde_json::from_value(word.into()).map_err(|_| StoreError::Form)
}
