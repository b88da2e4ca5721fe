//! My data as a person thinks of it: facts in groups, counted, searched, with an explanation for each field.
//!
//! What the page holds is here; the rules that fill and read it have a room each:
//!
//! - `cover`: what is shown of a value, and what is covered or withheld.
//! - `layout`: where a field or a list stands, and what names an entry.
//! - `summary`: the whole page in figures.
//! - `filter`: what the customer asked to see of it.
//! - `explain`: what a field is, why it is held, and what becomes of it.
//! - `words`: labels and names as they stand in sentences.

mod cover;
mod explain;
mod filter;
mod layout;
#[cfg(test)]
mod sample;
mod summary;
mod words;

use crate::catalog::{Group, Origin, ShownAs};
use crate::ids::FieldPath;

pub use cover::{SECRET_REASON, show, withheld};
pub use explain::{Explanation, basis_words, explain, kept_words};
pub use filter::{Filter, Obtained};
pub use layout::{group, list_group, list_origin, shown_as, title};
pub use summary::{Summary, summary};
pub use words::{
    capitalised, group_heading, in_sentence, label_in_sentence, origin_label, seen_phrase,
};

/// Everything that is held about one customer, as far as this page shows it.
#[derive(Clone, Debug, Default)]
pub struct MyData {
    /// One for each collection that holds something, in the catalog's order.
    pub parts: Vec<Part>,
    /// Every system, with what became of reading it.
    pub systems: Vec<System>,
    /// Tables that nobody described: they can't be tied to anyone. (System's name, table.)
    pub unknown_tables: Vec<(String, String)>,
    /// Labels of lists that a search did not look through to their end.
    pub not_searched_to_the_end: Vec<String>,
    /// What the company says it never collects.
    pub never_collected: Vec<String>,
}

/// One of the company's systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The dataset's key.
    pub key: String,
    /// As customers read it.
    pub name: String,
    /// What became of reading it.
    pub state: SystemState,
}

/// What became of reading a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemState {
    /// Its rows are shown.
    Shown,
    /// It answered, and knows nobody by this address.
    KnowsNobody,
    /// It knows the address, and has rows for which nobody checked that it is the customer's: they are not shown until a
    /// second fact matches.
    NeedsSecondFact,
    /// The same, and the catalog names no fact that could be asked for.
    NeverChecked,
    /// It can't be reached, or refuses.
    Down,
    /// It did not answer in time.
    Slow,
    /// What it holds has changed its form while it was read.
    Changed,
    /// No connection is set up for it.
    NotConnected,
}

impl SystemState {
    /// Whether its part of the page is missing.
    pub const fn is_missing(self) -> bool {
        !matches!(self, Self::Shown | Self::KnowsNobody)
    }

    /// Whether reading it did not work.
    pub const fn has_failed(self) -> bool {
        matches!(
            self,
            Self::Down | Self::Slow | Self::Changed | Self::NotConnected
        )
    }
}

/// What one collection holds about the customer.
#[derive(Clone, Debug)]
pub struct Part {
    /// The dataset's key.
    pub dataset: String,
    /// The dataset's name.
    pub system: String,
    /// The collection's name.
    pub collection: String,
    /// As customers read it.
    pub label: String,
    /// What it is.
    pub description: Option<String>,
    /// What one row is called.
    pub one_row: String,
    /// `Facts` or `List`.
    pub shown_as: ShownAs,
    /// Where a list stands.
    pub group: Group,
    /// The origin that most of its fields have.
    pub origin: Option<Origin>,
    /// The rows of this page.
    pub entries: Vec<Entry>,
    /// How many rows there are in all, or more than that.
    pub count: u64,
    /// Counting stopped at `count`.
    pub count_is_more: bool,
    /// Where the next page begins, sealed.
    pub next: Option<String>,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its fields.
    pub facts: Vec<Fact>,
    /// Labels of fields that are empty.
    pub empty: Vec<String>,
    /// Rows that it points at, such as the product of an order line.
    pub context: Vec<Context>,
    /// Since when it is held; `None`: not known.
    pub since: Option<String>,
}

/// A shared row beside an own one.
#[derive(Clone, Debug)]
pub struct Context {
    /// The shared collection, as customers read it.
    pub label: String,
    /// Its fields.
    pub facts: Vec<Fact>,
}

/// One field of one row.
#[derive(Clone, Debug)]
pub struct Fact {
    /// An opaque name of it, for the button that uncovers it.
    pub id: String,
    /// Where it stands.
    pub path: FieldPath,
    /// The dataset's name.
    pub system: String,
    /// Plain label, or the raw name where there is none.
    pub label: String,
    /// Whether the catalog describes it.
    pub described: bool,
    /// How it was obtained.
    pub origin: Option<Origin>,
    /// Where it stands on the page.
    pub group: Group,
    /// Its value.
    pub value: Shown,
    /// Since when it is held, in words; `None`: not known.
    pub since: Option<String>,
}

/// A value as the page shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// In plain sight.
    Plain(String),
    /// Covered until the customer uncovers it; the value is not in the page.
    Covered,
    /// Only its end.
    LastFour(String),
    /// Longer than a page shows.
    Long {
        /// How it begins.
        start: String,
        /// Its whole length.
        bytes: u64,
    },
    /// A picture or a file.
    File {
        /// Its length.
        bytes: u64,
    },
    /// It could not be read as text.
    Unreadable,
    /// Held and never shown, for this reason.
    Withheld(String),
}

/// Never the value.
impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Covered => "Covered",
            Self::LastFour(_) => "LastFour",
            Self::Long { .. } => "Long",
            Self::File { .. } => "File",
            Self::Unreadable => "Unreadable",
            Self::Withheld(_) => "Withheld",
        })
    }
}
