//! Identifiers. They tell things apart; none of them is a secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person with a portal account: the portal's own id, never a connected system's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub Uuid);

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CustomerId {
    /// Reads an id as the store writes it: a hyphenated UUID.
    ///
    /// # Errors
    /// When the text is not a UUID.
    pub fn parse(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Somebody who works for the company behind the staff door.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaffId(pub Uuid);

impl fmt::Display for StaffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StaffId {
    /// Reads an id as the store writes it: a hyphenated UUID.
    ///
    /// # Errors
    /// When the text is not a UUID.
    pub fn parse(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Where a field stands: dataset, collection, field. Fields inside others are joined by dots.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FieldPath {
    /// The dataset's `fides_key`.
    pub dataset: String,
    /// The collection's (table's) name as the database spells it.
    pub collection: String,
    /// The field's (column's) name as the database spells it.
    pub field: String,
}

impl FieldPath {
    /// Names a field.
    pub fn new(dataset: &str, collection: &str, field: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            collection: collection.to_owned(),
            field: field.to_owned(),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.dataset, self.collection, self.field)
    }
}
