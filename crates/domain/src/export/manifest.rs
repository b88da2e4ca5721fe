//! What the archive says of itself: its files, what is in it, what is not, and why.

use serde::Serialize;

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest {
    /// What the file is, for programs: grows when its form changes.
    pub format: &'static str,
    /// The company's name.
    pub company: String,
    /// When the archive was made (RFC 3339).
    pub made_at: String,
    /// What was asked for, as [`super::Wanted`] writes it.
    pub wanted: String,
    /// Every other file of the archive.
    pub files: Vec<FileEntry>,
    /// What is in it.
    pub included: Vec<Contained>,
    /// What is held and is not in it.
    pub not_included: Vec<LeftOut>,
    /// Single values that are in it only in part, or not at all: of each collection the first [`MOST_NOT_IN_FULL`];
    /// [`Contained::not_in_full`] counts all.
    pub not_in_full: Vec<NotInFull>,
}

/// Values that are named one by one, in a collection.
pub const MOST_NOT_IN_FULL: usize = 1_000;

/// The form of [`Manifest`].
pub const FORMAT: &str = "fairhold-export/1";

/// A file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileEntry {
    /// Its path in the archive.
    pub path: String,
    /// Its rows; `None` for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Its length, unpacked.
    pub bytes: u64,
    /// SHA-256 of it, unpacked, in hexadecimal digits.
    pub sha256: String,
}

/// A collection that is in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contained {
    /// The dataset's key.
    pub dataset: String,
    /// The dataset's name.
    pub system: String,
    /// The collection's name.
    pub collection: String,
    /// As customers read it.
    pub label: String,
    /// How many rows.
    pub rows: u64,
    /// Rows that the customer's own rows point at: they are the same for everybody.
    pub shared: bool,
    /// All rows that there are; `false`: reading broke off, and `not_included` says why.
    pub complete: bool,
    /// How many values are there only in part, or not at all.
    pub not_in_full: u64,
}

/// A value that is not in the archive in full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotInFull {
    /// The dataset's key.
    pub dataset: String,
    /// The collection.
    pub collection: String,
    /// The values of the row's key.
    pub row: Vec<serde_json::Value>,
    /// The column.
    pub field: String,
    /// Its whole length in bytes; `None`: nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why.
    pub why: WhyNot,
}

/// Something that is held and is not in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The dataset's key; the name of a table that no dataset mentions stands in `collection`.
    pub dataset: String,
    /// The dataset's name.
    pub system: String,
    /// The collection; `None`: the whole system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The field; `None`: the whole collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// As customers read it.
    pub label: String,
    /// Why.
    pub why: WhyNot,
    /// Why, in a sentence.
    pub reason: String,
}

/// Why something is not in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// It is never shown, for a reason that the company gives.
    Withheld,
    /// Its system did not answer in time.
    Slow,
    /// Its system can't be reached, or refused.
    Down,
    /// It changed its form while it was read.
    Changed,
    /// The portal has no way to its system.
    NotConnected,
    /// Nobody checked yet that it is the customer's.
    NotProven,
    /// Nobody described the table, so nobody knows whose rows it holds.
    Undescribed,
    /// Only its beginning is in the archive, or its length: it is too large.
    TooLong,
    /// The database calls it text, and it is not.
    Damaged,
}

impl WhyNot {
    /// The sentence for what has no reason of its own. `system` is the system's name inside a sentence.
    pub fn words(self, system: &str) -> String {
        match self {
            Self::Withheld => "It is never shown.".to_owned(),
            Self::Slow => format!("{system} did not answer in time."),
            Self::Down => format!("{system} did not answer."),
            Self::Changed => format!("What {system} holds changed while we read it."),
            Self::NotConnected => format!("This portal has no way to {system} yet."),
            Self::NotProven => {
                "Nobody has checked yet that this is about you. My data says how to show it."
                    .to_owned()
            }
            Self::Undescribed => {
                "Nobody has written down what is in this table, so we can't tell if anything there is about you."
                    .to_owned()
            }
            Self::TooLong => {
                "It is too large for a copy. Here is how it begins, or how large it is. Ask us for the rest."
                    .to_owned()
            }
            Self::Damaged => "It is damaged, so nobody can read it. Ask us about it.".to_owned(),
        }
    }

    /// Whether the customer may get it by trying again.
    pub const fn may_come_later(self) -> bool {
        matches!(self, Self::Slow | Self::Down | Self::Changed)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use super::*;
    use crate::reading::is_hard_to_read;

    #[test]
    fn every_reason_is_easy_to_read() {
        for why in [
            WhyNot::Withheld,
            WhyNot::Slow,
            WhyNot::Down,
            WhyNot::Changed,
            WhyNot::NotConnected,
            WhyNot::NotProven,
            WhyNot::Undescribed,
            WhyNot::TooLong,
            WhyNot::Damaged,
        ] {
            assert_eq!(is_hard_to_read(&why.words("our shop")), None, "{why:?}");
        }
    }

    #[test]
    fn a_programs_reader_finds_its_words() {
        let left_out = LeftOut {
            dataset: "shop".to_owned(),
            system: "Our shop".to_owned(),
            collection: None,
            field: None,
            label: "Our shop".to_owned(),
            why: WhyNot::Slow,
            reason: WhyNot::Slow.words("our shop"),
        };
        let json = serde_json::to_value(&left_out).unwrap();
        assert_eq!(json.get("why").and_then(|why| why.as_str()), Some("slow"));
        assert_eq!(json.get("field"), None);
    }
}
