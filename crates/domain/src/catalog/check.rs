//! What is wrong with a catalog, each thing with its file and line and what to write instead.
//!
//! [`check_rules`] needs the files alone; [`check_schema`] holds them against a live database. A new rule is a function
//! that pushes findings with a code of its own, called by one of the two, with a test of a catalog that breaks just it.
//!
//! What a field must say depends on what it holds:
//!
//! | the field | must say |
//! |---|---|
//! | of the customer (`rows: own`, or no `rows`) | label, why, origin, purposes, keep, erase |
//! | `withheld`, with a reason, as every password and code must be | label |
//! | with `system.*` categories alone | label, why |
//! | of a `shared` collection, without a `user.*` category | label |
//! | of a collection of `others` or `nobody` | nothing: it is never read |

use std::fmt;

use serde::Serialize;

use self::asks::{check_asks, check_programmes, check_rewards};
use self::company::{check_company, check_never_collected};
use self::datasets::{check_collection, check_dataset, check_ties};
use self::fields::check_field;
use super::{Catalog, Collection, Place, Rows};
use crate::reach::reach;
use crate::reading::{Problem, is_hard_to_read};

mod asks;
mod company;
mod datasets;
mod drift;
mod fields;
mod schema;

pub use asks::check_reward;
pub use drift::Drift;
pub(super) use fields::unsaid;
pub use schema::check_schema;
pub(super) use schema::{Undescribed, undescribed};

/// Longer messages are cut at this many characters, so that hostile names can't flood a screen.
const LONGEST_MESSAGE: usize = 1_000;

/// One thing to put right, or to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// Whether the check fails for it.
    pub severity: Severity,
    /// A stable short name, for machines and tests.
    pub code: &'static str,
    /// What is wrong, and what to write. One line.
    pub message: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The catalog must not be used like this.
    Error,
    /// Good to know; nothing fails.
    Note,
}

impl Finding {
    pub(super) fn error(place: &Place, code: &'static str, message: String) -> Self {
        Self::new(place, Severity::Error, code, message)
    }

    pub(super) fn note(place: &Place, code: &'static str, message: String) -> Self {
        Self::new(place, Severity::Note, code, message)
    }

    fn new(place: &Place, severity: Severity, code: &'static str, mut message: String) -> Self {
        // Names come from files and databases: none of them may break the line or the terminal.
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, " ");
        }
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            place: place.clone(),
            severity,
            code,
            message,
        }
    }

    /// Whether the check fails for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line: message`, without the line where the whole file is meant. Notes say that they are notes.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.place.file)?;
        if self.place.line > 0 {
            write!(f, "{}:", self.place.line)?;
        }
        let note = if self.is_error() { "" } else { "note: " };
        write!(f, " {note}{}", self.message)
    }
}

/// Everything that can be judged without a database, in the order of files and lines.
pub fn check_rules(catalog: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_company(&catalog.company, &mut findings);
    check_never_collected(catalog, &mut findings);
    check_programmes(&catalog.company, &mut findings);
    check_asks(catalog, &mut findings);
    check_rewards(catalog, &mut findings);
    let reach = reach(&catalog.datasets);
    for (index, dataset) in catalog.datasets.iter().enumerate() {
        check_dataset(catalog, dataset, &mut findings);
        check_ties(catalog, index, dataset, &reach, &mut findings);
        for collection in dataset.collections.iter().filter(|c| is_read(c)) {
            check_collection(catalog, collection, &mut findings);
            for field in &collection.fields {
                check_field(collection, field, &mut findings);
            }
        }
    }
    in_order(findings)
}

/// By place, and what several fields inherit is named once.
pub(super) fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings
}

/// Whether the portal ever reads the collection.
pub(super) fn is_read(collection: &Collection) -> bool {
    !matches!(collection.rows, Some(Rows::Others | Rows::Nobody))
}

/// A text that customers read must be one that they can read.
fn check_text(key: &str, text: Option<&str>, place: &Place, findings: &mut Vec<Finding>) {
    let Some(problem) = text.and_then(is_hard_to_read) else {
        return;
    };
    findings.push(match problem {
        Problem::Jargon { word, instead } => Finding::error(
            place,
            "jargon",
            format!("`{key}` says \"{word}\", which is office talk. Write instead: {instead}."),
        ),
        Problem::TooHard { words, grade } => Finding::error(
            place,
            "hard-to-read",
            format!(
                "`{key}` has {words} words and reads at grade {grade:.0}. Write shorter sentences with shorter words: grade 8 at most, or 30 words at most."
            ),
        ),
    });
}

#[cfg(test)]
mod tests;
