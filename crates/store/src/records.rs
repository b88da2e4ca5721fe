//! One sealed record a customer: the values that the portal itself holds. Fields stay separate inside it.

use std::collections::BTreeMap;

use fairhold_domain::catalog::Origin;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use serde::{Deserialize, Serialize};

use crate::db::{Result, StoreError, Tx};
use crate::seal::{Random, SecretKey};

/// The values of one customer, by `collection.field` of the portal's own dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnRecord {
    /// In the order of their names.
    pub values: BTreeMap<String, OwnValue>,
}

/// A value that the portal itself collected.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnValue {
    /// As the customer would write it.
    pub value: String,
    /// How it came here.
    pub origin: Origin,
    /// Since when.
    pub at: Moment,
    /// The purpose under which it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The grant under which it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// Never the value.
impl std::fmt::Debug for OwnValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnValue")
            .field("origin", &self.origin)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Reads a customer's record and its version; an empty one of version 0 where there is none.
pub async fn read(tx: &mut Tx, key: &SecretKey, customer: CustomerId) -> Result<(OwnRecord, i64)> {
    let sql = "SELECT version, sealed FROM own_records WHERE customer_id = $1";
    let Some((version, sealed)) = tx
        .optional::<(i64, Vec<u8>)>(sql, [customer.into()])
        .await?
    else {
        return Ok((OwnRecord::default(), 0));
    };
    let plain = key.open(&identity(customer, version), &sealed)?;
    Ok((
        serde_json::from_slice(&plain).map_err(|_| StoreError::Form)?,
        version,
    ))
}

/// Writes a customer's record in place of the version that was read.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody wrote another version in between.
pub async fn write(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    record: &OwnRecord,
    read_version: i64,
) -> Result<()> {
    let version = read_version + 1;
    let plain = serde_json::to_vec(record).map_err(|_| StoreError::Form)?;
    let sealed = key.seal(&identity(customer, version), &plain, random)?;
    let changed = if read_version == 0 {
        let sql = "INSERT INTO own_records (customer_id, version, sealed) VALUES ($1, $2, $3) ON CONFLICT (customer_id) DO NOTHING";
        tx.execute(sql, [customer.into(), version.into(), sealed.into()])
            .await?
    } else {
        let sql = "UPDATE own_records SET version = $2, sealed = $3 WHERE customer_id = $1 AND version = $4";
        tx.execute(
            sql,
            [
                customer.into(),
                version.into(),
                sealed.into(),
                read_version.into(),
            ],
        )
        .await?
    };
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}

fn identity(customer: CustomerId, version: i64) -> String {
    format!("own-record:{customer}:{version}")
}
